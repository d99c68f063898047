//! What an expression of a registry evaluates to.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::finding::Span;
use crate::lang::Node;

/// Why a value cannot be known from the text.
pub type Why = Rc<str>;

/// A value, or why it is not known.
pub type Eval<T> = Result<T, Why>;

/// A suspended expression: an index into the machine's table.
pub type ThunkId = u32;

/// Names in force at a place: an index into the machine's table.
pub type ScopeId = u32;

/// A value in weak head normal form, as Nix has it.
#[derive(Debug, Clone)]
pub enum Val {
    /// An integer of 64 bits.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
    /// A string; `None` where its content is not known.
    Str(Option<Rc<str>>),
    /// A path.
    Path,
    /// A list.
    List(Rc<[ThunkId]>),
    /// An attribute set.
    Set(Rc<Set>),
    /// A function that the text defines.
    Lambda(Rc<Lambda>),
    /// A built-in function with the arguments it has got so far.
    Builtin(super::builtins::Builtin, Rc<[ThunkId]>),
}

impl Val {
    /// What it is, for people.
    pub fn describe(&self) -> &'static str {
        match self {
            Val::Int(_) => "an integer",
            Val::Float(_) => "a floating point number",
            Val::Bool(_) => "a boolean",
            Val::Null => "null",
            Val::Str(_) => "a string",
            Val::Path => "a path",
            Val::List(_) => "a list",
            Val::Set(_) => "a set",
            Val::Lambda(_) | Val::Builtin(..) => "a function",
        }
    }
}

/// An attribute set.
#[derive(Debug, Clone, Default)]
pub struct Set {
    /// The attributes that are known.
    pub attrs: BTreeMap<Rc<str>, Attr>,
    /// Why there may be others, where there may.
    pub open: Option<Why>,
}

/// An attribute.
#[derive(Debug, Clone, Copy)]
pub struct Attr {
    /// Its value.
    pub thunk: ThunkId,
    /// The place of its name.
    pub name_span: Span,
}

/// A function with the names it was written among.
#[derive(Debug)]
pub struct Lambda {
    /// The function's node.
    pub node: Node,
    /// The names in force around it.
    pub scope: ScopeId,
}
