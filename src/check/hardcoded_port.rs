//! `hardcoded-port`: a port number where the name of its registry entry belongs.

use super::Check;
use super::port_literals::{HARDCODED, verdict};
use crate::facts::{port_registry, ports};

/// See `rules/hardcoded-port.md`.
pub static CHECK: Check =
    Check::of_project(HARDCODED, &[&ports::READER, &port_registry::READER], |view| verdict(view, HARDCODED));
