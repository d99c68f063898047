//! flake.lock: its nodes with their spans, and `follows` resolved from the root as in Nix.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::flakeref::FlakeRef;
use crate::finding::Span;
use crate::lang::{Field, Node, NodeKind, Tree};

/// A lock file.
#[derive(Debug, Default)]
pub struct Lock {
    /// The version of its format; Nix accepts 5 to 7.
    pub version: Option<i64>,
    /// The label of the root node.
    pub root: String,
    /// The nodes by label.
    pub nodes: BTreeMap<String, LockNode>,
}

/// One node: a flake or source with its commit.
#[derive(Debug, Default)]
pub struct LockNode {
    /// The span of its label.
    pub place: Span,
    /// Its inputs by name.
    pub inputs: BTreeMap<String, LockInput>,
    /// The reference as requested.
    pub original: Option<FlakeRef>,
    /// The reference that it was locked to.
    pub locked: Option<FlakeRef>,
    /// The hash of its contents.
    pub nar_hash: Option<String>,
    /// The date of the locked commit, if the lock has one.
    pub modified: Option<jiff::civil::Date>,
    /// Whether it is a flake.
    pub is_flake: bool,
}

/// An input of a node.
#[derive(Debug)]
pub struct LockInput {
    /// The span of its name.
    pub place: Span,
    /// Its target.
    pub target: Target,
}

/// The target of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A separate node, by label.
    Node(String),
    /// Another input, as a path of names from the root. An empty path is the root itself.
    Follows(Vec<String>),
}

/// Why an input cannot be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// A node or an input on the path does not exist.
    Missing,
    /// It follows itself.
    Cycle,
}

/// The versions that Nix accepts.
const VERSIONS: std::ops::RangeInclusive<i64> = 5..=7;

/// The maximum number of steps from an input to its node; more count as a cycle. Real paths have up to five names, and
/// each of those may follow another path.
const STEPS: usize = 1000;

impl Lock {
    /// Reads a lock file. `None` if it does not have the structure of a lock file, or has no root node.
    pub fn read(tree: &Tree<'_>) -> Option<Self> {
        let object = tree.children(tree.root()).find(|&node| tree.kind(node) == NodeKind::JsonObject)?;
        let mut lock = Lock::default();
        for (key, _, value) in pairs(tree, object) {
            match &*key {
                "version" => lock.version = tree.slice(value).parse().ok(),
                "root" => lock.root = string(tree, value)?.into_owned(),
                "nodes" => {
                    let nodes = pairs(tree, value)
                        .map(|(label, place, node)| (label.into_owned(), read_node(tree, place, node)));
                    lock.nodes = nodes.collect();
                }
                _ => {}
            }
        }
        lock.nodes.contains_key(&lock.root).then_some(lock)
    }

    /// Whether Nix accepts this version.
    pub fn is_known_version(&self) -> bool {
        self.version.is_some_and(|version| VERSIONS.contains(&version))
    }

    /// The root node.
    pub fn root(&self) -> Option<&LockNode> {
        self.nodes.get(&self.root)
    }

    /// The label of the node that an input of a node refers to.
    pub fn resolve(&self, node: &str, input: &str) -> Result<&str, Unresolved> {
        let (mut label, _) = self.nodes.get_key_value(node).ok_or(Unresolved::Missing)?;
        // The remaining names, the next one last. A followed path starts at the root again.
        let mut names = vec![input];
        let mut steps = 0;
        while let Some(name) = names.pop() {
            steps += 1;
            if steps > STEPS {
                return Err(Unresolved::Cycle);
            }
            let found = self.nodes.get(label).and_then(|node| node.inputs.get(name)).ok_or(Unresolved::Missing)?;
            label = match &found.target {
                Target::Node(target) => self.nodes.get_key_value(target).ok_or(Unresolved::Missing)?.0,
                Target::Follows(path) => {
                    if names.len() + path.len() > STEPS {
                        return Err(Unresolved::Cycle);
                    }
                    names.extend(path.iter().rev().map(String::as_str));
                    self.nodes.get_key_value(&self.root).ok_or(Unresolved::Missing)?.0
                }
            };
        }
        Ok(label)
    }

    /// The label of the node that an input of the root refers to.
    pub fn root_input(&self, name: &str) -> Option<&str> {
        self.resolve(&self.root, name).ok()
    }
}

