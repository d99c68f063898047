//! Scripts, recipes and npm scripts that CI steps run, directly or through other scripts.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::call::{self, ANYWHERE, Call, Target};
use super::images::{Build, script_builds};
use super::nix::{self, NixStep};
use crate::facts::flake::{Use, commands};
use crate::facts::needles::Words;
use crate::facts::{Fact, FileView, Glance, Project, ProjectFile, Reader, fact};
use crate::finding::{Note, NoteKind, Span};
use crate::lang::ci::{self, Script, Site, System};
use crate::lang::yaml::Yaml;
use crate::lang::{Field, Language, Node, NodeKind, Tree, recipes, shell, taskfile};
use crate::paths;
use crate::source::{FileKind, Source};

/// Reads the scripts and recipes in a file, and what CI files run.
pub static READER: Reader = Reader { name: "calls", needles: &[&TASKS], may_hold, read };

static TASKS: Words = Words::any_of(&["tasks:"]);

/// The runnable parts in a file, and what its CI steps run.
#[derive(Debug, Default)]
pub struct CallFacts {
    /// The parts of a script, makefile, justfile, Taskfile or package.json that can be run.
    pub units: Vec<Unit>,
    /// What the steps of a CI file run outside the file.
    pub calls: Vec<Call>,
    /// The files that a justfile, makefile or Taskfile reads: the name of the module (`None` for an import) and the
    /// paths that it may have.
    pub modules: Vec<(Option<String>, Vec<String>)>,
    /// The paths of YAML files in a GitLab CI file, which it may include.
    pub includes: Vec<String>,
}

impl Fact for CallFacts {}

fn may_hold(source: &Glance<'_>) -> bool {
    has_units(source) || source.kind == FileKind::Yaml && (ci::system(&source.path).is_some() || source.has(&TASKS))
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let mut facts = CallFacts { units: units(file.source), ..CallFacts::default() };
    facts.modules = match file.source.kind {
        FileKind::Just => modules(file.source),
        FileKind::Make => included(file.source),
        _ => Vec::new(),
    };
    if let (Some(tree), FileKind::Yaml) = (file.tree, file.source.kind) {
        let yaml = Yaml::new(tree);
        facts.units = taskfile::tasks(&yaml).into_iter().flat_map(task_units).collect();
        if !facts.units.is_empty() {
            let folder = paths::folder(&file.source.path);
            let includes = taskfile::includes(&yaml).into_iter();
            let at = |paths: Vec<String>| paths.iter().filter_map(|path| paths::join(folder, path)).collect();
            facts.modules = includes.map(|(name, paths)| (Some(name), at(paths))).collect();
        }
    }
    let system = ci::system(&file.source.path).filter(|_| file.source.kind == FileKind::Yaml);
    if let (Some(tree), Some(system)) = (file.tree, system) {
        let yaml = Yaml::new(tree);
        let folders = working_folders(&yaml);
        if system == System::GitLab {
            facts.includes = yaml_files(&file.source.text);
        }
        for site in ci::sites(&yaml, system) {
            if let Site::Script(script) = site {
                let folder = folders.get(&script.start).map_or("", |folder| folder);
                facts.calls.extend(call::of(&script, &shell::commands(&script.text), folder));
            }
        }
    }
    let is_empty =
        facts.units.is_empty() && facts.calls.is_empty() && facts.modules.is_empty() && facts.includes.is_empty();
    fact(facts, is_empty)
}

/// The paths of the YAML files that a GitLab CI file may include.
fn yaml_files(text: &str) -> Vec<String> {
    if memchr::memmem::find(text.as_bytes(), b"include").is_none() {
        return Vec::new();
    }
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']' | '{' | '}' | ','));
    words.filter(|word| word.ends_with(".yml") || word.ends_with(".yaml")).map(str::to_owned).collect()
}

