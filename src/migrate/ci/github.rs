//! GitHub workflows: steps that build images with Docker become steps that build them from the flake.

use crate::facts::ci::builders;
use crate::finding::Span;
use crate::knowledge::docker_actions::{PREPARATION, SETUP, WITHOUT_COUNTERPART};
use crate::knowledge::nix_actions;
use crate::lang::ci::github::{self, Job, Step};
use crate::lang::ci::{self, Work};
use crate::lang::yaml::Yaml;
use crate::lang::{Language, Node, Tree};
use crate::migrate::builds::dockerfile_names;
use crate::migrate::flake::layout::{Edits, spaces};
use crate::migrate::shell_build::{self, Lines, with_tag};
use crate::source::LineIndex;

/// The work to do by hand for a build whose Dockerfile is not in the repository.
const NO_FILE: &str = "replace it with `nix build .#container-<name>`, once the flake has that package";

/// The flake's package for a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub name: String,
    /// The reason why the flake will not have it after this migration.
    pub missing: Option<String>,
}

/// Returns the package for a Dockerfile, if there is one.
pub type Package<'p> = &'p dyn Fn(&str) -> Option<Image>;

/// The start of a command that builds a package of the flake.
pub const BUILD: &str = "nix build .#";

/// The work to do by hand for a package that the flake does not have yet.
const IMPORT_FIRST: &str = "import its module in flake.nix, and then run `flakeward migrate ci`";

/// A rewritten workflow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewritten {
    /// The new text, if the workflow changed.
    pub text: Option<String>,
    /// What was migrated: line, key or command, result.
    pub carried: Vec<(usize, String, String)>,
    /// What is left to do by hand: line, key or command, reason, work.
    pub left: Vec<(usize, String, String, String)>,
}

/// Rewrites the text of a workflow.
pub fn rewrite(text: &str, package: Package<'_>) -> Option<Rewritten> {
    let tree = Tree::parse(Language::Yaml, text).filter(|tree| !tree.broken())?;
    let yaml = Yaml::new(&tree);
    let mut writer = Writer {
        text,
        yaml: &yaml,
        index: LineIndex::new(text),
        package,
        edits: Edits::default(),
        out: Rewritten::default(),
        loaded: Vec::new(),
    };
    for job in github::jobs(&yaml) {
        writer.job(&job);
    }
    if !writer.out.carried.is_empty() {
        writer.out.text = Some(writer.edits.render(text, Span::new(0, text.len())));
    }
    Some(writer.out)
}

struct Writer<'w, 't, 'a> {
    text: &'w str,
    yaml: &'w Yaml<'t, 'a>,
    index: LineIndex,
    package: Package<'w>,
    edits: Edits,
    out: Rewritten,
    /// Tags of images that rewritten steps load into Docker.
    loaded: Vec<String>,
}

