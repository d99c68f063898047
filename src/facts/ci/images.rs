//! Images that CI builds with Docker tooling, and a flake's packages that are images.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::builders;
use crate::facts::needles::Words;
use crate::facts::{Fact, FileView, Glance, Project, Reader, fact};
use crate::finding::Span;
use crate::knowledge::ci_programs;
use crate::lang::ci::{self, Script, Site, System};
use crate::lang::nix::AttrName;
use crate::lang::shell::{self, Command};
use crate::lang::yaml::Yaml;
use crate::lang::{Field, Node, NodeKind, Tree, nix};
use crate::source::FileKind;
use crate::{paths, wording};

/// Reads image builds in CI files, and images among a flake's packages.
pub static READER: Reader = Reader { name: "images", needles: &[&BUILDERS, &TASKS], may_hold, read };

static BUILDERS: Words = Words::any_of(&["buildImage", "LayeredImage"]);
static TASKS: Words = Words::any_of(&[BUILD_TASK]);

/// The image of the Concourse task that builds images. Concourse pipelines have no fixed file name.
const BUILD_TASK: &str = "oci-build-task";

fn may_hold(source: &Glance<'_>) -> bool {
    match source.kind {
        FileKind::Yaml => ci::system(&source.path).is_some() || source.has(&TASKS),
        FileKind::Nix => source.file_name() == "flake.nix" || source.has(&BUILDERS),
        _ => false,
    }
}

/// The image builds and image packages in a file.
#[derive(Debug, Default)]
pub struct ImageFacts {
    /// Images that its steps build with Docker tooling.
    pub builds: Vec<Build>,
    /// Packages of the flake that are container images.
    pub containers: Vec<Container>,
    /// The names of the flake's other packages.
    pub packages: Vec<String>,
}

impl Fact for ImageFacts {}

/// The packages of each flake in a repository.
#[derive(Debug, Default)]
pub struct FlakePackages<'p> {
    /// The packages in the files of a flake, by the flake's folder. Files outside any flake are under `None`.
    by_flake: HashMap<Option<&'p str>, Packages<'p>>,
    flakes: HashSet<&'p str>,
}

/// The packages of a flake.
#[derive(Debug, Default)]
pub struct Packages<'p> {
    /// The images, sorted by name.
    pub containers: Vec<&'p Container>,
    /// The names of the other packages.
    pub others: Vec<&'p str>,
}

impl<'p> FlakePackages<'p> {
    /// The packages of the flakes in the given folders.
    pub fn new(project: &'p Project, flakes: &HashSet<&'p str>) -> Self {
        let mut all = Self { by_flake: HashMap::new(), flakes: flakes.clone() };
        for (file, facts) in project.each::<ImageFacts>() {
            let packages = all.by_flake.entry(all.flake_of(&file.source.path)).or_default();
            packages.containers.extend(&facts.containers);
            packages.others.extend(facts.packages.iter().map(String::as_str));
        }
        for Packages { containers, .. } in all.by_flake.values_mut() {
            containers.sort_by(|a, b| (&a.name, !a.pushes).cmp(&(&b.name, !b.pushes)));
            containers.dedup_by(|a, b| a.name == b.name);
        }
        all
    }

