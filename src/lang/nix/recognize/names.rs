//! Names of attributes, bindings, and constructs that may contain an interpolation: strings and paths.

use super::listen::Listener;
use super::state::{Frame, Slot, State};
use super::{NodeKind, Recognizer, bytes};

impl<L: Listener> Recognizer<'_, L> {
    #[inline(always)]
    pub(super) fn name(&mut self, slot: Slot) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.name_word(slot),
            b'"' => {
                self.begin_node(NodeKind::String, 1);
                State::String(slot)
            }
            b'$' if self.cursor.ahead(1) == b'{' => {
                self.begin(NodeKind::Interpolation, 2, Frame::InName(slot), State::Expression)
            }
            _ => State::Reject,
        }
    }

    #[inline(always)]
    pub(super) fn after_name(&mut self, slot: Slot) -> State {
        match (slot, self.cursor.peek()) {
            (Slot::Select, _) => self.after(true),
            (Slot::Has | Slot::Binding, b'.') => self.take(1, State::Name(slot)),
            (Slot::Has, _) => self.after_has(),
            (Slot::Binding, b'=') => {
                self.to.bound();
                self.take(1, State::Expression)
            }
            (Slot::Inherit, b';') => {
                self.end_node(1);
                State::Bindings
            }
            (Slot::Inherit, _) => self.name(slot),
            (Slot::Binding | Slot::Value, _) => State::Reject,
        }
    }

    #[inline(always)]
    pub(super) fn bindings(&mut self) -> State {
        match self.cursor.peek() {
            byte if bytes::is(byte, bytes::IDENT_START) => self.binding_word(),
            b'}' if self.top() == Frame::Set => self.end(State::After),
            _ => {
                self.to.binding();
                self.name(Slot::Binding)
            }
        }
    }

    /// Continues after `inherit`.
    pub(super) fn inherit(&mut self) -> State {
        self.cursor.skip();
        if self.cursor.peek() == b'(' {
            self.to.next_part();
            let next = self.take(1, State::Expression);
            return self.open(Frame::InheritFrom, next);
        }
        self.inherited()
    }

    /// Continues with the first inherited name, or the end of an empty `inherit`.
    pub(super) fn inherited(&mut self) -> State {
        if self.cursor.peek() == b';' {
            self.to.beyond_grammar();
            self.end_node(1);
            return State::Bindings;
        }
        self.name(Slot::Inherit)
    }

    pub(super) fn string(&mut self, slot: Slot) -> State {
        let start = self.cursor.pos;
        if !self.cursor.string_text() {
            return State::Reject;
        }
        self.to.text(start, self.cursor.pos);
        if self.cursor.peek() == b'$' {
            return self.begin(NodeKind::Interpolation, 2, Frame::InString(slot), State::Expression);
        }
        self.end_node(1);
        match slot {
            Slot::Value => State::After,
            _ => State::AfterName(slot),
        }
    }

    pub(super) fn indented(&mut self) -> State {
        let start = self.cursor.pos;
        if !self.cursor.indented_text() {
            return State::Reject;
        }
        self.to.indented_text(start, self.cursor.pos);
        match self.cursor.ahead(1) {
            b'{' => self.begin(NodeKind::Interpolation, 2, Frame::InIndented, State::Expression),
            _ => {
                self.end_node(2);
                State::After
            }
        }
    }

    pub(super) fn path(&mut self) -> State {
        let start = self.cursor.pos;
        self.cursor.path_text();
        self.to.path_text(start, self.cursor.pos);
        if self.cursor.peek() != b'$' {
            return State::AfterPath;
        }
        if self.cursor.ahead(1) != b'{' {
            return State::Reject;
        }
        self.begin(NodeKind::Interpolation, 2, Frame::InPath, State::Expression)
    }
}
