//! Scripts that run the function that an argument names: `ci/build.sh check`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

use super::commands::builds;
use super::{NixStep, Selection};
use crate::lang::ci::Script;
use crate::lang::shell::{self, Command, Function};

/// Separates the builds that a script always runs from those in functions that an argument selects. Does nothing for
/// other scripts, because a script that sources them may call their functions.
pub(super) fn read(step: &mut NixStep, script: &Script<'_>, commands: &[Command<'_>]) {
    let functions = shell::functions(&script.text);
    if functions.is_empty() {
        return;
    }
    let assignments = assignments(&script.text);
    let parts = Parts::new(&functions, commands, &assignments);
    let Some(selection) = parts.selects() else { return };
    step.selection = selection;
    let built = parts.built();
    let build = |part: usize| {
        let command = commands.get((*built.get(part)?)?)?;
        Some((builds(command)?, script.span(command.span)))
    };
    step.builds = build(parts.names.len());
    let certain = parts.certain();
    let selectable = parts.names.iter().enumerate().filter(|(part, _)| !certain.contains(part));
    step.selectable = selectable.map(|(part, name)| ((*name).to_owned(), build(part))).collect();
    step.selectable.sort_by(|a, b| a.0.cmp(&b.0));
}

/// An assignment in a script: `command=$1`, `for target in host check`.
struct Assignment<'a> {
    name: &'a str,
    value: &'a str,
    at: usize,
    /// Whether the variable takes each of the words in turn.
    is_loop: bool,
}

/// The assignments in a script, line by line.
fn assignments(text: &str) -> Vec<Assignment<'_>> {
    let mut found: Vec<Assignment<'_>> = Vec::new();
    let mut at = 0;
    // The array whose elements are on the lines after its name.
    let mut array = None;
    for line in text.split_inclusive('\n') {
        let code = if line.trim_start().starts_with('#') { "" } else { line };
        if let Some(name) = array {
            let (value, is_end) = code.split_once(')').map_or((code, false), |(value, _)| (value, true));
            found.push(Assignment { name, value, at, is_loop: false });
            array = if is_end { None } else { array };
            at += line.len();
            continue;
        }
        let mut end = 0;
        for (equals, _) in code.match_indices('=') {
            let name = if equals < end { "" } else { name_before(&code[..equals]) };
            if !name.is_empty() {
                let value = value(&code[equals + 1..]);
                end = equals + 1 + value.len();
                let is_open = code[equals + 1..].starts_with('(') && !code[equals + 1..].contains(')');
                array = is_open.then_some(name);
                found.push(Assignment { name, value, at: at + equals, is_loop: false });
            }
        }
        let mut end = 0;
        for (start, word) in code.match_indices("for ").filter(|(start, _)| name_before(&code[..*start]).is_empty()) {
            let rest = code[start + word.len()..].trim_start();
            let Some((name, rest)) = rest.split_once(|c: char| c.is_whitespace() || c == ';') else { continue };
            if start < end || !is_name(name) {
                continue;
            }
            let value = match rest.trim_start().strip_prefix("in ") {
                Some(values) => values.split([';', '\n']).next().unwrap_or(""),
                // `for target; do` loops over the arguments.
                None => "$@",
            };
            end = start + value.len();
            found.push(Assignment { name, value, at: at + start, is_loop: true });
        }
        at += line.len();
    }
    found
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name of a variable at the end of the text; empty if it is only part of a word.
fn name_before(text: &str) -> &str {
    let start = text.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    let is_word = text[..start].chars().next_back().is_none_or(|c| c.is_whitespace() || ";&|({".contains(c));
    if is_word { &text[start..] } else { "" }
}

