//! The report of a migration: as text and as JSON.

use std::collections::HashMap;
use std::hash::Hash;

use serde_json::json;

use super::View;
use super::style::{BOLD, GREEN, RED, YELLOW};
use super::text::{clean, count};
use super::wrap::fitted;
use crate::fix::Change;
use crate::migrate::{Error, Left, Report};

/// A migration to show.
pub struct Shown<'a> {
    /// The files that are written, or would be.
    pub changes: &'a [Change],
    /// What was migrated, and what is left to do by hand.
    pub report: &'a Report,
    /// The files that could not be migrated.
    pub errors: &'a [Error],
    /// Whether the files were written.
    pub written: bool,
}

impl Shown<'_> {
    /// The JSON report.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let files: Vec<_> = self
            .changes
            .iter()
            .map(|change| {
                let kind = if change.before.is_some() { "changed" } else { "new" };
                json!({ "path": &*change.path, "change": kind, "text": change.after })
            })
            .collect();
        let errors: Vec<_> = self
            .errors
            .iter()
            .map(|error| {
                let (line, column) = error.place.unzip();
                let (message, help) = (&error.message, &error.help);
                json!({ "path": &*error.path, "line": line, "column": column, "message": message, "help": help })
            })
            .collect();
        let document = json!({
            "version": 1,
            "written": self.written,
            "carried": self.report.carried,
            "left": self.report.left,
            "findings": self.report.findings,
            "replaced": self.report.replaced,
            "errors": errors,
            "files": files,
        });
        Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
    }

    /// How many settings or files were migrated, how many entries were left out, and how many findings remain.
    fn counts(&self) -> String {
        let Report { carried, left, migrated, findings, .. } = self.report;
        // The report has an entry for each file that was migrated before.
        let carried = carried.len().saturating_sub(migrated.len());
        let mut text = match (carried, left.len(), migrated.len(), self.errors.len()) {
            (0, 0, 0, 0) => "no flake.nix, Compose file, Dockerfile or CI configuration to migrate".to_owned(),
            (0, 0, before, 0) => format!("{} already migrated", count(before, "file")),
            (0, left, before @ 1.., _) => format!("{} already migrated, {left} left out", count(before, "file")),
            (_, left, ..) => format!("{} carried over, {left} left out", count(carried, "setting")),
        };
        if !findings.is_empty() {
            let them = if self.changes.is_empty() { ": `flakeward check` shows them" } else { "" };
            text.push_str(&format!(", {} left{them}", count(findings.len(), "finding")));
        }
        text
    }

    /// The report as text: what is left to do by hand, by file, and then the files that are (or would be) written.
    pub fn text(&self, view: &View) -> String {
        let color = view.stream.color;
        let mut out = String::new();
        for error in self.errors {
            out.push_str(&format!("{}: {}\n", RED.on("error", color), clean(&error.to_string())));
            if let Some(help) = &error.help {
                out.push_str(&format!("  help: {}\n", clean(help)));
            }
        }
        listed(&mut out, &self.report.left, "not carried over", view);
        // If nothing was migrated, the findings are those of `flakeward check`.
        if !self.changes.is_empty() {
            listed(&mut out, &self.report.findings, "finding", view);
        }
        for (path, why) in &self.report.migrated {
            out.push_str(&format!("{}: {}\n", clean(&view.path(path)), clean(why)));
        }
        for old in &self.report.replaced {
            let path = clean(&view.path(&old.path)).into_owned();
            out.push_str(&format!("{path}: kept: delete it once `{}` works\n", clean(&old.by)));
        }
        let verb = if self.written { "wrote" } else { "would write" };
        for change in self.changes {
            let new = if change.before.is_none() { " (new)" } else { "" };
            out.push_str(&format!("{} {}{new}\n", GREEN.on(verb, color), clean(&view.path(&change.path))));
        }
        out.push_str(&self.counts());
        out.push_str(match (self.written, self.changes.is_empty()) {
            (_, true) => "; nothing to write\n",
            (true, false) => "; `git add` new files: flakes see tracked files only\n",
            (false, false) => "; apply with --write\n",
        });
        out
    }
}

