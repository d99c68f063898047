//! The text around a number.

mod address;
mod balancer;
mod site;

pub use address::is_proxy_variable;

use super::words::{all_generic, service, split, telling};
use super::{Missing, OTHER, group};
use crate::knowledge::name_words::{
    CONTAINER_COMMANDS, CONTAINER_SWITCHES, MATCHER_CONDITIONS, MATCHERS, PURPOSES, REASONS,
};
use crate::knowledge::service_ports::{self, Certainty};
use crate::wording;

/// Bytes read on each side of a number. Reading whole lines is slow if one line contains many numbers.
const AROUND: usize = 600;

/// The part of a comment that is about a number: `grafana` in `grafana, was 3000`. Empty if the comment begins with
/// another number, or mentions one without naming a service before it. Other numbers below 1024 are ignored.
fn about(comment: &str, number: u32) -> &str {
    let is_other = |word: &str| word.parse::<u16>().is_ok_and(|other| other >= 1024 && u32::from(other) != number);
    let mut at = 0;
    let is_part = |c: char| c.is_ascii_alphanumeric();
    let other = comment.split_inclusive(|c| !is_part(c)).find(|word| {
        at += word.len();
        is_other(word.trim_end_matches(|c| !is_part(c)))
    });
    let Some(other) = other else { return comment };
    let before = &comment[..at - other.len()];
    let clause = before.rfind([',', ';', '(']).map_or(before, |end| &before[..end]);
    let clause = clause.trim_end().strip_suffix(" since").unwrap_or(clause);
    if names_service(clause) { clause } else { "" }
}

/// The text around a number.
#[derive(Debug)]
pub struct Line<'a> {
    pub number: u32,
    /// The line up to the number.
    pub before: &'a str,
    /// The rest of the line after the number.
    pub after: &'a str,
    /// The comment about the number, at the end of the line or above it. Empty if there is none, or if it may be about
    /// other numbers.
    pub comment: &'a str,
    /// The text before the number, up to a limit.
    pub above: &'a str,
}

/// First labels of hosts that do not name a service.
pub const EMPTY_LABELS: [&str; 8] = ["www", "vpn", "api", "localhost", "local", "host", "internal", "default"];

/// One side of a mapping of ports: `8080:80`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The number on the machine.
    Host,
    /// The number in the container.
    Container,
}

