use std::collections::BTreeMap;

use super::*;
use crate::lang::{Language, Tree};
use crate::migrate::{Draft, Ports};

fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn with(text: &str, others: &[(&str, &str)]) -> Result<Rewritten, Refusal> {
    let others = files(others);
    let new = rewrite(text, &|path| others.get(path).cloned(), others.get("flake.lock").map(String::as_str));
    if let Ok(new) = &new {
        let tree = Tree::parse(Language::Nix, &new.text).unwrap();
        assert!(!tree.broken(), "{}", new.text);
        let again = rewrite(&new.text, &|_| None, None).unwrap_err();
        assert!(again.why.contains("mkFlake"), "{}", again.why);
    }
    new
}

fn text(text: &str) -> String {
    with(text, &[]).unwrap().text
}

fn refused(text: &str) -> String {
    with(text, &[]).unwrap_err().why
}

const FLAKE_UTILS: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  inputs.flake-utils.url = "github:numtide/flake-utils";

  # What this gives
  outputs = { self, nixpkgs, flake-utils }:
    flake-utils.lib.eachDefaultSystem (system:
      let
        pkgs = import nixpkgs { inherit system; config.allowUnfree = true; };
        name = "greet"; # used twice
      in
      {
        packages.default = pkgs.writeText name ''
          to ${name}
            and on
        '';
        # Legacy
        devShell = self.devShells.${system}.default;
        devShells.default = pkgs.mkShell { inputsFrom = [ self.packages.${system}.default ]; };
      }
    ) // {
      overlays.default = final: prev: { };
    };
}
"#;

const FLAKE_PARTS: &str = r#"{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
  inputs.flake-parts.url = "github:hercules-ci/flake-parts";
  inputs.flake-parts.inputs.nixpkgs-lib.follows = "nixpkgs";

  # What this gives
  outputs = inputs@{ self, nixpkgs, flake-parts }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [ "aarch64-darwin" "aarch64-linux" "x86_64-darwin" "x86_64-linux" ];

      # flake-parts has no option `devShell`; this collects it from `perSystem`.
      transposition.devShell.adHoc = true;

      perSystem = { pkgs, system, self', ... }:
        let
          name = "greet"; # used twice
        in
        {
          _module.args.pkgs = import nixpkgs { inherit system; config.allowUnfree = true; };

          packages.default = pkgs.writeText name ''
            to ${name}
              and on
          '';
          # Legacy
          devShell = self'.devShells.default;
          devShells.default = pkgs.mkShell { inputsFrom = [ self'.packages.default ]; };
        };

      flake = {
        overlays.default = final: prev: { };
      };
    };
}
"#;

#[test]
fn flake_utils_becomes_per_system() {
    assert_eq!(text(FLAKE_UTILS), FLAKE_PARTS);
}

const HELPER: &str = r#"{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    tool.url = "github:o/tool";
  };

  outputs =
    {
      self,
      nixpkgs,
      tool,
    }:
    let
      # Where this is built.
      supported = [
        "x86_64-linux" # CI
        "aarch64-linux"
      ];
      # Calls a function for each.
      each = f: nixpkgs.lib.genAttrs supported (system: f system);
      setFor = each (
        system:
        import nixpkgs {
          inherit system;
          overlays = [ self.overlays.default ];
        }
      );
      other = 1;
    in
    {
      # Programs
      packages = each (
        system:
        let
          pkgs = setFor.${system};
        in
        {
          default = pkgs.hello;
          tool = tool.packages.${system}.default;
        }
      );
      formatter = each (s: setFor.${s}.nixfmt);

      hydraJobs = each (system: self.packages.${system});
      lib.other = other;
      overlays.default = final: prev: { };
    };
}
"#;

