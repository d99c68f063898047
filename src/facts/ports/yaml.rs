//! Port literals in YAML: values of port keys, lists of ports, and strings.

use std::collections::HashMap;

use super::flow::{is_publish_flag, text_before};
use super::nix::is_port_count;
use super::text::{self, Context, Flavour, Form};
use super::{PortFacts, PortUse, hosts, words};
use crate::finding::Span;
use crate::knowledge::prose;
use crate::lang::yaml::Yaml;
use crate::lang::{Field, Node, NodeKind, Tree};

/// Collects the ports of a YAML file.
pub fn collect(tree: &Tree<'_>, facts: &mut PortFacts) {
    let yaml = Yaml::new(tree);
    if is_encrypted(&yaml) {
        return;
    }
    facts.services = services(&yaml);
    facts.own_hosts = yaml.documents().flat_map(|document| sites(&yaml, document)).collect();
    let mut known = Known::default();
    for node in tree.nodes() {
        match tree.kind(node) {
            NodeKind::PlainScalar
            | NodeKind::SingleQuoteScalar
            | NodeKind::DoubleQuoteScalar
            | NodeKind::BlockScalar => {
                scalar(&yaml, node, &mut known, facts);
            }
            _ => {}
        }
    }
}

/// Whether the file is encrypted by SOPS: digits in its values are ciphertext. If only some values are encrypted, a
/// checksum protects the others, so an edit would make the file unusable.
fn is_encrypted(yaml: &Yaml<'_, '_>) -> bool {
    const CIPHER: &str = "ENC[AES256_GCM,";
    memchr::memmem::find(yaml.tree.text().as_bytes(), CIPHER.as_bytes()).is_some()
        && yaml.documents().any(|document| yaml.at(document, &["sops", "mac"]).is_some())
}

/// The host names of the services in a Compose file or a Kubernetes manifest.
fn services(yaml: &Yaml<'_, '_>) -> Vec<String> {
    let mut found = Vec::new();
    for document in yaml.documents() {
        let text = |path: &[&str]| yaml.at(document, path).and_then(|node| yaml.scalar(node));
        if text(&["kind"]).is_some_and(|kind| kind == "Service") {
            found.extend(text(&["metadata", "name"]).map(|name| name.into_owned()));
        }
        let is_container = |node: Node| ["image", "build", "extends"].iter().any(|&key| yaml.get(node, key).is_some());
        let services = yaml.get(document, "services").map(|services| yaml.entries(services)).unwrap_or_default();
        let services = services.into_iter().filter(|service| service.value.is_some_and(is_container));
        found.extend(services.map(|service| service.key.into_owned()));
    }
    found
}

/// The sites that a Kubernetes manifest serves through an Ingress, a Gateway, a route or a certificate.
fn sites(yaml: &Yaml<'_, '_>, document: Node) -> Vec<String> {
    let kind = yaml.get(document, "kind").and_then(|kind| yaml.scalar(kind));
    let Some(spec) = yaml.get(document, "spec") else { return Vec::new() };
    let items = |node: Node, key: &str| yaml.get(node, key).map(|list| yaml.items(list)).unwrap_or_default();
    let names: Vec<Node> = match kind.as_deref() {
        Some("Ingress") => {
            let rules = items(spec, "rules").into_iter().filter_map(|rule| yaml.get(rule, "host"));
            rules.chain(items(spec, "tls").into_iter().flat_map(|tls| items(tls, "hosts"))).collect()
        }
        Some("Gateway") => {
            items(spec, "listeners").into_iter().filter_map(|listener| yaml.get(listener, "hostname")).collect()
        }
        Some("HTTPRoute" | "GRPCRoute" | "TLSRoute") => items(spec, "hostnames"),
        Some("Certificate") => items(spec, "dnsNames"),
        _ => Vec::new(),
    };
    let names = names.into_iter().filter_map(|name| yaml.scalar(name));
    names.filter_map(|name| hosts::literal_host(name.trim_start_matches("*."))).collect()
}

