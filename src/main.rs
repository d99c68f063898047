//! The `flakeward` binary.

use std::process::ExitCode;

use clap::Parser;
use flakeward::{cli::Cli, command};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => command::main(cli),
        Err(error) => command::usage_error(&error),
    }
}
