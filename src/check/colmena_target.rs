//! `colmena-target`: hives with an IP address as a target, a build on every node, a plain-text secret, or an unpinned
//! nixpkgs.

use super::{Check, ProjectView, Verdict};
use crate::facts::colmena::{self, ColmenaFacts, Hive, Meta, NodeOption, OptionKind};
use crate::facts::flake::{self, FlakeFacts};
use crate::finding::{Finding, RelPath};

const RULE: &str = "colmena-target";

/// See `rules/colmena-target.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&colmena::READER, &flake::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let files = || view.project.each::<ColmenaFacts>();
    let mut verdict = Verdict::default();
    let pinning: Vec<&RelPath> = files()
        .filter(|(_, facts)| facts.hives.iter().any(|hive| hive.nixpkgs == Meta::Pinned))
        .map(|(file, _)| &file.source.path)
        .collect();
    for (file, facts) in files() {
        let path = &file.source.path;
        let has_base = pinning.iter().any(|other| *other != path);
        facts.hives.iter().for_each(|hive| pinned(path, hive, has_base, &mut verdict));
    }
    let has_input = |facts: &FlakeFacts| facts.flake.as_ref().is_some_and(|flake| flake.input("colmena").is_some());
    if files().any(|(_, facts)| !facts.hives.is_empty()) || view.project.all().any(has_input) {
        verdict.extend(files().flat_map(|(file, facts)| facts.options.iter().map(|it| option(&file.source.path, it))));
    }
    verdict
}

/// Checks that an input pins a hive's nixpkgs. `has_base` is whether a hive in another file pins it.
fn pinned(path: &RelPath, hive: &Hive, has_base: bool, verdict: &mut Verdict) {
    match hive.nixpkgs {
        Meta::Pinned => {}
        Meta::Missing if hive.may_be_part && has_base => verdict.not_decidable(
            path,
            "cannot tell whether this hive sets `meta.nixpkgs`: another file may combine it with the rest of the hive",
        ),
        Meta::Missing => verdict.report(
            Finding::new(
                RULE,
                path,
                hive.place,
                "this hive does not set `meta.nixpkgs`, so no input pins the nixpkgs of its nodes",
            )
            .label("add `nixpkgs` to `meta`")
            .help("in a flake: `meta.nixpkgs = import inputs.nixpkgs { system = \"x86_64-linux\"; };`"),
        ),
        Meta::Unknown => {
            verdict.not_decidable(path, "cannot tell whether this hive sets `meta.nixpkgs`: part of it is computed")
        }
    }
}

