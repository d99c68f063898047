//! The extensions of PHP that an image adds.

use crate::knowledge::images::base::{IN_EVERY_PHP, PHP_EXTENSIONS};

/// The extensions that a command adds to PHP. `None` for other commands.
pub fn added<'w>(words: &[&'w str]) -> Option<Vec<&'w str>> {
    let (program, rest) = words.split_first()?;
    let names = || rest.iter().copied().filter(|word| !word.starts_with('-') && !word.starts_with('$'));
    let name = |word: &'w str| word.split(['-', '@']).next().unwrap_or(word);
    match crate::paths::name(program) {
        // What it prepares is installed by the next command.
        "docker-php-ext-configure" | "docker-php-source" => Some(Vec::new()),
        "docker-php-ext-install" | "docker-php-ext-enable" => Some(names().collect()),
        "install-php-extensions" => Some(names().map(name).collect()),
        "pecl" if rest.first() == Some(&"install") => Some(names().skip(1).map(name).collect()),
        _ => None,
    }
}

/// Whether nixpkgs has an extension.
pub fn is_known(name: &str) -> bool {
    IN_EVERY_PHP.contains(&name) || PHP_EXTENSIONS.contains(&name)
}

/// PHP with extensions in addition to those that it has in nixpkgs.
pub fn with<'n>(package: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("all.{name}")).collect();
    match names.is_empty() {
        true => package.to_owned(),
        false => format!("{package}.withExtensions ({{ enabled, all }}: enabled ++ [ {} ])", names.join(" ")),
    }
}
