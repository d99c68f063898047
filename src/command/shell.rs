//! `flakeward completions` and `flakeward man`: what a package installs beside the binary.

use std::path::Path;
use std::process::ExitCode;

use clap::builder::PossibleValue;
use clap::{Arg, CommandFactory};

use super::{Failure, print_raw};
use crate::cli::{Cli, CompletionsArgs, ManArgs, Shell};
use crate::rule;

/// The arguments that take a rule.
const RULES: [&str; 3] = ["rule", "select", "ignore"];

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut command = with_rules(Cli::command());
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
    print_raw(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// The command with the built-in rules as what can be completed. A repository's own rules are not known to a script.
fn with_rules(command: clap::Command) -> clap::Command {
    let rules = || rule::BUILT_IN.iter().map(|rule| PossibleValue::new(rule.id).help(rule.summary.clone()));
    let complete = |arg: Arg| match RULES.contains(&arg.get_id().as_str()) {
        true => arg.value_parser(clap::builder::PossibleValuesParser::new(rules())),
        false => arg,
    };
    command.mut_args(complete).mut_subcommands(with_rules)
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
