//! The names that a condition gives to the ports that depend on it.

use super::super::candidate::{Candidate, weight};
use super::super::words::{share, telling};
use super::{Reader, is_front};
use crate::knowledge::name_words::PURPOSES;

/// Functions whose first argument is a condition.
const CONDITIONALS: [&str; 4] = ["mkIf", "optional", "optionalAttrs", "optionals"];

/// The number of lists and sets around a number that may depend on a condition.
const DEEPEST: usize = 4;

impl Reader<'_> {
    /// The program that a firewall opens the port for, or whose port a pod publishes, if the port depends on an option
    /// of that program: `wiki` in `optionals cfg.wiki.enable [ 8000 ]`, and `game` in `mkIf cfg.openGamePorts { .. }`.
    pub fn conditional(&self, is_firewall: bool) -> Option<Candidate> {
        let weight = match self.last() {
            "publishPorts" => weight::LISTENER + 2,
            _ if is_firewall => weight::FILE + 2,
            _ => return None,
        };
        let words = option(condition(self.line.above)?)?;
        let is_purpose = words.iter().all(|word| PURPOSES.contains(&word.as_str()));
        let is_own = share(&self.subject, &words);
        let is_other = !is_purpose && !is_own && !is_front(&words) && !self.is_machine(&words);
        is_other.then(|| Candidate { service: words, qualifier: self.end(), weight })
    }
}

/// The condition of the innermost conditional list or set that a text ends in.
fn condition(above: &str) -> Option<&str> {
    if let Some(found) = argument(above) {
        return Some(found);
    }
    let (mut closed, mut deep) = (0_u32, 0);
    for (at, byte) in above.bytes().enumerate().rev() {
        match byte {
            b']' | b'}' | b')' => closed += 1,
            b'[' | b'{' | b'(' if closed > 0 => closed -= 1,
            b'[' | b'{' => {
                let before = above.get(..at)?.trim_end();
                if let Some(found) = argument(before.strip_suffix("rec").unwrap_or(before)) {
                    return Some(found);
                }
                deep += 1;
            }
            _ => {}
        }
        if deep == DEEPEST {
            break;
        }
    }
    None
}

/// The argument of the conditional at the end of a text.
fn argument(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let start = match text.strip_suffix(')') {
        Some(inside) => opening(inside)?,
        None => text.trim_end_matches(is_part).len(),
    };
    let (function, argument) = text.split_at_checked(start)?;
    let function = function.trim_end();
    let name = function.get(function.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len()..)?;
    (CONDITIONALS.contains(&name) && !argument.is_empty()).then_some(argument)
}

/// The position of the parenthesis that the end of a text is inside.
fn opening(text: &str) -> Option<usize> {
    let mut closed = 0_u32;
    for (at, byte) in text.bytes().enumerate().rev() {
        match byte {
            b')' => closed += 1,
            b'(' if closed == 0 => return Some(at),
            b'(' => closed -= 1,
            _ => {}
        }
    }
    None
}

/// The words of the last option in a condition. `None` for a comparison or a negation.
fn option(condition: &str) -> Option<Vec<String>> {
    const EMPTY: [&str; 3] = ["cfg", "config", "services"];
    if condition.contains(['"', '!', '=']) {
        return None;
    }
    let path = condition.split(|c| !is_part(c)).rfind(|path| path.contains('.'))?;
    let names = path.rsplit('.').take_while(|name| !EMPTY.contains(name));
    names.map(telling).find(|words| !words.is_empty())
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '\'')
}
