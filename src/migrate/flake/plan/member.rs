//! Outputs that a helper creates one by one for each system, such as `packages = forAllSystems (system: ..)`.

use super::segment::{behind, emptied, one_form, remove_member, segments, shift_trivia, wrapped};
use super::{Plan, Planner, binding_named, mentions, variable};
use crate::finding::Span;
use crate::lang::nix::Origin;
use crate::lang::{Field, Node, NodeKind, nix};
use crate::migrate::flake::helper::{Argument, PerSystem, Systems};
use crate::migrate::flake::layout::{Edits, Form, spaces};
use crate::migrate::flake::read::{Outputs, defined, members, single_name};
use crate::migrate::flake::{helper, layout};

impl Planner<'_, '_, '_> {
    /// Converts an output that a helper creates for each system. `None` if its arguments cannot be expressed outside
    /// the helper.
    pub(super) fn member(&self, name: String, set: Node, binding: Node, made: PerSystem) -> Option<Member> {
        let (outputs, tree) = (self.outputs, self.outputs.tree);
        let systems = match made.systems {
            Systems::Written(node) => made.outside(outputs, node)?,
            Systems::NamesOf(node) => format!("builtins.attrNames {}", made.outside(outputs, node)?),
            Systems::Default => self.defaults.to_owned(),
        };
        let mut member = Member { name, set, binding, systems, ..Member::empty(binding) };
        if let Systems::Written(node) = made.systems {
            member.candidates.extend(variable(tree, node));
        }
        member.candidates.extend(tree.subtree(binding).filter_map(|node| variable(tree, node)));
        let mut callback = made.callback;
        let mut arguments = made.arguments.iter();
        for argument in arguments.by_ref() {
            callback = nix::unwrap_parens(tree, callback);
            if tree.kind(callback) != NodeKind::Function {
                member.applied.push(self.argument_text(&made, *argument)?);
                continue;
            }
            match (tree.child_of_kind(callback, NodeKind::Formals), tree.child(callback, Field::Universal)) {
                (None, Some(parameter)) => {
                    let text = self.argument_text(&made, *argument)?;
                    self.bind(&mut member, &made, parameter, tree.slice(parameter), text, *argument)?;
                }
                (Some(formals), None) => self.bind_formals(&mut member, &made, formals, *argument)?,
                _ => return None,
            }
            callback = tree.child(callback, Field::Body)?;
        }
        member.body = callback;
        self.local_packages(&mut member);
        Some(member)
    }

    /// Records `pkgs = ..` in the `let` at the top of a member as the member's package set.
    pub(super) fn local_packages(&self, member: &mut Member) {
        let (outputs, tree) = (self.outputs, self.outputs.tree);
        let body = nix::unwrap_parens(tree, member.body);
        if member.packages.is_some() || tree.kind(body) != NodeKind::Let {
            return;
        }
        let Some((found, binding)) = binding_named(tree, &[body], "pkgs") else { return };
        let Some(value) = nix::value(tree, binding) else { return };
        let systems = member.system_names.clone();
        let is_system = |variable: Node| match nix::resolve(tree, variable, tree.slice(variable)) {
            Some(Origin::Argument(found)) => systems.contains(&found),
            _ => false,
        };
        let element = helper::element(outputs, value, &is_system);
        let mut start = tree.span(value).start;
        let text = match &element {
            Some((text, map)) => {
                member.candidates.extend(single_name(tree, *map));
                start = self.element_start(*map);
                text.clone()
            }
            None => {
                let closed = tree.subtree(value).all(|node| {
                    let Some(from) = nix::read_from(tree, node) else { return true };
                    match nix::resolve(tree, from, tree.slice(node)) {
                        None => true,
                        Some(Origin::Argument(binder) | Origin::Binding(binder) | Origin::Inherited(binder)) => {
                            tree.span(value).contains(tree.span(binder))
                                || outputs.is_outer(binder)
                                || (systems.contains(&binder) && tree.slice(node) == "system")
                        }
                    }
                });
                if !closed || tree.subtree(value).any(|node| tree.kind(node) == NodeKind::With) {
                    return;
                }
                tree.slice(value).to_owned()
            }
        };
        let default = self.is_default(value, &is_system, &text);
        member.packages = Some(OwnPackages { text, start, default, place: Place::Let(found, binding) });
    }

    pub(super) fn argument_text(&self, made: &PerSystem, argument: Argument) -> Option<String> {
        match argument {
            Argument::System => Some("system".to_owned()),
            Argument::Expression(node) => self.made_text(made, node),
            Argument::At(node) => Some(format!("{}.${{system}}", made.outside(self.outputs, node)?)),
        }
    }

    /// The text of an expression in the helper, with `nixpkgsFor.${system}` resolved.
    pub(super) fn made_text(&self, made: &PerSystem, node: Node) -> Option<String> {
        let tree = self.outputs.tree;
        let is_system = |variable: Node| {
            made.system.is_some()
                && nix::resolve(tree, variable, tree.slice(variable)) == made.system.map(Origin::Argument)
        };
        match helper::element(self.outputs, node, &is_system) {
            Some((text, _)) => Some(text),
            None => made.outside(self.outputs, node),
        }
    }

    pub(super) fn bind(
        &self,
        member: &mut Member,
        made: &PerSystem,
        binder: Node,
        name: &str,
        text: String,
        argument: Argument,
    ) -> Option<()> {
        let tree = self.outputs.tree;
        if argument == Argument::System {
            member.system_names.push(binder);
            if name != "system" {
                member.locals.push((name.to_owned(), text));
            }
            return Some(());
        }
        if name == "system" {
            // `system` must be the argument of `perSystem`. The helper may use the name for another value.
            return (text == "system").then_some(());
        }
        let node = match argument {
            Argument::Expression(node) | Argument::At(node) => node,
            Argument::System => return None,
        };
        if name == "pkgs" && member.packages.is_none() {
            let is_system = |variable: Node| {
                made.system.is_some()
                    && nix::resolve(tree, variable, tree.slice(variable)) == made.system.map(Origin::Argument)
            };
            let default = match argument {
                Argument::At(set) => {
                    self.outputs.canonical(set).is_some_and(|path| path == ["nixpkgs", "legacyPackages"])
                }
                _ => self.is_default(made.set(self.outputs, node).unwrap_or(node), &is_system, &text),
            };
            member.packages = Some(OwnPackages { text, start: tree.span(node).start, default, place: Place::Argument });
        } else {
            member.locals.push((name.to_owned(), text));
        }
        Some(())
    }

    /// Binds `{ pkgs, system, .. }:` to the members of a set in the helper.
    pub(super) fn bind_formals(
        &self,
        member: &mut Member,
        made: &PerSystem,
        formals: Node,
        argument: Argument,
    ) -> Option<()> {
        let tree = self.outputs.tree;
        let Argument::Expression(node) = argument else { return None };
        let set = made.set(self.outputs, node)?;
        for formal in tree.children(formals).filter(|&node| tree.kind(node) == NodeKind::Formal) {
            let name = tree.slice(tree.child(formal, Field::Name)?);
            let given = members(tree, set)
                .into_iter()
                .find(|&member| defined(tree, member).is_some_and(|names| names.iter().any(|found| found == name)))?;
            match tree.kind(given) {
                NodeKind::Binding => {
                    single_name(tree, given)?;
                    let value = nix::unwrap_parens(tree, nix::value(tree, given)?);
                    let is_system = tree.kind(value) == NodeKind::Variable
                        && made.system.is_some()
                        && nix::resolve(tree, value, tree.slice(value)) == made.system.map(Origin::Argument);
                    let argument = if is_system { Argument::System } else { Argument::Expression(value) };
                    let text = self.argument_text(made, argument)?;
                    self.bind(member, made, formal, name, text, argument)?;
                }
                NodeKind::Inherit => {
                    // `inherit` takes the value from the scope around the set.
                    let outside = tree.parent(tree.parent(given)?)?;
                    match nix::resolve(tree, outside, name) {
                        Some(Origin::Argument(binder)) if Some(binder) == made.system => {
                            self.bind(member, made, formal, name, "system".to_owned(), Argument::System)?;
                        }
                        Some(Origin::Argument(binder) | Origin::Binding(binder)) if self.outputs.is_outer(binder) => {}
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }

    pub(super) fn move_segment(&self, member: &Member, packages: Option<&str>, plan: &mut Plan) {
        let tree = self.outputs.tree;
        let Some(segment) =
            segments(tree, member.set).into_iter().find(|segment| segment.member == Some(member.binding))
        else {
            return;
        };
        let Some(value) = nix::value(tree, member.binding) else { return };
        let target = self.indent + 4;
        let own = layout::indentation(tree.text(), tree.span(member.binding).start as usize);
        let head = Span { start: segment.span.start, end: tree.span(value).start };
        let tail = Span { start: tree.span(value).end, end: segment.span.end };
        let before = tree.text().get(head.range()).unwrap_or("");
        let before = shift_trivia(before, target as isize - own as isize);
        let before = before.trim_end().trim_start_matches('\r').to_owned();
        let after = tree.text().get(tail.range()).unwrap_or("");
        plan.carried.extend([head, tail, tree.span(member.body)]);
        let lead = if plan.body.is_empty() { before.trim_start_matches(['\n', ' ']).to_owned() } else { before };
        let lead = if plan.body.is_empty() { format!("{}{lead}", spaces(target)) } else { lead };
        plan.body.push_str(&format!("{lead}{}{after}", behind(self.member_text(member, packages, target))));
    }

    pub(super) fn member_text(&self, member: &Member, packages: Option<&str>, indent: usize) -> String {
        let tree = self.outputs.tree;
        let is_system = |variable: Node| match nix::resolve(tree, variable, tree.slice(variable)) {
            Some(Origin::Argument(found)) => member.system_names.contains(&found),
            _ => false,
        };
        let mut edits = Edits::default();
        self.name_inputs(member.body, &is_system, &mut edits);
        let mut locals = member.locals.clone();
        let body = nix::unwrap_parens(tree, member.body);
        let mut span = tree.span(if member.applied.is_empty() { body } else { member.body });
        if let Some(own) = &member.packages {
            match (own.place, packages.map(one_form) == Some(one_form(&own.text))) {
                (Place::Argument, false) => locals.push(("pkgs".to_owned(), own.text.clone())),
                (Place::Let(found, binding), true) => remove_member(tree, found, binding, &mut edits),
                _ => {}
            }
        }
        if member.applied.is_empty()
            && let Some(inner) = emptied(tree, body, &edits)
        {
            span = tree.span(inner);
        }
        let mut text = edits.render(self.text(), span);
        if !member.applied.is_empty() {
            let simple = matches!(tree.kind(body), NodeKind::Variable | NodeKind::Select | NodeKind::Apply);
            let function = if simple { edits.render(self.text(), tree.span(body)) } else { format!("({text})") };
            let arguments: Vec<String> = member.applied.iter().map(|text| wrapped(text)).collect();
            text = format!("{function} {}", arguments.join(" "));
        }
        let locals: Vec<&(String, String)> =
            locals.iter().filter(|(name, _)| member.applied.is_empty() && mentions(tree, member.body, name)).collect();
        if locals.is_empty() {
            return layout::placed(self.text(), span.start, &text, indent);
        }
        let inner = spaces(indent + 4);
        let bindings: String = locals
            .iter()
            .map(|(name, value)| format!("{inner}{name} = {};\n", layout::settle(value, Form::Expression, indent + 4)))
            .collect();
        let body = layout::placed(self.text(), span.start, &text, indent + 2);
        let body = body.trim_start();
        let outer = spaces(indent + 2);
        format!("\n{outer}let\n{bindings}{outer}in\n{outer}{body}")
    }
}

/// An output that a helper creates for each system.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) set: Node,
    pub(super) binding: Node,
    pub(super) systems: String,
    /// The parameters that contain the system.
    pub(super) system_names: Vec<Node>,
    /// Names that must be bound around it, with their values.
    pub(super) locals: Vec<(String, String)>,
    /// The arguments that [`Self::body`] is still applied to, if it is not a literal function.
    pub(super) applied: Vec<String>,
    pub(super) packages: Option<OwnPackages>,
    pub(super) body: Node,
    pub(super) candidates: Vec<String>,
}

/// A member's own package set with the name `pkgs`.
pub(super) struct OwnPackages {
    pub(super) text: String,
    /// The offset of the expression in the old text.
    pub(super) start: u32,
    pub(super) default: bool,
    pub(super) place: Place,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// A parameter of the callback.
    Argument,
    /// A binding of the `let` at the beginning of the callback.
    Let(Node, Node),
}

impl Member {
    pub(super) fn empty(node: Node) -> Self {
        Self {
            name: String::new(),
            set: node,
            binding: node,
            systems: String::new(),
            system_names: Vec::new(),
            locals: Vec::new(),
            applied: Vec::new(),
            packages: None,
            body: node,
            candidates: Vec::new(),
        }
    }

    /// Whether the member's text uses a name that it does not define, from the outer scope or a `with`.
    pub(super) fn foreign(&self, name: &str, outputs: &Outputs<'_, '_>) -> bool {
        let tree = outputs.tree;
        let own =
            |binder: Node| tree.span(self.binding).contains(tree.span(binder)) || self.system_names.contains(&binder);
        tree.subtree(self.body).any(|node| {
            let Some(from) = nix::read_from(tree, node) else { return false };
            tree.slice(node) == name
                && match nix::resolve(tree, from, name) {
                    Some(Origin::Argument(binder) | Origin::Binding(binder) | Origin::Inherited(binder)) => {
                        !own(binder)
                    }
                    None => true,
                }
        })
    }
}