/// Writes entries, grouped. `kind` precedes the names of each entry.
fn listed(out: &mut String, entries: &[Left], kind: &str, view: &View) {
    let color = view.stream.color;
    for group in grouped(entries) {
        for entry in &group {
            let Some(first) = entry.first() else { continue };
            let place = format!("{}:{}", clean(&view.path(&first.path)), first.line);
            let what = BOLD.on(clean(&names(entry)).into_owned(), color);
            let line = format!("{place}: {}: {what}: {}", YELLOW.on(kind, color), clean(&first.why));
            out.push_str(&(fitted(&line, 2, &view.stream) + "\n"));
        }
        let todo = group.first().and_then(|entry| entry.first()).map_or("", |left| left.todo.as_str());
        if !todo.is_empty() {
            out.push_str(&(fitted(&format!("  to do: {}", clean(todo)), 4, &view.stream) + "\n"));
        }
    }
}

/// Groups the entries by file and next step, and the entries of each group by reason. All groups are in the order of
/// their first entries.
fn grouped(left: &[Left]) -> Vec<Vec<Vec<&Left>>> {
    let steps = by(left, |entry| (&*entry.path, entry.todo.as_str()));
    steps.into_iter().map(|entries| by(entries, |entry| entry.why.as_str())).collect()
}

/// The entries with the same key, in the order of the first of each.
fn by<'l, K: Eq + Hash>(
    entries: impl IntoIterator<Item = &'l Left>,
    key: impl Fn(&'l Left) -> K,
) -> Vec<Vec<&'l Left>> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<Vec<&Left>> = Vec::new();
    for entry in entries {
        let at = *places.entry(key(entry)).or_insert(groups.len());
        if at == groups.len() {
            groups.push(Vec::new());
        }
        groups[at].push(entry);
    }
    groups
}

/// The names in some entries, each with its lines unless all entries are on the same line.
fn names(entry: &[&Left]) -> String {
    if let [only] = entry {
        return only.what.clone();
    }
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut all: Vec<(&str, Vec<usize>)> = Vec::new();
    for left in entry {
        let at = *places.entry(&left.what).or_insert(all.len());
        match all.get_mut(at) {
            Some((_, lines)) if lines.last() == Some(&left.line) => {}
            Some((_, lines)) => lines.push(left.line),
            None => all.push((&left.what, vec![left.line])),
        }
    }
    // If all entries are on the same line, its number is left out, because the text already begins with it.
    let first = all.first().and_then(|(_, lines)| lines.first().copied());
    let is_one_line = all.iter().all(|(_, lines)| lines.iter().all(|line| Some(*line) == first));
    let shown = all.iter().map(|(what, lines)| match is_one_line {
        true => (*what).to_owned(),
        false => format!("{what} ({})", lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_with_the_same_reason_and_next_step_are_one_line() {
        let left = |line: usize, what: &str, why: &str, todo: &str| Left {
            path: "a".into(),
            line,
            what: what.to_owned(),
            why: why.to_owned(),
            todo: todo.to_owned(),
        };
        let all = [left(1, "x", "w", "t"), left(2, "b", "u", "s"), left(3, "y", "w", "t"), left(4, "z", "v", "t")];
        let groups = grouped(&all);
        let shown: Vec<Vec<String>> =
            groups.iter().map(|group| group.iter().map(|entry| names(entry)).collect()).collect();
        assert_eq!(shown, [vec!["x (1), y (3)".to_owned(), "z".to_owned()], vec!["b".to_owned()]]);
        let many: Vec<Left> = (1..12).map(|line| left(line, "x", "w", "t")).collect();
        assert_eq!(names(&many.iter().collect::<Vec<_>>()), "x (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)");
        let same = [left(1, "x", "w", "t"), left(1, "y", "w", "t")];
        assert_eq!(names(&same.iter().collect::<Vec<_>>()), "x, y");
    }
}
