//! Creates a repository with its settings from command-line options, for all commands that read a repository.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::globs::Globs;

use crate::cli::{RepoArgs, RuleArgs, ScopeArgs, date};
use crate::command::policy::{self, Policy};
use crate::command::{Failure, own_rules};
use crate::config::Origin;
use crate::config::layers::Layer;
use crate::config::{Config, FILE_NAMES, USUAL_REGISTRY};
use crate::finding::{Level, RelPath, RuleId, UNCHECKED};
use crate::output::View;
use crate::repo::Repo;
use crate::report::Report;
use crate::rule::{Catalog, Rule};
use crate::settings::Settings;
use crate::suppress::baseline::{self, Baseline};
use crate::walk::{self, Pattern, Unsaved};

/// A repository, its effective settings, and the requested paths.
#[derive(Debug)]
pub struct Session {
    /// The repository's root.
    pub root: PathBuf,
    /// The settings. `paths` contains the requested paths.
    pub settings: Settings,
    /// Formats paths relative to the working directory.
    pub view: View,
    /// The rules whose level is set on the command line.
    pub decided: BTreeSet<RuleId>,
    /// Whether an empty list of paths was given, so that there is nothing to do.
    pub nothing_asked: bool,
    /// The requested paths on disk.
    asked: Vec<PathBuf>,
    /// Standard input: the path that it replaces, and its bytes.
    stdin: Option<(RelPath, Vec<u8>)>,
    no_ignore: bool,
    /// Whether the command line selects the configuration. If so, other configurations are not reported.
    config_named: bool,
    threads: usize,
    /// The settings files that are open in an editor.
    unsaved: Unsaved,
}

/// The reason why flakeward does not treat a file as part of the repository.
#[derive(Debug)]
pub enum LeftOut {
    /// `exclude` in the configuration matches it.
    Excluded,
    /// A pattern of an ignore file matches it.
    Ignored(Pattern),
}

impl LeftOut {
    /// The reason as a sentence. `shown` is the file's path relative to the working directory.
    pub fn reason(&self, shown: &str, root: &Path) -> String {
        match self {
            LeftOut::Excluded => format!("`exclude` in the configuration leaves out {shown}"),
            LeftOut::Ignored(pattern) => {
                let file = pattern.file.strip_prefix(root).unwrap_or(&pattern.file).display();
                let text = std::fs::read_to_string(&pattern.file).unwrap_or_default();
                let line = text.lines().position(|line| line.trim_end() == pattern.text.trim_end());
                let line = line.map_or(String::new(), |line| format!(":{}", line + 1));
                format!("{shown} would be ignored: {file}{line} has the pattern `{}`", pattern.text)
            }
        }
    }

    /// The steps that make the file usable as the registry.
    pub fn remedy(&self) -> String {
        let change = match self {
            LeftOut::Excluded => "change `exclude`",
            LeftOut::Ignored(_) => "narrow this pattern so that it does not match",
        };
        format!(
            "{change}, or choose another path under `[ports]` in flakeward.toml, for example `registry = \
             \"nix/ports.nix\"`"
        )
    }

    /// The failure of a command that would write a registry that later runs and flakes would not see.
    pub fn failure(&self, registry: &str, session: &Session) -> Failure {
        let reason = self.reason(&session.view.path(registry), &session.root);
        Failure::new(reason).help(format!("{}; nothing was written", self.remedy()))
    }
}

/// The maximum size of a configuration, in bytes. Larger files are not read, because every entry may have to be matched
/// against every file.
const MAX_CONFIG: u64 = 1 << 20;

impl Session {
    /// Why the walk would not find a file if it existed: `exclude`, or a pattern in an ignore file.
    pub fn left_out(&self, path: &str) -> Option<LeftOut> {
        let is_excluded = |folder: &Path| self.settings.config.exclude.is_match(folder);
        if Path::new(path).ancestors().any(is_excluded) {
            return Some(LeftOut::Excluded);
        }
        let pattern = if self.no_ignore { None } else { walk::ignored_by(&self.root, path) };
        pattern.map(LeftOut::Ignored)
    }

