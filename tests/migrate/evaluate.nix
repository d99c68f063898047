# Evaluates a written module with the real process-compose-flake and services-flake, and stubs for packages.
#
# `packages` are the names of all packages that a module or a service may ask for. Every package is at `prefix`, so
# that `${pkgs.redis}/bin/redis-server` is a program of the machine. Texts and scripts are written below `out`.
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
    pname = name;
    version = "1";
    outPath = prefix;
    drvPath = prefix;
    meta.mainProgram = name;
    override = _: package name;
    withPackages = _: package name;
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
  # The path of a script is not that of a program below `bin`, so `lib.getExe` cannot be the real one.
  script =
    { name, text, ... }@args:
    let
      written = builtins.toFile name "#!/usr/bin/env bash\nset -eu\n${text}";
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
      ini = format;
      keyValue = format;
      toml = format;
    };
    writeText = file;
    writeShellApplication = script;
    python3Packages = stubs;
    stdenv = { isDarwin = false; isLinux = true; hostPlatform = { isDarwin = false; isLinux = true; }; };
    runCommand = name: _: _: package name;
    linkFarm = name: _: package name;
    symlinkJoin = { name, ... }: package name;
    buildEnv = { name, ... }: package name;
  };
  getExe = package: package.script or "${package}/bin/${package.meta.mainProgram}";
  ourLib = lib // { inherit getExe; };
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
  evaluated = lib.evalModules {
    specialArgs = {
      inherit pkgs;
      lib = ourLib;
      name = project;
    };
    modules = [
      (processComposeFlake + "/nix/process-compose")
      { _module.args.name = project; }
      perSystem.process-compose.${project}
    ];
  };
  command = value: if builtins.isString value then value else "bash ${value.script}";
  processes = builtins.mapAttrs (_: process: process // { command = command process.command; }) evaluated.config.settings.processes;
in
{
  inherit processes;
  disable_env_expansion = true;
  version = "0.5";
}
