//! The role of a use: a listener, or something that refers to a listener's port, such as a client or a firewall.

use super::super::beside::Beside;
use super::super::words::{all_generic, is_set_of_routes, service, split, telling};
use super::{Reader, begins_with_allow, is_front, is_local, passes_to};
use crate::knowledge::name_words::{
    CLIENT_SETS, CLIENTS, ENDS, HOLDERS, OTHERS, PASSES_ON, PEERS, SHELL_TEXTS, STRUCTURE, TOP_LEVEL,
};
use crate::knowledge::service_ports;

impl<'a> Reader<'a> {
    /// Whether a firewall or a network policy opens the port, or the number is in a list of several numbers.
    pub fn is_firewall(&self) -> bool {
        self.is_one_of_many
            || self.is_in_bare_list()
            || self.is_in_opened_list()
            || self
                .parts
                .iter()
                .any(|part| matches!(*part, "firewall" | "firewalld" | "nftables" | "ufw") || begins_with_allow(part))
            || self.parts.iter().any(|part| part.trim_start_matches('-').starts_with("dport"))
            || self.is_manifest() && self.parts.iter().any(|part| matches!(*part, "egress" | "ingress"))
    }

    /// Whether the number is in the address of the service's own server, in its settings: `settings.server.address`. In
    /// the settings of an agent, it is an address that the agent connects to.
    fn is_own_server(&self) -> bool {
        self.is_server_address() && self.line.is_at_loopback() && !self.is_of_agent()
    }

    /// Whether the number is in the address of a server, in the settings of a service.
    fn is_server_address(&self) -> bool {
        matches!(self.parts.as_slice(), [.., "settings" | "config", "server", "address" | "addr"])
    }

    /// Whether the service is an agent, a client or an exporter, which connects to a server.
    fn is_of_agent(&self) -> bool {
        let is_agent =
            |part: &&str| split(part).iter().any(|word| matches!(word.as_str(), "agent" | "client" | "exporter"));
        self.parts.iter().any(is_agent)
    }

