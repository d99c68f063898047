# lib.mkCheck: a derivation that can be built only while flakeward has no error to report about a source tree.
{ flakeward }:
{
  pkgs,
  # The repository: a flake's `self`, or a path. It needs no .git.
  src,
  # What flakeward.toml would say, as Nix values; the repository's own file is read where this is empty.
  settings ? { },
  package ? flakeward.packages.${pkgs.stdenv.hostPlatform.system}.default,
  # More words for `flakeward check`.
  extraArgs ? [ ],
}:
let
  toml = import ./toml.nix;
  arguments = [
    # Ages are counted up to the last change of the source, so that the result is the same on every day.
    "--now=${toString (src.lastModified or 0)}"
    # A failing build shows the last lines of its log: one line for each finding.
    "--format=concise"
  ]
  ++ extraArgs;
  quote = word: "'${builtins.replaceStrings [ "'" ] [ "'\\''" ] (toString word)}'";
in
pkgs.runCommand "flakeward-check"
  {
    settings = toml settings;
    passAsFile = [ "settings" ];
  }
  ''
    cd ${src}
    ${package}/bin/flakeward check ${builtins.concatStringsSep " " (map quote arguments)} ${
      if settings == { } then "" else ''--config="$settingsPath" ''
    }.
    touch "$out"
  ''
