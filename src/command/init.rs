//! `flakeward init`: writes a flakeward.toml that fits the repository.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use super::{Failure, print, session::Session};
use crate::cli::{InitArgs, RepoArgs};
use crate::config::initial::{self, Seen};
use crate::config::{Config, FILE_NAMES};
use crate::facts::port_registry::RegistryFacts;
use crate::finding::{RuleId, UNCHECKED};
use crate::fix::write;
use crate::output::{next_steps, stream};
use crate::replace::{Folder, Staged};
use crate::repo::Repo;
use crate::report::Report;
use crate::rule::groups;
use crate::{paths, run};

/// Checks the repository and writes the file. Does not prompt, and overwrites nothing.
pub fn run(args: &InitArgs) -> Result<ExitCode, Failure> {
    let repo = RepoArgs { paths: args.paths.clone(), isolated: true, ..RepoArgs::default() };
    let mut session = Session::without_rules(&repo)?;
    session.settings.paths.clear();
    session.view.stream = stream::stdout(args.color);
    refuse_existing(&session)?;
    let repo = session.repo();
    session.settings.counts_fixes = true;
    let report = crate::check(&repo, &session.settings);
    let seen = seen(&session, &repo, &report);
    let text = initial::text(&seen);
    let [name, _] = FILE_NAMES;
    Config::parse(Path::new(name), text.clone()).map_err(Failure::from)?;
    write::guard(&session.root, name).map_err(|reason| Failure::new(format!("cannot write {name}: {reason}")))?;
    // Written as a whole or not at all, even if the disk is full.
    Staged::new(Folder::at(&session.root), None, text.as_bytes())
        .and_then(|staged| staged.create(OsStr::new(name)))
        .map_err(|error| Failure::io("write", &session.root.join(name), &error))?;
    print(&format!("wrote {}\n", session.view.path(name)))?;
    print(&next_steps::after_init(&report, &session.view))?;
    Ok(match unchecked(&session, &report) {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            super::tell(&failure);
            ExitCode::from(2)
        }
    })
}

/// The failure if something could not be checked. The file is written anyway, because its `exclude` can leave out a file
/// that cannot be read.
fn unchecked(session: &Session, report: &Report) -> Option<Failure> {
    let (name, help) = (session.view.path(FILE_NAMES[0]), "the numbers of findings in it do not include this file");
    if let Some(finding) = report.findings.iter().find(|finding| finding.rule == UNCHECKED) {
        let path = session.view.path(&finding.path);
        return Some(Failure::new(format!("{path}: {}; {name} may be incomplete", finding.message)).help(help));
    }
    let failed = || Failure::new(format!("internal error in a check, so {name} may be incomplete"));
    report.internal_error().then(|| failed().help("run `flakeward check` for details, and please report this bug"))
}

fn refuse_existing(session: &Session) -> Result<(), Failure> {
    let is_there = |name: &&&str| session.root.join(name).symlink_metadata().is_ok();
    match FILE_NAMES.iter().find(is_there) {
        None => Ok(()),
        Some(name) => Err(Failure::new(format!("{} already exists", session.view.path(name)))
            .help("`flakeward config show` prints the effective settings; remove the file to start again")),
    }
}

fn seen(session: &Session, repo: &Repo, report: &Report) -> Seen {
    let settings = &session.settings;
    let own = repo.own(settings);
    let facts = run::port_facts(repo, settings);
    let registries = facts.project.all::<RegistryFacts>().filter_map(|facts| facts.defined.as_ref());
    let registries = registries.map(|registry| registry.path.to_string());
    // The repository may already have its ports in a set, in a file that is not named like a registry.
    let defined = report.overview.defined_ports.iter().map(|defined| defined.path.to_string());
    let registries = registries.chain(defined).collect();
    // Includes the groups that apply to no file yet, because such files may be added later.
    let groups = groups::names().filter(|group| *group != groups::STYLE);
    let style = of_group(report, groups::STYLE);
    let style_rules: BTreeSet<RuleId> = style.iter().copied().collect();
    Seen {
        foreign: foreign_folders(&own),
        registries,
        new_registry: settings.config.ports.new_registry().to_owned(),
        groups: groups.map(|group| (group, of_group(report, group).len())).collect(),
        style: (style_rules.into_iter().collect(), style.len()),
    }
}

/// The rule of each finding in a group.
fn of_group(report: &Report, group: &str) -> Vec<RuleId> {
    let rules: BTreeSet<RuleId> = report.catalog.named(group).iter().map(|rule| rule.id).collect();
    report.findings.iter().map(|finding| finding.rule).filter(|rule| rules.contains(rule)).collect()
}

/// Names of folders that usually contain vendored or generated code but no marker file.
const FOREIGN: [&str; 8] =
    ["vendor", "vendored", "third_party", "third-party", "thirdparty", "generated", "_generated", "__generated__"];

/// The maximum number of folders that are listed. The rest is left to the user.
const MAX_FOREIGN: usize = 20;

fn foreign_folders(repo: &Repo) -> Vec<String> {
    let mut folders: BTreeSet<String> = BTreeSet::new();
    for path in repo.paths() {
        let outermost = paths::folders(path).filter(|folder| FOREIGN.contains(&paths::name(folder)));
        folders.extend(outermost.last().map(|folder| format!("{folder}/")));
    }
    folders.into_iter().take(MAX_FOREIGN).collect()
}