    /// Finds the repository and its settings. `stdin_filename` is the path for standard input.
    pub fn open(scope: &ScopeArgs, stdin_filename: Option<&Path>) -> Result<Self, Failure> {
        Self::open_with(scope, stdin_filename, None, Unsaved::default())
    }

    /// Finds the repository and its settings for a command that runs no rules.
    pub fn without_rules(repo: &RepoArgs) -> Result<Self, Failure> {
        Self::open(&ScopeArgs { repo: repo.clone(), rules: RuleArgs::default() }, None)
    }

    /// Opens the repository with this root, even if it is inside another repository, with the settings files that are
    /// open in an editor.
    pub fn at_root(root: &Path, unsaved: Unsaved) -> Result<Self, Failure> {
        let repo = RepoArgs { paths: vec![root.to_owned()], ..RepoArgs::default() };
        let scope = ScopeArgs { repo, rules: RuleArgs::default() };
        Self::open_with(&scope, None, Some(root), unsaved)
    }

    fn open_with(
        scope: &ScopeArgs,
        stdin_filename: Option<&Path>,
        root: Option<&Path>,
        unsaved: Unsaved,
    ) -> Result<Self, Failure> {
        let threads = scope.repo.jobs.unwrap_or(0);
        set_threads(threads)?;
        let here = working_directory()?;
        let paths = asked_paths(scope)?;
        let stdin = stdin_path(&paths, stdin_filename, &here)?;
        let asked = match stdin {
            Some(_) => Vec::new(),
            None => {
                let asked = paths.iter().map(|path| existing(path)).collect::<Result<Vec<_>, _>>()?;
                asked.into_iter().chain(paths.iter().filter_map(|path| link(path))).collect()
            }
        };
        let anchors: Vec<&Path> = asked.iter().chain(&stdin).map(PathBuf::as_path).collect();
        let root = match root {
            Some(root) => root.to_owned(),
            None => common_root(&anchors, &here)?,
        };
        let view = View::between(&here, &root);
        let mut settings = Settings::new(read_config(scope, &root, &here, &unsaved)?);
        settings.config.ports.in_flake = only_flake(&root).map(|folder| format!("{folder}/{USUAL_REGISTRY}"));
        let decided = choose_rules(&mut settings, &scope.rules)?;
        settings.now = now(scope.rules.now)?;
        settings.paths = anchors.iter().filter_map(|path| walk::relative(&root, path)).collect();
        if settings.paths.iter().any(|path| path.is_empty()) {
            settings.paths.clear();
        }
        Ok(Self {
            view,
            nothing_asked: anchors.is_empty(),
            stdin: stdin.map(|path| read_stdin(&root, &path)).transpose()?,
            asked,
            decided,
            no_ignore: scope.repo.no_ignore,
            config_named: scope.repo.isolated || scope.repo.config.is_some(),
            threads,
            unsaved,
            root,
            settings,
        })
    }

    /// Reads the baseline: the given one, or else the one in the repository, if it exists.
    pub fn read_baseline(&mut self, named: Option<&Path>, isolated: bool) -> Result<(), Failure> {
        let usual = self.root.join(baseline::DEFAULT);
        let file = match named {
            Some(file) => file,
            None if !isolated && self.unsaved.has(&usual) => &usual,
            None => return Ok(()),
        };
        let shown = named.map_or_else(|| self.view.disk_path(&self.root, file), Path::to_owned);
        let found_in = named.is_none().then_some(self.root.as_path());
        let text = self
            .unsaved
            .read(file, found_in, walk::MAX_FILE)
            .map_err(|reason| Failure::new(format!("cannot read the baseline {}: {reason}", shown.display())))?;
        let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let path = walk::between(&self.root, &walk::resolve_new(&path));
        self.settings.baseline = Some(Baseline::parse(&shown, path.to_string_lossy().into(), text)?);
        Ok(())
    }

    /// Enables the rules that the policy locks but `--select` left out, because a check always includes them.
    pub fn keep_locked(&mut self) {
        for (id, floor) in self.settings.config.floors.clone() {
            let rule = self.settings.rules.catalog().find(&id).map(|rule| rule.id);
            if let Some(rule) = rule.filter(|rule| self.settings.rules.level(rule) < floor) {
                self.settings.decide(rule, floor);
            }
        }
    }

