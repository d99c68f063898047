//! The address that ends in a number, and what its host says about the service.

use super::super::words::{all_generic, is_local, prose, service, split, telling};
use super::Line;
use crate::knowledge::name_words::{CLIENTS, HOST_ADDRESSES, PROXY_VARIABLES};

impl<'a> Line<'a> {
    /// Whether the number is an argument of a client program that also has a host as an argument:
    /// `snapclient --host 10.0.0.4 --port 1704`.
    pub fn runs_client(&self) -> bool {
        let is_host = |word: &str| matches!(word, "--host" | "--server" | "-h");
        let mut words = self.before.split_whitespace();
        words.any(|word| word.ends_with("client")) && words.any(is_host)
    }

    /// The host of a URL that ends in the number, if it is a container or a service: a single label, a name inside a
    /// cluster, or a variable with options of a service. Returns `atuin` for `http://atuin-server:8080`.
    pub fn url_host(&self) -> Option<Vec<String>> {
        let host = self.before.strip_suffix(':')?;
        if let Some((_, variable)) = host.strip_suffix('}').and_then(|open| open.rsplit_once("${")) {
            return held(variable);
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let start = host.trim_end_matches(is_part).len();
        let (outside, host) = host.split_at(start);
        // `wiki.${namespace}.svc.cluster.local`
        if host.starts_with(".svc") {
            let (before, _) = outside.strip_suffix('}')?.rsplit_once("${")?;
            let name = before.strip_suffix('.')?;
            let words = service(&name[name.trim_end_matches(is_part).len()..]);
            return (!words.is_empty() && !all_generic(&words)).then_some(words);
        }
        let in_cluster = host.strip_suffix(".cluster.local").unwrap_or(host).strip_suffix(".svc");
        let host = match in_cluster.and_then(|host| host.split('.').next()) {
            Some(service) => service,
            None if outside.ends_with("://") => host,
            None => return None,
        };
        let is_label = host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let words = if is_label { service(host) } else { Vec::new() };
        (!words.is_empty() && !all_generic(&words)).then_some(words)
    }

    /// All words of the host of a URL that ends in the number, if it is a single label: `wiki server` in
    /// `http://wiki-server:8080`.
    pub fn whole_url_host(&self) -> Option<Vec<String>> {
        let (_, host) = self.before.strip_suffix(':')?.rsplit_once("://")?;
        let is_label = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        is_label.then(|| split(host))
    }

    /// The words of the first label of a domain name before the number.
    pub fn host_name(&self) -> Vec<String> {
        let Some(host) = self.before.strip_suffix(':') else { return Vec::new() };
        let start = host.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).len();
        host[start..].split_once('.').map(|(label, _)| service(label)).unwrap_or_default()
    }

