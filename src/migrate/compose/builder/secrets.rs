//! The secrets in values, which are moved to `.env`, and the files of secrets.

use super::Builder;
use crate::migrate::compose::folders::working_folder;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;
use crate::migrate::compose::yaml::Node;
use crate::migrate::nix::Text;

impl Builder<'_, '_> {
    /// Whether process-compose itself reads the project's `.env`: it reads the one in the folder in which it is
    /// started.
    pub(in crate::migrate::compose) fn env_is_read(&self) -> bool {
        self.stack.model.folder.is_empty()
    }

    /// Copies the value of a variable to the `.env` that process-compose reads, if Compose read it from another one.
    pub fn keep_in_env(&self, name: &str) {
        if let Some(value) = self.variables.get(name).filter(|_| !self.env_is_read()) {
            self.secrets.borrow_mut().insert(name.to_owned(), value.clone());
        }
    }

    /// Moves the secret in a value to `.env`. Returns the new value, and whether there was a secret.
    pub fn without_secrets(&self, service: &Service<'_>, name: &str, text: &str) -> (String, bool) {
        if words::has_shell(&Text::literal(text)) || is_flag(text) {
            return (text.to_owned(), false);
        }
        if is_secret(name) && !name.ends_with("_FILE") && !text.starts_with("/run/secrets/") {
            let variable = self.secret(service, name, text);
            return (words::shell(&format!("${{{variable}-}}")), variable == name);
        }
        if let Some((at, end)) = password_in_url(text) {
            let variable = self.secret(service, &format!("{name}_PASSWORD"), &text[at..end]);
            let shell = words::shell(&format!("${{{variable}-}}"));
            return (format!("{}{shell}{}", &text[..at], &text[end..]), false);
        }
        (self.without_constants(service, text), false)
    }

    /// Moves the values of constants in PHP code to `.env` if they are secrets: `define('SMTP_PASSWORD', 'x');`.
    fn without_constants(&self, service: &Service<'_>, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(DEFINE) {
            out.push_str(before);
            out.push_str(DEFINE);
            rest = after;
            if let Some(constant) = Constant::of(after).filter(|constant| is_secret(constant.name)) {
                let variable = self.secret(service, constant.name, constant.value);
                out.push_str(constant.before);
                out.push_str(&words::shell(&format!("${{{variable}-}}")));
                rest = constant.after;
            }
        }
        out + rest
    }

    /// Adds a secret to `.env`, and returns the name of its variable.
    pub(in crate::migrate::compose) fn secret(&self, service: &Service<'_>, name: &str, value: &str) -> String {
        let mut secrets = self.secrets.borrow_mut();
        let known = |name: &str| secrets.get(name).or_else(|| self.variables.get(name)).cloned();
        let plain: String = service
            .name
            .to_ascii_uppercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let name = match known(name) {
            Some(other) if other != value => format!("{plain}_{name}"),
            _ => name.to_owned(),
        };
        secrets.insert(name.clone(), value.to_owned());
        name
    }

    /// The file of a top-level secret or config, relative to the root. `None` if it is not in the repository.
    pub(in crate::migrate::compose) fn file_of(&self, key: &str, name: &str) -> Option<String> {
        let path = self.stack.model.root.get(key)?.get(name)?.get("file")?.text()?;
        path.starts_with("./").then(|| path.to_owned())
    }

    /// Converts a path relative to the repository to one relative to the folder in which a process runs.
    pub(in crate::migrate::compose) fn path_in_working_folder(&self, service: &Service<'_>, path: &str) -> String {
        let folder = working_folder(service);
        let up = if folder.is_empty() { "./".to_owned() } else { "../".repeat(folder.split('/').count()) };
        format!("{up}{path}")
    }
}

/// The call in PHP that defines a constant.
const DEFINE: &str = "define(";

/// A constant with a string in PHP code.
struct Constant<'t> {
    name: &'t str,
    /// The text from the name to the opening quote of the value.
    before: &'t str,
    /// The value, with its escapes.
    value: &'t str,
    /// The text that begins with the closing quote.
    after: &'t str,
}

impl<'t> Constant<'t> {
    /// The constant that a call defines, given the text after [`DEFINE`].
    fn of(text: &'t str) -> Option<Self> {
        let (_, name, rest) = string(text)?;
        let (gap, value, after) = string(rest.get(1..)?)?;
        let before = text.get(..text.len() - after.len() - value.len())?;
        (gap.trim() == "," && !is_flag(value)).then_some(Self { name, before, value, after })
    }
}

