//! What begins with a letter: identifiers, keywords, and the paths and URIs which look like them.

use super::{Frame, Recognizer, Slot, State, bytes};

/// What a word means. `or` is no keyword to the grammar, but is read as one behind a selection; elsewhere we do not
/// vouch for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
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

/// What the lexer makes of a letter where a value may stand.
enum Token {
    Word(Word),
    Path,
    Uri,
    Unsure,
}

impl Recognizer<'_> {
    /// Takes a word where no value may stand, so neither a path nor a URI.
    #[inline(always)]
    fn take_word(&mut self) -> Word {
        meaning(self.cursor.word())
    }

    /// Takes what begins at a letter where a value may stand.
    #[inline(always)]
    fn take_token(&mut self) -> Token {
        let start = self.cursor.pos;
        let word = self.cursor.word();
        match self.cursor.peek() {
            b'.' | b'+' | b'/' => self.longer_token(start, meaning(word)),
            b':' if bytes::is(self.cursor.ahead(1), bytes::URI) => {
                // An underscore or a quote cannot be in a URI's scheme, which makes `a_b:c` a lambda; we do not vouch
                // for that.
                if word.iter().any(|&byte| byte == b'_' || byte == b'\'') {
                    return Token::Unsure;
                }
                self.cursor.uri_text();
                Token::Uri
            }
            _ => Token::Word(meaning(word)),
        }
    }

    /// A word ends at `.`, `+` or `/`: perhaps a path or a URI goes on.
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

    /// A word at the start of an expression.
    #[inline(always)]
    pub(super) fn first_word(&mut self) -> State {
        let word = match self.take_token() {
            Token::Word(word) => word,
            Token::Path => return State::Path,
            Token::Uri => return State::After,
            Token::Unsure => return State::Reject,
        };
        match word {
            Word::Plain => self.name_or_lambda(),
            Word::If => self.open(Frame::Condition, State::Expression),
            Word::With | Word::Assert => self.open(Frame::Prefix, State::Expression),
            Word::Let => self.let_(),
            Word::Rec => self.rec(),
            Word::Then | Word::Else | Word::In | Word::Inherit | Word::Or => State::Reject,
        }
    }

    /// After an identifier at the start of an expression.
    #[inline(always)]
    fn name_or_lambda(&mut self) -> State {
        self.cursor.skip();
        match self.cursor.peek() {
            b':' => self.take(1, State::Expression),
            b'@' => {
                self.cursor.pos += 1;
                self.cursor.skip();
                if self.cursor.peek() != b'{' {
                    return State::Reject;
                }
                self.cursor.pos += 1;
                self.open(Frame::NamedFormals, State::Formal)
            }
            _ => State::After,
        }
    }

    /// After `let`, which makes a set before `{`.
    fn let_(&mut self) -> State {
        self.cursor.skip();
        if self.cursor.peek() == b'{' {
            return self.rec();
        }
        self.open(Frame::Let, State::Bindings)
    }

    /// After `rec`, or `let` as an operand.
    fn rec(&mut self) -> State {
        self.cursor.skip();
        if self.cursor.peek() != b'{' {
            return State::Reject;
        }
        self.cursor.pos += 1;
        self.open(Frame::Set, State::Bindings)
    }

    /// A word where a value has to be.
    #[inline(always)]
    pub(super) fn value_word(&mut self) -> State {
        let token = self.take_token();
        self.value(token)
    }

    /// A word after a value: an argument, or what ends the expression. (An element of a list is an argument too, for
    /// all the difference it makes.)
    #[inline(always)]
    pub(super) fn word_after(&mut self, or_may_follow: bool) -> State {
        match self.take_token() {
            Token::Word(Word::Or) if or_may_follow => State::Simple,
            Token::Word(word @ (Word::Then | Word::Else)) => self.then_or_else(word),
            token => self.value(token),
        }
    }

    #[inline(always)]
    fn value(&mut self, token: Token) -> State {
        match token {
            Token::Word(Word::Plain) | Token::Uri => State::After,
            Token::Word(Word::Rec | Word::Let) => self.rec(),
            Token::Path => State::Path,
            Token::Word(_) | Token::Unsure => State::Reject,
        }
    }

    /// A word after `a ? b`: not an argument.
    pub(super) fn word_after_has(&mut self) -> State {
        match self.take_token() {
            Token::Word(word) => self.then_or_else(word),
            Token::Path | Token::Uri | Token::Unsure => State::Reject,
        }
    }

    fn then_or_else(&mut self, word: Word) -> State {
        match (self.top(), word) {
            (Frame::Condition, Word::Then) => {
                self.depth -= 1;
                self.open(Frame::Consequence, State::Expression)
            }
            (Frame::Consequence, Word::Else) => self.pop(State::Expression),
            _ => State::Reject,
        }
    }

    /// A word as an attribute's name.
    #[inline(always)]
    pub(super) fn name_word(&mut self, slot: Slot) -> State {
        match self.take_word() {
            Word::Plain => State::AfterName(slot),
            _ => State::Reject,
        }
    }

    /// A word where a binding may begin.
    #[inline(always)]
    pub(super) fn binding_word(&mut self) -> State {
        match self.take_word() {
            Word::Plain => State::AfterName(Slot::Binding),
            Word::Inherit => self.inherit(),
            Word::In if self.top() == Frame::Let => self.pop(State::Expression),
            _ => State::Reject,
        }
    }

    /// A word after `{` where a lambda could begin: what follows it tells.
    pub(super) fn brace_word(&mut self) -> State {
        match self.take_word() {
            Word::Plain => {}
            Word::Inherit if self.open(Frame::Set, State::Bindings) == State::Bindings => {
                return self.inherit();
            }
            _ => return State::Reject,
        }
        self.cursor.skip();
        match self.cursor.peek() {
            b',' | b'?' | b'}' => self.open(Frame::Formals, State::AfterFormal),
            _ => self.open(Frame::Set, State::AfterName(Slot::Binding)),
        }
    }

    pub(super) fn formal_word(&mut self) -> State {
        match self.take_word() {
            Word::Plain => State::AfterFormal,
            _ => State::Reject,
        }
    }

    /// After `{ … }@`.
    pub(super) fn formals_name(&mut self) -> State {
        self.cursor.skip();
        if !bytes::is(self.cursor.peek(), bytes::IDENT_START) || self.take_word() != Word::Plain {
            return State::Reject;
        }
        self.cursor.skip();
        match self.cursor.peek() {
            b':' => self.take(1, State::Expression),
            _ => State::Reject,
        }
    }
}