/// The value at the start of the text: a quoted string, the elements of an array, or a word.
fn value(text: &str) -> &str {
    let quoted = |close: char| text.get(1..).map(|inner| inner.split([close, '\n']).next().unwrap_or(inner));
    match text.chars().next() {
        Some('(') => quoted(')'),
        Some(quote @ ('"' | '\'')) => quoted(quote),
        _ => text.split([' ', '\t', '\r', '\n', ';', '&', '|', ')']).next(),
    }
    .unwrap_or("")
}

/// The words of a value. A parameter with a default is replaced with the default: `host` for `${1:-host}`.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split_whitespace().map(|word| {
        let word = word.trim_matches(['"', '\'']);
        let default = word.starts_with("${").then(|| word.split_once(['-', '='])).flatten();
        default.map_or(word, |(_, default)| default.trim_end_matches('}'))
    })
}

/// Whether a value is the first argument, or all of them, possibly with a default: `$1`, `"${1:-host}"`.
fn is_argument(value: &str) -> bool {
    argument(value) == Some(Selection::First)
}

/// How a value uses the first argument or all arguments: unchanged, or transformed as in `"${1//-/_}"`. `None` if it
/// uses neither.
fn argument(value: &str) -> Option<Selection> {
    let name = value.trim().trim_matches('"').strip_prefix('$')?;
    let Some(inner) = name.strip_prefix('{') else {
        return matches!(name, "1" | "@" | "*").then_some(Selection::First);
    };
    let rest = inner.strip_suffix('}')?.strip_prefix(['1', '@', '*'])?;
    let default = rest.trim_start_matches([':', '-', '?', '=']);
    if !default.contains(['$', '`', '/', '#', '%', '^', ',', '+']) {
        return Some(Selection::First);
    }
    (rest.starts_with(['/', '#', '%', '^', ',']) && !rest.contains(['$', '`'])).then_some(Selection::Changed)
}

/// Whether a loop iterates over the arguments: `for target in "$@"`.
fn is_each(values: &str) -> bool {
    words(values).any(|word| matches!(word, "$@" | "$*"))
}

/// The variable or argument that a command runs: `1` for `"$1"`, `command` for `$command`, `@` for `"$@"`.
fn selection<'c>(command: &'c Command<'_>) -> Option<&'c str> {
    let word = command.word(0)?.strip_prefix('$')?;
    let name = word.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(word);
    (is_name(name) || matches!(name, "@" | "*")).then_some(name)
}

/// A script, divided into its functions and the commands outside them. Functions with the same name are combined,
/// because it is not known which one is defined last.
struct Parts<'p, 'a> {
    commands: &'p [Command<'a>],
    assignments: &'p [Assignment<'a>],
    /// The names of the functions. The last part, without a name, contains everything outside functions.
    names: Vec<&'a str>,
    by_name: HashMap<&'a str, usize>,
    /// The lines of each function, in order, with its part.
    lines: Vec<(Range<usize>, usize)>,
    /// For each part, the functions whose names occur as words in it. The part may call them directly or through
    /// another command, as in `retry host` and `target=host; $target`.
    calls: Vec<HashSet<usize>>,
}

impl<'p, 'a> Parts<'p, 'a> {
    fn new(functions: &[Function<'a>], commands: &'p [Command<'a>], assignments: &'p [Assignment<'a>]) -> Self {
        let (mut names, mut by_name) = (Vec::new(), HashMap::new());
        let mut part = |name: &'a str| {
            *by_name.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() - 1
            })
        };
        let lines = functions.iter().map(|function| (function.lines.clone(), part(function.name))).collect();
        let calls = vec![HashSet::new(); names.len() + 1];
        let mut parts = Self { commands, assignments, names, by_name, lines, calls };
        for command in commands {
            let at = command.span.start as usize;
            command.words.iter().for_each(|word| parts.call(at, &word.text));
        }
        for assignment in assignments {
            words(assignment.value).for_each(|word| parts.call(assignment.at, word));
        }
        parts
    }

