//! `flakeward ports rename`: renames an entry in the registry and in all references.

use std::collections::{BTreeSet, HashSet};
use std::process::ExitCode;

use crate::globs::Globs;

use super::{Failure, changes, known};
use crate::cli::PortsRenameArgs;
use crate::command::{print, print_patch, session::Session};
use crate::facts::port_registry::nearest::Names;
use crate::facts::port_registry::{Entry, Lookup, Registries, Registry, references};
use crate::finding::{Edit, RelPath, Span};
use crate::fix::diff;
use crate::output::{self, stream};
use crate::rewrite::relocate;
use crate::rewrite::rename::Obstacle;
use crate::run::{self, PortFacts};
use crate::source::FileKind;
use crate::walk;

/// Renames an entry, or prints a diff.
pub fn run(args: &PortsRenameArgs) -> Result<ExitCode, Failure> {
    let mut session = Session::without_rules(&args.repo)?;
    session.view.stream = stream::stdout(args.color);
    let facts = known(&session, false);
    let registries = Registries::of(&facts.project);
    let (registry, entry) = entry(&registries, &args.old, || super::first_entry(&session, &facts))?;
    let edits = relocate::relocate(&facts.project, &registries, registry, entry, &args.new)
        .map_err(|obstacle| Failure::new(format!("cannot rename `{}`: {obstacle}", args.old)))?;
    let changes = changes::of(&facts, &edits)?;
    // A file that could not be read may also refer to the entry.
    super::code(&facts)?;
    refuse_unread(&mut session, &facts, registry, &edits, args)?;
    if args.diff {
        print_patch(&diff::unified(&changes), &session.view.stream)?;
        return Ok(ExitCode::SUCCESS);
    }
    changes::write(&session.root, &changes)?;
    print(&output::ports::renamed(&args.old, &args.new, &changes, &session.view))?;
    Ok(ExitCode::SUCCESS)
}

/// Fails if files that are not checked refer to the entry, or if they reveal further references in checked files:
/// evaluation would fail after the rename. `edits` are those found by reading only the checked files.
fn refuse_unread(
    session: &mut Session,
    facts: &PortFacts,
    registry: &Registry,
    edits: &[Edit],
    args: &PortsRenameArgs,
) -> Result<(), Failure> {
    if facts.left_out.is_empty() {
        return Ok(());
    }
    session.settings.config.check_third_party = true;
    let all = run::port_facts(&session.repo_without(&Globs::default()), &session.settings);
    let registries = Registries::of(&all.project);
    let same = registries.all().iter().find(|other| other.path == registry.path);
    let Some((registry, Lookup::Entry(entry))) = same.map(|same| (*same, same.named(&args.old))) else { return Ok(()) };
    let known: HashSet<(&RelPath, Span)> = edits.iter().map(|edit| (&edit.path, edit.span)).collect();
    let comments: HashSet<(&RelPath, Span)> = references::comments(&all.project, &registries)
        .map(|(file, comment, _)| (&file.source.path, comment.entry_span))
        .collect();
    let mut found = BTreeSet::new();
    let mut mentioned = BTreeSet::new();
    match relocate::relocate(&all.project, &registries, registry, entry, &args.new) {
        Ok(edits) => {
            for edit in edits.into_iter().filter(|edit| !known.contains(&(&edit.path, edit.span))) {
                // Comments do not affect evaluation, and those in a copy of a repository refer to the copy's registry.
                let is_comment = comments.contains(&(&edit.path, edit.span));
                if is_comment { &mut mentioned } else { &mut found }.insert(edit.path);
            }
        }
        // The checked files have no obstacle, so this one is due to the others.
        Err(Obstacle::At { path, .. }) => drop(found.insert(path)),
        Err(_) => {}
    }
    // Only Nix files can refer to the entry; the kind of a folder's files is unknown.
    let may_refer = |path: &RelPath| walk::by_name(path).is_none_or(|kind| kind == FileKind::Nix);
    let is_unread = |path: &RelPath| !facts.project.paths.contains_key(path);
    found.extend(
        all.unreadable.iter().map(|file| &file.path).filter(|path| is_unread(path) && may_refer(path)).cloned(),
    );
    if !found.is_empty() {
        let files = super::some_of(&found.into_iter().collect::<Vec<_>>(), session);
        let old = &args.old;
        return Err(Failure::new(format!(
            "cannot rename `{old}`: it may also be used in files that are not checked: {files}"
        ))
        .help(
            "rename it by hand, or let `exclude` and `check-third-party` in flakeward.toml include these files; nothing \
             was written",
        ));
    }
    super::refuse_internal_error(&all)?;
    if !mentioned.is_empty() {
        let files = super::some_of(&mentioned.into_iter().collect::<Vec<_>>(), session);
        super::note(
            format!("comments about `{}` stay as they are in files that are not checked: {files}", args.old),
            session,
        );
    }
    Ok(())
}

/// The entry with a name, in the only registry that has it.
fn entry<'p>(
    registries: &'p Registries<'p>,
    name: &str,
    first_entry: impl Fn() -> String,
) -> Result<(&'p Registry, &'p Entry), Failure> {
    let all = registries.all().iter();
    let found: Vec<_> = all
        .filter_map(|registry| match registry.named(name) {
            Lookup::Entry(entry) => Some((*registry, entry)),
            _ => None,
        })
        .collect();
    match found.as_slice() {
        [only] => Ok(*only),
        [(first, _), (second, _), ..] => {
            Err(Failure::new(format!("`{name}` is an entry in both {} and {}", first.path, second.path))
                .help("rename it by hand, or run `flakeward` in the folder of one of them"))
        }
        [] => Err(unknown(registries, name, first_entry)),
    }
}

fn unknown(registries: &Registries<'_>, name: &str, first_entry: impl Fn() -> String) -> Failure {
    let [first, ..] = registries.all() else {
        return Failure::new("there is no port registry").help(first_entry());
    };
    if registries.all().iter().any(|registry| matches!(registry.named(name), Lookup::Group)) {
        return Failure::new(format!("`{name}` is a group, not an entry"))
            .help("rename its entries one by one; renaming the last one removes the group");
    }
    let failure = Failure::new(format!("{} has no entry `{name}`", first.path));
    let near = registries.all().iter().find_map(|registry| Names::of(registry).nearest(name).map(Entry::name));
    match near {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("`flakeward ports` lists the entries"),
    }
}
