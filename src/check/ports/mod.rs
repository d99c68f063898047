//! `ports`: finds every port literal of a repository and holds it against the registry.
//!
//! The file pass collects uses (a number, where it stands, the host beside it); whether a named host is the
//! repository's own, and what the registry calls the number, only the whole repository can say, so findings are made
//! in the project pass.

use super::{Check, FileContext, Glance, hardcoded_port};
use crate::facts::ports::{collect, is_generated, trigger as necessary};
use crate::source::Kind;

/// See `rules/hardcoded-port.md` and `rules/manual-port-allocation.md`.
pub static CHECK: Check =
    Check { name: "ports", words: &necessary::WORDS, trigger, file, project: hardcoded_port::project };

/// Other files than Nix are parsed anyway, to know whether they are whole.
fn trigger(source: &Glance<'_>) -> bool {
    match source.kind {
        Kind::Nix => necessary::may_hold(&source.text, source.words),
        Kind::Lock => false,
        _ => necessary::may_hold_digits(&source.text, source.words),
    }
}

fn file(context: &mut FileContext<'_>) {
    if let Some(tree) = context.tree.filter(|tree| !is_generated(tree.text())) {
        context.facts.ports = collect(context.source.kind, tree);
    }
}
