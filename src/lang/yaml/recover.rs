//! Error recovery in YAML, so that an error affects its own lines and not the rest of the file.
//!
//! After the first error, the grammar's tree is unusable, its error positions do not help, and it rejects some YAML
//! that libyaml accepts. libyaml (of which the Go, Python, Ruby and .NET parsers are ports) reports the exact position.
//! So a file that the grammar cannot parse is read by libyaml: each faulty value or entry is blanked, and the rest is
//! rewritten into a form that the grammar accepts. Every byte keeps its offset.

use std::panic::catch_unwind;

use libyaml_safer::{Event, EventData, MappingStyle, Mark, Parser, ScalarStyle, SequenceStyle};

use crate::finding::Span;

/// A syntax error: a part of the text that is not valid YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From the error position to the end of that line.
    pub span: Span,
    /// libyaml's message.
    pub message: String,
}

/// Text that the grammar can parse, in place of faulty text.
#[derive(Debug)]
pub struct Recovered {
    /// The text, of the same length as the original. It differs only where something is blanked or joined.
    pub text: String,
    /// The errors that were blanked, in order.
    pub faults: Vec<Fault>,
    /// Whether libyaml accepts the whole text.
    pub complete: bool,
}

/// The maximum number of passes over the text. Each error takes one to three passes.
const READINGS: usize = 24;

/// The maximum length of a text, in bytes. Longer ones are left to the grammar, because they are not hand-written.
const MAX_LENGTH: usize = 1 << 20;

/// The maximum nesting of flow collections: libyaml visits all open ones for each token.
const MAX_FLOWS: usize = 100;

/// Blanks the errors of the text. `None` if it is too long or too deep, or if libyaml fails on it.
pub fn recover(text: &str) -> Option<Recovered> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut masked = Masked { original: text, bytes: text.as_bytes().to_vec() };
    let mut faults: Vec<Fault> = Vec::new();
    // A Helm chart can have more template lines than there are passes.
    for line in template_lines(text) {
        masked.fill(line.clone());
        faults.push(Fault { span: Span::new(line.start, line.end), message: "found a template action".to_owned() });
    }
    let mut last = Attempt { start: usize::MAX, blanked_to: 0, step: 0 };
    for _ in 0..READINGS {
        let reading = masked.text();
        // Hostile input can make assertions in libyaml fail. Such input is left to the grammar.
        let stuck = match catch_unwind(|| read(&reading)).ok()? {
            Ok(inline) => {
                masked.join(&inline);
                return Some(Recovered { text: masked.text(), faults, complete: true });
            }
            Err(Stop::Stuck(stuck)) => stuck,
            Err(Stop::TooDeep) => return None,
        };
        let line = line_start(text, stuck.at);
        let same = line == line_start(text, last.start.min(text.len()));
        let follows = !faults.is_empty() && text[last.blanked_to.min(line)..line].trim().is_empty();
        if !same && !follows {
            let end = line_end(text, stuck.at);
            let shown = text[stuck.at..end].trim_end().len();
            faults.push(Fault { span: Span::new(stuck.at, stuck.at + shown), message: stuck.message });
        }
        let step = if same { last.step + 1 } else { 0 };
        let blanked_to = masked.blank(stuck.at, step);
        last = Attempt { start: stuck.at, blanked_to, step };
    }
    faults.sort_by_key(|fault| fault.span.start);
    Some(Recovered { text: masked.text(), faults, complete: false })
}

/// The lines that consist of template actions, from their first `{{` to the last `}}`: `{{- if .Values.debug }}`.
fn template_lines(text: &str) -> Vec<Inline> {
    let mut found = Vec::new();
    let mut line = 0;
    while line < text.len() {
        let start = line + indent(text, line);
        let mut end = line_end(text, line);
        if text[start..].starts_with("{{") {
            // An action may have several lines, as a comment does.
            let Some(close) = memchr::memmem::find(&text.as_bytes()[start..], b"}}") else { break };
            end = line_end(text, start + close);
            let last = text[..end].trim_end().len();
            if text[start..last].ends_with("}}") {
                found.push(start..last);
            }
        }
        line = end + 1;
    }
    found
}

