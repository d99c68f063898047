//! Names that a repository gives to its own machines and modules, which do not identify a service.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashSet};

use super::Missing;
use super::texts::Texts;
use super::words::{self, all_generic, is_front, is_set_of_endpoints, site_labels, split};
use crate::knowledge::name_words::{
    FRONTS, HOLDERS, MACHINE_FOLDERS, PARTS, PLACES, PURPOSES, TEST_ENDS, TEST_FOLDERS, TOP_LEVEL, VAGUE,
};
use crate::knowledge::service_ports::{self, Certainty, services};

/// Suffixes of the names of sets of virtual hosts, without the leading `v` or `V`: `virtualHosts`, `nginxVirtualHosts`.
const SITES: [&str; 2] = ["irtualHosts.", "irtualhosts."];

/// The minimum number of ports, and of files, under a namespace. Also the minimum size of other groups, such as lists
/// of numbers.
const MANY: usize = 3;

/// Names that a module may write before the paths of its options.
const ROOTS: [&str; 3] = ["config.", "module.", "options."];

/// The first names of attribute paths under which a repository has its own modules: `acme` in `acme.wiki.port` and
/// `acme.mail.port`. NixOS has no options under such a name, and the repository has many ports in many files under it,
/// or several well-known services that are under no other name.
pub fn namespaces<'a>(missing: &[Missing<'a>]) -> HashSet<&'a str> {
    let mut below: BTreeMap<&str, Below<'_>> = BTreeMap::new();
    // A program may have a database and a cache, but it is not a namespace: it has a port of its own.
    let mut programs = HashSet::default();
    for port in missing {
        let mut parts = without_root(port.name.trim_end_matches(".default")).split('.');
        let (Some(first), Some(second)) = (parts.next(), parts.next()) else { continue };
        if parts.next().is_none() {
            if matches!(second, "port" | "listenPort") {
                programs.insert(first);
            }
            continue;
        }
        if HOLDERS.contains(&first) || TOP_LEVEL.contains(&first) || is_set_of_endpoints(first) {
            continue;
        }
        let found = below.entry(first).or_default();
        found.numbers.insert(port.number);
        found.files.insert(port.path);
        if service_ports::is_service(second) && !PURPOSES.contains(&second) {
            found.services.insert(second);
        }
        found.names.insert(second);
    }
    // The number of first names above each second name. If several first names have the same service, each of them may
    // be an instance, or a stack with its own database.
    let mut above: BTreeMap<&str, usize> = BTreeMap::new();
    for name in below.values().flat_map(|found| &found.names) {
        *above.entry(name).or_default() += 1;
    }
    let is_namespace = |name: &str, found: &Below<'_>| {
        let is_only = |service: &&str| above.get(service).is_none_or(|count| *count == 1);
        let is_own = || !programs.contains(name) && found.services.iter().all(is_only) && found.are_of_namespace(name);
        found.are_many() || is_own()
    };
    below.iter().filter(|(name, found)| is_namespace(name, found)).map(|(name, _)| *name).collect()
}

/// The numbers, files and second names of the attribute paths with the same first name.
#[derive(Debug, Default)]
struct Below<'a> {
    numbers: BTreeSet<u32>,
    files: BTreeSet<&'a str>,
    /// Second names that are those of well-known services.
    services: BTreeSet<&'a str>,
    /// All second names.
    names: BTreeSet<&'a str>,
}

impl Below<'_> {
    fn are_many(&self) -> bool {
        self.numbers.len() >= MANY && self.files.len() >= MANY
    }

    fn are_of_namespace(&self, name: &str) -> bool {
        self.services.len() > 1 && !all_generic(&split(name)) && !service_ports::is_service(name)
    }
}

/// Returns an attribute path without the name that a module writes before the paths of its options.
fn without_root(name: &str) -> &str {
    ROOTS.iter().find_map(|root| name.strip_prefix(root)).unwrap_or(name)
}

