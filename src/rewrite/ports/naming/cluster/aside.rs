//! Uses in tests and in checks of a configuration.
//!
//! A test makes up services to try something out, and repeats the numbers of the services that it is about. It names a
//! port only if nothing else does.

use super::super::Used;
use super::find::only;
use super::{Cluster, of_any};

/// Groups the uses of one number by service, with the uses in tests last.
pub fn clusters(number: u32, uses: Vec<Used<'_>>) -> Vec<Cluster<'_>> {
    let says = |used: &Used<'_>| !used.is_of_test && (!used.evidence.best.service.is_empty() || used.row().is_some());
    if !uses.iter().any(|used| used.is_of_test) || !uses.iter().any(says) {
        return of_any(number, uses);
    }
    let (tests, uses): (Vec<Used<'_>>, Vec<Used<'_>>) = uses.into_iter().partition(|used| used.is_of_test);
    let mut found = of_any(number, uses);
    for used in tests {
        if let Some(at) = tested(&found, &used) {
            found[at].certain.push(used.index);
        }
    }
    found
}

/// The service that a use in a test is about: the only one that it names, or else the only one with the number, unless
/// the test makes up another service. `None` if that is not certain.
fn tested(found: &[Cluster<'_>], used: &Used<'_>) -> Option<usize> {
    let named = only((0..found.len()).filter(|&at| found[at].is_named_by(used)));
    let is_other = || used.is_strong() && used.is_listener();
    named.or_else(|| only(0..found.len()).filter(|_| !is_other()))
}
