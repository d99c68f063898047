//! The functions that the fuzz targets run. The test `fuzz_corpus` runs the same functions.

#[path = "../../tests/support/entries.rs"]
pub mod entries;

/// Ignores failed assertions in libyaml, which flakeward catches. Without this, libFuzzer stops at any panic.
pub fn tolerate_libyaml() {
    let stop = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|at| at.file().contains("libyaml-safer")) {
            stop(panic);
        }
    }));
}
