//! The table of file kinds and their differences: names, grammar, comments, limits.
//!
//! A new language is a row here, its kind in [`crate::source`], its grammar in `Cargo.toml`, and the names of its nodes
//! in [`super::kind`].

use std::borrow::Cow;

use super::{Refusal, Tree, dockerfile, limits, nix};
use crate::paths;
use crate::source::FileKind;

/// A kind of file.
pub struct Row {
    /// The kind.
    pub kind: FileKind,
    /// Its name in the `languages` of rule pages.
    pub name: &'static str,
    /// Its name in messages, as in "cannot be parsed as ..".
    pub shown: &'static str,
    /// Its grammar. Files of kinds without one are not parsed.
    pub grammar: Option<Grammar>,
    /// File extensions, in lower case.
    pub extensions: &'static [&'static str],
    /// File names or path suffixes, in lower case.
    pub files: &'static [&'static str],
    /// A predicate for other file names; receives them in lower case.
    pub named: fn(&str) -> bool,
    /// The start of a line comment. `None` if there are none.
    pub comment: Option<&'static str>,
    /// Whether a backslash at the end of a line continues it.
    pub continues: bool,
}

/// A grammar, and workarounds for its limitations.
pub struct Grammar {
    /// Its language.
    pub language: Language,
    /// Its name in messages about the grammar.
    pub name: &'static str,
    /// Whether rules can have queries for it.
    pub queries: bool,
    /// Loads the grammar.
    load: fn() -> tree_sitter::Language,
    /// Replaces syntax that it does not support with text of the same length that it accepts.
    pub(super) prepare: fn(&str) -> Cow<'_, str>,
    /// The replacement for a byte order mark.
    pub(super) blank_mark: &'static str,
    /// Returns the reason if the text must not be parsed.
    pub(super) refuse: fn(&[u8]) -> Option<Refusal>,
    /// The length of the longest prefix of the text that it can parse, in bytes.
    pub(super) readable: fn(&str) -> usize,
    /// Returns the reason if a tree cannot be correct.
    pub(super) distrust: fn(&Tree<'_>) -> Option<Refusal>,
}

/// A grammar without special limits.
const PLAIN: Grammar = Grammar {
    language: Language::Json,
    name: "JSON",
    queries: false,
    load: || tree_sitter_json::LANGUAGE.into(),
    prepare: |text| Cow::Borrowed(text),
    blank_mark: "   ",
    refuse: |_| None,
    readable: str::len,
    distrust: |_| None,
};

/// All kinds of files, in the order of [`FileKind`]. If several rows match a path, an extension takes precedence over a
/// file name, and a file name over [`Row::named`].
pub static LANGUAGES: [Row; 8] = [
    Row {
        kind: FileKind::Nix,
        name: "nix",
        shown: "Nix",
        grammar: Some(Grammar {
            language: Language::Nix,
            name: "Nix",
            queries: true,
            load: || tree_sitter_nix::LANGUAGE.into(),
            prepare: nix::for_grammar,
            refuse: limits::refused_nix,
            ..PLAIN
        }),
        extensions: &["nix"],
        files: &[],
        named: |_| false,
        comment: Some("#"),
        continues: false,
    },
    Row {
        kind: FileKind::Yaml,
        name: "yaml",
        shown: "YAML",
        grammar: Some(Grammar {
            language: Language::Yaml,
            name: "YAML",
            queries: true,
            load: || tree_sitter_yaml::LANGUAGE.into(),
            // Spaces would indent the first key.
            blank_mark: "\n\n\n",
            refuse: limits::refused_yaml,
            readable: limits::readable_yaml,
            distrust: limits::misread_yaml,
            ..PLAIN
        }),
        extensions: &["yaml", "yml"],
        files: &[],
        // JSON is YAML, and both Docker Compose and process-compose accept it.
        named: |name| name.ends_with("compose.json") || (name.contains("compose-") && name.ends_with(".json")),
        comment: Some("#"),
        continues: false,
    },
    Row {
        kind: FileKind::Dockerfile,
        name: "dockerfile",
        shown: "a Dockerfile",
        grammar: Some(Grammar {
            language: Language::Dockerfile,
            name: "Dockerfile",
            queries: true,
            load: || tree_sitter_containerfile::LANGUAGE.into(),
            prepare: dockerfile::for_grammar,
            refuse: limits::refused_dockerfile,
            ..PLAIN
        }),
        extensions: &[],
        files: &[],
        named: dockerfile::is_name,
        comment: Some("#"),
        continues: true,
    },
    Row {
        kind: FileKind::Lock,
        name: "lock",
        shown: "JSON",
        grammar: Some(PLAIN),
        extensions: &[],
        files: &["flake.lock"],
        named: |_| false,
        comment: None,
        continues: false,
    },
    Row {
        kind: FileKind::Shell,
        name: "shell",
        shown: "a shell script",
        grammar: None,
        extensions: &["sh", "bash", "zsh"],
        files: &[],
        named: |_| false,
        comment: Some("#"),
        continues: true,
    },
    Row {
        kind: FileKind::Just,
        name: "just",
        shown: "a justfile",
        grammar: None,
        extensions: &["just"],
        files: &["justfile", ".justfile"],
        named: |_| false,
        comment: Some("#"),
        continues: true,
    },
    Row {
        kind: FileKind::Make,
        name: "make",
        shown: "a makefile",
        grammar: None,
        extensions: &["mk"],
        files: &["makefile", "gnumakefile"],
        named: |_| false,
        comment: Some("#"),
        continues: true,
    },
    Row {
        kind: FileKind::Settings,
        name: "settings",
        shown: "settings",
        grammar: None,
        extensions: &[],
        files: &[
            "devbox.json",
            "package.json",
            "nix/sources.json",
            "npins/sources.json",
            "lon.lock",
            "buildbot-nix.toml",
        ],
        named: |_| false,
        // Of the files that findings refer to, only flakeward.toml can have comments.
        comment: Some("#"),
        continues: false,
    },
];

/// The kind of a file by its path. `None` if it has none.
pub fn by_path(path: &str) -> Option<FileKind> {
    let path = path.to_ascii_lowercase();
    let name = paths::name(&path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let ends = |end: &&str| path.strip_suffix(*end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    let find = |fits: &dyn Fn(&Row) -> bool| LANGUAGES.iter().find(|row| fits(row)).map(|row| row.kind);
    find(&|row| row.extensions.contains(&extension))
        .or_else(|| find(&|row| row.files.iter().any(ends)))
        .or_else(|| find(&|row| (row.named)(name)))
}

/// The names of the kinds that rules can apply to.
pub fn names() -> impl Iterator<Item = &'static str> {
    LANGUAGES.iter().filter(|row| row.kind != FileKind::Settings).map(|row| row.name)
}

/// The grammars that rules can have queries for, with their names in rule pages.
pub fn with_queries() -> impl Iterator<Item = (&'static str, Language)> {
    let grammars = LANGUAGES.iter().filter_map(|row| Some((row.name, row.grammar.as_ref()?)));
    grammars.filter(|(_, grammar)| grammar.queries).map(|(name, grammar)| (name, grammar.language))
}

impl FileKind {
    /// Its row in [`LANGUAGES`].
    pub fn row(self) -> &'static Row {
        &LANGUAGES[self as usize]
    }

    /// The name in the `languages` of rule pages.
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

/// The languages with a grammar, numbered like their file kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Nix.
    Nix = FileKind::Nix as isize,
    /// YAML.
    Yaml = FileKind::Yaml as isize,
    /// Dockerfile and Containerfile.
    Dockerfile = FileKind::Dockerfile as isize,
    /// JSON, such as flake.lock.
    Json = FileKind::Lock as isize,
}

impl Language {
    /// The language of a kind of file; `None` if it has no grammar.
    pub fn of(kind: FileKind) -> Option<Self> {
        kind.row().grammar.as_ref().map(|grammar| grammar.language)
    }

    /// Its grammar in [`LANGUAGES`].
    pub(super) fn row(self) -> &'static Grammar {
        LANGUAGES[self as usize].grammar.as_ref().unwrap_or(&PLAIN)
    }

    /// The name in messages about the grammar.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The grammar.
    pub fn grammar(self) -> tree_sitter::Language {
        (self.row().load)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_and_each_language_has_its_row() {
        for row in &LANGUAGES {
            assert_eq!(row.kind.row().name, row.name);
            assert_eq!(row.kind.row().kind, row.kind);
            if let Some(grammar) = &row.grammar {
                assert_eq!(grammar.language.row().name, grammar.name);
                assert_eq!(grammar.language.row().language, grammar.language);
                assert_eq!(Language::of(row.kind), Some(grammar.language));
            }
        }
    }
}
