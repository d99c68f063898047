//! Shared by `unstable-nixpkgs` and `end-of-life-nixpkgs`: which nixpkgs branch is used, and how long it is supported.

use jiff::civil::Date;

use super::{ProjectView, Verdict};
use crate::facts::ci::calls::{self, Reached, Unit};
use crate::facts::flake::{FlakeFacts, FlakeFile, Use};
use crate::finding::{Edit, Finding, Fix, Note, NoteKind, RuleId, Safety, Span};
use crate::lang::flake::flakeref::{FlakeRef, Scheme};
use crate::lang::flake::nixpkgs;
use crate::lang::flake::nixpkgs::{Channel, Release};
use crate::lang::flake::{Flake, Input};
use crate::source::Source;

/// The rule about branches that are not releases.
pub const UNSTABLE: &str = "unstable-nixpkgs";
/// The rule about releases without security fixes.
pub const OLD: &str = "end-of-life-nixpkgs";

/// The findings of one rule in the nixpkgs sources of all files.
pub fn verdict(view: &ProjectView<'_>, rule: RuleId) -> Verdict {
    let settings = Settings {
        now: view.now,
        allow: view.params.strings(UNSTABLE, "allow"),
        supported: view.params.strings(OLD, "supported"),
    };
    let mut verdict = Verdict::default();
    for (file, facts) in view.project.each::<FlakeFacts>() {
        let mut uses = facts.uses.clone();
        if let Some(flake) = &facts.flake {
            let mut inputs = Inputs { source: &file.source, uses: &mut uses, notes: &mut verdict.notes };
            inputs.read(flake);
            uses.extend(FlakeFile::of(view.project, file).iter().flat_map(followed));
        }
        let flake = facts.flake.as_deref();
        let found = uses.iter().filter_map(|used| settings.judge(&file.source, used, flake));
        verdict.extend(found.filter(|finding| finding.rule == rule));
    }
    let has_uses = |unit: &Unit| !unit.nixpkgs.is_empty();
    verdict.notes.extend(calls::left_out_notes(view.project, |_| false, has_uses));
    for Reached { file, unit, from, call } in calls::reached(view.project) {
        let found = unit.nixpkgs.iter().filter_map(|used| settings.judge(&file.source, used, None));
        let found = found.filter(|finding| finding.rule == rule);
        verdict.extend(found.map(|finding| finding.also(&from.source.path, call, "run by CI here")));
    }
    verdict
}

/// The nixpkgs of other inputs that a flake follows: `nixpkgs.follows = "tool/nixpkgs-unstable"`. Inputs of the flake
/// itself are checked where they are declared. Only a name that contains a branch is a deliberate choice:
/// `tool/nixpkgs` is whatever the tool uses.
fn followed(file: &FlakeFile<'_>) -> Vec<Use> {
    let Some((_, lock)) = file.lock else { return Vec::new() };
    let used = |input: &Input| {
        let path = input
            .follows
            .as_ref()
            .filter(|path| path.value.rsplit_once('/').is_some_and(|(_, name)| nixpkgs::names_branch(name)))?;
        let reference = lock.nodes.get(lock.root_input(&input.name.value)?)?.original.as_ref()?;
        let subject = format!("the input `{}`, which follows `{}`,", input.name.value, path.value);
        let mut used = Use::of(reference, path.span, None, subject)?;
        used.names.push(input.name.value.clone());
        Some(used)
    };
    file.flake.inputs.iter().filter_map(used).collect()
}

/// Collects the uses of nixpkgs in a flake's inputs.
struct Inputs<'a> {
    source: &'a Source,
    uses: &'a mut Vec<Use>,
    notes: &'a mut Vec<Note>,
}

