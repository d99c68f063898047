//! Inserts, copies and moves steps as text, with their comments, in the style of the surrounding list.

use crate::facts::ci::nix::NixStep;
use crate::finding::{Edit, Span};
use crate::knowledge::nix_actions::Cache;
use crate::source::Source;

/// The lines of a step, including the comments above it.
struct Lines<'a> {
    text: &'a str,
    /// The indentation before the dash.
    indent: &'a str,
    /// From the beginning of its first comment's line to the end of its last line, without the line end.
    start: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    /// The lines of a step; `None` if it shares a line with other text.
    fn of(source: &'a Source, step: &NixStep) -> Option<Self> {
        let text = source.text.as_str();
        let item = step.item?.range();
        let line = text.get(..item.start)?.rfind('\n').map_or(0, |at| at + 1);
        let indent = text.get(line..item.start).filter(|blanks| blanks.bytes().all(|byte| byte == b' '))?;
        let rest = text.get(item.end..)?;
        let tail = rest.split(['\n', '\r']).next().unwrap_or("");
        let comment = tail.trim_start();
        if !(comment.is_empty() || comment.starts_with('#')) {
            return None;
        }
        let mut start = line;
        while let Some(above) = text.get(..start)?.strip_suffix('\n') {
            let above_start = above.rfind('\n').map_or(0, |at| at + 1);
            let line = above.get(above_start..).unwrap_or("");
            if !line.strip_prefix(indent).is_some_and(|comment| comment.starts_with('#')) {
                break;
            }
            start = above_start;
        }
        Some(Self { text, indent, start, end: item.end + tail.len() })
    }

    /// Whether blank lines separate the steps.
    fn is_apart(&self) -> bool {
        let blank = |rest: &str| rest.lines().nth(1).is_some_and(|line| line.trim().is_empty());
        let after = self.text.get(self.end..).unwrap_or("");
        let more = after.lines().skip(1).find(|line| !line.trim().is_empty());
        let before = self.text.get(..self.start).unwrap_or("");
        let same_list =
            more.is_some_and(|line| line.starts_with(self.indent) && line[self.indent.len()..].starts_with(['-', '#']));
        if same_list { blank(after) } else { before.ends_with("\n\n") || before.ends_with("\n\r\n") }
    }
}

/// An edit that inserts a step (written without indentation) after another one, with the same condition. `None` if the
/// steps are not on lines of their own, or if the condition spans several lines.
pub(super) fn insert_after(source: &Source, step: &NixStep, text: &str) -> Option<Edit> {
    let lines = Lines::of(source, step)?;
    let gap = if lines.is_apart() { "\n\n" } else { "\n" };
    let condition = condition(source.text.get(step.item?.range())?)?;
    let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let text = format!("{first}{condition}{rest}");
    let body: Vec<String> = text.lines().map(|line| indented(line, lines.indent)).collect();
    let text = format!("{gap}{}", body.join("\n"));
    Some(Edit { path: source.path.clone(), span: Span::new(lines.end, lines.end), text })
}

/// The step's `if: ..` as an additional line; empty if it has none, `None` if it spans several lines.
fn condition(item: &str) -> Option<String> {
    let mut keys = item.lines().map(|line| line.trim_start_matches(['-', ' ']));
    let Some(value) = keys.find_map(|line| line.strip_prefix("if:")) else { return Some(String::new()) };
    let value = value.trim();
    (!value.is_empty() && !value.starts_with(['|', '>'])).then(|| format!("\n  if: {value}"))
}

fn indented(line: &str, indent: &str) -> String {
    if line.is_empty() { String::new() } else { format!("{indent}{line}") }
}

/// A step's text without indentation, if it can be copied to another job unchanged.
pub(super) fn copy(source: &Source, step: &NixStep) -> Option<String> {
    let lines = Lines::of(source, step)?;
    let item = source.text.get(step.item?.range())?;
    if has_anchor(item) || item.contains("matrix.") || item.contains("steps.") || item.contains(" if:") {
        return None;
    }
    let foreign = step.cache == Some(Cache::Cachix) && !item.contains("authToken") && !item.contains("signingKey");
    if foreign {
        // A third-party cache, which this repository can only read.
        return None;
    }
    let body: Option<Vec<&str>> =
        item.lines()
            .enumerate()
            .map(|(at, line)| {
                if at == 0 || line.trim().is_empty() { Some(line.trim_end()) } else { line.strip_prefix(lines.indent) }
            })
            .collect();
    Some(body?.join("\n"))
}

/// Whether a workflow pins all of its actions to commits.
pub(super) fn pins_actions(text: &str) -> bool {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    let uses = lines.filter_map(|line| line.strip_prefix("uses:"));
    let mut versions = uses.filter_map(|action| {
        let action = action.split(" #").next()?.trim().trim_matches(['"', '\'']);
        (!action.starts_with("./")).then(|| action.rsplit_once('@').map_or("", |(_, version)| version))
    });
    let is_commit = |version: &str| version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    versions.next().is_some_and(is_commit) && versions.all(is_commit)
}

/// The action that a step's text uses: `cachix/cachix-action@v16`.
pub(super) fn uses(text: &str) -> String {
    let line = text.lines().find_map(|line| line.trim_start_matches(['-', ' ']).strip_prefix("uses:"));
    line.and_then(|line| line.split('#').next()).unwrap_or("").trim().trim_matches(['"', '\'']).to_owned()
}

/// Edits that move a step, with its comments, after another one. `None` if the step already follows it, if their
/// indentation differs, or if the step contains an anchor or alias.
pub(super) fn move_behind(source: &Source, step: &NixStep, other: &NixStep) -> Option<Vec<Edit>> {
    let (moved, target) = (Lines::of(source, step)?, Lines::of(source, other)?);
    let text = source.text.get(moved.start..moved.end)?;
    // An anchor must stay before its aliases.
    if has_anchor(text) || moved.indent != target.indent || moved.end > target.start {
        return None;
    }
    let apart = moved.is_apart();
    let after = source.text.get(moved.end..)?;
    let mut end = moved.end + after.find('\n')? + 1;
    if apart
        && let Some(blank) = source.text.get(end..)?.split_inclusive('\n').next().filter(|line| line.trim().is_empty())
    {
        end += blank.len();
    }
    let gap = if apart { "\n\n" } else { "\n" };
    let path = || source.path.clone();
    Some(vec![
        Edit { path: path(), span: Span::new(moved.start, end), text: String::new() },
        Edit {
            path: path(),
            span: Span::new(target.end, target.end),
            text: format!("{gap}{}", text.replace('\r', "")),
        },
    ])
}

/// Whether the text contains a YAML anchor or alias.
fn has_anchor(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let name = word.strip_prefix(['&', '*']).unwrap_or("");
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_one_line_are_kept() {
        for (item, expected) in [
            ("- uses: a", Some("")),
            ("- if: x == 'y'\n  uses: a", Some("\n  if: x == 'y'")),
            ("- uses: a\n  if: ${{ x }} # why", Some("\n  if: ${{ x }} # why")),
            ("- uses: a\n  if: >-\n    x &&\n    y", None),
        ] {
            assert_eq!(condition(item).as_deref(), expected, "{item}");
        }
    }
}
