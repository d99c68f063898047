# flakeward, built from this repository.
{
  lib,
  stdenv,
  buildPackages,
  rustPlatform,
  installShellFiles,
  runCommand,
}:
let
  manifest = lib.importTOML ../Cargo.toml;
  # The files that the build reads. build.rs embeds the rule pages in the program.
  source = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../Cargo.toml
      ../Cargo.lock
      ../build.rs
      ../rules
      ../src
      ../vendor
    ];
  };

  # Checks that the program runs and reports a finding.
  works = runCommand "flakeward-works" { } ''
    mkdir -p repository/.git
    echo 'import <nixpkgs> { }' > repository/shell.nix
    ${package}/bin/flakeward check --format concise repository > "$out"
    grep --quiet lookup-path "$out"
  '';

  package = rustPlatform.buildRustPackage {
    pname = manifest.package.name;
    inherit (manifest.package) version;
    src = source;
    cargoLock.lockFile = ../Cargo.lock;

    # The tests in tests/ run Git and Nix, so they need a checkout (`cargo test`).
    cargoTestFlags = [ "--lib" ];

    nativeBuildInputs = [ installShellFiles ];
    postInstall = lib.optionalString (stdenv.hostPlatform.emulatorAvailable buildPackages) (
      let
        flakeward = "${stdenv.hostPlatform.emulator buildPackages} $out/bin/flakeward";
      in
      ''
        installShellCompletion --cmd flakeward \
          --bash <(${flakeward} completions bash) \
          --fish <(${flakeward} completions fish) \
          --zsh <(${flakeward} completions zsh)
        mkdir -p $out/share/nushell/vendor/autoload
        ${flakeward} completions nushell > $out/share/nushell/vendor/autoload/flakeward.nu
        ${flakeward} man --dir man
        installManPage man/*.1
      ''
    );

    meta = {
      inherit (manifest.package) description;
      inherit (manifest.package) homepage;
      changelog = "${manifest.package.repository}/blob/main/CHANGELOG.md";
      license = [
        lib.licenses.mit
        lib.licenses.asl20
      ];
      mainProgram = "flakeward";
      platforms = lib.platforms.linux ++ lib.platforms.darwin;
    };

    passthru.tests = { inherit works; };
  };
in
package