/// Returns a use without the namespace in its attribute path. The declaration of an option keeps its path, because the
/// last parts of it are about the service.
pub fn without<'a>(port: &Missing<'a>, namespaces: &HashSet<&str>) -> Missing<'a> {
    if namespaces.is_empty() || port.name.starts_with(ROOTS[2]) {
        return *port;
    }
    // `config.acme.dashboard.port` and `acme.http.port` are ports of the repository's own program.
    let says = |part: &str| part != "?" && !PURPOSES.contains(&part) && !all_generic(&split(part));
    let has_owner = |rest: &str| {
        let mut owners = rest.split('.').peekable();
        std::iter::from_fn(|| owners.next().filter(|_| owners.peek().is_some())).any(says)
    };
    let is_purpose =
        |rest: &str| rest.split_once('.').is_some_and(|(part, last)| PURPOSES.contains(&part) && !last.contains('.'));
    let path = without_root(port.name);
    let is_plain = path.len() == port.name.len();
    let is_own = |rest: &str| if is_plain { !is_purpose(rest) } else { has_owner(rest) };
    match path.split_once('.') {
        Some((first, rest)) if namespaces.contains(first) && is_own(rest) => Missing { name: rest, ..*port },
        _ => *port,
    }
}

/// What the ports of a repository reveal about its structure.
#[derive(Debug, Default)]
pub struct Scaffolding<'a> {
    machines: HashSet<String>,
    /// Names between `services` and the name of a service.
    categories: HashSet<&'a str>,
    /// Sets of several services, by file and path: `routes` with `routes.wiki.port`, `routes.chat.port`, ..
    collections: HashSet<(&'a str, &'a str)>,
    /// Suffixes that the repository appends to the names of its own modules: `ctl` in `wikictl` in `wiki.nix`.
    endings: HashSet<String>,
    /// The names of the services that the repository has options for, each as one word.
    modules: HashSet<String>,
    /// The names of services, each as one word.
    services: HashSet<String>,
    /// Containers whose names differ only in a generic last word: `wiki-client` and `wiki-server`.
    twins: HashSet<&'a str>,
    /// Names of services that differ only in generic final words: `wiki` and `wiki-proxy`.
    siblings: HashSet<&'a str>,
    /// Lists of several numbers, such as those that a firewall opens, by file and name.
    lists: HashSet<(&'a str, &'a str)>,
    /// Files with virtual hosts for several ports.
    fronts: HashSet<&'a str>,
    /// Folders with several subfolders that each have a file about the same proxy.
    layouts: HashSet<&'a str>,
    /// Numbers that several virtual hosts of a file listen on, by file.
    sockets: HashSet<(&'a str, u32)>,
    /// The first labels of the virtual hosts in each domain, except generic ones.
    domains: HashMap<String, BTreeSet<&'a str>>,
    /// The names of virtual hosts whose first labels are also those of others in the same domain.
    namesakes: HashSet<String>,
    /// Names under which the repository has its own modules; see [`namespaces`].
    namespaces: HashSet<&'a str>,
    /// The texts of the files.
    pub texts: Texts<'a>,
}

