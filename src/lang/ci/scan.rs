//! Everything that a CI file of any system runs, in file order.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Script, Site, System, Work};
use crate::lang::yaml::Yaml;
use crate::lang::{Field, Node, NodeKind};
use crate::wording::tail;

/// Nested lists of scripts (GitLab's anchors) are followed to this depth.
const DEPTH: usize = 8;

/// The scripts and reusable units that a CI file runs.
pub fn sites<'a>(yaml: &Yaml<'_, 'a>, system: System) -> Vec<Site<'a>> {
    let commands = match system {
        System::GitHub => matrix_commands(yaml.tree.text()),
        _ => BTreeSet::new(),
    };
    let mut scan = Scan { yaml, system, commands, orbs: Vec::new(), seen: BTreeSet::new(), sites: Vec::new() };
    if system == System::CircleCi {
        scan.read_orbs();
    }
    let tree = yaml.tree;
    for pair in tree.nodes().filter(|&node| matches!(tree.kind(node), NodeKind::BlockMappingPair | NodeKind::FlowPair))
    {
        scan.pair(pair);
    }
    scan.sites
}

/// The keys of matrices whose values steps run as commands: `run: ${{ matrix.command }}`, `nix develop -c ${{
/// matrix.command }}`.
fn matrix_commands(text: &str) -> BTreeSet<&str> {
    const MARK: &str = "matrix.";
    /// The number of bytes before an expression that are examined: a line may contain many expressions.
    const WINDOW: usize = 200;
    let mut keys = BTreeSet::new();
    for at in memchr::memmem::find_iter(text.as_bytes(), MARK.as_bytes()) {
        let before = tail(&text[..at], WINDOW);
        let before = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        let Some(before) = before.trim_end().strip_suffix("${{") else { continue };
        let before = before.trim_end_matches([' ', '"', '\'']).trim_start_matches([' ', '-']);
        let runs = matches!(before, "" | "run:" | "run: >" | "run: |")
            || ["-c", "--command", "--run", "&&", ";"].iter().any(|end| before.ends_with(end));
        let rest = &text[at + MARK.len()..];
        let key = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next().unwrap_or_default();
        if runs && !key.is_empty() {
            keys.insert(key);
        }
    }
    keys
}

struct Scan<'y, 't, 'a> {
    yaml: &'y Yaml<'t, 'a>,
    system: System,
    /// For GitHub: the keys of matrices that steps run.
    commands: BTreeSet<&'a str>,
    /// For CircleCI: the aliases of orbs in this file, and the orbs' names.
    orbs: Vec<(String, String)>,
    /// The offsets of scripts already seen: the script of an anchor counts once, however often it is used.
    seen: BTreeSet<u32>,
    sites: Vec<Site<'a>>,
}

impl<'a> Scan<'_, '_, 'a> {
    fn pair(&mut self, pair: Node) {
        let Some(key_node) = self.yaml.tree.child(pair, Field::Key) else { return };
        let Some(key) = self.yaml.scalar(key_node) else { return };
        let value = self.yaml.tree.child(pair, Field::Value).and_then(|value| self.yaml.content(value));
        if let Some(value) = value
            && self.holds_script(&key, pair)
        {
            self.script(value, 0);
        }
        self.work(&key, key_node, value, pair);
    }

