//! `flakeward completions` and `flakeward man`: generate files that packages install next to the binary.

use std::path::Path;
use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Arg, CommandFactory};

use super::{Failure, print_raw};
use crate::cli::{Cli, CompletionsArgs, ManArgs, Shell};
use crate::finding::Level;
use crate::rule::{self, groups};

/// The argument that takes a rule.
const RULE: &str = "rule";

/// The arguments that take rules and groups.
const NAMES: [&str; 2] = ["select", "ignore"];

/// The argument that takes rules and groups with their levels.
const LEVELS: &str = "level";

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut command = with_rules(Cli::command());
    if args.shell == Shell::Zsh {
        command = without_paths(command);
    }
    let mut script = Vec::new();
    let mut write = |shell| clap_complete::generate(shell, &mut command, "flakeward", &mut script);
    match args.shell {
        Shell::Bash => write(clap_complete::Shell::Bash),
        Shell::Elvish => write(clap_complete::Shell::Elvish),
        Shell::Fish => write(clap_complete::Shell::Fish),
        Shell::PowerShell => write(clap_complete::Shell::PowerShell),
        Shell::Zsh => write(clap_complete::Shell::Zsh),
        Shell::Nushell => {
            clap_complete::generate(clap_complete_nushell::Nushell, &mut command, "flakeward", &mut script);
        }
    }
    if args.shell == Shell::Fish {
        script.extend(fish_rules().into_bytes());
    }
    print_raw(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// The command without the paths that can replace a subcommand. With them, clap's script for zsh would complete only
/// paths, and no subcommands.
fn without_paths(command: clap::Command) -> clap::Command {
    if !command.has_subcommands() {
        return command;
    }
    let options = command.get_arguments().filter(|arg| !arg.is_positional()).cloned();
    clap::Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .args(options)
        .subcommands(command.get_subcommands().cloned().map(without_paths))
}

/// The completions of rules for `explain` in fish, for which clap completes only options.
fn fish_rules() -> String {
    let rules = rule::BUILT_IN.iter().map(|rule| {
        let about = rule.summary.replace('\\', "").replace('\'', "\\'");
        format!("complete -c flakeward -n '__fish_flakeward_using_subcommand explain' -f -a {} -d '{about}'\n", rule.id)
    });
    rules.collect()
}

/// The command with the built-in rules and the groups as completions. Scripts cannot complete a repository's custom
/// rules.
fn with_rules(command: clap::Command) -> clap::Command {
    let complete = |arg: Arg| match arg.get_id().as_str() {
        RULE => values(arg, rules()),
        id if NAMES.contains(&id) => values(arg, rules().chain(groups())),
        LEVELS => values(arg, levels()),
        _ => arg,
    };
    command.mut_args(complete).mut_subcommands(with_rules)
}

fn values(arg: Arg, values: impl Iterator<Item = PossibleValue>) -> Arg {
    arg.value_parser(PossibleValuesParser::new(values))
}

fn rules() -> impl Iterator<Item = PossibleValue> {
    rule::BUILT_IN.iter().map(|rule| PossibleValue::new(rule.id).help(rule.summary.clone()))
}

fn groups() -> impl Iterator<Item = PossibleValue> {
    groups::GROUPS.iter().map(|(name, about)| PossibleValue::new(*name).help(*about))
}

/// Each rule and group, combined with each level.
fn levels() -> impl Iterator<Item = PossibleValue> {
    let names = rule::BUILT_IN.iter().map(|rule| rule.id).chain(groups::names());
    let levels = [Level::Error, Level::Warn, Level::Hint, Level::Off];
    names.flat_map(move |name| levels.map(|level| PossibleValue::new(format!("{name}={level}"))))
}

/// Prints the manual page, or writes the pages of all commands to a folder.
pub fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    match &args.dir {
        Some(folder) => pages(folder)?,
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|error| Failure::new(format!("cannot write the manual page: {error}")))?;
            print_raw(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pages(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::io("create", folder, &error))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| Failure::io("write to", folder, &error))
}