    pub fn is_client(&self) -> bool {
        if self.is_manifest() {
            return self.is_client_in_manifest();
        }
        if self.line.is_any_host() || self.is_of_site() {
            return false;
        }
        if self.is_site_address() || self.is_own_server() || self.is_in_compose() && self.line.side().is_some() {
            return false;
        }
        if self.ssh_host().is_some() || self.line.called_host().is_some() || self.route().is_some() {
            return true;
        }
        let mut last = split(self.last());
        // `originList`
        last.pop_if(|word| word == "list");
        if let [.., before, address] = last.as_slice()
            && matches!(address.as_str(), "addr" | "address")
            && OTHERS.contains(&before.as_str())
        {
            last.pop();
        }
        if self.is_collector() || self.is_key() {
            return false;
        }
        let listens = last.iter().any(|word| matches!(word.as_str(), "listen" | "bind" | "port"));
        // `upstream_dns`, `stub-addr`
        let is_of_other = last.first().is_some_and(|word| PEERS.contains(&word.as_str()))
            || self.line.address().is_some() && last.iter().any(|word| ENDS.contains(&word.as_str()));
        let names_another = last.last().is_some_and(|word| CLIENTS.contains(&word.as_str()))
            || is_of_other
            || self.is_of_database()
            || self.is_of_peer()
            || passes_to(&last);
        let in_set = self.parts.iter().any(|part| CLIENT_SETS.contains(part));
        let in_text = self.line.scheme().is_some_and(|scheme| {
            let script = last
                .iter()
                .any(|word| matches!(word.as_str(), "script" | "start" | "cmd" | "command" | "text" | "test"));
            script || !matches!(scheme, "http" | "https" | "tcp" | "udp" | "ws" | "unix")
        });
        // `href = url 8000;`: the bound name describes the purpose of the call.
        let bound = self.line.binding().or_else(|| self.line.call().map(|(bound, _)| bound));
        let names_client = self.parts.len() == 1
            && bound.is_some_and(|bound| split(bound).last().is_some_and(|word| CLIENTS.contains(&word.as_str())));
        // The text of a proxy's configuration, except what the proxy itself listens on.
        let is_text_of_front = self.named().is_some_and(|(at, candidate)| {
            is_front(&candidate.service) && at + 1 < self.parts.len() && self.is_text(at + 1)
        });
        // The servers that a load balancer passes connections on to.
        let is_server = self.named().is_some_and(|(_, candidate)| is_front(&candidate.service))
            && self.parts.contains(&"backends")
            && matches!(self.last(), "server" | "servers");
        // `example.org:8443 {` is an address that Caddy listens on.
        let is_site = self.line.after.trim_start().starts_with('{');
        // `proxy = {` is a set.
        let passes = |rest: &str| !rest.trim_start().starts_with('=');
        // `contains` is faster than `split_once`.
        let follows = |words: &&str| {
            self.line.before.contains(*words) && {
                self.line.before.split_once(*words).is_some_and(|(_, rest)| passes(rest))
            }
        };
        let passes_on = PASSES_ON.iter().any(follows);
        // The URL of another host, or a check of another host's configuration.
        let is_other = self.line.address().is_some_and(|host| !is_local(host)) && self.line.scheme().is_some();
        let is_check = self.parts.contains(&"checks");
        let is_url_of_host =
            self.line.scheme().is_some() && last.last().is_some_and(|word| matches!(word.as_str(), "host" | "server"));
        // `server = "203.0.113.4:6697"`, `image = "registry.example.org:5000/wiki"`
        let is_at_other = || {
            let is_peer = last.last().is_some_and(|word| matches!(word.as_str(), "host" | "image" | "server"));
            is_peer && self.line.address().is_some_and(|host| !is_local(host))
        };
        names_another && (!listens || self.is_of_database() || self.is_of_peer())
            || in_set && !last.iter().any(|word| word == "listen")
            || in_text
            || passes_on
            || is_server
            || self.line.label_of_url().is_some() && !listens
            || self.line.is_of_listed_host() && !listens
            || is_url_of_host
            || is_at_other()
            || names_client
            || self.is_forwarded()
            || self.is_local_end()
            || self.is_health_check()
            || self.is_label()
            || self.line.is_target()
            || self.line.scrape_component().is_some()
            || self.is_of_other_proxy()
            || self.is_telegraf_input()
            || self.line.runs_client()
            || self.line.before.contains("ssh ") && self.abbreviation().is_some()
            || self.line.is_of_name_server()
            || self.line.is_in_query()
            || self.is_proxied()
            || self.is_server_address() && self.is_of_agent()
            || SHELL_TEXTS.contains(&self.last())
            || self.line.proxy_variable().is_some()
            || self.line.scheme().is_some() && self.line.title().is_some()
            || (is_other || is_check) && !listens
            || is_text_of_front && !listens && !is_site
            || self.line.key_host().is_some() && !listens
            || self.tunnel().is_some()
    }

