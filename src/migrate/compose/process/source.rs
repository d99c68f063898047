//! Programs that a Dockerfile builds. Processes run them from their source.

mod dotnet;

use std::collections::BTreeMap;

use super::{Program, append, start_line, versioned, working_folder};
use crate::lang::shell;
use crate::migrate::Files;
use crate::migrate::builds::{CargoBuild, GoBuild, LONGEST_PATH, go_module, go_program};
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::image_file::{Built, ImageFile};
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;
use crate::paths;

/// Whether the build context is a Spring Boot application.
pub fn is_spring(files: &dyn Files, service: &Service<'_>) -> bool {
    let Some(context) = service.context() else { return false };
    ["pom.xml", "build.gradle", "build.gradle.kts"].iter().any(|name| {
        let path = if context.is_empty() { (*name).to_owned() } else { format!("{context}/{name}") };
        let text = files.text(&path).ok().flatten().unwrap_or_default();
        text.contains("spring-boot") || text.contains("springframework.boot")
    })
}

/// The go.mod of the build context; empty if there is none.
pub(super) fn go_mod(builder: &Builder<'_, '_>, service: &Service<'_>) -> String {
    let path = service.context().and_then(|context| paths::join(context, "go.mod"));
    path.and_then(|path| builder.files().text(&path).ok().flatten()).unwrap_or_default()
}

/// The program that runs a command from its source, if the Dockerfile builds it. Fails if it cannot be determined which
/// of several programs it is.
pub(super) fn from_source(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    words: &[String],
) -> Result<Option<Program>, String> {
    let (Some(file), Some(first)) = (&service.image_file, words.first()) else { return Ok(None) };
    let Some((mut program, skip)) = source_line(builder, service, file, words)? else { return Ok(None) };
    let arguments = match skip {
        true => Vec::new(),
        false => words[1..].to_vec(),
    };
    program.runs_source = true;
    if crate::paths::name(first) == "java" {
        report_lost(builder, service, &program, &words[1..]);
    }
    append(builder, service, &mut program, first, &arguments);
    Ok(Some(program))
}

/// Reports the arguments of `java` that are not passed on when the program is run from its source.
fn report_lost(builder: &Builder<'_, '_>, service: &Service<'_>, program: &Program, arguments: &[String]) {
    let (mut lost, mut is_value, mut is_behind) = (Vec::new(), false, false);
    for word in arguments {
        let is_known = word == "-jar" || word.starts_with("-Djava.security.egd") || word.starts_with('$');
        match word.as_str() {
            _ if is_behind => lost.push(word.as_str()),
            _ if std::mem::take(&mut is_value) || is_known => {}
            "-cp" | "-classpath" | "--class-path" | "-p" | "-m" => is_value = true,
            _ if word.starts_with('-') => lost.push(word),
            // The archive or the class.
            _ => is_behind = true,
        }
    }
    if lost.is_empty() {
        return;
    }
    let todo = match &program.line {
        line if line.contains("spring-boot:run") => {
            "pass them in `-Dspring-boot.run.jvmArguments` and `-Dspring-boot.run.arguments`"
        }
        line if line.contains("gradle") => "pass them with `--args`, or set them in the build file",
        _ => "pass them in `-Dexec.args` and MAVEN_OPTS",
    };
    let why = format!("the program is run from its source, without `{}`", lost.join(" "));
    builder.leave(service, &service.key.place, "command", why, todo);
}

/// Reports an archive that only the image build creates, if a start script, or the command passed to it, runs the
/// archive.
pub(super) fn report_archives(builder: &Builder<'_, '_>, service: &Service<'_>, script: &str, given: &[String]) {
    if service.image_file.is_none() {
        return;
    }
    let is_missing = |word: &&str| {
        let path = paths::join(&working_folder(service), &super::host_path(service, word));
        path.is_none_or(|path| matches!(builder.files().text(&path), Ok(None)))
    };
    let archive = |words: &[&str]| {
        let start = words.iter().position(|word| matches!(paths::name(word), "java" | "dotnet"))?;
        let mut words = words[start..].iter().copied();
        words.find(|word| word.ends_with(".jar") || word.ends_with(".dll")).filter(is_missing).map(str::to_owned)
    };
    let in_script = |script: &str| {
        let commands = shell::commands(script);
        commands.iter().find_map(|command| archive(&command.words.iter().map(|word| &*word.text).collect::<Vec<_>>()))
    };
    let in_given = match words::shell_script(given) {
        Some(inner) => in_script(inner),
        None => archive(&given.iter().map(String::as_str).collect::<Vec<_>>()),
    };
    if let Some(archive) = in_given.or_else(|| in_script(script)) {
        let why = format!("its script starts {archive}, which only the image build creates");
        let todo = "build it in the checkout, and write its path into the command";
        builder.leave(service, &service.key.place, "command", why, todo);
    }
}

