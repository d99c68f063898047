//! `flakeward explain` and `flakeward rules`: the rules' pages.

use std::process::ExitCode;

use super::{Failure, print, session};
use crate::cli::{ExplainArgs, ListFormat, RulesArgs};
use crate::output::{page, rules, stream};
use crate::rule;

/// Shows one page.
pub fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let id = session::rule_id(&args.rule)?;
    if let Some(rule) = rule::find(id) {
        print(&page::render(rule, &stream::stdout(args.color)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Lists all rules.
pub fn rules(args: &RulesArgs) -> Result<ExitCode, Failure> {
    let text = match args.format {
        ListFormat::Pretty => rules::table(&rule::BUILT_IN, &stream::stdout(args.color)),
        ListFormat::Json => rules::json(&rule::BUILT_IN)?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
