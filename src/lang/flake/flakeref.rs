//! Flake references: the sources of inputs, fetchers and commands, in every form that Nix accepts.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// A parsed flake reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlakeRef {
    /// The fetch method.
    pub scheme: Scheme,
    /// The owner on a forge.
    pub owner: String,
    /// The repository on a forge, or the name in the registry.
    pub repo: String,
    /// The host and path of a URL, without scheme and query.
    pub address: String,
    /// The branch or tag.
    pub branch: Option<String>,
    /// The commit.
    pub rev: Option<String>,
    /// The subfolder that contains the flake.
    pub dir: Option<String>,
}

/// The fetch method of a flake reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// `github:`
    GitHub,
    /// `gitlab:` and `sourcehut:`, the other forges.
    Forge,
    /// `git+https:`, `git+ssh:` ..
    Git,
    /// An archive or a file at a URL.
    Tarball,
    /// `path:`, `./` and `/`.
    Path,
    /// A name that the machine's flake registry resolves.
    Indirect,
    /// Anything else.
    #[default]
    Other,
}

impl FlakeRef {
    /// Parses the URL form of `url = "..";` and command lines.
    pub fn parse(text: &str) -> Self {
        let text = text.split('#').next().unwrap_or("");
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let mut reference = Self::from_base(base);
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = decode(value).into_owned();
            match key {
                "ref" => reference.branch = Some(value),
                "rev" => reference.rev = Some(value),
                "dir" => reference.dir = Some(value),
                _ => {}
            }
        }
        reference.settle()
    }

    /// Whether both refer to the same branch, tag or commit of the same source, and to the same flake in it.
    pub fn is_same(&self, other: &Self) -> bool {
        self.has_same_code(other) && self.dir == other.dir && self.address == other.address
    }

    /// Whether both refer to the same branch, tag or commit of the same repository on a forge, or of the same entry in
    /// a registry. Forges ignore the case of names.
    pub fn has_same_code(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.owner.eq_ignore_ascii_case(&other.owner)
            && self.repo.eq_ignore_ascii_case(&other.repo)
            && self.branch == other.branch
            && self.rev == other.rev
    }

    fn from_base(base: &str) -> Self {
        if base.starts_with(['.', '/', '~']) {
            return Self { scheme: Scheme::Path, address: base.to_owned(), ..Self::default() };
        }
        let Some((scheme, rest)) = base.split_once(':') else { return Self::indirect(base) };
        match scheme {
            "github" => Self::forge(Scheme::GitHub, rest),
            "gitlab" | "sourcehut" => Self::forge(Scheme::Forge, rest),
            "flake" => Self::indirect(rest),
            "path" => Self { scheme: Scheme::Path, address: rest.to_owned(), ..Self::default() },
            "git" | "ssh" => Self::address(Scheme::Git, rest),
            _ if scheme.starts_with("git+") => Self::address(Scheme::Git, rest),
            "http" | "https" | "tarball" | "file" => Self::address(Scheme::Tarball, rest),
            _ if scheme.starts_with("tarball+") || scheme.starts_with("file+") => Self::address(Scheme::Tarball, rest),
            // Further forms that `fetchTarball` and `nix-channel` accept.
            "channel" => Self::address(Scheme::Tarball, &format!("//channels.nixos.org/{rest}/nixexprs.tar.xz")),
            _ => Self { scheme: Scheme::Other, address: rest.to_owned(), ..Self::default() },
        }
    }

    fn forge(scheme: Scheme, rest: &str) -> Self {
        // Nix ignores empty parts between slashes: `github:/a/b` is `github:a/b`.
        let mut parts = rest.split('/').filter(|part| !part.is_empty()).map(decode);
        let mut next = || parts.next().unwrap_or_default().into_owned();
        let (owner, repo) = (next(), next());
        let branch = parts.collect::<Vec<_>>().join("/");
        Self { scheme, owner, repo, branch: Some(branch).filter(|branch| !branch.is_empty()), ..Self::default() }
    }

    fn indirect(rest: &str) -> Self {
        let mut parts = rest.splitn(3, '/').map(str::to_owned);
        let repo = parts.next().unwrap_or_default();
        let (branch, rev) = (parts.next(), parts.next());
        Self { scheme: Scheme::Indirect, repo, branch, rev, ..Self::default() }
    }

    fn address(scheme: Scheme, rest: &str) -> Self {
        let address = rest.trim_start_matches('/');
        // `git@host:owner/repo`, `user:token@host/..`
        let start = address.split('/').next().and_then(|host| host.rfind('@')).map_or(0, |at| at + 1);
        let address = decode(&address[start..]).trim_end_matches('/').to_owned();
        Self { scheme, address, ..Self::default() }
    }

    /// Reads the attribute set form: `{ type = "github"; owner = ..; }`, in flake.nix and flake.lock.
    pub fn from_attrs(attrs: &BTreeMap<String, String>) -> Option<Self> {
        let get = |key: &str| attrs.get(key).cloned();
        let mut reference = match get("type")?.as_str() {
            "github" => Self { scheme: Scheme::GitHub, owner: get("owner")?, repo: get("repo")?, ..Self::default() },
            "gitlab" | "sourcehut" => {
                Self { scheme: Scheme::Forge, owner: get("owner")?, repo: get("repo")?, ..Self::default() }
            }
            "indirect" => Self { scheme: Scheme::Indirect, repo: get("id")?, ..Self::default() },
            "git" => Self { scheme: Scheme::Git, ..Self::parse(&get("url")?) },
            "tarball" | "file" => Self { scheme: Scheme::Tarball, ..Self::parse(&get("url")?) },
            "path" => Self { scheme: Scheme::Path, address: get("path")?, ..Self::default() },
            _ => Self::default(),
        };
        reference.branch = get("ref").or(reference.branch);
        reference.rev = get("rev").or(reference.rev);
        reference.dir = get("dir").or(reference.dir);
        Some(reference.settle())
    }

    /// Moves a commit from `branch` to `rev`.
    fn settle(mut self) -> Self {
        if self.rev.is_none() && self.branch.as_deref().is_some_and(is_commit) {
            self.rev = self.branch.take();
        }
        self
    }

    /// The reference as messages show it: `github:NixOS/nixpkgs/nixos-unstable`.
    pub fn shown(&self) -> String {
        let branch = self.rev.as_ref().or(self.branch.as_ref());
        let branch = branch.map(|branch| format!("/{branch}")).unwrap_or_default();
        match self.scheme {
            Scheme::GitHub => format!("github:{}/{}{branch}", self.owner, self.repo),
            Scheme::Forge => format!("{}/{}{branch}", self.owner, self.repo),
            Scheme::Indirect => format!("{}{branch}", self.repo),
            _ => self.address.clone(),
        }
    }
}

