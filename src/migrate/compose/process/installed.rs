//! Programs that a package manager of the image installs, and that the same package manager provides in the checkout.

use super::{Program, append, start_line, versioned, working_folder};
use crate::lang::shell;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::Service;
use crate::paths;

/// The program for a command that a package of the project installs: a dependency in package.json, or a package that
/// the Dockerfile installs with pip. `None` if no package has its name.
pub fn program(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String]) -> Option<Program> {
    let (first, arguments) = words.split_first()?;
    service.image_file.as_ref()?;
    let is_name = first.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) && !first.starts_with('-');
    if !is_name {
        return None;
    }
    let (package, start): (&str, &[&str]) = if is_of_node(builder, service, first) {
        ("nodejs", &["npx", "--no-install", first])
    } else if is_of_python(builder, service, first) {
        ("python3", &[first])
    } else {
        return None;
    };
    let package = versioned(builder, service, package);
    let mut program = Program { line: start_line(&package, start), ..Program::default() };
    if start.len() > 1 {
        program.packages.insert(package);
    }
    append(builder, service, &mut program, first, arguments);
    Some(program)
}

/// Whether package.json has a dependency with this name.
fn is_of_node(builder: &Builder<'_, '_>, service: &Service<'_>, name: &str) -> bool {
    let path = paths::join(&working_folder(service), "package.json");
    let text = path.and_then(|path| builder.files().text(&path).ok().flatten()).unwrap_or_default();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    ["dependencies", "devDependencies"].iter().any(|key| package.get(key).is_some_and(|all| all.get(name).is_some()))
}

/// Whether the Dockerfile installs a package with this name with pip, by its name or from a list of requirements.
fn is_of_python(builder: &Builder<'_, '_>, service: &Service<'_>, name: &str) -> bool {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
    let is_it = |requirement: &str| {
        let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        plain(&requirement[..end.unwrap_or(requirement.len())]) == plain(name)
    };
    let lists_it = |file: &str| {
        let path = service.context().and_then(|context| paths::join(context, file));
        let text = path.and_then(|path| builder.files().text(&path).ok().flatten()).unwrap_or_default();
        text.lines().map(str::trim).any(is_it)
    };
    let runs = service.image_file.iter().flat_map(|file| &file.runs);
    runs.flat_map(|(run, _)| shell::commands(run)).any(|command| {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        let Some(at) = words.iter().position(|word| *word == "install") else { return false };
        let is_pip = words[..at].iter().any(|word| matches!(paths::name(word), "pip" | "pip3" | "pipx"));
        let is_list = |at: usize, word: &str| {
            word.ends_with(".txt") && at > 0 && matches!(words.get(at - 1), Some(&"-r" | &"--requirement"))
        };
        is_pip
            && words.iter().enumerate().skip(at + 1).any(|(at, word)| match is_list(at, word) {
                true => lists_it(paths::name(word)),
                false => is_it(word),
            })
    })
}
