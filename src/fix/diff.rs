//! Formats the changes as a unified diff, which `git apply` and `patch -p1` can apply.

use similar::TextDiff;

use super::Change;
use crate::wording::harmful;

/// The diff of all changes, in the given order.
pub fn unified(changes: &[Change]) -> String {
    changes.iter().map(of_file).collect()
}

/// A file name, quoted as git quotes it if the name contains a character that could end it or be misread.
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
    fn changed_and_new_files_are_shown() {
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

    /// Programs reject a patch whose headers do not describe its hunks. Texts with repeated lines have several possible
    /// diffs.
    #[test]
    fn headers_describe_their_hunks() {
        let mut dice = random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..5_000 {
            let mut text = || (0..dice(24)).map(|_| ["a\n", "b\n", "c\n", "\n"][dice(4)]).collect::<String>();
            let (before, after) = (text(), text());
            let change = Change {
                path: Arc::from("a"),
                before: Some(before.clone()),
                after: after.clone(),
                needed_elsewhere: false,
            };
            let diff = of_file(&change);
            assert_eq!(applied(&before, &diff), after, "{diff}");
        }
    }

    /// A generator of numbers below a limit that returns the same sequence in each run.
    fn random(mut state: u64) -> impl FnMut(u64) -> usize {
        move |end| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 11) % end) as usize
        }
    }

    /// The text after applying the hunks of a diff. Asserts that each hunk has the position and length that its header
    /// gives.
    fn applied(before: &str, diff: &str) -> String {
        let old: Vec<&str> = before.split_inclusive('\n').collect();
        let (mut at, mut after) = (0, String::new());
        let mut lines = diff.split_inclusive('\n').skip(2).peekable();
        while let Some(header) = lines.next() {
            let numbers: Vec<(usize, usize)> = header
                .split(' ')
                .filter_map(|range| range.strip_prefix(['-', '+']))
                .map(|range| range.split_once(',').unwrap_or((range, "1")))
                .map(|(start, count)| (start.parse().expect(header), count.parse().expect(header)))
                .collect();
            let [(start, old_count), (new_start, new_count)] = numbers[..] else { panic!("{header}") };
            // The header of an empty range gives the number of the line before it.
            let first = start - usize::from(old_count > 0);
            after.extend(old[at..first].iter().copied());
            assert_eq!(after.split_inclusive('\n').count(), new_start - usize::from(new_count > 0), "{header}");
            let (mut removed, mut added) = (0, 0);
            while let Some(line) = lines.next_if(|line| !line.starts_with("@@")) {
                let (kind, text) = line.split_at(1);
                if kind != "+" {
                    assert_eq!(old[first + removed], text, "{header}");
                    removed += 1;
                }
                if kind != "-" {
                    after.push_str(text);
                    added += 1;
                }
            }
            assert_eq!((removed, added), (old_count, new_count), "{header}");
            at = first + removed;
        }
        after.extend(old[at..].iter().copied());
        after
    }
}
