//! Decides whether the text of a file is guaranteed to be valid Nix, as tree-sitter-nix reads it.
//!
//! Parsing is far more expensive than recognising, nearly every file is valid, and for most files nothing else needs to
//! be known. [`accepts`] decides it with a pushdown automaton that builds nothing. It may reject a text that parses
//! (the caller then parses it), but never accepts one that does not.
//!
//! If the tree is needed, `rows` runs the same automaton with a `Builder` as its listener: it builds the table of
//! [`crate::lang::Tree`] that flattening the grammar's tree would give, ten times as fast.
//!
//! It follows tree-sitter-nix 0.3.0, not Nix: `x:y` is a URI, `a //b` applies `a` to a path, and so on. In addition it
//! accepts Nix syntax that this grammar does not support: the pipe operators of Nix 2.24 and Lix (`|>` and `<|`,
//! which one expression cannot mix), and an empty `inherit`. Two facts keep it small:
//!
//! * every operator has a precedence and an associativity, so any alternation of operands and operators is an
//!   expression, and neither matters here;
//! * every construct that starts with a keyword or a lambda's head extends as far right as it can, so only brackets,
//!   strings, `with`, `assert`, `if` and `let` need a frame on the stack.

mod build;
pub(crate) mod bytes;
mod lambda;
pub(crate) mod lex;
mod listen;
mod names;
mod state;
#[cfg(test)]
mod tests;
mod word;

use build::Builder;
use lex::Cursor;
use listen::Listener;
use state::{Frame, Pipe, Slot, State};

use crate::lang::{Field, NodeKind, Refusal, Row};

/// The maximum nesting depth of brackets, strings and the like; deeper input is refused.
const MAX_DEPTH: usize = 200;

/// Whether `text` is guaranteed to be valid Nix.
///
/// If `true`, tree-sitter-nix parses it without ERROR or MISSING nodes, except where it uses syntax that the grammar
/// does not support. If `false`, only parsing it shows whether it is valid. Takes linear time, does not allocate and
/// does not recurse.
pub fn accepts(text: &str) -> bool {
    valid(text).is_some()
}

/// What a valid text contains.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Valid {
    /// Whether it contains a search path, such as `<nixpkgs>`, outside strings and comments.
    pub has_search_path: bool,
}

impl Listener for Valid {
    fn leaf(&mut self, kind: NodeKind, _start: usize, _end: usize) {
        self.has_search_path |= kind == NodeKind::SearchPath;
    }
}

/// Describes the text if [`accepts`] returns true.
pub fn valid(text: &str) -> Option<Valid> {
    let text = text.as_bytes();
    if is_readable(text) { Recognizer::new(text, Valid::default()).run() } else { None }
}

/// The position of the first syntax error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The offset of the first token that cannot follow what is before it, or the end of the text.
    At(usize),
    /// The offset of the last text fragment in an unterminated string.
    InString(usize),
}

/// The position of the first syntax error. `None` if [`accepts`] returns true, or if the text is refused for another
/// reason, such as brackets that are nested too deeply.
pub fn stops(text: &str) -> Option<Stop> {
    let text = text.as_bytes();
    let mut recognizer = is_readable(text).then(|| Recognizer::new(text, ()))?;
    recognizer.cursor.skip();
    let (mut state, mut last) = (State::Expression, Stop::At(0));
    while !matches!(state, State::Accept | State::Reject) {
        last = match state {
            State::String(_) | State::Indented => Stop::InString(recognizer.cursor.pos),
            State::Path | State::AfterPath => Stop::At(recognizer.cursor.pos),
            _ => {
                recognizer.cursor.skip();
                Stop::At(recognizer.cursor.pos)
            }
        };
        state = recognizer.step(state);
    }
    let is_full = recognizer.depth + 1 >= MAX_DEPTH;
    if state == State::Accept || is_full {
        return None;
    }
    recognizer.cursor.skip();
    Some(match last {
        // A keyword is consumed whole before it is known to be misplaced, symbols one by one.
        Stop::At(at) if text.get(at).is_some_and(|&byte| bytes::is(byte, bytes::IDENT_START)) => last,
        Stop::At(at) => Stop::At(at.max(recognizer.cursor.pos)),
        Stop::InString(_) => last,
    })
}

/// Whether tree-sitter-nix is guaranteed to parse `text` without an error.
pub fn grammar_accepts(text: &str) -> bool {
    let text = text.as_bytes();
    is_readable(text) && Recognizer::new(text, Plain::default()).run().is_some_and(|plain| !plain.beyond)
}

