//! Port fixes: replace a literal number with a reference to its registry entry, without changing the result of
//! evaluation.
//!
//! [`PortFile::fix`] takes the span of some digits. The port checks have already decided that the digits are a port,
//! and which entry they belong to.

mod comment;
mod import;
pub mod layout;
pub mod lines;
pub mod naming;
mod place;
pub mod plan;
mod registry;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use crate::finding::{Edit, Fix, Safety, Span};
use crate::knowledge::third_party;
use crate::lang::Tree;
use crate::paths::{folders, is_template};
use crate::source::{FileKind, Source};

pub use registry::{Shape, shape};

/// The entry that replaces a number.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The registry's path.
    pub registry: &'a str,
    /// The shape of the registry, for the import.
    pub shape: &'a Shape,
    /// The entry's path, outermost name first.
    pub entry: &'a [String],
    /// The entry's number.
    pub number: u32,
    /// Whether the entry has this number for all possible arguments of the registry.
    pub settled: bool,
}

impl Target<'_> {
    /// Whether these digits are the entry's number.
    fn is_written_as(&self, digits: &str) -> bool {
        digits.parse() == Ok(self.number)
    }
}

/// Why a file with syntax errors has no fixes: positions are uncertain.
const BROKEN: &str = "the file has syntax errors";

/// Why there is no fix if Nix does not allow an expression in place of the digits, as in some attribute names, or if
/// the digits are not the entry's number.
const PLACE: &str = "a reference is not allowed at this position";

/// A file with ports to replace, and the state that its fixes share.
#[derive(Debug)]
pub struct PortFile<'s, 'a> {
    source: &'s Source,
    tree: Tree<'a>,
    is_generated: OnceCell<bool>,
    /// The names for registries in the file, by the registry's path and [`Target::settled`].
    names: RefCell<BTreeMap<(String, bool), Rc<import::Names<'a>>>>,
    /// The blocks for comments.
    blocks: comment::Blocks,
}

impl<'s, 'a> PortFile<'s, 'a> {
    /// Creates the state for a file and its tree.
    pub fn new(source: &'s Source, tree: Tree<'a>) -> Self {
        Self {
            source,
            tree,
            is_generated: OnceCell::new(),
            names: RefCell::default(),
            blocks: comment::Blocks::default(),
        }
    }

    /// The file's tree.
    pub fn tree(&self) -> &Tree<'a> {
        &self.tree
    }

    /// The fix for a number: in Nix, a reference to its entry; elsewhere, a comment that names the entry. The error is
    /// the reason why this could change the result of evaluation, or why it is not possible here.
    pub fn fix(&self, digits: Span, target: &Target<'_>) -> Result<Fix, String> {
        match self.source.kind {
            FileKind::Nix => self.reference(digits, target),
            _ => comment::fix(self.source, &self.tree, &self.blocks, digits, target),
        }
    }

    /// The argument that the registry requires and that is not available in the file, if only this prevents a
    /// reference.
    pub fn missing_argument<'t>(&self, digits: Span, target: &Target<'t>) -> Option<&'t str> {
        let Self { source, tree, .. } = self;
        let is_possible = source.kind == FileKind::Nix
            && self.place(digits, target).is_ok()
            && self.names(target).reference(tree, digits, target).is_none();
        is_possible.then(|| import::missing_argument(tree, source, digits, target))?
    }

    /// The context of digits that a reference can replace. The error is the reason why it cannot.
    fn place(&self, digits: Span, target: &Target<'_>) -> Result<place::Place, String> {
        let Self { source, tree, .. } = self;
        if *source.path == *target.registry {
            return Err("the file is the registry".to_owned());
        }
        if tree.broken() {
            return Err(BROKEN.to_owned());
        }
        if *self.is_generated.get_or_init(|| third_party::is_generated(&source.path, &source.text)) {
            return Err("the file is generated: change its source instead".to_owned());
        }
        let place = place::Place::of(tree, digits).ok_or(PLACE)?;
        if !tree.text().get(digits.range()).is_some_and(|digits| target.is_written_as(digits)) {
            return Err(PLACE.to_owned());
        }
        Ok(place)
    }

    /// Replaces digits with a reference to the registry, and imports the registry if necessary.
    fn reference(&self, digits: Span, target: &Target<'_>) -> Result<Fix, String> {
        let Self { source, tree, .. } = self;
        let place = self.place(digits, target)?;
        let names = self.names(target);
        let (reference, import) = match names.reference(tree, digits, target) {
            Some(reference) => (reference, None),
            None => {
                let import = import::added(tree, source, &names, digits, target)?;
                (import::select(&import.name, target.entry), Some(import.edit))
            }
        };
        let title = match &import {
            Some(_) => format!("write `{reference}` and import {}", target.registry),
            None => format!("write `{reference}`"),
        };
        let (span, text) = place.replacement(tree, digits, &reference).ok_or(PLACE)?;
        let mut edits = Vec::from_iter(import);
        edits.push(Edit { path: source.path.clone(), span, text });
        Ok(Fix::new(title, Safety::Safe, edits))
    }

    fn names(&self, target: &Target<'_>) -> Rc<import::Names<'a>> {
        let key = (target.registry.to_owned(), target.settled);
        if let Some(known) = self.names.borrow().get(&key) {
            return Rc::clone(known);
        }
        let read = Rc::new(import::Names::read(&self.tree, self.source, target));
        Rc::clone(self.names.borrow_mut().entry(key).or_insert(read))
    }
}

/// The reference to an entry if the registry is in scope as `ports`.
pub fn reference(entry: &[String]) -> String {
    import::select("ports", entry)
}

/// Why importing the registry by a relative path may fail in some evaluations: a template is copied out of the
/// repository, and a flake in a subfolder may be evaluated without the rest of the repository. `None` if no such
/// evaluation is expected.
///
/// `flakes` contains the folders with a flake.nix.
pub fn import_obstacle(flakes: &HashSet<&str>, file: &str, registry: &str) -> Option<String> {
    if folders(file).any(is_template) {
        return Some(format!("a flake template is copied without {registry}"));
    }
    let own_flake = folders(file).find(|folder| flakes.contains(folder))?;
    let inside = registry.strip_prefix(own_flake).is_some_and(|rest| rest.starts_with('/'));
    (!inside).then(|| format!("{own_flake} is a separate flake, which may be evaluated without {registry}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_and_flakes_in_folders_do_not_import_files_outside_them() {
        let flakes = HashSet::from(["", "sub"]);
        for (file, registry, expected) in [
            ("modules/web.nix", "lib/ports.nix", true),
            ("flake.nix", "lib/ports.nix", true),
            ("templates/web/module.nix", "lib/ports.nix", false),
            ("sub/modules/web.nix", "lib/ports.nix", false),
            ("sub/modules/web.nix", "sub/lib/ports.nix", true),
        ] {
            assert_eq!(import_obstacle(&flakes, file, registry).is_none(), expected, "{file}");
        }
    }
}
