//! Workflows and composite actions of GitHub Actions (and Forgejo, Gitea): jobs, their runners and their steps.

use std::borrow::Cow;

use super::Script;
use crate::finding::Span;
use crate::lang::yaml::Yaml;
use crate::lang::{Kind, Node};

/// A job of a workflow.
#[derive(Debug)]
pub struct Job<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its mapping.
    pub node: Node,
    /// Its steps.
    pub steps: Vec<Step<'a>>,
}

/// A step of a job or composite action.
#[derive(Debug)]
pub struct Step<'a> {
    /// Its mapping.
    pub node: Node,
    /// The whole item of the list, from its dash; `None` where the list is written in brackets.
    pub item: Option<Span>,
    /// The action that it uses, and where that is written.
    pub uses: Option<(Cow<'a, str>, Span)>,
    /// The script that it runs.
    pub run: Option<Script<'a>>,
    /// The shell that it says its script is for.
    pub shell: Option<Cow<'a, str>>,
}

/// The jobs of a workflow.
pub fn jobs<'a>(yaml: &Yaml<'_, 'a>) -> Vec<Job<'a>> {
    let Some(root) = yaml.documents().next() else { return Vec::new() };
    let Some(jobs) = yaml.get(root, "jobs") else { return Vec::new() };
    yaml.entries(jobs)
        .into_iter()
        .filter_map(|entry| {
            let node = entry.value?;
            let steps = yaml.get(node, "steps").map(|list| steps(yaml, list)).unwrap_or_default();
            Some(Job { id: entry.key, node, steps })
        })
        .collect()
}

/// The steps of a composite action.
pub fn composite<'a>(yaml: &Yaml<'_, 'a>) -> Vec<Step<'a>> {
    let root = yaml.documents().next();
    let list = root.and_then(|root| yaml.at(root, &["runs", "steps"]));
    list.map(|list| steps(yaml, list)).unwrap_or_default()
}

fn steps<'a>(yaml: &Yaml<'_, 'a>, list: Node) -> Vec<Step<'a>> {
    yaml.items(list).into_iter().map(|node| step(yaml, node)).collect()
}

fn step<'a>(yaml: &Yaml<'_, 'a>, node: Node) -> Step<'a> {
    let uses = yaml.get(node, "uses").and_then(|value| Some((yaml.scalar(value)?, yaml.tree.span(value))));
    let item =
        yaml.tree.ancestors(node).find(|&around| !matches!(yaml.tree.kind(around), Kind::BlockNode | Kind::FlowNode));
    let item = item.filter(|&item| yaml.tree.kind(item) == Kind::BlockSequenceItem).map(|item| {
        let start = yaml.tree.span(item).start;
        Span { start, end: start + yaml.tree.slice(item).trim_end().len() as u32 }
    });
    Step {
        node,
        item,
        uses,
        run: yaml.get(node, "run").and_then(|value| Script::read(yaml, value)),
        shell: yaml.get(node, "shell").and_then(|value| yaml.scalar(value)),
    }
}

/// The labels of the runners that a job may run on, its matrix put in; `None` where they cannot be known from the text.
pub fn runners(yaml: &Yaml<'_, '_>, job: Node) -> Option<Vec<String>> {
    let value = yaml.get(job, "runs-on")?;
    let mut written: Vec<Cow<'_, str>> = yaml.scalar(value).into_iter().collect();
    written.extend(yaml.items(value).into_iter().filter_map(|item| yaml.scalar(item)));
    for key in ["labels", "group"] {
        let part = yaml.get(value, key);
        written.extend(part.and_then(|part| yaml.scalar(part)));
        written.extend(
            part.map(|part| yaml.items(part)).unwrap_or_default().into_iter().filter_map(|item| yaml.scalar(item)),
        );
    }
    let mut labels = Vec::new();
    for label in written {
        match expression(&label) {
            None if label.contains("${{") => return None,
            None => labels.push(label.into_owned()),
            Some(inner) => labels.extend(matrix(yaml, job, inner)?),
        }
    }
    (!labels.is_empty()).then_some(labels)
}

/// The inside of a text that is one expression: `${{ matrix.os }}`.
fn expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    (!inner.contains("${{")).then_some(inner)
}

/// The values of `matrix.name` or `matrix.name.key`.
fn matrix(yaml: &Yaml<'_, '_>, job: Node, expression: &str) -> Option<Vec<String>> {
    let path: Vec<&str> = expression.strip_prefix("matrix.")?.split('.').collect();
    let matrix = yaml.at(job, &["strategy", "matrix"])?;
    let (first, rest) = path.split_first()?;
    let mut values = Vec::new();
    let mut add = |value: Node| match yaml.at(value, rest).and_then(|value| yaml.scalar(value)) {
        Some(text) if !text.contains("${{") => values.push(text.into_owned()),
        _ => {}
    };
    if let Some(list) = yaml.get(matrix, first) {
        yaml.items(list).into_iter().for_each(&mut add);
    }
    if let Some(include) = yaml.get(matrix, "include") {
        yaml.items(include).into_iter().filter_map(|leg| yaml.get(leg, first)).for_each(&mut add);
    }
    (!values.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Language, Tree};

    #[test]
    fn runners_of_a_job() {
        for (job, expected) in [
            ("runs-on: ubuntu-latest", Some(&["ubuntu-latest"][..])),
            ("runs-on: [self-hosted, nix]", Some(&["self-hosted", "nix"])),
            ("runs-on: {group: big, labels: [a]}", Some(&["a", "big"])),
            (
                "runs-on: ${{ matrix.os }}\n    strategy: {matrix: {os: [a, b], include: [{os: c}]}}",
                Some(&["a", "b", "c"]),
            ),
            ("runs-on: ${{ matrix.x.os }}\n    strategy: {matrix: {x: [{os: a}, {os: b}]}}", Some(&["a", "b"])),
            ("runs-on: ${{ matrix.os }}\n    strategy: {matrix: '${{ fromJSON(x) }}'}", None),
            ("runs-on: ${{ inputs.os }}", None),
            ("runs-on: ubuntu-${{ matrix.v }}", None),
            ("uses: ./x.yml", None),
        ] {
            let text = format!("jobs:\n  a:\n    {job}\n");
            let tree = Tree::parse(Language::Yaml, &text).unwrap();
            let yaml = Yaml::new(&tree);
            let found = runners(&yaml, jobs(&yaml)[0].node);
            assert_eq!(
                found.as_deref().map(|found| found.iter().map(String::as_str).collect()),
                expected.map(<[_]>::to_vec),
                "{job}"
            );
        }
    }

    #[test]
    fn steps_with_their_places() {
        let text = "jobs:\n  a:\n    steps:\n      # first\n      - &one\n        uses: x/y@1 # v1\n\n      - name: b\n        run: |\n          c\n          d\n\n  b:\n    steps: [{run: e}, *one]\n";
        let tree = Tree::parse(Language::Yaml, text).unwrap();
        let yaml = Yaml::new(&tree);
        let jobs = jobs(&yaml);
        let steps = &jobs[0].steps;
        assert_eq!(&text[steps[0].item.unwrap().range()], "- &one\n        uses: x/y@1 # v1");
        assert_eq!(steps[0].uses.as_ref().map(|(name, _)| &**name), Some("x/y@1"));
        assert_eq!(&text[steps[1].item.unwrap().range()], "- name: b\n        run: |\n          c\n          d");
        assert_eq!(jobs[1].steps[0].item, None);
        assert_eq!(jobs[1].steps[1].uses.as_ref().map(|(name, _)| &**name), Some("x/y@1"));
    }
}
