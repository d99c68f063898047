//! The set around a number, as far as the text shows it: the attributes next to the number, and the name that the set
//! is bound to.

use crate::wording;

/// The number of bytes that are read on each side of a number.
const AROUND: usize = 2000;

/// The innermost set around a number.
#[derive(Debug, Default, Clone, Copy)]
pub struct Beside<'a> {
    /// The text between the opening brace and the number.
    before: &'a str,
    /// The text between the number and the closing brace.
    after: &'a str,
    /// The name that the set is bound to. Empty for the element of a list and for the argument of a function.
    key: &'a str,
    /// The text before the set.
    outside: &'a str,
}

/// Attributes whose value names the list element that contains them.
const NAMES: [&str; 8] = ["name", "id", "title", "service", "app", "subdomain", "job_name", "label"];

impl<'a> Beside<'a> {
    /// Reads the set around a number. `None` if the number is not in a set, or if the set begins too far away.
    pub fn of(text: &'a str, start: usize, end: usize) -> Option<Self> {
        let head = wording::tail(text.get(..start)?, AROUND);
        let tail = wording::head(text.get(end..)?, AROUND);
        let open = opening(head)?;
        let outside = head[..open].trim_end();
        let outside = outside.strip_suffix("rec").map_or(outside, str::trim_end);
        // `${..}` in a string is not a set.
        if outside.ends_with('$') {
            return None;
        }
        let key = outside.strip_suffix('=').map_or("", |bound| last_name(bound.trim_end()));
        Some(Self { before: &head[open + 1..], after: &tail[..closing(tail)], key, outside })
    }

