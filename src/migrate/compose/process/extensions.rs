//! The extensions of PHP that an image adds.

use std::collections::BTreeSet;

use crate::knowledge::images::base::PHP_EXTENSIONS;
use crate::lang::shell;
use crate::migrate::compose::stack::Service;
use crate::migrate::php_extensions;

/// The extensions that a command adds to PHP. `None` for other commands.
pub fn added<'c>(command: &'c shell::Command<'_>) -> Option<Vec<&'c str>> {
    php_extensions::added(&command.words.iter().map(|word| &*word.text).collect::<Vec<_>>())
}

/// The expression for a PHP package with the extensions that the image adds to those that PHP has in nixpkgs.
pub fn with_extensions(service: &Service<'_>, package: &str) -> String {
    let runs = service.image_file.iter().flat_map(|file| &file.runs);
    let mut names = BTreeSet::new();
    for (run, _) in runs {
        let commands = shell::commands(run);
        let all = commands.iter().filter_map(added).flatten().filter(|name| PHP_EXTENSIONS.contains(name));
        names.extend(all.map(str::to_owned));
    }
    php_extensions::with(package, names.iter().map(String::as_str))
}
