{ config, ... }:
{
  services.grafana = {
    enable = true;
    settings.server.http_port = 3000;
  };
  services.prometheus.exporters.node.port = 9100;
  services.nginx.virtualHosts."grafana.example.org".locations."/".proxyPass = "http://127.0.0.1:3000";
}
