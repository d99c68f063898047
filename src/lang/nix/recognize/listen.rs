//! What the automaton tells while it reads.

use super::{Field, NodeKind};

/// Hears the tokens and what they begin and end. Offsets are those of the text; every token is told once, in order.
///
/// Whoever only wants to know whether a text is whole is `()` and hears nothing, which costs nothing.
pub(super) trait Listener {
    /// A token that is no node.
    fn token(&mut self, _start: usize, _end: usize) {}
    /// A token that begins a node of a kind.
    fn begin(&mut self, _kind: NodeKind, _start: usize, _end: usize) {}
    /// A token that ends the node begun last.
    fn end(&mut self, _start: usize, _end: usize) {}
    /// A token that is a node.
    fn leaf(&mut self, _kind: NodeKind, _start: usize, _end: usize) {}
    /// An integer or a float.
    fn number(&mut self, _start: usize, _end: usize) {}
    /// The node told last fills a field of the next one around it.
    fn name(&mut self, _field: Field) {}
    /// The identifier told last is a variable.
    fn variable(&mut self) {}
    /// `!` or `-` before an operand.
    fn unary(&mut self, _operator: u8, _start: usize) {}
    /// An operator after an operand, `?` included.
    fn binary(&mut self, _start: usize, _end: usize) {}
    /// The value told last is applied to the next one, or is followed by it in a list.
    fn argument(&mut self) {}
    /// Attributes of the value told last are selected.
    fn select(&mut self) {}
    /// The `or` after a selection.
    fn or(&mut self, _start: usize, _end: usize) {}
    /// The node told last is the name of an attribute.
    fn attr(&mut self) {}
    /// A binding begins, at its first name.
    fn binding(&mut self) {}
    /// The names of a binding are over.
    fn bound(&mut self) {}
    /// The brace told last begins formals.
    fn formals(&mut self) {}
    /// The identifier told last is a formal's.
    fn formal(&mut self) {}
    /// A formal is over.
    fn end_formal(&mut self) {}
    /// The node told last, which fills a field of it, begins a lambda.
    fn lambda(&mut self, _field: Field) {}
    /// Text in `"`.
    fn text(&mut self, _start: usize, _end: usize) {}
    /// Text in `''`.
    fn indented_text(&mut self, _start: usize, _end: usize) {}
    /// A path of a kind, with its first part.
    fn begin_path(&mut self, _kind: NodeKind, _start: usize, _end: usize) {}
    /// A part of a path, perhaps an empty one.
    fn path_text(&mut self, _start: usize, _end: usize) {}
    /// A path is over.
    fn end_path(&mut self) {}
    /// An expression is over.
    fn end_expression(&mut self) {}
    /// The next token is one that tree-sitter-nix does not know.
    fn beyond_grammar(&mut self) {}
    /// The node begun last goes on with its next part: `then`, `else`, `in`, what follows `with a;` or `inherit`.
    fn next_part(&mut self) {}
}

impl Listener for () {}
