//! `hardcoded-port`: a port number that is written outside the registry.

use super::Check;
use super::port_literals::{HARDCODED, verdict};
use crate::facts::{port_registry, ports};

/// See `rules/hardcoded-port.md`.
pub static CHECK: Check =
    Check::of_project(HARDCODED, &[&ports::READER, &port_registry::READER], |view| verdict(view, HARDCODED));
