//! The evidence of one use for the name of its port's service, with weights.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::Missing;
use super::words::{all_generic, comment, is_generic, service, share, split, subject, telling, with};
use crate::knowledge::name_words::{
    CATEGORIES, CLIENT_SETS, CLIENTS, FRONTS, HOLDERS, PARTS, PASSES_ON, PLACES, PURPOSES, SIDES,
};
use crate::wording;

/// The weight of a name, by its source. A listener outweighs clients that connect to it; the file name is the last
/// resort.
pub mod weight {
    /// A row of the table of well-known ports that applies to any program.
    pub const ALWAYS: u32 = 200;
    /// A row of that table whose service is named in the use.
    pub const KNOWN: u32 = 150;
    /// An option of a service.
    pub const LISTENER: u32 = 100;
    /// A name that this file binds to the port, or a set named after the service.
    pub const BOUND: u32 = 80;
    /// A listener whose service is named only by the file.
    pub const FILE_LISTENER: u32 = 72;
    /// A row of the table without further evidence.
    pub const USUAL: u32 = 70;
    /// The scrape job for the port.
    pub const JOB: u32 = 65;
    /// A comment next to the number.
    pub const COMMENT: u32 = 60;
    /// A client that names the service it connects to.
    pub const TARGET: u32 = 55;
    /// The file name, for a port in a firewall or behind a proxy.
    pub const FILE: u32 = 46;
    /// The first label of the host before the port.
    pub const HOST: u32 = 42;
    /// A client that names only itself.
    pub const CLIENT: u32 = 20;
}

/// A name and its weight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidate {
    /// The words of the service's name.
    pub service: Vec<String>,
    /// Words that identify one of the service's ports.
    pub qualifier: Vec<String>,
    /// One of [`weight`].
    pub weight: u32,
}

/// The evidence of one use.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The best name.
    pub best: Candidate,
    /// The words of the comment next to the number.
    pub comment: Vec<String>,
    /// Whether it connects to the port of another host, or opens it, so that nothing listens here.
    pub is_remote: bool,
    port: Missing<'a>,
    reader: Reader<'a>,
    path_words: OnceCell<BTreeSet<String>>,
    words: OnceCell<BTreeSet<String>>,
}

impl Evidence<'_> {
    /// Generic words of the last name, which distinguish ports of one service.
    pub fn sides(&self) -> Vec<String> {
        let last = split(self.reader.last()).into_iter().filter(|word| SIDES.contains(&word.as_str()));
        self.reader.line.flag().into_iter().chain(last).chain(range_protocol(self.port.name)).collect()
    }

    /// The instance between the service and the last name.
    pub fn middle(&self) -> Vec<String> {
        self.reader.middle()
    }

    /// The subject of the file.
    pub fn subject(&self) -> &[String] {
        &self.reader.subject
    }

    /// The words of the path and of the text around the number.
    pub fn path_words(&self) -> &BTreeSet<String> {
        let Reader { line, parts, .. } = &self.reader;
        self.path_words.get_or_init(|| word_set(parts.iter().copied().chain([line.before, line.comment])))
    }

    /// All words of the use, those of the file's path included.
    pub fn words(&self) -> &BTreeSet<String> {
        let words = || self.path_words().iter().cloned().chain(word_set(self.port.path.split('/'))).collect();
        self.words.get_or_init(words)
    }
}

/// Reads a use.
pub fn read<'a>(port: &Missing<'a>) -> Evidence<'a> {
    let line = Line::of(port);
    let comment = comment(line.comment);
    let raw: Vec<&str> = port.name.trim_end_matches(".default").split(['.', ' ']).collect();
    // Single-letter flags have no meaning by themselves.
    let parts: Vec<&str> = raw.into_iter().filter(|part| !(part.len() == 2 && part.starts_with('-'))).collect();
    let reader = Reader { line, subject: subject(port.path).unwrap_or_default(), parts, named: OnceCell::new() };
    let is_firewall = reader.is_firewall();
    let is_client = !is_firewall && reader.is_client();
    let mut candidates = match (is_firewall, is_client) {
        (true, _) => vec![reader.file(weight::FILE)],
        (_, true) => reader.client(port),
        _ => vec![reader.listener()],
    };
    candidates.extend(reader.bound(is_firewall || is_client));
    candidates.extend(reader.script(is_firewall || is_client));
    candidates.extend(reader.commented(&comment, is_firewall));
    let mut best = Candidate::default();
    for candidate in candidates.into_iter().filter(|candidate| !candidate.service.is_empty()) {
        if candidate.weight > best.weight {
            best = candidate;
        }
    }
    Evidence {
        best,
        comment,
        is_remote: is_firewall || is_client,
        port: *port,
        reader,
        path_words: OnceCell::new(),
        words: OnceCell::new(),
    }
}

