//! `hardcoded-port`: a port number where the name of its registry entry belongs.

use super::Check;
use super::port_literals::verdict;
use crate::facts::{port_registry, ports};

/// The rule's id.
pub const RULE: &str = "hardcoded-port";

/// See `rules/hardcoded-port.md`.
pub static CHECK: Check =
    Check::of_project(RULE, &[&ports::READER, &port_registry::READER], |view| verdict(view, RULE));
