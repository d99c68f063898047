let
  ports = import ../lib/ports.nix;
in
{
  systemd.services.web.environment.REDIS_URL = "redis://localhost:${toString ports.databases.redis}";
}
