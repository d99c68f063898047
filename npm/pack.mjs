// Creates the npm packages: the main one, and one for each program.
// Usage: node npm/pack.mjs FOLDER PLATFORM=PROGRAM...
// Writes FOLDER/flakeward and FOLDER/PLATFORM, which are ready for `npm pack` and `npm publish`.

import { chmod, copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [folder, ...programs] = process.argv.slice(2);
if (!folder || programs.length === 0) {
  console.error("usage: node npm/pack.mjs FOLDER PLATFORM=PROGRAM...");
  process.exit(2);
}

const read = async (file) => JSON.parse(await readFile(join(here, file), "utf8"));
const write = (file, value) => writeFile(file, JSON.stringify(value, null, 2) + "\n");
const manifest = await readFile(join(here, "../Cargo.toml"), "utf8");
const version = /^version = "(.*)"$/m.exec(manifest)[1];
const main = await read("flakeward/package.json");
const platforms = await read("flakeward/platforms.json");

const target = join(folder, "flakeward");
await rm(target, { recursive: true, force: true });
await cp(join(here, "flakeward"), target, { recursive: true });
const optional = Object.fromEntries(Object.keys(platforms).map((name) => [`@flakeward/${name}`, version]));
await write(join(target, "package.json"), { ...main, version, optionalDependencies: optional });

for (const argument of programs) {
  const [name, program] = argument.split(/=(.*)/s);
  const platform = platforms[name];
  if (!platform || !program) {
    console.error(`error: expected PLATFORM=PROGRAM with one of ${Object.keys(platforms).join(", ")}, not ${argument}`);
    process.exit(2);
  }
  const into = join(folder, name);
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  await copyFile(program, join(into, "flakeward"));
  await chmod(join(into, "flakeward"), 0o755);
  const { license, repository, publishConfig } = main;
  await write(join(into, "package.json"), {
    name: `@flakeward/${name}`,
    version,
    description: `The flakeward program for ${name}`,
    license,
    repository,
    os: [platform.os],
    cpu: [platform.cpu],
    ...(platform.libc && { libc: [platform.libc] }),
    files: ["flakeward"],
    preferUnplugged: true,
    publishConfig,
  });
}