impl Inputs<'_> {
    fn read(&mut self, flake: &Flake) {
        let mut waiting: Vec<(&Input, String)> =
            flake.inputs.iter().map(|input| (input, input.name.value.clone())).collect();
        while let Some((input, path)) = waiting.pop() {
            self.input(input, &path);
            let inner = input.inputs.iter().filter(|inner| inner.url.is_some() || !inner.attrs.is_empty());
            waiting.extend(inner.map(|inner| (inner, format!("{path}.inputs.{}", inner.name.value))));
        }
        for name in flake.implicit() {
            let reference = FlakeRef::parse(&name.value);
            let subject = format!("the input `{}`, which appears only in the arguments of `outputs`,", name.value);
            self.uses.extend(Use::of(&reference, name.span, None, subject));
        }
    }

    fn input(&mut self, input: &Input, path: &str) {
        let Some(reference) = input.reference() else { return };
        if nixpkgs::is_fork(&reference) {
            let message =
                format!("the input `{path}` is {}, a fork whose release branches are not known", reference.shown());
            self.note(message);
        }
        // Without an address, only the attribute set contains the branch, so that is the text to change.
        let text = input.url.as_ref().or_else(|| input.attrs.get("ref")).map(|text| text.span);
        let subject = format!("the input `{path}`");
        let Some(mut used) = Use::of(&reference, input.place(), text, subject) else { return };
        let name = &input.name.value;
        used.named_for_branch = match used.channel {
            // The name of an input can explain an old release: `nixpkgs-mongodb`, `nixpkgs-for-wine`.
            Channel::Release(_) | Channel::Tag(_) => nixpkgs::names_branch(name) || !nixpkgs::is_general(name),
            _ => nixpkgs::names_branch(name),
        };
        used.names.push(input.name.value.clone());
        if let Channel::Unknown(branch) = &used.channel {
            self.note(format!("the input `{path}` uses the nixpkgs branch {branch}, which is unknown"));
        }
        self.uses.push(used);
    }

    fn note(&mut self, message: String) {
        self.notes.push(Note { kind: NoteKind::NotDecidable, path: Some(self.source.path.clone()), message });
    }
}

/// The date and parameters that decide whether a branch is accepted.
struct Settings<'a> {
    now: Date,
    allow: Vec<&'a str>,
    supported: Vec<&'a str>,
}

impl Settings<'_> {
    fn judge(&self, source: &Source, used: &Use, flake: Option<&Flake>) -> Option<Finding> {
        let current = Release::current(self.now);
        let subject = &used.subject;
        let (rule, message) = match &used.channel {
            _ if used.names.iter().any(|name| self.allow.contains(&name.as_str())) => return None,
            Channel::Rolling(branch) => {
                (UNSTABLE, format!("{subject} uses the nixpkgs branch {branch}, which is not a release branch"))
            }
            Channel::Default => (UNSTABLE, format!("{subject} does not name a nixpkgs branch, so it uses master")),
            Channel::Registry => {
                (UNSTABLE, format!("{subject} uses nixpkgs from the flake registry, which is unstable by default"))
            }
            Channel::Release(release) | Channel::Tag(release) => {
                let end = release.end_of_life();
                if self.now <= end || self.supported.contains(&release.to_string().as_str()) {
                    return None;
                }
                let message = match used.channel {
                    Channel::Tag(_) => format!(
                        "{subject} uses the tag {release} of nixpkgs, which never receives fixes; support for the \
                         release ended on {end}"
                    ),
                    _ => format!("{subject} uses nixpkgs {release}, which has received no security fixes since {end}"),
                };
                (OLD, message)
            }
            Channel::Stable | Channel::Fixed | Channel::Unknown(_) => return None,
        };
        let mut finding = Finding::new(rule, &source.path, used.place, message)
            .label(format!("use a release: nixos-{current} is the current one"))
            .help(match used.scheme {
                Scheme::Indirect
                    if used.text.is_some()
                        && used.channel == Channel::Registry
                        && !source.path.ends_with("flake.nix") =>
                {
                    "name a branch, or use the flake's own lock with `--inputs-from .` or a package from the flake"
                        .to_owned()
                }
                _ if used.subject.contains("niv pin") => {
                    let name = used.names.last().map_or("NAME", String::as_str);
                    format!("run `niv update {name} -b nixos-{current}`, and check the release notes of {current}")
                }
                _ if used.subject.contains("npins pin") => {
                    format!("pin the branch nixos-{current} with `npins add`, and check the release notes of {current}")
                }
                _ if source.path.ends_with("flake.nix") => {
                    format!(
                        "run `nix flake lock` afterwards, and check the release notes of {current} for incompatible \
                         changes{}",
                        left_behind(used, flake)
                    )
                }
                _ => format!("check the release notes of {current} for incompatible changes"),
            });
        if let Some(edits) = edits(source, used, flake, current) {
            let title = format!("use {}", edits.first().map(|edit| branch_after(source, edit)).unwrap_or_default());
            finding = finding.fix(Fix::new(title, Safety::Unsafe, edits));
        }
        Some(finding)
    }
}

