# The only file that defines port numbers.
{
  infrastructure = {
    ssh = 22;
    tailscale = 41641;
    nodeExporter = 9100;
  };

  databases = {
    redis = 6379;
    postgresql = 5432;
  };

  development = {
    api = 3000;
  };

  otel = {
    grpc = 4317;
  };
}
