//! Is a text certainly Nix, as tree-sitter-nix reads it?
//!
//! Parsing costs far more than looking, and nearly every file parses; all we want to know of most files is that they
//! do. [`accepts`] answers that with a pushdown automaton which builds nothing. It may say no to a text which parses
//! (the caller then parses it), but never yes to one which does not.
//!
//! It follows tree-sitter-nix 0.3.0, not Nix: `x:y` is a URI, `a //b` applies `a` to a path, and so on. Two facts about
//! that grammar keep it small:
//!
//! * every operator has a precedence and an associativity, so any alternation of operands and operators is an
//!   expression, and neither matters here;
//! * all that begins with a keyword or a lambda's head extends as far right as it can, so only brackets, strings, `with`,
//!   `assert`, `if` and `let` need a place on the stack.

pub(crate) mod bytes;
pub(crate) mod lex;
#[cfg(test)]
mod tests;
mod word;

use lex::Cursor;

/// How deep brackets, strings and the like may nest; deeper texts are refused.
const MAX_DEPTH: usize = 200;

/// Whether tree-sitter-nix certainly reads `text` without an error.
///
/// `true` is a promise: the tree has neither an ERROR nor a MISSING node. `false` says nothing; parse to find out.
/// Takes linear time, does not allocate and does not recurse.
pub fn accepts(text: &str) -> bool {
    let text = text.as_bytes();
    // The grammar's lexer takes a NUL for the end of the text, and its offsets have 32 bits.
    text.len() <= i32::MAX as usize && memchr::memchr(0, text).is_none() && Recognizer::new(text).run()
}

/// Whether `<a/b>` stands at a place.
pub fn is_search_path(text: &str, at: usize) -> bool {
    let mut cursor = Cursor::new(text.as_bytes());
    cursor.pos = at;
    cursor.search_path()
}

/// Where a string, an interpolation or an attribute stands, which is to say what follows once it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// An expression by itself (strings only).
    Value,
    /// `x.HERE`
    Select,
    /// `x ? HERE`
    Has,
    /// `{ HERE = 1; }`
    Binding,
    /// `inherit HERE;`
    Inherit,
}

/// Something begun and not yet ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// The whole text.
    File,
    /// `( … )`
    Paren,
    /// `[ … ]`
    List,
    /// `{ … }` of bindings, with `rec` and `let` or not.
    Set,
    /// `let … in`
    Let,
    /// `inherit ( … )`
    InheritFrom,
    /// `{ … }` of formals.
    Formals,
    /// `name@{ … }`
    NamedFormals,
    /// `with … ;` and `assert … ;`
    Prefix,
    /// `if … then`
    Condition,
    /// `then … else`
    Consequence,
    /// `"${ … }"`
    InString(Slot),
    /// `''${ … }''`
    InIndented,
    /// `./a${ … }`
    InPath,
    /// `${ … }` as an attribute's name.
    InName(Slot),
}

/// What the automaton expects at the cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Any expression: the only place for lambdas, `let`, `with`, `if`.
    Expression,
    /// What an operator may stand before.
    Operand,
    /// What may be selected from: no operator at its front.
    Simple,
    /// An element of a list, or the list's end.
    Element,
    /// Anything after something selectable: `.`, an argument, an operator, the end of what is open.
    After,
    /// After a path, which a fragment could still continue.
    AfterPath,
    /// The name of an attribute.
    Name(Slot),
    /// After the name of an attribute.
    AfterName(Slot),
    /// A binding, or the end of them.
    Bindings,
    /// A formal, `...`, or the end of them.
    Formal,
    /// After a formal's name.
    AfterFormal,
    /// Inside `"`, where a fragment may begin.
    String(Slot),
    /// Inside `''`, where a fragment may begin.
    Indented,
    /// Inside a path, where a fragment may begin.
    Path,
    /// The text is whole.
    Accept,
    /// The text is broken, or is something we do not vouch for.
    Reject,
}

struct Recognizer<'a> {
    cursor: Cursor<'a>,
    stack: [Frame; MAX_DEPTH],
    depth: usize,
}

