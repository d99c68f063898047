#!/usr/bin/env bash
# The only step of the GitHub action: gets flakeward, runs it once, and sets the outputs.
# Its inputs are the variables that action.yml sets.
set -euo pipefail

repository=flakeward/flakeward
scratch=$(mktemp -d "${RUNNER_TEMP:-/tmp}/flakeward.XXXXXX")

fail() {
    printf '::error title=flakeward::%s\n' "$1"
    printf 'exit-code=2\n' >>"$GITHUB_OUTPUT"
    exit 2
}

# Prints the target name of this machine, as used in the names of release archives.
target() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) echo x86_64-unknown-linux-musl ;;
        Linux-aarch64) echo aarch64-unknown-linux-musl ;;
        Darwin-x86_64) echo x86_64-apple-darwin ;;
        Darwin-arm64) echo aarch64-apple-darwin ;;
        *) return 1 ;;
    esac
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Downloads the release named by FLAKEWARD_VERSION. The archive must have the checksum in checksums.txt, next to this script.
download() {
    local archive sum
    [[ $FLAKEWARD_VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "the version '$FLAKEWARD_VERSION' is not of the form 1.2.3"
    archive=flakeward-$FLAKEWARD_VERSION-$(target).tar.gz || fail "there is no release for $(uname -sm)"
    sum=$(awk -v archive="$archive" '$2 == archive { print $1 }' "$GITHUB_ACTION_PATH/action/checksums.txt")
    [ -n "$sum" ] || fail "action/checksums.txt of this action does not list $archive: use a newer commit of the action"
    curl --fail --silent --show-error --location --proto '=https' --output "$scratch/$archive" \
        "https://github.com/$repository/releases/download/v$FLAKEWARD_VERSION/$archive" || fail "$archive cannot be downloaded"
    [ "$(sha256 "$scratch/$archive")" = "$sum" ] || fail "$archive does not match action/checksums.txt"
    if command -v gh >/dev/null; then
        gh attestation verify "$scratch/$archive" --repo "$repository" >&2 || fail "$archive was not built by $repository"
    else
        echo '::notice title=flakeward::gh is not installed: the checksum was verified, the attestation was not'
    fi
    tar -xzf "$scratch/$archive" -C "$scratch" flakeward
    flakeward=$scratch/flakeward
}

# Builds the flakeward of the action's own commit.
build() {
    local out
    command -v nix >/dev/null ||
        fail "Nix is required to build flakeward: install it in an earlier step, or set version to one that action/checksums.txt lists"
    out=$(nix --extra-experimental-features 'nix-command flakes' build --no-link --print-out-paths \
        "path:$GITHUB_ACTION_PATH#flakeward") || fail "Nix cannot build flakeward"
    flakeward=$out/bin/flakeward
}

# Appends the non-empty lines in $1 to the arguments.
add_lines() {
    local line
    while IFS= read -r line; do
        [ -z "$line" ] || arguments+=("$line")
    done <<<"$1"
}

if [ -n "$FLAKEWARD_BINARY" ]; then
    flakeward=$FLAKEWARD_BINARY
elif [ -n "$FLAKEWARD_VERSION" ]; then
    download
else
    build
fi

sarif=$scratch/flakeward.sarif
arguments=(check --fail-on "$FLAKEWARD_FAIL_ON")
arguments+=(--format github --format sarif --output "$sarif" --format jsonl --output "$scratch/findings.jsonl")
[ -z "$FLAKEWARD_CONFIG" ] || arguments+=(--config "$FLAKEWARD_CONFIG")
add_lines "$FLAKEWARD_ARGS"
arguments+=(--)
add_lines "$FLAKEWARD_PATHS"

cd "$FLAKEWARD_FOLDER"
code=0
"$flakeward" "${arguments[@]}" || code=$?
{
    printf 'exit-code=%s\n' "$code"
    [ ! -f "$scratch/findings.jsonl" ] || printf 'findings=%s\n' "$(grep -c '"rule"' "$scratch/findings.jsonl" || true)"
    [ ! -s "$sarif" ] || printf 'sarif-file=%s\n' "$sarif"
} >>"$GITHUB_OUTPUT"
exit "$code"
