//! Actions that install Nix, set up a cache for it, or build with it.

/// A cache for Nix in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Cachix.
    Cachix,
    /// magic-nix-cache.
    Magic,
    /// FlakeHub Cache, Attic and others that require an installed Nix.
    Service,
    /// cache-nix-action, actions/cache and others that keep /nix.
    Store,
    /// `cachix use`, `attic use` and the like in a script.
    Tool,
    /// Substituters in a configuration.
    Substituters,
}

impl Cache {
    /// Whether the step requires an installed Nix.
    pub fn needs_nix(self) -> bool {
        matches!(self, Cache::Cachix | Cache::Magic | Cache::Service | Cache::Tool)
    }
}

/// Actions that install Nix.
const INSTALLERS: [&str; 9] = [
    "cachix/install-nix-action",
    "determinatesystems/nix-installer-action",
    "determinatesystems/determinate-nix-action",
    "nixbuild/nix-quick-install-action",
    "samueldr/lix-gha-installer-action",
    "canidae-solutions/lix-quick-install-action",
    "nixos/nix-installer-action",
    "cachix/install-nix",
    "knl/nix-install-action",
];

/// Whether an action (without version, in lower case) installs Nix.
pub fn installs(action: &str) -> bool {
    INSTALLERS.contains(&action)
}

/// Whether a script installs Nix.
pub fn script_installs(script: &str) -> bool {
    const PLACES: [&str; 7] = [
        "nixos.org/nix/install",
        "releases.nixos.org/nix/",
        "install.determinate.systems/nix",
        "install.lix.systems/lix",
        "artifacts.nixos.org/nix-installer",
        "install nix-bin",
        "nix-installer install",
    ];
    PLACES.iter().any(|place| script.contains(place))
}

/// The cache that an action sets up.
pub fn cache(action: &str, with: &str) -> Option<Cache> {
    let (owner, name) = action.split_once('/').unwrap_or(("", action));
    match (owner, name) {
        ("cachix", "cachix-action") => Some(Cache::Cachix),
        ("determinatesystems", "magic-nix-cache-action") => Some(Cache::Magic),
        ("determinatesystems", "flakehub-cache-action") => Some(Cache::Service),
        ("nixbuild", "nixbuild-action") | ("mic92", "hestia") => Some(Cache::Service),
        ("nix-community", "cache-nix-action") => Some(Cache::Store),
        _ if name.contains("attic") || name.contains("niks3") => Some(Cache::Service),
        _ if name.contains("cachix") => Some(Cache::Cachix),
        _ if name.contains("cache") && (name.contains("nix") || keeps_store(with)) => Some(Cache::Store),
        _ => None,
    }
}

/// Whether the name of a step or of an unknown action suggests a cache: what an action in another repository caches
/// cannot be determined. Caches of other tools do not count.
pub fn may_cache(action: &str, name: &str) -> bool {
    const OTHERS: [&str; 22] = [
        "actions/cache",
        "cargo",
        "rust",
        "npm",
        "pnpm",
        "yarn",
        "node",
        "pip",
        "python",
        "go-",
        "golang",
        "gradle",
        "maven",
        "docker",
        "buildx",
        "apt",
        "ccache",
        "sccache",
        "playwright",
        "terraform",
        "bazel",
        "turbo",
    ];
    let (action, name) = (action.to_ascii_lowercase(), name.to_ascii_lowercase());
    let is_other = |text: &str| OTHERS.iter().any(|other| text.contains(other)) && !text.contains("nix");
    let says = |text: &str| text.contains("cache") && !is_other(text);
    says(&action) || (says(&name) && !is_other(&action))
}

/// Whether the `path` of a cache contains the store, or a copy of it: `/nix`, `/nix/store`, `~/.nix-store`.
fn keeps_store(with: &str) -> bool {
    let words = with.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '[' | ']'));
    words
        .into_iter()
        .any(|word| word == "/nix" || word.starts_with("/nix/") || (word.contains("nix") && word.contains("store")))
}

/// Whether an action builds something with Nix.
pub fn builds(action: &str) -> bool {
    let checks =
        action.rsplit('/').next().is_some_and(|name| name.contains("flake-check") && !name.contains("checker"));
    checks
        || matches!(
            action,
            "nicknovitski/nix-develop"
                | "rrbutani/use-nix-shell-action"
                | "aanderse/nix-develop"
                | "determinatesystems/nix-build-action"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_that_an_action_sets_up_is_known() {
        for (action, with, expected) in [
            ("cachix/cachix-action", "name: x", Some(Cache::Cachix)),
            ("determinatesystems/magic-nix-cache-action", "", Some(Cache::Magic)),
            ("determinatesystems/flakehub-cache-action", "", Some(Cache::Service)),
            ("nix-community/cache-nix-action", "primary-key: a", Some(Cache::Store)),
            ("ryanccn/attic-action", "", Some(Cache::Service)),
            ("mic92/hestia", "", Some(Cache::Service)),
            ("actions/cache", "path: /nix\nkey: x", Some(Cache::Store)),
            ("actions/cache/restore", "path: |\n  ~/.cache\n  /nix/store", Some(Cache::Store)),
            ("actions/cache", "path: ~/.cargo\nkey: nix", None),
            ("actions/checkout", "", None),
            ("cachix/install-nix-action", "", None),
        ] {
            assert_eq!(cache(action, with), expected, "{action}");
        }
    }
}
