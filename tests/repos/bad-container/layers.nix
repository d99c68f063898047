{ pkgs, nix2container, api }:
nix2container.buildImage {
  name = "api";
  layers = [
    (nix2container.buildLayer {
      deps = [ pkgs.glibc pkgs.cacert ];
    })
  ];
  copyToRoot = [ api pkgs.bun ];
}
