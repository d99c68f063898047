//! Paths in a repository as text, relative to its root, with `/` between the names.

/// The folder of a file; empty for the root.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last component of a path, which is the name of the file.
pub fn name(path: &str) -> &str {
    // Called for every file by many readers, and several times faster than splitting by a `char`.
    memchr::memrchr(b'/', path.as_bytes()).map_or(path, |slash| &path[slash + 1..])
}

/// Whether a file has this name, in any folder.
pub fn is_named(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

/// The folders around a file, innermost first, without the root.
pub fn folders(file: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(folder(file)), |inner| Some(folder(inner))).take_while(|folder| !folder.is_empty())
}

/// Whether a folder is or contains a flake template, judging by its name.
pub fn is_template(folder: &str) -> bool {
    matches!(folder.rsplit('/').next(), Some("template" | "templates" | "skel" | "skeleton"))
}

/// Resolves a relative path from a folder; `None` if it leads out of the repository.
pub fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The relative path from one file to another: `./x`, `../lib/x`.
pub fn between(from: &str, to: &str) -> String {
    let from: Vec<&str> = from.split('/').collect();
    let to: Vec<&str> = to.split('/').collect();
    let folders = from.len() - 1;
    let common = from.iter().take(folders).zip(to.iter().take(to.len() - 1)).take_while(|(a, b)| a == b).count();
    let up = folders - common;
    let lead = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
    lead + &to[common..].join("/")
}

/// Whether a file is in a folder of test data.
pub fn in_test_data(path: &str) -> bool {
    const DATA: [&str; 7] = ["testdata", "test_data", "test-data", "fixtures", "fixture", "snapshots", "__fixtures__"];
    let folders = || folder(path).split('/');
    folders().any(|folder| DATA.contains(&folder))
        || folders().zip(folders().skip(1)).any(|(outer, inner)| matches!(outer, "test" | "tests") && inner == "data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_inside_the_repository() {
        for (start, path, wanted) in [
            ("a/b", "../c.nix", Some("a/c.nix")),
            ("server", "../db/process-compose.yaml", Some("db/process-compose.yaml")),
            ("", "./lib//x.nix", Some("lib/x.nix")),
            ("a", "./../../c.nix", None),
            ("a/b", "../../../x.yaml", None),
            ("", "/etc/x.nix", None),
        ] {
            assert_eq!(join(start, path).as_deref(), wanted, "{start} {path}");
        }
    }

    #[test]
    fn relative_paths_lead_from_one_file_to_another() {
        for (from, to, wanted) in [
            ("modules/web.nix", "lib/ports.nix", "../lib/ports.nix"),
            ("flake.nix", "lib/ports.nix", "./lib/ports.nix"),
            ("lib/x.nix", "lib/ports.nix", "./ports.nix"),
            ("a/b/c.nix", "a/lib/ports.nix", "../lib/ports.nix"),
            ("a.nix", "b.nix", "./b.nix"),
        ] {
            assert_eq!(between(from, to), wanted);
            assert_eq!(join(folder(from), wanted).as_deref(), Some(to));
        }
    }

    #[test]
    fn folders_are_listed_from_the_innermost() {
        assert_eq!(folders("a/b/c.nix").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(folders("c.nix").count(), 0);
    }
}
