//! What the fuzz targets run; the test `fuzz_corpus` runs the same.

#[path = "../../tests/support/entries.rs"]
pub mod entries;

/// Does not count failed assertions in libyaml, which flakeward catches. Without this, libFuzzer stops at any panic.
pub fn tolerate_libyaml() {
    let stop = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|at| at.file().contains("libyaml-safer")) {
            stop(panic);
        }
    }));
}
