//! Shell scripts: `sh -c SCRIPT`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Program, argument_text, host_path, image, known_program, not_known, own_file, pm2, version, working_folder,
};
use crate::knowledge::containers;
use crate::knowledge::containers::pm2::RUNTIMES;
use crate::knowledge::containers::{HOST_CLIENTS, USER_SWITCHES};
use crate::lang::shell;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::hosts::LOCAL;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;
use crate::migrate::nix::Text;

/// The program of a process that runs a script. Fails if the script starts a program that exists only in the image.
pub fn checked_script(builder: &Builder<'_, '_>, service: &Service<'_>, script: &str) -> Result<Program, String> {
    let mut unknown = unknown_programs(builder, service, script)?;
    report_user(builder, service, script);
    // The image's own runtime is among the script's packages.
    let own = version::runtime(builder, service);
    unknown.retain(|name| own.as_ref() != Some(name));
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.iter().map(|name| format!("`{name}`")).collect();
        let why = format!("its script starts {}, which no known nixpkgs package provides", names.join(" and "));
        let node = service.get("command").or(service.get("entrypoint"));
        let place = node.map_or(&service.key.place, |node| &node.place);
        builder.leave(service, place, "command", why, "add the missing packages to the script's `runtimeInputs`");
    }
    if shell::commands(script).iter().any(installs_globally) {
        let why = "it installs a program into the Node.js package, which is read-only";
        let place = service.get("command").or(service.get("entrypoint")).map_or(&service.key.place, |node| &node.place);
        builder.leave(service, place, "command", why, "remove that command, and add the program to `runtimeInputs`");
    }
    let packages = report_paths(builder, service, script);
    let mut program = user_script(builder, service, script);
    program.packages.extend(packages);
    program.packages.extend(version::runtime(builder, service));
    let commands = shell::commands(script);
    let starts = |command: &&shell::Command<'_>| {
        RUNTIMES.contains(&command.program())
            || command.program() == "pm2" && command.word(1).is_some_and(|word| word.starts_with("start"))
    };
    if let Some(command) = commands.iter().find(starts) {
        let words: Vec<String> = command.words.iter().map(|word| word.text.to_string()).collect();
        pm2::prepare(builder, service, &words, &mut program);
    }
    Ok(program)
}

/// The script among the words after the name of a shell: the first word that is neither a flag nor its value.
pub fn operand<'w>(words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let mut is_value = false;
    for word in words {
        let is_flag = word.starts_with(['-', '+']);
        if !is_value && !is_flag {
            return Some(word);
        }
        // `-o pipefail`
        is_value = !is_value && is_flag && !word.starts_with("--") && word.ends_with(['o', 'O']);
    }
    None
}

/// Reports a command that a script runs as another user.
fn report_user(builder: &Builder<'_, '_>, service: &Service<'_>, script: &str) {
    let commands = shell::commands(script);
    let Some(command) = commands.iter().find(|command| USER_SWITCHES.contains(&command.program())) else { return };
    let program = command.program();
    let why = format!("its script starts `{program}`, which runs a command as another user; the process runs as you");
    let todo = format!("remove `{program}` and the name of the user from the script");
    builder.leave(service, &service.key.place, "command", why, todo);
}

/// The maximum number of commands in a script that are checked for further scripts, and of packages that it needs.
const MOST_COMMANDS: usize = 50;

/// Checks the scripts in the checkout that a script runs: reports their paths that exist only in the image, and returns
/// the packages that they need.
fn report_paths(builder: &Builder<'_, '_>, service: &Service<'_>, script: &str) -> BTreeSet<String> {
    let (mut seen, mut needed) = (BTreeSet::new(), BTreeSet::new());
    for command in shell::commands(script).iter().take(MOST_COMMANDS) {
        let is_shell = containers::SHELLS.contains(&command.program());
        let word = if is_shell { operand(command.arguments()) } else { command.word(0) };
        let Some((_, full, text)) = word.and_then(|word| own_file(builder, service, word)) else { continue };
        if (text.starts_with("#!") || full.ends_with("sh")) && seen.insert(full.clone()) {
            image::script_paths(builder, service, &full, &text);
            needed.extend(packages(builder, service, &text));
        }
    }
    needed
}

