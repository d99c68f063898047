//! `pretty`: the human-readable report.

use std::collections::HashSet;
use std::io::{self, Write};

use rayon::prelude::*;

use super::draw::draw;
use super::frame::{Mark, Room, frames};
use super::stream::Stream;
use super::style::{BOLD, DIM, code, link, of};
use super::summary::{self, MANY};
use super::text::{clean, clean_lines};
use super::wrap::{columns, wrapped};
use super::{Places, View, next_steps};
use crate::config::ConfigError;
use crate::finding::{Finding, Level, RelPath, RuleId, Safety, Span};
use crate::report::Report;
use crate::rule::Catalog;
use crate::source::LineIndex;

/// The minimum number of findings of one rule in one file that are grouped. Fewer are grouped only if they have the
/// same message.
const TOGETHER: usize = 3;
/// The maximum number of different help texts for a group.
const ADVICE: usize = 3;
/// The maximum number of frames for the labels of a group in each other file.
const OTHER_FRAMES: usize = 4;
/// The number of findings of a group that are shown in frames.
const SHOWN: usize = 5;
/// The maximum number of line numbers that are listed for the other findings in a group.
const LINES: usize = 10;

/// Writes the report.
pub fn write(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    // With many findings and no Nix, this is probably not a repository that flakeward is meant for.
    let is_foreign = !report.overview.has_nix && !report.overview.has_settings && report.findings.len() > MANY;
    if !view.statistics && !is_foreign {
        write_findings(report, view, out)?;
    }
    if view.quiet {
        return Ok(());
    }
    if is_foreign {
        writeln!(out, "{}", next_steps::no_nix(view))?;
    }
    if !report.findings.is_empty() && (view.statistics || report.findings.len() > MANY) {
        writeln!(out, "{}", summary::table(report, view))?;
    }
    writeln!(out, "{}", summary::lines(report, view))?;
    out.write_all(next_steps::block(report, view).as_bytes())
}

fn write_findings(report: &Report, view: &View, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups(&report.findings);
    let mut printer = Printer { view, catalog: &report.catalog, said: HashSet::new() };
    for part in groups.chunks(AT_ONCE) {
        for (group, frames) in part.iter().zip(all_frames(part, report, view)) {
            out.write_all(printer.head(group[0], &title(group, &report.catalog)).as_bytes())?;
            out.write_all(frames.as_bytes())?;
            writeln!(out, "{}", printer.advice(group))?;
        }
    }
    Ok(())
}

/// The number of groups whose frames are drawn before any of them is written.
const AT_ONCE: usize = 1 << 10;

/// The frames of some groups. Drawing them takes most of the time for a long report, so it is done in parallel.
fn all_frames(groups: &[Vec<&Finding>], report: &Report, view: &View) -> Vec<String> {
    /// Groups differ in size, so each thread draws several parts.
    const PARTS: usize = 4;
    let count = groups.len().div_ceil(rayon::current_num_threads() * PARTS);
    let draw = |groups: &[Vec<&Finding>]| {
        let mut frames = Frames { view, places: Places::new(report) };
        groups.iter().map(|group| frames.group(group)).collect::<Vec<_>>()
    };
    groups.par_chunks(count).flat_map_iter(draw).collect()
}

/// Groups the findings of each rule in one file if there are many or if they have the same message. The groups are in
/// the order of their first findings.
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

/// Draws frames.
struct Frames<'a> {
    view: &'a View,
    places: Places<'a>,
}

