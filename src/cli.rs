//! The command-line arguments, parsed by clap.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::finding::Level;
use crate::output::Format;
use crate::output::stream::When;
use crate::replace::is_same_file;
use crate::suggest::nearest;

/// A policy checker for Nix infrastructure repositories
///
/// Without a command, `flakeward [PATH]...` runs `check`. Exit codes: 0 no findings at or above --fail-on, 1 findings,
/// 2 an error: bad usage or configuration, a missing path, or output that could not be written.
#[derive(Debug, Parser)]
#[command(
    name = "flakeward",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The command to run. `None` runs `check`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `check`, which runs if no command is given.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// The help text of PATH for `fix`.
const FIX_PATHS: &str =
    "Files and directories to fix [default: the whole repository]; facts always come from the whole repository";

/// The help text of PATH for commands that work on a whole repository.
const REPOSITORY: &str = "The repository, or a path in it [default: the repository of the working directory]";

/// The help text of PATH for `baseline`.
const BASELINE_PATHS: &str =
    "Files and directories whose rows to replace [default: the whole repository]; other rows are kept";

/// The help text of PATH for `migrate`.
const MIGRATE_PATHS: &str =
    "The repository, or directories and files in it [default: the repository of the working directory]";

/// The help text of PATH for `config show`.
const SHOWN_PATH: &str = "The path whose settings to show [default: the whole repository]";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check files and directories (the default command)
    Check(CheckArgs),
    /// Write a flakeward.toml that fits the repository
    Init(InitArgs),
    /// Apply safe fixes, which do not change evaluation; with --unsafe, apply all fixes
    #[command(mut_arg("paths", |paths| paths.help(FIX_PATHS)))]
    Fix(FixArgs),
    /// Show the documentation of a rule: its rationale, with bad and good examples
    Explain(ExplainArgs),
    /// List all rules, or test this repository's own rules
    Rules(RulesArgs),
    /// Show the repository's port map, or find a free port
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Ports(PortsArgs),
    /// Migrate Compose files, Dockerfiles, flake helpers and Docker builds in CI; prints a diff without --write
    #[command(mut_arg("paths", |paths| paths.help(MIGRATE_PATHS)))]
    Migrate(MigrateArgs),
    /// Record current findings, so that only new ones are reported
    #[command(mut_arg("paths", |paths| paths.help(BASELINE_PATHS)))]
    Baseline(BaselineArgs),
    /// List everything that is accepted, with its owner, age, reason and expiry
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Accepted(AcceptedArgs),
    /// Write a page about many repositories from their JSON reports
    Report(ReportArgs),
    /// Show the schema of flakeward.toml, or the effective settings
    Config(ConfigArgs),
    /// Start the language server on stdin and stdout
    Lsp,
    /// Print a shell completion script
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    #[command(hide = true)]
    Man(ManArgs),
}

/// Input, rule and configuration options, shared by all commands that read a repository.
#[derive(Debug, Default, Args)]
pub struct ScopeArgs {
    /// Files and directories to report on; facts always come from the whole repository. `-` is stdin
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Read further paths from FILE, separated by newlines or NUL; `-` is stdin
    #[arg(long, value_name = "FILE", help_heading = "Input options")]
    pub files_from: Option<PathBuf>,
    /// Do not respect .gitignore and other ignore files
    #[arg(long, help_heading = "Input options")]
    pub no_ignore: bool,
    /// Exit with code 2 if no input file matches any rule
    #[arg(long, help_heading = "Input options")]
    pub require_inputs: bool,
    /// Run only these rules or groups (ports, containers, processes, flakes, ci, style, general); separated by commas
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rule options")]
    pub select: Vec<String>,
    /// Skip these rules or groups; separated by commas
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rule options")]
    pub ignore: Vec<String>,
    /// Set the level of a rule or group (off, hint, warn or error), overriding flakeward.toml; separated by commas
    #[arg(long, value_name = "RULE=LEVEL", value_delimiter = ',', value_parser = rule_level, help_heading = "Rule options")]
    pub level: Vec<(String, Level)>,
    /// Reference date for ages: YYYY-MM-DD or seconds since 1970 [default: $SOURCE_DATE_EPOCH, or today]
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = "Rule options")]
    pub now: Option<jiff::civil::Date>,
    /// Configuration file [default: flakeward.toml or .flakeward.toml in the root of the repository]
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub config: Option<PathBuf>,
    /// Folder of the policy to extend, overriding the one that `[policy] extends` names
    #[arg(long, value_name = "DIR", conflicts_with = "isolated", help_heading = "Configuration options")]
    pub policy_path: Option<PathBuf>,
    /// Additional settings, which override those of the configuration file and have the same format
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub settings: Option<PathBuf>,
    /// Ignore the repository's configuration file, own rules and baseline
    #[arg(long, conflicts_with = "config", help_heading = "Configuration options")]
    pub isolated: bool,
    /// Number of threads [default: number of cores]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub jobs: Option<usize>,
}

