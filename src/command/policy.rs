//! Locates the policy that a repository extends.
//!
//! Nothing is fetched. The path of a flake input in the Nix store is derived from its hash in flake.lock.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::layers::Layer;
use crate::config::{ConfigError, FILE_NAMES};
use crate::lang::flake::flakeref::{FlakeRef, Scheme};
use crate::lang::flake::lock::Lock;
use crate::lang::flake::store;
use crate::lang::{Language, Tree};
use crate::rule::own;
use crate::{paths, walk};

/// A policy that a repository extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its folder.
    pub folder: PathBuf,
    /// The address of the folder on the web, at the revision pinned in flake.lock.
    pub web: Option<String>,
}

impl Policy {
    fn at(folder: PathBuf) -> Self {
        Self { folder, web: None }
    }

    /// The page for a file in the policy: its address on the web, or else its path. The path is relative to the
    /// repository's root if the policy is next to the repository, and absolute otherwise.
    pub fn page(&self, root: &Path, file: &str) -> String {
        match &self.web {
            Some(web) => format!("{web}/{file}"),
            None => {
                let path = self.folder.join(file);
                let is_near = root.parent().is_some_and(|around| path.starts_with(around));
                let path = if is_near { walk::between(root, &path) } else { path };
                path.to_string_lossy().into_owned()
            }
        }
    }
}

/// The prefix of flake inputs.
const FLAKE: &str = "flake:";

/// The maximum size of a lock file, in bytes. Larger files are not read.
const MAX_LOCK: u64 = 8 << 20;

/// The policy in the folder `given` on the command line, or else the one that a repository's settings extend, if any.
/// `file` is the path of the settings on disk.
pub fn find(
    settings: Option<&Layer>,
    file: Option<&Path>,
    root: &Path,
    given: Option<&Path>,
) -> Result<Option<Policy>, Failure> {
    if let Some(given) = given {
        let folder = given.canonicalize().map_err(|error| Failure::io("access the policy", given, &error))?;
        return match folder.is_dir() {
            true => Ok(Some(Policy::at(folder))),
            false => Err(Failure::new(format!("the policy {} is not a directory", given.display()))),
        };
    }
    let extends = settings.and_then(|layer| Some((layer, layer.file.policy.extends.as_deref()?)));
    let Some((layer, extends)) = extends else { return Ok(None) };
    let fail = |message: String, help: &str| -> Failure {
        let error: Box<ConfigError> =
            layer.fail(layer.places.value_of("policy.extends"), message, Some(help.to_owned()));
        error.into()
    };
    let policy = match extends.strip_prefix(FLAKE) {
        Some(input) => locked(root, input).map_err(|(message, help)| fail(message, help))?,
        None if Path::new(extends).is_absolute() || extends.contains(':') || extends.is_empty() => {
            let message = format!("`{extends}` is not a policy");
            return Err(fail(
                message,
                "write `flake:NAME` for an input in flake.lock, or a path relative to this file",
            ));
        }
        None => Policy::at(file.and_then(Path::parent).unwrap_or(root).join(extends)),
    };
    match policy.folder.canonicalize() {
        Ok(folder) if folder.is_dir() && has_policy(&folder) => Ok(Some(Policy { folder, ..policy })),
        Ok(folder) if folder.is_dir() => {
            let message = format!("the folder {} has no policy", folder.display());
            Err(fail(message, "a policy has a flakeward.toml, or rules in .flakeward/rules"))
        }
        Ok(folder) => Err(fail(format!("the policy {} is not a directory", folder.display()), NAME_ONE)),
        Err(error) => {
            let reason = walk::io_reason(&error);
            Err(fail(format!("cannot access the policy {}: {reason}", policy.folder.display()), NAME_ONE))
        }
    }
}

/// Whether a folder has settings or rules.
fn has_policy(folder: &Path) -> bool {
    FILE_NAMES.iter().any(|name| folder.join(name).symlink_metadata().is_ok()) || folder.join(own::FOLDER).is_dir()
}

