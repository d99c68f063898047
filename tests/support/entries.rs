//! The entry points for untrusted bytes, for fuzzing: each accepts any bytes and panics only if flakeward violates an
//! invariant. `tests/fuzz_corpus.rs` and the fuzz targets in `fuzz/` run the same functions.

use std::io;
use std::path::Path;
use std::sync::LazyLock;

use flakeward::config::{Config, PortSettings};
use flakeward::facts::port_registry as registry;
use flakeward::facts::port_registry::Lookup;
use flakeward::finding::{Finding, RelPath, Safety};
use flakeward::fix::{self, Outcome, Request};
use flakeward::lang::flake::lock::Lock;
use flakeward::lang::{Language, Tree};
use flakeward::line_diff;
use flakeward::output::{self, Format, View};
use flakeward::rule::{Catalog, example, own, page};
use flakeward::source::LineIndex;
use flakeward::{Repo, Report, Settings, walk};

/// A function that accepts untrusted bytes.
pub type Entry = fn(&[u8]);

/// All entry points, each with its name, which is also the name of the fuzz target and of the folder with its seeds.
pub const ENTRIES: [(&str, Entry); 12] = [
    ("nix", nix),
    ("yaml", yaml),
    ("levels", levels),
    ("changed", changed),
    ("dockerfile", dockerfile),
    ("script", script),
    ("ci", ci),
    ("lock", lock),
    ("config", config),
    ("page", page),
    ("registry", registry),
    ("fix", fix),
];

/// The default settings, except that all fixes are planned.
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| Settings { fixes: Safety::Unsafe, ..Settings::default() });

/// A registry for files that refer to it.
const PORTS: &str = "{\n  web.api = 3000;\n  databases.postgresql = 5432;\n}\n";

/// A flake for files that need one next to them.
const FLAKE: (&str, &[u8]) = (
    "flake.nix",
    b"{\n  inputs.nixpkgs.url = \"github:NixOS/nixpkgs\";\n  inputs.a.url = \"github:a/b\";\n  \
      inputs.a.inputs.nixpkgs.follows = \"nixpkgs\";\n  outputs = { self, nixpkgs, a }: { };\n}\n",
);

/// The maximum input size: longer inputs find nothing new. Inputs that are large on purpose have their own tests.
const LONGEST: usize = 64 << 10;

/// Nix, as a module and as a flake.
pub fn nix(bytes: &[u8]) {
    for name in ["modules/a.nix", "flake.nix"] {
        checked(&[(name, bytes), ("ports.nix", PORTS.as_bytes())]);
    }
}

/// YAML: as processes, containers, workflows, and as an unknown file.
pub fn yaml(bytes: &[u8]) {
    let names = ["process-compose.yaml", "docker-compose.yml", ".github/workflows/ci.yml", "a.yaml"];
    for name in names {
        checked(&[(name, bytes), ("ports.nix", PORTS.as_bytes())]);
    }
}

/// Deeply nested YAML: each pair of bytes is a fragment and the number of its repetitions.
pub fn levels(bytes: &[u8]) {
    const PARTS: [&str; 32] = [
        "- ", "? ", ": ", "a: ", "\n", " ", "\t", "\"", "'", "[", "]", "{", "}", "|\n", ">2\n", "...\n", "---\n",
        "... ", "--- ", "&a ", "!t ", "*a ", "#", "@", "%", "\u{feff}", "\r", "x", "\"x\" ", ",", "\0", "\n@",
    ];
    let mut text = String::new();
    for pair in bytes.chunks_exact(2) {
        if text.len() > LONGEST {
            break;
        }
        text.push_str(&PARTS[pair[0] as usize % PARTS.len()].repeat(1 + pair[1] as usize));
    }
    let Ok(tree) = Tree::read(Language::Yaml, &text) else { return };
    assert!(tree.nodes().all(|node| text.get(tree.span(node).range()).is_some()), "a node is outside its text");
}

