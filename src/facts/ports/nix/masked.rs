//! Strings with interpolations as texts that the scanner of ports can read.

use super::{Collector, is_after_sign};
use crate::facts::ports::flow;
use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, nix};

/// A number that stands for one that is not known, where it decides whether it would be a port.
pub(super) const ANY_PORT: &str = "65535";

/// Where something in a masked string stands in the file.
pub(super) enum Place {
    /// In the string's own text.
    Text(Span),
    /// It is the value of an interpolation: the literal that it comes from.
    Literal(Node),
}

/// A string's text for the scanner: escapes blank, interpolations as holes, except those whose number is known, which
/// are written in.
pub(super) struct Masked {
    pub(super) text: String,
    pub(super) start: u32,
    /// Ranges of the text that were written in, in order: the range, its literal, and how much longer the source was up
    /// to its end.
    pub(super) written: Vec<(std::ops::Range<usize>, Node, usize)>,
}

impl Masked {
    pub(super) fn new(collector: &Collector<'_, '_>, string: Node) -> Option<Self> {
        let tree = collector.tree;
        let (text, start) = nix::masked(tree, string)?;
        let mut masked = Self { text: String::with_capacity(text.len()), start, written: Vec::new() };
        // How far the original text is taken over.
        let mut taken = 0;
        for part in tree.children(string).filter(|&part| tree.kind(part) == NodeKind::Interpolation) {
            let Some(expression) = tree.child(part, Field::Expression) else { continue };
            let known = flow::integer(tree, expression)
                .and_then(|node| Some((node, tree.slice(node).parse().ok()?)))
                .or_else(|| collector.bound_literal(flow::variable(tree, expression)?))
                .or_else(|| collector.member_literal(flow::selection(tree, expression)?))
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
