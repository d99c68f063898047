// The packaged extension, as it is installed. Its client, vscode-languageclient, needs more of the editor than the stubbed
// host has, so this test only loads the extension, and talks to the bundled server as the client would.

import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { it } from "node:test";

import { StreamMessageReader, StreamMessageWriter, createMessageConnection } from "vscode-jsonrpc/node";

import { findExecutable } from "../src/executable";

const extension = process.env.FLAKEWARD_EXTENSION ?? "";

it("contains the files that its manifest names", () => {
  const manifest = JSON.parse(fs.readFileSync(path.join(extension, "package.json"), "utf8")) as {
    main: string;
    contributes: { tomlValidation: { url: string }[] };
  };
  assert.ok(fs.existsSync(path.join(extension, manifest.main)));
  for (const { url } of manifest.contributes.tomlValidation) {
    const schema = JSON.parse(fs.readFileSync(path.join(extension, url), "utf8")) as { $id: string };
    assert.match(schema.$id, /flakeward\.schema\.json$/);
  }
});

it("starts the bundled server", async () => {
  const found = findExecutable({ setting: null, searchPath: "", extension, platform: process.platform });
  assert.equal(found?.origin, "bundled");
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "flakeward-"));
  const server = spawn(found.command, ["lsp"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  const published = new Promise<{ diagnostics: { code: string }[] }>((resolve) => {
    connection.onNotification("textDocument/publishDiagnostics", resolve);
  });
  connection.listen();
  const started: { serverInfo: { name: string } } = await connection.sendRequest("initialize", {
    processId: process.pid,
    rootUri: `file://${root}`,
    capabilities: {},
  });
  assert.equal(started.serverInfo.name, "flakeward");
  await connection.sendNotification("initialized", {});
  const text = "{ services.web.port = 8123; }\n";
  const textDocument = { uri: `file://${root}/web.nix`, languageId: "nix", version: 1, text };
  await connection.sendNotification("textDocument/didOpen", { textDocument });
  const { diagnostics } = await published;
  assert.deepEqual(
    diagnostics.map((found) => found.code),
    ["hardcoded-port"],
  );
  await connection.sendRequest("shutdown");
  const ended = new Promise((resolve) => server.on("exit", resolve));
  await connection.sendNotification("exit");
  assert.equal(await ended, 0);
  connection.dispose();
});