    /// Whether only some paths of the repository were requested.
    pub fn is_partial(&self) -> bool {
        self.nothing_asked || !self.settings.paths.is_empty()
    }

    /// Walks the repository.
    pub fn repo(&self) -> Repo {
        self.repo_without(&self.settings.config.exclude)
    }

    /// Walks the repository, leaving out `exclude` instead of the paths that the configuration excludes.
    pub fn repo_without(&self, exclude: &Globs) -> Repo {
        let options = walk::Options { exclude: exclude.clone(), no_ignore: self.no_ignore, threads: self.threads };
        let mut walked = walk::walk(&self.root, &options);
        for path in &self.asked {
            walk::add_asked(&mut walked, &self.root, path, &options);
        }
        if self.config_named {
            walked.settings.clear();
        }
        let mut repo = Repo::from_walk(&self.root, walked);
        if let Some((path, bytes)) = &self.stdin {
            repo.put(path, bytes.clone());
            repo.exclude(exclude);
        }
        repo
    }

    /// Walks the repository and checks it.
    pub fn check(&self) -> Report {
        match self.nothing_asked {
            true => Report {
                root: self.root.clone(),
                rules: self.settings.rules.active_rules().map(|rule| rule.id).collect(),
                ..Report::default()
            },
            false => crate::check(&self.repo(), &self.settings),
        }
    }
}

/// Sets the number of threads. The thread pool is global, so only the first command of a process can configure it, and
/// a process runs only one.
fn set_threads(jobs: usize) -> Result<(), Failure> {
    if jobs == 0 {
        return Ok(());
    }
    let built = rayon::ThreadPoolBuilder::new().num_threads(jobs).build_global();
    built.map_err(|error| Failure::new(format!("cannot start {jobs} threads: {error}")))
}

fn asked_paths(scope: &ScopeArgs) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = scope.repo.paths.clone();
    match &scope.repo.files_from {
        Some(list) => paths.extend(listed_paths(list)?),
        None if paths.is_empty() => paths.push(PathBuf::from(".")),
        None => {}
    }
    Ok(paths)
}

/// The paths in a list, one per line, or separated by NUL as in the output of `git diff -z`.
fn listed_paths(list: &Path) -> Result<Vec<PathBuf>, Failure> {
    // Pipes are also accepted, because the list was named on the command line.
    let read = match list.as_os_str() == "-" {
        true => walk::read_all(std::io::stdin().lock(), 0, walk::MAX_FILE),
        false => std::fs::File::open(list)
            .map_err(|error| walk::io_reason(&error))
            .and_then(|file| walk::read_all(file, 0, walk::MAX_FILE)),
    };
    let bytes =
        read.map_err(|reason| Failure::new(format!("cannot read the list of paths {}: {reason}", list.display())))?;
    let separator = if bytes.contains(&0) { 0 } else { b'\n' };
    let lines = bytes.split(|&byte| byte == separator);
    let lines = lines.map(|line| if separator == 0 { line } else { line.strip_suffix(b"\r").unwrap_or(line) });
    let paths = lines.filter(|line| !line.is_empty()).map(|line| match separator {
        0 => walk::path_of_bytes(line),
        _ => line_path(line),
    });
    Ok(paths.collect())
}

/// Parses a line. Without `-z`, git quotes names that contain non-ASCII characters, quotes or backslashes.
fn line_path(line: &[u8]) -> PathBuf {
    let path = walk::path_of_bytes(line);
    let is_quoted = line.len() > 2 && line.starts_with(b"\"") && line.ends_with(b"\"");
    if !is_quoted || path.exists() {
        return path;
    }
    super::git::unquoted(line).map_or(path, |bytes| walk::path_of_bytes(&bytes))
}

/// The path that standard input replaces, if it was requested.
fn stdin_path(paths: &[PathBuf], name: Option<&Path>, here: &Path) -> Result<Option<PathBuf>, Failure> {
    let asked = paths.iter().any(|path| path.as_os_str() == "-");
    match (asked, name) {
        (true, Some(name)) if walk::is_too_long(&here.join(name)) => {
            Err(Failure::new(format!("the path of --stdin-filename is too long ({} bytes)", name.as_os_str().len())))
        }
        (true, Some(name)) if paths.len() == 1 => Ok(Some(walk::resolve_new(&here.join(name)))),
        (true, Some(_)) => Err(Failure::new("`-` (stdin) cannot be combined with other paths")),
        (true, None) => Err(Failure::new("`-` (stdin) requires --stdin-filename").help(
            "run `flakeward check --stdin-filename PATH -`, where PATH is the path of the text in the repository",
        )),
        (false, Some(_)) => Err(Failure::new("--stdin-filename requires the path `-`")),
        (false, None) => Ok(None),
    }
}