impl<'a> Line<'a> {
    pub fn of(port: &Missing<'a>) -> Self {
        let (start, end) = (port.span.start as usize, port.span.end as usize);
        let head = wording::tail(port.text.get(..start).unwrap_or(""), AROUND);
        let tail_text = wording::head(port.text.get(end..).unwrap_or(""), AROUND);
        let tail = tail_text.lines().next().unwrap_or("");
        let (rest, before) = head.rsplit_once('\n').unwrap_or(("", head));
        let own = comment_of(tail);
        let alone = before.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '"' | '[')).is_empty();
        let comment = match own {
            "" if alone && !is_only_element(rest, tail_text) => comment_above(rest),
            "" if is_forward(port.name, before) => comment_above(rest),
            "" if opens_one(port, head, tail_text) => comment_of_statement(head),
            // A comment about several numbers does not name any of them. The two bounds of a range count as one.
            own if is_range_end(port.name) || end_in_rule(port.name, before, tail).is_some() => own,
            // `hostPort = 8082; # 8081 is taken`: the comment gives the reason for the number.
            own if before.trim_end().ends_with('=') && about(own, port.number) != own => about(own, port.number),
            _ if after_mapping(tail)
                .split('#')
                .next()
                .is_some_and(|code| code.bytes().any(|byte| byte.is_ascii_digit())) =>
            {
                ""
            }
            own => own,
        };
        Self { number: port.number, before, after: tail, comment: comment.trim_start_matches('#').trim(), above: head }
    }

    /// The lines above the number's line, without a first line that is cut off at the limit.
    fn above_lines(&self) -> impl DoubleEndedIterator<Item = &'a str> {
        let complete = match self.above.len() + char::MAX.len_utf8() > AROUND {
            true => self.above.split_once('\n').map_or("", |(_, rest)| rest),
            false => self.above,
        };
        complete.rsplit_once('\n').map_or("", |(lines, _)| lines).lines()
    }

    /// The name that the line binds to a single number: `metrics-port = 9100`.
    pub fn binding(&self) -> Option<&'a str> {
        let name = self.before.trim_end_matches(['"', '\'']).trim_end().strip_suffix('=')?.trim_end();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
        let start = name.trim_end_matches(is_part).len();
        Some(&name[start..]).filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
    }

    /// The attribute path whose default value the number is: `hub.wireguard.listenPort` in `hub.wireguard.listenPort or
    /// 51820`.
    pub fn path_with_default(&self) -> Option<&'a str> {
        let path = self.before.trim_end().strip_suffix(" or")?.trim_end();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'' | '.');
        let start = path.trim_end_matches(is_part).len();
        Some(&path[start..]).filter(|path| path.contains('.'))
    }

    /// The first host in the block of an SSH client's configuration file that contains the number.
    pub fn ssh_host(&self) -> Option<&'a str> {
        let host = self.above_lines().rev().find_map(|line| line.trim_start().strip_prefix("Host "))?;
        host.split_whitespace().next()
    }

    /// The name that the line binds to a function call with the number, and the name of the function: `href = url
    /// 8000`.
    pub fn call(&self) -> Option<(&'a str, &'a str)> {
        let (bound, function) = self.before.rsplit_once('=')?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
        let function = function.trim();
        let bound = bound.trim();
        let is_call = !function.is_empty() && function.chars().all(|c| is_part(c) || c == '.');
        is_call.then(|| (&bound[bound.trim_end_matches(is_part).len()..], function))
    }

    /// The name of the package whose script contains the number: `docs` in `writeShellScriptBin "docs" "serve --port
    /// 80"`.
    pub fn script(&self) -> Option<&'a str> {
        const MAKERS: [&str; 3] = ["writeShellScriptBin", "writeShellApplication", "writeShellScript"];
        // Few numbers are in such a script, and searching backwards is slow.
        if !self.above.contains("writeShell") {
            return None;
        }
        let behind =
            MAKERS.iter().filter_map(|maker| self.above.rsplit_once(maker)).map(|(_, behind)| behind.trim_start());
        let behind = behind.min_by_key(|behind| behind.len())?;
        let named = match behind.strip_prefix('{') {
            Some(set) => set.split_once("name = ")?.1,
            None => behind,
        };
        let (name, rest) = named.strip_prefix('"')?.split_once('"')?;
        // The string with the script must not have ended yet.
        let quotes = if rest.contains("''") { "''" } else { "\"" };
        (rest.matches(quotes).count() % 2 == 1 && !name.contains('$')).then_some(name)
    }

    /// The name of the container that a command runs: `wiki` in `podman run --name wiki -p 8090:8080 ..`. `after` is
    /// the text after the number.
    pub fn run(&self, after: &'a str) -> Option<&'a str> {
        // Few numbers are in such a command, and searching backwards is slow.
        if !self.above.contains("run ") {
            return None;
        }
        let start = CONTAINER_COMMANDS.iter().filter_map(|command| self.above.rfind(command)).max()?;
        let before = &self.above[start..];
        let is_end = |text: &str| text.lines().rev().skip(1).any(|line| !line.trim_end().ends_with('\\'));
        if is_end(before) {
            return None;
        }
        // A command continues after a backslash at the end of a line.
        let mut length = 0;
        for line in after.split_inclusive('\n') {
            length += line.len();
            if !line.trim_end().ends_with('\\') {
                break;
            }
        }
        // The rest of the mapping precedes the other flags.
        let rest = after[..length].split_once(' ').map_or("", |(_, rest)| rest);
        let name = flag_of_name(before).or_else(|| flag_of_name(rest))?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let end = name.find(|c| !is_part(c)).unwrap_or(name.len());
        Some(&name[..end]).filter(|name| !name.is_empty())
    }

    /// The service to which `kubectl port-forward svc/wiki 8080:80` forwards the number.
    pub fn forwarded(&self) -> Option<&'a str> {
        let (_, arguments) =
            self.before.contains("port-forward ").then(|| self.before.rsplit_once("port-forward "))??;
        let object = arguments.split_whitespace().find_map(|argument| {
            let (kind, name) = argument.split_once('/')?;
            matches!(
                kind,
                "svc" | "service" | "services" | "deploy" | "deployment" | "pod" | "pods" | "sts" | "statefulset"
            )
            .then_some(name)
        });
        object.filter(|name| !name.contains(['$', '"']))
    }

    /// The words of the flag whose value contains the number: `--metrics 127.0.0.1:9464`.
    pub fn flag(&self) -> Vec<String> {
        if let Some(flag) = self.flag_item() {
            return telling(flag);
        }
        let after = self.before.contains(" --").then(|| self.before.rsplit_once(" --")).flatten();
        let Some((_, after)) = after else { return Vec::new() };
        let (flag, value) = after.split_once([' ', '=']).unwrap_or((after, ""));
        // `curl --resolve wiki.example.org:8444:10.0.0.4` only resolves a name.
        if value.contains(' ') || matches!(flag, "resolve" | "connect-to") { Vec::new() } else { telling(flag) }
    }

    /// The flag before the number in a list of arguments, `"--console-address" ":9001"`, which may be on two lines.
    fn flag_item(&self) -> Option<&'a str> {
        let (items, _) = self.above.rsplit_once('"')?;
        let items = items.trim_end().strip_suffix('"')?;
        let start = items.rfind('"')?;
        items[start + 1..].strip_prefix("--").filter(|flag| !flag.contains(['=', ' ']))
    }

    /// The port on which `socat` listens to pass connections on to the number: 143 in `TCP-LISTEN:143,fork
    /// TCP:127.0.0.1:1143`.
    pub fn relayed(&self) -> Option<u32> {
        let after = self.before.contains("-LISTEN:").then(|| self.before.rsplit_once("-LISTEN:"))??.1;
        after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    /// The kind of the remote display that a libvirt domain has on the port: `<graphics type='spice' port='5900'/>`.
    pub fn graphics(&self) -> Option<&'a str> {
        let element = self.before.contains("<graphics ").then(|| self.before.rsplit_once("<graphics "))??.1;
        let kind = element.split_once("type=")?.1.trim_start_matches(['"', '\'']);
        kind.split(['"', '\''])
            .next()
            .filter(|kind| !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric()))
    }

    /// The subject of the block around the address that a proxy passes requests to: `wiki` in `handle /wiki* {
    /// reverse_proxy localhost:3000` and in `location /wiki/ {`. If the first segment of the path is only a purpose,
    /// such as `api`, the second one is added.
    pub fn handled(&self) -> Option<Vec<String>> {
        const BLOCKS: [(&str, &[&str]); 2] =
            [("reverse_proxy", &["handle", "handle_path", "route"]), ("proxy_pass", &["location"])];
        // Few addresses have such a word before them, and searching backwards is slow.
        let (_, blocks) = BLOCKS.iter().find(|(passes, _)| self.before.contains(passes))?;
        let mut closed = 0_u32;
        let block = self.above.lines().rev().skip(1).find_map(|line| {
            let line = line.trim();
            closed += u32::from(line.starts_with('}'));
            let opened = line.strip_suffix('{')?;
            if closed > 0 {
                closed -= u32::from(!line.starts_with('}'));
                return None;
            }
            Some(opened)
        })?;
        let (kind, matcher) = block.trim().split_once(' ')?;
        let matcher = matcher.split_whitespace().find(|word| word.starts_with(['/', '@']))?;
        if matcher.starts_with('@') && (MATCHERS.contains(&&matcher[1..]) || self.is_condition(matcher)) {
            return None;
        }
        let mut segments = matcher[1..].split(['/', '*']).filter(|segment| !segment.is_empty());
        let name = segments.next()?;
        let mut words = service(name);
        if PURPOSES.contains(&name) {
            words.extend(segments.next().map(service).unwrap_or_default());
        }
        (blocks.contains(&kind) && !words.is_empty() && !all_generic(&words)).then_some(words)
    }

    /// Whether a Caddy matcher is a condition on requests that does not select a site: `@cors header Origin *`. Its
    /// definition may be too far away to be found.
    fn is_condition(&self, matcher: &str) -> bool {
        self.above.match_indices(matcher).any(|(at, _)| {
            let line = self.above[..at].rsplit('\n').next().unwrap_or("");
            let rest = self.above[at + matcher.len()..].strip_prefix(' ');
            let mut definition = rest.filter(|_| line.trim().is_empty()).unwrap_or("").split_whitespace();
            // The conditions may be in a block.
            definition.find(|word| *word != "{").is_some_and(|kind| MATCHER_CONDITIONS.contains(&kind))
        })
    }

    /// The `server_name` of the nginx server that passes requests to the address: `wiki` in `wiki.example.org` and in
    /// `${domains.wiki}`.
    pub fn server_name(&self, text: &str, start: u32) -> Option<Vec<String>> {
        const DIRECTIVE: &str = "server_name ";
        const AROUND: usize = 6000;
        // Few addresses have such a word before them, and searching backwards is slow.
        if !self.before.contains("_pass ") {
            return None;
        }
        let head = wording::tail(text.get(..start as usize)?, AROUND);
        let (names, inside) = head[head.rfind(DIRECTIVE)? + DIRECTIVE.len()..].split_once(';')?;
        // The block with the name must not have ended yet.
        let mut open = 0;
        for byte in inside.bytes() {
            open += i32::from(byte == b'{') - i32::from(byte == b'}');
            if open < 0 {
                return None;
            }
        }
        let name = names.split_whitespace().next()?;
        let words = match name.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            Some(variable) => service(variable.rsplit('.').next()?),
            None => {
                let (label, domain) = name.split_once('.')?;
                // The owner's domain does not name the service.
                let is_own = !domain.contains(['.', '$']);
                if is_own || label.contains('$') || EMPTY_LABELS.contains(&label) { Vec::new() } else { service(label) }
            }
        };
        (!words.is_empty() && !all_generic(&words)).then_some(words)
    }

    /// The last words of the short lines above the number, in the same paragraph and the same element of a list. A line
    /// with another number, a sentence or a path is about something else.
    pub fn titles(&self) -> impl Iterator<Item = &'a str> {
        const MOST: usize = 5;
        let is_end = |line: &str| line.trim().is_empty() || line.split(is_blank).any(is_number);
        let mut is_inside = true;
        let lines = self.above.rsplit('\n').take(MOST).enumerate().take_while(move |(at, line)| {
            let was_inside = is_inside;
            is_inside &= !line.trim_start().starts_with("- ");
            *at == 0 || was_inside && !is_end(line)
        });
        lines.skip(1).filter_map(|(_, line)| {
            let mut words = line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
            let mut words = words.by_ref().filter(|word| word.bytes().any(|byte| byte.is_ascii_alphanumeric()));
            let (first, second) = (words.next()?, words.next());
            (words.next().is_none() && !line.contains('/')).then(|| second.unwrap_or(first))
        })
    }

    /// The first label of the virtual host above the number whose domain is a variable: `screen` in `"screen.${domain}"
    /// = {`, but not in `serverAliases = [ "screen.${domain}" ];`.
    pub fn computed_label(&self) -> Option<&'a str> {
        let above = self.above;
        let is_name = |end: usize| {
            let after = above[end..].split_once("}\"").map_or("", |(_, after)| after.trim_start());
            after.starts_with(['=', '.'])
        };
        let end = above.rmatch_indices(".${").map(|(end, _)| end).find(|end| is_name(*end))?;
        let start = above[..end].rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))?;
        above[start..].starts_with('"').then(|| &above[start + 1..end])
    }

    /// The service whose variable is the name of the virtual host above the number: `wiki` in `"${vars.services.wiki}"
    /// = {`.
    pub fn variable_label(&self) -> Option<&'a str> {
        const HOLDER: &str = "services.";
        let above = self.above;
        above.rmatch_indices(HOLDER).find_map(|(at, _)| {
            let rest = &above[at + HOLDER.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))?;
            let (_, after) = rest[end..].strip_prefix('}')?.split('\n').next()?.split_once('"')?;
            after.trim_start().starts_with(['=', '.']).then(|| &rest[..end])
        })
    }

    /// The label of the Alloy component that scrapes the port: `wiki` in `prometheus.scrape "wiki" {`.
    pub fn scrape_component(&self) -> Option<&'a str> {
        const COMPONENT: &str = "prometheus.scrape \"";
        // Few numbers are in such a component, and searching backwards is slow.
        if !self.before.contains("__address__") {
            return None;
        }
        let (label, inside) = self.above[self.above.rfind(COMPONENT)? + COMPONENT.len()..].split_once('"')?;
        // The component, and the string that contains it, may end before the number.
        let mut depth = 0;
        for byte in inside.bytes() {
            match byte {
                b'{' => depth += 1,
                b'}' if depth <= 1 => return None,
                b'}' => depth -= 1,
                _ => {}
            }
        }
        // A label such as `default` says nothing.
        let is_empty = label.contains('$') || EMPTY_LABELS.contains(&label);
        (depth > 0 && !inside.contains("'';") && !is_empty).then_some(label)
    }

    /// The label that describes a scrape target in an Alloy configuration, with its key:
    /// `{"__address__" = "127.0.0.1:9753", "exporter" = "restic"}`.
    pub fn target_label(&self) -> Option<(&'static str, &'a str)> {
        // A line may contain several targets.
        let before = self.before.rsplit('{').next().unwrap_or(self.before);
        let after = self.after.split('}').next().unwrap_or(self.after);
        let value = |key: &str| {
            let key = format!("\"{key}\" = \"");
            [before, after].into_iter().find_map(|text| text.split_once(&*key)?.1.split('"').next())
        };
        let is_target = before.contains("\"__address__\"");
        ["exporter", "job"].into_iter().filter(|_| is_target).find_map(|key| Some((key, value(key)?)))
    }

    /// Whether the number is in the targets of a scrape job in YAML.
    pub fn is_target(&self) -> bool {
        self.before.contains("targets:")
    }

    /// The variable whose default value is the number or the other side of its mapping: `SMTP_PORT` for both numbers of
    /// `${SMTP_PORT:-2525}:25`.
    pub fn fallback(&self) -> Option<&'a str> {
        let is_digit = |c: char| c.is_ascii_digit();
        let before = match self.before.strip_suffix("}:") {
            Some(other) => other.trim_end_matches(is_digit),
            None => self.before,
        };
        let (_, name) = before.strip_suffix(":-")?.rsplit_once("${")?;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
    }

    /// The number inside the container, if this number is the one outside: `5432` in `5433:5432`.
    pub fn inner(&self) -> Option<u32> {
        let rest = self.after.strip_prefix('}').unwrap_or(self.after).strip_prefix(':')?;
        rest[..rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len()].parse().ok()
    }

    /// Which bound of a range in a port mapping the number is: `52000-52100:52000-52100/udp`.
    pub fn range_end(&self) -> Option<&'static str> {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if let Some(rest) = self.after.strip_prefix('-') {
            return (digits(rest) > 0).then_some("first");
        }
        let first = self.before.strip_suffix('-')?;
        let start = first.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let is_alone = first[..start].is_empty() || first[..start].ends_with(['"', '\'', ':', ' ']);
        (start < first.len() && is_alone).then_some("last")
    }

    /// Whether both sides of a mapping have the number: `2222:2222`.
    fn is_same_on_both_sides(&self) -> bool {
        let number = self.number.to_string();
        let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
        self.after.strip_prefix(':').and_then(|rest| rest.strip_prefix(&*number)).is_some_and(is_end)
            || self
                .before
                .strip_suffix(':')
                .and_then(|rest| rest.strip_suffix(&*number))
                .is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_digit()))
    }

    /// Which side of a mapping the number is, if the sides differ. The bounds of a range have no sides.
    pub fn side(&self) -> Option<Side> {
        if self.range_end().is_some() || self.is_same_on_both_sides() {
            return None;
        }
        let is_next = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '$');
        let before = self.before.strip_suffix(':');
        // `${PORT:-3001}:3000`
        let after = self.after.strip_prefix('}').unwrap_or(self.after);
        match after.strip_prefix(':') {
            Some(rest) if is_next(rest) => Some(Side::Host),
            _ => before
                .filter(|rest| rest.ends_with(|c: char| c.is_ascii_digit() || c == '}') && !rest.contains("://"))
                .map(|_| Side::Container),
        }
    }

    /// Whether the number is in the argument of a flag that publishes a port: `-p 8080:80`.
    pub fn is_published(&self) -> bool {
        let mapping = self.before.rsplit(' ').next().unwrap_or("");
        let before = self.before[..self.before.len() - mapping.len()].trim_end();
        before.ends_with(" -p") || before.ends_with("--publish") || mapping.starts_with("--publish=")
    }
}

