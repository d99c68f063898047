//! `pretty`: for people. The only file that knows miette, which draws the frames.

use std::fmt;
use std::io::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use super::frame::{Frame, Mark, frames};
use super::stream::Stream;
use super::style::{BOLD, CODE, DIM, link, of};
use super::text::{clean, clean_lines, count};
use super::{Places, View};
use crate::config::ConfigError;
use crate::finding::{Finding, Level, RelPath, Safety, Span};
use crate::report::Report;
use crate::rule::Catalog;
use crate::source::LineIndex;
use crate::wording::listed;

/// From this many findings of one rule in one file on they are told together; fewer where they say the same.
const TOGETHER: usize = 3;
/// At most this many different pieces of advice are given for findings that are told together.
const ADVICE: usize = 3;
/// At most this many frames of other places are drawn for findings that are told together.
const OTHER_FRAMES: usize = 4;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let mut printer = Printer { view, catalog: &report.catalog, places: Places::new(report) };
    for group in groups(&report.findings) {
        let text = printer.group(&group);
        out.write_all(text.as_bytes())?;
    }
    match view.quiet {
        true => Ok(()),
        false => writeln!(out, "{}", summary(report, view)),
    }
}

/// The findings of one file and rule stand together where they are many; the order is that of the first of each.
fn groups(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups = Vec::new();
    for file in findings.chunk_by(|a, b| a.path == b.path) {
        let mut own: Vec<Vec<&Finding>> = Vec::new();
        for finding in file {
            match own.iter_mut().find(|group| group[0].rule == finding.rule && group[0].level == finding.level) {
                Some(group) => group.push(finding),
                None => own.push(vec![finding]),
            }
        }
        let (many, few): (Vec<_>, Vec<_>) = own.into_iter().partition(|group| group.len() >= TOGETHER || alike(group));
        let mut own: Vec<Vec<&Finding>> = few.into_iter().flatten().map(|finding| vec![finding]).chain(many).collect();
        own.sort_by(|a, b| a[0].sort_key().cmp(&b[0].sort_key()));
        groups.append(&mut own);
    }
    groups
}

struct Printer<'a> {
    view: &'a View,
    catalog: &'a Catalog,
    places: Places<'a>,
}

impl Printer<'_> {
    fn group(&mut self, group: &[&Finding]) -> String {
        let first = group[0];
        let mut text = self.head(first, &title(group, self.catalog));
        if self.places.source(&first.path).is_none() {
            text.push_str(&self.field("file", &clean(&self.view.path(&first.path))));
        }
        for (path, marks) in marks(group) {
            let Some((source, index)) = self.places.lines(&path) else { continue };
            let name = self.view.path(&path);
            let limit = if marks.iter().any(|mark| mark.primary) { usize::MAX } else { OTHER_FRAMES };
            for frame in frames(&source.text, index, said_once(marks)).into_iter().take(limit) {
                text.push_str(&draw(&name, frame, first.level, &self.view.stream));
            }
        }
        text.push_str(&self.advice(group));
        text.push('\n');
        text
    }

    fn head(&self, finding: &Finding, title: &str) -> String {
        let stream = &self.view.stream;
        let level = of(finding.level).on(format_args!("{}[{}]", finding.level, finding.rule), stream.color);
        let level = linked(level, finding.rule, stream.links);
        format!("{level}: {}\n", BOLD.on(clean(title), stream.color))
    }

    fn advice(&self, group: &[&Finding]) -> String {
        let mut text = String::new();
        let helps = alike_advice(group.iter().filter_map(|finding| finding.help.as_deref()));
        for (help, others) in helps.iter().take(ADVICE) {
            let likewise = if *others > 0 { format!(" (and {others} similar)") } else { String::new() };
            text.push_str(&self.field("help", &format!("{}{likewise}", clean_lines(help))));
        }
        if helps.len() > ADVICE {
            let more = format!("and {} more; `--format json` lists them all", helps.len() - ADVICE);
            text.push_str(&self.field("", &more));
        }
        let mut fixes: Vec<String> = group.iter().filter_map(|finding| fix(finding)).collect();
        dedup(&mut fixes);
        match fixes.as_slice() {
            [one] => text.push_str(&self.field("fix", one)),
            [one, rest @ ..] => text.push_str(&self.field("fix", &format!("{one}, and {} more", rest.len()))),
            [] => {}
        }
        let why = format!("flakeward explain {}", group[0].rule);
        let why = linked(why, group[0].rule, self.view.stream.links);
        text + &self.field("why", &why)
    }

    fn field(&self, name: &str, text: &str) -> String {
        let color = self.view.stream.color;
        let name = if name.is_empty() { " ".repeat(7) } else { format!("  {:5}", format!("{name}:")) };
        let mut field = String::new();
        let width = if self.view.stream.wrap { self.view.stream.width - 8 } else { usize::MAX };
        for (index, line) in text.lines().flat_map(|line| wrapped(line, width)).enumerate() {
            let head = if index == 0 { DIM.on(&name, color) } else { " ".repeat(7) };
            field.push_str(&format!("{head} {}\n", code(&line, color)));
        }
        field
    }
}

