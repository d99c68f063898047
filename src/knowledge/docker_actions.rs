//! Actions that build images in GitHub workflows, and the actions that the migration replaces them with.

/// The actions that install Nix and set up a cache, in order.
pub const SETUP: [(&str, &str); 2] = [
    ("nix-installer-action", "DeterminateSystems/nix-installer-action@main"),
    ("magic-nix-cache-action", "DeterminateSystems/magic-nix-cache-action@main"),
];

/// Actions that only prepare Docker's builder.
pub const PREPARATION: [&str; 2] = ["docker/setup-buildx-action", "docker/setup-qemu-action"];

/// Inputs of `docker/build-push-action` that need no counterpart: the migration reads them, or a Nix build does the
/// same by default.
pub const WITHOUT_COUNTERPART: [&str; 11] = [
    "builder",
    "cache-from",
    "cache-to",
    "context",
    "file",
    "load",
    "no-cache",
    "pull",
    "push",
    "tags",
    "github-token",
];
