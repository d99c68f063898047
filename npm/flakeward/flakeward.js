#!/usr/bin/env node
"use strict";

// Runs the program in the package for this platform. No install script is needed: npm installs the optional dependency
// that fits the platform. If it is missing, the error explains why.

const { spawnSync } = require("node:child_process");
const { version } = require("./package.json");
const platforms = require("./platforms.json");

/** The C library of a Linux system. */
function libc() {
  const header = process.report?.getReport?.().header ?? {};
  return header.glibcVersionRuntime ? "glibc" : "musl";
}

/** The names of the packages whose program runs on this machine, the best one first. */
function candidates() {
  const fitting = Object.entries(platforms).filter(
    ([, platform]) => platform.os === process.platform && platform.cpu === process.arch,
  );
  if (process.platform !== "linux") return fitting.map(([name]) => name);
  // The program for musl is static, so it also runs with glibc.
  const here = libc();
  const runs = fitting.filter(([, platform]) => platform.libc === here || platform.libc === "musl");
  return runs.sort(([, a], [, b]) => (b.libc === here) - (a.libc === here)).map(([name]) => name);
}

function program(names) {
  for (const name of names) {
    try {
      return require.resolve(`@flakeward/${name}/flakeward`);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
    }
  }
  return undefined;
}

function explain(names) {
  const here = `${process.platform} ${process.arch}`;
  if (process.platform === "win32") {
    return "error: flakeward does not run on Windows\n  help: install and run it in WSL: https://learn.microsoft.com/windows/wsl";
  }
  if (names.length === 0) {
    const known = [...new Set(Object.values(platforms).map((it) => `${it.os} ${it.cpu}`))].join(", ");
    return `error: there is no flakeward for ${here}; there is one for ${known}\n  help: build it with Rust: cargo install flakeward`;
  }
  return (
    `error: the package @flakeward/${names[0]} with the program for ${here} is not installed\n` +
    "  help: npm omits it with --omit=optional, or if package-lock.json was created on another platform;\n" +
    `        install it with: npm install --no-save @flakeward/${names[0]}@${version}`
  );
}

const names = candidates();
const file = program(names);
if (file === undefined) {
  console.error(explain(names));
  process.exit(2);
}
const run = spawnSync(file, process.argv.slice(2), { stdio: "inherit" });
if (run.error) {
  console.error(`error: cannot run ${file}: ${run.error.message}`);
  process.exit(2);
}
if (run.signal) process.kill(process.pid, run.signal);
process.exit(run.status ?? 2);
