//! Caddy's sites. Caddy serves a site with a domain on port 443, with a certificate from a public authority, and
//! redirects requests from port 80. On this machine, it serves such a site without TLS, on the registry port that
//! replaces port 80.

use std::collections::BTreeSet;

use crate::migrate::Files;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::{Port, Service};
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::Text;

/// A placeholder for the colon and the port in the address of a site.
pub const PORT: char = '\u{f8f7}';

/// A configuration file with the sites on this machine.
#[derive(Debug, PartialEq, Eq)]
pub struct Sites {
    /// Its lines with their numbers, with [`PORT`] after the addresses of the sites that had TLS.
    pub lines: Vec<(usize, String)>,
    /// The addresses of these sites, with their lines.
    pub secure: Vec<(String, usize)>,
    /// The addresses that keep port 443 or 80, with their lines. If there are any, or if the sites import files or
    /// snippets with TLS directives, no site is changed, because some would still need TLS.
    pub kept: Vec<(String, usize)>,
    /// The addresses with https that changed sites redirect to, with their lines.
    pub redirects: Vec<(String, usize)>,
    /// Whether the file has only one site, with one address, so that this site can be served under any host name.
    pub is_single: bool,
}

impl Sites {
    /// Reads a configuration file.
    pub fn of(text: &str) -> Self {
        let sites = Self::changed(text);
        if sites.kept.is_empty() && !has_shared_tls(text) && imports(text).is_empty() {
            return sites;
        }
        let lines = text.split_inclusive('\n').enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect();
        let kept = sites.secure.into_iter().chain(sites.kept).collect();
        Self { lines, secure: Vec::new(), kept, redirects: Vec::new(), is_single: false }
    }