impl ScopeArgs {
    /// Whether the command line decides which rules run.
    pub fn chooses_rules(&self) -> bool {
        !(self.select.is_empty() && self.ignore.is_empty() && self.level.is_empty())
    }
}

/// Output options.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// When to use colours and links; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Print findings only, without summary and notes
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also print notes about what could not be analysed
    #[arg(short, long)]
    pub verbose: bool,
}

/// The options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Path to assume for stdin if PATH is `-`; selects the file type and the settings that apply
    #[arg(long, value_name = "PATH", help_heading = "Input options")]
    pub stdin_filename: Option<PathBuf>,
    /// Report only findings on lines changed since the merge base of REF and HEAD [default REF: the main branch]
    #[arg(
        long,
        value_name = "REF",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = "Input options"
    )]
    pub changed: Option<String>,
    /// Report only findings that are absent at the merge base of REF and HEAD, compared by fingerprint
    ///
    /// Unlike --changed, this includes findings that a change causes on unchanged lines.
    #[arg(long, value_name = "REF", conflicts_with_all = ["changed", "frozen"], help_heading = "Input options")]
    pub new_since: Option<String>,
    /// Baseline of accepted findings, written by `flakeward baseline` [default: .flakeward/baseline.json]
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub baseline: Option<PathBuf>,
    /// Report baseline entries that match nothing as errors, so that the baseline can only shrink
    #[arg(long, conflicts_with_all = ["changed", "isolated"], help_heading = "Configuration options")]
    pub frozen: bool,
    /// The reports to write.
    #[command(flatten)]
    pub reports: Reports,
    /// Exit with code 1 if a finding has this level or a more severe one: error, warn or hint
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = reported_level, help_heading = "Report options")]
    pub fail_on: Level,
    /// Print counts by rule instead of the findings (formats pretty and concise)
    #[arg(long, help_heading = "Report options")]
    pub statistics: bool,
    /// Print timing statistics to stderr
    #[arg(long, help_heading = "Report options")]
    pub stats: bool,
    /// Output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of `fix`.
#[derive(Debug, Args)]
pub struct FixArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Also apply fixes that may change evaluation or locked inputs, or that create files
    #[arg(long = "unsafe")]
    pub needs_unsafe: bool,
    /// Print the changes as a diff (for `git apply` in the root) without writing them
    #[arg(long)]
    pub diff: bool,
    /// Also fix findings that the baseline accepts
    #[arg(long)]
    pub accepted: bool,
    /// Baseline of accepted findings, which are not fixed [default: .flakeward/baseline.json]
    #[arg(long, value_name = "FILE", conflicts_with = "accepted", help_heading = "Configuration options")]
    pub baseline: Option<PathBuf>,
    /// Exit with code 1 if a remaining finding has this level or a more severe one: error, warn or hint
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = reported_level, help_heading = "Report options")]
    pub fail_on: Level,
    /// Output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// One report to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    /// The format.
    pub format: Format,
    /// The file to write; `None` is stdout.
    pub file: Option<PathBuf>,
}

/// The pairs of `--format` and `--output`: an output applies to the format before it.
#[derive(Debug, Clone, Default)]
pub struct Reports(pub Vec<ReportTo>);

