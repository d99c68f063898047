#!/usr/bin/env bash
# Compares the speed of flakeward with ripgrep and ast-grep, and prints tables of ratios, which are comparable between
# machines, unlike times. Each figure is the fastest of several runs, because other load on a machine only adds time.
set -euo pipefail

usage() {
    cat <<'END'
benches/compare.sh REPOSITORY                   compare with rg (digits in the same files) and ast-grep (one rule)
benches/compare.sh --file FILE REPOSITORY       check one file with facts from the whole repository, as a hook does
benches/compare.sh --cold                       check one small file in an empty folder
benches/compare.sh --tree COUNT REPOSITORY...   check copies of the repositories with at least COUNT files

Needs hyperfine and rg; also ast-grep for the first form, and GNU time for the last.
FLAKEWARD=PATH measures that binary instead of a fresh release build. RUNS=N runs each command N times [default: 20].
END
}

die() {
    printf 'compare.sh: %s\n' "$*" >&2
    exit 2
}

needs() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || die "$tool is not installed"
    done
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
runs=${RUNS:-20}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The kinds of files that flakeward checks, as globs.
kinds=('*.nix' '*.yaml' '*.yml' '*[Dd]ockerfile*' '*[Cc]ontainerfile*' 'flake.lock' '*.sh' '*.bash' '*.zsh' '*.just'
    '[Jj]ustfile' '*.mk' '[Mm]akefile')

# The rule for ast-grep: a number bound to a name that ends in port.
port_rule='
id: port
language: nix
message: a port
rule:
  kind: binding
  has: { field: attrpath, regex: "(?i)port$" }
  all: [{ has: { field: expression, kind: integer_expression } }]
'

build() {
    if [ -z "${FLAKEWARD:-}" ]; then
        cargo build --quiet --locked --release --manifest-path "$root/Cargo.toml"
        FLAKEWARD=${CARGO_TARGET_DIR:-$root/target}/release/flakeward
    fi
    FLAKEWARD=$(realpath "$FLAKEWARD")
}

machine() {
    printf '%s, %s, %s cores, %s runs each\n\n' "$("$FLAKEWARD" --version)" \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)" "$(nproc)" "$runs"
}

# Prints the shortest time of a command in milliseconds. Exit code 1 means findings, not a failure.
fastest() {
    hyperfine --shell=none --ignore-failure --warmup 3 --runs "$runs" --export-csv "$scratch/times.csv" "$@" \
        >/dev/null 2>"$scratch/errors" || die "$(cat "$scratch/errors")"
    awk -F, 'NR > 1 { printf "%.2f\n", $(NF - 1) * 1000 }' "$scratch/times.csv"
}

# Prints the number and the total size of the files of these kinds in a folder.
count() {
    local globs=() kind
    for kind in "${kinds[@]}"; do
        globs+=(-g "$kind")
    done
    (cd "$1" && rg --files --hidden -g '!.git' "${globs[@]}" -0 | xargs -0 cat | wc -c) >"$scratch/bytes"
    (cd "$1" && rg --files --hidden -g '!.git' "${globs[@]}" | wc -l) >"$scratch/files"
    printf '%s files, %s KB\n' "$(cat "$scratch/files")" "$(($(cat "$scratch/bytes") / 1000))"
}

side_by_side() {
    needs hyperfine rg ast-grep
    build
    machine
    local repository=$1 kind search times
    search="rg --hidden -c [0-9]{2,5} -g !.git"
    for kind in "${kinds[@]}"; do
        search+=" -g '$kind'"
    done
    printf '%s\n' "$port_rule" >"$scratch/port.yml"
    cd "$repository"
    # A single call, so that nothing runs between the three measurements.
    mapfile -t times < <(fastest "$FLAKEWARD check --isolated --quiet ." "$search ." \
        "ast-grep scan --rule $scratch/port.yml --json=stream .")
    printf '%s: %s\n\n' "$(basename "$repository")" "$(count .)"
    printf '| | fastest | flakeward takes |\n|---|--:|--:|\n'
    awk -v own="${times[0]}" -v rg="${times[1]}" -v sg="${times[2]}" 'BEGIN {
        printf "| flakeward, all rules | %.1f ms | |\n", own
        printf "| `rg -c \x27[0-9]{2,5}\x27` over the same files | %.1f ms | %.2f times as long |\n", rg, own / rg
        printf "| ast-grep, one rule | %.1f ms | %.2f times as long |\n", sg, own / sg
    }'
}

