//! Entries of flakeward.toml that match nothing: they were mistyped, or outlived what they were for.

use std::path::Path;

use crate::config::Config;
use crate::config::layers::Origin;
use crate::finding::{Finding, RelPath, Span};
use crate::globs;

/// What a repository holds, for entries to match.
pub struct Repository<'a> {
    /// Every file that was looked at.
    pub paths: Vec<&'a RelPath>,
    /// What `exclude` left out.
    pub excluded: &'a [RelPath],
    /// Hosts that `own-hosts` and `external-hosts` were asked about and matched, as the entries are written; `None`
    /// where nothing asked.
    pub hosts: Option<&'a std::collections::BTreeSet<String>>,
}

/// Reports the entries of a configuration that match nothing in the whole repository.
pub fn unused(config: &Config, file: &RelPath, repository: &Repository<'_>) -> Vec<Finding> {
    let mut unused = Vec::new();
    let mut report = |place: String, message: String| {
        // What the policy says holds for many repositories, and need not match something in each.
        let Some(span) = config.places.value_of(&place).map(Span::from) else { return };
        let finding = Finding::new("unused-suppression", file, span, message).label("matches nothing");
        unused.push(finding.help("remove or correct this entry"));
    };
    let mut matched = vec![false; config.exclude_globs.len()];
    for path in repository.excluded {
        // What lies in an excluded folder was never listed, so the folder's own path stands for all of it.
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
    for (index, path) in config.ports.registries.iter().enumerate() {
        let wanted = path.trim_start_matches("./");
        if !repository.paths.iter().any(|path| &***path == wanted) {
            let place = format!("ports.registry.{index}");
            let place = if config.places.value_of(&place).is_some() { place } else { "ports.registry".to_owned() };
            let outside = Path::new(wanted).is_absolute() || wanted.split('/').any(|part| part == "..");
            let message = match outside {
                true => format!("{wanted} is outside of the repository and is not read as a registry"),
                false => format!("the registry {wanted} does not exist"),
            };
            report(place, message);
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
