//! Dockerfiles as lists of instructions, read as the Dockerfile reference describes: parser directives, continuation
//! lines, comments in between, flags and heredocs.

use super::{INSTRUCTIONS, escape_character};

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instruction {
    /// The line number of its start, from 1.
    pub line: usize,
    /// Its name in upper case.
    pub name: String,
    /// Its flags: `--from=build` is `("from", "build")`.
    pub flags: Vec<(String, String)>,
    /// The arguments, with continuation lines joined.
    pub rest: String,
    /// Its heredocs.
    pub heredocs: Vec<Heredoc>,
}

/// A heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The delimiter, which is also the file name in `COPY`.
    pub word: String,
    /// Its text.
    pub text: String,
}

impl Instruction {
    /// The value of a flag.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().find(|(flag, _)| flag == name).map(|(_, value)| value.as_str())
    }

    /// The words of the exec form, a JSON list of strings; `None` for the shell form.
    pub fn exec(&self) -> Option<Vec<String>> {
        let text = self.rest.trim();
        text.starts_with('[').then(|| serde_json::from_str(text).ok())?
    }
}

/// A stage: a `FROM` and the instructions after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stage {
    /// The line of its `FROM`.
    pub line: usize,
    /// The image or stage that it is based on, with `ARG`s expanded.
    pub base: String,
    /// Its name.
    pub name: Option<String>,
    /// Its instructions.
    pub instructions: Vec<Instruction>,
}

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dockerfile {
    /// `ARG`s before the first `FROM`: name, default with the earlier ones expanded, line.
    pub arguments: Vec<(String, Option<String>, usize)>,
    /// Its stages.
    pub stages: Vec<Stage>,
}

/// The maximum number of instructions; longer Dockerfiles are refused. The longest real ones have about 200.
pub const MOST_INSTRUCTIONS: usize = 1_000;

/// The maximum nesting of substitutions such as `${A:-${B:-c}}`. Each level uses a part of the stack.
const DEEPEST: usize = 50;

/// The maximum number of bytes by which expansion may lengthen the text: variables that refer to others can double it
/// with each line.
pub const MOST_GROWTH: usize = 16 << 10;

/// An error in a Dockerfile: the line number and the message.
pub type Fault = (usize, String);

impl Dockerfile {
    /// Parses a Dockerfile.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let mut file = Self::default();
        let instructions = instructions(text)?;
        if let Some(first) = instructions.get(MOST_INSTRUCTIONS) {
            return Err((first.line, format!("there are more than {MOST_INSTRUCTIONS} instructions")));
        }
        for instruction in instructions {
            // The shell expands the text of `RUN`.
            if instruction.name != "RUN" && levels(&instruction.rest) > DEEPEST {
                return Err((instruction.line, format!("substitutions are nested more than {DEEPEST} levels deep")));
            }
            match (instruction.name.as_str(), file.stages.last_mut()) {
                ("FROM", _) => {
                    let stage = file.stage(&instruction)?;
                    file.stages.push(stage);
                }
                ("ARG", None) => {
                    for (name, value) in pairs(&instruction.rest) {
                        let value = value.map(|value| expand(&value, &|name| file.argument(name)));
                        file.arguments.push((name, value, instruction.line));
                    }
                }
                (name, Some(stage)) if INSTRUCTIONS.contains(&name) => stage.instructions.push(instruction),
                (name, Some(_)) => return Err((instruction.line, format!("`{name}` is not a Dockerfile instruction"))),
                (_, None) => {
                    return Err((
                        instruction.line,
                        "the first instruction is not `FROM`: this is not a Dockerfile".to_owned(),
                    ));
                }
            }
        }
        if file.stages.is_empty() {
            return Err((1, "there is no `FROM`: this is not a Dockerfile".to_owned()));
        }
        Ok(file)
    }

    fn stage(&self, from: &Instruction) -> Result<Stage, Fault> {
        let words: Vec<&str> = from.rest.split_whitespace().collect();
        let (image, name) = match words.as_slice() {
            [image] => (*image, None),
            [image, word, name] if word.eq_ignore_ascii_case("as") => (*image, Some((*name).to_ascii_lowercase())),
            _ => return Err((from.line, "`FROM` takes an image, optionally followed by `AS` and a name".to_owned())),
        };
        let base = expand(image, &|name| self.argument(name));
        Ok(Stage { line: from.line, base, name, instructions: Vec::new() })
    }

    /// The value of the last `ARG` with this name before the first `FROM`. Empty if it has no default.
    fn argument(&self, name: &str) -> Option<String> {
        let found = self.arguments.iter().rev().find(|(argument, ..)| argument == name);
        found.map(|(_, value, _)| value.clone().unwrap_or_default())
    }

    /// The index of the stage with a name or number, among the stages before `before`.
    pub fn find(&self, name: &str, before: usize) -> Option<usize> {
        let lower = name.to_ascii_lowercase();
        let earlier = self.stages.get(..before)?;
        let named = earlier.iter().rposition(|stage| stage.name.as_deref() == Some(lower.as_str()));
        named.or_else(|| name.parse().ok().filter(|number| *number < before))
    }
}

