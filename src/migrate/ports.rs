//! The port registry during a migration: which owner uses each number, and the names of the numbers.
//!
//! Names are not known until all numbers are, so written text contains placeholders for ports, which [`Ports::settle`]
//! replaces.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::config::PortSettings;
use crate::facts::port_registry::{Call, Registry, dotted};
use crate::facts::ports::PortUse;
use crate::finding::{Edit, RelPath, Span, replaced};
use crate::fix::Change;
use crate::lang::{Language, Tree};
use crate::paths;
use crate::rewrite::ports::layout::NewEntry;
use crate::rewrite::ports::naming::{Context, Missing, belongs};
use crate::rewrite::ports::plan::{self, Wanted};
use crate::source::{FileKind, Source};

/// The characters around the number in a placeholder for a port. No file contains them.
const MARK: (char, char) = ('\u{f8f0}', '\u{f8f1}');
/// The characters around the path of the file in a placeholder for an import of the registry.
const IMPORT: (char, char) = ('\u{f8f2}', '\u{f8f3}');

/// The first ephemeral port. Ephemeral ports are not chosen.
const HIGHEST: u16 = 32_768;

/// The registry, and the entries to add to it.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The path of the registry, which is created if it does not exist.
    path: RelPath,
    registry: Option<(Registry, Arc<Source>)>,
    /// Numbers that other files use, registered or not. None of them is chosen as a new number.
    used: BTreeSet<u16>,
    claims: BTreeMap<u16, Claim>,
    /// The lowest number of each claim.
    numbers: HashMap<Claim, u16>,
    /// The names of the registered numbers.
    registered: HashMap<u16, String>,
    /// The names that `ports init` proposes for the numbers in each file, each with the Compose service that uses it.
    proposed: HashMap<(RelPath, u32), Vec<Proposal>>,
    /// For each number that is not free, the next one to try. Numbers become free only in [`Ports::undo`].
    jumps: HashMap<u16, u16>,
    /// The claims so far, in order, and what each of them replaced.
    made: Vec<Made>,
}

/// The Compose service that uses a port, if there is one, and the proposed path of the port's entry.
type Proposal = (Option<String>, Vec<String>);

/// A claim that was made, and what it replaced: the claim of its number, and the lowest number of an equal claim.
#[derive(Debug, Clone)]
struct Made {
    number: u16,
    claim: Claim,
    replaced: Option<Claim>,
    lowest: Option<u16>,
}

/// A use of a number by an owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Claim {
    owner: String,
    name: String,
    path: RelPath,
}

/// The result of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The number to use.
    pub number: u16,
    /// The current owner of the requested number, if the number could not be used.
    pub taken_by: Option<String>,
}

impl Default for Ports {
    /// The state of a repository without a registry, which would be created at the default path.
    fn default() -> Self {
        Self::new(PortSettings::default().new_registry().into(), None, BTreeSet::new())
    }
}

impl Ports {
    /// Creates the state from the repository's registry or, if there is none, the path at which to create one. `used`
    /// contains every number that the repository's files use.
    pub fn new(path: RelPath, registry: Option<(Registry, Arc<Source>)>, used: BTreeSet<u16>) -> Self {
        let path = registry.as_ref().map_or(path, |(registry, _)| registry.path.clone());
        let mut registered = HashMap::new();
        for (entry, number) in registry.iter().flat_map(|(registry, _)| registry.ports()) {
            registered.entry(number).or_insert_with(|| entry.name());
        }
        let (claims, numbers, jumps, made, proposed) = Default::default();
        Self { path, registry, used, claims, numbers, registered, proposed, jumps, made }
    }

    /// Adds the name that `ports init` proposes for a use of a port. The name of a client's setting says more about the
    /// client than about the port, so uses in the environment of a Compose service are left out.
    pub fn propose(&mut self, file: &RelPath, used: &PortUse, path: &[String]) {
        let mut names = used.name.split('.').skip_while(|name| *name != "services").skip(1);
        let (service, key) = (names.next(), names.next());
        if key == Some("environment") {
            return;
        }
        let proposal = (service.map(str::to_owned), path.to_vec());
        let known = self.proposed.entry((file.clone(), used.number)).or_default();
        // The uses of a number in one file often belong to one entry.
        if known.last() != Some(&proposal) {
            known.push(proposal);
        }
    }