/// Records whether the text uses syntax that tree-sitter-nix does not support.
#[derive(Default)]
struct Plain {
    beyond: bool,
}

impl Listener for Plain {
    fn beyond_grammar(&mut self) {
        self.beyond = true;
    }
}

/// The table that flattening tree-sitter-nix's tree of the text would give, or the reason for refusing it; `None` if
/// [`accepts`] returns false.
pub(in crate::lang) fn rows(text: &str) -> Option<Result<Vec<Row>, Refusal>> {
    let text = text.as_bytes();
    let built = if is_readable(text) { Recognizer::new(text, Builder::new(text)).run() } else { None };
    built.map(Builder::finish)
}

/// Whether the grammar's lexer can read the whole text: it treats NUL as the end, and its offsets have 32 bits.
fn is_readable(text: &[u8]) -> bool {
    text.len() <= i32::MAX as usize && memchr::memchr(0, text).is_none()
}

/// Whether a text contains the form of a search path, possibly in a string or comment.
pub fn may_have_search_path(text: &str) -> bool {
    memchr::memchr_iter(b'<', text.as_bytes()).any(|at| is_search_path(text, at))
}

/// Whether there is a `<a/b>` at an offset.
fn is_search_path(text: &str, at: usize) -> bool {
    let mut cursor = Cursor::new(text.as_bytes());
    cursor.pos = at;
    cursor.search_path()
}

struct Recognizer<'a, L> {
    cursor: Cursor<'a>,
    stack: [Frame; MAX_DEPTH],
    /// For each frame, the pipe operator of the expression in it.
    pipes: [Pipe; MAX_DEPTH],
    depth: usize,
    to: L,
}

impl<'a, L: Listener> Recognizer<'a, L> {
    fn new(text: &'a [u8], to: L) -> Self {
        let stack = [Frame::File; MAX_DEPTH];
        Self { cursor: Cursor::new(text), stack, pipes: [Pipe::Neither; MAX_DEPTH], depth: 0, to }
    }

    /// Reads the text; returns the listener if the text is valid.
    fn run(mut self) -> Option<L> {
        self.cursor.skip();
        // An empty file is valid: the grammar's expression is optional.
        if self.cursor.at_end() {
            return Some(self.to);
        }
        let mut state = State::Expression;
        loop {
            state = match state {
                State::Accept => return Some(self.to),
                State::Reject => return None,
                state => self.step(state),
            };
        }
    }

    #[inline(always)]
    fn step(&mut self, state: State) -> State {
        match state {
            State::String(slot) => return self.string(slot),
            State::Indented => return self.indented(),
            State::Path => return self.path(),
            State::AfterPath => return self.after_path(),
            _ => self.cursor.skip(),
        }
        match state {
            State::Expression => self.expression(),
            State::Operand => self.operand(),
            State::Simple => self.simple(),
            State::Element => self.element(),
            State::After => self.after(false),
            State::Name(slot) => self.name(slot),
            State::AfterName(slot) => {
                self.to.attr();
                self.after_name(slot)
            }
            State::Inherited => self.inherited(),
            State::Bindings => self.bindings(),
            State::Formal => self.formal(),
            State::AfterFormal => self.after_formal(),
            _ => State::Reject,
        }
    }

    /// Opens `frame` and continues with `next`, or rejects if nested too deeply.
    #[inline(always)]
    fn open(&mut self, frame: Frame, next: State) -> State {
        let Some(place) = self.stack.get_mut(self.depth + 1) else {
            return State::Reject;
        };
        *place = frame;
        self.depth += 1;
        next
    }

    /// Closes the innermost frame and continues with `next`.
    #[inline(always)]
    fn pop(&mut self, next: State) -> State {
        self.depth = self.depth.saturating_sub(1);
        next
    }

    #[inline(always)]
    fn top(&self) -> Frame {
        self.stack.get(self.depth).copied().unwrap_or(Frame::File)
    }

    /// Consumes a token of `width` bytes and continues with `next`.
    #[inline(always)]
    fn take(&mut self, width: usize, next: State) -> State {
        let start = self.cursor.pos;
        self.cursor.pos += width;
        self.to.token(start, self.cursor.pos);
        next
    }

