# flakeModules.default, for flake-parts: `checks.flakeward` on every system.
{ flakeward }:
{
  lib,
  self,
  flake-parts-lib,
  ...
}:
let
  inherit (lib) mkOption types;
in
{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    {
      config,
      pkgs,
      system,
      ...
    }:
    let
      cfg = config.flakeward;
    in
    {
      options.flakeward = {
        enable = mkOption {
          type = types.bool;
          default = true;
          description = "Whether to add `checks.flakeward`.";
        };
        package = mkOption {
          type = types.package;
          default = flakeward.packages.${system}.default;
          defaultText = lib.literalMD "the package of the flakeward input";
          description = "The flakeward package to use.";
        };
        src = mkOption {
          type = types.path;
          default = self;
          defaultText = lib.literalExpression "self";
          description = "The repository to check.";
        };
        settings = mkOption {
          type = types.attrsOf types.anything;
          default = { };
          example = {
            exclude = [ "vendor" ];
            rules.lookup-path.level = "error";
          };
          description = "Settings that override the repository's flakeward.toml.";
        };
        policy = mkOption {
          type = types.nullOr types.path;
          default = null;
          example = lib.literalExpression "inputs.platform-policy";
          description = "The policy to extend, a folder with a flakeward.toml: the input that `[policy] extends` names.";
        };
        extraArgs = mkOption {
          type = types.listOf types.str;
          default = [ ];
          example = [ "--fail-on=warn" ];
          description = "Additional arguments for `flakeward check`.";
        };
      };

      config.checks = lib.mkIf cfg.enable {
        flakeward = flakeward.lib.mkCheck {
          inherit pkgs;
          inherit (cfg)
            src
            settings
            policy
            package
            extraArgs
            ;
        };
      };
    }
  );
}