impl<'a> Scaffolding<'a> {
    /// Builds the structure from all ports.
    pub fn of(ports: &[Missing<'a>]) -> Self {
        let machines = machines(ports);
        let collections = collections(ports, &machines);
        // Many files have the same names.
        let names: HashSet<&'a str> = ports.iter().map(|port| port.name).collect();
        Self {
            twins: twins(&names),
            siblings: siblings(&names),
            categories: ports.iter().flat_map(categories).collect(),
            endings: endings(ports),
            modules: ports.iter().filter(|port| is_option(port)).filter_map(|port| service(port.name)).collect(),
            services: names.iter().copied().filter_map(service).collect(),
            lists: lists(ports),
            fronts: fronts(ports),
            layouts: layouts(ports),
            sockets: sockets(ports),
            machines,
            collections,
            domains: domains(&names),
            namesakes: namesakes(&names),
            namespaces: HashSet::default(),
            texts: Texts::of(ports),
        }
    }

    /// Adds the names under which the repository has its own modules.
    pub fn with_namespaces(self, namespaces: HashSet<&'a str>) -> Self {
        Self { namespaces, ..self }
    }

    /// Whether the repository has its own modules under a name.
    pub fn is_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// The names of the machines; see [`machines`].
    pub fn machines(&self) -> &HashSet<String> {
        &self.machines
    }

    /// Whether a name belongs to a machine.
    pub fn is_machine(&self, name: &str) -> bool {
        !self.machines.is_empty() && self.machines.contains(&name.to_ascii_lowercase())
    }

    /// Whether a name after `services` is a category.
    pub fn is_category(&self, name: &str) -> bool {
        self.categories.contains(name)
    }

    /// Whether a name is the subject of its file, with a suffix that many modules of the repository have.
    pub fn is_subject(&self, name: &[String], subject: &[String]) -> bool {
        let name = name.concat();
        let ending = name.strip_prefix(&subject.concat()).filter(|_| !subject.is_empty());
        ending.is_some_and(|ending| self.endings.contains(ending))
    }

    /// The name of a module of the repository without the word that many of its modules have. `None` if there is no
    /// such module, or if another service has the shorter name.
    pub fn without_ending(&self, name: &[String]) -> Option<Vec<String>> {
        if name.len() < 2 || self.endings.is_empty() || !self.modules.contains(&name.concat()) {
            return None;
        }
        let (first, last) = (name.first()?, name.last()?);
        let own = match () {
            () if self.endings.contains(last) => &name[..name.len() - 1],
            () if self.endings.contains(first) => &name[1..],
            () => return None,
        };
        (!self.is_service(own)).then(|| own.to_vec())
    }

    /// Whether many virtual hosts are in a domain, so that its name does not identify any of them.
    pub fn is_domain_of_many(&self, labels: &[&str]) -> bool {
        self.domains.get(&labels.join(".")).is_some_and(|hosts| hosts.len() >= MANY)
    }

    /// Whether several virtual hosts are in a domain.
    pub fn is_domain_of_several(&self, labels: &[&str]) -> bool {
        self.domains.get(&labels.join(".")).is_some_and(|hosts| hosts.len() > 1)
    }

    /// Whether another virtual host in the domain has the same first label.
    pub fn has_namesake(&self, labels: &[&str]) -> bool {
        self.namesakes.contains(&labels.join("."))
    }

    /// Whether another container has the same name except for its generic last word.
    pub fn is_twin(&self, container: &str) -> bool {
        self.twins.contains(container)
    }

    /// Whether another name of a service differs only in generic final words.
    pub fn has_sibling(&self, name: &str) -> bool {
        self.siblings.contains(name)
    }

    /// Whether some words are the name of a service.
    pub fn is_service(&self, words: &[String]) -> bool {
        self.services.contains(&words.concat())
    }

    /// Whether a number is one of several in a list.
    pub fn is_list(&self, port: &Missing<'_>) -> bool {
        self.lists.contains(&(port.path, port.name))
    }

    /// Whether a file has virtual hosts for several ports.
    pub fn has_several_hosts(&self, path: &str) -> bool {
        self.fronts.contains(path)
    }

    /// Whether a file about a proxy is in the folder of a single service, because sibling folders also have such a
    /// file.
    pub fn is_folder_of_service(&self, path: &str) -> bool {
        let folders = path.rsplit_once('/').and_then(|(folder, _)| folder.rsplit_once('/'));
        !self.layouts.is_empty()
            && folders.is_some_and(|(outer, folder)| self.layouts.contains(outer) && !self.is_machine(folder))
            && !self.has_several_hosts(path)
    }

    /// Whether several virtual hosts of a file listen on a number.
    pub fn is_socket_of_several(&self, path: &str, number: u32) -> bool {
        self.sockets.contains(&(path, number))
    }

    /// The index of the last part of a name that is a set of several services.
    pub fn collection(&self, port: &Missing<'_>) -> Option<usize> {
        if self.collections.is_empty() {
            return None;
        }
        let ends = port.name.match_indices('.').map(|(end, _)| end).enumerate();
        ends.filter(|&(_, end)| self.collections.contains(&(port.path, &port.name[..end]))).map(|(at, _)| at).last()
    }
}

/// Containers whose names differ only in a generic last word.
fn twins<'a>(names: &HashSet<&'a str>) -> HashSet<&'a str> {
    let container = |name: &&'a str| {
        let (_, rest) = name.split_once(".containers.").or_else(|| name.split_once("containers."))?;
        rest.split_once('.').map(|(container, _)| container)
    };
    let containers: BTreeSet<&str> = names.iter().filter_map(container).filter(|name| *name != "?").collect();
    let mut by_service: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
    for container in containers {
        by_service.entry(words::service(container)).or_default().push(container);
    }
    by_service.into_values().filter(|twins| twins.len() > 1).flatten().collect()
}

