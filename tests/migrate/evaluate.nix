# Evaluates a written module with the real process-compose-flake and services-flake, and stubs for packages.
#
# `packages` contains the names of all packages that a module or a service may refer to. Every package is at `prefix`, so
# `${pkgs.redis}/bin/redis-server` is a program on this machine. Text files and scripts are written to the store.
{
  lib,
  processComposeFlake,
  servicesFlake,
  module,
  project,
  packages,
  prefix ? "/usr",
}:
let
  package = name: {
    type = "derivation";
    inherit name;
    # This name determines the version of MariaDB.
    pname = if lib.hasPrefix "mariadb" name then "mariadb" else name;
    version = "1";
    outPath = prefix;
    drvPath = prefix;
    meta.mainProgram = name;
    override = _: package name;
    nc = package name;
    withPackages = _: package name;
    withExtensions = _: package name;
    composer = package name;
    withExtraComponents = _: package name;
    components = { };
    passthru.jre = package "jre";
    jre = package "jre";
  };
  format = _: {
    type = lib.types.anything;
    generate = name: value: builtins.toFile name (builtins.toJSON value);
  };
  file = name: text: {
    type = "derivation";
    inherit name;
    outPath = "${builtins.toFile name text}";
    drvPath = "/none";
    meta.mainProgram = name;
  };
  # A script is a file, not a program in `bin`, so `lib.getExe` cannot be the real one.
  script =
    { name, text, ... }@args:
    let
      written = builtins.toFile name "set -eu\nexport PATH=${prefix}/bin:$PATH\n${text}";
    in
    package name // {
      outPath = written;
      script = written;
      inherit args;
    };
  stubs = builtins.listToAttrs (map (name: { inherit name; value = package name; }) packages);
  pkgs = stubs // {
    inherit lib;
    formats = {
      yaml = format;
      json = format;
      # MariaDB reads this file, so its format must be correct.
      ini = _: {
        type = lib.types.anything;
        generate = name: value: builtins.toFile name (lib.generators.toINI { listsAsDuplicateKeys = true; } value);
      };
      keyValue = format;
      toml = format;
      javaProperties = format;
    };
    writeTextFile = { name, text, ... }: file name text;
    writeTextDir = name: text: file (builtins.baseNameOf name) text;
    writeScript = file;
    writeShellScript = file;
    writeShellScriptBin = file;
    writeText = file;
    writeShellApplication = script;
    python3Packages = stubs;
    stdenv = { mkDerivation = args: package (args.name or "derivation"); isDarwin = false; isLinux = true; hostPlatform = { isDarwin = false; isLinux = true; }; };
    runCommand = name: _: _: package name;
    linkFarm = name: _: package name;
    symlinkJoin = { name, ... }: package name;
    buildEnv = { name, ... }: package name;
  };
  getExe = package: if package ? script then "bash ${package.script}" else "${package}/bin/${package.meta.mainProgram}";
  # Modules receive the library that evaluates them.
  ourLib = lib.extend (_: _: { inherit getExe; });
  inputs = {
    process-compose-flake.flakeModule = { };
    services-flake.processComposeModules.default = servicesFlake + "/nix/process-compose";
  };
  flakeModule = (import module) { inherit inputs; };
  perSystem = flakeModule.perSystem {
    inherit pkgs;
    lib = ourLib;
    self' = { };
    config = { };
  };
  evaluated = ourLib.evalModules {
    specialArgs = {
      inherit pkgs;
      name = project;
    };
    modules = [
      (processComposeFlake + "/nix/process-compose")
      { _module.args.name = project; }
      perSystem.process-compose.${project}
    ];
  };
in
{
  inherit (evaluated.config.settings) processes;
  # The process-compose configuration.
  file = evaluated.config.outputs.settingsFile;
}
