//! `manual-port-allocation`: a port that is allocated outside the registry: bound to a name, computed, or random.

use super::Check;
use super::port_literals::{ALLOCATED, verdict};
use crate::facts::{port_registry, ports};

/// See `rules/manual-port-allocation.md`.
pub static CHECK: Check =
    Check::of_project(ALLOCATED, &[&ports::READER, &port_registry::READER], |view| verdict(view, ALLOCATED));