/// The packages of the programs that a shell script in the checkout starts and finds only in its image's PATH. Programs
/// that the project itself installs are not included.
pub fn packages(builder: &Builder<'_, '_>, service: &Service<'_>, text: &str) -> BTreeSet<String> {
    let is_shell = |line: &str| !line.starts_with("#!") || line.contains("sh");
    if text.len() > LONGEST_SCRIPT || !text.lines().next().is_some_and(is_shell) {
        return BTreeSet::new();
    }
    report_user(builder, service, text);
    let mut found = BTreeSet::new();
    let functions = functions(text);
    for command in shell::commands(text).iter().filter(|command| !functions.contains(command.program())) {
        let program = command.program();
        let is_here = containers::ON_EVERY_MACHINE.contains(&program) || containers::SHELLS.contains(&program);
        if is_here || found.len() > MOST_COMMANDS {
            continue;
        }
        match known_program(builder, service, program) {
            Some((package, [start])) if *start == program || package == "python3" || package == "nodejs" => {
                found.insert(version::versioned(builder, service, package));
            }
            Some(("netcat", [start])) => {
                found.insert("netcat".to_owned());
                let why = format!("its script starts `{program}`, but the nixpkgs package only has `{start}`");
                builder.leave(service, &service.key.place, "command", why, format!("write `{start}` in the script"));
            }
            _ => {}
        }
    }
    found
}

/// Scripts over this length are not searched for programs.
const LONGEST_SCRIPT: usize = 64 << 10;

/// Whether a Node.js package manager command installs a program globally.
fn installs_globally(command: &shell::Command<'_>) -> bool {
    const INSTALL: [&str; 8] = ["add", "ci", "i", "install", "link", "up", "update", "upgrade"];
    if !matches!(command.program(), "npm" | "pnpm" | "yarn") {
        return false;
    }
    // What follows `--` belongs to another program.
    let own: Vec<&str> = command.arguments().take_while(|word| *word != "--").collect();
    let is_global = own.iter().any(|word| matches!(*word, "-g" | "--global" | "--location=global"));
    let mut verbs = own.iter().filter(|word| !word.starts_with('-'));
    match verbs.next() {
        Some(&"global") => verbs.next().is_some_and(|verb| INSTALL.contains(verb)),
        Some(verb) => is_global && INSTALL.contains(verb),
        None => false,
    }
}

/// The programs in a script that are not known to be in PATH. Fails if one is a file that is not in the checkout.
pub fn unknown_programs(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    script: &str,
) -> Result<BTreeSet<String>, String> {
    let mut unknown = BTreeSet::new();
    let functions = functions(script);
    for command in shell::commands(script) {
        let Some(word) = command.word(0) else { continue };
        // Only the shell can resolve these words.
        let is_open = word.is_empty()
            || CONTROL.contains(&word)
            || word.contains(['$', '`', '*', '{', '\u{f8f5}', '<', '>', '(', '=', '!', '[']);
        if is_open || known_program(builder, service, word).is_some() || own_program(builder, service, word).is_some() {
            continue;
        }
        let name = word.rsplit('/').next().unwrap_or(word);
        let is_path = word.contains('/') && containers::in_system(word).is_none();
        if is_path && !exists(builder, service, word) && !containers::INSTALLED.iter().any(|part| word.contains(part)) {
            return Err(not_known(builder, service, word));
        }
        let is_here = containers::ON_EVERY_MACHINE.contains(&name) || USER_SWITCHES.contains(&name);
        if !is_path && !functions.contains(name) && !is_here {
            unknown.insert(name.to_owned());
        }
    }
    Ok(unknown)
}

