//! `flakeward migrate dockerfile`: converts the image of a Dockerfile to a package in the flake, built with
//! nix2container.
//!
//! The frame (configuration, files, accounts, ports) is migrated completely. The build steps in `RUN` lines become a
//! builder for their ecosystem if the lock file contains the hashes. Otherwise, they become a derivation that can be
//! evaluated, but whose build fails with a list of the missing steps.

mod downloads;
mod frame;
mod manager;
mod module;
mod recipe;
#[cfg(test)]
mod tests;

use super::{Draft, Error, existing};
use crate::check::dockerfile::container_package;
use crate::finding::RelPath;
use crate::lang::dockerfile::Dockerfile;
use crate::paths;

/// Migrates one Dockerfile.
pub fn migrate(draft: &mut Draft<'_>, file: &RelPath) -> Result<(), Error> {
    let text = draft.text(file)?.ok_or_else(|| Error::new(file, "there is no such file"))?;
    if let Some(package) = names(file).into_iter().find(|package| is_migrated(draft, file, package)) {
        let module = module_path(&package);
        draft.report.already_migrated(file, &module);
        draft.report.replace(file, format!("nix build .#{package}"));
        return Ok(());
    }
    let read = Dockerfile::read(&text).map_err(|(line, why)| Error::new(file, why).at(line, 1))?;
    let package = free_name(draft, file)?;
    let target = module_path(&package);
    let module = module::Module::new(draft, file, read, &package, &target).write()?;
    draft.flake.input("nix2container", "github:nlewo/nix2container", true);
    draft.flake.module(&target);
    draft.report.replace(file, format!("nix build .#{package}"));
    draft.write(&target, module)
}

/// The first candidate name that no module and no package in the flake has. If all are taken, the error names the
/// module or package with the first one.
fn free_name(draft: &Draft<'_>, file: &RelPath) -> Result<String, Error> {
    let mut taken = None;
    for package in names(file) {
        let module = module_path(&package);
        let defined = existing::defined_in(draft, &["packages", &package]);
        let refusal = match (draft.exists(&module), defined) {
            (false, None) => return Ok(package),
            (true, _) => {
                Error::new(file, format!("{module} already exists")).help("remove that file to generate it again")
            }
            (false, Some(other)) => Error::new(file, format!("`packages.{package}` is already defined in {other}"))
                .help("remove or rename that package to generate it again"),
        };
        taken.get_or_insert(refusal);
    }
    Err(taken.unwrap_or_else(|| Error::new(file, "its package has no name")))
}

/// The name of the package for a Dockerfile, whether it has been migrated or not. `None` if there is no such
/// Dockerfile.
pub fn package_of(draft: &Draft<'_>, dockerfile: &str) -> Option<String> {
    let all = names(dockerfile);
    let migrated = all.iter().find(|package| is_migrated(draft, dockerfile, package));
    let first = all.first().filter(|package| draft.exists(&module_path(package)) || draft.exists(dockerfile));
    migrated.or(first).cloned()
}

/// Whether an earlier run wrote the module of a package for this Dockerfile.
fn is_migrated(draft: &Draft<'_>, dockerfile: &str, package: &str) -> bool {
    let head = format!("# Builds what {dockerfile} built:");
    draft.text(&module_path(package)).ok().flatten().is_some_and(|text| text.starts_with(&head))
}

/// The path of the module that defines a package.
pub fn module_path(package: &str) -> String {
    format!("flake/{package}.nix")
}

/// The possible names for the package of a Dockerfile: from its folder, and from all folders in its path.
fn names(file: &str) -> Vec<String> {
    let short = container_package(file);
    let folders = paths::folder(file).replace(|c: char| !c.is_ascii_alphanumeric(), "-").to_ascii_lowercase();
    let long = format!("container-{}", folders.trim_matches('-'));
    if folders.is_empty() || long == short { vec![short] } else { vec![short, long] }
}
