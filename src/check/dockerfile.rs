//! `dockerfile`: an image that is described outside of Nix. The name makes a file a candidate, its content confirms it:
//! the first instruction that is not `ARG` is a `FROM` with an image.

use std::collections::BTreeMap;

use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::FileView;
use crate::finding::Span;
use crate::source::{FileKind, Source};

const RULE: &str = "dockerfile";

/// See `rules/dockerfile.md`.
pub static CHECK: Check = Check::of_files(
    RULE,
    FileCheck { needles: &[], trigger: Trigger::Holds(|source| source.kind == FileKind::Dockerfile), check },
);

fn check(view: &FileView<'_>) -> Verdict {
    let source = view.source;
    if source.kind != FileKind::Dockerfile {
        return Verdict::default();
    }
    let stages = stages(&source.text);
    let (Some(first), Some(last)) = (stages.first(), stages.last()) else { return Verdict::default() };
    let package = container_package(&source.path);
    let base = expanded(base(&stages, last), &arguments(&source.text));
    let message = match stages.len() {
        1 => format!("this Dockerfile builds an image from `{base}`, outside of Nix"),
        count => format!("this Dockerfile builds an image from `{base}` in {count} stages, outside of Nix"),
    };
    let finding = view
        .finding(RULE, first.span, message)
        .label(format!("define it as `packages.{package} = nix2container.buildImage {{ .. }}`"))
        .help(format!(
            "`flakeward migrate dockerfile {}` writes that package; build the image with `nix build .#{package}`, then \
             remove {}",
            source.path,
            source.file_name()
        ));
    [finding].into_iter().collect()
}

/// A `FROM` instruction.
#[derive(Debug, PartialEq, Eq)]
pub struct Stage<'a> {
    /// The image or earlier stage that it builds on.
    pub image: &'a str,
    /// The stage's own name.
    pub name: Option<&'a str>,
    /// The instruction's first line.
    pub span: Span,
}

/// The stages of a Dockerfile, in order; empty where the text is no Dockerfile.
pub fn stages(text: &str) -> Vec<Stage<'_>> {
    let mut stages = Vec::new();
    for (at, line) in instructions(text) {
        if let Some((image, name)) = from_image(line) {
            let line = line.trim_end();
            let indent = line.len() - line.trim_start().len();
            stages.push(Stage { image, name, span: Span::new(at + indent, at + line.len()) });
        } else if stages.is_empty() && !may_precede_from(line) {
            return stages;
        }
    }
    stages
}

/// The image that a stage comes from in the end, through the earlier stages that it builds on.
fn base<'a>(stages: &[Stage<'a>], stage: &Stage<'a>) -> &'a str {
    let mut image = stage.image;
    for earlier in stages.iter().rev() {
        if earlier.name.is_some_and(|name| name.eq_ignore_ascii_case(image)) {
            image = earlier.image;
        }
    }
    image
}

/// The defaults of the `ARG` instructions before the first `FROM`, which its image may use.
fn arguments(text: &str) -> BTreeMap<&str, &str> {
    let mut defaults = BTreeMap::new();
    for (_, line) in instructions(text) {
        let Some(rest) = keyword(line, "ARG") else { break };
        let pairs = rest.split_whitespace().filter_map(|word| word.split_once('='));
        defaults.extend(pairs.map(|(name, value)| (name, value.trim_matches(['"', '\'']))));
    }
    defaults
}

/// An image with the defaults of its arguments put in: `debian:${V}`, `debian:$V`, `${IMAGE:-debian}`. An argument
/// without a default stays as it is written.
fn expanded(image: &str, defaults: &BTreeMap<&str, &str>) -> String {
    const DEPTH: usize = 8;
    let mut image = image.to_owned();
    for _ in 0..DEPTH {
        let Some(next) = expanded_once(&image, defaults) else { break };
        image = next;
    }
    image
}

/// The text with its first known argument put in; `None` if there is none.
fn expanded_once(text: &str, defaults: &BTreeMap<&str, &str>) -> Option<String> {
    const LONGEST: usize = 300;
    text.match_indices('$').find_map(|(at, _)| {
        let rest = &text[at + 1..];
        let (inner, length) = match rest.strip_prefix('{') {
            Some(braced) => (&braced[..braced.find('}')?], braced.find('}')? + 3),
            None => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                (&rest[..end], end + 1)
            }
        };
        let (name, own) =
            inner.split_once(":-").or_else(|| inner.split_once('-')).map_or((inner, None), |(n, d)| (n, Some(d)));
        let value = defaults.get(name).copied().filter(|value| !value.is_empty()).or(own)?;
        let is_short = text.len() + value.len() <= LONGEST;
        is_short.then(|| format!("{}{value}{}", &text[..at], &text[at + length..]))
    })
}

