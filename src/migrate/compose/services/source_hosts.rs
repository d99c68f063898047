//! Host names of other services in the source and the scripts of a program. They do not resolve outside the containers,
//! and the source itself is not changed.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{MOST_FILES, defaults_in, each_file, is_source};
use crate::knowledge::containers::sources::{AROUND_DEFAULTS, BEFORE_DEFAULTS, EXAMPLES};
use crate::knowledge::containers::{CONNECTING, HOST_CLIENTS, NOT_CLIENTS, PRINTING, SETTINGS, SHELLS, TOOLS};
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::hosts::is_host_word;
use crate::migrate::compose::stack::{Role, Service};
use crate::migrate::compose::yaml::{Node, Place, Value};
use crate::migrate::compose::{interpolate, names};

/// Longer lines are not searched: only generated files have them.
const LONGEST_LINE: usize = 2_000;

impl<'m> Builder<'_, 'm> {
    /// Reports the files in which the source of a program names another service as a host, with the first line of each
    /// host. The default of a variable counts only in a shell script, and only if nothing sets the variable.
    pub(in crate::migrate::compose) fn source_hosts(&self, service: &Service<'m>) {
        if service.role != Role::Program {
            return;
        }
        let mut others: BTreeMap<&str, &Service<'m>> = BTreeMap::new();
        for other in self.stack.services.iter().filter(|other| other.name != service.name) {
            others.extend(other.names.iter().map(|name| (name.as_str(), other)));
        }
        if others.is_empty() {
            return;
        }
        let mut set = self.variables_of(service);
        // Variables of `.env` that the Compose file passes on are reported with their keys.
        let passed =
            service.get("environment").map_or(&[][..], Node::pairs).iter().filter_map(|(_, value)| {
                match &value.value {
                    Value::Scalar(scalar) => scalar.raw.as_deref(),
                    _ => None,
                }
            });
        set.extend(passed.flat_map(interpolate::names));
        let env_files = service.get("env_file").map_or(&[][..], Node::items).iter();
        let env_files: BTreeSet<&str> =
            env_files.filter_map(|item| item.get("path").and_then(Node::text)?.strip_prefix("./")).collect();
        // Files that other services mount belong to those services.
        let mounted = self.stack.services.iter().filter(|other| other.name != service.name);
        let mounted: BTreeSet<String> =
            mounted.flat_map(Service::binds).map(|bind| bind.source).filter(|source| !source.is_empty()).collect();
        let is_wanted = |name: &str| is_source(name) || is_script(name) || is_settings(name) || may_be_script(name);
        let is_complete = each_file(self.files(), service, &is_wanted, &mut |path, text| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let is_mounted = || path.match_indices('/').any(|(at, _)| mounted.contains(&path[..at]));
            // The module contains a copy of this file with rewritten addresses.
            let is_rewritten = || self.is_rewritten(path);
            let is_other = || mounted.contains(path) || is_mounted() || env_files.contains(path) || is_rewritten();
            if is_settings(name) && is_other() || is_test(name) {
                return false;
            }
            let kind = match name {
                "package.json" => Kind::Scripts,
                _ if is_script(name) || has_shebang(text) => Kind::Shell,
                _ if may_be_script(name) => return false,
                _ if is_env(name) => Kind::Variables,
                _ if is_settings(name) => Kind::Settings,
                _ => Kind::Source,
            };
            let others: Vec<(&str, &Service<'m>)> =
                others.iter().filter(|(name, _)| text.contains(**name)).map(|(name, other)| (*name, *other)).collect();
            for (name, line, count) in hosts_in(text, kind, &others, &set) {
                if !self.source_hosts.borrow_mut().insert((path.to_owned(), name.to_owned())) {
                    continue;
                }
                let place = Place { path: path.into(), line, column: 1 };
                let more = match count {
                    1 => String::new(),
                    2 => " (also on another line)".to_owned(),
                    count => format!(" (also on {} other lines)", count - 1),
                };
                let why = format!("it names the host `{name}`, which exists only on the Compose network{more}");
                let todo = "write 127.0.0.1 and the port from the registry, or read them from variables";
                self.leave(service, &place, "source", why, todo);
            }
            false
        });
        if !is_complete {
            let why = format!("only the first {MOST_FILES} source files were searched for the hosts of other services");
            let todo = "search the other files for the services' names";
            self.leave(service, &service.key.place, "source", why, todo);
        }
    }

    /// The names of the variables that the Compose file, its `env_file`s and the image set for a service.
    fn variables_of(&self, service: &Service<'m>) -> BTreeSet<String> {
        let mut names = self.env_file_names(service).unwrap_or_default();
        names.extend(service.get("environment").map_or(&[][..], Node::pairs).iter().map(|(key, _)| key.name.clone()));
        names.extend(service.image_file.iter().flat_map(|file| &file.variables).map(|(name, _, _)| name.clone()));
        names
    }
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As source code or settings.
    Source,
    /// As settings, in which addresses need no quotes.
    Settings,
    /// As a shell script.
    Shell,
    /// As package.json, whose scripts are shell commands.
    Scripts,
    /// As `.env`, whose lines set variables.
    Variables,
}

