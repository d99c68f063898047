//! The building blocks of edits: the texts that fixes write, and their positions.

pub mod ports;
pub mod relocate;
pub mod rename;
