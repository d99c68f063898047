//! Port literals in YAML: values of port keys, lists of ports, and strings.

use std::collections::HashMap;

use super::flow::{is_publish_flag, text_before};
use super::text::{self, Context, Flavour, Form};
use super::{PortFacts, PortUse, hosts, words};
use crate::finding::Span;
use crate::lang::yaml::Yaml;
use crate::lang::{Field, Node, NodeKind, Tree};

/// Keys whose values are for people, or are names and versions of other things. Only the key of the value itself
/// counts: a service may be called `summary`.
const PROSE: [&str; 15] = [
    "description",
    "example",
    "examples",
    "image",
    "version",
    "uses",
    "title",
    "summary",
    "comment",
    "message",
    "tags",
    "lastmodified",
    "mac",
    "cron",
    "schedule",
];

/// Keys whose values are scripts.
const SCRIPTS: [&str; 14] = [
    "run",
    "script",
    "before_script",
    "after_script",
    "command",
    "commands",
    "entrypoint",
    "args",
    "cmd",
    "shell",
    "exec",
    "bash",
    "pwsh",
    "test",
];

/// Collects the ports of a YAML file.
pub fn collect(tree: &Tree<'_>, facts: &mut PortFacts) {
    let yaml = Yaml::new(tree);
    let mut hosts = HashMap::new();
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::PlainScalar
            | NodeKind::SingleQuoteScalar
            | NodeKind::DoubleQuoteScalar
            | NodeKind::BlockScalar => {
                scalar(&yaml, node, &mut hosts, facts);
            }
            _ => {}
        }
    }
}

fn scalar(yaml: &Yaml<'_, '_>, node: Node, hosts: &mut HashMap<Node, HostNames>, facts: &mut PortFacts) {
    let tree = yaml.tree;
    let Some((raw, start)) = yaml.raw(node) else { return };
    if !text::may_hold_port(raw.as_bytes()) {
        return;
    }
    let pair = yaml.pair_around(node);
    let is_key =
        pair.and_then(|pair| tree.child(pair, Field::Key)).is_some_and(|key| tree.span(key).contains(tree.span(node)));
    let path = yaml.path_of(node);
    let mut names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    if is_key {
        names.pop();
        // Only a container port is a key without a host: `8080/tcp:`, `"3000:3000":`.
        if !raw.contains(['/', ':']) {
            return;
        }
    }
    if is_prose(&names) {
        return;
    }
    let flag = flag_before(yaml, node, &raw);
    let own_name = PortUse::name(&super::name(&names), flag.as_deref());
    if flag.is_some() {
        names.push("port");
    }
    // A backend of Kubernetes' Ingress: `port: { number: 80 }`.
    if let [.., "port", "number"] = names.as_slice() {
        names.push("port");
    }
    // The long form of Compose and Kubernetes: `ports: [{ target: 80, published: 8080 }]`.
    let in_ports = names.len() >= 2 && matches!(names[names.len() - 2], "ports" | "expose");
    if in_ports && matches!(names.last(), Some(&("target" | "published"))) {
        names.push("port");
    }
    if names.last() == Some(&"expose") {
        names.push("port");
    }
    let script = names.last().is_some_and(|name| SCRIPTS.contains(name));
    let flavour = if script {
        Flavour::Script
    } else if raw.trim().contains('\n') {
        Flavour::Config
    } else {
        Flavour::Value
    };
    if let Some(decoded) = decoded(yaml, node) {
        // Escapes make the offsets inside the scalar unknown, so the span is that of the whole scalar.
        let span = Span::new(start as usize, start as usize + raw.len());
        let mut found = Vec::new();
        text::scan_with_machines(&decoded, &Context { path: &names, flavour }, &mut found);
        for port in &found {
            facts.add(port, PortUse::in_text(port, span, None, &own_name));
        }
        return;
    }
    let mut found = Vec::new();
    text::scan_with_machines(&raw, &Context { path: &names, flavour }, &mut found);
    for port in found {
        let beside = match (port.form, port.name) {
            (Form::Whole, _) => host_beside(yaml, node, hosts),
            (_, Some(name)) if port.host == text::Host::None => host_in_list(yaml, node, name),
            _ => None,
        };
        let span = Span::new(start as usize + port.range.start, start as usize + port.range.end);
        facts.add(&port, PortUse::in_text(&port, span, beside, &own_name));
    }
}

