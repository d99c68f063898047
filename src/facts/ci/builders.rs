//! Commands, actions, tasks and plugins that build an image with Docker tooling.

use crate::knowledge::ci_programs;
use crate::lang::Node;
use crate::lang::ci::{self, Work};
use crate::lang::shell::{self, Command};
use crate::lang::yaml::Yaml;
use crate::paths;

/// The number of words that identify the build: 3 for `docker compose build`. `None` if the command does not build an
/// image.
pub fn builds(command: &Command<'_>) -> Option<usize> {
    let mut operands = operands(command);
    let program = command.program().trim_end_matches(".exe");
    let (mut at, mut verb) = match program {
        "executor" => return command.word(0)?.contains("kaniko").then_some(1),
        "docker-buildx" => operands.next().and_then(|(at, verb)| buildx(command, at, verb)).map(|at| (at, "build"))?,
        "docker-compose" | "podman-compose" => {
            let (at, verb) = operands.next()?;
            return compose(command, at, verb);
        }
        "buildah" => {
            let (at, verb) = operands.next()?;
            return matches!(verb, "bud" | "build" | "build-using-dockerfile" | "commit").then_some(at + 1);
        }
        "buildctl" | "buildctl-daemonless.sh" | "img" => {
            let (at, verb) = operands.next()?;
            return (verb == "build" && (program != "img" || takes_build_options(command, at))).then_some(at + 1);
        }
        "az" => {
            let (group, verb) = (operands.next()?.1, operands.next()?);
            return (group == "acr" && verb.1 == "build").then_some(verb.0 + 1);
        }
        "docker" | "podman" | "nerdctl" | "finch" | "depot" => operands.next()?,
        _ => return None,
    };
    if matches!(verb, "image" | "builder" | "farm") {
        (at, verb) = operands.next()?;
    } else if verb == "buildx" {
        (at, verb) = operands.next()?;
        return buildx(command, at, verb);
    } else if verb == "compose" {
        (at, verb) = operands.next()?;
        return compose(command, at, verb);
    } else if verb == "run" {
        return command.arguments().any(is_kaniko).then_some(at + 1);
    }
    // Other tools also have these names; only the container tools take the options of `docker build`.
    if matches!(program, "depot" | "finch") && !takes_build_options(command, at) {
        return None;
    }
    let bakes = verb == "bake" && matches!(program, "docker" | "depot") && !command.has("--print");
    (verb == "build" || bakes).then_some(at + 1)
}

/// Whether the arguments after a subcommand suit `docker build` or `docker bake`: one of them is an option of these
/// commands, or a relative path.
fn takes_build_options(command: &Command<'_>, verb: usize) -> bool {
    const OPTIONS: [&str; 16] = [
        "-t",
        "--tag",
        "-f",
        "--file",
        "--push",
        "--load",
        "--platform",
        "--build-arg",
        "--target",
        "--no-cache",
        "--secret",
        "--output",
        "--project",
        "--save",
        "--metadata-file",
        "--cache-from",
    ];
    command.words.iter().skip(verb + 1).any(|word| {
        let option = word.text.split('=').next().unwrap_or("");
        OPTIONS.contains(&option) || matches!(&*word.text, "." | "..") || word.text.starts_with("./")
    })
}

fn is_kaniko(word: &str) -> bool {
    word.contains("kaniko-project/executor") || word.ends_with("kaniko/executor")
}

fn buildx(command: &Command<'_>, at: usize, verb: &str) -> Option<usize> {
    let builds = match verb {
        "build" | "b" => !command.has("--check"),
        "bake" | "f" => !command.has("--print"),
        _ => false,
    };
    builds.then_some(at + 1)
}

fn compose(command: &Command<'_>, at: usize, verb: &str) -> Option<usize> {
    let builds = match verb {
        "build" => true,
        "up" | "run" | "create" => command.has("--build"),
        _ => false,
    };
    builds.then_some(at + 1)
}

