//! `flakeward ports`: the port map of a repository, and free numbers for it.

pub(crate) mod changes;
mod check;
mod init;
mod rename;

use std::io;
use std::process::ExitCode;

use super::{Failure, print, print_json, print_raw, session::Session};
use crate::cli::{PortsArgs, PortsCommand, PortsFormat, PortsNextArgs};
use crate::facts::port_registry::{Registries, Registry};
use crate::finding::{Finding, Note, NoteKind, RelPath};
use crate::held_back;
use crate::knowledge::third_party;
use crate::output::port_export::{self, Clash};
use crate::output::{self, notes, stream};
use crate::port_map::PortMap;
use crate::port_map::next;
use crate::port_map::next::Refusal;
use crate::run;
use crate::source::FileKind;
use crate::suggest::nearest;
use crate::walk;
use crate::wording::listed;

/// Prints the map, or finds a number.
pub fn run(args: &PortsArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        Some(PortsCommand::Init(args)) => init::run(args),
        Some(PortsCommand::Check(args)) => check::run(args),
        Some(PortsCommand::Next(args)) => free(args),
        Some(PortsCommand::Rename(args)) => rename::run(args),
        None => show(args),
    }
}

fn show(args: &PortsArgs) -> Result<ExitCode, Failure> {
    let mut session = Session::without_rules(&args.repo).map_err(|failure| explained(failure, args))?;
    session.view.stream = stream::stdout(args.color);
    let facts = known(&session, args.verbose);
    let registries = Registries::of(&facts.project);
    let settings = &session.settings;
    let map = PortMap::of(&facts.project, &registries, &settings.config.ports).without_allowed(
        &facts.project,
        settings.rules.catalog(),
        settings.now,
    );
    let shown = output::ports::Shown::new(&map, &facts.project, &session.view);
    let exported = |write: fn(&[&Registry]) -> Result<String, Clash>| export(&registries, &session, &facts, write);
    // An export contains only numbers; the other formats show which entries are unknown.
    let is_export = !matches!(args.format, PortsFormat::Pretty | PortsFormat::Markdown | PortsFormat::Json);
    match args.format {
        PortsFormat::Pretty => print(&shown.table(&no_registry(&registries, &session, &facts)))?,
        PortsFormat::Markdown => print(&shown.markdown())?,
        PortsFormat::Json => print_json(&shown.json()?)?,
        PortsFormat::Env => exported(port_export::env)?,
        PortsFormat::Services => exported(port_export::services)?,
        PortsFormat::Nix => exported(port_export::nix)?,
        PortsFormat::Ts => exported(port_export::ts)?,
    }
    let code = complete(&facts, &session)?;
    if is_export {
        all_known(&registries, &session, "the export contains only the other entries")?;
    }
    Ok(code)
}

/// Adds a hint if a path looks like a subcommand, as in `ports list` and `ports chek 8080`: `ports` alone shows the port
/// map.
fn explained(failure: Failure, args: &PortsArgs) -> Failure {
    let Some(missing) = args.repo.paths.iter().position(|path| !path.exists()) else { return failure };
    let words: Vec<&str> = args.repo.paths.iter().skip(missing).filter_map(|path| path.to_str()).collect();
    let Some((&first, rest)) = words.split_first() else { return failure };
    match first {
        "list" | "ls" | "show" | "map" | "print" => failure.help("`flakeward ports` shows the port map"),
        _ if check::is_number(first) => {
            failure.help(format!("did you mean `flakeward ports check {}`?", words.join(" ")))
        }
        _ => match nearest(first, SUBCOMMANDS.into_iter()) {
            Some(near) => {
                let command = [&["flakeward ports", near], rest].concat().join(" ");
                failure.help(format!("did you mean `{command}`?"))
            }
            None => failure,
        },
    }
}

/// The subcommands that a mistyped word is compared to.
const SUBCOMMANDS: [&str; 4] = ["init", "check", "next", "rename"];

