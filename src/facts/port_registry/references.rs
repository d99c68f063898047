//! Resolves references to registries: uses in Nix and comments elsewhere.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::{Access, Lookup, Registries, Registry, RegistryComment, RegistryFacts, Use};
use crate::facts::ports::PortFacts;
use crate::facts::{FILES_AT_ONCE, Project, ProjectFile};
use crate::finding::{RelPath, Span};
use crate::paths;

/// The uses of registries in a file, each with its registry.
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
    /// Whether the use is guaranteed to refer to this registry. If the file receives it as an argument, a caller might
    /// also pass another value.
    pub is_certain: bool,
}

/// The registries that modules receive as arguments.
#[derive(Debug, Default)]
pub struct Arguments<'p> {
    /// By argument name: the files that pass the argument, each with the registry.
    passed: HashMap<&'p str, Vec<(&'p RelPath, &'p Registry)>>,
    /// The names of arguments that also receive values that may not be registries.
    unclear: HashSet<&'p str>,
    /// The files that other files call with an argument that may be a registry.
    called: HashSet<&'p str>,
}

impl<'p> Arguments<'p> {
    /// Collects the registries that modules of a project receive as arguments.
    pub fn of(project: &'p Project, registries: &Registries<'p>) -> Self {
        let mut arguments = Self::default();
        for (file, facts) in project.each::<RegistryFacts>() {
            arguments.called.extend(facts.called.iter().map(|path| &**path));
            for (name, span) in &facts.passed {
                let is_this = |found: &&Use| found.span == *span && found.argument.as_ref() == Some(name);
                let import = facts.uses.iter().find(is_this);
                let registry = import.and_then(|found| {
                    let registry = registries.at(&found.registry)?;
                    matches!(lookup(registry, found), Some(Lookup::Group)).then_some(registry)
                });
                let is_passed_on = facts.arguments.iter().filter(is_this).any(|found| *found.registry == **name);
                match registry {
                    Some(registry) => arguments.passed.entry(name).or_default().push((&file.source.path, registry)),
                    None if is_passed_on => {}
                    None => drop(arguments.unclear.insert(name)),
                }
            }
        }
        arguments
    }

    /// The registry that a file receives as an argument, and whether that is certain. `None` if no
    /// registry is passed under that name, or several that are equally near.
    pub fn registry(&self, file: &str, found: &Use) -> Option<(&'p Registry, bool)> {
        if matches!(found.access, Access::Import | Access::Member) {
            return None;
        }
        let passed = self.passed.get(&*found.registry)?;
        let (_, first) = passed.first()?;
        if passed.iter().all(|(_, registry)| registry.path == first.path) {
            let is_clear = !self.unclear.contains(&*found.registry) && !self.called.contains(file);
            return Some((first, is_clear && found.access == Access::Module));
        }
        // If a repository has several flakes, the nearest one counts, but another flake may use its modules.
        let around = |passer: &RelPath| {
            let folder = paths::folder(passer);
            (folder.is_empty() || is_below(file, folder)).then_some(folder.len())
        };
        let depth = passed.iter().filter_map(|(passer, _)| around(passer)).max()?;
        let mut nearest = passed.iter().filter(|(passer, _)| around(passer) == Some(depth));
        let (_, registry) = nearest.next()?;
        nearest.all(|(_, other)| other.path == registry.path).then_some((*registry, false))
    }

    /// The uses of registries that a file receives as arguments.
    fn resolve_in(&self, file: &'p ProjectFile) -> impl Iterator<Item = Resolved<'p>> {
        let uses = file.fact::<RegistryFacts>().into_iter().flat_map(|facts| &facts.arguments);
        uses.filter_map(move |found| {
            let (registry, is_certain) = self.registry(&file.source.path, found)?;
            let target = (found.calls == 0).then(|| registry.lookup(&found.path));
            Some(Resolved { file, found, registry, target, is_certain })
        })
    }
}

/// A position that may refer to a registry entry, though nothing shows how the file gets the registry. `None` if there
/// is no such position, or if the registry is not passed to anything.
pub fn unclear<'p>(
    project: &'p Project,
    registry: &Registry,
    resolved: &[Resolved<'p>],
    entry: &[String],
) -> Option<(&'p ProjectFile, Span)> {
    let ours = || resolved.iter().filter(|resolved| resolved.registry.path == registry.path);
    let is_passed = ours().any(|Resolved { found, .. }| {
        let leaves = found.reads || found.argument.is_some();
        leaves && found.path.len() < entry.len() && entry.starts_with(&found.path)
    });
    if !is_passed {
        return None;
    }
    let known: HashSet<(&str, u32)> = resolved
        .iter()
        .flat_map(|Resolved { file, found, .. }| found.names.iter().map(|name| (&*file.source.path, name.end)))
        .collect();
    let of_arguments = project.each::<RegistryFacts>().flat_map(|(file, facts)| {
        let uses = facts.arguments.iter().filter(|found| found.path.starts_with(entry));
        uses.filter_map(move |found| Some((file, *found.names.get(entry.len() - 1)?)))
    });
    let selected = project.each::<PortFacts>().flat_map(|(file, facts)| {
        let selected = facts.selected.iter().chain(&facts.selected_from_config);
        selected.filter(|selected| selected.path.starts_with(entry)).map(move |selected| (file, selected.span))
    });
    of_arguments.chain(selected).find(|(file, span)| !known.contains(&(&*file.source.path, span.end)))
}

/// Looks up all uses of registries, in the order of the files.
pub fn resolve<'p>(project: &'p Project, registries: &Registries<'p>) -> Vec<Resolved<'p>> {
    let arguments = Arguments::of(project, registries);
    let files = project.files.par_iter().with_max_len(FILES_AT_ONCE);
    let resolved = files.flat_map_iter(|file| {
        let uses = uses_in(file, registries).map(move |(found, registry)| {
            let target = lookup(registry, found);
            Resolved { file, found, registry, target, is_certain: true }
        });
        uses.chain(arguments.resolve_in(file))
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

/// The registry that a comment refers to: by a path from the root, by a path from the file, or by a suffix of its path
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

/// The positions of expressions that may read a registry by loading its folder, each with its file and the registry.
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

/// Whether a file is in a folder, at any depth. For the root, only the files directly in it count: code that takes the
/// whole repository (a source filter, a formatter) hardly ever reads it as Nix.
fn is_below(file: &str, folder: &str) -> bool {
    match folder {
        "" => !file.contains('/'),
        folder => file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
    }
}