/// An attempt to blank an error.
struct Attempt {
    start: usize,
    blanked_to: usize,
    step: usize,
}

/// Why a pass stopped.
enum Stop {
    /// At an error.
    Stuck(Stuck),
    /// Too many flow collections are open.
    TooDeep,
}

/// The position at which a pass stopped, and the reason.
struct Stuck {
    at: usize,
    message: String,
}

/// A part that the grammar requires on one line: a flow collection, a quoted scalar, the head of a block scalar.
type Inline = std::ops::Range<usize>;

/// Reads the text with libyaml. Returns the parts to join, or the error.
fn read(text: &str) -> Result<Vec<Inline>, Stop> {
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let offsets = Offsets::of(text);
    let mut inline = Vec::new();
    let mut flows: Vec<usize> = Vec::new();
    let mut quoted: Option<Inline> = None;
    loop {
        let event = match parser.parse() {
            Ok(event) => event,
            Err(error) => return Err(Stop::Stuck(stuck(text, &offsets, &error, &flows, quoted.as_ref()))),
        };
        let span = offsets.at(event.start_mark)..offsets.at(event.end_mark);
        match &event.data {
            EventData::StreamEnd => return Ok(inline),
            EventData::Scalar { style: ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, .. } => {
                let span = trim_start_to_quote(text, span);
                if flows.is_empty() {
                    inline.push(span.clone());
                }
                quoted = Some(span);
            }
            EventData::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. } => {
                inline.extend(block_head(text, span));
            }
            _ if opens_flow(&event) && flows.len() == MAX_FLOWS => return Err(Stop::TooDeep),
            _ if opens_flow(&event) => flows.push(flow_start(text, &span)),
            EventData::SequenceEnd | EventData::MappingEnd if text[span.clone()].starts_with([']', '}']) => {
                if let Some(start) = flows.pop().filter(|_| flows.is_empty()) {
                    inline.push(start..span.end);
                }
            }
            _ => {}
        }
    }
}

fn opens_flow(event: &Event) -> bool {
    matches!(
        event.data,
        EventData::SequenceStart { style: SequenceStyle::Flow, .. }
            | EventData::MappingStart { style: MappingStyle::Flow, .. }
    )
}

/// The offset of a flow collection. The span of an event starts with its anchor or tag; the bracket is its last byte.
fn flow_start(text: &str, span: &Inline) -> usize {
    if text[span.clone()].ends_with(['[', '{']) { span.end - 1 } else { span.start }
}

fn trim_start_to_quote(text: &str, span: Inline) -> Inline {
    let close = text.as_bytes().get(span.end.wrapping_sub(1)).copied().unwrap_or(b'"');
    let open = memchr::memchr(close, &text.as_bytes()[span.clone()]).unwrap_or(0);
    span.start + open..span.end
}

/// The blank lines at the start of a block scalar, from the end of its first line to the end of the last blank one.
fn block_head(text: &str, span: Inline) -> Option<Inline> {
    let from = span.start + text[span.clone()].find('\n')?;
    let body = &text[from..span.end];
    let content = from + (body.len() - body.trim_start().len());
    let last = text[..content].rfind('\n')?;
    (last > from && content < span.end).then_some(from..last)
}

/// The position to report: the position of the error, or the start of an earlier construct that was not closed.
fn stuck(
    text: &str,
    offsets: &Offsets<'_>,
    error: &libyaml_safer::Error,
    flows: &[usize],
    quoted: Option<&Inline>,
) -> Stuck {
    let problem = error.problem();
    let at = offsets.at(error.problem_mark().unwrap_or_default());
    let context = error.context_mark().map(|mark| offsets.at(mark));
    let unended = matches!(problem, "found unexpected end of stream" | "could not find expected ':'");
    let line = line_start(text, at);
    let at = if let Some(context) = context.filter(|_| unended) {
        context
    } else if let Some(quoted) = quoted.filter(|quoted| quoted.end > line && quoted.start < line) {
        quoted.start
    } else if let Some(&flow) = flows.last().filter(|&&flow| escapes(text, flow, at)) {
        flow
    } else {
        at
    };
    let context = error.context().map(|context| format!(" {context}")).unwrap_or_default();
    Stuck { at: skip_blank(text, at), message: format!("{problem}{context}") }
}