/// Keywords that do not precede a command.
const CONTROL: [&str; 4] = ["for", "case", "select", "function"];

/// The functions that a script defines: `name() {`.
fn functions(script: &str) -> BTreeSet<&str> {
    let name = |at: usize| {
        let before = script[..at].trim_end_matches(' ');
        let start = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
            .map_or(0, |end| end + before[end..].chars().next().map_or(1, char::len_utf8));
        &before[start..]
    };
    script.match_indices("()").map(|(at, _)| name(at)).filter(|name| !name.is_empty()).collect()
}

/// Whether the checkout contains the file at a path in the container.
fn exists(builder: &Builder<'_, '_>, service: &Service<'_>, path: &str) -> bool {
    let full = crate::paths::join(&working_folder(service), &host_path(service, path));
    full.is_some_and(|full| matches!(builder.files().text(&full), Ok(Some(_))))
}

/// The package of the service's own image, if a word of a script is its program: `./listmonk`.
pub fn own_program(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    word: &str,
) -> Option<&'static containers::PackageImage> {
    let package = containers::package_of(service.image()?)?;
    let is_named = word.rsplit('/').next() == Some(package.program);
    (is_named && !(word.contains('/') && exists(builder, service, word))).then_some(package)
}

/// The package of the service's own image, if a script starts its program.
pub fn own_package(service: &Service<'_>, words: &[String]) -> Option<&'static containers::PackageImage> {
    let package = containers::package_of(service.image()?)?;
    let script = words::shell_script(words)?;
    shell::commands(script).iter().any(|command| command.program() == package.program).then_some(package)
}

/// The program for a shell script, with the packages of the programs that the script starts.
pub fn user_script(builder: &Builder<'_, '_>, service: &Service<'_>, script: &str) -> Program {
    let mut packages = BTreeSet::new();
    let mut line = Text::default();
    let programs = Programs::of(builder, service, script);
    let addresses = client_addresses(builder, script);
    let mut start = 0;
    for (at, row) in script.split('\n').enumerate() {
        if at > 0 {
            line.push("\n");
        }
        let mut before = "";
        let mut rest = row;
        while !rest.is_empty() {
            let spaces = rest.len() - rest.trim_start_matches(is_gap).len();
            line.push(&rest[..spaces]);
            rest = &rest[spaces..];
            let end = rest.find(is_gap).unwrap_or(rest.len());
            let word = &rest[..end];
            let position = start + row.len() - rest.len();
            let known = known_program(builder, service, word).filter(|_| package_is_needed(word));
            if let Some(text) = addresses.get(&position).filter(|_| !word.is_empty()) {
                line.append(text);
            } else if let Some((package, call)) =
                known.filter(|(_, call)| programs.has(script, position, call.len() == 1))
            {
                packages.insert(version::versioned(builder, service, package));
                match call {
                    [_] if word.ends_with("sh") && package == "bash" => line.push(word),
                    [program] => line.push(program),
                    more => line.push(&more.join(" ")),
                };
            } else if let Some(package) = own_program(builder, service, word).filter(|_| word.contains('/')) {
                packages.insert(package.package.to_owned());
                line.push(package.program);
            } else {
                // Only the image may have made the file executable.
                if word.contains('/')
                    && programs.programs.contains(&position)
                    && is_shell_script(builder, service, word)
                {
                    packages.insert("bash".to_owned());
                    line.push("bash ");
                }
                line.append(&argument_text(builder, service, word, before));
            }
            before = word;
            rest = &rest[end..];
        }
        start += row.len() + 1;
    }
    Program { line, is_script: true, packages, ..Program::default() }
}

/// Whether a word is the path of a shell script in the checkout.
fn is_shell_script(builder: &Builder<'_, '_>, service: &Service<'_>, word: &str) -> bool {
    let Some((_, path, text)) = own_file(builder, service, word) else { return false };
    match text.lines().next().and_then(|line| line.strip_prefix("#!")) {
        Some(first) => first.split(['/', ' ']).any(|name| matches!(name, "sh" | "bash")),
        None => path.ends_with(".sh"),
    }
}

/// The addresses on this machine for the hosts and ports that clients get as separate words, by the positions of the
/// words: `nc -z db 5432`.
fn client_addresses(builder: &Builder<'_, '_>, script: &str) -> BTreeMap<usize, Text> {
    let mut found = BTreeMap::new();
    for command in shell::commands(script) {
        addresses_of(builder, script, (0, &command), &mut found);
        // A program that runs a command gets it in quotes: `./wait.sh -c 'nc -z db 5432'`.
        for word in command.words.iter().skip(1) {
            let (start, end) = (word.span.start as usize, word.span.end as usize);
            let quoted = script.get(start + 1..end.saturating_sub(1)).filter(|inner| word.text == **inner);
            for inner in quoted.into_iter().flat_map(shell::commands) {
                addresses_of(builder, script, (start + 1, &inner), &mut found);
            }
        }
    }
    found
}

/// Adds the addresses in one command of a script, whose positions start at `base`.
fn addresses_of(
    builder: &Builder<'_, '_>,
    script: &str,
    (base, command): (usize, &shell::Command<'_>),
    found: &mut BTreeMap<usize, Text>,
) {
    if !HOST_CLIENTS.contains(&command.program()) {
        return;
    }
    let mut words = command.words.iter().skip(1).peekable();
    while let Some(word) = words.next() {
        let (start, end) = (base + word.span.start as usize, base + word.span.end as usize);
        let plain = script.get(start..end) == Some(&*word.text);
        let other = builder.stack.by_host(&word.text).filter(|other| plain && other.is_carried());
        let Some(other) = other else { continue };
        found.insert(start, Text::literal(LOCAL));
        let port = words.peek().and_then(|next| Some((next.span.start, other.port(next.text.parse().ok()?)?)));
        if let Some((start, port)) = port {
            found.insert(base + start as usize, builder.port_text(Some(port)));
        }
    }
}

/// The positions of programs in a script, and of words that may be programs.
struct Programs {
    programs: BTreeSet<usize>,
    /// Arguments of unknown programs, which may run them: `./wait.sh redis-cli ping`.
    given: BTreeSet<usize>,
}

impl Programs {
    fn of(builder: &Builder<'_, '_>, service: &Service<'_>, script: &str) -> Self {
        let mut found = Self { programs: BTreeSet::new(), given: BTreeSet::new() };
        for command in shell::commands(script) {
            found.programs.insert(command.span.start as usize);
            if command.word(0).is_none_or(|word| known_program(builder, service, word).is_some()) {
                continue;
            }
            let arguments = command.words.iter().skip(1);
            found.given.extend(arguments.map(|word| word.span.start as usize));
            // `wait-for db:5432 -- npm start`
            let behind = command.words.iter().skip_while(|word| word.text != "--").nth(1);
            found.programs.extend(behind.map(|word| word.span.start as usize));
        }
        found
    }

    /// Whether the word at a position is a program: it is at the beginning of a command, perhaps in quotes. An argument
    /// is not replaced with several words, because it may also be a name: `mkdocs serve`.
    fn has(&self, script: &str, position: usize, is_one_word: bool) -> bool {
        let is_quoted =
            position > 0 && script.as_bytes().get(position - 1).is_some_and(|byte| matches!(byte, b'"' | b'\''));
        let is_in =
            |places: &BTreeSet<usize>| places.contains(&position) || (is_quoted && places.contains(&(position - 1)));
        is_in(&self.programs) || (is_one_word && is_in(&self.given))
    }
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\'' | '`')
}

/// Whether a command requires a package. Commands that every shell provides do not.
fn package_is_needed(word: &str) -> bool {
    !matches!(word, "echo" | "true" | "test" | "exec")
}
