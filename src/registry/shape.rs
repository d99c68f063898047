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
    Any,
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

impl Shape {
    /// The expression that imports the registry, given its path as Nix writes it from the importing file and which
    /// names are in scope there. `None` where an argument it needs is not at hand.
    pub fn import(&self, path: &str, in_scope: impl Fn(&str) -> bool) -> Option<String> {
        if !self.importable {
            return None;
        }
        let mut text = format!("import {path}");
        for call in &self.calls {
            match call {
                Call::Set { required, .. } if !required.is_empty() => {
                    if !required.iter().all(|name| in_scope(name)) {
                        return None;
                    }
                    text.push_str(&format!(" {{ inherit {}; }}", required.join(" ")));
                }
                Call::Any | Call::Set { .. } => text.push_str(" { }"),
            }
        }
        Some(text)
    }
}
