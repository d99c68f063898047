//! Readers of CI files.

pub mod builders;
pub mod nix;

use crate::finding::Span;

/// What a file says about CI.
#[derive(Debug, Default)]
pub struct CiFacts {
    /// Images that its steps build with Docker tooling.
    pub builds: Vec<Build>,
    /// Packages of the flake that are container images, by name.
    pub containers: Vec<String>,
    /// Its jobs, where it is a workflow or composite action.
    pub jobs: Vec<nix::NixJob>,
    /// Whether it is a flake whose `nixConfig` names substituters.
    pub flake_substituters: bool,
    /// What it says about running the flake's checks.
    pub checks: crate::check::missing_flake_check::CheckFacts,
}

impl CiFacts {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.builds.is_empty()
            && self.containers.is_empty()
            && self.jobs.is_empty()
            && !self.flake_substituters
            && self.checks.is_empty()
    }
}

/// An image built with Docker tooling.
#[derive(Debug)]
pub struct Build {
    /// Where.
    pub span: Span,
    /// With what: a command or the name of an action.
    pub tool: String,
    /// The words around it, in which the image's name may stand.
    pub words: String,
}

#[cfg(test)]
mod tests {
    use crate::check::testing::report_at;
    use crate::run::{Repo, Settings};

    #[test]
    fn triggers_leave_nothing_out() {
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
}
