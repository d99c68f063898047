//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::nearest;
use crate::finding::Level;
use crate::output::Format;

/// Holds Nix infrastructure repositories to one policy.
///
/// Without a command, `flakeward [PATH]...` checks. Exit codes: 0 nothing to report at or above --fail-on, 1 findings,
/// 2 something could not be done: bad usage or configuration, a missing path, output that could not be written.
#[derive(Debug, Parser)]
#[command(
    name = "flakeward",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do; `check` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `check`, which is what runs where no command is given.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// What PATH is for `fix`.
const FIX_PATHS: &str = "Files and folders to fix [default: the whole repository]; facts always come from all of it";

/// What PATH is for commands that are about a whole repository.
const REPOSITORY: &str = "The repository, or a path in it [default: the one around the working directory]";

/// What PATH is for `migrate`.
const MIGRATE_PATHS: &str =
    "The repository, or folders and files in it [default: the one around the working directory]";

/// What PATH is for `config show`.
const SHOWN_PATH: &str = "The path whose settings to show [default: those of the whole repository]";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check files and folders (the default command)
    Check(CheckArgs),
    /// Apply fixes: those that keep what Nix evaluates, with --unsafe also the others
    #[command(mut_arg("paths", |paths| paths.help(FIX_PATHS)))]
    Fix(FixArgs),
    /// Show a rule's page: why it is there, and what is bad and good
    Explain(ExplainArgs),
    /// List all rules, or test those of this repository
    Rules(RulesArgs),
    /// Show the repository's port map, or find a free number
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Ports(PortsArgs),
    /// Write new files for Compose files, Dockerfiles, hand-rolled flakes and docker in CI; a plan without --write
    #[command(mut_arg("paths", |paths| paths.help(MIGRATE_PATHS)))]
    Migrate(MigrateArgs),
    /// Write down today's findings, so that only new ones are reported
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Baseline(BaselineArgs),
    /// Show the configuration's schema, or the settings in force
    Config(ConfigArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// What is looked at, by which rules: for every command that reads a repository.
#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// Files and folders to report on; facts always come from the whole repository. `-` is standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also read paths from a file, one per line or separated by NUL; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = "What to look at")]
    pub files_from: Option<PathBuf>,
    /// Do not honour .gitignore and other ignore files
    #[arg(long, help_heading = "What to look at")]
    pub no_ignore: bool,
    /// Exit with 2 where there is no file that any rule looks at
    #[arg(long, help_heading = "What to look at")]
    pub require_inputs: bool,
    /// Only these rules (and unreadable-file: what cannot be read is never passed over); repeatable
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rules")]
    pub select: Vec<String>,
    /// Leave these rules out; repeatable
    #[arg(long, value_name = "RULE", value_delimiter = ',', help_heading = "Rules")]
    pub ignore: Vec<String>,
    /// A rule's level, over what flakeward.toml says: off, hint, warn or error; repeatable
    #[arg(long, value_name = "RULE=LEVEL", value_delimiter = ',', value_parser = rule_level, help_heading = "Rules")]
    pub level: Vec<(String, Level)>,
    /// The date to judge ages by: 2026-01-31, or seconds since 1970 [default: $SOURCE_DATE_EPOCH, else today]
    #[arg(long, value_name = "DATE", value_parser = date, help_heading = "Rules")]
    pub now: Option<jiff::civil::Date>,
    /// The configuration file [default: flakeward.toml or .flakeward.toml, upward to the repository's root]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Use no configuration file, no rules of the repository's own and no baseline
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    pub isolated: bool,
    /// Threads to use [default: as many as there are cores]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub jobs: Option<usize>,
}

/// How to talk.
#[derive(Debug, Args)]
pub struct TalkArgs {
    /// Colours and links: auto knows terminals, NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Findings only: no summary, no remarks
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also say what could not be decided
    #[arg(short, long)]
    pub verbose: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On terminals.
    Auto,
    /// Also in pipes and files.
    Always,
    /// Not at all.
    Never,
}

