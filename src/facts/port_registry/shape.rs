//! How a registry is written, which determines how it is imported.

/// The shape of a registry file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// The functions around the set, outermost first; each takes one argument.
    pub calls: Vec<Call>,
    /// The path of the set that contains all ports in the file: `["ports"]` for `{ lib }: { ports = {..}; .. }`. Empty
    /// for a plain set. The paths of ports begin with it.
    pub prefix: Vec<String>,
    /// Whether the entries can be imported. They cannot if they are in a `let` that the file does not export.
    pub importable: bool,
}

/// A function around a registry's set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `_:` or `x:`: accepts any argument.
    Any {
        /// The name of its argument.
        name: String,
    },
    /// `{ lib, offset ? 0, ... }:`
    Set {
        /// Arguments without a default.
        required: Vec<String>,
        /// Arguments with a default.
        optional: Vec<String>,
        /// Whether it accepts other arguments as well.
        open: bool,
    },
}
