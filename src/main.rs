//! The `flakeward` binary.

use std::process::ExitCode;

use clap::Parser;
use flakeward::{cli::Cli, command, lsp};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => command::main(cli, lsp::run),
        Err(error) => command::usage_error(&error),
    }
}
