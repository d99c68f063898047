//! Resolves references to registries: uses in Nix and comments elsewhere.

use rayon::prelude::*;

use super::{Lookup, Registries, Registry, RegistryComment, RegistryFacts, Use};
use crate::facts::{Project, ProjectFile};
use crate::finding::{RelPath, Span};
use crate::paths;

/// The uses of registries, each with its file.
pub fn uses<'p>(
    project: &'p Project,
    registries: &Registries<'p>,
) -> impl Iterator<Item = (&'p ProjectFile, &'p Use, &'p Registry)> {
    project
        .files
        .iter()
        .flat_map(|file| uses_in(file, registries).map(move |(found, registry)| (file, found, registry)))
}

/// The uses of registries in a file.
pub fn uses_in<'p>(
    file: &'p ProjectFile,
    registries: &Registries<'p>,
) -> impl Iterator<Item = (&'p Use, &'p Registry)> {
    let uses = file.fact::<RegistryFacts>().into_iter().flat_map(|facts| &facts.uses);
    uses.filter_map(|found| {
        let registry = registries.at(&found.registry).filter(|at| at.path != file.source.path)?;
        Some((found, registry))
    })
}

/// A use of a registry, and the result of looking it up.
#[derive(Debug)]
pub struct Resolved<'p> {
    /// The file with the use.
    pub file: &'p ProjectFile,
    /// The use.
    pub found: &'p Use,
    /// The registry.
    pub registry: &'p Registry,
    /// See [`lookup`].
    pub target: Option<Lookup<'p>>,
}

/// Looks up all uses of registries, in the order of the files.
pub fn resolve<'p>(project: &'p Project, registries: &Registries<'p>) -> Vec<Resolved<'p>> {
    let files = project.files.par_iter();
    let resolved = files.flat_map_iter(|file| {
        let uses = uses_in(file, registries);
        uses.map(move |(found, registry)| Resolved { file, found, registry, target: lookup(registry, found) })
    });
    resolved.collect()
}

/// The registry comments, each with its registry; `None` if there is no such registry.
pub fn comments<'p>(
    project: &'p Project,
    registries: &'p Registries<'p>,
) -> impl Iterator<Item = (&'p ProjectFile, &'p RegistryComment, Option<&'p Registry>)> {
    project.each::<RegistryFacts>().flat_map(move |(file, facts)| {
        let comments = facts.comments.iter();
        comments.map(move |comment| (file, comment, meant(registries, &file.source.path, &comment.registry)))
    })
}

/// The registry that a comment refers to: by a path from the root, by a path from the file, or by the end of its path
/// if that is unambiguous.
fn meant<'p>(registries: &Registries<'p>, file: &RelPath, written: &str) -> Option<&'p Registry> {
    let from = |folder: &str| paths::join(folder, written).and_then(|path| registries.at(&path));
    let by_end = || registries.ending(written.trim_start_matches("./"));
    from("").or_else(|| from(paths::folder(file))).or_else(by_end)
}

/// The entry or group that a use refers to, if the registry is imported in the way its shape requires.
pub fn lookup<'p>(registry: &'p Registry, found: &Use) -> Option<Lookup<'p>> {
    (registry.shape.importable && registry.shape.calls.len() == found.calls).then(|| registry.lookup(&found.path))
}

/// The places that may read a registry by loading its folder.
pub fn loads<'p>(
    project: &'p Project,
    registries: &'p Registries<'p>,
) -> impl Iterator<Item = (&'p ProjectFile, Span, &'p Registry)> {
    let folders =
        project.each::<RegistryFacts>().flat_map(|(file, facts)| facts.folders.iter().map(move |at| (file, at)));
    folders.flat_map(|(file, (folder, span))| {
        let inside = registries.all().iter().filter(move |registry| is_below(&registry.path, folder));
        inside.map(move |registry| (file, *span, *registry))
    })
}

/// Whether a file is in a folder or below it. For the root, only its own files count: code that takes the whole
/// repository (a source filter, a formatter) hardly ever reads it as Nix.
fn is_below(file: &str, folder: &str) -> bool {
    match folder {
        "" => !file.contains('/'),
        folder => file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
    }
}
