//! A small lazy evaluator for the subset of Nix that registries use.
//!
//! It reads only the text of the file: arguments, imports and functions from other packages are unknown, and values
//! that depend on them are not decidable. Evaluation is lazy as in Nix, so one unknown entry does not affect the
//! others. Work and depth are bounded, and infinite recursion is detected, so evaluation always terminates.

pub mod builtins;
pub mod fault;
mod function;
pub mod layout;
pub mod ops;
pub mod value;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub(super) use self::function::{Given, formal_names};
use self::layout::{Body, Layout};
use self::value::{Attr, Eval, Lambda, ScopeId, Set, ThunkId, Val, Why};
use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, Tree, nix};

/// The maximum number of steps per file; ten thousand entries need a tenth of that.
const FUEL: usize = 400_000;

/// The maximum depth of evaluation, which fits the stack of a worker thread.
const DEPTH: u32 = 256;

/// The scope of Nix's global names.
const GLOBAL: ScopeId = 0;

enum Thunk {
    Done(Eval<Val>),
    /// Being evaluated: forcing it now is infinite recursion.
    Running,
    Expression(Node, ScopeId),
    Layout(Rc<Body>, ScopeId),
    /// An attribute of a set.
    Attribute(ThunkId, Rc<str>),
    /// A function and its argument.
    Call(ThunkId, ThunkId),
}

struct Scope {
    parent: ScopeId,
    names: Names,
}

enum Names {
    Bound(HashMap<Rc<str>, ThunkId>),
    With(ThunkId),
}

/// The evaluator for one file.
pub(super) struct Machine<'t, 'a> {
    pub(super) tree: &'t Tree<'a>,
    thunks: Vec<Thunk>,
    /// The span of each thunk's expression.
    spans: Vec<Span>,
    /// Definitions that are another name for an existing one (`a = b;`, `inherit (x) a;`), and the one they refer to.
    aliases: HashMap<ThunkId, ThunkId>,
    /// The thunk whose value the last evaluation returned unchanged.
    handed_on: Option<ThunkId>,
    /// The thunks that names and selections have read: other values depend on them.
    read: HashSet<ThunkId>,
    scopes: Vec<Scope>,
    fuel: usize,
    depth: u32,
    /// Whether a limit ended an evaluation.
    exceeded: bool,
}

impl<'t, 'a> Machine<'t, 'a> {
    pub(super) fn new(tree: &'t Tree<'a>) -> Self {
        let global = Scope { parent: GLOBAL, names: Names::Bound(HashMap::new()) };
        Self {
            tree,
            thunks: Vec::new(),
            spans: Vec::new(),
            aliases: HashMap::new(),
            handed_on: None,
            read: HashSet::new(),
            scopes: vec![global],
            fuel: FUEL,
            depth: 0,
            exceeded: false,
        }
    }

    /// Suspends an expression in the file's top-level scope.
    pub(super) fn top(&mut self, node: Node) -> ThunkId {
        self.suspend(node, GLOBAL)
    }

    fn add(&mut self, thunk: Thunk, span: Span) -> ThunkId {
        self.thunks.push(thunk);
        self.spans.push(span);
        self.thunks.len() as ThunkId - 1
    }

    fn suspend(&mut self, node: Node, scope: ScopeId) -> ThunkId {
        let span = self.tree.span(nix::unwrap_parens(self.tree, node));
        self.add(Thunk::Expression(node, scope), span)
    }

    /// A thunk with a known value.
    pub(super) fn ready(&mut self, value: Eval<Val>) -> ThunkId {
        self.add(Thunk::Done(value), Span::default())
    }

    /// A suspended function call.
    pub(super) fn call_later(&mut self, function: ThunkId, argument: ThunkId) -> ThunkId {
        self.add(Thunk::Call(function, argument), Span::default())
    }