/// Whether a position is outside a flow collection: on a later line that is not indented deeper.
fn escapes(text: &str, flow: usize, at: usize) -> bool {
    let (first, line) = (line_start(text, flow), line_start(text, at));
    line > first && (at >= text.trim_end().len() || indent(text, line) <= indent(text, first))
}

/// Moves a position that is followed only by blanks on its line back to the start of the last line with text.
fn skip_blank(text: &str, at: usize) -> usize {
    if at < text.len() && !text[at..line_end(text, at)].trim().is_empty() {
        return at;
    }
    let before = text[..at.min(text.len())].trim_end();
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    line + indent(text, line).min(before.len().saturating_sub(line))
}

/// The text with its errors blanked.
struct Masked<'a> {
    original: &'a str,
    bytes: Vec<u8>,
}

impl Masked<'_> {
    /// The current text. Only whole characters are blanked, so it is valid UTF-8.
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Blanks the error at a position. Each `step` blanks more: the value of its key, the whole entry, the rest of the
    /// text. Returns the end of the blanked range.
    fn blank(&mut self, at: usize, step: usize) -> usize {
        let text = self.original;
        let line = line_start(text, at);
        if step == 0
            && let Some(end) = tabbed(text, line)
        {
            self.fill(line..end);
            return end;
        }
        let entry = Entry::of(text, line);
        let value = entry.value.filter(|&value| value <= at);
        match (step, value) {
            (0, Some(value)) => self.blank_deeper(value, entry.key - line, entry.key - line),
            (0, None) | (1, Some(_)) => {
                self.blank_deeper(entry.first, entry.first - line, (entry.key - line).saturating_sub(1))
            }
            _ => {
                self.fill(entry.first..text.len());
                text.len()
            }
        }
    }

    /// Blanks from a position to the end of its line, and the following lines that are indented deeper than `base`; a
    /// list item only if it is indented deeper than `item`, because correct items may follow a wrongly indented one.
    fn blank_deeper(&mut self, from: usize, base: usize, item: usize) -> usize {
        let text = self.original;
        let mut end = line_end(text, from);
        let mut next = end;
        while next < text.len() {
            let line = next + 1;
            next = line_end(text, line.min(text.len()));
            let content = text[line.min(text.len())..next].trim();
            if content.is_empty() {
                continue;
            }
            let column = indent(text, line);
            let is_item = content == "-" || content.starts_with("- ");
            if column <= base || (is_item && column <= item) {
                break;
            }
            end = next;
        }
        self.fill(from..end);
        end
    }

    fn fill(&mut self, range: Inline) {
        for byte in self.bytes[range].iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }

    /// Puts each part on one line.
    fn join(&mut self, parts: &[Inline]) {
        for part in parts {
            if memchr::memchr(b'\n', &self.bytes[part.clone()]).is_none() {
                continue;
            }
            for comment in flow_comments(&self.bytes[part.clone()]) {
                self.fill(part.start + comment.start..part.start + comment.end);
            }
            for byte in self.bytes[part.clone()].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
                *byte = b' ';
            }
        }
    }
}

/// The comments in a flow collection; empty for a quoted scalar.
fn flow_comments(bytes: &[u8]) -> Vec<Inline> {
    let mut comments = Vec::new();
    let mut last = b'\n';
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            // A quote opens a scalar only where one may start.
            quote @ (b'"' | b'\'') if at == 0 || matches!(last, b'[' | b'{' | b',' | b':') => {
                at = quote_end(bytes, at + 1, quote);
                last = quote;
            }
            b'#' if at > 0 && bytes[at - 1].is_ascii_whitespace() => {
                let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                comments.push(at..end);
                at = end;
            }
            byte => {
                last = if byte.is_ascii_whitespace() { last } else { byte };
                at += 1;
            }
        }
    }
    comments
}

