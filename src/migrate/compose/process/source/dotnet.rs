//! .NET programs, run from their project, because only the image contains the file that `dotnet App.dll` runs.

use std::collections::BTreeSet;

use super::super::{Program, start_line, versioned, working_folder};
use super::Folder;
use crate::lang::shell;
use crate::migrate::Files;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::image_file::ImageFile;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;
use crate::migrate::nix::Text;
use crate::paths;

/// The flags of `dotnet publish` and `dotnet build` whose value may be the next word. Source:
/// <https://learn.microsoft.com/dotnet/core/tools/dotnet-publish>
const FLAGS_WITH_VALUE: [&str; 18] = [
    "-a",
    "--arch",
    "--artifacts-path",
    "-c",
    "--configuration",
    "-f",
    "--framework",
    "--manifest",
    "-o",
    "--os",
    "--output",
    "-r",
    "--runtime",
    "-s",
    "--source",
    "-v",
    "--verbosity",
    "--version-suffix",
];

/// The maximum number of folders that are searched for a project.
const MOST_FOLDERS: usize = 300;

/// `dotnet run` for the project that builds the program, with the program's own arguments. Launch profiles are
/// disabled, because they would replace the environment.
pub fn run(builder: &Builder<'_, '_>, service: &Service<'_>, file: &ImageFile, command: &[String]) -> Program {
    let package = versioned(builder, service, "dotnet-sdk");
    let mut program =
        Program { line: start_line(&package, &["dotnet", "run", "--no-launch-profile"]), ..Program::default() };
    let at = command.iter().position(|word| word.ends_with(".dll"));
    let first = command.first().map_or("", String::as_str);
    let assembly = at.map_or(first, |at| command[at].as_str());
    let name = assembly.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".dll").unwrap_or(name);
    let working = working_folder(service);
    match project(builder.files(), service.context().unwrap_or_default(), file, name, &working) {
        Some(project) if paths::folder(&project) == working && projects(builder.files(), &working).len() == 1 => {}
        Some(project) => {
            let path = paths::between(format!("{working}/x").trim_start_matches('/'), &project);
            let path = path.strip_prefix("./").unwrap_or(&path);
            program.line.push(" --project ").append(&words::word(&Text::literal(path)));
        }
        None => {
            let why = format!("no project in its build context is known to build `{assembly}`");
            builder.leave(service, &service.key.place, "command", why, "name the project with `--project`");
        }
    }
    let arguments = at.map_or(&command[command.len().min(1)..], |at| &command[at + 1..]);
    if !arguments.is_empty() {
        program.line.push(" --");
        super::append(builder, service, &mut program, assembly, arguments);
    }
    program
}

/// The project that builds an assembly: one that a Dockerfile names or copies, or that is in the context.
fn project(files: &dyn Files, context: &str, file: &ImageFile, name: &str, working: &str) -> Option<String> {
    let mut candidates = Candidates { files, seen: BTreeSet::new(), projects: Vec::new() };
    for stage in file.stages.iter().map(|(_, stage)| stage).chain([file]) {
        for inside in published(stage) {
            let source = stage.source_of(&format!("/{inside}")).and_then(|source| paths::join(context, &source));
            if let Some(source) = source {
                candidates.add_folder(&source);
                candidates.add(source);
            }
        }
        for (from, _) in &stage.copies {
            if let Some(path) = paths::join(context, from) {
                candidates.add(path);
            }
        }
    }
    candidates.add_folder(working);
    let projects = candidates.projects;
    let makes = |(path, text): &&(String, String)| {
        let own = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(own, _)| own);
        own == name || text.contains(&format!("<AssemblyName>{name}</AssemblyName>"))
    };
    let found = projects.iter().find(makes).map(|(path, _)| path.clone());
    let only = || projects.first().filter(|_| projects.len() == 1).map(|(path, _)| path.clone());
    found.or_else(|| below(files, context, name)).or_else(only)
}

/// The projects that may build an assembly, in the order in which they are found.
struct Candidates<'f> {
    files: &'f dyn Files,
    /// The paths of files and folders that have been read.
    seen: BTreeSet<String>,
    /// The projects' paths and texts.
    projects: Vec<(String, String)>,
}

impl Candidates<'_> {
    fn add(&mut self, path: String) {
        if is_project(&path)
            && self.seen.insert(path.clone())
            && let Ok(Some(text)) = self.files.text(&path)
        {
            self.projects.push((path, text));
        }
    }

    fn add_folder(&mut self, folder: &str) {
        // The trailing slash distinguishes it from a file with the same name.
        if self.seen.insert(format!("{folder}/")) {
            for path in projects(self.files, folder) {
                self.add(path);
            }
        }
    }
}

/// The projects, or folders of projects, that a stage builds: paths from the root of its image, each once.
fn published(stage: &ImageFile) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let start = Folder::enter(Some(&Folder::Absolute(String::new())), &stage.folder);
    for (run, _) in &stage.runs {
        let mut folders = shell::PerShell::new(start.clone());
        for command in shell::commands(run) {
            let folder = folders.at(&command);
            match (command.program(), command.word(1)) {
                ("cd", Some(to)) => *folder = Folder::enter(folder.as_ref(), to),
                ("dotnet", Some("publish" | "build")) => {
                    let target = Folder::enter(folder.as_ref(), target(&command));
                    if let Some(Folder::Absolute(path)) = target
                        && seen.insert(path.clone())
                    {
                        found.push(path);
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// The project or folder that `dotnet publish` builds.
fn target<'c>(command: &'c shell::Command<'_>) -> &'c str {
    let mut before = "";
    for word in command.arguments().skip(1) {
        // `/p:Version=1` is a flag as well.
        let is_flag = word.starts_with('-') || word.starts_with('/') && word.contains(':');
        let is_value = match before {
            "--self-contained" | "--sc" => matches!(word, "true" | "false"),
            flag => FLAGS_WITH_VALUE.contains(&flag),
        };
        if !is_flag && !is_value {
            return word;
        }
        before = word;
    }
    "."
}

/// The project with this name, in a folder or under it.
fn below(files: &dyn Files, folder: &str, name: &str) -> Option<String> {
    let mut folders = vec![folder.to_owned()];
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        let is_it = |path: &String| {
            path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).is_some_and(|(own, _)| own == name)
        };
        if let Some(found) = projects(files, &folder).into_iter().find(is_it) {
            return Some(found);
        }
        let inner = files.names(&folder).into_iter();
        let inner =
            inner.filter(|name| !name.starts_with('.') && !matches!(name.as_str(), "node_modules" | "bin" | "obj"));
        let inner = inner.filter_map(|name| paths::join(&folder, &name)).filter(|path| files.is_folder(path));
        folders.extend(inner.take(MOST_FOLDERS.saturating_sub(folders.len())).collect::<Vec<_>>());
        at += 1;
    }
    None
}

/// The projects in a folder.
fn projects(files: &dyn Files, folder: &str) -> Vec<String> {
    let names = files.names(folder).into_iter().filter(|name| is_project(name));
    names.filter_map(|name| paths::join(folder, &name)).collect()
}

fn is_project(path: &str) -> bool {
    [".csproj", ".fsproj", ".vbproj"].iter().any(|end| path.ends_with(end))
}