    /// The definition of a value and its span. Aliases are followed to the original.
    pub(super) fn origin(&self, thunk: ThunkId) -> (ThunkId, Span) {
        let at = self.aliases.get(&thunk).copied().unwrap_or(thunk);
        (at, self.spans.get(at as usize).copied().unwrap_or_default())
    }

    /// Whether the step or depth limit ended an evaluation.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// Whether no steps are left, in which case nothing more can be evaluated.
    pub(super) fn is_out_of_steps(&self) -> bool {
        self.fuel == 0
    }

    /// Whether another value in the file depends on a definition.
    pub(super) fn was_read(&self, origin: ThunkId) -> bool {
        self.read.contains(&origin)
    }

    /// Evaluates a thunk that a name or selection refers to, and returns its value.
    fn read(&mut self, id: ThunkId) -> Eval<Val> {
        let value = self.force(id);
        self.hand_on(Some(id));
        value
    }

    /// Sets the thunk whose value is returned unchanged. The previous one counts as read: its value was used, but is
    /// not itself returned.
    fn hand_on(&mut self, thunk: Option<ThunkId>) {
        if let Some(before) = std::mem::replace(&mut self.handed_on, thunk) {
            let (origin, _) = self.origin(before);
            self.read.insert(origin);
        }
    }

    /// Records a definition as an alias if its value is the unchanged value of another definition.
    fn settle(&mut self, id: ThunkId, value: &Eval<Val>) {
        if value.is_ok()
            && let Some(handed_on) = self.handed_on.take()
        {
            let (origin, _) = self.origin(handed_on);
            self.aliases.insert(id, origin);
        }
        self.hand_on(None);
    }

    /// Evaluates a thunk, at most once.
    pub(super) fn force(&mut self, id: ThunkId) -> Eval<Val> {
        self.hand_on(None);
        let Some(slot) = self.thunks.get_mut(id as usize) else { return Err("internal error".into()) };
        let value = match std::mem::replace(slot, Thunk::Running) {
            Thunk::Done(value) => value,
            Thunk::Running => Err("infinite recursion".into()),
            Thunk::Expression(node, scope) => self.eval(node, scope),
            Thunk::Layout(body, scope) => match &*body {
                Body::Set(layout) => self.set(layout, scope).map(|(set, _)| Val::Set(Rc::new(set))),
                _ => Err("it is defined twice".into()),
            },
            Thunk::Attribute(source, name) => self.attribute(source, &name),
            Thunk::Call(function, argument) => self.force(function).and_then(|f| self.call(f, argument)),
        };
        self.settle(id, &value);
        self.thunks[id as usize] = Thunk::Done(value.clone());
        value
    }

    fn attribute(&mut self, source: ThunkId, name: &str) -> Eval<Val> {
        self.burn(text_cost(name.len()))?;
        self.deeper(|machine| {
            let set = machine.force_set(source)?;
            match (set.attrs.get(name), &set.open) {
                (Some(attr), _) => machine.read(attr.thunk),
                (None, Some(why)) => Err(why.clone()),
                (None, None) => Err(format!("there is no attribute `{name}`").into()),
            }
        })
    }

    pub(super) fn force_set(&mut self, id: ThunkId) -> Eval<Rc<Set>> {
        match self.force(id)? {
            Val::Set(set) => Ok(set),
            other => Err(mismatch(&other, "a set")),
        }
    }

    fn eval(&mut self, node: Node, scope: ScopeId) -> Eval<Val> {
        self.hand_on(None);
        let value = self.deeper(|machine| machine.eval_node(node, scope));
        if !may_hand_on(self.tree.kind(node)) {
            self.hand_on(None);
        }
        value
    }

    /// Runs a function one level deeper, if the depth and step limits allow it.
    fn deeper(&mut self, run: impl FnOnce(&mut Self) -> Eval<Val>) -> Eval<Val> {
        self.burn(1)?;
        if self.depth == DEPTH {
            self.exceeded = true;
            return Err("it is nested too deeply".into());
        }
        self.depth += 1;
        let value = run(self);
        self.depth -= 1;
        value
    }

