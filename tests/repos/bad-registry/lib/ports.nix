# lib/ports.nix
{
  infrastructure = {
    ssh = 22;
    nodeExporter = 9100;
    promtail = 9100;
  };

  databases = {
    redis = 63790;
    postgresql = 543200;
  };
}
