{ ... }:
let
  ports = import ../../lib/ports.nix;
in
{
  services.prometheus.exporters.node = {
    enable = true;
    port = ports.infrastructure.nodeExporter;
  };

  services.opentelemetry-collector.settings.receivers.otlp.protocols.grpc.endpoint =
    "127.0.0.1:${toString ports.otel.grpc}";

  networking.firewall.allowedTCPPorts = [ ports.infrastructure.ssh ];
  networking.firewall.allowedUDPPorts = [ ports.infrastructure.tailscale ];
}
