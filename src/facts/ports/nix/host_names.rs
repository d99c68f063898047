//! Hosts in Nix: hosts next to ports, and hosts that the repository names or assigns addresses to.

use super::{Collector, known_text};
use crate::facts::ports::{flow, hosts, words};
use crate::lang::nix::Origin;
use crate::lang::{Field, Node, NodeKind, Tree, nix};
use std::collections::HashMap;

/// The host names of a set by their location in it: the attribute path without its last name.
pub(super) type HostNames = HashMap<Vec<Option<String>>, Hosts>;

/// A member of a set and, if it is an `inherit`, the inherited name.
type Named = (Node, Option<String>);

/// The host names at one location, in order.
#[derive(Default)]
pub(super) struct Hosts {
    /// The hosts by the words before "host" in the last name.
    names: HashMap<Vec<String>, Vec<Named>>,
    /// The first mail server.
    mail: Option<Named>,
}

impl Hosts {
    fn add(&mut self, words: Vec<String>, named: Named) {
        if words::is_mail(&words) {
            self.mail.get_or_insert_with(|| named.clone());
        }
        self.names.entry(words).or_default().push(named);
    }

    fn has(&self, word: &str) -> bool {
        self.names.contains_key(&[word.to_owned()][..])
    }

    /// The host for the port that the member `binding` sets.
    fn of(&self, port: &str, number: u32, binding: Node) -> Option<&Named> {
        let candidates = words::hosts_of(port).into_iter().filter_map(|words| {
            let names = self.names.get(&words)?;
            names.iter().find(|(member, _)| *member != binding)
        });
        candidates.min_by_key(|(member, _)| *member).or_else(|| {
            let plain = || self.names.get(&[][..]).and_then(|names| names.first());
            let servers = words::is_mail_port(port, number).then(|| [plain(), self.mail.as_ref()]);
            servers.into_iter().flatten().flatten().min_by_key(|(member, _)| *member)
        })
    }
}

