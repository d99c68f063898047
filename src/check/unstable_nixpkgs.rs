//! `unstable-nixpkgs`: nixpkgs from a branch that is not a release.

use super::Check;
use super::nixpkgs_sources::{UNSTABLE, verdict};
use crate::facts::ci::calls;
use crate::facts::flake;

/// See `rules/unstable-nixpkgs.md`.
pub static CHECK: Check =
    Check::of_project(UNSTABLE, &[&flake::READER, &calls::READER], |view| verdict(view, UNSTABLE));