/// The hosts that a text names, with the first line and the number of lines of each.
fn hosts_in<'n>(
    text: &str,
    kind: Kind,
    others: &[(&'n str, &Service<'_>)],
    set: &BTreeSet<String>,
) -> Vec<(&'n str, usize, usize)> {
    let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    if others.is_empty() {
        return Vec::new();
    }
    let mut defaults = None;
    let mut start = 0;
    for (number, whole) in text.split_inclusive('\n').enumerate() {
        let offset = start;
        start += whole.len();
        let line = whole.trim_end_matches(['\n', '\r']);
        let is_set = || line.split_once('=').is_some_and(|(name, _)| set.contains(name.trim()));
        if is_comment(line, kind == Kind::Shell) || kind == Kind::Variables && is_set() {
            continue;
        }
        let is_shell = matches!(kind, Kind::Shell | Kind::Scripts);
        let is_long = line.len() > LONGEST_LINE;
        let command = match kind {
            _ if is_long => "",
            Kind::Shell => first_word(line),
            Kind::Scripts => first_word(line.split_once(": \"").map_or("", |(_, script)| script)),
            Kind::Source | Kind::Settings | Kind::Variables => "",
        };
        for (name, other) in others {
            if is_long {
                // Only full addresses are searched for.
                let is_address = line.contains(&format!("//{name}:")) || line.contains(&format!("//{name}/"));
                if is_address || line.contains(&format!("@{name}:")) {
                    found.entry(name).or_insert((number + 1, 0)).1 += 1;
                }
                continue;
            }
            let has_port = |number: u16| other.port(number).is_some();
            let is_default = |at: usize| {
                defaults.get_or_insert_with(|| defaults_in(text)).iter().any(|form| {
                    let next = form.partition_point(|range| range.end <= offset + at);
                    form.get(next).is_some_and(|range| range.contains(&(offset + at)))
                })
            };
            let names_host = names::occurrences(line, name).filter(|at| {
                let (before, after) = (&line[..*at], &line[at + name.len()..]);
                match is_shell && NOT_CLIENTS.contains(&command) {
                    true => before.ends_with("://"),
                    false => {
                        is_host(before, after, &has_port)
                            || kind == Kind::Settings && is_address(before, after, &has_port)
                            || is_shell && is_argument(before, after, command, &has_port)
                    }
                }
            });
            let is_found = names_host.map(is_default).any(|is_default| !is_default)
                || is_shell && is_default_of_shell(line, name, set);
            if is_found {
                found.entry(name).or_insert((number + 1, 0)).1 += 1;
            }
        }
    }
    found.into_iter().map(|(name, (line, count))| (name, line, count)).collect()
}

/// Whether a file is a shell script.
fn is_script(name: &str) -> bool {
    [".sh", ".bash"].iter().any(|end| name.ends_with(end)) || name.contains("entrypoint") && !name.contains('.')
}

/// Whether a file contains settings that programs read from their own folder. Files for other tools, such as the Compose
/// file itself, also name the services.
fn is_settings(name: &str) -> bool {
    let ends = [".ini", ".cfg", ".toml", ".conf"];
    let is_of_program = || {
        let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
        let is_kind = matches!(end, "yml" | "yaml" | "json") && !stem.contains("compose");
        is_kind && !TOOLS.contains(&stem) && SETTINGS.iter().any(|word| has_word(stem, word))
    };
    ends.iter().any(|end| name.ends_with(end)) || is_env(name) || name == "package.json" || is_of_program()
}

