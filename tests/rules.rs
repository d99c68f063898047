//! Tests every page of `rules/`: its examples are small repositories, and the output in it must be correct.
//!
//! `FLAKEWARD_BLESS=1 cargo test --test rules` rewrites the output in the pages, and the shipped schema.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use flakeward::check::CHECKS;
use flakeward::finding::{Finding, RuleId, Safety};
use flakeward::fix;
use flakeward::lang::{Language, Tree};
use flakeward::rule::Catalog;
use flakeward::rule::example::{self, Example, Role, SECTIONS};
use flakeward::rule::own;
use flakeward::rule::page::{self, Fixability, Matcher, Rule};
use flakeward::source::Source;
use flakeward::{Repo, Report, Settings, trial};

/// A page of a built-in rule, as it is on disk.
struct Page {
    file: PathBuf,
    text: String,
    rule: Rule,
}

impl Page {
    /// The offset of the body in the text.
    fn body_at(&self) -> usize {
        self.text.len() - self.rule.body.len()
    }

    fn line(&self, at_in_body: usize) -> usize {
        self.text[..self.body_at() + at_in_body].matches('\n').count() + 1
    }

    fn name(&self) -> String {
        format!("rules/{}.md", self.rule.id)
    }
}

fn pages() -> Vec<Page> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let rule = page::parse(&name, text.clone().leak());
            let rule = rule.unwrap_or_else(|error| panic!("{}: {}", file.display(), error.message));
            Page { file, text, rule }
        })
        .collect()
}

fn examples(page: &Page) -> Vec<Example<'_>> {
    example::read(&page.rule.body).unwrap_or_else(|error| {
        let line = page.line(error.span.map_or(0, |span| span.start));
        panic!("{}:{line}: {}", page.name(), error.message)
    })
}

/// The repository and the settings of an example.
fn repository(page: &Page, example: &Example<'_>) -> (Repo, Settings) {
    let latin1 = |(_, block)| trial::bytes(block).is_some();
    assert!(example.files().all(latin1), "{}: a Latin-1 block contains characters that are not Latin-1", page.name());
    trial::repository(example, &Catalog::built_in())
        .unwrap_or_else(|error| panic!("{}, `{}`: {error}", page.name(), example.title))
}

/// Checks an example and keeps the findings of the page's rule.
fn run(page: &Page, example: &Example<'_>) -> Report {
    let report = trial::check(&page.rule, example, &Catalog::built_in())
        .unwrap_or_else(|error| panic!("{}, `{}`: {error}", page.name(), example.title));
    assert!(!report.internal_error(), "{}, `{}`: {:?}", page.name(), example.title, report.notes);
    report
}

/// An edit of a page's body: replaces a range with a text.
struct Change {
    at: std::ops::Range<usize>,
    text: String,
}

/// The edits that make an example correct, and the errors that an edit cannot fix.
fn judge(page: &Page, example: &Example<'_>) -> (Vec<Change>, Vec<String>) {
    let printed = trial::printed(&run(page, example));
    let place = match example.blocks.first() {
        Some(block) => page.line(block.span.start) - 1,
        None => return (Vec::new(), vec![format!("{}: `{}` has no file", page.name(), example.title)]),
    };
    let wrong = |what: &str| format!("{}:{place}: `{}` {what}", page.name(), example.title);
    let mut changes = Vec::new();
    let mut complaints = Vec::new();
    match (example.good, example.findings()) {
        (true, Some(_)) => complaints.push(wrong("is under Good, but has a `findings` block")),
        (true, None) if !printed.is_empty() => {
            complaints.push(wrong(&format!("must have no findings, but has:\n{printed}")))
        }
        (true, None) => {}
        (false, _) if printed.is_empty() => complaints.push(wrong("is under Bad, but has no findings")),
        (false, Some(block)) if block.text == printed => {}
        (false, Some(block)) => changes.push(Change { at: block.span.clone(), text: printed }),
        (false, None) => {
            let end = example.files().map(|(_, block)| block.end).max().unwrap_or_default();
            changes.push(Change { at: end..end, text: format!("\n\n```findings\n{printed}```") });
        }
    }
    if !example.good {
        let (fixed, unfixed) = judge_fixes(page, example);
        changes.extend(fixed);
        complaints.extend(unfixed.iter().map(|what| wrong(what)));
    }
    changes.sort_by_key(|change| change.at.start);
    (changes, complaints)
}

/// Fixes an example with fixes of the page's rule only.
fn fixed(repo: &Repo, settings: Settings, rule: RuleId, allowed: Safety) -> fix::Outcome {
    let settings = Settings { fixes: allowed, ..settings };
    fix::fix(repo, &settings, &fix::Request { allowed, only: Some(rule), guard: &|_| Ok(()) })
}

