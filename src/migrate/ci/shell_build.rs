//! `docker build` in scripts: what is built, its tags, and whether it can be rewritten.

use crate::facts::ci::builders;
use crate::finding::Span;
use crate::lang::shell::{self, Command};

/// What a script builds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    /// Where the first build is.
    pub at: u32,
    /// The command that cannot be rewritten.
    pub what: String,
    /// Why not.
    pub why: String,
    /// The builds, if all can be rewritten.
    pub builds: Option<Vec<Build>>,
}

/// One `docker build`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Build {
    /// The command.
    pub span: Span,
    /// The folder that it builds.
    pub context: String,
    /// The Dockerfile, if it is named.
    pub file: Option<String>,
    /// The tags, as they are written.
    pub tags: Vec<String>,
    /// Whether it pushes.
    pub push: bool,
    /// Options without a counterpart.
    pub dropped: Vec<String>,
    /// `docker push` commands of the same script: the tag and the command.
    pub pushes: Vec<(String, Span)>,
}

/// Options with a value that do not change what is built.
const IGNORED: [&str; 6] = ["--cache-from", "--cache-to", "--progress", "--builder", "--iidfile", "--network"];

/// Why commands of Compose are left.
pub const COMPOSE_WHY: &str = "it uses the containers of the Compose file";
/// What to do about it.
pub const COMPOSE_TODO: &str =
    "start the processes that `flakeward migrate compose` writes: `nix run .#<name> -- up --detached`";

/// The commands of a script that use a Compose file and build nothing: `docker compose up`.
pub fn compose(script: &str) -> Vec<(String, Span)> {
    let commands = shell::commands(script).into_iter().filter(|command| builders::builds(command).is_none());
    let what = |command: &Command<'_>| {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        let rest = match words.as_slice() {
            ["docker" | "podman", "compose", rest @ ..] | ["docker-compose" | "podman-compose", rest @ ..] => rest,
            _ => return None,
        };
        let action = rest.iter().find(|word| ACTIONS.contains(word));
        Some(action.map_or_else(|| "docker compose".to_owned(), |action| format!("docker compose {action}")))
    };
    commands.filter_map(|command| Some((what(&command)?, command.span))).collect()
}

/// The images that a script pushes with Docker and does not build.
pub fn pushes(script: &str) -> Vec<(String, Span)> {
    let commands = shell::commands(script);
    if commands.iter().any(|command| builders::builds(command).is_some()) {
        return Vec::new();
    }
    let what = |command: &Command<'_>| {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        match words.as_slice() {
            ["docker" | "podman", "push", ..] | ["docker" | "podman", "image", "push", ..] => {
                Some((words.join(" "), command.span))
            }
            _ => None,
        }
    };
    commands.iter().filter_map(what).collect()
}

/// What Compose does with containers.
const ACTIONS: [&str; 12] =
    ["up", "down", "run", "exec", "start", "stop", "restart", "pull", "push", "logs", "ps", "create"];

/// Reads the builds of a script; `None` if there are none.
pub fn read(script: &str) -> Option<Lines> {
    let commands = shell::commands(script);
    let mut found = Lines::default();
    let mut builds: Vec<Build> = Vec::new();
    let mut pushes: Vec<(String, Span)> = Vec::new();
    for command in &commands {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        if let ["docker", "push", rest @ ..] = words.as_slice() {
            let tags: Vec<&&str> = rest.iter().filter(|word| !word.starts_with('-')).collect();
            if let [tag] = tags.as_slice() {
                pushes.push(((**tag).to_owned(), command.span));
            }
        }
        let Some(count) = builders::builds(command) else { continue };
        if found.what.is_empty() && builds.is_empty() {
            found.at = command.span.start;
        }
        match build(command, count) {
            Ok(build) => builds.push(build),
            Err(why) => {
                found.what = words.get(..count).unwrap_or_default().join(" ");
                found.why = why;
                return Some(found);
            }
        }
    }
    let first = builds.first_mut()?;
    first.pushes = pushes;
    found.builds = Some(builds);
    Some(found)
}

fn build(command: &Command<'_>, count: usize) -> Result<Build, String> {
    let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
    let tool = words.get(..count).unwrap_or_default();
    if !matches!(
        tool,
        ["docker", "build"] | ["docker", "buildx", "build"] | ["docker", "image", "build"] | ["podman", "build"]
    ) {
        return Err("only `docker build` and `podman build` are rewritten".to_owned());
    }
    let mut build = Build { span: command.span, ..Build::default() };
    let mut rest = words.get(count..).unwrap_or_default().iter();
    while let Some(word) = rest.next() {
        let (option, own) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value)),
            _ => (*word, None),
        };
        let mut value = || own.or_else(|| rest.next().copied()).unwrap_or("").to_owned();
        match option {
            "-t" | "--tag" => build.tags.push(value()),
            "-f" | "--file" => build.file = Some(value()),
            "--push" => build.push = true,
            "--check" => return Err("it only checks the Dockerfile, and builds nothing".to_owned()),
            "--build-arg" | "--target" | "--secret" | "--ssh" | "--platform" | "--label" => {
                let value = value();
                build.dropped.push(format!("{option} {value}"));
            }
            option if IGNORED.contains(&option) => {
                value();
            }
            option if option.starts_with('-') && option != "-" => {}
            context => build.context = context.to_owned(),
        }
    }
    let computed = |text: &str| text.contains(['$', '`']) || text.contains("${{");
    match (build.context.as_str(), &build.file) {
        ("" | "-", _) => Err("cannot tell which folder it builds".to_owned()),
        (context, file) if computed(context) || file.as_deref().is_some_and(computed) => {
            Err("which Dockerfile it builds is computed".to_owned())
        }
        _ => Ok(build),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_of_scripts() {
        let found = read("cd x\ndocker build -t ghcr.io/o/api:$SHA --build-arg A=1 -f api/Dockerfile .\ndocker push ghcr.io/o/api:$SHA\n").unwrap();
        let builds = found.builds.unwrap();
        let [build] = builds.as_slice() else { panic!("{builds:?}") };
        assert_eq!((build.context.as_str(), build.file.as_deref()), (".", Some("api/Dockerfile")));
        assert_eq!(
            (build.tags.as_slice(), build.dropped.as_slice()),
            (&["ghcr.io/o/api:$SHA".to_owned()][..], &["--build-arg A=1".to_owned()][..])
        );
        assert_eq!(build.pushes[0].0, "ghcr.io/o/api:$SHA");
        assert!(read("docker build $DIR").unwrap().builds.is_none());
        assert!(read("docker build --check .").unwrap().why.contains("only checks"));
        let pushed = pushes("docker tag a b && docker push b\n");
        assert_eq!(pushed.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(), ["docker push b"]);
        assert_eq!(pushes("docker build -t b . && docker push b"), []);
        assert!(read("docker compose build").unwrap().why.contains("only"));
        assert_eq!(read("docker run x"), None);
        let used =
            compose("docker compose -f a.yaml up -d\ndocker-compose run web test\ndocker compose build\ndocker ps\n");
        assert_eq!(
            used.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(),
            ["docker compose up", "docker compose run"]
        );
    }
}
