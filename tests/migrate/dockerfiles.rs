//! Migrates every Dockerfile in the folders of FLAKEWARD_TEST_COMPOSE_CORPUS: the image has the settings of the last
//! stage, and every instruction of that stage is carried over or reported.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use flakeward::migrate::{Draft, Ports, dockerfile};
use flakeward::source::FileKind;
use flakeward::walk;
use serde_json::Value;
use tempfile::TempDir;

use crate::corpus::{Disk, corpora, folder};
use crate::tools::{PROJECT, have};

/// An instruction as written: line, name, arguments.
struct Instruction {
    line: usize,
    name: String,
    rest: String,
}

/// The instructions of the last stage, found line by line, without the code of the migration.
fn last_stage(text: &str) -> Vec<Instruction> {
    let mut found: Vec<Instruction> = Vec::new();
    let mut continued = false;
    let mut heredoc: Option<String> = None;
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if let Some(end) = &heredoc {
            if trimmed == end {
                heredoc = None;
            }
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if continued {
            if let Some((_, word)) = trimmed.split_once("<<") {
                heredoc = Some(delimiter(word));
            }
            if let Some(last) = found.last_mut() {
                last.rest.push(' ');
                last.rest.push_str(trimmed.trim_end_matches('\\'));
            }
        } else {
            let (name, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
            if name.eq_ignore_ascii_case("FROM") {
                found.clear();
            }
            if let Some((_, word)) = rest.split_once("<<") {
                heredoc = Some(delimiter(word));
            }
            let rest = rest.trim().trim_end_matches('\\').to_owned();
            found.push(Instruction { line: at + 1, name: name.to_ascii_uppercase(), rest });
        }
        continued = trimmed.ends_with('\\');
    }
    found
}

/// The delimiter of a heredoc, from the text after its `<<`.
fn delimiter(behind: &str) -> String {
    let word = behind.trim_start_matches('-').split(' ').next().unwrap_or_default();
    word.trim_matches(['"', '\'']).to_owned()
}

/// The arguments of `buildImage` in a written module, evaluated with a stand-in for nix2container.
fn image(module: &Path, lib: &Path, names: &BTreeSet<String>) -> Result<Value, String> {
    let list: String = names.iter().map(|name| format!("\"{name}\" ")).collect();
    let expression = format!(
        "let lib = import {}/lib; pkgs = import {PROJECT}/tests/migrate/nixpkgs.nix {{ inherit lib; names = [ {list}]; }} \
         \"x86_64-linux\"; system = \"x86_64-linux\";\n\
         nix2container = {{ buildImage = args: args; buildLayer = args: {{ layer = map (dep: dep.name) args.deps; }}; }};\n\
         module = import {} {{ inputs.nix2container.packages.x86_64-linux.nix2container = nix2container; }};\n\
         written = module.perSystem {{ inherit pkgs lib system; }};\n\
         image = builtins.head (builtins.attrValues written.packages);\n\
         in {{ inherit (image) config name; layers = image.layers or [ ]; copied = map (one: one.drvPath) image.copyToRoot; }}",
        lib.display(),
        module.display()
    );
    let state = TempDir::new().unwrap();
    let mut command = Command::new("nix-instantiate");
    command.args(["--eval", "--strict", "--json", "--read-write-mode", "--expr", &expression]);
    for name in ["STORE", "STATE", "LOG", "CONF"] {
        command.env(format!("NIX_{name}_DIR"), state.path().join(name.to_lowercase()));
    }
    command.env("NIX_CONFIG", "sandbox = false\nbuild-users-group =\nsubstituters =\n").env_remove("NIX_REMOTE");
    let output = command.output().unwrap();
    let _ = Command::new("chmod").args(["-R", "u+w"]).arg(state.path()).status();
    match output.status.success() {
        true => serde_json::from_slice(&output.stdout).map_err(|error| error.to_string()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The settings of the last stage that are missing from the image's configuration.
fn lacking(config: &Value, stage: &[Instruction]) -> Vec<String> {
    let last = |name: &str| stage.iter().rev().find(|instruction| instruction.name == name);
    let mut lacking = Vec::new();
    let mut expect = |name: &str, holds: &dyn Fn(&str) -> bool| {
        if let Some(instruction) = last(name)
            && !holds(&instruction.rest)
        {
            lacking.push(format!("{}: {name} {}", instruction.line, instruction.rest));
        }
    };
    let set = |key: &str| config[key].as_object().map_or(0, serde_json::Map::len);
    expect("CMD", &|rest| rest == "[]" || config["Cmd"].as_array().is_some_and(|words| !words.is_empty()));
    expect("ENTRYPOINT", &|rest| {
        rest == "[]" || config["Entrypoint"].as_array().is_some_and(|words| !words.is_empty())
    });
    expect("WORKDIR", &|rest| {
        let folder = config["WorkingDir"].as_str().unwrap_or("");
        rest.contains('$') || folder.ends_with(rest.trim_end_matches('/').trim_matches('"'))
    });
    expect("USER", &|rest| rest.contains('$') || config["User"] == rest.trim_matches('"'));
    expect("EXPOSE", &|rest| rest.contains('$') || set("ExposedPorts") > 0);
    expect("VOLUME", &|_| set("Volumes") > 0);
    expect("LABEL", &|_| set("Labels") > 0);
    expect("STOPSIGNAL", &|rest| config["StopSignal"] == rest);
    let variables: Vec<&str> =
        config["Env"].as_array().into_iter().flatten().filter_map(|entry| entry.as_str()?.split('=').next()).collect();
    expect("ENV", &|rest| {
        let name = rest.split(['=', ' ']).next().unwrap_or("");
        variables.contains(&name)
    });
    lacking
}

#[test]
fn the_settings_of_every_dockerfile_are_carried_over() {
    let (corpora, Some(nixpkgs)) = (corpora(), folder("FLAKEWARD_TEST_NIXPKGS_LIB")) else { return };
    if corpora.is_empty() || !have(&["nix-instantiate"]) {
        return;
    }
    let lib = crate::evaluate::library(&nixpkgs);
    let (mut count, mut holes, mut wrong) = (0, 0, Vec::new());
    for corpus in corpora {
        let disk = Disk(corpus.clone());
        for path in dockerfiles(&corpus) {
            let name = format!("{}/{path}", corpus.display());
            let text = fs::read_to_string(corpus.join(&path)).unwrap();
            let mut draft = Draft::new(&disk, Ports::default());
            if let Err(error) = dockerfile::migrate(&mut draft, &path.as_str().into()) {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
            count += 1;
            let (changes, report) = draft.finish().unwrap();
            let said: BTreeSet<usize> = report
                .carried
                .iter()
                .map(|entry| (&entry.path, entry.line))
                .chain(report.left.iter().map(|entry| (&entry.path, entry.line)))
                .filter(|(file, _)| ***file == *path)
                .map(|(_, line)| line)
                .collect();
            let stage = last_stage(&text);
            for (at, instruction) in stage.iter().enumerate() {
                // A later instruction replaces an earlier one.
                let once = ["CMD", "ENTRYPOINT", "WORKDIR", "USER", "STOPSIGNAL"].contains(&instruction.name.as_str());
                let variable = |instruction: &Instruction| {
                    let is_env = instruction.name == "ENV";
                    is_env.then(|| instruction.rest.split(['=', ' ']).next().unwrap_or_default().to_owned())
                };
                let own = variable(instruction);
                if stage[at + 1..]
                    .iter()
                    .any(|later| later.name == instruction.name && (once || (own.is_some() && variable(later) == own)))
                {
                    continue;
                }
                // The report need not mention these instructions if they have no arguments.
                let silent = matches!(instruction.name.as_str(), "ARG" | "SHELL" | "RUN" | "COPY" if instruction.rest.is_empty());
                let is_said = (instruction.line..instruction.line + 40).any(|line| said.contains(&line));
                let in_script = instruction.name == "RUN" && is_said;
                if !(silent || in_script || said.contains(&instruction.line)) {
                    wrong.push(format!(
                        "{name}:{}: the report does not mention {} {}",
                        instruction.line, instruction.name, instruction.rest
                    ));
                }
            }
            let folder = TempDir::new().unwrap();
            for change in &changes {
                let file = folder.path().join(&*change.path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, &change.after).unwrap();
            }
            let module = changes.iter().find(|change| change.path.starts_with("flake/container-")).unwrap();
            // The module refers to files in the repository relative to its own location, so the corpus is placed around
            // it: as links, or as copies for `lib.fileset`, which does not follow links to folders.
            place(&corpus, folder.path(), module.after.contains("lib.fileset"));
            holes += usize::from(module.after.contains("could not carry"));
            let names = crate::evaluate::names(&module.after);
            match image(&folder.path().join(&*module.path), lib.path(), &names) {
                Ok(image) => {
                    wrong.extend(lacking(&image["config"], &stage).into_iter().map(|what| format!("{name}:{what}")))
                }
                Err(error) => wrong.push(format!("{name}: {error}\n{}", module.after)),
            }
        }
    }
    eprintln!("{count} Dockerfiles, {holes} with commands that were not carried over");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 0);
}

/// Puts the contents of a folder into another one, except files that already exist there, as links or copies.
fn place(from: &Path, to: &Path, as_copies: bool) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let path = to.join(entry.file_name());
        if path.exists() {
            continue;
        }
        if as_copies {
            let copied = Command::new("cp").arg("-r").arg(entry.path()).arg(&path).status().unwrap();
            assert!(copied.success(), "{}", entry.path().display());
        } else {
            std::os::unix::fs::symlink(entry.path(), path).unwrap();
        }
    }
}

fn dockerfiles(corpus: &Path) -> Vec<String> {
    let walked = walk::walk(corpus, &walk::Options { no_ignore: true, ..walk::Options::default() });
    let entries = walked.entries.into_iter().filter(|entry| entry.kind == FileKind::Dockerfile);
    entries.map(|entry| entry.path.to_string()).collect()
}
