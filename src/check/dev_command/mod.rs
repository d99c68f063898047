//! `dev-command`: a JavaScript development server that is started directly instead of by process-compose.

mod places;

use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::needles::Words;
use crate::facts::{FileView, Glance};
use crate::finding::Span;
use crate::lang::ci;
use crate::lang::shell::Command;
use crate::lang::taskfile::is_taskfile;
use crate::source::{FileKind, Source};
use crate::wording::head;

const RULE: &str = "dev-command";

/// See `rules/dev-command.md`.
pub static CHECK: Check =
    Check::of_files(RULE, FileCheck { needles: &[&MANAGERS, &HOOKS], trigger: Trigger::Holds(trigger), check });

static MANAGERS: Words = Words::any_of(&["npm", "yarn", "bun"]);
static HOOKS: Words = Words::any_of(&places::HOOKS);

/// The scripts that start a development server.
const SCRIPTS: [&str; 3] = ["dev", "start", "serve"];

/// Package manager options that take a value.
const VALUED: [&str; 9] = ["--prefix", "-w", "--workspace", "-C", "--dir", "-F", "--filter", "--cwd", "--env-file"];

/// A necessary condition: the file is of a kind that contains commands and names one of the package managers.
fn trigger(source: &Glance<'_>) -> bool {
    source.has(&MANAGERS)
        && match source.kind {
            FileKind::Yaml => ci::system(&source.path).is_some() || is_taskfile(&source.path),
            FileKind::Nix => source.has(&HOOKS),
            FileKind::Shell | FileKind::Just | FileKind::Make | FileKind::Dockerfile => true,
            _ => false,
        }
}

fn check(view: &FileView<'_>) -> Verdict {
    let mut found = Vec::new();
    places::each(view.source, view.tree, &mut |command, offset, place| {
        if development_script(command).is_some() {
            let span = Span { start: command.span.start + offset, end: command.span.end + offset };
            let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
            found.push((span, words.join(" "), place.to_owned()));
        }
    });
    let mut verdict = Verdict::default();
    let lines = if found.is_empty() { Lines::default() } else { Lines::of(&view.source.text) };
    for (span, command, place) in found {
        let process = process(view.source, lines.entered_folder(span.start as usize), &command);
        let finding = view
            .finding(RULE, span, format!("`{command}` is started by {place}, not by process-compose"))
            .label("run it with process-compose")
            .help(format!(
                "write `process-compose.dev.settings.processes.{process};` in the flake and start it with `nix run .#dev`"
            ));
        verdict.report(finding);
    }
    verdict
}

/// The definition of a process for a command, named after the folder in which it runs, or `web`.
fn process(source: &Source, entered: Option<&str>, command: &str) -> String {
    let command = command.escape_default();
    match entered {
        Some(folder) => {
            let name = process_name(folder.trim_end_matches('/').rsplit('/').next());
            format!("{name} = {{ command = \"{command}\"; working_dir = \"{folder}\"; }}")
        }
        None => {
            let folder = source.path.rsplit('/').nth(1).filter(|_| source.kind == FileKind::Dockerfile);
            format!("{}.command = \"{command}\"", process_name(folder))
        }
    }
}

/// The offsets in a file that show which folder a line enters with `cd`. A line may contain thousands of commands, so
/// the file is read once, not once for each of them.
#[derive(Debug, Default)]
struct Lines<'a> {
    text: &'a str,
    /// The offsets of line ends.
    ends: Vec<usize>,
    /// The offsets after `cd `.
    entered: Vec<usize>,
    /// The offsets of closing parentheses.
    closing: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        const CD: &str = "cd ";
        let bytes = text.as_bytes();
        Self {
            text,
            ends: memchr::memchr_iter(b'\n', bytes).collect(),
            entered: memchr::memmem::find_iter(bytes, CD).map(|at| at + CD.len()).collect(),
            closing: memchr::memchr_iter(b')', bytes).collect(),
        }
    }

    /// The folder that the same line enters before an offset: `cd web && npm ci && npm run dev`.
    fn entered_folder(&self, before: usize) -> Option<&'a str> {
        // A longer name would not fit into the message.
        const LONGEST: usize = 1_000;
        let start = last(&self.entered, before)?;
        // The parenthesis ends the subshell, which undoes the `cd` in it.
        if [&self.ends, &self.closing].iter().any(|ends| last(ends, before - 1).is_some_and(|end| end >= start)) {
            return None;
        }
        let after = head(self.text.get(start..before)?, LONGEST);
        let folder = after.split(['&', ';']).next().filter(|folder| folder.len() < after.len())?.trim();
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        (!folder.is_empty() && folder.chars().all(is_path)).then_some(folder)
    }
}

/// The last of the sorted offsets that is at most `until`.
fn last(offsets: &[usize], until: usize) -> Option<usize> {
    let count = offsets.partition_point(|&offset| offset <= until);
    offsets.get(count.checked_sub(1)?).copied()
}

