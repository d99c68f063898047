//! Decides whether a host belongs to the repository. A port of someone else's service is not one of the repository's
//! ports.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::{PortFacts, text};
use crate::config::PortSettings;
use crate::facts::Project;
use crate::knowledge::{domains, hosts};

/// Whether an attribute with this name can name one of the repository's hosts; see [`value_names_host`].
pub fn may_name_host(name: &str) -> bool {
    matches!(
        name,
        "hostName" | "hostname" | "domain" | "fqdn" | "targetHost" | "serverName" | "baseDomain" | "server_name"
    )
}

/// Whether the last names of an attribute path show that its value names one of the repository's hosts.
pub fn value_names_host(path: &[&str]) -> bool {
    match path {
        [.., "networking", "hostName" | "domain" | "fqdn"] => true,
        // Modules of web applications: `services.zabbixWeb.virtualHost.hostName`.
        [.., "virtualHost", "hostName" | "hostname"] => true,
        // deploy-rs.
        [.., "nodes", _, "hostname"] => true,
        [.., last] => matches!(*last, "fqdn" | "targetHost" | "serverName" | "baseDomain" | "server_name"),
        [] => false,
    }
}

/// The dns.nix function that writes a DNS zone. Its first argument is the name of the zone.
pub const ZONE: &str = "writeZone";

/// Whether an attribute path defines a DNS server's answer, with the queried name as its last name: blocky's
/// `customDNS.mapping`.
pub fn is_answer(path: &[&str]) -> bool {
    path.contains(&"customDNS")
}

/// The names for which dnsmasq has an address: `/nas.example.org/10.0.0.5`. Only names of machines in private networks
/// count as the repository's own; see [`names_machines`].
pub fn answered_by_dnsmasq(text: &str) -> impl Iterator<Item = &str> {
    let (names, address) = text.strip_prefix('/').and_then(|text| text.rsplit_once('/')).unwrap_or_default();
    names.split('/').filter(move |name| name.contains('.') && names_machines(address))
}

/// Whether a set with this name contains sites or machines; see [`name_in_path`] and [`machine_in_path`].
pub fn may_hold_hosts(name: &str) -> bool {
    hosts::SITES.contains(&name) || hosts::MACHINES.contains(&name)
}

/// Whether the text contains the name of a set of sites or machines.
pub fn may_name_set_of_hosts(text: &str) -> bool {
    // A search for all names at once would need an automaton, which costs more than it saves in small repositories.
    let holds = |name: &&str| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some();
    hosts::SITES.iter().chain(&hosts::MACHINES).any(holds)
}

/// The repository's site or machine that an attribute path names (`virtualHosts."example.org"`).
pub fn name_in_path<'a>(path: &[&'a str]) -> Option<&'a str> {
    let named = path.windows(2).rev().find(|pair| may_hold_hosts(pair[0]));
    named.map(|pair| pair[1]).filter(|name| !name.is_empty() && *name != "_")
}

/// The machine that an attribute path configures: `nixosConfigurations.atlas`, a Colmena or deploy-rs node.
pub fn machine_in_path<'a>(path: &[&'a str]) -> Option<&'a str> {
    let named = path.windows(2).find(|pair| hosts::MACHINES.contains(&pair[0]));
    named.map(|pair| pair[1]).filter(|name| !matches!(*name, "" | "_" | "?" | "meta" | "defaults" | "network"))
}

/// Whether a set with this name contains the repository's machines.
pub fn is_set_of_machines(name: &str) -> bool {
    hosts::MACHINES.contains(&name)
}

/// The addresses that the records of a DNS zone give: `www IN A 192.0.2.1`.
pub fn zone_addresses(text: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(|line| {
        let mut words =
            line.split(';').next()?.split_ascii_whitespace().skip_while(|word| !matches!(*word, "A" | "AAAA"));
        words.next()?;
        let address = words.next()?.parse().ok()?;
        words.next().is_none().then_some(address)
    })
}

/// The addresses that a script assigns to interfaces: `ip addr add 192.0.2.1/24 dev eth0`.
pub fn added_addresses(text: &str) -> impl Iterator<Item = IpAddr> {
    text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        words.by_ref().find(|word| *word == "ip" || word.ends_with("/ip"))?;
        words.by_ref().find(|word| matches!(*word, "a" | "addr" | "address"))?;
        words.next().filter(|verb| matches!(*verb, "add" | "replace" | "change"))?;
        words.next()?.split('/').next()?.parse().ok()
    })
}

