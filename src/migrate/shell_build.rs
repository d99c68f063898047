//! `docker build` in scripts: the context, the tags, and whether the command can be rewritten.

use crate::facts::ci::builders;
use crate::finding::Span;
use crate::lang::Node;
use crate::lang::ci::github::{Job, Step};
use crate::lang::shell::{self, Command, PerShell};
use crate::lang::yaml::Yaml;
use crate::migrate::builds::LONGEST_PATH;
use crate::paths;

/// The builds in a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    /// The position of the first build.
    pub at: u32,
    /// The command that cannot be rewritten.
    pub what: String,
    /// The reason why it cannot be rewritten.
    pub why: String,
    /// The builds, if all of them can be rewritten.
    pub builds: Option<Vec<Build>>,
}

/// One `docker build`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Build {
    /// The command.
    pub span: Span,
    /// The build context, relative to the root.
    pub context: String,
    /// The Dockerfile, relative to the root, if the command names one.
    pub file: Option<String>,
    /// The tags, as written.
    pub tags: Vec<String>,
    /// Whether it pushes the image.
    pub push: bool,
    /// Options without a counterpart.
    pub dropped: Vec<String>,
    /// Options that name a file to write. A Nix build does not write these files.
    pub files: Vec<String>,
    /// The files to which the image is written, as destinations of `copyTo`.
    pub archives: Vec<String>,
    /// `docker push` commands in the same script: the tag and the command.
    pub pushes: Vec<(String, Span)>,
}

/// Options with a value that do not affect the result of the build.
const IGNORED: [&str; 4] = ["--cache-from", "--progress", "--builder", "--network"];

/// Why a Compose command that [`compose`] found is not migrated, and the work to do by hand.
pub fn compose_advice(what: &str) -> (&'static str, &'static str) {
    match what {
        "docker compose config" | "docker compose convert" => {
            ("it reads the Compose file and starts nothing", "remove the command together with the Compose file")
        }
        _ => (
            "it uses containers from the Compose file",
            "start the processes that `flakeward migrate compose` writes: `nix run .#<name> -- up --detached`",
        ),
    }
}

/// The commands in a script that use a Compose file but build nothing: `docker compose up`.
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

/// The commands in a script that push an image with Docker. Empty if the script also builds images.
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

/// Compose subcommands that act on containers, or that only read the file.
const ACTIONS: [&str; 14] = [
    "up", "down", "run", "exec", "start", "stop", "restart", "pull", "push", "logs", "ps", "create", "config",
    "convert",
];

/// The folder after `cd`, relative to the root. `None` if it is computed or outside the repository.
pub fn entered(folder: &str, to: &str) -> Option<String> {
    const ROOTS: [&str; 4] =
        ["$GITHUB_WORKSPACE", "${GITHUB_WORKSPACE}", "${{ github.workspace }}", "${{github.workspace}}"];
    let root = ROOTS.iter().find_map(|root| to.strip_prefix(root));
    let (folder, to) = match root {
        Some(rest) => ("", rest.trim_start_matches('/')),
        None => (folder, to),
    };
    if is_computed(to) || to.starts_with(['/', '~', '-']) {
        return None;
    }
    paths::join(folder, to)
}

/// The folder in which the script of a step in a GitHub workflow starts, empty for the root. `None` if it is computed or
/// outside the repository.
pub fn folder_of(yaml: &Yaml<'_, '_>, job: &Job<'_>, step: &Step<'_>) -> Option<String> {
    let own = yaml.get(step.node, "working-directory");
    let default = |node: Node| yaml.at(node, &["defaults", "run", "working-directory"]);
    let root = || yaml.documents().next().and_then(default);
    let Some(node) = own.or_else(|| default(job.node)).or_else(root) else { return Some(String::new()) };
    entered("", yaml.scalar(node)?.trim())
}

fn is_computed(text: &str) -> bool {
    text.contains(['$', '`'])
}

/// The folder in which the commands of a shell run.
#[derive(Debug, Clone)]
struct Folder {
    /// The folder, relative to the root. `None` if it is unknown.
    path: Option<String>,
    /// The folders on `pushd`'s stack, the most recent one last.
    pushed: Vec<Option<String>>,
}

/// The maximum number of `pushd` folders that are remembered.
const MOST_PUSHED: usize = 32;

impl Folder {
    /// Updates the folder after a command that may change it.
    fn follow(&mut self, command: &Command<'_>) {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        let to = |to: &str| {
            let path = self.path.as_deref().and_then(|folder| entered(folder, to));
            path.filter(|path| path.len() <= LONGEST_PATH)
        };
        match words.as_slice() {
            ["cd", folder] => self.path = to(folder),
            ["pushd", folder] if self.pushed.len() < MOST_PUSHED => {
                let path = to(folder);
                self.pushed.push(std::mem::replace(&mut self.path, path));
            }
            ["popd"] => self.path = self.pushed.pop().flatten(),
            ["cd" | "pushd" | "popd", ..] => {
                self.path = None;
                self.pushed.clear();
            }
            _ => {}
        }
    }
}

