//! What many repositories need to adopt one policy: acceptances that end, ratchets, shared settings and reports.

mod accepted;
mod baseline;
mod new_since;
mod policy;
mod support;