fn read_stdin(root: &Path, path: &Path) -> Result<(RelPath, Vec<u8>), Failure> {
    let bytes = walk::read_all(std::io::stdin().lock(), 0, walk::MAX_FILE)
        .map_err(|reason| Failure::new(format!("cannot read stdin: {reason}")))?;
    Ok((walk::relative(root, path).unwrap_or_else(|| path.to_string_lossy().into()), bytes))
}

/// The path of a symbolic link to a file, with the links in its folder resolved; `None` for other files. The link is
/// checked under its own name if its target is not checked.
fn link(path: &Path) -> Option<PathBuf> {
    let is_link = path.is_symlink() && !path.is_dir();
    let path = std::path::absolute(path).ok().filter(|_| is_link)?;
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// The requested path without links. The error is the reason why it cannot be checked.
fn existing(path: &Path) -> Result<PathBuf, Failure> {
    let real = path.canonicalize();
    // A hook passes the names of staged files, and anyone may have committed a link among them.
    if let (Ok(real), Ok(named)) = (&real, std::path::absolute(path))
        && real.is_file()
        && named
            .ancestors()
            .skip(1)
            .find(|folder| folder.join(".git").exists())
            .is_some_and(|root| walk::leads_out(root, &named))
    {
        let message = format!("{} is a symbolic link to a file outside the repository", path.display());
        return Err(Failure::new(message).help("name the file itself to check it"));
    }
    real.map_err(|error| {
        if error.kind() != std::io::ErrorKind::NotFound {
            return Failure::io("access", path, &error);
        }
        if let Ok(target) = path.read_link() {
            let (link, target) = (path.display(), target.display());
            return Failure::new(format!("{link} is a symbolic link to {target}, which does not exist"));
        }
        let failure = Failure::new(format!("{} does not exist", path.display()));
        let name = path.to_string_lossy();
        if let Some(command) = super::hints::command(&name) {
            return failure.help(format!("did you mean `flakeward {command}`?"));
        }
        match walk::nearest_sibling(path) {
            Some(near) => failure.help(format!("did you mean {}?", near.display())),
            None => match first_missing(path) {
                Some((folder, name)) => {
                    failure.help(format!("{} contains no file or directory named {name}", folder.display()))
                }
                None => failure,
            },
        }
    })
}

/// The deepest existing directory of a path that does not exist, and the name that it does not contain.
fn first_missing(path: &Path) -> Option<(PathBuf, String)> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.ancestors().find(|folder| folder.is_dir())?;
    let name = path.strip_prefix(folder).ok()?.iter().next()?.to_string_lossy().into_owned();
    Some((folder.to_owned(), name))
}

/// The repository that contains all paths. A run uses the facts and the settings of a single repository, so paths in
/// different repositories are rejected, unless one contains the other.
fn common_root(anchors: &[&Path], here: &Path) -> Result<PathBuf, Failure> {
    let folder = |path: &&Path| if path.is_dir() { path.to_path_buf() } else { parent(path) };
    let roots: Vec<PathBuf> = anchors.iter().map(|path| walk::find_root(&folder(path))).collect();
    let Some(first) = roots.first() else { return Ok(walk::find_root(here)) };
    let around = roots.iter().find(|root| anchors.iter().all(|path| path.starts_with(root)));
    if let Some(root) = around {
        return Ok(root.clone());
    }
    let stray = anchors.iter().find(|path| !path.starts_with(first)).map(|path| path.display().to_string());
    Err(Failure::new(format!("{} is outside the repository {}", stray.unwrap_or_default(), first.display()))
        .help("check one repository per run, because each has its own settings and port registry"))
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(path).to_owned()
}

