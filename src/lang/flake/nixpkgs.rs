//! nixpkgs: the branch of a reference, and the dates of releases.

use jiff::civil::{Date, date};

use super::flakeref::{FlakeRef, Scheme, is_commit};

/// A NixOS release by year and month: 25.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// The year's last two digits.
    pub year: u8,
    /// 5 or 11; until 2020 it was 3 or 9.
    pub month: u8,
}

impl Release {
    /// Parses `25.11`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('.')?;
        if year.len() != 2 || month.len() != 2 {
            return None;
        }
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        matches!(month, 3 | 5 | 9 | 11).then_some(Self { year, month })
    }

    /// The last day of a month, `years_later` years after the year of the release.
    fn end_of(self, years_later: i16, month: i8) -> Date {
        date(2000 + i16::from(self.year) + years_later, month, 1).last_of_month()
    }

    /// Its end-of-life date: about a month after the next release, which appears at the end of May or November (of
    /// March or September until 2020).
    pub fn end_of_life(self) -> Date {
        match self.month {
            3 => self.end_of(0, 10),
            5 => self.end_of(0, 12),
            9 => self.end_of(1, if self.year == 20 { 6 } else { 4 }),
            _ => self.end_of(1, 6),
        }
    }

    /// The newest release on a date.
    pub fn current(now: Date) -> Self {
        let year = u8::try_from(now.year().clamp(2001, 2099) - 2000).unwrap_or(99);
        let [may, november] = [Self { year, month: 5 }, Self { year, month: 11 }];
        if now >= november.end_of(0, 11) {
            november
        } else if now >= may.end_of(0, 5) {
            may
        } else {
            Self { year: year - 1, month: 11 }
        }
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}.{:02}", self.year, self.month)
    }
}

/// The nixpkgs branch or version that a reference follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A rolling branch, by its name.
    Rolling(String),
    /// The default branch, because the reference contains no branch.
    Default,
    /// Whatever the machine's flake registry resolves it to.
    Registry,
    /// The branch of a release.
    Release(Release),
    /// The tag of a release or of its beta (`24.11-beta`): it never moves, so it gets no fixes.
    Tag(Release),
    /// The newest release (FlakeHub's `*`).
    Stable,
    /// A fixed commit, or a tag of something else.
    Fixed,
    /// An unknown branch.
    Unknown(String),
}

impl Channel {
    /// The channel of a branch name.
    pub fn of_branch(name: &str) -> Self {
        let name = name.strip_prefix("refs/heads/").unwrap_or(name);
        if is_commit(name) {
            return Channel::Fixed;
        }
        if let Some(tag) = name.strip_prefix("refs/tags/") {
            return Self::of_tag(tag).unwrap_or(Channel::Fixed);
        }
        Self::of_tag(name).or_else(|| Self::of_channel(name)).unwrap_or_else(|| Channel::Unknown(name.to_owned()))
    }

    /// The channel of a release tag: `24.05`, `24.05-beta`, `24.11-pre`.
    fn of_tag(name: &str) -> Option<Self> {
        let version = TAG_ENDS.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        Release::parse(version).map(Channel::Tag)
    }

    /// The channel of a branch that Hydra or maintainers update, by its exact name.
    fn of_channel(name: &str) -> Option<Self> {
        const ROLLING: [&str; 6] =
            ["master", "staging", "staging-next", "staging-nixos", "haskell-updates", "python-updates"];
        if ROLLING.contains(&name) {
            return Some(Channel::Rolling(name.to_owned()));
        }
        let (stem, rest) = name.split_once('-')?;
        if !matches!(stem, "nixos" | "nixpkgs" | "release" | "staging") {
            return None;
        }
        let rest = rest.strip_prefix("next-").unwrap_or(rest);
        let (version, suffix) = rest.split_once('-').unwrap_or((rest, ""));
        if !matches!(suffix, "" | "small" | "darwin" | "aarch64" | "full") {
            return None;
        }
        match version {
            "unstable" => Some(Channel::Rolling(name.to_owned())),
            _ => Release::parse(version).map(Channel::Release),
        }
    }

    /// The channel of a nixpkgs version on FlakeHub: 0.1 is unstable, 0.2511 is 25.11, `*` is the newest release.
    fn of_flakehub(version: &str) -> Self {
        let version = version.trim_end_matches(".tar.gz");
        if version.starts_with('=') {
            return Channel::Fixed;
        }
        let mut parts = version.trim_start_matches(['^', '~', 'v']).split('.');
        match (parts.next(), parts.next()) {
            (Some("*" | "0"), None | Some("*")) => Channel::Stable,
            (Some("0"), Some("1")) => Channel::Rolling("unstable".to_owned()),
            (Some("0"), Some(number)) if number.len() == 4 && number.is_ascii() => {
                let release = Release::parse(&format!("{}.{}", &number[..2], &number[2..]));
                release.map_or_else(|| Channel::Unknown(version.to_owned()), Channel::Release)
            }
            _ => Channel::Unknown(version.to_owned()),
        }
    }
}

