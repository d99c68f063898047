//! `markdown`: a table for a comment or a step summary.

use std::io::{self, Write};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::stream::Stream;
use super::text::{clean, count};
use super::{Places, View, summary};
use crate::finding::Finding;
use crate::report::Report;

/// The maximum number of characters in all rows. GitHub accepts comments of up to 65,536 characters; the rest is for
/// the text after the rows.
const CHARACTERS: usize = 64_000;

/// The marker by which a bot finds its previous comment.
const MARK: &str = "<!-- flakeward -->";

/// Writes the report, the most severe findings first.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{MARK}\n### flakeward\n")?;
    if report.findings.is_empty() {
        let (files, rules) = (count(report.files, "file"), count(report.rules.len(), "rule"));
        return writeln!(out, "{files}, {rules}: no findings");
    }
    writeln!(out, "| Level | Rule | Location | Finding |\n|---|---|---|---|")?;
    let mut places = Places::new(report);
    let (mut used, mut shown) = (0, 0);
    for finding in super::worst_first(report) {
        let row = row(finding, view, &mut places);
        used += row.encode_utf16().count();
        if used > CHARACTERS {
            break;
        }
        shown += 1;
        out.write_all(row.as_bytes())?;
    }
    if let Some(more) = report.findings.len().checked_sub(shown).filter(|more| *more > 0) {
        writeln!(out, "\n{more} more are not shown here.")?;
    }
    let plain = View { stream: Stream::default(), ..view.clone() };
    writeln!(out, "\n{}", summary::sentence(report, &plain))
}

fn row(finding: &Finding, view: &View, places: &mut Places<'_>) -> String {
    let (start, _) = places.of(&finding.path, finding.span);
    let place = code(&format!("{}:{}:{}", view.path(&finding.path), start.line, start.column));
    let mut message = prose(&finding.message);
    if let Some(help) = &finding.help {
        message.push_str("<br>");
        message.push_str(&prose(help));
    }
    let page = address(&super::url(finding.rule, places.catalog()));
    format!("| {} | [{}]({page}) | {place} | {message} |\n", finding.level, plain(finding.rule))
}

/// Returns the target of a link, without characters that would end the target or the cell.
fn address(url: &str) -> String {
    utf8_percent_encode(url, ADDRESS).to_string()
}

/// Characters that have a meaning in the target of a link or in a table, and invisible characters.
const ADDRESS: &AsciiSet =
    &CONTROLS.add(b' ').add(b'(').add(b')').add(b'<').add(b'>').add(b'[').add(b']').add(b'|').add(b'\\').add(b'`');

/// A message in a table cell. Text between backticks is code, and all other Markdown is escaped.
fn prose(text: &str) -> String {
    let text = clean(text);
    if text.matches('`').count() % 2 == 1 {
        return plain(&text);
    }
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { code(part) } else { plain(part) }).collect()
}

/// Code in a table cell.
pub(super) fn code(text: &str) -> String {
    let text = clean(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.is_empty() || text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Words that GitHub turns into links, each with what must follow it: addresses without a scheme, issues, and mail
/// addresses.
const AUTOLINKS: [(&str, &str); 3] = [("www", "."), ("gh", "-"), ("mailto", ":")];

/// Inserts an invisible character between a word and the text that would make it a link, ignoring case.
fn apart(text: &str, word: &str, rest: &str) -> String {
    let whole = format!("{word}{rest}");
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for (at, _) in text.to_ascii_lowercase().match_indices(&whole) {
        out.push_str(&text[from..at + word.len()]);
        out.push('\u{2060}');
        from = at + word.len();
    }
    out + &text[from..]
}

/// Escapes every character that could start markup, a mention or a reference.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            // A backslash does not escape mentions and references.
            '@' | '#' => {
                escaped.push(c);
                escaped.push('\u{2060}');
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' | '>' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped = escaped.replace("://", ":\u{2060}//");
    AUTOLINKS.iter().fold(escaped, |text, (word, rest)| apart(&text, word, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_repository_is_not_markup() {
        assert_eq!(prose("use `a | b` <b> *x* @me"), "use `a \\| b` &lt;b\\> \\*x\\* @\u{2060}me");
        assert_eq!(prose("one ` alone | here"), "one \\` alone \\| here");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(prose("http://x"), "http:\u{2060}//x");
        assert_eq!(prose("WWW.x GH-1 www"), "WWW\u{2060}.x GH\u{2060}-1 www");
    }
}
