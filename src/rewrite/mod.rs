//! What edits are made of: the texts that fixes write, and where they go.

pub mod ports;
pub mod relocate;
pub mod rename;
