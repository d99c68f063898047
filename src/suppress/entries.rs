//! Entries of flakeward.toml that match nothing: typos, or entries that are no longer needed.

use std::path::Path;

use crate::config::Config;
use crate::config::Origin;
use crate::finding::{Finding, RelPath, Span};
use crate::globs;

/// The contents of a repository, to match entries against.
pub struct Repository<'a> {
    /// All checked files.
    pub paths: Vec<&'a RelPath>,
    /// The paths that `exclude` left out.
    pub excluded: &'a [RelPath],
    /// The entries of `own-hosts` and `external-hosts` that matched a host, as written; `None` if no check
    /// needed them.
    pub hosts: Option<&'a std::collections::BTreeSet<String>>,
}

/// Reports the entries of a configuration that match nothing in the whole repository.
pub fn unused(config: &Config, file: &RelPath, repository: &Repository<'_>) -> Vec<Finding> {
    let mut unused = Vec::new();
    let mut report = |place: String, message: String| {
        // The policy applies to many repositories, so its entries need not match something in each.
        let Some(span) = config.places.value_of(&place).map(Span::from) else { return };
        let finding = Finding::new("unused-suppression", file, span, message).label("matches nothing");
        unused.push(finding.help("remove or correct this entry"));
    };
    let mut matched = vec![false; config.exclude_globs.len()];
    for path in repository.excluded {
        // The contents of an excluded folder are not listed, so the path of the folder represents all of them.
        for form in Path::new(&**path).ancestors().flat_map(|path| config.exclude.matches(path)) {
            matched[form / globs::FORMS] = true;
        }
    }
    for (index, glob) in config.exclude_globs.iter().enumerate().filter(|(index, _)| !matched[*index]) {
        report(format!("exclude.{index}"), format!("exclude pattern `{glob}` matches no files"));
    }
    for entry in config.overrides.iter().filter(|entry| entry.origin == Origin::Repository) {
        let index = entry.index;
        for (glob, text) in entry.globs.iter().enumerate() {
            let Ok(one) = globs::set(std::slice::from_ref(text)) else { continue };
            if !repository.paths.iter().any(|path| one.is_match(&***path)) {
                report(format!("overrides.{index}.paths.{glob}"), format!("pattern `{text}` matches no checked file"));
            }
        }
    }
    if let Some(hosts) = repository.hosts {
        let lists = [("own-hosts", &config.ports.own_hosts), ("external-hosts", &config.ports.external_hosts)];
        for (key, list) in lists {
            for (index, host) in list.iter().enumerate().filter(|(_, host)| !hosts.contains(*host)) {
                report(format!("ports.{key}.{index}"), format!("no address in the repository has the host `{host}`"));
            }
        }
    }
    unused
}

/// The finding for an additional configuration file. Only one file configures a repository, so that the result does not
/// depend on the paths on the command line.
pub fn ignored(path: &RelPath, used: Option<&str>) -> Finding {
    let folder = crate::paths::folder(path);
    let message = match (used, folder.is_empty()) {
        (Some(used), true) => format!("this configuration file is ignored, because {used} is used"),
        _ => "this configuration file is ignored: only the one in the root of the repository is used".to_owned(),
    };
    let help = match folder.is_empty() {
        true => "remove one of the two files".to_owned(),
        false => format!(
            "move its settings to flakeward.toml in the root; `[[overrides]]` with `paths = [\"{}/\"]` sets levels for this folder",
            folder.trim_end_matches('/')
        ),
    };
    Finding::new("unused-suppression", path, Span::default(), message).help(help)
}
