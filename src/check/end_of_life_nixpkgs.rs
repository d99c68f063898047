//! `end-of-life-nixpkgs`: a nixpkgs release that no longer receives security fixes.

use super::Check;
use super::nixpkgs_sources::{OLD, verdict};
use crate::facts::ci::calls;
use crate::facts::flake;

/// See `rules/end-of-life-nixpkgs.md`.
pub static CHECK: Check = Check::of_project(OLD, &[&flake::READER, &calls::READER], |view| verdict(view, OLD));