impl Writer<'_, '_, '_> {
    fn line(&self, at: u32) -> usize {
        self.index.line(at) + 1
    }

    fn leave(&mut self, at: u32, what: &str, why: &str, todo: &str) {
        let line = self.line(at);
        self.out.left.push((line, what.to_owned(), why.to_owned(), todo.to_owned()));
    }

    fn job(&mut self, job: &Job<'_>) {
        let mut changed = 0;
        let mut kept = 0;
        // Each job runs on a separate machine.
        self.loaded.clear();
        for step in &job.steps {
            self.leave_compose(step);
            self.leave_pushes(step);
            match self.step(step, shell_build::folder_of(self.yaml, job, step)) {
                Some(true) => changed += 1,
                Some(false) => kept += 1,
                None => {}
            }
        }
        if changed == 0 {
            return;
        }
        if kept == 0 {
            self.drop_preparation(job);
        }
        self.install(job);
    }

    /// Reports the Compose commands of a step.
    fn leave_compose(&mut self, step: &Step<'_>) {
        let Some(script) = &step.run else { return };
        for (what, span) in shell_build::compose(&script.text) {
            let (why, todo) = shell_build::compose_advice(&what);
            self.leave(script.start + span.start, &what, why, todo);
        }
    }

    /// Reports `docker push` commands for images that the step does not build, unless a rewritten step loads them into
    /// Docker.
    fn leave_pushes(&mut self, step: &Step<'_>) {
        let Some(script) = &step.run else { return };
        for (what, span) in shell_build::pushes(&script.text) {
            if what.split(' ').next_back().is_some_and(|tag| self.loaded.contains(&with_tag(tag))) {
                continue;
            }
            let why = "`nix build` does not load the image into Docker";
            let todo = "push it with `nix run .#container-<name>.copyTo -- docker://TAG`";
            self.leave(script.start + span.start, &what, why, todo);
        }
    }

    /// Rewrites a step. `None` if it builds no image. Otherwise, returns whether it was rewritten.
    fn step(&mut self, step: &Step<'_>, folder: Option<String>) -> Option<bool> {
        match (&step.uses, &step.run) {
            (Some((name, span)), _) => {
                let parameters = self.yaml.get(step.node, "with");
                if !builders::is_builder(self.yaml, Work::Action, name, parameters) {
                    return None;
                }
                let own = ci::action_name(name);
                if !own.eq_ignore_ascii_case("docker/build-push-action") {
                    let todo = "replace it with `nix build .#container-<name>`";
                    self.leave(span.start, name, "this action has no known counterpart", todo);
                    return Some(false);
                }
                Some(self.action(step, parameters, span.start))
            }
            (None, Some(script)) => {
                let found = shell_build::read(&script.text, folder.as_deref())?;
                Some(self.script(step, script.start, &script.text, found))
            }
            (None, None) => None,
        }
    }

    fn value(&self, parameters: Option<Node>, key: &str) -> Option<String> {
        let node = self.yaml.get(parameters?, key)?;
        self.yaml.scalar(node).map(|text| text.trim().to_owned())
    }

    /// The path of the Dockerfile of a build, and the package for it. `file` is relative to the root, not to the build
    /// context.
    fn package_of(&self, context: &str, file: Option<&str>) -> (String, Option<Image>) {
        if let Some(file) = file {
            let path = file.trim_start_matches("./").to_owned();
            let package = (self.package)(&path);
            return (path, package);
        }
        let names = dockerfile_names(None);
        let package = names.iter().find_map(|name| (self.package)(&joined(context, name)));
        (joined(context, names.first().unwrap_or(&"Dockerfile")), package)
    }

    fn action(&mut self, step: &Step<'_>, parameters: Option<Node>, at: u32) -> bool {
        let context = self.value(parameters, "context").unwrap_or_else(|| ".".to_owned());
        let file = self.value(parameters, "file");
        let (dockerfile, package) = self.package_of(&context, file.as_deref());
        let Some(item) = step.item.filter(|_| step.alias.is_none()) else {
            self.leave(
                at,
                "docker/build-push-action",
                "a step in a flow sequence, or one shared through an alias, is not rewritten",
                "rewrite it by hand",
            );
            return false;
        };
        if dockerfile.contains("${{") {
            let why = "which Dockerfile it builds depends on the matrix or another expression";
            self.leave(at, "docker/build-push-action", why, "write one `nix build .#container-<name>` for each image");
            return false;
        }
        let Some(package) = package else {
            let why = format!("the repository has no {dockerfile}");
            self.leave(at, "docker/build-push-action", &why, NO_FILE);
            return false;
        };
        if let Some(why) = &package.missing {
            self.leave(at, "docker/build-push-action", why, IMPORT_FIRST);
            return false;
        }
        let package = package.name;
        if let Some(id) = self.used_id(step) {
            let why = format!("its outputs are used: `steps.{id}.outputs`");
            self.leave(
                at,
                "docker/build-push-action",
                &why,
                "take the digest from `skopeo inspect` and rewrite the step",
            );
            return false;
        }
        self.unused_inputs(parameters, at);
        for entry in self.yaml.entries(step.node) {
            if !matches!(entry.key.as_ref(), "name" | "id" | "if" | "uses" | "with") {
                let place = self.yaml.tree.span(entry.key_node).start;
                self.leave(
                    place,
                    &entry.key,
                    "the new steps do not have this key",
                    "add it to the new steps if it is still needed",
                );
            }
        }
        let push = self.value(parameters, "push").unwrap_or_else(|| "false".to_owned());
        let load = self.value(parameters, "load").is_some_and(|load| load == "true");
        let tags = self.tags(parameters);
        let name =
            self.yaml.get(step.node, "name").and_then(|name| self.yaml.scalar(name)).map(|name| name.into_owned());
        let condition =
            self.yaml.get(step.node, "if").and_then(|node| self.yaml.scalar(node)).map(|text| text.into_owned());
        let dash = column(self.text, item.start as usize);
        let mut out = Steps::new(dash);
        let mut build = vec![format!("nix build .#{package}")];
        if load {
            build.push(format!("nix run .#{package}.copyToDockerDaemon"));
            build.extend(tags.as_ref().map(|_| {
                format!("for tag in ${{TAGS//,/ }}; do docker tag \"$(nix eval --raw .#{package}.imageName):$(nix eval --raw .#{package}.imageTag)\" \"$tag\"; done")
            }));
        }
        let load_tags = tags.as_deref().filter(|_| load);
        out.step(name.as_deref().unwrap_or("Build image"), condition.as_deref(), load_tags, &build);
        if push != "false" {
            let both = match (condition.as_deref(), push.as_str()) {
                (condition, "true") => condition.map(str::to_owned),
                (None, push) => Some(push.to_owned()),
                (Some(condition), push) => Some(format!("${{{{ ({}) && ({}) }}}}", inner(condition), inner(push))),
            };
            match &tags {
                Some(tags) => out.step("Push image", both.as_deref(), Some(tags), &push_lines(&package)),
                None => {
                    self.leave(at, "push", "there are no tags to push to", "add `nix run .#<package>.copyToRegistry`")
                }
            }
        }
        self.edits.replace(item, out.text());
        let line = self.line(at);
        self.out.carried.push((line, "docker/build-push-action".to_owned(), format!("{BUILD}{package}")));
        true
    }

    /// The value of `tags`, with one tag per line. `None` if there are no tags.
    fn tags(&self, parameters: Option<Node>) -> Option<String> {
        let node = self.yaml.get(parameters?, "tags")?;
        let list = self.yaml.items(node);
        let text = match list.is_empty() {
            true => self.yaml.scalar(node)?.into_owned(),
            false => list.into_iter().filter_map(|item| self.yaml.scalar(item)).collect::<Vec<_>>().join("\n"),
        };
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// Reports inputs that have no counterpart.
    fn unused_inputs(&mut self, parameters: Option<Node>, at: u32) {
        let Some(parameters) = parameters else { return };
        for entry in self.yaml.entries(parameters) {
            let key = entry.key.as_ref();
            if WITHOUT_COUNTERPART.contains(&key) {
                continue;
            }
            let place =
                self.yaml.tree.span(entry.key_node).start.max(at.min(self.yaml.tree.span(entry.key_node).start));
            let (why, todo) = match key {
                "build-args" => ("a Nix build has no build arguments", "write their values into the package"),
                "platforms" => (
                    "`nix build` builds for one system",
                    "build on a runner for each system, or with `.#packages.<system>.<name>`",
                ),
                "target" => ("the package builds the last stage", "define the other stage as a separate package"),
                "labels" => ("labels are part of the image's configuration", "set `config.Labels` in the package"),
                "secrets" | "ssh" | "secret-files" | "secret-envs" => {
                    ("a Nix build has no access to secrets", "fetch whatever needs them as a flake input")
                }
                _ => ("the new step has no counterpart for it", "check whether it is still needed"),
            };
            self.leave(place, &format!("with.{key}"), why, todo);
        }
    }

    fn script(&mut self, step: &Step<'_>, start: u32, text: &str, found: Lines) -> bool {
        let at = start + found.at;
        if step.alias.is_some() || step.item.is_none() {
            self.leave(at, "docker build", "the step is shared or in a flow sequence", "rewrite it by hand");
            return false;
        }
        let Some(builds) = found.builds else {
            self.leave(at, &found.what, &found.why, "rewrite the step with `nix build .#container-<name>`");
            return false;
        };
        let mut edits: Vec<(Span, String)> = Vec::new();
        for build in &builds {
            let (dockerfile, package) = self.package_of(&build.context, build.file.as_deref());
            let Some(package) = package else {
                let why = format!("the repository has no {dockerfile}");
                self.leave(at, "docker build", &why, NO_FILE);
                return false;
            };
            if let Some(why) = &package.missing {
                self.leave(at, "docker build", why, IMPORT_FIRST);
                return false;
            }
            let package = package.name;
            for dropped in &build.dropped {
                let (why, todo) = match dropped.starts_with("--tag") {
                    true => ("the archive contains only the first tag", "add the tag when the archive is loaded"),
                    false => ("a Nix build has no such argument", "write its value into the package"),
                };
                self.leave(at, dropped, why, todo);
            }
            for file in &build.files {
                self.leave(at, file, "`nix build` does not write this file", "remove the commands that read it");
            }
            let mut lines = vec![format!("nix build .#{package}")];
            lines.extend(build.archives.iter().map(|to| format!("nix run .#{package}.copyTo -- \"{to}\"")));
            for tag in &build.tags {
                let pushed = builds.iter().flat_map(|build| &build.pushes).find(|(pushed, _)| pushed == tag);
                match pushed {
                    Some((_, span)) => {
                        edits.push((
                            *span,
                            format!("nix run .#{package}.copyTo -- \"docker://{}\"", tag.trim_matches('"')),
                        ));
                    }
                    // An image that is written to a file is not loaded.
                    None if !build.archives.is_empty() => {}
                    None => {
                        self.loaded.push(with_tag(tag));
                        lines.push(format!("nix run .#{package}.copyTo -- \"docker-daemon:{}\"", with_tag(tag)));
                    }
                }
            }
            if build.push {
                lines.retain(|line| !line.contains("docker-daemon:"));
                lines.extend(
                    build
                        .tags
                        .iter()
                        .map(|tag| format!("nix run .#{package}.copyTo -- \"docker://{}\"", tag.trim_matches('"'))),
                );
            }
            let indent = spaces(column(text, build.span.start as usize));
            edits.push((build.span, lines.join(&format!("\n{indent}"))));
            let line = self.line(start + build.span.start);
            self.out.carried.push((line, "docker build".to_owned(), format!("{BUILD}{package}")));
        }
        let one_line = !text.contains('\n') || !self.text.get(start as usize..).unwrap_or("").starts_with(text);
        for (span, new) in edits {
            let whole = Span { start: start + span.start, end: start + span.end };
            let new = if one_line || is_inline(self.text, start as usize) {
                new.lines().map(str::trim_start).collect::<Vec<_>>().join(" && ")
            } else {
                let outer = spaces(column(self.text, start as usize + text.len() - text.trim_start().len()));
                new.lines()
                    .enumerate()
                    .map(
                        |(number, line)| {
                            if number == 0 { line.to_owned() } else { format!("{outer}{}", line.trim_start()) }
                        },
                    )
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            self.edits.replace(whole, new);
        }
        true
    }

    /// The id of a step, if the workflow uses its outputs.
    fn used_id(&self, step: &Step<'_>) -> Option<String> {
        let id = self.yaml.get(step.node, "id").and_then(|id| self.yaml.scalar(id))?;
        self.text.contains(&format!("steps.{id}.outputs")).then(|| id.into_owned())
    }

    /// Removes the steps that only prepare Docker's builder. Called if the job no longer builds with Docker.
    fn drop_preparation(&mut self, job: &Job<'_>) {
        for step in &job.steps {
            let Some((name, span)) = &step.uses else { continue };
            let own = ci::action_name(name);
            if !PREPARATION.iter().any(|action| own.eq_ignore_ascii_case(action)) {
                continue;
            }
            let Some(item) = step.item.filter(|_| step.alias.is_none()) else { continue };
            if let Some(id) = self.used_id(step) {
                let why = format!("its outputs are used: `steps.{id}.outputs`");
                self.leave(span.start, own, &why, "remove it together with the steps that use its outputs");
                continue;
            }
            let before = self.text.get(..item.start as usize).unwrap_or("");
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let end = self
                .text
                .get(item.end as usize..)
                .unwrap_or("")
                .find('\n')
                .map_or(self.text.len(), |at| item.end as usize + at + 1);
            // A blank line after the step is removed too.
            let blank = self.text.get(end..).is_some_and(|rest| rest.starts_with('\n'));
            self.edits.replace(Span::new(line_start, end + usize::from(blank)), "");
            let line = self.line(span.start);
            self.out.carried.push((line, own.to_owned(), "nothing: Nix needs no builder".to_owned()));
        }
    }

    /// Inserts the steps that install Nix and set up its cache, unless the job already installs Nix. A job without a
    /// checkout also gets one.
    fn install(&mut self, job: &Job<'_>) {
        let names = |step: &Step<'_>| step.uses.as_ref().map(|(name, _)| ci::action_name(name).to_owned());
        let has_nix = job.steps.iter().filter_map(names).any(|name| nix_actions::installs(&name.to_ascii_lowercase()));
        if has_nix {
            return;
        }
        let is_checkout =
            |step: &&Step<'_>| names(step).is_some_and(|name| name.eq_ignore_ascii_case("actions/checkout"));
        let checkout = job.steps.iter().find(is_checkout);
        let Some(first) = checkout.or(job.steps.first()) else { return };
        let Some(item) = first.item else { return };
        let dash = spaces(column(self.text, item.start as usize));
        let blank = self.text.get(item.end as usize..).is_some_and(|rest| rest.starts_with("\n\n"));
        let gap = if blank { "\n\n" } else { "\n" };
        let setup: Vec<String> = SETUP.iter().map(|(_, uses)| format!("- uses: {uses}")).collect();
        if checkout.is_some() {
            let text: String = setup.iter().map(|step| format!("{gap}{dash}{step}")).collect();
            self.edits.replace(Span { start: item.end, end: item.end }, text);
            return;
        }
        // Docker's action fetches the repository itself, but a Nix build needs a checkout.
        let checkout = format!("- uses: actions/checkout@v4\n{dash}  with:\n{dash}    persist-credentials: false");
        let fetch = std::iter::once(checkout).chain(setup);
        let text: String = fetch.map(|step| format!("{step}{gap}{dash}")).collect();
        self.edits.replace(Span { start: item.start, end: item.start }, text);
    }
}

/// The script lines that push an image to each tag in `$TAGS`.
fn push_lines(package: &str) -> Vec<String> {
    vec![
        "# copyToRegistry only pushes to the image's own name; copyTo takes a destination.".to_owned(),
        "for tag in ${TAGS//,/ }; do".to_owned(),
        format!("  nix run .#{package}.copyTo -- \"docker://$tag\""),
        "done".to_owned(),
    ]
}

/// Steps as YAML, without the indentation of the first step's dash.
struct Steps {
    dash: usize,
    out: String,
}

impl Steps {
    fn new(dash: usize) -> Self {
        Self { dash, out: String::new() }
    }

    fn step(&mut self, name: &str, condition: Option<&str>, tags: Option<&str>, lines: &[String]) {
        let (dash, key, deep) = (spaces(self.dash), spaces(self.dash + 2), spaces(self.dash + 4));
        if !self.out.is_empty() {
            self.out.push_str(&dash);
        }
        self.out.push_str(&format!("- name: {}\n", scalar(name)));
        if let Some(condition) = condition {
            self.out.push_str(&format!("{key}if: {}\n", scalar(condition)));
        }
        if let Some(tags) = tags {
            self.out.push_str(&format!("{key}env:\n{deep}TAGS: "));
            match tags.contains('\n') {
                true => {
                    self.out.push_str("|\n");
                    for tag in tags.lines() {
                        self.out.push_str(&format!("{deep}  {}\n", tag.trim()));
                    }
                }
                false => self.out.push_str(&format!("{}\n", scalar(tags))),
            }
        }
        match lines {
            [line] => self.out.push_str(&format!("{key}run: {line}\n")),
            lines => {
                self.out.push_str(&format!("{key}run: |\n"));
                for line in lines {
                    self.out.push_str(&format!("{deep}{line}\n"));
                }
            }
        }
    }

    fn text(&self) -> String {
        self.out.trim_end().to_owned()
    }
}

/// A string as a YAML scalar.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '$' || c == '(')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
        && !text.contains('\n');
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''").replace('\n', " ")) }
}

/// A condition without `${{ }}` around it.
fn inner(condition: &str) -> &str {
    let text = condition.trim();
    let bare = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
    bare.filter(|bare| !bare.contains("${{")).unwrap_or(text).trim()
}

/// The column of an offset.
fn column(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or("");
    at - before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// Whether a script begins on the line of its key.
fn is_inline(text: &str, start: usize) -> bool {
    let before = text.get(..start).unwrap_or("");
    !before[before.rfind('\n').map_or(0, |newline| newline + 1)..].trim().is_empty()
}

fn joined(folder: &str, name: &str) -> String {
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    if folder.is_empty() || folder == "." { name.to_owned() } else { format!("{folder}/{name}") }
}