    /// Adds a word that may be the name of a function to call.
    fn call(&mut self, at: usize, word: &str) {
        let around = self.around(at);
        if let (Some(&called), Some(calls)) = (self.by_name.get(word), self.calls.get_mut(around)) {
            calls.insert(called);
        }
    }

    /// The part that contains a position.
    fn around(&self, at: usize) -> usize {
        let after = self.lines.partition_point(|(lines, _)| lines.start <= at);
        let before = after.checked_sub(1).and_then(|last| self.lines.get(last));
        before.filter(|(lines, _)| lines.contains(&at)).map_or(self.names.len(), |(_, part)| *part)
    }

    /// The parts that the script runs regardless of its arguments.
    fn certain(&self) -> HashSet<usize> {
        let outside = self.names.len();
        let mut certain = HashSet::from([outside]);
        let mut waiting = vec![outside];
        while let Some(part) = waiting.pop() {
            let calls = self.calls.get(part).into_iter().flatten().copied();
            waiting.extend(calls.filter(|called| certain.insert(*called)));
        }
        certain
    }

    /// How an argument of the script selects a function. In a function, `"$@"` contains the arguments of the script
    /// only if the function is called with them: `main "$@"`.
    fn selects(&self) -> Option<Selection> {
        let outside = self.names.len();
        let around = |command: &Command<'_>| self.around(command.span.start as usize);
        let mut passed = HashSet::from([outside]);
        for command in self.commands.iter().filter(|command| around(command) == outside) {
            if let Some(&called) = command.word(0).and_then(|name| self.by_name.get(name))
                && command.arguments().any(is_argument)
            {
                passed.insert(called);
            }
        }
        let arguments = self.arguments(&passed);
        let selection = |command: &Command<'_>| {
            let word = command.word(0).filter(|_| passed.contains(&around(command)))?;
            match selection(command) {
                Some("1" | "@" | "*") => Some(Selection::First),
                Some(name) => arguments.get(name).copied(),
                None => argument(word).filter(|selection| *selection == Selection::Changed),
            }
        };
        self.commands.iter().filter_map(selection).max()
    }

    /// The variables that contain an argument of the script, and otherwise only fixed values.
    fn arguments(&self, passed: &HashSet<usize>) -> HashMap<&'a str, Selection> {
        let (mut arguments, mut others) = (HashMap::new(), HashSet::new());
        for assignment in self.assignments {
            let selection = match assignment.is_loop {
                true => is_each(assignment.value).then_some(Selection::Each),
                false => argument(assignment.value),
            };
            if let Some(selection) = selection.filter(|_| passed.contains(&self.around(assignment.at))) {
                let known = arguments.entry(assignment.name).or_insert(selection);
                *known = selection.max(*known);
            } else if assignment.value.contains(['$', '`']) {
                others.insert(assignment.name);
            }
        }
        arguments.retain(|name, _| !others.contains(name));
        arguments
    }

    /// For each part, the nearest command that builds: its own, or one in the functions that it calls.
    fn built(&self) -> Vec<Option<usize>> {
        let mut built = vec![None; self.calls.len()];
        for (index, command) in self.commands.iter().enumerate() {
            if let Some(first @ None) = built.get_mut(self.around(command.span.start as usize)) {
                *first = builds(command).is_some().then_some(index);
            }
        }
        let mut callers = vec![Vec::new(); self.calls.len()];
        for (caller, calls) in self.calls.iter().enumerate() {
            for called in calls {
                if let Some(callers) = callers.get_mut(*called) {
                    callers.push(caller);
                }
            }
        }
        let mut waiting: VecDeque<usize> =
            (0..built.len()).filter(|part| built.get(*part).is_some_and(Option::is_some)).collect();
        while let Some(part) = waiting.pop_front() {
            let command = built.get(part).copied().flatten();
            for caller in callers.get(part).into_iter().flatten() {
                if let Some(first @ None) = built.get_mut(*caller) {
                    *first = command;
                    waiting.push_back(*caller);
                }
            }
        }
        built
    }
}
