//! The prefilter does not change the findings.

use crate::check::testing::report_at;
use crate::{Repo, Settings};

#[test]
fn triggers_miss_nothing() {
    let files = [
        ("flake.nix", "{ outputs = i: { packages.x.container-a = n.buildImage { }; }; }"),
        ("notes.yaml", "text: garnix and nix flake check\n"),
        ("Dockerfile", "FROM garnix\nCMD npm start\n"),
        ("a.nix", "{ shellHook = \"npm start\"; }"),
        ("stack.yaml", "services: {a: {image: b}}\n"),
        ("docker-compose.yml", "a: {image: b}\n"),
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: cachix/install-nix-action@v31\n      - run: nix build && docker build . && npm start\n",
        ),
    ];
    let with = report_at(&files, jiff::civil::date(2026, 8, 19));
    let settings = Settings { prefilter: false, now: jiff::civil::date(2026, 8, 19), ..Settings::default() };
    let without = crate::run::check(&Repo::from_texts(files), &settings);
    assert_eq!(with.findings, without.findings);
    for rule in
        ["dockerfile", "docker-compose", "docker-build-in-ci", "dev-command", "nix-cache", "missing-flake-check"]
    {
        assert!(with.findings.iter().any(|finding| finding.rule == rule), "{rule}");
    }
}
