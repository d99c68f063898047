//! Functions: calls, entering the function around a registry, and the names that functions bind.

use std::collections::HashSet;
use std::rc::Rc;

use super::{Machine, Names, Scope, Thunk, mismatch};
use crate::facts::port_registry::eval::builtins;
use crate::facts::port_registry::eval::builtins::Builtin;
use crate::facts::port_registry::eval::layout::Layout;
use crate::facts::port_registry::eval::value::{Attr, Eval, Lambda, ScopeId, Set, ThunkId, Val, Why};
use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, Tree, nix};

/// What is known about the arguments that a registry is called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::facts::port_registry) enum Given {
    /// Optional arguments have their defaults.
    Defaults,
    /// Nothing is known.
    Nothing,
}

impl Machine<'_, '_> {
    /// Applies a function.
    pub(in crate::facts::port_registry) fn call(&mut self, function: Val, argument: ThunkId) -> Eval<Val> {
        match function {
            Val::Lambda(lambda) => {
                let scope = self.bind(&lambda, argument)?;
                match self.tree.child(lambda.node, Field::Body) {
                    Some(body) => self.eval(body, scope),
                    None => Err("it has unsupported syntax".into()),
                }
            }
            Val::Builtin(builtin, given) => self.call_builtin(builtin, &given, argument),
            Val::Set(_) => Err("it calls an attribute set as a function".into()),
            other => Err(mismatch(&other, "a function")),
        }
    }

    fn call_builtin(&mut self, builtin: Builtin, given: &[ThunkId], argument: ThunkId) -> Eval<Val> {
        let given: Rc<[ThunkId]> = given.iter().copied().chain([argument]).collect();
        if given.len() < builtin.arity() {
            return Ok(Val::Builtin(builtin, given));
        }
        let value = self.deeper(|machine| builtins::run(machine, builtin, &given));
        self.hand_on(None);
        value
    }

    /// The scope of a function's body.
    fn bind(&mut self, lambda: &Lambda, argument: ThunkId) -> Eval<ScopeId> {
        self.burn(1)?;
        match self.tree.child_of_kind(lambda.node, NodeKind::Formals) {
            Some(formals) => {
                let set = self.force_set(argument)?;
                self.burn(self.tree.size(formals) + set.attrs.len())?;
                self.expect(formals, &set)?;
                Ok(self.bind_formals(lambda, formals, &set, argument))
            }
            None => Ok(self.bind_whole(lambda, argument)),
        }
    }

    /// Fails for unexpected arguments and for missing required ones.
    fn expect(&self, formals: Node, set: &Set) -> Eval<()> {
        let missing = |(name, default): &(&str, Option<Node>)| default.is_none() && !set.attrs.contains_key(*name);
        if set.open.is_none()
            && let Some((name, _)) = formal_names(self.tree, formals).find(missing)
        {
            return Err(format!("the argument `{name}` is missing").into());
        }
        if self.tree.child_of_kind(formals, NodeKind::Ellipses).is_some() {
            return Ok(());
        }
        let takes: HashSet<&str> = formal_names(self.tree, formals).map(|(name, _)| name).collect();
        match set.attrs.keys().find(|name| !takes.contains(&***name)) {
            Some(other) => Err(format!("the function takes no argument `{other}`").into()),
            None => Ok(()),
        }
    }

    fn bind_whole(&mut self, lambda: &Lambda, argument: ThunkId) -> ScopeId {
        let whole = self.tree.child(lambda.node, Field::Universal).map(|whole| self.tree.slice(whole).into());
        let names = whole.into_iter().map(|name| (name, argument)).collect();
        self.scopes.push(Scope { parent: lambda.scope, names: Names::Bound(names) });
        self.scopes.len() as ScopeId - 1
    }

    fn bind_formals(&mut self, lambda: &Lambda, formals: Node, set: &Set, whole: ThunkId) -> ScopeId {
        let scope = self.bind_whole(lambda, whole);
        for (name, default) in formal_names(self.tree, formals) {
            let thunk = match (set.attrs.get(name), &set.open, default) {
                (Some(attr), ..) => attr.thunk,
                (None, Some(why), _) => self.ready(Err(why.clone())),
                (None, None, Some(default)) => self.suspend(default, scope),
                (None, None, None) => continue,
            };
            if let Names::Bound(names) = &mut self.scopes[scope as usize].names {
                names.insert(name.into(), thunk);
            }
        }
        scope
    }

    /// Enters a function as an importing file would.
    pub(in crate::facts::port_registry) fn enter(&mut self, lambda: &Lambda, given: Given) -> Eval<ThunkId> {
        let tree = self.tree;
        let scope = match tree.child_of_kind(lambda.node, NodeKind::Formals) {
            Some(formals) => {
                let mut set = Set::default();
                let is_unknown = |(_, default): &(&str, Option<Node>)| default.is_none() || given == Given::Nothing;
                for (name, _) in formal_names(tree, formals).filter(is_unknown) {
                    let why = Why::from(format!("it depends on the argument `{name}`"));
                    let value = if name == "lib" { Ok(self.library(tree.span(formals), why)) } else { Err(why) };
                    let thunk = self.ready(value);
                    set.attrs.insert(name.into(), Attr { thunk, name_span: tree.span(formals) });
                }
                let open = tree.child_of_kind(formals, NodeKind::Ellipses).is_some();
                let open = open.then(|| Why::from("it depends on further arguments"));
                let whole = self.ready(Ok(Val::Set(Rc::new(Set { open, ..set.clone() }))));
                self.bind_formals(lambda, formals, &set, whole)
            }
            None => {
                let argument = self.ready(Err("it depends on the function's argument".into()));
                self.bind_whole(lambda, argument)
            }
        };
        match tree.child(lambda.node, Field::Body) {
            Some(body) => Ok(self.suspend(body, scope)),
            None => Err("it has unsupported syntax".into()),
        }
    }

    /// nixpkgs' `lib` with only its built-in functions. The set is open: other attributes are unknown.
    fn library(&mut self, name_span: Span, why: Why) -> Val {
        let functions = builtins::IN_LIBRARY.iter().filter_map(|name| Some((*name, builtins::named(name)?)));
        let attrs =
            functions.map(|(name, function)| (name.into(), Attr { thunk: self.ready(Ok(function)), name_span }));
        Val::Set(Rc::new(Set { attrs: attrs.collect(), open: Some(why) }))
    }

    /// The names that the outermost `let` of an expression binds, as a set.
    pub(in crate::facts::port_registry) fn let_names(&mut self, thunk: ThunkId) -> Option<Set> {
        let Some(&Thunk::Expression(node, scope)) = self.thunks.get(thunk as usize) else { return None };
        let mut node = nix::unwrap_parens(self.tree, node);
        while matches!(self.tree.kind(node), NodeKind::With | NodeKind::Assert) {
            node = nix::unwrap_parens(self.tree, self.tree.child(node, Field::Body)?);
        }
        if self.tree.kind(node) != NodeKind::Let {
            return None;
        }
        self.set(&Layout::read(self.tree, node), scope).ok().map(|(set, _)| set)
    }
}

/// The formal arguments of a function, with their defaults.
pub(in crate::facts::port_registry) fn formal_names<'a>(
    tree: &Tree<'a>,
    formals: Node,
) -> impl Iterator<Item = (&'a str, Option<Node>)> {
    tree.children(formals)
        .filter(|&formal| tree.kind(formal) == NodeKind::Formal)
        .filter_map(|formal| Some((tree.slice(tree.child(formal, Field::Name)?), tree.child(formal, Field::Default))))
}
