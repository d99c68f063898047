{ inputs, ... }:
{
  imports = [ inputs.process-compose-flake.flakeModule ];

  perSystem = { pkgs, ... }:
    let
      ports = import ../lib/ports.nix;
    in
    {
      process-compose.dev = {
        tui = true;
        settings.processes = {
          api = {
            command = "${pkgs.bun}/bin/bun run dev";
            environment.PORT = toString ports.development.api;
            depends_on.redis.condition = "process_healthy";
            depends_on.postgres.condition = "process_healthy";
          };

          redis = {
            command = "${pkgs.redis}/bin/redis-server";
            is_daemon = true;
            readyness_probe.exec.command = "${pkgs.redis}/bin/redis-cli ping";
          };
        };
      };
    };
}
