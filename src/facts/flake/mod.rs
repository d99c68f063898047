//! Readers of flakes, and of the other places that say where nixpkgs comes from.

pub mod commands;
pub mod fetch;
