//! Converts the strings in a Compose file to Nix strings: variables that are known only at run time, words of commands,
//! and shell quotes.
//!
//! A part of a string that the shell expands at run time is represented by its expansion between two marker characters.

use std::cell::Cell;

use super::interpolate::{self, Variables};
use super::yaml::Scalar;
use crate::knowledge::containers;
use crate::lang::shell;
use crate::migrate::nix::{Part, Text};
use crate::paths;

/// The marker characters around a shell expansion.
pub const SHELL: (char, char) = ('\u{f8f5}', '\u{f8f6}');

/// Reads a scalar. Variables for which `at_run_time` returns true are kept, unless they contain a port number. All
/// others are replaced.
pub fn text_of(scalar: &Scalar, variables: &Variables, at_run_time: &dyn Fn(&str) -> bool) -> String {
    let Some(raw) = &scalar.raw else { return scalar.text.clone() };
    if !interpolate::names(raw).iter().any(|name| at_run_time(name)) {
        return scalar.text.clone();
    }
    let mut out = String::new();
    let mut rest = raw.as_str();
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let expansion = expansion(&rest[at..]);
        let (found, behind) = rest[at..].split_at(expansion.max(1));
        rest = behind;
        let value = interpolate::interpolate(found, variables).unwrap_or_default();
        match interpolate::names(found).first() {
            Some(name) if at_run_time(name) && !is_address(&value) => {
                let bare = inside(found).unwrap_or_else(|| found.trim_start_matches('$'));
                // An unset variable is empty in Compose, but an error in a strict shell.
                let bare = if bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    format!("{bare}-")
                } else {
                    bare.to_owned()
                };
                out.push_str(&shell(&format!("${{{}}}", escaped(&bare))));
            }
            _ => out.push_str(&value),
        }
    }
    out + rest
}

/// The text between the braces of `${..}`.
fn inside(expansion: &str) -> Option<&str> {
    expansion.strip_prefix("${")?.strip_suffix('}')
}

/// Escapes characters in an expansion that Compose takes literally and the shell does not: quotes, backslashes, and
/// dollar signs that do not begin a variable.
fn escaped(expansion: &str) -> String {
    let mut out = String::new();
    let mut rest = expansion;
    while let Some(at) = rest.find(['$', '"', '\\', '`']) {
        out.push_str(&rest[..at]);
        let (special, after) = rest[at..].split_at(1);
        let is_variable =
            special == "$" && after.starts_with(|c: char| c == '{' || c == '_' || c.is_ascii_alphabetic());
        if !is_variable {
            out.push('\\');
        }
        out.push_str(special);
        rest = if special == "$" { after.strip_prefix('$').unwrap_or(after) } else { after };
    }
    out + rest
}

/// An expansion with a value as the default of a variable: `${NAME:-value}`.
pub fn default_of(name: &str, value: &Text) -> Text {
    let mut out = Text::literal(format!("{}${{{name}:-", SHELL.0));
    out.append(&value.map_literals(|literal| Text::literal(literal_default(literal))));
    out.push(&format!("}}{}", SHELL.1));
    out
}