/// The files that the GitLab CI files of a repository include.
struct Included<'p> {
    /// Their paths as written, without a leading `./` or `/`.
    paths: HashSet<&'p str>,
    /// Whether any of the paths contains a glob or a variable.
    is_open: bool,
}

impl<'p> Included<'p> {
    fn of(project: &'p Project) -> Self {
        let written = || project.all::<CallFacts>().flat_map(|facts| &facts.includes);
        let paths = written().map(|path| path.trim_start_matches("./").trim_start_matches('/')).collect();
        Self { paths, is_open: written().any(|path| path.contains(['*', '$'])) }
    }

    /// Whether nothing in the repository shows that GitLab runs a file: it has the default name, but it is not in the
    /// root, and no other file includes it. The project's settings or another repository may refer to it.
    fn leaves_out(&self, path: &str) -> bool {
        if self.is_open || !path.ends_with("/.gitlab-ci.yml") {
            return false;
        }
        let starts = std::iter::once(0).chain(path.match_indices('/').map(|(at, _)| at + 1));
        !starts.into_iter().any(|at| self.paths.contains(&path[at..]))
    }
}

/// Returns a predicate for the paths of GitLab CI files that are neither in the root nor included by another file.
pub fn left_out(project: &Project) -> impl Fn(&str) -> bool {
    let included = Included::of(project);
    move |path| included.leaves_out(path)
}

/// Notes about GitLab CI files that matter to a rule, or run something that does, but that GitLab might never run.
pub fn left_out_notes(
    project: &Project,
    matters: impl Fn(&ProjectFile) -> bool,
    unit_matters: impl Fn(&Unit) -> bool,
) -> Vec<Note> {
    let is_left_out = left_out(project);
    let files: Vec<&ProjectFile> = project.files.iter().filter(|file| is_left_out(&file.source.path)).collect();
    let runs = lead_to(project, &files, unit_matters);
    let note = |file: &ProjectFile| Note {
        kind: NoteKind::NotDecidable,
        path: Some(file.source.path.clone()),
        message: "cannot tell whether GitLab runs this file: it is not in the root, and no file in this repository \
                  includes it"
            .to_owned(),
    };
    let noted = files.into_iter().zip(runs).filter(|(file, runs)| matters(file) || *runs);
    noted.map(|(file, _)| note(file)).collect()
}

/// For each of the given CI files, whether its steps run a unit that matters, directly or indirectly. The files may
/// share scripts, so each unit is followed only once.
fn lead_to<'p>(project: &'p Project, files: &[&'p ProjectFile], matters: impl Fn(&Unit) -> bool) -> Vec<bool> {
    let steps = |file: &&'p ProjectFile| {
        file.fact::<CallFacts>().map_or_else(Vec::new, |facts| units_called(project, file, &facts.calls))
    };
    let first: Vec<Vec<(&ProjectFile, &Unit)>> = files.iter().map(steps).collect();
    let mut callers: HashMap<*const Unit, Vec<*const Unit>> = HashMap::new();
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    let mut waiting: Vec<(&ProjectFile, &Unit)> = first.iter().flatten().copied().collect();
    while let Some((file, unit)) = waiting.pop() {
        let caller = std::ptr::from_ref(unit);
        if !seen.insert(caller) {
            continue;
        }
        if matters(unit) {
            found.push(caller);
        }
        for (file, unit) in units_called(project, file, &unit.step.calls) {
            callers.entry(std::ptr::from_ref(unit)).or_default().push(caller);
            waiting.push((file, unit));
        }
    }
    let mut leading: HashSet<*const Unit> = HashSet::new();
    while let Some(unit) = found.pop() {
        if leading.insert(unit) {
            found.extend(callers.get(&unit).into_iter().flatten());
        }
    }
    let leads = |units: &Vec<(&ProjectFile, &Unit)>| {
        units.iter().any(|(_, unit)| leading.contains(&std::ptr::from_ref::<Unit>(unit)))
    };
    first.iter().map(leads).collect()
}

