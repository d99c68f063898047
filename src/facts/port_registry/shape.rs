//! How a registry is written, and so what has to be written to import it.

/// The shape of a registry file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// The functions around the set, outermost first: each wants one argument.
    pub calls: Vec<Call>,
    /// The name that the file gives all its ports under: `["ports"]` for `{ lib }: { ports = {..}; .. }`. Empty for a
    /// plain set. Entry paths begin with it.
    pub prefix: Vec<String>,
    /// Whether importing the file gives the entries. False where they stand in a `let` that the file keeps to itself.
    pub importable: bool,
}

/// A function around a registry's set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `_:` or `x:`: takes anything.
    Any {
        /// What it calls its argument.
        name: String,
    },
    /// `{ lib, offset ? 0, ... }:`
    Set {
        /// Arguments without a default.
        required: Vec<String>,
        /// Arguments with one.
        optional: Vec<String>,
        /// Whether it takes others as well.
        open: bool,
    },
}
