//! nixpkgs in CI files: `nix run nixpkgs#..`, `nix_path`, `-I nixpkgs=..`, `nix-channel --add`.

use core::ops::Range;

use super::Use;
use crate::facts::ci::call::{self, Target};
use crate::finding::Span;
use crate::lang::ci::{self, Script, Site, System};
use crate::lang::flake::flakeref::{FlakeRef, Scheme};
use crate::lang::flake::nixpkgs::Channel;
use crate::lang::shell::{self, Command, Word};
use crate::lang::yaml::Yaml;
use crate::lang::{Field, Node, NodeKind, Tree};
use crate::wording::tail;

/// The uses of nixpkgs in a CI file.
pub fn uses(tree: &Tree<'_>, system: System) -> Vec<Use> {
    let yaml = Yaml::new(tree);
    let mut scan = Scan { uses: Vec::new(), pinned_registry: false };
    for site in ci::sites(&yaml, system) {
        if let Site::Script(script) = site {
            scan.script(&script, &shell::commands(&script.text));
        }
    }
    for pair in tree.nodes().filter(|&node| matches!(tree.kind(node), NodeKind::BlockMappingPair | NodeKind::FlowPair))
    {
        scan.nix_path(&yaml, pair);
        scan.with(&yaml, pair);
    }
    if scan.pinned_registry {
        scan.uses.retain(|used| used.channel != Channel::Registry);
    }
    scan.uses
}

/// The uses of nixpkgs in a separate script.
pub fn script_uses(script: &Script<'_>, commands: &[Command<'_>]) -> Vec<Use> {
    let mut scan = Scan { uses: Vec::new(), pinned_registry: false };
    scan.script(script, commands);
    if scan.pinned_registry {
        scan.uses.retain(|used| used.channel != Channel::Registry);
    }
    scan.uses
}

/// The text before a search path.
const MARK: &str = "NIX_PATH=";

struct Scan {
    uses: Vec<Use>,
    /// Whether a step redefines `nixpkgs` in the registry.
    pinned_registry: bool,
}