/// The first line of each instruction with its offset: blank lines, comments, continuation lines are left out.
fn instructions(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mark = '\u{feff}'.len_utf8();
    let mut at = if text.starts_with('\u{feff}') { mark } else { 0 };
    let mut continued = false;
    let escape = escape_character(text);
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr2(b'\n', b'\r', rest.as_bytes());
            let line = &rest[..length.unwrap_or(rest.len())];
            let start = at;
            at += length.map_or(rest.len(), |length| length + 1);
            let body = line.trim();
            // Docker skips comments and blank lines, also in the middle of a continued instruction.
            if body.is_empty() || body.starts_with('#') {
                continue;
            }
            let was_continued = std::mem::replace(&mut continued, body.ends_with(escape));
            if !was_continued {
                return Some((start, line));
            }
        }
    })
}

/// The character that continues a line: a backslash unless the parser directive `# escape=` says otherwise.
fn escape_character(text: &str) -> char {
    let head = text.trim_start_matches('\u{feff}').lines().take_while(|line| line.trim_start().starts_with('#'));
    let directive = |line: &str| {
        let (key, value) = line.trim_start().trim_start_matches('#').split_once('=')?;
        key.trim().eq_ignore_ascii_case("escape").then(|| value.trim().chars().next())?
    };
    head.take(16).find_map(directive).unwrap_or('\\')
}

/// What may stand before the first `FROM`: `ARG`, and the lines of a template language.
fn may_precede_from(line: &str) -> bool {
    let line = line.trim_start();
    keyword(line, "ARG").is_some() || ["{{", "{%", "<%", "INCLUDE"].iter().any(|mark| line.starts_with(mark))
}

/// The rest of a line after an instruction's keyword, which Docker reads in any case.
fn keyword<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let line = line.trim_start();
    let (head, rest) = line.split_at_checked(word.len())?;
    (head.eq_ignore_ascii_case(word) && rest.starts_with([' ', '\t'])).then_some(rest)
}

/// The image of a line `FROM [--platform=..] image [AS name]`; `None` for anything else, such as prose or SQL.
fn from_image(line: &str) -> Option<(&str, Option<&str>)> {
    let rest = keyword(line, "FROM")?.split(" #").next()?.trim();
    let continued = rest.ends_with(['\\', '`']);
    let rest = rest.trim_end_matches(['\\', '`']);
    let mut words = rest.split_whitespace().skip_while(|word| word.starts_with("--"));
    let Some(image) = words.next() else {
        return continued.then_some(("an image", None));
    };
    if ["{{", "{%", "<%"].iter().any(|mark| rest.contains(mark)) {
        return Some((image.trim_matches('"'), None));
    }
    let name = match (words.next(), words.next()) {
        (None, _) => None,
        (Some(word), Some(name)) if word.eq_ignore_ascii_case("as") => Some(name),
        // An expansion can hold blanks.
        _ if rest.contains("${") => return Some((image.trim_matches('"'), None)),
        _ => return None,
    };
    let image = image.trim_matches(['"', '\'']);
    let plausible = image.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '$' || c == '_' || c == '@')
        && image.chars().all(|c| c.is_ascii_alphanumeric() || "$_@./:-{}%+=".contains(c));
    let plausible = (plausible && words.next().is_none()) || rest.contains("${");
    plausible.then_some((image, name))
}