fn instructions(text: &str) -> Result<Vec<Instruction>, Fault> {
    let text = text.trim_start_matches('\u{feff}');
    let escape = escape_character(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let start = at;
        at += 1;
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let mut joined = String::new();
        let mut line = *line;
        loop {
            match line.trim_end().strip_suffix(escape) {
                Some(part) => joined.push_str(part),
                None => {
                    joined.push_str(line);
                    break;
                }
            }
            // Comments and blank lines inside an instruction are skipped.
            while lines.get(at).is_some_and(|next| next.trim_start().starts_with('#') || next.trim().is_empty()) {
                at += 1;
            }
            let Some(next) = lines.get(at) else { break };
            line = next;
            at += 1;
        }
        let mut instruction = split(joined.trim(), start + 1);
        if matches!(instruction.name.as_str(), "RUN" | "COPY" | "ADD") {
            for word in heredoc_words(&instruction.rest) {
                instruction.heredocs.push(heredoc(&lines, &mut at, word, start + 1)?);
            }
        }
        out.push(instruction);
    }
    Ok(out)
}

/// The line number of the first instruction whose name is continued on the next line, which Docker accepts.
pub fn continued_name(text: &str) -> Option<usize> {
    let text = text.trim_start_matches('\u{feff}');
    let escape = escape_character(text);
    let lines: Vec<&str> = text.lines().collect();
    let is_continued = |instruction: &Instruction| {
        let first = lines.get(instruction.line - 1).and_then(|line| line.trim().strip_suffix(escape));
        let Some(part) = first else { return false };
        let is_from = instruction.name == "FROM" && part.len() == instruction.name.len();
        let is_cut = |part: &str, name: &str| !part.contains(char::is_whitespace) && part.len() < name.len();
        // `ONBUILD EXP\⏎OSE 80`
        let inner = part.split_once(char::is_whitespace).filter(|_| instruction.name == "ONBUILD");
        let inner_name = instruction.rest.split_whitespace().next().unwrap_or_default();
        is_from || is_cut(part, &instruction.name) || inner.is_some_and(|(_, part)| is_cut(part.trim(), inner_name))
    };
    instructions(text).ok()?.iter().find(|instruction| is_continued(instruction)).map(|instruction| instruction.line)
}

fn split(line: &str, number: usize) -> Instruction {
    let (name, mut rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let mut flags = Vec::new();
    rest = rest.trim();
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        let (key, value) = flag.split_once('=').unwrap_or((flag, ""));
        flags.push((key.to_owned(), value.trim_matches('"').to_owned()));
        rest = after.trim();
    }
    Instruction { line: number, name: name.to_ascii_uppercase(), flags, rest: rest.to_owned(), heredocs: Vec::new() }
}

/// The delimiters after `<<`, without their quotes.
fn heredoc_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("<<") {
        let after = &rest[at + 2..];
        rest = after;
        if after.starts_with('<') {
            rest = after.trim_start_matches('<');
            continue;
        }
        let after = after.strip_prefix('-').unwrap_or(after);
        let quoted = after.trim_start_matches(['"', '\'']);
        let end = quoted.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(quoted.len());
        if end > 0 {
            words.push(&quoted[..end]);
        }
    }
    words
}