/// The folders that steps select for their scripts with `working-directory`, by the script's offset.
fn working_folders<'a>(yaml: &Yaml<'_, 'a>) -> HashMap<u32, Cow<'a, str>> {
    const KEY: &str = "working-directory";
    let tree = yaml.tree;
    let has_any = memchr::memmem::find(tree.text().as_bytes(), KEY.as_bytes()).is_some();
    let is_pair = |node: &Node| matches!(tree.kind(*node), NodeKind::BlockMappingPair | NodeKind::FlowPair);
    let pairs = tree.nodes().filter(|node| has_any && is_pair(node));
    pairs
        .filter_map(|pair| {
            yaml.scalar(tree.child(pair, Field::Key)?).filter(|key| key == KEY)?;
            let script = Script::read(yaml, yaml.get(tree.parent(pair)?, "run")?)?;
            Some((script.start, yaml.scalar(tree.child(pair, Field::Value)?)?))
        })
        .collect()
}

/// The files that a justfile reads, with the paths at which just searches for a module.
fn modules(source: &Source) -> Vec<(Option<String>, Vec<String>)> {
    const FILES: [&str; 6] = [".just", "/mod.just", "/justfile", "/Justfile", "/.justfile", "/.Justfile"];
    let folder = paths::folder(&source.path);
    let read = |module: recipes::Module<'_>| {
        let written = match (module.path, module.name) {
            (Some(path), None) => vec![path.to_owned()],
            // The path of a module may be its folder.
            (Some(path), Some(_)) => {
                std::iter::once(path.to_owned()).chain(FILES[1..].iter().map(|file| format!("{path}{file}"))).collect()
            }
            (None, name) => FILES.iter().map(|file| format!("{}{file}", name.unwrap_or_default())).collect(),
        };
        let paths = written.iter().filter_map(|path| paths::join(folder, path)).collect();
        (module.name.map(str::to_owned), paths)
    };
    recipes::modules(&source.text).into_iter().map(read).collect()
}

/// The files that a makefile includes. make looks for them in the folder that it runs in, usually the makefile's.
fn included(source: &Source) -> Vec<(Option<String>, Vec<String>)> {
    let folder = paths::folder(&source.path);
    let at = |path: &str| [folder, ""].into_iter().filter_map(|folder| paths::join(folder, path)).collect();
    recipes::includes(&source.text).map(|path| (None, at(path))).collect()
}

/// A part of a file that can be run on its own.
#[derive(Debug)]
pub struct Unit {
    /// The name of the recipe, task or npm script; `None` for a whole script.
    pub name: Option<String>,
    /// Images that it builds with Docker tooling.
    pub builds: Vec<Build>,
    /// References to nixpkgs in it.
    pub nixpkgs: Vec<Use>,
    /// How it uses Nix, as if it were a step.
    pub step: NixStep,
}

/// Whether a file has units.
fn has_units(source: &Source) -> bool {
    matches!(source.kind, FileKind::Shell | FileKind::Just | FileKind::Make) || is_package_json(source)
}

fn is_package_json(source: &Source) -> bool {
    source.kind == FileKind::Settings && source.file_name() == "package.json"
}

/// The units in a file.
fn units(source: &Source) -> Vec<Unit> {
    let recipes = match source.kind {
        FileKind::Shell => return vec![unit(None, Script { text: source.text.as_str().into(), start: 0 })],
        FileKind::Just => recipes::just(&source.text),
        FileKind::Make => recipes::make(&source.text),
        _ if is_package_json(source) => return npm_scripts(&source.text),
        _ => return Vec::new(),
    };
    let is_just = source.kind == FileKind::Just;
    let recipes = recipes.into_iter().filter(|recipe| !recipe.name.starts_with('.'));
    recipes
        .map(|recipe| {
            let body = if recipe.is_shell() { recipe.body.as_str() } else { "" };
            let script = Script { text: body.to_owned().into(), start: recipe.start as u32 };
            let mut unit = unit(Some(recipe.name.to_owned()), script);
            let names: Vec<String> = recipe.dependencies.iter().map(|&name| name.to_owned()).collect();
            if !names.is_empty() {
                let folder = ".".to_owned();
                let target = if is_just { Target::Just(folder, names) } else { Target::Make(folder, names) };
                let span = Span::new(recipe.start, recipe.start);
                unit.step.calls.push(Call { target, span, arguments: Vec::new() });
            }
            unit
        })
        .collect()
}