impl<'a> Recognizer<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { cursor: Cursor::new(text), stack: [Frame::File; MAX_DEPTH], depth: 0 }
    }

    fn run(mut self) -> bool {
        self.cursor.skip();
        // An empty file is whole: the grammar's expression is optional.
        if self.cursor.at_end() {
            return true;
        }
        let mut state = State::Expression;
        loop {
            state = match state {
                State::Accept => return true,
                State::Reject => return false,
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
            State::AfterName(slot) => self.after_name(slot),
            State::Bindings => self.bindings(),
            State::Formal => self.formal(),
            State::AfterFormal => self.after_formal(),
            _ => State::Reject,
        }
    }

    /// Opens `frame` and goes on with `next`, or gives up when too deep.
    #[inline(always)]
    fn open(&mut self, frame: Frame, next: State) -> State {
        let Some(place) = self.stack.get_mut(self.depth + 1) else {
            return State::Reject;
        };
        *place = frame;
        self.depth += 1;
        next
    }

    /// Ends the innermost frame and goes on with `next`.
    #[inline(always)]
    fn pop(&mut self, next: State) -> State {
        self.depth = self.depth.saturating_sub(1);
        next
    }

    #[inline(always)]
    fn top(&self) -> Frame {
        self.stack.get(self.depth).copied().unwrap_or(Frame::File)
    }

    /// Takes `width` bytes and goes on with `next`.
    #[inline(always)]
    fn take(&mut self, width: usize, next: State) -> State {
        self.cursor.pos += width;
        next
    }

    #[inline(always)]
    fn expression(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.first_word(),
            b'{' => {
                self.cursor.pos += 1;
                self.brace()
            }
            _ => self.operand(),
        }
    }

    #[inline(always)]
    fn operand(&mut self) -> State {
        match self.cursor.peek() {
            b'!' => self.take(1, State::Operand),
            b'-' if !self.cursor.path() => self.take(1, State::Operand),
            // `path` has moved the cursor.
            b'-' => State::Path,
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
        match byte {
            b'"' => self.take(1, State::String(Slot::Value)),
            b'\'' if self.cursor.ahead(1) == b'\'' => self.take(2, State::Indented),
            b'(' => {
                self.cursor.pos += 1;
                self.open(Frame::Paren, State::Expression)
            }
            b'[' => {
                self.cursor.pos += 1;
                self.open(Frame::List, State::Element)
            }
            b'{' => {
                self.cursor.pos += 1;
                self.open(Frame::Set, State::Bindings)
            }
            b'0'..=b'9' | b'.' => match self.cursor.path() {
                true => State::Path,
                false => self.after_if(Cursor::number),
            },
            b'/' | b'-' | b'+' if self.cursor.path() => State::Path,
            b'~' if self.cursor.home_path() => State::Path,
            b'<' => self.after_if(Cursor::search_path),
            _ => State::Reject,
        }
    }

    /// A value is over, provided the cursor could take it.
    fn after_if(&mut self, take: fn(&mut Cursor<'a>) -> bool) -> State {
        if take(&mut self.cursor) { State::After } else { State::Reject }
    }

    #[inline(always)]
    fn element(&mut self) -> State {
        if self.cursor.peek() == b']' {
            self.cursor.pos += 1;
            return self.pop(State::After);
        }
        self.simple()
    }

    #[inline(always)]
    fn after(&mut self, or_may_follow: bool) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.word_after(or_may_follow),
            b';' | b')' | b']' | b'}' | b',' => self.close(),
            b'.' if self.cursor.path() => State::Path,
            // A digit makes it a float, and an argument.
            b'.' if self.cursor.ahead(1).is_ascii_digit() => self.simple_symbol(b'.'),
            b'.' => self.take(1, State::Name(Slot::Select)),
            b'+' | b'-' | b'/' if self.cursor.path() => State::Path,
            b'<' if self.cursor.search_path() => State::After,
            byte @ (b'"' | b'\'' | b'(' | b'[' | b'{' | b'~' | b'0'..=b'9') => self.simple_symbol(byte),
            _ => self.operator(),
        }
    }

    /// After `a ? b`. A path or an argument cannot follow, so what looks like one is lexed otherwise here; we do not
    /// vouch for those.
    fn after_has(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.word_after_has(),
            b';' | b')' | b']' | b'}' | b',' => self.close(),
            b'+' | b'-' | b'/' if self.cursor.path() => State::Reject,
            b'<' if self.cursor.search_path() => State::Reject,
            _ => self.operator(),
        }
    }

    /// After a path. Behind a comment the grammar's scanner would still read `b` in `./a /* */b` as a part of that
    /// path; we do not vouch for that.
    fn after_path(&mut self) -> State {
        self.cursor.skip_lines();
        if self.cursor.peek() == b'/' && self.cursor.ahead(1) == b'*' {
            return State::Reject;
        }
        State::After
    }

    /// A binary operator, or the end of the text.
    #[inline(always)]
    fn operator(&mut self) -> State {
        if self.top() == Frame::List {
            return State::Reject;
        }
        let next = self.cursor.ahead(1);
        let width = match self.cursor.peek() {
            0 => return self.end(),
            b'?' => return self.take(1, State::Name(Slot::Has)),
            b'+' | b'/' if next == self.cursor.peek() => 2,
            b'-' if next == b'>' => 2,
            b'<' | b'>' if next == b'=' => 2,
            b'+' | b'-' | b'*' | b'/' | b'<' | b'>' => 1,
            b'=' | b'!' if next == b'=' => 2,
            b'&' if next == b'&' => 2,
            b'|' if next == b'|' => 2,
            _ => return State::Reject,
        };
        self.take(width, State::Operand)
    }

    fn end(&self) -> State {
        if self.top() == Frame::File { State::Accept } else { State::Reject }
    }

    /// An expression ends at the cursor: does that end what encloses it too?
    #[inline(always)]
    fn close(&mut self) -> State {
        let byte = self.cursor.peek();
        self.cursor.pos += 1;
        match (self.top(), byte) {
            (Frame::Set | Frame::Let, b';') => State::Bindings,
            (Frame::Prefix, b';') => self.pop(State::Expression),
            (Frame::Paren, b')') | (Frame::List, b']') => self.pop(State::After),
            (Frame::InheritFrom, b')') => self.pop(State::Name(Slot::Inherit)),
            (Frame::InString(slot), b'}') => self.pop(State::String(slot)),
            (Frame::InIndented, b'}') => self.pop(State::Indented),
            (Frame::InPath, b'}') => self.pop(State::Path),
            (Frame::InName(slot), b'}') => self.pop(State::AfterName(slot)),
            (Frame::Formals | Frame::NamedFormals, b',') => State::Formal,
            (Frame::Formals | Frame::NamedFormals, b'}') => self.end_formals(),
            _ => State::Reject,
        }
    }

    #[inline(always)]
    fn name(&mut self, slot: Slot) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.name_word(slot),
            b'"' => self.take(1, State::String(slot)),
            b'$' if self.cursor.ahead(1) == b'{' => {
                self.cursor.pos += 2;
                self.open(Frame::InName(slot), State::Expression)
            }
            _ => State::Reject,
        }
    }

    #[inline(always)]
    fn after_name(&mut self, slot: Slot) -> State {
        match (slot, self.cursor.peek()) {
            (Slot::Select, _) => self.after(true),
            (Slot::Has | Slot::Binding, b'.') => self.take(1, State::Name(slot)),
            (Slot::Has, _) => self.after_has(),
            (Slot::Binding, b'=') => self.take(1, State::Expression),
            (Slot::Inherit, b';') => self.take(1, State::Bindings),
            (Slot::Inherit, _) => self.name(slot),
            (Slot::Binding | Slot::Value, _) => State::Reject,
        }
    }

    #[inline(always)]
    fn bindings(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.binding_word(),
            b'}' if self.top() == Frame::Set => {
                self.cursor.pos += 1;
                self.pop(State::After)
            }
            _ => self.name(Slot::Binding),
        }
    }

    /// After `inherit`.
    fn inherit(&mut self) -> State {
        self.cursor.skip();
        if self.cursor.peek() == b'(' {
            self.cursor.pos += 1;
            return self.open(Frame::InheritFrom, State::Expression);
        }
        self.name(Slot::Inherit)
    }

    /// After `{` where a lambda could begin.
    fn brace(&mut self) -> State {
        self.cursor.skip();
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.brace_word(),
            b'.' => self.open(Frame::Formals, State::Formal),
            b'}' => self.empty_brace(),
            _ => self.open(Frame::Set, State::Bindings),
        }
    }

    /// At the end of `{ }`, which a colon makes formals.
    fn empty_brace(&mut self) -> State {
        self.cursor.pos += 1;
        self.cursor.skip();
        match self.cursor.peek() {
            b':' | b'@' => self.after_formals(),
            _ => State::After,
        }
    }

    fn formal(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.formal_word(),
            b'}' => {
                self.cursor.pos += 1;
                self.end_formals()
            }
            b'.' if self.cursor.ahead(1) == b'.' && self.cursor.ahead(2) == b'.' => {
                self.cursor.pos += 3;
                self.cursor.skip();
                match self.cursor.peek() {
                    b'}' => self.formal(),
                    _ => State::Reject,
                }
            }
            _ => State::Reject,
        }
    }

    fn after_formal(&mut self) -> State {
        match self.cursor.peek() {
            b',' => self.take(1, State::Formal),
            b'?' => self.take(1, State::Expression),
            b'}' => self.formal(),
            _ => State::Reject,
        }
    }

    /// After the `}` of formals.
    fn end_formals(&mut self) -> State {
        let named = self.top() == Frame::NamedFormals;
        self.depth = self.depth.saturating_sub(1);
        self.cursor.skip();
        // `a@{ b }@c` is no lambda.
        if named && self.cursor.peek() == b'@' {
            return State::Reject;
        }
        self.after_formals()
    }

    /// At the `:` or `@` after formals.
    fn after_formals(&mut self) -> State {
        match self.cursor.peek() {
            b':' => self.take(1, State::Expression),
            b'@' => {
                self.cursor.pos += 1;
                self.formals_name()
            }
            _ => State::Reject,
        }
    }

    fn string(&mut self, slot: Slot) -> State {
        if !self.cursor.string_text() {
            return State::Reject;
        }
        if self.cursor.peek() == b'$' {
            self.cursor.pos += 2;
            return self.open(Frame::InString(slot), State::Expression);
        }
        let next = match slot {
            Slot::Value => State::After,
            _ => State::AfterName(slot),
        };
        self.take(1, next)
    }

    fn indented(&mut self) -> State {
        if !self.cursor.indented_text() {
            return State::Reject;
        }
        self.cursor.pos += 2;
        match self.cursor.behind(1) {
            b'{' => self.open(Frame::InIndented, State::Expression),
            _ => State::After,
        }
    }

    fn path(&mut self) -> State {
        self.cursor.path_text();
        if self.cursor.peek() != b'$' {
            return State::AfterPath;
        }
        if self.cursor.ahead(1) != b'{' {
            return State::Reject;
        }
        self.cursor.pos += 2;
        self.open(Frame::InPath, State::Expression)
    }
}
