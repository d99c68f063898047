//! `flakeward ports check`: prints what uses a number or an entry.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use super::{Failure, all_known, complete, first_entry, known, note_left_out};
use crate::cli::{PortsCheckArgs, RepoArgs};
use crate::command::{print, session::Session};
use crate::facts::port_registry::nearest::Names;
use crate::facts::port_registry::{Entry, Registries};
use crate::output;
use crate::port_map::PortMap;
use crate::run::PortFacts;

/// Prints the uses of each number or entry. The exit code is 1 if a number is taken.
pub fn run(args: &PortsCheckArgs) -> Result<ExitCode, Failure> {
    let (words, paths) = split(args)?;
    let session = Session::without_rules(&RepoArgs { paths, ..args.repo.clone() })?;
    let facts = known(&session, false);
    let registries = Registries::of(&facts.project);
    let (mut numbers, mut seen) = (Vec::new(), BTreeSet::new());
    for word in &words {
        let found = match number(word) {
            Some(number) => vec![number],
            None => of_entries(word, &registries, &session, &facts)?,
        };
        numbers.extend(found.into_iter().filter(|number| seen.insert(*number)));
    }
    let map = PortMap::of(&facts.project, &registries, &session.settings.config.ports);
    let shown = output::ports::Shown::new(&map, &facts.project, &session.view);
    let results = shown.numbers(&numbers);
    let free: Vec<String> =
        results.iter().filter(|(_, is_free, _)| *is_free).map(|(number, ..)| number.to_string()).collect();
    if !free.is_empty() {
        note_left_out(&facts, &session);
        complete(&facts, &session)?;
        all_known(&registries, &session, &format!("an entry may have the number {}", free.join(" or ")))?;
    }
    print(&results.iter().map(|(.., text)| text.as_str()).collect::<String>())?;
    let read = complete(&facts, &session)?;
    Ok(if free.len() == results.len() { read } else { ExitCode::from(1) })
}

/// Whether an argument consists of digits, so that it is a port number rather than a name or a path.
pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(word: &str) -> Option<u16> {
    word.parse().ok().filter(|number| *number > 0 && is_number(word))
}

/// The ports to look up, and the paths. After the first port, an argument that is not a number is a path if it exists.
fn split(args: &PortsCheckArgs) -> Result<(Vec<String>, Vec<PathBuf>), Failure> {
    let mut words = vec![args.port.clone()];
    let mut paths = Vec::new();
    for path in &args.repo.paths {
        match path.to_str() {
            Some(word) if is_number(word) || (is_name(word) && !path.exists()) => words.push(word.to_owned()),
            _ => paths.push(path.clone()),
        }
    }
    match words.iter().find(|word| is_number(word) && number(word).is_none()) {
        Some(word) => {
            Err(Failure::new(format!("`{word}` is not a port number")).help("ports are numbers from 1 to 65535"))
        }
        None => Ok((words, paths)),
    }
}

/// Whether an argument may be the name of an entry rather than a path.
fn is_name(word: &str) -> bool {
    !word.contains('/') && !word.starts_with('.')
}

/// The numbers of the entries that an argument refers to: by a full name, its last components, or the name of a group.
fn of_entries(
    word: &str,
    registries: &Registries<'_>,
    session: &Session,
    facts: &PortFacts,
) -> Result<Vec<u16>, Failure> {
    let entries = || registries.all().iter().flat_map(|registry| registry.ports().map(|(entry, _)| entry));
    let is_meant: [fn(&str, &str) -> bool; 3] = [
        |name, word| name == word,
        |name, word| name.strip_suffix(word).is_some_and(|rest| rest.ends_with('.')),
        |name, word| name.strip_prefix(word).is_some_and(|rest| rest.starts_with('.')),
    ];
    for is_meant in is_meant {
        let named = entries().filter(|entry| is_meant(&service(entry), word) || is_meant(&entry.name(), word));
        let found: Vec<u16> = named.filter_map(Entry::port).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    if registries.is_empty() {
        return Err(Failure::new(format!("`{word}` is not a port number, and there is no port registry with names"))
            .help(first_entry(session, facts)));
    }
    let near = registries.all().iter().find_map(|registry| Names::of(registry).nearest(word));
    let failure = Failure::new(format!("`{word}` is neither a port number nor an entry of the port registry"));
    Err(match near {
        Some(near) => failure.help(format!("did you mean `flakeward ports check {}`?", near.name())),
        None => failure.help("`flakeward ports` lists the entries"),
    })
}

/// The name of an entry's service: `dns` for `dns.port` if `dns` is a set that describes where the service listens.
fn service(entry: &Entry) -> String {
    entry.service().join(".")
}
