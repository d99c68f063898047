#!/usr/bin/env bash
# Compares `check --new-since` with `check`, and measures `report` on 200 repositories with 100 findings each. Each figure
# is the fastest of several runs, because other load on a machine only adds time.
# Usage: benches/rollout.sh REPOSITORY; needs git and hyperfine. FLAKEWARD=PATH measures that binary instead of a fresh
# release build, RUNS=N runs each command N times [default: 20].
set -euo pipefail

[ $# = 1 ] && [ -d "$1" ] || { printf 'usage: benches/rollout.sh REPOSITORY\n' >&2; exit 2; }
repository=$(realpath "$1")
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
runs=${RUNS:-20}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -z "${FLAKEWARD:-}" ]; then
    (cd "$root" && cargo build --locked --release --quiet)
    FLAKEWARD=${CARGO_TARGET_DIR:-$root/target}/release/flakeward
fi

# Prints the fastest run of a command line, in milliseconds.
fastest() {
    hyperfine -N --ignore-failure --warmup 3 --runs "$runs" --export-csv "$scratch/times.csv" "$1" >/dev/null 2>&1
    awk -F, 'NR == 2 { printf "%.0f", $7 * 1000 }' "$scratch/times.csv"
}

commit() { git add --all && git -c user.name=t -c user.email=t@example.org commit --quiet --message=m; }

# Prints a row: what changed, the time of `check`, and the time of `check --new-since`.
compare() {
    local one both
    one=$(fastest "$FLAKEWARD check")
    both=$(fastest "$FLAKEWARD check --new-since HEAD")
    printf '%-28s %6s ms %6s ms  %s\n' "$1" "$one" "$both" "$(awk "BEGIN { printf \"%.2f\", $both / $one }")"
}

cp -r "$repository" "$scratch/repository"
cd "$scratch/repository"
rm -rf .git && git init --quiet && commit
# A clone stores its objects in a pack.
git repack -a -d --quiet
printf '%-28s %9s %9s  ratio\n' "changed since HEAD" check --new-since
find . -name '*.nix' | sort | sed -n 1,30p | while read -r file; do echo '# changed' >>"$file"; done
compare "30 files"
find . -name '*.nix' | while read -r file; do echo '# changed again' >>"$file"; done
compare "every Nix file"

mkdir "$scratch/one" "$scratch/reports"
cd "$scratch/one"
git init --quiet
for number in $(seq 100); do echo 'import <nixpkgs> { }' >"$number.nix"; done
"$FLAKEWARD" check --format json --output "$scratch/one.json" || true
for number in $(seq 200); do
    sed "s/\"repository\":\"one\"/\"repository\":\"team\/repository-$number\"/" "$scratch/one.json" >"$scratch/reports/$number.json"
done
cd "$scratch/reports"
printf 'report on 200 repositories with 100 findings each: %s ms\n' "$(fastest "$FLAKEWARD report $(echo ./*.json) --output ../page.html")"