    /// The key of the mapping that contains a pair.
    fn parent_key(&self, pair: Node) -> Option<Cow<'a, str>> {
        let outer = self.yaml.pair_around(pair)?;
        self.yaml.scalar(self.yaml.tree.child(outer, Field::Key)?)
    }

    fn parent_is(&self, pair: Node, names: &[&str]) -> bool {
        self.parent_key(pair).is_some_and(|key| names.contains(&&*key))
    }

    fn holds_script(&self, key: &str, pair: Node) -> bool {
        match self.system {
            System::GitHub | System::GitHubAction => {
                key == "run" && self.parent_is(pair, &["steps"]) && !self.runs_another_language(pair)
                    || key == "shell" && self.is_nix_shell(pair)
                    || self.commands.contains(key) && self.parent_is(pair, &["matrix", "include"])
            }
            System::GitLab => {
                matches!(key, "script" | "before_script" | "after_script") && !self.parent_is(pair, &["variables"])
            }
            System::CircleCi => key == "run" || (key == "command" && self.parent_is(pair, &["run"])),
            System::Azure => {
                matches!(key, "script" | "bash" | "pwsh" | "powershell" | "inlineScript")
                    && !self.parent_is(pair, &["variables"])
            }
            System::Buildkite => matches!(key, "command" | "commands") && !self.parent_is(pair, &["env"]),
            System::Woodpecker => key == "commands",
            System::Bitbucket => matches!(key, "script" | "after-script"),
            System::Travis => {
                key == "script"
                    || key.ends_with("_script")
                    || ["install", "before_install", "before_build", "after_build", "after_success", "sh", "ps", "cmd"]
                        .contains(&key)
            }
            System::CodeBuild | System::Semaphore => key == "commands",
            // `tasks: [{ build: make }]`: the keys are names.
            System::SourceHut => self.parent_is(pair, &["tasks"]),
            System::CloudBuild => key == "script",
        }
    }

    /// Whether a `shell`, of a step or of all steps, is a Nix command: `nix shell nixpkgs#gh -c bash -e {0}`.
    fn is_nix_shell(&self, pair: Node) -> bool {
        let shell = self.yaml.tree.child(pair, Field::Value).and_then(|value| self.yaml.scalar(value));
        shell.is_some_and(|shell| shell.starts_with("nix")) && self.parent_is(pair, &["steps", "run"])
    }

    /// Whether a GitHub step sets a shell for another language (Python, Perl or the like).
    fn runs_another_language(&self, pair: Node) -> bool {
        let shell = self.yaml.tree.parent(pair).and_then(|step| self.yaml.get(step, "shell"));
        let shell = shell.and_then(|shell| self.yaml.scalar(shell));
        shell.is_some_and(|shell| {
            let program = shell.split_whitespace().next().unwrap_or("").rsplit('/').next().unwrap_or("").to_owned();
            ["python", "python3", "perl", "node", "ruby", "nu"].contains(&&*program)
        })
    }

    fn script(&mut self, value: Node, depth: usize) {
        if depth > DEPTH {
            return;
        }
        if self.yaml.is_sequence(value) {
            // A list that is repeated through an alias counts once.
            if !self.seen.insert(self.yaml.tree.span(value).start) {
                return;
            }
            for item in self.yaml.items(value) {
                self.script(item, depth + 1);
            }
        } else if let Some(script) = Script::read(self.yaml, value)
            && self.seen.insert(script.start)
        {
            self.sites.push(Site::Script(script));
        }
    }

    fn work(&mut self, key: &str, key_node: Node, value: Option<Node>, pair: Node) {
        let holder = self.yaml.tree.parent(pair);
        let written = self.yaml.tree.child(pair, Field::Value);
        match self.system {
            System::GitHub | System::GitHubAction if key == "uses" => self.uses(Work::Action, written, holder),
            System::Azure if key == "task" => self.uses(Work::Task, written, holder),
            System::Woodpecker if key == "image" => self.uses(Work::Image, written, holder),
            System::CloudBuild if key == "name" && self.parent_is(pair, &["steps"]) => {
                self.uses(Work::Image, written, holder);
            }
            System::Buildkite if key == "plugins" => self.plugins(value),
            System::CircleCi if matches!(key, "steps" | "jobs") => self.orb_names(value),
            System::CircleCi if key.contains('/') && self.parent_is(pair, &["steps", "jobs"]) => {
                self.orb(key, key_node, value);
            }
            _ => {}
        }
    }

    /// Adds a reusable unit. `name` is the value as written: an alias is located where it is used, not at its anchor.
    fn uses(&mut self, work: Work, name: Option<Node>, parameters: Option<Node>) {
        let Some(node) = name else { return };
        let Some(name) = self.yaml.scalar(node) else { return };
        let span = self.yaml.tree.span(node);
        if self.seen.insert(span.start) {
            self.sites.push(Site::Uses { work, name, span, parameters });
        }
    }

    /// Adds Buildkite plugins: a list of names or of mappings from a name to parameters, or a single such mapping.
    fn plugins(&mut self, value: Option<Node>) {
        let Some(value) = value else { return };
        let mut items = self.yaml.items(value);
        if self.yaml.is_mapping(value) {
            items.push(value);
        }
        for item in items {
            if self.yaml.is_mapping(item) {
                for entry in self.yaml.entries(item) {
                    self.uses(Work::Plugin, Some(entry.key_node), entry.value);
                }
            } else {
                self.uses(Work::Plugin, Some(item), None);
            }
        }
    }

    fn read_orbs(&mut self) {
        let documents: Vec<Node> = self.yaml.documents().collect();
        let orbs = documents.into_iter().filter_map(|document| self.yaml.get(document, "orbs"));
        let entries: Vec<_> = orbs.flat_map(|orbs| self.yaml.entries(orbs)).collect();
        for entry in entries {
            if let Some(orb) = entry.value.and_then(|value| self.yaml.scalar(value)) {
                let own = orb.split('@').next().unwrap_or("").to_owned();
                self.orbs.push((entry.key.into_owned(), own));
            }
        }
    }

    /// Adds the plain names of CircleCI orb commands and jobs in a list.
    fn orb_names(&mut self, value: Option<Node>) {
        let Some(value) = value else { return };
        for item in self.yaml.items(value) {
            if let Some(name) = self.yaml.scalar(item).filter(|name| name.contains('/')) {
                self.orb(&name, item, None);
            }
        }
    }

    fn orb(&mut self, name: &str, node: Node, parameters: Option<Node>) {
        let Some((alias, command)) = name.split_once('/') else { return };
        let own = self.orbs.iter().find(|(known, _)| known == alias).map_or(alias, |(_, own)| own.as_str());
        let name = Cow::Owned(format!("{own}/{command}"));
        let span = self.yaml.tree.span(node);
        if self.seen.insert(span.start) {
            self.sites.push(Site::Uses { work: Work::Orb, name, span, parameters });
        }
    }
}
