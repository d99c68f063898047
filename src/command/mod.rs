//! The commands, one file each, and the types that they share: failures and exit codes.

pub mod accepted;
pub mod baseline;
pub mod changed;
pub mod check;
pub mod config;
pub mod explain;
pub mod fix;
pub mod git;
pub mod hints;
pub mod init;
pub mod migrate;
pub mod new_since;
pub mod output_file;
pub mod own_rules;
pub mod policy;
pub mod ports;
pub mod report;
mod rule_tests;
pub mod session;
pub mod shell;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::config::ConfigError;
use crate::lang::limits::OutOfSteps;
use crate::output::guard::Syntax;
use crate::output::stream::Stream;
use crate::output::text::{clean_lines, harmful};
use crate::output::{self, pretty, stream};
use crate::{panics, walk};

/// The reason why a command failed. The exit code is 2.
#[derive(Debug)]
pub enum Failure {
    /// A message with an optional next step.
    Plain {
        /// The description of the failure.
        message: String,
        /// The next step for the user.
        help: Option<String>,
    },
    /// An invalid settings file, with the position of the error.
    Settings(Box<ConfigError>),
}

impl Failure {
    /// A failure with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Failure::Plain { message: message.into(), help: None }
    }

    /// Adds the next step for the user.
    pub fn help(self, text: impl Into<String>) -> Self {
        match self {
            Failure::Plain { message, .. } => Failure::Plain { message, help: Some(text.into()) },
            other => other,
        }
    }

    /// A failure to read or write a file.
    pub fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot {what} {}: {}", path.display(), walk::io_reason(error)))
    }
}

impl From<Box<ConfigError>> for Failure {
    fn from(error: Box<ConfigError>) -> Self {
        Failure::Settings(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Failure::new(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Plain { message, help: None } => write!(f, "error: {message}"),
            Failure::Plain { message, help: Some(help) } => write!(f, "error: {message}\n  help: {help}"),
            Failure::Settings(error) => write!(f, "error: {error}"),
        }
    }
}

/// Prints a command-line error, or the help that was requested.
pub fn usage_error(error: &clap::Error) -> ExitCode {
    match hints::of_arguments(error) {
        Some(hint) => {
            let text = error.render().to_string();
            let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            tell(&Failure::new(message).help(hint));
            ExitCode::from(2)
        }
        None if repeats_harmful_text(error) => {
            let text = clean_lines(&error.render().to_string()).into_owned();
            let _ = write!(io::stderr(), "{}", Syntax::Prose.disarm_all(&text));
            ExitCode::from(2)
        }
        None => match forgive_closed(error.print().and_then(|()| io::stdout().flush())) {
            Ok(()) => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
            Err(error) => {
                tell(&Failure::new(format!("cannot write to stdout: {}", walk::io_reason(&error))));
                ExitCode::from(2)
            }
        },
    }
}

/// Whether an error repeats an argument that could control a terminal or a workflow.
fn repeats_harmful_text(error: &clap::Error) -> bool {
    let is_harmful =
        |text: std::borrow::Cow<'_, str>| text.contains(harmful) || text.contains("##") || text.contains("::");
    error.use_stderr() && std::env::args_os().any(|argument| is_harmful(argument.to_string_lossy()))
}

/// Runs a command line and returns the exit code. Failures are printed to standard error, and panics are caught.
/// `serve` is the language server, which builds on the commands.
pub fn main(cli: Cli, serve: fn() -> ExitCode) -> ExitCode {
    panics::install();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dispatch(&cli, serve)));
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            tell(&failure);
            ExitCode::from(2)
        }
        Err(payload) if payload.is::<OutOfSteps>() => {
            let message = "a file in this repository is too large or too repetitive for this command";
            tell(&Failure::new(message).help("leave such files out with `exclude` in flakeward.toml"));
            ExitCode::from(2)
        }
        Err(_) => {
            let place = panics::take().unwrap_or_else(|| "at an unknown location".to_owned());
            tell(&Failure::new(format!("internal error {place}")).help("this is a bug in flakeward, please report it"));
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: &Cli, serve: fn() -> ExitCode) -> Result<ExitCode, Failure> {
    match &cli.command {
        None => check::run(&cli.check),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Fix(args)) => fix::run(args),
        Some(Command::Ports(args)) => ports::run(args),
        Some(Command::Explain(args)) => explain::explain(args),
        Some(Command::Rules(args)) => explain::rules(args),
        Some(Command::Migrate(args)) => migrate::run(args),
        Some(Command::Baseline(args)) => baseline::run(args),
        Some(Command::Accepted(args)) => accepted::run(args),
        Some(Command::Report(args)) => report::run(args),
        Some(Command::Config(args)) => config::run(args),
        Some(Command::Init(args)) => init::run(args),
        Some(Command::Lsp) => Ok(serve()),
        Some(Command::Completions(args)) => shell::completions(args),
        Some(Command::Man(args)) => shell::man(args),
    }
}

fn tell(failure: &Failure) {
    let text = match failure {
        Failure::Settings(error) => pretty::settings_error(error, &stream::stderr()),
        Failure::Plain { message, help } => output::failure::text(message, help.as_deref(), &stream::stderr()),
    };
    // If standard error is closed, the message is lost.
    let _ = writeln!(io::stderr(), "{}", Syntax::Prose.disarm_all(&text));
}

/// Writes human-readable text to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    print_raw(&Syntax::Prose.disarm_all(text))
}

/// Writes a JSON document to standard output.
pub fn print_json(text: &str) -> Result<(), Failure> {
    print_raw(&Syntax::Json.disarm_all(text))
}

/// Writes text for programs to standard output unchanged. A closed pipe (`| head`) is not an error.
pub fn print_raw(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    forgive_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
        .map_err(|error| Failure::new(format!("cannot write to stdout: {}", walk::io_reason(&error))))
}

/// Writes a patch to standard output: unchanged for programs, and made safe for terminals and workflow logs.
pub fn print_patch(patch: &str, stream: &Stream) -> Result<(), Failure> {
    let patch = match (stream.color, stream.wrap) {
        (true, _) => output::patch::colored(&clean_lines(patch)).into(),
        (false, true) => clean_lines(patch),
        (false, false) => patch.into(),
    };
    match std::env::var_os("GITHUB_ACTIONS") {
        Some(_) if !stream.wrap && !patch.is_empty() => {
            // The token is random, so the patched files cannot contain it.
            let token = format!("{:016x}", RandomState::new().hash_one(&patch));
            print_raw(&format!("::stop-commands::{token}\n{patch}::{token}::\n"))
        }
        _ => print_raw(&patch),
    }
}

/// Ignores the error of a closed pipe, because the reader has finished.
pub fn forgive_closed(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}