/// Whether a file contains tests, which the program does not run.
fn is_test(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    ["_test", ".test", ".spec", "_spec"].iter().any(|end| stem.ends_with(end)) || stem.starts_with("test_")
}

/// Whether a file's name contains a word. A long word may be part of another one, as in `appsettings`. A short word
/// such as `cable` may not, because `applicable` contains it.
fn has_word(stem: &str, word: &str) -> bool {
    stem.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word || word.len() > 5 && part.contains(word))
}

/// Whether a file sets variables for a program that reads it itself. Programs do not read examples.
fn is_env(name: &str) -> bool {
    name.strip_prefix(".env").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        && !EXAMPLES.iter().any(|end| name.contains(end))
}

/// Whether a file without an extension may be a script: its first line decides.
fn may_be_script(name: &str) -> bool {
    !name.contains('.') && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether a text is a script for a shell, according to its first line.
fn has_shebang(text: &str) -> bool {
    let first = text.lines().next().and_then(|line| line.strip_prefix("#!"));
    let program = first.and_then(|line| line.split_whitespace().rfind(|word| !word.starts_with('-')));
    program.and_then(|path| path.rsplit('/').next()).is_some_and(|name| SHELLS.contains(&name))
}

fn is_comment(line: &str, is_shell: bool) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || !is_shell && ["//", "* ", "/*", "--", ";"].iter().any(|start| line.starts_with(start))
}

/// The command on a line of a shell script, without keywords such as `while` or `!` before it.
fn first_word(line: &str) -> &str {
    let is_keyword = |word: &&str| matches!(*word, "if" | "while" | "until" | "!" | "do" | "then" | "exec" | "sudo");
    line.split_whitespace().find(|word| !is_keyword(word)).unwrap_or_default()
}

/// Whether a line uses a name as the default of a host variable that nothing sets: `${DB_HOST:-db}`.
fn is_default_of_shell(line: &str, name: &str, set: &BTreeSet<String>) -> bool {
    line.match_indices(&format!(":-{name}}}")).any(|(at, _)| {
        let variable = line[..at].rsplit("${").next().unwrap_or_default();
        is_host_name(variable) && !set.contains(variable)
    })
}

/// Whether a name follows a space and has a port, as in `server db:3000;`.
fn is_address(before: &str, after: &str, has_port: &dyn Fn(u16) -> bool) -> bool {
    let port = after.strip_prefix(':').and_then(names::leading_number);
    before.ends_with(char::is_whitespace) && port.is_some_and(has_port)
}

/// Whether a string that consists of a name is passed as a host: `"db", 5432`, `5432, "db"`, `define('DB_HOST', 'db')`,
/// `connect("db"`.
fn is_host_argument(before: &str, after: &str, has_port: &dyn Fn(u16) -> bool) -> bool {
    let before = before.trim_end();
    let after = after.trim_start();
    let next = after.strip_prefix(',').map(str::trim_start).and_then(names::leading_number);
    let list = before.strip_suffix(',').map(str::trim_end);
    let last = list.map(|list| &list[list.trim_end_matches(|c: char| c.is_ascii_digit()).len()..]);
    let last = last.and_then(|number| number.parse().ok());
    let key = list.and_then(|list| list.strip_suffix(['"', '\'']));
    let key = key.and_then(|list| list.rsplit(['"', '\'']).next()).filter(|key| !key.contains(char::is_whitespace));
    let number = || list.map(|list| list.trim_end_matches(|c: char| c.is_ascii_digit()));
    let is_printed = || is_call(before, &PRINTING) || number().is_some_and(|list| is_call(list, &PRINTING));
    next.or(last).is_some_and(has_port) && !is_printed()
        || key.is_some_and(is_host_name)
        || is_call(before, &CONNECTING)
        // `base.Client("db")`, but not `new TestClient("db")` or `boto3.client("s3")`.
        || before.trim_end_matches(['[', '(']).ends_with(".Client") && before.ends_with(['[', '('])
}

