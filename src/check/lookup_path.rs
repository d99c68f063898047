//! `lookup-path`: `<nixpkgs>` and other lookups in NIX_PATH.

use super::{Check, ProjectView, Verdict};
use crate::facts::flake::lookups::Lookup;
use crate::facts::flake::{self, FlakeFacts};
use crate::facts::{Project, ProjectFile};
use crate::finding::{Edit, Finding, Fix, Safety};
use crate::lang::flake::Flake;
use crate::paths;

const RULE: &str = "lookup-path";

/// See `rules/lookup-path.md`.
pub static CHECK: Check = Check::of_project(RULE, &[&flake::READER], project);

fn project(view: &ProjectView<'_>) -> Verdict {
    let files = view.project.each::<FlakeFacts>();
    let tool = pin_tool(view.project);
    let mut verdict = Verdict::default();
    for (file, facts) in files {
        let sample = Sample::of(&file.source.path);
        let meant = facts.lookups.iter().filter(|lookup| sample.means(lookup));
        verdict.extend(meant.map(|lookup| finding(view.project, file, lookup, tool)));
    }
    verdict
}

/// The program that pins the repository's sources, such as npins. `None` if the repository has a flake, or if it uses
/// no such program.
fn pin_tool(project: &Project) -> Option<&'static str> {
    const TOOLS: [(&str, &str); 3] =
        [("npins", "npins/sources.json"), ("niv", "nix/sources.json"), ("lon", "lon.lock")];
    if project.folders_with("flake.nix").next().is_some() {
        return None;
    }
    let is_at =
        |path: &str, file: &str| path.strip_suffix(file).is_some_and(|dir| dir.is_empty() || dir.ends_with('/'));
    let has = |file: &str| project.paths.keys().any(|path| is_at(path, file));
    TOOLS.into_iter().find(|(_, file)| has(file)).map(|(tool, _)| tool)
}

/// The kind of a file, by its path: lookups in test data and examples may be mere samples of syntax.
enum Sample {
    /// Test data: only known channel names count.
    Data,
    /// An example: a lookup of a path below a name, such as `<lib/file.nix>`, also counts.
    Example,
    /// Any other file.
    None,
}

impl Sample {
    fn of(path: &str) -> Self {
        let has = |names: &[&str]| paths::folder(path).split('/').any(|folder| names.contains(&folder));
        match (paths::in_test_data(path), has(&["examples", "example", "samples"])) {
            (true, _) => Sample::Data,
            (false, true) => Sample::Example,
            (false, false) => Sample::None,
        }
    }

    fn means(&self, lookup: &Lookup) -> bool {
        match self {
            Sample::Data => is_channel(&lookup.name),
            Sample::Example => is_channel(&lookup.name) || !lookup.below.is_empty(),
            Sample::None => true,
        }
    }
}

/// Whether a name is a common channel.
fn is_channel(name: &str) -> bool {
    const CHANNELS: [&str; 12] = [
        "nixpkgs",
        "nixos",
        "home-manager",
        "nix-darwin",
        "darwin",
        "unstable",
        "stable",
        "nixos-hardware",
        "nur",
        "agenix",
        "sops-nix",
        "nixos-config",
    ];
    CHANNELS.contains(&name) || name.starts_with("nixpkgs-") || name.starts_with("nixos-")
}

fn finding(project: &Project, file: &ProjectFile, lookup: &Lookup, tool: Option<&str>) -> Finding {
    let text = file.source.slice(lookup.span);
    let message = format!("`{text}` is looked up in NIX_PATH, which differs from machine to machine");
    let help = match tool {
        Some(tool) => format!("import a source that {tool} pins"),
        None => "use a flake input, which flake.lock pins".to_owned(),
    };
    let finding = Finding::new(RULE, &file.source.path, lookup.span, message).help(help);
    let known =
        lookup.scope.filter(|_| flake_around(project, &file.source.path).is_some_and(|flake| has(flake, &lookup.name)));
    let Some(scope) = known else { return finding };
    let input = format!("{scope}{}", lookup.name);
    let text = match lookup.below.as_str() {
        "" => input,
        below => format!("\"${{{input}}}{below}\""),
    };
    let title = format!("use the input `{}`", lookup.name);
    let edit = Edit { path: file.source.path.clone(), span: lookup.span, text: text.clone() };
    finding.label(format!("write `{text}`")).fix(Fix::new(title, Safety::Unsafe, vec![edit]))
}

/// The flake in the innermost folder around a file that has a flake.nix. `None` if there is no such folder, or if its
/// flake.nix cannot be read.
fn flake_around<'a>(project: &'a Project, path: &str) -> Option<&'a Flake> {
    let mut folder = path;
    loop {
        folder = paths::folder(folder);
        let flake = if folder.is_empty() { "flake.nix".to_owned() } else { format!("{folder}/flake.nix") };
        if let Some(file) = project.file(&flake) {
            return file.fact::<FlakeFacts>()?.flake.as_deref();
        }
        if folder.is_empty() {
            return None;
        }
    }
}

fn has(flake: &Flake, name: &str) -> bool {
    flake.input(name).is_some() || flake.implicit().any(|input| input.value == name)
}
