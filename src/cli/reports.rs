//! The reports of a check: pairs of `--format` and `--output`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::output::Format;
use crate::replace::is_same_file;

/// One report to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    /// The format.
    pub format: Format,
    /// The file to write; `None` is stdout.
    pub file: Option<PathBuf>,
}

/// The pairs of `--format` and `--output`: an output applies to the format before it.
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
                    .help_heading("Report options")
                    .help("Report format. Repeatable [default: pretty]"),
            )
            .arg(
                Arg::new("output")
                    .long("output")
                    .short('o')
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .action(ArgAction::Append)
                    .help_heading("Report options")
                    .help("Write the report of the preceding --format to FILE; `-` is stdout"),
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

/// Assigns each output to the nearest format before it. If there is only one format, an output before it also applies
/// to it.
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
            return Err(format!("--output {} does not follow its own --format", file.display()));
        }
        taken[owner] = true;
        reports[owner].file = (file.as_os_str() != "-").then(|| file.clone());
    }
    for (at, report) in reports.iter().enumerate() {
        let Some(file) = &report.file else { continue };
        let mut others = reports[..at].iter().filter_map(|other| other.file.as_deref());
        if others.any(|other| is_same_file(other, file)) {
            let file = file.display();
            return Err(format!("two reports cannot be written to {file}; name another file with --output"));
        }
    }
    if reports.iter().filter(|report| report.file.is_none()).count() > 1 {
        return Err("only one --format can be written to stdout; add --output FILE to the others".to_owned());
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

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
            "flakeward --format json --output a --format sarif --output ./a",
            "flakeward --output a --format json --format concise --output b",
        ] {
            assert!(reports(wrong).is_err(), "{wrong}");
        }
    }
}
