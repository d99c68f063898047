//! `unlocked-input`: code that no lock, hash or commit pins.

use super::{Check, FileCheck, ProjectView, Trigger, Verdict};
use crate::facts::FileView;
use crate::facts::flake::{self, FlakeFile, fetch, flakes};
use crate::finding::Finding;
use crate::knowledge::flakes::REGISTERED;
use crate::lang::flake::flakeref::{FlakeRef, Scheme, is_commit};
use crate::lang::flake::lock::{Lock, Target, Unresolved};
use crate::lang::flake::{Input, Text};
use crate::paths;
use crate::source::{FileKind, Source};

/// The rule.
pub const RULE: &str = "unlocked-input";

/// The command that updates flake.lock to match flake.nix.
pub const LOCK: &str = "nix flake lock";

/// Whether [`LOCK`] resolves a finding: flake.lock is missing, not valid or not up to date.
pub fn is_stale(finding: &Finding) -> bool {
    finding.rule == RULE && finding.help.as_deref().is_some_and(|help| help.contains(LOCK))
}

/// See `rules/unlocked-input.md`.
pub static CHECK: Check = Check {
    rule: RULE,
    reads: &[&flake::READER],
    file: Some(FileCheck {
        needles: &[&flake::FETCHERS],
        trigger: Trigger::Holds(|source| source.kind == FileKind::Nix && source.has(&flake::FETCHERS)),
        check: fetches,
    }),
    project: Some(|view: &ProjectView<'_>| flakes(view.project).flat_map(|file| findings(&file)).collect()),
};

/// The findings about differences between flake.nix and flake.lock.
fn findings(file: &FlakeFile<'_>) -> Vec<Finding> {
    match file.lock {
        Some((source, lock)) => disagreements(file, source, lock),
        None if is_template(&file.source.path) => Vec::new(),
        // A lock that cannot be read at all is reported as `unreadable-file`.
        None if file.has_lock && file.no_lock.is_none() => Vec::new(),
        None => no_lock(file).into_iter().collect(),
    }
}

/// Whether a path is in a template, example or test. These are copied, or evaluated with the flake around them, so
/// their inputs are locked where they are used.
fn is_template(path: &str) -> bool {
    const WORDS: [&str; 7] = ["template", "example", "test", "demo", "tutorial", "fixture", "sample"];
    let folders = paths::folder(path).to_ascii_lowercase();
    folders.split(['/', '-', '_', '.']).any(|word| WORDS.contains(&word.strip_suffix('s').unwrap_or(word)))
}

/// The names and positions of the inputs that flake.lock must contain.
fn inputs<'a>(file: &FlakeFile<'a>) -> impl Iterator<Item = (&'a str, crate::finding::Span)> {
    let flake = file.flake;
    let written = flake.inputs.iter().filter(|input| !is_placeholder(input));
    let written = written.map(|input| (input.name.value.as_str(), input.place()));
    let implicit = flake.implicit().map(|name: &Text| (name.value.as_str(), name.span));
    // `inputs.self` contains settings of the flake itself.
    written.chain(implicit).filter(|(name, _)| *name != "self")
}

/// Whether an input has no address: `--override-input` provides it, and there is nothing to lock.
fn is_placeholder(input: &Input) -> bool {
    let is_empty = input.url.is_none() && input.attrs.is_empty() && input.follows.is_none() && !input.computed;
    is_empty && input.inputs.is_empty() && !REGISTERED.contains(&input.name.value.to_ascii_lowercase().as_str())
}

fn no_lock(file: &FlakeFile<'_>) -> Option<Finding> {
    let names: Vec<String> =
        inputs(file).filter(|(name, _)| is_elsewhere(file, name)).map(|(name, _)| format!("`{name}`")).collect();
    let shown = match names.as_slice() {
        [] => return None,
        [one] => format!("the input {one}"),
        [one, more @ ..] => format!("the input {one} and {} more", more.len()),
    };
    let finding = |message| Finding::new(RULE, &file.source.path, file.flake.place, message);
    Some(match file.no_lock {
        Some(why) => finding(format!("{why}, so nothing pins {shown}"))
            .label("no valid lock for these inputs")
            .help("restore flake.lock, or delete it and run `nix flake lock`"),
        None => finding(format!("no flake.lock pins {shown}, so every evaluation may use different code"))
            .label("commit the flake.lock for these inputs")
            .help("run `nix flake lock` to write it, and check that .gitignore does not exclude it"),
    })
}

/// Whether an input is external code: not a folder in this repository, and not a placeholder (`%input%`).
fn is_elsewhere(file: &FlakeFile<'_>, name: &str) -> bool {
    let Some(reference) = file.flake.input(name).and_then(Input::reference) else { return true };
    let placeholder = reference.repo.contains(['%', '@', '{', '<']);
    reference.scheme != Scheme::Path && !placeholder
}

