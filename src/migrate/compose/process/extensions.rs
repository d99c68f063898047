//! The extensions that images add to PHP.

use std::collections::BTreeSet;

use crate::knowledge::images::base::{IN_EVERY_PHP, PHP_EXTENSIONS};
use crate::lang::shell;
use crate::migrate::compose::stack::Service;

/// The extensions that a command adds to PHP. `None` for other commands.
pub fn added<'c>(command: &'c shell::Command<'_>) -> Option<Vec<&'c str>> {
    let words = || command.arguments().filter(|word| !word.starts_with('-') && !word.starts_with('$'));
    let name = |word: &'c str| word.split(['-', '@']).next().unwrap_or(word);
    match command.program() {
        // What it prepares is installed by the next command.
        "docker-php-ext-configure" | "docker-php-source" => Some(Vec::new()),
        "docker-php-ext-install" | "docker-php-ext-enable" => Some(words().collect()),
        "install-php-extensions" => Some(words().map(name).collect()),
        "pecl" if command.word(1) == Some("install") => Some(words().skip(1).map(name).collect()),
        _ => None,
    }
}

/// Whether nixpkgs has an extension.
pub fn is_extension(name: &str) -> bool {
    IN_EVERY_PHP.contains(&name) || PHP_EXTENSIONS.contains(&name)
}

/// PHP in a version, with the extensions that the image adds to those that PHP has in nixpkgs.
pub fn with_extensions(service: &Service<'_>, package: &str) -> String {
    let runs = service.image_file.iter().flat_map(|file| &file.runs);
    let mut names = BTreeSet::new();
    for (run, _) in runs {
        let commands = shell::commands(run);
        let all = commands.iter().filter_map(added).flatten().filter(|name| PHP_EXTENSIONS.contains(name));
        names.extend(all.map(str::to_owned));
    }
    if names.is_empty() {
        return package.to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("all.{name}")).collect();
    format!("{package}.withExtensions ({{ enabled, all }}: enabled ++ [ {} ])", names.join(" "))
}
