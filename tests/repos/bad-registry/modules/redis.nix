{ ... }:
let
  ports = import ../lib/ports.nix;
in
{
  services.redis.servers.cache.port = ports.databases.redis;
  services.postgresql.settings.port = ports.databases.postgresql;
  services.prometheus.exporters.node.port = ports.infrastructure.nodeExporter;
  services.promtail.configuration.server.http_listen_port = ports.infrastructure.promtail;
  services.openssh.ports = [ ports.infrastructure.sshd ];
}
