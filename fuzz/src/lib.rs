//! What the fuzz targets run; the test `fuzz_corpus` runs the same.

#[path = "../../tests/support/entries.rs"]
pub mod entries;
