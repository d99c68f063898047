//! `flakeward explain` and `flakeward rules`: the pages of rules.

use std::process::ExitCode;

use super::{Failure, own_rules, print, print_json, rule_tests, session};
use crate::cli::{ExplainArgs, ListFormat, RulesArgs, RulesCommand};
use crate::output::{page, rules, stream};
use crate::rule::{Catalog, groups};
use crate::walk::Unsaved;

/// Prints a rule's page.
pub fn explain(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    if groups::is_group(&args.rule) {
        return group(&args.rule, args);
    }
    // The built-in pages can be shown even if the policy cannot be found.
    let is_built_in = Catalog::built_in().find(&args.rule).is_some();
    let catalog = catalog(!is_built_in)?;
    let rule = session::rule(&catalog, &args.rule)?;
    print(&page::render(rule, &catalog, &stream::stdout(args.color)))?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the rules of a group.
fn group(name: &str, args: &ExplainArgs) -> Result<ExitCode, Failure> {
    print(&rules::group(&catalog(true)?, name, &stream::stdout(args.color)))?;
    Ok(ExitCode::SUCCESS)
}

/// Lists all rules, or tests the repository's custom rules.
pub fn rules(args: &RulesArgs) -> Result<ExitCode, Failure> {
    if let Some(RulesCommand::Test) = args.command {
        return rule_tests::test();
    }
    let catalog = catalog(true)?;
    match args.format {
        ListFormat::Pretty => print(&rules::table(&catalog, &stream::stdout(args.color)))?,
        ListFormat::Json => print_json(&rules::json(&catalog)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The rules of the repository around the working directory, with or without those of its policy.
fn catalog(with_policy: bool) -> Result<Catalog, Failure> {
    let (root, view) = session::here()?;
    let policy = if with_policy { session::policy(&root)? } else { None };
    own_rules::catalog(&root, policy.as_ref(), |path| view.disk_path(&root, path), &Unsaved::default())
}
