//! The documentation, the commands that it mentions, and shell completions.

mod commands;
mod completions;
mod modules;
mod site;
#[path = "../support/tools.rs"]
mod tools;
