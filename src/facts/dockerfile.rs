//! Dockerfiles: the image that each one builds.

use super::{Fact, FileView, Reader, fact};
use crate::finding::Span;
use crate::knowledge::images::OWNERS_OF_NIX;
use crate::lang::dockerfile;
use crate::source::FileKind;

/// Reads the image of a Dockerfile.
pub static READER: Reader = Reader {
    name: "dockerfile",
    needles: &[],
    may_hold: |source| source.kind == FileKind::Dockerfile,
    read: |file| {
        let facts = read(file)?;
        fact(facts, false)
    },
};

/// The image that a Dockerfile builds.
#[derive(Debug)]
pub struct DockerfileFacts {
    /// The span of the first `FROM`.
    pub span: Span,
    /// The image that the last stage is based on.
    pub base: String,
    /// The number of stages.
    pub stages: usize,
    /// Whether a stage is based on an image with Nix.
    pub runs_nix: bool,
}

impl Fact for DockerfileFacts {}

fn read(file: &FileView<'_>) -> Option<DockerfileFacts> {
    let text = &file.source.text;
    if file.source.kind != FileKind::Dockerfile {
        return None;
    }
    let stages = dockerfile::stages(text);
    let (first, last) = (stages.first()?, stages.last()?);
    let base = dockerfile::base(text, &stages, last);
    let runs_nix = stages.iter().any(|stage| has_nix(stage.image));
    Some(DockerfileFacts { span: first.span, base, stages: stages.len(), runs_nix })
}

/// Whether an image contains Nix itself: `nixos/nix:2.22.0`, `docker.io/nixpkgs/nix-flakes`.
fn has_nix(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or(image);
    let end = name.rfind('/').map_or(0, |slash| slash + 1);
    let name = name[end..].find(':').map_or(name, |tag| &name[..end + tag]);
    let mut parts = name.rsplit('/');
    let (name, owner) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    OWNERS_OF_NIX.contains(&owner) && name.starts_with("nix")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_contain_nix_are_recognised() {
        for (image, expected) in [
            ("nixos/nix", true),
            ("docker.io/nixos/nix:2.22.0", true),
            ("nixpkgs/nix-flakes@sha256:00", true),
            ("registry.example.org:5000/lnl7/nix", true),
            ("nginx", false),
            ("acme/nix-shop", false),
        ] {
            assert_eq!(has_nix(image), expected, "{image}");
        }
    }
}
