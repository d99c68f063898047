{ self, inputs, ... }:
{
  flake.colmena = {
    meta = {
      specialArgs = { inherit inputs self; };
    };

    defaults = {
      deployment = {
        buildOnTarget = true;
        replaceUnknownProfiles = true;
      };
    };

    cloud-nixos = {
      deployment = {
        targetHost = "100.64.12.34";
        targetUser = "root";
        keys.session.text = "hunter2";
      };
      imports = [ self.nixosModules.cloud ];
    };
  };
}
