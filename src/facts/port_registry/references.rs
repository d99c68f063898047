//! Resolves references to registries: uses in Nix and comments elsewhere.

use super::{Lookup, Registries, Registry, RegistryComment, RegistryFacts, Use};
use crate::facts::{Project, ProjectFile};
use crate::finding::{RelPath, Span};
use crate::paths;

/// The uses of registries, each with its file.
pub fn uses<'p>(
    project: &'p Project,
    registries: &'p Registries<'p>,
) -> impl Iterator<Item = (&'p ProjectFile, &'p Use, &'p Registry)> {
    project
        .each::<RegistryFacts>()
        .flat_map(|(file, facts)| facts.uses.iter().map(move |found| (file, found)))
        .filter_map(|(file, found)| {
            Some((file, found, registries.at(&found.registry).filter(|at| at.path != file.source.path)?))
        })
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