    /// A configuration file with all sites changed, even if other parts of the file do not allow the change.
    fn changed(text: &str) -> Self {
        let (mut lines, mut secure, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        let mut redirects = Vec::new();
        let (mut depth, mut sites) = (0_usize, 0_usize);
        // The depth outside the current `tls` block, whether the current site had TLS, whether its addresses continue
        // on the next line, and whether it has no braces.
        let (mut skipped, mut is_secure, mut continues, mut is_bare) = (None, false, false, false);
        for (at, line) in text.split_inclusive('\n').enumerate() {
            let words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
            // Only these braces delimit a block. Others may be part of a quoted text.
            let opens = usize::from(words.clone().last() == Some("{"));
            let closes = usize::from(words.clone().next() == Some("}"));
            let after = (depth + opens).saturating_sub(closes);
            let first = words.clone().next().unwrap_or_default();
            let is_head = depth == 0
                && !first.is_empty()
                && (first.starts_with("{$") || !first.starts_with(['{', '(', '&', '}']))
                && first != "import"
                && !is_bare
                && (opens > 0 || continues || sites == 0);
            if let Some(outer) = skipped {
                skipped = (after > outer).then_some(outer);
            } else if is_head {
                let count = secure.len();
                lines.push((at + 1, with_ports(line, at + 1, &mut secure, &mut kept)));
                is_secure = secure.len() > count || continues && is_secure;
                sites += usize::from(!continues);
                continues = words.last().is_some_and(|word| word.ends_with(','));
                is_bare = opens == 0 && !continues;
            } else if depth == usize::from(!is_bare) && is_secure && first == "tls" {
                skipped = (after > depth).then_some(depth);
            } else {
                let mut words = words.skip_while(|word| *word != "redir");
                let url = words.find(|word| word.starts_with("https://"));
                redirects.extend(url.map(|url| (url.to_owned(), at + 1)));
                lines.push((at + 1, line.to_owned()));
            }
            depth = after;
        }
        let is_single = sites == 1 && secure.len() == 1;
        if let Some((domain, number)) = secure.first().filter(|_| is_single) {
            let address = format!("http://{domain}{PORT}");
            for (_, line) in lines.iter_mut().filter(|(at, _)| at == number) {
                *line = line.replacen(&address, &PORT.to_string(), 1);
            }
        }
        let domains: BTreeSet<&str> = secure.iter().map(|(domain, _)| domain.as_str()).collect();
        let is_own = |url: &str| {
            let host = url["https://".len()..].split('/').next().unwrap_or_default();
            host.starts_with('{') || domains.contains(host.split('{').next().unwrap_or_default())
        };
        redirects.retain(|(url, _)| is_own(url));
        Self { lines, secure, kept, redirects, is_single }
    }
}

/// The first line of a site with other addresses for those that had TLS: `a.org, www.a.org {`.
fn with_ports(line: &str, number: usize, secure: &mut Vec<(String, usize)>, kept: &mut Vec<(String, usize)>) -> String {
    let is_end = |word: &str| matches!(word.trim_end(), "{") || word.starts_with('#');
    let mut parts = line.split_inclusive(|c: char| c == ',' || c.is_whitespace());
    let length = parts.by_ref().take_while(|part| !is_end(part)).map(str::len).sum();
    let (addresses, rest) = line.split_at(length);
    let mut out = String::new();
    for part in addresses.split_inclusive(|c: char| c == ',' || c.is_whitespace()) {
        let address = part.trim_end_matches(|c: char| c == ',' || c.is_whitespace());
        match domain(address) {
            Some(domain) => {
                out.push_str(&format!("http://{domain}{PORT}{}", &part[address.len()..]));
                secure.push((domain.to_owned(), number));
            }
            None => {
                if !address.is_empty() && !has_port(address) {
                    kept.push((address.to_owned(), number));
                }
                out.push_str(part);
            }
        }
    }
    out + rest
}

/// The domain in the address of a site that Caddy serves with TLS on port 443: `a.org` or `https://a.org`.
fn domain(address: &str) -> Option<&str> {
    let host = address.strip_prefix("https://").unwrap_or(address);
    let host = host.strip_suffix(":443").unwrap_or(host);
    let is_name = host.chars().all(|c| c.is_ascii_alphanumeric() || "-_.*".contains(c));
    (!host.is_empty() && is_name).then_some(host)
}

/// Whether the address of a site contains a port other than 443.
fn has_port(address: &str) -> bool {
    let port = address.rsplit_once(':').map(|(_, port)| port.split('/').next().unwrap_or_default());
    port.is_some_and(|port| port != "443" && port.parse::<u16>().is_ok())
}

/// Whether a snippet, which several sites may import, has a directive for TLS.
fn has_shared_tls(text: &str) -> bool {
    let mut is_snippet = false;
    text.lines().any(|line| {
        let is_outside = !line.starts_with(char::is_whitespace);
        is_snippet = line.starts_with('(') || is_snippet && !(is_outside && line.starts_with('}'));
        is_snippet && line.split_whitespace().next() == Some("tls")
    })
}

/// The names of the files that a configuration file imports, with their lines. Imports of its snippets are left out.
pub fn imports(text: &str) -> Vec<(&str, usize)> {
    let snippets: BTreeSet<&str> =
        text.lines().filter_map(|line| line.trim_start().strip_prefix('(')?.split(')').next()).collect();
    let imported = text.lines().enumerate().filter_map(|(at, line)| {
        let mut words = line.split_whitespace();
        let name = words.next().filter(|first| *first == "import").and_then(|_| words.next())?;
        Some((name, at + 1))
    });
    imported.filter(|(name, _)| !snippets.contains(name)).collect()
}

/// The port on which a service with Caddy serves its sites without TLS.
pub fn port<'s>(service: &'s Service<'_>) -> Option<&'s Port> {
    service.port(80).or_else(|| service.port(443)).or(service.ports.first())
}

/// The rewritten text of a configuration file with ports in place of [`PORT`].
pub fn with_port(builder: &Builder<'_, '_>, service: &Service<'_>, text: &Text) -> Text {
    let number = builder.port_text(port(service));
    text.map_literals(|literal| {
        let mut parts = literal.split(PORT);
        let mut out = Text::literal(parts.next().unwrap_or_default());
        for part in parts {
            out.push(":").append(&number).push(part);
        }
        out
    })
}

/// Reports the sites in a file that had TLS, and those that keep their ports.
pub fn notes(builder: &Builder<'_, '_>, service: &Service<'_>, file: &str, sites: &Sites) {
    let Some(port) = port(service) else { return };
    let at = |line: usize| Place { path: file.into(), line, column: 1 };
    for (address, line) in &sites.kept {
        let why = format!("Caddy serves {address} on port 443 or 80, and on Linux only root may listen on them");
        let todo = format!("give the site an address with a port, such as `http://a.org:{}`", port.number);
        builder.leave(service, &at(*line), "command", why, todo);
    }
    for (url, line) in &sites.redirects {
        let why = format!("it redirects to {url}, and the module serves this site without TLS");
        let todo = format!("redirect to `http://` and port {} instead", port.number);
        builder.leave(service, &at(*line), "command", why, todo);
    }
    let Some((domain, line)) = sites.secure.first() else { return };
    let others = match sites.secure.len() {
        1 => String::new(),
        2 => " and 1 other address".to_owned(),
        count => format!(" and {} other addresses", count - 1),
    };
    let why = format!(
        "Caddy serves {domain}{others} over HTTPS on port 443, and the module serves it over HTTP on {}",
        port.number
    );
    let todo = match sites.is_single {
        true => "nothing on this machine: keep the file for the server".to_owned(),
        false => format!("send the host name with requests, for example `curl -H 'Host: {domain}'`"),
    };
    builder.leave(service, &at(*line), "command", why, todo);
}

/// Reports the files that a configuration file imports, because it is now in the store.
pub fn imported(builder: &Builder<'_, '_>, service: &Service<'_>, file: &str, text: &str) {
    for (name, line) in imports(text).into_iter().filter(|(name, _)| !name.starts_with('/')) {
        let place = Place { path: file.into(), line, column: 1 };
        let why = format!("it imports {name}, which is not beside the copy of the file in the store");
        let todo =
            "write the imported lines into the file, delete the written module, and migrate again with `--force`";
        builder.leave(service, &place, "command", why, todo);
    }
}

/// The configuration file in a service's container that Caddy reads.
pub fn file(service: &Service<'_>, files: &dyn Files) -> Option<String> {
    service.binds().into_iter().find_map(|bind| {
        let path = match bind.target.strip_prefix("/etc/caddy")? {
            "" => format!("{}/Caddyfile", bind.source),
            "/Caddyfile" => bind.source,
            _ => return None,
        };
        matches!(files.text(&path), Ok(Some(_))).then_some(path)
    })
}

/// Whether a service with Caddy serves sites without TLS on the port that replaces this one.
pub fn serves(service: &Service<'_>, files: &dyn Files, container: u16) -> bool {
    let text = || file(service, files).and_then(|path| files.text(&path).ok().flatten());
    port(service).is_some_and(|port| port.container == container)
        && text().is_some_and(|text| !Sites::of(&text).secure.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_with_domains_get_the_port_without_tls() {
        let text = "{\n  email a@b.org\n}\n(common) {\n  encode gzip\n}\na.org, www.a.org:443 {\n  tls {\n    dns x\n  }\n  \
                    reverse_proxy a:1 {\n    header_up A b\n  }\n}\n:80 {\n  tls x\n}\nhttp://c.org:81 {\n}\n\
                    https://d.org { # x\n  import common\n  tls internal\n  redir https://www.a.org{uri}\n  \
                    redir https://x.org{uri}\n}\ne.org:8443 {\n}\n";
        let expected = text
            .replace("a.org, www.a.org:443", &format!("http://a.org{PORT}, http://www.a.org{PORT}"))
            .replace("  tls {\n    dns x\n  }\n", "")
            .replace("https://d.org", &format!("http://d.org{PORT}"))
            .replace("  tls internal\n", "");
        let whole = |sites: &Sites| sites.lines.iter().map(|(_, line)| line.as_str()).collect::<String>();
        let sites = Sites::of(text);
        assert_eq!(whole(&sites), expected);
        let secure: Vec<(&str, usize)> = sites.secure.iter().map(|(name, line)| (name.as_str(), *line)).collect();
        assert_eq!(secure, [("a.org", 7), ("www.a.org", 7), ("d.org", 20)]);
        assert_eq!(sites.redirects, [("https://www.a.org{uri}".to_owned(), 23)]);
        for (text, expected) in [
            ("# x\nlocalhost\nfile_server\ntls internal\n", "# x\n$\nfile_server\n"),
            ("a.org {\n}\n", "$ {\n}\n"),
            ("a.org,\nb.org {\n  tls x\n}\n", "http://a.org$,\nhttp://b.org$ {\n}\n"),
            (
                "a.org {\n  respond \"a { b\"\n}\nb.org {\n}\n",
                "http://a.org$ {\n  respond \"a { b\"\n}\nhttp://b.org$ {\n}\n",
            ),
            ("import sites/*\n:8080\nroot x\n", "import sites/*\n:8080\nroot x\n"),
        ] {
            assert_eq!(whole(&Sites::of(text)).replace(PORT, "$"), expected);
        }
    }
    #[test]
    fn a_file_with_another_site_on_443_or_with_parts_elsewhere_is_not_changed() {
        for (more, kept) in [
            ("{$SITE} {\n}\n", "{$SITE}"),
            ("{$SITE:b.org}, c.org {\n}\n", "{$SITE:b.org}"),
            (":443 {\n}\n", ":443"),
            ("http://a.org {\n}\n", "http://a.org"),
            ("import sites/*\n", "a.org"),
            ("b.org {\n  import common.conf\n}\n", "b.org"),
            ("(shared) {\n  tls internal\n}\nb.org {\n  import shared\n}\n", "b.org"),
        ] {
            let text = format!("a.org {{\n  tls x\n}}\n{more}");
            let sites = Sites::of(&text);
            assert_eq!(sites.lines.into_iter().map(|(_, line)| line).collect::<String>(), text);
            assert!(sites.secure.is_empty() && sites.kept.iter().any(|(address, _)| address == kept), "{more}");
        }
    }
}