/// The configuration: the given one, or else the one in the root, whichever paths were requested. It overrides the
/// policy that it extends, and --settings overrides both.
fn read_config(scope: &ScopeArgs, root: &Path, here: &Path, unsaved: &Unsaved) -> Result<Config, Failure> {
    let view = View::between(here, root);
    let shown = |path: &Path| view.disk_path(root, path);
    let mut layers = Vec::new();
    let file = match &scope.repo.config {
        _ if scope.repo.isolated => None,
        Some(file) => Some(here.join(file)),
        None => find_config(root, unsaved),
    };
    if let Some(file) = &file {
        let found_in = scope.repo.config.is_none().then_some(root);
        layers.push(read_layer(Origin::Repository, file, &shown(file), found_in, unsaved)?);
    }
    let policy = match scope.repo.isolated {
        true => None,
        false => policy::find(layers.first(), file.as_deref(), root, scope.repo.policy_path.as_deref())?,
    };
    let folder = policy.as_ref().map(|policy| policy.folder.clone());
    if let Some(folder) = &folder {
        let names = FILE_NAMES.map(|name| folder.join(name));
        if let Some(file) = names.iter().find(|file| file.symlink_metadata().is_ok()) {
            layers.insert(0, read_layer(Origin::Policy, file, &shown(file), Some(folder), unsaved)?);
        }
    }
    if let Some(file) = &scope.repo.settings {
        layers.push(read_layer(Origin::Settings, &here.join(file), file, None, unsaved)?);
    }
    let catalog = match scope.repo.isolated {
        true => Catalog::built_in(),
        false => own_rules::catalog(root, policy.as_ref(), shown, unsaved)?,
    };
    if layers.is_empty() {
        return Ok(Config { policy: folder, ..Config::of(catalog) });
    }
    let mut config = Config::of_layers(layers, catalog)?;
    config.policy = folder;
    config.path = file.map(|file| walk::between(root, &walk::resolve_new(&file)));
    Ok(config)
}

/// The policy that the repository around the working directory extends, if it extends one.
pub fn policy(root: &Path) -> Result<Option<Policy>, Failure> {
    let here = working_directory()?;
    let unsaved = Unsaved::default();
    let Some(file) = find_config(root, &unsaved) else { return Ok(None) };
    let shown = View::between(&here, root).disk_path(root, &file);
    let layer = read_layer(Origin::Repository, &file, &shown, Some(root), &unsaved)?;
    policy::find(Some(&layer), Some(&file), root, None)
}

fn read_layer(
    origin: Origin,
    file: &Path,
    shown: &Path,
    found_in: Option<&Path>,
    unsaved: &Unsaved,
) -> Result<Layer, Failure> {
    let text = unsaved
        .read(file, found_in, MAX_CONFIG)
        .map_err(|reason| Failure::new(format!("cannot read the configuration {}: {reason}", shown.display())))?;
    Ok(Layer::parse(origin, shown, text)?)
}

/// The configuration in a repository's root, if there is one.
fn find_config(root: &Path, unsaved: &Unsaved) -> Option<PathBuf> {
    FILE_NAMES.map(|name| root.join(name)).into_iter().find(|file| unsaved.has(file))
}