/// Whether a text ends with the start of a call of one of these functions: `connect(`, `pg_connect(`, `Redis([`.
fn is_call(before: &str, functions: &[&str]) -> bool {
    let call = before.trim_end_matches(['[', '(']);
    let name = &call[call.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len()..];
    let is_name = |name: &str| functions.iter().any(|function| name.eq_ignore_ascii_case(function));
    before[call.len()..].contains('(') && (is_name(name) || name.rsplit('_').next().is_some_and(is_name))
}

/// Whether a name follows a host key inside a string: `"host=db user=x"`.
fn is_in_string(before: &str, after: &str) -> bool {
    // A line of data may contain many names. Most of them are rejected without reading the line again.
    let ends_with = |key: &&str| {
        let end = before.len().checked_sub(key.len()).and_then(|at| before.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(key))
    };
    let is_open = |quote: char| before.matches(quote).count() % 2 == 1;
    ["host=", "server=", "data source="].iter().any(ends_with)
        && after.starts_with([' ', ';', ',', '"', '\''])
        && (is_open('"') || is_open('\''))
}

/// Whether the text around a name makes it a host: `//db/`, `user@db`, `"db:5432"`, `host="db"`.
fn is_host(before: &str, after: &str, has_port: &dyn Fn(u16) -> bool) -> bool {
    let is_end =
        |text: &str| text.is_empty() || text.starts_with(|c: char| c.is_whitespace() || "\"'`/:?,)];".contains(c));
    // In `//db:password@host`, `db` is a user.
    let address = || after.split(|c: char| c.is_whitespace() || "/\"'`".contains(c)).next().unwrap_or_default();
    if before.ends_with("://") {
        return is_end(after) && !address().contains('@');
    }
    let port = after.strip_prefix(':').filter(|_| !address().contains('-')).and_then(names::leading_number);
    if let Some(user) = before.strip_suffix('@') {
        let user = user.rsplit_once("//").map(|(_, user)| user);
        let is_address = user.is_some_and(|user| !user.contains(|c: char| c == '/' || c.is_whitespace()));
        return is_address && is_end(after) || port.is_some_and(has_port);
    }
    let quote = before.chars().next_back().filter(|c| "\"'`".contains(*c));
    if let Some(port) = port
        && before.ends_with(['"', '\'', '`', '=', '(', ',', ' '])
    {
        // In a settings file: `broker: kafka:9092`, `- kafka:9092`.
        let sign = before.trim_end();
        let is_rest = after[1..].trim_start_matches(|c: char| c.is_ascii_digit()).trim().is_empty();
        if is_rest && (sign.ends_with([':', '=']) || sign.trim_start() == "-") && has_port(port) {
            return true;
        }
        // `{web: 80}` and `a ? web:80` are not addresses.
        let is_text =
            !before.ends_with([',', ' ', '=', '(']) || before.contains(['"', '\'', '`']) || before.ends_with('=');
        return is_text && (has_port(port) || is_host_word(key_of(before.trim_end_matches(['"', '\'', '`']))));
    }
    match quote {
        Some(quote) => after.strip_prefix(quote).is_some_and(|rest| {
            let before = &before[..before.len() - 1];
            is_key(before) || is_host_argument(before, rest, has_port) || is_default(before)
        }),
        None if is_in_string(before, after) => true,
        // An address for Go's MySQL driver.
        None if before.ends_with("@tcp(") && after.starts_with(')') => true,
        // `host = db` in a settings file.
        None => {
            let is_whole = after.trim().is_empty();
            is_whole && before.trim_end().ends_with(['=', ':']) && is_key(before)
        }
    }
}

/// Whether a text ends with a host key and its assignment operator: `host=`, `"HOST": `, `:host => `.
fn is_key(before: &str) -> bool {
    is_host_name(key_of(before))
}

/// The key before an assignment operator at the end of a text. Empty if there is none.
fn key_of(before: &str) -> &str {
    let before = before.trim_end();
    let Some(key) = ["=>", ":=", "=", ":"].iter().find_map(|sign| before.strip_suffix(sign)) else { return "" };
    let key = key.trim_end().trim_end_matches(['"', '\'', '`', ']']);
    let start = key.rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).map_or(0, |at| at + 1);
    key.get(start..).unwrap_or_default()
}

