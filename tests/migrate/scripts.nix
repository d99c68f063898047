# The scripts, commands and text files in a written module, with stubs for all packages. `packages` contains the names
# of the packages that it refers to.
{ module, packages }:
let
  package = name: {
    outPath = "/usr";
    inherit name;
    override = _: package name;
    withPackages = _: package name;
    withExtensions = _: package name;
    composer = package name;
  };
  stubs = builtins.listToAttrs (map (name: { inherit name; value = package name; }) packages);
  pkgs = stubs // {
    writeShellApplication = args: { outPath = "/script"; script = args.text; };
    writeText = name: text: { outPath = "/text"; inherit name text; };
  };
  lib.getExe = program: program;
  flake = import module {
    inputs = {
      process-compose-flake.flakeModule = { };
      services-flake.processComposeModules.default = { };
    };
  };
  system = flake.perSystem { inherit pkgs lib; };
  walk =
    value:
    if builtins.isList value then
      builtins.concatMap walk value
    else if !builtins.isAttrs value then
      [ ]
    else if value ? script then
      [ { kind = "script"; text = value.script; } ]
    else if value ? text then
      [ { kind = value.name; inherit (value) text; } ]
    else if value ? outPath then
      [ ]
    else
      (if builtins.isString (value.command or null) then [ { kind = "command"; text = value.command; } ] else [ ])
      ++ builtins.concatMap walk (builtins.attrValues value);
in
walk system.process-compose
