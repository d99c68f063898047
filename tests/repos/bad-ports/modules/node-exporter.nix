{ ... }:
let
  ports = import ../lib/ports.nix;
in
{
  services.prometheus.exporters.node.port = 9101;
  services.prometheus.scrapeConfigs = [
    { static_configs = [ { targets = [ "localhost:${toString ports.infrastructure.nodeExporter}" ]; } ]; }
  ];
  networking.firewall.allowedTCPPorts = [ 22 ];
}
