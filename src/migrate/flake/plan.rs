//! What becomes of the outputs: what moves into `perSystem`, what stays under `flake`.

use super::Refusal;
use super::helper::{self, Argument, PerSystem, Systems};
use super::layout::{self, Edits, Form, spaces};
use super::read::{self, Operand, Outputs, What, defined, is_set, members, single_name};
use super::values::{PACKAGE_OUTPUTS, Values};
use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

/// The outputs that flake-parts makes for each system.
pub const TRANSPOSED: [&str; 6] = ["packages", "apps", "checks", "devShells", "formatter", "legacyPackages"];

/// Outputs that flake-parts gives a type that an attribute for each system does not have.
const TYPED: [&str; 4] = ["overlays", "nixosModules", "nixosConfigurations", "hydraJobs"];

/// The attributes that flake-parts gives an app.
const APP: [&str; 3] = ["type", "program", "meta"];

/// Names with a meaning for the module system.
const RESERVED: [&str; 8] =
    ["config", "options", "imports", "_module", "freeformType", "disabledModules", "perSystem", "systems"];

/// The new body of the outputs, in parts.
#[derive(Debug, Default)]
pub struct Plan {
    /// The list of systems, as an expression.
    pub systems: String,
    /// What `perSystem` is below its arguments: bindings, or an expression that gives them.
    pub body: String,
    /// Whether [`Self::body`] is an expression.
    pub expression: bool,
    /// Where that expression began.
    pub start: u32,
    /// `pkgs`, if it is not flake-parts' own.
    pub packages: Option<(String, u32)>,
    /// Output names that flake-parts does not know.
    pub unknown: Vec<String>,
    /// What stays under `flake`: bindings.
    pub kept: String,
    /// Operands that stay under `flake` as they are.
    pub kept_whole: Vec<String>,
    /// A `let` that has to be around all of it.
    pub head: String,
    /// The arguments of `perSystem` that are safe to take.
    pub arguments: Vec<&'static str>,
    /// The spans of the old text that are in the new one.
    pub carried: Vec<Span>,
    /// Names of the outer `let` that may have no use any more.
    pub candidates: Vec<String>,
    /// Outputs that moved.
    pub moved: Vec<(String, u32)>,
    /// Per-system values that stay under `flake`, and why.
    pub left: Vec<(String, u32, String)>,
}

/// Plans the outputs, or says why they cannot be moved.
pub fn plan(outputs: &Outputs<'_, '_>, values: &Values<'_>, defaults: &str, indent: usize) -> Result<Plan, Refusal> {
    let operands = outputs.operands();
    check_names(outputs, &operands)?;
    let each: Vec<(usize, Call)> =
        operands.iter().enumerate().filter_map(|(at, operand)| Some((at, each_call(outputs, operand)?))).collect();
    let planner = Planner { outputs, values, defaults, indent };
    match each.first() {
        Some((at, call)) => planner.each(&operands, *at, *call),
        None => planner.members(&operands),
    }
}

/// A call of flake-utils that takes a function of the system.
#[derive(Debug, Clone, Copy)]
struct Call {
    systems: Systems,
    function: Node,
}

/// The call of `eachSystem` or `eachDefaultSystem` that an operand is.
fn each_call(outputs: &Outputs<'_, '_>, operand: &Operand) -> Option<Call> {
    let What::Other(node) = operand.what else { return None };
    let tree = outputs.tree;
    let (mut head, mut arguments) = (node, Vec::new());
    while tree.kind(head) == NodeKind::Apply {
        arguments.insert(0, nix::unwrap_parens(tree, tree.child(head, Field::Argument)?));
        head = nix::unwrap_parens(tree, tree.child(head, Field::Function)?);
        // `eachSystem = flake-utils.lib.eachSystem systems;`
        if tree.kind(head) == NodeKind::Variable
            && outputs.flake_utils(head).is_none()
            && let Some(Origin::Binding(binding)) = nix::resolve(tree, head, tree.slice(head))
            && single_name(tree, binding).is_some()
        {
            head = nix::unwrap_parens(tree, nix::value(tree, binding)?);
        }
    }
    match (outputs.flake_utils(head)?.as_str(), arguments.as_slice()) {
        ("eachDefaultSystem", [function]) => Some(Call { systems: Systems::Default, function: *function }),
        ("eachSystem", [systems, function]) => Some(Call { systems: Systems::Written(*systems), function: *function }),
        _ => None,
    }
}

