//! The language server, driven as an editor would: whole sessions against the command.

mod actions;
mod client;
mod diagnostics;
mod editors;
mod protocol;
mod random;
mod registry;
mod workspaces;