/// The options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// What standard input is called, where PATH is `-`: decides what it is and which settings hold
    #[arg(long, value_name = "PATH", help_heading = "What to look at")]
    pub stdin_filename: Option<PathBuf>,
    /// Only findings on lines changed since REF's merge base with HEAD [default REF: the main branch]
    #[arg(
        long,
        value_name = "REF",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        help_heading = "What to look at"
    )]
    pub changed: Option<String>,
    /// Accepted findings, as `flakeward baseline` wrote them [default: .flakeward/baseline.json, if there]
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub baseline: Option<PathBuf>,
    /// What to write, and where to.
    #[command(flatten)]
    pub reports: Reports,
    /// Exit with 1 at findings of this level or worse: error, warn or hint
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = reported_level, help_heading = "Report")]
    pub fail_on: Level,
    /// Say on standard error where the time went
    #[arg(long, help_heading = "Report")]
    pub stats: bool,
    /// How to talk.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// The options of `fix`.
#[derive(Debug, Args)]
pub struct FixArgs {
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Also apply fixes that may change what is evaluated or locked, or that make files
    #[arg(long = "unsafe")]
    pub needs_unsafe: bool,
    /// Print what would change as a diff (for `git apply` in the root), and change nothing
    #[arg(long)]
    pub diff: bool,
    /// Also fix what the baseline accepts
    #[arg(long)]
    pub accepted: bool,
    /// Accepted findings, which stay as they are [default: .flakeward/baseline.json, if there]
    #[arg(long, value_name = "FILE", conflicts_with = "accepted", help_heading = "Configuration")]
    pub baseline: Option<PathBuf>,
    /// Exit with 1 where findings of this level or worse are left: error, warn or hint
    #[arg(long, value_name = "LEVEL", default_value = "error", value_parser = reported_level, help_heading = "Report")]
    pub fail_on: Level,
    /// How to talk.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// One report to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    /// In this format.
    pub format: Format,
    /// Into this file; `None` is standard output.
    pub file: Option<PathBuf>,
}

/// The pairs of `--format` and `--output`: an output belongs to the format before it.
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
                    .help_heading("Report")
                    .help("How to write the report; repeatable [default: pretty]"),
            )
            .arg(
                Arg::new("output")
                    .long("output")
                    .short('o')
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .action(ArgAction::Append)
                    .help_heading("Report")
                    .help("Write the report of the --format before it to a file; `-` is standard output"),
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

/// Gives each output to the nearest format before it; an output before the only format is that format's.
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
            return Err(format!("--output {} has no --format of its own before it", file.display()));
        }
        taken[owner] = true;
        reports[owner].file = (file.as_os_str() != "-").then(|| file.clone());
    }
    if reports.iter().filter(|report| report.file.is_none()).count() > 1 {
        return Err("only one --format can go to standard output: give the others an --output FILE".to_owned());
    }
    Ok(reports)
}

/// The options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule's id
    #[arg(value_name = "RULE")]
    pub rule: String,
    /// Colours and links: auto knows terminals, NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// The options of `rules`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RulesArgs {
    /// What to do with them; list them where nothing is said.
    #[command(subcommand)]
    pub command: Option<RulesCommand>,
    /// How to write the list
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: ListFormat,
    /// Colours and links: auto knows terminals, NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Run the examples of this repository's own rules, .flakeward/rules/NAME.md
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
    /// What to do; the map where nothing is said.
    #[command(subcommand)]
    pub command: Option<PortsCommand>,
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// How to write the map
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty")]
    pub format: PortsFormat,
    /// Colours: auto knows terminals, NO_COLOR and FORCE_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Also say what could not be decided
    #[arg(short, long)]
    pub verbose: bool,
}

/// What `ports` does beside the map.
#[derive(Debug, Subcommand)]
pub enum PortsCommand {
    /// Print a free number: near the group's others, not well known, not ephemeral, not used anywhere here
    #[command(mut_arg("paths", |paths| paths.help(REPOSITORY)))]
    Next(PortsNextArgs),
}

