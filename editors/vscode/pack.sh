#!/bin/sh
# pack.sh TARGET PROGRAM FILE: packages the extension, including a program, for a platform of VS Code such as linux-x64.
set -eu
program=$(realpath "$2")
cd "$(dirname "$0")"
rm -rf bundled
mkdir bundled
cp "$program" bundled/flakeward
chmod 755 bundled/flakeward
cat ../../LICENSE-MIT ../../LICENSE-APACHE > LICENSE.txt
npm run --silent package -- --target "$1" --out "$3"