const HELPER_AFTER: &str = r#"{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    tool.url = "github:o/tool";
    flake-parts.url = "github:hercules-ci/flake-parts";
    flake-parts.inputs.nixpkgs-lib.follows = "nixpkgs";
  };

  outputs =
    inputs@{
      self,
      nixpkgs,
      tool,
      flake-parts,
    }:
    let
      # Where this is built.
      supported = [
        "x86_64-linux" # CI
        "aarch64-linux"
      ];
      # Calls a function for each.
      each = f: nixpkgs.lib.genAttrs supported (system: f system);
      setFor = each (
        system:
        import nixpkgs {
          inherit system;
          overlays = [ self.overlays.default ];
        }
      );
      other = 1;
    in
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = supported;

      perSystem = { pkgs, system, inputs', ... }: {
        _module.args.pkgs = import nixpkgs {
          inherit system;
          overlays = [ self.overlays.default ];
        };

        # Programs
        packages = {
          default = pkgs.hello;
          tool = inputs'.tool.packages.default;
        };
        formatter =
          let
            s = system;
          in
          setFor.${s}.nixfmt;
      };

      flake = {
        hydraJobs = each (system: self.packages.${system});
        lib.other = other;
        overlays.default = final: prev: { };
      };
    };
}
"#;

#[test]
fn a_helper_is_followed() {
    assert_eq!(text(HELPER), HELPER_AFTER);
}

/// A flake with these outputs, after a `let`.
fn flake(bindings: &str, outputs: &str) -> String {
    format!(
        "{{\n  inputs.nixpkgs.url = \"nixpkgs\";\n  outputs = {{ self, nixpkgs, ... }}@inputs:\n    let\n      {bindings}\n    in\n    {{\n      {outputs}\n    }};\n}}\n"
    )
}

const SYSTEMS: &str = "systems = [ \"x86_64-linux\" ];";

#[test]
fn helpers_are_recognised_by_their_behaviour() {
    for (helper, used, expected) in [
        (
            "all = nixpkgs.lib.genAttrs systems;",
            "packages = all (system: { a = system; });",
            "packages = { a = system; };",
        ),
        (
            "all = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});",
            "packages = all (pkgs: { a = pkgs.hello; });",
            "perSystem = { pkgs, ... }: {\n        packages = { a = pkgs.hello; };",
        ),
        (
            "all = f: nixpkgs.lib.genAttrs systems (system: f { inherit system; pkgs = import nixpkgs { inherit system; }; });",
            "devShells = all ({ pkgs, ... }: { a = pkgs.hello; });",
            "_module.args.pkgs = import nixpkgs { inherit system; };\n\n        devShells = { a = pkgs.hello; };",
        ),
        (
            "for = list: f: nixpkgs.lib.genAttrs list (system: f nixpkgs.legacyPackages.${system}); all = for systems;",
            "checks = all (pkgs: pkgs.tests);",
            "checks = pkgs.tests;",
        ),
        (
            "all = f: builtins.listToAttrs (map (system: { name = system; value = f { inherit system; }; }) systems);",
            "packages = all ({ system }: { a = system; });",
            "packages = { a = system; };",
        ),
        (
            "with' = f: system: let args = { pkgs = nixpkgs.legacyPackages.${system}; }; in f args; all = f: nixpkgs.lib.genAttrs systems (with' f);",
            "packages = all ({ pkgs, ... }: { a = pkgs.hello; });",
            "packages = { a = pkgs.hello; };",
        ),
        (
            "all = nixpkgs.lib.genAttrs systems;",
            "packages = all (import ./packages.nix);",
            "packages = import ./packages.nix system;",
        ),
        (
            "pkgsFor = nixpkgs.lib.genAttrs systems (s: import nixpkgs { system = s; });",
            "packages = nixpkgs.lib.genAttrs systems (system: let pkgs = pkgsFor.${system}; in { a = pkgs.hello; });",
            "_module.args.pkgs = import nixpkgs { system = system; };",
        ),
    ] {
        let new = text(&flake(&format!("{SYSTEMS} {helper}"), used));
        assert!(new.contains(expected), "{helper}\n{new}");
        assert!(new.contains("systems = [ \"x86_64-linux\" ];"), "{new}");
        assert!(!new.contains("genAttrs") && !new.contains("all ="), "{new}");
    }
}

#[test]
fn recursive_outputs_refer_to_each_other_through_self() {
    let recursive = flake(SYSTEMS, "OUTPUTS").replace("{\n      OUTPUTS\n", "rec {\n      OUTPUTS\n").replace(
        "OUTPUTS",
        "packages = nixpkgs.lib.genAttrs systems (system: { a = system; });\n      \
         checks = nixpkgs.lib.genAttrs systems (system: { inherit (packages.${system}) a; });\n      hydraJobs = packages;",
    );
    let new = text(&recursive);
    assert!(new.contains("hydraJobs = self.packages;"), "{new}");
    assert!(new.contains("checks = { inherit (self'.packages) a; };"), "{new}");
    assert!(!new.contains("rec {"), "{new}");
    // An inherited name cannot be a selection.
    let said = refused(&recursive.replace("hydraJobs = packages;", "hydraJobs = { inherit packages; };"));
    assert!(said.contains("`rec` set"), "{said}");
}