/// Whether an address in a hosts file is in a private network, so that its names are those of the repository's
/// machines. Other lines may block a name, or pin the address of someone else's machine.
pub fn names_machines(address: &str) -> bool {
    let address = address.trim().parse::<IpAddr>();
    address.is_ok_and(|address| is_private(address) && !address.is_loopback() && !address.is_unspecified())
}

/// The names of the repository's machines in the lines of a hosts file: `10.0.0.5 nas.example.org nas`.
pub fn names_in_hosts_file(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let mut words = line.split('#').next().unwrap_or(line).split_ascii_whitespace();
        let is_own = words.next().is_some_and(names_machines);
        words.filter(move |_| is_own)
    })
}

/// The public addresses in the lines of a hosts file, each with a name. An address is the repository's own if the name
/// is that of one of its machines.
pub fn named_addresses(text: &str) -> impl Iterator<Item = (IpAddr, &str)> {
    text.lines().flat_map(|line| {
        let mut words = line.split('#').next().unwrap_or(line).split_ascii_whitespace();
        let address = words.next().and_then(public_address);
        words.filter_map(move |name| Some((address?, name)))
    })
}

/// Parses a public IP address. `None` for private, loopback and unspecified addresses.
pub fn public_address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.trim().parse().ok()?;
    (!is_private(address) && !address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// Whether an attribute with this name can contain an address of one of the repository's machines; see
/// [`value_is_own_address`].
pub fn may_hold_address(name: &str) -> bool {
    matches!(
        name,
        "endpoint"
            | "address"
            | "addresses"
            | "Address"
            | "addr"
            | "ips"
            | "ipv4"
            | "ipv6"
            | "ip4"
            | "ip6"
            | "A"
            | "AAAA"
            | "hostAddress"
            | "localAddress"
            | "hostAddress6"
            | "localAddress6"
    ) || name.starts_with("publicIP")
        || name.starts_with("publicIp")
}

/// Whether an attribute path assigns its value, an address, to one of the repository's machines: the address of an
/// interface, a DNS record, a public address. Routes, gateways and peers contain addresses of other machines.
pub fn value_is_own_address(path: &[&str]) -> bool {
    const OTHERS: [&str; 10] = [
        "routes",
        "Routes",
        "peers",
        "gateway",
        "Gateway",
        "defaultGateway",
        "nameservers",
        "allowedIPs",
        "wireguardPeers",
        "route",
    ];
    const NETWORKS: [&str; 8] = ["interfaces", "networks", "networkConfig", "addresses", "ipv4", "ipv6", "ip4", "ip6"];
    let Some((last, before)) = path.split_last() else { return false };
    if path.iter().any(|name| OTHERS.contains(name)) {
        return false;
    }
    // `endpoint` counts only in data about the repository's own machines.
    let is_data = || before.iter().any(|name| matches!(*name, "hosts" | "machines" | "nodes"));
    if *last == "endpoint" {
        return is_data();
    }
    // DNS records, and the two ends of the link between a NixOS container and its host.
    matches!(*last, "A" | "AAAA" | "hostAddress" | "localAddress" | "hostAddress6" | "localAddress6")
        || last.starts_with("publicIP")
        || last.starts_with("publicIp")
        || may_hold_address(last) && before.iter().any(|name| NETWORKS.contains(name))
}

/// The repository's hosts, from its files and its configuration.
#[derive(Debug, Default)]
pub struct Hosts {
    own: HashSet<String>,
    /// The repository's machines and its services in containers, by their names without a domain.
    machines: HashSet<String>,
    external: Listed,
    configured: Listed,
}

/// A list of domains in the configuration: for each, the index of its first entry, and that entry as written.
#[derive(Debug, Default)]
struct Listed(HashMap<String, (usize, String)>);

impl Listed {
    /// Creates the list. `example.org`, `.example.org` and `*.example.org` all cover the domain and the names under it.
    fn new(entries: &[String]) -> Self {
        let mut listed = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let domain = entry.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
            listed.entry(domain).or_insert((index, entry.clone()));
        }
        Self(listed)
    }

    /// The first entry that covers a host, as written.
    fn covering(&self, host: &str) -> Option<&str> {
        let entries = suffixes(host).filter_map(|domain| self.0.get(domain));
        entries.min_by_key(|(index, _)| *index).map(|(_, entry)| entry.as_str())
    }
}

