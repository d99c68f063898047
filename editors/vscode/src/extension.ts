// The extension: starts `flakeward lsp`, and shows its state in the status bar.

import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions, State } from "vscode-languageclient/node";

import { Executable, findExecutable } from "./executable";

/** The documents that flakeward checks. */
const DOCUMENTS: LanguageClientOptions["documentSelector"] = [
  { scheme: "file", language: "nix" },
  { scheme: "file", language: "yaml" },
  { scheme: "file", language: "dockercompose" },
  { scheme: "file", language: "dockerfile" },
  { scheme: "file", language: "shellscript" },
  { scheme: "file", language: "makefile" },
  { scheme: "file", pattern: "**/flake.lock" },
  { scheme: "file", pattern: "**/{flakeward,.flakeward}.toml" },
];

/** The command of a fix that adds an entry to the registry. */
const NAME_ENTRY = "flakeward.nameEntry";

const INSTALL = "https://github.com/flakeward/flakeward#try-it";

interface ReferenceLocation {
  readonly uri: string;
  readonly range: { readonly start: Point; readonly end: Point };
}

interface Point {
  readonly line: number;
  readonly character: number;
}

let client: LanguageClient | undefined;
let status: vscode.StatusBarItem;
let log: vscode.LogOutputChannel;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  log = vscode.window.createOutputChannel("flakeward", { log: true });
  status = vscode.window.createStatusBarItem("flakeward", vscode.StatusBarAlignment.Right);
  status.name = "flakeward";
  status.command = "flakeward.showLog";
  status.show();
  context.subscriptions.push(
    log,
    status,
    vscode.commands.registerCommand("flakeward.restart", () => restart(context)),
    vscode.commands.registerCommand("flakeward.showLog", () => {
      log.show();
    }),
    vscode.commands.registerCommand("flakeward.showReferences", showReferences),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("flakeward.path")) {
        await restart(context);
      }
    }),
  );
  await start(context);
}

export async function deactivate(): Promise<void> {
  await client?.stop();
  client = undefined;
}

async function restart(context: vscode.ExtensionContext): Promise<void> {
  await deactivate();
  await start(context);
}

async function start(context: vscode.ExtensionContext): Promise<void> {
  const settings = vscode.workspace.getConfiguration("flakeward");
  const executable = findExecutable({
    setting: settings.get<string | null>("path"),
    searchPath: process.env.PATH ?? "",
    extension: context.extensionPath,
    platform: process.platform,
  });
  if (executable === undefined) {
    show("$(error) flakeward", "flakeward is not installed");
    const choice = await vscode.window.showErrorMessage(
      "flakeward: there is no executable on PATH. Install it, or set flakeward.path.",
      "How to install",
    );
    if (choice !== undefined) {
      await vscode.env.openExternal(vscode.Uri.parse(INSTALL));
    }
    return;
  }
  client = create(executable, settings.get<boolean>("inlayHints") ?? true);
  client.onDidChangeState(({ newState }) => {
    showState(newState, executable);
  });
  try {
    await client.start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`cannot start ${executable.command}: ${reason}`);
    show("$(error) flakeward", `cannot start ${executable.command}: ${reason}`);
    void vscode.window.showErrorMessage(`flakeward: cannot start ${executable.command}: ${reason}`);
  }
}

function create(executable: Executable, inlayHints: boolean): LanguageClient {
  log.info(`starting ${executable.command} lsp (${executable.origin})`);
  const server: ServerOptions = { command: executable.command, args: ["lsp"] };
  const options: LanguageClientOptions = {
    documentSelector: DOCUMENTS,
    outputChannel: log,
    initializationOptions: { inlayHints },
    synchronize: { configurationSection: "flakeward" },
    middleware: {
      executeCommand: async (command, args, next) => {
        const result: unknown = await next(command, args);
        // The server has shown the new entry and selected its proposed name.
        if (command === NAME_ENTRY) {
          await vscode.commands.executeCommand("editor.action.rename");
        }
        return result;
      },
    },
  };
  return new LanguageClient("flakeward", "flakeward", server, options);
}

function showState(state: State, executable: Executable): void {
  switch (state) {
    case State.Starting:
      show("$(sync~spin) flakeward", `starting ${executable.command}`);
      break;
    case State.Running:
      show("$(check) flakeward", `${executable.command} (${executable.origin})`);
      break;
    case State.Stopped:
      show("$(error) flakeward", "stopped; use “flakeward: Restart the Language Server”");
      break;
  }
}

function show(text: string, tooltip: string): void {
  status.text = text;
  status.tooltip = tooltip;
}

/** Runs the command of the lens above a registry entry: shows the positions that use it. */
async function showReferences(uri: string, at: Point, found: readonly ReferenceLocation[]): Promise<void> {
  const position = (point: Point): vscode.Position => new vscode.Position(point.line, point.character);
  const locations = found.map(
    ({ uri: file, range }) =>
      new vscode.Location(vscode.Uri.parse(file), new vscode.Range(position(range.start), position(range.end))),
  );
  await vscode.commands.executeCommand(
    "editor.action.showReferences",
    vscode.Uri.parse(uri),
    position(at),
    locations,
  );
}
