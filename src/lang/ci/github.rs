//! GitHub Actions workflows and composite actions (also in Forgejo and Gitea): jobs, their runners and their steps.

use std::borrow::Cow;

use super::Script;
use crate::finding::Span;
use crate::lang::yaml::Yaml;
use crate::lang::{Node, NodeKind};

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
    /// The span of the whole list item, from its dash; `None` for flow sequences.
    pub item: Option<Span>,
    /// The span of the alias in the list (`- *nix`), if the step is written elsewhere.
    pub alias: Option<Span>,
    /// The action that it uses, and its span.
    pub uses: Option<(Cow<'a, str>, Span)>,
    /// The script that it runs.
    pub run: Option<Script<'a>>,
    /// The shell that it sets for its script.
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
    yaml.placed_items(list).into_iter().map(|(place, node)| step(yaml, place, node)).collect()
}

fn step<'a>(yaml: &Yaml<'_, 'a>, place: Node, node: Node) -> Step<'a> {
    let uses = yaml.get(node, "uses").and_then(|value| Some((yaml.scalar(value)?, yaml.tree.span(value))));
    let start = yaml.tree.span(place).start as usize;
    let before = yaml.tree.text().get(..start).unwrap_or("");
    let column = start - before.rfind('\n').map_or(0, |at| at + 1);
    let text = own(yaml.tree.slice(place), column);
    let whole = Span::new(start, start + text.len());
    let written_here = yaml.tree.span(place).contains(yaml.tree.span(node));
    let blanks = text.len() - text.trim_start_matches(['-', ' ']).len();
    let alias = (!written_here).then_some(Span::new(start + blanks, start + text.len()));
    let item = (yaml.tree.kind(place) == NodeKind::BlockSequenceItem).then_some(whole);
    Step {
        node,
        item,
        alias,
        uses,
        run: yaml.get(node, "run").and_then(|value| Script::read(yaml, value)),
        shell: yaml.get(node, "shell").and_then(|value| yaml.scalar(value)),
    }
}

/// The text of an item without trailing blank lines, and without comments that are indented no deeper than its dash:
/// they belong to the next item.
fn own(item: &str, column: usize) -> &str {
    let mut text = item.trim_end();
    while let Some((before, last)) = text.rsplit_once('\n') {
        let deeper = last.len() - last.trim_start().len() > column;
        if deeper || !last.trim_start().starts_with('#') {
            break;
        }
        text = before.trim_end();
    }
    text
}

/// The labels of the runners that a job may run on, with its matrix expanded; `None` if they cannot be known from the
/// text.
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
        labels.extend(values(yaml, job, &label)?);
    }
    (!labels.is_empty()).then_some(labels)
}

/// The possible values of a string in a job: the string itself, or the values from its matrix. `None` if the string is
/// computed in another way.
fn values(yaml: &Yaml<'_, '_>, job: Node, text: &str) -> Option<Vec<String>> {
    match expression(text) {
        None if text.contains("${{") => None,
        None => Some(vec![text.to_owned()]),
        Some(inner) => matrix(yaml, job, inner),
    }
}

/// The input of a reusable workflow that determines the runner of a job (`runs-on: ${{ inputs.os }}`), and its default.
pub fn runner_input(yaml: &Yaml<'_, '_>, job: Node) -> Option<(String, Option<String>)> {
    let runner = yaml.get(job, "runs-on").and_then(|runner| yaml.scalar(runner))?;
    let name = expression(&runner)?.strip_prefix("inputs.")?;
    let path = ["on", "workflow_call", "inputs", name, "default"];
    let default = yaml.documents().next().and_then(|root| yaml.at(root, &path)).and_then(|value| yaml.scalar(value));
    Some((name.to_owned(), default.map(Cow::into_owned)))
}

/// A workflow in the same repository that a job calls.
#[derive(Debug)]
pub struct Call {
    /// Its path.
    pub workflow: String,
    /// Its inputs, each with all values that the caller's matrix gives it; `None` if the values are unknown.
    pub inputs: Vec<(String, Option<Vec<String>>)>,
}

/// The workflow that a job calls, as written.
pub fn uses<'a>(yaml: &Yaml<'_, 'a>, job: Node) -> Option<Cow<'a, str>> {
    yaml.get(job, "uses").and_then(|uses| yaml.scalar(uses))
}

/// Whether a workflow runs on any of the given events.
pub fn runs_on(yaml: &Yaml<'_, '_>, events: &[&str]) -> bool {
    let Some(on) = yaml.documents().next().and_then(|root| yaml.get(root, "on")) else { return false };
    let mut names: Vec<Cow<'_, str>> = yaml.scalar(on).into_iter().collect();
    names.extend(yaml.items(on).into_iter().filter_map(|item| yaml.scalar(item)));
    names.extend(yaml.entries(on).into_iter().map(|entry| entry.key));
    names.iter().any(|name| events.contains(&&**name))
}

/// The workflow in the same repository that a job calls.
pub fn call(yaml: &Yaml<'_, '_>, job: Node) -> Option<Call> {
    let uses = uses(yaml, job)?;
    let workflow = uses.strip_prefix("./")?.to_owned();
    let with = yaml.get(job, "with").map(|with| yaml.entries(with)).unwrap_or_default();
    let inputs = with.into_iter().filter_map(|entry| {
        let text = yaml.scalar(entry.value?)?;
        Some((entry.key.into_owned(), values(yaml, job, &text)))
    });
    Some(Call { workflow, inputs: inputs.collect() })
}

/// The expression in a string that contains nothing else: `matrix.os` in `${{ matrix.os }}`.
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
    fn runners_are_expanded_from_the_matrix() {
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
    fn steps_have_the_spans_of_their_items() {
        let text = "jobs:\n  a:\n    steps:\n      # first\n      - &one\n        uses: x/y@1 # v1\n\n      - name: b\n        run: |\n          c\n          # d\n\n      # last\n      - run: f\n  b:\n    steps: [{run: e}, *one]\n";
        let tree = Tree::parse(Language::Yaml, text).unwrap();
        let yaml = Yaml::new(&tree);
        let jobs = jobs(&yaml);
        let steps = &jobs[0].steps;
        assert_eq!(&text[steps[0].item.unwrap().range()], "- &one\n        uses: x/y@1 # v1");
        assert_eq!(steps[0].uses.as_ref().map(|(name, _)| &**name), Some("x/y@1"));
        assert_eq!(&text[steps[1].item.unwrap().range()], "- name: b\n        run: |\n          c\n          # d");
        assert_eq!((jobs[1].steps[0].item, jobs[1].steps[0].alias), (None, None));
        assert_eq!(&text[jobs[1].steps[1].alias.unwrap().range()], "*one");
        assert_eq!(jobs[1].steps[1].uses.as_ref().map(|(name, _)| &**name), Some("x/y@1"));
    }
}