one_file() {
    needs hyperfine rg
    build
    machine
    local file=$1 repository=$2 times
    cd "$repository"
    [ -f "$file" ] || die "$repository has no $file"
    mapfile -t times < <(fastest "$FLAKEWARD check --isolated --quiet $file" "$FLAKEWARD check --isolated --quiet .")
    printf '%s: %s\n\n' "$(basename "$repository")" "$(count .)"
    printf '| | fastest |\n|---|--:|\n| %s, with facts from all files | %s ms |\n| all files | %s ms |\n' \
        "\`$file\`" "${times[0]}" "${times[1]}"
}

cold() {
    needs hyperfine
    build
    machine
    mkdir "$scratch/one"
    printf '{\n  services.web.port = 8080;\n}\n' >"$scratch/one/web.nix"
    cd "$scratch/one"
    printf '| | fastest |\n|---|--:|\n| one file of three lines | %s ms |\n' \
        "$(fastest "$FLAKEWARD check --isolated --quiet web.nix")"
}

# Copies the files of these kinds in a repository, with their folders.
copy() {
    local tests=() kind
    for kind in "${kinds[@]}"; do
        tests+=(-o -name "$kind")
    done
    mkdir -p "$2"
    (cd "$1" && find . -name .git -prune -o -type f \( "${tests[@]:1}" \) -print0 | xargs -0r cp --parents -t "$2")
}

# Prints the seconds and the peak kilobytes of a check: the fastest of several runs, and the largest of all.
seconds_and_peak() {
    local time=/usr/bin/time run
    for ((run = 0; run < 5; run++)); do
        "$time" -f '%e %M' -o "$scratch/run" "$FLAKEWARD" check --isolated --quiet "$1" >/dev/null 2>&1 || true
        tail -n 1 "$scratch/run"
    done | awk 'NR == 1 || $1 < best { best = $1 } $2 > peak { peak = $2 } END { print best, peak }'
}

large_tree() {
    needs rg /usr/bin/time
    build
    machine
    local wanted=$1 round=0 files=0 repository single large
    shift
    while [ "$files" -lt "$wanted" ]; do
        for repository in "$@"; do
            copy "$repository" "$scratch/tree/$round/$(basename "$repository")"
        done
        if [ "$round" = 0 ]; then
            [ -n "$(find "$scratch/tree" -type f -print -quit)" ] || die "these repositories have nothing to check"
        fi
        round=$((round + 1))
        files=$(find "$scratch/tree" -type f | wc -l)
    done
    local single_files
    single_files=$(find "$scratch/tree/0" -type f | wc -l)
    single=$(seconds_and_peak "$scratch/tree/0")
    large=$(seconds_and_peak "$scratch/tree")
    printf '| | files | time | per file | peak memory |\n|---|--:|--:|--:|--:|\n'
    awk -v single="$single" -v one="$single_files" -v large="$large" -v all="$files" 'BEGIN {
        split(single, a, " "); split(large, b, " ")
        printf "| once | %d | %.2f s | %.1f µs | %.0f MB |\n", one, a[1], a[1] / one * 1e6, a[2] / 1000
        printf "| copied | %d | %.2f s | %.1f µs | %.0f MB |\n", all, b[1], b[1] / all * 1e6, b[2] / 1000
        printf "\nThe large tree takes %.2f times as long per file.\n", (b[1] / all) / (a[1] / one)
    }'
}

case "${1:-}" in
-h | --help) usage ;;
--file)
    [ $# = 3 ] || die "--file needs a file and a repository"
    one_file "$2" "$(realpath "$3")"
    ;;
--cold) cold ;;
--tree)
    [ $# -ge 3 ] || die "--tree needs a count and repositories"
    count_wanted=$2
    shift 2
    mapfile -t repositories < <(realpath "$@")
    large_tree "$count_wanted" "${repositories[@]}"
    ;;
'' | -*) usage >&2 && exit 2 ;;
*) side_by_side "$(realpath "$1")" ;;
esac