    /// Charges for work proportional to the size of a value. Every list, set and string is charged for before it is
    /// traversed; otherwise shared structures could be traversed without limit.
    pub(super) fn burn(&mut self, steps: usize) -> Eval<()> {
        let rest = self.fuel.checked_sub(steps);
        // If the steps do not suffice, none are left: otherwise the same work could be retried without limit.
        self.fuel = rest.unwrap_or(0);
        self.exceeded |= rest.is_none();
        rest.map(drop).ok_or_else(|| "the step limit was reached".into())
    }

    fn eval_node(&mut self, node: Node, scope: ScopeId) -> Eval<Val> {
        let tree = self.tree;
        let child = |field| tree.child(node, field).ok_or_else(|| Why::from("it has unsupported syntax"));
        match tree.kind(node) {
            NodeKind::Parenthesized => self.eval(child(Field::Expression)?, scope),
            NodeKind::Integer => {
                let number = tree.slice(node).parse().map_err(|_| Why::from("the integer is too large"));
                number.map(Val::Int)
            }
            NodeKind::Float => tree.slice(node).parse().map(Val::Float).map_err(|_| "the number cannot be read".into()),
            NodeKind::String => self.string(node, scope),
            NodeKind::IndentedString => {
                self.burn(text_cost(tree.slice(node).len()))?;
                Ok(Val::Str(plain_line(tree, node)))
            }
            NodeKind::Uri => {
                self.burn(text_cost(tree.slice(node).len()))?;
                Ok(Val::Str(Some(tree.slice(node).into())))
            }
            NodeKind::Path | NodeKind::HomePath | NodeKind::SearchPath => Ok(Val::Path),
            NodeKind::List => {
                let items: Vec<Node> = tree.children(node).filter(|&item| tree.field(item) == Field::Element).collect();
                self.burn(items.len())?;
                Ok(Val::List(items.into_iter().map(|item| self.suspend(item, scope)).collect()))
            }
            NodeKind::Attrset | NodeKind::RecAttrset => {
                self.set(&Layout::read(tree, node), scope).map(|(set, _)| Val::Set(Rc::new(set)))
            }
            NodeKind::LetAttrset => {
                let (set, _) = self.set(&Layout::read(tree, node), scope)?;
                match set.attrs.get("body") {
                    Some(body) => self.read(body.thunk),
                    None => Err("there is no attribute `body`".into()),
                }
            }
            NodeKind::Let => {
                let (_, inner) = self.set(&Layout::read(tree, node), scope)?;
                self.eval(child(Field::Body)?, inner)
            }
            NodeKind::Function => Ok(Val::Lambda(Rc::new(Lambda { node, scope }))),
            NodeKind::Variable => {
                let thunk = self.variable(tree.slice(node), scope)?;
                self.read(thunk)
            }
            NodeKind::With => {
                let environment = self.suspend(child(Field::Environment)?, scope);
                self.scopes.push(Scope { parent: scope, names: Names::With(environment) });
                self.eval(child(Field::Body)?, self.scopes.len() as ScopeId - 1)
            }
            NodeKind::Assert => {
                // An assertion with an unknown condition is assumed to succeed: otherwise the file would be unusable.
                if let Ok(false) = self.truth(child(Field::Condition)?, scope) {
                    return Err("an assertion fails".into());
                }
                self.eval(child(Field::Body)?, scope)
            }
            NodeKind::If => {
                let branch = match self.truth(child(Field::Condition)?, scope)? {
                    true => Field::Consequence,
                    false => Field::Alternative,
                };
                self.eval(child(branch)?, scope)
            }
            NodeKind::Select => self.select(node, scope),
            NodeKind::HasAttr => self.has_attr(node, scope),
            NodeKind::Apply => {
                let function = self.eval(child(Field::Function)?, scope)?;
                let argument = self.suspend(child(Field::Argument)?, scope);
                self.call(function, argument)
            }
            NodeKind::Unary => {
                let operand = child(Field::Argument)?;
                match tree.slice(child(Field::Operator)?) {
                    "!" => self.truth(operand, scope).map(|truth| Val::Bool(!truth)),
                    _ => ops::negate(self.eval(operand, scope)?),
                }
            }
            NodeKind::Binary => self.binary(node, scope),
            _ => Err("it has unsupported syntax".into()),
        }
    }

