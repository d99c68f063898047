//! Nix systems and the functions that define flake outputs for each of them.
//!
//! Sources: nixpkgs' `lib.systems` and `lib.lists`, github:numtide/flake-utils, and the schema that `nix flake check`
//! enforces.

/// Functions that create an attribute set from the elements of a list.
pub const MAKERS: [&str; 10] = [
    "genAttrs",
    "genAttrs'",
    "listToAttrs",
    "mergeAttrsList",
    "zipAttrsWith",
    "foldAttrs",
    "foldl'",
    "foldl",
    "foldr",
    "fold",
];

/// The function that creates an attribute set from another one, such as [`PACKAGE_SETS`].
pub const MAPPING: &str = "mapAttrs";
/// The attribute set with the packages of each system.
pub const PACKAGE_SETS: &str = "legacyPackages";

/// flake-utils functions (and copies in other libraries) that call a function for each system.
pub const FLAKE_UTILS: [&str; 7] = [
    "eachDefaultSystem",
    "eachSystem",
    "eachDefaultSystemMap",
    "eachSystemMap",
    "eachDefaultSystemPassThrough",
    "eachSystemPassThrough",
    "simpleFlake",
];

/// Functions from a list of systems to a list of systems.
pub const LIST_FUNCTIONS: [&str; 10] = [
    "filter",
    "remove",
    "subtractLists",
    "intersectLists",
    "unique",
    "concatLists",
    "flatten",
    "map",
    "concatMap",
    "forEach",
];

/// Flake outputs with one value for each system.
pub const PER_SYSTEM_OUTPUTS: [&str; 9] = [
    "packages",
    "devShells",
    "checks",
    "apps",
    "formatter",
    "legacyPackages",
    "devShell",
    "defaultPackage",
    "defaultApp",
];

/// Suffixes of the names of outputs that have no attribute for each system: modules, configurations and the like. From
/// the manual of `nix flake check`, and the documentation of deploy-rs and Hercules CI.
pub const NO_PER_SYSTEM_OUTPUTS: [&str; 9] =
    ["onfigurations", "odules", "overlays", "templates", "lib", "hydraJobs", "herculesCI", "nixConfig", "deploy"];

/// Architectures, the first part of a system.
const ARCHES: [&str; 14] = [
    "x86_64",
    "aarch64",
    "i686",
    "armv5tel",
    "armv6l",
    "armv7l",
    "armv7a",
    "riscv32",
    "riscv64",
    "powerpc64",
    "powerpc64le",
    "s390x",
    "mips64el",
    "loongarch64",
];

/// The suffixes of system strings, which name the operating system.
pub const ENDS: [&str; 5] = ["-linux", "-darwin", "-freebsd", "-openbsd", "-netbsd"];

/// Whether a string is a system in Nix's notation: `x86_64-linux`.
pub fn is_system(text: &str) -> bool {
    ENDS.iter().any(|end| text.strip_suffix(end).is_some_and(|arch| ARCHES.contains(&arch)))
}

/// Whether a string is a platform that Nix only compiles for, such as `x86_64-windows`: outputs are never defined for
/// it.
pub fn is_target(text: &str) -> bool {
    ["-windows", "-cygwin", "-none"].iter().any(|end| text.ends_with(end))
}