/// The branch that an edit results in: it may replace only the release in `nixpkgs-25.11-darwin`.
fn branch_after(source: &Source, edit: &Edit) -> String {
    if let Some(branch) = edit.text.strip_prefix('/') {
        return branch.to_owned();
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let text = &source.text;
    let (before, after) = (&text[..edit.span.start as usize], &text[edit.span.end as usize..]);
    let head = &before[before.trim_end_matches(is_part).len()..];
    let tail = &after[..after.len() - after.trim_start_matches(is_part).len()];
    format!("{head}{}{tail}", edit.text)
}

/// The edits that change a branch to the current release, here and in the companion inputs. `None` if the branch is
/// intentional, or if the text or a companion cannot be changed.
fn edits(source: &Source, used: &Use, flake: Option<&Flake>, current: Release) -> Option<Vec<Edit>> {
    let span = used.text.filter(|_| !used.named_for_branch)?;
    let name = used.names.last().map_or("", String::as_str);
    let rolls = matches!(used.channel, Channel::Rolling(_) | Channel::Default | Channel::Registry);
    // If the flake also uses a release, this input is unstable on purpose.
    if rolls && flake.is_some_and(|flake| has_release(flake, name)) {
        return None;
    }
    let inputs = flake.into_iter().flat_map(|flake| &flake.inputs);
    let companions: Vec<_> = inputs.filter_map(|input| Companion::of(input, name, &used.channel)).collect();
    let darwin = companions.iter().any(|companion| companion.prefix == DARWIN);
    let (at, old, new) = rename(source.slice(span), used, current, darwin)?;
    let start = span.start as usize + at;
    let mut edits = vec![Edit { path: source.path.clone(), span: Span::new(start, start + old), text: new }];
    for companion in companions {
        edits.push(companion.edit(source, current)?);
    }
    Some(edits)
}

/// Whether a flake uses a nixpkgs release through another input.
fn has_release(flake: &Flake, name: &str) -> bool {
    let others = flake.inputs.iter().filter(|input| input.name.value != name);
    let mut channels = others.filter_map(Input::reference).filter_map(|reference| nixpkgs::channel(&reference));
    channels.any(|channel| matches!(channel, Channel::Release(_) | Channel::Stable))
}

/// The prefix of nix-darwin's release branches.
const DARWIN: &str = "nix-darwin-";

/// Flakes with a branch for each nixpkgs release, and the prefixes of these branches. Their default branch only works
/// with the unstable nixpkgs.
const COMPANIONS: [(&str, &str); 6] = [
    ("lnl7/nix-darwin", DARWIN),
    ("nix-darwin/nix-darwin", DARWIN),
    ("nix-community/home-manager", "release-"),
    ("nix-community/nixvim", "nixos-"),
    ("nix-community/stylix", "release-"),
    ("danth/stylix", "release-"),
];

/// An input that must use the same release as its nixpkgs.
struct Companion<'f> {
    input: &'f Input,
    prefix: &'static str,
}

impl<'f> Companion<'f> {
    /// The input as a companion. `None` if it is not in [`COMPANIONS`], if its branch is not the one for this channel
    /// of nixpkgs, or if it follows a nixpkgs other than `name`.
    fn of(input: &'f Input, name: &str, channel: &Channel) -> Option<Self> {
        let reference = input.reference().filter(|reference| reference.scheme == Scheme::GitHub)?;
        let own = format!("{}/{}", reference.owner, reference.repo).to_ascii_lowercase();
        let (_, prefix) = COMPANIONS.iter().find(|(known, _)| *known == own)?;
        let belongs = match (channel, reference.branch.as_deref()) {
            (Channel::Release(old) | Channel::Tag(old), branch) => branch == Some(&format!("{prefix}{old}")),
            (_, branch) => matches!(branch, None | Some("master" | "main")),
        };
        (belongs && reference.rev.is_none() && follows(input, name)).then_some(Self { input, prefix })
    }

