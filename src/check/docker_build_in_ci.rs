//! `docker-build-in-ci`: an image that a CI step builds with Docker tooling instead of the flake.

use crate::check::{Check, FileContext, Glance, ProjectContext};
use crate::facts::Project;
use crate::facts::ci::{Build, builders};
use crate::facts::needles::Words;
use crate::finding::{Finding, Span};
use crate::lang::ci::{self, Script, Site, System};
use crate::lang::yaml::Yaml;
use crate::lang::{Kind as NodeKind, Tree, nix, shell};
use crate::source::{Kind, Source};

/// See `rules/docker-build-in-ci.md`.
pub static CHECK: Check = Check { name: "docker-build", words: &[&BUILDERS], trigger, file, project };

static BUILDERS: Words = Words::any_of(&["buildImage", "LayeredImage"]);

/// Functions of nixpkgs and nix2container whose result is an image.
const IMAGE_FUNCTIONS: [&str; 4] =
    ["buildImage", "buildLayeredImage", "streamLayeredImage", "buildLayeredImageWithNixDb"];

fn trigger(source: &Glance<'_>) -> bool {
    match source.kind {
        Kind::Yaml => ci::system(&source.path).is_some(),
        Kind::Nix => source.has(&BUILDERS),
        _ => false,
    }
}

fn file(context: &mut FileContext<'_>) {
    let Some(tree) = context.tree else { return };
    match (context.source.kind, ci::system(&context.source.path)) {
        (Kind::Yaml, Some(system)) => context.facts.ci.builds = builds(tree, system),
        (Kind::Nix, _) => context.facts.ci.containers = containers(tree),
        _ => {}
    }
}

fn builds(tree: &Tree<'_>, system: System) -> Vec<Build> {
    let yaml = Yaml::new(tree);
    let mut builds = Vec::new();
    for site in ci::sites(&yaml, system) {
        match site {
            Site::Script(script) => script_builds(&script, &mut builds),
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

fn script_builds(script: &Script<'_>, out: &mut Vec<Build>) {
    for command in shell::commands(&script.text) {
        let Some(count) = builders::builds(&command) else { continue };
        let Some(last) = command.words.get(count - 1) else { continue };
        let named = &command.words[..count];
        let tool: Vec<&str> = named.iter().map(|word| &*word.text).collect();
        let words: Vec<&str> = command.arguments().collect();
        let span = script.span(Span { start: command.span.start, end: last.span.end });
        out.push(Build { span, tool: tool.join(" "), words: words.join(" ") });
    }
}

/// The names of the flake's packages that are images: `packages.container-api = nix2container.buildImage { .. };`
fn containers(tree: &Tree<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let Some(value) = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value)) else { continue };
        let called = nix::call(tree, value).map(|(function, _)| function);
        if !called.is_some_and(|function| IMAGE_FUNCTIONS.contains(&nix::last_name(&function))) {
            continue;
        }
        let Some(path) = nix::attr_path(tree, binding) else { continue };
        let is_package = path.iter().any(|name| name.text.as_deref() == Some("packages"));
        if let Some(name) = path.last().and_then(|name| name.text.as_deref()).filter(|_| is_package) {
            names.push(name.to_owned());
        }
    }
    names
}

fn project(context: &mut ProjectContext<'_>) {
    let findings: Vec<Finding> = {
        let containers = known_containers(context.project);
        let files = context.project.files.iter();
        files
            .flat_map(|file| file.facts.ci.builds.iter().map(|build| finding(&file.source, build, &containers)))
            .collect()
    };
    for finding in findings {
        context.report(finding);
    }
}

fn known_containers(project: &Project) -> Vec<&str> {
    let mut names: Vec<&str> =
        project.files.iter().flat_map(|file| &file.facts.ci.containers).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn finding(source: &Source, build: &Build, containers: &[&str]) -> Finding {
    let package = matching(build, containers);
    let message = format!("`{}` builds an image with Docker tooling instead of `nix build`", build.tool);
    let help = match (package, containers) {
        (Some(name), _) => format!("`nix build .#{name}` builds it, `nix run .#{name}.copyToRegistry` pushes it"),
        (None, []) => "describe the image as a package with nix2container.buildImage; then \
             `nix build .#container-<name>` builds it and `nix run .#container-<name>.copyToRegistry` pushes it"
            .to_owned(),
        (None, names) => {
            let names: Vec<String> = names.iter().take(4).map(|name| format!("`nix build .#{name}`")).collect();
            format!("the flake already builds images: {}; add this one as another package", names.join(", "))
        }
    };
    Finding::new("docker-build-in-ci", &source.path, build.span, message)
        .label(format!("write `nix build .#{}`", package.unwrap_or("container-<name>")))
        .help(help)
}

/// The flake's package that is most likely this image: the only one, or the longest whose name stands in the command.
fn matching<'a>(build: &Build, containers: &[&'a str]) -> Option<&'a str> {
    if let [only] = containers {
        return Some(only);
    }
    let stem = |name: &'a str| {
        let name = name.strip_prefix("container-").or_else(|| name.strip_prefix("image-")).unwrap_or(name);
        name.strip_suffix("-container").or_else(|| name.strip_suffix("-image")).unwrap_or(name)
    };
    let is_separate = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let named = |name: &&&'a str| build.words.split(is_separate).any(|word| word == stem(name));
    containers.iter().filter(named).max_by_key(|name| stem(name).len()).copied()
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
    fn ready_made_work_of_each_system() {
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
    fn the_image_of_that_name_is_offered() {
        let build = |words: &str| Build { span: Span::default(), tool: "docker build".into(), words: words.into() };
        let images = ["container-api", "container-web-api", "worker-image"];
        for (words, expected) in [
            ("build -t ghcr.io/me/api:latest .", Some("container-api")),
            ("build -t ghcr.io/me/web-api .", Some("container-web-api")),
            ("build worker", Some("worker-image")),
            ("build .", None),
        ] {
            assert_eq!(matching(&build(words), &images), expected, "{words}");
        }
        assert_eq!(matching(&build("build ."), &["container-x"]), Some("container-x"));
    }

    #[test]
    fn packages_that_are_images_are_known() {
        let text = "{ perSystem = { pkgs, ... }: { packages.container-api = n2c.buildImage { }; packages = { \
                    web = (pkgs.dockerTools.streamLayeredImage { }); hello = pkgs.hello; }; }; }";
        let tree = Tree::parse(Language::Nix, text).unwrap();
        assert_eq!(containers(&tree), ["container-api", "web"]);
    }
}
