//! The tree of a Nix file, built while the automaton reads it.
//!
//! Nodes are recorded when they end, children before their parents, so that the left operand of an operator can still
//! become its child; at the end the table is reversed. As in the grammar, white space and comments do not belong to a
//! token: a comment is recorded together with the next token, and so becomes a child of the innermost node that
//! continues after it.

use super::listen::Listener;
use super::{Field, NodeKind, Refusal, Row};
use crate::lang::limits;

/// An index in the table that is not known yet.
const UNKNOWN: u32 = u32::MAX;

/// A node that has ended.
struct Ended {
    kind: NodeKind,
    field: Field,
    /// The index of its first descendant, or its own.
    first: u32,
    start: u32,
    end: u32,
}

/// An open construct, which determines what happens when the expression in it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A node between its first and its last token.
    Node(NodeKind),
    /// A node that ends with the expression in this field.
    Last(NodeKind, Field),
    /// `if a then HERE else`
    Consequence,
    /// `! HERE`, with its precedence.
    Unary(u8),
    /// `a + HERE`, with its precedence; whether it is right-associative.
    Binary(u8, bool),
    /// `f HERE`
    Apply,
    /// `a.b`, while its names are read.
    Select,
    /// `a.b or HERE`
    Default,
    /// `a ? b`, while its names are read.
    Has,
    /// Names separated by dots.
    Attrpath,
}

/// A node that has not ended.
struct Open {
    what: What,
    /// The index of its first descendant.
    first: u32,
    /// Its offset in the text.
    start: u32,
    /// Both values for a child without tokens of its own: the bindings of a set, or the attributes of an `inherit`.
    inner: (u32, u32),
}

/// A listener that builds the tree.
pub(super) struct Builder<'a> {
    text: &'a [u8],
    ended: Vec<Ended>,
    open: Vec<Open>,
    /// The end of the last token.
    end: u32,
}

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, ended: Vec::with_capacity(text.len() / 6 + 8), open: Vec::with_capacity(64), end: 0 }
    }

    /// Moves past a token, and records the comments before it.
    #[inline(always)]
    fn shift(&mut self, start: usize, end: usize) {
        if start > self.end as usize {
            self.comments(start);
        }
        self.end = end as u32;
    }

    fn comments(&mut self, until: usize) {
        let mut at = self.end as usize;
        while let Some(gap) = self.text.get(at..until) {
            let Some(found) = gap.iter().position(|byte| matches!(byte, b'#' | b'/')) else { return };
            let start = at + found;
            let rest = self.text.get(start..until).unwrap_or_default();
            let width = match rest.first() {
                Some(b'#') => memchr::memchr(b'\n', rest),
                _ => memchr::memmem::find(rest.get(2..).unwrap_or_default(), b"*/").map(|inside| inside + 4),
            };
            at = start + width.unwrap_or(rest.len());
            self.push(NodeKind::Comment, self.ended.len() as u32, start as u32, at as u32);
        }
    }

    #[inline(always)]
    fn push(&mut self, kind: NodeKind, first: u32, start: u32, end: u32) {
        self.ended.push(Ended { kind, field: Field::None, first, start, end });
    }

    #[inline(always)]
    fn push_leaf(&mut self, kind: NodeKind, field: Field, start: usize, end: usize) {
        self.shift(start, end);
        let first = self.ended.len() as u32;
        self.ended.push(Ended { kind, field, first, start: start as u32, end: end as u32 });
    }

    /// The start of the last value, in the table and in the text.
    #[inline(always)]
    fn last(&self) -> (u32, u32) {
        self.ended.last().map_or((0, 0), |node| (node.first, node.start))
    }

    #[inline(always)]
    fn top(&self) -> Option<What> {
        self.open.last().map(|open| open.what)
    }

    #[inline(always)]
    fn set_top(&mut self, what: What) {
        if let Some(open) = self.open.last_mut() {
            open.what = what;
        }
    }

    #[inline(always)]
    fn open_at(&mut self, what: What, (first, start): (u32, u32)) {
        self.open.push(Open { what, first, start, inner: (UNKNOWN, 0) });
    }

    /// Ends the innermost open construct as a node of a kind.
    #[inline(always)]
    fn close(&mut self, kind: NodeKind) {
        if let Some(open) = self.open.pop() {
            self.push(kind, open.first, open.start, self.end);
        }
    }

    /// Adds the last node to the children of a node that has no tokens of its own.
    #[inline(always)]
    fn join(&mut self) {
        let last = self.last();
        if let Some(open) = self.open.last_mut().filter(|open| open.inner.0 == UNKNOWN) {
            open.inner = last;
        }
    }

    /// Ends the node that has no tokens of its own, if it has any children.
    fn close_inner(&mut self, kind: NodeKind, field: Field) {
        let inner = self.open.last().map_or((UNKNOWN, 0), |open| open.inner);
        if inner.0 != UNKNOWN {
            self.push(kind, inner.0, inner.1, self.end);
            self.name(field);
        }
    }

    /// Ends everything that binds tighter than an operator: selections and applications.
    #[inline(always)]
    fn end_operand(&mut self) {
        loop {
            match self.top() {
                Some(What::Attrpath) => {
                    self.close(NodeKind::Attrpath);
                    self.name(Field::Attrpath);
                }
                Some(What::Select) => self.close(NodeKind::Select),
                Some(What::Has) => self.close(NodeKind::HasAttr),
                Some(What::Default) => {
                    self.name(Field::Default);
                    self.close(NodeKind::Select);
                }
                Some(What::Apply) => {
                    self.name(Field::Argument);
                    self.close(NodeKind::Apply);
                }
                _ => return,
            }
        }
    }

    /// Ends the operators that bind tighter than the next one, or as tight unless they associate to the right.
    fn end_tighter(&mut self, next: u8) {
        loop {
            match self.top() {
                Some(What::Unary(precedence)) if precedence > next => self.end_unary(),
                Some(What::Binary(precedence, right)) if precedence > next || (precedence == next && !right) => {
                    self.end_binary();
                }
                _ => return,
            }
        }
    }

    fn end_unary(&mut self) {
        self.name(Field::Argument);
        self.close(NodeKind::Unary);
    }

    fn end_binary(&mut self) {
        self.name(Field::Right);
        self.close(NodeKind::Binary);
    }

    /// Ends the file: returns its table, or refuses a tree that is too deep.
    pub(super) fn finish(mut self) -> Result<Vec<Row>, Refusal> {
        // The file starts at its first comment or token; a token need not be a node.
        let expression = self.ended.last().map_or(u32::MAX, |node| node.start);
        self.comments(self.text.len());
        let first = self.ended.first().map_or(self.text.len() as u32, |node| node.start);
        self.push(NodeKind::SourceCode, 0, first.min(expression), self.text.len() as u32);
        turn(&self.ended)
    }
}

