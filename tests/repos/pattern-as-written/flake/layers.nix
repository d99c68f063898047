{ nix2container, pkgs, self', ... }:
{
packages.container-api = nix2container.buildImage {
  name = "api";

  # Separate layers for better caching
  layers = [
    # Base runtime (rarely changes)
    (nix2container.buildLayer {
      deps = [ pkgs.glibc pkgs.cacert ];
    })
    # Application runtime (changes occasionally)
    (nix2container.buildLayer {
      deps = [ pkgs.bun ];
    })
  ];

  # Application code (changes frequently - top layer)
  copyToRoot = [ self'.packages.api ];
};
}
