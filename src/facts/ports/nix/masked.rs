//! Strings with interpolations, converted to text that the port scanner can read.

use super::{Collector, is_after_sign};
use crate::facts::ports::flow;
use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, nix};

/// A placeholder for an unknown number, to decide whether it would be a port.
pub(super) const ANY_PORT: &str = "65535";

/// The origin of a part of a masked string.
pub(super) enum Place {
    /// The string's own text.
    Text(Span),
    /// The value of an interpolation: the literal that it comes from.
    Literal(Node),
}

/// The text of a string for the scanner. Escapes become blanks. Interpolations become holes, or their number if it is
/// known.
pub(super) struct Masked {
    pub(super) text: String,
    pub(super) start: u32,
    /// The ranges of inserted text, in order: the range, its literal, and how much longer the source is than the masked
    /// text, up to the end of the range.
    pub(super) written: Vec<(std::ops::Range<usize>, Node, usize)>,
}

impl Masked {
    pub(super) fn new(collector: &Collector<'_, '_>, string: Node) -> Option<Self> {
        let tree = collector.tree;
        let (text, start) = nix::masked(tree, string)?;
        let mut masked = Self { text: String::with_capacity(text.len()), start, written: Vec::new() };
        // The end of the original text copied so far.
        let mut taken = 0;
        for part in tree.children(string).filter(|&part| tree.kind(part) == NodeKind::Interpolation) {
            let Some(expression) = tree.child(part, Field::Expression) else { continue };
            let parsed = |node: Node| Some((node, tree.slice(node).parse().ok()?));
            let known = flow::integer(tree, expression)
                .and_then(parsed)
                .or_else(|| collector.bound_literal(flow::variable(tree, expression)?))
                .or_else(|| collector.member_literal(flow::selection(tree, expression)?))
                .or_else(|| flow::fallback(tree, expression).and_then(parsed))
                .or_else(|| flow::computed(tree, expression).filter(|_| is_after_sign(tree, part)));
            let Some((literal, number)) = known else { continue };
            let number: u32 = number;
            let span = tree.span(part);
            let (from, to) = ((span.start - start) as usize, (span.end - start) as usize);
            let digits = number.to_string();
            let Some(before) = text.get(taken..from).filter(|_| digits.len() <= to - from && text.is_char_boundary(to))
            else {
                continue;
            };
            masked.text.push_str(before);
            let at = masked.text.len();
            masked.text.push_str(&digits);
            taken = to;
            masked.written.push((at..at + digits.len(), literal, to - masked.text.len()));
        }
        masked.text.push_str(text.get(taken..)?);
        Some(masked)
    }

    pub(super) fn place(&self, range: &std::ops::Range<usize>) -> Place {
        let before = self.written.partition_point(|(written, ..)| written.end <= range.start);
        if let Some((written, literal, _)) = self.written.get(before)
            && written.start <= range.start
            && range.end <= written.end
        {
            return Place::Literal(*literal);
        }
        let shift = before.checked_sub(1).and_then(|last| self.written.get(last)).map_or(0, |(.., longer)| *longer);
        let start = self.start as usize + shift;
        Place::Text(Span::new(start + range.start, start + range.end))
    }
}
