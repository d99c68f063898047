//! Commands that build with Nix, as opposed to commands that evaluate, format, update or download.

use crate::knowledge::ci_programs;
use crate::lang::shell::{self, Command};

/// The name of a command that builds with Nix: `nix build`. `None` if it only evaluates, formats, updates a lock, or
/// uses a prebuilt nixpkgs package.
pub fn builds(command: &Command<'_>) -> Option<String> {
    let program = command.program();
    let first = || command.arguments().find(|word| !word.starts_with('-')).unwrap_or("");
    let builds = match program {
        "nix" => return nix(command),
        "nix-build" => !command.has("--dry-run") && !command.has("<nixpkgs>") && !attribute_formats(command),
        "nix-shell" => !command.has("-p") && !command.has("--packages") && !formats(command),
        "nix-store" => command.has("--realise") || command.has("--realize") || command.has("-r"),
        "nix-env" => (command.has("-f") || command.has("-if")) && !command.has("<nixpkgs>"),
        "nixos-rebuild" | "darwin-rebuild" => {
            ["build", "switch", "test", "boot", "build-vm", "check"].iter().any(|verb| command.has(verb))
        }
        "home-manager" | "nh" => command.has("build") || command.has("switch"),
        "colmena" => matches!(first(), "build" | "apply" | "apply-local"),
        "deploy" => command.arguments().any(|word| word.contains('#') || word == "."),
        "devenv" => matches!(first(), "test" | "build" | "ci" | "shell" | "up" | "container" | "tasks"),
        "om" | "vira" | "nixci" => program == "nixci" || first() == "ci",
        _ => ci_programs::NIX_BUILDERS.contains(&program),
    };
    builds.then(|| named(command, program, first()))
}

fn named(command: &Command<'_>, program: &str, first: &str) -> String {
    let verb = matches!(program, "om" | "vira" | "devenv" | "colmena" | "home-manager") && command.has(first);
    if verb { format!("{program} {first}") } else { program.to_owned() }
}

fn nix(command: &Command<'_>) -> Option<String> {
    let at = command.words.iter().position(|word| ci_programs::NIX_SUBCOMMANDS.contains(&&*word.text))?;
    let verb = command.word(at)?;
    let next = command.word(at + 1).unwrap_or("");
    let builds = match verb {
        "build" | "bundle" => !command.has("--dry-run") && !ready_made(command, at) && !formats_by_name(command, at),
        "develop" | "print-dev-env" => !ready_made(command, at) && !formats(command),
        "run" | "shell" => !ready_made(command, at) && !formats_by_name(command, at),
        "flake" if next == "check" => {
            let evaluates = command.has("--no-build");
            return (!evaluates).then(|| "nix flake check".to_owned());
        }
        "profile" => matches!(next, "install" | "add") && !ready_made(command, at + 1),
        _ => false,
    };
    builds.then(|| format!("nix {verb}"))
}

/// The installables: the arguments after the subcommand that are not options.
fn installables<'c>(command: &'c Command<'_>, verb: usize) -> Vec<&'c str> {
    let mut found = Vec::new();
    let mut words = command.words.iter().skip(verb + 1).map(|word| &*word.text);
    while let Some(word) = words.next() {
        if matches!(word, "--" | "-c" | "--command") {
            break;
        }
        if let Some((_, values)) = ci_programs::NIX_OPTIONS.iter().find(|(option, _)| *option == word) {
            for _ in 0..*values {
                words.next();
            }
        } else if matches!(word, "-f" | "--file" | "--expr") {
            // A local file or expression counts as the flake itself.
            found.extend(words.next().map(|_| "."));
        } else if !word.starts_with('-') {
            found.push(word);
        }
    }
    if command.word(verb) == Some("run") {
        // The remaining arguments are passed to the program.
        found.truncate(1);
    }
    found
}

/// Whether all installables are nixpkgs packages, which are available from cache.nixos.org.
fn ready_made(command: &Command<'_>, verb: usize) -> bool {
    let wanted = installables(command, verb);
    let from_nixpkgs = |installable: &&str| {
        let lower = installable.to_ascii_lowercase();
        lower.starts_with("nixpkgs") || lower.contains("nixos/nixpkgs") || lower.starts_with("flake:nixpkgs")
    };
    !wanted.is_empty() && wanted.iter().all(from_nixpkgs)
}

/// Whether the names of all installables indicate that they format or update: `nix run .#fmt`, `nix run .#update-lock`.
fn formats_by_name(command: &Command<'_>, verb: usize) -> bool {
    let wanted = installables(command, verb);
    !wanted.is_empty() && wanted.iter().all(|installable| formats_or_updates(installable))
}

/// Whether a package's name indicates that it formats or updates.
fn formats_or_updates(installable: &str) -> bool {
    // `.#formatter.x86_64-linux`
    if installable.split_once('#').is_some_and(|(_, path)| path == "formatter" || path.starts_with("formatter.")) {
        return true;
    }
    let name = installable.rsplit(['#', '.']).next().unwrap_or("");
    ["fmt", "format", "treefmt", "update", "generate", "bump"].iter().any(|word| name.starts_with(word))
}

/// Whether the attribute that a command builds formats or updates, judging by its name: `nix-build -A update`.
fn attribute_formats(command: &Command<'_>) -> bool {
    let attribute = command.arguments().skip_while(|word| !matches!(*word, "-A" | "--attr")).nth(1);
    attribute.is_some_and(formats_or_updates)
}