fn process_name(folder: Option<&str>) -> String {
    let plain = |name: &&str| name.starts_with(|c: char| c.is_ascii_alphabetic()) && *name != "docker";
    let name = folder.filter(plain).unwrap_or("web");
    name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-")
}

/// The package script that a command runs, if that script starts a development server.
fn development_script<'c>(command: &'c Command<'_>) -> Option<&'c str> {
    let program = command.program().trim_end_matches(".cmd");
    let mut words = command.words.iter().skip(1).map(|word| &*word.text).peekable();
    let program = match program {
        "corepack" => words.next()?,
        program => program,
    };
    if !matches!(program, "npm" | "pnpm" | "yarn" | "bun") {
        return None;
    }
    let mut operands = Operands { words, skip: false };
    let mut word = operands.next()?;
    match (program, word) {
        ("yarn", "workspace") => {
            operands.next()?;
            word = operands.next()?;
        }
        ("yarn", "workspaces") | ("pnpm", "recursive" | "multi" | "m") => word = operands.nth_script()?,
        _ => {}
    }
    let run = matches!(word, "run" | "run-script" | "rum" | "urn");
    if run {
        word = operands.next()?;
    } else if program == "npm" && word != "start" {
        return None;
    }
    SCRIPTS.contains(&word).then_some(word)
}

/// The arguments that are not options.
struct Operands<I> {
    words: I,
    skip: bool,
}

impl<'c, I: Iterator<Item = &'c str>> Operands<I> {
    /// The next argument, skipping the word `foreach`.
    fn nth_script(&mut self) -> Option<&'c str> {
        self.find(|word| *word != "foreach")
    }
}

impl<'c, I: Iterator<Item = &'c str>> Iterator for Operands<I> {
    type Item = &'c str;

    fn next(&mut self) -> Option<&'c str> {
        loop {
            let word = self.words.next()?;
            if std::mem::take(&mut self.skip) {
                continue;
            }
            if word.starts_with('-') {
                self.skip = VALUED.contains(&word);
                continue;
            }
            return Some(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::shell;

    #[test]
    fn the_folder_that_a_line_enters_is_found() {
        for (before, folder) in [
            ("\tcd apps/admin && pnpm install && ", Some("apps/admin")),
            ("run: cd web; ", Some("web")),
            ("concurrently \"cd web && ", Some("web")),
            ("cd web\n", None),
            ("(cd web && make) && ", None),
            ("cd $DIR && ", None),
            ("cd web && cd api && ", Some("api")),
            ("cd web; (make) && ", None),
            ("(make); cd web && ", Some("web")),
            ("", None),
        ] {
            assert_eq!(Lines::of(before).entered_folder(before.len()), folder, "{before}");
        }
    }

    #[test]
    fn commands_that_start_a_development_server_are_recognised() {
        for (script, expected) in [
            ("npm run dev", Some("dev")),
            ("npm start", Some("start")),
            ("npm run-script serve -- --port 1", Some("serve")),
            ("npm --prefix web run dev", Some("dev")),
            ("npm -w web start &", Some("start")),
            ("npm run start --silent", Some("start")),
            ("pnpm dev", Some("dev")),
            ("pnpm -C web run dev", Some("dev")),
            ("pnpm --filter=api dev", Some("dev")),
            ("pnpm --filter api dev", Some("dev")),
            ("pnpm -r run start", Some("start")),
            ("yarn serve", Some("serve")),
            ("yarn --cwd web start", Some("start")),
            ("yarn workspace web dev", Some("dev")),
            ("yarn workspaces foreach -A run dev", Some("dev")),
            ("bun run dev", Some("dev")),
            ("bun --hot run start", Some("start")),
            ("corepack pnpm dev", Some("dev")),
            ("cd web && PORT=1 npm run dev", Some("dev")),
            ("npx concurrently x; concurrently 'npm run dev' \"yarn start\"", Some("dev")),
            ("npx concurrently -n \"web,api\" \"cd web && npm run dev\"", Some("dev")),
            ("npx wait-on 'npm run dev'", None),
            ("nix develop -c npm run dev", Some("dev")),
            ("nohup npm start > log 2>&1 &", Some("start")),
            ("npm run dev:build", None),
            ("npm run start-watch", None),
            ("npm run build", None),
            ("npm ci && npm test", None),
            ("npm dev", None),
            ("npm install -g serve", None),
            ("npm install dev", None),
            ("yarn add serve", None),
            ("pnpm dlx serve", None),
            ("pnpm add -D start", None),
            ("bun build start", None),
            ("bun x serve", None),
            ("bun run build dev", None),
            ("npx serve", None),
            ("echo npm run dev", None),
            ("echo 'run: npm run dev'", None),
            ("printf \"npm start\\n\"", None),
            ("# npm run dev", None),
            ("cat <<EOF\nnpm run dev\nEOF", None),
            ("alias dev='npm run dev'", None),
            ("grep -q \"npm start\" README.md", None),
            ("npm run", None),
            ("npm", None),
        ] {
            let found = shell::commands(script);
            assert_eq!(found.iter().find_map(development_script), expected, "{script}");
        }
    }
}