impl Args for Reports {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
            .arg(
                Arg::new("format")
                    .long("format")
                    .short('f')
                    .value_name("FORMAT")
                    .value_parser(clap::value_parser!(Format))
                    .action(ArgAction::Append)
                    .help_heading("Report options")
                    .help("Report format. Repeatable [default: pretty]"),
            )
            .arg(
                Arg::new("output")
                    .long("output")
                    .short('o')
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .action(ArgAction::Append)
                    .help_heading("Report options")
                    .help("Write the report of the preceding --format to FILE; `-` is stdout"),
            )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Reports {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let formats = indexed::<Format>(matches, "format");
        let outputs = indexed::<PathBuf>(matches, "output");
        pair(&formats, &outputs)
            .map(Self)
            .map_err(|message| clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, format!("{message}\n")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn indexed<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> Vec<(usize, T)> {
    let values = matches.get_many::<T>(id).into_iter().flatten().cloned();
    matches.indices_of(id).into_iter().flatten().zip(values).collect()
}

/// Assigns each output to the nearest format before it; an output before the only format applies to that format.
fn pair(formats: &[(usize, Format)], outputs: &[(usize, PathBuf)]) -> Result<Vec<ReportTo>, String> {
    let mut reports: Vec<ReportTo> =
        formats.iter().map(|(_, format)| ReportTo { format: *format, file: None }).collect();
    if reports.is_empty() {
        reports.push(ReportTo { format: Format::Pretty, file: None });
    }
    let mut taken = vec![false; reports.len()];
    for (at, file) in outputs {
        let before = formats.iter().filter(|(index, _)| index < at).count();
        let owner = before.saturating_sub(1);
        if taken[owner] || (before == 0 && reports.len() > 1) {
            return Err(format!("--output {} does not follow its own --format", file.display()));
        }
        taken[owner] = true;
        reports[owner].file = (file.as_os_str() != "-").then(|| file.clone());
    }
    for (at, report) in reports.iter().enumerate() {
        let Some(file) = &report.file else { continue };
        let mut others = reports[..at].iter().filter_map(|other| other.file.as_deref());
        if others.any(|other| is_same_file(other, file)) {
            let file = file.display();
            return Err(format!("two reports cannot be written to {file}; name another file with --output"));
        }
    }
    if reports.iter().filter(|report| report.file.is_none()).count() > 1 {
        return Err("only one --format can be written to stdout; add --output FILE to the others".to_owned());
    }
    Ok(reports)
}

/// The options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Rule id
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// When to use colours and links; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The options of `rules`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RulesArgs {
    /// The subcommand; `None` lists the rules.
    #[command(subcommand)]
    pub command: Option<RulesCommand>,
    /// Format of the list
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: ListFormat,
    /// When to use colours and links; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The subcommands of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Run the examples of this repository's own rules in .flakeward/rules/
    Test,
}

/// The formats of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table.
    Pretty,
    /// A JSON document.
    Json,
}

/// The options of `ports`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PortsArgs {
    /// The subcommand; `None` shows the port map.
    #[command(subcommand)]
    pub command: Option<PortsCommand>,
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Format of the port map, or of the exported registry (env, services, nix, ts)
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: PortsFormat,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Also print notes about what could not be analysed
    #[arg(short, long)]
    pub verbose: bool,
}

/// The subcommands of `ports`.
#[derive(Debug, Subcommand)]
pub enum PortsCommand {
    /// Write the registry, with a name for every port that has none, and change no other file
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Init(PortsInitArgs),
    /// Print what uses a port number, or that it is free (exit code 1 if it is taken)
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Check(PortsCheckArgs),
    /// Print a port that is unused in this repository, close to its group, not well known and not ephemeral
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Next(PortsNextArgs),
    /// Rename an entry, and every reference to it in Nix and in comments of YAML files and Dockerfiles
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Rename(PortsRenameArgs),
}

/// The options of `ports init`.
#[derive(Debug, Args)]
pub struct PortsInitArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Print the changes as a diff without writing them
    #[arg(long)]
    pub diff: bool,
}

/// The options of `ports check`.
#[derive(Debug, Args)]
pub struct PortsCheckArgs {
    /// The port number
    #[arg(value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub number: u16,
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// The options of `ports next`.
#[derive(Debug, Args)]
pub struct PortsNextArgs {
    /// Registry group to allocate the port in, such as `databases`
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Also print notes about what could not be analysed
    #[arg(short, long)]
    pub verbose: bool,
}

/// The options of `ports rename`.
#[derive(Debug, Args)]
pub struct PortsRenameArgs {
    /// The entry, such as `services.app`
    #[arg(value_name = "OLD")]
    pub old: String,
    /// Its new name, such as `development.api`; without a dot, a name in the same group
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Print the changes as a diff without writing them
    #[arg(long)]
    pub diff: bool,
}

/// The formats of the port map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PortsFormat {
    /// A table.
    Pretty,
    /// Markdown, for a pull request.
    Markdown,
    /// A JSON document.
    Json,
    /// The registry as NAME=NUMBER lines for `.env` files and shells.
    Env,
    /// The registry as lines of /etc/services.
    Services,
    /// The registry as a Nix set of plain numbers.
    Nix,
    /// The registry as a TypeScript module.
    Ts,
}