    /// The proposed name for a claimed number: the only one in the owner's part of the file, or the one that fits.
    fn proposed(&self, port: &Missing<'_>) -> Option<Vec<String>> {
        let owner = &self.claims.get(&u16::try_from(port.number).ok()?)?.owner;
        let proposals = self.proposed.get(&(port.path.into(), port.number))?.iter();
        let own = proposals.filter(|(service, _)| service.as_ref().is_none_or(|service| service == owner));
        let names: BTreeSet<&[String]> = own.map(|(_, path)| path.as_slice()).collect();
        let names: Vec<&[String]> = names.into_iter().collect();
        match names.as_slice() {
            [only] => Some(only.to_vec()),
            several => several.get(belongs(port, several)?).map(|name| name.to_vec()),
        }
    }

    /// The path of the registry, even if it does not exist yet.
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// Claims a number for a process. Each number belongs to one owner. `name` is the label of the port (empty for the
    /// main one), `words` are other names that a registry entry for it may have, and `path` is the old file. If the
    /// number belongs to another owner, the next free one is claimed.
    pub fn claim(&mut self, number: u16, owner: &str, name: &str, words: &[&str], path: &RelPath) -> Claimed {
        if let Some(number) = self.number_of(owner, name, path) {
            return Claimed { number, taken_by: None };
        }
        let taken_by = self.taken_by(number, owner, words);
        let free = if taken_by.is_none() { number } else { self.next_free(number) };
        self.insert(free, Claim { owner: owner.to_owned(), name: name.to_owned(), path: path.clone() });
        Claimed { number: free, taken_by }
    }

    /// Refers to a number in any role, such as a port inside a container. Uses an existing entry with the number,
    /// whatever its owner, or else adds one.
    pub fn share(&mut self, number: u16, owner: &str, name: &str, path: &RelPath) {
        if self.registered(number).is_none() && !self.claims.contains_key(&number) {
            self.insert(number, Claim { owner: owner.to_owned(), name: name.to_owned(), path: path.clone() });
        }
    }

    fn insert(&mut self, number: u16, claim: Claim) {
        let lowest = self.numbers.get(&claim).copied();
        self.numbers.insert(claim.clone(), lowest.map_or(number, |lowest| lowest.min(number)));
        let replaced = self.claims.insert(number, claim.clone());
        self.made.push(Made { number, claim, replaced, lowest });
    }

    /// The number of claims so far, for [`Ports::undo`].
    pub fn count(&self) -> usize {
        self.made.len()
    }

    /// Undoes all claims except the first `kept`.
    pub fn undo(&mut self, kept: usize) {
        for Made { number, claim, replaced, lowest } in self.made.drain(kept..).rev() {
            self.jumps.clear();
            match replaced {
                Some(replaced) => self.claims.insert(number, replaced),
                None => self.claims.remove(&number),
            };
            match lowest {
                Some(lowest) => self.numbers.insert(claim, lowest),
                None => self.numbers.remove(&claim),
            };
        }
    }

    /// The number that an owner in an old file claimed under a name.
    pub fn number_of(&self, owner: &str, name: &str, path: &str) -> Option<u16> {
        let claim = Claim { owner: owner.to_owned(), name: name.to_owned(), path: path.into() };
        self.numbers.get(&claim).copied()
    }

    /// The placeholder for a claimed or shared number, which [`Ports::settle`] replaces with a Nix expression for an
    /// integer.
    pub fn reference(&self, number: u16) -> String {
        format!("{}{number}{}", MARK.0, MARK.1)
    }

    /// The placeholder for the expression that imports the registry into a file: `import ../lib/ports.nix`. It must be
    /// bound to `ports`, inside a function with the argument `lib`.
    pub fn import(&self, file: &str) -> String {
        format!("{}{file}{}", IMPORT.0, IMPORT.1)
    }

    fn registered(&self, number: u16) -> Option<&str> {
        self.registered.get(&number).map(String::as_str)
    }

