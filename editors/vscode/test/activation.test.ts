// Activation with the real server and a stubbed host, which has only the parts of the editor that the extension uses.

import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import Module from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import { describe, it } from "node:test";

import { findExecutable } from "../src/executable";

function folderWith(name: string, mode: number): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "flakeward-"));
  fs.mkdirSync(path.join(folder, "bundled"));
  fs.writeFileSync(path.join(folder, name), "#!/bin/sh\n", { mode });
  return folder;
}

describe("the executable", () => {
  const none = { setting: null, searchPath: "", extension: "/nonexistent", platform: "linux" as const };

  it("is the one in the setting, even if it does not exist", () => {
    const found = findExecutable({ ...none, setting: "/opt/flakeward", searchPath: "/usr/bin" });
    assert.deepEqual(found, { command: "/opt/flakeward", origin: "setting" });
  });

  it("is searched for on PATH, then in the extension", () => {
    const onPath = folderWith("flakeward", 0o755);
    const bundled = folderWith("bundled/flakeward", 0o755);
    assert.deepEqual(findExecutable({ ...none, searchPath: `/nonexistent:${onPath}`, extension: bundled }), {
      command: path.join(onPath, "flakeward"),
      origin: "path",
    });
    assert.deepEqual(findExecutable({ ...none, extension: bundled }), {
      command: path.join(bundled, "bundled/flakeward"),
      origin: "bundled",
    });
  });

  it("must be executable", () => {
    const onPath = folderWith("flakeward", 0o644);
    assert.equal(findExecutable({ ...none, searchPath: onPath }), undefined);
  });

  it("is never searched for in a relative folder on PATH", () => {
    assert.equal(findExecutable({ ...none, searchPath: ".:bin" }), undefined);
  });
});

interface Options {
  initializationOptions: unknown;
  middleware: { executeCommand(command: string, args: unknown[], next: () => Promise<unknown>): Promise<unknown> };
}

interface Started {
  command: string;
  args: string[];
  options: Options;
}

/** The effects of the extension on the stubbed host. */
interface Host {
  readonly commands: Map<string, (...args: unknown[]) => unknown>;
  readonly status: { text: string; tooltip: string };
  readonly errors: string[];
  readonly started: Started[];
  stopped: number;
}

/** Loads the built extension with a stubbed host, which has only the parts of the editor that the extension uses. */
function load(settings: Record<string, unknown>): { host: Host; extension: Extension } {
  const host: Host = { commands: new Map(), status: { text: "", tooltip: "" }, errors: [], started: [], stopped: 0 };
  const disposable = { dispose: () => undefined };
  const item = Object.assign(host.status, { show: () => undefined, ...disposable });
  const log = { info: () => undefined, error: () => undefined, show: () => undefined, ...disposable };
  const vscode = {
    StatusBarAlignment: { Right: 2 },
    Uri: { parse: (text: string) => ({ text }) },
    Position: class {
      constructor(
        readonly line: number,
        readonly character: number,
      ) {}
    },
    Range: class {
      constructor(
        readonly start: unknown,
        readonly end: unknown,
      ) {}
    },
    Location: class {
      constructor(
        readonly uri: unknown,
        readonly range: unknown,
      ) {}
    },
    window: {
      createOutputChannel: () => log,
      createStatusBarItem: () => item,
      showErrorMessage: (message: string) => {
        host.errors.push(message);
        return Promise.resolve(undefined);
      },
    },
    commands: {
      registerCommand: (name: string, run: (...args: unknown[]) => unknown) => {
        host.commands.set(name, run);
        return disposable;
      },
      executeCommand: (name: string, ...args: unknown[]) => Promise.resolve(host.commands.get(name)?.(...args)),
    },
    workspace: {
      getConfiguration: () => ({ get: (key: string) => settings[key] }),
      onDidChangeConfiguration: () => disposable,
    },
    env: { openExternal: () => Promise.resolve(true) },
  };
  const State = { Stopped: 1, Running: 2, Starting: 3 };
  class LanguageClient {
    private listener: (change: { newState: number }) => void = () => undefined;
    constructor(
      _id: string,
      _name: string,
      readonly server: { command: string; args: string[] },
      readonly options: Options,
    ) {}
    onDidChangeState(listener: (change: { newState: number }) => void): void {
      this.listener = listener;
    }
    start(): Promise<void> {
      this.listener({ newState: State.Starting });
      if (!fs.existsSync(this.server.command)) {
        return Promise.reject(new Error("no such file"));
      }
      host.started.push({ ...this.server, options: this.options });
      this.listener({ newState: State.Running });
      return Promise.resolve();
    }
    stop(): Promise<void> {
      host.stopped += 1;
      this.listener({ newState: State.Stopped });
      return Promise.resolve();
    }
  }
  const stubs: Record<string, unknown> = { vscode, "vscode-languageclient/node": { LanguageClient, State } };
  const loader = Module as unknown as { _load: (name: string, ...rest: unknown[]) => unknown };
  const original = loader._load;
  loader._load = (name, ...rest) => stubs[name] ?? original(name, ...rest);
  try {
    const file = path.join(__dirname, "../src/extension.js");
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- every test loads the extension again
    delete require.cache[file];
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the host also loads it like this
    return { host, extension: require(file) as Extension };
  } finally {
    loader._load = original;
  }
}

