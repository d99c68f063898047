//! `manual-port-allocation`: a port that is given out beside the registry: in a local name, computed, or drawn at random.

use super::Check;
use super::port_literals::verdict;
use crate::facts::{port_registry, ports};

/// The rule's id.
pub const RULE: &str = "manual-port-allocation";

/// See `rules/manual-port-allocation.md`.
pub static CHECK: Check =
    Check::of_project(RULE, &[&ports::READER, &port_registry::READER], |view| verdict(view, RULE));