/// Names of services that differ only in generic final words.
fn siblings<'a>(names: &HashSet<&'a str>) -> HashSet<&'a str> {
    let held = |name: &&'a str| {
        let mut parts = name.split('.');
        parts.find(|part| HOLDERS.contains(part))?;
        parts.next().filter(|held| *held != "?" && parts.next().is_some())
    };
    let held: HashSet<&str> = names.iter().filter_map(held).collect();
    let mut by_service: HashMap<Vec<String>, Vec<&str>> = HashMap::default();
    for name in held {
        by_service.entry(words::service(name)).or_default().push(name);
    }
    by_service.into_values().filter(|siblings| siblings.len() > 1).flatten().collect()
}

/// The suffixes that follow the subject of the file in the module names of many files.
fn endings(ports: &[Missing<'_>]) -> HashSet<String> {
    let mut files: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for port in ports.iter().filter(|port| is_option(port)) {
        let (Some(name), Some(subject)) = (service(port.name), words::subject(port.path)) else { continue };
        if let Some(ending) = name.strip_prefix(&subject.concat()).filter(|ending| !ending.is_empty()) {
            files.entry(ending.to_owned()).or_default().insert(port.path);
        }
    }
    files.into_iter().filter(|(_, files)| files.len() >= MANY).map(|(ending, _)| ending).collect()
}

/// Whether a use is in the declaration of an option.
fn is_option(port: &Missing<'_>) -> bool {
    port.name.starts_with("options.") || port.name.contains(".options.")
}

/// The service after `services` in the name of a use, as one word.
fn service(name: &str) -> Option<String> {
    let mut parts = name.split('.');
    parts.find(|part| HOLDERS.contains(part))?;
    let name = parts.next().filter(|name| *name != "?")?;
    // `edge.services.wiki.url` is the address of a service, which may have another name.
    let option = parts.next()?;
    (!matches!(option, "url" | "upstream" | "backend" | "target")).then(|| split(name).concat())
}

/// The category that a use reveals: `oci` in `services.oci.wiki.port`, in `services/oci/wiki.nix`.
fn categories<'a>(port: &Missing<'a>) -> Option<&'a str> {
    let folders = || port.path.split('/').zip(port.path.split('/').skip(1));
    // A quick exit: usually, no folder has the same name as a later part of the attribute path.
    let is_inner = |folder: &str| port.name.match_indices(folder).any(|(at, _)| port.name[..at].ends_with('.'));
    if !folders().any(|(folder, _)| is_inner(folder)) {
        return None;
    }
    let parts: Vec<&'a str> = port.name.split('.').collect();
    // `services/wiki/hub.nix` is about a part of the wiki.
    let is_part = |category: &str, name: &str| {
        service_ports::is_service(category) || PARTS.contains(&name) || matches!(name, "agent" | "hub" | "master")
    };
    let is_in_folder = |category: &str, name: &str| {
        folders().any(|(folder, inside)| folder == category && inside.split('.').next() == Some(name))
    };
    let proof = parts.windows(4).find(|part| {
        HOLDERS.contains(&part[0])
            && is_in_folder(part[1], part[2])
            && !all_generic(&split(part[2]))
            && !is_part(part[1], part[2])
    });
    proof.map(|part| part[1])
}

