//! The report of a migration: as text and as JSON.

use serde_json::json;

use super::View;
use super::style::{BOLD, GREEN, RED, YELLOW};
use super::text::{clean, count};
use super::wrap::fitted;
use crate::fix::Change;
use crate::migrate::{Error, Report};

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
            "replaced": self.report.replaced,
            "errors": errors,
            "files": files,
        });
        Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
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
        for left in &self.report.left {
            let place = format!("{}:{}", clean(&view.path(&left.path)), left.line);
            let what = BOLD.on(clean(&left.what), color);
            let line = format!("{place}: {}: {what}: {}", YELLOW.on("not carried over", color), clean(&left.why));
            out.push_str(&(fitted(&line, 2, &view.stream) + "\n"));
            if !left.todo.is_empty() {
                out.push_str(&(fitted(&format!("  to do: {}", clean(&left.todo)), 4, &view.stream) + "\n"));
            }
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
        let (carried, left) = (self.report.carried.len(), self.report.left.len());
        out.push_str(&format!("{} carried over, {left} left out", count(carried, "setting")));
        out.push_str(match (self.written, self.changes.is_empty()) {
            (_, true) => "; nothing to write\n",
            (true, false) => "; `git add` new files: flakes see tracked files only\n",
            (false, false) => "; apply with --write\n",
        });
        out
    }
}
