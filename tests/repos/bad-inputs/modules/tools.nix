{ pkgs ? import <nixpkgs> { } }:
let
  compat = import (fetchTarball "https://github.com/edolstra/flake-compat/archive/master.tar.gz");
in
pkgs.mkShell { packages = [ pkgs.colmena ]; inputsFrom = [ (compat { src = ./.; }).shellNix ]; }
