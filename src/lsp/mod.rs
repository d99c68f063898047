//! `flakeward lsp`: the language server.
//!
//! One thread ([`server`]) reads messages in order, updates the open documents ([`documents`]) and their repositories
//! ([`workspace`]), and sends responses. Findings are published only when no message is waiting, so fast typing causes
//! a single run. Requests that the client cancels while they are waiting are not processed.
//!
//! The server handles only port registry entries, port numbers, findings, and flake inputs. It runs alongside a
//! language server for Nix without showing anything twice.

mod accept;
mod action_requests;
mod actions;
mod capabilities;
mod completion;
mod diagnostics;
mod documents;
mod edits;
mod gate;
mod groups;
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

/// Serves one client on standard input and output until it sends `exit` or closes the connection. As the protocol
/// requires, the exit code is 0 after a `shutdown` request, and 1 otherwise.
pub fn run() -> ExitCode {
    let (incoming, outgoing, writer) = transport::stdio();
    let is_clean = server::serve(&incoming, outgoing);
    // The writer thread ends once it has written everything, because its sender is dropped.
    let _ = writer.join();
    ExitCode::from(u8::from(!is_clean))
}