/// Sets of several services that have the same option: `routes` in `routes.wiki.port` and `routes.chat.port`.
fn collections<'a>(ports: &[Missing<'a>], machines: &HashSet<String>) -> HashSet<(&'a str, &'a str)> {
    let may_be_service = |member: &str| {
        let words = split(member);
        let is_purpose = words.iter().all(|word| PURPOSES.contains(&word.as_str()));
        !machines.contains(&member.to_ascii_lowercase()) && !is_purpose && !all_generic(&words)
    };
    let mut members: HashMap<(&str, &str, &str), BTreeSet<&str>> = HashMap::default();
    for port in ports {
        for (end, _) in port.name.match_indices('.') {
            let (set, rest) = (&port.name[..end], &port.name[end + 1..]);
            let Some((member, option)) = rest.split_once('.') else { continue };
            let is_place = PLACES.contains(&set.rsplit('.').next().unwrap_or(set));
            if option != "default" && !is_place {
                members.entry((port.path, set, option)).or_default().insert(member);
            }
        }
    }
    let is_many = |members: &BTreeSet<&str>| {
        members.len() >= MANY && members.iter().filter(|member| may_be_service(member)).count() >= MANY
    };
    members.into_iter().filter(|(_, members)| is_many(members)).map(|((path, set, _), _)| (path, set)).collect()
}

/// Whether an element of a list consists only of the number.
fn is_element(port: &Missing<'_>) -> bool {
    let byte = |at: usize| port.text.as_bytes().get(at).copied();
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'[' | b']'));
    ends((port.span.start as usize).checked_sub(1).and_then(byte)) && ends(byte(port.span.end as usize))
}

/// Lists of several numbers: in a firewall, in a function argument, in the mappings of a container, or outside services
/// in an option such as `gamePorts`.
fn lists<'a>(ports: &[Missing<'a>]) -> HashSet<(&'a str, &'a str)> {
    let mut numbers: BTreeMap<(&str, &str), (usize, BTreeSet<u32>)> = BTreeMap::new();
    for port in ports {
        let opens = ["firewall", "allowedTCP", "allowedUDP", "dport"].iter().any(|word| port.name.contains(word));
        let last = port.name.rsplit('.').next().unwrap_or(port.name);
        let is_plural = last.len().checked_sub(5).and_then(|at| last.get(at..));
        let is_plural = is_plural.is_some_and(|end| end.eq_ignore_ascii_case("ports"));
        let is_list = is_plural && matches!(split(last).as_slice(), [_, .., last] if last == "ports");
        let in_service = port.name.split('.').any(|part| HOLDERS.contains(&part));
        // A well-known number does not need the name of the file.
        let is_known = services(port.number).iter().any(|row| row.certainty != Certainty::Named);
        // The argument of a function that opens or lists ports.
        let is_argument = !port.name.contains(['.', ' ']);
        let is_mapped = || last == "ports" && port.name.contains("containers.") && is_element(port);
        if (opens || is_argument) && !is_known || is_list && !in_service || is_mapped() {
            let most = if is_list && !opens { MANY - 1 } else { MANY };
            numbers.entry((port.path, port.name)).or_insert((most, BTreeSet::new())).1.insert(port.number);
        }
    }
    numbers.into_iter().filter(|(_, (most, numbers))| numbers.len() >= *most).map(|(list, _)| list).collect()
}

/// Files with several virtual hosts that have different ports.
fn fronts<'a>(ports: &[Missing<'a>]) -> HashSet<&'a str> {
    const SITES: &str = "osts.";
    const UNKNOWN: &str = "?";
    // `hosts = { "wiki.${domain}" = { locations."/".proxyPass = ..; }; };`
    const COMPUTED: &str = "?.locations.";
    let sites = memchr::memmem::Finder::new(SITES);
    let host = |port: &Missing<'a>| {
        // `.virtualHosts.`, `.proxyHosts.` and `caddy-proxy.hosts.`, but not the hosts of a fleet
        let is_site = |at: &usize| match port.name.as_bytes()[..*at].last() {
            Some(b'H') => true,
            Some(b'h') => of_front(port.name[..*at - 1].strip_suffix('.').unwrap_or_default()),
            _ => false,
        };
        match sites.find_iter(port.name.as_bytes()).find(is_site) {
            Some(at) => Some((port.name[at + SITES.len()..].split('.').next()?, port.number)),
            None => port.name.contains(COMPUTED).then_some((UNKNOWN, port.number)),
        }
    };
    // The ports of a file are adjacent.
    let files = ports.chunk_by(|a, b| a.path == b.path);
    let has_several = |file: &&[Missing<'a>]| {
        let hosts: Vec<(&str, u32)> = file.iter().filter_map(host).collect();
        let Some((label, number)) = hosts.first() else { return false };
        let has_several =
            hosts.iter().any(|(other, _)| other != label) && hosts.iter().any(|(_, other)| other != number);
        // One virtual host may pass requests to two services, but rarely to more.
        let computed: BTreeSet<u32> =
            hosts.iter().filter(|(label, _)| *label == UNKNOWN).map(|(_, number)| *number).collect();
        has_several || computed.len() >= MANY
    };
    files.filter(has_several).map(|file| file[0].path).collect()
}

