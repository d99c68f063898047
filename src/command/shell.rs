//! `flakeward completions` and `flakeward man`: what a package installs beside the binary.

use std::process::ExitCode;

use clap::CommandFactory;

use super::{Failure, print_raw};
use crate::cli::{Cli, CompletionsArgs};

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "flakeward", &mut script);
    print_raw(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page.
pub fn man() -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    rendered.map_err(|error| Failure::new(format!("cannot write the manual page: {error}")))?;
    print_raw(&String::from_utf8_lossy(&page))?;
    Ok(ExitCode::SUCCESS)
}