/// The offset after a quoted scalar that started before `at`.
fn quote_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The parts of a line's first entry.
struct Entry {
    /// Its first byte: a dash or the key.
    first: usize,
    /// The key, or the text in its place, after the dashes.
    key: usize,
    /// The text after `key:` on the line, if any.
    value: Option<usize>,
}

impl Entry {
    fn of(text: &str, line: usize) -> Self {
        let end = line_end(text, line);
        let first = line + indent(text, line);
        let mut key = first;
        while text[key..end].starts_with("- ") {
            key += 2 + indent(text, key + 2);
        }
        let key = key.min(end);
        let bytes = &text.as_bytes()[key..end];
        let from = match bytes.first() {
            Some(&quote @ (b'"' | b'\'')) => quote_end(bytes, 1, quote),
            _ => 0,
        };
        let colon = text[key + from..end].find(": ").map(|colon| key + from + colon + 1);
        let value = colon.map(|colon| colon + indent(text, colon)).filter(|&value| value < end);
        Self { first, key, value }
    }
}

/// Byte offsets of libyaml's marks, which do not count a byte order mark.
struct Offsets<'a> {
    text: &'a str,
    /// The length of the byte order mark.
    mark: usize,
}

impl<'a> Offsets<'a> {
    fn of(text: &'a str) -> Self {
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, mark }
    }

    fn at(&self, mark: Mark) -> usize {
        let index = self.mark + mark.index as usize;
        if self.text.is_char_boundary(index) { index } else { self.text.len() }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..at.min(text.len())]).map_or(0, |at| at + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[at.min(text.len())..]).map_or(text.len(), |end| at + end)
}

/// The end of the tab-indented lines that start at `line`, whose depth is unknown. `None` if `line` is not indented
/// with tabs.
fn tabbed(text: &str, line: usize) -> Option<usize> {
    let is_tabbed = |line: usize| text[line + indent(text, line)..].starts_with('\t');
    let mut end = is_tabbed(line).then(|| line_end(text, line))?;
    while end < text.len() && is_tabbed(end + 1) {
        end = line_end(text, end + 1);
    }
    Some(end)
}

