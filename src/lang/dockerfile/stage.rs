//! The stages of a Dockerfile, found line by line without the grammar: a file without stages is not a Dockerfile.
//! Dockerfile templates are also accepted.

use std::collections::BTreeMap;

use super::escape_character;
use crate::finding::Span;

/// A `FROM` instruction.
#[derive(Debug, PartialEq, Eq)]
pub struct Stage<'a> {
    /// The image or earlier stage that it is based on.
    pub image: &'a str,
    /// The name that `AS` gives to the stage.
    pub name: Option<&'a str>,
    /// The span of the instruction's first line.
    pub span: Span,
}

/// The stages of a Dockerfile, in order. Empty if the text is not a Dockerfile.
pub fn stages(text: &str) -> Vec<Stage<'_>> {
    let mut stages = Vec::new();
    for (at, line) in first_lines(text) {
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

/// The external image that a stage is based on, following earlier stages, with arguments replaced with their defaults.
pub fn base(text: &str, stages: &[Stage<'_>], stage: &Stage<'_>) -> String {
    let arguments = arguments(text);
    let mut image = expanded(stage.image, &arguments);
    for earlier in stages.iter().rev().filter(|earlier| earlier.span.start < stage.span.start) {
        if earlier.name.is_some_and(|name| name.eq_ignore_ascii_case(&image)) {
            image = expanded(earlier.image, &arguments);
        }
    }
    image
}

/// The defaults of the `ARG` instructions before the first `FROM`. The images in `FROM` instructions may use them.
fn arguments(text: &str) -> BTreeMap<&str, &str> {
    let mut defaults = BTreeMap::new();
    for (_, line) in first_lines(text) {
        let Some(rest) = keyword(line, "ARG") else { break };
        let pairs = rest.split_whitespace().filter_map(|word| word.split_once('='));
        defaults.extend(pairs.map(|(name, value)| (name, value.trim_matches(['"', '\'']))));
    }
    defaults
}

/// Replaces the arguments in an image with their defaults: `debian:${V}`, `debian:$V`, `${IMAGE:-debian}`. An argument
/// without a default is left as written.
fn expanded(image: &str, defaults: &BTreeMap<&str, &str>) -> String {
    const DEPTH: usize = 8;
    let mut image = image.to_owned();
    for _ in 0..DEPTH {
        let Some(next) = expanded_once(&image, defaults) else { break };
        image = next;
    }
    image
}

/// The text with its first known argument replaced; `None` if there is none.
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

/// The first line of each instruction with its offset; blank lines, comments and continuation lines are left out.
fn first_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
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
            // Docker skips comments and blank lines, even inside a continued instruction.
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

/// Whether a line may precede the first `FROM`: `ARG`, and lines of a template language.
fn may_precede_from(line: &str) -> bool {
    let line = line.trim_start();
    keyword(line, "ARG").is_some() || ["{{", "{%", "<%", "INCLUDE"].iter().any(|mark| line.starts_with(mark))
}

/// The rest of a line after an instruction's keyword, which is case-insensitive.
fn keyword<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let line = line.trim_start();
    let (head, rest) = line.split_at_checked(word.len())?;
    (head.eq_ignore_ascii_case(word) && rest.starts_with([' ', '\t'])).then_some(rest)
}

/// The image and the name in a line `FROM [--platform=..] image [AS name]`; `None` for anything else, such as prose or
/// SQL.
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
        // An expansion can contain blanks.
        _ if rest.contains("${") => return Some((image.trim_matches('"'), None)),
        _ => return None,
    };
    let image = image.trim_matches(['"', '\'']);
    let plausible = image.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '$' || c == '_' || c == '@')
        && image.chars().all(|c| c.is_ascii_alphanumeric() || "$_@./:-{}%+=".contains(c));
    let plausible = (plausible && words.next().is_none()) || rest.contains("${");
    plausible.then_some((image, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_the_image_that_from_resolves_to() {
        for (text, expected) in [
            ("ARG V=12\nFROM debian:${V} AS base\nFROM base\n", "debian:12"),
            ("ARG V=12\nARG I=debian:$V\nFROM ${I}\n", "debian:12"),
            ("ARG I=\"alpine\"\nFROM $I AS a\nFROM scratch AS b\nFROM a\n", "alpine"),
            ("FROM ${I:-busybox:1}\n", "busybox:1"),
            ("ARG I\nFROM $I\n", "$I"),
            ("ARG I=$I\nFROM $I\n", "$I"),
            ("ARG P=xpu\nFROM ubuntu:22.04 AS xpu\nFROM ${P} AS final\n", "ubuntu:22.04"),
            ("FROM node AS base\nFROM base AS build\nFROM Build\n", "node"),
        ] {
            let stages = stages(text);
            assert_eq!(base(text, &stages, stages.last().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn dockerfiles_are_recognised_by_their_content() {
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
}
