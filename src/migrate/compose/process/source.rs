//! Programs that a Dockerfile builds, run from their source.

use super::{Program, append, start_line, versioned};
use crate::lang::shell;
use crate::migrate::Files;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::image_file::ImageFile;
use crate::migrate::compose::stack::Service;

/// Whether the build context is an application of Spring Boot.
pub fn is_spring(files: &dyn Files, service: &Service<'_>) -> bool {
    let Some(context) = service.context() else { return false };
    ["pom.xml", "build.gradle", "build.gradle.kts"].iter().any(|name| {
        let path = if context.is_empty() { (*name).to_owned() } else { format!("{context}/{name}") };
        let text = files.text(&path).ok().flatten().unwrap_or_default();
        text.contains("spring-boot") || text.contains("springframework.boot")
    })
}

/// How a program that the Dockerfile builds is run from its source.
pub(super) fn from_source(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String]) -> Option<Program> {
    let file = service.image_file.as_ref()?;
    let first = words.first()?.as_str();
    let (mut program, skip) = source_line(builder, service, file, first)?;
    let arguments = match skip {
        true => Vec::new(),
        false => words[1..].to_vec(),
    };
    append(builder, service, &mut program, first, &arguments);
    Some(program)
}

/// The command line that builds and runs, and whether the arguments belong to a launcher and not to the program.
fn source_line(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    file: &ImageFile,
    first: &str,
) -> Option<(Program, bool)> {
    let context = service.context()?;
    let has = |name: &str| {
        let path = if context.is_empty() { name.to_owned() } else { format!("{context}/{name}") };
        builder.files().text(&path).ok().flatten()
    };
    let line = |package: &str, start: &[&str]| {
        let package = versioned(builder, service, package);
        Program { line: start_line(&package, start), ..Program::default() }
    };
    let is_java = matches!(first, "java") || first.ends_with("/java");
    if is_java {
        return match (has("pom.xml"), has("build.gradle").or_else(|| has("build.gradle.kts"))) {
            (Some(pom), _) if pom.contains("spring-boot") => Some((line("maven", &["mvn", "spring-boot:run"]), true)),
            (Some(_), _) => Some((line("maven", &["mvn", "compile", "exec:java"]), true)),
            (None, Some(gradle)) if gradle.contains("springframework.boot") => {
                Some((line("gradle", &["gradle", "bootRun"]), true))
            }
            (None, Some(_)) => Some((line("gradle", &["gradle", "run"]), true)),
            (None, None) => None,
        };
    }
    let built = |text: &str| file.builders.iter().find(|run| format!(" {run}").contains(&format!(" {text}")));
    let name = first.rsplit('/').next().unwrap_or(first);
    if built("go build").is_some() {
        let target = go_target(&file.builders, name);
        return Some((line("go", &["go", "run", &target]), false));
    }
    if built("cargo build").is_some() || built("cargo install").is_some() {
        let is_member = has("Cargo.toml").is_some_and(|text| text.contains("[workspace]"));
        let mut flags = cargo_flags(&file.builders, name);
        if is_member && !flags.iter().any(|flag| flag == "--bin") {
            flags.extend(["--bin".to_owned(), name.to_owned()]);
        }
        let mut start = vec!["cargo", "run", "--release"];
        start.extend(flags.iter().map(String::as_str));
        start.push("--");
        let mut program = line("cargo", &start);
        // rustc links with `cc`, which its package does not bring.
        program.packages.insert("gcc".to_owned());
        return Some((program, false));
    }
    if first.contains("/build/install/") && (built("gradle ").is_some() || built("./gradlew").is_some()) {
        return Some((line("gradle", &["gradle", "run"]), true));
    }
    if built("dotnet publish").is_some() || built("dotnet build").is_some() {
        return Some((line("dotnet-sdk", &["dotnet", "run"]), true));
    }
    None
}

/// What the `go build` of a program builds: its last argument that is not a flag or a flag's value.
fn go_target(builders: &[String], name: &str) -> String {
    let builds: Vec<(Option<String>, String)> = builders.iter().flat_map(|run| go_builds(run)).collect();
    let is_own = |output: &Option<String>| output.as_deref().and_then(|path| path.rsplit('/').next()) == Some(name);
    let found = builds.iter().find(|(output, _)| is_own(output)).or(builds.first());
    let target = found.map_or(".", |(_, target)| target);
    if target == "." || target.starts_with("./") || target.ends_with(".go") {
        target.to_owned()
    } else {
        format!("./{target}")
    }
}

/// The outputs and targets of each `go build`.
fn go_builds(run: &str) -> Vec<(Option<String>, String)> {
    let commands = shell::commands(run).into_iter();
    let builds = commands.filter(|command| command.program() == "go" && command.word(1) == Some("build"));
    let read = |command: shell::Command<'_>| {
        let (mut output, mut target) = (None, ".".to_owned());
        let mut words = command.arguments().skip(1);
        while let Some(word) = words.next() {
            match word {
                "-o" => output = words.next().map(str::to_owned),
                "-ldflags" | "-tags" | "-p" | "-mod" | "-gcflags" | "-asmflags" => drop(words.next()),
                flag if flag.starts_with('-') => {}
                word => target = word.to_owned(),
            }
        }
        (output, target)
    };
    builds.map(read).collect()
}

/// Flags of `cargo build` that decide what is built, and whether they have a value.
const CARGO_FLAGS: [(&str, bool); 7] = [
    ("--features", true),
    ("-F", true),
    ("--bin", true),
    ("--package", true),
    ("-p", true),
    ("--no-default-features", false),
    ("--all-features", false),
];

/// The flags of the `cargo build` that makes a program, for `cargo run`.
fn cargo_flags(builders: &[String], name: &str) -> Vec<String> {
    let commands = builders.iter().flat_map(|run| shell::commands(run));
    let builds = commands.filter(|command| command.program() == "cargo" && command.word(1) == Some("build"));
    let flags = |command: shell::Command<'_>| {
        let mut found = Vec::new();
        let mut words = command.arguments().skip(1);
        while let Some(word) = words.next() {
            let (flag, own) = word.split_once('=').map_or((word, None), |(flag, own)| (flag, Some(own)));
            let Some((flag, has_value)) = CARGO_FLAGS.iter().find(|(known, _)| *known == flag) else { continue };
            found.push((*flag).to_owned());
            found.extend(own.or_else(|| words.next().filter(|_| *has_value)).map(str::to_owned));
        }
        found
    };
    let all: Vec<Vec<String>> = builds.map(flags).collect();
    let is_own = |flags: &&Vec<String>| flags.windows(2).any(|pair| pair[0] == "--bin" && pair[1] == name);
    all.iter().find(is_own).or(all.first()).cloned().unwrap_or_default()
}