/// The suffixes that may follow the release in the name of its tag.
pub const TAG_ENDS: [&str; 2] = ["-beta", "-pre"];

/// Whether the name of an input or pin contains its branch, in any spelling.
pub fn names_branch(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "unstable", "master", "small", "latest", "rolling", "edge", "nightly", "staging", "trunk", "devel", "bleeding",
    ];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word)) || name.contains(|c: char| c.is_ascii_digit())
}

/// Whether the name of an input shows only that it is nixpkgs or a release of it.
pub fn is_general(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "nixpkgs", "nixos", "nix", "pkgs", "stable", "hub", "flake", "release", "darwin", "lib", "main", "base",
        "default", "linux",
    ];
    let mut rest = name.to_ascii_lowercase();
    for word in WORDS {
        rest = rest.replace(word, "");
    }
    rest.chars().all(|c| !c.is_alphanumeric())
}

/// The channel of a reference to nixpkgs itself; `None` for anything else, including forks and wrappers.
pub fn channel(reference: &FlakeRef) -> Option<Channel> {
    let branch = || match (&reference.rev, &reference.branch) {
        (Some(_), _) => Channel::Fixed,
        (None, Some(branch)) => Channel::of_branch(branch),
        (None, None) => Channel::Default,
    };
    match reference.scheme {
        Scheme::GitHub => is_nixpkgs(&reference.owner, &reference.repo).then(branch),
        Scheme::Indirect => (reference.repo == "nixpkgs").then(|| match branch() {
            Channel::Default => Channel::Registry,
            channel => channel,
        }),
        Scheme::Git => {
            let path = reference.address.trim_end_matches(".git");
            let (owner, repo) = github_path(path)?;
            is_nixpkgs(owner, repo).then(branch)
        }
        Scheme::Tarball => archive(&reference.address),
        _ => None,
    }
}

fn is_nixpkgs(owner: &str, repo: &str) -> bool {
    owner.eq_ignore_ascii_case("nixos")
        && (repo.eq_ignore_ascii_case("nixpkgs") || repo.eq_ignore_ascii_case("nixpkgs-channels"))
}

fn github_path(address: &str) -> Option<(&str, &str)> {
    // `git@github.com:NixOS/nixpkgs` has a colon after the host.
    let path = address.strip_prefix("github.com")?.strip_prefix(['/', ':'])?;
    path.split_once('/').filter(|(_, repo)| !repo.contains('/'))
}

/// The channel of an archive, by its URL.
fn archive(address: &str) -> Option<Channel> {
    let parts: Vec<&str> = address.split('/').collect();
    match parts.as_slice() {
        ["github.com", owner, repo, "archive" | "tarball", branch @ ..]
        | ["api.github.com", "repos", owner, repo, "tarball" | "zipball", branch @ ..]
        | ["codeload.github.com", owner, repo, "tar.gz" | "zip", branch @ ..] => {
            is_nixpkgs(owner, repo).then(|| archived_branch(&branch.join("/")))
        }
        ["flakehub.com" | "api.flakehub.com", "f", rest @ ..] => match rest {
            [owner, repo, version] if is_nixpkgs(owner, repo) => Some(Channel::of_flakehub(version)),
            _ => None,
        },
        ["channels.nixos.org", name, ..]
        | ["nixos.org" | "www.nixos.org", "channels", name, ..]
        | [_, .., "nix-channels", name, "nixexprs.tar.xz"] => Channel::of_channel(name),
        ["releases.nixos.org", ..] => Some(Channel::Fixed),
        _ => None,
    }
}

fn archived_branch(file: &str) -> Channel {
    let branch = [".tar.gz", ".zip", ".tar.xz"].iter().find_map(|end| file.strip_suffix(end)).unwrap_or(file);
    match branch {
        "" | "HEAD" => Channel::Default,
        _ => Channel::of_branch(branch),
    }
}