/// Every operand must say its names, and no two the same.
fn check_names(outputs: &Outputs<'_, '_>, operands: &[Operand]) -> Result<(), Refusal> {
    let tree = outputs.tree;
    let mut seen: Vec<String> = Vec::new();
    for operand in operands {
        let at = Some(tree.span(operand.node).start);
        let names = match operand.what {
            What::Set(set) => {
                if read::is_recursive(tree, set) {
                    let todo = "move what the attributes share into a `let` and remove `rec`";
                    return Err(Refusal::new(at, "the outputs are a `rec` set whose attributes use each other", todo));
                }
                read::defined_by(tree, set).ok_or_else(|| {
                    Refusal::new(at, "an output has a computed name", "write the names of all outputs out")
                })?
            }
            What::Other(node) => match each_call(outputs, operand) {
                Some(call) => function_names(outputs, call.function).ok_or_else(|| unwritten(tree, call.function))?.0,
                None => return Err(unwritten(tree, node)),
            },
        };
        if let Some(name) = names.iter().find(|name| RESERVED.contains(&name.as_str())) {
            let why = format!("the output `{name}` has a meaning of its own in a flake-parts module");
            return Err(Refusal::new(at, &why, "rename the output, or move the flake by hand"));
        }
        if let Some(name) = names.iter().find(|name| seen.contains(name)) {
            let why = format!("`//` replaces the output `{name}` of an earlier set, which flake-parts would merge");
            return Err(Refusal::new(at, &why, "define each output in one place"));
        }
        seen.extend(names);
    }
    Ok(())
}

fn unwritten(tree: &Tree<'_>, node: Node) -> Refusal {
    let at = Some(tree.span(node).start);
    match tree.kind(node) {
        NodeKind::Function => {
            let why = "the function of the system does not write out which outputs it gives";
            return Refusal::new(at, why, "let it give an attribute set");
        }
        NodeKind::Apply => {
            let head = tree.slice(node).split_whitespace().next().unwrap_or("");
            let why =
                format!("what `{head}` makes of its arguments is not known: it is neither flake-utils nor `genAttrs`");
            return Refusal::new(at, &why, "write the outputs as an attribute set in flake.nix");
        }
        _ => {}
    }
    let text: String = tree.slice(node).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
    let why = format!("the names of the outputs in `{text}` are not written in flake.nix");
    Refusal::new(at, &why, "write the outputs as an attribute set in flake.nix")
}

/// The body of a function of the system: its `let`s and the sets that make its result.
struct Body {
    parameter: Option<Node>,
    node: Node,
    lets: Vec<Node>,
    sets: Vec<Node>,
    /// Whether nothing but `let` and `with` is around one set.
    plain: bool,
}

/// The names that a function of the system defines, and its body. `None` if they are not written there.
fn function_names(outputs: &Outputs<'_, '_>, function: Node) -> Option<(Vec<String>, Body)> {
    let tree = outputs.tree;
    if tree.kind(function) != NodeKind::Function || tree.child_of_kind(function, NodeKind::Formals).is_some() {
        return None;
    }
    let parameter = tree.child(function, Field::Universal);
    let node = tree.child(function, Field::Body)?;
    let mut body = Body { parameter, node, lets: vec![], sets: vec![], plain: true };
    collect(tree, node, &mut body)?;
    let mut names = Vec::new();
    for set in &body.sets {
        names.extend(read::defined_by(tree, *set)?);
    }
    Some((names, body))
}

fn collect(tree: &Tree<'_>, node: Node, body: &mut Body) -> Option<()> {
    let node = nix::unwrap_parens(tree, node);
    match tree.kind(node) {
        NodeKind::Let => {
            body.lets.push(node);
            collect(tree, tree.child(node, Field::Body)?, body)
        }
        NodeKind::With => collect(tree, tree.child(node, Field::Body)?, body),
        NodeKind::Attrset | NodeKind::RecAttrset => {
            body.sets.push(node);
            Some(())
        }
        NodeKind::Binary
            if tree.child(node, Field::Operator).is_some_and(|sign| tree.kind(sign) == NodeKind::Update) =>
        {
            body.plain = false;
            collect(tree, tree.child(node, Field::Left)?, body)?;
            collect(tree, tree.child(node, Field::Right)?, body)
        }
        _ => None,
    }
}

struct Planner<'p, 't, 'a> {
    outputs: &'p Outputs<'t, 'a>,
    values: &'p Values<'p>,
    defaults: &'p str,
    indent: usize,
}