    /// The function whose argument the set is: `mkProxy` in `mkProxy { port = 8000; }`. Empty if there is none.
    pub fn function(&self) -> &'a str {
        if self.key.is_empty() { last_name(self.outside) } else { "" }
    }

    /// The name before the set in the arguments of a function: `wiki` in `mkService "wiki" { port = 8000; }`.
    pub fn named_argument(&self) -> Option<&'a str> {
        let (call, name) = self.outside.strip_suffix('"')?.rsplit_once('"')?;
        let is_function = call.ends_with(' ') && call.trim_end().ends_with(|c: char| c.is_ascii_alphanumeric());
        (is_function && !name.is_empty() && !name.contains([' ', '$', '/', '.'])).then_some(name)
    }

    /// Whether the set is an element of a list or the argument of a function, so that no attribute name describes it.
    pub fn is_element(&self) -> bool {
        self.key.is_empty()
    }

    /// The name that the set is bound to.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The value of the attribute that names the set: a name, or a title of up to three words.
    pub fn name(&self) -> Option<&'a str> {
        const MOST: usize = 3;
        let attributes: Vec<(&str, &str)> = self.attributes().collect();
        let value = |name: &&str| {
            let name = text(attributes.iter().find(|(key, _)| key == name)?.1)?;
            let is_name = |name: &&str| !name.is_empty() && name.split(' ').count() <= MOST && !is_hash(name);
            Some(literal(name)).filter(is_name)
        };
        NAMES.iter().find_map(value)
    }

    /// The tag and the protocol of an Xray or sing-box inbound: `{ tag = "local"; protocol = "socks"; port = 1080; }`.
    pub fn inbound(&self) -> Option<(&'a str, &'a str)> {
        let has = |name: &str| self.before.contains(name) || self.after.contains(name);
        if !has("tag") || !has("protocol") {
            return None;
        }
        Some((self.value("tag")?, self.value("protocol")?))
    }

    /// The last name of the variable that sets the port's domain: `wiki` in `domain = domains.wiki`.
    pub fn domain_variable(&self) -> Option<&'a str> {
        if !self.before.contains("domains.") && !self.after.contains("domains.") {
            return None;
        }
        let (_, value) = self.attributes().find(|(key, _)| matches!(*key, "domain" | "host" | "hostname"))?;
        let name = value.rsplit_once("domains.")?.1;
        (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
            .then_some(name)
    }

    /// The name of the scrape job that the set defines.
    pub fn job(&self) -> Option<&'a str> {
        // Parsing the attributes is slow.
        let value = if self.before.contains("job") { self.value("job") } else { None };
        value.map(literal).filter(|name| !name.is_empty() && !name.contains(' '))
    }

    /// The service that a sidecar connects to: `{ destinationName = "wiki"; localBindPort = 8000; }`.
    pub fn destination(&self) -> Option<&'a str> {
        const NAME: &str = "destinationName";
        if !self.before.contains(NAME) && !self.after.contains(NAME) {
            return None;
        }
        self.value(NAME).filter(|name| !name.contains([' ', '$']))
    }

    /// The machine or container that the variable for a forwarded connection's destination names: `wiki` in
    /// `{ port = 8000; dst = assignments.wiki.ipv4.address; }`.
    pub fn forwarded_to(&self) -> Option<&'a str> {
        const ENDS: [&str; 5] = ["dest", "destination", "dst", "target", "to"];
        let (_, value) = self.attributes().find(|(key, value)| ENDS.contains(key) && value.contains('.'))?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let mut names = value.split('.').skip(1);
        names.next().filter(|name| value.chars().all(is_part) && names.next().is_some() && !name.is_empty())
    }

    /// The literal value of `type`, the attribute that describes the kind of the set.
    pub fn kind(&self) -> Option<&'a str> {
        if !self.before.contains("type") && !self.after.contains("type") {
            return None;
        }
        self.value("type").filter(|kind| !kind.contains([' ', '$']))
    }

    /// The first label of the host that has the port, or whose requests go to the port.
    pub fn host(&self) -> Option<&'a str> {
        let (label, rest) = self.full_host()?.split_once('.')?;
        (!label.is_empty() && !rest.is_empty() && !label.contains(['$', ' '])).then_some(label)
    }

    /// The host that has the port.
    pub fn full_host(&self) -> Option<&'a str> {
        if self.before.contains("host") || self.after.contains("host") { self.value("host") } else { None }
    }

    /// Whether the number is the `first` or the `last` in a list of two numbers.
    pub fn end_of_pair(&self) -> Option<&'static str> {
        let (_, before) = self.before.rsplit_once('[')?;
        let (after, _) = self.after.split_once(']')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match (before.trim(), after.trim()) {
            ("", other) if is_number(other) => Some("first"),
            (other, "") if is_number(other) => Some("last"),
            _ => None,
        }
    }

    /// The text of the set after the number.
    pub fn rest(&self) -> &'a str {
        self.after
    }

    /// The literal value of an attribute.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        text(self.attributes().find(|(key, _)| *key == name)?.1)
    }

    /// The first label of the first domain that leads to the port.
    pub fn subdomain(&self) -> Option<&'a str> {
        const DOMAINS: [&str; 4] = ["subdomain", "subdomains", "domains", "hostnames"];
        // Few numbers have domains next to them, and parsing the attributes is slow.
        let may_have = |text: &str| text.contains("domain") || text.contains("hostnames");
        if !may_have(self.before) && !may_have(self.after) {
            return None;
        }
        let (_, value) = self.attributes().find(|(key, _)| DOMAINS.contains(key))?;
        let first = value.trim_start_matches('[').trim_start().strip_prefix('"')?.split('"').next()?;
        first.split('.').next().filter(|label| !label.is_empty() && !label.contains([' ', '$']))
    }

    /// Whether a name is that of a machine: the address next to the number begins with it.
    pub fn names_host(&self, name: &str) -> bool {
        const HOSTS: [&str; 4] = ["address", "host", "hostname", "ip"];
        let is_host = |value: &str| {
            text(value).and_then(|host| host.strip_prefix(name)).is_some_and(|rest| rest.starts_with('.'))
        };
        self.attributes().any(|(key, value)| HOSTS.contains(&key) && is_host(value))
    }

    /// Whether there is an attribute with this name.
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|(key, _)| key == name)
    }

    /// The addresses that the set's service listens on, according to the set.
    pub fn addresses(&self) -> impl Iterator<Item = &'a str> {
        const ADDRESSES: [&str; 6] = ["address", "bind", "host", "ip", "listenAddress", "listen_addr"];
        self.attributes().filter(|(key, _)| ADDRESSES.contains(key)).filter_map(|(_, value)| text(value))
    }

    /// The value of a numeric attribute, by its name or path.
    pub fn number(&self, name: &str) -> Option<u32> {
        let statements = statements(self.before).into_iter().chain(statements(self.after));
        // There may be comments before the attribute and after its value.
        let mut attributes = statements.filter_map(|statement| statement.rsplit_once('='));
        let key_of = |before: &'a str| before.trim().rsplit(char::is_whitespace).next().unwrap_or_default();
        let value = attributes.find(|(key, _)| key_of(key) == name)?.1.trim();
        let (digits, rest) = value.split_at(value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let is_end = |rest: &str| rest.is_empty() || rest.starts_with('#') || rest.starts_with("/*");
        digits.parse().ok().filter(|_| is_end(rest.trim_start()))
    }

    /// The attributes next to the number: the last name of each, and its value as written.
    fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let statements = statements(self.before).into_iter().chain(statements(self.after));
        statements.filter_map(|statement| {
            let (key, value) = statement.split_once('=')?;
            Some((last_name(key.trim_end()), value.trim()))
        })
    }
}