/// Collects the ports of a list item, if it is the value of ssh's `-L` or `-R`: `["-R", "8080:db:5432"]`. Returns
/// whether there are any.
fn tunnels(yaml: &Yaml<'_, '_>, node: Node, raw: &str, start: usize, name: &str, facts: &mut PortFacts) -> bool {
    let Some(flag @ ("-L" | "-R")) = word_before(yaml, node) else { return false };
    let text = format!("{flag} {raw}");
    let head = text.len() - raw.len();
    let mut found = Vec::new();
    text::scan_with_machines(&text, &Context { path: &[], flavour: Flavour::Script }, &mut found);
    for port in &found {
        let span = Span::new(start + port.range.start - head, start + port.range.end - head);
        facts.add(port, PortUse::in_text(port, span, None, name));
    }
    !found.is_empty()
}

fn scalar(yaml: &Yaml<'_, '_>, node: Node, known: &mut Known, facts: &mut PortFacts) {
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
    let variable = variable(yaml, node, &names);
    if let (Some(variable), Some(last)) = (&variable, names.last_mut()) {
        *last = variable;
    }
    if is_key {
        names.pop();
        // A key is a port only if it is the port of a container, `8080/tcp:` or `"3000:3000":`, or contains a host.
        if !raw.contains(['/', ':']) {
            return;
        }
    }
    if is_prose(&names) || is_sentence(&names, &raw) {
        return;
    }
    if tunnels(yaml, node, &raw, start as usize, &super::name(&names), facts) {
        return;
    }
    let flag = flag_before(yaml, node, &raw);
    let of_program = argument_port(yaml, node);
    let flag = flag.or_else(|| of_program.is_some().then(|| word_before(yaml, node).map(str::to_owned)).flatten());
    let own_name = PortUse::name(&super::name(&names), flag.as_deref());
    if flag.is_some() {
        names.push("port");
    }
    // A Kubernetes Ingress backend: `port: { number: 80 }`.
    if let [.., "port", "number"] = names.as_slice() {
        names.push("port");
    }
    // The long form in Compose and Kubernetes: `ports: [{ target: 80, published: 8080 }]`.
    let in_ports = names.len() >= 2 && matches!(names[names.len() - 2], "ports" | "expose");
    if in_ports && matches!(names.last(), Some(&("target" | "published"))) {
        names.push("port");
    }
    if names.last() == Some(&"expose") || is_named_port(yaml, node, &names, &raw) {
        names.push("port");
    }
    let script = names.last().is_some_and(|name| prose::SCRIPT_KEYS.contains(name));
    let flavour = if script {
        Flavour::Script
    } else if raw.trim().contains('\n') {
        Flavour::Config
    } else {
        Flavour::Value
    };
    if let Some(decoded) = decoded(yaml, node) {
        // Escapes make the offsets inside the scalar unknown, so the span covers the whole scalar.
        let span = Span::new(start as usize, start as usize + raw.len());
        let mut found = Vec::new();
        text::scan_with_machines(&decoded, &Context { path: &names, flavour }, &mut found);
        for port in &found {
            facts.add(port, PortUse::in_text(port, span, None, &own_name));
        }
        return;
    }
    // A folded block is one command line.
    let script = script.then(|| yaml.folded(node)).flatten();
    let joined = joined(yaml, node, &raw);
    let text = match &joined {
        Some(joined) => &joined.text,
        None => script.as_deref().unwrap_or(&raw),
    };
    let mut found = Vec::new();
    text::scan_with_machines(text, &Context { path: &names, flavour }, &mut found);
    for port in found {
        let beside = match (port.form, port.name) {
            // The host of a Kubernetes Gateway listener is the name that it serves.
            (Form::Whole, _) if names.contains(&"listeners") => None,
            (Form::Whole, _) if variable.is_some() => {
                variable.as_deref().and_then(|variable| host_in_variables(yaml, node, variable, known))
            }
            (Form::Whole, _) if of_program.is_some() => {
                of_program.as_ref().and_then(|host| hosts::literal_host(host.as_deref()?))
            }
            (Form::Whole, _) => host_beside(yaml, node, port.number, known),
            (Form::EnvFallback, _) if port.host == text::Host::None => mail_host_beside(yaml, node, port.number, known),
            (_, Some(name)) if port.host == text::Host::None => host_in_list(yaml, node, name),
            _ => None,
        };
        let removed = joined.as_ref().map_or(Some(0), |joined| joined.removed_before(&port.range));
        let Some(first) = removed.map(|removed| start as usize + removed) else { continue };
        let span = Span::new(first + port.range.start, first + port.range.end);
        facts.add(&port, PortUse::in_text(&port, span, beside, &own_name));
    }
}