impl Hosts {
    /// Collects the repository's own hosts.
    pub fn gather(project: &Project, settings: &PortSettings) -> Self {
        let mut own = HashSet::new();
        for name in project.all::<PortFacts>().flat_map(|ports| &ports.own_hosts) {
            let name = name.to_ascii_lowercase();
            if let Some(domain) = registrable(&name) {
                own.insert(domain.to_owned());
            }
            own.insert(match name.parse::<IpAddr>() {
                Ok(address) => address.to_string(),
                Err(_) => name,
            });
        }
        let domains = project.all::<PortFacts>().flat_map(|ports| &ports.domains);
        own.extend(domains.map(|name| name.to_ascii_lowercase()));
        let declared = project.all::<PortFacts>().flat_map(|ports| &ports.machines).map(String::as_str);
        let folders = project.paths.keys().filter_map(|path| machine_of(path));
        let mut machines: HashSet<String> = declared.chain(folders).map(str::to_ascii_lowercase).collect();
        for (address, name) in project.all::<PortFacts>().flat_map(|ports| &ports.named_addresses) {
            let name = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
            if machines.contains(&name) {
                own.insert(address.to_string());
            }
        }
        // Services also count as machines, but a public address assigned to a service's name is not added to `own`.
        let services = project.all::<PortFacts>().flat_map(|ports| &ports.services);
        machines.extend(services.map(|name| name.to_ascii_lowercase()));
        let (external, configured) = (Listed::new(&settings.external_hosts), Listed::new(&settings.own_hosts));
        Self { own, machines, external, configured }
    }

    /// The entry of `external-hosts` or `own-hosts`, as written, that decides whether a host is the repository's own.
    pub fn deciding(&self, host: &str) -> Option<&str> {
        let host = bare(host);
        self.external.covering(&host).or_else(|| self.configured.covering(&host))
    }

    /// Whether a literal host is the repository's own: configured, on a private network, or named in the repository (a
    /// machine, a virtual host, or another name under the same domain).
    pub fn is_own(&self, host: &str) -> bool {
        let host = bare(host);
        if self.external.covering(&host).is_some() {
            return false;
        }
        if self.configured.covering(&host).is_some() {
            return true;
        }
        if hosts::METADATA.contains(&&*host) {
            return false;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return is_private(address) || self.own.contains(&address.to_string());
        }
        // A name without a dot resolves only in the local network.
        !host.contains('.')
            || hosts::PRIVATE.iter().any(|suffix| is_under(&host, suffix))
            || suffixes(&host).any(|domain| domain.contains('.') && self.own.contains(domain))
            || self.is_machine(&host)
    }

    /// Whether a word, which need not be a host, is the name of one of the repository's machines, with or without a
    /// suffix.
    pub fn is_named_machine(&self, host: &str) -> bool {
        let host = bare(host);
        self.external.covering(&host).is_none()
            && (self.machines.contains(&host) || self.is_machine(&host) || self.configured.covering(&host).is_some())
    }

    /// Whether a host is one of the repository's machines with a suffix that only its own network resolves:
    /// `atlas.mesh`.
    fn is_machine(&self, host: &str) -> bool {
        let Some((name, suffix)) = host.split_once('.') else { return false };
        let top_level = suffix.rsplit('.').next().unwrap_or(suffix);
        !domains::is_public(top_level) && (self.machines.contains(name) || self.is_pod(name, suffix))
    }

    /// Whether a name is a pod of a headless Kubernetes service: `kafka-0` under `kafka`.
    fn is_pod(&self, name: &str, suffix: &str) -> bool {
        let is_number = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let service = suffix.split('.').next().unwrap_or(suffix);
        name.rsplit_once('-').is_some_and(|(_, number)| is_number(number)) && self.machines.contains(service)
    }
}