impl Frames<'_> {
    /// The frames of a group, and the lines of findings without one.
    fn group(&mut self, group: &[&Finding]) -> String {
        let first = group[0];
        let mut text = String::new();
        if self.places.source(&first.path).is_none() {
            text.push_str(&field("file", &clean(&self.view.path(&first.path)), &self.view.stream));
        }
        // A single remaining finding is shown, not counted.
        let shown = if group.len() > SHOWN + 1 { &group[..SHOWN] } else { group };
        let room = Room::of(&self.view.stream);
        for (path, marks) in marks(shown, alike(group)) {
            let Some((source, index)) = self.places.lines(&path) else { continue };
            let name = self.view.path(&path);
            let limit = if marks.iter().any(|mark| mark.primary) { usize::MAX } else { OTHER_FRAMES };
            let marks = said_once(marks, &source.text);
            for frame in frames(&source.text, index, marks, room).into_iter().take(limit) {
                text.push_str(&draw(&name, frame, first.level, &self.view.stream));
            }
        }
        text.push_str(&self.others(&group[shown.len()..]));
        text
    }

    /// The number of findings that are not shown, and their lines.
    fn others(&mut self, findings: &[&Finding]) -> String {
        let Some(first) = findings.first() else { return String::new() };
        let mut lines: Vec<u32> =
            findings.iter().map(|finding| self.places.of(&first.path, finding.span).0.line).collect();
        lines.dedup();
        let more = if lines.len() > LINES { " .." } else { "" };
        let lines: Vec<String> = lines.iter().take(LINES).map(u32::to_string).collect();
        let others = format!("{} in this file, on lines {}{more}", findings.len(), lines.join(", "));
        field("more", &others, &self.view.stream)
    }
}

/// Writes headlines and advice.
struct Printer<'a> {
    view: &'a View,
    catalog: &'a Catalog,
    /// The help texts and fixes that were already shown, without code. Each of them is shown once for each rule.
    said: HashSet<(RuleId, String)>,
}

impl Printer<'_> {
    /// The headline. On a terminal, it is wrapped between words.
    fn head(&self, finding: &Finding, title: &str) -> String {
        let stream = &self.view.stream;
        let (title, level) = (clean(title), format!("{}[{}]", finding.level, finding.rule));
        let mut lines = vec![title.clone().into_owned()];
        if stream.wrap {
            lines = wrapped(&title, stream.width.saturating_sub(columns(&level) + 2).max(20));
            let rest = lines.split_off(1).join(" ");
            lines.extend(wrapped(&rest, stream.width - 2).into_iter().filter(|line| !line.is_empty()));
        }
        let level = linked(of(finding.level).on(level, stream.color), finding.rule, self.catalog, stream.links);
        let lines: Vec<String> = lines.iter().map(|line| BOLD.on(line, stream.color)).collect();
        format!("{level}: {}\n", lines.join("\n  "))
    }

    /// The help, the fixes, and the command that shows an explanation.
    fn advice(&mut self, group: &[&Finding]) -> String {
        let rule = group[0].rule;
        let mut text = String::new();
        let mut helps = alike_advice(group.iter().filter_map(|finding| finding.help.as_deref()));
        helps.retain(|(help, _)| self.said.insert((rule, prose(help))));
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
        fixes.retain(|fix| self.said.insert((rule, prose(fix))));
        match fixes.as_slice() {
            [one] => text.push_str(&self.field("fix", one)),
            [one, rest @ ..] => text.push_str(&self.field("fix", &format!("{one}, and {} more", rest.len()))),
            [] => {}
        }
        if !self.said.insert((rule, "why".to_owned())) {
            return text;
        }
        let why = linked(format!("flakeward explain {rule}"), rule, self.catalog, self.view.stream.links);
        text + &self.field("why", &why)
    }

    fn field(&self, name: &str, text: &str) -> String {
        field(name, text, &self.view.stream)
    }
}

/// A titled line below a frame. On a terminal, it is wrapped between words.
fn field(name: &str, text: &str, stream: &Stream) -> String {
    let name = if name.is_empty() { " ".repeat(7) } else { format!("  {:5}", format!("{name}:")) };
    let mut field = String::new();
    let width = if stream.wrap { stream.width - 8 } else { usize::MAX };
    for (index, line) in text.lines().flat_map(|line| wrapped(line, width)).enumerate() {
        let head = if index == 0 { DIM.on(&name, stream.color) } else { " ".repeat(7) };
        field.push_str(&format!("{head} {}\n", code(&line, stream.color)));
    }
    field
}