    /// The part of the line before the address that ends with the number, or before the number itself.
    fn before_address(&self) -> &'a str {
        let start = self.before.rfind(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | '[' | '=' | ','));
        &self.before[..start.unwrap_or(0)]
    }

    /// The words of the host name on the line whose connections go to the address: `memos`, without the domain, in
    /// `"memos.example.org" = "http://127.0.0.1:5230"`.
    pub fn key_host(&self) -> Option<Vec<String>> {
        let address = &self.before[self.before_address().len()..];
        let is_address = address.contains("://") || address.ends_with(':') && address.len() > 2;
        // `services.wiki.server.addr = "0.0.0.0:8080"` binds an option. The name of a host is quoted.
        let bound = self.before_address().trim_end().strip_suffix('=').filter(|_| address.starts_with('"'));
        if !is_address || bound.is_some_and(|bound| !bound.trim_end().ends_with('"')) {
            return None;
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':' | '>' | '(');
        host_words(self.before_address().trim_end_matches(ends))
    }

    /// The words of the host name to which the line binds a call of a function with the number as an argument: `memos`
    /// in `"memos.example.org" = proxy "memos.example.org" 5230`.
    pub fn called_host(&self) -> Option<Vec<String>> {
        const BOUND: &str = "\" = ";
        let (bound, call) = match self.before.rsplit_once(BOUND) {
            Some((bound, call)) => (bound, call),
            // The call may be on the next line.
            None => {
                let above = self.above.rsplit('\n').nth(1)?;
                (above.trim_end().strip_suffix(BOUND.trim_end())?, self.before.trim_start())
            }
        };
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'' | '.' | ' ' | '(' | ')');
        // The pieces between the quotes are strings.
        let is_call = call.contains(' ')
            && call.starts_with(|c: char| c.is_ascii_alphabetic())
            && call.split('"').step_by(2).all(|code| code.chars().all(is_part));
        if is_call { host_words(bound) } else { None }
    }

    /// The string before the number in the arguments of a function, with the function: `mkRoute` and `wiki` for
    /// `mkRoute "wiki" 8123`.
    pub fn named_call(&self) -> Option<(&'a str, &'a str)> {
        let (call, name) = self.before.strip_suffix(' ')?.trim_end().strip_suffix('"')?.rsplit_once('"')?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '\'' | '.');
        let function = call.strip_suffix(' ')?.trim_end();
        let function = &function[function.trim_end_matches(is_part).len()..];
        let is_name =
            |name: &str| name.len() > 1 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let is_call = function.starts_with(|c: char| c.is_ascii_lowercase());
        (is_call && is_name(name)).then_some((function, name))
    }

    /// The words before a URL in the arguments of a function that creates a link: `svc "Wiki" "http://10.0.0.4:8000"`.
    pub fn title(&self) -> Option<Vec<String>> {
        const MOST: usize = 3;
        let (before, _) = self.before.rsplit_once("://")?;
        let before = before.strip_suffix("https").or_else(|| before.strip_suffix("http"))?.strip_suffix('"')?;
        let (call, title) = before.trim_end().strip_suffix('"')?.rsplit_once('"')?;
        // An item of a list and the flag before a URL are not titles.
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '\'' | '.');
        let function = &call.trim_end()[call.trim_end().trim_end_matches(is_part).len()..];
        let is_call = call.ends_with(' ') && function.starts_with(|c: char| c.is_ascii_alphabetic());
        if !is_call || title.starts_with('-') || title.contains([':', '/']) {
            return None;
        }
        let words = prose(title);
        (title.len() > 1 && words.len() <= MOST && !words.is_empty() && !all_generic(&words)).then_some(words)
    }

    /// The literal host of the address that ends in the number: `192.168.1.4`.
    pub fn address(&self) -> Option<&'a str> {
        let host = self.before.strip_suffix(':')?;
        let start = host.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).len();
        Some(&host[start..]).filter(|host| !host.is_empty())
    }

    /// Whether the address that ends in the number is one of this machine.
    pub fn is_at_loopback(&self) -> bool {
        self.address().is_some_and(is_local) || self.before.ends_with("[::1]:")
    }

    /// Whether the host of the address is a variable to which the text binds an address of this machine:
    /// `local = "http://127.0.0.1"` for `"${local}:8080"`.
    pub fn is_at_bound_loopback(&self, text: &str) -> bool {
        let variable = self.before.strip_suffix("}:").and_then(|open| open.rsplit_once("${")).map(|(_, name)| name);
        let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let Some(variable) = variable.filter(is_name) else { return false };
        let binding = format!(" {variable} = \"");
        let value = text.split_once(&*binding).and_then(|(_, value)| value.split('"').next());
        value.is_some_and(|value| is_local(value.rsplit_once("://").map_or(value, |(_, host)| host)))
    }

    /// The name before a URL in the same string, which says what answers there: `seedbox` in
    /// `"seedbox:http://127.0.0.1:9091"`. Empty if the URL has credentials instead. `None` for other URLs.
    pub fn label_of_url(&self) -> Option<&'a str> {
        /// Names of programs and protocols that are part of a URL.
        const PARTS_OF_URLS: [&str; 4] = ["jdbc", "rest", "url", "view-source"];
        let scheme = self.scheme().filter(|scheme| matches!(*scheme, "http" | "https"))?;
        let (before, host) = self.before.rsplit_once("://")?;
        let before = before.strip_suffix(scheme)?.strip_suffix(':');
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let label = before.map(|before| &before[before.trim_end_matches(is_part).len()..]);
        let has_credentials = host.rsplit_once('@').is_some_and(|(user, _)| !user.is_empty());
        let label = label.filter(|label| !PARTS_OF_URLS.contains(label)).unwrap_or("");
        (!label.is_empty() || has_credentials).then_some(label)
    }

    /// The name of the server before an address in a list of a proxy: `wiki` in `"wiki 127.0.0.1:8080 check"`.
    pub fn server(&self) -> Option<&'a str> {
        let mut words = self.before_address().rsplit(['"', '\'']).next()?.split_whitespace().rev();
        let name = self.before[self.before_address().len()..].starts_with(' ').then(|| words.next())??;
        (self.address().is_some() && words.next().is_none_or(|word| word == "server")).then_some(name)
    }

    /// Whether the number is in a list element that consists of the address of another host, given by its name:
    /// `[ "web1.example.org:9100" ]`.
    pub fn is_of_listed_host(&self) -> bool {
        let is_name = |host: &str| host.contains('.') && host.contains(|c: char| c.is_ascii_alphabetic());
        let before = || self.before[..self.before.len() - 1].trim_end_matches(|c| c != '"');
        let is_element = || {
            before()
                .strip_suffix('"')
                .is_some_and(|before| before.trim_end().is_empty() || before.trim_end().ends_with('['))
        };
        self.address().is_some_and(|host| is_name(host) && !is_local(host))
            && self.after.starts_with('"')
            && is_element()
    }

    /// The scheme of a URL that ends in the number: `ldap` in `ldap://127.0.0.1:3890`.
    pub fn scheme(&self) -> Option<&'a str> {
        let (scheme, rest) = self.before.rsplit_once("://")?;
        let start = scheme.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len();
        (!rest.contains([' ', '"'])).then_some(&scheme[start..])
    }

    /// Whether the number is the port of a URL whose host means all addresses of a server: `http://+:8080`.
    pub fn is_any_host(&self) -> bool {
        ["://+:", "://*:", "://0.0.0.0:", "://[::]:"].iter().any(|host| self.before.ends_with(host))
    }

    /// Whether the number is in the query of a URL: `http://10.0.0.4/stream?port=8000`.
    pub fn is_in_query(&self) -> bool {
        self.scheme().is_some() && self.before.rsplit_once("://").is_some_and(|(_, rest)| rest.contains('?'))
    }

    /// Whether the number follows `#`, as in the address of another name server: `127.0.0.1#5353`.
    pub fn is_of_name_server(&self) -> bool {
        let address = self.before.strip_suffix('#').unwrap_or_default();
        address.ends_with(|c: char| c.is_ascii_hexdigit() || c == ']') && address.contains(['.', ':'])
    }

    /// The name of the host whose address a variable contains: `web1` in `http://${hosts.web1.address}:3000`.
    pub fn variable_host(&self) -> Option<&'a str> {
        let (_, variable) = self.before.strip_suffix("}:")?.rsplit_once("${")?;
        let (host, _) = variable.rsplit_once('.').filter(|(_, last)| HOST_ADDRESSES.contains(last))?;
        Some(host.rsplit('.').next().unwrap_or(host))
    }

    /// The words of the proxy environment variable to which a script assigns the address: `HTTP_PROXY=`.
    pub fn proxy_variable(&self) -> Option<Vec<String>> {
        if !self.before.contains("_PROXY=") && !self.before.contains("_proxy=") {
            return None;
        }
        let (before, _) = self.before.rsplit_once('=')?;
        let start = before.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '_').len();
        Some(split(&before[start..])).filter(|words| is_proxy_variable(words))
    }
}

