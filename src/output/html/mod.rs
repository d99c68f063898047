//! `html`: pages for a browser. Each is one file that loads nothing from the network, and all text in it is escaped.
//!
//! The pages are complete without their script, which only filters and sorts. A content security policy allows only
//! this script and this style sheet, so even unescaped text could not run code.

mod accepted;
mod findings;
pub mod fleet;
mod picture;
mod ports;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::accepted::Entry;
use super::text::{clean, count};
use super::{Places, View};
use crate::finding::Level;
use crate::lang::codeowners::Owners;
use crate::port_map::rows::PortRow;
use crate::report::Report;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The parts of a page other than the report.
#[derive(Default)]
pub struct Extras {
    /// The owners of paths.
    pub owners: Owners,
    /// The acceptances.
    pub accepted: Vec<Entry>,
    /// The port map, if there is one.
    pub ports: Vec<PortRow>,
}

/// Writes the page of a repository.
pub fn write(report: &Report, view: &View, extras: &Extras, out: &mut dyn Write) -> io::Result<()> {
    let name = &report.about.repository;
    let mut body = String::new();
    let _ = write!(body, "<h1>{}</h1>\n<p>{}</p>\n", escape(name), summary(report));
    let sections: [(&str, &str, String); 3] = [
        ("findings", "Findings", findings::section(report, view, &extras.owners, &mut Places::new(report))),
        ("ports", "Ports", ports::section(&extras.ports)),
        ("accepted", "Accepted", accepted::section(&extras.accepted)),
    ];
    body.push_str("<nav aria-label=\"Sections\"><ul>\n");
    for (id, title, _) in &sections {
        let _ = writeln!(body, "<li><a href=\"#{id}\">{title}</a></li>");
    }
    body.push_str("</ul></nav>\n");
    for (id, title, content) in &sections {
        let _ = write!(
            body,
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{content}</section>\n"
        );
    }
    out.write_all(page(&format!("{name}: flakeward"), &body).as_bytes())
}

fn summary(report: &Report) -> String {
    let levels = [(Level::Error, "error"), (Level::Warn, "warning"), (Level::Hint, "hint")];
    let counts: Vec<String> = levels.iter().map(|(level, noun)| count(report.count(*level), noun)).collect();
    let about = &report.about;
    let policy = match &about.policy {
        Some(policy) => format!(", policy {} ({})", escape(&policy.name), escape(&policy.version)),
        None => String::new(),
    };
    let (counts, files, date) = (counts.join(", "), count(report.files, "file"), about.date);
    let (suppressed, version) = (report.suppressed, env!("CARGO_PKG_VERSION"));
    format!(
        "{counts} in {files}, {suppressed} suppressed. Checked on <time datetime=\"{date}\">{date}</time> by flakeward \
         {version}{policy}."
    )
}

/// A whole page. `title` is text, and `body` is HTML.
fn page(title: &str, body: &str) -> String {
    let source = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text)));
    let policy = format!("default-src 'none'; style-src {}; script-src {}", source(STYLE), source(SCRIPT));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<main id=\"main\">\n{body}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        escape(title),
    )
}

/// Escapes text for HTML, in an element or in a quoted attribute.
fn escape(text: &str) -> Cow<'_, str> {
    let text = clean(text);
    if !text.contains(['&', '<', '>', '"', '\'']) && !text.contains("##") && !text.starts_with("::") {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // A page may be written to the log of a workflow, where `##[` and a line with `::` are commands.
            '#' if chars.peek() == Some(&'#') => out.push_str("&#35;"),
            ':' if out.is_empty() => out.push_str("&#58;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Text with the parts between backticks as code.
fn inline(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired = parts.len() % 2 == 1;
    let part = |(index, part): (usize, &&str)| match index % 2 == 1 && is_paired {
        true => format!("<code>{}</code>", escape(part)),
        false => escape(part).into_owned(),
    };
    parts.iter().enumerate().map(part).collect::<Vec<_>>().join(if is_paired { "" } else { "`" })
}

/// A column of a table: its title, and whether it is sorted numerically.
type Column = (&'static str, bool);

/// A table that can be sorted by each column. Cells contain HTML and are sorted by their text.
fn table(id: &str, caption: &str, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\">\n<table id=\"{id}\">\n<caption>{0}</caption>\n<thead><tr>",
        escape(caption)
    );
    for (title, is_number) in columns {
        let class = if *is_number { " class=\"number\"" } else { "" };
        let _ = write!(out, "<th scope=\"col\"{class}><button type=\"button\">{}</button></th>", escape(title));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (cell, (_, is_number)) in row.iter().zip(columns) {
            let class = if *is_number { " class=\"number\"" } else { "" };
            let _ = write!(out, "<td{class}>{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody>\n</table>\n</div>\n"
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            match index <= chunk.len() {
                true => out.push(char::from(DIGITS[(bits >> (18 - 6 * index)) as usize & 63])),
                false => out.push('='),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_for_html() {
        assert_eq!(escape("a<b>&\"'\u{1b}\u{202e}"), "a&lt;b&gt;&amp;&quot;&#39;\\u{1b}\\u{202e}");
        assert_eq!(inline("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
        assert_eq!(inline("it`s <"), "it`s &lt;");
    }

    #[test]
    fn base64_is_encoded_correctly() {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