    /// The owner of a number: that of its claim, or else the name of its registry entry, unless that name fits `owner`
    /// or one of `words`.
    pub fn taken_by(&self, number: u16, owner: &str, words: &[&str]) -> Option<String> {
        if let Some(claim) = self.claims.get(&number) {
            return Some(claim.owner.clone());
        }
        let entry = self.registered(number)?;
        let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', '.'], "");
        let last = plain(entry.rsplit('.').next().unwrap_or(entry));
        let same = std::iter::once(owner).chain(words.iter().copied()).map(plain).filter(|word| word.len() > 1);
        let known = same.into_iter().any(|word| last.contains(&word) || word.contains(&last));
        (!known).then(|| entry.to_owned())
    }

    fn next_free(&mut self, number: u16) -> u16 {
        // Numbers below 1024 are reserved for root, so 80 becomes 8080.
        let start = if number < 1024 { 8000 + number } else { number };
        self.free_between(start, HIGHEST).or_else(|| self.free_between(1024, start)).unwrap_or(number)
    }

    /// The first free number from `start` up to, but not including, `end`.
    fn free_between(&mut self, start: u16, end: u16) -> Option<u16> {
        let mut number = start;
        let mut passed = Vec::new();
        while number < end && !self.is_free(number) {
            passed.push(number);
            number = self.jumps.get(&number).copied().unwrap_or(number + 1);
        }
        self.jumps.extend(passed.into_iter().map(|before| (before, number)));
        (number < end).then_some(number)
    }

    fn is_free(&self, number: u16) -> bool {
        !self.used.contains(&number) && !self.claims.contains_key(&number) && self.registered(number).is_none()
    }

    /// Replaces the placeholders in all files. Returns the change to the registry, if it needs one.
    pub fn settle(&self, texts: &mut [&mut String]) -> Result<Option<Change>, String> {
        let new: Vec<(u16, &Claim)> = self
            .claims
            .iter()
            .filter(|(number, _)| self.registered(**number).is_none())
            .map(|(number, claim)| (*number, claim))
            .collect();
        let named: Vec<(u16, String)> = new.iter().map(|(number, claim)| (*number, said_name(claim))).collect();
        let missing: Vec<Missing<'_>> = named
            .iter()
            .zip(&new)
            .map(|((number, name), (_, claim))| Missing {
                number: u32::from(*number),
                name,
                path: &claim.path,
                text: "",
                span: Span::default(),
            })
            .collect();
        let chosen = |port: &Missing<'_>| self.proposed(port);
        // Numbers that are not claimed get their names later.
        let mut reserved: HashMap<Vec<String>, BTreeSet<u32>> = HashMap::new();
        for ((_, number), names) in &self.proposed {
            for (_, name) in names {
                reserved.entry(name.clone()).or_default().insert(*number);
            }
        }
        let wanted = Wanted { chosen: &chosen, reserved: &reserved, ..Wanted::new(&|_| true) };
        let plan = match (&self.registry, missing.is_empty()) {
            (_, true) => None,
            (None, false) => Some(plan::create(&self.path, &missing, &Context::of(&missing), &wanted)),
            (Some((registry, source)), false) => {
                let tree = Tree::parse(Language::Nix, &source.text);
                let plan = tree
                    .and_then(|tree| plan::extend(source, &tree, registry, &missing, &Context::of(&missing), &wanted));
                Some(plan.ok_or_else(|| format!("no entry can be added to the port registry {}", source.path))?)
            }
        };
        let mut names: HashMap<u32, String> = HashMap::new();
        for NewEntry { number, path, .. } in plan.iter().flat_map(|plan| &plan.entries) {
            names.entry(*number).or_insert_with(|| dotted(path));
        }
        let name_of = |number: u16| {
            let new = names.get(&u32::from(number)).map(String::as_str);
            match new.or_else(|| self.registered(number)) {
                Some(name) => format!("ports.{name}"),
                None => number.to_string(),
            }
        };
        for text in texts {
            **text = replace_marks(text, MARK, |number| number.parse().map(name_of).unwrap_or_default());
            **text = replace_marks(text, IMPORT, |file| self.import_from(file));
        }
        Ok(plan.map(|plan| self.change(&plan.edits)))
    }

