# lib.mkCheck: a derivation that builds only if flakeward reports no errors in a source tree.
{ flakeward }:
{
  pkgs,
  # The repository: a flake's `self`, or a path. It does not need .git.
  src,
  # Settings that override the repository's flakeward.toml, as Nix values.
  settings ? { },
  # A policy that the repository extends, such as a flake input: a folder with a flakeward.toml.
  policy ? null,
  package ? flakeward.packages.${pkgs.stdenv.hostPlatform.system}.default,
  # Additional arguments for `flakeward check`.
  extraArgs ? [ ],
}:
let
  toml = import ./toml.nix;
  arguments = [
    # Ages are relative to the last change of the source, so the result does not depend on the date of the build.
    "--now=${toString (src.lastModified or 0)}"
    # A failing build shows the last lines of its log, so each finding is one line.
    "--format=concise"
  ]
  # Git tracks everything that Nix copied to the store, and the ignore files in it must not hide any of that.
  ++ (if isInStore then [ "--no-ignore" ] else [ ])
  ++ (if policy == null then [ ] else [ "--policy-path=${policy}" ])
  ++ extraArgs;
  isInStore = builtins.substring 0 (builtins.stringLength builtins.storeDir) (toString src) == builtins.storeDir;
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
