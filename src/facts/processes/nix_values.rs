//! Reads the values of attributes.

use super::listens;
use super::model::{Known, Listen};
use crate::lang::nix::attrs::{self, Attr};
use crate::lang::{NodeKind, Tree, nix};

/// The value of a boolean attribute.
pub fn truth(tree: &Tree<'_>, attr: &Attr) -> Known<bool> {
    let Some(value) = attr.value() else { return Known::Unknown };
    let value = attrs::plain(tree, value);
    match tree.slice(value) {
        "true" | "\"true\"" => Known::Is(true),
        "false" | "\"false\"" => Known::Is(false),
        "null" => Known::Absent,
        _ => Known::Unknown,
    }
}

/// Whether an attribute is set. It is not if it is `null` or an empty string; for a computed value this is unknown.
pub fn presence(tree: &Tree<'_>, attr: &Attr) -> Known<bool> {
    if attr.inherited() {
        return Known::Unknown;
    }
    let Some(value) = attr.value() else { return Known::Is(true) };
    let value = attrs::plain(tree, value);
    match tree.kind(value) {
        NodeKind::Variable if tree.slice(value) == "null" => Known::Absent,
        NodeKind::Attrset | NodeKind::RecAttrset => Known::Is(true),
        NodeKind::String | NodeKind::IndentedString if attrs::text(tree, value).as_deref() == Some("") => Known::Absent,
        NodeKind::String | NodeKind::IndentedString => Known::Is(true),
        _ => Known::Unknown,
    }
}

/// A port: its number, or the name that refers to it.
pub fn port(tree: &Tree<'_>, attr: &Attr) -> Option<Listen> {
    let written = attr.value()?;
    let value = attrs::plain(tree, written);
    let port = match tree.kind(value) {
        NodeKind::Select => nix::dotted(tree, value).map(std::borrow::Cow::into_owned)?,
        _ => listens::number(&attrs::text(tree, value)?)?,
    };
    Some(Listen { port, span: tree.span(written) })
}