impl<'a> Collector<'_, 'a> {
    /// The literal host next to a port in the same set: `host = "smtp.gmail.com"; port = 587;`. Otherwise the address
    /// in the rule of a NetworkPolicy, or the name of an ssh block.
    pub(super) fn host_beside(&mut self, binding: Node, path: &[String], number: u32) -> Option<String> {
        let tree = self.tree;
        // For the default of an option, the host is next to the option.
        let binding = match path.last().is_some_and(|last| last == "default") {
            true => nix::binding_around(tree, tree.parent(binding)?)?,
            false => binding,
        };
        let own: Vec<_> = nix::names(tree, nix::attrpath_node(tree, binding)?).collect();
        let (last, prefix) = own.split_last()?;
        let last = last.text.as_deref()?;
        let set = tree.parent(binding)?;
        let hosts = self.hosts.entry(set).or_insert_with(|| host_names(tree, set));
        let place: Vec<Option<String>> = prefix.iter().map(known_text).collect();
        let beside = hosts.get(&place);
        // A listen or bind address belongs to this machine, regardless of the public name next to it.
        let listens = |word: &str| beside.is_some_and(|hosts| hosts.has(word));
        let is_plain = words::port_prefix(last).is_empty();
        if is_plain && (listens("bind") || listens("listen") || path.iter().any(|name| name == "listen")) {
            return None;
        }
        let found = beside.and_then(|hosts| hosts.of(last, number, binding));
        if let Some((member, inherited)) = found.cloned() {
            let host = match inherited {
                None => member,
                Some(name) => match nix::resolve(tree, member, &name)? {
                    Origin::Binding(binding) => binding,
                    _ => return None,
                },
            };
            let host = self.known_host(nix::value(tree, host)?)?;
            // An inventory: `us-4 = { ip = "192.0.2.4"; port = 2222; };`
            if let (Some(address), [.., machine, _]) = (hosts::public_address(&host), path) {
                self.facts.named_addresses.push((address, machine.clone()));
            }
            return Some(host);
        }
        if let Some(block) = self.egress_block(binding, path) {
            return Some(block);
        }
        let ssh = path.iter().any(|name| matches!(name.as_str(), "matchBlocks" | "ssh"));
        let block = path.len().checked_sub(2).map(|at| path[at].as_str())?;
        // `*.example.org` matches names under the domain.
        let block = block.strip_prefix("*.").unwrap_or(block);
        (ssh && block.contains('.') && !block.contains(['*', '?', ' '])).then(|| block.to_owned())
    }

    /// The address to which a rule of a Kubernetes NetworkPolicy allows connections: `{ to = [ { ipBlock.cidr =
    /// "192.0.2.0/24"; } ]; ports = [ { port = 443; } ]; }`.
    fn egress_block(&mut self, binding: Node, path: &[String]) -> Option<String> {
        let tree = self.tree;
        let [.., ports, _] = path else { return None };
        if ports != "ports" {
            return None;
        }
        let rule = tree.parent(nix::binding_around(tree, tree.parent(binding)?)?)?;
        if let Some(known) = self.blocks.get(&rule) {
            return known.clone();
        }
        let block = self.block_of_rule(rule);
        self.blocks.insert(rule, block.clone());
        block
    }

    fn block_of_rule(&self, rule: Node) -> Option<String> {
        let tree = self.tree;
        let is_to = |member: &Node| nix::attrpath_node(tree, *member).is_some_and(|path| tree.slice(path) == "to");
        let peers = nix::value(tree, tree.children(rule).find(is_to)?)?;
        let is_block = |node: &Node| {
            tree.kind(*node) == NodeKind::Binding
                && nix::attrpath_node(tree, *node).is_some_and(|path| nix::last_name(tree.slice(path)) == "cidr")
        };
        let blocks = tree.subtree(peers).filter(is_block);
        let blocks: Option<Vec<String>> = blocks.map(|block| self.known_host(nix::value(tree, block)?)).collect();
        // If a rule has peers without a literal address, it may also apply to the repository's own services.
        let blocks = blocks
            .filter(|blocks| tree.kind(peers) == NodeKind::List && tree.children(peers).count() == blocks.len())?;
        hosts::of_others(blocks)
    }

    /// The host to which borg connects with the command in a variable `BORG_RSH`: the host of the enclosing `repo`.
    pub(super) fn borg_host(&self, variable: Node) -> Option<String> {
        /// The number of enclosing sets searched for `repo`. `environment.BORG_RSH` may be in a set of its own.
        const DEPTH: usize = 2;
        let tree = self.tree;
        let is_repository = |member: &Node| {
            nix::attrpath_node(tree, *member).is_some_and(|path| matches!(tree.slice(path), "repo" | "BORG_REPO"))
        };
        let mut binding = variable;
        for _ in 0..DEPTH {
            let set = tree.parent(binding)?;
            if let Some(member) = tree.children(set).find(is_repository) {
                let address = self.known_string(nix::value(tree, member)?)?;
                let address = address.strip_prefix("ssh://").unwrap_or(&address);
                let host = address.split_once('@').map_or(address, |(_, host)| host);
                return hosts::literal_host(host.split([':', '/']).next()?);
            }
            binding = nix::binding_around(tree, set)?;
        }
        None
    }

    /// The literal host that another element in the same list gives for a port: `[ "x_host=a.example" "x_port=23" ]`.
    pub(super) fn host_in_list(&self, element: Node, port: &str) -> Option<String> {
        let tree = self.tree;
        let list = tree.parent(element).filter(|&node| tree.kind(node) == NodeKind::List)?;
        let wanted = words::hosts_of(port);
        let strings = tree.children(list).filter(|&node| tree.kind(node) == NodeKind::String);
        let texts: Vec<_> = strings.filter_map(|node| nix::literal_string(tree, node)).collect();
        texts.iter().enumerate().find_map(|(index, text)| {
            let (name, value) = match text.split_once('=') {
                Some(pair) => pair,
                // `[ "--smtp-host" "mail.example.org" ]`
                None if text.starts_with("--") => (text.as_ref(), texts.get(index + 1)?.as_ref()),
                None => return None,
            };
            words::host_prefix(name).filter(|words| wanted.contains(words))?;
            hosts::literal_host(value)
        })
    }

    /// The literal host that a value evaluates to. For a conditional, the first host, if all branches have one.
    pub(super) fn known_host(&self, value: Node) -> Option<String> {
        let tree = self.tree;
        let host = |value: Node| hosts::literal_host(&self.known_string(value)?);
        let mut value = nix::unwrap_parens(tree, value);
        value = default_of_option(tree, value).unwrap_or(value);
        let mut first = None;
        while tree.kind(value) == NodeKind::If {
            let consequence = host(tree.child(value, Field::Consequence)?)?;
            first.get_or_insert(consequence);
            value = nix::unwrap_parens(tree, tree.child(value, Field::Alternative)?);
        }
        let last = host(value)?;
        Some(first.unwrap_or(last))
    }

    /// The text of a value, if it is a string literal or a name bound to one. Of a string with interpolations, the part
    /// that contains the host, if that is literal.
    pub(super) fn known_string(&self, value: Node) -> Option<std::borrow::Cow<'a, str>> {
        let tree = self.tree;
        let mut value = nix::unwrap_parens(tree, value);
        if let Some(name) = flow::variable(tree, value) {
            let Origin::Binding(binding) = nix::resolve(tree, name, tree.slice(name))? else { return None };
            value = nix::unwrap_parens(tree, nix::value(tree, binding)?);
        }
        let value = flow::string(tree, value)?;
        nix::literal_string(tree, value).or_else(|| {
            let (masked, _) = nix::masked(tree, value)?;
            if let Some(head) = masked.split(char::from(nix::HOLE)).next().filter(|head| holds_whole_host(head)) {
                return Some(head.to_owned().into());
            }
            // For `"${user}.example.org"` at least the domain is known.
            let tail = masked.rsplit(char::from(nix::HOLE)).next()?.strip_prefix('.')?;
            tail.contains('.').then(|| tail.to_owned().into())
        })
    }

    /// The literal host that the interpolation before a port in a string evaluates to: `"${host}:587"`,
    /// `"[${host}]:23"`. `port` is the position of the number in the file.
    pub(super) fn interpolated_host(&self, string: Node, port: u32) -> Option<String> {
        let tree = self.tree;
        let before = tree.text().get(..port as usize)?.strip_suffix(':')?;
        let end = before.strip_suffix(']').unwrap_or(before).len() as u32;
        let hole = tree
            .children(string)
            .find(|&part| tree.kind(part) == NodeKind::Interpolation && tree.span(part).end == end)?;
        self.known_host(tree.child(hole, Field::Expression)?)
    }

    /// Collects names and addresses that the repository gives its own hosts.
    pub(super) fn host_names(&mut self, binding: Node) {
        let tree = self.tree;
        let Some(attrpath) = nix::attrpath_node(tree, binding) else { return };
        let Some(last) = tree.children(attrpath).last() else { return };
        let last = nix::name_text(tree, last);
        let last = last.as_deref().unwrap_or_default();
        if hosts::may_hold_address(last) {
            self.own_addresses(binding);
        }
        let value = nix::value(tree, binding).map(|value| nix::unwrap_parens(tree, value));
        if last == "extraHosts"
            && let Some(text) = value.and_then(|value| nix::literal_string(tree, value))
        {
            self.facts.own_hosts.extend(hosts::names_in_hosts_file(&text).map(str::to_owned));
            let named = hosts::named_addresses(&text).map(|(address, name)| (address, name.to_owned()));
            self.facts.named_addresses.extend(named);
        }
        if let Some(text) = value.and_then(|value| nix::literal_string(tree, value)) {
            self.answered(binding, last, &text);
        }
        let is_string = value.is_some_and(|value| tree.kind(value) == NodeKind::String);
        let may_name = is_string && hosts::may_name_host(last);
        let mut names = tree.children(attrpath).map(|name| tree.slice(name).trim_matches('"'));
        let in_set = self.has_hosts && names.any(hosts::may_hold_hosts)
            || matches!(
                tree.kind(tree.children(attrpath).next().unwrap_or(attrpath)),
                NodeKind::String | NodeKind::Interpolation
            )
            || tree.slice(attrpath).starts_with("networking.hosts.")
            || self.has_hosts && self.is_in_hosts(binding);
        if !may_name && !in_set {
            return;
        }
        if hosts::is_set_of_machines(last)
            && let Some(value) = value
        {
            self.generated_machines(value);
        }
        let Some(path) = self.path(binding) else { return };
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        if may_name
            && (hosts::value_names_host(&names) || last == "hostname" && self.is_deployed(binding))
            && let Some(text) = value.and_then(|value| self.known_string(value))
        {
            let host = hosts::literal_host(&text);
            if names.ends_with(&["networking", "hostName"]) {
                self.facts.machines.extend(host.clone());
            }
            match names.ends_with(&["networking", "domain"]) {
                true => self.facts.domains.extend(host),
                false => self.facts.own_hosts.extend(host),
            }
        }
        if let Some(name) = hosts::name_in_path(&names) {
            self.facts.own_hosts.extend(hosts::literal_host(name));
        }
        self.facts.machines.extend(hosts::machine_in_path(&names).map(str::to_owned));
        // `networking.hosts."10.0.0.5" = [ "nas.example.org" ];`
        if let [.., "networking", "hosts", address] = names.as_slice()
            && let Some(list) = value.filter(|&value| tree.kind(value) == NodeKind::List)
        {
            let named = tree.children(list).filter_map(|name| nix::literal_string(tree, name));
            let named = named.map(|name| name.into_owned());
            if hosts::names_machines(address) {
                self.facts.own_hosts.extend(named);
            } else if let Some(address) = hosts::public_address(address) {
                self.facts.named_addresses.extend(named.map(|name| (address, name)));
            }
        }
        // `virtualHosts.${domain}`
        let site = in_set && hosts::name_in_path(&names) == Some("?");
        for name in tree.children(attrpath).filter(|&name| site && tree.kind(name) == NodeKind::Interpolation) {
            let known = tree.child(name, Field::Expression).and_then(|name| self.known_string(name));
            self.facts.own_hosts.extend(known.and_then(|name| hosts::literal_host(&name)));
        }
    }

    /// Collects a name that one of the repository's DNS servers resolves to an address in a private network:
    /// `customDNS.mapping."nas.example.org" = "10.0.0.5"`, `{ domain = "nas.example.org"; answer = "10.0.0.5"; }`.
    fn answered(&mut self, binding: Node, last: &str, text: &str) {
        let tree = self.tree;
        let is_private = |text: &str| text.split(',').all(hosts::names_machines);
        if last == "domain" && text.contains('.') {
            let members = tree.parent(binding).map(|set| tree.children(set).take(8)).into_iter().flatten();
            let is_answer = |&member: &Node| {
                nix::attrpath_node(tree, member).is_some_and(|path| tree.slice(path) == "answer")
                    && nix::value(tree, member)
                        .and_then(|value| nix::literal_string(tree, value))
                        .is_some_and(|answer| is_private(&answer))
            };
            if members.into_iter().any(|member| is_answer(&member)) {
                self.facts.own_hosts.extend(hosts::literal_host(text.trim_start_matches("*.")));
            }
        } else if last.contains('.') && is_private(text) {
            let path = self.path(binding).unwrap_or_default();
            if hosts::is_answer(&path.iter().map(String::as_str).collect::<Vec<_>>()) {
                self.facts.own_hosts.push(last.to_owned());
            }
        }
    }

    /// Collects the name of a zone that the repository writes: `dns.util.writeZone "example.org" (import ./zone.nix)`.
    pub(super) fn zone(&mut self, apply: Node) {
        let tree = self.tree;
        if !self.has_zones {
            return;
        }
        let function = tree.child(apply, Field::Function).map_or("", |function| tree.slice(function));
        if nix::last_name(function) == hosts::ZONE
            && let Some(name) = tree.child(apply, Field::Argument)
            && let Some(name) = nix::literal_string(tree, nix::unwrap_parens(tree, name))
        {
            self.facts.own_hosts.extend(hosts::literal_host(&name));
        }
    }

    /// Whether a host name belongs to a deploy-rs node, which has profiles.
    fn is_deployed(&self, binding: Node) -> bool {
        let tree = self.tree;
        let members = tree.parent(binding).map(|set| tree.children(set)).into_iter().flatten();
        let mut paths = members.filter_map(|member| nix::attrpath_node(tree, member));
        paths.any(|path| tree.slice(path).split('.').next() == Some("profiles"))
    }

    /// Collects the machines of `nixosConfigurations = genAttrs [ "atlas" "borea" ] f;`.
    fn generated_machines(&mut self, value: Node) {
        let tree = self.tree;
        let Some((function, arguments)) = nix::call(tree, value) else { return };
        let Some(mut names) = arguments.first().map(|&names| nix::unwrap_parens(tree, names)) else { return };
        if nix::last_name(&function) != "genAttrs" {
            return;
        }
        if tree.kind(names) == NodeKind::Variable
            && let Some(Origin::Binding(binding)) = nix::resolve(tree, names, tree.slice(names))
        {
            names = nix::value(tree, binding).unwrap_or(names);
        }
        if tree.kind(names) == NodeKind::List {
            let names = tree.children(names).filter_map(|name| nix::literal_string(tree, name));
            self.facts.machines.extend(names.map(|name| name.into_owned()));
        }
    }

    /// Collects the addresses that a string assigns: DNS records, `ip addr add`.
    pub(super) fn assigned(&mut self, string: Node) {
        let text = self.tree.slice(string);
        let holds = |record: &str| memchr::memmem::find(text.as_bytes(), record.as_bytes()).is_some();
        if holds(" A ") || holds("\tA") || holds("AAAA") {
            self.facts.own_hosts.extend(hosts::zone_addresses(text).map(|address| address.to_string()));
        }
        if holds("ip ") {
            self.facts.own_hosts.extend(hosts::added_addresses(text).map(|address| address.to_string()));
        }
    }

    /// Whether a binding is a member of a set of sites or machines: `colmena = { atlas = ..; }`.
    pub(super) fn is_in_hosts(&self, binding: Node) -> bool {
        let tree = self.tree;
        let mut around = tree.ancestors(binding).skip(1);
        let Some(outer) = around.find(|&node| tree.kind(node) == NodeKind::Binding) else { return false };
        let last = nix::attrpath_node(tree, outer).and_then(|path| tree.children(path).last());
        last.and_then(|last| nix::name_text(tree, last)).is_some_and(|name| hosts::may_hold_hosts(&name))
    }

    /// Collects the literal addresses that a binding assigns.
    pub(super) fn own_addresses(&mut self, binding: Node) {
        let tree = self.tree;
        let Some(value) = nix::value(tree, binding) else { return };
        let texts = tree
            .subtree(value)
            .filter(|&node| tree.kind(node) == NodeKind::String)
            .filter(|&node| tree.ancestors(node).find(|&node| tree.kind(node) == NodeKind::Binding) == Some(binding))
            .filter_map(|node| nix::literal_string(tree, node));
        let texts: Vec<_> = texts.collect();
        if texts.iter().any(|text| text.starts_with('/')) {
            let path = self.path(binding).unwrap_or_default();
            if path.iter().any(|name| name == "dnsmasq") {
                let names = texts.iter().flat_map(|text| hosts::answered_by_dnsmasq(text));
                self.facts.own_hosts.extend(names.map(str::to_owned));
            }
        }
        let addresses: Vec<String> =
            texts.iter().filter_map(|text| address(text)).map(|address| address.to_string()).collect();
        if addresses.is_empty() {
            return;
        }
        let Some(path) = self.path(binding) else { return };
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        // An attribute `A` is a DNS record only if the file defines a DNS zone.
        let text = tree.text().as_bytes();
        let is_zone =
            || ["AAAA", "subdomains"].iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some());
        if names.last() == Some(&"A") && !is_zone() {
            return;
        }
        if hosts::value_is_own_address(&names) {
            self.facts.own_hosts.extend(addresses);
        }
    }
}

