//! Commands that run other commands: the prefix, and the start of the command inside.

use std::borrow::Cow;

use super::{Command, Subshell, Word};
use crate::finding::Span;

/// The maximum depth of commands that run other commands: `sudo env A=1 timeout 5 nix develop -c ..`.
const DEPTH: usize = 12;

/// Keywords of the shell's grammar at the start of a command.
const KEYWORDS: [&str; 16] =
    ["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "esac", "!", "{", "}", "time", "coproc", "&&"];

/// Prefixes that change how a command runs, not what it does: name, options with a value, number of operands.
const PREFIXES: [(&str, &[&str], usize); 18] = [
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-D", "-R", "-T", "-U", "--user", "--group", "--chdir"], 0),
    ("doas", &["-u", "-C"], 0),
    ("exec", &["-a"], 0),
    ("command", &[], 0),
    ("builtin", &[], 0),
    ("nohup", &[], 0),
    ("nice", &["-n", "--adjustment"], 0),
    ("ionice", &["-c", "-n", "--class", "--classdata"], 0),
    ("stdbuf", &["-i", "-o", "-e"], 0),
    ("setsid", &[], 0),
    ("unbuffer", &[], 0),
    ("env", &["-u", "-C", "--unset", "--chdir"], 0),
    ("cross-env", &[], 0),
    ("timeout", &["-s", "-k", "--signal", "--kill-after"], 1),
    ("xargs", &["-n", "-I", "-P", "-d", "-L", "-a", "-s", "--max-args", "--max-procs", "--delimiter"], 0),
    ("xvfb-run", &["-s", "-n", "-e", "-f", "--server-args", "--server-num"], 0),
    ("dotenv", &["-e", "-c", "-v"], 0),
    ("chronic", &[], 0),
];

/// Programs that run the command after `--` with secrets or settings, and their subcommand for this.
const RUNNERS: [(&str, &str); 11] = [
    ("op", "run"),
    ("doppler", "run"),
    ("infisical", "run"),
    ("dotenvx", "run"),
    ("varlock", "run"),
    ("teller", "run"),
    ("phase", "run"),
    ("bws", "run"),
    ("aws-vault", "exec"),
    ("chamber", "exec"),
    ("berglas", "exec"),
];

/// Passes a command and the commands that it runs to `out`, outermost first. Transparent prefixes are left out.
pub(super) fn resolve<'a>(words: Vec<Word<'a>>, out: &mut impl FnMut(Command<'a>)) {
    let mut words = words;
    for _ in 0..DEPTH {
        let skip = transparent(&words);
        words.drain(..skip);
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let span = Span { start: first.span.start, end: last.span.end };
        let inner = wrapped(&words).map(|at| words.get(at..).unwrap_or_default().to_vec()).or_else(|| run(&words));
        out(Command { words, span, shell: Subshell::default() });
        match inner {
            Some(inner) => words = inner,
            None => return,
        }
    }
}

/// The number of leading words that are prefixes.
fn transparent(words: &[Word<'_>]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let name = word.text.rsplit('/').next().unwrap_or("");
        if KEYWORDS.contains(&&*word.text) || is_assignment(&word.text) || word.text.is_empty() {
            at += 1;
        } else if let Some((name, valued, operands)) = PREFIXES.iter().find(|(prefix, ..)| *prefix == name) {
            match after_options(words, at + 1, valued, *operands) {
                // `command -v docker` looks up a program.
                Some(next) if *name != "command" || !words.get(at + 1).is_some_and(|word| is_option(&word.text)) => {
                    at = next;
                }
                _ => return at,
            }
        } else {
            break;
        }
    }
    at
}

/// Whether an option of `script` takes the command to run: `-c`, `-qec`.
fn takes_command(word: &str) -> bool {
    word == "--command" || word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

/// The index after the options and operands of a prefix; `None` if no command follows.
fn after_options(words: &[Word<'_>], mut at: usize, valued: &[&str], operands: usize) -> Option<usize> {
    while let Some(word) = words.get(at) {
        if word.text == "--" {
            at += 1;
            break;
        } else if valued.contains(&&*word.text) {
            at += 2;
        } else if is_option(&word.text) || is_assignment(&word.text) {
            at += 1;
        } else {
            break;
        }
    }
    at += operands;
    (at < words.len()).then_some(at)
}

/// Whether a word is an assignment: `NAME=value`, `NAME+=value`.
fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The index of the first word of the command that this one runs. `None` if it runs none, or a script in one word.
fn wrapped(words: &[Word<'_>]) -> Option<usize> {
    let text = |at: usize| words.get(at).map_or("", |word| &*word.text);
    let position = |names: &[&str]| (1..words.len()).find(|&at| names.contains(&text(at)));
    let program = text(0).rsplit('/').next().unwrap_or("");
    if let Some((_, verb)) = RUNNERS.iter().find(|(runner, _)| *runner == program)
        && let Some(end) = position(&["--"])
        && (1..end).any(|at| text(at) == *verb)
    {
        return (end + 1 < words.len()).then_some(end + 1);
    }
    let inner = match (program, text(1)) {
        ("nix", _) => {
            let verb = (1..words.len()).find(|&at| !text(at).starts_with('-')).map_or("", text);
            match verb {
                "develop" | "shell" | "env" => position(&["-c", "--command"])? + 1,
                _ => return None,
            }
        }
        // `script -e -c ./test.sh` runs a command with a terminal.
        ("script", _) => {
            let at = (1..words.len()).find(|&at| takes_command(text(at)))? + 1;
            return (at < words.len() && !text(at).contains(char::is_whitespace)).then_some(at);
        }
        ("devenv", "shell") => {
            if text(2) == "--" {
                3
            } else {
                2
            }
        }
        ("direnv", "exec") => 3,
        ("poetry" | "pipenv" | "uv" | "mise" | "dotenvx", "run" | "exec") | ("mise", "x") => {
            if text(2) == "--" {
                3
            } else {
                2
            }
        }
        _ => return None,
    };
    (inner < words.len()).then_some(inner)
}

/// The command that `nix run` runs: `cachix use acme` for `nix run nixpkgs#cachix -- use acme`. An installable usually
/// has the name of its program.
fn run<'a>(words: &[Word<'a>]) -> Option<Vec<Word<'a>>> {
    let is = |at: usize, text: &str| words.get(at).is_some_and(|word| word.text == text);
    let verb = (1..words.len()).find(|&at| is(at, "run")).filter(|_| is_program(words, "nix"))?;
    let end = (verb..words.len()).find(|&at| is(at, "--"))?;
    let installable = words.get(verb + 1..end)?.iter().rfind(|word| !is_option(&word.text))?;
    let fragment = installable.text.rsplit(['#', '/', '.']).next().filter(|name| !name.is_empty())?;
    let program = Word { text: Cow::Owned(fragment.to_owned()), span: installable.span };
    Some(std::iter::once(program).chain(words.get(end + 1..)?.iter().cloned()).collect())
}

fn is_program(words: &[Word<'_>], name: &str) -> bool {
    words.first().is_some_and(|word| word.text.rsplit('/').next() == Some(name))
}

/// The spans of the words of a command that are scripts, as in `sh -c "..."`.
pub(super) fn scripts(command: &Command<'_>) -> Vec<Span> {
    let after = |fits: &dyn Fn(&str) -> bool| -> Vec<Span> {
        let at = command.arguments().position(fits);
        at.and_then(|at| command.words.get(at + 2)).map(|word| word.span).into_iter().collect()
    };
    match command.program() {
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "su" | "runuser" => {
            after(&|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'))
        }
        // A command in one word without blanks is read by `wrapped`.
        "script" => {
            let at = command.arguments().position(takes_command);
            let word = at.and_then(|at| command.words.get(at + 2));
            word.filter(|word| word.text.contains(char::is_whitespace)).map(|word| word.span).into_iter().collect()
        }
        "nix-shell" => after(&|word| matches!(word, "--run" | "--command")),
        "eval" | "concurrently" => command.words.iter().skip(1).map(|word| word.span).collect(),
        "npx" | "bunx" | "pnpx" => {
            let at = command.words.iter().skip(1).position(|word| !is_option(&word.text));
            let rest = at.and_then(|at| command.words.get(at + 1..)).unwrap_or_default();
            let runs = rest.first().is_some_and(|word| word.text == "concurrently");
            rest.iter().skip(1).filter(|_| runs).map(|word| word.span).collect()
        }
        // The last word of `nix develop -c "a && b"` is not a script, because no shell reads it.
        _ => Vec::new(),
    }
}
