//! What the command of a service starts: the image's own server, a client of it, or a script.

use super::stack::Service;
use super::waits::Wait;
use super::words;
use super::yaml::Node;
use crate::knowledge::containers::starts::{CLIENTS, COMMON_SERVER_WORDS, IDLE, SERVER_WORDS};
use crate::knowledge::containers::{self, PackageImage};
use crate::knowledge::images::paths::PATH;
use crate::lang::shell;
use crate::migrate::Files;
use crate::paths;

/// Whether a service with a server image only runs a client, like a service that creates a topic or a database.
pub fn is_client(service: &Service<'_>) -> bool {
    let words = words(service);
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.rsplit('/').next().unwrap_or(word)));
    (has(CLIENTS) && !has(SERVER_WORDS)) || pulls_model(&words)
}

/// Whether Ollama only downloads a model.
fn pulls_model(words: &[String]) -> bool {
    words.windows(2).any(|pair| pair[0].ends_with("ollama") && pair[1] == "pull")
}

/// Whether a word starts the server of an image.
pub fn starts_server(word: &str, service: &Service<'_>, option: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    SERVER_WORDS.contains(&name) || name == option || service.image_name() == Some(name)
}

/// Whether a service whose image is built on a server image still starts the server: by the command of the base image,
/// by a command with the name of the server, or through a script that starts it.
pub fn starts_own_server(service: &Service<'_>, option: &str, files: &dyn Files) -> bool {
    let words = start_words(service);
    !pulls_model(&words) && runs_server(service, option, files, &words::plain_words(words))
}

/// The words of entrypoint and command in the Compose file, or else those in the Dockerfile.
pub fn start_words(service: &Service<'_>) -> Vec<String> {
    let of_image = |key: &str| service.of_image(key).map(|(words, _)| words.clone()).unwrap_or_default();
    let words = ["entrypoint", "command"].into_iter().flat_map(|key| match service.get(key) {
        Some(node) => listed(node).unwrap_or_default(),
        None => of_image(key),
    });
    Wait::of(service, words.collect()).words
}

/// The arguments that a service passes to its server, which a script may start.
pub fn server_arguments(service: &Service<'_>, server: &str, files: &dyn Files) -> Vec<String> {
    let words = words::plain_words(start_words(service));
    let words = without_interpreter(&words);
    let mut found = Vec::new();
    let mut rest = words;
    let script = match words.split_first() {
        Some((first, arguments)) => own_script(service, files, first).map(|(_, text)| {
            rest = arguments;
            text
        }),
        None => None,
    };
    if let Some(text) = script.or_else(|| words::shell_script(words).map(str::to_owned)) {
        for command in shell::commands(&text) {
            let words: Vec<String> = command.words.iter().map(|word| word.text.to_string()).collect();
            if let Some(at) = words.iter().position(|word| starts_server(word, service, server)) {
                found.extend_from_slice(&words[at + 1..]);
            }
        }
    }
    let is_start = |word: &String| starts_server(word, service, server);
    found.extend(words::without_wrappers(rest).iter().skip_while(|word| is_start(word)).cloned());
    found
}

/// The words of a command without the shell that runs a script: `sh /start.sh`.
pub fn without_interpreter(words: &[String]) -> &[String] {
    match words {
        [shell, script, ..] if words::is_shell(shell) && !script.starts_with('-') => &words[1..],
        _ => words,
    }
}

fn runs_server(service: &Service<'_>, option: &str, files: &dyn Files, words: &[String]) -> bool {
    let words = without_interpreter(words);
    let Some(first) = words.first() else { return true };
    let in_script = |text: &str| {
        shell::commands(text).iter().any(|command| {
            let word = command.word(0).unwrap_or_default();
            starts_image_server(service, option, files, word, true)
        })
    };
    if let Some((_, text)) = own_script(service, files, first) {
        let starts = in_script(&text);
        let rest = &words[1..];
        return starts || (!rest.is_empty() && text.contains("$@") && runs_server(service, option, files, rest));
    }
    let words = words::without_wrappers(words);
    if let Some(script) = words::shell_script(words) {
        return in_script(script);
    }
    words.first().is_none_or(|word| word.starts_with('-') || starts_image_server(service, option, files, word, false))
}