/// The variable that a value is assigned to, as in Kubernetes, if the variable's name indicates a port: `{ name: PORT,
/// value: "8080" }`.
fn variable(yaml: &Yaml<'_, '_>, node: Node, names: &[&str]) -> Option<String> {
    /// Mappings with more members do not define a variable.
    const MEMBERS: usize = 8;
    if names.last() != Some(&"value") {
        return None;
    }
    let variable = yaml.tree.parent(yaml.pair_around(node)?)?;
    if yaml.tree.children(variable).nth(MEMBERS).is_some() {
        return None;
    }
    let name = yaml.scalar(yaml.get(variable, "name")?)?;
    text::is_port_word(&name).then(|| name.into_owned())
}

/// The literal host that another variable in the same list gives for a port.
fn host_in_variables(yaml: &Yaml<'_, '_>, node: Node, port: &str, known: &mut Known) -> Option<String> {
    let tree = yaml.tree;
    let is_list = |node: &Node| matches!(tree.kind(*node), NodeKind::BlockSequence | NodeKind::FlowSequence);
    let list = tree.ancestors(node).find(is_list)?;
    let hosts = known.hosts.entry(list).or_insert_with(|| {
        let mut hosts = HostNames::default();
        for (index, item) in yaml.items(list).into_iter().enumerate() {
            let name = yaml.get(item, "name").and_then(|name| yaml.scalar(name));
            if let Some(words) = name.and_then(|name| words::host_prefix(&name)) {
                hosts.add(words, (index, yaml.get(item, "value")));
            }
        }
        hosts
    });
    hosts.of(yaml, port, 0)
}

/// Whether a value is a number in a mapping from names to ports, as in the values of many Helm charts: `ports: { web:
/// 8080 }`. Small numbers may be counts.
fn is_named_port(yaml: &Yaml<'_, '_>, node: Node, names: &[&str], raw: &str) -> bool {
    const LEAST: u32 = 20;
    let [before @ .., "ports", own] = names else { return false };
    // Keywords of a schema: `properties: { ports: { maxItems: 64 } }`.
    if before.last() == Some(&"properties") {
        return false;
    }
    let is_port = || raw.parse().is_ok_and(|number: u32| (LEAST..=65535).contains(&number));
    let is_plain = yaml.tree.kind(node) == NodeKind::PlainScalar && !is_port_count(own) && is_port();
    // The items in a list of ports also have keys, each with its own meaning.
    let mapping = yaml.pair_around(node).and_then(|pair| yaml.tree.parent(pair)).filter(|_| is_plain);
    mapping.is_some_and(|mapping| {
        let is_item = |&node: &Node| matches!(yaml.tree.kind(node), NodeKind::BlockSequence | NodeKind::FlowSequence);
        let is_pair = |&node: &Node| matches!(yaml.tree.kind(node), NodeKind::BlockMappingPair | NodeKind::FlowPair);
        !yaml.tree.ancestors(mapping).take_while(|node| !is_pair(node)).any(|node| is_item(&node))
    })
}

