//! Features for the adoption of one policy by many repositories: acceptances that expire, ratchets, shared settings and
//! reports.

mod accepted;
mod baseline;
mod html;
mod new_since;
mod policy;
mod refusals;
mod support;
#[path = "../support/tools.rs"]
#[expect(dead_code, reason = "these tests need only some of it")]
mod tools;