impl Planner<'_, '_, '_> {
    fn text(&self) -> &str {
        self.outputs.tree.text()
    }

    // One call of flake-utils

    fn each(&self, operands: &[Operand], at: usize, call: Call) -> Result<Plan, Refusal> {
        let (outputs, tree) = (self.outputs, self.outputs.tree);
        let (names, body) = function_names(outputs, call.function).ok_or_else(|| unwritten(tree, call.function))?;
        let place = Some(tree.span(call.function).start);
        if let Some(name) = names.iter().find(|name| TYPED.contains(&name.as_str())) {
            let why = format!("`{name}` is defined for each system, which flake-parts has no place for");
            return Err(Refusal::new(place, &why, &format!("define `{name}` outside of the function of the system")));
        }
        for set in &body.sets {
            self.check_packages(*set)?;
        }
        let mut plan = Plan { expression: true, ..Plan::default() };
        plan.systems = match call.systems {
            Systems::Written(node) => {
                plan.candidates.extend(variable(tree, node));
                plan.carried.push(tree.span(node));
                tree.slice(node).to_owned()
            }
            _ => self.defaults.to_owned(),
        };
        let mut once = names.clone();
        once.sort();
        once.dedup();
        plan.moved = once.iter().map(|name| (name.clone(), tree.span(call.function).start)).collect();
        plan.unknown = once.iter().filter(|name| !TRANSPOSED.contains(&name.as_str())).cloned().collect();
        let is_system =
            |variable: Node| nix::resolve(tree, variable, tree.slice(variable)) == body.parameter.map(Origin::Argument);
        let mut edits = Edits::default();
        self.name_inputs(body.node, &is_system, &mut edits);
        let own = self.own_packages(&body, &is_system, &mut edits, &mut plan);
        plan.arguments = arguments(own.is_some());
        let own = own.flatten();
        let foreign = |node: Node| {
            nix::read_from(tree, node).is_some_and(|from| {
                tree.slice(node) == "system"
                    && match nix::resolve(tree, from, "system") {
                        Some(Origin::Argument(binder) | Origin::Binding(binder) | Origin::Inherited(binder)) => {
                            !tree.span(call.function).contains(tree.span(binder))
                        }
                        None => true,
                    }
            })
        };
        if tree.subtree(body.node).any(foreign) {
            let why = "the function of the system uses another `system` as well";
            return Err(Refusal::new(place, why, "rename that other `system`"));
        }
        let mut text = edits.render(self.text(), tree.span(body.node));
        if let (Some(own), Some(set)) = (own, body.sets.first()) {
            let inner = layout::indentation(self.text(), first_member(tree, *set) as usize);
            let line = format!(
                "{{\n{}_module.args.pkgs ={};\n",
                spaces(inner),
                behind(layout::placed(self.text(), own.1, &own.0, inner))
            );
            // The set's brace is found behind the edits before it.
            let before = Span { start: tree.span(body.node).start, end: tree.span(*set).start };
            let length = edits.render(self.text(), before).len();
            if let Some(brace) = text[length..].find('{') {
                text.replace_range(length + brace..length + brace + 1, &line);
            }
        }
        plan.carried.push(tree.span(body.node));
        if let Some(parameter) = body.parameter.map(|node| tree.slice(node)).filter(|name| *name != "system") {
            text = format!("let\n  {parameter} = system;\nin\n{text}");
        }
        let emptied =
            body.lets.first().filter(|&&outer| outer == body.node).and_then(|&outer| emptied(tree, outer, &edits));
        plan.start = tree.span(emptied.unwrap_or(body.node)).start;
        plan.body = text;
        for (_, operand) in operands.iter().enumerate().filter(|(other, _)| *other != at) {
            match operand.what {
                What::Set(set) => {
                    self.check_packages(set)?;
                    self.head(operand, operands, &mut plan)?;
                    self.keep_segments(set, &[], &mut plan);
                }
                What::Other(node) => {
                    let name = outputs.tree.slice(node).split_whitespace().next().unwrap_or("").to_owned();
                    let why = "it is a second call for each system; `perSystem` has one list of systems".to_owned();
                    plan.left.push((name, tree.span(node).start, why));
                    plan.kept_whole.push(layout::settle(tree.slice(node), Form::Expression, self.indent + 4));
                    plan.carried.push(tree.span(node));
                }
            }
        }
        Ok(plan)
    }

    /// `pkgs = ..` of the body's own `let`: taken out, for flake-parts' `pkgs` to be the same. Gives the expression if
    /// it is not what flake-parts has by itself, `None` if `pkgs` stays where it is.
    fn own_packages(
        &self,
        body: &Body,
        is_system: &dyn Fn(Node) -> bool,
        edits: &mut Edits,
        plan: &mut Plan,
    ) -> Option<Option<(String, u32)>> {
        let tree = self.outputs.tree;
        let set = *body.sets.first().filter(|_| body.plain)?;
        let (found, binding) = binding_named(tree, &body.lets, "pkgs")?;
        let value = nix::value(tree, binding)?;
        let element = helper::element(self.outputs, value, is_system);
        if let Some((_, map)) = &element {
            plan.candidates.extend(single_name(tree, *map));
        }
        let (text, start) = match &element {
            Some((text, map)) => (text.clone(), self.element_start(*map)),
            None => (edits.render(self.text(), tree.span(value)), tree.span(value).start),
        };
        // Inside a `rec` set the names of its members would be meant.
        let names = read::defined_by(tree, set)?;
        let captured = tree
            .subtree(value)
            .any(|node| nix::read_from(tree, node).is_some() && names.iter().any(|name| name == tree.slice(node)));
        if tree.kind(set) == NodeKind::RecAttrset && captured {
            return None;
        }
        // `pkgs` would mean itself there.
        let own = tree.subtree(value).any(|node| nix::read_from(tree, node).is_some() && tree.slice(node) == "pkgs");
        let depends = body.lets.iter().any(|&other| other != found && tree.span(found).contains(tree.span(other)))
            && tree.subtree(value).any(|node| {
                matches!(
                    nix::read_from(tree, node).and_then(|from| nix::resolve(tree, from, tree.slice(node))),
                    Some(Origin::Binding(_))
                )
            });
        // Elsewhere in the body the name means something else.
        let other = tree.subtree(body.node).any(|node| {
            nix::read_from(tree, node).is_some_and(|from| {
                tree.slice(node) == "pkgs"
                    && match nix::resolve(tree, from, "pkgs") {
                        Some(Origin::Argument(binder) | Origin::Binding(binder) | Origin::Inherited(binder)) => {
                            !tree.span(body.node).contains(tree.span(binder))
                        }
                        None => true,
                    }
            })
        });
        if own || depends || other {
            return None;
        }
        remove_member(tree, found, binding, edits);
        let is_default = self.is_default(value, is_system, &text);
        Some((!is_default).then_some((text, start)))
    }

    /// Where the value of a set made for each system begins.
    fn element_start(&self, map: Node) -> u32 {
        let tree = self.outputs.tree;
        let made = nix::value(tree, map).and_then(|value| helper::per_system(self.outputs, value));
        let body = made.and_then(|made| tree.child(made.callback, Field::Body));
        tree.span(body.map_or(map, |body| nix::unwrap_parens(tree, body))).start
    }

    /// Whether an expression is what flake-parts gives as `pkgs`.
    fn is_default(&self, node: Node, is_system: &dyn Fn(Node) -> bool, text: &str) -> bool {
        let tree = self.outputs.tree;
        let node = nix::unwrap_parens(tree, node);
        if tree.kind(node) != NodeKind::Select || tree.child(node, Field::Default).is_some() {
            let plain: String = text.split_whitespace().collect();
            return plain == "nixpkgs.legacyPackages.${system}" && self.is_nixpkgs_input();
        }
        let Some(path) = tree.child(node, Field::Attrpath) else { return false };
        let names: Vec<Node> = tree.children(path).collect();
        let Some((last, rest)) = names.split_last() else { return false };
        if !helper::interpolates(self.outputs, *last, is_system) {
            return false;
        }
        self.path_to(node, rest).is_some_and(|path| path == ["nixpkgs", "legacyPackages"])
    }

    fn is_nixpkgs_input(&self) -> bool {
        let tree = self.outputs.tree;
        self.outputs.formals.is_some_and(|formals| {
            tree.children(formals)
                .any(|formal| tree.child(formal, Field::Name).is_some_and(|name| tree.slice(name) == "nixpkgs"))
        })
    }

    /// The canonical path of a selection's base and some of its names.
    fn path_to(&self, select: Node, names: &[Node]) -> Option<Vec<String>> {
        let tree = self.outputs.tree;
        let base = nix::unwrap_parens(tree, tree.child(select, Field::Expression)?);
        let from_all = tree.kind(base) == NodeKind::Variable
            && Some(tree.slice(base)) == self.outputs.whole
            && matches!(nix::resolve(tree, base, tree.slice(base)), Some(Origin::Argument(found))
                if self.outputs.tree.child(self.outputs.function, Field::Universal) == Some(found));
        let mut path = if from_all { Vec::new() } else { self.outputs.canonical(base)? };
        for name in names {
            path.push(nix::name_text(tree, *name)?.into_owned());
        }
        if path.len() > 2 && path[0] == "self" && path[1] == "inputs" {
            path.drain(..2);
        }
        Some(path)
    }

    /// `self.packages.${system}` -> `self'.packages`, `x.packages.${system}` -> `inputs'.x.packages`.
    fn name_inputs(&self, within: Node, is_system: &dyn Fn(Node) -> bool, edits: &mut Edits) {
        let tree = self.outputs.tree;
        for select in tree.subtree(within).filter(|&node| tree.kind(node) == NodeKind::Select) {
            if tree.child(select, Field::Default).is_some() {
                continue;
            }
            let Some(path) = tree.child(select, Field::Attrpath) else { continue };
            let names: Vec<Node> = tree.children(path).collect();
            let Some(at) = names.iter().position(|&name| helper::interpolates(self.outputs, name, is_system)) else {
                continue;
            };
            let Some(found) = self.path_to(select, &names[..at]) else { continue };
            let [input, output] = found.as_slice() else { continue };
            if !TRANSPOSED.contains(&output.as_str()) {
                continue;
            }
            let new = match (input.as_str(), self.outputs.flake.input(input)) {
                ("self", _) => format!("self'.{output}"),
                (_, Some(found)) if found.is_flake => format!("inputs'.{input}.{output}"),
                _ => continue,
            };
            let span = Span { start: tree.span(select).start, end: tree.span(names[at]).end };
            edits.replace(span, new);
        }
    }

    // Members that are made for each system by a helper

    fn members(&self, operands: &[Operand]) -> Result<Plan, Refusal> {
        let (outputs, tree) = (self.outputs, self.outputs.tree);
        let mut found: Vec<Member> = Vec::new();
        let mut plan = Plan::default();
        for operand in operands {
            let What::Set(set) = operand.what else { continue };
            for binding in members(tree, set).into_iter().filter(|&member| tree.kind(member) == NodeKind::Binding) {
                let Some(value) = nix::value(tree, binding) else { continue };
                let (Some(made), Some(name)) = (helper::per_system(outputs, value), single_name(tree, binding)) else {
                    continue;
                };
                let at = tree.span(binding).start;
                if TYPED.contains(&name.as_str()) {
                    plan.left.push((name, at, "flake-parts has no per-system option of this name".to_owned()));
                    continue;
                }
                match self.member(name.clone(), set, binding, made) {
                    Some(member) => found.push(member),
                    None => plan.left.push((
                        name,
                        at,
                        "what its helper gives it cannot be written outside of the helper".to_owned(),
                    )),
                }
            }
        }
        let Some(systems) = most_common(found.iter().map(|member| member.systems.as_str())) else {
            let at = Some(tree.span(outputs.body).start);
            let why = match plan.left.first() {
                Some((name, _, why)) => format!("`{name}` cannot move: {why}"),
                None => "no output is made for each system by a helper that can be followed".to_owned(),
            };
            return Err(Refusal::new(at, &why, "write per-system outputs as `<output> = <helper> (system: ..);`"));
        };
        plan.systems = systems.clone();
        let (mut moved, others): (Vec<Member>, Vec<Member>) =
            found.into_iter().partition(|member| one_form(&member.systems) == one_form(&systems));
        for member in others {
            let why = "its list of systems is another than that of most outputs".to_owned();
            plan.left.push((member.name, tree.span(member.binding).start, why));
        }
        let packages =
            most_common(moved.iter().filter_map(|member| member.packages.as_ref().map(|own| own.text.as_str())));
        let packages = packages.filter(|_| moved.iter().all(|member| !member.foreign("pkgs", outputs)));
        moved.retain(|member| {
            let foreign = member.foreign("system", outputs);
            if foreign {
                let why = "it uses a name `system` of the flake's own".to_owned();
                plan.left.push((member.name.clone(), tree.span(member.binding).start, why));
            }
            !foreign
        });
        if moved.is_empty() {
            return Err(Refusal::new(
                Some(tree.span(outputs.body).start),
                "every per-system output uses names that `perSystem` has as well",
                "rename `system` and `pkgs` of the outer `let`",
            ));
        }
        if let Some(text) = &packages {
            let default = moved
                .iter()
                .filter_map(|member| member.packages.as_ref())
                .any(|own| one_form(&own.text) == one_form(text) && own.default);
            let start = moved
                .iter()
                .filter_map(|member| member.packages.as_ref())
                .find(|own| own.text == *text)
                .map_or(0, |own| own.start);
            plan.packages = (!default).then(|| (text.clone(), start));
        }
        plan.arguments = arguments(packages.is_some());
        for member in &moved {
            if PACKAGE_OUTPUTS.contains(&member.name.as_str()) {
                self.refuse_sets(&member.name, member.body)?;
            }
            plan.candidates.extend(member.candidates.iter().cloned());
            plan.moved.push((member.name.clone(), tree.span(member.binding).start));
            if !TRANSPOSED.contains(&member.name.as_str()) {
                plan.unknown.push(member.name.clone());
            }
        }
        for operand in operands {
            let What::Set(set) = operand.what else { continue };
            self.check_packages(set)?;
            self.head(operand, operands, &mut plan)?;
            self.keep_segments(set, &moved, &mut plan);
            for member in moved.iter().filter(|member| member.set == set) {
                self.move_segment(member, packages.as_deref(), &mut plan);
            }
        }
        Ok(plan)
    }

    /// What a member becomes. `None` if what the helper gives it cannot be said outside of the helper.
    fn member(&self, name: String, set: Node, binding: Node, made: PerSystem) -> Option<Member> {
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

    /// `pkgs = ..` at the top of a member's own `let`.
    fn local_packages(&self, member: &mut Member) {
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

    fn argument_text(&self, made: &PerSystem, argument: Argument) -> Option<String> {
        match argument {
            Argument::System => Some("system".to_owned()),
            Argument::Expression(node) => self.made_text(made, node),
            Argument::At(node) => Some(format!("{}.${{system}}", made.outside(self.outputs, node)?)),
        }
    }

    /// An expression of the helper, `nixpkgsFor.${system}` seen through.
    fn made_text(&self, made: &PerSystem, node: Node) -> Option<String> {
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

    fn bind(
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
            // The helper's own name for something else.
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

    /// `{ pkgs, system, .. }:` applied to a set that the helper writes.
    fn bind_formals(&self, member: &mut Member, made: &PerSystem, formals: Node, argument: Argument) -> Option<()> {
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
                    // The name means outside of the set what it means inside.
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

    // Text

    /// What stays of a set: its members without those that move, each with the comments above it.
    fn keep_segments(&self, set: Node, moved: &[Member], plan: &mut Plan) {
        let tree = self.outputs.tree;
        let mut text = String::new();
        for segment in segments(tree, set) {
            if moved.iter().any(|member| Some(member.binding) == segment.member) {
                continue;
            }
            let piece = tree.text().get(segment.span.range()).unwrap_or("");
            let own =
                segment.member.map_or(0, |member| layout::indentation(tree.text(), tree.span(member).start as usize));
            let by = match segment.member {
                Some(_) => (self.indent + 4) as isize - own as isize,
                None => 0,
            };
            plan.carried.push(segment.span);
            text.push_str(&layout::shift(piece, Form::Bindings, by));
        }
        if !text.trim().is_empty() {
            let piece = text.trim_start_matches([' ', '\n', '\r']).trim_end();
            if !plan.kept.is_empty() {
                plan.kept.push('\n');
            }
            plan.kept.push_str(&format!("{}{piece}\n", spaces(self.indent + 4)));
        }
    }

    fn move_segment(&self, member: &Member, packages: Option<&str>, plan: &mut Plan) {
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

    fn member_text(&self, member: &Member, packages: Option<&str>, indent: usize) -> String {
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

    /// A `let` around an operand goes around the new outputs, if no name of it means something else elsewhere.
    fn head(&self, operand: &Operand, operands: &[Operand], plan: &mut Plan) -> Result<(), Refusal> {
        let tree = self.outputs.tree;
        for &found in &operand.lets {
            let at = Some(tree.span(found).start);
            let names = read::defined_by(tree, found)
                .ok_or_else(|| Refusal::new(at, "a `let` has a computed name", "write the name out"))?;
            let elsewhere = operands.iter().filter(|other| other.node != operand.node);
            for name in &names {
                if elsewhere.clone().any(|other| mentions(tree, other.node, name)) {
                    let why = format!(
                        "the `let` around a part of the outputs binds `{name}`, which another part uses as well"
                    );
                    return Err(Refusal::new(at, &why, "give it another name"));
                }
            }
            let Some(body) = tree.child(found, Field::Body) else { continue };
            let span = Span { start: tree.span(found).start, end: tree.span(body).start };
            let text = tree.text().get(span.range()).unwrap_or("").trim_end().to_owned();
            plan.carried.push(span);
            plan.head.push_str(&layout::settle(&text, Form::Expression, self.indent));
            plan.head.push('\n');
            plan.candidates.extend(names);
        }
        Ok(())
    }

    /// flake-parts takes apps with three attributes only, and overlays that are functions.
    fn check_types(&self, name: &str, value: Node) -> Result<(), Refusal> {
        let tree = self.outputs.tree;
        let at = Some(tree.span(value).start);
        match (name, tree.kind(value)) {
            ("apps", NodeKind::Attrset | NodeKind::RecAttrset) => {
                let names = read::defined_by(tree, value).unwrap_or_default();
                let is_app = names.iter().any(|name| name == "program");
                match names.iter().find(|name| is_app && !APP.contains(&name.as_str())) {
                    Some(name) => {
                        let why = format!("an app has an attribute `{name}`, which flake-parts refuses");
                        Err(Refusal::new(at, &why, "move it into `meta`"))
                    }
                    None => Ok(()),
                }
            }
            ("overlays", NodeKind::Path | NodeKind::List) => {
                let why = "an overlay is not a function, which flake-parts refuses";
                Err(Refusal::new(at, why, "write `import ./overlay.nix` in place of the path"))
            }
            _ => Ok(()),
        }
    }

    /// flake-parts takes packages only.
    fn check_packages(&self, set: Node) -> Result<(), Refusal> {
        let tree = self.outputs.tree;
        for member in members(tree, set).into_iter().filter(|&member| tree.kind(member) == NodeKind::Binding) {
            let Some(path) = nix::attrpath_node(tree, member) else { continue };
            let names: Vec<_> = nix::names(tree, path).collect();
            let (Some(first), Some(value)) =
                (names.first().and_then(|name| name.text.clone()), nix::value(tree, member))
            else {
                continue;
            };
            self.check_types(&first, nix::unwrap_parens(tree, value))?;
            if names.len() == 1 && is_set(tree, value) {
                for inner in members(tree, value) {
                    if let Some(value) = nix::value(tree, inner) {
                        self.check_types(&first, nix::unwrap_parens(tree, value))?;
                    }
                }
            }
            if !PACKAGE_OUTPUTS.contains(&&*first) {
                continue;
            }
            match names.len() {
                1 => self.refuse_sets(&first, value)?,
                2 if self.values.is_set(tree, "flake.nix", value) && self.is_in_function(member) => {
                    return Err(self.nested(&first, names[1].text.as_deref().unwrap_or(".."), value));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a member is inside a function of the outputs, so that its names are without the system.
    fn is_in_function(&self, member: Node) -> bool {
        let tree = self.outputs.tree;
        let function = tree.ancestors(member).find(|&node| tree.kind(node) == NodeKind::Function);
        function != Some(self.outputs.function)
    }

    fn refuse_sets(&self, output: &str, value: Node) -> Result<(), Refusal> {
        let tree = self.outputs.tree;
        if helper::per_system(self.outputs, value).is_some() || !self.is_in_function(value) {
            return Ok(());
        }
        match self.values.set_in(tree, "flake.nix", value) {
            Some(name) => Err(self.nested(output, &name, value)),
            None => Ok(()),
        }
    }

    fn nested(&self, output: &str, name: &str, value: Node) -> Refusal {
        let why = format!(
            "`{output}.{name}` is a set of packages and not a package, which flake-parts refuses, as does `nix flake check`"
        );
        Refusal::new(Some(self.outputs.tree.span(value).start), &why, &format!("move `{name}` to `legacyPackages`"))
    }
}

/// An output that a helper makes for each system.
struct Member {
    name: String,
    set: Node,
    binding: Node,
    systems: String,
    /// The parameters that are the system.
    system_names: Vec<Node>,
    /// Names that must be bound around it.
    locals: Vec<(String, String)>,
    /// Arguments of a function that is not written out.
    applied: Vec<String>,
    packages: Option<OwnPackages>,
    body: Node,
    candidates: Vec<String>,
}

/// A member's own package set under the name `pkgs`.
struct OwnPackages {
    text: String,
    /// Where the expression began.
    start: u32,
    default: bool,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// A parameter of the callback.
    Argument,
    /// A binding of the `let` that the callback begins with.
    Let(Node, Node),
}

impl Member {
    fn empty(node: Node) -> Self {
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

    /// Whether the member's text has a name that is not its own: from the outer scope or a `with`.
    fn foreign(&self, name: &str, outputs: &Outputs<'_, '_>) -> bool {
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

/// What `perSystem` takes, before those are taken away that nothing uses.
fn arguments(packages: bool) -> Vec<&'static str> {
    let all = ["pkgs", "system", "self'", "inputs'"];
    all.into_iter().filter(|name| packages || *name != "pkgs").collect()
}

/// A value with what separates it from the `=` before it.
fn behind(text: String) -> String {
    if text.starts_with('\n') { text } else { format!(" {text}") }
}

/// A member of a set with the comments above it and the one behind it, or what follows the last.
struct Segment {
    span: Span,
    member: Option<Node>,
}

fn segments(tree: &Tree<'_>, set: Node) -> Vec<Segment> {
    let end = tree.span(set).end.saturating_sub(1);
    let mut segments = Vec::new();
    let mut at = opening(tree, set);
    for member in members(tree, set) {
        let until = with_comment(tree.text(), tree.span(member).end, end);
        segments.push(Segment { span: Span { start: at, end: until }, member: Some(member) });
        at = until;
    }
    let rest = Span { start: at, end: end.max(at) };
    if !tree.text().get(rest.range()).unwrap_or("").trim().is_empty() {
        segments.push(Segment { span: rest, member: None });
    }
    segments
}

/// The offset behind the brace or the word that opens a set or `let`.
fn opening(tree: &Tree<'_>, set: Node) -> u32 {
    let text = tree.slice(set);
    let word = if tree.kind(set) == NodeKind::Let { "let" } else { "{" };
    tree.span(set).start + text.find(word).map_or(0, |at| at + word.len()) as u32
}

/// The end of a member, with a comment on the same line.
fn with_comment(text: &str, end: u32, limit: u32) -> u32 {
    let rest = text.get(end as usize..limit as usize).unwrap_or("");
    let line = rest.split('\n').next().unwrap_or("");
    if line.trim_start().starts_with('#') { end + line.trim_end().len() as u32 } else { end }
}

/// Where the first member of a set begins; its end if it has none.
fn first_member(tree: &Tree<'_>, set: Node) -> u32 {
    members(tree, set).first().map_or(tree.span(set).end, |&member| tree.span(member).start)
}

/// Takes a member out of a `let`, and the `let` if it was its only one.
fn remove_member(tree: &Tree<'_>, found: Node, binding: Node, edits: &mut Edits) {
    let all = members(tree, found);
    if all.len() == 1 {
        if let Some(body) = tree.child(found, Field::Body) {
            edits.replace(Span { start: tree.span(found).start, end: tree.span(body).start }, "");
        }
        return;
    }
    let set = tree.child_of_kind(found, NodeKind::BindingSet).map_or(tree.span(found).end, |set| tree.span(set).end);
    let mut at = opening(tree, found);
    for member in all {
        let until = with_comment(tree.text(), tree.span(member).end, set);
        if member == binding {
            // The blank line behind the first member goes with it.
            let rest = tree.text().get(until as usize..).unwrap_or("");
            let blank = rest.strip_prefix('\n').filter(|rest| at == opening(tree, found) && rest.starts_with('\n'));
            edits.replace(Span { start: at, end: until + u32::from(blank.is_some()) }, "");
            return;
        }
        at = until;
    }
}

/// The body of a `let` that the edits take away.
fn emptied(tree: &Tree<'_>, node: Node, edits: &Edits) -> Option<Node> {
    let body = (tree.kind(node) == NodeKind::Let).then(|| tree.child(node, Field::Body))??;
    let head = Span { start: tree.span(node).start, end: tree.span(body).start };
    edits.render(tree.text(), head).is_empty().then_some(body)
}

/// The binding of a name in one of some `let`s.
fn binding_named(tree: &Tree<'_>, lets: &[Node], name: &str) -> Option<(Node, Node)> {
    lets.iter().find_map(|&found| {
        let binding = members(tree, found).into_iter().find(|&member| {
            tree.kind(member) == NodeKind::Binding && single_name(tree, member).as_deref() == Some(name)
        })?;
        Some((found, binding))
    })
}

/// The name of a variable.
fn variable(tree: &Tree<'_>, node: Node) -> Option<String> {
    (tree.kind(node) == NodeKind::Variable).then(|| tree.slice(node).to_owned())
}

fn mentions(tree: &Tree<'_>, within: Node, name: &str) -> bool {
    tree.subtree(within).any(|node| tree.kind(node) == NodeKind::Identifier && tree.slice(node) == name)
        || tree.subtree(within).any(|node| tree.kind(node) == NodeKind::Variable && tree.slice(node) == name)
}

/// The text with every run of blanks as one, for comparison, unless it holds a string over several lines.
fn one_form(text: &str) -> String {
    if text.contains("''") { text.to_owned() } else { text.split_whitespace().collect::<Vec<_>>().join(" ") }
}

fn wrapped(text: &str) -> String {
    let simple = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-'${}".contains(c));
    if simple { text.to_owned() } else { format!("({text})") }
}

fn shift_trivia(text: &str, by: isize) -> String {
    let mut out = String::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let blanks = line.len() - line.trim_start_matches(' ').len();
        if number == 0 || line.trim().is_empty() {
            out.push_str(if number == 0 { line } else { line.trim() });
        } else if by > 0 {
            out.push_str(&format!("{}{line}", spaces(by.unsigned_abs())));
        } else {
            out.push_str(&line[blanks.min(by.unsigned_abs())..]);
        }
    }
    out
}

/// The most common of some texts; of equally common ones the first.
fn most_common<'x>(texts: impl Iterator<Item = &'x str>) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for text in texts {
        match counts.iter_mut().find(|(found, _)| one_form(found) == one_form(text)) {
            Some((_, count)) => *count += 1,
            None => counts.push((text, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(text, _)| text.to_owned())
}
