# lib.mkCheck: a derivation that can be built only while flakeward has no error to report about a source tree.
{ flakeward }:
{
  pkgs,
  # The repository: a flake's `self`, or a path. It needs no .git.
  src,
  # Settings over those of the repository's flakeward.toml, as Nix values.
  settings ? { },
  # A policy that the repository extends, such as a flake input: a folder with a flakeward.toml.
  policy ? null,
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
  ++ (if policy == null then [ ] else [ "--policy-path=${policy}" ])
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
      if settings == { } then "" else ''--settings="$settingsPath" ''
    }.
    touch "$out"
  ''
