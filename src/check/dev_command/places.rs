//! Finds commands that run directly: in CI steps, shell scripts, recipes, shell hooks and Dockerfiles.

use crate::finding::Span;
use crate::lang::ci::{self, Site};
use crate::lang::recipes::{Recipe, just, make};
use crate::lang::shell::{self, Command, Word};
use crate::lang::yaml::Yaml;
use crate::lang::{Node, NodeKind, Tree, dockerfile, nix, taskfile};
use crate::source::{FileKind, Source};

/// Nix attributes whose value runs when a development shell is entered.
pub(super) const HOOKS: [&str; 2] = ["shellHook", "enterShell"];

/// Calls `found` for each command in a file, with the command, the offset of its script in the file, and what runs it.
pub(super) fn each(source: &Source, tree: Option<&Tree<'_>>, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    match (source.kind, tree) {
        (FileKind::Yaml, Some(tree)) => {
            ci_steps(source, tree, found);
            if taskfile::is_taskfile(&source.path) {
                tasks(tree, found);
            }
        }
        (FileKind::Nix, Some(tree)) => hooks(tree, found),
        (FileKind::Dockerfile, Some(tree)) if dockerfile::is_dockerfile(source) => containers(tree, found),
        (FileKind::Shell, _) => script(&source.text, 0, "a shell script", found),
        (FileKind::Just, _) => recipes(just(&source.text), found),
        (FileKind::Make, _) => recipes(make(&source.text), found),
        _ => {}
    }
}

fn script(text: &str, offset: u32, place: &str, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    for command in shell::commands(text) {
        found(&command, offset, place);
    }
}

fn ci_steps(source: &Source, tree: &Tree<'_>, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    let Some(system) = ci::system(&source.path) else { return };
    for site in ci::sites(&Yaml::new(tree), system) {
        if let Site::Script(step) = site {
            script(&step.text, step.start, "a CI step", found);
        }
    }
}

/// Calls `found` for each command of each task in a Taskfile.
fn tasks(tree: &Tree<'_>, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    for task in taskfile::tasks(&Yaml::new(tree)) {
        for command in &task.commands {
            script(&command.text, command.start, &format!("the task `{}`", task.name), found);
        }
    }
}

fn hooks(tree: &Tree<'_>, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    for binding in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binding) {
        let name = nix::attrpath_node(tree, binding).and_then(|path| nix::names(tree, path).last());
        let Some(hook) = name.and_then(|name| HOOKS.into_iter().find(|hook| name.text.as_deref() == Some(hook))) else {
            continue;
        };
        let Some(value) = nix::value(tree, binding) else { continue };
        let place = format!("{hook} on shell entry");
        for string in tree.subtree(value).filter(|&node| is_own_string(tree, node, value)) {
            if let Some((text, start)) = nix::masked(tree, string) {
                script(&text, start, &place, found);
            }
        }
    }
}

/// Whether a node is a string, and not inside an interpolation in the value.
fn is_own_string(tree: &Tree<'_>, node: Node, value: Node) -> bool {
    matches!(tree.kind(node), NodeKind::String | NodeKind::IndentedString)
        && !tree
            .ancestors(node)
            .take_while(|&around| tree.span(value).contains(tree.span(around)))
            .any(|around| tree.kind(around) == NodeKind::Interpolation)
}

fn containers(tree: &Tree<'_>, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    for node in tree.nodes() {
        let place = match tree.kind(node) {
            NodeKind::CmdInstruction => "the CMD of a Dockerfile",
            NodeKind::EntrypointInstruction => "the ENTRYPOINT of a Dockerfile",
            _ => continue,
        };
        if tree.parent(node).is_some_and(|around| tree.kind(around) == NodeKind::HealthcheckInstruction) {
            continue;
        }
        for form in tree.children(node) {
            match tree.kind(form) {
                NodeKind::ShellCommand => script(tree.slice(form), tree.span(form).start, place, found),
                NodeKind::JsonStringArray => {
                    for command in shell::from_words(json_words(tree, form)) {
                        found(&command, 0, place);
                        inner_scripts(tree, &command, place, found);
                    }
                }
                _ => {}
            }
        }
    }
}

