//! What `unstable-nixpkgs` and `end-of-life-nixpkgs` share: which branch of nixpkgs something takes, and how long that one lives.

use jiff::civil::Date;

use super::{ProjectView, Verdict};
use crate::facts::flake::{FlakeFacts, Use};
use crate::finding::{Edit, Finding, Fix, Note, NoteKind, RuleId, Safety, Span};
use crate::lang::flake::flakeref::{FlakeRef, Scheme};
use crate::lang::flake::nixpkgs;
use crate::lang::flake::nixpkgs::{Channel, Release};
use crate::lang::flake::{Flake, Input};
use crate::source::Source;

/// The rule about branches that are no release.
pub const UNSTABLE: &str = "unstable-nixpkgs";
/// The rule about releases without security fixes.
pub const OLD: &str = "end-of-life-nixpkgs";

/// What a rule finds in what all files take.
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
        }
        let found = uses.iter().filter_map(|used| settings.judge(&file.source, used));
        verdict.extend(found.filter(|finding| finding.rule == rule));
    }
    verdict
}

/// The uses in a flake's inputs.
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
        // Without an address only the set of attributes holds a branch: that is the text to change.
        let text = input.url.as_ref().or_else(|| input.attrs.get("ref")).map(|text| text.span);
        let subject = format!("the input `{path}`");
        let Some(mut used) = Use::of(&reference, input.place(), text, subject) else { return };
        let name = &input.name.value;
        used.named_for_branch = ["unstable", "master", "small"].iter().any(|word| name.contains(word))
            || name.contains(|c: char| c.is_ascii_digit());
        used.names.push(input.name.value.clone());
        if let Channel::Unknown(branch) = &used.channel {
            self.note(format!("the input `{path}` uses the nixpkgs branch {branch}, which is not a known one"));
        }
        self.uses.push(used);
    }

    fn note(&mut self, message: String) {
        self.notes.push(Note { kind: NoteKind::NotDecidable, path: Some(self.source.path.clone()), message });
    }
}

/// What decides whether a branch is fine.
struct Settings<'a> {
    now: Date,
    allow: Vec<&'a str>,
    supported: Vec<&'a str>,
}

impl Settings<'_> {
    fn judge(&self, source: &Source, used: &Use) -> Option<Finding> {
        let current = Release::current(self.now);
        let subject = &used.subject;
        let (rule, message) = match &used.channel {
            _ if used.names.iter().any(|name| self.allow.contains(&name.as_str())) => return None,
            Channel::Rolling(branch) => {
                (UNSTABLE, format!("{subject} uses the nixpkgs branch {branch}, which is not a release"))
            }
            Channel::Default => (UNSTABLE, format!("{subject} does not name a branch of nixpkgs, so it uses master")),
            Channel::Registry => {
                (UNSTABLE, format!("{subject} uses nixpkgs from the flake registry, which is unstable by default"))
            }
            Channel::Release(release) => {
                let end = release.end_of_life();
                if self.now <= end || self.supported.contains(&release.to_string().as_str()) {
                    return None;
                }
                (OLD, format!("{subject} uses nixpkgs {release}, which has received no security fixes since {end}"))
            }
            Channel::Stable | Channel::Fixed | Channel::Unknown(_) => return None,
        };
        let mut finding = Finding::new(rule, &source.path, used.place, message)
            .label(format!("use a release: nixos-{current} is the current one"))
            .help(match used.scheme {
                Scheme::Indirect if used.text.is_some() && used.channel == Channel::Registry => {
                    "name a branch, or use the flake's own lock with `--inputs-from .` or a package of the flake"
                        .to_owned()
                }
                _ if source.path.ends_with("flake.nix") => {
                    format!(
                        "then run `nix flake lock`, and check the release notes of {current} for incompatible changes"
                    )
                }
                _ => format!("check the release notes of {current} for incompatible changes"),
            });
        if let Some(edit) = self.edit(source, used, current) {
            let title = format!("use nixos-{current}");
            finding = finding.fix(Fix { title, safety: Safety::Unsafe, edits: vec![edit] });
        }
        Some(finding)
    }

    /// The change of the branch in the text that names it.
    fn edit(&self, source: &Source, used: &Use, current: Release) -> Option<Edit> {
        let span = used.text.filter(|_| !used.named_for_branch)?;
        let (at, old, new) = rename(source.slice(span), used, current)?;
        let start = span.start as usize + at;
        Some(Edit { path: source.path.clone(), span: Span::new(start, start + old), text: new })
    }
}

/// Where in a text a branch stands, how long it is, and the branch of the current release in the same form.
fn rename(text: &str, used: &Use, current: Release) -> Option<(usize, usize, String)> {
    let plain = format!("{:02}{:02}", current.year, current.month);
    let hub = text.contains("flakehub.com");
    let branch = match used.names.iter().any(|name| name.contains("darwin")) {
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