/// Whether a shell is only entered to format or to update pins: `nix develop -c treefmt`, `nix-shell --run "npins
/// update"`.
fn formats(command: &Command<'_>) -> bool {
    let mut words = command.words.iter().map(|word| &*word.text);
    let Some(option) = words.by_ref().find(|word| matches!(*word, "-c" | "--command" | "--run")) else { return false };
    // `-c` and `--command` are followed by a command and its arguments, `--run` by a script.
    let script = match option {
        "--run" => words.next().unwrap_or_default().to_owned(),
        _ => words.collect::<Vec<_>>().join(" "),
    };
    let inner = shell::commands(&script);
    !inner.is_empty() && inner.iter().all(formats_or_updates_pins)
}

fn formats_or_updates_pins(command: &Command<'_>) -> bool {
    let verb = command.arguments().find(|word| !word.starts_with('-')).unwrap_or("");
    match command.program() {
        "npins" => matches!(verb, "update" | "upgrade"),
        "niv" | "lon" => verb == "update",
        "nix" => verb == "flake" && (command.has("update") || command.has("lock")),
        "nvfetcher" | "nix-update" => true,
        program => ci_programs::FORMATTERS.contains(&program),
    }
}

/// Whether a command configures a cache or pushes to it.
pub fn uses_cache(command: &Command<'_>) -> bool {
    let first = command.arguments().find(|word| !word.starts_with('-')).unwrap_or("");
    match command.program() {
        "cachix" => matches!(first, "use" | "push" | "watch-exec" | "watch-store"),
        "attic" | "attic-client" => matches!(first, "use" | "push" | "watch-store"),
        "nix" => command.has("--substituters") || command.has("--extra-substituters") || pushes(command),
        "nix-fast-build" => pushes(command),
        _ => false,
    }
}

/// Whether nix-fast-build uploads what it has built.
fn pushes(command: &Command<'_>) -> bool {
    let is_option = |word: &str| matches!(word.split('=').next(), Some("--cachix-cache" | "--attic-cache"));
    command.arguments().any(is_option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_use_a_cache_are_recognised() {
        for (script, expected) in [
            ("cachix push acme", true),
            ("nix-fast-build --skip-cached --cachix-cache acme", true),
            ("nix run github:Mic92/nix-fast-build -- --skip-cached --attic-cache=acme", true),
            ("nix-fast-build --skip-cached", false),
        ] {
            assert_eq!(shell::commands(script).iter().any(uses_cache), expected, "{script}");
        }
    }

    #[test]
    fn commands_that_build_are_distinguished_from_others() {
        for (script, expected) in [
            ("nix build", Some("nix build")),
            ("nix build -L .#a .#b", Some("nix build")),
            ("nix --accept-flake-config -L build .#a", Some("nix build")),
            ("sudo nix build github:a/b", Some("nix build")),
            ("nix flake check -L", Some("nix flake check")),
            ("nix develop -c make", Some("nix develop")),
            ("nix develop ./dev --command true", Some("nix develop")),
            ("nix run .#tests.all", Some("nix run")),
            ("nix run -L '.#tests'", Some("nix run")),
            ("nix run", Some("nix run")),
            ("nix run --inputs-from . .#x nixpkgs#y", Some("nix run")),
            ("nix shell github:a/b -c x", Some("nix shell")),
            ("nix profile install github:juspay/vira", Some("nix profile")),
            ("nix-build --show-trace", Some("nix-build")),
            ("nix-shell --run 'make'", Some("nix-shell")),
            ("nix-env -f . -iA x", Some("nix-env")),
            ("nixos-rebuild build --flake .#x", Some("nixos-rebuild")),
            ("vira ci", Some("vira ci")),
            ("devenv test", Some("devenv test")),
            ("nix-fast-build --skip-cached", Some("nix-fast-build")),
            ("nix run nixpkgs#nix-fast-build -- --skip-cached", Some("nix-fast-build")),
            ("cachix watch-exec x -- nix build", None),
            ("nix eval .#x", None),
            ("nix fmt -- --ci", None),
            ("nix flake show", None),
            ("nix flake check --no-build", None),
            ("nix flake update --commit-lock-file", None),
            ("nix flake lock", None),
            ("nix --version", None),
            ("nix build --dry-run", None),
            ("nix build nixpkgs#hello", None),
            ("nix run --inputs-from . nixpkgs#dnscontrol -- push", None),
            ("nix run --inputs-from . nixpkgs-unstable#zizmor -- .", None),
            ("nix run github:NixOS/nixpkgs/nixos-26.05#jq", None),
            ("nix shell nixpkgs#a nixpkgs#b -c x", None),
            ("nix run .#fmt", None),
            ("nix build .#formatter.x86_64-linux", None),
            ("nix run .#update-lock now", None),
            ("nix build .#checks.x86_64-linux.formatting", None),
            ("nix build .#checks.x86_64-linux.formatting .#default", Some("nix build")),
            ("nix run nixpkgs#npins update", None),
            ("nix run nixpkgs#cachix -- use acme", None),
            ("nix-build ./ci -A update", None),
            ("nix-env -f '<nixpkgs>' -iA nixfmt", None),
            ("nix-build '<nixpkgs>' -A hello", None),
            ("nix develop -c treefmt --ci", None),
            ("nix-shell -p hello --run hello", None),
            ("nix-shell . -A ci --run 'npins update'", None),
            ("nix-shell --run \"npins update && make\"", Some("nix-shell")),
            ("nix develop -c niv update nixpkgs", None),
            ("nix develop -c nix flake update", None),
            ("nix-instantiate --eval .", None),
            ("nix-env -iA nixpkgs.hello", None),
            ("echo nix build", None),
            ("make build", None),
        ] {
            let found = shell::commands(script).iter().find_map(builds);
            assert_eq!(found.as_deref(), expected, "{script}");
        }
    }
}
