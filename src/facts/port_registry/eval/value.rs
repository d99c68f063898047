//! The values of expressions in a registry.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::finding::Span;
use crate::lang::Node;

/// Why a value cannot be known from the text.
pub type Why = Rc<str>;

/// A value, or the reason why it is unknown.
pub type Eval<T> = Result<T, Why>;

/// A suspended expression, as an index into the machine's table.
pub type ThunkId = u32;

/// The names in scope, as an index into the machine's table.
pub type ScopeId = u32;

/// A value in weak head normal form.
#[derive(Debug, Clone)]
pub enum Val {
    /// A 64-bit integer.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
    /// A string; `None` if its content is unknown.
    Str(Option<Rc<str>>),
    /// A path.
    Path,
    /// A list.
    List(Rc<[ThunkId]>),
    /// An attribute set.
    Set(Rc<Set>),
    /// A function defined in the text.
    Lambda(Rc<Lambda>),
    /// A built-in function, and the arguments that it has received so far.
    Builtin(super::builtins::Builtin, Rc<[ThunkId]>),
}

impl Val {
    /// Its type, for messages.
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
    /// The known attributes.
    pub attrs: BTreeMap<Rc<str>, Attr>,
    /// Why there may be other attributes; `None` if these are all.
    pub open: Option<Why>,
}

/// An attribute.
#[derive(Debug, Clone, Copy)]
pub struct Attr {
    /// Its value.
    pub thunk: ThunkId,
    /// The span of its name.
    pub name_span: Span,
}

/// A function and the scope of its definition.
#[derive(Debug)]
pub struct Lambda {
    /// The function's node.
    pub node: Node,
    /// The scope around it.
    pub scope: ScopeId,
}
