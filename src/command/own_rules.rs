//! Reads the pages of a repository's custom rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Failure;
use super::policy::Policy;
use crate::config::ConfigError;
use crate::rule::page::PageError;
use crate::rule::{Catalog, Rule, example, own};
use crate::walk::{self, Unsaved};

/// Returns the catalog of a repository: the built-in rules, those of its policy, and its own. `shown` formats a path
/// for messages.
pub fn catalog(
    root: &Path,
    policy: Option<&Policy>,
    shown: impl Fn(&Path) -> PathBuf,
    unsaved: &Unsaved,
) -> Result<Catalog, Failure> {
    let own = rules(root, &shown, unsaved)?;
    let mut shared = policy.map_or(Ok(Vec::new()), |policy| rules(&policy.folder, &shown, unsaved))?;
    for rule in &mut shared {
        rule.page = policy.map(|policy| policy.page(root, &own::path(rule.id)));
        if own.iter().any(|own| own.id == rule.id) {
            let name = rule.id.trim_start_matches(own::PREFIX);
            return Err(Failure::new(format!("the rule `{}` is in the policy and in the repository", rule.id))
                .help(format!("rename {}/{name}.md; only the policy can change its rules", own::FOLDER)));
        }
    }
    Ok(Catalog::with(own.into_iter().chain(shared).collect()))
}

/// The rules in a repository or policy.
fn rules(root: &Path, shown: &impl Fn(&Path) -> PathBuf, unsaved: &Unsaved) -> Result<Vec<Rule>, Failure> {
    let folder = root.join(own::FOLDER);
    let cannot = |path: &Path, reason: String| {
        Failure::new(format!("cannot read the rules in {}: {reason}", shown(path).display()))
    };
    let mut files: BTreeSet<PathBuf> = unsaved.in_folder(&folder).collect();
    match folder.read_dir() {
        Ok(entries) => {
            for entry in entries {
                files.insert(entry.map_err(|error| cannot(&folder, walk::io_reason(&error)))?.path());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot(&folder, walk::io_reason(&error))),
    }
    // A page whose extension is not in lower case would otherwise be silently ignored.
    let is_misnamed =
        |file: &&PathBuf| is_page(file) && file.extension().is_some_and(|it| it != "md") && !file.is_dir();
    if let Some(file) = files.iter().find(is_misnamed) {
        return Err(Failure::new(format!("the rule {} is not read because of its name", shown(file).display()))
            .help("end the name in `.md`, in lower case"));
    }
    files.iter().filter(|file| is_page(file)).map(|file| page(root, file, &shown(file), unsaved)).collect()
}

/// Whether a file in the folder of the rules is a rule page, regardless of the case of its extension. A README is not
/// one.
fn is_page(file: &Path) -> bool {
    let is_readme = file.file_name().is_some_and(|name| name.eq_ignore_ascii_case("readme.md"));
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("md")) && !is_readme
}

fn page(root: &Path, file: &Path, shown: &Path, unsaved: &Unsaved) -> Result<Rule, Failure> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let text = unsaved
        .read(file, Some(root), own::MAX_PAGE)
        .map_err(|reason| Failure::new(format!("cannot read the rule {}: {reason}", shown.display())))?;
    let rule = own::parse(&name, &text).map_err(|error| broken(shown, &text, error))?;
    // A page with invalid examples is also invalid, even though only its test reads them.
    let body_at = text.len() - rule.body.len();
    match example::read(&rule.body) {
        Ok(_) => Ok(rule),
        Err(error) => {
            let span = error.span.map(|span| span.start + body_at..span.end + body_at);
            Err(broken(shown, &text, PageError { span, ..error }))
        }
    }
}

fn broken(shown: &Path, text: &str, error: PageError) -> Failure {
    Failure::Settings(Box::new(ConfigError {
        path: shown.to_owned(),
        text: text.to_owned(),
        span: error.span,
        message: error.message,
        help: error.help,
    }))
}