/// The command line that builds and runs a program, and whether the arguments belong to a launcher rather than to the
/// program.
fn source_line(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    file: &ImageFile,
    words: &[String],
) -> Result<Option<(Program, bool)>, String> {
    let (Some(context), Some(first)) = (service.context(), words.first()) else { return Ok(None) };
    let has = |name: &str| {
        let path = if context.is_empty() { name.to_owned() } else { format!("{context}/{name}") };
        builder.files().text(&path).ok().flatten()
    };
    let line = |package: &str, start: &[&str]| {
        let package = versioned(builder, service, package);
        Program { line: start_line(&package, start), ..Program::default() }
    };
    let is_java = matches!(first.as_str(), "java") || first.ends_with("/java");
    if is_java {
        let found = match (has("pom.xml"), has("build.gradle").or_else(|| has("build.gradle.kts"))) {
            (Some(pom), _) if pom.contains("spring-boot") => Some((line("maven", &["mvn", "spring-boot:run"]), true)),
            (Some(_), _) => Some((line("maven", &["mvn", "compile", "exec:java"]), true)),
            (None, Some(gradle)) if gradle.contains("springframework.boot") => {
                Some((line("gradle", &["gradle", "bootRun"]), true))
            }
            (None, Some(_)) => Some((line("gradle", &["gradle", "run"]), true)),
            (None, None) => None,
        };
        return Ok(found);
    }
    let built = |text: &str| file.builders.iter().find(|run| format!(" {run}").contains(&format!(" {text}")));
    let name = built_name(file, first);
    if built("go build").is_some() {
        let is_folder = |path: &str| {
            let path = paths::join(&working_folder(service), path);
            path.is_some_and(|path| builder.files().is_folder(&path))
        };
        let go_mod = has("go.mod").unwrap_or_default();
        let mut builds = builds_of_go(file);
        // The tools that an image installs are not the program.
        builds.retain(|(build, _)| !build.targets().iter().any(|target| is_external(target, &go_mod)));
        let may_be_other = !go_mod.is_empty() && !is_renamed(file, &last(first));
        let Some(target) = go_target(&builds, &name, &go_mod, may_be_other, &is_folder) else {
            let why = format!("the image builds programs with Go, and the source of `{first}` is unknown");
            return Err(why);
        };
        let mut start = vec!["go", "run"];
        start.extend(target.iter().map(String::as_str));
        return Ok(Some((line("go", &start), false)));
    }
    if built("cargo build").is_some() || built("cargo install").is_some() {
        let is_member = has("Cargo.toml").is_some_and(|text| text.contains("[workspace]"));
        let own = has("Cargo.toml").map(|text| programs_of_cargo(&text)).unwrap_or_default();
        let has_file = |path: &str| has(path).is_some();
        let is_bin =
            || ["src/bin/NAME.rs", "src/bin/NAME/main.rs"].iter().any(|form| has_file(&form.replace("NAME", &name)));
        let is_named = || {
            let builds = cargo_builds(&file.builders);
            let plain = name.replace('-', "_");
            let mut names = own.iter().chain(builds.iter().flat_map(|build| build.bins.iter().chain(&build.packages)));
            names.any(|own| own.replace('-', "_") == plain)
        };
        if !own.is_empty() && !is_member && !is_named() && !is_renamed(file, &last(first)) && !is_bin() {
            return Err(format!("the image builds programs with Cargo, and the source of `{first}` is unknown"));
        }
        let flags = cargo_flags(&cargo_builds(&file.builders), &name, is_member);
        let mut start = vec!["cargo", "run", "--release"];
        start.extend(flags.iter().map(String::as_str));
        start.push("--");
        let mut program = line("cargo", &start);
        // rustc links with `cc`, which is not part of its package.
        program.packages.insert("gcc".to_owned());
        return Ok(Some((program, false)));
    }
    if first.contains("/build/install/") && (built("gradle ").is_some() || built("./gradlew").is_some()) {
        return Ok(Some((line("gradle", &["gradle", "run"]), true)));
    }
    if built("dotnet publish").is_some() || built("dotnet build").is_some() {
        return Ok(Some((dotnet::run(builder, service, file, words), true)));
    }
    Ok(None)
}

