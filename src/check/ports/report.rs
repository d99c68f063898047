//! From uses to findings: once the registry and the own hosts of the whole repository are known.

use super::hosts::Hosts;
use super::{PortUse, UseKind};
use crate::check::ProjectContext;
use crate::finding::Finding;
use crate::project::ProjectFile;

/// Reports every port literal that is the repository's own.
pub fn project(context: &mut ProjectContext<'_>) {
    let hosts = Hosts::gather(context.project, context.ports);
    let mut findings = Vec::new();
    for file in &context.project.files {
        for port in &file.facts.ports.uses {
            if port.host.as_deref().is_none_or(|host| hosts.is_own(host)) {
                findings.extend(finding(file, port));
            }
        }
    }
    for finding in findings {
        context.report(finding);
    }
}

fn finding(file: &ProjectFile, port: &PortUse) -> Option<Finding> {
    let rule = match port.kind {
        UseKind::Literal => "hardcoded-port",
        _ => "manual-port-allocation",
    };
    let number = port.number;
    let message = match port.kind {
        UseKind::Literal => format!("port {number} is written out here"),
        UseKind::Bound => format!("port {number} is allocated by hand, in a local name"),
        UseKind::Computed => "this port is computed here instead of being allocated in the registry".to_owned(),
        UseKind::Random => "this port is drawn at random".to_owned(),
        UseKind::Fallback => format!("port {number} is the fallback of an environment variable"),
    };
    Some(Finding::new(rule, &file.source.path, port.span, message))
}