    /// Consumes `width` bytes that start a node of a kind, opens `frame`, and continues with `next`.
    #[inline(always)]
    fn begin(&mut self, kind: NodeKind, width: usize, frame: Frame, next: State) -> State {
        self.begin_node(kind, width);
        self.open(frame, next)
    }

    #[inline(always)]
    fn begin_node(&mut self, kind: NodeKind, width: usize) {
        let start = self.cursor.pos;
        self.cursor.pos += width;
        self.to.begin(kind, start, self.cursor.pos);
    }

    /// Begins the path whose first part, from `start` on, has just been consumed.
    #[inline(always)]
    fn begin_path(&mut self, kind: NodeKind, start: usize) -> State {
        self.to.begin_path(kind, start, self.cursor.pos);
        State::Path
    }

    #[inline(always)]
    fn expression(&mut self) -> State {
        self.set_pipe(Pipe::Neither);
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.first_word(),
            b'{' => {
                self.begin_node(NodeKind::Attrset, 1);
                self.brace()
            }
            _ => self.operand(),
        }
    }

    #[inline(always)]
    fn operand(&mut self) -> State {
        let start = self.cursor.pos;
        let operator = self.cursor.peek();
        match operator {
            b'-' if self.cursor.path() => self.begin_path(NodeKind::Path, start),
            b'-' | b'!' => {
                self.cursor.pos += 1;
                self.to.unary(operator, start);
                State::Operand
            }
            _ => self.simple(),
        }
    }

    #[inline(always)]
    fn simple(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.value_word(),
            byte => self.simple_symbol(byte),
        }
    }

    #[inline(always)]
    fn simple_symbol(&mut self, byte: u8) -> State {
        let start = self.cursor.pos;
        match byte {
            b'"' => {
                self.begin_node(NodeKind::String, 1);
                State::String(Slot::Value)
            }
            b'\'' if self.cursor.ahead(1) == b'\'' => {
                self.begin_node(NodeKind::IndentedString, 2);
                State::Indented
            }
            b'(' => self.begin(NodeKind::Parenthesized, 1, Frame::Paren, State::Expression),
            b'[' => self.begin(NodeKind::List, 1, Frame::List, State::Element),
            b'{' => self.begin(NodeKind::Attrset, 1, Frame::Set, State::Bindings),
            b'0'..=b'9' | b'.' => match self.cursor.path() {
                true => self.begin_path(NodeKind::Path, start),
                false => self.number(),
            },
            b'/' | b'-' | b'+' if self.cursor.path() => self.begin_path(NodeKind::Path, start),
            b'~' if self.cursor.home_path() => {
                self.cursor.path_text();
                self.begin_path(NodeKind::HomePath, start)
            }
            b'<' if self.cursor.search_path() => self.leaf(NodeKind::SearchPath, start),
            _ => State::Reject,
        }
    }

    /// Ends the value from `start` on, which has just been consumed.
    #[inline(always)]
    fn leaf(&mut self, kind: NodeKind, start: usize) -> State {
        self.to.leaf(kind, start, self.cursor.pos);
        State::After
    }

    fn number(&mut self) -> State {
        let start = self.cursor.pos;
        if !self.cursor.number() {
            return State::Reject;
        }
        self.to.number(start, self.cursor.pos);
        State::After
    }

    #[inline(always)]
    fn element(&mut self) -> State {
        if self.cursor.peek() == b']' {
            return self.end(State::After);
        }
        self.simple()
    }

    #[inline(always)]
    fn after(&mut self, or_may_follow: bool) -> State {
        let start = self.cursor.pos;
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.word_after(or_may_follow),
            b';' | b')' | b']' | b'}' | b',' => self.close(),
            b'.' | b'+' | b'-' | b'/' if self.cursor.path() => {
                self.to.argument();
                self.begin_path(NodeKind::Path, start)
            }
            // A digit makes it a float, and an argument.
            b'.' if self.cursor.ahead(1).is_ascii_digit() => self.argument(b'.'),
            b'.' if or_may_follow => self.take(1, State::Name(Slot::Select)),
            b'.' => {
                self.to.select();
                self.take(1, State::Name(Slot::Select))
            }
            b'<' if self.cursor.search_path() => {
                self.to.argument();
                self.leaf(NodeKind::SearchPath, start)
            }
            byte @ (b'"' | b'\'' | b'(' | b'[' | b'{' | b'~' | b'0'..=b'9') => self.argument(byte),
            _ => self.operator(),
        }
    }

    #[inline(always)]
    fn argument(&mut self, first: u8) -> State {
        self.to.argument();
        self.simple_symbol(first)
    }

    /// Continues after `a ? b`. A path or an argument cannot follow, so text that looks like one is lexed differently
    /// here; such texts are rejected.
    fn after_has(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.word_after_has(),
            b';' | b')' | b']' | b'}' | b',' => self.close(),
            b'+' | b'-' | b'/' if self.cursor.path() => State::Reject,
            b'<' if self.cursor.search_path() => State::Reject,
            _ => self.operator(),
        }
    }

    /// Continues after a path. After a comment, the grammar's scanner would still read `b` in `./a /* */b` as part of
    /// that path; such texts are rejected.
    fn after_path(&mut self) -> State {
        self.to.end_path();
        self.cursor.skip_lines();
        if self.cursor.peek() == b'/' && self.cursor.ahead(1) == b'*' {
            return State::Reject;
        }
        State::After
    }

    /// Continues with a binary operator, or the end of the text.
    #[inline(always)]
    fn operator(&mut self) -> State {
        if self.top() == Frame::List {
            return State::Reject;
        }
        let next = self.cursor.ahead(1);
        let width = match self.cursor.peek() {
            0 => return self.end_file(),
            b'?' => 1,
            b'+' | b'/' if next == self.cursor.peek() => 2,
            b'-' if next == b'>' => 2,
            b'<' | b'>' if next == b'=' => 2,
            b'=' | b'!' if next == b'=' => 2,
            b'&' if next == b'&' => 2,
            b'|' if next == b'|' => 2,
            b'|' if next == b'>' && self.pipe(Pipe::Into) => 2,
            b'<' if next == b'|' && self.pipe(Pipe::From) => 2,
            b'<' if next == b'|' => return State::Reject,
            b'+' | b'-' | b'*' | b'/' | b'<' | b'>' => 1,
            _ => return State::Reject,
        };
        let start = self.cursor.pos;
        self.cursor.pos += width;
        self.to.binary(start, self.cursor.pos);
        if self.cursor.behind(1) == b'?' { State::Name(Slot::Has) } else { State::Operand }
    }

    #[inline(always)]
    fn set_pipe(&mut self, pipe: Pipe) {
        if let Some(used) = self.pipes.get_mut(self.depth) {
            *used = pipe;
        }
    }

    /// Records a pipe operator; `false` if the expression has used the other one, which Nix rejects.
    fn pipe(&mut self, pipe: Pipe) -> bool {
        let used = self.pipes.get(self.depth).copied().unwrap_or(Pipe::Neither);
        let fits = used == Pipe::Neither || used == pipe;
        self.set_pipe(pipe);
        self.to.beyond_grammar();
        fits
    }

    fn end_file(&mut self) -> State {
        self.to.end_expression();
        if self.top() == Frame::File { State::Accept } else { State::Reject }
    }

    /// Consumes the byte that ends the innermost frame and its node, and continues with `next`.
    #[inline(always)]
    fn end(&mut self, next: State) -> State {
        self.end_node(1);
        self.pop(next)
    }

    /// Consumes `width` bytes that end a node.
    #[inline(always)]
    fn end_node(&mut self, width: usize) {
        let start = self.cursor.pos;
        self.cursor.pos += width;
        self.to.end(start, self.cursor.pos);
    }

    /// Ends an expression at the cursor, and the enclosing constructs that end with it.
    #[inline(always)]
    fn close(&mut self) -> State {
        let top = self.top();
        self.to.end_expression();
        match (top, self.cursor.peek()) {
            (Frame::Set | Frame::Let, b';') => {
                self.end_node(1);
                State::Bindings
            }
            (Frame::Prefix, b';') => {
                self.to.next_part();
                let next = self.take(1, State::Expression);
                self.pop(next)
            }
            (Frame::Paren, b')') => self.end(State::After),
            (Frame::List, b']') => self.end(State::After),
            (Frame::InheritFrom, b')') => {
                let next = self.take(1, State::Inherited);
                self.pop(next)
            }
            (Frame::InString(slot), b'}') => self.end(State::String(slot)),
            (Frame::InIndented, b'}') => self.end(State::Indented),
            (Frame::InPath, b'}') => self.end(State::Path),
            (Frame::InName(slot), b'}') => self.end(State::AfterName(slot)),
            (Frame::Formals | Frame::NamedFormals, b',' | b'}') => self.after_formal(),
            _ => State::Reject,
        }
    }
}