/// Whether a reference is a full nixpkgs (not only its `lib`) from a source other than NixOS: a fork or a wrapper.
pub fn is_fork(reference: &FlakeRef) -> bool {
    let named = |name: &str| name.to_ascii_lowercase().contains("nixpkgs") && !name.contains("nixpkgs.lib");
    channel(reference).is_none()
        && match reference.scheme {
            Scheme::GitHub | Scheme::Forge => {
                reference.repo.ends_with("nixpkgs") || reference.repo.starts_with("nixpkgs-weekly")
            }
            Scheme::Git | Scheme::Tarball => reference.address.split('/').next_back().is_some_and(named),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Channel> {
        channel(&FlakeRef::parse(text))
    }

    fn release(year: u8, month: u8) -> Option<Channel> {
        Some(Channel::Release(Release { year, month }))
    }

    fn tag(year: u8, month: u8) -> Option<Channel> {
        Some(Channel::Tag(Release { year, month }))
    }

    #[test]
    fn nixpkgs_is_recognised_in_every_form() {
        let rolling = |name: &str| Some(Channel::Rolling(name.to_owned()));
        let commit = "5ed481943351e9fd354aeb557679624224de38d5";
        for (text, expected) in [
            ("github:NixOS/nixpkgs/nixos-unstable", rolling("nixos-unstable")),
            ("github:nixos/nixpkgs/nixos-unstable-small", rolling("nixos-unstable-small")),
            ("github:NixOS/nixpkgs?ref=master", rolling("master")),
            ("github:NixOS/nixpkgs", Some(Channel::Default)),
            ("github:NixOS/nixpkgs/nixos-25.11-small", release(25, 11)),
            ("github:NixOS/nixpkgs/nixpkgs-26.05-darwin", release(26, 5)),
            ("github:NixOS/nixpkgs/release-24.05", release(24, 5)),
            ("github:NixOS/nixpkgs/staging-next-24.05", release(24, 5)),
            ("github:NixOS/nixpkgs/24.05", tag(24, 5)),
            ("github:NixOS/nixpkgs?ref=refs/tags/24.11-pre", tag(24, 11)),
            ("github:NixOS/nixpkgs?ref=refs/tags/backups/old", Some(Channel::Fixed)),
            ("https://github.com/NixOS/nixpkgs/archive/19.09-beta.tar.gz", tag(19, 9)),
            ("https://github.com/NixOS/nixpkgs/archive/refs/tags/23.05.tar.gz", tag(23, 5)),
            (&format!("github:NixOS/nixpkgs/{commit}"), Some(Channel::Fixed)),
            (&format!("github:NixOS/nixpkgs?rev={commit}"), Some(Channel::Fixed)),
            ("github:NixOS/nixpkgs/pull/1/merge", Some(Channel::Unknown("pull/1/merge".to_owned()))),
            ("nixpkgs", Some(Channel::Registry)),
            ("nixpkgs/nixos-24.11", release(24, 11)),
            ("git+https://github.com/NixOS/nixpkgs.git?ref=nixos-unstable", rolling("nixos-unstable")),
            ("git+ssh://git@github.com/NixOS/nixpkgs?ref=nixos-22.05&shallow=1", release(22, 5)),
            ("git+https://github.com/NixOS/nixpkgs", Some(Channel::Default)),
            ("https://channels.nixos.org/nixos-unstable/nixexprs.tar.xz", rolling("nixos-unstable")),
            ("https://nixos.org/channels/nixos-25.05/nixexprs.tar.xz", release(25, 5)),
            ("https://github.com/NixOS/nixpkgs/archive/nixos-unstable.tar.gz", rolling("nixos-unstable")),
            ("https://github.com/NixOS/nixpkgs/archive/refs/heads/master.zip", rolling("master")),
            (&format!("https://github.com/NixOS/nixpkgs/archive/{commit}.tar.gz"), Some(Channel::Fixed)),
            ("https://github.com/NixOS/nixpkgs/tarball/nixos-24.11", release(24, 11)),
            ("https://flakehub.com/f/NixOS/nixpkgs/0.1.*.tar.gz", rolling("unstable")),
            ("https://flakehub.com/f/NixOS/nixpkgs/0.1", rolling("unstable")),
            ("https://flakehub.com/f/NixOS/nixpkgs/0.2411.*", release(24, 11)),
            ("https://flakehub.com/f/NixOS/nixpkgs/*", Some(Channel::Stable)),
            ("https://flakehub.com/f/NixOS/nixpkgs/=0.1.5.tar.gz", Some(Channel::Fixed)),
            ("channel:nixos-unstable", rolling("nixos-unstable")),
            ("github:cachix/devenv-nixpkgs/rolling", None),
            ("github:nix-community/nixpkgs.lib", None),
            ("github:nix-community/home-manager", None),
            ("https://flakehub.com/f/DeterminateSystems/nixpkgs-weekly/0.1", None),
            ("github:someone/nixpkgs/nixos-unstable", None),
            ("home-manager", None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn releases_and_their_end_of_life_follow_the_calendar() {
        let end = |text: &str| Release::parse(text).unwrap().end_of_life().to_string();
        assert_eq!(end("25.05"), "2025-12-31");
        assert_eq!(end("25.11"), "2026-06-30");
        assert_eq!(end("20.03"), "2020-10-31");
        assert_eq!(end("20.09"), "2021-06-30");
        for (now, current) in [
            (date(2026, 1, 1), "25.11"),
            (date(2026, 5, 30), "25.11"),
            (date(2026, 5, 31), "26.05"),
            (date(2026, 11, 29), "26.05"),
            (date(2026, 11, 30), "26.11"),
        ] {
            assert_eq!(Release::current(now).to_string(), current, "{now}");
        }
        assert!(["25.5", "2025.05", "25.07", "x.05", "25"].iter().all(|text| Release::parse(text).is_none()));
    }
}
