//! Flags, run, exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use flakeward::cli::{CheckArgs, Cli, Command};
use flakeward::{Repo, Settings, output, walk};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let args = match cli.command {
        Some(Command::Check(args)) => args,
        None => cli.check,
    };
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &CheckArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    if args.jobs > 0 {
        rayon::ThreadPoolBuilder::new().num_threads(args.jobs).build_global()?;
    }
    let path = args.paths[0].canonicalize()?;
    let root = walk::find_root(if path.is_dir() { &path } else { path.parent().unwrap_or(&path) });
    let walked = walk::walk(&root, &walk::Options { threads: args.jobs, ..Default::default() });
    let report = flakeward::check(&Repo::from_walk(&root, walked), &Settings::default());
    let format = args.format.unwrap_or(output::Format::Concise);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    output::write(format, &report, &output::View::default(), &mut out)?;
    out.flush()?;
    Ok(ExitCode::from(u8::from(report.reaches(args.fail_on))))
}
