use crate::check::testing::found;

/// The positions that are reported in a workflow whose only job has these lines.
fn reported(job: &str) -> Vec<String> {
    let text = format!("jobs:\n  a:\n{job}\n");
    found("nix-cache", &[(".github/workflows/a.yml", &text)])
}

const HOSTED: &str = "    runs-on: ubuntu-latest\n";
const STEPS: &str = "    steps:\n      - uses: cachix/install-nix-action@v31\n";

#[test]
fn jobs_without_a_cache_are_reported() {
    let installer = ["cachix/install-nix-action@v31"];
    for steps in [
        "      - run: nix build",
        "      - run: |\n          nix develop -c make",
        "      - uses: nicknovitski/nix-develop@v1",
        "      - shell: nix develop -c bash -e {0}\n        run: make",
        "      - uses: actions/cache@v4\n        with: {path: ~/.cargo, key: nix}\n      - run: nix-build",
        "      - run: nix flake check --accept-flake-config",
        "      - run: |\n          # substituters = https://x\n          nix build",
        "      - uses: a/b@v1\n        with:\n          x: y\n          # extra_nix_config: substituters\n      - run: nix build",
    ] {
        assert_eq!(reported(&format!("{HOSTED}{STEPS}{steps}")), installer, "{steps}");
    }
    let script = "    steps:\n      - run: curl -L https://nixos.org/nix/install | sh\n      - run: nix build";
    assert_eq!(reported(&format!("{HOSTED}{script}")).len(), 1);
    let matrix = "    runs-on: ${{ matrix.os }}\n    strategy: {matrix: {os: [self-hosted, ubuntu-latest]}}\n";
    assert_eq!(reported(&format!("{matrix}{STEPS}      - run: nix build")), installer);
    let shell = "    defaults: {run: {shell: 'nix develop -c bash -e {0}'}}\n";
    assert_eq!(reported(&format!("{HOSTED}{shell}{STEPS}      - run: make")), installer);
}

#[test]
fn jobs_that_have_or_do_not_need_a_cache_are_not_reported() {
    for steps in [
        "      - run: make",
        "      - run: nix eval .#x",
        "      - uses: cachix/cachix-action@v16\n      - run: nix build",
        "      - uses: actions/cache@v4\n        with: {path: /nix, key: a}\n      - run: nix build",
        "      - run: cachix use acme\n      - run: nix build",
        "      - run: nix build --option extra-substituters https://x",
        "      - run: nix build\n        env:\n          NIX_CONFIG: extra-substituters = https://x",
        "      - run: echo 'substituters = https://x' >> /etc/nix/nix.conf && nix build",
    ] {
        assert_eq!(reported(&format!("{HOSTED}{STEPS}{steps}")), [""; 0], "{steps}");
    }
    let build = "      - run: nix build";
    for job in [
        format!("    runs-on: self-hosted\n{STEPS}{build}"),
        format!("    runs-on: ubuntu-latest-8-cores\n{STEPS}{build}"),
        format!("    runs-on: ${{{{ inputs.os }}}}\n{STEPS}{build}"),
        format!("{HOSTED}    env: {{NIX_CONFIG: 'substituters = https://x'}}\n{STEPS}{build}"),
        format!("{HOSTED}    steps:\n{build}"),
        "    uses: ./.github/workflows/b.yml".to_owned(),
    ] {
        assert_eq!(reported(&job), [""; 0], "{job}");
    }
}

/// Every supported way to install Nix.
const INSTALLERS: [&str; 15] = [
    "uses: cachix/install-nix-action@v31",
    "uses: DeterminateSystems/nix-installer-action@main",
    "uses: DeterminateSystems/determinate-nix-action@v3",
    "uses: nixbuild/nix-quick-install-action@v33",
    "uses: samueldr/lix-gha-installer-action@latest",
    "uses: canidae-solutions/lix-quick-install-action@v3",
    "uses: NixOS/nix-installer-action@main",
    "uses: knl/nix-install-action@v1",
    "run: sh <(curl -L https://nixos.org/nix/install) --daemon",
    "run: curl -L https://releases.nixos.org/nix/nix-2.28.3/install | sh",
    "run: curl -sSfL https://install.determinate.systems/nix | sh -s -- install",
    "run: curl -sSf -L https://install.lix.systems/lix | sh -s -- install --no-confirm",
    "run: curl -sSfL https://artifacts.nixos.org/nix-installer | sh -s -- install",
    "run: sudo apt-get install nix-bin",
    "run: ./nix-installer install linux --no-confirm",
];