    fn truth(&mut self, node: Node, scope: ScopeId) -> Eval<bool> {
        match self.eval(node, scope)? {
            Val::Bool(truth) => Ok(truth),
            other => Err(mismatch(&other, "a boolean")),
        }
    }

    fn binary(&mut self, node: Node, scope: ScopeId) -> Eval<Val> {
        let tree = self.tree;
        let child = |field| tree.child(node, field).ok_or_else(|| Why::from("it has unsupported syntax"));
        let (left, right) = (child(Field::Left)?, child(Field::Right)?);
        let operator = tree.slice(child(Field::Operator)?);
        let short = match operator {
            "&&" => Some(false),
            "||" | "->" => Some(true),
            _ => None,
        };
        if let Some(short) = short {
            let truth = self.truth(left, scope)? != (operator == "->");
            return Ok(Val::Bool(if truth == short { short } else { self.truth(right, scope)? }));
        }
        if operator == "//" {
            let left = opened(self.eval(left, scope));
            let right = opened(self.eval(right, scope));
            return ops::update(self, left, right);
        }
        let left = self.eval(left, scope)?;
        let right = self.eval(right, scope)?;
        ops::binary(self, operator, left, right)
    }

    fn string(&mut self, node: Node, scope: ScopeId) -> Eval<Val> {
        self.burn(text_cost(self.tree.slice(node).len()))?;
        if let Some(text) = nix::literal_string(self.tree, node) {
            return Ok(Val::Str(Some(text.into())));
        }
        let mut text = String::new();
        for part in self.tree.children(node) {
            match self.tree.kind(part) {
                NodeKind::StringFragment => text.push_str(self.tree.slice(part)),
                NodeKind::Interpolation => {
                    let inner = self.tree.child(part, Field::Expression);
                    match inner.map(|inner| self.eval(inner, scope)) {
                        Some(Ok(Val::Str(Some(inner)))) => {
                            self.burn(text_cost(inner.len()))?;
                            text.push_str(&inner);
                        }
                        Some(Ok(other @ (Val::Int(_) | Val::Bool(_) | Val::Null | Val::List(_) | Val::Float(_)))) => {
                            return Err(mismatch(&other, "a string"));
                        }
                        _ => return Ok(Val::Str(None)),
                    }
                }
                _ => return Ok(Val::Str(None)),
            }
        }
        Ok(Val::Str((text.len() <= ops::LONGEST).then(|| text.into())))
    }

    /// The name that an element of an attribute path evaluates to.
    fn name(&mut self, node: Node, scope: ScopeId) -> Eval<Rc<str>> {
        self.burn(text_cost(self.tree.slice(node).len()))?;
        if let Some(name) = nix::name_text(self.tree, node) {
            return Ok(name.into());
        }
        let value = match self.tree.kind(node) {
            NodeKind::String => self.string(node, scope)?,
            NodeKind::Interpolation => match self.tree.child(node, Field::Expression) {
                Some(inner) => self.eval(inner, scope)?,
                None => return Err("it has unsupported syntax".into()),
            },
            _ => return Err("it has unsupported syntax".into()),
        };
        match value {
            Val::Str(Some(name)) => Ok(name),
            Val::Str(None) => Err("a name in it is computed".into()),
            other => Err(mismatch(&other, "a name")),
        }
    }

    fn attrpath(&self, node: Node) -> Vec<Node> {
        let path = self.tree.child(node, Field::Attrpath);
        path.map(|path| self.tree.children(path).filter(|&name| self.tree.kind(name) != NodeKind::Comment).collect())
            .unwrap_or_default()
    }

