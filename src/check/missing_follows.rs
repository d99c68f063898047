//! `missing-follows`: an input that brings its own nixpkgs even though the flake has one.

use std::collections::{HashMap, HashSet};

use super::{Check, ProjectView, Verdict};
use crate::facts::flake::modules::is_declared;
use crate::facts::flake::{self, FlakeFile, flakes, modules};
use crate::finding::{Edit, Finding, Fix, Note, NoteKind, Safety, Span};
use crate::knowledge::flakes::WITH_NIXPKGS;
use crate::lang::flake::flakeref::{FlakeRef, Scheme};
use crate::lang::flake::lock::{Lock, LockInput, LockNode, Target};
use crate::lang::flake::nixpkgs;
use crate::lang::flake::nixpkgs::Channel;
use crate::lang::flake::{Flake, Input, Text};

const RULE: &str = "missing-follows";

/// See `rules/missing-follows.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&flake::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for file in flakes(view.project) {
        verdict.append(check(&file, Own::of(&file).as_ref()));
    }
    let modules: Vec<(&Flake, FlakeFile<'_>)> =
        modules(view.project).filter_map(|file| Some((file.generated?, file))).collect();
    let mut flakes: HashMap<*const Flake, Declared<'_>> = HashMap::new();
    for (generated, file) in &modules {
        let declared = flakes.entry(std::ptr::from_ref(*generated)).or_insert_with(|| Declared::of(file, generated));
        declared.refine(&file.flake.inputs);
    }
    for (generated, file) in &modules {
        let Some(declared) = flakes.get_mut(&std::ptr::from_ref(*generated)) else { continue };
        let flake = declared.take(file.flake);
        verdict.append(check(&FlakeFile { flake: &flake, ..*file }, declared.own.as_ref()));
    }
    verdict
}

/// Checks the inputs of a flake.nix, or those that a module declares.
fn check(file: &FlakeFile<'_>, own: Option<&Own<'_>>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(own) = own {
        verdict.extend(findings(file, own));
        verdict.notes.extend(forks(file, own.nixpkgs));
        verdict.notes.extend(passed_on(file, own.nixpkgs));
    }
    verdict
}

/// The inputs that modules declare for a generated flake.
struct Declared<'a> {
    own: Option<Own<'a>>,
    /// The inputs that the generated flake or any module overrides, by the input that they belong to.
    overrides: HashMap<&'a str, Vec<&'a Input>>,
    /// The names of the inputs of earlier modules. Several modules may declare the same input.
    taken: HashSet<&'a str>,
}

impl<'a> Declared<'a> {
    fn of(module: &FlakeFile<'a>, generated: &'a Flake) -> Self {
        let mut declared = Self { own: Own::of(module), overrides: HashMap::new(), taken: HashSet::new() };
        declared.refine(&generated.inputs);
        declared
    }

    fn refine(&mut self, inputs: &'a [Input]) {
        for input in inputs.iter().filter(|input| !input.inputs.is_empty()) {
            self.overrides.entry(&input.name.value).or_default().extend(&input.inputs);
        }
    }

    /// The inputs that a module declares and no earlier module has declared, with all of their overrides.
    fn take(&mut self, module: &'a Flake) -> Flake {
        let mut flake = Flake::default();
        for input in module.inputs.iter().filter(|input| is_declared(input)) {
            let name = input.name.value.as_str();
            if self.taken.insert(name) {
                let mut input = input.clone();
                input.inputs = self.overrides.get(name).into_iter().flatten().copied().cloned().collect();
                flake.inputs.push(input);
            }
        }
        flake
    }
}

/// Notes about the inputs that bring a nixpkgs fork, which the flake's own nixpkgs may not be able to replace.
fn forks(file: &FlakeFile<'_>, nixpkgs: &str) -> Vec<Note> {
    let Some((_, lock)) = file.lock else { return Vec::new() };
    let Some(own) = lock.root_input(nixpkgs) else { return Vec::new() };
    let mut notes = Vec::new();
    for input in file.flake.inputs.iter().filter(|input| input.is_flake && input.follows.is_none()) {
        let Some(node) = lock.root_input(&input.name.value).filter(|label| *label != own) else { continue };
        for (name, label, found) in brought(lock, node, input, own) {
            let Some(original) = found.original.as_ref().filter(|original| nixpkgs::is_fork(original)) else {
                continue;
            };
            if !is_same_fork(lock, own, found) {
                let message = format!(
                    "the input `{}` brings its own {name}: {}, a fork; whether `{nixpkgs}` can replace it is not known \
                     (`{label}` in flake.lock)",
                    input.name.value,
                    original.shown()
                );
                notes.push(Note { kind: NoteKind::NotDecidable, path: Some(file.source.path.clone()), message });
            }
        }
    }
    notes
}