/// The words of the host name at the end of a text, without the domain: `memos` for `memos.example.org` and for
/// `memos.${domain}`.
fn host_words(before: &str) -> Option<Vec<String>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let (host, is_computed) = match before.strip_suffix('}').and_then(|open| open.rsplit_once("${")) {
        // A variable for the whole name.
        Some((before, variable)) if !before.ends_with('.') => {
            let words = telling(variable);
            return Some(words).filter(|words| words.len() > 1 && variable.to_ascii_lowercase().ends_with("host"));
        }
        Some((before, _)) => (before.trim_end_matches('.'), true),
        None => (before, false),
    };
    let host = &host[host.trim_end_matches(is_part).len()..];
    let labels: Vec<&str> = host.split('.').collect();
    let is_domain = labels.iter().all(|label| !label.is_empty())
        && labels.last().is_some_and(|top| top.len() > 1 && top.bytes().all(|byte| byte.is_ascii_lowercase()));
    // `forward.url = "http://10.0.0.4:8000"`
    if labels.last().is_some_and(|top| CLIENTS.contains(top)) {
        return None;
    }
    let own = match (is_computed, labels.as_slice()) {
        (true, own) => own,
        (false, [domain, _]) if is_domain => std::slice::from_ref(domain),
        (false, [own @ .., _, _]) if is_domain => own,
        _ => return None,
    };
    // The outer label is the more general one: `script.mocky` is part of `mocky`.
    let words = own.iter().rev().flat_map(|label| split(label));
    let words: Vec<String> = words.filter(|word| !matches!(word.as_str(), "app" | "www")).collect();
    // `6a.example.org`
    let is_name = |first: &String| first.contains(|c: char| c.is_ascii_alphabetic());
    words.first().is_some_and(is_name).then_some(words)
}

/// Whether a variable with these words contains the address of a proxy for all programs: `HTTP_PROXY`.
pub fn is_proxy_variable(words: &[String]) -> bool {
    matches!(words, [kind, proxy] if proxy == "proxy" && PROXY_VARIABLES.contains(&kind.as_str()))
}

/// The service whose options a variable reads: `wiki` in `config.services.wiki.address`.
fn held(variable: &str) -> Option<Vec<String>> {
    let mut parts = variable.split('.');
    parts.find(|part| matches!(*part, "containers" | "services"))?;
    let words = service(parts.next()?);
    (!words.is_empty() && !all_generic(&words) && parts.next().is_some()).then_some(words)
}