fn read_node(tree: &Tree<'_>, place: Span, object: Node) -> LockNode {
    let mut node = LockNode { place, is_flake: true, ..LockNode::default() };
    for (key, _, value) in pairs(tree, object) {
        match &*key {
            "inputs" => {
                let inputs = pairs(tree, value).filter_map(|(name, place, value)| {
                    Some((name.into_owned(), LockInput { place, target: target(tree, value)? }))
                });
                node.inputs = inputs.collect();
            }
            "original" => node.original = FlakeRef::from_attrs(&strings(tree, value)),
            "locked" => {
                let attrs = strings(tree, value);
                node.locked = FlakeRef::from_attrs(&attrs);
                node.nar_hash = attrs.get("narHash").cloned();
                node.modified = modified(tree, value);
            }
            "flake" => node.is_flake = tree.kind(value) != NodeKind::JsonFalse,
            _ => {}
        }
    }
    node
}

/// The date of `lastModified`, a Unix timestamp.
fn modified(tree: &Tree<'_>, locked: Node) -> Option<jiff::civil::Date> {
    let (.., value) = pairs(tree, locked).find(|(key, ..)| key == "lastModified")?;
    let timestamp = jiff::Timestamp::from_second(tree.slice(value).parse().ok()?).ok()?;
    Some(timestamp.to_zoned(jiff::tz::TimeZone::UTC).date())
}

fn target(tree: &Tree<'_>, value: Node) -> Option<Target> {
    match tree.kind(value) {
        NodeKind::JsonText => Some(Target::Node(string(tree, value)?.into_owned())),
        NodeKind::JsonArray => {
            let names = tree.children(value).map(|name| string(tree, name).map(Cow::into_owned));
            names.collect::<Option<_>>().map(Target::Follows)
        }
        _ => None,
    }
}

/// The entries of an object: key, the key's span, value. Empty for other values.
fn pairs<'t, 'a>(tree: &'t Tree<'a>, object: Node) -> impl Iterator<Item = (Cow<'a, str>, Span, Node)> + use<'t, 'a> {
    let is_object = tree.kind(object) == NodeKind::JsonObject;
    tree.children(object).filter(move |&pair| is_object && tree.kind(pair) == NodeKind::JsonPair).filter_map(|pair| {
        let key = tree.child(pair, Field::Key)?;
        Some((string(tree, key)?, tree.span(key), tree.child(pair, Field::Value)?))
    })
}

fn strings(tree: &Tree<'_>, object: Node) -> BTreeMap<String, String> {
    pairs(tree, object)
        .filter_map(|(key, _, value)| Some((key.into_owned(), string(tree, value)?.into_owned())))
        .collect()
}