/// The string that is the next argument in PHP code: the text before it, its value with escapes, and the text from its
/// closing quote on.
fn string(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find(|c: char| !(c.is_whitespace() || c == ','))?;
    let (before, rest) = text.split_at_checked(open)?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut is_escaped = false;
    let end = rest.get(1..)?.find(|c: char| {
        let ends = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    Some((before, rest.get(1..=end)?, rest.get(end + 1..)?))
}

/// Replaces the container paths of secrets and configs in a text, such as `/run/secrets/x`, with paths in the checkout.
pub fn path_of_secret(builder: &Builder<'_, '_>, service: &Service<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    for key in ["secrets", "configs"] {
        for item in service.get(key).map_or(&[][..], Node::items) {
            let name = item.get("source").and_then(Node::text).unwrap_or_default();
            let target = item.get("target").and_then(Node::text).unwrap_or(name);
            let target = match (target.starts_with('/'), key) {
                (true, _) => target.to_owned(),
                (false, "secrets") => format!("/run/secrets/{target}"),
                (false, _) => format!("/{target}"),
            };
            if let Some(path) = builder.file_of(key, name) {
                text = text.replace(&target, &builder.path_in_working_folder(service, path.trim_start_matches("./")));
            }
        }
    }
    text
}

/// Whether a variable contains a secret, judging by its name.
pub fn is_secret(name: &str) -> bool {
    pub(super) const WORDS: [&str; 12] = [
        "PASSWORD",
        "PASSWD",
        "PASS",
        "SECRET",
        "TOKEN",
        "CREDENTIAL",
        "CREDENTIALS",
        "APIKEY",
        "PASSPHRASE",
        "PEPPER",
        "PWD",
        "PW",
    ];
    let name = name.to_ascii_uppercase();
    // Names of things that a program looks up, not of keys that open something.
    const LOOKED_UP: [&str; 5] = ["CACHE_KEY", "PARTITION_KEY", "PRIMARY_KEY", "ROUTING_KEY", "SORT_KEY"];
    if LOOKED_UP.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    if name.starts_with("ALLOW_") || name.ends_with("_FILE") || name.contains("PUBLIC") || name == "PWD" {
        return false;
    }
    let ends = ["_KEY", "_SECRET_BASE", "_SALT", "_DSN_PASSWORD", "ERLANG_COOKIE", "RELEASE_COOKIE"]
        .iter()
        .any(|end| name.ends_with(end));
    ends || name.split(['_', '.', '-']).any(|word| WORDS.contains(&word)) || name.ends_with("PASSWORD")
}

/// The span of the password in a URL or a connection string: `scheme://user:password@host`, `user=x password=y`.
pub fn password_in_url(text: &str) -> Option<(usize, usize)> {
    in_authority(text).or_else(|| in_connection_string(text))
}

/// The span of the value, without quotes, of a key that ends with `password` or `pwd`. `None` if the text neither has a
/// host key nor is a URL.
fn in_connection_string(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let has_host = ["host=", "server=", "data source="].iter().any(|key| lower.contains(key));
    if !has_host && !lower.contains("://") {
        return None;
    }
    // In a URL, the names of other parameters may end with these keys.
    let begins_key = |before: &str| before.ends_with(|c: char| c.is_whitespace() || ";:?&\"'".contains(c));
    ["password=", "pwd="].iter().find_map(|key| {
        let keys = lower.match_indices(key).filter(|(at, _)| has_host || begins_key(&lower[..*at]));
        keys.map(|(at, _)| password_at(text, at, at + key.len())).find_map(|(start, end)| {
            let password = &text[start..end];
            (!is_flag(password) && !password.contains(words::SHELL.0)).then_some((start, end))
        })
    })
}

/// The span of a value that begins at `start`, and whose key begins at `key`.
fn password_at(text: &str, key: usize, start: usize) -> (usize, usize) {
    let before = &text[..key];
    let is_open = |open: char, close: char| before.matches(open).count() > before.matches(close).count();
    let (in_list, in_parentheses, in_braces) = (before.ends_with(','), is_open('(', ')'), is_open('{', '}'));
    let quote = text[start..].chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = start + usize::from(quote.is_some());
    let ends = |c: char| match c {
        ',' => in_list,
        ')' => in_parentheses,
        '}' => in_braces,
        _ => matches!(c, ';' | ' ' | '&' | '"' | '\''),
    };
    let length = match quote {
        Some(quote) => text[start..].find(quote),
        None => text[start..].find(ends),
    };
    (start, length.map_or(text.len(), |length| start + length))
}

/// Whether a string is empty or a boolean flag, and therefore not a secret.
fn is_flag(text: &str) -> bool {
    text.is_empty() || matches!(text, "true" | "false" | "yes" | "no" | "1" | "0")
}

fn in_authority(text: &str) -> Option<(usize, usize)> {
    let start = text.find("://")? + 3;
    let rest = &text[start..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest[..end].rfind('@')?;
    let colon = rest[..at].find(':')?;
    (colon + 1 < at).then_some((start + colon + 1, start + at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_connection_strings_are_found() {
        let found = |text: &str| password_in_url(text).map(|(start, end)| text[start..end].to_owned());
        for (text, expected) in [
            ("postgres://a:b@db/x", Some("b")),
            ("jdbc:postgresql://db1/x?user=a&password=hunter3&ssl=true", Some("hunter3")),
            ("Server=db1;Password='hunter;2';Database=x", Some("hunter;2")),
            ("host=db user=x password=y", Some("y")),
            ("pgsql:host=db;pwd=z", Some("z")),
            ("--server=x --reset-password=true", None),
            ("--dsn=host=db password=abc1", Some("abc1")),
            ("--db-host=db --db-password=abc2", Some("abc2")),
            ("host=db,port=5432,password=abc3,user=a", Some("abc3")),
            ("(host=db password=abc4) x", Some("abc4")),
            ("{host=db;password=abc5}", Some("abc5")),
            ("Driver={x};Server=db;Pwd=a}b", Some("a}b")),
            ("amqp_host=db;amqp_password=abc6", Some("abc6")),
            ("host=db reset_password=true user_password=abc7", Some("abc7")),
            ("http://a/reset_password=abc8", None),
            ("host=db password=", None),
            ("password=y", None),
        ] {
            assert_eq!(found(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn constants_in_php_have_a_name_and_a_value() {
        let found = |text| Constant::of(text).map(|found| (found.name, found.before, found.value, found.after));
        for (text, expected) in [
            ("'A', 'b');x", Some(("A", "'A', '", "b", "');x"))),
            (" \"A\",\n\"b\\\"c\" )", Some(("A", " \"A\",\n\"", "b\\\"c", "\" )"))),
            ("'A', true);", None),
            ("'A', '');", None),
            ("'A' . 'b', 'c')", None),
            ("A, 'b')", None),
            ("'A', 'b", None),
            ("", None),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