/// Breaks a line between its words. Code between backticks stays whole, so that it can be copied.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let mut lines = vec![String::new()];
    let (mut piece, mut in_code) = (String::new(), false);
    for word in line.split_inclusive(' ') {
        in_code ^= word.matches('`').count() % 2 == 1;
        piece.push_str(word);
        if in_code {
            continue;
        }
        let piece = std::mem::take(&mut piece);
        match lines.last_mut() {
            Some(last) if last.is_empty() || last.chars().count() + piece.trim_end().chars().count() <= width => {
                last.push_str(&piece);
            }
            _ => lines.push(piece),
        }
    }
    lines.push(piece);
    let lines = lines.into_iter().map(|line| line.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

/// Pieces of advice, those that differ only in their code told once: the first of each kind and how many others.
fn alike_advice<'a>(helps: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut kinds: Vec<(String, Vec<&str>)> = Vec::new();
    for help in helps {
        let prose: String = help.split('`').step_by(2).collect();
        match kinds.iter_mut().find(|(kind, _)| *kind == prose) {
            Some((_, list)) => list.push(help),
            None => kinds.push((prose, vec![help])),
        }
    }
    let told = kinds.into_iter().map(|(_, mut list)| {
        dedup(&mut list);
        (list[0], list.len() - 1)
    });
    told.collect()
}

/// A text that leads to a rule's page, where terminals and the rule have that.
fn linked(text: String, rule: &str, links: bool) -> String {
    match super::web_page(rule).filter(|_| links) {
        Some(page) => link(&text, &page),
        None => text,
    }
}

/// Whether findings say the same.
fn alike(group: &[&Finding]) -> bool {
    group.iter().all(|finding| finding.message == group[0].message)
}

/// What a group is called: its only message, or what its rule is about.
fn title(group: &[&Finding], catalog: &Catalog) -> String {
    let first = group[0];
    let (alike, places) = (alike(group), group.len());
    let summary = catalog.find(first.rule).filter(|_| !alike).map(|rule| &rule.summary);
    let title = summary.unwrap_or(&first.message);
    if places == 1 { title.clone() } else { format!("{title} ({places} occurrences)") }
}

/// The places of a group, file by file: that of the findings first.
fn marks(group: &[&Finding]) -> Vec<(RelPath, Vec<Mark>)> {
    let alike = alike(group);
    let mut files: Vec<(RelPath, Vec<Mark>)> = vec![(group[0].path.clone(), Vec::new())];
    for finding in group {
        let text = if finding.label.is_empty() && !alike { &finding.message } else { &finding.label };
        files[0].1.push(Mark { span: finding.span, text: text.clone(), primary: true });
        for label in &finding.labels {
            let mark = Mark { span: label.span, text: label.message.clone(), primary: false };
            match files.iter_mut().find(|(path, _)| *path == label.path) {
                Some((_, marks)) => marks.push(mark),
                None => files.push((label.path.clone(), vec![mark])),
            }
        }
    }
    files
}

/// Keeps a text under the first mark of several that say the same.
fn said_once(mut marks: Vec<Mark>) -> Vec<Mark> {
    marks.sort_by_key(|mark| mark.span);
    let mut said = std::collections::HashSet::new();
    for mark in &mut marks {
        if !said.insert((mark.primary, mark.text.clone())) {
            mark.text.clear();
        }
    }
    marks
}

fn fix(finding: &Finding) -> Option<String> {
    let fix = finding.fix.as_ref()?;
    if finding.help.as_ref().is_some_and(|help| help.contains("flakeward fix")) {
        return None;
    }
    let command = match fix.safety {
        Safety::Safe => "flakeward fix",
        Safety::Unsafe => "flakeward fix --unsafe",
    };
    Some(format!("`{command}`: {}", clean(&fix.title)))
}

/// Keeps the first of equal things, in their order.
fn dedup<T: Clone + Eq + std::hash::Hash>(list: &mut Vec<T>) {
    let mut seen = std::collections::HashSet::new();
    list.retain(|item| seen.insert(item.clone()));
}

