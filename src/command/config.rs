//! `flakeward config`.

use std::process::ExitCode;

use super::{Failure, print, print_json, session::Session};
use crate::cli::{ConfigArgs, ConfigCommand, ConfigFormat};
use crate::config::schema;
use crate::output;

/// Prints the schema or the effective settings.
pub fn run(args: &ConfigArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        ConfigCommand::Schema => print_json(&schema::text()?)?,
        ConfigCommand::Show(args) => {
            let mut session = Session::open(&args.scope, None)?;
            session.read_baseline(None, args.scope.repo.isolated)?;
            let path = session.settings.paths.first().cloned();
            let shown =
                output::settings::Shown { settings: &session.settings, decided: &session.decided, view: &session.view };
            match args.format {
                ConfigFormat::Toml => print(&shown.toml(&session.root, path.as_deref()))?,
                ConfigFormat::Json => print_json(&shown.json(path.as_deref())?)?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