/// Whether a text ends with the start of a default, and names a host before it: `db_host: str = `, `"DB_HOST", default=`.
fn is_default(before: &str) -> bool {
    let before = before.trim_end();
    let Some(start) = BEFORE_DEFAULTS.iter().find_map(|start| before.strip_suffix(start)) else { return false };
    let statement = start.rsplit(';').next().unwrap_or_default().replace("::", ".");
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut words = statement.rsplit(|c| !is_name(c));
    let is_filler = |word: &str| {
        word.len() < 3 || word.starts_with(|c: char| c.is_ascii_digit()) || AROUND_DEFAULTS.contains(&word)
    };
    let nearest = words.find(|word| !is_filler(word.trim_matches('-'))).unwrap_or_default();
    // `host = f(X) || "db"`
    let assigned = statement.rfind(['=', ':']).and_then(|at| statement.get(..=at)).map_or("", key_of);
    // `option("--db-host", type=str, default="db")`
    let flag = || statement.rsplit(['"', '\'']).find(|word| word.starts_with("--")).unwrap_or_default();
    [nearest, assigned, flag()].iter().any(|name| {
        let name = name.trim_matches('-');
        !name.eq_ignore_ascii_case("ghost") && is_host_name(name)
    })
}

/// Whether the value of a variable or a key can be a bare host name. The value of a URL or address variable cannot.
fn is_host_name(key: &str) -> bool {
    let upper = key.to_ascii_uppercase();
    let is_url = ["URL", "URI", "ADDRESS", "ADDR"].iter().any(|end| upper.ends_with(end));
    // Common names in PHP.
    let is_php = upper == "HN" || upper.ends_with("SERVERNAME");
    !key.is_empty() && (is_php || is_host_word(key)) && !is_url
}

