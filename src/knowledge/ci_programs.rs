//! Continuous integration: events, programs, actions and services, and what they do.
//!
//! Sources: the GitHub Actions, Woodpecker and Drone documentation, the README of each action, and the Nix manual.

/// Events that a change to the code triggers. A reusable workflow runs when its caller does.
pub const CHANGE_EVENTS: [&str; 5] = ["push", "pull_request", "pull_request_target", "merge_group", "workflow_call"];

/// Programs that do not build or test anything.
pub const HOUSEKEEPING: [&str; 44] = [
    "[", "[[", "apt", "apt-get", "awk", "basename", "cat", "cd", "chmod", "cp", "curl", "cut", "date", "df", "dirname",
    "echo", "env", "exit", "export", "false", "find", "gh", "git", "grep", "head", "jq", "ls", "mkdir", "mv", "printf",
    "pwd", "read", "rm", "sed", "set", "sleep", "sort", "tail", "tee", "test", "touch", "tr", "true", "wget",
];

/// Words in the names of actions, tasks and the like that indicate a build or test.
pub const BUILD_WORDS: [&str; 6] = ["build", "test", "lint", "cargo", "clippy", "check-action"];

/// nixpkgs and nix2container functions that return an image.
pub const IMAGE_FUNCTIONS: [&str; 4] =
    ["buildImage", "buildLayeredImage", "streamLayeredImage", "buildLayeredImageWithNixDb"];

/// The last words of package names that show that a package is a container image.
pub const IMAGE_WORDS: [&str; 3] = ["container", "image", "oci"];

/// Words before the last one that show that a package is another kind of image, or a program that handles images.
pub const OTHER_IMAGE_WORDS: [&str; 14] = [
    "boot",
    "disk",
    "initrd",
    "installer",
    "iso",
    "kexec",
    "load",
    "netboot",
    "push",
    "qcow",
    "qcow2",
    "raw",
    "sd",
    "vm",
];

/// nixpkgs functions that return a script, or a package composed of others.
pub const SCRIPT_FUNCTIONS: [&str; 8] = [
    "linkFarm",
    "runCommand",
    "symlinkJoin",
    "writeScript",
    "writeScriptBin",
    "writeShellApplication",
    "writeShellScript",
    "writeShellScriptBin",
];

/// Commands and services that run the checks of a flake, as they appear in CI files, scripts and recipes.
pub const CHECK_RUNNERS: [&str; 18] = [
    "flake check",
    "flake-check-action",
    "nix-fast-build",
    "omnix",
    "om ci",
    "nixci",
    "vira ci",
    "devour-flake",
    "DeterminateSystems/ci/",
    "nixbuild-action/.github",
    "nix-github-actions",
    "buildbot/nix",
    "buildbot-nix",
    "garnix",
    "hercules-ci",
    "hydra.nixos.org",
    "nix-eval-jobs",
    "nixpkgs-review",
];

/// Names in Nix code that show that a service builds the flake's outputs.
pub const CHECK_OUTPUTS: [&str; 4] = ["hydraJobs", "herculesCI", "nix-github-actions", "mkGithubMatrix"];

/// Services that may be configured elsewhere: a flake that names one is assumed to be checked by it.
pub const CHECK_SERVICES: [&str; 2] = ["garnix", "buildbot"];

/// Programs with Docker's subcommand `build`.
pub const CONTAINER_TOOLS: [&str; 4] = ["docker", "podman", "nerdctl", "buildah"];

/// Settings in the root of a repository for services that build the flake's checks. Source: the README of buildbot-nix.
pub const CHECK_SERVICE_FILES: [&str; 1] = ["buildbot-nix.toml"];

/// Options of container tools that take a value, before the subcommand.
pub const CONTAINER_OPTIONS: [&str; 24] = [
    "-c",
    "--context",
    "-H",
    "--host",
    "-l",
    "--log-level",
    "--config",
    "--tlscacert",
    "--tlscert",
    "--tlskey",
    "--builder",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "--ansi",
    "--progress",
    "--parallel",
    "--project-directory",
    "--root",
    "--storage-driver",
    "--namespace",
];

/// Actions that build an image, by the names of their repositories: many are forks of the same action.
pub const IMAGE_ACTIONS: [&str; 13] = [
    "build-push-action",
    "docker-build-push-action",
    "docker-build-push",
    "docker-build-action",
    "bake-action",
    "buildah-build",
    "kaniko-action",
    "action-kaniko",
    "publish-docker-github-action",
    "docker-build-with-cache-action",
    "push-to-ghcr",
    "github-action-docker-build-push",
    "docker-ci-scripts",
];

/// Actions and workflows that build an image, by their full names, because their repositories have general names.
pub const GENERAL_IMAGE_ACTIONS: [&str; 3] = [
    "devcontainers/ci",
    "docker/github-builder/.github/workflows/build.yml",
    "docker/github-builder/.github/workflows/bake.yml",
];

/// Images of Woodpecker and Drone plugins that build images, without the registry, the version, or the prefix `drone-`,
/// `wp-` or `plugin-`.
pub const IMAGE_PLUGINS: [&str; 10] =
    ["docker", "docker-buildx", "buildx", "ecr", "gcr", "gar", "acr", "kaniko", "heroku", "buildah"];

/// The subcommands of `nix` that are recognised.
pub const NIX_SUBCOMMANDS: [&str; 12] =
    ["build", "develop", "run", "shell", "flake", "fmt", "eval", "profile", "bundle", "print-dev-env", "copy", "env"];

/// Options of `nix` that take values, and the number of values.
pub const NIX_OPTIONS: [(&str, usize); 25] = [
    ("--inputs-from", 1),
    ("--override-input", 2),
    ("--override-flake", 2),
    ("--option", 2),
    ("--arg", 2),
    ("--argstr", 2),
    ("--extra-experimental-features", 1),
    ("--experimental-features", 1),
    ("--system", 1),
    ("--max-jobs", 1),
    ("-j", 1),
    ("--cores", 1),
    ("--out-link", 1),
    ("-o", 1),
    ("--profile", 1),
    ("--update-input", 1),
    ("--builders", 1),
    ("--store", 1),
    ("--eval-store", 1),
    ("--log-format", 1),
    ("-I", 1),
    ("--reference-lock-file", 1),
    ("--output-lock-file", 1),
    ("--keep", 1),
    ("-k", 1),
];

/// Programs that build regardless of their arguments.
pub const NIX_BUILDERS: [&str; 6] =
    ["nix-fast-build", "nixpkgs-review", "nixos-generate", "nixos-anywhere", "devour-flake", "nix-build-uncached"];

/// Programs that only format.
pub const FORMATTERS: [&str; 4] = ["treefmt", "nixfmt", "alejandra", "nixpkgs-fmt"];

/// Words in the names of reusable workflows that neither build nor test: scanners, and maintenance of issues and
/// releases.
pub const UNRELATED_WORKFLOWS: [&str; 17] = [
    "cla",
    "codeql",
    "dependabot",
    "dependency",
    "gitleaks",
    "label",
    "labeler",
    "osv",
    "renovate",
    "scanner",
    "scorecard",
    "semgrep",
    "slsa",
    "stale",
    "triage",
    "trivy",
    "zizmor",
];

/// Whether the name of a reusable workflow in another repository shows that it does not run the checks of a flake.
pub fn is_unrelated_workflow(uses: &str) -> bool {
    let path = uses.split('@').next().unwrap_or(uses);
    let name = path.split_once('/').map_or(path, |(_, name)| name).to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| UNRELATED_WORKFLOWS.contains(&word)) || name.contains("release-please")
}