/// The machine that a file configures, by its path: `machines/NAME`, `hosts/NAME.nix`, possibly with a platform folder
/// in between.
fn machine_of(path: &str) -> Option<&str> {
    const PLATFORMS: [&str; 6] = ["nixos", "darwin", "linux", "x86_64-linux", "aarch64-linux", "aarch64-darwin"];
    let mut parts = path.split('/').skip_while(|part| !matches!(*part, "machines" | "machine" | "hosts" | "systems"));
    parts.next()?;
    let part = parts.find(|part| !PLATFORMS.contains(part))?;
    let name = part.strip_suffix(".nix").unwrap_or(part);
    let shared = matches!(name, "default" | "common" | "shared" | "modules" | "mail" | "www" | "irc" | "api");
    (!shared && !name.contains('.')).then_some(name)
}

/// A host and its parent domains. A name has at most 127 labels.
fn suffixes(host: &str) -> impl Iterator<Item = &str> {
    let below = host.rmatch_indices('.').take(127).map(|(dot, _)| &host[dot + 1..]);
    std::iter::once(host).chain(below)
}

fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The host without the user or the brackets, in lower case.
fn bare(host: &str) -> String {
    let host = host.rsplit('@').next().unwrap_or(host);
    // Twisted escapes the colons of an IPv6 address.
    host.trim_matches(['[', ']']).trim_end_matches('.').replace("\\:", ":").to_ascii_lowercase()
}

/// The registrable domain: the last two labels. `None` if others can register names under them, and for addresses.
fn registrable(name: &str) -> Option<&str> {
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
    let _top = dots.next()?;
    let domain = dots.next().map_or(name, |at| &name[at + 1..]);
    (!hosts::SHARED.contains(&domain) && domain.parse::<IpAddr>().is_err() && name.parse::<IpAddr>().is_err())
        .then_some(domain)
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            // 100.64.0.0/10 is used internally by carriers and Tailscale.
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            address.is_loopback() || address.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}

/// The first of the given addresses, if none of them is on the repository's own network.
pub fn of_others(addresses: Vec<String>) -> Option<String> {
    let is_own = |address: &String| names_machines(address) && !hosts::METADATA.contains(&address.as_str());
    let has_own = addresses.iter().any(is_own);
    addresses.into_iter().next().filter(|_| !has_own)
}

