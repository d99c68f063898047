# A stand-in for nixpkgs, as far as flakeward's own Nix code needs one: derivations that nothing but /bin/sh builds.
{ lib, flakeward }:
system:
let
  runCommand =
    name: env: script:
    derivation (
      env
      // {
        inherit name system script;
        builder = "/bin/sh";
        args = [
          "-ec"
          ''eval "$script"''
        ];
        PATH = "/usr/bin:/bin";
      }
    );
  # Instead of compiling: the flakeward of the tests, if the source holds what a build reads and nothing else.
  buildRustPackage =
    args:
    runCommand "${args.pname}-${args.version}" { inherit (args) src postInstall; } ''
      cd "$src"
      for part in Cargo.toml Cargo.lock build.rs src/main.rs rules/dockerfile.md; do test -f "$part"; done
      for part in target tests .git; do test ! -e "$part"; done
      mkdir -p "$out/bin" && ln -s ${flakeward} "$out/bin/flakeward"
    ''
    // {
      inherit (args) meta;
    };
  pkgs = {
    inherit lib runCommand;
    stdenv.hostPlatform = {
      inherit system;
      isLinux = lib.hasSuffix "-linux" system;
      emulatorAvailable = _: true;
      emulator = _: "";
    };
    rustPlatform = { inherit buildRustPackage; };
    buildPackages = { };
    installShellFiles = "installShellFiles";
    callPackage =
      file: given: import file (builtins.intersectAttrs (builtins.functionArgs (import file)) pkgs // given);
    pkgsStatic = pkgs;
    # As far as it is a type of settings; no file is written.
    formats.toml = _: { type = lib.types.attrsOf lib.types.anything; };
    mkShell = _: runCommand "shell" { } ''touch "$out"'';
    nixfmt-tree = runCommand "nixfmt" { } ''mkdir "$out"'';
  };
  tools = [
    "actionlint"
    "clippy"
    "pre-commit"
    "rust-analyzer"
    "rustfmt"
    "zizmor"
  ];
in
pkgs // builtins.listToAttrs (map (name: { inherit name; value = runCommand name { } ''touch "$out"''; }) tools)
