# A stand-in for nixpkgs with the parts that flakeward's own Nix code needs: derivations that only /bin/bash builds.
{ lib, flakeward }:
system:
let
  runCommand =
    name: env: script:
    derivation (
      removeAttrs env [
        "meta"
        "passthru"
      ]
      // {
        inherit name system script;
        builder = "/bin/bash";
        args = [
          "-euc"
          ''eval "$script"''
        ];
        PATH = "/usr/bin:/bin";
      }
    )
    // env.passthru or { };
  # Instead of compiling, this installs the flakeward of the tests, if the source contains exactly the files that a build
  # reads. Other files of the package are installed where nixpkgs puts them.
  buildRustPackage =
    args:
    runCommand "${args.pname}-${args.version}" { inherit (args) src postInstall; } ''
      cd "$src"
      for part in Cargo.toml Cargo.lock build.rs src/main.rs rules/dockerfile.md; do test -f "$part"; done
      for part in target tests .git; do test ! -e "$part"; done
      mkdir -p "$out/bin" && ln -s ${flakeward} "$out/bin/flakeward"
      installShellCompletion() {
        test "$1" = --cmd && local name=$2 && shift 2
        while [ $# -gt 0 ]; do
          case $1 in
            --bash) local to=bash-completion/completions/$name.bash ;;
            --fish) local to=fish/vendor_completions.d/$name.fish ;;
            --zsh) local to=zsh/site-functions/_$name ;;
          esac
          mkdir -p "$out/share/$(dirname "$to")" && cat "$2" > "$out/share/$to" && shift 2
        done
      }
      installManPage() { mkdir -p "$out/share/man/man1" && cp "$@" "$out/share/man/man1"; }
      cd "$NIX_BUILD_TOP"
      eval "$postInstall"
    ''
    // {
      inherit (args) meta version;
      inherit (args.passthru) tests;
    };
  plain = name: runCommand name { } ''mkdir "$out"'';
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
    # Only the type of settings; no file is written.
    formats.toml = _: { type = lib.types.attrsOf lib.types.anything; };
    mkShell = _: runCommand "shell" { } ''touch "$out"'';
    nixfmt-tree = plain "nixfmt";
    # The parts that nix2container needs to describe an image; none of them is built.
    buildGoModule = args: plain args.pname;
    skopeo.overrideAttrs = _: plain "skopeo";
    writeText = name: text: runCommand name { inherit text; } ''printf %s "$text" > "$out"'';
    runCommandLocal = runCommand;
    writeShellApplication = args: plain args.name;
    go.GOARCH = if lib.hasPrefix "x86_64-" system then "amd64" else "arm64";
    jq = plain "jq";
    gitMinimal = plain "git-minimal";
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