/// The value of the flag `--name` in the arguments of a command that runs a container. The arguments after the image
/// belong to the container's program.
fn flag_of_name(arguments: &str) -> Option<&str> {
    let arguments = CONTAINER_COMMANDS.iter().find_map(|command| arguments.strip_prefix(command)).unwrap_or(arguments);
    let mut words = arguments.split_whitespace().filter(|word| *word != "\\");
    loop {
        let word = words.next().filter(|word| word.starts_with('-'))?;
        match word.split_once('=') {
            Some(("--name", name)) => return Some(name),
            Some(_) => {}
            None if word == "--name" => return words.next(),
            None if CONTAINER_SWITCHES.contains(&word) => {}
            None => drop(words.next()),
        }
    }
}

/// Whether a line is the set for a port that a virtual machine forwards: `{ host.port = 8080; guest.port = 80; }`.
fn is_forward(name: &str, before: &str) -> bool {
    before.trim_start().starts_with('{') && name.contains("forwardPorts")
}

/// The text after a number, or after the port mapping that begins with it: `8080:80` counts as one port.
fn after_mapping(tail: &str) -> &str {
    tail.strip_prefix(':').map_or(tail, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// The first line of the comment directly above a number.
fn comment_above(above: &str) -> &str {
    let lines = above.lines().rev().map_while(|line| line.trim_start().strip_prefix('#'));
    lines.last().unwrap_or("")
}

/// Whether a number is the only element of a list that begins on the line above it.
fn is_only_element(above: &str, after: &str) -> bool {
    above.trim_end().ends_with('[') && after.trim_start().starts_with(']')
}

/// Whether a number is the only one that a firewall option opens, and does not identify a service by itself.
fn opens_one(port: &Missing<'_>, before: &str, after: &str) -> bool {
    let last = port.name.rsplit('.').next().unwrap_or(port.name);
    let is_known = |row: &service_ports::Service| row.certainty != Certainty::Named;
    last.starts_with("allowed")
        && is_only_element(before, after)
        && !service_ports::services(port.number).iter().any(is_known)
}

/// The comment above the statement whose list starts at the end of the text, if the comment names a service. A comment
/// with several lines, or with a blank line below it, may be about more than the statement.
fn comment_of_statement(before: &str) -> &str {
    const MOST: usize = 4;
    let list = before.trim_end().trim_end_matches('[');
    let mut lines = list.lines().rev().skip(1).map(str::trim);
    let comment = lines.next().and_then(|line| line.strip_prefix('#'));
    let comment = comment.filter(|comment| comment.split_whitespace().count() <= MOST);
    let comment = comment.filter(|comment| names_service(comment.trim()));
    comment.filter(|_| lines.next().is_none_or(|line| !line.starts_with('#'))).unwrap_or("")
}

/// Whether a comment names a well-known service or device, or gives one word as the reason for a port:
/// `Required by Lifx`.
fn names_service(comment: &str) -> bool {
    let words = split(comment);
    let lower = comment.to_ascii_lowercase();
    let reason = REASONS.iter().find_map(|start| lower.strip_prefix(start));
    reason.is_some_and(|reason| telling(reason).len() == 1)
        || words.iter().any(|word| service_ports::is_service(word))
        || group(&words) != OTHER
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, ':' | ';' | ',' | '"')
}

/// Whether a word may be a port number.
fn is_number(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a use is a bound of a range of ports.
pub fn is_range_end(name: &str) -> bool {
    name.ends_with("Ranges.from") || name.ends_with("Ranges.to")
}

/// Whether a port is a UDP port, according to its option or the firewall rule: `udp dport { 5004, 5005 }`.
pub fn is_udp(port: &Missing<'_>) -> bool {
    const AROUND: usize = 600;
    if port.name.to_ascii_lowercase().contains("udp") {
        return true;
    }
    let tail = wording::head(port.text.get(port.span.end as usize..).unwrap_or(""), AROUND);
    // `5353:5353/udp`
    if after_mapping(tail).starts_with("/udp") {
        return true;
    }
    let head = wording::tail(port.text.get(..port.span.start as usize).unwrap_or(""), AROUND);
    let line = head.rsplit('\n').next().unwrap_or(head);
    line.rsplit_once("dport").is_some_and(|(rule, _)| rule.trim_end_matches(['-', ' ']).ends_with("udp"))
}

/// Which bound of a range in a firewall rule a number is, and the other bound: `udp dport 10000-20000`, or
/// `--dport 10000:20000` for iptables.
pub fn end_in_rule(name: &str, before: &str, after: &str) -> Option<(&'static str, u32)> {
    let name = name.strip_suffix('s').unwrap_or(name);
    let between = match name.ends_with("dport") {
        true if name.ends_with("--dport") => ':',
        true => '-',
        false => return None,
    };
    let is_digit = |c: char| c.is_ascii_digit();
    if let Some(rest) = after.strip_prefix(between) {
        let last = &rest[..rest.len() - rest.trim_start_matches(is_digit).len()];
        return Some(("first", last.parse().ok()?));
    }
    let rest = before.strip_suffix(between)?;
    let (start, first) = rest.split_at(rest.trim_end_matches(is_digit).len());
    let is_alone = !start.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_'));
    Some(("last", first.parse().ok()?)).filter(|_| is_alone)
}

/// The protocol of a range of ports, which distinguishes two ranges of one service.
pub fn range_protocol(name: &str) -> Option<String> {
    let protocol = if name.contains("allowedUDP") { "udp" } else { "tcp" };
    is_range_end(name).then(|| protocol.to_owned())
}

/// The comment at the end of a line, without the comment marker, or the comment of a firewall rule: `tcp dport 9324
/// accept comment "bird-exporter"`.
fn comment_of(tail: &str) -> &str {
    const OF_RULE: &str = "comment \"";
    if let Some(at) = tail.find(" #") {
        return tail[at + 2..].trim();
    }
    tail.find(OF_RULE).and_then(|at| tail[at + OF_RULE.len()..].split('"').next()).unwrap_or("")
}