/// Notes about the inputs that take their nixpkgs from one of their own inputs. They may depend on exactly that
/// nixpkgs, as projects that use haskell.nix do. Overriding it would not remove it either, because the inner input
/// still has it.
fn passed_on(file: &FlakeFile<'_>, nixpkgs: &str) -> Vec<Note> {
    let Some((_, lock)) = file.lock else { return Vec::new() };
    let Some(own) = lock.root_input(nixpkgs) else { return Vec::new() };
    let mut notes = Vec::new();
    for input in file.flake.inputs.iter().filter(|input| input.is_flake && input.follows.is_none()) {
        let Some((around, node)) = lock.root_input(&input.name.value).and_then(|label| lock.nodes.get_key_value(label))
        else {
            continue;
        };
        for (name, inner) in node.inputs.iter().filter(|(name, _)| input.input(name).is_none()) {
            let Target::Follows(path) = &inner.target else { continue };
            let [first, source, .., last] = path.as_slice() else { continue };
            let is_separate = |source: &LockInput| matches!(source.target, Target::Node(_));
            if *first != input.name.value || is_release(last) || !node.inputs.get(source).is_some_and(is_separate) {
                continue;
            }
            let found = lock.resolve(around, name).ok().filter(|label| *label != own);
            if found.and_then(|label| lock.nodes.get(label)).is_some_and(|found| is_replaceable(name, found)) {
                let message = format!(
                    "the input `{}` uses the nixpkgs of its input `{source}`; whether `{nixpkgs}` can replace it is not \
                     known",
                    input.name.value
                );
                notes.push(Note { kind: NoteKind::NotDecidable, path: Some(file.source.path.clone()), message });
            }
        }
    }
    notes
}

/// The inputs of an input that have a lock node of their own and that the flake does not override: name, label, node.
fn brought<'l>(lock: &'l Lock, around: &str, input: &Input, own: &str) -> Vec<(&'l str, &'l str, &'l LockNode)> {
    let Some(node) = lock.nodes.get(around).filter(|node| node.is_flake) else { return Vec::new() };
    let separate = |(name, inner): (&'l String, &'l LockInput)| {
        let Target::Node(label) = &inner.target else { return None };
        let found = lock.nodes.get(label).filter(|_| label != own && input.input(name).is_none())?;
        Some((name.as_str(), label.as_str(), found))
    };
    node.inputs.iter().filter_map(separate).collect()
}

/// Whether a node is the same branch of the same fork as the flake's own nixpkgs.
fn is_same_fork(lock: &Lock, own: &str, node: &LockNode) -> bool {
    let original = |node: &LockNode| node.original.clone().filter(|original| original.rev.is_none());
    let own = lock.nodes.get(own).and_then(original).filter(nixpkgs::is_fork);
    own.is_some_and(|own| original(node).is_some_and(|other| own.is_same(&other)))
}

/// The nixpkgs inputs of a flake.
struct Own<'a> {
    /// The name of its own nixpkgs.
    nixpkgs: &'a str,
    /// The channel of that input, even if it follows another one.
    channel: Option<Channel>,
    /// All inputs that are nixpkgs, with their channels.
    all: Vec<(&'a str, Channel)>,
}

impl<'a> Own<'a> {
    fn of(file: &FlakeFile<'a>) -> Option<Self> {
        let nixpkgs = own_nixpkgs(file)?;
        let channel = |input: &'a Input| Some((input.name.value.as_str(), nixpkgs::channel(&input.reference()?)?));
        let all = file.all().inputs.iter().filter_map(channel).collect();
        Some(Self { nixpkgs, channel: own_channel(file, nixpkgs), all })
    }
}

/// The findings for the inputs of a flake that should follow its nixpkgs.
fn findings(file: &FlakeFile<'_>, own: &Own<'_>) -> Vec<Finding> {
    let nixpkgs = file.all().input(own.nixpkgs);
    // The input whose nixpkgs this flake uses cannot follow it.
    let source = nixpkgs.and_then(|input| input.follows.as_ref()).and_then(|follows| follows.value.split('/').next());
    let inputs = file.flake.inputs.iter().filter(|input| input.is_flake && input.follows.is_none());
    let inputs = inputs.filter(|input| source != Some(input.name.value.as_str()));
    match file.lock {
        Some((_, lock)) => {
            let undeclared = file.flake.implicit().map(undeclared);
            let by_lock = |input: &Input| by_lock(file, lock, input, own);
            inputs.filter_map(by_lock).chain(undeclared.filter_map(|input| by_lock(&input))).collect()
        }
        None if file.has_lock => Vec::new(),
        // Without a lock file, it is not known whether the registry's nixpkgs suits an input.
        None if nixpkgs.is_none() => Vec::new(),
        None => inputs.filter_map(|input| by_name(file, input, own.nixpkgs)).collect(),
    }
}