/// Whether a value is prose, judging by its key or because it is an example in a schema.
fn is_prose(path: &[&str]) -> bool {
    let is_one_of = |names: &[&str], name: &str| names.iter().any(|known| name.eq_ignore_ascii_case(known));
    let Some((last, before)) = path.split_last() else { return false };
    let in_schema = |before: &[&str]| before.iter().any(|name| is_one_of(&["schema", "schemas", "properties"], name));
    let example = before.iter().position(|name| is_one_of(&["example", "examples"], name));
    // What Ansible prints for each item of a loop.
    let is_label = path.ends_with(&["loop_control", "label"]);
    is_label
        || is_one_of(&prose::KEYS, last)
        || example.is_some_and(|at| in_schema(&before[..at]) || path.contains(&"paths"))
}

/// Whether a value is the name of a step or task that has several words: `- name: wireguard (51820/udp) is reachable`.
fn is_sentence(path: &[&str], value: &str) -> bool {
    path.last() == Some(&"name") && value.trim().contains(' ')
}

/// The value of a double-quoted scalar that writes digits as escapes: `"\u0038209"`.
fn decoded<'a>(yaml: &Yaml<'_, 'a>, node: Node) -> Option<std::borrow::Cow<'a, str>> {
    let written = yaml.tree.slice(node);
    let escapes = ["\\x3", "\\u003", "\\U0000003"];
    let is_quoted = yaml.tree.kind(node) == NodeKind::DoubleQuoteScalar;
    (is_quoted && escapes.iter().any(|escape| written.contains(escape))).then(|| yaml.scalar(node)).flatten()
}

/// The text of a double-quoted scalar without its escaped line breaks.
struct Joined {
    text: String,
    /// The position of each break in the text, in order, and the number of bytes removed up to there.
    breaks: Vec<(usize, usize)>,
}

impl Joined {
    /// The number of bytes removed before a range; `None` if some were removed inside it.
    fn removed_before(&self, range: &std::ops::Range<usize>) -> Option<usize> {
        let before = self.breaks.partition_point(|(at, _)| *at <= range.start);
        let is_inside = self.breaks.get(before).is_some_and(|(at, _)| *at < range.end);
        let removed = before.checked_sub(1).map_or(0, |last| self.breaks[last].1);
        (!is_inside).then_some(removed)
    }
}

