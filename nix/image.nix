# The OCI image: flakeward, and Git to read history. `nix run .#container-flakeward.copyToRegistry` pushes it.
{
  lib,
  flakeward,
  nix2container,
  gitMinimal,
  go,
}:
nix2container.buildImage {
  name = "ghcr.io/flakeward/flakeward";
  # One image for each architecture; the release combines them under one tag.
  tag = "${flakeward.version}-${go.GOARCH}";
  # Git changes less often than flakeward.
  layers = [ (nix2container.buildLayer { deps = [ gitMinimal ]; }) ];
  config = {
    Entrypoint = [ (lib.getExe flakeward) ];
    # Where the repository is mounted.
    WorkingDir = "/repository";
    Env = [
      "PATH=${
        lib.makeBinPath [
          flakeward
          gitMinimal
        ]
      }"
      # The mounted repository belongs to a user other than the image's.
      "GIT_CONFIG_COUNT=1"
      "GIT_CONFIG_KEY_0=safe.directory"
      "GIT_CONFIG_VALUE_0=*"
    ];
    Labels = {
      "org.opencontainers.image.source" = "https://github.com/flakeward/flakeward";
      "org.opencontainers.image.version" = flakeward.version;
      "org.opencontainers.image.licenses" = "MIT OR Apache-2.0";
    };
  };
}