/// Whether a word starts the server of an image, and not a program of the repository that has a common name.
fn starts_image_server(service: &Service<'_>, option: &str, files: &dyn Files, word: &str, is_in_script: bool) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let is_common = || COMMON_SERVER_WORDS.contains(&name) && service.image_name() != Some(name);
    // In a script, `./run.sh` and `server` may be anything.
    let is_unclear = || is_in_script && (!name.ends_with(".sh") || (word.contains('/') && !word.starts_with('/')));
    starts_server(word, service, option) && !(is_common() && (is_unclear() || is_own(service, files, word)))
}

/// Whether a program with a common name comes from the repository: it is mounted, copied, or built in another stage.
fn is_own(service: &Service<'_>, files: &dyn Files, word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let mut built = service.image_file.iter().flat_map(|file| &file.built);
    if built.any(|built| built.target.ends_with(name) || built.source.ends_with(name)) {
        return true;
    }
    let of_image = service.image_file.as_ref().map(|file| file.folder.as_str());
    let folder = service.text("working_dir").or(of_image).unwrap_or_default().trim_end_matches('/');
    let on_path = PATH.iter().copied().filter(|_| !word.contains('/'));
    let paths: Vec<String> = match word.starts_with('/') {
        true => vec![word.to_owned()],
        false => {
            let folders = std::iter::once(folder).chain(on_path);
            folders.map(|folder| format!("{folder}/{}", word.trim_start_matches("./"))).collect()
        }
    };
    let exists = |path: &str| !matches!(files.text(path), Ok(None));
    let is_mounted = |path: &String| {
        service.binds().into_iter().filter(|bind| !bind.is_copied).any(|bind| {
            let rest = path.strip_prefix(bind.target.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') && exists(&format!("{}{rest}", bind.source))
            })
        })
    };
    // A build product that is copied by its name need not exist in the checkout.
    let is_copied = |path: &String| {
        let Some((file, source)) = service.image_file.as_ref().and_then(|file| Some((file, file.source_of(path)?)))
        else {
            return false;
        };
        file.copies.iter().any(|(from, _)| from.trim_start_matches("./").trim_end_matches('/') == source)
            || service.context().and_then(|context| paths::join(context, &source)).is_some_and(|path| exists(&path))
    };
    paths.iter().any(|path| is_mounted(path) || is_copied(path))
}

/// Whether a service whose image is built on the image of a package still runs its program.
pub fn starts_own_program(service: &Service<'_>, package: &PackageImage) -> bool {
    let words = words::plain_words(start_words(service));
    let first = words::without_wrappers(&words).first();
    let has_entrypoint = service.get("entrypoint").is_some() || service.of_image("entrypoint").is_some();
    // Unless it is replaced, the entrypoint of the base image is the program, and the command is its arguments.
    let is_subcommand = |word: &str| {
        !has_entrypoint && (package.arguments.first() == Some(&word) || package.subcommands.contains(&word))
    };
    let is_own = |word: &str| {
        let copies = service.image_file.iter().flat_map(|file| &file.copies);
        copies.into_iter().any(|(_, to)| to.rsplit('/').next() == Some(word))
    };
    first.is_none_or(|word| {
        let name = containers::in_system(word).unwrap_or(word);
        word.starts_with('-')
            || name == package.program
            || service.image_name() == Some(name)
            || is_subcommand(word) && !is_own(word)
    })
}

