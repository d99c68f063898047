// Locates the server's executable: the setting, then PATH, then the copy inside the extension.

import * as fs from "node:fs";
import * as path from "node:path";

export type Origin = "setting" | "path" | "bundled";

export interface Executable {
  readonly command: string;
  readonly origin: Origin;
}

export interface Places {
  /** The setting `flakeward.path`, if there is one. */
  readonly setting: string | null | undefined;
  /** The variable PATH. */
  readonly searchPath: string;
  /** The folder of the extension. */
  readonly extension: string;
  readonly platform: NodeJS.Platform;
}

/** The executable to start, or undefined if there is none. A path in the settings is used unchecked: if it is wrong,
 * the user gets an error instead of another version. */
export function findExecutable(places: Places): Executable | undefined {
  if (places.setting) {
    return { command: places.setting, origin: "setting" };
  }
  const name = places.platform === "win32" ? "flakeward.exe" : "flakeward";
  const separator = places.platform === "win32" ? ";" : ":";
  const folders = places.searchPath.split(separator).filter((folder) => path.isAbsolute(folder));
  const onPath = folders.map((folder) => path.join(folder, name)).find(isExecutable);
  if (onPath !== undefined) {
    return { command: onPath, origin: "path" };
  }
  const bundled = path.join(places.extension, "bundled", name);
  return isExecutable(bundled) ? { command: bundled, origin: "bundled" } : undefined;
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
