{ stdenv, bun }:
stdenv.mkDerivation {
  pname = "api";
  version = "1.0.0";
  src = ./api;
  nativeBuildInputs = [ bun ];
  buildPhase = ''
    bun install --frozen-lockfile
    bun build src/index.ts --compile --outfile api
  '';
  installPhase = "install -Dm755 api $out/bin/api";
}