/// The options of `migrate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct MigrateArgs {
    /// The subcommand; `None` migrates everything.
    #[command(subcommand)]
    pub command: Option<MigrateCommand>,
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Options for writing the result.
    #[command(flatten)]
    pub how: MigrateHow,
}

/// The subcommands of `migrate`.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Migrate the Compose files of a project to process-compose-flake and services-flake; later files override earlier ones
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").required(true).help("The Compose files, in order")))]
    Compose(MigrateFilesArgs),
    /// Migrate Dockerfiles to `packages.container-NAME = nix2container.buildImage { .. }`
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").required(true).help("The Dockerfiles")))]
    Dockerfile(MigrateFilesArgs),
    /// Migrate forAllSystems, genAttrs over systems and flake-utils to mkFlake and perSystem of flake-parts
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").help("The flake [default: flake.nix]")))]
    Flake(MigrateFilesArgs),
    /// Migrate `docker build` in CI to `nix build .#container-NAME`
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").help("The CI files [default: all]")))]
    Ci(MigrateFilesArgs),
}

/// The options of the subcommands of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateFilesArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Options for writing the result.
    #[command(flatten)]
    pub how: MigrateHow,
}

/// Options for writing the result of a migration.
#[derive(Debug, Clone, Args)]
pub struct MigrateHow {
    /// Write the files instead of printing a diff (for `git apply` in the root)
    #[arg(long, help_heading = "Migration options")]
    pub write: bool,
    /// Also overwrite files with uncommitted changes
    #[arg(long, requires = "write", help_heading = "Migration options")]
    pub force: bool,
    /// Report format
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty", help_heading = "Migration options")]
    pub format: MigrateFormat,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The formats of a migration's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MigrateFormat {
    /// A diff on standard output, and the report on standard error.
    Pretty,
    /// A JSON document: carried, left, errors, files.
    Json,
}

/// The options of `baseline`.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// File to write; `-` is stdout [default: .flakeward/baseline.json in the root]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only remove entries that no longer match anything; accept no new findings
    #[arg(long)]
    pub prune: bool,
    /// Last day on which the newly added rows apply: YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = day, conflicts_with = "prune")]
    pub until: Option<jiff::civil::Date>,
    /// Why the newly accepted findings are accepted
    #[arg(long, value_name = "TEXT", conflicts_with = "prune")]
    pub reason: Option<String>,
}

/// The options of `accepted`.
#[derive(Debug, Args)]
pub struct AcceptedArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Format of the list
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: AcceptedFormat,
    /// List only what has expired, or expires within this number of days
    #[arg(long, value_name = "DAYS")]
    pub expiring_in: Option<u16>,
    /// Baseline of accepted findings [default: .flakeward/baseline.json]
    #[arg(long, value_name = "FILE", help_heading = "Configuration options")]
    pub baseline: Option<PathBuf>,
}

/// The formats of `accepted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AcceptedFormat {
    /// Text for people.
    Pretty,
    /// A JSON document.
    Json,
    /// A table for spreadsheets.
    Csv,
}

/// The options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// JSON reports of `flakeward check --format json`; several of one repository with different dates make a trend
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, short, value_name = "FORMAT", default_value = "html")]
    pub format: FleetFormat,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// After how many days a repository counts as not checked
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub stale_after: u16,
    /// Reference date for ages: YYYY-MM-DD or seconds since 1970 [default: $SOURCE_DATE_EPOCH, or today]
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub now: Option<jiff::civil::Date>,
}

/// The formats of a report about many repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FleetFormat {
    /// A page for a browser.
    Html,
    /// A table for a comment.
    Markdown,
    /// A table for spreadsheets.
    Csv,
    /// A JSON document.
    Json,
}