interface Extension {
  activate(context: { subscriptions: unknown[]; extensionPath: string }): Promise<void>;
  deactivate(): Promise<void>;
}

const context = { subscriptions: [], extensionPath: "/nonexistent" };

describe("activation", () => {
  it("starts the server and shows that it runs", async () => {
    const command = path.join(folderWith("flakeward", 0o755), "flakeward");
    const { host, extension } = load({ path: command, inlayHints: false });
    await extension.activate(context);
    assert.deepEqual(host.started.map((started) => [started.command, started.args]), [[command, ["lsp"]]]);
    assert.deepEqual(host.started[0]?.options.initializationOptions, { inlayHints: false });
    assert.match(host.status.text, /check/);
    assert.match(host.status.tooltip, /\(setting\)/);
  });

  it("restarts and stops", async () => {
    const command = path.join(folderWith("flakeward", 0o755), "flakeward");
    const { host, extension } = load({ path: command });
    await extension.activate(context);
    await host.commands.get("flakeward.restart")?.();
    assert.deepEqual([host.started.length, host.stopped], [2, 1]);
    await extension.deactivate();
    assert.equal(host.stopped, 2);
    assert.match(host.status.text, /error/);
  });

  it("shows an error if the server cannot be started", async () => {
    const { host, extension } = load({ path: "/nonexistent/flakeward" });
    await extension.activate(context);
    assert.match(host.errors[0] ?? "", /cannot start \/nonexistent\/flakeward: no such file/);
    assert.match(host.status.text, /error/);
  });

  it("renames a new entry once the server has shown it", async () => {
    const command = path.join(folderWith("flakeward", 0o755), "flakeward");
    const { host, extension } = load({ path: command });
    await extension.activate(context);
    const done: string[] = [];
    host.commands.set("editor.action.rename", () => done.push("renamed"));
    const execute = (name: string) =>
      host.started[0]?.options.middleware.executeCommand(name, [], () => Promise.resolve(done.push("shown")));
    await execute("flakeward.select");
    await execute("flakeward.nameEntry");
    assert.deepEqual(done, ["shown", "shown", "renamed"]);
  });

  it("converts the locations of a lens to those of the editor", async () => {
    const command = path.join(folderWith("flakeward", 0o755), "flakeward");
    const { host, extension } = load({ path: command });
    await extension.activate(context);
    let shown: unknown[] = [];
    host.commands.set("editor.action.showReferences", (...args) => {
      shown = args;
    });
    const range = { start: { line: 1, character: 2 }, end: { line: 1, character: 4 } };
    await host.commands.get("flakeward.showReferences")?.("file:///a", { line: 0, character: 0 }, [
      { uri: "file:///b", range },
    ]);
    assert.deepEqual(JSON.parse(JSON.stringify(shown)), [
      { text: "file:///a" },
      { line: 0, character: 0 },
      [{ uri: { text: "file:///b" }, range }],
    ]);
  });
});
