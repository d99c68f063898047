//! Taskfiles of Task (<https://taskfile.dev>): their tasks, and the Taskfiles that they include.

use std::borrow::Cow;

use super::Node;
use super::ci::Script;
use super::yaml::Yaml;
use crate::finding::Span;
use crate::paths;

/// A task.
#[derive(Debug)]
pub struct Task<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its commands.
    pub commands: Vec<Script<'a>>,
    /// The tasks that it runs, and the spans of their names.
    pub calls: Vec<(Cow<'a, str>, Span)>,
}

/// The names that Task searches for.
const NAMES: [&str; 8] = [
    "Taskfile.yml",
    "Taskfile.yaml",
    "taskfile.yml",
    "taskfile.yaml",
    "Taskfile.dist.yml",
    "Taskfile.dist.yaml",
    "taskfile.dist.yml",
    "taskfile.dist.yaml",
];

/// Whether Task finds a file by its name. Included files may have any name.
pub fn is_taskfile(path: &str) -> bool {
    NAMES.contains(&paths::name(path))
}

/// The tasks in a file; empty if it is not a Taskfile.
pub fn tasks<'a>(yaml: &Yaml<'_, 'a>) -> Vec<Task<'a>> {
    let Some(root) = yaml.documents().next().filter(|&root| yaml.get(root, "version").is_some()) else {
        return Vec::new();
    };
    let Some(tasks) = yaml.get(root, "tasks").filter(|&tasks| yaml.is_mapping(tasks)) else { return Vec::new() };
    yaml.entries(tasks).into_iter().filter_map(|entry| Some(task(yaml, entry.key, entry.value?))).collect()
}

/// Reads a task: one command, a list of commands, or a mapping.
fn task<'a>(yaml: &Yaml<'_, 'a>, name: Cow<'a, str>, value: Node) -> Task<'a> {
    let mut task = Task { name, commands: Vec::new(), calls: Vec::new() };
    let mut commands = Vec::new();
    if yaml.is_mapping(value) {
        commands.extend(yaml.get(value, "cmd"));
        commands.extend(yaml.get(value, "cmds").into_iter().flat_map(|list| yaml.items(list)));
        let dependencies = yaml.get(value, "deps").into_iter().flat_map(|list| yaml.items(list));
        for dependency in dependencies {
            let name = yaml.get(dependency, "task").unwrap_or(dependency);
            task.calls.extend(called(yaml, name));
        }
    } else if yaml.is_sequence(value) {
        commands.extend(yaml.items(value));
    } else {
        commands.push(value);
    }
    for command in commands {
        let deferred = yaml.get(command, "defer").unwrap_or(command);
        if let Some(name) = yaml.get(deferred, "task") {
            task.calls.extend(called(yaml, name));
        } else {
            let text = yaml.get(deferred, "cmd").unwrap_or(deferred);
            task.commands.extend(Script::read(yaml, text));
        }
    }
    task
}

fn called<'a>(yaml: &Yaml<'_, 'a>, name: Node) -> Option<(Cow<'a, str>, Span)> {
    Some((yaml.scalar(name)?, yaml.tree.span(name)))
}

/// The Taskfiles that a Taskfile includes: the name before their tasks, and the paths that they may have, relative to
/// the file.
pub fn includes(yaml: &Yaml<'_, '_>) -> Vec<(String, Vec<String>)> {
    let root = yaml.documents().next();
    let includes = root.and_then(|root| yaml.get(root, "includes"));
    let entries = includes.map(|includes| yaml.entries(includes)).unwrap_or_default();
    let read = |(name, value): (Cow<'_, str>, Node)| {
        let path = yaml.scalar(yaml.get(value, "taskfile").unwrap_or(value))?;
        let is_file = path.ends_with(".yml") || path.ends_with(".yaml");
        let paths = match is_file {
            true => vec![path.into_owned()],
            false => NAMES.iter().map(|file| format!("{path}/{file}")).collect(),
        };
        Some((name.into_owned(), paths))
    };
    entries.into_iter().filter_map(|entry| read((entry.key, entry.value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Language, Tree};

    #[test]
    fn tasks_have_commands_and_run_other_tasks() {
        let text = "version: '3'\nincludes:\n  image: ./image\n  ci: { taskfile: ci.yml }\ntasks:\n  a: b c\n  d:\n    - e\n    \
                    - task: a\n  f:\n    deps: [a, { task: d }]\n    cmd: g\n    cmds:\n      - cmd: h\n      - defer: i\n      \
                    - defer: { task: image:x }\n";
        let tree = Tree::parse(Language::Yaml, text).unwrap();
        let yaml = Yaml::new(&tree);
        let shown: Vec<String> = tasks(&yaml)
            .into_iter()
            .map(|task| {
                let commands: Vec<&str> = task.commands.iter().map(|script| &*script.text).collect();
                let calls: Vec<&str> = task.calls.iter().map(|(name, _)| &**name).collect();
                format!("{}: {} -> {}", task.name, commands.join(";"), calls.join(";"))
            })
            .collect();
        assert_eq!(shown, ["a: b c -> ", "d: e -> a", "f: g;h;i -> a;d;image:x"]);
        let included = includes(&yaml);
        assert_eq!(included[0].1.first().map(String::as_str), Some("./image/Taskfile.yml"));
        assert_eq!(included[1], ("ci".to_owned(), vec!["ci.yml".to_owned()]));
        assert!(is_taskfile("web/Taskfile.yml") && !is_taskfile("web/tasks.yml"));
    }
}