/// Reads the builds of a script that starts in a folder; `None` if there are none.
pub fn read(script: &str, folder: Option<&str>) -> Option<Lines> {
    let mut folders = PerShell::new(Folder { path: folder.map(str::to_owned), pushed: Vec::new() });
    let commands = shell::commands(script);
    let mut found = Lines::default();
    let mut builds: Vec<Build> = Vec::new();
    let mut pushes: Vec<(String, Span)> = Vec::new();
    for command in &commands {
        let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        let folder = folders.at(command);
        folder.follow(command);
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
        match build(command, count).and_then(|build| build.in_folder(folder.path.as_deref())) {
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

impl Build {
    /// Makes the paths relative to the root, for a command that runs in a folder.
    fn in_folder(self, folder: Option<&str>) -> Result<Self, String> {
        let unknown = || "cannot tell which folder it builds".to_owned();
        let folder = folder.ok_or_else(unknown)?;
        // A remote repository, or a file outside the checkout.
        let is_elsewhere = |path: &str| path.starts_with('/') || path.contains("://") || path.starts_with("git@");
        let from_root = |path: String| match is_elsewhere(&path) {
            true => Ok(path),
            false => paths::join(folder, &path).ok_or_else(unknown),
        };
        let file = self.file.map(from_root).transpose()?;
        let context = from_root(self.context)?;
        let context = if context.is_empty() { ".".to_owned() } else { context };
        Ok(Self { context, file, ..self })
    }
}

/// The destination of an image according to `--output`.
enum Output {
    /// Docker.
    Docker,
    /// A file: a destination of `copyTo`.
    File(String),
    /// A registry.
    Registry,
}

impl Output {
    /// Parses the value of the option. The error is the reason why the build cannot be rewritten.
    fn read(value: &str, tag: Option<&str>) -> Result<Self, String> {
        let field = |name: &str| value.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let reference = tag.map(|tag| format!(":{}", with_tag(tag))).unwrap_or_default();
        match (field("type"), field("dest")) {
            (Some("docker"), None) => Ok(Self::Docker),
            (Some(kind @ ("docker" | "oci")), Some(file)) if file != "-" => {
                Ok(Self::File(format!("{kind}-archive:{file}{reference}")))
            }
            (Some("registry"), _) => Ok(Self::Registry),
            (Some("image"), _) if field("push") == Some("true") => Ok(Self::Registry),
            (Some("image"), _) => Ok(Self::Docker),
            _ => Err(format!("`--output {value}` writes something other than an image")),
        }
    }
}

/// Adds `:latest` to an image name without a version, as Docker does.
pub fn with_tag(tag: &str) -> String {
    let tag = tag.trim_matches('"');
    let name = tag.rsplit('/').next().unwrap_or(tag);
    let has_version = name.contains(':') || tag.contains('$');
    if has_version { tag.to_owned() } else { format!("{tag}:latest") }
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
    let mut outputs = Vec::new();
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
            "-o" | "--output" => outputs.push(value()),
            "--cache-to" | "--iidfile" | "--metadata-file" => {
                let value = value();
                let is_written = option != "--cache-to" || value.contains("dest=");
                build.files.extend(is_written.then(|| format!("{option} {value}")));
            }
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
    // The documented way to push without `--push` is to name the image in the output.
    for value in &outputs {
        let names = value.split(',').filter_map(|part| part.trim_matches('"').strip_prefix("name="));
        build.tags.extend(names.map(str::to_owned));
    }
    for value in outputs {
        match Output::read(&value, build.tags.first().map(String::as_str))? {
            Output::Docker => {}
            Output::File(destination) => {
                // An archive written by nix2container has one name.
                build.dropped.extend(build.tags.iter().skip(1).map(|tag| format!("--tag {tag}")));
                build.archives.push(destination);
            }
            Output::Registry => build.push = true,
        }
    }
    if build.push && build.tags.is_empty() {
        return Err("cannot tell where the image is pushed".to_owned());
    }
    let computed = is_computed;
    match (build.context.as_str(), &build.file) {
        ("" | "-", _) => Err("cannot tell which folder it builds".to_owned()),
        (context, file) if computed(context) || file.as_deref().is_some_and(computed) => {
            Err("the path of its Dockerfile is computed".to_owned())
        }
        _ => Ok(build),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_builds_in_scripts_are_found() {
        let found = read("cd x\ndocker build -t ghcr.io/o/api:$SHA --build-arg A=1 -f api/Dockerfile .\ndocker push ghcr.io/o/api:$SHA\n", Some("")).unwrap();
        let builds = found.builds.unwrap();
        let [build] = builds.as_slice() else { panic!("{builds:?}") };
        assert_eq!((build.context.as_str(), build.file.as_deref()), ("x", Some("x/api/Dockerfile")));
        assert_eq!(
            (build.tags.as_slice(), build.dropped.as_slice()),
            (&["ghcr.io/o/api:$SHA".to_owned()][..], &["--build-arg A=1".to_owned()][..])
        );
        assert_eq!(build.pushes[0].0, "ghcr.io/o/api:$SHA");
        assert!(read("docker build $DIR", Some("")).unwrap().builds.is_none());
        assert!(read("docker build --check .", Some("")).unwrap().why.contains("only checks"));
        let pushed = pushes("docker tag a b && docker push b\n");
        assert_eq!(pushed.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(), ["docker push b"]);
        assert_eq!(pushes("docker build -t b . && docker push b"), []);
        assert!(read("docker compose build", Some("")).unwrap().why.contains("only"));
        assert_eq!(read("docker run x", Some("")), None);
        let used =
            compose("docker compose -f a.yaml up -d\ndocker-compose run web test\ndocker compose build\ndocker ps\n");
        assert_eq!(
            used.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(),
            ["docker compose up", "docker compose run"]
        );
        for (script, starts) in [
            ("docker compose -f a.yaml config -q", false),
            ("docker compose up", true),
            ("docker compose run a config", true),
        ] {
            let found = compose(script);
            let [(what, _)] = found.as_slice() else { panic!("{script}: {found:?}") };
            assert_eq!(compose_advice(what).1.contains("start the processes"), starts, "{script}");
        }
    }

    #[test]
    fn builds_run_in_the_folder_of_their_script() {
        let contexts = |script: &str, folder: Option<&str>| {
            let builds = read(script, folder).unwrap().builds?;
            Some(builds.into_iter().map(|build| build.context).collect::<Vec<_>>().join(" "))
        };
        for (script, folder, expected) in [
            ("docker build .", "back", "back"),
            ("cd front\ndocker build .\ncd ../x && docker build y", "", "front x/y"),
            ("(cd front && docker build .)\ndocker build .", "", "front ."),
            ("pushd a; docker build .; popd; docker build b", "", "a b"),
            ("cd \"$GITHUB_WORKSPACE/a\" && docker build .", "b", "a"),
            ("pushd api; cd ../a; popd; docker build .", "", "."),
            ("cd api & docker build .; cd api | true\ndocker build x", "", ". x"),
            ("case $REF in refs/tags/*) V=1;; *) V=2;; esac\n(cd api && docker build .)\ndocker build .", "", "api ."),
            ("echo \"build (api\"\ncd api\necho \"ok :)\"\ndocker build .", "", "api"),
        ] {
            assert_eq!(contexts(script, Some(folder)).as_deref(), Some(expected), "{script}");
        }
        assert_eq!(contexts("cd $DIR && docker build .", Some("")), None);
        assert_eq!(contexts("docker build ..", Some("")), None);
        assert_eq!(contexts("docker build .", None), None);
    }

    #[test]
    fn build_output_options_are_parsed() {
        let script = "docker buildx build -o type=docker,dest=a.tar --cache-to=type=local,dest=/tmp/c --cache-to type=gha -t x .";
        let build = read(script, Some("")).unwrap().builds.unwrap().remove(0);
        assert_eq!(build.archives, ["docker-archive:a.tar:x:latest"]);
        assert_eq!(
            (build.files.as_slice(), build.context.as_str()),
            (&["--cache-to type=local,dest=/tmp/c".to_owned()][..], ".")
        );
        assert!(read("docker build -o out .", Some("")).unwrap().why.contains("something other than an image"));
        assert!(read("docker build --output type=registry -t x .", Some("")).unwrap().builds.unwrap()[0].push);
        for script in [
            "docker build -o type=image,name=ghcr.io/o/x,push=true .",
            "docker build --output=type=registry,name=ghcr.io/o/x .",
        ] {
            let build = read(script, Some("")).unwrap().builds.unwrap().remove(0);
            assert_eq!((build.tags.as_slice(), build.push), (&["ghcr.io/o/x".to_owned()][..], true), "{script}");
        }
        assert!(read("docker build --push .", Some("")).unwrap().why.contains("where the image is pushed"));
        let build =
            read("docker build -t a -t b -o type=docker,dest=x.tar .", Some("")).unwrap().builds.unwrap().remove(0);
        assert_eq!(build.dropped, ["--tag b"]);
    }
}
