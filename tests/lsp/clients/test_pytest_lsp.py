"""Drives the server with pytest-lsp, whose types (lsprotocol) are generated from the official model of the protocol:
every message that does not fit it is an error."""

import os
import pathlib

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

ROOT = pathlib.Path(os.environ["FLAKEWARD_ROOT"])


def uri(file: str) -> str:
    return (ROOT / file).as_uri()


def text(file: str) -> str:
    return (ROOT / file).read_text()


def position(file: str, part: str) -> types.Position:
    before = text(file).split(part)[0].split("\n")
    return types.Position(line=len(before) - 1, character=len(before[-1]))


@pytest_lsp.fixture(
    config=ClientServerConfig(server_command=[os.environ["FLAKEWARD_BINARY"], "lsp"]),
    params=["neovim", "visual_studio_code", "emacs"],
)
async def client(request: pytest.FixtureRequest, lsp_client: LanguageClient):
    capabilities = client_capabilities(request.param)
    # Diagnostics are published to clients that do not pull them.
    capabilities.text_document.diagnostic = None
    # pytest-lsp does not answer registrations by default.
    registrations: list[types.Registration] = []
    lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: registrations.extend(params.registrations))
    folder = types.WorkspaceFolder(uri=ROOT.as_uri(), name="test")
    params = types.InitializeParams(capabilities=capabilities, root_uri=ROOT.as_uri(), workspace_folders=[folder])
    await lsp_client.initialize_session(params)
    yield
    await lsp_client.shutdown_session()


def opened(client: LanguageClient, file: str) -> types.TextDocumentIdentifier:
    item = types.TextDocumentItem(uri=uri(file), language_id="nix", version=1, text=text(file))
    client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
    return types.TextDocumentIdentifier(uri=item.uri)


@pytest.mark.asyncio
async def test_findings_and_their_fixes(client: LanguageClient):
    document = opened(client, "redis.nix")
    await client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    (finding,) = client.diagnostics[document.uri]
    assert finding.code == "hardcoded-port"
    params = types.CodeActionParams(
        text_document=document, range=finding.range, context=types.CodeActionContext(diagnostics=[finding])
    )
    actions = await client.text_document_code_action_async(params)
    titles = ["Write `ports.databases.redis` and import lib/ports.nix", "Accept hardcoded-port here with a reason"]
    assert [action.title for action in actions] == titles
    kinds = [types.CodeActionKind.SourceFixAll]
    params.context = types.CodeActionContext(diagnostics=[], only=kinds)
    (fix_all,) = await client.text_document_code_action_async(params)
    assert fix_all.kind == "source.fixAll.flakeward"


@pytest.mark.asyncio
async def test_the_registry_as_a_language_feature(client: LanguageClient):
    document = opened(client, "lib/ports.nix")
    at = position("lib/ports.nix", "redis")
    hover = await client.text_document_hover_async(types.HoverParams(text_document=document, position=at))
    assert "databases.redis = 6379" in hover.contents.value
    params = types.ReferenceParams(
        text_document=document, position=at, context=types.ReferenceContext(include_declaration=True)
    )
    references = await client.text_document_references_async(params)
    assert {pathlib.Path(found.uri).name for found in references} == {"ports.nix", "redis.nix"}
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(text_document=document))
    assert [symbol.name for symbol in symbols] == ["databases"]
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(text_document=document))
    assert [lens.command.title for lens in lenses] == ["unused, but written as a number once"]
    renaming = await client.text_document_prepare_rename_async(
        types.PrepareRenameParams(text_document=document, position=at)
    )
    assert renaming.placeholder == "redis"
    report = await client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(previous_result_ids=[]))
    assert {pathlib.Path(item.uri).name for item in report.items} >= {"redis.nix"}