/// The units of a task: each of its commands, and one for the tasks that it runs.
fn task_units(task: taskfile::Task<'_>) -> Vec<Unit> {
    let mut units: Vec<Unit> =
        task.commands.into_iter().map(|script| unit(Some(task.name.to_string()), script)).collect();
    let calls: Vec<Call> = task
        .calls
        .into_iter()
        .map(|(name, span)| {
            let target = Target::Task(".".to_owned(), vec![name.into_owned()]);
            Call { target, span, arguments: Vec::new() }
        })
        .collect();
    if !calls.is_empty() {
        let mut unit = unit(Some(task.name.to_string()), Script { text: "".into(), start: 0 });
        unit.step.calls = calls;
        units.push(unit);
    }
    units
}

fn unit(name: Option<String>, script: Script<'_>) -> Unit {
    let commands = shell::commands(&script.text);
    Unit {
        name,
        builds: script_builds(&script, &commands).collect(),
        nixpkgs: commands::script_uses(&script, &commands),
        step: nix::script_step(&script, &commands),
    }
}

/// The scripts of a package.json.
fn npm_scripts(text: &str) -> Vec<Unit> {
    let Some(tree) = Tree::parse(Language::Json, text) else { return Vec::new() };
    let pairs = |node| tree.children(node).filter(|&pair| tree.kind(pair) == NodeKind::JsonPair);
    let key = |pair| tree.child(pair, Field::Key).map(|key| tree.slice(key).trim_matches('"'));
    let Some(root) = tree.child_of_kind(tree.root(), NodeKind::JsonObject) else { return Vec::new() };
    let scripts = pairs(root).find(|&pair| key(pair) == Some("scripts"));
    let Some(scripts) = scripts.and_then(|pair| tree.child(pair, Field::Value)) else { return Vec::new() };
    pairs(scripts)
        .filter_map(|pair| {
            let value = tree.child(pair, Field::Value).filter(|&value| tree.kind(value) == NodeKind::JsonText)?;
            let Span { start, end } = tree.span(value);
            let inside = text.get(start as usize + 1..(end as usize).checked_sub(1)?)?;
            Some(unit(Some(key(pair)?.to_owned()), Script { text: inside.into(), start: start + 1 }))
        })
        .collect()
}

/// A unit that CI reaches.
pub struct Reached<'p> {
    /// Its file.
    pub file: &'p ProjectFile,
    /// The unit.
    pub unit: &'p Unit,
    /// The first CI file with a step that leads to it, in order of path and line.
    pub from: &'p ProjectFile,
    /// The span of the command in that step.
    pub call: Span,
}

/// All units that CI runs, each once.
pub fn reached(project: &Project) -> Vec<Reached<'_>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let is_left_out = left_out(project);
    for (from, facts) in project.each::<CallFacts>() {
        if is_left_out(&from.source.path) {
            continue;
        }
        for call in &facts.calls {
            for (file, unit) in all(project, from, call, &mut seen, |_, _| ()) {
                found.push(Reached { file, unit, from, call: call.span });
            }
        }
    }
    found
}