/// The line diff of two texts that are separated by a NUL: kept lines are lines of the older text, in the same order,
/// and all other lines are changed.
pub fn changed(bytes: &[u8]) {
    let Some((old, new)) = text(bytes).and_then(|text| text.split_once('\0')) else { return };
    let kept = line_diff::kept_lines(old, new);
    let (old_lines, new_lines) = (LineIndex::new(old), LineIndex::new(new));
    assert_eq!(kept.len(), new_lines.count());
    let line = |text, index: &LineIndex, at| {
        let end = index.start(at + 1).unwrap_or(u32::MAX) as usize;
        let start = index.start(at).unwrap_or(0) as usize;
        str::get(text, start..end.min(str::len(text))).unwrap_or("").to_owned()
    };
    assert!(kept.iter().flatten().is_sorted_by(|a, b| a < b), "the lines are in another order: {kept:?}");
    for (at, old_at) in kept.iter().enumerate().filter_map(|(at, old_at)| Some((at, (*old_at)?))) {
        assert!(old_at < old_lines.count(), "line {old_at} is past the end");
        assert_eq!(line(new, &new_lines, at), line(old, &old_lines, old_at));
    }
    let changed = line_diff::changed_lines(&kept);
    let is_changed = |at: usize| changed.iter().any(|range| range.contains(&(at as u32 + 1)));
    assert!(kept.iter().enumerate().all(|(at, old_at)| is_changed(at) == old_at.is_none()), "{changed:?}");
    assert!(old != new || changed.is_empty(), "equal texts have changed lines");
}

/// Dockerfiles.
pub fn dockerfile(bytes: &[u8]) {
    checked(&[("Dockerfile", bytes), ("ports.nix", PORTS.as_bytes())]);
}

/// Shell scripts, justfiles and makefiles.
pub fn script(bytes: &[u8]) {
    for name in ["a.sh", "justfile", "Makefile"] {
        checked(&[(name, bytes), FLAKE]);
    }
}

/// The configuration files of CI systems, except GitHub workflows, which [`yaml`] covers.
pub fn ci(bytes: &[u8]) {
    let names = ["action.yml", ".gitlab-ci.yml", ".circleci/config.yml", "azure-pipelines.yml", ".buildkite/a.yml"];
    let more = [".woodpecker.yml", "bitbucket-pipelines.yml", ".travis.yml", "buildspec.yml", "cloudbuild.yaml"];
    for name in names.into_iter().chain(more) {
        checked(&[(name, bytes), FLAKE]);
    }
}

/// flake.lock, next to the flake that it locks.
pub fn lock(bytes: &[u8]) {
    checked(&[FLAKE, ("flake.lock", bytes)]);
    let Some(text) = text(bytes) else { return };
    let Some(tree) = Tree::parse(Language::Json, text) else { return };
    let Some(lock) = Lock::read(&tree) else { return };
    for (label, node) in &lock.nodes {
        for input in node.inputs.keys() {
            // The input may not resolve, but the search must terminate.
            let _ = lock.resolve(label, input);
        }
    }
}

/// flakeward.toml: errors have a valid span, and accepted configurations can be used.
pub fn config(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Config::parse(Path::new("flakeward.toml"), text.to_owned()) {
        Err(error) => {
            let fits = error.span.is_none_or(|span| text.get(span).is_some());
            assert!(fits, "an error of the configuration points outside it: {}", error.message);
        }
        Ok(config) => {
            let files = [
                ("a.nix", &b"{ services.x.port = 3000; y = <nixpkgs>; }\n"[..]),
                ("compose.yaml", b"services:\n  a:\n    image: a\n    ports: [\"3000:80\"]\n"),
                ("ports.nix", PORTS.as_bytes()),
            ];
            let settings = Settings::new(config);
            let mut repo = Repo::from_bytes(files.map(|(path, bytes)| (path, bytes.to_vec())));
            repo.exclude(&settings.config.exclude);
            sound(&flakeward::check(&repo, &settings));
        }
    }
}

/// A rule's page.
pub fn page(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Some((_, body)) = page::split(text) else { return };
    match example::read(body) {
        Err(error) => assert!(error.span.is_none_or(|span| body.get(span).is_some()), "{}", error.message),
        Ok(examples) => {
            for block in examples.iter().flat_map(|example| &example.blocks) {
                assert_eq!(body.get(block.span.clone()), Some(block.text));
            }
        }
    }
    match own::parse("page", text) {
        Err(error) => {
            let span = error.span;
            assert!(span.is_none_or(|span| text.get(span).is_some()), "an error of a page points outside it");
        }
        Ok(rule) => {
            let repo = Repo::from_texts([("a.nix", PORTS), ("a.yaml", "a:\n  - b: 1\n"), ("Dockerfile", "FROM a\n")]);
            let report = flakeward::check(&repo, &Settings::new(Config::of(Catalog::with(vec![rule]))));
            assert!(!report.internal_error(), "{:?}", report.notes);
        }
    }
}

