//! Names that a repository gives to its own machines and modules, which do not identify a service.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Missing;
use crate::knowledge::name_words::{HOLDERS, MACHINE_FOLDERS, TOP_LEVEL};

/// The number of ports, and of files, below a name that make it a namespace.
const MANY: usize = 3;

/// The first names of attribute paths under which a repository has its own modules: `acme` of `acme.wiki.port` and
/// `acme.mail.port`. Many ports in many files are below them, and NixOS has no such option.
pub fn namespaces<'a>(missing: &[Missing<'a>]) -> HashSet<&'a str> {
    let mut below: BTreeMap<&str, (BTreeSet<u32>, BTreeSet<&str>)> = BTreeMap::new();
    for port in missing {
        let mut parts = port.name.split('.');
        let (Some(first), Some(_), Some(_)) = (parts.next(), parts.next(), parts.next()) else { continue };
        if !HOLDERS.contains(&first) && !TOP_LEVEL.contains(&first) {
            let (numbers, files) = below.entry(first).or_default();
            numbers.insert(port.number);
            files.insert(port.path);
        }
    }
    let is_many = |(numbers, files): &(BTreeSet<u32>, BTreeSet<&str>)| numbers.len() >= MANY && files.len() >= MANY;
    below.into_iter().filter(|(_, found)| is_many(found)).map(|(name, _)| name).collect()
}

/// A use with the namespace removed from its attribute path.
pub fn without<'a>(port: &Missing<'a>, namespaces: &HashSet<&str>) -> Missing<'a> {
    match port.name.split_once('.') {
        Some((first, rest)) if namespaces.contains(first) => Missing { name: rest, ..*port },
        _ => *port,
    }
}

/// The names of the machines whose folders contain files with ports, in lower case: `web1` of `machines/web1/disk.nix`.
pub fn machines(missing: &[Missing<'_>]) -> HashSet<String> {
    let folders = missing.iter().flat_map(|port| port.path.split('/').zip(port.path.split('/').skip(1)));
    let inside = folders.filter(|(outer, _)| MACHINE_FOLDERS.contains(outer)).map(|(_, name)| name);
    inside.filter(|name| !name.contains('.')).map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Span;

    fn missing<'a>(uses: &[(u32, &'a str, &'a str)]) -> Vec<Missing<'a>> {
        let read = uses.iter();
        read.map(|&(number, name, path)| Missing { number, name, path, text: "", span: Span::default() }).collect()
    }

    #[test]
    fn a_namespace_has_many_ports_in_many_files() {
        let many = missing(&[
            (81, "acme.wiki.port", "wiki.nix"),
            (82, "acme.mail.port", "mail.nix"),
            (83, "acme.chat.port", "chat.nix"),
            (84, "services.a.port", "wiki.nix"),
            (85, "services.b.port", "mail.nix"),
            (86, "services.c.port", "chat.nix"),
            (87, "shop.web.port", "shop.nix"),
        ]);
        let found = namespaces(&many);
        assert_eq!(found, HashSet::from(["acme"]));
        assert_eq!(without(&many[0], &found).name, "wiki.port");
        assert_eq!(without(&many[3], &found).name, "services.a.port");
    }

    #[test]
    fn machines_are_folders_of_machines() {
        let uses =
            missing(&[(81, "port", "machines/Eva/web.nix"), (82, "port", "hosts/default.nix"), (83, "port", "x.nix")]);
        assert_eq!(machines(&uses), HashSet::from(["eva".to_owned()]));
    }
}