/// The text of a double-quoted scalar, joined where a backslash escapes the end of a line: YAML drops the line break
/// and the indentation of the next line. `raw` is the scalar's text, in which escapes are blank.
fn joined(yaml: &Yaml<'_, '_>, node: Node, raw: &str) -> Option<Joined> {
    const BREAK: &str = "\\\n";
    let written = yaml.tree.slice(node);
    if yaml.tree.kind(node) != NodeKind::DoubleQuoteScalar || !written.contains(BREAK) {
        return None;
    }
    let inner = written.get(1..)?;
    let mut joined = Joined { text: String::with_capacity(raw.len()), breaks: Vec::new() };
    let (mut from, mut removed) = (0, 0);
    for (at, _) in inner.match_indices(BREAK) {
        // The last of an even number of backslashes is escaped itself.
        let backslashes = inner[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        if backslashes % 2 == 1 || at < from {
            continue;
        }
        joined.text.push_str(raw.get(from..at)?);
        let rest = inner.get(at + BREAK.len()..)?;
        // A number that is split across two lines has no contiguous span.
        if joined.text.ends_with(|c: char| c.is_ascii_digit())
            && rest.trim_start_matches([' ', '\t']).starts_with(|c: char| c.is_ascii_digit())
        {
            return None;
        }
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        removed += BREAK.len() + blank;
        joined.breaks.push((joined.text.len(), removed));
        from = at + BREAK.len() + blank;
    }
    joined.text.push_str(raw.get(from..)?);
    Some(joined)
}

/// The literal host that another item in the same list gives for a port: `- SMTP_HOST=mail.example.org`.
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

/// The hosts and addresses that were already found next to ports.
#[derive(Default)]
struct Known {
    /// The hosts in each mapping, and in each list of variables.
    hosts: HashMap<Node, HostNames>,
    /// For each rule of a NetworkPolicy: the address to which it allows connections.
    blocks: HashMap<Node, Option<String>>,
}

/// The hosts in a mapping.
#[derive(Default)]
struct HostNames {
    /// The keys that name hosts, by the words before "host": the index of the entry, and its value.
    names: HashMap<Vec<String>, (usize, Option<Node>)>,
    /// The first mail server.
    mail: Option<(usize, Option<Node>)>,
    /// Whether the mapping describes a container that this repository runs.
    is_served: bool,
}

impl HostNames {
    fn add(&mut self, words: Vec<String>, named: (usize, Option<Node>)) {
        if words::is_mail(&words) {
            self.mail.get_or_insert(named);
        }
        self.names.entry(words).or_insert(named);
    }

    /// The literal host that belongs to a port.
    fn of(&self, yaml: &Yaml<'_, '_>, port: &str, number: u32) -> Option<String> {
        hosts::literal_host(&yaml.scalar(self.named(port, number)?)?)
    }

    /// The value that names the host of a port.
    fn named(&self, port: &str, number: u32) -> Option<Node> {
        let wanted = words::hosts_of(port);
        let named = wanted.iter().filter_map(|words| self.names.get(words)).min_by_key(|(index, _)| *index);
        let (_, value) = named.or_else(|| {
            let servers = words::is_mail_port(port, number).then(|| [self.names.get(&[][..]), self.mail.as_ref()]);
            servers.into_iter().flatten().flatten().min_by_key(|(index, _)| *index)
        })?;
        *value
    }
}

/// The port flag before a list item, if the item is its value: `["--port", "8080"]`, `["-p", "8080:80"]`.
fn flag_before(yaml: &Yaml<'_, '_>, node: Node, value: &str) -> Option<String> {
    let flag = word_before(yaml, node)?;
    let publishes = is_publish_flag(flag) && value.contains(':');
    (text::is_port_flag(flag) || publishes).then(|| flag.to_owned())
}

/// The host of a port in a list of arguments, if the item is the value of a short flag of a known program: `["psql",
/// "-p", "5433"]`.
fn argument_port(yaml: &Yaml<'_, '_>, node: Node) -> Option<Option<String>> {
    let tree = yaml.tree;
    if !word_before(yaml, node)?.starts_with('-') {
        return None;
    }
    let is_list = |node: &Node| matches!(tree.kind(*node), NodeKind::BlockSequence | NodeKind::FlowSequence);
    let list = tree.ancestors(node).take(3).find(is_list)?;
    let is_item = |item: &Node| matches!(tree.kind(*item), NodeKind::BlockSequenceItem | NodeKind::FlowNode);
    let items: Vec<Node> = tree.children(list).filter(is_item).take(text::ARGUMENTS).collect();
    let index = items.iter().position(|&item| tree.span(item).contains(tree.span(node)))?;
    let word = |item: &Node| {
        let written = tree.slice(*item);
        let is_block = tree.kind(*item) == NodeKind::BlockSequenceItem;
        let written = if is_block { written.strip_prefix('-').unwrap_or(written) } else { written };
        written.trim().trim_matches(['"', '\''])
    };
    text::argument_port(&items.iter().map(word).collect::<Vec<_>>(), index)
}

/// The last word of the item before a list item.
fn word_before<'a>(yaml: &Yaml<'_, 'a>, node: Node) -> Option<&'a str> {
    let tree = yaml.tree;
    let is_list = |node: Node| matches!(tree.kind(node), NodeKind::BlockSequence | NodeKind::FlowSequence);
    if !tree.ancestors(node).take(3).any(is_list) {
        return None;
    }
    let before = text_before(tree.text(), tree.span(node).start).trim_end();
    let before = before.strip_suffix([',', '-'])?.trim_end().trim_end_matches(['"', '\'']);
    before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ',')).next()
}

