//! Outputs that cannot be moved into `perSystem`, and the reasons.

use super::each::each_call;
use super::{Planner, RESERVED, function_names};
use crate::lang::{Node, NodeKind, Tree, nix};
use crate::migrate::flake::read::{Operand, Outputs, What, is_set, members};
use crate::migrate::flake::values::PACKAGE_OUTPUTS;
use crate::migrate::flake::{Refusal, helper, read};

/// Outputs whose type in flake-parts does not allow one attribute per system.
pub(super) const TYPED: [&str; 4] = ["overlays", "nixosModules", "nixosConfigurations", "hydraJobs"];

/// The attributes that flake-parts allows in an app.
pub(super) const APP: [&str; 3] = ["type", "program", "meta"];

/// Checks that the names of every operand are known, and that no two operands define the same name.
pub(super) fn check_names(outputs: &Outputs<'_, '_>, operands: &[Operand]) -> Result<(), Refusal> {
    let tree = outputs.tree;
    let mut seen: Vec<String> = Vec::new();
    for operand in operands {
        let at = Some(tree.span(operand.node).start);
        let names = match operand.what {
            What::Set(set) => {
                if read::is_recursive(tree, set) {
                    let todo = "move the shared values into a `let`, and remove `rec`";
                    return Err(Refusal::new(at, "the outputs are a `rec` set whose attributes use each other", todo));
                }
                read::defined_by(tree, set).ok_or_else(|| {
                    Refusal::new(at, "an output has a computed name", "write out the names of all outputs")
                })?
            }
            What::Other(node) => match each_call(outputs, operand) {
                Some(call) => function_names(outputs, call.function).ok_or_else(|| unwritten(tree, call.function))?.0,
                None => return Err(unwritten(tree, node)),
            },
        };
        if let Some(name) = names.iter().find(|name| RESERVED.contains(&name.as_str())) {
            let why = format!("the output `{name}` has a special meaning in a flake-parts module");
            return Err(Refusal::new(at, &why, "rename the output, or move the flake by hand"));
        }
        if let Some(name) = names.iter().find(|name| seen.contains(name)) {
            let why = format!("`//` replaces the output `{name}` from an earlier set, which flake-parts would merge");
            return Err(Refusal::new(at, &why, "define each output in one place"));
        }
        seen.extend(names);
    }
    Ok(())
}

pub(super) fn unwritten(tree: &Tree<'_>, node: Node) -> Refusal {
    let at = Some(tree.span(node).start);
    match tree.kind(node) {
        NodeKind::Function => {
            let why = "the per-system function does not list the outputs that it returns";
            return Refusal::new(at, why, "make it return an attribute set");
        }
        NodeKind::Apply => {
            let head = tree.slice(node).split_whitespace().next().unwrap_or("");
            if head.ends_with("simpleFlake") {
                let why = format!("`{head}` makes the outputs from an overlay, and flake.nix does not list them");
                return Refusal::new(at, &why, "list the outputs with `eachDefaultSystem`, and run this again");
            }
            let why = format!(
                "cannot tell what `{head}` does with its arguments: it is neither `eachDefaultSystem` or `eachSystem` \
                 of flake-utils, nor `genAttrs`"
            );
            return Refusal::new(at, &why, "write the outputs as an attribute set in flake.nix");
        }
        NodeKind::Let => {
            let why = "part of the outputs has its own `let` around a call, which cannot be moved";
            return Refusal::new(at, why, "move the names of that `let` to the one around all outputs");
        }
        _ => {}
    }
    let words = tree.slice(node).split_whitespace().collect::<Vec<_>>().join(" ");
    let text: String = words.chars().take(60).collect();
    let end = if text.len() < words.len() { " .." } else { "" };
    let why = format!("flake.nix does not spell out the names of the outputs in `{}{end}`", text.trim_end());
    Refusal::new(at, &why, "write the outputs as an attribute set in flake.nix")
}

impl Planner<'_, '_, '_> {
    /// Checks types: flake-parts accepts no attributes other than [`APP`] in an app, and only functions as overlays.
    pub(super) fn check_types(&self, name: &str, value: Node) -> Result<(), Refusal> {
        let tree = self.outputs.tree;
        let at = Some(tree.span(value).start);
        match (name, tree.kind(value)) {
            ("apps", NodeKind::Attrset | NodeKind::RecAttrset) => {
                let names = read::defined_by(tree, value).unwrap_or_default();
                let is_app = names.iter().any(|name| name == "program");
                match names.iter().find(|name| is_app && !APP.contains(&name.as_str())) {
                    Some(name) => {
                        let why = format!("an app has an attribute `{name}`, which flake-parts rejects");
                        Err(Refusal::new(at, &why, "move the attribute into `meta`"))
                    }
                    None => Ok(()),
                }
            }
            ("overlays", NodeKind::Path | NodeKind::List) => {
                let why = "an overlay is not a function, which flake-parts rejects";
                Err(Refusal::new(at, why, "write `import ./overlay.nix` in place of the path"))
            }
            _ => Ok(()),
        }
    }

    /// Checks that all members are packages, because flake-parts accepts nothing else.
    pub(super) fn check_packages(&self, set: Node) -> Result<(), Refusal> {
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

    /// Whether a member is inside a function of the outputs, so that its path does not include the system.
    pub(super) fn is_in_function(&self, member: Node) -> bool {
        let tree = self.outputs.tree;
        let function = tree.ancestors(member).find(|&node| tree.kind(node) == NodeKind::Function);
        function != Some(self.outputs.function)
    }

    pub(super) fn refuse_sets(&self, output: &str, value: Node) -> Result<(), Refusal> {
        let tree = self.outputs.tree;
        if helper::per_system(self.outputs, value).is_some() || !self.is_in_function(value) {
            return Ok(());
        }
        match self.values.set_in(tree, "flake.nix", value) {
            Some(name) => Err(self.nested(output, &name, value)),
            None => Ok(()),
        }
    }

    pub(super) fn nested(&self, output: &str, name: &str, value: Node) -> Refusal {
        let why = format!(
            "`{output}.{name}` is a set of packages, not a package; flake-parts and `nix flake check` reject it"
        );
        Refusal::new(Some(self.outputs.tree.span(value).start), &why, &format!("move `{name}` to `legacyPackages`"))
    }
}
