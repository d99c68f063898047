//! `${VAR}` in Compose files, and the `.env` file that sets such variables.

use std::collections::{BTreeMap, BTreeSet};

use super::yaml::{Node, Scalar};

/// The values of variables, by name.
pub type Variables = BTreeMap<String, String>;

/// The maximum length of a string after interpolation, in bytes. Linux does not pass longer arguments or variables to a
/// program (`MAX_ARG_STRLEN`, execve(2)).
const LONGEST: usize = 128 << 10;

/// The maximum total size of the variables in one file, in bytes.
const MOST: usize = 4 << 20;

/// The maximum nesting of substitutions such as `${A:-${B:-c}}`. Each level uses stack space.
const DEEPEST: usize = 50;

/// Replaces all variables in a string. The error describes what is wrong with it.
pub fn interpolate(text: &str, variables: &Variables) -> Result<String, String> {
    interpolate_at(text, variables, 0)
}

/// Replaces all variables in a string inside `depth` substitutions.
fn interpolate_at(text: &str, variables: &Variables, depth: usize) -> Result<String, String> {
    if depth > DEEPEST {
        return Err(format!("substitutions are nested more than {DEEPEST} levels deep"));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(behind) = after.strip_prefix('$') {
            out.push('$');
            rest = behind;
        } else if let Some(inner) = after.strip_prefix('{') {
            let end = closing(inner).ok_or_else(|| format!("`{}` is not closed", shorten(&rest[at..])))?;
            out.push_str(&substitute(&inner[..end], variables, depth)?);
            rest = &inner[end + 1..];
        } else {
            // As in Compose, a dollar sign that is not followed by a name is kept: `$(id)`, `$1`.
            let end = name_end(after);
            out.push_str(if end == 0 { "$" } else { variables.get(&after[..end]).map_or("", String::as_str) });
            rest = &after[end..];
        }
        if out.len() > LONGEST {
            return Err(format!("a value exceeds {} KiB after variable interpolation", LONGEST >> 10));
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn shorten(text: &str) -> String {
    text.chars().take(30).collect()
}

/// The end of the variable name at the start of a string. 0 if there is none.
fn name_end(text: &str) -> usize {
    let first = |c: char| c == '_' || c.is_ascii_alphabetic();
    match text.chars().next() {
        Some(c) if first(c) => text.find(|c: char| !(c == '_' || c.is_ascii_alphanumeric())).unwrap_or(text.len()),
        _ => 0,
    }
}

/// The position of the brace that closes a substitution. The string begins after the opening brace.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The value of the text between braces, inside `depth` other substitutions.
fn substitute(inner: &str, variables: &Variables, depth: usize) -> Result<String, String> {
    let end = name_end(inner);
    if end == 0 {
        return Err(format!("`${{{}}}` has no variable name", shorten(inner)));
    }
    let (name, rest) = inner.split_at(end);
    let value = variables.get(name);
    let (colon, rest) = match rest.strip_prefix(':') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let set = value.filter(|value| !colon || !value.is_empty());
    let argument = |rest: &str| interpolate_at(rest, variables, depth + 1);
    match rest.chars().next() {
        None if !colon => Ok(value.cloned().unwrap_or_default()),
        Some('-') => set.map_or_else(|| argument(&rest[1..]), |value| Ok(value.clone())),
        Some('+') => set.map_or_else(|| Ok(String::new()), |_| argument(&rest[1..])),
        Some('?') => match set {
            Some(value) => Ok(value.clone()),
            None => Err(match argument(&rest[1..])? {
                text if text.is_empty() => format!("the variable `{name}` is required and has no value"),
                text => format!("the variable `{name}` is required and has no value: {text}"),
            }),
        },
        _ => Err(format!("`${{{}}}` is not a valid substitution", shorten(inner))),
    }
}

/// The names of the variables that a string refers to, in order.
pub fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('$') {
            rest = behind;
            continue;
        }
        let inner = rest.strip_prefix('{').unwrap_or(rest);
        let end = name_end(inner);
        if end > 0 {
            names.push(inner[..end].to_owned());
        }
    }
    names
}

/// The variables that a scalar refers to without a default value.
pub fn without_default(scalar: &Scalar) -> BTreeSet<&str> {
    let parts = scalar.raw.as_deref().unwrap_or_default().split('$').skip(1);
    let names = parts.filter_map(|part| {
        let (braced, part) = part.strip_prefix('{').map_or((false, part), |inner| (true, inner));
        let end = part.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        (!braced || part[end..].starts_with('}')).then_some(&part[..end])
    });
    names.filter(|name| !name.is_empty()).collect()
}

/// Reads a `.env` or `env_file`. Returns the variables in order. Values may refer to the variables in `lookup`. The
/// error contains a line number and a message.
pub fn read_env(text: &str, lookup: &Variables) -> Result<Vec<(String, String)>, (usize, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut known = lookup.clone();
    let mut size = 0;
    let lines: Vec<&str> = text.split('\n').collect();
    let mut at = 0;
    while at < lines.len() {
        let number = at + 1;
        let line = lines[at].trim_start_matches('\u{feff}').trim();
        at += 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) = line.split_once(['=', ':']) else {
            if let Some(value) = lookup.get(line) {
                found.push((line.to_owned(), value.clone()));
            }
            continue;
        };
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err((number, format!("`{}` is not a variable name", shorten(name))));
        }
        let value = value.trim();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let mut whole = String::new();
                let mut closing = Closing { quote, is_escaped: false };
                let mut end = closing.add(&mut whole, &value[1..]);
                while end.is_none() && at < lines.len() {
                    end = closing
                        .add(&mut whole, "\n")
                        .or_else(|| closing.add(&mut whole, lines[at].trim_end_matches('\r')));
                    at += 1;
                }
                let end = end.ok_or_else(|| (number, format!("the value of `{name}` has no closing quote")))?;
                match quote {
                    '"' => interpolate(&unescape(&whole[..end]), &known).map_err(|message| (number, message))?,
                    _ => whole[..end].to_owned(),
                }
            }
            _ => {
                let plain = value.split(" #").next().unwrap_or(value).trim_end();
                let plain = if plain.starts_with('#') { "" } else { plain };
                interpolate(plain, &known).map_err(|message| (number, message))?
            }
        };
        size += value.len();
        if size > MOST {
            return Err((number, format!("the variables exceed {} MiB", MOST >> 20)));
        }
        known.entry(name.to_owned()).or_insert_with(|| value.clone());
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

