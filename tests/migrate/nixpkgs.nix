# A stand-in for nixpkgs with the parts that written flakes and the real modules need: packages that are never built.
{ lib, names }:
system:
let
  # The arguments that can be part of a derivation, so that different arguments lead to different derivations.
  plain =
    value:
    builtins.any (is: is value) [
      builtins.isString
      builtins.isInt
      builtins.isBool
      builtins.isList
      lib.isDerivation
    ];
  make =
    name: args:
    let
      text = builtins.toJSON (lib.filterAttrs (_: plain) (removeAttrs args [ "meta" "passthru" ]));
    in
    derivation {
      inherit name system text;
      builder = "/bin/sh";
      args = [
        "-c"
        ": > $out"
      ];
    }
    // {
      pname = name;
      version = "1";
      meta.mainProgram = name;
      override = _: make name args;
      overrideAttrs = _: make name args;
      withPackages = _: make name args;
      withExtensions = _: make name args;
      withExtraComponents = _: make name args;
      components = { };
    }
    // args.passthru or { };
  stub = name: make name { };
  named = args: make (args.name or args.pname) args;
  file = name: text: make (baseNameOf name) { inherit text; };
  format = _: {
    type = lib.types.anything;
    generate = name: value: make name { inherit value; };
  };
  stubs = lib.genAttrs names stub;
  pkgs = stubs // {
    inherit lib system;
    buildPackages = pkgs;
    stdenv = {
      mkDerivation = named;
      cc = stub "cc";
      hostPlatform = {
        inherit system;
        isDarwin = lib.hasSuffix "darwin" system;
        isLinux = lib.hasSuffix "linux" system;
      };
      isDarwin = lib.hasSuffix "darwin" system;
      isLinux = lib.hasSuffix "linux" system;
    };
    go.GOARCH = "amd64";
    callPackage =
      given: args:
      let
        function = if builtins.isFunction given then given else import given;
      in
      function (builtins.intersectAttrs (builtins.functionArgs function) pkgs // args);
    formats = lib.genAttrs [ "yaml" "json" "ini" "keyValue" "toml" "javaProperties" ] (_: format);
    writeTextFile = { name, text, ... }: file name text;
    writeShellApplication = { name, text, ... }: file name text;
    writeTextDir = file;
    writeScript = file;
    writeShellScript = file;
    writeShellScriptBin = file;
    writeText = file;
    writers.writeText = file;
    runCommand = name: _: script: make name { inherit script; };
    runCommandLocal = pkgs.runCommand;
    linkFarm = name: _: stub name;
    symlinkJoin = named;
    buildEnv = named;
    mkShell = args: named ({ name = "shell"; } // args);
    stdenvNoCC.mkDerivation = args: named (if builtins.isFunction args then lib.fix args else args);
    fetchPnpmDeps = args: make "pnpm-deps" { };
    fetchYarnDeps = args: make "yarn-deps" { };
    buildNpmPackage = named;
    buildGoModule = named;
    rustPlatform.buildRustPackage = named;
    importNpmLock = {
      __functor = _: _: stub "npm-deps";
      npmConfigHook = stub "npm-config-hook";
    };
    closureInfo = _: stub "closure";
    dockerTools = lib.genAttrs [ "binSh" "usrBinEnv" "caCertificates" ] stub;
    python3Packages = stubs;
  };
in
pkgs