/// The name of a program in the stage that builds it. `COPY --from` may change the name.
fn built_name(file: &ImageFile, first: &str) -> String {
    let name = last(first);
    let path = match first.starts_with('/') {
        true => first.to_owned(),
        false => format!("{}/{}", file.folder.trim_end_matches('/'), first.trim_start_matches("./")),
    };
    let is_it = |built: &&Built| {
        let target = built.target.trim_end_matches("/.").trim_end_matches('/');
        target == path || (!first.contains('/') && last(target) == name)
    };
    let renamed = file.built.iter().rev().find(is_it).filter(|built| !built.target.ends_with('/'));
    renamed.map_or(name, |built| last(&built.source))
}

/// Whether a word of a command is a program that the image builds: the result of a stage that compiles, the output of a
/// `go build`, or a program that Cargo builds.
pub(super) fn is_own(builder: &Builder<'_, '_>, service: &Service<'_>, word: &str) -> bool {
    let Some(file) = &service.image_file else { return false };
    let name = last(word);
    let is_result = |built: &Built| {
        let compiles = built.stage(file).is_some_and(ImageFile::compiles);
        compiles && [&built.source, &built.target].into_iter().any(|path| !path.ends_with('/') && last(path) == name)
    };
    if file.built.iter().any(is_result) {
        return true;
    }
    if !file.builders.iter().any(|run| run.contains(&name)) {
        return false;
    }
    let go_mod = go_mod(builder, service);
    let is_go = |(build, folder): &(GoBuild, Option<String>)| {
        let Some(folder) = folder else { return false };
        build.targets().iter().any(|target| {
            !is_external(target, &go_mod)
                && (go_program(target, folder, &go_mod) == name
                    || build.output.as_deref().is_some_and(|output| !build.writes_folder() && last(output) == name))
        })
    };
    builds_of_go(file).iter().any(is_go)
        || cargo_builds(&file.builders)
            .iter()
            .any(|build| build.bins.iter().chain(&build.packages).any(|bin| *bin == name))
}

/// The last component of a path.
fn last(path: &str) -> String {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
}

/// Whether a target of `go build` is a package in another module: an import path whose first component is a host.
fn is_external(target: &[&str], go_mod: &str) -> bool {
    let Some(first) = target.first().filter(|first| !first.ends_with(".go")) else { return false };
    let host = first.split('/').next().unwrap_or_default();
    let is_import = !host.starts_with('.') && host.contains('.') && first.contains('/');
    is_import && go_module(go_mod).is_none_or(|module| !first.starts_with(module))
}

/// Whether an instruction other than a build may give a program its name: a copy from another stage, or a command that
/// copies, moves or links a file.
fn is_renamed(file: &ImageFile, name: &str) -> bool {
    let is_moved = |command: &shell::Command<'_>| {
        matches!(command.program(), "cp" | "install" | "ln" | "mv")
            && command.arguments().any(|word| last(word) == name)
    };
    file.built.iter().any(|built| last(&built.target) == name || last(&built.source) == name)
        || file.builders.iter().any(|run| shell::commands(run).iter().any(is_moved))
}