/// The arguments that are not options, with their indices.
fn operands<'c>(command: &'c Command<'_>) -> impl Iterator<Item = (usize, &'c str)> {
    let mut skip = false;
    command.words.iter().enumerate().skip(1).filter_map(move |(at, word)| {
        let text = &*word.text;
        if std::mem::take(&mut skip) {
            return None;
        }
        if text.starts_with('-') {
            skip = ci_programs::CONTAINER_OPTIONS.contains(&text);
            return None;
        }
        Some((at, text))
    })
}

/// Whether an action with this name builds an image with Docker tooling.
fn is_action(own: &str) -> bool {
    let repository = own.split_once('/').map_or("", |(_, path)| path.split('/').next().unwrap_or(path));
    // The actions inside `docker/bake-action` only list targets.
    if own.contains("/subaction/") {
        return false;
    }
    ci_programs::IMAGE_ACTIONS.contains(&repository)
        || ci_programs::GENERAL_IMAGE_ACTIONS.contains(&own)
        || is_kaniko(own.split(':').nth(1).unwrap_or(""))
}

/// Whether an action, task, orb, plugin or image of a CI system builds an image.
pub fn is_builder(yaml: &Yaml<'_, '_>, work: Work, name: &str, parameters: Option<Node>) -> bool {
    let own = name.split(['@', '#']).next().unwrap_or(name).to_ascii_lowercase();
    let parameter = |path: &[&str]| {
        let value = parameters.and_then(|node| yaml.at(node, path)).and_then(|value| yaml.scalar(value));
        value.map(|value| value.to_ascii_lowercase())
    };
    match work {
        Work::Action => {
            let composes = own.ends_with("/compose-action")
                && parameter(&["with", "up-flags"]).is_some_and(|flags| flags.contains("--build"));
            is_action(ci::action_name(&own)) || composes
        }
        Work::Task => match &*own {
            "docker" => {
                let command = parameter(&["inputs", "command"]).or_else(|| parameter(&["inputs", "action"]));
                command.is_none_or(|command| command.starts_with("build"))
            }
            "dockercompose" => parameter(&["inputs", "action"]).is_some_and(|action| action.starts_with("build")),
            _ => false,
        },
        Work::Orb => {
            let (orb, command) = own.rsplit_once('/').unwrap_or(("", &own));
            (orb.ends_with("/docker") && matches!(command, "build" | "publish"))
                || (command.starts_with("build") && command.ends_with("image"))
        }
        Work::Plugin => {
            let plugin = paths::name(&own).trim_end_matches("-buildkite-plugin");
            let composes =
                plugin == "docker-compose" && parameters.is_some_and(|node| yaml.get(node, "build").is_some());
            composes
                || plugin.contains("kaniko")
                || (plugin.starts_with("docker") && (plugin.contains("build") || plugin.contains("ecr-publish")))
        }
        Work::Image => image_builds(yaml, &own, parameters),
    }
}

