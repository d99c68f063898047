//! Programs of .NET, run from their project: `dotnet App.dll` runs what only the image has.

use super::{Program, start_line, versioned, working_folder};
use crate::lang::shell;
use crate::migrate::Files;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::image_file::ImageFile;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;
use crate::migrate::nix::Text;
use crate::paths;

/// How many folders are searched for a project.
const MOST_FOLDERS: usize = 300;

/// `dotnet run` of the project that makes the program, with the program's own arguments. A launch profile would replace
/// the environment.
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
            let why = format!("no project of its build context is known to make `{assembly}`");
            builder.leave(service, &service.key.place, "command", why, "add `--project` with the one that does");
        }
    }
    let arguments = at.map_or(&command[command.len().min(1)..], |at| &command[at + 1..]);
    if !arguments.is_empty() {
        program.line.push(" --");
        super::append(builder, service, &mut program, assembly, arguments);
    }
    program
}

/// The project that makes an assembly: one that a Dockerfile names or copies, or that is in the context.
fn project(files: &dyn Files, context: &str, file: &ImageFile, name: &str, working: &str) -> Option<String> {
    let mut candidates = Vec::new();
    for stage in file.stages.iter().map(|(_, stage)| stage).chain([file]) {
        for (run, _) in &stage.runs {
            for command in shell::commands(run) {
                if command.program() != "dotnet" || !matches!(command.word(1), Some("publish" | "build")) {
                    continue;
                }
                let target = command.arguments().skip(1).find(|word| !word.starts_with('-')).unwrap_or(".");
                let inside =
                    if target.starts_with('/') { target.to_owned() } else { format!("{}/{target}", stage.folder) };
                let source = paths::join("", inside.trim_start_matches('/'))
                    .and_then(|inside| stage.source_of(&format!("/{inside}")))
                    .and_then(|source| paths::join(context, &source));
                if let Some(source) = source {
                    candidates.extend(projects(files, &source));
                    candidates.push(source);
                }
            }
        }
        candidates.extend(stage.copies.iter().filter_map(|(from, _)| paths::join(context, from)));
    }
    candidates.extend(projects(files, working));
    candidates.retain(|path| is_project(path) && matches!(files.text(path), Ok(Some(_))));
    candidates.dedup();
    let makes = |path: &String| {
        let own = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map_or("", |(own, _)| own);
        let text = || files.text(path).ok().flatten().unwrap_or_default();
        own == name || text().contains(&format!("<AssemblyName>{name}</AssemblyName>"))
    };
    let found = candidates.iter().find(|path| makes(path)).cloned();
    let only = || candidates.first().filter(|first| candidates.iter().all(|other| other == *first)).cloned();
    found.or_else(|| below(files, context, name)).or_else(only)
}

/// The project of a name in a folder or below it.
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