/// Reads an `env_file` with `format: raw`, as `docker run --env-file` does: a value is the rest of its line.
pub fn read_raw_env(text: &str) -> Result<Vec<(String, String)>, (usize, String)> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start_matches('\u{feff}').trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err((at + 1, format!("`{}` is not a variable name", shorten(name))));
        }
        found.push((name.to_owned(), value.to_owned()));
    }
    Ok(found)
}

/// Reads the `env_file` in an entry of a service, in the format that the entry names.
pub fn read_env_item(item: &Node, text: &str, lookup: &Variables) -> Result<Vec<(String, String)>, (usize, String)> {
    match is_raw(item) {
        true => read_raw_env(text),
        false => read_env(text, lookup),
    }
}

/// Whether an entry of `env_file` has `format: raw`.
pub fn is_raw(item: &Node) -> bool {
    item.get("format").and_then(Node::text) == Some("raw")
}

/// Searches for the end of a quoted text that is read in parts. Each part is read only once.
struct Closing {
    quote: char,
    /// Whether the last character was a backslash that escapes the next one.
    is_escaped: bool,
}

impl Closing {
    /// Appends a part to the text. Returns the position of the closing quote, if the part contains it.
    fn add(&mut self, whole: &mut String, part: &str) -> Option<usize> {
        let start = whole.len();
        whole.push_str(part);
        for (at, c) in part.char_indices() {
            match c {
                _ if self.is_escaped => self.is_escaped = false,
                '\\' => self.is_escaped = true,
                c if c == self.quote => return Some(start + at),
                _ => {}
            }
        }
        None
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_do_not_grow_without_limit() {
        let doubling: String = (1..40).map(|n| format!("A{n}=${{A{0}}}${{A{0}}}\n", n - 1)).collect();
        let (line, message) = read_env(&format!("A0=xxxxxxxxxx\n{doubling}"), &Variables::new()).unwrap_err();
        assert_eq!((line, message.as_str()), (15, "a value exceeds 128 KiB after variable interpolation"));
        let many = format!("A={}\n{}", "x".repeat(100_000), "B=$A\n".repeat(100));
        assert_eq!(read_env(&many, &Variables::new()).unwrap_err().1, "the variables exceed 4 MiB");
    }

    #[test]
    fn nested_substitutions_are_limited() {
        let nested = |levels: usize| format!("{}x{}", "${A:-".repeat(levels), "}".repeat(levels));
        assert_eq!(interpolate(&nested(DEEPEST), &Variables::new()).as_deref(), Ok("x"));
        let refused = "substitutions are nested more than 50 levels deep";
        for levels in [DEEPEST + 1, 200_000] {
            assert_eq!(interpolate(&nested(levels), &Variables::new()).unwrap_err(), refused);
            for quote in ["", "\"", "\"\n"] {
                let text = format!("A={quote}{}{}\n", nested(levels), quote.trim_end());
                assert_eq!(read_env(&text, &Variables::new()).unwrap_err(), (1, refused.to_owned()), "{quote}");
            }
        }
        // Braces without a dollar sign before them do not nest.
        assert!(interpolate(&format!("${{A:-{}}}", "{".repeat(1_000)), &Variables::new()).is_ok());
    }

    #[test]
    fn variables_are_replaced() {
        let variables = Variables::from([("A".into(), "1".into()), ("E".into(), String::new())]);
        for (text, expected) in [
            ("x$A ${A} $$A $${A}", Ok("x1 1 $A ${A}")),
            ("${B:-d} ${E:-d} ${E-d} ${B-d}", Ok("d d  d")),
            ("${B:-${A}} ${B:-${C:-x}}", Ok("1 x")),
            ("${A:+yes}${E:+no}${E+set}${B+no}", Ok("yesset")),
            ("${A:?e}", Ok("1")),
            ("${B:-a:b}", Ok("a:b")),
            ("${B:-}", Ok("")),
            ("${B:?set it}", Err("the variable `B` is required and has no value: set it")),
            ("${B", Err("`${B` is not closed")),
            ("a$ b $(id) ${B:-$2a$14$.x}", Ok("a$ b $(id) $2a$14$.x")),
            ("${1}", Err("`${1}` has no variable name")),
        ] {
            let found = interpolate(text, &variables);
            assert_eq!(found.as_deref().map_err(|error| error.as_str()), expected, "{text}");
        }
        assert_eq!(names("a $A $$B ${C:-${D}}"), ["A", "C", "D"]);
    }

    #[test]
    fn env_files_are_read() {
        let text = "# c\nA=1\nexport B=\"x $A\\n\"\nC='$A'\nD=a # b\nE=\nF=\"two\nlines\"\nG=${A}2\n";
        let found = read_env(text, &Variables::new()).unwrap();
        let pairs: Vec<(&str, &str)> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
        let expected =
            [("A", "1"), ("B", "x 1\n"), ("C", "$A"), ("D", "a"), ("E", ""), ("F", "two\nlines"), ("G", "12")];
        assert_eq!(pairs, expected);
        assert_eq!(read_env("A=\"x", &Variables::new()).unwrap_err().0, 1);
    }
}