/// Folders with several subfolders that each have a file about the same proxy: `services` with
/// `services/wiki/nginx.nix`, `services/chat/nginx.nix`, ..
fn layouts<'a>(ports: &[Missing<'a>]) -> HashSet<&'a str> {
    let mut folders: HashMap<(&str, &str), BTreeSet<&str>> = HashMap::default();
    for file in ports.chunk_by(|a, b| a.path == b.path) {
        let Some((folder, name)) = file[0].path.rsplit_once('/') else { continue };
        let Some((outer, inner)) = folder.rsplit_once('/') else { continue };
        if FRONTS.contains(&name.strip_suffix(".nix").unwrap_or(name)) {
            folders.entry((outer, name)).or_default().insert(inner);
        }
    }
    let is_machines = |outer: &str| MACHINE_FOLDERS.contains(&outer.rsplit('/').next().unwrap_or(outer));
    let many = folders.into_iter().filter(|((outer, _), inner)| inner.len() >= MANY && !is_machines(outer));
    many.map(|((outer, _), _)| outer).collect()
}

/// The first labels of the virtual hosts in each domain, and in each part of a domain, except generic ones: `wiki` in
/// `example.org` for `wiki.example.org`.
fn domains<'a>(names: &HashSet<&'a str>) -> HashMap<String, BTreeSet<&'a str>> {
    let mut domains: HashMap<String, BTreeSet<&str>> = HashMap::default();
    for parts in names.iter().filter_map(|name| site(name)) {
        let labels = site_labels(&parts);
        for at in 1..labels.len().saturating_sub(1) {
            if !all_generic(&words::service(labels[at - 1])) {
                domains.entry(labels[at..].join(".")).or_default().insert(labels[at - 1]);
            }
        }
    }
    domains
}

/// The names of virtual hosts whose first labels are also those of others in the same domain.
fn namesakes(names: &HashSet<&str>) -> HashSet<String> {
    let mut hosts: BTreeMap<(&str, String), HashSet<String>> = BTreeMap::new();
    for parts in names.iter().filter_map(|name| site(name)) {
        if let labels @ [first, .., _, _] = site_labels(&parts) {
            let domain = labels[labels.len() - 2..].join(".");
            hosts.entry((*first, domain)).or_default().insert(labels.join("."));
        }
    }
    hosts.into_values().filter(|hosts| hosts.len() > 1).flatten().collect()
}

/// The parts of a name after the set of virtual hosts.
fn site(name: &str) -> Option<Vec<&str>> {
    let (_, site) = SITES.iter().find_map(|sites| name.split_once(sites))?;
    Some(site.split(['.', ' ']).collect())
}

/// Numbers that several virtual hosts of a file listen on.
fn sockets<'a>(ports: &[Missing<'a>]) -> HashSet<(&'a str, u32)> {
    let mut sites: HashMap<(&str, u32), &str> = HashMap::default();
    let mut shared = HashSet::default();
    for port in ports {
        let Some((site, _)) = port.name.rsplit_once(".listen.") else { continue };
        if *sites.entry((port.path, port.number)).or_insert(site) != site {
            shared.insert((port.path, port.number));
        }
    }
    shared
}

/// Whether the last part of a name is the name of a reverse proxy.
fn of_front(name: &str) -> bool {
    is_front(&split(name.rsplit('.').next().unwrap_or(name)))
}

