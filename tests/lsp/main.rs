//! The language server, driven as an editor drives it: whole conversations against the command.

mod actions;
mod client;
mod diagnostics;
mod editors;
mod protocol;
mod random;
mod registry;
mod workspaces;