impl Scan {
    fn script(&mut self, script: &Script<'_>, commands: &[Command<'_>]) {
        let sets_path = script.text.contains(MARK);
        for command in commands {
            if sets_path {
                self.assigned_path(script, command);
            }
            match command.program() {
                "nix" => self.nix(script, command),
                "nix-channel" if command.has("--add") => {
                    let word = command.words.iter().skip(1).find(|word| !word.text.starts_with('-'));
                    self.uses.extend(word.and_then(|word| used(script, word, 0)));
                }
                _ if runs_script(command) => self.arguments(script, command),
                program if program.starts_with("nix") => self.search_path(script, command),
                "export" => self.search_path(script, command),
                _ => {}
            }
        }
    }

    fn nix(&mut self, script: &Script<'_>, command: &Command<'_>) {
        self.search_path(script, command);
        if command.word(1) == Some("registry") {
            self.pinned_registry |= command.has("nixpkgs") && (command.has("add") || command.has("pin"));
            return;
        }
        // This option selects another nixpkgs on purpose.
        if command.has("--override-input") {
            return;
        }
        let own_lock = command.has("--inputs-from");
        let ends = |word: &Word<'_>| matches!(&*word.text, "--" | "-c" | "--command");
        let end = command.words.iter().position(ends).unwrap_or(command.words.len());
        // `nix run` passes all arguments after its installable to the program.
        let runs = command.words.iter().take(end).any(|word| word.text == "run");
        let uses_among = |words: &[Word<'_>], most: usize| -> Vec<Use> {
            let installables = words.iter().filter(|word| is_installable(&word.text));
            let found = installables.filter_map(|word| used(script, word, 0));
            found.filter(|used| !(own_lock && used.scheme == Scheme::Indirect)).take(most).collect()
        };
        let (before, after) = command.words.split_at(end);
        let mut found = uses_among(before.get(2..).unwrap_or_default(), if runs { 1 } else { usize::MAX });
        // After `--`, the program may pass installables to Nix. A command after `-c` is read separately.
        if found.is_empty() && after.first().is_some_and(|word| word.text == "--") {
            found = uses_among(after, 1);
        }
        self.uses.extend(found);
    }

    /// Adds the installables among the arguments of a script in the repository, which may pass them to Nix:
    /// `./ci/setup.sh nixpkgs#jq`.
    fn arguments(&mut self, script: &Script<'_>, command: &Command<'_>) {
        let own_lock = command.has("--inputs-from");
        // The name of a repository may also be followed by the number of an issue: `nixpkgs#12345`. Anything else may
        // be an attribute, even if it is computed.
        let is_attribute = |name: &str| !name.bytes().all(|byte| byte.is_ascii_digit());
        let is_installable = |word: &&Word<'_>| word.text.split_once('#').is_some_and(|(_, name)| is_attribute(name));
        let installables = command.words.iter().skip(1).filter(is_installable);
        let found = installables.filter_map(|word| used(script, word, 0));
        self.uses.extend(found.filter(|used| !(own_lock && used.scheme == Scheme::Indirect)));
    }

    /// Adds the search path that is assigned before a command: `NIX_PATH=nixpkgs=channel:nixos-unstable nix-build`.
    fn assigned_path(&mut self, script: &Script<'_>, command: &Command<'_>) {
        /// The number of bytes before a command that are searched for assignments.
        const LONGEST: usize = 300;
        let end = command.span.start as usize;
        let before = tail(script.text.get(..end).unwrap_or(""), LONGEST);
        let start = before.rfind(['\n', ';', '&', '|', '(', '`']).map_or(0, |at| at + 1);
        let Some(at) = before[start..].find(MARK).map(|at| start + at + MARK.len()) else { return };
        let value = before[at..].trim_start_matches(['"', '\'']);
        let length = value.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).unwrap_or(value.len());
        let Some(range) = nixpkgs_entry(&value[..length]) else { return };
        let at = end - value.len();
        let word = Word { text: value[range.clone()].into(), span: Span::new(at + range.start, at + range.end) };
        self.uses.extend(used(script, &word, 0));
    }

    /// Adds the search path in an option or an `export`: `-I nixpkgs=channel:nixos-unstable`.
    fn search_path(&mut self, script: &Script<'_>, command: &Command<'_>) {
        let words = command.words.iter().skip(1);
        self.uses.extend(words.filter_map(|word| {
            let skip = word.text.find(MARK).map_or(0, |at| at + MARK.len());
            let entry = nixpkgs_entry(&word.text[skip..])?;
            used_in(script, word, skip + entry.start..skip + entry.end)
        }));
    }

    /// Adds the installables in an input of an action: `with: { flakes: "nixpkgs#jq" }`.
    fn with(&mut self, yaml: &Yaml<'_, '_>, pair: Node) {
        let around = yaml.pair_around(pair).and_then(|around| yaml.tree.child(around, Field::Key));
        if around.and_then(|key| yaml.scalar(key)).as_deref() != Some("with") {
            return;
        }
        let Some((text, start)) = yaml.tree.child(pair, Field::Value).and_then(|value| yaml.raw(value)) else { return };
        let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
        let mut at = 0;
        for word in text.split(separates) {
            let is_flake = word.split_once('#').is_some_and(|(flake, name)| {
                !name.is_empty() && (flake.starts_with("nixpkgs") || flake.starts_with("github:"))
            });
            let span = Span::new(start as usize + at, start as usize + at + word.len());
            let used = Use::of(&FlakeRef::parse(word), span, Some(span), format!("`{word}`")).filter(|_| is_flake);
            self.uses.extend(used);
            at += word.len() + text[at + word.len()..].chars().next().map_or(0, char::len_utf8);
        }
    }

    /// Adds the search path in an input of an action or in `env`: `nix_path: nixpkgs=channel:nixos-unstable`.
    fn nix_path(&mut self, yaml: &Yaml<'_, '_>, pair: Node) {
        let key = yaml.tree.child(pair, Field::Key).and_then(|key| yaml.scalar(key));
        if !key.is_some_and(|key| key.eq_ignore_ascii_case("nix_path")) {
            return;
        }
        let Some(value) = yaml.tree.child(pair, Field::Value) else { return };
        let Some((text, start)) = yaml.raw(value) else { return };
        let Some(at) = text.find("nixpkgs=").map(|at| at + "nixpkgs=".len()) else { return };
        let entry = text[at..].split_whitespace().next().unwrap_or("");
        let entry = &entry[..entry_end(entry)];
        let span = Span::new(start as usize + at, start as usize + at + entry.len());
        self.uses.extend(Use::of(&FlakeRef::parse(entry), span, Some(span), "this `nix_path`".to_owned()));
    }
}

/// The nixpkgs address in a list in NIX_PATH format: `channel:nixos-24.11` in
/// `nixpkgs=channel:nixos-24.11:tools=/opt/tools`. The colons in addresses do not separate entries.
fn nixpkgs_entry(path: &str) -> Option<Range<usize>> {
    const NAME: &str = "nixpkgs=";
    let mut names = path.match_indices(NAME).map(|(at, _)| at);
    let start = names.find(|&at| at == 0 || path[..at].ends_with(':'))? + NAME.len();
    Some(start..start + entry_end(&path[start..]))
}