fn option(path: &RelPath, option: &NodeOption) -> Finding {
    let new = |message: String| Finding::new(RULE, path, option.span, message);
    match &option.kind {
        OptionKind::Address(address) => {
            new(format!("the target is the address {address}, which may be reassigned to another machine"))
                .label("use a host name")
                .help("a name in your own DNS or in Tailscale's MagicDNS (`web.tail12345.ts.net`) survives a change of address")
        }
        OptionKind::BuildOnTarget => {
            new("every node builds its own system: `buildOnTarget` is set in `defaults`".to_owned())
                .label("set it only on the nodes that need it")
                .help("build on the deploying machine or on a remote builder, so that nodes share results and small ones are not overloaded")
        }
        OptionKind::Secret(key) => {
            new(format!("the secret `{key}` is in plain text, readable by everyone with access to the repository"))
                .label("plain-text secret")
                .help("rotate the secret, then provide it with `keyCommand` or `keyFile`, such as `keyCommand = [ \"pass\" \"show\" .. ]`")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::found;

    fn in_hive(members: &str) -> Vec<String> {
        found("colmena-target", &[("flake.nix", &format!("{{ outputs = inputs: {{ colmena = {{ {members} }}; }}; }}"))])
    }

    #[test]
    fn options_are_found_however_they_are_nested() {
        let nixpkgs = "meta.nixpkgs = import inputs.nixpkgs { };";
        for (member, place) in [
            ("web.deployment.targetHost = \"10.0.0.1\";", "\"10.0.0.1\""),
            ("web = { lib, ... }: { deployment = { targetHost = \"[fd00::1]\"; }; };", "\"[fd00::1]\""),
            ("defaults = { deployment.buildOnTarget = lib.mkDefault true; };", "lib.mkDefault true"),
            ("web.deployment.targetHost = lib.mkForce \"10.0.0.1\";", "lib.mkForce \"10.0.0.1\""),
            ("web = let ip = \"10.0.0.1\"; in { deployment.targetHost = ip; };", "ip"),
            ("web = { deployment.keys = { db = { text = ''x''; }; }; };", "''x''"),
        ] {
            assert_eq!(in_hive(&format!("{nixpkgs} {member}")), [place], "{member}");
        }
        for member in [
            "web.deployment.targetHost = \"web.example.org\";",
            "web.deployment.targetHost = \"127.0.0.1\";",
            "web.deployment.targetHost = host.address;",
            "web.deployment.targetHost = null;",
            "web.deployment.buildOnTarget = true;",
            "defaults.deployment.buildOnTarget = false;",
            "web.deployment.keys.db.keyFile = ./db;",
            "web.deployment.keys.db.text = \"@db@\";",
            "web.deployment.keys.db.text = builtins.getEnv \"DB\";",
            "web.services.x.targetHost = \"10.0.0.1\";",
        ] {
            assert_eq!(in_hive(&format!("{nixpkgs} {member}")), [""; 0], "{member}");
        }
    }

    #[test]
    fn a_hive_needs_a_nixpkgs_unless_part_of_it_is_computed() {
        let missing = |text: &str| found("colmena-target", &[("hive.nix", text)]);
        assert_eq!(missing("{ defaults = { }; web = { }; }"), ["{"]);
        assert_eq!(missing("{ meta = { description = \"x\"; }; }"), ["meta"]);
        for fine in [
            "{ meta.nixpkgs = <nixpkgs>; }",
            "{ network = { inherit nixpkgs; }; }",
            "{ meta = common // { nixpkgs = x; }; }",
            "{ meta = common; }",
            "{ inherit meta; web.deployment = { }; }",
            "let x = 1; in { defaults = { }; } // { meta.nixpkgs = x; }",
            "{ defaults = { }; } // builtins.mapAttrs f hosts",
            "import ./hive { }",
            "{ nixpkgs, ... }: { meta = { inherit nixpkgs; }; web.deployment = { }; }",
        ] {
            assert_eq!(missing(fine), [""; 0], "{fine}");
        }
        let part = "{ meta.description = \"x\"; web = { ... }: { deployment.keys = { }; }; }";
        let part = ("tests/machines.nix", part);
        assert_eq!(found("colmena-target", &[part]), ["meta"]);
        let base = "{ pkgs, ... }: { meta.nixpkgs = pkgs; defaults = { }; db = import ./db.nix; }";
        assert_eq!(found("colmena-target", &[("hive/default.nix", base), part]), [""; 0]);
        assert_eq!(found("colmena-target", &[("hive.nix", base), part]), [""; 0]);
        assert_eq!(missing("inputs: let x = 1; in { meta.name = x; web.deployment = { }; }"), ["meta"]);
    }

    #[test]
    fn hives_with_other_names_are_found() {
        let found = |text: &str| found("colmena-target", &[("colmena.nix", text)]);
        assert_eq!(found("{ meta.nixpkgs = x; defaults.deployment.buildOnTarget = true; }"), ["true"]);
        assert_eq!(found("{ inputs, ... }: { defaults = { }; web.deployment = { }; }"), ["{"]);
        for module in [
            "{ config, ... }: { meta.maintainers = [ ]; options.x = { }; config = { }; }",
            "{ inputs, ... }: { flake.colmena = import ./hive inputs; }",
            "{ programs.colmena.enable = true; }",
            "{ lib, ... }: { options.nodes = lib.mkOption { }; config.flake.colmena.web.deployment = { }; }",
        ] {
            assert_eq!(found(module), [""; 0], "{module}");
        }
    }
}