fn json_words<'a>(tree: &Tree<'a>, array: Node) -> Vec<Word<'a>> {
    tree.children(array)
        .filter(|&item| tree.kind(item) == NodeKind::JsonString)
        .map(|item| Word { text: tree.slice(item).trim_matches('"').into(), span: tree.span(item) })
        .collect()
}

/// Calls `found` for each command in the scripts among the arguments of a command: `CMD ["sh", "-c", "npm start"]`.
fn inner_scripts(tree: &Tree<'_>, command: &Command<'_>, place: &str, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    for Span { start, end } in shell::inner_scripts(command) {
        let inside = Span { start: start + 1, end: end.saturating_sub(1).max(start + 1) };
        script(tree.text().get(inside.range()).unwrap_or(""), inside.start, place, found);
    }
}

/// Calls `found` for each command of each recipe in a justfile or makefile.
fn recipes(recipes: Vec<Recipe<'_>>, found: &mut dyn FnMut(&Command<'_>, u32, &str)) {
    for recipe in recipes.iter().filter(|recipe| recipe.is_shell()) {
        script(&recipe.body, recipe.start as u32, &format!("the recipe `{}`", recipe.name), found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Language;

    fn read(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, crate::walk::by_name(path).unwrap(), text);
        let tree = Language::of(source.kind).and_then(|language| Tree::parse(language, &source.text));
        let mut out = Vec::new();
        each(&source, tree.as_ref(), &mut |command, offset, place| {
            let words: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
            let start = (command.span.start + offset) as usize;
            let computed = words[0].contains('\u{1}');
            assert!(
                computed || text[start..].trim_start_matches(['"', '\'']).starts_with(words[0]),
                "{path}: {words:?}"
            );
            out.push(format!("{place}: {}", words.join(" ")));
        });
        out
    }

    #[test]
    fn commands_are_found_everywhere_they_run() {
        for (path, text, expected) in [
            (
                "justfile",
                "set shell := [\"x\"]\nx := `a`\n# note\n@dev port='1': build\n  @npm run dev\n\n  b {{port}}\n\n[group: 'y']\npy:\n  #!/usr/bin/env python\n  import x\n",
                &["the recipe `dev`: npm run dev", "the recipe `dev`: b {{port}}"][..],
            ),
            (
                "Makefile",
                "X := a:b\nY = c: d\n.PHONY: dev\ndev: build ## help\n\t@npm start\n\t-$(RM) x\nifdef X\nendif\n",
                &["the recipe `dev`: npm start", "the recipe `dev`: RM", "the recipe `dev`: $(RM) x"],
            ),
            ("a.sh", "#!/bin/sh\nset -e\nnpm start\n", &["a shell script: set -e", "a shell script: npm start"]),
            (
                "Dockerfile",
                "FROM a\nRUN no\nCMD [\"npm\", \"start\"]\nENTRYPOINT exec b c\nHEALTHCHECK CMD no\n",
                &["the CMD of a Dockerfile: npm start", "the ENTRYPOINT of a Dockerfile: b c"],
            ),
            (
                "Dockerfile",
                "FROM a\nCMD [\"sh\", \"-c\", \"a && npm start\"]\n",
                &[
                    "the CMD of a Dockerfile: sh -c a && npm start",
                    "the CMD of a Dockerfile: a",
                    "the CMD of a Dockerfile: npm start",
                ],
            ),
            ("Dockerfile", "npm start\n", &[]),
            (
                "shell.nix",
                "mkShell { shellHook = ''\n  a ${b}\n  ${writeText \"x\" \"no\"}\n'' + \"c\"; command = \"no\"; }",
                &[
                    "shellHook on shell entry: a ????",
                    "shellHook on shell entry: ?????????????????????",
                    "shellHook on shell entry: c",
                ],
            ),
            (
                ".github/workflows/a.yml",
                "jobs:\n  a:\n    steps:\n      - run: npm start\n        name: no\n",
                &["a CI step: npm start"],
            ),
            (
                "Taskfile.yml",
                "version: 3\ntasks:\n  dev:\n    cmds:\n      - npm start\n  b: c d\n",
                &["the task `dev`: npm start", "the task `b`: c d"],
            ),
            ("process-compose.yaml", "processes:\n  a:\n    command: npm start\n", &[]),
        ] {
            let found: Vec<String> = read(path, text).iter().map(|found| found.replace('\u{1}', "?")).collect();
            assert_eq!(found, expected, "{path}");
        }
    }
}
