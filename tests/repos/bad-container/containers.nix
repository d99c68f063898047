{ pkgs, nix2container, api }:
nix2container.buildImage {
  name = "api";
  contents = [ api ];
  config = {
    Cmd = [ "/bin/api" ];
    HealthCheck.Test = [ "CMD" "/bin/api" "ready" ];
  };
}