/// Whether a string is a full commit id.
pub fn is_commit(text: &str) -> bool {
    (text.len() == 40 || text.len() == 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Decodes percent-encoded characters that occur in flake URLs.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let pairs = [("%2A", "*"), ("%2a", "*"), ("%2F", "/"), ("%2f", "/"), ("%2B", "+"), ("%2b", "+"), ("%3D", "=")];
    Cow::Owned(pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_parsed_in_every_form() {
        let commit = "5ed481943351e9fd354aeb557679624224de38d5";
        for (text, scheme, owner, repo, branch, rev) in [
            ("github:NixOS/nixpkgs/nixos-25.11", Scheme::GitHub, "NixOS", "nixpkgs", Some("nixos-25.11"), None),
            ("github:NixOS/nixpkgs", Scheme::GitHub, "NixOS", "nixpkgs", None, None),
            ("github:NixOS/nixpkgs?ref=master#hello", Scheme::GitHub, "NixOS", "nixpkgs", Some("master"), None),
            ("github:a/b/feature/x?dir=c", Scheme::GitHub, "a", "b", Some("feature/x"), None),
            ("github:/a/b/main/", Scheme::GitHub, "a", "b", Some("main"), None),
            ("gitlab:g%2Fsub/p", Scheme::Forge, "g/sub", "p", None, None),
            ("nixpkgs/nixos-25.11", Scheme::Indirect, "", "nixpkgs", Some("nixos-25.11"), None),
            ("flake:nixpkgs", Scheme::Indirect, "", "nixpkgs", None, None),
            ("./sub", Scheme::Path, "", "", None, None),
            ("git+https://x.org/r?rev=abc", Scheme::Git, "", "", None, Some("abc")),
        ] {
            let parsed = FlakeRef::parse(text);
            let got = (parsed.scheme, &*parsed.owner, &*parsed.repo, parsed.branch.as_deref(), parsed.rev.as_deref());
            assert_eq!(got, (scheme, owner, repo, branch, rev), "{text}");
        }
        assert_eq!(FlakeRef::parse(&format!("github:NixOS/nixpkgs/{commit}")).rev.as_deref(), Some(commit));
        assert_eq!(FlakeRef::parse("git+ssh://git@github.com/a/b.git?ref=x").address, "github.com/a/b.git");
        assert_eq!(
            FlakeRef::parse("https://flakehub.com/f/NixOS/nixpkgs/%2A").address,
            "flakehub.com/f/NixOS/nixpkgs/*"
        );
        assert_eq!(
            FlakeRef::parse("channel:nixos-unstable").address,
            "channels.nixos.org/nixos-unstable/nixexprs.tar.xz"
        );
        for odd in ["", ":", "github:", "?", "#", "//", "git+https:", "flake:", "%", "github:/?=&="] {
            FlakeRef::parse(odd);
        }
    }

    #[test]
    fn attributes_are_equivalent_to_addresses() {
        let attrs = |pairs: &[(&str, &str)]| {
            FlakeRef::from_attrs(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        let github = attrs(&[("type", "github"), ("owner", "NixOS"), ("repo", "nixpkgs"), ("ref", "master")]);
        assert_eq!(github, Some(FlakeRef::parse("github:NixOS/nixpkgs/master")));
        assert_eq!(attrs(&[("type", "indirect"), ("id", "nixpkgs")]), Some(FlakeRef::parse("nixpkgs")));
        let git = attrs(&[("type", "git"), ("url", "https://github.com/NixOS/nixpkgs"), ("ref", "master")]);
        assert_eq!(git, Some(FlakeRef::parse("git+https://github.com/NixOS/nixpkgs?ref=master")));
        assert_eq!(attrs(&[("owner", "NixOS")]), None);
    }
}