fn disagreements(file: &FlakeFile<'_>, source: &Source, lock: &Lock) -> Vec<Finding> {
    let Some(root) = lock.root().filter(|_| file.flake.complete) else { return Vec::new() };
    let missing = inputs(file).filter(|(name, _)| !root.inputs.contains_key(*name)).map(|(name, place)| {
        Finding::new(RULE, &file.source.path, place, format!("the input `{name}` is not in flake.lock"))
            .label("not pinned")
            .help("run `nix flake lock` to add it")
            .also(&source.path, root.place, "the locked inputs")
    });
    let known: std::collections::BTreeSet<&str> = inputs(file)
        .map(|(name, _)| name)
        .chain(file.flake.inputs.iter().map(|input| input.name.value.as_str()))
        .collect();
    let removed = root.inputs.iter().filter(|(name, _)| !known.contains(name.as_str()));
    let removed = removed.map(|(name, input)| {
        Finding::new(RULE, &source.path, input.place, format!("flake.nix no longer has an input `{name}`"))
            .label("stale entry")
            .help("run `nix flake lock` to remove it")
            .also(&file.source.path, file.flake.place, "the inputs of flake.nix")
    });
    let unresolved =
        root.inputs.iter().filter(|(name, _)| known.contains(name.as_str())).filter_map(|(name, input)| {
            let message = match lock.resolve(&lock.root, name).err()? {
                Unresolved::Missing => format!("the input `{name}` does not resolve to a node in flake.lock"),
                Unresolved::Cycle => format!("the input `{name}` follows itself in flake.lock"),
            };
            Some(
                Finding::new(RULE, &source.path, input.place, message)
                    .label("not locked")
                    .help("restore flake.lock, or delete it and run `nix flake lock`"),
            )
        });
    let changed = file.flake.inputs.iter().filter_map(|input| changed(file, source, lock, input));
    missing.chain(removed).chain(unresolved).chain(changed).collect()
}

/// The finding for an input whose address in flake.nix differs from the one in flake.lock.
fn changed(file: &FlakeFile<'_>, source: &Source, lock: &Lock, input: &Input) -> Option<Finding> {
    let asked = input.reference().filter(|_| input.url.is_some() || !input.attrs.is_empty())?;
    let Target::Node(label) = &lock.root()?.inputs.get(&input.name.value)?.target else { return None };
    let node = lock.nodes.get(label)?;
    let locked = node.original.as_ref()?;
    if !is_comparable(asked.scheme) || !is_comparable(locked.scheme) || asked.has_same_code(locked) {
        return None;
    }
    let message = format!(
        "the input `{}` refers to {}, but flake.lock was written for {}",
        input.name.value,
        asked.shown(),
        locked.shown()
    );
    let finding = Finding::new(RULE, &file.source.path, input.place(), message)
        .label("not what is locked")
        .help("run `nix flake lock` to update flake.lock, and commit both files together");
    Some(finding.also(&source.path, node.place, "locked here"))
}

/// Whether Nix writes addresses with this scheme to flake.lock unchanged. It may rewrite others.
const fn is_comparable(scheme: Scheme) -> bool {
    matches!(scheme, Scheme::GitHub | Scheme::Forge | Scheme::Indirect)
}

/// Reports the fetchers in a file that fetch the latest version.
fn fetches(view: &FileView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(tree) = view.tree.filter(|_| view.source.kind == FileKind::Nix) else { return verdict };
    for fetch in fetch::calls(tree).filter(|fetch| {
        matches!(fetch.function, "fetchTarball" | "fetchGit" | "fetchTree") || fetch.is_impure_url(tree)
    }) {
        if !fetch.readable {
            let message =
                format!("cannot tell whether this `{}` is pinned: what it fetches is computed", fetch.function);
            verdict.not_decidable(&view.source.path, message);
        } else if let Some(place) = unpinned(&fetch) {
            let span = place.span;
            let message = format!("this `{}` has neither a hash nor a commit", fetch.function);
            let pin = if fetch.function == "fetchGit" { "rev" } else { "sha256" };
            let finding = view
                .finding(RULE, span, message)
                .label(format!("not pinned: add `{pin}`"))
                .help("alternatively, use a flake input, which flake.lock pins");
            verdict.report(finding);
        }
    }
    verdict
}

/// The address of a fetch, if the fetch is not pinned.
fn unpinned<'f>(fetch: &'f fetch::Fetch<'_>) -> Option<&'f Text> {
    if fetch::HASHES.iter().chain(&["rev"]).any(|pin| fetch.names.contains(*pin)) {
        return None;
    }
    let address = fetch.address.as_ref().or_else(|| fetch.attrs.get("url"))?;
    let reference = FlakeRef::parse(&address.value);
    let here = reference.scheme == Scheme::Path || address.value.starts_with("file:");
    let commit = address.value.split(['/', '.', '?', '=', '&']).any(is_commit);
    (!here && !commit).then_some(address)
}
