{ self, inputs, ... }:
{
  flake.nixosModules.cloud = ../hosts/cloud/default.nix;

  flake.colmena = {
    meta = {
      nixpkgs = import inputs.nixpkgs { system = "x86_64-linux"; };
      specialArgs = { inherit inputs self; };
    };

    defaults = {
      deployment = {
        buildOnTarget = false; # Build locally or via nixbuild.net
        replaceUnknownProfiles = true;
      };
    };

    cloud-nixos = {
      deployment = {
        targetHost = "cloud-nixos.tail12345.ts.net"; # Tailscale MagicDNS
        targetUser = "root";
      };
      imports = [ self.nixosModules.cloud ];
    };
  };
}