/// Prose with its code in colour; without colours the backticks stay.
fn code(text: &str, color: bool) -> String {
    if !color || text.matches('`').count() % 2 == 1 {
        return text.to_owned();
    }
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { CODE.on(part, true) } else { part.to_owned() }).collect()
}

/// The last line: how many of what, where, and what to do next.
/// One sentence: how much was found, and where.
pub fn summary(report: &Report, view: &View) -> String {
    let color = view.stream.color;
    let levels = [(Level::Error, "error"), (Level::Warn, "warning"), (Level::Hint, "hint")];
    let counts: Vec<String> = levels
        .into_iter()
        .map(|(level, noun)| (level, report.count(level), noun))
        .filter(|(_, number, _)| *number > 0)
        .map(|(level, number, noun)| of(level).on(count(number, noun), color))
        .collect();
    let silenced = match report.suppressed {
        0 => String::new(),
        number => format!(" ({number} suppressed)"),
    };
    let list = match counts.as_slice() {
        [] => {
            let (files, rules) = (count(report.files, "file"), count(report.rules.len(), "rule"));
            return format!("{files}, {rules}: no findings{silenced}");
        }
        counts => listed(counts, "and"),
    };
    let mut paths: Vec<&RelPath> = report.findings.iter().map(|finding| &finding.path).collect();
    paths.dedup();
    let files = format!("{} of {}", paths.len(), count(report.files, "file"));
    format!("{list} in {files}{silenced}{}", fixable(report))
}

fn fixable(report: &Report) -> String {
    let fixes = report.findings.iter().filter_map(|finding| finding.fix.as_ref());
    let (safe, all) = fixes.fold((0, 0), |(safe, all), fix| (safe + usize::from(fix.safety == Safety::Safe), all + 1));
    match (safe, all) {
        (_, 0) => String::new(),
        (0, all) => format!("; {all} can be fixed: flakeward fix --unsafe"),
        (safe, all) if safe == all => format!("; {all} can be fixed: flakeward fix"),
        (safe, all) => format!("; {safe} can be fixed: flakeward fix (with --unsafe: {all})"),
    }
}

/// Shows what is wrong in a file of settings.
pub fn settings_error(error: &ConfigError, stream: &Stream) -> String {
    let color = stream.color;
    let mut text = format!("{}: {}\n", of(Level::Error).on("error", color), BOLD.on(clean(&error.message), color));
    let name = error.path.display().to_string();
    match &error.span {
        Some(span) => {
            let length = error.text.len();
            let span = Span::new(span.start.min(length), span.end.min(length));
            let mark = Mark { span, text: String::new(), primary: true };
            for frame in frames(&error.text, &LineIndex::new(&error.text), vec![mark]) {
                text.push_str(&draw(&name, frame, Level::Error, stream));
            }
        }
        None => text.push_str(&format!("  in {}\n", clean(&name))),
    }
    if let Some(help) = &error.help {
        text.push_str(&format!("  {} {}\n", DIM.on("help:", color), code(&clean(help), color)));
    }
    text.truncate(text.trim_end().len());
    text
}

/// Draws a frame.
fn draw(name: &str, frame: Frame, level: Level, stream: &Stream) -> String {
    let mut styles = if stream.color { ThemeStyles::ansi() } else { ThemeStyles::none() };
    let found = match level {
        Level::Error => styles.error,
        Level::Warn => styles.warning,
        Level::Hint | Level::Off => styles.advice,
    };
    let also = styles.help;
    // One style for each mark, in the order of the marks.
    styles.highlights = frame.marks.iter().map(|(_, mark)| if mark.primary { found } else { also }).collect();
    let characters = if stream.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_width(usize::from(u16::MAX))
        .tab_width(4)
        .with_context_lines(1)
        .with_links(false)
        .without_syntax_highlighting();
    let mut drawn = String::new();
    let drawing = Drawing { name: clean(name).into_owned(), frame };
    // Writing to a string fails only where the frame says something untrue about its text.
    if handler.render_report(&mut drawn, &drawing).is_err() {
        return format!("    at {}:{}:{}\n", drawing.name, drawing.frame.place.line, drawing.frame.place.column);
    }
    // The first line is the place of a message, which stands above already.
    drawn.split_once('\n').map_or(String::new(), |(_, frame)| frame.to_owned())
}

/// A frame as miette wants it: a diagnostic without a message whose source is the frame.
#[derive(Debug)]
struct Drawing {
    name: String,
    frame: Frame,
}