    /// The change to its branch; `None` if its address is not a single string.
    fn edit(&self, source: &Source, current: Release) -> Option<Edit> {
        let text = self.input.url.as_ref()?;
        let shown = source.slice(text.span);
        let repo = self.input.reference()?.repo;
        let at = shown.rfind(repo.as_str())? + repo.len();
        let old = shown[at..].find(['"', '?', '#']).unwrap_or(shown.len() - at);
        let start = text.span.start as usize + at;
        let text = format!("/{}{current}", self.prefix);
        Some(Edit { path: source.path.clone(), span: Span::new(start, start + old), text })
    }
}

/// Whether an input uses the nixpkgs that the flake's input `name` provides.
fn follows(input: &Input, name: &str) -> bool {
    let follows = input.input("nixpkgs").and_then(|inner| inner.follows.as_ref());
    follows.map_or(name == "nixpkgs", |follows| follows.value == name)
}

/// What to do about inputs that are made for the old release of the nixpkgs that they follow, but whose other branches
/// are not known. Empty if there are none.
fn left_behind(used: &Use, flake: Option<&Flake>) -> String {
    let (Channel::Release(old) | Channel::Tag(old)) = &used.channel else { return String::new() };
    let name = used.names.last().map_or("", String::as_str);
    let old = old.to_string();
    let is_left = |input: &&Input| {
        let has_follows = input.input("nixpkgs").is_some_and(|inner| inner.follows.is_some());
        let branch = input.reference().and_then(|reference| reference.branch);
        has_follows
            && follows(input, name)
            && branch.is_some_and(|branch| branch.contains(&old))
            && Companion::of(input, name, &used.channel).is_none()
    };
    let inputs = flake.into_iter().flat_map(|flake| &flake.inputs).filter(is_left);
    let names: Vec<String> = inputs.map(|input| format!("`{}`", input.name.value)).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("; also change the {old} branch of {}", crate::wording::listed(names, "and")),
    }
}

/// The offset and length of a branch in the text, and the branch of the current release in the same form. `None` if the
/// text does not contain the branch.
fn rename(text: &str, used: &Use, current: Release, darwin: bool) -> Option<(usize, usize, String)> {
    let plain = format!("{:02}{:02}", current.year, current.month);
    let hub = text.contains("flakehub.com");
    let nixpkgs_branch = matches!(&used.channel, Channel::Rolling(old) if old == "nixpkgs-unstable");
    let branch = match used.names.iter().any(|name| name.contains("darwin")) || (darwin && nixpkgs_branch) {
        true => format!("nixpkgs-{current}-darwin"),
        false => format!("nixos-{current}"),
    };
    match &used.channel {
        Channel::Rolling(_) if hub => text.rfind("/0.1").map(|at| (at + 1, 3, format!("0.{plain}"))),
        Channel::Rolling(old) => {
            let small = if old.ends_with("-small") { "-small" } else { "" };
            text.rfind(old.as_str()).map(|at| (at, old.len(), format!("{branch}{small}")))
        }
        Channel::Release(old) if hub => {
            let old = format!("{:02}{:02}", old.year, old.month);
            text.rfind(&old).map(|at| (at, 4, plain))
        }
        Channel::Tag(old) => {
            let old = old.to_string();
            let (before, after) = text.rsplit_once(&old)?;
            let start = before.strip_suffix("refs/tags/").unwrap_or(before).len();
            let suffix = nixpkgs::TAG_ENDS.iter().find(|end| after.starts_with(**end)).map_or(0, |end| end.len());
            Some((start, before.len() - start + old.len() + suffix, branch))
        }
        Channel::Release(old) => text.rfind(&old.to_string()).map(|at| (at, 5, current.to_string())),
        Channel::Registry => {
            let at = text.find("nixpkgs")? + "nixpkgs".len();
            Some((at, 0, format!("/{branch}")))
        }
        // `github:NixOS/nixpkgs` in any spelling: the branch follows the repository's name.
        Channel::Default if used.scheme == Scheme::GitHub => {
            let at = text.to_ascii_lowercase().find("/nixpkgs")? + "/nixpkgs".len();
            Some((at, 0, format!("/{branch}")))
        }
        _ => None,
    }
}
