//! Scripts whose first argument is the name of a function to run: `ci/build.sh check`.

use std::collections::BTreeSet;

use super::NixStep;
use super::commands::builds;
use crate::finding::Span;
use crate::lang::ci::Script;
use crate::lang::shell::{self, Command, Function};

/// Separates the builds that a script certainly runs from those in functions that an argument selects. Other scripts are
/// left as they are: functions that a script does not call may be called by the one that reads it.
pub(super) fn read(step: &mut NixStep, script: &Script<'_>) {
    let functions = shell::functions(&script.text);
    if functions.is_empty() {
        return;
    }
    let commands = shell::commands(&script.text);
    let parts = Parts { functions: &functions, commands: &commands };
    let certain = parts.run(None);
    if !certain.iter().any(|command| is_selection(command)) {
        return;
    }
    let built = |command: &&Command<'_>| Some((builds(command)?, script.span(command.span)));
    let first = |commands: Vec<&Command<'_>>| -> Option<(String, Span)> { commands.iter().find_map(built) };
    step.builds = first(certain);
    let functions = functions.iter().enumerate();
    step.selectable =
        functions.filter_map(|(at, function)| Some((function.name.to_owned(), first(parts.run(Some(at)))?))).collect();
}

/// Whether a command runs what an argument names: `"$1"`, `$command`, `"$@"`.
fn is_selection(command: &Command<'_>) -> bool {
    command.word(0).and_then(|word| word.strip_prefix('$')).is_some_and(|name| {
        let name = name.trim_start_matches('{').trim_end_matches('}');
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_@*".contains(&byte))
    })
}

/// A script's functions and commands.
struct Parts<'p, 'a> {
    functions: &'p [Function<'a>],
    commands: &'p [Command<'a>],
}

impl<'p, 'a> Parts<'p, 'a> {
    /// The commands that a function runs, or those that the script runs outside of all functions, with those of the
    /// functions that they call by name.
    fn run(&self, function: Option<usize>) -> Vec<&'p Command<'a>> {
        let mut run = Vec::new();
        let mut seen = BTreeSet::from([function]);
        let mut waiting = vec![function];
        while let Some(function) = waiting.pop() {
            for command in self.commands.iter().filter(|command| self.around(command) == function) {
                run.push(command);
                let name = command.word(0).unwrap_or_default();
                let called = self.functions.iter().position(|function| function.name == name);
                waiting.extend(called.map(Some).filter(|called| seen.insert(*called)));
            }
        }
        run
    }

    /// The function that contains a command.
    fn around(&self, command: &Command<'_>) -> Option<usize> {
        self.functions.iter().position(|function| function.lines.contains(&(command.span.start as usize)))
    }
}
