//! `end-of-life-nixpkgs`: a release of nixpkgs that gets no security fixes any more.

use super::Check;
use super::nixpkgs_sources::{OLD, verdict};
use crate::facts::ci::calls;
use crate::facts::flake;

/// See `rules/end-of-life-nixpkgs.md`.
pub static CHECK: Check = Check::of_project(OLD, &[&flake::READER, &calls::READER], |view| verdict(view, OLD));