/// Prints the registry in another format.
fn export(
    registries: &Registries<'_>,
    session: &Session,
    facts: &run::PortFacts,
    written: fn(&[&Registry]) -> Result<String, Clash>,
) -> Result<(), Failure> {
    if registries.is_empty() {
        return Err(Failure::new("there is no port registry to export").help(first_entry(session, facts)));
    }
    let text = written(registries.all()).map_err(|Clash { name, entries: [one, other] }| {
        Failure::new(format!("{one} and {other} would both be called `{name}`"))
            .help("rename one of them: `flakeward ports rename OLD NEW`")
    })?;
    // Every format escapes names.
    print_raw(&text)
}

/// How to make a registry in a repository that has none: `ports init` writes it only if a port needs a name.
fn first_entry(session: &Session, facts: &run::PortFacts) -> String {
    let new = session.settings.config.ports.new_registry();
    match init::is_useful(session, facts) {
        true => format!("`flakeward ports init` writes {new}"),
        false => format!(
            "no port here needs a name yet; the first entry can be written by hand: `{{ web.app = 8080; }}` in {new}"
        ),
    }
}

/// What to do if there is no registry. Empty if there is one.
fn no_registry(registries: &Registries<'_>, session: &Session, facts: &run::PortFacts) -> String {
    match registries.is_empty() {
        // A configured registry that does not exist is an error, which has its own help.
        true if facts.missing.is_empty() => first_entry(session, facts),
        _ => String::new(),
    }
}

fn free(args: &PortsNextArgs) -> Result<ExitCode, Failure> {
    let session = Session::without_rules(&args.repo)?;
    let facts = known(&session, args.verbose);
    note_left_out(&facts, &session);
    let registries = Registries::of(&facts.project);
    let group = args.group.as_deref();
    let number = next::free(&facts.project, &registries, group)
        .map_err(|refusal| refused(refusal, group, &registries, || first_entry(&session, &facts)))?;
    // A file that could not be read may use the number. It is then not printed, because scripts rely on the output.
    let code = complete(&facts, &session)?;
    let help = "an entry that cannot be evaluated may have any number, so no number is guaranteed to be free";
    all_known(&registries, &session, help)?;
    print(&format!("{number}\n"))?;
    Ok(code)
}

/// The ports of the repository. Notes are written to standard error.
fn known(session: &Session, verbose: bool) -> run::PortFacts {
    let mut facts = run::port_facts(&session.repo(), &session.settings);
    facts.left_out.retain(|path| may_have_ports(path, session));
    let _ = notes::write(&facts.notes, &session.view, verbose, &mut io::stderr().lock());
    facts
}

/// Whether a path that is left out would otherwise be read for ports: a folder, or a file of a known kind. Lock files
/// and files that mark vendored code are not read, because only their existence matters.
fn may_have_ports(path: &RelPath, session: &Session) -> bool {
    let file = session.root.join(&**path);
    let is_read = |kind| kind != FileKind::Lock && third_party::vendored_folder(path).is_none();
    file.is_dir() || walk::classify(path, &file).is_some_and(is_read)
}

/// Writes a note about the files that were not read, in which a number may be used, to standard error.
fn note_left_out(facts: &run::PortFacts, session: &Session) {
    if facts.left_out.is_empty() {
        return;
    }
    let message =
        format!("not read: {}; a port that is used only there counts as free", some_of(&facts.left_out, session));
    note(message, session);
}

/// Writes a note to standard error.
fn note(message: String, session: &Session) {
    let note = Note { kind: NoteKind::Skipped, path: None, message };
    let _ = notes::write(&[note], &session.view, false, &mut io::stderr().lock());
}

/// The first of some paths, and the number of the others.
fn some_of(paths: &[RelPath], session: &Session) -> String {
    const NAMED: usize = 3;
    let named = paths.iter().take(NAMED).map(|path| session.view.path(path));
    let rest = paths.len().checked_sub(NAMED).filter(|rest| *rest > 0).map(|rest| format!("{rest} more"));
    listed(&named.chain(rest).collect::<Vec<_>>(), "and")
}

