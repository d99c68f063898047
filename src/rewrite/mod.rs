//! The building blocks of edits: the text that fixes insert, and where they insert it.

pub mod ports;
pub mod relocate;
pub mod rename;