    fn select(&mut self, node: Node, scope: ScopeId) -> Eval<Val> {
        let default = self.tree.child(node, Field::Default);
        let Some(base) = self.tree.child(node, Field::Expression) else {
            return Err("it has unsupported syntax".into());
        };
        if self.tree.kind(base) == NodeKind::Variable && self.is_global(base, "builtins", scope)? {
            return self.select_builtin(node, scope);
        }
        let mut value = self.eval(base, scope)?;
        for name in self.attrpath(node) {
            let name = self.name(name, scope)?;
            value = match (&value, default) {
                (Val::Set(set), _) => match (set.attrs.get(&name), &set.open, default) {
                    (Some(attr), ..) => self.read(attr.thunk)?,
                    (None, Some(why), _) => return Err(why.clone()),
                    (None, None, Some(default)) => return self.eval(default, scope),
                    (None, None, None) => return Err(format!("there is no attribute `{name}`").into()),
                },
                (_, Some(default)) => return self.eval(default, scope),
                (other, None) => return Err(mismatch(other, "a set")),
            };
        }
        Ok(value)
    }

    fn select_builtin(&mut self, node: Node, scope: ScopeId) -> Eval<Val> {
        let path = self.attrpath(node);
        let [name] = path.as_slice() else { return Err("unsupported builtin".into()) };
        let name = self.name(*name, scope)?;
        builtins::named(&name).ok_or_else(|| format!("`builtins.{name}` is not supported").into())
    }

    fn has_attr(&mut self, node: Node, scope: ScopeId) -> Eval<Val> {
        let Some(base) = self.tree.child(node, Field::Expression) else {
            return Err("it has unsupported syntax".into());
        };
        let mut value = self.eval(base, scope)?;
        let path = self.attrpath(node);
        for (index, &name) in path.iter().enumerate() {
            let name = self.name(name, scope)?;
            let Val::Set(set) = &value else { return Ok(Val::Bool(false)) };
            match (set.attrs.get(&name), &set.open) {
                (Some(_), _) if index + 1 == path.len() => return Ok(Val::Bool(true)),
                (Some(attr), _) => value = self.force(attr.thunk)?,
                (None, Some(why)) => return Err(why.clone()),
                (None, None) => return Ok(Val::Bool(false)),
            }
        }
        Ok(Val::Bool(false))
    }

    /// Whether a variable refers to one of Nix's global names and is not bound in the text.
    fn is_global(&mut self, node: Node, name: &str, scope: ScopeId) -> Eval<bool> {
        Ok(self.tree.slice(node) == name && self.lexical(name, scope)?.is_none())
    }

    fn lexical(&mut self, name: &str, mut scope: ScopeId) -> Eval<Option<ThunkId>> {
        while scope != GLOBAL {
            self.burn(1)?;
            let Scope { parent, names } = &self.scopes[scope as usize];
            if let Names::Bound(names) = names
                && let Some(&thunk) = names.get(name)
            {
                return Ok(Some(thunk));
            }
            scope = *parent;
        }
        Ok(None)
    }

    /// The thunk of a name: bound in the text, globally, or by a `with`, in this order.
    fn variable(&mut self, name: &str, scope: ScopeId) -> Eval<ThunkId> {
        self.burn(text_cost(name.len()))?;
        if let Some(thunk) = self.lexical(name, scope)? {
            return Ok(thunk);
        }
        if let Some(value) = builtins::global(name) {
            return Ok(self.ready(value));
        }
        let mut at = scope;
        while at != GLOBAL {
            self.burn(1)?;
            let Scope { parent, names } = &self.scopes[at as usize];
            let parent = *parent;
            if let &Names::With(environment) = names {
                let set = self.force_set(environment)?;
                match (set.attrs.get(name), &set.open) {
                    (Some(attr), _) => return Ok(attr.thunk),
                    (None, Some(why)) => return Err(why.clone()),
                    (None, None) => {}
                }
            }
            at = parent;
        }
        Err(format!("`{name}` is not defined in this file").into())
    }