/// Escapes a literal text for use as the default of an expansion in double quotes.
fn literal_default(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match c {
            _ if c == SHELL.0 => inside = true,
            _ if c == SHELL.1 => inside = false,
            '$' | '`' | '"' | '\\' | '}' if !inside => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

/// Reverses [`escaped`].
fn unescaped(expansion: &str) -> String {
    let mut out = String::new();
    let mut chars = expansion.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

/// Whether a value is a port number, which must be known when the module is written.
fn is_address(value: &str) -> bool {
    !value.is_empty() && value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The length of the `$..` at the beginning of a string.
fn expansion(text: &str) -> usize {
    if text.starts_with("$$") {
        return 2;
    }
    let Some(inner) = text.strip_prefix("${") else {
        let name = text[1..].find(|c: char| !(c == '_' || c.is_ascii_alphanumeric()));
        return name.map_or(text.len(), |end| end + 1);
    };
    let mut depth = 0;
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return at + 3,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// A shell expansion as a part of a string.
pub fn shell(expansion: &str) -> String {
    format!("{}{expansion}{}", SHELL.0, SHELL.1)
}

/// The name of a shell variable, if a string consists only of that variable.
pub fn variable(text: &str) -> Option<String> {
    let name = text.strip_prefix(SHELL.0)?.strip_suffix(SHELL.1)?.strip_prefix("${")?.strip_suffix("-}")?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| name.to_owned())
}

/// Removes the defaults from those expansions `${NAME:-default}` in a string for which `takes` returns true.
pub fn without_defaults(text: &str, takes: &dyn Fn(&str, &str) -> bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(SHELL.0) {
        out.push_str(before);
        let (expansion, behind) = after.split_once(SHELL.1).unwrap_or((after, ""));
        rest = behind;
        let inner = inside(expansion).unwrap_or(expansion);
        let taken = inner
            .split_once(":-")
            .or_else(|| inner.split_once('-'))
            .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            .map(|(name, default)| (name, unescaped(default)))
            .filter(|(_, default)| !default.is_empty() && interpolate::names(default).is_empty())
            .filter(|(name, default)| takes(name, default));
        out.push_str(&match taken {
            Some((name, _)) => shell(&format!("${{{name}-}}")),
            None => shell(expansion),
        });
    }
    out + rest
}

/// Whether a part of a string is known only at run time.
pub fn has_shell(text: &Text) -> bool {
    text.parts().iter().any(|part| matches!(part, Part::Literal(literal) if literal.contains(SHELL.0)))
}

/// Splits a command line into words as Compose does, which interprets only quotes and backslashes.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    Ok(split_with_starts(line)?.into_iter().map(|(_, word)| word).collect())
}

/// Splits a command line as [`split`] does. Also returns where each word starts, in bytes.
pub fn split_with_starts(line: &str) -> Result<Vec<(usize, String)>, &'static str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    loop {
        if word.is_none() {
            start = line.len() - chars.as_str().len();
        }
        let Some(c) = chars.next() else { break };
        match c {
            SHELL_START => {
                let word = word.get_or_insert_default();
                word.push(c);
                for inner in chars.by_ref() {
                    word.push(inner);
                    if inner == SHELL.1 {
                        break;
                    }
                }
            }
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(inner) => word.push(inner),
                        None => return Err("a quote is not closed"),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                            Some('\n') => {}
                            Some(other) => word.extend(['\\', other]),
                            None => return Err("a quote is not closed"),
                        },
                        Some(inner) => word.push(inner),
                        None => return Err("a quote is not closed"),
                    }
                }
            }
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => word.get_or_insert_default().push('\\'),
            },
            c if c.is_whitespace() => words.extend(word.take().map(|word| (start, word))),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.map(|word| (start, word)));
    Ok(words)
}

const SHELL_START: char = SHELL.0;