/// The units that a call runs, directly and indirectly, except those in `seen`. `each` receives every call to a unit,
/// even to a unit in `seen`.
pub fn all<'p>(
    project: &'p Project,
    from: &'p ProjectFile,
    call: &'p Call,
    seen: &mut HashSet<*const Unit>,
    mut each: impl FnMut(&'p Unit, &'p Call),
) -> Vec<(&'p ProjectFile, &'p Unit)> {
    let mut found = Vec::new();
    // A call in an npm script may also receive the arguments with which the script itself is called.
    let units = |file, call, outer: Option<&'p Call>| {
        called(project, file, call).into_iter().map(move |(file, unit)| (file, unit, call, outer))
    };
    let mut waiting: Vec<_> = units(from, call, None).collect();
    while let Some((file, unit, call, outer)) = waiting.pop() {
        each(unit, call);
        if let Some(outer) = outer {
            each(unit, outer);
        }
        if !seen.insert(std::ptr::from_ref(unit)) {
            continue;
        }
        found.push((file, unit));
        let outer = Some(call).filter(|call| matches!(call.target, Target::Npm(..)) && !call.arguments.is_empty());
        let mut inner: Vec<_> = unit.step.calls.iter().flat_map(|call| units(file, call, outer)).collect();
        inner.reverse();
        waiting.append(&mut inner);
    }
    found
}

/// The units that the given calls run directly.
fn units_called<'p>(project: &'p Project, from: &'p ProjectFile, calls: &[Call]) -> Vec<(&'p ProjectFile, &'p Unit)> {
    calls.iter().flat_map(|call| called(project, from, call)).collect()
}

/// The units that a call runs directly.
fn called<'p>(project: &'p Project, from: &'p ProjectFile, call: &Call) -> Vec<(&'p ProjectFile, &'p Unit)> {
    let of_kind = |folder: &str, kind: FileKind| -> Vec<&'p ProjectFile> {
        let folders = [paths::join("", folder), paths::join(paths::folder(&from.source.path), folder)];
        let files = project.each::<CallFacts>().map(|(file, _)| file).filter(|file| file.source.kind == kind);
        let is_called = |file: &&ProjectFile| {
            let own = paths::folder(&file.source.path);
            let is_package = |name: &str| own.rsplit('/').next() == Some(name);
            folder.strip_prefix(ANYWHERE).is_some_and(is_package)
                || folders.iter().flatten().any(|folder| own == folder)
        };
        files.filter(is_called).collect()
    };
    match &call.target {
        Target::File(path) => {
            let file = script(project, from, path);
            file.and_then(|file| Some((file, units_of(file).first()?))).into_iter().collect()
        }
        Target::Make(folder, names) => named(&with_imports(project, of_kind(folder, FileKind::Make)), names),
        Target::Just(folder, names) => just(project, of_kind(folder, FileKind::Just), names),
        Target::Task(folder, names) => {
            let is_found = |file: &&ProjectFile| taskfile::is_taskfile(&file.source.path);
            let found: Vec<_> = of_kind(folder, FileKind::Yaml).into_iter().filter(is_found).collect();
            // The tasks of an included file call each other without the file's namespace.
            let own = tasks(project, vec![from], names);
            if own.is_empty() { tasks(project, found, names) } else { own }
        }
        Target::Npm(folder, name) => named(&of_kind(folder, FileKind::Settings), std::slice::from_ref(name)),
    }
}

/// The recipes of the given justfiles, of the justfiles that they import, and of their modules: `just image::build`,
/// `just image build`.
fn just<'p>(project: &'p Project, files: Vec<&'p ProjectFile>, names: &[String]) -> Vec<(&'p ProjectFile, &'p Unit)> {
    /// The maximum depth of nested modules.
    const DEPTH: usize = 8;
    let mut found = Vec::new();
    let path = |name: &String| name.split("::").map(str::to_owned).collect::<Vec<_>>();
    let mut waiting = vec![(with_imports(project, files), names.iter().flat_map(path).collect::<Vec<_>>(), DEPTH)];
    while let Some((files, names, depth)) = waiting.pop() {
        found.extend(named(&files, &names));
        let Some(first) = names.first().filter(|_| depth > 0) else { continue };
        for (module, paths) in files.iter().flat_map(|file| modules_of(file)) {
            if module.as_ref() == Some(first) {
                let files = paths.iter().find_map(|path| project.file(path)).into_iter().collect();
                waiting.push((with_imports(project, files), names[1..].to_vec(), depth - 1));
            }
        }
    }
    found
}