#[test]
fn a_per_system_call_may_be_bound_to_a_name() {
    let bound = "{ inputs.u.url = \"github:numtide/flake-utils\"; outputs = { self, nixpkgs, u, ... }: let\n  \
                 # For each.\n  each = u.lib.eachDefaultSystem (system: {\n    # Greets.\n    packages.a = 1;\n  });\n\
                 in each // { overlays.default = _: _: { }; }; }";
    let new = text(bound);
    assert!(new.contains("packages.a = 1;") && !new.contains("each ="), "{new}");
    assert_eq!((new.matches("# Greets.").count(), new.matches("# For each.").count()), (1, 1), "{new}");
}

#[test]
fn names_keep_their_meaning() {
    // `pkgs` in the outer scope differs from `pkgs` in perSystem.
    let outer =
        "pkgs = import nixpkgs { system = \"x86_64-linux\"; }; all = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ];";
    let new = text(&flake(outer, "packages = all (system: { a = pkgs.hello; });"));
    assert!(!new.contains("perSystem = { pkgs"), "{new}");
    // An argument `pkgs` would shadow the `pkgs` that a `with` provides.
    let by_with = "packages = all (system: with nixpkgs.legacyPackages.${system}; { a = pkgs.hello; }); \
                   checks = all (system: let pkgs = nixpkgs.legacyPackages.${system}; in { a = pkgs.hello; });";
    let new = text(&flake("all = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ];", by_with));
    assert!(new.contains("let pkgs = inputs'.nixpkgs.legacyPackages; in"), "{new}");
    // The name for all inputs is taken.
    let taken = "{ inputs = { }; outputs = { self, nixpkgs }: let inputs = 1; in { packages = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ] (system: { a = inputs; }); }; }";
    assert!(text(taken).contains("flakeInputs@{ self, nixpkgs, flake-parts }"), "{}", text(taken));
}

#[test]
fn outputs_for_other_systems_stay() {
    let helpers = "some = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ]; all = nixpkgs.lib.genAttrs [ \"x86_64-linux\" \"aarch64-linux\" ];";
    let used = "packages = all (system: { }); checks = all (system: { }); apps = some (system: { });";
    let new = with(&flake(helpers, used), &[]).unwrap();
    assert!(new.text.contains("flake = {\n        apps = some (system: { });\n      };"), "{}", new.text);
    assert_eq!(new.left.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["apps"]);
}

#[test]
fn the_lock_file_determines_the_default_systems() {
    let lock = |systems: &str| {
        format!(
            r#"{{ "nodes": {{ "root": {{ "inputs": {{ "flake-utils": "u" }} }}, "u": {{ "inputs": {{ {} }} }},
               "s": {{ "original": {{ "owner": "nix-systems", "repo": "{systems}", "type": "github" }} }} }}, "root": "root", "version": 7 }}"#,
            if systems.is_empty() { "" } else { "\"systems\": \"s\"" }
        )
    };
    for (systems, certain) in [("default", true), ("default-linux", false), ("", false)] {
        let new = with(FLAKE_UTILS, &[("flake.lock", &lock(systems))]).unwrap().text;
        assert_eq!(new.contains("systems = flake-utils.lib.defaultSystems;"), !certain, "{systems} {new}");
        assert_eq!(new.contains("inputs.flake-utils.url"), !certain, "{new}");
    }
}