/// Reverses the table, so that parents precede their children.
fn turn(ended: &[Ended]) -> Result<Vec<Row>, Refusal> {
    let blank = Row { start: 0, end: 0, parent: u32::MAX, after: 0, kind: NodeKind::None, field: Field::None };
    let mut rows = vec![blank; ended.len()];
    // The ancestors of the next node: their indices, and the end of the free range for their children.
    let mut around: Vec<(u32, u32)> = Vec::with_capacity(64);
    for (index, node) in ended.iter().enumerate().rev() {
        let size = index as u32 - node.first + 1;
        let (parent, place) = match around.last_mut() {
            None => (u32::MAX, 0),
            Some((parent, placed)) => {
                *placed -= size;
                (*parent, *placed)
            }
        };
        rows[place as usize] =
            Row { start: node.start, end: node.end, parent, after: place + size, kind: node.kind, field: node.field };
        if around.len() >= limits::MAX_DEPTH as usize && (size > 1 || holds_tokens(node.kind)) {
            return Err(Refusal::Depth);
        }
        around.push((place, place + size));
        while around.pop_if(|(place, placed)| *place + 1 == *placed).is_some() {}
    }
    Ok(rows)
}

/// Whether a node without child nodes consists of tokens, and so adds a level to the grammar's tree.
fn holds_tokens(kind: NodeKind) -> bool {
    matches!(kind, NodeKind::Attrset | NodeKind::RecAttrset | NodeKind::LetAttrset | NodeKind::List | NodeKind::Formals)
        || matches!(kind, NodeKind::String | NodeKind::IndentedString)
}

/// The precedence of an operator, and whether it associates to the right.
fn binding(operator: &[u8]) -> (u8, bool) {
    match operator {
        b"|>" => (0, false),
        b"<|" => (0, true),
        b"->" => (1, true),
        b"||" => (2, false),
        b"&&" => (3, false),
        b"==" | b"!=" => (4, false),
        b"//" => (6, true),
        b"+" | b"-" => (8, false),
        b"*" | b"/" => (9, false),
        b"++" => (10, true),
        b"?" => (HAS, false),
        _ => (5, false),
    }
}

const NOT: u8 = 7;
const HAS: u8 = 11;
const NEGATE: u8 = 12;

