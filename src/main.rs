//! Flags, run, exit code.

use std::process::ExitCode;

use clap::Parser;
use flakeward::{cli::Cli, command};

fn main() -> ExitCode {
    command::main(Cli::parse())
}