/// Every supported cache.
const CACHES: [&str; 17] = [
    "uses: cachix/cachix-action@v16\n        with: {name: acme}",
    "uses: DeterminateSystems/magic-nix-cache-action@main",
    "uses: DeterminateSystems/flakehub-cache-action@main",
    "uses: nix-community/cache-nix-action@v6\n        with: {primary-key: nix}",
    "uses: nix-community/cache-nix-action/restore@v6\n        with: {primary-key: nix}",
    "uses: ryanccn/attic-action@v0",
    "uses: nixbuild/nixbuild-action@v22",
    "uses: actions/cache@v4\n        with:\n          key: nix\n          path: |\n            ~/.cache/nix\n            /nix",
    "run: cachix use acme",
    "run: nix run nixpkgs#cachix -- use acme",
    "run: attic login ci https://cache.acme.org $TOKEN && attic use ci:acme",
    "run: echo 'extra-substituters = https://acme.cachix.org' | sudo tee -a /etc/nix/nix.conf",
    "run: nix build --extra-substituters https://acme.cachix.org",
    "run: nix build\n        env: {NIX_CONFIG: 'substituters = https://acme.cachix.org'}",
    "uses: cachix/install-nix-action@v31\n        with: {extra_nix_config: 'extra-substituters = https://acme.cachix.org'}",
    "uses: DeterminateSystems/nix-installer-action@main\n        with: {extra-conf: 'extra-substituters = https://acme.cachix.org'}",
    "uses: nixbuild/nix-quick-install-action@v33\n        with: {nix_conf: 'substituters = https://acme.cachix.org'}",
];

#[test]
fn every_installer_needs_a_cache_and_any_cache_suffices() {
    for installer in INSTALLERS {
        let job = |cache: &str| format!("{HOSTED}    steps:\n      - {installer}\n{cache}      - run: nix build\n");
        assert_eq!(reported(&job("")).len(), 1, "{installer}");
        for cache in CACHES {
            let cache = format!("      - {cache}\n");
            assert_eq!(reported(&job(&cache)), [""; 0], "{installer} with {cache}");
        }
    }
    let accepting = format!("jobs:\n  a:\n{HOSTED}{STEPS}      - run: nix build --accept-flake-config\n");
    let flake = "{ nixConfig.extra-substituters = [ \"https://acme.cachix.org\" ]; outputs = _: { }; }";
    let files = [(".github/workflows/a.yml", accepting.as_str()), ("flake.nix", flake)];
    assert_eq!(found("nix-cache", &files), [""; 0]);
}

#[test]
fn caches_in_the_wrong_order_are_reported() {
    let job = |steps: &[&str]| {
        let steps: Vec<String> = steps.iter().map(|step| format!("      - uses: {step}\n")).collect();
        reported(&format!("{HOSTED}    steps:\n{}", steps.concat()))
    };
    let (nix, cachix, magic) =
        ("cachix/install-nix-action@v31", "cachix/cachix-action@v16", "DeterminateSystems/magic-nix-cache-action@main");
    assert_eq!(job(&[nix, magic, cachix]), [""; 0]);
    assert_eq!(job(&[cachix, nix]), [cachix]);
    assert_eq!(job(&[magic, nix, cachix]), [magic]);
    assert_eq!(job(&[nix, cachix, magic]), [cachix]);
    assert_eq!(job(&["actions/cache@v4\n        with: {path: /nix}", nix]), [""; 0]);
    assert_eq!(job(&[cachix]), [""; 0]);
}

