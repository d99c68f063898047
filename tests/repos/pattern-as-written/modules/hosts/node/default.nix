{ lib, ... }:
let
  ports = import ../../../lib/ports.nix;
in
{
  services.prometheus.exporters.node = {
    enable = true;
    port = ports.infrastructure.nodeExporter;
  };

  networking.firewall.allowedTCPPorts = [
    ports.infrastructure.ssh
  ];

  networking.firewall.allowedUDPPorts = [
    ports.infrastructure.tailscale
  ];
}
