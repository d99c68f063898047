//! `flakeward report`: an overview of many repositories.

use std::path::Path;
use std::process::ExitCode;

use rayon::prelude::*;

use super::{Failure, output_file, print, print_json, print_raw, session};
use crate::cli::ReportArgs;
use crate::fleet::{self, Check, Fleet};
use crate::output::fleet::FleetFormat;
use crate::{output, walk};

/// Reads the reports and writes the overview.
pub fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let checks = args.files.par_iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    let fleet = Fleet::new(checks, session::now(args.now)?, i32::from(args.stale_after));
    let text = output::fleet::text(&fleet, args.format).map_err(|error| Failure::new(error.to_string()))?;
    match (&args.output, args.format) {
        (Some(file), _) => output_file::write(file, |out| out.write_all(text.as_bytes()))?,
        (None, FleetFormat::Json) => print_json(&text)?,
        (None, FleetFormat::Markdown) => print(&text)?,
        (None, FleetFormat::Html | FleetFormat::Csv) => print_raw(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<(String, Check), Failure> {
    let cannot = |reason: String| Failure::new(format!("cannot read the report {}: {reason}", file.display()));
    let text = walk::read_settings(file, None, walk::MAX_FILE).map_err(cannot)?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    fleet::read(&name, &text)
        .map_err(|reason| cannot(reason).help("write reports with `flakeward check --format json --output FILE`"))
}
