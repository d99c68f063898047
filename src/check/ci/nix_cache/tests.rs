use crate::check::testing::found;

/// The places that are reported in a workflow with one job of these lines.
fn reported(job: &str) -> Vec<String> {
    let text = format!("jobs:\n  a:\n{job}\n");
    found("nix-cache", &[(".github/workflows/a.yml", &text)])
}

const HOSTED: &str = "    runs-on: ubuntu-latest\n";
const STEPS: &str = "    steps:\n      - uses: cachix/install-nix-action@v31\n";

#[test]
fn jobs_without_a_cache() {
    let installer = ["cachix/install-nix-action@v31"];
    for steps in [
        "      - run: nix build",
        "      - run: |\n          nix develop -c make",
        "      - uses: nicknovitski/nix-develop@v1",
        "      - shell: nix develop -c bash -e {0}\n        run: make",
        "      - uses: actions/cache@v4\n        with: {path: ~/.cargo, key: nix}\n      - run: nix-build",
        "      - run: nix flake check --accept-flake-config",
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
fn jobs_that_need_none_or_have_one() {
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

#[test]
fn caches_in_their_places() {
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
fn reusable_workflows_run_where_their_callers_say() {
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
fn actions_that_use_each_other_end() {
    let action = "runs:\n  steps:\n    - uses: ./b\n    - uses: ./a\n    - uses: cachix/install-nix-action@v31\n";
    let workflow = "jobs:\n  x:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: ./a\n      - run: nix build\n";
    let files = [("a/action.yml", action), ("b/action.yml", action), (".github/workflows/a.yml", workflow)];
    assert_eq!(found("nix-cache", &files), ["./a"]);
}