/// The words of some texts, and for each text its words joined into one.
fn word_set<'x>(texts: impl Iterator<Item = &'x str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for piece in texts.flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))) {
        let split = split(piece);
        if split.len() != 1 {
            words.insert(split.concat());
        }
        words.extend(split);
    }
    words
}

/// The text around a number.
#[derive(Debug)]
struct Line<'a> {
    /// The line up to the number.
    before: &'a str,
    /// The comment at the end of the line, or else a comment on the line above, if this line contains only the number.
    comment: &'a str,
    /// The text before the number, up to a limit.
    above: &'a str,
}

impl<'a> Line<'a> {
    fn of(port: &Missing<'a>) -> Self {
        // Bytes on each side of the number: a file with one long line can contain many numbers.
        const AROUND: usize = 600;
        let (start, end) = (port.span.start as usize, port.span.end as usize);
        let head = wording::tail(port.text.get(..start).unwrap_or(""), AROUND);
        let tail = wording::head(port.text.get(end..).unwrap_or(""), AROUND).lines().next().unwrap_or("");
        let (rest, before) = head.rsplit_once('\n').unwrap_or(("", head));
        let own = comment_of(tail);
        let alone = before.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '"' | '[')).is_empty();
        let line_above = rest.rsplit('\n').next().unwrap_or("").trim();
        let comment = match own {
            "" if alone => line_above.strip_prefix('#').unwrap_or(""),
            // A comment about several numbers is not the name of one; the two ends of a range count as one.
            own if is_range_end(port.name) => own,
            _ if tail.split('#').next().is_some_and(|code| code.bytes().any(|byte| byte.is_ascii_digit())) => "",
            own => own,
        };
        Self { before, comment: comment.trim_start_matches('#').trim(), above: head }
    }

    /// The name that the line binds to a single number: `metrics-port = 9100`.
    fn binding(&self) -> Option<&'a str> {
        let name = self.before.trim_end_matches(['"', '\'']).trim_end().strip_suffix('=')?.trim_end();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
        let start = name.trim_end_matches(is_part).len();
        Some(&name[start..]).filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
    }

    /// The name of the package whose script contains the number: `docs` of `writeShellScriptBin "docs" "serve --port
    /// 80"`.
    fn script(&self) -> Option<&'a str> {
        const MAKERS: [&str; 3] = ["writeShellScriptBin", "writeShellApplication", "writeShellScript"];
        let behind =
            MAKERS.iter().filter_map(|maker| self.above.rsplit_once(maker)).map(|(_, behind)| behind.trim_start());
        let behind = behind.min_by_key(|behind| behind.len())?;
        let named = match behind.strip_prefix('{') {
            Some(set) => set.split_once("name = ")?.1,
            None => behind,
        };
        let (name, rest) = named.strip_prefix('"')?.split_once('"')?;
        // The string of the script must still be open.
        let quotes = if rest.contains("''") { "''" } else { "\"" };
        (rest.matches(quotes).count() % 2 == 1 && !name.contains('$')).then_some(name)
    }

    /// The words of the flag whose value contains the number: `--metrics 127.0.0.1:9464`.
    fn flag(&self) -> Vec<String> {
        let Some((_, after)) = self.before.rsplit_once(" --") else { return Vec::new() };
        let (flag, value) = after.split_once([' ', '=']).unwrap_or((after, ""));
        if value.contains(' ') { Vec::new() } else { telling(flag) }
    }

    /// The host of a URL that ends in the number, if it is a single label, as for containers and their services:
    /// `atuin` of `http://atuin-server:8080`.
    fn url_host(&self) -> Option<Vec<String>> {
        let host = self.before.rsplit_once("://")?.1.strip_suffix(':')?;
        let is_label = host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let words = if is_label { service(host) } else { Vec::new() };
        (!words.is_empty() && !all_generic(&words)).then_some(words)
    }

    /// The words of the first label of a domain name before the number.
    fn host_name(&self) -> Vec<String> {
        let Some(host) = self.before.strip_suffix(':') else { return Vec::new() };
        let start = host.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).len();
        host[start..].split_once('.').map(|(label, _)| service(label)).unwrap_or_default()
    }

    /// The scheme of a URL that ends in the number: `ldap` of `ldap://127.0.0.1:3890`.
    fn scheme(&self) -> Option<&'a str> {
        let (scheme, rest) = self.before.rsplit_once("://")?;
        let start = scheme.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
        (!rest.contains([' ', '"'])).then_some(&scheme[start..])
    }
}

