//! A cheap necessary condition for a Nix file to refer to a registry, so that most files are never parsed.

use aho_corasick::AhoCorasick;

use crate::config::PortSettings;
use crate::lang::nix;

/// The names by which Nix code can refer to the registries in a repository.
#[derive(Debug, Default)]
pub struct Mentions {
    /// `None` if no file can be a registry.
    names: Option<AhoCorasick>,
    /// Whether any path may lead to a registry, because one is the `default.nix` in the root, or because there is no
    /// automaton for the names.
    anything: bool,
}

impl Mentions {
    /// Collects the names to search for: each component of the paths of files that may be registries, after a slash. A
    /// path in Nix contains a slash, and if it leads to a registry or a folder around one, its last component is a
    /// component of the registry's path, or a dot.
    pub fn of<'a>(files: impl Iterator<Item = &'a str>, settings: &PortSettings) -> Self {
        let registries: Vec<&str> = files.filter(|path| super::is_candidate(path, settings)).collect();
        if registries.is_empty() {
            return Self::default();
        }
        let names = registries.iter().flat_map(|path| path.split('/')).map(|name| format!("/{name}"));
        // Modules may receive a registry as an argument.
        let words = names.chain(["/.".to_owned()]).chain(super::passing::ARGUMENTS.map(str::to_owned));
        let names = AhoCorasick::new(words).ok();
        Self { anything: names.is_none() || registries.contains(&"default.nix"), names }
    }

    /// Whether the text may refer to a registry, or to a folder with one.
    pub fn may_be_in(&self, text: &str) -> bool {
        self.anything || self.names.as_ref().is_some_and(|names| names.is_match(text) || nix::holds_odd_escape(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_to_registries_and_their_folders_are_mentions() {
        let of = |files: &[&str]| Mentions::of(files.iter().copied(), &PortSettings::default());
        let some = of(&["flake.nix", "lib/net/ports.nix"]);
        for text in [
            "import ../lib/net/ports.nix",
            "import-tree ./.",
            "f ../net",
            "\"${self}/lib/x\"",
            "./ports.nix",
            "{ ports, ... }: ports.web",
        ] {
            assert!(some.may_be_in(text), "{text}");
        }
        for text in ["import ./hosts/web.nix", "{ port = 1; lib = 2; }", "\"a\\nb\""] {
            assert!(!some.may_be_in(text), "{text}");
        }
        assert!(!of(&["flake.nix"]).may_be_in("import ./ports.nix"));
    }
}