    /// The packages of the flake that a file belongs to.
    pub fn around(&self, path: &'p str) -> Option<&Packages<'p>> {
        self.by_flake.get(&self.flake_of(path))
    }

    /// The folder of the innermost flake or template around a file. A template is not part of the flake around it,
    /// because it is meant to be copied.
    fn flake_of(&self, path: &'p str) -> Option<&'p str> {
        let is_end = |folder: &&str| self.flakes.contains(folder) || paths::is_template(folder);
        paths::folders(path).find(is_end).or_else(|| self.flakes.get("").copied())
    }
}

/// A package that is a container image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The name of the package.
    pub name: String,
    /// Whether it has `copyToRegistry`, as images built by nix2container do.
    pub pushes: bool,
}

/// An image built with Docker tooling.
#[derive(Debug)]
pub struct Build {
    /// Its location.
    pub span: Span,
    /// The command or the name of the action.
    pub tool: String,
    /// Its arguments, which may contain the name of the image.
    pub words: String,
}

fn read(file: &FileView<'_>) -> Option<Box<dyn Fact>> {
    let tree = file.tree?;
    let mut facts = ImageFacts::default();
    match (file.source.kind, ci::system(&file.source.path)) {
        (FileKind::Yaml, Some(system)) => facts.builds = builds(tree, system),
        (FileKind::Yaml, None) => facts.builds = concourse(tree),
        (FileKind::Nix, _) => (facts.containers, facts.packages) = packages(tree),
        _ => {}
    }
    let is_empty = facts.builds.is_empty() && facts.containers.is_empty() && facts.packages.is_empty();
    fact(facts, is_empty)
}

fn builds(tree: &Tree<'_>, system: System) -> Vec<Build> {
    let yaml = Yaml::new(tree);
    let mut builds = Vec::new();
    for site in ci::sites(&yaml, system) {
        match site {
            Site::Script(script) => builds.extend(script_builds(&script, &shell::commands(&script.text))),
            Site::Uses { work, name, span, parameters } => {
                if builders::is_builder(&yaml, work, &name, parameters) {
                    let words = parameters.map_or("", |node| tree.slice(node)).to_owned();
                    builds.push(Build { span, tool: name.into_owned(), words });
                }
            }
        }
    }
    builds
}

/// The tasks of a Concourse pipeline that build an image.
fn concourse(tree: &Tree<'_>) -> Vec<Build> {
    let has_any = memchr::memmem::find(tree.text().as_bytes(), BUILD_TASK.as_bytes()).is_some();
    let yaml = Yaml::new(tree);
    let is_pair = |node: &Node| matches!(tree.kind(*node), NodeKind::BlockMappingPair | NodeKind::FlowPair);
    let pairs = tree.nodes().filter(|node| has_any && is_pair(node));
    let task = |pair: Node| {
        let value = tree.child(pair, Field::Value)?;
        let tool = yaml.scalar(value).filter(|image| image.rsplit('/').next() == Some(BUILD_TASK))?;
        let is_image = yaml.path_of(value).ends_with(&["image_resource".into(), "source".into(), "repository".into()]);
        is_image.then(|| Build { span: tree.span(value), tool: tool.into_owned(), words: String::new() })
    };
    pairs.filter_map(task).collect()
}

/// The images that a script's commands build.
pub fn script_builds<'s>(script: &'s Script<'_>, commands: &'s [Command<'_>]) -> impl Iterator<Item = Build> + 's {
    let mut assigned = None;
    commands.iter().filter_map(move |command| {
        let variable = command.word(0).and_then(|program| program.strip_prefix('$'));
        let resolved = match variable {
            Some(name) => {
                let assigned = assigned.get_or_insert_with(|| assigned_tools(&script.text));
                let tool = assigned.get(name.trim_matches(['{', '}'])).copied().flatten()?;
                let mut command = command.clone();
                command.words.first_mut()?.text = Cow::Borrowed(tool);
                Cow::Owned(command)
            }
            None => Cow::Borrowed(command),
        };
        let command = resolved.as_ref();
        let named = command.words.get(..builders::builds(command)?)?;
        let tool: Vec<&str> = named.iter().map(|word| &*word.text).collect();
        let words: Vec<&str> = command.arguments().collect();
        let span = script.span(Span { start: command.span.start, end: named.last()?.span.end });
        Some(Build { span, tool: tool.join(" "), words: words.join(" ") })
    })
}

/// The variables that a script assigns, with the container tool that each of them names: `RUNTIME=docker`. `None` for a
/// variable that is also assigned anything else.
fn assigned_tools(script: &str) -> HashMap<&str, Option<&str>> {
    let mut assigned: HashMap<&str, Option<&str>> = HashMap::new();
    let words = script.split(|c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | '{'));
    for (name, value) in words.filter_map(|word| word.split_once('=')) {
        let value = value.trim_matches(['"', '\'']);
        let tool = Some(value).filter(|value| ci_programs::CONTAINER_TOOLS.contains(value));
        let first = assigned.entry(name).or_insert(tool);
        *first = first.filter(|_| tool.is_some());
    }
    assigned
}

/// Outputs, options and other names whose `packages` are not the flake's packages. A list of the names whose `packages`
/// are the flake's, such as `perSystem` and `outputsBuilder`, would never be complete.
const OTHER_PACKAGES: [&str; 22] = [
    "apps",
    "boot",
    "checks",
    "containers",
    "darwinConfigurations",
    "darwinModules",
    "devShell",
    "devShells",
    "environment",
    "home",
    "homeConfigurations",
    "homeManagerModules",
    "homeModules",
    "hydraJobs",
    "inputs",
    "nixosConfigurations",
    "nixosModules",
    "options",
    "programs",
    "services",
    "systemd",
    "users",
];

/// The packages of the flake that are images, such as `packages.container-api = nix2container.buildImage { .. };`, and
/// the names of the others.
fn packages(tree: &Tree<'_>) -> (Vec<Container>, Vec<String>) {
    let (mut containers, mut others) = (Vec::new(), Vec::new());
    let has_docker_tools = memchr::memmem::find(tree.text().as_bytes(), b"dockerTools").is_some();
    // An unqualified function may be inherited from nix2container or from dockerTools.
    let pushes = |value: Node| {
        called(tree, value).filter(|function| nix::last_name(function) == "buildImage").is_some_and(|function| {
            function.contains("nix2container")
                || function.split('.').any(|name| name == "n2c")
                || *function == *"buildImage" && !has_docker_tools
        })
    };
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let Some(path) = nix::attr_path(tree, binding) else { continue };
        let Some(at) = path.iter().position(|name| name.text.as_deref() == Some("packages")) else { continue };
        let is_other = |name: &AttrName<'_>| name.text.as_deref().is_some_and(|name| OTHER_PACKAGES.contains(&name));
        if path[..at].iter().any(is_other) {
            continue;
        }
        let is_system = |name: &str| name.ends_with("-linux") || name.ends_with("-darwin");
        let mut inside = path[at + 1..].iter().map(|name| name.text.as_deref());
        let name = match inside.next() {
            // An interpolated system: `packages.${system}.api`.
            Some(None) => inside.next(),
            Some(Some(system)) if is_system(system) => inside.next(),
            first => first,
        };
        // A binding with more names sets an attribute of a package.
        let (Some(Some(name)), None) = (name, inside.next()) else { continue };
        let value = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value));
        match value.is_some_and(|value| is_image(tree, name, value)) {
            true => containers.push(Container { name: name.to_owned(), pushes: value.is_some_and(pushes) }),
            false => others.push(name.to_owned()),
        }
    }
    (containers, others)
}