/// The end of the first address in a list in NIX_PATH format.
fn entry_end(path: &str) -> usize {
    let begins_entry = |rest: &str| {
        let name = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
        rest.starts_with('/') && !rest.starts_with("//")
            || name.is_some_and(|end| end > 0 && rest[end..].starts_with('='))
    };
    let mut colons = path.match_indices(':').map(|(at, _)| at);
    colons.find(|&at| begins_entry(&path[at + 1..])).unwrap_or(path.len())
}

/// Whether a command is a script in the repository: `./ci/setup.sh`, `bash ci/setup.sh`.
fn runs_script(command: &Command<'_>) -> bool {
    matches!(call::target(command, ""), Some(Target::File(_)))
}

/// Whether a word is an installable, not the plain name of an input: `nixpkgs#hello`,
/// `github:NixOS/nixpkgs/nixos-unstable#hello`.
fn is_installable(word: &str) -> bool {
    word.contains('#') || word.starts_with("github:") || word.starts_with("nixpkgs/")
}

fn used(script: &Script<'_>, word: &Word<'_>, skip: usize) -> Option<Use> {
    used_in(script, word, skip..word.text.len())
}

/// The use of nixpkgs in part of a word; `None` if that part does not refer to nixpkgs.
fn used_in(script: &Script<'_>, word: &Word<'_>, part: Range<usize>) -> Option<Use> {
    let text = word.text.get(part.clone())?;
    let span = script.span(word.span);
    // If quotes or escapes make the word shorter than its span, the span of the whole word is used.
    let span = if word.text.len() == (span.end - span.start) as usize {
        Span { start: span.start + part.start as u32, end: span.start + part.end as u32 }
    } else {
        span
    };
    Use::of(&FlakeRef::parse(text), span, Some(span), format!("`{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_nixpkgs_are_found_in_scripts() {
        for (text, expected) in [
            ("NIX_PATH=nixpkgs=channel:nixos-21.05 nix-build", vec!["channel:nixos-21.05"]),
            ("NIX_PATH=nixpkgs=channel:nixos-21.05:foo=/x nix-build", vec!["channel:nixos-21.05"]),
            (
                "NIX_PATH=foo=/x:nixpkgs=https://nixos.org/channels/nixos-21.05/nixexprs.tar.xz:/y nix-build",
                vec!["https://nixos.org/channels/nixos-21.05/nixexprs.tar.xz"],
            ),
            ("export NIX_PATH=foo=/x:nixpkgs=channel:nixos-21.05:bar=/y", vec!["channel:nixos-21.05"]),
            ("NIX_PATH=my-nixpkgs=channel:nixos-21.05 nix-build", vec![]),
            ("nix-build -I nixpkgs=channel:nixos-21.05", vec!["channel:nixos-21.05"]),
            ("./ci/setup.sh nixpkgs#jq", vec!["nixpkgs#jq"]),
            ("./ci/setup.sh nixpkgs#jq nixpkgs#yq", vec!["nixpkgs#jq", "nixpkgs#yq"]),
            ("nix profile add nixpkgs#jq nixpkgs#yq", vec!["nixpkgs#jq", "nixpkgs#yq"]),
            (
                "nix shell nixpkgs/nixos-26.05#jq .#x nixpkgs#yq -c x nixpkgs#z",
                vec!["nixpkgs/nixos-26.05#jq", "nixpkgs#yq"],
            ),
            ("nix run nixpkgs#jq nixpkgs#yq -- nixpkgs#z", vec!["nixpkgs#jq"]),
            ("nix develop -c nix run nixpkgs#jq", vec!["nixpkgs#jq"]),
            ("bash -e ci/setup.sh nixpkgs#jq", vec!["nixpkgs#jq"]),
            ("./ci/setup.sh nixpkgs#$TOOL", vec!["nixpkgs#$TOOL"]),
            ("./ci/setup.sh nixpkgs#${{ matrix.tool }}", vec!["nixpkgs#${{ matrix.tool }}"]),
            ("./ci/setup.sh nixpkgs#{jq,curl}", vec!["nixpkgs#{jq,curl}"]),
            ("bash ci/setup.sh -c nixpkgs#jq", vec!["nixpkgs#jq"]),
            ("bash -o pipefail ci/setup.sh --exec nixpkgs#jq", vec!["nixpkgs#jq"]),
            ("./scripts/notify.sh nixpkgs#12345", vec![]),
            ("./scripts/notify.sh nixpkgs#", vec![]),
        ] {
            let found = script_uses(&Script { text: text.into(), start: 0 }, &shell::commands(text));
            let found: Vec<&str> = found.iter().map(|used| &text[used.place.range()]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
