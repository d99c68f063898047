//! `flakeward lsp`: the policy and the port registry in an editor.
//!
//! One thread of control ([`server`]) reads messages in their order, changes the open documents ([`documents`]) and the
//! repositories they belong to ([`workspace`]), and answers. Findings are published once no message is waiting, so that
//! fast typing costs one run. Requests that the client cancelled while they waited are not carried out.
//!
//! The server answers only about what is flakeward's own: entries of the port registry, port numbers, findings, and the
//! inputs of a flake. It runs beside a language server for Nix without showing anything twice.

mod accept;
mod action_requests;
mod actions;
mod capabilities;
mod completion;
mod diagnostics;
mod documents;
mod edits;
mod hover;
mod inputs;
mod migrate;
mod position;
mod publish;
mod registry_page;
mod requests;
mod server;
mod side;
mod symbols;
mod transport;
mod uri;
mod workspace;

use std::process::ExitCode;

/// Serves one client on standard input and output until it says `exit` or closes its end. The exit code is 0 after a
/// `shutdown` request, else 1, as the protocol asks for.
pub fn run() -> ExitCode {
    let (incoming, outgoing, writer) = transport::stdio();
    let is_clean = server::serve(&incoming, outgoing);
    // The writer ends once everything is written: its sender is gone.
    let _ = writer.join();
    ExitCode::from(u8::from(!is_clean))
}