/// Creates an input that appears only in the arguments of `outputs`.
fn undeclared(name: &Text) -> Input {
    Input { name: name.clone(), is_flake: true, ..Input::default() }
}

/// The name of the flake's own nixpkgs: `nixpkgs`, or else the first input that is nixpkgs.
fn own_nixpkgs<'a>(file: &FlakeFile<'a>) -> Option<&'a str> {
    let known = |name: &&str| file.lock.is_none_or(|(_, lock)| lock.root_input(name).is_some());
    let written = file.all().inputs.iter().filter(|input| {
        input.name.value == "nixpkgs"
            || input.reference().is_some_and(|reference| nixpkgs::channel(&reference).is_some())
    });
    let names = written.map(|input| input.name.value.as_str());
    let names = names.chain(file.all().implicit().map(|name| name.value.as_str()).filter(|name| *name == "nixpkgs"));
    let names: Vec<&str> = names.filter(known).collect();
    names.iter().find(|name| **name == "nixpkgs").or(names.first()).copied()
}

/// The finding for an input that has its own nixpkgs inputs according to the lock file, if the flake does not override
/// them.
fn by_lock(file: &FlakeFile<'_>, lock: &Lock, input: &Input, own: &Own<'_>) -> Option<Finding> {
    let (nixpkgs, label) = (lock.root_input(own.nixpkgs)?, lock.root_input(&input.name.value)?);
    let node = lock.nodes.get(label).filter(|node| node.is_flake && label != nixpkgs)?;
    let mut brought = brought(lock, label, input, nixpkgs);
    brought.retain(|(name, _, found)| is_replaceable(name, found) || is_same_fork(lock, nixpkgs, found));
    let target = |name, found| match is_same_fork(lock, nixpkgs, found) {
        true => Some(own.nixpkgs),
        false => target(own, node, name, found),
    };
    let targets: Vec<(&str, &str)> =
        brought.iter().filter_map(|(name, _, found)| Some((*name, target(name, found)?))).collect();
    let (_, label, first) =
        brought.iter().find(|(name, ..)| targets.first().is_some_and(|(first, _)| first == name))?;
    let source = first.original.as_ref().map(FlakeRef::shown).unwrap_or_default();
    let inner = targets.first().map(|(name, _)| *name).filter(|name| *name != "nixpkgs");
    let inner = inner.map_or_else(|| "nixpkgs".to_owned(), |name| format!("`{name}`"));
    let message = format!("the input `{}` brings its own {inner}: {source}", input.name.value);
    let (lock_file, _) = file.lock?;
    let also = format!("locked here as `{label}`, in addition to `{nixpkgs}`");
    Some(finding(file, input, &targets, message).also(&lock_file.path, first.place, also))
}

/// Whether another nixpkgs can replace an input of an input: a complete nixpkgs that is neither pinned to a commit or
/// tag nor named after its release.
fn is_replaceable(name: &str, node: &LockNode) -> bool {
    let Some(original) = &node.original else { return false };
    let whole = original.dir.is_none();
    let channel = nixpkgs::channel(original);
    whole && channel.is_some_and(|channel| !matches!(channel, Channel::Fixed | Channel::Tag(_))) && !is_release(name)
}

/// Whether an input is named after a release: `nixpkgs-2511`.
fn is_release(name: &str) -> bool {
    name.contains(|c: char| c.is_ascii_digit())
}

/// The flake's own input that an input's nixpkgs should follow: if the flake has both a release and an unstable
/// channel, the one of the same kind. `None` if the nixpkgs is a second one of the input `around` (such as
/// `nixpkgs-stable`) without a counterpart in this flake, or with an older release and a name that states a purpose.
fn target<'a>(own: &Own<'a>, around: &LockNode, name: &str, node: &LockNode) -> Option<&'a str> {
    let wanted = nixpkgs::channel(node.original.as_ref()?)?;
    let kind = rolls(&wanted);
    let is_second = name != "nixpkgs" && around.inputs.contains_key("nixpkgs");
    let has_purpose = is_second && !nixpkgs::is_general(name);
    if has_purpose && own.channel.as_ref().is_some_and(|channel| is_older(&wanted, channel)) {
        return None;
    }
    // An input has a second nixpkgs, such as `nixpkgs-stable`, because it needs that release.
    // One on master has packages that a channel does not have yet.
    let needs_same = match &wanted {
        Channel::Release(_) => true,
        Channel::Rolling(branch) => !branch.contains("unstable") && own.channel != Some(Channel::Default),
        _ => false,
    };
    if is_second && needs_same && own.channel.as_ref() != Some(&wanted) {
        return own.all.iter().find(|(_, channel)| *channel == wanted).map(|(name, _)| *name);
    }
    let default_kind = own.channel.as_ref().and_then(rolls);
    if kind.is_none() || kind == default_kind {
        let is_older = own.channel.as_ref().is_some_and(|channel| is_older(channel, &wanted));
        return (!is_second || !is_older).then_some(own.nixpkgs);
    }
    let mut alike = own.all.iter().filter(|(_, channel)| rolls(channel) == kind && serves(channel, &wanted));
    alike.next().map(|(name, _)| *name).or_else(|| (!is_second || default_kind.is_none()).then_some(own.nixpkgs))
}