/// Whether a value is for people, by its own key or as an example in a schema.
fn is_prose(path: &[&str]) -> bool {
    let is_one_of = |names: &[&str], name: &str| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    let Some((last, before)) = path.split_last() else { return false };
    let in_schema = |before: &[&str]| before.iter().any(|name| is_one_of(&["schema", "schemas", "properties"], name));
    let example = before.iter().position(|name| is_one_of(&["example", "examples"], name));
    is_one_of(&PROSE, last) || example.is_some_and(|at| in_schema(&before[..at]) || path.contains(&"paths"))
}

/// The value of a double-quoted scalar that writes digits as escapes: `"\u0038209"`.
fn decoded<'a>(yaml: &Yaml<'_, 'a>, node: Node) -> Option<std::borrow::Cow<'a, str>> {
    let written = yaml.tree.slice(node);
    let escapes = ["\\x3", "\\u003", "\\U0000003"];
    let is_quoted = yaml.tree.kind(node) == NodeKind::DoubleQuoteScalar;
    (is_quoted && escapes.iter().any(|escape| written.contains(escape))).then(|| yaml.scalar(node)).flatten()
}

/// The literal host that another item of the same list gives for a port: `- SMTP_HOST=mail.example.org`.
fn host_in_list(yaml: &Yaml<'_, '_>, item: Node, port: &str) -> Option<String> {
    let tree = yaml.tree;
    let is_list = |node: &Node| matches!(tree.kind(*node), NodeKind::BlockSequence | NodeKind::FlowSequence);
    let list = tree.ancestors(item).take(3).find(is_list)?;
    let wanted = words::hosts_of(port);
    yaml.items(list).into_iter().filter_map(|item| yaml.scalar(item)).find_map(|text| {
        let (name, value) = text.split_once('=')?;
        words::host_prefix(name).filter(|words| wanted.contains(words))?;
        hosts::literal_host(value)
    })
}

/// The keys of a mapping that name hosts, by the words before "host": the index of the entry, and its value.
type HostNames = HashMap<Vec<String>, (usize, Option<Node>)>;

/// The flag that an item of a list is the value of: `["--port", "8080"]`, `["-p", "8080:80"]`.
fn flag_before(yaml: &Yaml<'_, '_>, node: Node, value: &str) -> Option<String> {
    let tree = yaml.tree;
    let is_list = |node: Node| matches!(tree.kind(node), NodeKind::BlockSequence | NodeKind::FlowSequence);
    if !tree.ancestors(node).take(3).any(is_list) {
        return None;
    }
    let before = text_before(tree.text(), tree.span(node).start).trim_end();
    let before = before.strip_suffix([',', '-'])?.trim_end().trim_end_matches(['"', '\'']);
    let flag = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ',')).next()?;
    let publishes = is_publish_flag(flag) && value.contains(':');
    (text::is_port_flag(flag) || publishes).then(|| flag.to_owned())
}

/// The literal host in the same mapping as a port.
fn host_beside(yaml: &Yaml<'_, '_>, node: Node, hosts: &mut HashMap<Node, HostNames>) -> Option<String> {
    let tree = yaml.tree;
    let pair = yaml.pair_around(node)?;
    let key = yaml.scalar(tree.child(pair, Field::Key)?)?;
    let mapping = tree.parent(pair)?;
    let hosts = hosts.entry(mapping).or_insert_with(|| host_names(yaml, mapping));
    let wanted = words::hosts_of(&key);
    let (_, value) = wanted.iter().filter_map(|words| hosts.get(words)).min_by_key(|(index, _)| *index)?;
    hosts::literal_host(&yaml.scalar((*value)?)?)
}

fn host_names(yaml: &Yaml<'_, '_>, mapping: Node) -> HostNames {
    let mut names = HostNames::new();
    for (index, entry) in yaml.entries(mapping).into_iter().enumerate() {
        if let Some(words) = words::host_prefix(&entry.key) {
            names.entry(words).or_insert((index, entry.value));
        }
    }
    names
}
