//! The changes as a unified diff, which `git apply` and `patch -p1` can apply.

use similar::TextDiff;

use super::Change;
use crate::output::text::harmful;

/// The diff of all changes, in the given order.
pub fn unified(changes: &[Change]) -> String {
    changes.iter().map(of_file).collect()
}

/// A file name, quoted as git quotes it if it contains anything that could end it or be misread.
fn quoted(name: &str) -> String {
    if !name.contains(['"', '\\']) && !name.chars().any(harmful) {
        return name.to_owned();
    }
    let mut quoted = String::from('"');
    for c in name.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if harmful(c) => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| quoted += &format!("\\{byte:03o}")),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn of_file(change: &Change) -> String {
    let (old_name, before) = match &change.before {
        Some(before) => (quoted(&format!("a/{}", change.path)), before.as_str()),
        None => ("/dev/null".to_owned(), ""),
    };
    let new_name = quoted(&format!("b/{}", change.path));
    TextDiff::from_lines(before, &change.after)
        .unified_diff()
        .context_radius(3)
        .header(&old_name, &new_name)
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn names_cannot_forge_headers() {
        assert_eq!(quoted("b/ü .nix"), "b/ü .nix");
        assert_eq!(quoted("b/a\n+++ b/x\"\u{1b}"), "\"b/a\\n+++ b/x\\\"\\033\"");
        assert_eq!(quoted("b/\u{202e}"), "\"b/\\342\\200\\256\"");
    }

    #[test]
    fn changed_and_new_files() {
        let change = |path: &str, before: Option<&str>, after: &str| Change {
            path: Arc::from(path),
            before: before.map(str::to_owned),
            after: after.to_owned(),
            needed_elsewhere: false,
        };
        let diff = unified(&[change("a.nix", Some("1\n2"), "1\n3"), change("lib/ports.nix", None, "{ }\n")]);
        let expected = "--- a/a.nix\n+++ b/a.nix\n@@ -1,2 +1,2 @@\n 1\n-2\n\\ No newline at end of file\n+3\n\
                        \\ No newline at end of file\n--- /dev/null\n+++ b/lib/ports.nix\n@@ -0,0 +1 @@\n+{ }\n";
        assert_eq!(diff, expected);
    }
}