/// Applies `--select`, `--ignore` and `--level`, which apply to all paths and override `[[overrides]]`.
fn choose_rules(settings: &mut Settings, args: &RuleArgs) -> Result<BTreeSet<RuleId>, Failure> {
    let catalog = settings.rules.catalog().clone();
    let ids = |names: &[String]| {
        let found = names.iter().map(|name| rules_named(&catalog, name)).collect::<Result<Vec<_>, Failure>>()?;
        Ok::<Vec<RuleId>, Failure>(found.concat())
    };
    let select = ids(&args.select)?;
    let ignore = ids(&args.ignore)?;
    let lowered = args.level.iter().any(|(name, level)| name == UNCHECKED && *level != Level::Error);
    if ignore.contains(&UNCHECKED) || lowered {
        return Err(Failure::new(format!(
            "`{UNCHECKED}` is always an error: a file that cannot be checked must not pass"
        ))
        .help("leave a file out with `exclude` in flakeward.toml"));
    }
    if !select.is_empty() && select.iter().all(|id| ignore.contains(id)) {
        return Err(
            Failure::new("--ignore excludes every rule that --select names").help("remove one of the two options")
        );
    }
    settings.config.floors.iter().try_for_each(|(id, floor)| keeps_floor(id, *floor, &ignore, args, &catalog))?;
    let mut decided = BTreeSet::new();
    for rule in catalog.iter() {
        if select.contains(&rule.id) && !settings.rules.active(rule.id) {
            // A rule that is off by default is enabled if it is selected by name, but not if only its group is
            // selected.
            let is_named = args.select.iter().any(|name| name == rule.id);
            let level = if is_named && rule.level == Level::Off { Level::Warn } else { rule.level };
            settings.decide(rule.id, level);
            decided.insert(rule.id);
        }
        let left_out = !select.is_empty() && !select.contains(&rule.id) && rule.id != UNCHECKED;
        if left_out || ignore.contains(&rule.id) {
            settings.decide(rule.id, Level::Off);
            decided.insert(rule.id);
        }
    }
    for (name, level) in &args.level {
        let is_group = catalog.find(name).is_none();
        for id in rules_named(&catalog, name)? {
            // Rules that are off by default are not affected by the level of a group.
            if is_group && catalog.find(id).is_some_and(|rule| rule.level == Level::Off) {
                continue;
            }
            settings.decide(id, *level);
            decided.insert(id);
        }
    }
    Ok(decided)
}

/// Checks that no option lowers the level of a rule that the policy locks.
fn keeps_floor(id: &str, floor: Level, ignored: &[RuleId], args: &RuleArgs, catalog: &Catalog) -> Result<(), Failure> {
    let stands_for = |name: &str| catalog.named(name).iter().any(|rule| rule.id == id);
    let lowered = args.level.iter().rev().find(|(name, _)| stands_for(name)).filter(|(_, level)| *level < floor);
    let option = match lowered {
        Some((name, level)) => Some(format!("--level {name}={level}")),
        None => args
            .ignore
            .iter()
            .find(|name| ignored.contains(&id) && stands_for(name))
            .map(|name| format!("--ignore {name}")),
    };
    match option {
        None => Ok(()),
        Some(option) => Err(Failure::new(format!("the policy locks `{id}`: its level must be at least {floor}"))
            .help(format!("remove `{option}`, or accept individual findings with suppressions that give a reason"))),
    }
}

/// The rules that a name on the command line refers to: a single rule, or the rules of a group.
fn rules_named(catalog: &Catalog, name: &str) -> Result<Vec<RuleId>, Failure> {
    match catalog.named(name).as_slice() {
        [] => rule(catalog, name).map(|rule| vec![rule.id]),
        rules => Ok(rules.iter().map(|rule| rule.id).collect()),
    }
}

/// The rule with an id. The error suggests a similar one.
pub fn rule<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c Rule, Failure> {
    catalog.find(name).ok_or_else(|| {
        let (message, help) = catalog.unknown(name);
        Failure::new(message).help(help)
    })
}

/// The only folder directly under the root that contains a flake. `None` if there are several, or if there is Nix code
/// at the root.
fn only_flake(root: &Path) -> Option<String> {
    let mut found = None;
    for entry in std::fs::read_dir(root).ok()?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "nix") {
            return None;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && path.join("flake.nix").is_file() {
            let name = entry.file_name().into_string().ok()?;
            if found.replace(name).is_some() {
                return None;
            }
        }
    }
    found
}

/// The root of the repository around the working directory, and the view that formats paths.
pub fn here() -> Result<(PathBuf, View), Failure> {
    let here = working_directory()?;
    let root = walk::find_root(&here);
    let view = View::between(&here, &root);
    Ok((root, view))
}

fn working_directory() -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    here.map_err(|error| Failure::io("enter", Path::new("the working directory"), &error))
}

/// The date of the run: `--now`, or else SOURCE_DATE_EPOCH, or else the current date.
pub fn now(given: Option<jiff::civil::Date>) -> Result<jiff::civil::Date, Failure> {
    if let Some(date) = given {
        return Ok(date);
    }
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => date(&text).map_err(|help| Failure::new(format!("invalid SOURCE_DATE_EPOCH `{text}`")).help(help)),
        Err(_) => Ok(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()),
    }
}
