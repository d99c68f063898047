//! The ways in which users run flakeward, tested with the real tools. Examples that the README tells users to copy are
//! read from there.

mod action;
mod comments;
mod flake;
mod policy;
mod precommit;
mod support;
#[path = "../support/tools.rs"]
mod tools;