/// The flake package that would build the image of a Dockerfile: `container-` and what its name or folder says.
pub fn container_package(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let own = ["dockerfile", "containerfile"].iter().find_map(|word| {
        let rest = lower.strip_prefix(word).or_else(|| lower.strip_suffix(word))?;
        let rest = rest.trim_matches(['.', '-', '_']);
        (!rest.is_empty() && !STAGES.contains(&rest)).then(|| rest.to_owned())
    });
    let parents = folder.rsplit('/').find(|part| !part.is_empty() && !FOLDERS.contains(part));
    match own.or_else(|| parents.map(str::to_ascii_lowercase)) {
        Some(name) => format!("container-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
        None => "container-app".to_owned(),
    }
}

/// Extensions that say when or how a Dockerfile is used, not what it builds.
const STAGES: [&str; 10] = ["dev", "prod", "production", "development", "test", "ci", "alpine", "j2", "tmpl", "in"];
/// Folders that only hold such files.
const FOLDERS: [&str; 7] = ["docker", "build", "deploy", "containers", "images", "src", ".devcontainer"];

/// Whether a source is a Dockerfile by its content too.
pub fn is_dockerfile(source: &Source) -> bool {
    source.kind == FileKind::Dockerfile && !stages(&source.text).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_what_from_resolves_to() {
        for (text, expected) in [
            ("ARG V=12\nFROM debian:${V} AS base\nFROM base\n", "debian:12"),
            ("ARG V=12\nARG I=debian:$V\nFROM ${I}\n", "debian:12"),
            ("ARG I=\"alpine\"\nFROM $I AS a\nFROM scratch AS b\nFROM a\n", "alpine"),
            ("FROM ${I:-busybox:1}\n", "busybox:1"),
            ("ARG I\nFROM $I\n", "$I"),
            ("ARG I=$I\nFROM $I\n", "$I"),
        ] {
            let stages = stages(text);
            assert_eq!(expanded(base(&stages, stages.last().unwrap()), &arguments(text)), expected, "{text}");
        }
    }

    #[test]
    fn content_makes_a_dockerfile() {
        for (text, images) in [
            ("FROM alpine\n", &["alpine"][..]),
            ("from alpine\r\nrun true\r\n", &["alpine"]),
            (
                "\u{feff}# syntax=docker/dockerfile:1\n\nARG V=1\nFROM node:$V AS build\nFROM scratch\n",
                &["node:$V", "scratch"],
            ),
            ("# escape=`\nARG A=1 `\n  B=2\nFROM mcr.microsoft.com/windows\n", &["mcr.microsoft.com/windows"]),
            (
                "ARG A=1 \\\n  # why\n\n  B=2\nFrom --platform=$BUILDPLATFORM a/b@sha256:12ab as x\n",
                &["a/b@sha256:12ab"],
            ),
            ("FROM alpine # base\n", &["alpine"]),
            ("FROM ${BASE:-alpine}\nRUN x\n", &["${BASE:-alpine}"]),
            ("FROM {{ base_image }} AS x\nRUN x\n", &["{{"]),
            ("{% if gpu %}\nFROM nvidia/cuda\n{% else %}\nFROM python:3\n{% endif %}\n", &["nvidia/cuda", "python:3"]),
            ("FROM \\\n  alpine\n", &["an image"]),
            ("FROM alpine\nRUN <<EOF\necho hello\nEOF\n", &["alpine"]),
            ("FROM gcr.io:443/a/b_c:1.0-x\n", &["gcr.io:443/a/b_c:1.0-x"]),
            ("", &[]),
            ("# a note about FROM alpine\n", &[]),
            ("RUN true\nFROM alpine\n", &[]),
            ("ARG X\n", &[]),
            ("FROM\n", &[]),
            ("From here on, things change\n", &[]),
            ("from flask import Flask\n", &[]),
            ("FROM users WHERE id = 1\n", &[]),
            ("{ pkgs }: pkgs.hello\n", &[]),
            ("node_modules\n.git\n", &[]),
            ("FROMAGE blue\n", &[]),
        ] {
            let found: Vec<_> = stages(text).iter().map(|stage| stage.image).collect();
            assert_eq!(found, images, "{text:?}");
        }
    }

    #[test]
    fn a_stage_comes_from_the_first_of_its_line() {
        let stages = stages("FROM node AS base\nFROM base AS build\nFROM Build\n");
        assert_eq!(base(&stages, &stages[2]), "node");
    }

    #[test]
    fn packages_are_named_after_what_is_built() {
        for (path, package) in [
            ("Dockerfile", "container-app"),
            ("backend/Dockerfile", "container-backend"),
            ("docker/api.Dockerfile", "container-api"),
            ("services/web/docker/Dockerfile.alpine", "container-web"),
            ("Dockerfile.web_server", "container-web-server"),
            ("docker/Containerfile", "container-app"),
        ] {
            assert_eq!(container_package(path), package, "{path}");
        }
    }
}
