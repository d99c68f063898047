//! `flakeward accepted`: lists the acceptances, with owner, age and last day.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rayon::prelude::*;

use super::git::{Change, Git};
use super::{Failure, forgive_closed, session::Session};
use crate::cli::{AcceptedArgs, RuleArgs, ScopeArgs};
use crate::finding::{RelPath, RuleId, UNCHECKED};
use crate::lang::codeowners::{self, Owners};
use crate::output::Places;
use crate::output::accepted::{Entry, List, Owner};
use crate::output::stream::{self, When};
use crate::report::Report;
use crate::rule::Catalog;
use crate::suppress::accepted::{self, Accepted, State};
use crate::walk;

/// The maximum size of a CODEOWNERS file, in bytes. As on GitHub, larger files are not read.
const MAX_OWNERS: u64 = 3 << 20;

/// Lists the acceptances.
pub fn run(args: &AcceptedArgs) -> Result<ExitCode, Failure> {
    let mut session = Session::open(&args.scope, None)?;
    let chosen = Chosen::of(&args.scope, session.settings.rules.catalog());
    if chosen.is_some() {
        // All rules run, because their findings determine which acceptances are used.
        let rules = RuleArgs { select: Vec::new(), ignore: Vec::new(), ..args.scope.rules.clone() };
        let scope = ScopeArgs { rules, ..args.scope.clone() };
        session = Session::open(&scope, None)?;
    }
    session.view.stream = stream::stdout(When::Auto);
    session.read_baseline(args.baseline.as_deref(), args.scope.repo.isolated)?;
    let report = session.check();
    let mut entries = list(&session, &report)?;
    if let Some(chosen) = chosen {
        entries.retain(|entry| chosen.has(entry.accepted.rule.as_deref(), session.settings.rules.catalog()));
    }
    if let Some(days) = args.expiring_in {
        entries.retain(|entry| entry.days_left.is_some_and(|left| left <= i32::from(days)));
    }
    let list = List { entries, now: session.settings.now, view: &session.view };
    let mut out = BufWriter::new(io::stdout().lock());
    let written = list.write(args.format, &mut out).and_then(|()| out.flush());
    forgive_closed(written)
        .map_err(|error| Failure::new(format!("cannot write to stdout: {}", walk::io_reason(&error))))?;
    match report.findings.iter().find(|finding| finding.rule == UNCHECKED) {
        Some(unread) => Err(Failure::new(format!("{}: {}", unread.path, unread.message))
            .help("the list would omit whatever is accepted in files that could not be checked")),
        None => Ok(ExitCode::from(if report.internal_error() { 2 } else { 0 })),
    }
}

/// The rules whose acceptances are listed.
struct Chosen {
    rules: BTreeSet<RuleId>,
    /// Whether rules were named, rather than only left out.
    is_selection: bool,
}

impl Chosen {
    /// The rules that options choose. `None` if they choose none, so that all acceptances are listed.
    fn of(scope: &ScopeArgs, catalog: &Catalog) -> Option<Self> {
        if scope.rules.select.is_empty() && scope.rules.ignore.is_empty() {
            return None;
        }
        let named = |names: &[String]| -> BTreeSet<RuleId> {
            names.iter().flat_map(|name| catalog.named(name)).map(|rule| rule.id).collect()
        };
        let (selected, ignored) = (named(&scope.rules.select), named(&scope.rules.ignore));
        let is_selection = !scope.rules.select.is_empty();
        let is_listed = |rule: &RuleId| (!is_selection || selected.contains(rule)) && !ignored.contains(rule);
        Some(Self { rules: catalog.iter().map(|rule| rule.id).filter(is_listed).collect(), is_selection })
    }

    /// Whether an acceptance of a rule or group concerns these rules. `None` is an acceptance of all rules, such as an
    /// excluded path, which belongs to no rule.
    fn has(&self, name: Option<&str>, catalog: &Catalog) -> bool {
        name.map_or(!self.is_selection, |name| catalog.named(name).iter().any(|rule| self.rules.contains(rule.id)))
    }
}

/// All acceptances in suppressions, the baseline and the settings, with owners and ages.
pub fn list(session: &Session, report: &Report) -> Result<Vec<Entry>, Failure> {
    let mut accepted = report.accepted.clone();
    if !session.is_partial() {
        accepted.extend(accepted::of_config(&session.settings.config, &session.settings.rules));
    }
    accepted.sort_by_key(|entry| entry.means);
    let mut places = Places::new(report);
    let config = &session.settings.config;
    let lines = accepted.iter().map(|entry| match report.sources.contains_key(&entry.path) {
        true => places.of(&entry.path, entry.span).0.line as usize,
        // The configuration is among the sources only if it has a finding.
        false => config.text.get(..entry.span.start as usize).map_or(1, |head| head.matches('\n').count() + 1),
    });
    let lines: Vec<usize> = lines.collect();
    let owners = read_owners(&session.root)?;
    let changes = changes(&session.root, &accepted, &lines)?;
    let now = session.settings.now;
    let entries = accepted.into_iter().zip(lines).map(|(accepted, line)| {
        let change = changes.get(&accepted.path).and_then(|changes| changes.get(&line));
        let named = owners.of(if accepted.subject.is_empty() { &accepted.path } else { &accepted.subject });
        let since = change.and_then(|change| day(change.time));
        Entry {
            line,
            owner: owner(named, change),
            since,
            age: since.map(|since| days(since, now)),
            days_left: accepted.until.filter(|_| accepted.state != State::Unused).map(|until| days(now, until)),
            accepted,
        }
    });
    Ok(entries.collect())
}

fn owner(named: &[String], change: Option<&Change>) -> Owner {
    match change {
        _ if !named.is_empty() => Owner::Codeowners(named.to_vec()),
        Some(change) => Owner::Author(change.author.clone()),
        None => Owner::Unknown,
    }
}

fn day(time: i64) -> Option<Date> {
    Some(jiff::Timestamp::from_second(time).ok()?.to_zoned(TimeZone::UTC).date())
}

/// The number of days from one date to another, negative if the second is earlier.
fn days(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

/// The owners in the repository's CODEOWNERS file; empty if there is none.
pub fn read_owners(root: &Path) -> Result<Owners, Failure> {
    let exists = |name: &str| root.join(name).symlink_metadata().is_ok_and(|data| !data.is_dir());
    let Some(name) = codeowners::FILES.iter().find(|name| exists(name)) else { return Ok(Owners::default()) };
    let text = walk::read_settings(&root.join(name), Some(root), MAX_OWNERS)
        .map_err(|reason| Failure::new(format!("cannot read {name}: {reason}")))?;
    Ok(Owners::parse(&text))
}

type Changes = BTreeMap<RelPath, std::collections::HashMap<usize, Change>>;

/// The last changes to the lines of each acceptance. Empty outside a git repository.
fn changes(root: &Path, accepted: &[Accepted], lines: &[usize]) -> Result<Changes, Failure> {
    let mut by_file: BTreeMap<&RelPath, Vec<usize>> = BTreeMap::new();
    for (entry, line) in accepted.iter().zip(lines) {
        by_file.entry(&entry.path).or_default().push(*line);
    }
    if by_file.is_empty() || !root.join(".git").exists() {
        return Ok(Changes::new());
    }
    let git = Git::new(root)?;
    if !git.has_commit()? {
        return Ok(Changes::new());
    }
    let blame = |(path, mut lines): (&RelPath, Vec<usize>)| {
        lines.dedup();
        Ok((path.clone(), git.blame(path, &lines)?))
    };
    by_file.into_par_iter().map(blame).collect()
}