/// The options of `ports next`.
#[derive(Debug, Args)]
pub struct PortsNextArgs {
    /// The group of the registry that the number is for, such as `databases`
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Also say what could not be decided
    #[arg(short, long)]
    pub verbose: bool,
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
}

/// The options of `migrate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct MigrateArgs {
    /// What to migrate; everything if not given.
    #[command(subcommand)]
    pub command: Option<MigrateCommand>,
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// What becomes of it.
    #[command(flatten)]
    pub how: MigrateHow,
}

/// What `migrate` migrates.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Compose files of one project to a module for process-compose-flake and services-flake; later files override
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").required(true).help("The Compose files, in order")))]
    Compose(MigrateFilesArgs),
    /// Dockerfiles to `packages.container-NAME = nix2container.buildImage { .. }`
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").required(true).help("The Dockerfiles")))]
    Dockerfile(MigrateFilesArgs),
    /// forAllSystems, genAttrs over systems and flake-utils to flake-parts' mkFlake and perSystem
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").help("The flake [default: flake.nix]")))]
    Flake(MigrateFilesArgs),
    /// docker build in CI to `nix build .#container-NAME`
    #[command(mut_arg("paths", |paths| paths.value_name("FILE").help("The CI files [default: all]")))]
    Ci(MigrateFilesArgs),
}

/// The options of a migration of some files.
#[derive(Debug, Args)]
pub struct MigrateFilesArgs {
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// What becomes of it.
    #[command(flatten)]
    pub how: MigrateHow,
}

/// What becomes of a migration.
#[derive(Debug, Args)]
pub struct MigrateHow {
    /// Write the files; without it a diff is shown (for `git apply` in the root)
    #[arg(long, help_heading = "Migration")]
    pub write: bool,
    /// Also write over files with changes that are not committed
    #[arg(long, requires = "write", help_heading = "Migration")]
    pub force: bool,
    /// How to write the report
    #[arg(long, short, value_name = "FORMAT", default_value = "pretty", help_heading = "Migration")]
    pub format: MigrateFormat,
    /// Colours: auto knows terminals, NO_COLOR and FORCE_COLOR
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
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Where to write it; `-` is standard output [default: .flakeward/baseline.json in the root]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The options of `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to show.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What `config` shows.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON schema of flakeward.toml
    Schema,
    /// Show the settings in force and where each comes from, for a path or the whole repository
    #[command(mut_arg("paths", |paths| paths.help(SHOWN_PATH)))]
    Show(ConfigShowArgs),
}

/// The options of `config show`.
#[derive(Debug, Args)]
pub struct ConfigShowArgs {
    /// What is looked at.
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// The options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|jobs| *jobs > 0);
    jobs.ok_or_else(|| "write how many threads to use, 1 or more; without --jobs, each core has one".to_owned())
}

fn level(text: &str, known: &[Level]) -> Result<Level, String> {
    if let Some(level) = text.parse().ok().filter(|level| known.contains(level)) {
        return Ok(level);
    }
    let names: Vec<&str> = known.iter().map(|level| level.name()).collect();
    let near = nearest(text, names.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    Err(format!("{}the levels here are {}", near.unwrap_or_default(), names.join(", ")))
}

fn reported_level(text: &str) -> Result<Level, String> {
    level(text, &[Level::Error, Level::Warn, Level::Hint])
}

fn rule_level(text: &str) -> Result<(String, Level), String> {
    let (rule, name) = text.split_once('=').ok_or("write RULE=LEVEL, such as lookup-path=error")?;
    Ok((rule.trim().to_owned(), level(name.trim(), &[Level::Error, Level::Warn, Level::Hint, Level::Off])?))
}

/// A date as people write it, or the seconds of `SOURCE_DATE_EPOCH`.
pub fn date(text: &str) -> Result<jiff::civil::Date, String> {
    let wrong = || "write a date as 2026-01-31, or the seconds since 1970".to_owned();
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
    fn the_command_line_is_sound() {
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