const NAME_ONE: &str = "--policy-path DIR names the policy's folder for one run";

const FETCH: &str =
    "`nix flake archive` copies all inputs to the store; without Nix, name the folder with --policy-path DIR";

/// The path in the Nix store of an input in flake.lock. The error is a message and the next step.
fn locked(root: &Path, input: &str) -> Result<Policy, (String, &'static str)> {
    let text = walk::read_settings(&root.join("flake.lock"), Some(root), MAX_LOCK)
        .map_err(|reason| (format!("cannot read flake.lock: {reason}"), NAME_ONE))?;
    let tree = Tree::parse(Language::Json, &text);
    let lock = tree.as_ref().and_then(Lock::read).ok_or(("flake.lock is not a lock file".to_owned(), NAME_ONE))?;
    let label = lock.root_input(input).ok_or((
        format!("flake.lock has no input `{input}`"),
        "add it to `inputs` in flake.nix and run `nix flake lock`",
    ))?;
    let node = &lock.nodes[label];
    let store = std::env::var("NIX_STORE_DIR").unwrap_or_else(|_| "/nix/store".to_owned());
    let path = node.nar_hash.as_deref().and_then(|hash| store::source_path(hash, &store));
    let path = path.ok_or((format!("flake.lock has no hash for `{input}`"), "run `nix flake lock`"))?;
    let source = PathBuf::from(path);
    if !source.is_dir() {
        return Err((format!("the input `{input}` is not in the Nix store ({})", source.display()), FETCH));
    }
    let web = node.locked.as_ref().and_then(web);
    match node.locked.as_ref().and_then(|locked| locked.dir.as_deref()) {
        None => Ok(Policy { folder: source, web }),
        Some(dir) => match paths::join("", dir) {
            Some(dir) => {
                let web = web.filter(|_| dir.split('/').all(is_plain)).map(|web| format!("{web}/{dir}"));
                Ok(Policy { web, folder: source.join(dir) })
            }
            None => Err((format!("the folder `{dir}` is outside the input `{input}`"), "run `nix flake lock`")),
        },
    }
}

/// The address on GitHub of a locked repository. `None` for other forges, whose hosts vary.
fn web(locked: &FlakeRef) -> Option<String> {
    let rev = locked.rev.as_deref().filter(|_| locked.scheme == Scheme::GitHub)?;
    let parts = [&*locked.owner, &*locked.repo, rev];
    let is_safe = parts.into_iter().all(is_plain);
    is_safe.then(|| format!("https://github.com/{}/{}/blob/{rev}", locked.owner, locked.repo))
}

/// Whether a name requires no escaping in a URL.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_on_github_have_an_address() {
        let address = |reference| web(&FlakeRef::parse(reference));
        assert_eq!(
            address("github:acme/platform-policy/0123456789abcdef0123456789abcdef01234567?dir=nix"),
            Some("https://github.com/acme/platform-policy/blob/0123456789abcdef0123456789abcdef01234567".to_owned())
        );
        for without in [
            "github:acme/policy",
            "gitlab:acme/policy/0123456789abcdef0123456789abcdef01234567",
            "path:/policy",
            "github:a/b)/0123456789abcdef0123456789abcdef01234567",
        ] {
            assert_eq!(address(without), None, "{without}");
        }
    }

    #[test]
    fn pages_are_on_the_web_or_on_disk() {
        let page = |folder: &str, web: Option<&str>| {
            Policy { folder: folder.into(), web: web.map(str::to_owned) }.page(Path::new("/work/app"), "a.md")
        };
        assert_eq!(page("/nix/store/x-source", Some("https://example.org/p")), "https://example.org/p/a.md");
        assert_eq!(page("/nix/store/x-source", None), "/nix/store/x-source/a.md");
        assert_eq!(page("/work/policy", None), "../policy/a.md");
        assert_eq!(page("/work/app/policy", None), "policy/a.md");
    }
}
