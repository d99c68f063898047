//! The events of the automaton.

use super::{Field, NodeKind};

/// Receives the tokens and the starts and ends of constructs. Offsets refer to the text; every token is reported once,
/// in order. `()` ignores all events at no cost, for callers that only need to know whether the text is valid.
pub(super) trait Listener {
    /// A token that is not a node.
    fn token(&mut self, _start: usize, _end: usize) {}
    /// A token that starts a node of a kind.
    fn begin(&mut self, _kind: NodeKind, _start: usize, _end: usize) {}
    /// A token that ends the innermost open node.
    fn end(&mut self, _start: usize, _end: usize) {}
    /// A token that is a node.
    fn leaf(&mut self, _kind: NodeKind, _start: usize, _end: usize) {}
    /// An integer or a float.
    fn number(&mut self, _start: usize, _end: usize) {}
    /// The last node is in this field of the node around it.
    fn name(&mut self, _field: Field) {}
    /// The last identifier is a variable.
    fn variable(&mut self) {}
    /// `!` or `-` before an operand.
    fn unary(&mut self, _operator: u8, _start: usize) {}
    /// An operator after an operand, including `?`.
    fn binary(&mut self, _start: usize, _end: usize) {}
    /// The last value is applied to the next one, or is followed by it in a list.
    fn argument(&mut self) {}
    /// Attributes of the last value are selected.
    fn select(&mut self) {}
    /// The `or` after a selection.
    fn or(&mut self, _start: usize, _end: usize) {}
    /// The last node is the name of an attribute.
    fn attr(&mut self) {}
    /// A binding starts, at its first name.
    fn binding(&mut self) {}
    /// The names of a binding end.
    fn bound(&mut self) {}
    /// The last brace starts formals.
    fn formals(&mut self) {}
    /// The last identifier is the name of a formal.
    fn formal(&mut self) {}
    /// A formal ends.
    fn end_formal(&mut self) {}
    /// The last node starts a lambda and is in this field of it.
    fn lambda(&mut self, _field: Field) {}
    /// Text in `"`.
    fn text(&mut self, _start: usize, _end: usize) {}
    /// Text in `''`.
    fn indented_text(&mut self, _start: usize, _end: usize) {}
    /// A path of a kind starts, with its first part.
    fn begin_path(&mut self, _kind: NodeKind, _start: usize, _end: usize) {}
    /// A part of a path, possibly empty.
    fn path_text(&mut self, _start: usize, _end: usize) {}
    /// A path ends.
    fn end_path(&mut self) {}
    /// An expression ends.
    fn end_expression(&mut self) {}
    /// The next token is one that tree-sitter-nix does not support.
    fn beyond_grammar(&mut self) {}
    /// The innermost open node continues with its next part: `then`, `else`, `in`, the text after `with a;` or
    /// `inherit`.
    fn next_part(&mut self) {}
}

impl Listener for () {}
