//! Constructs that start with a letter: identifiers, keywords, and the paths and URIs that look like them.

use super::listen::Listener;
use super::{Field, Frame, NodeKind, Recognizer, Slot, State, bytes};

/// The meaning of a word. `or` is not a keyword in the grammar, but is read as one after a selection; elsewhere it is
/// rejected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Plain,
    Assert,
    Else,
    If,
    In,
    Inherit,
    Let,
    Or,
    Rec,
    Then,
    With,
}

#[inline(always)]
fn meaning(word: &[u8]) -> Word {
    match word {
        b"if" => Word::If,
        b"in" => Word::In,
        b"or" => Word::Or,
        b"let" => Word::Let,
        b"rec" => Word::Rec,
        b"then" => Word::Then,
        b"else" => Word::Else,
        b"with" => Word::With,
        b"assert" => Word::Assert,
        b"inherit" => Word::Inherit,
        _ => Word::Plain,
    }
}

/// The token that the lexer finds at a letter where a value may start.
enum Token {
    Word(Word),
    Path,
    Uri,
    Unsure,
}

impl<L: Listener> Recognizer<'_, L> {
    /// Consumes a word where no value may start, so that it is neither a path nor a URI.
    #[inline(always)]
    pub(super) fn take_word(&mut self) -> Word {
        meaning(self.cursor.word())
    }

    /// Consumes the token at a letter where a value may start.
    #[inline(always)]
    fn take_token(&mut self) -> Token {
        let start = self.cursor.pos;
        let word = self.cursor.word();
        match self.cursor.peek() {
            b'.' | b'+' | b'/' => self.longer_token(start, meaning(word)),
            b':' if bytes::is(self.cursor.ahead(1), bytes::URI) => {
                // The scheme of a URI cannot contain an underscore or a quote, so `a_b:c` is a lambda; such texts are
                // rejected.
                if word.iter().any(|&byte| byte == b'_' || byte == b'\'') {
                    return Token::Unsure;
                }
                self.cursor.uri_text();
                Token::Uri
            }
            _ => Token::Word(meaning(word)),
        }
    }

    /// Continues a word that ends at `.`, `+` or `/`: it may be the start of a path or a URI.
    #[inline(always)]
    fn longer_token(&mut self, start: usize, word: Word) -> Token {
        let end = self.cursor.pos;
        self.cursor.pos = start;
        if self.cursor.path() {
            return Token::Path;
        }
        if self.cursor.uri_may_follow() {
            return Token::Unsure;
        }
        self.cursor.pos = end;
        Token::Word(word)
    }

    /// Continues with a word at the start of an expression.
    #[inline(always)]
    pub(super) fn first_word(&mut self) -> State {
        let start = self.cursor.pos;
        let word = match self.take_token() {
            Token::Word(word) => word,
            Token::Path => return self.begin_path(NodeKind::Path, start),
            Token::Uri => return self.leaf(NodeKind::Uri, start),
            Token::Unsure => return State::Reject,
        };
        match word {
            Word::Plain => self.name_or_lambda(start),
            Word::If => self.begin_words(NodeKind::If, start, Frame::Condition),
            Word::With => self.begin_words(NodeKind::With, start, Frame::Prefix),
            Word::Assert => self.begin_words(NodeKind::Assert, start, Frame::Prefix),
            Word::Let => self.let_(start),
            Word::Rec => self.set(NodeKind::RecAttrset, start),
            Word::Then | Word::Else | Word::In | Word::Inherit | Word::Or => State::Reject,
        }
    }

    /// Begins a node of a kind that contains an expression. Its keyword, from `start` on, has just been consumed.
    fn begin_words(&mut self, kind: NodeKind, start: usize, frame: Frame) -> State {
        self.to.begin(kind, start, self.cursor.pos);
        self.open(frame, State::Expression)
    }

    /// Continues after an identifier at the start of an expression.
    #[inline(always)]
    fn name_or_lambda(&mut self, start: usize) -> State {
        self.to.leaf(NodeKind::Identifier, start, self.cursor.pos);
        self.cursor.skip();
        match self.cursor.peek() {
            b':' => {
                self.to.lambda(Field::Universal);
                self.take(1, State::Expression)
            }
            b'@' => {
                self.to.lambda(Field::Universal);
                self.take(1, State::Expression);
                self.cursor.skip();
                if self.cursor.peek() != b'{' {
                    return State::Reject;
                }
                self.begin(NodeKind::Formals, 1, Frame::NamedFormals, State::Formal)
            }
            _ => {
                self.to.variable();
                State::After
            }
        }
    }

    /// Continues after `let`, which starts a set if `{` follows.
    fn let_(&mut self, start: usize) -> State {
        let end = self.cursor.pos;
        self.cursor.skip();
        if self.cursor.peek() == b'{' {
            self.to.begin(NodeKind::LetAttrset, start, end);
            return self.open_set();
        }
        self.to.begin(NodeKind::Let, start, end);
        self.open(Frame::Let, State::Bindings)
    }

    /// Continues after `rec`, or `let` as an operand.
    fn set(&mut self, kind: NodeKind, start: usize) -> State {
        self.to.begin(kind, start, self.cursor.pos);
        self.cursor.skip();
        self.open_set()
    }

    fn open_set(&mut self) -> State {
        if self.cursor.peek() != b'{' {
            return State::Reject;
        }
        let next = self.take(1, State::Bindings);
        self.open(Frame::Set, next)
    }

    /// Continues with a word where a value is required.
    #[inline(always)]
    pub(super) fn value_word(&mut self) -> State {
        let start = self.cursor.pos;
        let token = self.take_token();
        self.value(token, start)
    }

    /// Continues with a word after a value: an argument, or the end of the expression. (A list element is treated as an
    /// argument.)
    #[inline(always)]
    pub(super) fn word_after(&mut self, or_may_follow: bool) -> State {
        let start = self.cursor.pos;
        match self.take_token() {
            Token::Word(Word::Or) if or_may_follow => {
                self.to.or(start, self.cursor.pos);
                State::Simple
            }
            Token::Word(word @ (Word::Then | Word::Else)) => self.then_or_else(word, start),
            token => {
                self.to.argument();
                self.value(token, start)
            }
        }
    }

    #[inline(always)]
    fn value(&mut self, token: Token, start: usize) -> State {
        match token {
            Token::Word(Word::Plain) => {
                self.to.leaf(NodeKind::Identifier, start, self.cursor.pos);
                self.to.variable();
                State::After
            }
            Token::Uri => self.leaf(NodeKind::Uri, start),
            Token::Word(Word::Rec) => self.set(NodeKind::RecAttrset, start),
            Token::Word(Word::Let) => self.set(NodeKind::LetAttrset, start),
            Token::Path => self.begin_path(NodeKind::Path, start),
            Token::Word(_) | Token::Unsure => State::Reject,
        }
    }

    /// Continues with a word after `a ? b`, which is not an argument.
    pub(super) fn word_after_has(&mut self) -> State {
        let start = self.cursor.pos;
        match self.take_token() {
            Token::Word(word) => self.then_or_else(word, start),
            Token::Path | Token::Uri | Token::Unsure => State::Reject,
        }
    }

    fn then_or_else(&mut self, word: Word, start: usize) -> State {
        let frame = self.top();
        let Some(place) = self.stack.get_mut(self.depth) else { return State::Reject };
        match (frame, word) {
            (Frame::Condition, Word::Then) => *place = Frame::Consequence,
            (Frame::Consequence, Word::Else) => self.depth -= 1,
            _ => return State::Reject,
        }
        self.to.end_expression();
        self.to.next_part();
        self.to.token(start, self.cursor.pos);
        State::Expression
    }

    /// Continues with a word as the name of an attribute.
    #[inline(always)]
    pub(super) fn name_word(&mut self, slot: Slot) -> State {
        let start = self.cursor.pos;
        match self.take_word() {
            Word::Plain => {
                self.to.leaf(NodeKind::Identifier, start, self.cursor.pos);
                State::AfterName(slot)
            }
            _ => State::Reject,
        }
    }

    /// Continues with a word where a binding may start.
    #[inline(always)]
    pub(super) fn binding_word(&mut self) -> State {
        let start = self.cursor.pos;
        match self.take_word() {
            Word::Plain => {
                self.to.binding();
                self.to.leaf(NodeKind::Identifier, start, self.cursor.pos);
                State::AfterName(Slot::Binding)
            }
            Word::Inherit => self.begin_inherit(start),
            Word::In if self.top() == Frame::Let => {
                self.to.next_part();
                self.to.token(start, self.cursor.pos);
                self.pop(State::Expression)
            }
            _ => State::Reject,
        }
    }

    pub(super) fn begin_inherit(&mut self, start: usize) -> State {
        self.to.begin(NodeKind::Inherit, start, self.cursor.pos);
        self.inherit()
    }
}
