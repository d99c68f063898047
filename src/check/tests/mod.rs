//! Tests of several rules together.

mod flakes;
mod processes;
mod registries;
mod triggers;