/// The tasks of the given Taskfiles and of those that they include: `task image:build`. The name of a task may itself
/// contain colons.
fn tasks<'p>(project: &'p Project, files: Vec<&'p ProjectFile>, names: &[String]) -> Vec<(&'p ProjectFile, &'p Unit)> {
    /// The maximum depth of nested includes.
    const DEPTH: usize = 8;
    let names = if names.is_empty() { vec!["default".to_owned()] } else { names.to_vec() };
    let names: Vec<String> = names.iter().map(|name| name.trim_start_matches(':').to_owned()).collect();
    let mut found = Vec::new();
    let mut waiting = vec![(files, names, DEPTH)];
    while let Some((files, names, depth)) = waiting.pop() {
        found.extend(named(&files, &names));
        for (module, rest) in names.iter().filter_map(|name| name.split_once(':')).filter(|_| depth > 0) {
            for (name, paths) in files.iter().flat_map(|file| modules_of(file)) {
                if name.as_deref() == Some(module) {
                    let included = paths.iter().find_map(|path| project.file(path)).into_iter().collect();
                    waiting.push((included, vec![rest.to_owned()], depth - 1));
                }
            }
        }
    }
    found
}

/// The given justfiles or makefiles, and those that they import.
fn with_imports<'p>(project: &'p Project, files: Vec<&'p ProjectFile>) -> Vec<&'p ProjectFile> {
    let mut all = files;
    let mut at = 0;
    while let Some(file) = all.get(at).copied() {
        at += 1;
        let imports = modules_of(file).iter().filter(|(name, _)| name.is_none());
        for import in imports.filter_map(|(_, paths)| paths.iter().find_map(|path| project.file(path))) {
            if !all.iter().any(|known| std::ptr::eq(*known, import)) {
                all.push(import);
            }
        }
    }
    all
}

fn modules_of(file: &ProjectFile) -> &[(Option<String>, Vec<String>)] {
    file.fact::<CallFacts>().map_or(&[], |facts| &facts.modules)
}

fn units_of(file: &ProjectFile) -> &[Unit] {
    file.fact::<CallFacts>().map_or(&[], |facts| &facts.units)
}

fn named<'p>(files: &[&'p ProjectFile], names: &[String]) -> Vec<(&'p ProjectFile, &'p Unit)> {
    let units = || files.iter().flat_map(|file| units_of(file).iter().map(move |unit| (*file, unit)));
    if names.is_empty() {
        return units().next().into_iter().collect();
    }
    units().filter(|(_, unit)| unit.name.as_ref().is_some_and(|name| names.contains(name))).collect()
}

/// The script at a path: relative to the root, relative to the caller's folder, or else the only one whose path ends
/// with it.
fn script<'p>(project: &'p Project, from: &'p ProjectFile, path: &str) -> Option<&'p ProjectFile> {
    let at = |folder: &str| project.file(&paths::join(folder, path)?);
    let is_script = |file: &&ProjectFile| file.source.kind == FileKind::Shell;
    let direct = at("").or_else(|| at(paths::folder(&from.source.path))).filter(is_script);
    if direct.is_some() {
        return direct;
    }
    let end = paths::join("", path)?;
    let mut fitting = project
        .files
        .iter()
        .filter(|file| is_script(file) && file.source.path.strip_suffix(&*end).is_some_and(|rest| rest.ends_with('/')));
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only)
}