/// Whether a start script runs a program that the image builds, or gets one as an argument. If the name of such a
/// program is unknown, any command may be the program.
pub(super) fn starts_built(file: &ImageFile, go_mod: &str, script: &str, arguments: &[String]) -> bool {
    let mut names: Vec<String> = Vec::new();
    let mut installs_folder = false;
    for built in file.built.iter().filter(|built| built.stage(file).is_some_and(ImageFile::compiles)) {
        names.extend([last(&built.source), last(&built.target)]);
        installs_folder |= last(&built.source) == "bin";
    }
    let is_named = !names.is_empty() && !installs_folder;
    for (build, folder) in builds_of_go(file) {
        names.extend(build.output.as_deref().map(last));
        if let Some(folder) = folder {
            names.extend(build.targets().iter().map(|target| go_program(target, &folder, go_mod)));
        }
    }
    let has = |program: &str, verb: &str| {
        let is_it = |command: &shell::Command<'_>| command.program() == program && command.word(1) == Some(verb);
        file.builders.iter().any(|run| shell::commands(run).iter().any(is_it))
    };
    let mut is_unknown = has("cargo", "install") && !is_named;
    for build in cargo_builds(&file.builders) {
        is_unknown |= !is_named && build.bins.is_empty() && build.packages.is_empty();
        names.extend(build.bins.into_iter().chain(build.packages));
    }
    if is_unknown {
        return true;
    }
    let has_dotnet = has("dotnet", "publish") || has("dotnet", "build");
    let is_built = |program: &str| {
        let in_target = ["target/release/", "target/debug/"].iter().any(|folder| program.contains(folder));
        in_target || names.iter().any(|name| *name == last(program))
    };
    let is_assembly = |command: &shell::Command<'_>| {
        has_dotnet && command.program() == "dotnet" && command.arguments().any(|word| word.ends_with(".dll"))
    };
    let is_given = script.contains("$@")
        && arguments.first().is_some_and(|program| {
            is_built(program)
                || has_dotnet && arguments.iter().any(|word| word.ends_with(".dll")) && last(program) == "dotnet"
        });
    let starts = |command: &shell::Command<'_>| command.word(0).is_some_and(is_built) || is_assembly(command);
    is_given || shell::commands(script).iter().any(starts)
}

/// Each `go build` of an image, and the folder in which it runs, relative to the folder in which the process runs.
/// `None` for a folder that is not in the checkout.
fn builds_of_go(file: &ImageFile) -> Vec<(GoBuild, Option<String>)> {
    let working = file.working_folder();
    let stages = file.stages.iter().map(|(_, stage)| stage).chain([file]);
    let compiling: Vec<&ImageFile> = stages.filter(|stage| stage.compiles()).collect();
    let in_checkout = |path: &str| {
        // Each RUN starts in the working directory of its stage.
        if compiling.iter().any(|stage| path.trim_end_matches('/') == stage.folder.trim_end_matches('/')) {
            return Some(String::new());
        }
        let source = compiling.iter().find_map(|stage| stage.source_of(path))?;
        let inside = source.strip_prefix(&working)?;
        let is_below = working.is_empty() || inside.is_empty() || inside.starts_with('/');
        is_below.then(|| paths::join("", inside.trim_start_matches('/')))?
    };
    go_builds(&file.builders, &in_checkout)
}

/// The folder in which a command of a RUN runs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Folder {
    /// Relative to the folder in which the RUN starts.
    Inside(String),
    /// Relative to the root of the image.
    Absolute(String),
}

impl Folder {
    /// The folder after `cd`. `None` if the previous folder is unknown, or if the path leads out of its root or is too
    /// long.
    pub(super) fn enter(before: Option<&Self>, to: &str) -> Option<Self> {
        let entered = match before {
            _ if to.starts_with('/') => Self::Absolute(paths::join("", to.trim_start_matches('/'))?),
            Some(Self::Inside(folder)) => Self::Inside(paths::join(folder, to)?),
            Some(Self::Absolute(folder)) => Self::Absolute(paths::join(folder, to)?),
            None => return None,
        };
        let (Self::Inside(path) | Self::Absolute(path)) = &entered;
        (path.len() <= LONGEST_PATH).then_some(entered)
    }
}

/// Each `go build`, and the folder in which it runs, relative to the one in which its RUN starts. `in_checkout` returns
/// the folder for an absolute path in the image, if it is known.
fn go_builds(builders: &[String], in_checkout: &dyn Fn(&str) -> Option<String>) -> Vec<(GoBuild, Option<String>)> {
    let mut found = Vec::new();
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut resolve = |folder: &Folder| match folder {
        Folder::Inside(path) => Some(path.clone()),
        Folder::Absolute(path) => known.entry(path.clone()).or_insert_with(|| in_checkout(&format!("/{path}"))).clone(),
    };
    for run in builders.iter().filter(|run| run.contains("go")) {
        let mut folders = shell::PerShell::new(Some(Folder::Inside(String::new())));
        for command in shell::commands(run) {
            let folder = folders.at(&command);
            match (command.program(), command.word(1)) {
                ("cd", Some(to)) => *folder = Folder::enter(folder.as_ref(), to),
                _ => {
                    let build = GoBuild::read(&command);
                    found.extend(build.map(|build| (build, folder.as_ref().and_then(&mut resolve))));
                }
            }
        }
    }
    found
}

