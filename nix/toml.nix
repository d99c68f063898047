# Converts Nix values to TOML: `name = value` for each attribute, with inline values. JSON strings are TOML strings.
let
  value =
    given:
    if builtins.isAttrs given then
      "{ ${builtins.concatStringsSep ", " (pairs given)} }"
    else if builtins.isList given then
      "[ ${builtins.concatStringsSep ", " (map value given)} ]"
    else
      builtins.toJSON given;
  pairs = set: map (name: "${builtins.toJSON name} = ${value set.${name}}") (builtins.attrNames set);
in
set: builtins.concatStringsSep "\n" (pairs set) + "\n"