/// The host in a literal value. `None` for this machine, a variable, a path, or an empty value.
pub fn literal_host(value: &str) -> Option<String> {
    let value = value.trim();
    let value = value.strip_prefix(text::LITERAL).unwrap_or(value);
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    let value = value.split(['/', ' ', ',']).next().unwrap_or("");
    let value = if value.starts_with('[') || value.matches(':').count() > 1 {
        value
    } else {
        value.split(':').next().unwrap_or("")
    };
    // ssh's `%h.example.org`: a name under the domain.
    let host = bare(value.strip_prefix("%h.").unwrap_or(value));
    let local = host.is_empty()
        || host == "localhost"
        || host == "*"
        || host.contains(['%', '$', '{'])
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified());
    (!local).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(own: &[&str]) -> Hosts {
        let mut hosts = Hosts::default();
        for name in own {
            hosts.own.insert((*name).to_owned());
            hosts.own.extend(registrable(name).map(str::to_owned));
        }
        hosts
    }

    #[test]
    fn hosts_that_the_repository_names_are_its_own() {
        let hosts = hosts(&["hydra.example.org", "me.github.io", "atlas"]);
        for (host, own) in [
            ("hydra.example.org", true),
            ("mail.example.org", true),
            ("example.org", true),
            ("badexample.org", false),
            ("smtp.gmail.com", false),
            ("me.github.io", true),
            ("you.github.io", false),
            ("atlas", true),
            ("db", true),
            ("10.0.0.7", true),
            ("100.100.1.1", true),
            ("8.8.8.8", false),
            ("169.254.169.254", false),
            ("fd00::1", true),
            ("2a01:4f8::1", false),
            ("2a01\\:4f8\\:\\:1", false),
            ("fd00\\:\\:1", true),
            ("nas.lan", true),
            ("box.tail1234.ts.net", true),
            ("web.dns.podman", true),
            ("gitea.localtest.me", true),
        ] {
            assert_eq!(hosts.is_own(host), own, "{host}");
        }
    }

    #[test]
    fn machines_belong_to_the_repository_only_under_internal_suffixes() {
        let hosts = Hosts { machines: HashSet::from(["atlas".to_owned()]), ..Hosts::default() };
        for (host, own) in [
            ("atlas.mesh", true),
            ("atlas.r", true),
            ("atlas.dmz.corp", true),
            ("atlas.wg", true),
            ("atlas.nl", false),
            ("atlas.example", false),
            ("atlas.com", false),
            ("atlas.provider.io", false),
            ("borea.r", false),
            ("x.atlas.mesh", false),
        ] {
            assert_eq!(hosts.is_own(host), own, "{host}");
        }
        for (host, own) in
            [("atlas-0.atlas", true), ("db-12.atlas.web.svc", true), ("db.atlas", false), ("atlas-0.borea", false)]
        {
            assert_eq!(hosts.is_own(host), own, "{host}");
        }
        for (path, machine) in [
            ("machines/atlas/default.nix", Some("atlas")),
            ("nix/hosts/nixos/borea/x.nix", Some("borea")),
            ("hosts/carbon.nix", Some("carbon")),
            ("hosts/common/x.nix", None),
            ("modules/web.nix", None),
        ] {
            assert_eq!(machine_of(path), machine, "{path}");
        }
    }

    #[test]
    fn the_host_of_a_virtual_host_is_the_repositorys_own() {
        for (path, own) in [
            (&["services", "zabbixWeb", "virtualHost", "hostName"][..], true),
            (&["networking", "hostName"], true),
            (&["services", "x", "hostName"], false),
            (&["virtualHost", "smtp", "hostName"], false),
        ] {
            assert_eq!(value_names_host(path), own, "{path:?}");
        }
    }

    #[test]
    fn interface_and_record_addresses_belong_to_the_repository() {
        for (path, own) in [
            ("networking.interfaces.eth0.ipv4.addresses.address", true),
            ("systemd.network.networks.wan.address", true),
            ("systemd.network.networks.wan.networkConfig.Address", true),
            ("systemd.network.networks.wan.networkConfig.Gateway", false),
            ("networking.interfaces.eth0.ipv4.routes.address", false),
            ("networking.defaultGateway.address", false),
            ("zones.example.subdomains.www.A", true),
            ("hosts.eve.nets.internet.ip4.addr", true),
            ("services.x.address", false),
            ("hosts.eve.endpoint", true),
            ("wireguard.peers.eve.endpoint", false),
            ("hosts.eve.peers.endpoint", false),
            ("publicIPv4", true),
            ("containers.db.localAddress", true),
        ] {
            let path: Vec<&str> = path.split('.').collect();
            assert_eq!(value_is_own_address(&path), own, "{path:?}");
        }
    }

    #[test]
    fn addresses_are_read_from_zone_records() {
        let zone = "$TTL 1h\n@ IN A 203.0.113.4 ; web\nirc 300 IN AAAA 2001:db8::1\nmx IN MX 10 mail\nA 10 20\n";
        let addresses: Vec<String> = zone_addresses(zone).map(|address| address.to_string()).collect();
        assert_eq!(addresses, ["203.0.113.4", "2001:db8::1"]);
        let script = "ip -n x addr add 128.0.0.1/30 dev t1\nip route add 10.0.0.0/8\n${x}/bin/ip a add fd00::1 dev e\n";
        let added: Vec<String> = added_addresses(script).map(|address| address.to_string()).collect();
        assert_eq!(added, ["128.0.0.1", "fd00::1"]);
    }

    #[test]
    fn the_configuration_overrides_what_files_say() {
        let mut hosts = hosts(&["a.example.org"]);
        hosts.external = Listed::new(&[".mail.example.org".into()]);
        hosts.configured = Listed::new(&["gmail.com".into()]);
        assert!(!hosts.is_own("x.mail.example.org"));
        assert!(hosts.is_own("smtp.gmail.com"));
    }

    #[test]
    fn values_that_refer_to_this_machine_are_not_hosts() {
        for (value, host) in [
            ("smtp.gmail.com", Some("smtp.gmail.com")),
            ("https://x.org:8443/a", Some("x.org")),
            ("user@box.de", Some("box.de")),
            ("localhost", None),
            ("127.0.0.1", None),
            ("0.0.0.0", None),
            ("::", None),
            ("/run/postgresql", None),
            ("", None),
        ] {
            assert_eq!(literal_host(value).as_deref(), host, "{value}");
        }
    }
}