/// Compares the `fixed` blocks with the result of the fixes, and checks the general requirements of fixes.
fn judge_fixes(page: &Page, example: &Example<'_>) -> (Vec<Change>, Vec<String>) {
    let repo = repository(page, example).0;
    let mut changes = Vec::new();
    let mut complaints = Vec::new();
    let mut shown = BTreeMap::new();
    for allowed in [Safety::Safe, Safety::Unsafe] {
        let outcome = fixed(&repo, repository(page, example).1, page.rule.id, allowed);
        complaints.extend(fix_faults(page, example, &outcome, allowed));
        let texts: BTreeMap<String, String> =
            outcome.changes.into_iter().map(|change| (change.path.to_string(), change.after)).collect();
        changes.extend(compare_blocks(example, &texts, &shown, allowed, &mut complaints));
        shown = texts;
    }
    (changes, complaints)
}

/// The violations of general requirements in a fix's outcome.
fn fix_faults(page: &Page, example: &Example<'_>, outcome: &fix::Outcome, allowed: Safety) -> Vec<String> {
    let mut faults: Vec<String> =
        outcome.refused.iter().map(|refused| format!("has a fix that is refused: {}", refused.reason)).collect();
    let known = match page.rule.fix {
        Fixability::None => None,
        Fixability::Safe => Some(Safety::Safe),
        Fixability::Unsafe => Some(Safety::Unsafe),
    };
    if !outcome.fixed.is_empty() && known.is_none_or(|known| known > allowed) {
        faults.push(format!("has a fix, although the page's front matter says {:?}", page.rule.fix));
    }
    let own = |finding: &&Finding| finding.rule == page.rule.id;
    for finding in outcome.report.findings.iter().filter(own) {
        if finding.fix.as_ref().is_some_and(|fix| fix.safety <= allowed) {
            faults.push(format!("still has a finding with a fix afterwards: {}", finding.message));
        }
    }
    let mut repo = repository(page, example).0;
    for change in &outcome.changes {
        if let Some(kind) = flakeward::walk::by_name(&change.path) {
            repo.overlay(Source::new(&change.path, kind, change.after.clone()));
            let tree = Language::of(kind).and_then(|language| Tree::parse(language, &change.after));
            if tree.is_some_and(|tree| tree.broken()) {
                faults.push(format!("has a fix after which {} has syntax errors", change.path));
            }
        }
    }
    let again = fixed(&repo, repository(page, example).1, page.rule.id, allowed);
    if !again.changes.is_empty() {
        faults.push("is changed by a second fix".to_owned());
    }
    faults
}

/// The edits that make the `fixed` blocks of a safety class equal to the fixed texts. Unsafe fixes need no block for a
/// text that is also the result of safe fixes.
fn compare_blocks(
    example: &Example<'_>,
    texts: &BTreeMap<String, String>,
    shown: &BTreeMap<String, String>,
    allowed: Safety,
    complaints: &mut Vec<String>,
) -> Vec<Change> {
    let unsafe_wanted = allowed == Safety::Unsafe;
    let files: Vec<&str> = example.files().map(|(path, _)| path).collect();
    let only = if let [only] = files[..] { Some(only) } else { None };
    let mut changes = Vec::new();
    let mut seen = BTreeSet::new();
    for block in &example.blocks {
        let Role::Fixed { path, needs_unsafe } = block.role else { continue };
        let Some(path) = path.or(only) else {
            complaints.push("has several files, so a `fixed` block needs `file=`".to_owned());
            continue;
        };
        if needs_unsafe != unsafe_wanted {
            continue;
        }
        seen.insert(path);
        match texts.get(path) {
            Some(text) if text == block.text => {}
            Some(text) => changes.push(Change { at: block.span.clone(), text: text.clone() }),
            None => complaints.push(format!("shows a fix of {path}, but there is none")),
        }
    }
    let end = example.blocks.iter().map(|block| block.end).max().unwrap_or_default();
    for (path, text) in texts {
        if seen.contains(path.as_str()) || shown.get(path) == Some(text) {
            continue;
        }
        let named = if only == Some(path) { String::new() } else { format!(" file={path}") };
        let class = if unsafe_wanted { " unsafe" } else { "" };
        changes.push(Change { at: end..end, text: format!("\n\n```fixed{class}{named}\n{text}```") });
    }
    changes
}

fn bless() -> bool {
    std::env::var_os("FLAKEWARD_BLESS").is_some_and(|value| value != "0")
}