/// The literal host that belongs to a port: in the same mapping, or in the NetworkPolicy rule around the port.
fn host_beside(yaml: &Yaml<'_, '_>, node: Node, number: u32, known: &mut Known) -> Option<String> {
    let tree = yaml.tree;
    let pair = yaml.pair_around(node)?;
    let key = yaml.scalar(tree.child(pair, Field::Key)?)?;
    if let Some(block) = egress_block(yaml, pair, known) {
        return Some(block);
    }
    let mapping = tree.parent(pair)?;
    let hosts = known.hosts.entry(mapping).or_insert_with(|| host_names(yaml, mapping));
    // Next to an image, the host is the name under which a container of this repository is served.
    if hosts.is_served && words::port_prefix(&key).is_empty() {
        return None;
    }
    hosts.of(yaml, &key, number)
}

/// The host of the mail server whose port is the default of a variable. If the host is a variable that is set
/// elsewhere, the server may be anyone's, so the result is an unknown external host.
fn mail_host_beside(yaml: &Yaml<'_, '_>, node: Node, number: u32, known: &mut Known) -> Option<String> {
    const SUBMISSION: [u32; 4] = [25, 465, 587, 2525];
    const UNKNOWN: &str = "unknown.invalid";
    let pair = yaml.pair_around(node)?;
    let key = yaml.scalar(yaml.tree.child(pair, Field::Key)?)?;
    if !words::is_mail(&words::port_prefix(&key)) || !SUBMISSION.contains(&number) {
        return None;
    }
    let mapping = yaml.tree.parent(pair)?;
    let hosts = known.hosts.entry(mapping).or_insert_with(|| host_names(yaml, mapping));
    let value = yaml.scalar(hosts.named(&key, number)?)?;
    let name = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let is_set_elsewhere = name.is_some_and(|name| {
        let name = name.split([':', '?']).next().unwrap_or(name);
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name && !value.contains(":-")
    });
    if is_set_elsewhere { Some(UNKNOWN.to_owned()) } else { hosts::literal_host(&value) }
}

/// The address to which a rule of a Kubernetes NetworkPolicy allows connections: `- to: [{ ipBlock: { cidr:
/// 192.0.2.0/24 } }]` next to the `ports` that contain a pair.
fn egress_block(yaml: &Yaml<'_, '_>, pair: Node, known: &mut Known) -> Option<String> {
    let ports = yaml.pair_around(yaml.tree.parent(pair)?)?;
    yaml.scalar(yaml.tree.child(ports, Field::Key)?).filter(|key| key == "ports")?;
    let rule = yaml.tree.parent(ports)?;
    known.blocks.entry(rule).or_insert_with(|| block_of_rule(yaml, rule)).clone()
}

fn block_of_rule(yaml: &Yaml<'_, '_>, rule: Node) -> Option<String> {
    let peers = yaml.items(yaml.get(rule, "to")?);
    // If a rule has peers without a literal address, it may also apply to the repository's own services.
    let block = |peer: Node| hosts::literal_host(&yaml.scalar(yaml.at(peer, &["ipBlock", "cidr"])?)?);
    let blocks: Option<Vec<String>> = peers.into_iter().map(block).collect();
    hosts::of_others(blocks?)
}

fn host_names(yaml: &Yaml<'_, '_>, mapping: Node) -> HostNames {
    let mut hosts = HostNames::default();
    for (index, entry) in yaml.entries(mapping).into_iter().enumerate() {
        hosts.is_served |= entry.key == "image";
        if let Some(words) = words::host_prefix(&entry.key) {
            hosts.add(words, (index, entry.value));
        }
    }
    hosts
}