impl fmt::Display for Drawing {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Drawing {}

impl Diagnostic for Drawing {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.frame.marks.iter().map(|(range, mark)| {
            let text = (!mark.text.is_empty()).then(|| clean(&mark.text).into_owned());
            let span = SourceSpan::from(range.clone());
            if mark.primary {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        })))
    }
}

impl SourceCode for Drawing {
    /// The whole frame whatever the span, so that it is drawn once; without context only the place for its title.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Frame { text, first_line, place, .. } = &self.frame;
        let name = self.name.clone();
        Ok(Box::new(if before == 0 {
            let (line, column) = (place.line as usize - 1, place.column as usize - 1);
            MietteSpanContents::new_named(name, b"", *span, line, column, 1)
        } else {
            let whole = SourceSpan::from(0..text.len());
            let count = text.matches('\n').count();
            MietteSpanContents::new_named(name, text.as_bytes(), whole, *first_line as usize - 1, 0, count)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Repo, Settings};

    fn printed(files: &[(&str, &str)], stream: Stream) -> String {
        let report = crate::check(&Repo::from_texts(files.iter().copied()), &Settings::default());
        let mut out = Vec::new();
        write(&report, &View { stream, ..View::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_finding_in_a_pipe() {
        let text =
            printed(&[("a/shell.nix", "{ }:\nlet\n  pkgs = import <nixpkgs> { };\nin\npkgs\n")], Stream::default());
        assert_eq!(
            text,
            "\
warn[lookup-path]: `<nixpkgs>` is looked up in NIX_PATH, which differs from machine to machine
   ,-[a/shell.nix:3:17]
 2 | let
 3 |   pkgs = import <nixpkgs> { };
   :                 ^^^^^^^^^
 4 | in
   `----
  help: use a flake input, which flake.lock pins
  why:  flakeward explain lookup-path

1 warning in 1 of 1 file
"
        );
    }

    #[test]
    fn many_of_a_kind_are_told_together() {
        let line = "  (import <nixpkgs> { })\n";
        let text = printed(&[("a.nix", &format!("[\n{}]\n", line.repeat(20)))], Stream::default());
        assert_eq!(text.matches("help:").count(), 1, "{text}");
        assert!(text.contains("(20 occurrences)"), "{text}");
        assert_eq!(text.matches("^^^^^^^^^").count(), 20, "{text}");
        let text = printed(&[("a.nix", "[ <a> <b> <c> ]\n")], Stream::default());
        assert!(
            text.lines().next().is_some_and(|line| line.ends_with("differs between machines (3 occurrences)")),
            "{text}"
        );
        assert!(text.contains("`<b>` is looked up"), "{text}");
    }

    #[test]
    fn advice_that_differs_in_its_code_is_told_once() {
        let helps = ["write `a` here", "write `b` here", "write `b` here", "or not"];
        assert_eq!(alike_advice(helps.into_iter()), [("write `a` here", 1), ("or not", 0)]);
    }

    #[test]
    fn advice_is_wrapped_between_words_and_not_in_code() {
        assert_eq!(wrapped("take `a b c d` or e", 10), ["take", "`a b c d`", "or e"]);
        assert_eq!(wrapped("take one of them", 10), ["take one", "of them"]);
        assert_eq!(wrapped("an `open end of it", 5), ["an", "`open end of it"]);
    }

    #[test]
    fn nothing_is_coloured_in_a_pipe_and_nothing_escapes() {
        let hostile = "x = 1;\u{1b}[31m\n\u{202e}<nixpkgs>\n";
        let text = printed(&[("\u{1b}]0;evil\u{7}\n.nix", hostile)], Stream::default());
        assert!(text.chars().all(|c| c == '\n' || !super::super::text::harmful(c)), "{text:?}");
        assert!(text.is_ascii(), "{text:?}");
    }

    #[test]
    fn a_clean_run_says_what_was_looked_at() {
        let rules = crate::Settings::default().rules.active_rules().count();
        assert_eq!(printed(&[("a.nix", "{ }")], Stream::default()), format!("1 file, {rules} rules: no findings\n"));
    }

    #[test]
    fn a_thousand_findings_are_written_at_once() {
        let text: String = (0..1000).map(|line| format!("  (import <nixpkgs> {{ a = {line}; }})\n")).collect();
        let files: Vec<(String, String)> =
            (0..10).map(|file| (format!("{file}.nix"), format!("[\n{}]\n", &text[..text.len() / 10]))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let report = crate::check(&Repo::from_texts(files), &Settings::default());
        assert!(report.findings.len() > 900);
        let start = std::time::Instant::now();
        write(&report, &View::default(), &mut io::sink()).unwrap();
        assert!(start.elapsed().as_millis() < 2000, "{:?}", start.elapsed());
    }
}
