//! Plans the outputs: which of them move into `perSystem`, and which stay under `flake`.

mod each;
mod member;
mod refuse;
mod segment;

use self::each::{Call, each_call};
use self::member::Member;
use self::refuse::{TYPED, check_names, unwritten};
use self::segment::{behind, emptied, first_member, most_common, one_form, segments};
use super::Refusal;
use super::helper::{self, Systems};
use super::layout::{self, Edits, Form, spaces};
use super::read::{self, Operand, Outputs, What, members, single_name};
use super::values::{PACKAGE_OUTPUTS, Values};
use crate::finding::Span;
use crate::lang::nix::{self, Origin};
use crate::lang::{Field, Node, NodeKind, Tree};

/// The outputs that flake-parts creates for each system.
pub const TRANSPOSED: [&str; 6] = ["packages", "apps", "checks", "devShells", "formatter", "legacyPackages"];

/// Names with a special meaning in the module system.
const RESERVED: [&str; 8] =
    ["config", "options", "imports", "_module", "freeformType", "disabledModules", "perSystem", "systems"];

/// The new body of the outputs, in parts.
#[derive(Debug, Default)]
pub struct Plan {
    /// The list of systems, as an expression.
    pub systems: String,
    /// The result of `perSystem`: bindings, or an expression that evaluates to them.
    pub body: String,
    /// Whether [`Self::body`] is an expression.
    pub expression: bool,
    /// The offset of that expression in the old text.
    pub start: u32,
    /// The value of `pkgs`, if it differs from that of flake-parts.
    pub packages: Option<(String, u32)>,
    /// Output names that are unknown to flake-parts.
    pub unknown: Vec<String>,
    /// The bindings that stay under `flake`.
    pub kept: String,
    /// Operands that stay under `flake` unchanged.
    pub kept_whole: Vec<String>,
    /// A `let` that must be around the whole body.
    pub head: String,
    /// The arguments that `perSystem` can have.
    pub arguments: Vec<&'static str>,
    /// The spans of the old text that the new one contains.
    pub carried: Vec<Span>,
    /// Names of the outer `let` that are possibly unused now.
    pub candidates: Vec<String>,
    /// Outputs that moved.
    pub moved: Vec<(String, u32)>,
    /// Per-system values that stay under `flake`, with the reason.
    pub left: Vec<(String, u32, String)>,
}

/// Plans the outputs. The error is the reason why they cannot be moved.
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

/// The body of a function of the system: its `let`s, and the sets that form its result.
struct Body {
    parameter: Option<Node>,
    node: Node,
    lets: Vec<Node>,
    sets: Vec<Node>,
    /// Whether the body is one set with nothing but `let` and `with` around it.
    plain: bool,
}

/// The names that a function of the system defines, and its body. `None` if the names are not literal.
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

    // A single call to flake-utils.

    fn each(&self, operands: &[Operand], at: usize, call: Call) -> Result<Plan, Refusal> {
        let (outputs, tree) = (self.outputs, self.outputs.tree);
        let (names, body) = function_names(outputs, call.function).ok_or_else(|| unwritten(tree, call.function))?;
        let place = Some(tree.span(call.function).start);
        if let Some(name) = names.iter().find(|name| TYPED.contains(&name.as_str())) {
            let why = format!("`{name}` is defined for each system, which flake-parts does not support");
            return Err(Refusal::new(place, &why, &format!("define `{name}` outside the per-system function")));
        }
        for set in &body.sets {
            self.check_packages(*set)?;
        }
        let mut plan = Plan { expression: true, ..Plan::default() };
        // A name may be bound to the call.
        plan.candidates.extend(variable(tree, nix::unwrap_parens(tree, operands[at].node)));
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
            let why = "the per-system function also uses another `system`";
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
            // The edits may have changed the length of the text before the set's brace.
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
                    let why = "it is a second per-system call, and `perSystem` has only one list of systems".to_owned();
                    plan.left.push((name, tree.span(node).start, why));
                    plan.kept_whole.push(layout::settle(tree.slice(node), Form::Expression, self.indent + 4));
                    plan.carried.push(tree.span(node));
                }
            }
        }
        Ok(plan)
    }

    // Members that a helper creates for each system.

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
                    plan.left.push((name, at, "flake-parts has no per-system option with this name".to_owned()));
                    continue;
                }
                match self.member(name.clone(), set, binding, made) {
                    Some(member) => found.push(member),
                    None => plan.left.push((
                        name,
                        at,
                        "the arguments that its helper passes cannot be written outside the helper".to_owned(),
                    )),
                }
            }
        }
        let Some(systems) = most_common(found.iter().map(|member| member.systems.as_str())) else {
            let at = Some(tree.span(outputs.body).start);
            let why = match plan.left.first() {
                Some((name, _, why)) => format!("`{name}` cannot move: {why}"),
                None => "no per-system output is defined with a helper that can be followed".to_owned(),
            };
            return Err(Refusal::new(at, &why, "write per-system outputs as `<output> = <helper> (system: ..);`"));
        };
        plan.systems = systems.clone();
        let (mut moved, others): (Vec<Member>, Vec<Member>) =
            found.into_iter().partition(|member| one_form(&member.systems) == one_form(&systems));
        for member in others {
            let why = "its list of systems differs from the one that most outputs use".to_owned();
            plan.left.push((member.name, tree.span(member.binding).start, why));
        }
        let packages =
            most_common(moved.iter().filter_map(|member| member.packages.as_ref().map(|own| own.text.as_str())));
        let packages = packages.filter(|_| moved.iter().all(|member| !member.foreign("pkgs", outputs)));
        moved.retain(|member| {
            let foreign = member.foreign("system", outputs);
            if foreign {
                let why = "it uses the flake's own variable `system`".to_owned();
                plan.left.push((member.name.clone(), tree.span(member.binding).start, why));
            }
            !foreign
        });
        if moved.is_empty() {
            return Err(Refusal::new(
                Some(tree.span(outputs.body).start),
                "every per-system output uses names that `perSystem` also defines",
                "rename `system` and `pkgs` in the outer `let`",
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

    // Text

    /// Keeps the members of a set that do not move, each with the comments above it.
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

    /// Moves a `let` around an operand to the new outputs, if none of its names has another meaning elsewhere.
    fn head(&self, operand: &Operand, operands: &[Operand], plan: &mut Plan) -> Result<(), Refusal> {
        let tree = self.outputs.tree;
        for &found in &operand.lets {
            let at = Some(tree.span(found).start);
            let names = read::defined_by(tree, found)
                .ok_or_else(|| Refusal::new(at, "a `let` has a computed name", "write out the name"))?;
            let elsewhere = operands.iter().filter(|other| other.node != operand.node);
            for name in &names {
                if elsewhere.clone().any(|other| mentions(tree, other.node, name)) {
                    let why =
                        format!("the `let` around part of the outputs binds `{name}`, which another part also uses");
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
}

/// The arguments of `perSystem`, before the unused ones are removed.
fn arguments(packages: bool) -> Vec<&'static str> {
    let all = ["pkgs", "system", "self'", "inputs'"];
    all.into_iter().filter(|name| packages || *name != "pkgs").collect()
}

/// The first `let` in the list that binds a name, and the binding.
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
