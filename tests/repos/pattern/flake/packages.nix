# The dependencies are a separate derivation, so they are not installed again when the sources change.
{ ... }:
{
  perSystem = { pkgs, ... }:
    let
      nodeModules = pkgs.stdenv.mkDerivation {
        pname = "api-node-modules";
        version = "1.0.0";
        src = ../api;
        nativeBuildInputs = [ pkgs.bun ];
        dontFixup = true;
        buildPhase = ''
          export HOME=$TMPDIR
          bun install --frozen-lockfile --no-progress
        '';
        installPhase = "cp -r node_modules $out";
        outputHashMode = "recursive";
        outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
      };
    in
    {
      packages.api = pkgs.stdenv.mkDerivation {
        pname = "api";
        version = "1.0.0";
        src = ../api;
        nativeBuildInputs = [ pkgs.bun ];
        buildPhase = ''
          ln -s ${nodeModules} node_modules
          bun build src/index.ts --compile --outfile api
        '';
        installPhase = "install -Dm755 api $out/bin/api";
      };
    };
}
