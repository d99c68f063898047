//! Where people meet flakeward, with the real tools. Whatever the README tells a newcomer to copy is read from there.

mod action;
mod comments;
mod flake;
mod policy;
mod precommit;
mod support;
#[path = "../support/tools.rs"]
mod tools;
