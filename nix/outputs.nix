# The outputs of the flake, as a flake-parts module.
{
  self,
  inputs,
  flake-parts-lib,
  ...
}:
let
  flakeModule = flake-parts-lib.importApply ./flake-module.nix { flakeward = self; };
in
{
  imports = [ flakeModule ];

  systems = [
    "x86_64-linux"
    "aarch64-linux"
    "aarch64-darwin"
  ];

  flake = {
    flakeModules.default = flakeModule;
    overlays.default = final: _: { flakeward = final.callPackage ./package.nix { }; };
    lib.mkCheck = import ./check.nix { flakeward = self; };
  };

  perSystem =
    {
      config,
      lib,
      pkgs,
      ...
    }:
    {
      packages = {
        default = config.packages.flakeward;
        flakeward = pkgs.callPackage ./package.nix { };
      }
      // lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
        # A single static file that runs on any Linux system of the architecture.
        flakeward-static = pkgs.pkgsStatic.callPackage ./package.nix { };

        container-flakeward = pkgs.callPackage ./image.nix {
          inherit (config.packages) flakeward;
          inherit (inputs.nix2container.packages.${pkgs.stdenv.hostPlatform.system}) nix2container;
        };
      };

      checks = {
        package = config.packages.flakeward;
        inherit (config.packages.flakeward.tests) works;
      };

      devShells.default = pkgs.mkShell {
        inputsFrom = [ config.packages.flakeward ];
        packages = [
          pkgs.clippy
          pkgs.rustfmt
          pkgs.rust-analyzer
          pkgs.pre-commit
          pkgs.zizmor
          pkgs.actionlint
        ];
      };

      formatter = pkgs.nixfmt-tree;
    };
}