/// The evaluation of a port registry, found or configured, and lookups in it.
pub fn registry(bytes: &[u8]) {
    const USER: &str = "let ports = import ./ports.nix; in {\n  a = ports.web.api;\n  b = 5432;\n}\n";
    checked(&[("ports.nix", bytes), ("a.nix", USER.as_bytes())]);
    let Some(text) = text(bytes) else { return };
    let Some(tree) = Tree::parse(Language::Nix, text) else { return };
    let path = RelPath::from("ports.nix");
    let configured = PortSettings { registries: vec!["ports.nix".to_owned()], ..PortSettings::default() };
    for settings in [&PortSettings::default(), &configured] {
        let Some(registry) = registry::evaluate(&path, &tree, settings) else { continue };
        let names = registry::nearest::Names::of(&registry);
        for entry in registry.entries.iter().take(50) {
            for span in [entry.name_span, entry.value_span] {
                assert!(text.get(span.range()).is_some(), "{} points outside the file", entry.name());
            }
            assert_ne!(registry.lookup(&entry.path), Lookup::Missing(0), "{} cannot be looked up", entry.name());
            registry.named(&entry.name());
            names.nearest(&entry.name());
        }
    }
}

/// Fixes a repository in the format of [`files`]. Files that could be parsed before still can, and nothing is left to
/// fix.
pub fn fix(bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let files = files(bytes);
    let mut repo = Repo::from_bytes(files.iter().map(|(path, bytes)| (*path, bytes.to_vec())));
    let outcome = fixed(&repo);
    for change in &outcome.changes {
        let was_whole = change.before.as_deref().is_none_or(|before| parses(&change.path, before));
        assert!(
            !was_whole || parses(&change.path, &change.after),
            "{} has syntax errors after a fix:\n{}",
            change.path,
            change.after
        );
        repo.put(&change.path, change.after.clone().into_bytes());
    }
    assert!(!outcome.unsettled, "the fixes do not terminate");
    let again = fixed(&repo);
    let more = again.changes.first().map(|change| (&change.before, &change.after));
    assert_eq!(more, None, "a second fix changes the result");
}

fn fixed(repo: &Repo) -> Outcome {
    let outcome = fix::fix(repo, &SETTINGS, &Request { allowed: Safety::Unsafe, only: None, guard: &|_| Ok(()) });
    sound(&outcome.report);
    outcome
}

/// The files of a repository in one text: each starts after a line `%% path`.
fn files(bytes: &[u8]) -> Vec<(&str, &[u8])> {
    const MARK: &[u8] = b"%% ";
    let mut files: Vec<(&str, std::ops::Range<usize>)> = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let end = at + line.len();
        let path = line.strip_prefix(MARK).and_then(|path| std::str::from_utf8(path).ok()).map(str::trim);
        match (path, files.last_mut()) {
            (Some(path), _) => files.push((path, end..end)),
            (None, Some((_, text))) => text.end = end,
            (None, None) => {}
        }
        at = end;
    }
    files.into_iter().map(|(path, text)| (path, &bytes[text])).collect()
}

fn parses(path: &str, text: &str) -> bool {
    match walk::by_name(path).and_then(Language::of) {
        Some(language) => Tree::parse(language, text).is_some_and(|tree| !tree.broken()),
        None => true,
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LONGEST)
}

fn checked(files: &[(&str, &[u8])]) {
    if files.iter().all(|(_, bytes)| bytes.len() <= LONGEST) {
        sound(&flakeward::check(
            &Repo::from_bytes(files.iter().map(|&(path, bytes)| (path, bytes.to_vec()))),
            &SETTINGS,
        ));
    }
}

/// Checks a report: no check failed internally, all spans are valid, and some formats can be written.
fn sound(report: &Report) {
    assert!(!report.internal_error(), "{:?}", report.notes);
    for finding in &report.findings {
        places(report, finding);
    }
    for format in [Format::Pretty, Format::Concise, Format::Json] {
        assert!(output::write(format, report, &View::default(), &mut io::sink()).is_ok(), "{format:?}");
    }
}

fn places(report: &Report, finding: &Finding) {
    let edits = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| (&edit.path, edit.span));
    for (path, span) in edits.chain([(&finding.path, finding.span)]) {
        let Some(source) = report.sources.get(path) else { continue };
        let fits = source.text.get(span.range()).is_some();
        assert!(fits, "{}: {span:?} is outside {path}: {}", finding.rule, finding.message);
    }
}
