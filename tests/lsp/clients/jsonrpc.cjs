// Drives the server with vscode-languageserver-protocol and vscode-jsonrpc, the client libraries of Visual Studio Code.
// Prints one line for each step; the last one is `done`.

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const {
  CodeActionRequest,
  CompletionRequest,
  DefinitionRequest,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  DocumentDiagnosticRequest,
  ExitNotification,
  HoverRequest,
  InitializeRequest,
  InitializedNotification,
  PublishDiagnosticsNotification,
  RegistrationRequest,
  RenameRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  createProtocolConnection,
} = require("vscode-languageserver-protocol/node");

const root = process.env.FLAKEWARD_ROOT;
const uri = (file) => pathToFileURL(path.join(root, file)).toString();
const text = (file) => fs.readFileSync(path.join(root, file), "utf8");

/** The position of a part of a file. */
function position(file, part) {
  const before = text(file).split(part)[0].split("\n");
  return { line: before.length - 1, character: before.at(-1).length };
}

async function main() {
  const server = spawn(process.env.FLAKEWARD_BINARY, ["lsp"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const connection = createProtocolConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
    { error: console.error, warn: console.error, info: console.error, log: console.error },
  );
  const waiting = [];
  connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
    const at = waiting.findIndex((wait) => wait.uri === params.uri);
    if (at >= 0) waiting.splice(at, 1)[0].resolve(params.diagnostics);
  });
  connection.onRequest(RegistrationRequest.type, () => undefined);
  const published = (file) => new Promise((resolve) => waiting.push({ uri: uri(file), resolve }));
  connection.listen();

  const { capabilities } = await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid,
    rootUri: uri(""),
    workspaceFolders: [{ uri: uri(""), name: "test" }],
    capabilities: {
      workspace: {
        workspaceEdit: { documentChanges: true, resourceOperations: ["create"] },
        didChangeWatchedFiles: { dynamicRegistration: true },
      },
      textDocument: {
        hover: { contentFormat: ["markdown", "plaintext"] },
        codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix"] } }, isPreferredSupport: true },
        publishDiagnostics: { relatedInformation: true },
      },
    },
  });
  console.log(`encoding ${capabilities.positionEncoding}`);
  await connection.sendNotification(InitializedNotification.type, {});

  const opened = published("redis.nix");
  await connection.sendNotification(DidOpenTextDocumentNotification.type, {
    textDocument: { uri: uri("redis.nix"), languageId: "nix", version: 1, text: text("redis.nix") },
  });
  const [finding] = await opened;
  console.log(`diagnostic ${finding.code} ${finding.range.start.line}:${finding.range.start.character}`);

  const document = { uri: uri("redis.nix") };
  const at = { textDocument: document, position: position("redis.nix", "6379") };
  const hover = await connection.sendRequest(HoverRequest.type, at);
  console.log(`hover ${hover.contents.value.split("\n")[0]}`);
  const [definition] = await connection.sendRequest(DefinitionRequest.type, at);
  console.log(`definition ${path.basename(definition.uri)}:${definition.range.start.line}`);
  const actions = await connection.sendRequest(CodeActionRequest.type, {
    textDocument: document,
    range: finding.range,
    context: { diagnostics: [finding] },
  });
  for (const action of actions) console.log(`action ${action.title}`);
  const renamed = await connection.sendRequest(RenameRequest.type, {
    textDocument: { uri: uri("lib/ports.nix") },
    position: position("lib/ports.nix", "redis"),
    newName: "cache",
  });
  console.log(`rename ${renamed.documentChanges.length} document`);

  const changed = published("redis.nix");
  await connection.sendNotification(DidChangeTextDocumentNotification.type, {
    textDocument: { ...document, version: 2 },
    contentChanges: [{ text: "let ports = import ./lib/ports.nix; in { services.redis.port = ports.; }\n" }],
  });
  await changed;
  const items = await connection.sendRequest(CompletionRequest.type, {
    textDocument: document,
    position: { line: 0, character: 69 },
  });
  console.log(`completion ${items.map((item) => item.label).join(" ")}`);
  const report = await connection.sendRequest(DocumentDiagnosticRequest.type, { textDocument: document });
  console.log(`report ${report.kind}`);

  await connection.sendRequest(ShutdownRequest.type);
  const ended = new Promise((resolve) => server.on("exit", resolve));
  await connection.sendNotification(ExitNotification.type);
  console.log(`exit ${await ended}`);
  console.log("done");
}

main().catch((error) => {
  console.log(`failed: ${error.stack}`);
  process.exit(1);
});