#[test]
fn every_example_is_correct() {
    let bless = bless();
    let mut wrong = Vec::new();
    for page in pages() {
        let examples = examples(&page);
        let mut changes = Vec::new();
        for example in &examples {
            let (wanted, complaints) = judge(&page, example);
            wrong.extend(complaints);
            for change in wanted {
                if !bless {
                    let place = page.line(change.at.start);
                    let said = &page.rule.body[change.at.clone()];
                    let title = example.title;
                    wrong.push(format!(
                        "{}:{place}: `{title}`\ncontains:\n{said}\ninstead of:\n{}",
                        page.name(),
                        change.text
                    ));
                }
                changes.push(change);
            }
        }
        if bless && !changes.is_empty() {
            let mut text = page.text.clone();
            for change in changes.iter().rev() {
                let at = page.body_at();
                text.replace_range(change.at.start + at..change.at.end + at, &change.text);
            }
            // Other tests read the pages at the same time, so a page is replaced atomically.
            let new = page.file.with_extension("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, &page.file).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} examples are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn every_page_is_well_formed() {
    for page in pages() {
        let sections: Vec<&str> = page.rule.body.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let asked: Vec<&str> = sections.iter().copied().filter(|section| SECTIONS.contains(section)).collect();
        assert_eq!(asked, SECTIONS, "{}: a page has these sections, in this order", page.name());
        let why = page.rule.body.split("## Bad").next().unwrap_or("");
        let words = why.split_whitespace().count();
        assert!(words >= 25, "{}: only {words} words under Why", page.name());
        let examples = examples(&page);
        let good = examples.iter().filter(|example| example.good).count();
        let bad = examples.len() - good;
        assert!(bad >= 2, "{}: at least 2 examples under Bad, not {bad}", page.name());
        assert!(good >= 3, "{}: at least 3 examples under Good, not {good}", page.name());
        let shows_fix = examples.iter().flat_map(|it| &it.blocks).any(|block| matches!(block.role, Role::Fixed { .. }));
        assert_eq!(
            shows_fix,
            page.rule.fix != Fixability::None,
            "{}: a page has `fixed` blocks exactly if its rule has a fix",
            page.name()
        );
        let titles: BTreeSet<&str> = examples.iter().map(|example| example.title).collect();
        assert_eq!(titles.len(), examples.len(), "{}: headings must be unique", page.name());
    }
}

#[test]
fn every_rule_without_a_matcher_has_a_check_with_its_name() {
    // These rules report on the other rules' findings, so they run after all checks.
    const NO_CHECK: [&str; 2] = ["expired-suppression", "unused-suppression"];
    let is_code = |page: &&Page| page.rule.matcher == Matcher::Code && !NO_CHECK.contains(&page.rule.id);
    let pages = pages();
    let code: Vec<&str> = pages.iter().filter(is_code).map(|page| page.rule.id).collect();
    let checks: Vec<&str> = CHECKS.iter().map(|check| check.rule).collect();
    assert_eq!(code, checks);
}

/// Rules without code must also be valid as a repository's own rules, which includes that their queries compile.
#[test]
fn rules_without_code_are_valid() {
    let pages: Vec<Page> = pages().into_iter().filter(|page| page.rule.matcher != Matcher::Code).collect();
    for page in &pages {
        if let Err(error) = own::parse(page.rule.id, &page.text) {
            panic!("{}: {}", page.name(), error.message);
        }
    }
    let has = |fits: fn(&Matcher) -> bool| pages.iter().any(|page| fits(&page.rule.matcher));
    assert!(has(|matcher| matches!(matcher, Matcher::Query(_))), "no page tests queries");
    assert!(has(|matcher| matches!(matcher, Matcher::AttrPath(_))), "no page tests attribute paths");
    assert!(has(|matcher| matches!(matcher, Matcher::YamlPath(_))), "no page tests YAML paths");
    assert!(pages.iter().any(|page| page.rule.paths.is_some()), "no page tests `paths`");
}

#[test]
fn the_binary_contains_every_page() {
    let files: Vec<String> = pages().into_iter().map(|page| page.rule.id.to_owned()).collect();
    let embedded: Vec<&str> = flakeward::rule::PAGES.iter().map(|(id, _)| *id).collect();
    assert_eq!(embedded, files);
}

#[test]
fn the_shipped_schema_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("flakeward.schema.json");
    let schema = flakeward::config::schema::text().unwrap();
    if bless() {
        fs::write(&file, schema).unwrap();
        return;
    }
    let shipped = fs::read_to_string(&file).unwrap_or_default();
    assert!(shipped == schema, "flakeward.schema.json is out of date: FLAKEWARD_BLESS=1 cargo test --test rules");
}