fn heredoc(lines: &[&str], at: &mut usize, word: &str, start: usize) -> Result<Heredoc, Fault> {
    let mut text = String::new();
    while let Some(line) = lines.get(*at) {
        *at += 1;
        if line.trim() == word {
            return Ok(Heredoc { word: word.to_owned(), text });
        }
        text.push_str(line);
        text.push('\n');
    }
    Err((start, format!("the heredoc `{word}` does not end")))
}

/// `NAME=value` pairs, with quotes removed; a name without `=` has no value.
pub fn pairs(text: &str) -> Vec<(String, Option<String>)> {
    words(text)
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        })
        .collect()
}

/// Splits the text into words as the Dockerfile parser does: quotes and backslashes are resolved; variables are not
/// expanded.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut inside, mut quote) = (String::new(), false, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.extend(chars.next()),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                inside = true;
            }
            (c, None) if c.is_whitespace() => {
                if inside || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            (c, _) => word.push(c),
        }
    }
    if inside || !word.is_empty() {
        words.push(word);
    }
    words
}

/// The deepest nesting of substitutions in the text.
fn levels(text: &str) -> usize {
    let (mut open, mut deepest) = (0usize, 0);
    let mut before = b' ';
    for &byte in text.as_bytes() {
        match byte {
            b'{' if before == b'$' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
        before = byte;
    }
    deepest
}

/// Expands `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+value}`. Unknown variables are empty, as in Docker.
/// Substitutions that are nested too deeply, or that would make the text too long, are left unchanged.
pub fn expand(text: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    expand_at(text, known, 0)
}

/// Expands the text inside `depth` substitutions.
fn expand_at(text: &str, known: &dyn Fn(&str) -> Option<String>, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$').filter(|_| depth <= DEEPEST && out.len() <= text.len() + MOST_GROWTH) {
        out.push_str(&rest[..at]);
        if out.ends_with('\\') {
            out.pop();
            out.push('$');
            rest = &rest[at + 1..];
            continue;
        }
        rest = &rest[at + 1..];
        if let Some(inner) = rest.strip_prefix('{') {
            let end = closing(inner);
            let (body, after) = (&inner[..end], inner.get(end + 1..).unwrap_or(""));
            out.push_str(&modified(body, known, depth));
            rest = after;
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 {
            out.push('$');
        } else {
            out.push_str(&known(&rest[..end]).unwrap_or_default());
            rest = &rest[end..];
        }
    }
    out + rest
}

fn closing(text: &str) -> usize {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn modified(body: &str, known: &dyn Fn(&str) -> Option<String>, depth: usize) -> String {
    let end = body.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(body.len());
    let (name, modifier) = body.split_at(end);
    let value = known(name);
    let set = value.as_ref().is_some_and(|value| !value.is_empty());
    let inner = |skip: usize| expand_at(modifier.get(skip..).unwrap_or(""), known, depth + 1);
    match modifier {
        _ if modifier.starts_with(":-") => {
            if set {
                value.unwrap_or_default()
            } else {
                inner(2)
            }
        }
        _ if modifier.starts_with(":+") => {
            if set {
                inner(2)
            } else {
                String::new()
            }
        }
        _ if modifier.starts_with('-') => value.unwrap_or_else(|| inner(1)),
        _ if modifier.starts_with('+') => value.map(|_| inner(1)).unwrap_or_default(),
        _ => value.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_read_in_every_form() {
        let text = "# syntax=docker/dockerfile:1\nARG V=22 W\nFROM --platform=$BUILDPLATFORM node:${V}-slim AS Build\n\
                    run --mount=type=cache,target=/x a && \\\n  # why\n\n  b\nCOPY --from=0 --chown=1:2 <<EOF /etc/x\nhello\nEOF\nCMD [\"a\", \"b c\"]\n";
        let file = Dockerfile::read(text).unwrap();
        assert_eq!(file.arguments, [("V".into(), Some("22".into()), 2), ("W".into(), None, 2)]);
        let stage = &file.stages[0];
        assert_eq!((stage.base.as_str(), stage.name.as_deref(), stage.line), ("node:22-slim", Some("build"), 3));
        let [run, copy, cmd] = stage.instructions.as_slice() else { panic!("{stage:?}") };
        assert_eq!((run.line, run.name.as_str(), run.rest.as_str()), (4, "RUN", "a &&   b"));
        assert_eq!(
            (copy.flag("from"), copy.flag("chown"), copy.heredocs[0].text.as_str()),
            (Some("0"), Some("1:2"), "hello\n")
        );
        assert_eq!(cmd.exec(), Some(vec!["a".into(), "b c".into()]));
        assert_eq!((file.find("BUILD", 1), file.find("0", 1), file.find("x", 1)), (Some(0), Some(0), None));
    }

    #[test]
    fn variables_are_expanded_as_docker_does() {
        let known = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "E" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("$A/${A}x", "1/1x"),
            ("${B:-x$A}${E:-e}${E-f}", "x1e"),
            ("${A:+y}${B:+n}", "y"),
            ("\\$A $ a$", "$A $ a$"),
            ("${A", "1"),
        ] {
            assert_eq!(expand(text, &known), expected, "{text}");
        }
        assert_eq!(words("a \"b c\" d\\ e ''"), ["a", "b c", "d e", ""]);
    }

    #[test]
    fn defaults_of_arguments_are_expanded() {
        for (text, expected) in [
            ("ARG V=${V:-1.27}\nFROM nginx:$V\n", "nginx:1.27"),
            ("ARG HUB=\nARG AT=${HUB:+$HUB/}\nFROM ${AT}alpine\n", "alpine"),
            ("ARG HUB=quay.io\nARG AT=${HUB:+$HUB/}\nFROM ${AT}alpine\n", "quay.io/alpine"),
        ] {
            assert_eq!(Dockerfile::read(text).unwrap().stages[0].base, expected, "{text}");
        }
        // Arguments that refer to the one before grow by a bounded number of bytes each.
        let doubled: String = (1..60).map(|n| format!("ARG A{n}=$A{0}$A{0}$A{0}\n", n - 1)).collect();
        let file = Dockerfile::read(&format!("ARG A0=xxxx\n{doubled}FROM a\n")).unwrap();
        let longest = file.arguments.iter().filter_map(|(_, value, _)| Some(value.as_ref()?.len())).max();
        assert!(longest.is_some_and(|longest| longest < 4 * MOST_GROWTH), "{longest:?}");
    }

    #[test]
    fn expansion_is_bounded() {
        let nested = |levels: usize| format!("{}x{}", "${A:-".repeat(levels), "}".repeat(levels));
        assert_eq!(expand(&nested(DEEPEST), &|_| None), "x");
        assert!(expand(&nested(100_000), &|_| None).contains("${A:-"));
        let fault = |text: String| Dockerfile::read(&format!("FROM a\n{text}")).map(|_| ());
        assert_eq!(fault(format!("ENV A={}\n", nested(DEEPEST))), Ok(()));
        let message = "substitutions are nested more than 50 levels deep".to_owned();
        assert_eq!(fault(format!("ENV A={}\n", nested(100_000))), Err((2, message)));
        let message = "there are more than 1000 instructions".to_owned();
        assert_eq!(fault("EXPOSE 1\n".repeat(MOST_INSTRUCTIONS)), Err((1_001, message)));
        let mut value = "x".repeat(100);
        for _ in 0..40 {
            value = expand("$A$A", &|_| Some(value.clone()));
        }
        assert!(value.len() < 3 * MOST_GROWTH, "{}", value.len());
    }

    #[test]
    fn errors_have_line_numbers() {
        for (text, line, why) in [
            ("", 1, "no `FROM`"),
            ("RUN x\nFROM a\n", 1, "not `FROM`"),
            ("FROM a\nservices: x\n", 2, "not a Dockerfile instruction"),
            ("FROM a b\n", 1, "optionally followed by `AS`"),
            ("FROM a\nRUN <<E\nx\n", 2, "does not end"),
        ] {
            let (at, said) = Dockerfile::read(text).unwrap_err();
            assert!(at == line && said.contains(why), "{text:?} {at} {said}");
        }
    }
}