fn string<'a>(tree: &Tree<'a>, node: Node) -> Option<Cow<'a, str>> {
    if tree.kind(node) != NodeKind::JsonText {
        return None;
    }
    let text = tree.slice(node);
    if text.contains('\\') {
        return serde_json::from_str(text).ok().map(Cow::Owned);
    }
    text.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::lang::Language;

    fn read(text: &str) -> Lock {
        Lock::read(&Tree::parse(Language::Json, text).unwrap()).unwrap()
    }

    #[test]
    fn nodes_are_read_with_their_spans() {
        let text = r#"{ "nodes": {
          "n_2": { "locked": { "type": "github", "owner": "o", "repo": "r", "rev": "abc", "lastModified": 1 },
                   "original": { "type": "indirect", "id": "nixpkgs" }, "flake": false },
          "root": { "inputs": { "a\u0062": "n_2", "c": [ "ab" ], "odd": 3 } } },
          "root": "root", "version": 7 }"#;
        let lock = read(text);
        assert!(lock.is_known_version());
        let node = &lock.nodes["n_2"];
        assert_eq!(&text[node.place.range()], "\"n_2\"");
        assert_eq!(node.original.as_ref().unwrap().repo, "nixpkgs");
        assert_eq!(node.locked.as_ref().unwrap().rev.as_deref(), Some("abc"));
        assert!(!node.is_flake);
        assert_eq!(lock.root().unwrap().inputs.keys().collect::<Vec<_>>(), ["ab", "c"]);
        assert_eq!(lock.root_input("c"), Some("n_2"));
        for odd in
            ["", "[]", "{", "{}", r#"{"root": 1}"#, r#"{"nodes": [], "root": ""}"#, r#"{"nodes": 3, "root": "root"}"#]
        {
            let tree = Tree::parse(Language::Json, odd).unwrap();
            assert!(Lock::read(&tree).is_none(), "{odd}");
        }
    }

    #[test]
    fn follows_start_at_the_root_and_are_not_labels() {
        let lock = read(
            r#"{ "nodes": {
              "a": { }, "a_2": { "inputs": { "nixpkgs": "nixpkgs_2", "self": [] } },
              "b": { "inputs": { "nixpkgs": [ "a", "nixpkgs" ], "loop": [ "b", "loop" ], "gone": [ "a", "x" ],
                                 "deep": [ "a", "self", "a", "nixpkgs" ], "lost": "nobody" } },
              "nixpkgs": { }, "nixpkgs_2": { },
              "root": { "inputs": { "a": "a_2", "b": "b" } } },
              "root": "root", "version": 7 }"#,
        );
        assert_eq!(lock.resolve("b", "nixpkgs"), Ok("nixpkgs_2"));
        assert_eq!(lock.resolve("b", "deep"), Ok("nixpkgs_2"));
        assert_eq!(lock.resolve("a_2", "self"), Ok("root"));
        assert_eq!(lock.resolve("b", "loop"), Err(Unresolved::Cycle));
        for missing in ["gone", "lost", "none"] {
            assert_eq!(lock.resolve("b", missing), Err(Unresolved::Missing), "{missing}");
        }
    }

    /// A deterministic generator of small numbers.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    /// A lock with a few nodes whose inputs refer to nodes, paths, missing nodes and cycles.
    fn generated(numbers: &mut Numbers) -> String {
        let count = 2 + numbers.below(4);
        let node = |index: u64| if index == 0 { "root".to_owned() } else { format!("n{index}") };
        let nodes = (0..count).map(|index| {
            let inputs = (0..numbers.below(4)).map(|_| {
                let name = numbers.below(4);
                let target = if numbers.below(2) == 0 {
                    format!("\"{}\"", node(1 + numbers.below(count)))
                } else {
                    let path = (0..numbers.below(4)).map(|_| format!("\"i{}\"", numbers.below(4))).collect::<Vec<_>>();
                    format!("[{}]", path.join(", "))
                };
                (name, target)
            });
            // Each name once: the meaning of duplicate keys depends on the JSON parser.
            let inputs: BTreeMap<u64, String> = inputs.collect();
            let inputs: Vec<String> = inputs.iter().map(|(name, target)| format!("\"i{name}\": {target}")).collect();
            format!("\"{}\": {{ \"inputs\": {{ {} }} }}", node(index), inputs.join(", "))
        });
        let nodes: Vec<String> = nodes.collect();
        format!("{{ \"nodes\": {{ {} }}, \"root\": \"root\", \"version\": 7 }}", nodes.join(", "))
    }

    /// The result of an expression in Nix; `None` if Nix fails.
    fn nix(expression: &str) -> Option<String> {
        let mut nix = Command::new("nix-instantiate")
            .args(["--eval", "--strict", "--json", "-"])
            .env("NIX_STATE_DIR", std::env::temp_dir().join("flakeward-nix-state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("nix-instantiate runs");
        nix.stdin.take().unwrap().write_all(expression.as_bytes()).unwrap();
        let done = nix.wait_with_output().unwrap();
        done.status.success().then(|| String::from_utf8(done.stdout).unwrap())
    }

    /// How Nix resolves a lock when it calls a flake: an input is a label, or a path from the root, each step of which
    /// may again be a path. A result counts only if its node exists.
    const WALK: &str = "lock: let \
        node = input: if builtins.isList input then walk lock.root input else input; \
        walk = label: path: if path == [ ] then label \
          else walk (node lock.nodes.${label}.inputs.${builtins.head path}) (builtins.tail path); \
        in label: name: let found = walk label [ name ]; in builtins.seq lock.nodes.${found} found";

    #[test]
    fn follows_agree_with_nix() {
        let asked = std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value != "0");
        let known = Command::new("nix-instantiate").arg("--version").stdout(Stdio::null()).status();
        if !known.is_ok_and(|status| status.success()) {
            assert!(!asked, "nix-instantiate is not installed");
            return;
        }
        let mut numbers = Numbers(7);
        let (mut questions, mut answers, mut missing, mut cycles) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..120 {
            let text = generated(&mut numbers);
            let lock = read(&text);
            for (label, node) in &lock.nodes {
                for name in node.inputs.keys() {
                    let question = format!("(({WALK}) (builtins.fromJSON ''{text}'') \"{label}\" \"{name}\")");
                    match lock.resolve(label, name) {
                        Ok(found) => {
                            questions.push(question);
                            answers.push(found.to_owned());
                        }
                        Err(Unresolved::Missing) => missing.push(question),
                        Err(Unresolved::Cycle) => cycles.push(question),
                    }
                }
            }
        }
        assert!(
            answers.len() > 100 && missing.len() > 20 && cycles.len() > 3,
            "{} {} {}",
            answers.len(),
            missing.len(),
            cycles.len()
        );
        let given = nix(&format!("[ {} ]", questions.join(" "))).expect("Nix resolves every input that `resolve` does");
        assert_eq!(serde_json::from_str::<Vec<String>>(&given).unwrap(), answers);
        for question in missing.iter().take(12).chain(cycles.iter().take(4)) {
            assert_eq!(nix(question), None, "{question}");
        }
    }
}
