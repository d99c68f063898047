//! Programs that a Dockerfile builds, run from their source.

use super::{Program, append, start_line, versioned};
use crate::migrate::Files;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::image_file::ImageFile;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;

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
    if let Some(run) = built("go build") {
        let target = go_target(run);
        return Some((line("go", &["go", "run", &target]), false));
    }
    if built("cargo build").is_some() || built("cargo install").is_some() {
        let name = first.rsplit('/').next().unwrap_or(first).to_owned();
        let is_member = has("Cargo.toml").is_some_and(|text| text.contains("[workspace]"));
        let start: &[&str] = if is_member {
            &["cargo", "run", "--release", "--bin", &name, "--"]
        } else {
            &["cargo", "run", "--release", "--"]
        };
        return Some((line("cargo", start), false));
    }
    if first.contains("/build/install/") && (built("gradle ").is_some() || built("./gradlew").is_some()) {
        return Some((line("gradle", &["gradle", "run"]), true));
    }
    if built("dotnet publish").is_some() || built("dotnet build").is_some() {
        return Some((line("dotnet-sdk", &["dotnet", "run"]), true));
    }
    None
}

/// What `go build` builds: its last argument that is not a flag or a flag's value.
fn go_target(run: &str) -> String {
    let words = words::split(run).unwrap_or_default();
    let start = words.windows(2).position(|pair| pair[0] == "go" && pair[1] == "build").map_or(0, |at| at + 2);
    let mut target = ".".to_owned();
    let mut words = words[start..].iter().peekable();
    while let Some(word) = words.next() {
        match word.as_str() {
            "&&" | ";" | "|" | "||" => break,
            "-o" | "-ldflags" | "-tags" | "-p" | "-mod" => {
                words.next();
            }
            flag if flag.starts_with('-') => {}
            word => target = word.to_owned(),
        }
    }
    if target == "." || target.starts_with("./") || target.ends_with(".go") { target } else { format!("./{target}") }
}
