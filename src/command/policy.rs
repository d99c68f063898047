//! The policy that a repository extends: where its folder is.
//!
//! Nothing is fetched. An input of flake.lock is looked for in the Nix store, under the path that its hash gives it.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::ConfigError;
use crate::config::layers::Layer;
use crate::lang::flake::lock::Lock;
use crate::lang::flake::store;
use crate::lang::{Language, Tree};
use crate::{paths, walk};

/// How inputs of the flake are named.
const FLAKE: &str = "flake:";

/// Larger lock files are not read.
const MAX_LOCK: u64 = 8 << 20;

/// The folder of the policy that a repository's settings extend: `given` if the command line names one. `file` is where
/// the settings are on disk.
pub fn folder(
    settings: Option<&Layer>,
    file: Option<&Path>,
    root: &Path,
    given: Option<&Path>,
) -> Result<Option<PathBuf>, Failure> {
    if let Some(given) = given {
        let folder = given.canonicalize().map_err(|error| Failure::io("access the policy", given, &error))?;
        return match folder.is_dir() {
            true => Ok(Some(folder)),
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
    let folder = match extends.strip_prefix(FLAKE) {
        Some(input) => locked(root, input).map_err(|(message, help)| fail(message, help))?,
        None if Path::new(extends).is_absolute() || extends.contains(':') || extends.is_empty() => {
            let message = format!("`{extends}` is not a policy");
            return Err(fail(
                message,
                "write `flake:NAME` for an input of flake.lock, or a path relative to this file",
            ));
        }
        None => file.and_then(Path::parent).unwrap_or(root).join(extends),
    };
    match folder.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(Some(folder)),
        Ok(_) => Err(fail(format!("the policy {} is not a directory", folder.display()), NAME_ONE)),
        Err(error) => {
            let reason = walk::io_reason(&error);
            Err(fail(format!("cannot access the policy {}: {reason}", folder.display()), NAME_ONE))
        }
    }
}

const NAME_ONE: &str = "--policy-path DIR names the policy's folder for one run";

const FETCH: &str =
    "`nix flake archive` copies all inputs to the store; without Nix, name the folder with --policy-path DIR";

/// The folder of an input of flake.lock in the Nix store. The error is a message and what to do.
fn locked(root: &Path, input: &str) -> Result<PathBuf, (String, &'static str)> {
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
    let path = path.ok_or((format!("flake.lock has no hash of `{input}`"), "run `nix flake lock`"))?;
    let source = PathBuf::from(path);
    if !source.is_dir() {
        return Err((format!("the input `{input}` is not in the Nix store ({})", source.display()), FETCH));
    }
    match node.locked.as_ref().and_then(|locked| locked.dir.as_deref()) {
        None => Ok(source),
        Some(dir) => match paths::join("", dir) {
            Some(dir) => Ok(source.join(dir)),
            None => {
                Err((format!("the folder `{dir}` of the input `{input}` is outside of it"), "run `nix flake lock`"))
            }
        },
    }
}