#[test]
fn reusable_workflows_run_on_the_runner_that_the_caller_names() {
    let callee = "on:\n  workflow_call:\n    inputs:\n      os: {type: string, default: self-hosted}\njobs:\n  b:\n    runs-on: ${{ inputs.os }}\n    steps:\n      - uses: cachix/install-nix-action@v31\n      - run: nix build\n";
    let installer = ["cachix/install-nix-action@v31"];
    for (with, expected) in [
        ("with: {os: ubuntu-latest}", &installer[..]),
        ("with: {os: '${{ matrix.os }}'}\n    strategy: {matrix: {os: [nix, macos-latest]}}", &installer),
        ("with: {os: big-machine}", &[]),
        ("with: {other: ubuntu-latest}", &[]),
        ("with: {os: '${{ vars.OS }}'}", &[]),
    ] {
        let caller = format!("jobs:\n  a:\n    uses: ./.github/workflows/b.yml\n    {with}\n");
        let files = [(".github/workflows/a.yml", caller.as_str()), (".github/workflows/b.yml", callee)];
        assert_eq!(found("nix-cache", &files), expected, "{with}");
    }
    assert_eq!(found("nix-cache", &[(".github/workflows/b.yml", callee)]), [""; 0]);
}

#[test]
fn a_step_given_by_an_alias_is_reported_at_the_alias() {
    let anchored = format!(
        "jobs:\n  a:\n{HOSTED}    steps:\n      - &nix\n        uses: cachix/install-nix-action@v31\n      - run: nix build\n  b:\n{HOSTED}    steps:\n      - *nix\n      - run: nix build\n"
    );
    let found = found("nix-cache", &[(".github/workflows/a.yml", &anchored)]);
    assert_eq!(found, ["cachix/install-nix-action@v31", "*nix"]);
}

#[test]
fn cyclic_actions_terminate() {
    let action = "runs:\n  steps:\n    - uses: ./b\n    - uses: ./a\n    - uses: cachix/install-nix-action@v31\n";
    let workflow = "jobs:\n  x:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: ./a\n      - run: nix build\n";
    let files = [("a/action.yml", action), ("b/action.yml", action), (".github/workflows/a.yml", workflow)];
    assert_eq!(found("nix-cache", &files), ["./a"]);
}

#[test]
fn a_script_builds_with_the_function_that_its_argument_selects() {
    let script = "command=$1\nfunction check {\n\tnix flake check --no-build\n}\nhost() {\n\tnix build .#host\n}\nall() {\n\thost\n}\n";
    let job = |run: &str| format!("jobs:\n  a:\n{HOSTED}{STEPS}      - run: {run}\n");
    let installer = ["cachix/install-nix-action@v31"];
    for (end, run, expected) in [
        ("\"$command\"\n", "ci/build.sh check", &[][..]),
        ("\"$command\"\n", "bash ci/build.sh host", &installer),
        ("\"$command\"\n", "ci/build.sh all", &installer),
        ("\"$@\"\n", "ci/build.sh", &[]),
        ("\"$command\"\nhost\n", "ci/build.sh check", &installer),
        ("all\n", "ci/build.sh check", &installer),
        // Without a call, another script may source this one.
        ("", "ci/build.sh check", &installer),
    ] {
        let (workflow, script) = (job(run), format!("{script}{end}"));
        let files = [(".github/workflows/a.yml", workflow.as_str()), ("ci/build.sh", script.as_str())];
        assert_eq!(found("nix-cache", &files), expected, "{run}: {script}");
    }
}