/// The options of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The repository, or a path in it [default: the repository of the working directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// When to use colours; auto detects terminals and respects NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The options of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The subcommand.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of flakeward.toml
    Schema,
    /// Show the effective settings of a path or the whole repository, and where each one is set
    #[command(mut_arg("paths", |paths| paths.help(SHOWN_PATH)))]
    Show(Box<ConfigShowArgs>),
}

/// The options of `config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// Input, rule and configuration options.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Format of the settings
    #[arg(long, short, value_name = "FORMAT", default_value = "toml")]
    pub format: ConfigFormat,
}

/// The formats of `config show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// TOML, with the origin of each value in a comment.
    Toml,
    /// A JSON document.
    Json,
}

/// The options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell to complete for
    pub shell: Shell,
}

/// The shells with completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// Z shell.
    Zsh,
    /// Nushell.
    Nushell,
}

/// The options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page for each command to DIR
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|jobs| *jobs > 0);
    jobs.ok_or_else(|| "expected a number of threads, at least 1; the default is one per core".to_owned())
}

fn level(text: &str, known: &[Level]) -> Result<Level, String> {
    if let Some(level) = text.parse().ok().filter(|level| known.contains(level)) {
        return Ok(level);
    }
    let names: Vec<&str> = known.iter().map(|level| level.name()).collect();
    let near = nearest(text, names.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    Err(format!("{}expected one of {}", near.unwrap_or_default(), names.join(", ")))
}

fn reported_level(text: &str) -> Result<Level, String> {
    level(text, &[Level::Error, Level::Warn, Level::Hint])
}

fn rule_level(text: &str) -> Result<(String, Level), String> {
    let (rule, name) = text.split_once('=').ok_or("expected RULE=LEVEL, such as lookup-path=error")?;
    Ok((rule.trim().to_owned(), level(name.trim(), &[Level::Error, Level::Warn, Level::Hint, Level::Off])?))
}

fn day(text: &str) -> Result<jiff::civil::Date, String> {
    crate::suppress::date(text).ok_or_else(|| "expected a date such as 2027-03-01".to_owned())
}

/// Parses an ISO 8601 date, or seconds since 1970 as in `SOURCE_DATE_EPOCH` (the day is in UTC).
pub fn date(text: &str) -> Result<jiff::civil::Date, String> {
    let wrong = || "expected a date such as 2026-01-31, or seconds since 1970".to_owned();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let stamp =
            text.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).ok_or_else(wrong)?;
        return Ok(stamp.to_zoned(jiff::tz::TimeZone::UTC).date());
    }
    text.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_accepts_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn outputs_belong_to_the_format_before_them() {
        let reports = |line: &str| {
            let cli = Cli::try_parse_from(line.split_whitespace())?;
            Ok::<_, clap::Error>(cli.check.reports.0)
        };
        let to = |format, file: Option<&str>| ReportTo { format, file: file.map(PathBuf::from) };
        assert_eq!(reports("flakeward").unwrap(), [to(Format::Pretty, None)]);
        assert_eq!(reports("flakeward --output a").unwrap(), [to(Format::Pretty, Some("a"))]);
        assert_eq!(reports("flakeward --output a --format json").unwrap(), [to(Format::Json, Some("a"))]);
        assert_eq!(
            reports("flakeward --format concise --format json --output a.json").unwrap(),
            [to(Format::Concise, None), to(Format::Json, Some("a.json"))]
        );
        assert_eq!(
            reports("flakeward -f json -o a -f concise -o -").unwrap(),
            [to(Format::Json, Some("a")), to(Format::Concise, None)]
        );
        for wrong in [
            "flakeward --format json --format concise",
            "flakeward --format json --output a --output b",
            "flakeward --format json --output a --format sarif --output ./a",
            "flakeward --output a --format json --format concise --output b",
        ] {
            assert!(reports(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn dates_are_days_or_seconds() {
        assert_eq!(date("2026-01-31"), Ok(jiff::civil::date(2026, 1, 31)));
        assert_eq!(date("1700000000"), Ok(jiff::civil::date(2023, 11, 14)));
        assert_eq!(date("0"), Ok(jiff::civil::date(1970, 1, 1)));
        for wrong in ["", "yesterday", "2026-13-01", "99999999999999999999"] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
    }
}