/// The channel of the flake's own nixpkgs, even if it follows another input of the flake.
fn own_channel(file: &FlakeFile<'_>, nixpkgs: &str) -> Option<Channel> {
    let input = file.all().input(nixpkgs)?;
    let followed = input.follows.as_ref().and_then(|follows| file.all().input(&follows.value));
    nixpkgs::channel(&followed.unwrap_or(input).reference()?)
}

/// Whether a channel can replace another one of the same kind. Branches such as master are not in the nixpkgs binary
/// cache, and an older release may lack what the input needs.
fn serves(own: &Channel, wanted: &Channel) -> bool {
    let is_built = |name: &str| name.contains("unstable");
    let is_cached = match own {
        Channel::Rolling(name) => is_built(name) || own == wanted,
        Channel::Default => !matches!(wanted, Channel::Rolling(name) if is_built(name)),
        _ => true,
    };
    is_cached && !is_older(own, wanted)
}

/// Whether a channel is an older release than another one.
fn is_older(own: &Channel, wanted: &Channel) -> bool {
    matches!((own, wanted), (Channel::Release(own), Channel::Release(wanted)) if own < wanted)
}

/// Whether a channel is rolling; `None` if that is not known.
fn rolls(channel: &Channel) -> Option<bool> {
    match channel {
        Channel::Rolling(_) | Channel::Default | Channel::Registry => Some(true),
        Channel::Release(_) | Channel::Stable => Some(false),
        Channel::Fixed | Channel::Tag(_) | Channel::Unknown(_) => None,
    }
}

/// The finding for an input of a flake without a lock file, if the input is known to have its own nixpkgs and the flake
/// does not override it.
fn by_name(file: &FlakeFile<'_>, input: &Input, nixpkgs: &str) -> Option<Finding> {
    let reference = input.reference().filter(|reference| reference.scheme == Scheme::GitHub)?;
    let name = format!("{}/{}", reference.owner, reference.repo).to_ascii_lowercase();
    if WITH_NIXPKGS.binary_search(&name.as_str()).is_err() || input.input("nixpkgs").is_some() {
        return None;
    }
    let message = format!("the input `{}` brings its own nixpkgs", input.name.value);
    Some(finding(file, input, &[("nixpkgs", nixpkgs)], message))
}

fn finding(file: &FlakeFile<'_>, input: &Input, targets: &[(&str, &str)], message: String) -> Finding {
    let mut finding = Finding::new(RULE, &file.source.path, input.place(), message);
    let Some(anchor) = &input.anchor else {
        let lines = targets.iter().map(|(inner, target)| format!("`inputs.{inner}.follows = \"{target}\";`"));
        let lines: Vec<String> = lines.collect();
        return finding.help(format!("declare the input `{}` with {}", input.name.value, lines.join(" and ")));
    };
    let lines: Vec<String> = targets.iter().map(|(name, target)| anchor.line(name, target)).collect();
    finding = finding.label(format!("add `{}`", lines.join(" ")));
    if file.generated.is_some() {
        return finding.help("run `nix run .#write-flake`, which writes it to flake.nix, and then `nix flake lock`");
    }
    finding = finding
        .help("a single nixpkgs is then evaluated, downloaded and updated; run `nix flake lock` to drop the other one");
    let text: String = lines.iter().map(|line| format!("{}{line}", anchor.lead)).collect();
    let edit = Edit { path: file.source.path.clone(), span: Span { start: anchor.at, end: anchor.at }, text };
    let (inner, target) = targets.first().copied().unwrap_or(("nixpkgs", "nixpkgs"));
    let title = match inner {
        "nixpkgs" => format!("make `{}` follow `{target}`", input.name.value),
        inner => format!("make `{inner}` of `{}` follow `{target}`", input.name.value),
    };
    finding.fix(Fix::new(title, Safety::Unsafe, vec![edit]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_flakes_are_sorted_and_in_lower_case() {
        assert!(WITH_NIXPKGS.is_sorted());
        assert!(WITH_NIXPKGS.iter().all(|name| name.to_ascii_lowercase() == *name && name.split('/').count() == 2));
    }
}