/// Whether a folder contains the machines with one operating system: `nixos`, `x86_64-linux`.
fn is_system(folder: &str) -> bool {
    matches!(folder, "nixos" | "darwin") || folder.contains("linux")
}

/// The machine whose folder a file is in.
pub fn machine(path: &str) -> Option<&str> {
    let mut folders = path.split('/');
    folders.find(|folder| MACHINE_FOLDERS.contains(folder))?;
    // `hosts/nixos/web1`, `hosts/x86_64-linux/web1`
    let machine = folders.find(|folder| !is_system(folder))?;
    // `hosts/common/default.nix`
    let is_shared = all_generic(&split(machine)) || VAGUE.contains(machine);
    let inside = folders.next()?;
    // `hosts/containers/configuration.nix` configures a machine.
    let is_machine = !is_shared || inside == "configuration.nix";
    (is_machine && !machine.contains('.')).then_some(machine)
}

/// Whether a use is in a test or in a check of a configuration, by its file and by the option that contains it.
pub fn is_of_test(path: &str, name: &str) -> bool {
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.split('.').next().unwrap_or(file);
    let is_test_file = || {
        let mut words = stem.split(['-', '_']);
        let is_end = words.clone().next_back().is_some_and(|word| TEST_ENDS.contains(&word));
        // `test_wiki.py`, but `test.nix` may be the configuration of a machine.
        is_end && stem.contains(['-', '_']) || words.next() == Some("test") && file.ends_with(".py")
    };
    name.split(['.', ' ']).any(|part| part == "testScript")
        || folders.split('/').any(|folder| TEST_FOLDERS.contains(&folder))
        || is_test_file()
}

/// The names of the machines that have files with ports, in lower case: `web1` in `machines/web1/disk.nix` and in
/// `hosts/web1.nix`.
pub fn machines(missing: &[Missing<'_>]) -> HashSet<String> {
    let folders = missing.iter().flat_map(|port| {
        let inner = port.path.split('/').skip(1);
        port.path.split('/').zip(inner).zip(port.path.split('/').skip(2).map(Some).chain([None]))
    });
    let inside = folders.filter(|((outer, _), _)| MACHINE_FOLDERS.contains(outer));
    // `hosts/x86_64-linux/web1/default.nix`
    let inside = inside.map(|((_, name), next)| next.filter(|_| is_system(name)).unwrap_or(name));
    // `hosts/web1.nix`
    let is_shared = |name: &str| all_generic(&split(name)) || VAGUE.contains(name);
    let machine = |name: &str| match name.strip_suffix(".nix") {
        Some(stem) => (!is_shared(stem)).then(|| stem.to_ascii_lowercase()),
        None => (!name.contains('.')).then(|| name.to_ascii_lowercase()),
    };
    inside.filter_map(machine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Span;

    fn missing<'a>(uses: &[(u32, &'a str, &'a str)]) -> Vec<Missing<'a>> {
        let read = uses.iter();
        read.map(|&(number, name, path)| Missing { number, name, path, text: "", span: Span::default() }).collect()
    }

    #[test]
    fn a_namespace_has_many_ports_in_many_files() {
        let many = missing(&[
            (81, "acme.wiki.port", "wiki.nix"),
            (82, "acme.mail.port", "mail.nix"),
            (83, "acme.chat.port", "chat.nix"),
            (84, "services.a.port", "wiki.nix"),
            (85, "services.b.port", "mail.nix"),
            (86, "services.c.port", "chat.nix"),
            (87, "shop.web.port", "shop.nix"),
        ]);
        let found = namespaces(&many);
        assert_eq!(found, HashSet::from_iter(["acme"]));
        assert_eq!(without(&many[0], &found).name, "wiki.port");
        assert_eq!(without(&many[3], &found).name, "services.a.port");
    }

    #[test]
    fn machines_are_named_by_their_folders() {
        let uses =
            missing(&[(81, "port", "machines/Eva/web.nix"), (82, "port", "hosts/default.nix"), (83, "port", "x.nix")]);
        assert_eq!(machines(&uses), HashSet::from_iter(["eva".to_owned()]));
    }
}
