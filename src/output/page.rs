//! Formats a rule's page for a terminal. Supports only the Markdown that pages use.

use std::fmt::Write;

use super::stream::Stream;
use super::style::{BOLD, CODE, DIM, Style, of};
use super::text::{clean, clean_lines};
use super::wrap::fitted;
use crate::finding::Level;
use crate::rule::example::Fence;
use crate::rule::page::Fixability;
use crate::rule::{Catalog, Rule};

/// The page as text.
pub fn render(rule: &Rule, catalog: &Catalog, stream: &Stream) -> String {
    let mut page = Page { out: String::new(), stream: *stream };
    page.head(rule);
    page.body(&clean_lines(&rule.body));
    page.line("", &clean(&super::url(rule.id, catalog)), Some(DIM));
    page.out
}

struct Page {
    out: String,
    stream: Stream,
}

impl Page {
    fn head(&mut self, rule: &Rule) {
        let level = match rule.level {
            Level::Off => "off by default".to_owned(),
            level => level.name().to_owned(),
        };
        let fix = match rule.fix {
            Fixability::None => "",
            Fixability::Safe => ", can be fixed: flakeward fix",
            Fixability::Unsafe => ", can be fixed: flakeward fix --unsafe",
        };
        let color = self.stream.color;
        let _ = writeln!(
            self.out,
            "{}  {}{}\n",
            BOLD.on(rule.id, color),
            of(rule.level).on(level, color),
            DIM.on(fix, color)
        );
        self.prose("", &clean(&rule.summary));
        if !rule.groups.is_empty() {
            self.line("", &format!("groups: {}", rule.groups.join(", ")), Some(DIM));
        }
        self.out.push('\n');
    }

    fn body(&mut self, body: &str) {
        let mut lines = body.trim().lines();
        let mut paragraph = String::new();
        while let Some(line) = lines.next() {
            let fence = Fence::open(line);
            if fence.is_some() || line.is_empty() || line.starts_with(['#', '|']) || item(line).is_some() {
                self.end_paragraph(&mut paragraph);
            }
            if let Some(fence) = fence {
                self.code(&fence, &mut lines);
            } else if let Some(title) = line.strip_prefix("### ") {
                self.line("  ", title, Some(BOLD));
            } else if let Some(title) = line.strip_prefix("## ") {
                self.line("", title, Some(BOLD));
            } else if line.starts_with('|') || line.is_empty() {
                self.line("", line, None);
            } else {
                paragraph.push_str(if paragraph.is_empty() { "" } else { " " });
                paragraph.push_str(line.trim());
            }
        }
        self.end_paragraph(&mut paragraph);
        self.out.push('\n');
    }

    fn line(&mut self, indent: &str, text: &str, style: Option<Style>) {
        let text = style.map_or_else(|| text.to_owned(), |style| style.on(text, self.stream.color));
        let _ = writeln!(self.out, "{}", format!("{indent}{text}").trim_end());
    }

    /// Writes a code block under the name of its file. The title of a `findings` block is `reported:`.
    fn code<'a>(&mut self, fence: &Fence<'_>, lines: &mut impl Iterator<Item = &'a str>) {
        let file = fence.info.split_whitespace().find_map(|word| word.strip_prefix("file="));
        let title = match fence.info.split_whitespace().next() {
            Some("findings") => Some("reported:".to_owned()),
            Some("fixed") => Some(file.map_or("fixed:".to_owned(), |file| format!("fixed: {file}"))),
            _ => file.map(str::to_owned),
        };
        if let Some(title) = title {
            self.line("    ", &title, Some(DIM));
        }
        let reported = fence.info.starts_with("findings");
        for line in lines.take_while(|line| !fence.closes(line)) {
            let line = clean(line);
            match reported {
                true => self.line("      ", &fitted(&line, 8, &self.stream), None),
                false => self.line("      ", &line, Some(CODE)),
            }
        }
    }

    fn end_paragraph(&mut self, paragraph: &mut String) {
        if let Some(rest) = item(paragraph) {
            self.prose("- ", rest);
        } else if !paragraph.is_empty() {
            self.prose("", paragraph);
        }
        paragraph.clear();
    }

    /// Wraps a paragraph. Lines after a list item's first are indented like its text.
    fn prose(&mut self, mark: &str, text: &str) {
        let indent = " ".repeat(mark.len());
        let (mut line, mut width, mut code) = (mark.to_owned(), mark.len(), false);
        for word in text.split_whitespace() {
            let length = word.chars().count();
            if width > mark.len() && width + 1 + length > self.stream.width {
                self.line("", &std::mem::replace(&mut line, indent.clone()), None);
                width = indent.len();
            }
            if width > mark.len() {
                line.push(' ');
                width += 1;
            }
            line.push_str(&self.word(word, &mut code));
            width += length;
        }
        self.line("", &line, None);
    }

    /// A word of prose. `code` is whether it is between backticks.
    fn word(&self, word: &str, code: &mut bool) -> String {
        if !self.stream.color {
            return word.to_owned();
        }
        let mut styled = String::new();
        for (index, part) in word.split('`').enumerate() {
            *code ^= index > 0;
            match *code && !part.is_empty() {
                true => styled.push_str(&CODE.on(part, true)),
                false => styled.push_str(part),
            }
        }
        styled
    }
}

fn item(line: &str) -> Option<&str> {
    line.strip_prefix("- ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule;

    #[test]
    fn pages_are_wrapped_and_complete() {
        for rule in rule::BUILT_IN.iter() {
            let stream = Stream { width: 60, ..Stream::default() };
            let text = render(rule, &Catalog::built_in(), &stream);
            // The headline with the id and the level is always one line.
            let prose = text.lines().skip(1).filter(|line| !line.starts_with("    ") && !line.contains("://"));
            for line in prose.filter(|line| line.split_whitespace().count() > 1 && !line.starts_with('|')) {
                assert!(line.chars().count() <= 60 || line.starts_with("  "), "{}: {line}", rule.id);
            }
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let shown = words(&text);
            let why = rule.body.split("## ").nth(1).unwrap_or("");
            assert!(words(why).iter().all(|word| shown.contains(word)), "{}", rule.id);
            assert!(!text.contains("```") && !text.contains('\u{1b}'));
        }
    }

    #[test]
    fn colours_replace_backticks() {
        let page = Page { out: String::new(), stream: Stream { color: true, ..Stream::default() } };
        let mut code = false;
        assert_eq!(page.word("(`a", &mut code), "(\u{1b}[36ma\u{1b}[0m");
        assert_eq!(page.word("b`)", &mut code), "\u{1b}[36mb\u{1b}[0m)");
        assert!(!code);
    }
}