/// The function that a value calls.
fn called<'a>(tree: &Tree<'a>, value: Node) -> Option<Cow<'a, str>> {
    nix::call(tree, value).map(|(function, _)| function)
}

/// Whether a package is an image, judging by the function that builds it or by its name, unless it is a script or a
/// nixpkgs package.
fn is_image(tree: &Tree<'_>, name: &str, value: Node) -> bool {
    if let Some(function) = called(tree, value) {
        let function = nix::last_name(&function);
        return ci_programs::IMAGE_FUNCTIONS.contains(&function)
            || says_image(name) && !ci_programs::SCRIPT_FUNCTIONS.contains(&function);
    }
    let is_of_nixpkgs =
        nix::dotted(tree, value).is_some_and(|path| path.split('.').rev().skip(1).any(|it| it == "pkgs"));
    says_image(name) && !is_of_nixpkgs
}

/// Whether the name of a package indicates an image: `dockerImage`, `api-image`, `container-api`.
fn says_image(name: &str) -> bool {
    let words = wording::words(name, char::is_alphanumeric);
    let [before @ .., last] = words.as_slice() else { return false };
    let is_first = before.first().is_some_and(|first| first == "container");
    let is_last = !before.is_empty() && ci_programs::IMAGE_WORDS.contains(&last.as_str());
    let is_other = before.iter().any(|word| ci_programs::OTHER_IMAGE_WORDS.contains(&word.as_str()));
    (is_first || is_last) && !is_other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn tools(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::parse(Language::Yaml, text).unwrap();
        builds(&tree, ci::system(path).unwrap()).into_iter().map(|build| build.tool).collect()
    }

    #[test]
    fn the_tool_may_be_in_a_variable() {
        for (run, expected) in [
            ("R=docker\n$R build -t x .", &["docker build"][..]),
            ("R=docker\n[ -z \"$P\" ] || R='podman'\n${R} build -t x .", &["docker build"]),
            ("export R=\"podman\"; \"$R\" build .", &["podman build"]),
            ("R=docker\n$R push x", &[]),
            ("R=make\n$R build", &[]),
            ("R=docker\nR=make\n$R build", &[]),
            ("R=docker\nR=$(pick)\n$R build", &[]),
            ("$R build .", &[]),
        ] {
            let text =
                format!("jobs:\n  a:\n    steps:\n      - run: |\n          {}\n", run.replace('\n', "\n          "));
            assert_eq!(tools(".github/workflows/a.yml", &text), expected, "{run}");
        }
    }

    #[test]
    fn image_builds_are_found_in_reusable_units_of_every_ci_system() {
        let github = |step: &str| format!("jobs:\n  a:\n    steps:\n      - {step}\n");
        let woodpecker = |image: &str| format!("steps:\n  - name: a\n    image: {image}\n");
        let azure = |inputs: &str| format!("steps:\n- task: {inputs}\n");
        let circle = |step: &str| {
            format!("orbs:\n  d: circleci/docker@2\n  e: circleci/aws-ecr@9\njobs:\n  a:\n    steps:\n      - {step}\n")
        };
        let buildkite = |plugin: &str| format!("steps:\n  - plugins:\n      - {plugin}\n");
        let cloud = |step: &str| format!("steps:\n- name: {step}\n");
        for (path, text, expected) in [
            (".github/workflows/a.yml", github("uses: docker/build-push-action@v6"), true),
            (".github/workflows/a.yml", github("uses: Docker/Bake-Action@0123"), true),
            (".github/workflows/a.yml", github("uses: docker://gcr.io/kaniko-project/executor:v1"), true),
            (
                ".github/workflows/a.yml",
                github("{uses: hoverkraft-tech/compose-action@v2, with: {up-flags: --build}}"),
                true,
            ),
            ("action.yml", "runs:\n  steps:\n    - uses: docker/build-push-action@v6\n".to_owned(), true),
            (".github/workflows/a.yml", github("uses: acme/docker-build-push-action@v6"), true),
            (".gitea/workflows/a.yml", github("uses: https://github.com/docker/build-push-action@v5"), true),
            (".forgejo/workflows/a.yml", github("uses: https://code.forgejo.org/actions/checkout@v5"), false),
            (".github/workflows/a.yml", github("uses: acme/build-push-action-notes@v1"), false),
            (".github/workflows/a.yml", github("uses: acme/nix-build-action@v1"), false),
            (".github/workflows/a.yml", github("uses: docker/bake-action/subaction/list-targets@v4"), false),
            (".github/workflows/a.yml", github("uses: docker/login-action@v3"), false),
            (".github/workflows/a.yml", github("uses: docker/setup-buildx-action@v3"), false),
            (".github/workflows/a.yml", github("uses: docker/metadata-action@v3"), false),
            (".github/workflows/a.yml", github("uses: hoverkraft-tech/compose-action@v2"), false),
            (".github/workflows/a.yml", github("name: docker build\n        run: nix build"), false),
            (".woodpecker.yml", woodpecker("plugins/docker"), true),
            (".woodpecker.yml", woodpecker("woodpeckerci/plugin-docker-buildx:5"), true),
            (".woodpecker.yml", woodpecker("codeberg.org/woodpecker-plugins/docker-buildx"), false),
            (".drone.yml", woodpecker("plugins/kaniko-ecr:1"), true),
            (".drone.yml", woodpecker("thegeeklab/drone-docker-buildx"), true),
            (".drone.yml", woodpecker("docker:24-dind"), false),
            (".drone.yml", woodpecker("plugins/git"), false),
            ("azure-pipelines.yml", azure("Docker@2\n  inputs: {command: build}"), true),
            ("azure-pipelines.yml", azure("Docker@2\n  inputs: {command: buildAndPush}"), true),
            ("azure-pipelines.yml", azure("Docker@2\n  inputs: {repository: x}"), true),
            ("azure-pipelines.yml", azure("Docker@1\n  inputs: {command: Build an image}"), true),
            ("azure-pipelines.yml", azure("Docker@2\n  inputs: {command: login}"), false),
            ("azure-pipelines.yml", azure("DockerCompose@0\n  inputs: {action: Build services}"), true),
            ("azure-pipelines.yml", azure("DockerCompose@0\n  inputs: {action: Run services}"), false),
            (".circleci/config.yml", circle("d/build: {image: x}"), true),
            (".circleci/config.yml", circle("d/publish"), true),
            (".circleci/config.yml", circle("e/build-and-push-image: {repo: x}"), true),
            (".circleci/config.yml", circle("d/push: {image: x}"), false),
            (".circleci/config.yml", circle("setup_remote_docker"), false),
            (".buildkite/pipeline.yml", buildkite("docker-compose#v5:\n          build: app"), true),
            (".buildkite/pipeline.yml", buildkite("docker-compose#v5:\n          run: app"), false),
            (".buildkite/pipeline.yml", buildkite("seek-oss/docker-ecr-publish#v2"), true),
            (".buildkite/pipeline.yml", buildkite("docker#v5"), false),
            (".buildkite/pipeline.yml", buildkite("docker-login#v3"), false),
            ("cloudbuild.yaml", cloud("gcr.io/cloud-builders/docker\n  args: ['build', '-t', 'x', '.']"), true),
            (
                "cloudbuild.yaml",
                cloud("gcr.io/cloud-builders/docker\n  entrypoint: bash\n  args: ['-c', 'docker build .']"),
                true,
            ),
            ("cloudbuild.yaml", cloud("gcr.io/cloud-builders/docker\n  args: ['push', 'build']"), false),
            ("cloudbuild.yaml", cloud("gcr.io/kaniko-project/executor:latest"), true),
            (
                ".gitlab-ci.yml",
                "a:\n  image: {name: x, entrypoint: ['']}\n  script: /kaniko/executor --context .\n".to_owned(),
                true,
            ),
            (".gitlab-ci.yml", "docker build:\n  script: nix build\n".to_owned(), false),
        ] {
            assert_eq!(!tools(path, &text).is_empty(), expected, "{path}: {text}");
        }
    }

    #[test]
    fn image_packages_are_recognised() {
        let text = "{ perSystem = { pkgs, ... }: { packages.container-api = n2c.buildImage { }; packages = { \
                    web = (pkgs.dockerTools.streamLayeredImage { }); hello = pkgs.hello; dockerImage = import ./image.nix; \
                    imagemagick = pkgs.imagemagick; }; }; outputs.packages.x86_64-linux = { }; }";
        let tree = Tree::parse(Language::Nix, text).unwrap();
        let (containers, packages) = packages(&tree);
        let containers: Vec<(&str, bool)> =
            containers.iter().map(|found| (found.name.as_str(), found.pushes)).collect();
        assert_eq!(containers, [("container-api", true), ("web", false), ("dockerImage", false)]);
        assert_eq!(packages, ["hello", "imagemagick"]);
    }

    /// The images among a flake's packages.
    fn images(text: &str) -> Vec<(String, bool)> {
        let tree = Tree::parse(Language::Nix, text).unwrap();
        packages(&tree).0.into_iter().map(|found| (found.name, found.pushes)).collect()
    }

    #[test]
    fn programs_and_other_images_are_not_container_images() {
        for package in [
            "docker = pkgs.docker;",
            "skopeo-docker = pkgs.callPackage ./skopeo.nix { };",
            "docker-compose = pkgs.docker-compose;",
            "container-structure-test = pkgs.container-structure-test;",
            "iso-image = f { };",
            "sdImage = f { };",
            "image-viewer = f { };",
            "push-docker-image = writeShellScriptBin \"push\" \"skopeo copy\";",
            "deploy-image = pkgs.writeShellApplication { };",
            "image = f { };",
        ] {
            assert_eq!(images(&format!("{{ packages.x86_64-linux = {{ {package} }}; }}")), [], "{package}");
        }
        for package in ["docker = n2c.buildImage { };", "api-oci = f { };", "container-api = self.lib.image;"] {
            assert_eq!(images(&format!("{{ packages = {{ {package} }}; }}")).len(), 1, "{package}");
        }
    }

    #[test]
    fn flake_packages_are_found_in_the_outputs_of_any_helper() {
        for (around, expected) in [
            ("outputsBuilder = channels:", 1),
            ("flakeModule.perSystem = { pkgs, ... }:", 1),
            ("flakeModules.images.perSystem = { pkgs, ... }:", 1),
            ("outputs = inputs: let each = system:", 1),
            ("devShells.default =", 0),
            ("nixosConfigurations.host =", 0),
            ("users.users.me =", 0),
            ("home =", 0),
            ("environment =", 0),
            ("options =", 0),
        ] {
            let end = if around.contains("let") { " in each;" } else { "" };
            let text = format!("{{ {around} {{ packages.container-api = n2c.buildImage {{ }}; }};{end} }}");
            assert_eq!(images(&text).len(), expected, "{text}");
        }
    }

    #[test]
    fn only_nix2container_images_have_copy_to_registry() {
        for (text, expected) in [
            ("{ packages.x86_64-linux = with pkgs.dockerTools; { api = buildImage { }; }; }", false),
            ("let inherit (pkgs.dockerTools) buildImage; in { packages.api = buildImage { }; }", false),
            ("{ packages.api = my.buildImage { }; }", false),
            ("let inherit (n2c) buildImage; in { packages.api = buildImage { }; }", true),
            ("{ packages.api = inputs'.nix2container.packages.nix2container.buildImage { }; }", true),
        ] {
            assert_eq!(images(text), [("api".to_owned(), expected)], "{text}");
        }
    }
}
