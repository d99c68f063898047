{ inputs, ... }:
{
  perSystem = { pkgs, system, self', ... }:
  let
    nix2container = inputs.nix2container.packages.${system}.nix2container;
    ports = import ../lib/ports.nix;
  in
  {
    packages.container-api = nix2container.buildImage {
      name = "api";
      tag = "latest";

      copyToRoot = pkgs.buildEnv {
        name = "api-root";
        paths = [
          self'.packages.api
          pkgs.cacert
        ];
        pathsToLink = [ "/bin" "/etc" ];
      };

      config = {
        Cmd = [ "${self'.packages.api}/bin/api" ];
        ExposedPorts."${toString ports.development.api}/tcp" = {};
        Env = [
          "PORT=${toString ports.development.api}"
          "SSL_CERT_FILE=${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt"
        ];
      };
    };
  };
}
