//! Shared by the tests with real tools: the project, the built command, and locating the tools.

/// The root folder of the project.
pub const PROJECT: &str = env!("CARGO_MANIFEST_DIR");
/// The flakeward executable that was built for the tests.
pub const FLAKEWARD: &str = env!("CARGO_BIN_EXE_flakeward");

/// Whether missing tools fail the tests.
pub fn required() -> bool {
    std::env::var_os("FLAKEWARD_REQUIRE_TOOLS").is_some_and(|value| value == "1")
}

/// Whether the tools are on PATH. If one is missing, the test is skipped with a message, or fails if tools are
/// required.
pub fn have(tools: &[&str]) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let lacking: Vec<_> =
        tools.iter().filter(|tool| !std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())).collect();
    assert!(lacking.is_empty() || !required(), "not on PATH: {lacking:?}");
    if !lacking.is_empty() {
        eprintln!("skipped: not on PATH: {lacking:?}");
    }
    lacking.is_empty()
}
