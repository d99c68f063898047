//! GitHub and GitLab CODEOWNERS files: who owns which paths.
//!
//! <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>
//! and <https://docs.gitlab.com/user/project/codeowners/reference/>

use globset::GlobBuilder;

use crate::globs::{self, Globs};

/// The paths of CODEOWNERS files, relative to the root, in search order.
pub const FILES: [&str; 4] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];

/// The maximum number of rows: each is compared with each path.
const MAX_ROWS: usize = 10_000;

/// The rows in a file. The last row that matches a path decides.
#[derive(Debug, Default)]
pub struct Owners {
    globs: Globs,
    /// For each glob, its row.
    rows: Vec<usize>,
    owners: Vec<Vec<String>>,
}

impl Owners {
    /// Parses a file. As on GitHub, rows with an invalid pattern match nothing. If a pattern exceeds the limits for
    /// globs, no path has owners.
    pub fn parse(text: &str) -> Self {
        let mut globs = Vec::new();
        let mut read = Self::default();
        // GitLab's sections may name owners for rows without owners.
        let mut section: Vec<String> = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((_, rest)) =
                line.trim_start_matches('^').strip_prefix('[').and_then(|line| line.split_once(']'))
            {
                // `[2]` is the number of required approvals.
                let is_count = |word: &String| word.starts_with('[');
                section = owners(rest).into_iter().skip_while(is_count).collect();
                continue;
            }
            if read.owners.len() == MAX_ROWS {
                break;
            }
            let (pattern, rest) = split_pattern(line);
            let named = owners(rest);
            let row = read.owners.len();
            read.owners.push(if named.is_empty() { section.clone() } else { named });
            for form in forms(&pattern) {
                // Skipping only this row would give its files to the owners of an earlier row.
                if globs::refusal(form.as_bytes()).is_some() {
                    return Self::default();
                }
                if let Ok(glob) = GlobBuilder::new(&form).literal_separator(true).build() {
                    globs.push(glob);
                    read.rows.push(row);
                }
            }
        }
        match Globs::new(&globs) {
            Ok(globs) => Self { globs, ..read },
            Err(_) => Self::default(),
        }
    }

    /// The owners of a path; empty if it has none.
    pub fn of(&self, path: &str) -> &[String] {
        let row = self.globs.matches(path).into_iter().map(|glob| self.rows[glob]).max();
        row.map_or(&[], |row| &self.owners[row])
    }
}

/// The pattern of a row, in which a backslash escapes a space, and the rest of the row.
fn split_pattern(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => pattern.extend(chars.next().map(|(_, c)| c)),
            ' ' | '\t' => return (pattern, &line[at..]),
            c => pattern.push(c),
        }
    }
    (pattern, "")
}

fn owners(text: &str) -> Vec<String> {
    text.split_whitespace().take_while(|word| !word.starts_with('#')).map(str::to_owned).collect()
}

/// The globs of a pattern: the pattern itself and, unless it ends in `/*`, everything under it.
fn forms(pattern: &str) -> Vec<String> {
    let trimmed = pattern.trim_end_matches('/');
    let anywhere = if trimmed.contains('/') { "" } else { "**/" };
    let path = format!("{anywhere}{}", trimmed.trim_start_matches('/'));
    // Braces and brackets are ordinary characters here.
    let path: String = path.chars().flat_map(escaped).collect();
    let below = format!("{path}/**");
    match (pattern.ends_with('/'), pattern.ends_with("/*")) {
        (true, _) => vec![below],
        (false, true) => vec![path],
        (false, false) => vec![path, below],
    }
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let is_special = matches!(c, '{' | '}' | '[' | ']');
    let (open, close) = if is_special { (Some('['), Some(']')) } else { (None, None) };
    open.into_iter().chain([c]).chain(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_matching_row_decides() {
        let owners = Owners::parse(
            "* @all\n# comment\n*.nix @nix x@example.org # why\n/docs/* @docs\napps/ @apps\n/apps/secret\na\\ b/ @space\n",
        );
        for (path, expected) in [
            ("README.md", &["@all"][..]),
            ("a/b.nix", &["@nix", "x@example.org"]),
            ("docs/a.md", &["@docs"]),
            ("docs/x/a.md", &["@all"]),
            ("x/apps/y/z.nix", &["@apps"]),
            ("apps/secret/a.nix", &[]),
            ("a b/c", &["@space"]),
        ] {
            assert_eq!(owners.of(path), expected, "{path}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_read_leaves_the_owners_unknown() {
        let owners = Owners::parse(&format!("* @all\n/{}x @deep\n", "a/".repeat(600)));
        assert!(owners.of("README.md").is_empty());
    }

    #[test]
    fn gitlab_sections_have_owners() {
        let owners = Owners::parse("[Database] @dba\ndb/\n^[Docs][2] @docs\ndocs/ @writers\n*.md\n");
        assert_eq!(owners.of("db/a.nix"), ["@dba"]);
        assert_eq!(owners.of("docs/a.txt"), ["@writers"]);
        assert_eq!(owners.of("docs/a.md"), ["@docs"]);
    }
}
