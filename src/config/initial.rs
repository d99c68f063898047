//! The initial flakeward.toml of a repository: the settings that suit it, with comments about the others.

use std::fmt::Write;

use crate::finding::RuleId;

/// Facts about the repository.
#[derive(Debug, Default)]
pub struct Seen {
    /// Folders that contain vendored or generated code.
    pub foreign: Vec<String>,
    /// The port registries.
    pub registries: Vec<String>,
    /// The path at which a registry would be created.
    pub new_registry: String,
    /// The rule groups, each with its number of findings.
    pub groups: Vec<(&'static str, usize)>,
    /// The style rules with findings, and the number of these findings.
    pub style: (Vec<RuleId>, usize),
}

/// The beginnings of the comments above entries. These comments explain a key and are not reasons for its value.
const COMMENTS: [&str; 3] = [
    "Paths that are not checked, in .gitignore syntax. Packages, generated and lock files are left out by default.",
    "All rules run, also those for files that do not exist yet. `select` limits the run to some groups.",
    "Levels of groups and rules: off, hint, warn or error.",
];

/// Whether a comment is one of those that explain a key.
pub fn is_explanation(comment: &str) -> bool {
    COMMENTS.iter().any(|known| comment.starts_with(known))
}

/// The text of the file.
pub fn text(seen: &Seen) -> String {
    let mut out = String::from(
        "# flakeward settings. `flakeward config show` prints all of them, with defaults; `flakeward rules` lists the\n\
         # rules and their groups, and `flakeward explain RULE` documents a rule.\n\n",
    );
    exclude(&mut out, &seen.foreign);
    ports(&mut out, seen);
    rules(&mut out, seen);
    out.push_str(
        "\n# Other levels for some paths.\n# [[overrides]]\n# paths = [\"legacy/\"]\n# rules = { containers = \"off\" }\n",
    );
    out
}

fn exclude(out: &mut String, foreign: &[String]) {
    let [paths, ..] = COMMENTS;
    let _ = writeln!(out, "# {paths}");
    let _ = match foreign {
        [] => writeln!(out, "# exclude = [\"legacy/\"]"),
        folders => writeln!(out, "exclude = {}", list(folders)),
    };
}

fn ports(out: &mut String, seen: &Seen) {
    out.push_str("\n[ports]\n");
    let _ = match seen.registries.as_slice() {
        [] => {
            let new = list(std::slice::from_ref(&seen.new_registry));
            writeln!(
                out,
                "# Without a port registry at this path, `flakeward ports init` writes one.\n# registry = {new}"
            )
        }
        registries => {
            writeln!(out, "# The files that give every port number its name.\nregistry = {}", list(registries))
        }
    };
    out.push_str(
        "# Hosts whose ports belong to this repository, and hosts whose ports do not.\n\
         # own-hosts = [\".example.org\"]\n# external-hosts = [\"db.example.com\"]\n",
    );
}

fn rules(out: &mut String, seen: &Seen) {
    let [_, groups, levels] = COMMENTS;
    let counts: Vec<String> = seen.groups.iter().map(|(group, findings)| format!("{group} {findings}")).collect();
    let _ = writeln!(out, "\n[rules]\n# {groups}");
    let _ = writeln!(out, "# Current findings by group: {}.", counts.join(", "));
    let _ = writeln!(out, "# select = [\"ports\", \"flakes\"]\n\n# {levels}");
    let _ = match &seen.style {
        (_, 0) => writeln!(out, "# style = \"warn\""),
        (rules, findings) => writeln!(
            out,
            "# Style rules ({}) report choices of style, not mistakes; findings: {findings}.\nstyle = \"warn\"",
            rules.join(", ")
        ),
    };
    out.push_str("# lookup-path = \"error\"\n");
}

fn list(texts: &[String]) -> String {
    toml::Value::from(texts.to_vec()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::finding::Level;

    #[test]
    fn the_initial_configuration_is_always_valid() {
        let seen = Seen { new_registry: "lib/ports.nix".to_owned(), groups: vec![("general", 0)], ..Seen::default() };
        let config = Config::parse("flakeward.toml".as_ref(), text(&seen)).unwrap();
        assert!(config.levels.is_empty(), "{:?}", config.levels);
        let seen = Seen {
            foreign: vec!["vendor \"x\"/".to_owned()],
            registries: vec!["nix/ports.nix".to_owned()],
            groups: vec![("ports", 140), ("containers", 3)],
            style: (vec!["dockerfile"], 3),
            ..seen
        };
        let config = Config::parse("flakeward.toml".as_ref(), text(&seen)).unwrap();
        assert_eq!(config.exclude_globs, ["vendor \"x\"/"]);
        assert_eq!(config.ports.registries, ["nix/ports.nix"]);
        assert_eq!(config.levels["dockerfile"], Level::Warn);
        // No rule is turned off.
        assert!(config.levels.values().all(|level| *level != Level::Off), "{:?}", config.levels);
        assert!(!config.levels.contains_key("hardcoded-port"));
    }
}
