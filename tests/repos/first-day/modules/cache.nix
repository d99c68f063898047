{
  services.redis.servers.main = {
    enable = true;
    port = 6379;
  };
  networking.firewall.interfaces.internal.allowedTCPPorts = [ 6379 ];
}