/// Whether a use is one end of a range of ports.
fn is_range_end(name: &str) -> bool {
    name.ends_with("Ranges.from") || name.ends_with("Ranges.to")
}

/// The protocol of a range of ports, which distinguishes two ranges of one service.
fn range_protocol(name: &str) -> Option<String> {
    let protocol = if name.contains("allowedUDP") { "udp" } else { "tcp" };
    is_range_end(name).then(|| protocol.to_owned())
}

/// The comment at the end of a line, without its comment character.
fn comment_of(tail: &str) -> &str {
    tail.find(" #").map_or("", |at| tail[at + 2..].trim())
}

#[derive(Debug)]
struct Reader<'a> {
    line: Line<'a>,
    subject: Vec<String>,
    parts: Vec<&'a str>,
    /// See [`Reader::named`].
    named: OnceCell<Option<(usize, Candidate)>>,
}

impl Reader<'_> {
    fn last(&self) -> &str {
        self.parts.last().copied().unwrap_or("")
    }

    fn is_firewall(&self) -> bool {
        self.parts
            .iter()
            .any(|part| *part == "firewall" || part.starts_with("allowedTCP") || part.starts_with("allowedUDP"))
            || self.parts.contains(&"dport")
    }

    fn is_client(&self) -> bool {
        let last = split(self.last());
        let listens = last.iter().any(|word| matches!(word.as_str(), "listen" | "bind" | "port"));
        let names_another = last.last().is_some_and(|word| CLIENTS.contains(&word.as_str()));
        let in_set = self.parts.iter().any(|part| CLIENT_SETS.contains(part));
        let in_text = self.line.scheme().is_some_and(|scheme| {
            let script = last
                .iter()
                .any(|word| matches!(word.as_str(), "script" | "start" | "cmd" | "command" | "text" | "test"));
            script || !matches!(scheme, "http" | "https" | "tcp" | "udp" | "ws" | "unix")
        });
        let passes_on = PASSES_ON.iter().any(|words| self.line.before.contains(words));
        let is_url_of_host =
            self.line.scheme().is_some() && last.last().is_some_and(|word| matches!(word.as_str(), "host" | "server"));
        names_another && !listens
            || in_set && !last.iter().any(|word| word == "listen")
            || in_text
            || passes_on
            || is_url_of_host
    }

    /// The service named after a holder such as `services`, with the index of the name.
    fn named(&self) -> Option<&(usize, Candidate)> {
        let holders = || (0..self.parts.len()).rev().filter(|&at| HOLDERS.contains(&self.parts[at]));
        self.named.get_or_init(|| holders().find_map(|at| self.held(at))).as_ref()
    }

    fn held(&self, holder: usize) -> Option<(usize, Candidate)> {
        let is_category = |part: &str| CATEGORIES.contains(&part.to_ascii_lowercase().as_str());
        let is_last = |at: usize| at + 2 >= self.parts.len();
        let at = (holder + 1..self.parts.len()).find(|&at| is_last(at) || !is_category(self.parts[at]))?;
        // The last name is that of the option.
        if at + 1 >= self.parts.len() && !matches!(self.parts[holder], "processes" | "containers") {
            return None;
        }
        let words = service(self.parts[at]);
        if self.parts[at] == "?" && !self.subject.is_empty() {
            let candidate = Candidate {
                service: self.subject.clone(),
                qualifier: self.inner(at),
                weight: weight::FILE_LISTENER + 3,
            };
            return Some((at, candidate));
        }
        if at == holder + 1 && PARTS.contains(&self.parts[at]) && !matches!(self.parts[holder], "roles" | "exporters") {
            let service = with(&self.subject, &words);
            return Some((
                at,
                Candidate { qualifier: self.qualifier(&service), service, weight: weight::FILE_LISTENER + 3 },
            ));
        }
        if words.is_empty() || all_generic(&words) && self.parts[holder] != "exporters" {
            return None;
        }
        let outer = holder.checked_sub(1).filter(|&outer| self.says_whose(outer));
        let service = match self.parts[holder] {
            "roles" if self.subject.is_empty() && outer.is_some() => {
                outer.map(|at| service(self.parts[at])).unwrap_or_default()
            }
            "exporters" => with(&words, &["exporter".to_owned()]),
            "roles" if !self.subject.is_empty() && !share(&self.subject, &words) => with(&self.subject, &words),
            _ => words,
        };
        Some((at, Candidate { qualifier: self.qualifier(&service), service, weight: weight::LISTENER }))
    }

    /// The last name between a computed one and the option.
    fn inner(&self, at: usize) -> Vec<String> {
        let inner = self.parts.get(at + 1..).unwrap_or_default().iter().rev();
        inner.map(|part| telling(part)).find(|words| !words.is_empty()).unwrap_or_default()
    }

    fn listener(&self) -> Candidate {
        if let Some((_, candidate)) = self.named() {
            return candidate.clone();
        }
        let is_option = self.parts.first().is_some_and(|part| *part == "options") || self.parts.contains(&"options");
        let inner: Vec<usize> = (0..self.parts.len().saturating_sub(1)).filter(|&at| self.says_whose(at)).collect();
        // A repository's own modules start with a common name: `options.acme.wiki.port`.
        let found = if is_option { inner.last() } else { inner.first() };
        match found {
            Some(&at) if is_option && !self.subject.is_empty() => {
                let service = with(&self.subject, &service(self.parts[at]));
                let service = if share(&self.subject, &split(self.parts[at])) { self.subject.clone() } else { service };
                Candidate { qualifier: self.qualifier(&service), service, weight: weight::LISTENER }
            }
            Some(&at) => {
                let words = service(self.parts[at]);
                let service = if share(&self.subject, &words) { self.subject.clone() } else { words };
                Candidate { qualifier: self.qualifier(&service), service, weight: weight::BOUND + 5 }
            }
            None => self.leaf(self.last()),
        }
    }

    /// A name without context belongs to the subject of the file.
    fn leaf(&self, name: &str) -> Candidate {
        let words = telling(name);
        match (self.subject.is_empty(), words.is_empty()) {
            (_, true) => {
                Candidate { service: self.subject.clone(), qualifier: self.end(), weight: weight::FILE_LISTENER }
            }
            (true, false) => Candidate { service: words, qualifier: Vec::new(), weight: weight::BOUND },
            (false, false) => {
                let qualifier = if share(&self.subject, &words) {
                    words.into_iter().filter(|word| !share(&self.subject, std::slice::from_ref(word))).collect()
                } else {
                    words
                };
                Candidate { service: self.subject.clone(), qualifier, weight: weight::BOUND }
            }
        }
    }

    /// Whether a name may identify a service: it is not generic, not computed, and not that of a place.
    fn says_whose(&self, at: usize) -> bool {
        let part = self.parts[at];
        let after_place = at.checked_sub(1).is_some_and(|before| PLACES.contains(&self.parts[before]));
        let after_user = at.checked_sub(2).is_some_and(|before| self.parts[before] == "users");
        // `packages.x86_64-linux`
        let is_system = part.ends_with("-linux") || part.ends_with("-darwin");
        part != "?"
            && part != "initrd"
            && !is_system
            && !after_place
            && !after_user
            && !all_generic(&split(part))
            && !split(part).is_empty()
    }

    fn file(&self, weight: u32) -> Candidate {
        let is_front = FRONTS.contains(&self.subject.join("-").as_str())
            || self.subject.iter().any(|word| FRONTS.contains(&word.as_str()));
        let service = if is_front { Vec::new() } else { self.subject.clone() };
        Candidate { service, qualifier: self.end(), weight }
    }

    /// The names in a client for the other side.
    fn client(&self, port: &Missing<'_>) -> Vec<Candidate> {
        let mut found = vec![self.file(weight::FILE)];
        let plain = |service: Vec<String>, weight| Candidate { service, qualifier: Vec::new(), weight };
        if let Some(at) = self.parts.iter().position(|part| matches!(*part, "providers" | "upstreams" | "backends")) {
            let name = self.parts.get(at + 1).filter(|_| at + 2 < self.parts.len()).map(|name| service(name));
            found.extend(name.filter(|words| !all_generic(words)).map(|words| plain(words, weight::TARGET)));
        }
        if self.parts.iter().any(|part| part.starts_with("scrape")) {
            found.extend(job(port).map(|words| plain(words, weight::JOB)));
        }
        if self.line.before.contains("forward_auth") {
            found.push(plain(vec!["forward".to_owned(), "auth".to_owned()], weight::TARGET));
        }
        found.extend(self.host_label().map(|words| plain(words, weight::HOST)));
        found.extend(self.line.url_host().map(|words| plain(words, weight::TARGET)));
        let is_front = |words: &[String]| words.iter().any(|word| FRONTS.contains(&word.as_str()));
        match self.named() {
            Some((_, candidate)) if is_front(&candidate.service) => {}
            Some((_, candidate)) => found.push(Candidate { weight: weight::CLIENT, ..candidate.clone() }),
            // `vllmProvider.baseUrl` names the other side.
            None => {
                let first = (0..self.parts.len().saturating_sub(1)).find(|&at| self.says_whose(at));
                let words = first.map(|at| service(self.parts[at])).unwrap_or_default();
                let words: Vec<String> = words.into_iter().filter(|word| word != "provider").collect();
                // `substituters.nas.url = "http://nas.lan:5000"` names the machine.
                if self.line.host_name() != words {
                    found.push(plain(words, weight::TARGET - 2));
                }
            }
        }
        let leaf = telling(self.last()).into_iter().filter(|word| !CLIENTS.contains(&word.as_str()));
        let leaf: Vec<String> = leaf.filter(|word| !matches!(word.as_str(), "exposed" | "reverse")).collect();
        let is_variable = self.last().chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !leaf.is_empty() && !self.subject.is_empty() && share(&self.subject, &leaf) {
            found.push(plain(self.subject.clone(), weight::TARGET));
        } else if is_variable && !leaf.is_empty() && !leaf.iter().any(|word| PURPOSES.contains(&word.as_str())) {
            // `OLLAMA_BASE_URL`
            found.push(plain(leaf, weight::TARGET - 1));
        }
        found
    }

    /// The first label of the virtual host around a client.
    fn host_label(&self) -> Option<Vec<String>> {
        const EMPTY: [&str; 8] = ["www", "vpn", "api", "localhost", "local", "host", "internal", "default"];
        let at = self.parts.iter().position(|part| part.eq_ignore_ascii_case("virtualhosts"))?;
        let labels = self.parts.get(at + 1..)?;
        let known = labels.iter().take_while(|label| **label != "extraConfig" && **label != "locations");
        let label = known.copied().find(|label| *label != "?" && !EMPTY.contains(label));
        let label = label.or_else(|| {
            // `"screen.${domain}"`
            let end = self.line.above.rfind(".${")?;
            let start = self.line.above[..end].rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))?;
            self.line.above[start..].starts_with('"').then(|| &self.line.above[start + 1..end])
        });
        let words = service(label?);
        (!words.is_empty() && !all_generic(&words)).then_some(words)
    }

    /// The name of the package whose script contains the number.
    fn script(&self, is_remote: bool) -> Option<Candidate> {
        let words = service(self.line.script()?);
        let weight = if is_remote { weight::CLIENT } else { weight::BOUND + 6 };
        (!words.is_empty() && !all_generic(&words)).then(|| Candidate { service: words, qualifier: Vec::new(), weight })
    }

    /// The name that the line binds, if it differs from the option's.
    fn bound(&self, is_remote: bool) -> Option<Candidate> {
        let name = self.line.binding()?;
        let is_option = split(self.last()) == split(name) || self.parts.contains(&name);
        if is_option || telling(name).is_empty() || CLIENTS.contains(&split(name).last()?.as_str()) {
            return None;
        }
        let candidate = self.leaf(name);
        Some(Candidate { weight: if is_remote { weight::BOUND } else { weight::FILE_LISTENER + 1 }, ..candidate })
    }

    /// The name in a comment.
    fn commented(&self, comment: &[String], is_firewall: bool) -> Option<Candidate> {
        let most = if is_firewall { 4 } else { 2 };
        if comment.is_empty() || all_generic(comment) {
            return None;
        }
        if share(&self.subject, comment) {
            let rest = comment.iter().filter(|word| !share(&self.subject, [*word])).cloned();
            return Some(Candidate {
                service: self.subject.clone(),
                qualifier: rest.collect(),
                weight: weight::COMMENT + 1,
            });
        }
        // `# RPC` identifies the port, not the service.
        let is_purpose = comment.iter().all(|word| PURPOSES.contains(&word.as_str()) || is_generic(word));
        if is_purpose && !self.subject.is_empty() {
            return Some(Candidate {
                service: self.subject.clone(),
                qualifier: comment.iter().filter(|word| !is_generic(word)).cloned().collect(),
                weight: weight::COMMENT,
            });
        }
        (comment.len() <= most).then(|| Candidate {
            service: comment.to_vec(),
            qualifier: self.end(),
            weight: weight::COMMENT,
        })
    }

    /// The words of the last name that identify one of a service's ports.
    fn qualifier(&self, service: &[String]) -> Vec<String> {
        let words = telling(self.last()).into_iter();
        let mut words: Vec<String> =
            words.filter(|word| !service.iter().any(|known| known.contains(word.as_str()))).collect();
        words.extend(self.parts.contains(&"initrd").then(|| "initrd".to_owned()));
        words.extend(self.end());
        words
    }

    /// The end of a range that the port is.
    fn end(&self) -> Vec<String> {
        match self.last() {
            "from" => vec!["first".to_owned()],
            "to" => vec!["last".to_owned()],
            _ => Vec::new(),
        }
    }

    fn middle(&self) -> Vec<String> {
        let first = || (0..self.parts.len()).find(|&at| self.says_whose(at));
        let after = self.named().map(|(at, _)| *at).or_else(first).map_or(self.parts.len(), |at| at + 1);
        let inner = after..self.parts.len().saturating_sub(1).max(after);
        let mut words =
            inner.rev().find(|&at| self.says_whose(at)).map(|at| service(self.parts[at])).unwrap_or_default();
        words.retain(|word| !matches!(word.as_str(), "and" | "from" | "of" | "on" | "to"));
        words
    }
}

/// The name of the scrape job around a target.
fn job(port: &Missing<'_>) -> Option<Vec<String>> {
    const AROUND: usize = 900;
    let start = port.span.start as usize;
    let head = port.text.get(..start)?;
    let near = wording::tail(head, AROUND);
    let at = near.rfind("job_name").or_else(|| near.rfind("jobName"))?;
    let value = near[at..].split(['=', ':']).nth(1)?.trim_start();
    let name = value.trim_start_matches('"').split(['"', ';', '\n', '$']).next()?.trim();
    let words: Vec<String> = split(name).into_iter().filter(|word| !is_generic(word)).collect();
    (!words.is_empty()).then_some(words)
}