/// The number of blanks after an offset.
fn indent(text: &str, at: usize) -> usize {
    text.as_bytes()[at.min(text.len())..].iter().take_while(|&&byte| byte == b' ').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Language, Tree, yaml::Yaml};

    /// The line numbers (from 1) of the errors, and the remaining text, without blanks at line ends.
    fn left(text: &str) -> (Vec<usize>, String) {
        let recovered = recover(text).unwrap();
        assert!(recovered.complete, "{text}");
        assert_eq!(recovered.text.len(), text.len());
        let lines = recovered.faults.iter().map(|fault| text[..fault.span.start as usize].matches('\n').count() + 1);
        let left: Vec<&str> = recovered.text.lines().map(str::trim_end).collect();
        (lines.collect(), left.join("\n"))
    }

    #[test]
    fn an_error_affects_only_its_own_lines() {
        for (text, line, expected) in [
            (
                "a:\n  - b: 1\n    c: 2\n - d: 3\n   e: 4\n  - f: 5\ng: 6",
                4,
                "a:\n  - b: 1\n    c: 2\n\n\n  - f: 5\ng: 6",
            ),
            ("a: -\nb: 1", 1, "a:\nb: 1"),
            ("- a: b: c\n  d: 1", 1, "- a:\n  d: 1"),
            ("a: 1\n  b: 2\nc: 3", 2, "a: 1\n\nc: 3"),
            ("a:\n  b: \"x\n  c: \"y\"\nd: 1", 2, "a:\n  b:\n  c: \"y\"\nd: 1"),
            ("a: \"x\nb: 1", 1, "a:\nb: 1"),
            ("a: [\n  x,\n  y\nb: 1\nc: 2", 1, "a:\n\n\nb: 1\nc: 2"),
            ("a: 1\nb\nc: 2", 2, "a: 1\n\nc: 2"),
            ("a: 1\n\tb: 2\nc: 3", 2, "a: 1\n\nc: 3"),
            ("a: @x\nb: 1", 1, "a:\nb: 1"),
            ("s:\n  a:\n    b: 1\n\tc: 2\n  d:\n    e: 3", 4, "s:\n  a:\n    b: 1\n\n  d:\n    e: 3"),
            ("ü: \"é\nb: 1", 1, "ü:\nb: 1"),
            ("# 🚀\na:\n  b: \"ä\n  c: [ \"8:9\" ]\nd: 1", 3, "# 🚀\na:\n  b:\n  c: [ \"8:9\" ]\nd: 1"),
            ("a:\n  b: |\n    x\n   y\n  c: 1", 4, "a:\n  b: |\n    x\n\n  c: 1"),
            ("a: { b: 1, c: d: 2 }\ne: 1", 1, "a:\ne: 1"),
        ] {
            assert_eq!(left(text), (vec![line], expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn several_errors_are_reported_separately() {
        let (lines, left) = left("a: b: c\nd: 1\ne: f: g\nh: 2");
        assert_eq!((lines, left.as_str()), (vec![1, 3], "a:\nd: 1\ne:\nh: 2"));
    }

    #[test]
    fn texts_that_libyaml_accepts_have_no_errors() {
        for (text, path, value) in [
            ("a: \"b\nc\"\nd: 1", "a", "b c"),
            ("a: [\nb, # c ] \"\nd\n]\ne: f", "e", "f"),
            ("a:\n  b: { c: 1,\n  d: 2 }\ne: 'f'", "e", "f"),
            ("a: |-\n   \n   b\nc: d", "a", "b"),
            ("\u{feff}a: b", "a", "b"),
            ("\u{feff}# c\n---\na: b", "a", "b"),
            ("\u{feff}x: é\na: \"b\nc\"\nd: [ü,\n\"v\"]", "a", "b c"),
        ] {
            let tree = Tree::parse(Language::Yaml, text).unwrap();
            assert!(!tree.broken() && tree.faults().is_empty(), "{text}");
            let yaml = Yaml::new(&tree);
            let root = yaml.documents().next().unwrap();
            let found = yaml.get(root, path).and_then(|node| yaml.scalar(node));
            assert_eq!(found.map(|found| found.trim().to_owned()).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn deep_texts_are_left_to_the_grammar() {
        let nested = |levels: usize| format!("a: {}{}\nb: c: d\n", "[".repeat(levels), "]".repeat(levels));
        assert!(recover(&nested(MAX_FLOWS)).is_some_and(|recovered| recovered.complete));
        assert!(recover(&nested(MAX_FLOWS + 1)).is_none());
        assert!(recover(&"{a: ".repeat(100_000)).is_none());
    }

    #[test]
    fn recovery_terminates_on_hopeless_texts() {
        for text in
            ["%\n", "\0\u{1}", "[[[[", "{{{{ }}", "a\n:\n- b\n c", &"\"\n".repeat(5_000), &"a: b: c\n".repeat(500)]
        {
            assert!(recover(text).is_some_and(|recovered| recovered.text.len() == text.len()), "{text}");
        }
    }

    /// A chart has more actions than there are passes, and they are not always followed by a line end.
    #[test]
    fn template_lines_do_not_use_up_the_passes() {
        let block = "  {{- with .Values.x }}\n  x:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n";
        let text = format!("{{{{/* two\nlines */}}}}\nspec:\n{}  port: 80\n{{{{- end }}}}", block.repeat(READINGS));
        let recovered = recover(&text).unwrap();
        assert!(recovered.complete && recovered.text.contains("\n  port: 80\n"), "{}", recovered.text);
        assert_eq!(recovered.text.len(), text.len());
        assert!(!recovered.text.contains("{{") && recovered.faults.len() == 3 * READINGS + 2);
        assert!(recover("a: {{ x }}\n{{ never closed\n").is_some());
    }
}