    /// The name of a local service in a set of routes to services: `wiki` in `routes.wiki = "http://127.0.0.1:8000"`.
    pub(super) fn route(&self) -> Option<&'a str> {
        let (set, name) = match self.parts.as_slice() {
            // `hostRoutes.wiki.url`
            [.., set, name, "target" | "upstream" | "url"] if is_set_of_routes(set) => (set, name),
            [.., set, name] => (set, name),
            _ => return None,
        };
        let is_web = || matches!(self.line.scheme(), Some("http" | "https")) && self.line.is_at_loopback();
        (is_set_of_routes(set) && is_web()).then_some(*name)
    }

    /// The labels of the host whose connections a tunnel passes on to the port: `wiki.example.org` in
    /// `cloudflared.tunnels.x.ingress."wiki.example.org".service`.
    pub(super) fn tunnel(&self) -> Option<&[&'a str]> {
        let [outer @ .., "service"] = self.parts.as_slice() else { return None };
        let at = self.ingress()?;
        outer.get(at + 1..).filter(|labels| !labels.is_empty())
    }

    /// The index of the set of hosts in the configuration of a tunnel.
    pub(super) fn ingress(&self) -> Option<usize> {
        let at = self.parts.iter().position(|part| *part == "ingress")?;
        self.parts[..at].contains(&"cloudflared").then_some(at)
    }

    /// Whether the number is in the name of a virtual host that is an address on which the proxy listens:
    /// `virtualHosts.":8080"`.
    pub(super) fn is_site_address(&self) -> bool {
        let is_site = self.parts.last().is_some_and(|last| matches!(*last, "virtualHosts" | "virtualhosts"));
        is_site && self.line.before.ends_with("\":")
    }

    /// Whether the number is in a list that only contains ports, in an option that does not name a service:
    /// `networking.proxyPorts = [ 8000 ]`.
    fn is_in_bare_list(&self) -> bool {
        let [outer @ .., last] = self.parts.as_slice() else { return false };
        let end = last.len().checked_sub(5).and_then(|at| last.get(at..));
        let is_list = end.is_some_and(|end| end.eq_ignore_ascii_case("ports"));
        let is_name = |part: &&str| !STRUCTURE.contains(part) && !all_generic(&split(part));
        let is_of_service = |part: &&str| HOLDERS.contains(part) || *part == "options" || is_name(part);
        is_list
            && !outer.is_empty()
            && self.path.ends_with(".nix")
            && telling(last).is_empty()
            && !outer.iter().any(is_of_service)
            && !self.line.before.contains('"')
            && self.line.before.trim_start_matches(|c| c != '[').trim_start_matches('[').bytes().all(is_blank_or_digit)
    }

    /// Whether the number is in a list of ports that a machine's firewall lets through, in an option that does not
    /// belong to a service: `machines.web1.forwardedPorts`.
    fn is_in_opened_list(&self) -> bool {
        const MACHINES: [&str; 3] = ["devices", "hosts", "machines"];
        let is_list = |part: &&str| {
            let opens = |word: &String| matches!(word.as_str(), "exposed" | "forwarded" | "open" | "opened");
            part.ends_with("Ports") && split(part).first().is_some_and(opens)
        };
        let Some(at) = self.parts.iter().position(is_list) else { return false };
        let is_machine = |name: usize| {
            self.context.is_machine(self.parts[name])
                || name.checked_sub(1).is_some_and(|set| MACHINES.contains(&self.parts[set]))
        };
        self.named().is_none() && (at.checked_sub(1).is_some_and(is_machine) || !(0..at).any(|at| self.says_whose(at)))
    }

    /// The name of a server in the configuration of an SSH client: `forge` in `programs.ssh.matchBlocks.forge.port`.
    pub fn ssh_host(&self) -> Option<&'a str> {
        let is_port = self.parts.last().is_some_and(|last| last.eq_ignore_ascii_case("port"));
        if !is_port || !self.parts.contains(&"ssh") && !self.parts.contains(&"matchBlocks") {
            return None;
        }
        if self.ssh_forward().is_some() {
            return None;
        }
        let is_set = |pair: &[&str]| pair[1] == "matchBlocks" || matches!(pair, ["ssh", "settings"]);
        // `programs.ssh.extraConfig = "Host forge ..\n Port 2222"`
        if let ["programs", "ssh", text, last] = &self.parts[self.parts.len().saturating_sub(4)..]
            && text.ends_with("Config")
            && last.eq_ignore_ascii_case("port")
        {
            return self.line.ssh_host();
        }
        let at = self.parts.windows(2).position(is_set).map(|at| at + 2)?;
        let is_program = self.parts[..at].contains(&"programs") || self.parts[at - 1] == "matchBlocks";
        let is_forward = |part: &&str| part.ends_with("Forwards");
        let is_own = is_program && at + 1 < self.parts.len() && !self.parts[at..].iter().any(is_forward);
        self.parts.get(at).filter(|_| is_own).copied()
    }

    /// Whether the number is the port of a service's database: `services.wiki.database.port`.
    pub(super) fn is_of_database(&self) -> bool {
        let [.., outer, "database" | "db", "port"] = self.parts.as_slice() else { return false };
        !service(outer).iter().any(|word| service_ports::named(word).is_some_and(|row| row.group == "databases"))
    }

    /// Whether the number is the port of a proxy on another machine through which a service connects: `{ hostname =
    /// "10.0.0.4"; port = 1080; }` in `services.wiki.proxy`.
    fn is_of_other_proxy(&self) -> bool {
        const HOSTS: [&str; 3] = ["address", "host", "hostname"];
        let [.., "proxy", "port"] = self.parts.as_slice() else { return false };
        let host = |beside: Beside<'a>| HOSTS.iter().find_map(|name| beside.value(name));
        self.beside.and_then(host).is_some_and(|host| !is_local(host))
    }

    /// Whether Telegraf collects metrics from the port: `services.telegraf.extraConfig.inputs.upsd.port`. Some inputs listen.
    fn is_telegraf_input(&self) -> bool {
        let has = |name: &str| self.parts.contains(&name);
        has("telegraf")
            && has("inputs")
            && self.beside.is_some_and(|beside| beside.full_host().is_some() || beside.has("server"))
    }

    /// Whether a telemetry collector listens on the port: `receivers.otlp.protocols.grpc.endpoint`.
    pub(super) fn is_collector(&self) -> bool {
        matches!(self.parts.as_slice(), [.., "protocols", _, "endpoint"]) && self.parts.contains(&"receivers")
    }

    /// Whether the number is an entry in a set of ports, with a name that a person chose: `ports.wikiProxy`.
    pub fn is_key(&self) -> bool {
        // `network.ports.wiki`, but not an option of a service that happens to have this name.
        let is_entry = match self.parts.as_slice() {
            ["ports", _] => true,
            [outer, "ports", _] => !TOP_LEVEL.contains(outer) && !HOLDERS.contains(outer),
            _ => false,
        };
        is_entry && self.last().bytes().any(|byte| byte.is_ascii_lowercase()) && self.line.binding().is_some()
    }

    /// Whether the number is a port that NAT forwards to another machine, or the port on that machine: `{ destination =
    /// "10.0.0.4:8000"; sourcePort = 8000; }`.
    pub fn is_forwarded(&self) -> bool {
        matches!(self.last(), "destination" | "sourcePort") && self.parts.contains(&"forwardPorts")
    }

    /// Whether it is in an iptables rule about connections to another machine. The file of such a rule is not about the
    /// service with the port.
    pub(super) fn is_routed(&self) -> bool {
        const RULES: [&str; 3] = ["--to-destination", "FORWARD", "PREROUTING"];
        let is_rule = || self.line.before.contains("-A ") || self.line.before.contains("-D ");
        RULES.iter().any(|rule| self.line.before.contains(rule)) && is_rule()
    }

    /// Whether the number is the port of this machine that a tunnel exposes elsewhere: `{ localPort = 80; remotePort =
    /// 8000; }`.
    pub fn is_local_end(&self) -> bool {
        self.last() == "localPort" && self.beside.is_some_and(|beside| beside.has("remotePort"))
    }

    /// Whether the number is in a label of a time series or in a query, which only mention the address of a service.
    pub(super) fn is_label(&self) -> bool {
        // `up{instance="10.0.0.4:8080"}`, in which a Nix string escapes the quotes.
        let is_instance = || {
            self.line.before.contains("instance=") && {
                let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
                let before = self.line.before.trim_end_matches(is_part).strip_suffix('"');
                before.is_some_and(|before| before.trim_end_matches('\\').trim_end_matches('~').ends_with("instance="))
            }
        };
        self.parts.iter().any(|part| matches!(*part, "matcher" | "matchers")) || is_instance()
    }

    /// Whether the number is an argument of a function that configures a reverse proxy: `mkProxy { domain =
    /// domains.wiki; port = 8000; }`.
    pub(super) fn is_proxied(&self) -> bool {
        const PASSING: [&str; 4] = ["proxy", "redirect", "route", "vhost"];
        let function = self.beside.map_or("", |beside| beside.function());
        let passes = |function: &str| split(function).iter().any(|word| PASSING.contains(&word.as_str()));
        function.contains("Proxy") && self.last() == "port"
            || self.line.named_call().is_some_and(|(function, _)| passes(function))
    }

    /// Whether the health check of a container connects to the port.
    pub fn is_health_check(&self) -> bool {
        self.parts.iter().any(|part| part.eq_ignore_ascii_case("healthcheck"))
            || self.container().is_some() && self.line.before.contains("--health-")
    }

    /// Whether the number belongs to a client in a manifest: the value of a variable, a probe or a route that connects
    /// to the port.
    pub(super) fn is_client_in_manifest(&self) -> bool {
        const LISTENING: [&str; 5] = ["addr", "address", "bind", "listen", "port"];
        const LISTENED: [&str; 5] = ["ports", "containerPort", "hostPort", "nodePort", "listen"];
        let is_variable_of_listener =
            split(self.names.own).last().is_some_and(|word| LISTENING.contains(&word.as_str()));
        !is_variable_of_listener && !self.parts.iter().any(|part| LISTENED.contains(part))
    }

    /// Whether the number is the port of a peer, whose host is next to it: `{ host = "10.0.0.4"; port = 9092; }`.
    pub(super) fn is_of_peer(&self) -> bool {
        let beside = self.beside.filter(|beside| self.last() == "port" && beside.is_element());
        beside.and_then(|beside| beside.full_host()).is_some_and(|host| !is_local(host) && !host.contains(['$', ':']))
    }
}

fn is_blank_or_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_whitespace()
}