/// The default in a call to `mkOption`.
fn default_of_option(tree: &Tree<'_>, value: Node) -> Option<Node> {
    let function = tree.child(value, Field::Function).filter(|_| tree.kind(value) == NodeKind::Apply)?;
    let set = tree.child(value, Field::Argument).filter(|_| nix::last_name(tree.slice(function)) == "mkOption")?;
    let is_default = |node: &Node| {
        tree.kind(*node) == NodeKind::Binding
            && nix::attrpath_node(tree, *node).is_some_and(|path| tree.slice(path) == "default")
    };
    let bindings = tree.children(set).flat_map(|bindings| tree.children(bindings));
    nix::value(tree, bindings.chain(tree.children(set)).find(is_default)?)
}

/// Whether the start of a URL or address contains all of its host: a separator follows the host, as in
/// `https://smtp.example.org/` and `user@box.example.org:`.
fn holds_whole_host(start: &str) -> bool {
    let authority = start.split_once("://").map_or(start, |(_, rest)| rest);
    let host = authority.find(['/', ':']).and_then(|end| authority.get(..end)).unwrap_or_default();
    host.contains('.') && host.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The host names in a set.
pub(super) fn host_names(tree: &Tree<'_>, set: Node) -> HostNames {
    let mut found = HostNames::new();
    for member in tree.children(set) {
        match tree.kind(member) {
            NodeKind::Binding => {
                let Some(attrpath) = nix::attrpath_node(tree, member) else { continue };
                let names: Vec<_> = nix::names(tree, attrpath).collect();
                let Some((name, before)) = names.split_last() else { continue };
                if let Some(words) = name.text.as_deref().and_then(words::host_prefix) {
                    found.entry(before.iter().map(known_text).collect()).or_default().add(words, (member, None));
                }
            }
            NodeKind::Inherit => {
                let Some(attrs) = tree.child_of_kind(member, NodeKind::InheritedAttrs) else { continue };
                for name in nix::names(tree, attrs).filter_map(|name| known_text(&name)) {
                    if let Some(words) = words::host_prefix(&name) {
                        found.entry(Vec::new()).or_default().add(words, (member, Some(name)));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The IP address in a value that consists of an address, possibly with a prefix length or a port.
pub(super) fn address(value: &str) -> Option<std::net::IpAddr> {
    let address = value.split('/').next().unwrap_or(value);
    let with_port = || address.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    address.parse().ok().or_else(with_port)
}