/// Returns the text without its code.
fn prose(text: &str) -> String {
    text.split('`').step_by(2).collect()
}

/// The help texts of a group. Of texts that differ only in code, the first is shown and the others are counted.
fn alike_advice<'a>(helps: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut kinds: Vec<(String, Vec<&str>)> = Vec::new();
    for help in helps {
        let prose = prose(help);
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

/// A link to a rule's page with this text, if the terminal supports links and the rule has a page.
fn linked(text: String, rule: &str, catalog: &Catalog, links: bool) -> String {
    match super::web_page(rule, catalog).filter(|_| links) {
        Some(page) => link(&text, &page),
        None => text,
    }
}

/// Whether findings have the same message.
fn alike(group: &[&Finding]) -> bool {
    group.iter().all(|finding| finding.message == group[0].message)
}

/// The title of a group: the message that all its findings have, or else the summary of the rule.
fn title(group: &[&Finding], catalog: &Catalog) -> String {
    let first = group[0];
    let (alike, places) = (alike(group), group.len());
    let summary = catalog.find(first.rule).filter(|_| !alike).map(|rule| &rule.summary);
    let title = summary.unwrap_or(&first.message);
    if places == 1 { title.clone() } else { format!("{title} ({places} occurrences)") }
}

/// The marks for the findings and labels of a group, by file. The file of the findings comes first.
fn marks(group: &[&Finding], alike: bool) -> Vec<(RelPath, Vec<Mark>)> {
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

/// Shows a label only under the first of several marks whose labels are equal or differ only in the marked number.
fn said_once(mut marks: Vec<Mark>, source: &str) -> Vec<Mark> {
    marks.sort_by_key(|mark| mark.span);
    let mut said = HashSet::new();
    for mark in &mut marks {
        let marked = source.get(mark.span.range()).unwrap_or_default();
        if !said.insert((mark.primary, without_numbers(&mark.text, marked))) {
            mark.text.clear();
        }
    }
    marks
}

/// Returns the text without the numbers that occur in the marked code.
fn without_numbers(text: &str, marked: &str) -> String {
    const LONGEST: usize = 100;
    if marked.len() > LONGEST {
        return text.to_owned();
    }
    let parts = text.split_inclusive(|c: char| !c.is_ascii_digit());
    let number = |part: &str| part.trim_end_matches(|c: char| !c.is_ascii_digit()).to_owned();
    parts
        .map(|part| match number(part) {
            number if !number.is_empty() && marked.contains(&number) => part.replacen(&number, "", 1),
            _ => part.to_owned(),
        })
        .collect()
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

/// Removes duplicates while keeping the order.
fn dedup<T: Clone + Eq + std::hash::Hash>(list: &mut Vec<T>) {
    let mut seen = std::collections::HashSet::new();
    list.retain(|item| seen.insert(item.clone()));
}

/// Shows the error in a settings file.
pub fn settings_error(error: &ConfigError, stream: &Stream) -> String {
    let color = stream.color;
    let mut text = format!("{}: {}\n", of(Level::Error).on("error", color), BOLD.on(clean(&error.message), color));
    let name = error.path.display().to_string();
    match &error.span {
        Some(span) => {
            let length = error.text.len();
            let span = Span::new(span.start.min(length), span.end.min(length));
            let mark = Mark { span, text: String::new(), primary: true };
            for frame in frames(&error.text, &LineIndex::new(&error.text), vec![mark], Room::of(stream)) {
                text.push_str(&draw(&name, frame, Level::Error, stream));
            }
        }
        None => text.push_str(&format!("  in {}\n", clean(&name))),
    }
    if let Some(help) = &error.help {
        text.push_str(&field("help", &clean(help), stream));
    }
    text.truncate(text.trim_end().len());
    text
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
    fn one_finding_is_written_to_a_pipe() {
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
    fn similar_findings_are_reported_together() {
        let line = "  (import <nixpkgs> { })\n";
        let text = printed(&[("a.nix", &format!("[\n{}]\n", line.repeat(20)))], Stream::default());
        assert_eq!(text.matches("help:").count(), 1, "{text}");
        assert!(text.contains("(20 occurrences)"), "{text}");
        assert_eq!(text.matches("^^^^^^^^^").count(), SHOWN, "{text}");
        assert!(text.contains("  more: 15 in this file, on lines 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 ..\n"), "{text}");
        let text = printed(&[("a.nix", "[ <a> <b> <c> ]\n")], Stream::default());
        assert!(
            text.lines().next().is_some_and(|line| line.ends_with("differs between machines (3 occurrences)")),
            "{text}"
        );
        assert!(text.contains("`<b>` is looked up"), "{text}");
    }

    #[test]
    fn advice_that_differs_only_in_code_is_shown_once() {
        let helps = ["write `a` here", "write `b` here", "write `b` here", "or not"];
        assert_eq!(alike_advice(helps.into_iter()), [("write `a` here", 1), ("or not", 0)]);
    }

    /// A repository with long lines, long labels, tabs and wide characters.
    fn wide_repository() -> Vec<(&'static str, String)> {
        let long = "x".repeat(150);
        vec![
            ("lib/ports.nix", "{ databases = { redis = 6379; postgresqlPrimary = 5432; }; }\n".to_owned()),
            ("a.nix", format!("{{ {long} = \"{long}\"; services.redis.port = 6379; other = \"{long}\"; }}\n")),
            ("b.nix", format!("{{\n\t\tservices.postgresql.settings.port = 5432; # 端口端口端口端口 {long}\n}}\n")),
            ("c.nix", format!("{{ services.x.command = \"redis-cli -h localhost -p 6379 {long} -p 6379\"; }}\n")),
            (
                "flake.nix",
                "{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable?dir=a/very/long/folder\";\n  outputs = \
                 { nixpkgs, ... }: let forAllSystems = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ]; in { packages = \
                 forAllSystems (system: { }); };\n}\n"
                    .to_owned(),
            ),
            ("web/Dockerfile", "FROM node:24-slim\n".to_owned()),
        ]
    }

    #[test]
    fn nothing_is_wider_than_its_terminal() {
        let files = wide_repository();
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        for width in [80, 120, 200] {
            for unicode in [true, false] {
                let stream = Stream { wrap: true, unicode, width: width.min(120), columns: width, ..Stream::default() };
                let text = printed(&files, stream);
                assert!(text.contains("6379") && text.contains("nixos-unstable"), "{text}");
                for line in text.lines() {
                    // A path, a word of code, and a short label under a mark at the edge are not wrapped.
                    let is_arm = line.contains("╰─") || line.contains("`-");
                    let is_whole = !line.trim().contains(' ') || line.contains("-[") || is_arm;
                    assert!(columns(line) <= width || is_whole, "{width}: {line}\n{text}");
                }
            }
        }
    }

    #[test]
    fn pipes_get_ascii_without_colours_or_control_sequences() {
        let hostile = "x = 1;\u{1b}[31m\n\u{202e}<nixpkgs>\n";
        let text = printed(&[("\u{1b}]0;evil\u{7}\n.nix", hostile)], Stream::default());
        assert!(text.chars().all(|c| c == '\n' || !super::super::text::harmful(c)), "{text:?}");
        assert!(text.is_ascii(), "{text:?}");
    }

    #[test]
    fn a_clean_run_reports_what_was_checked() {
        let rules = crate::Settings::default().rules.active_rules().count();
        assert_eq!(printed(&[("a.nix", "{ }")], Stream::default()), format!("1 file, {rules} rules: no findings\n"));
    }

    #[test]
    fn a_thousand_findings_are_written_quickly() {
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
