{ ... }:
{
  imports = [ ../../modules/monitoring/node-exporter.nix ];
  services.tailscale.enable = true;
}