fn operator_kind(operator: &[u8]) -> NodeKind {
    match operator {
        b"+" => NodeKind::Plus,
        b"-" => NodeKind::Minus,
        b"*" => NodeKind::Times,
        b"/" => NodeKind::Divide,
        b"++" => NodeKind::Concat,
        b"//" => NodeKind::Update,
        b"!" => NodeKind::Not,
        b"!=" => NodeKind::NotEqual,
        b"==" => NodeKind::Equal,
        b"|>" => NodeKind::PipeInto,
        b"<|" => NodeKind::PipeFrom,
        _ => NodeKind::None,
    }
}

impl Listener for Builder<'_> {
    #[inline(always)]
    fn token(&mut self, start: usize, end: usize) {
        self.shift(start, end);
    }

    fn begin(&mut self, kind: NodeKind, start: usize, end: usize) {
        self.shift(start, end);
        self.open_at(What::Node(kind), (self.ended.len() as u32, start as u32));
    }

    fn end(&mut self, start: usize, end: usize) {
        let Some(What::Node(kind)) = self.top() else { return };
        match kind {
            NodeKind::Attrset | NodeKind::RecAttrset | NodeKind::LetAttrset => {
                self.close_inner(NodeKind::BindingSet, Field::None)
            }
            NodeKind::Inherit | NodeKind::InheritFrom => self.close_inner(NodeKind::InheritedAttrs, Field::Attrs),
            _ => {}
        }
        self.shift(start, end);
        self.close(kind);
        if matches!(kind, NodeKind::Binding | NodeKind::Inherit | NodeKind::InheritFrom) {
            self.name(Field::Binding);
            self.join();
        }
    }

    #[inline(always)]
    fn leaf(&mut self, kind: NodeKind, start: usize, end: usize) {
        self.push_leaf(kind, Field::None, start, end);
    }

    fn number(&mut self, start: usize, end: usize) {
        let has_dot = self.text.get(start..end).is_some_and(|digits| digits.contains(&b'.'));
        self.leaf(if has_dot { NodeKind::Float } else { NodeKind::Integer }, start, end);
    }

    #[inline(always)]
    fn name(&mut self, field: Field) {
        if let Some(node) = self.ended.last_mut() {
            node.field = field;
        }
    }

    #[inline(always)]
    fn variable(&mut self) {
        self.name(Field::Name);
        let (first, start) = self.last();
        self.push(NodeKind::Variable, first, start, self.end);
    }

    fn unary(&mut self, operator: u8, start: usize) {
        self.shift(start, start + 1);
        let precedence = if operator == b'!' { NOT } else { NEGATE };
        self.open_at(What::Unary(precedence), (self.ended.len() as u32, start as u32));
        self.push_leaf(operator_kind(&[operator]), Field::Operator, start, start + 1);
    }

    fn binary(&mut self, start: usize, end: usize) {
        let operator = self.text.get(start..end).unwrap_or_default();
        let (precedence, right) = binding(operator);
        self.end_operand();
        self.end_tighter(precedence);
        let left = self.last();
        if precedence == HAS {
            self.name(Field::Expression);
            self.open_at(What::Has, left);
        } else {
            self.name(Field::Left);
            self.open_at(What::Binary(precedence, right), left);
        }
        self.push_leaf(operator_kind(operator), Field::Operator, start, end);
        if precedence == HAS {
            self.open_at(What::Attrpath, (UNKNOWN, 0));
        }
    }

    #[inline(always)]
    fn argument(&mut self) {
        self.end_operand();
        if self.top() == Some(What::Node(NodeKind::List)) {
            return self.name(Field::Element);
        }
        self.name(Field::Function);
        self.open_at(What::Apply, self.last());
    }

    fn select(&mut self) {
        self.name(Field::Expression);
        self.open_at(What::Select, self.last());
        self.open_at(What::Attrpath, (UNKNOWN, 0));
    }

    fn or(&mut self, start: usize, end: usize) {
        self.close(NodeKind::Attrpath);
        self.name(Field::Attrpath);
        self.set_top(What::Default);
        self.shift(start, end);
    }

    fn attr(&mut self) {
        self.name(Field::Attr);
        let last = self.last();
        match self.open.last_mut() {
            Some(open) if open.what == What::Attrpath && open.first == UNKNOWN => (open.first, open.start) = last,
            Some(open) if open.what != What::Attrpath => self.join(),
            _ => {}
        }
    }

    fn binding(&mut self) {
        self.open_at(What::Node(NodeKind::Binding), (UNKNOWN, 0));
        self.open_at(What::Attrpath, (UNKNOWN, 0));
    }

    fn bound(&mut self) {
        self.close(NodeKind::Attrpath);
        self.name(Field::Attrpath);
        let last = self.last();
        if let Some(open) = self.open.last_mut() {
            (open.first, open.start) = last;
        }
    }

    fn formals(&mut self) {
        self.set_top(What::Node(NodeKind::Formals));
    }

    fn formal(&mut self) {
        self.name(Field::Name);
        self.open_at(What::Node(NodeKind::Formal), self.last());
    }

    fn end_formal(&mut self) {
        self.close(NodeKind::Formal);
        self.name(Field::Formal);
    }

    fn lambda(&mut self, field: Field) {
        self.name(field);
        self.open_at(What::Last(NodeKind::Function, Field::Body), self.last());
    }

    fn text(&mut self, start: usize, end: usize) {
        let mut at = start;
        while let Some(text) = self.text.get(at..end).filter(|text| !text.is_empty()) {
            let plain = memchr::memchr(b'\\', text).unwrap_or(text.len());
            if plain > 0 {
                self.leaf(NodeKind::StringFragment, at, at + plain);
            }
            at += plain;
            at = self.escape(at, end, 1);
        }
    }

    fn indented_text(&mut self, start: usize, end: usize) {
        let mut at = start;
        while let Some(text) = self.text.get(at..end).filter(|text| !text.is_empty()) {
            let plain = memchr::memmem::find(text, b"''").unwrap_or(text.len());
            if plain > 0 {
                self.leaf(NodeKind::StringFragment, at, at + plain);
            }
            at += plain;
            at = match text.get(plain + 2..) {
                Some([b'\'', ..]) => {
                    self.leaf(NodeKind::Escape, at, at + 3);
                    at + 3
                }
                Some([b'\\', ..]) => self.escape(at, end, 3),
                _ => self.escape(at, end, 2),
            };
        }
    }

    fn begin_path(&mut self, kind: NodeKind, start: usize, end: usize) {
        self.shift(start, start);
        self.open_at(What::Node(kind), (self.ended.len() as u32, start as u32));
        self.leaf(NodeKind::PathFragment, start, end);
    }

    fn path_text(&mut self, start: usize, end: usize) {
        if start < end {
            self.leaf(NodeKind::PathFragment, start, end);
        }
    }

    fn end_path(&mut self) {
        if let Some(What::Node(kind)) = self.top() {
            self.close(kind);
        }
    }

    fn end_expression(&mut self) {
        self.end_operand();
        loop {
            match self.top() {
                Some(What::Unary(_)) => self.end_unary(),
                Some(What::Binary(..)) => self.end_binary(),
                Some(What::Last(kind, field)) => {
                    self.name(field);
                    self.close(kind);
                }
                _ => break,
            }
        }
        self.name(match self.top() {
            Some(What::Node(NodeKind::List)) => Field::Element,
            Some(What::Node(NodeKind::Formal)) => Field::Default,
            Some(What::Node(NodeKind::With)) => Field::Environment,
            Some(What::Node(NodeKind::If | NodeKind::Assert)) => Field::Condition,
            Some(What::Consequence) => Field::Consequence,
            _ => Field::Expression,
        });
    }

    fn next_part(&mut self) {
        let Some(what) = self.top() else { return };
        let next = match what {
            What::Node(kind @ (NodeKind::With | NodeKind::Assert)) => What::Last(kind, Field::Body),
            What::Node(NodeKind::If) => What::Consequence,
            What::Consequence => What::Last(NodeKind::If, Field::Alternative),
            What::Node(NodeKind::Let) => {
                self.close_inner(NodeKind::BindingSet, Field::None);
                What::Last(NodeKind::Let, Field::Body)
            }
            What::Node(NodeKind::Inherit) => What::Node(NodeKind::InheritFrom),
            _ => return,
        };
        self.set_top(next);
    }
}

impl Builder<'_> {
    /// Records the escape sequence at an offset: `width` bytes and the character after them. If that is a dollar sign,
    /// the escape node ends before it, and the sign becomes text. Records nothing if no character follows. Returns the
    /// offset after the sequence.
    fn escape(&mut self, at: usize, end: usize, width: usize) -> usize {
        let sign = at + width;
        if sign >= end {
            return end;
        }
        match self.text.get(sign) {
            Some(b'$') => {
                self.leaf(NodeKind::DollarEscape, at, sign);
                self.leaf(NodeKind::StringFragment, sign, sign + 1);
                sign + 1
            }
            lead => {
                let after = sign + super::lex::width_of_char(lead.copied().unwrap_or(0));
                self.leaf(NodeKind::Escape, at, after);
                after
            }
        }
    }
}