/// Whether a word of a shell script is a host: before a port, after a host flag, or as an argument of a client.
fn is_argument(before: &str, after: &str, command: &str, has_port: &dyn Fn(u16) -> bool) -> bool {
    let after = after.trim_start_matches(['"', '\'']);
    let number = after.strip_prefix([' ', ':', '/']).and_then(names::leading_number);
    // `wait-on tcp:db:5432`
    let begins = before.ends_with(|c: char| c.is_whitespace() || "\"'/".contains(c)) || before.ends_with("tcp:");
    let flag = before.trim_end_matches(['"', '\'']).trim_end_matches('=');
    let is_flag = flag
        .split_whitespace()
        .next_back()
        .is_some_and(|word| word == "-h" || word.strip_prefix("--").is_some_and(is_host_word));
    number.is_some_and(has_port) && begins || is_flag || begins && HOST_CLIENTS.contains(&command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hosts_in_addresses_and_after_host_keys() {
        let split = |text: &str| {
            let at = names::occurrences(text, "db").next().unwrap();
            (text[..at].to_owned(), text[at + 2..].to_owned())
        };
        let has_port = |number: u16| matches!(number, 5432 | 9092 | 11211);
        for (text, expected) in [
            ("servers = ['db:11211']", true),
            ("url = \"postgresql://u:p@db:5432/x\"", true),
            ("url = \"postgresql://u:p@db/x\"", true),
            ("fetch(`http://db/api`)", true),
            ("redis.Redis(host='db', port=1)", true),
            ("  'HOST': 'db',", true),
            (":host => \"db\"", true),
            ("host = db", true),
            ("bootstrap_servers=[\"a:9092,db:9092\"]", true),
            ("url = \"redis://db:secret@a/0\"", false),
            ("mail = \"db@example.org\"", false),
            ("ports = {db:80}", false),
            ("x ? db:80", false),
            ("import db", false),
            ("name = 'db'", false),
            ("PostgresContainer(\"db:16-alpine\")", false),
            ("image := \"db:16\"", false),
            ("cache.get(\"db:1234\")", false),
            ("{\"url\": \"db\"}", false),
            ("\"https://x.example.org/@db: y\"", false),
            ("addr = \"db:8000\"", true),
            ("define('DB_HOST', 'db');", true),
            ("mysqli_connect(\"db\", $user)", true),
            ("new Redis(5432, \"db\")", true),
            ("client.connect(\"db\", 5432)", true),
            ("base.Client((\"db\", 11211))", true),
            ("Elasticsearch([\"db\"])", true),
            ("new PDO('mysql:host=db;dbname=x')", true),
            ("psycopg2.connect(\"host=db user=x\")", true),
            ("define('DB_NAME', 'db');", false),
            ("print(\"db\", 7)", false),
            ("print(\"db\", 5432)", false),
            ("config.redis[\"db\"]", false),
            ("socket.disconnect(\"db\")", false),
            ("reconnect(\"db\")", false),
            ("new TestClient(\"db\")", false),
            ("queryClient(\"db\")", false),
            ("redisPrefix(\"db\")", false),
            ("wait_for(\"db\", 5432)", true),
            ("memcache.Client([\"db\"])", true),
            ("new Redis(\"db\")", true),
            ("f(\"x\", host=db)", false),
            ("path.join(\"db\", name)", false),
            ("  host: db", true),
            ("\"host\": \"db\", \"port\": 1", true),
            ("broker: db:9092", true),
            ("  - db:9092", true),
            ("KAFKA=db:9092", true),
            ("  - db:1234", false),
            ("\"proxy\": \"http://db:5432\",", true),
            ("$servername = \"db\";", true),
            ("$hn = 'db';", true),
            ("$host = $_ENV[\"X\"] ?? \"db\";", true),
            ("db_host: str = \"db\"", true),
            ("p.add_argument(\"--db-host\", default=\"db\")", true),
            ("host: z.string().default(\"db\"),", true),
            ("let host = var(X).unwrap_or(\"db\".into());", true),
            ("p.add_argument(\"--db-host\", type=str, default=\"db\")", true),
            ("let h = env::var(\"DB_HOST\").unwrap_or_else(|_| \"db\".into());", true),
            ("host: str = Field(default=\"db\")", true),
            ("host: str = Field(\"db\", alias=\"X\")", true),
            ("host: Optional[str] = \"db\"", true),
            ("kind: str | None = \"db\"", false),
            ("p.add_argument(\"--server-kind\", default=\"db\")", false),
            ("p.add_argument(\"--ghost\", default=\"db\")", false),
            ("hostname_label = x; kind: str = \"db\"", false),
            ("run(server.role ?? \"db\")", false),
            ("name: str = \"db\"", false),
            ("z.string().default(\"db\")", false),
            ("net.JoinHostPort(\"db\", port)", true),
            ("sql.Open(\"mysql\", \"u:p@tcp(db)/x\")", true),
        ] {
            let (before, after) = split(text);
            assert_eq!(is_host(&before, &after, &has_port), expected, "{text}");
        }
        for (text, expected) in [
            ("while ! nc -z db 5432; do", true),
            ("wait-for db:5432 -- x", true),
            ("psql -h db -U x", true),
            ("psql --host=\"db\"", true),
            ("echo waiting for db", false),
            ("cd db", false),
            ("echo \"Dumping db\"", false),
            ("ping -c 1 db", true),
            ("until nslookup db; do", true),
            ("wait-on tcp:db:5432 && node x", true),
        ] {
            let (before, after) = split(text);
            assert_eq!(is_argument(&before, &after, first_word(text), &has_port), expected, "{text}");
        }
    }

    #[test]
    fn files_that_programs_read_are_recognized() {
        for (name, expected) in [
            (".env", true),
            (".env.local", true),
            (".env.example", false),
            (".envrc", false),
            ("config.yml", true),
            ("database.json", true),
            ("docker-compose.config.yml", false),
            ("tsconfig.json", false),
            ("appsettings.Development.json", true),
            ("cable.yml", true),
            ("applicable.json", false),
            ("locale.json", false),
            ("data.json", false),
            ("package.json", true),
            ("package-lock.json", false),
        ] {
            assert_eq!(is_settings(name), expected, "{name}");
        }
        assert!(has_shebang("#!/usr/bin/env bash\n") && has_shebang("#!/bin/sh -e\n"));
        assert!(!has_shebang("#!/usr/bin/env python\n") && !has_shebang("sh\n") && may_be_script("run"));
    }

    #[test]
    fn host_defaults_are_reported_if_nothing_sets_the_variable() {
        let set = BTreeSet::from(["DB_HOST".to_owned()]);
        for (line, expected) in [
            ("psql -h ${PG_HOST:-db}", true),
            ("psql -h ${DB_HOST:-db}", false),
            ("psql -U ${POSTGRES_USER:-db}", false),
        ] {
            assert_eq!(is_default_of_shell(line, "db", &set), expected, "{line}");
        }
    }
}