/// A script of the repository that a container starts by its path in the image: its path relative to the root, and its
/// text.
pub fn own_script(service: &Service<'_>, files: &dyn Files, word: &str) -> Option<(String, String)> {
    let read = |path: String| files.text(&path).ok().flatten().map(|text| (path, text));
    let is_script = |(_, text): &(String, String)| text.starts_with("#!") || word.ends_with("sh");
    let mut binds = service.binds().into_iter().filter(|bind| !bind.is_copied);
    if let Some(bind) = binds.find(|bind| bind.target == word) {
        return read(bind.source).filter(is_script);
    }
    let file = service.image_file.as_ref()?;
    let folders: &[&str] = if word.contains('/') { &[] } else { &PATH };
    let inside = match word.starts_with('/') {
        true => word.to_owned(),
        false => format!("{}/{}", file.folder.trim_end_matches('/'), word.trim_start_matches("./")),
    };
    let inside = std::iter::once(inside).chain(folders.iter().map(|folder| format!("{folder}/{word}")));
    let mut sources = inside.filter_map(|path| paths::join(service.context()?, &file.source_of(&path)?));
    sources.find_map(read).filter(is_script)
}

/// Whether a service with a server image runs a script that does not start the server.
pub fn is_other_than_server(service: &Service<'_>, option: &str, files: &dyn Files) -> bool {
    let in_script = is_script(service);
    is_other_program(service, option)
        && !words(service).iter().any(|word| starts_image_server(service, option, files, word, in_script))
}

/// The command of a service, if it only waits, prints or exits: `sleep infinity`.
pub fn idle(service: &Service<'_>) -> Option<String> {
    let own = service.get("entrypoint").filter(|node| node.text().is_some() || !node.items().is_empty());
    let node = own.or_else(|| service.get("command"))?;
    let words = without_shell(listed(node)?);
    let is_idle = |line: &str| {
        let commands = shell::commands(line);
        !commands.is_empty() && commands.iter().all(|command| IDLE.contains(&command.program()))
    };
    is_idle(&words.join(" ")).then(|| words.join(" "))
}

/// The words of a setting that is a list or a string.
fn listed(node: &Node) -> Option<Vec<String>> {
    match node.items() {
        [] => words::split(node.text()?).ok(),
        items => Some(items.iter().filter_map(Node::text).map(str::to_owned).collect()),
    }
}

/// The script of `sh -c`, or the words themselves.
fn without_shell(words: Vec<String>) -> Vec<String> {
    match words::shell_script(&words) {
        Some(script) => vec![script.to_owned()],
        None => words,
    }
}

/// Whether a service runs a shell script.
pub fn is_script(service: &Service<'_>) -> bool {
    let words = words(service);
    let shell = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    matches!(shell, "sh" | "bash" | "ash")
        && words.get(1).is_some_and(|flag| flag.starts_with('-') && flag.ends_with('c'))
}

/// Whether a service with the image of a program starts a script instead of the program: a shell, or a file in the
/// repository or the image that is not the image's own entrypoint.
pub fn is_other_program(service: &Service<'_>, program: &str) -> bool {
    let Some(node) = service.get("entrypoint").or_else(|| service.get("command")) else { return false };
    let split = node.text().and_then(|text| words::split(text).ok()).unwrap_or_default();
    let listed = node.items().first().and_then(Node::text);
    let Some(first) = listed.or(split.first().map(String::as_str)) else { return false };
    let name = first.rsplit('/').next().unwrap_or(first);
    let is_script = [".sh", ".bash", ".py"].iter().any(|end| name.ends_with(end)) && name != program;
    let is_mounted = || service.binds().iter().any(|bind| bind.target == first);
    matches!(name, "sh" | "bash" | "ash") || (is_script && (!name.contains("entrypoint") || is_mounted()))
}

/// The words of entrypoint and command, including the words of scripts in them.
fn words(service: &Service<'_>) -> Vec<String> {
    let nodes = ["entrypoint", "command"].iter().filter_map(|key| service.get(key));
    let words = nodes.flat_map(|node| match node.items() {
        [] => words::split(node.text().unwrap_or_default()).unwrap_or_default(),
        items => items.iter().filter_map(Node::text).map(str::to_owned).collect(),
    });
    let is_gap = |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '"' | '\'' | '`' | '$');
    words
        .flat_map(|word| word.split(is_gap).filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}