/// Fails if a registry may have entries that are not known. `help` describes the consequences. Individual unknown
/// entries, which need not be ports, get a note.
fn all_known(registries: &Registries<'_>, session: &Session, help: &str) -> Result<(), Failure> {
    let mut incomplete = registries.all().iter().filter_map(|registry| Some((registry, registry.incomplete()?.1)));
    if let Some((registry, why)) = incomplete.next() {
        let message = format!("{}: not all entries can be evaluated: {why}", session.view.path(&registry.path));
        return Err(Failure::new(message).help(help.to_owned()));
    }
    for registry in registries.all() {
        if let Some(why) = held_back::unknown(registry) {
            note(format!("{}: {why}", session.view.path(&registry.path)), session);
        }
    }
    Ok(())
}

/// Like [`code`], but a configured registry must exist.
fn complete(facts: &run::PortFacts, session: &Session) -> Result<ExitCode, Failure> {
    match facts.missing.first() {
        None => code(facts),
        Some(missing) => Err(absent(missing, facts, session)),
    }
}

/// The failure for a configured registry that is not among the files.
fn absent(missing: &Finding, facts: &run::PortFacts, session: &Session) -> Failure {
    let path = session.view.path(&missing.path);
    let help = match init::is_useful(session, facts) {
        true => missing.help.clone().unwrap_or_default(),
        false => format!("no port here needs a name yet: correct `registry` in {path}, or remove it"),
    };
    Failure::new(format!("{path}: {}", missing.message)).help(help)
}

/// The exit code. Fails if files could not be read, because they may also use ports.
fn code(facts: &run::PortFacts) -> Result<ExitCode, Failure> {
    code_with(facts, |_| "ports in files that could not be read are unknown".to_owned())
}

/// Like [`code`], with a help text for the number of unreadable files.
fn code_with(facts: &run::PortFacts, help: impl Fn(usize) -> String) -> Result<ExitCode, Failure> {
    refuse_internal_error(facts)?;
    match facts.unreadable.as_slice() {
        [] => Ok(ExitCode::SUCCESS),
        [first, ..] => {
            Err(Failure::new(format!("{}: {}", first.path, first.message)).help(help(facts.unreadable.len())))
        }
    }
}

/// Fails if a check failed, because ports may be missing.
fn refuse_internal_error(facts: &run::PortFacts) -> Result<(), Failure> {
    match facts.notes.iter().any(|note| note.kind == NoteKind::InternalError) {
        true => {
            Err(Failure::new("internal error in a check, so not all ports are known").help("please report this bug"))
        }
        false => Ok(()),
    }
}

fn refused(
    refusal: Refusal,
    group: Option<&str>,
    registries: &Registries<'_>,
    first_entry: impl Fn() -> String,
) -> Failure {
    let group = group.unwrap_or_default();
    match refusal {
        Refusal::Full => Failure::new("no free port is left"),
        Refusal::Entry(Some(around)) => {
            Failure::new(format!("`{group}` is an entry, not a group")).help(format!("its group is `{around}`"))
        }
        Refusal::Entry(None) => Failure::new(format!("`{group}` is an entry, not a group"))
            .help("it is in no group: run `flakeward ports next` without a group"),
        Refusal::NoGroup(near) => {
            let mut groups: Vec<String> = registries.all().iter().flat_map(|registry| next::groups(registry)).collect();
            groups.sort();
            groups.dedup();
            let help = match (near, groups.as_slice()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, []) if registries.is_empty() => {
                    format!("there is no port registry yet: {}", first_entry())
                }
                (None, []) => "the registry has no groups".to_owned(),
                (None, groups) => {
                    format!("the groups are {}; omit the group to get any free port", groups.join(", "))
                }
            };
            Failure::new(format!("the registry has no group `{group}`")).help(help)
        }
    }
}
