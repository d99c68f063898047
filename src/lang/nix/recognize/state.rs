//! The states of the automaton, and the frames on its stack.

/// The context of a string, an interpolation or an attribute, which determines what follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A separate expression (strings only).
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

/// An open construct.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The whole text.
    File,
    /// `( … )`
    Paren,
    /// `[ … ]`
    List,
    /// `{ … }` of bindings, with or without `rec` or `let`.
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
    /// `${ … }` as the name of an attribute.
    InName(Slot),
}

/// Which of the pipe operators an expression has used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pipe {
    /// None so far.
    Neither,
    /// `|>`
    Into,
    /// `<|`
    From,
}

/// What the automaton expects at the cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Any expression: only here are lambdas, `let`, `with` and `if` allowed.
    Expression,
    /// An operand, possibly with a prefix operator.
    Operand,
    /// An operand without a prefix operator, from which attributes may be selected.
    Simple,
    /// A list element, or the list's end.
    Element,
    /// Anything after a selectable value: `.`, an argument, an operator, the end of the open construct.
    After,
    /// After a path, which another fragment may continue.
    AfterPath,
    /// The name of an attribute.
    Name(Slot),
    /// After the name of an attribute.
    AfterName(Slot),
    /// After `inherit (a)`.
    Inherited,
    /// A binding, or the end of them.
    Bindings,
    /// A formal, `...`, or the end of them.
    Formal,
    /// After a formal's name.
    AfterFormal,
    /// Inside `"`, where a fragment may start.
    String(Slot),
    /// Inside `''`, where a fragment may start.
    Indented,
    /// Inside a path, where a fragment may start.
    Path,
    /// The text is valid.
    Accept,
    /// The text is invalid, or uses something that the recogniser does not support.
    Reject,
}