fn image_builds(yaml: &Yaml<'_, '_>, image: &str, step: Option<Node>) -> bool {
    let (folder, name) = image.rsplit_once('/').unwrap_or(("", image));
    let name = name.split(':').next().unwrap_or(name);
    if image.contains("kaniko-project/executor") {
        return true;
    }
    if folder.ends_with("cloud-builders") {
        return step.is_some_and(|step| cloud_build(yaml, name, step));
    }
    let bare = ["plugin-", "drone-", "wp-"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let plugin = bare.is_some() || folder == "plugins" || folder.ends_with("/plugins");
    let bare = bare.unwrap_or(name);
    plugin && (ci_programs::IMAGE_PLUGINS.contains(&bare) || bare.starts_with("kaniko-"))
}

/// Whether a step of Google Cloud Build builds an image. A step runs the default program of its own image, or
/// `entrypoint`, with `args`.
fn cloud_build(yaml: &Yaml<'_, '_>, image: &str, step: Node) -> bool {
    let arguments: Vec<String> = yaml
        .get(step, "args")
        .map(|arguments| yaml.items(arguments))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|argument| yaml.scalar(argument).map(|text| text.into_owned()))
        .collect();
    let runs_builder = |script: &str| shell::commands(script).iter().any(|command| builds(command).is_some());
    let entrypoint = yaml.get(step, "entrypoint").is_some();
    arguments.iter().any(|argument| runs_builder(argument))
        || (image == "docker" && !entrypoint && runs_builder(&format!("docker {}", arguments.join(" "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(script: &str) -> Option<String> {
        shell::commands(script).iter().find_map(|command| {
            let count = builds(command)?;
            Some(command.words.iter().take(count).map(|word| &*word.text).collect::<Vec<_>>().join(" "))
        })
    }

    #[test]
    fn commands_that_build_images_are_recognised() {
        for (script, expected) in [
            ("docker build -t a/b .", "docker build"),
            ("sudo DOCKER_BUILDKIT=1 docker --context x image build .", "docker --context x image build"),
            ("docker buildx build --push .", "docker buildx build"),
            ("docker buildx --builder b bake", "docker buildx --builder b bake"),
            ("docker bake web", "docker bake"),
            ("docker builder build .", "docker builder build"),
            ("docker compose -f a.yml build web", "docker compose -f a.yml build"),
            ("docker compose up -d --build", "docker compose up"),
            ("docker-compose --file=a.yml up --build", "docker-compose --file=a.yml up"),
            ("podman build .", "podman build"),
            ("podman-compose build", "podman-compose build"),
            ("buildah bud -f Containerfile", "buildah bud"),
            ("buildah --storage-driver vfs build .", "buildah --storage-driver vfs build"),
            ("/kaniko/executor --context . --destination x", "/kaniko/executor"),
            ("docker run -v $PWD:/w gcr.io/kaniko-project/executor:v1 -d x", "docker run"),
            ("nerdctl build .", "nerdctl build"),
            ("buildctl build --frontend x", "buildctl build"),
            ("az acr build -r x .", "az acr build"),
            ("depot build .", "depot build"),
            ("depot build -t x web", "depot build"),
            ("depot bake --load", "depot bake"),
            ("img build -t x .", "img build"),
            ("if docker build .; then echo ok; fi", "docker build"),
            ("nix develop -c docker build .", "docker build"),
            ("bash -c 'cd x && docker build .'", "docker build"),
            ("echo $(docker build -q .)", "docker build"),
            ("cd x && \\\n  docker \\\n  build .", "docker build"),
        ] {
            assert_eq!(tool(script).as_deref(), Some(expected), "{script}");
        }
    }

    #[test]
    fn commands_that_do_not_build_images_are_ignored() {
        for script in [
            "depot build ci:everything",
            "direnv exec . depot build //web",
            "img build logo",
            "finch build release",
            "docker login -u build -p build",
            "docker pull build",
            "docker push x/build",
            "docker run --rm build build",
            "docker tag build x",
            "docker load < result",
            "docker compose up -d",
            "docker compose -f build pull",
            "docker compose run web build",
            "docker buildx create --use",
            "docker buildx imagetools create -t x y",
            "docker buildx bake --print",
            "docker buildx build --check .",
            "docker buildx inspect --bootstrap",
            "docker builder prune",
            "docker stack deploy build",
            "docker exec build make build",
            "podman run build",
            "buildah login",
            "nix build .#container-api",
            "echo 'docker build .'",
            "# docker build .",
            "echo docker build",
            "cat <<EOF\ndocker build .\nEOF",
            "make docker build",
            "npm run docker build",
            "executor build",
            "az acr login",
            "command -v docker build",
        ] {
            assert_eq!(tool(script), None, "{script}");
        }
    }
}