/// Quotes a string as one word of a shell command.
pub fn word(text: &Text) -> Text {
    if has_shell(text) {
        return double_quoted(text);
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+~".contains(c);
    let plain = |part: &Part| match part {
        Part::Literal(literal) => literal.chars().all(safe) && !literal.starts_with('~'),
        Part::Code(_) => true,
    };
    if !text.is_empty() && text.parts().iter().all(plain) {
        return text.clone();
    }
    let mut out = Text::literal("'");
    out.append(&text.map_literals(|literal| Text::literal(literal.replace('\'', "'\\''"))));
    out.push("'");
    out
}

/// A string in double quotes, with its expansions.
pub fn double_quoted(text: &Text) -> Text {
    let mut out = Text::literal("\"");
    // An expansion may contain Nix code: `${URL:-http://127.0.0.1:PORT}`.
    let inside = Cell::new(false);
    out.append(&text.map_literals(|literal| Text::literal(escape(literal, &inside))));
    out.push("\"");
    out
}

fn escape(literal: &str, inside: &Cell<bool>) -> String {
    let mut out = String::with_capacity(literal.len());
    for c in literal.chars() {
        match c {
            SHELL_START => inside.set(true),
            c if c == SHELL.1 => inside.set(false),
            '"' | '\\' | '$' | '`' if !inside.get() => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Joins words into a command line.
pub fn line(words: &[Text]) -> Text {
    let mut out = Text::default();
    for (at, text) in words.iter().enumerate() {
        if at > 0 {
            out.push(" ");
        }
        out.append(&word(text));
    }
    out
}

/// A user's script, with its expansions unchanged.
pub fn script(text: &Text) -> Text {
    text.map_literals(|literal| Text::literal(literal.replace([SHELL.0, SHELL.1], "")))
}

/// Converts a duration in Compose to whole seconds, rounded up. `None` if the text is not a duration.
pub fn seconds(text: &str) -> Option<u64> {
    let mut total = 0f64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let factor = match &rest[..unit] {
            "d" => 86_400.0,
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            "" if total == 0.0 && rest.is_empty() => 1.0,
            _ => return None,
        };
        total += number * factor;
        rest = &rest[unit..];
    }
    Some(total.ceil() as u64)
}

/// The words of a command without the programs that only start other programs.
pub fn without_wrappers(words: &[String]) -> &[String] {
    let mut words = words;
    while let [first, rest @ ..] = words {
        let name = paths::name(first);
        if !containers::WRAPPERS.contains(&name) || rest.is_empty() {
            break;
        }
        words = rest;
        while let [flag, rest @ ..] = words {
            if !flag.starts_with('-') || rest.is_empty() {
                break;
            }
            words = rest;
        }
        // `gosu node npm start`
        if let [_, rest @ ..] = words
            && containers::USER_SWITCHES.contains(&name)
            && !rest.is_empty()
        {
            words = rest;
        }
    }
    words
}

/// Whether a program is a shell whose scripts bash can run.
pub fn is_shell(program: &str) -> bool {
    matches!(paths::name(program), "sh" | "bash" | "ash" | "dash")
}

/// The script in `sh -c SCRIPT`. `None` for other commands.
pub fn shell_script(words: &[String]) -> Option<&str> {
    let [shell, flags, script, ..] = words else { return None };
    (is_shell(shell) && flags.starts_with('-') && flags.ends_with('c')).then_some(script)
}

/// The words of a command, or of its script if that is a single command: `sh -c "redis-server --save 60"`.
pub fn plain_words(words: Vec<String>) -> Vec<String> {
    let is_simple = |script: &&str| {
        let without = without_quoted(script);
        !script.contains(['`', '\n', '(']) && !without.contains(['|', '&', ';', '<', '>'])
    };
    let simple = shell_script(&words).filter(is_simple).filter(|script| shell::commands(script).len() == 1);
    let split = simple.and_then(|script| split(script).ok());
    let split = split.map(|words| words.into_iter().skip_while(|word| word == "exec").collect());
    split.unwrap_or(words)
}

/// Writes the arguments of a script into it in place of `"$@"`: `sh -c 'exec "$@"' -- node a.js`. If the script uses
/// them in another way, adds a `set --` before it.
pub fn with_arguments(words: Vec<String>) -> Vec<String> {
    let [shell, flags, script, _, arguments @ ..] = words.as_slice() else { return words };
    let uses = ["$@", "$*", "$1", "$2", "${1", "${2", "${@", "${*", "$#"].iter().any(|name| script.contains(name));
    if arguments.is_empty() || !uses || shell_script(&words).is_none() {
        return words;
    }
    let texts: Vec<Text> = arguments.iter().map(Text::literal).collect();
    let Some(given) = line(&texts).as_literal().map(str::to_owned) else { return words };
    let alone = script.strip_suffix("\"$@\"").filter(|before| {
        let is_last = before.is_empty() || before.ends_with(' ');
        is_last && !before.contains(['$', '(', '\'', '"']) && !before.contains("set ") && !before.contains("shift")
    });
    let script = match alone {
        Some(before) => format!("{before}{given}"),
        None => format!("set -- {given}\n{script}"),
    };
    vec![shell.clone(), flags.clone(), script]
}

/// A script without the text in its quotes.
pub fn without_quoted(script: &str) -> String {
    let mut quote = None;
    let mut out = String::new();
    for c in script.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_and_quoted() {
        let words = split(r#"a 'b c' "d \"e\" $f" g\ h  --x=y"#).unwrap();
        assert_eq!(words, ["a", "b c", "d \"e\" $f", "g h", "--x=y"]);
        let texts: Vec<Text> = words.iter().map(Text::literal).collect();
        assert_eq!(line(&texts).as_literal(), Some("a 'b c' 'd \"e\" $f' 'g h' --x=y"));
        assert_eq!(word(&Text::literal("it's")).as_literal(), Some("'it'\\''s'"));
        assert!(split("a 'b").is_err());
    }

    #[test]
    fn arguments_of_scripts_are_written_into_them() {
        for (words, expected) in [
            (&["sh", "-c", "exec \"$@\"", "--", "node", "a b.js"][..], "exec node 'a b.js'"),
            (&["sh", "-c", "exec \"$@\"", "node", "a.js"], "exec a.js"),
            (&["sh", "-c", "shift; exec \"$@\"", "--", "x", "y"], "set -- x y\nshift; exec \"$@\""),
            (&["sh", "-c", "cd $1 && \"$@\"", "--", "x"], "set -- x\ncd $1 && \"$@\""),
            (&["sh", "-c", "exec \"$@\""], "exec \"$@\""),
            (&["sh", "-c", "node a.js", "--", "x"], "node a.js"),
        ] {
            let words = with_arguments(words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!(shell_script(&words), Some(expected));
        }
        let words = split_with_starts("a  'b c'\\ d é \"\"").unwrap();
        let starts: Vec<(usize, &str)> = words.iter().map(|(start, word)| (*start, word.as_str())).collect();
        assert_eq!(starts, [(0, "a"), (3, "b c d"), (12, "é"), (15, "")]);
    }

    #[test]
    fn run_time_variables_are_kept_for_the_shell() {
        let variables = Variables::from([("A".into(), "1".into())]);
        let raw = "x ${B} ${C:-d e} $A $$y";
        let text = interpolate::interpolate(raw, &variables).unwrap();
        let scalar = Scalar { text, raw: Some(raw.to_owned()), plain: false };
        let kept = text_of(&scalar, &variables, &|name| name != "A");
        assert_eq!(double_quoted(&Text::literal(kept)).as_literal(), Some("\"x ${B-} ${C:-d e} 1 \\$y\""));
        assert_eq!(text_of(&scalar, &variables, &|_| false), "x  d e 1 $y");
        let nested = r#"${B:-http://h:${P:-80}/"\`}"#;
        let scalar = Scalar { text: String::new(), raw: Some(nested.to_owned()), plain: false };
        let kept = double_quoted(&Text::literal(text_of(&scalar, &variables, &|_| true)));
        assert_eq!(kept.as_literal(), Some(r#""${B:-http://h:${P:-80}/\"\\\`}""#));
    }

    #[test]
    fn defaults_are_literal() {
        let mut value = Text::literal("http://h:");
        value.push_code("toString x").push("/$HOME/${X}`id`\"\\");
        let text = double_quoted(&default_of("A", &value));
        let literals: Vec<&str> = text
            .parts()
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Code(_) => "#",
            })
            .collect();
        assert_eq!(literals.concat(), r#""${A:-http://h:#/\$HOME/\${X\}\`id\`\"\\}""#);
    }

    #[test]
    fn durations_are_rounded_up() {
        for (text, expected) in [
            ("1h2m3s500ms", Some(3724)),
            ("30s", Some(30)),
            ("1m30s", Some(90)),
            ("200ms", Some(1)),
            ("0s", Some(0)),
            ("x", None),
            ("5x", None),
            ("1.5s", Some(2)),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
