//! Constructs that start with `{`: the text that follows decides whether it is a set or the formals of a lambda.

use super::listen::Listener;
use super::word::Word;
use super::{Field, Frame, NodeKind, Recognizer, Slot, State, bytes};

impl<L: Listener> Recognizer<'_, L> {
    /// Continues after `{` where a lambda may start.
    pub(super) fn brace(&mut self) -> State {
        self.cursor.skip();
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.brace_word(),
            b'.' => {
                self.to.formals();
                self.open(Frame::Formals, State::Formal)
            }
            b'}' => self.empty_brace(),
            _ => self.open(Frame::Set, State::Bindings),
        }
    }

    /// Continues at the end of `{ }`: these braces are formals if a colon follows.
    fn empty_brace(&mut self) -> State {
        let start = self.cursor.pos;
        self.cursor.pos += 1;
        let end = self.cursor.pos;
        self.cursor.skip();
        match self.cursor.peek() {
            b':' | b'@' => {
                self.to.formals();
                self.to.end(start, end);
                self.to.lambda(Field::Formals);
                self.after_formals()
            }
            _ => {
                self.to.end(start, end);
                State::After
            }
        }
    }

    pub(super) fn formal(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.formal_word(),
            b'}' => self.end_formals(),
            b'.' if self.cursor.ahead(1) == b'.' && self.cursor.ahead(2) == b'.' => {
                let start = self.cursor.pos;
                self.cursor.pos += 3;
                self.to.leaf(NodeKind::Ellipses, start, self.cursor.pos);
                self.to.name(Field::Ellipses);
                self.cursor.skip();
                match self.cursor.peek() {
                    b'}' => self.end_formals(),
                    _ => State::Reject,
                }
            }
            _ => State::Reject,
        }
    }

    pub(super) fn after_formal(&mut self) -> State {
        match self.cursor.peek() {
            b',' => {
                self.to.end_formal();
                self.take(1, State::Formal)
            }
            b'?' => self.take(1, State::Expression),
            b'}' => {
                self.to.end_formal();
                self.end_formals()
            }
            _ => State::Reject,
        }
    }

    /// Continues at the `}` of formals.
    fn end_formals(&mut self) -> State {
        let named = self.top() == Frame::NamedFormals;
        self.end_node(1);
        self.depth = self.depth.saturating_sub(1);
        self.cursor.skip();
        if named {
            self.to.name(Field::Formals);
            // `a@{ b }@c` is not a lambda.
            return if self.cursor.peek() == b':' { self.take(1, State::Expression) } else { State::Reject };
        }
        self.to.lambda(Field::Formals);
        self.after_formals()
    }

    /// Continues at the `:` or `@` after formals.
    fn after_formals(&mut self) -> State {
        match self.cursor.peek() {
            b':' => self.take(1, State::Expression),
            b'@' => {
                self.take(1, State::Expression);
                self.formals_name()
            }
            _ => State::Reject,
        }
    }

    /// Continues with a word after `{` where a lambda may start: the next token shows whether it is a formal.
    fn brace_word(&mut self) -> State {
        let start = self.cursor.pos;
        match self.take_word() {
            Word::Plain => {}
            Word::Inherit if self.open(Frame::Set, State::Bindings) == State::Bindings => {
                return self.begin_inherit(start);
            }
            _ => return State::Reject,
        }
        self.to.leaf(NodeKind::Identifier, start, self.cursor.pos);
        self.cursor.skip();
        match self.cursor.peek() {
            b',' | b'?' | b'}' => {
                self.to.formals();
                self.to.formal();
                self.open(Frame::Formals, State::AfterFormal)
            }
            _ => {
                self.to.binding();
                self.open(Frame::Set, State::AfterName(Slot::Binding))
            }
        }
    }

    fn formal_word(&mut self) -> State {
        let start = self.cursor.pos;
        match self.take_word() {
            Word::Plain => {
                self.to.leaf(NodeKind::Identifier, start, self.cursor.pos);
                self.to.formal();
                State::AfterFormal
            }
            _ => State::Reject,
        }
    }

    /// Continues after `{ … }@`.
    fn formals_name(&mut self) -> State {
        self.cursor.skip();
        let start = self.cursor.pos;
        if !bytes::is(self.cursor.peek(), bytes::IDENT_START) || self.take_word() != Word::Plain {
            return State::Reject;
        }
        self.to.leaf(NodeKind::Identifier, start, self.cursor.pos);
        self.to.name(Field::Universal);
        self.cursor.skip();
        match self.cursor.peek() {
            b':' => self.take(1, State::Expression),
            _ => State::Reject,
        }
    }
}