#[test]
fn builds_that_a_script_may_select_are_reported() {
    let job = |run: &str| format!("jobs:\n  a:\n{HOSTED}{STEPS}      - run: {run}\n");
    let host = "host() {\n  nix build .#host\n}\ncheck() {\n  nix flake check --no-build\n}\n";
    let installer = ["cachix/install-nix-action@v31"];
    for (end, run, expected) in [
        // Wrappers that run their arguments.
        ("retry() {\n  \"$@\" || \"$@\"\n}\nretry host\n", "ci/build.sh", &installer[..]),
        ("run() {\n  echo \"+ $*\"\n  \"$@\"\n}\nrun host\n", "ci/build.sh", &installer),
        ("main() {\n  \"$1\"\n}\nmain \"$@\"\n", "ci/build.sh check", &[]),
        ("main() {\n  \"$1\"\n}\nmain \"$@\"\n", "ci/build.sh host", &installer),
        ("log() {\n  echo \"$*\"\n} >&2\nimage() {\n  nix build .#image\n}\n\"$1\"\n", "ci/build.sh image", &installer),
        ("trap host EXIT\n$SUDO mkdir -p /var/x\n", "ci/build.sh", &installer),
        // Computed arguments.
        ("\"$1\"\n", "ci/build.sh ${{ matrix.target }}", &installer),
        ("eval \"$1\"\n", "ci/build.sh $TARGET", &installer),
        ("\"$1\"\n", "for t in host check; do ci/build.sh $t; done", &installer),
        ("\"$1\"\n", "ci/build.sh check ${{ matrix.target }}", &[]),
        ("\"$1\"\n", "ci/build.sh $TARGET check", &installer),
        ("\"$1\"\n", "ci/build.sh {host,check}", &installer),
        ("\"$1\"\n", "ci/build.sh h*", &installer),
        ("\"$1\"\n", "echo host | xargs ci/build.sh", &installer),
        ("\"$1\"\n", "source ci/build.sh; host", &installer),
        ("\"$1\"\n", "npm run build host", &installer),
        ("\"$1\"\n", "npm run build check", &[]),
        // Values from the script itself.
        (
            "all=(\n  host\n  check\n)\nfor one in \"${all[@]}\"; do\n  $one\ndone\n\"$1\"\n",
            "ci/build.sh check",
            &installer,
        ),
        ("set -- host\n\"$@\"\n", "ci/build.sh check", &installer),
        ("command=$1\n[ -z \"$command\" ] && command=host\n\"$command\"\n", "ci/build.sh", &installer),
        ("command=\"${1:-host}\"\n$command\n", "ci/build.sh", &installer),
        ("command=\"${1:-check}\"\n$command\n", "ci/build.sh", &[]),
        ("for t in host; do $t; done\n", "ci/build.sh", &installer),
        // Each argument selects a function.
        ("for t in \"$@\"; do $t; done\n", "ci/build.sh check", &[]),
        ("for t in \"$@\"; do\n  \"$t\"\ndone\n", "ci/build.sh check host", &installer),
        ("for t in \"$@\"; do\n  \"$t\"\ndone\n", "ci/build.sh check $T", &installer),
        ("for t; do\n  \"$t\"\ndone\n", "ci/build.sh check", &[]),
        ("for t\ndo\n  \"$t\"\ndone\n", "ci/build.sh check host", &installer),
        ("for t in $ALL; do $t; done\n", "ci/build.sh check", &installer),
        // The function name is derived from the argument.
        ("command=${1//-/_}\n\"$command\"\n", "ci/build.sh check", &[]),
        ("command=${1//-/_}\n\"$command\"\n", "ci/build.sh ho-st", &installer),
        ("command=${1//-/_}\n\"$command\"\n", "ci/build.sh", &[]),
        ("\"${1:-host}\"\n", "ci/build.sh", &installer),
        ("\"${1,,}\"\n", "ci/build.sh check", &[]),
        ("\"${1,,}\"\n", "ci/build.sh Host", &installer),
        ("command=$(pick \"$1\")\n$command\n", "ci/build.sh check", &installer),
    ] {
        let (workflow, script) = (job(run), format!("{host}{end}"));
        let package = "{ \"scripts\": { \"build\": \"ci/build.sh\" } }";
        let files = [
            (".github/workflows/a.yml", workflow.as_str()),
            ("ci/build.sh", script.as_str()),
            ("package.json", package),
        ];
        assert_eq!(found("nix-cache", &files), expected, "{run}: {script}");
    }
}

#[test]
fn scripts_with_the_same_name_have_their_own_arguments() {
    let script = |host: &str| format!("host() {{\n  {host}\n}}\ncheck() {{\n  echo\n}}\n\"$1\"\n");
    let (a, b) = (script("echo"), script("nix build"));
    for (run, count) in [
        ("a/build.sh host\n          b/build.sh check", 0),
        ("b/build.sh check\n          b/build.sh host", 1),
        ("bash -e b/build.sh host\n          a/build.sh check", 1),
    ] {
        let workflow = format!("jobs:\n  a:\n{HOSTED}{STEPS}      - run: |\n          {run}\n");
        let files = [(".github/workflows/a.yml", &*workflow), ("a/build.sh", &*a), ("b/build.sh", &*b)];
        assert_eq!(found("nix-cache", &files).len(), count, "{run}");
    }
}