/// The arguments of `go run` for a program: the flags of its build that select its source, and
/// the target of the build that creates it, or a package with its name that matches a pattern. `None` if there is
/// neither. Unless `may_be_other`, a single target is the program's source, whatever its name.
fn go_target(
    builds: &[(GoBuild, Option<String>)],
    name: &str,
    go_mod: &str,
    may_be_other: bool,
    is_folder: &dyn Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let mut targets: Vec<(&GoBuild, &str, Vec<&str>)> = Vec::new();
    for (build, folder) in builds {
        let Some(folder) = folder else { continue };
        targets.extend(build.targets().into_iter().map(|target| (build, folder.as_str(), target)));
    }
    let is_output = |build: &GoBuild| {
        let output = build.output.as_deref().filter(|_| !build.writes_folder());
        output.is_some_and(|output| output.rsplit('/').next() == Some(name))
    };
    let written = targets.iter().find(|(build, ..)| is_output(build));
    let named = || targets.iter().find(|(_, folder, target)| go_program(target, folder, go_mod) == name);
    let is_open = |build: &GoBuild| !may_be_other || build.output.as_deref().is_some_and(|output| output.contains('$'));
    let only = || targets.first().filter(|(build, ..)| targets.len() == 1 && is_open(build));
    let found = written.or_else(named).or_else(only);
    let with_flags =
        |build: &GoBuild, target: Vec<String>| build.flags.iter().cloned().chain(target).collect::<Vec<_>>();
    let in_folder = |folder: &str, target: &str| match paths::join(folder, target) {
        Some(path) if path.is_empty() => ".".to_owned(),
        Some(path) if path.ends_with(".go") => path,
        Some(path) => format!("./{path}"),
        None => target.to_owned(),
    };
    match found {
        Some((build, folder, target)) if !target.iter().any(|part| part.contains("...")) => {
            Some(with_flags(build, target.iter().map(|part| in_folder(folder, part)).collect()))
        }
        // The output is a file, so the pattern matches only one package.
        Some((build, folder, target)) if target.len() == 1 && is_output(build) => {
            Some(with_flags(build, vec![in_folder(folder, target[0])]))
        }
        _ => {
            // `./cmd/...` contains a package with the name of the program.
            let patterns = targets.iter().filter_map(|(build, folder, target)| {
                Some((*build, paths::join(folder, target.first()?.strip_suffix("...")?)?))
            });
            let mut folders = patterns.flat_map(|(build, base)| {
                let inside = [paths::join(&base, name), paths::join(&base, &format!("cmd/{name}"))];
                inside.into_iter().flatten().map(move |folder| (build, folder))
            });
            let (build, folder) = folders.find(|(_, folder)| is_folder(folder))?;
            Some(with_flags(build, vec![format!("./{folder}")]))
        }
    }
}

/// The names in a Cargo.toml that its programs can have: those of the package and of `[[bin]]`.
fn programs_of_cargo(text: &str) -> Vec<String> {
    let mut in_program = false;
    let mut names = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_program = matches!(line.trim_matches(['[', ']', ' ']), "package" | "bin");
        } else if let Some((key, value)) = line.split_once('=').filter(|_| in_program)
            && key.trim() == "name"
        {
            let value = value.split('#').next().unwrap_or_default();
            names.push(value.trim().trim_matches(['"', '\'']).to_owned());
        }
    }
    names
}

fn cargo_builds(builders: &[String]) -> Vec<CargoBuild> {
    builders.iter().flat_map(|run| shell::commands(run)).filter_map(|command| CargoBuild::read(&command)).collect()
}