/// Whether a name is an identifier made of hexadecimal digits: a UUID or a hash.
fn is_hash(name: &str) -> bool {
    const SHORTEST: usize = 12;
    name.len() >= SHORTEST && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The first literal part of a string: `wiki` in `"wiki-${id}"` and in `"${id}-wiki"`.
fn literal(value: &str) -> &str {
    let mut parts = value.split("${");
    let first = parts.next().unwrap_or_default();
    let rest = parts.next().and_then(|part| part.split_once('}')).map_or("", |(_, rest)| rest);
    let part = if first.is_empty() { rest } else { first };
    part.trim_matches(['-', '_', '.'])
}

/// The contents of a string literal, if it is not empty.
fn text(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"').filter(|value| !value.is_empty())
}

/// The last name in a string: `port` in `a.port`, and `memos.example.org` in `"memos.example.org"`.
fn last_name(text: &str) -> &str {
    match text.strip_suffix('"') {
        Some(quoted) => quoted.rsplit('"').next().unwrap_or(quoted),
        None => {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'');
            &text[text.trim_end_matches(is_part).len()..]
        }
    }
}

/// The position of the brace that opens the innermost set at the end of the text.
fn opening(head: &str) -> Option<usize> {
    let mut closed = 0_u32;
    for (at, byte) in head.bytes().enumerate().rev() {
        match byte {
            b'}' => closed += 1,
            b'{' if closed == 0 => return Some(at),
            b'{' => closed -= 1,
            _ => {}
        }
    }
    None
}

/// The position of the brace that closes the set, or the end of the text.
fn closing(tail: &str) -> usize {
    let mut open = 0_u32;
    for (at, byte) in tail.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 0 => return at,
            b'}' => open -= 1,
            _ => {}
        }
    }
    tail.len()
}

/// The parts of the text between semicolons outside brackets.
fn statements(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut open) = (0, 0_i32);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => open -= 1,
            b';' if open == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(text: &str) -> Option<(String, String)> {
        let at = text.find('@').unwrap();
        let text = text.replacen('@', "", 1);
        let beside = Beside::of(&text, at, at + 4)?;
        Some((beside.key().to_owned(), beside.name().unwrap_or_default().to_owned()))
    }

    #[test]
    fn the_attributes_next_to_a_number_name_it() {
        for (text, key, name) in [
            ("[ { name = \"sonarr\"; port = @8989; } ]", "", "sonarr"),
            ("[ { a = { name = \"x\"; }; port = @8989; subdomain = \"tv\"; } ]", "", "tv"),
            ("{ Chat = { href = url @8000; }; }", "Chat", ""),
            ("[ { name = \"Media Server\"; url = \"http://10.0.0.4:@8000\"; } ]", "", "Media Server"),
            ("[ { id = \"cf7ccf08-2541-49eb-903b-e7cd59dd10f2\"; port = @8000; } ]", "", ""),
            ("{ \"a.example.org\" = rec { port = @8000; name = \"web app\"; }; }", "a.example.org", "web app"),
        ] {
            assert_eq!(around(text), Some((key.to_owned(), name.to_owned())), "{text}");
        }
        assert_eq!(around("\"${toString @8000}\""), None);
        assert_eq!(around("port = @8000;"), None);
        let proxy = "mkProxy { domain = domains.wiki; port = 8000; }";
        let beside = Beside::of(proxy, 40, 44).unwrap();
        assert_eq!((beside.function(), beside.domain_variable()), ("mkProxy", Some("wiki")));
        let node = "[ { name = \"node-0\"; host = \"node-0.example.org\"; port = 6443; } ]";
        let beside = Beside::of(node, 53, 57).unwrap();
        assert!(beside.names_host("node-0") && !beside.names_host("node"));
        let pair = "{ host = 8080; guest = 8043; }";
        assert_eq!(Beside::of(pair, 9, 13).and_then(|beside| beside.number("guest")), Some(8043));
    }
}