#[test]
fn uncertain_outputs_are_refused() {
    let each = |body: &str| {
        format!(
            "{{ inputs.u.url = \"github:numtide/flake-utils\"; outputs = {{ self, nixpkgs, u, ... }}: u.lib.eachDefaultSystem ({body}); }}"
        )
    };
    for (text, why) in [
        (each("system: { overlays.default = _: _: { }; }"), "`overlays` is defined for each system"),
        (each("system: { hydraJobs.a = 1; }"), "`hydraJobs` is defined for each system"),
        (each("system: { packages = { a = { b = 1; }; }; }"), "`packages.a` is a set of packages"),
        (each("system: let s = { b = 1; }; in { packages = { inherit s; }; }"), "`packages.s` is a set of packages"),
        (each("system: { apps.a = { type = \"app\"; program = \"x\"; description = \"d\"; }; }"), "an attribute `description`"),
        (each("system: { packages = { }; }").replace("); }", ") // { overlays.default = ./overlay.nix; }; }"), "not a function"),
        (each("import ./outputs.nix"), "cannot tell what"),
        (each("system: { ${system} = 1; }"), "does not list the outputs"),
        (each("system: { config = 1; }"), "`config` has a special meaning"),
        (each("system: { packages = { }; }") .replace("); }", ") // { packages.x86_64-linux = { }; }; }"), "`//` replaces the output `packages`"),
        ("{ outputs = import ./outputs.nix; }".to_owned(), "not defined as a function here"),
        ("{ inputs = import ./inputs.nix; outputs = { nixpkgs, ... }: { }; }".to_owned(), "inputs are computed"),
        ("{ outputs = { nixpkgs, ... }: { packages.x86_64-linux = { }; }; }".to_owned(), "no per-system output"),
        ("{ outputs = { nixpkgs, ... }: rec { lib = 1; packages = nixpkgs.lib.genAttrs [ \"x86_64-linux\" ] (s: lib); }; }".to_owned(), "`rec` set"),
        (each("system: { packages.a = 1; }").replace("u.lib.each", "{ lib = 1; } // (let inherit (u.lib) eachDefaultSystem; in each").replace("; }); }", "; })); }"), "has its own `let`"),
        ("{ outputs = ".to_owned(), "syntax errors"),
        ("x: x".to_owned(), "not an attribute set"),
        ("{ inputs.flake-parts.url = \"github:o/other\"; outputs = { nixpkgs, ... }: { }; }".to_owned(), "not hercules-ci/flake-parts"),
    ] {
        let said = refused(&text);
        assert!(said.contains(why), "{text}\n{said}");
    }
    let imported = each("system: { packages = import ./packages.nix { }; }");
    for (packages, name) in [
        ("{ a = { b = 1; }; }", "a"),
        ("let more = { b = x; }; in { x = x; } // (if more != { } then { a = more; } else { })", "a"),
        ("let more = mapAttrs (n: v: x v) { b = 1; }; in { a = more; }", "a"),
        ("{ x = x; } // lib.optionalAttrs (x != 1) { a = lib.filterAttrs f x; }", "a"),
        ("let all = { a = { b = x; } // { c = x; }; }; in all", "a"),
        ("lib.mapAttrs (n: v: { b = v; }) x", ".."),
    ] {
        let said = with(&imported, &[("packages.nix", &format!("{{ }}: {packages}"))]).unwrap_err().why;
        assert!(said.contains(&format!("`packages.{name}` is a set of packages")), "{packages}\n{said}");
    }
    let drv = "{ }: { a = x // { meta = 1; }; b = if x then x else y; } // lib.optionalAttrs x { c = lib.recurse x; }";
    assert!(with(&imported, &[("packages.nix", drv)]).is_ok());
}

#[test]
fn the_report_names_what_moved_and_the_lock_file() {
    let files = files(&[("flake.nix", HELPER), ("flake.lock", "{ }")]);
    let mut draft = Draft::new(&files, Ports::default());
    migrate(&mut draft, &"flake.nix".into()).unwrap();
    let (changes, report) = draft.finish().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].after, HELPER_AFTER);
    let carried: Vec<_> = report.carried.iter().map(|one| (one.line, one.into.as_str())).collect();
    assert_eq!(carried, [(32, "perSystem.packages"), (42, "perSystem.formatter")]);
    let left: Vec<_> = report.left.iter().map(|one| (&*one.path, one.line, one.what.as_str())).collect();
    assert_eq!(left, [("flake.lock", 1, "inputs.flake-parts"), ("flake.nix", 44, "outputs.hydraJobs")]);

    let mut draft = Draft::new(&files, Ports::default());
    let error = migrate(&mut draft, &"missing.nix".into()).unwrap_err();
    assert_eq!(error.to_string(), "missing.nix: there is no such file");
}