/// The flags of `cargo run` for a program: those of the build that creates it.
fn cargo_flags(builds: &[CargoBuild], name: &str, is_member: bool) -> Vec<String> {
    let is_own = |build: &&CargoBuild| build.bins.iter().chain(&build.packages).any(|target| target == name);
    let is_general = |build: &&CargoBuild| build.bins.is_empty() && build.packages.is_empty();
    let only = || builds.first().filter(|_| builds.len() == 1);
    let build = builds.iter().find(is_own).or_else(|| builds.iter().find(is_general)).or_else(only);
    let mut flags = Vec::new();
    let bin = match build {
        Some(build) => {
            let package = build.packages.iter().find(|package| *package == name);
            let package = package.or_else(|| build.packages.first().filter(|_| build.packages.len() == 1));
            flags.extend(package.into_iter().flat_map(|package| ["-p".to_owned(), package.clone()]));
            match build.bins.as_slice() {
                // The only program of the only build may have another name in the image.
                [bin] if builds.len() == 1 => Some(bin.as_str()),
                bins if bins.iter().any(|bin| bin == name) => Some(name),
                // A package usually has one program.
                [] if package.is_some() => None,
                [] => (is_member || builds.len() > 1 && !is_general(&build)).then_some(name),
                _ => Some(name),
            }
        }
        None => (is_member || builds.len() > 1).then_some(name),
    };
    flags.extend(bin.into_iter().flat_map(|bin| ["--bin".to_owned(), bin.to_owned()]));
    flags.extend(build.map(CargoBuild::feature_flags).unwrap_or_default());
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_targets_are_found_by_program_name() {
        let target = |run: &str, name: &str| {
            let is_folder = |path: &str| matches!(path, "cmd/api" | "cmd/job");
            let in_checkout = |path: &str| path.strip_prefix("/src/").map(str::to_owned);
            let target =
                go_target(&go_builds(&[run.to_owned()], &in_checkout), name, "module shop\n", name != "y", &is_folder);
            target.map_or_else(|| "?".to_owned(), |target| target.join(" "))
        };
        for (run, name, expected) in [
            ("go build ./cmd/api && go build ./cmd/job", "job", "./cmd/job"),
            ("go build -o /out/ ./cmd/api && go build -o /out/ ./cmd/job", "job", "./cmd/job"),
            ("go build -o /out/ ./cmd/api ./cmd/job", "job", "./cmd/job"),
            ("go build -o api . && go build -o seed seed/main.go", "seed", "seed/main.go"),
            ("go build -o api . && go build -o seed seed/main.go", "api", "."),
            ("cd cmd/api && go build -o /server .", "server", "./cmd/api"),
            ("cd /src/cmd/api && go build -o /server .", "server", "./cmd/api"),
            ("cd /tmp/tool && go build -o /tool . && cd /src/cmd/job && go build", "job", "./cmd/job"),
            ("cd /tmp/tool && go build -o /server .", "server", "?"),
            ("cd /src && cd cmd/job && go build", "job", "./cmd/job"),
            ("cd /tmp/tool && cd ../../src/cmd/job && go build", "job", "./cmd/job"),
            ("cd ../x && cd /src/cmd/job && go build", "job", "./cmd/job"),
            ("go build -o /bin/server ./cmd/api/...", "server", "./cmd/api/..."),
            ("go build -o /out/ ./cmd/...", "job", "./cmd/job"),
            ("go build -o /out/ ./...", "job", "./cmd/job"),
            ("go build -o /x ./cmd/api", "y", "./cmd/api"),
            ("go build -o /x ./cmd/api", "z", "?"),
            ("go build -o $OUT ./cmd/api", "z", "./cmd/api"),
            ("go build -o /a ./cmd/api && go build -o /b ./cmd/job", "c", "?"),
        ] {
            assert_eq!(target(run, name), expected, "{run}: {name}");
        }
    }

    #[test]
    fn cargo_run_flags_select_one_of_several_programs() {
        let flags = |run: &str, name: &str, is_member: bool| {
            cargo_flags(&cargo_builds(&[run.to_owned()]), name, is_member).join(" ")
        };
        for (run, name, is_member, expected) in [
            ("cargo build --release --bin one --bin two", "two", false, "--bin two"),
            (
                "cargo build --bin one --features a && cargo build --package two --features b",
                "two",
                true,
                "-p two --features b",
            ),
            ("cargo build -p core --bin one && cargo build -p core --bin two", "two", true, "-p core --bin two"),
            ("cargo build -p a -p b", "b", true, "-p b"),
            ("cargo build --bin server", "app", false, "--bin server"),
            ("cargo build --release", "app", false, ""),
            ("cargo build --release --all-features", "app", true, "--bin app --all-features"),
            ("cargo build --bin one && cargo build --bin two", "three", false, "--bin three"),
        ] {
            assert_eq!(flags(run, name, is_member), expected, "{run}: {name}");
        }
    }
}