    /// Creates the set of a layout. Returns it with the scope of its values: a new one with its names if the set is
    /// recursive, or else the outer one.
    fn set(&mut self, layout: &Layout, outer: ScopeId) -> Eval<(Set, ScopeId)> {
        self.burn(layout.work())?;
        let scope = if layout.recursive {
            self.scopes.push(Scope { parent: outer, names: Names::Bound(HashMap::new()) });
            self.scopes.len() as ScopeId - 1
        } else {
            outer
        };
        let mut set = Set::default();
        let mut sources: HashMap<Node, ThunkId> = HashMap::new();
        for member in &layout.members {
            let thunk = match &*member.body {
                &Body::Expression(value) => self.suspend(value, scope),
                Body::Outer => match self.variable(&member.name, outer) {
                    Ok(thunk) => thunk,
                    Err(why) => self.add(Thunk::Done(Err(why)), member.span),
                },
                &Body::From(source) => {
                    let source = *sources.entry(source).or_insert_with(|| self.suspend(source, scope));
                    self.add(Thunk::Attribute(source, member.name.clone()), member.span)
                }
                Body::Set(_) | Body::Unreadable => self.add(Thunk::Layout(member.body.clone(), scope), member.span),
            };
            set.attrs.insert(member.name.clone(), Attr { thunk, name_span: member.span });
        }
        if layout.recursive {
            let names = set.attrs.iter().map(|(name, attr)| (name.clone(), attr.thunk)).collect();
            self.scopes[scope as usize].names = Names::Bound(names);
        }
        self.computed(layout, scope, &mut set)?;
        Ok((set, scope))
    }

    /// Adds the attributes with computed names; the set is open if one of these is unknown.
    fn computed(&mut self, layout: &Layout, scope: ScopeId, set: &mut Set) -> Eval<()> {
        for (name, body) in &layout.computed {
            let span = self.tree.span(*name);
            let known = match self.name(*name, scope) {
                Ok(known) => known,
                Err(why) => {
                    set.open = Some(why);
                    continue;
                }
            };
            if set.attrs.contains_key(&known) {
                return Err(format!("`{known}` is defined twice").into());
            }
            let thunk = match &**body {
                &Body::Expression(value) => self.suspend(value, scope),
                _ => self.add(Thunk::Layout(body.clone(), scope), span),
            };
            set.attrs.insert(known, Attr { thunk, name_span: span });
        }
        Ok(())
    }
}

/// Whether the value of an expression may be the unchanged value of a name that occurs in it.
fn may_hand_on(kind: NodeKind) -> bool {
    matches!(
        kind,
        NodeKind::Parenthesized
            | NodeKind::Let
            | NodeKind::LetAttrset
            | NodeKind::Variable
            | NodeKind::With
            | NodeKind::Assert
            | NodeKind::If
            | NodeKind::Select
            | NodeKind::Apply
    )
}

/// Turns an unknown set into an open one: attributes merged into it may still be known.
fn opened(value: Eval<Val>) -> Val {
    value.unwrap_or_else(|why| Val::Set(Rc::new(Set { open: Some(why), ..Set::default() })))
}

/// The text of a one-line `''string''`; longer strings are not relevant.
fn plain_line(tree: &Tree<'_>, node: Node) -> Option<Rc<str>> {
    let text = nix::literal_string(tree, node)?;
    (!text.contains('\n') && !text.starts_with(' ')).then(|| text.into())
}

/// The cost of copying or comparing a string.
pub fn text_cost(length: usize) -> usize {
    length / 64
}

/// The error for a value of the wrong type.
pub(super) fn mismatch(value: &Val, wanted: &str) -> Why {
    format!("expected {wanted}, found {}", value.describe()).into()
}
