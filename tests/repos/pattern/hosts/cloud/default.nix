{ ... }:
let
  ports = import ../../lib/ports.nix;
in
{
  imports = [ ../../modules/monitoring/node-exporter.nix ];
  services.tailscale.enable = true;
  # Otherwise, the kernel might use Tailscale's port for an outgoing connection.
  boot.kernel.sysctl."net.ipv4.ip_local_reserved_ports" = toString ports.infrastructure.tailscale;
}