    fn change(&self, edits: &[Edit]) -> Change {
        let (path, before) = match &self.registry {
            Some((_, source)) => (source.path.clone(), Some(source.text.to_string())),
            None => (self.path.clone(), None),
        };
        let mut edits: Vec<&Edit> = edits.iter().collect();
        edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let edits = edits.into_iter().map(|edit| (edit.span, &*edit.text));
        let after = replaced(before.as_deref().unwrap_or_default(), edits);
        Change { path, before, after, needed_elsewhere: true }
    }

    fn import_from(&self, file: &str) -> String {
        let calls = self.registry.as_ref().map_or(&[][..], |(registry, _)| registry.shape.calls.as_slice());
        let mut text = format!("import {}", super::nix::path(&paths::between(file, &self.path)));
        for call in calls {
            text.push(' ');
            text.push_str(&match call {
                Call::Any { .. } => "{ }".to_owned(),
                Call::Set { required, .. } if required.is_empty() => "{ }".to_owned(),
                Call::Set { required, .. } => format!("{{ inherit {}; }}", required.join(" ")),
            });
        }
        text
    }
}

/// The name of a claim as an option path, from which the name of its registry entry is derived.
fn said_name(claim: &Claim) -> String {
    match claim.name.is_empty() {
        true => format!("services.{}.port", claim.owner.replace('.', "-")),
        false => format!("services.{}.{}.port", claim.owner.replace('.', "-"), claim.name),
    }
}

fn replace_marks(text: &str, mark: (char, char), name: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark.0) {
        out.push_str(before);
        let Some((inner, behind)) = after.split_once(mark.1) else { break };
        out.push_str(&name(inner));
        rest = behind;
    }
    out + rest
}

/// Reads a registry for a migration from its text. `None` if the file is not a registry.
pub fn registry_of(path: &RelPath, text: &str) -> Option<(Registry, Arc<Source>)> {
    let source = Arc::new(Source::new(path, FileKind::Nix, text));
    let tree = Tree::parse(Language::Nix, &source.text)?;
    let registry = crate::facts::port_registry::evaluate(path, &tree, &PortSettings::default())?;
    Some((registry, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_owner_and_get_names() {
        let text = "{\n  databases = {\n    redis = 6379;\n  };\n  monitoring.grafana = 3000;\n}\n";
        let registry = registry_of(&"lib/ports.nix".into(), text);
        let mut ports = Ports::new("lib/ports.nix".into(), registry, BTreeSet::from([3001]));
        let path: RelPath = "compose.yaml".into();
        let same = |number| Claimed { number, taken_by: None };
        assert_eq!(ports.claim(6379, "cache", "", &["redis"], &path), same(6379));
        assert_eq!(ports.claim(5432, "db", "", &["postgres"], &path), same(5432));
        assert_eq!(ports.claim(5432, "db", "", &["postgres"], &path), same(5432));
        let moved = Claimed { number: 3002, taken_by: Some("monitoring.grafana".to_owned()) };
        assert_eq!(ports.claim(3000, "web", "", &[], &path), moved);
        let mut module =
            [6379, 5432, 3002].map(|number| ports.reference(number)).join(" ") + " " + &ports.import("flake/a.nix");
        let change = ports.settle(&mut [&mut module]).unwrap().unwrap();
        assert_eq!(
            module,
            "ports.databases.redis ports.databases.postgresql ports.development.web import ../lib/ports.nix"
        );
        assert!(change.after.contains("postgresql = 5432;") && change.after.contains("grafana = 3000;"));
    }

    #[test]
    fn a_registry_is_created_if_there_is_none() {
        let mut ports = Ports::new("lib/ports.nix".into(), None, BTreeSet::new());
        ports.share(8080, "api", "", &"Dockerfile".into());
        let mut module = ports.reference(8080);
        let change = ports.settle(&mut [&mut module]).unwrap().unwrap();
        assert_eq!((module.as_str(), &*change.path, change.before), ("ports.development.api", "lib/ports.nix", None));
    }
}
