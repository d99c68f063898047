//! The inputs of a flake.nix, with their state in flake.lock.

use std::fmt::Write;

use jiff::civil::Date;

use crate::facts::Project;
use crate::facts::flake::FlakeFacts;
use crate::finding::Span;
use crate::lang::flake::flakeref::FlakeRef;
use crate::lang::flake::lock::{Lock, LockNode, Target};
use crate::lang::flake::nixpkgs;
use crate::lang::flake::{Flake, Input};

/// A flake.nix with its flake.lock.
pub struct Inputs<'p> {
    flake: &'p Flake,
    lock: Option<&'p Lock>,
    /// The date from which ages are counted.
    now: Date,
}

impl<'p> Inputs<'p> {
    /// The inputs of the flake.nix at a path. `None` for other files.
    pub fn of(project: &'p Project, path: &str, now: Date) -> Option<Self> {
        let flake = project.file(path)?.fact::<FlakeFacts>()?.flake.as_deref()?;
        let lock_path = format!("{}flake.lock", path.strip_suffix("flake.nix")?);
        let lock = project.file(&lock_path).and_then(|file| file.fact::<FlakeFacts>()?.lock.as_deref());
        Some(Self { flake, lock, now })
    }

    /// The input whose name, address or `follows` is at an offset, and the span of that part.
    pub fn at(&self, offset: u32) -> Option<(&'p Input, Span)> {
        self.flake.inputs.iter().find_map(|input| {
            let url = input.url.as_ref().map(|url| url.span);
            let follows = input.follows.as_ref().map(|follows| follows.span);
            let spans = [Some(input.name.span), url, follows].into_iter().flatten();
            let span = spans.into_iter().find(|span| (span.start..=span.end).contains(&offset))?;
            Some((input, span))
        })
    }

    /// The hover of an input, in Markdown.
    pub fn hover(&self, input: &Input) -> String {
        let name = &input.name.value;
        let mut text = format!("flake input `{name}`");
        if let Some(follows) = &input.follows {
            let _ = write!(text, "\n\nfollows `{}`", follows.value);
        }
        let Some(lock) = self.lock else {
            text.push_str("\n\nThere is no flake.lock: run `nix flake lock`.");
            return text;
        };
        let Some(node) = lock.root_input(name).and_then(|label| lock.nodes.get(label)) else {
            text.push_str("\n\nNot locked yet: run `nix flake lock`.");
            return text;
        };
        self.describe_lock(&mut text, node);
        for (inner, node) in self.own_nixpkgs(input) {
            let source = node.original.as_ref().map(FlakeRef::shown).unwrap_or_default();
            let _ = write!(text, "\n\nBrings its own nixpkgs as `{inner}`: {source}{}", self.age(node));
        }
        text
    }

    fn describe_lock(&self, text: &mut String, node: &LockNode) {
        if let Some(original) = &node.original {
            let _ = write!(text, "\n\n- source: {}", original.shown());
        }
        if let Some(rev) = node.locked.as_ref().and_then(|locked| locked.rev.as_deref()) {
            let _ = write!(text, "\n- locked to: `{}`{}", rev.get(..12).unwrap_or(rev), self.age(node));
        }
        let inputs = node.inputs.iter().map(|(name, input)| match &input.target {
            Target::Follows(path) if !path.is_empty() => format!("`{name}` (follows `{}`)", path.join("/")),
            _ => format!("`{name}`"),
        });
        let inputs: Vec<String> = inputs.collect();
        if !inputs.is_empty() {
            let _ = write!(text, "\n- its inputs: {}", inputs.join(", "));
        }
    }

    /// `, 34 days old`, if the lock file has a date.
    fn age(&self, node: &LockNode) -> String {
        let Some(date) = node.modified else { return String::new() };
        let days = self.now.duration_since(date).as_hours() / 24;
        match days {
            ..=0 => String::new(),
            1 => ", 1 day old".to_owned(),
            days => format!(", {days} days old"),
        }
    }

    /// The inputs of an input that are a nixpkgs, and do not follow an input of this flake.
    fn own_nixpkgs<'x>(&'x self, input: &'x Input) -> Vec<(&'x str, &'x LockNode)> {
        let Some(lock) = self.lock else { return Vec::new() };
        let Some(label) = lock.root_input(&input.name.value) else { return Vec::new() };
        let Some(node) = lock.nodes.get(label) else { return Vec::new() };
        let is_own =
            |label: &str| self.flake.inputs.iter().all(|other| lock.root_input(&other.name.value) != Some(label));
        let inner = node.inputs.iter().filter_map(|(name, inner)| match &inner.target {
            Target::Node(label) if is_own(label) => Some((name.as_str(), lock.nodes.get(label)?)),
            _ => None,
        });
        inner.filter(|(_, node)| node.original.as_ref().is_some_and(|at| nixpkgs::channel(at).is_some())).collect()
    }

    /// The inputs with their own nixpkgs, with the text of the code lens of each.
    pub fn lenses(&self) -> Vec<(Span, String)> {
        let inputs = self.flake.inputs.iter().filter_map(|input| {
            let brought = self.own_nixpkgs(input);
            let (_, node) = brought.first()?;
            let source = node.original.as_ref().map(FlakeRef::shown).unwrap_or_default();
            Some((input.name.span, format!("brings its own nixpkgs ({source}{})", self.age(node))))
        });
        inputs.collect()
    }
}
