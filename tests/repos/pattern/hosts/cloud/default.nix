{ ... }:
{
  imports = [ ../../modules/monitoring/node-exporter.nix ];
  services.tailscale.enable = true;
  # Tailscale's port, which the kernel might use for an outgoing connection otherwise.
  boot.kernel.sysctl."net.ipv4.ip_local_reserved_ports" = "41641";
}
