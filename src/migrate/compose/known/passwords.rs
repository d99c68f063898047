//! Passwords that clients send. A separate process sets them while the service runs, because the values of options are
//! in the world-readable store.

use std::collections::BTreeSet;

use super::Instance;
use crate::migrate::compose::builder::{Builder, path_of_secret};
use crate::migrate::compose::stack::{Role, Service};
use crate::migrate::compose::yaml::{Node, Place, Value};
use crate::migrate::compose::{process, words};
use crate::migrate::nix::{Attr, Expr, Text};

/// The password variables of the MySQL and MariaDB images.
pub const NAMES: [&str; 4] = ["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD", "MYSQL_PASSWORD", "MARIADB_PASSWORD"];

/// A password of a service.
pub struct Password<'m> {
    /// The user, `None` for root or for a service without users.
    user: Option<String>,
    /// The variable or key that contains it.
    key: &'m str,
    place: &'m Place,
    source: Source<'m>,
    /// The container variable from which the command takes it.
    variable: Option<String>,
}

enum Source<'m> {
    /// A value.
    Value(&'m Node),
    /// The path of a file that contains it.
    File(&'m str),
    /// The index of a word in the command.
    Flag(usize),
}

impl Password<'_> {
    /// Whether it comes from the variable with this name.
    pub fn comes_from(&self, name: &str) -> bool {
        self.key == name || self.variable.as_deref() == Some(name)
    }
}

/// The passwords that a separate process sets.
pub fn passwords<'m>(service: &Service<'m>) -> Vec<Password<'m>> {
    let Role::Known(known) = &service.role else { return Vec::new() };
    match known.option {
        "mysql" => mysql(service),
        "redis" => redis(service).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The name of the process that sets the passwords.
pub fn process_name(service: &Service<'_>) -> String {
    format!("{}-password", service.process)
}

fn mysql<'m>(service: &Service<'m>) -> Vec<Password<'m>> {
    let names = ["MYSQL_USER", "MARIADB_USER"];
    let own = names.iter().find_map(|name| service.get("environment")?.get(name)?.text());
    // The image may name the user whose password is in the Compose file.
    let of_image = || service.image_variables().find(|(name, ..)| names.contains(name)).map(|(_, value, _)| value);
    let user = own.or_else(of_image).map(str::to_owned);
    let mut found = Vec::new();
    found.extend(variable(service, None, ["MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD"]));
    if user.is_some() {
        found.extend(variable(service, user, ["MYSQL_PASSWORD", "MARIADB_PASSWORD"]));
    }
    found
}

/// The password in a variable, or in the file that the variable with the suffix `_FILE` names.
fn variable<'m>(service: &Service<'m>, user: Option<String>, names: [&str; 2]) -> Option<Password<'m>> {
    let pairs = service.get("environment")?.pairs();
    pairs.iter().find_map(|(key, value)| {
        let name = key.name.as_str();
        let source = match value.text() {
            Some(text) if names.iter().any(|base| name.strip_suffix("_FILE") == Some(base)) => Source::File(text),
            Some(text) if names.contains(&name) && !text.is_empty() => Source::Value(value),
            _ => return None,
        };
        Some(Password { user: user.clone(), key: name, place: &key.place, source, variable: None })
    })
}

fn redis<'m>(service: &Service<'m>) -> Option<Password<'m>> {
    if let Some(node) = service.get("command") {
        let words = match &node.value {
            Value::List(items) => items.iter().map(|item| item.text().unwrap_or_default().to_owned()).collect(),
            _ => words::split(node.text().unwrap_or_default()).unwrap_or_default(),
        };
        let words = words::plain_words(words);
        if let Some(at) = words.iter().position(|word: &String| word == "--requirepass") {
            let variable = words.get(at + 1).and_then(|word| variable_name(word)).map(str::to_owned);
            let source = Source::Flag(at + 1);
            return Some(Password { user: None, key: "command", place: &node.place, source, variable });
        }
    }
    // The official image does not support this variable.
    let image = service.image().unwrap_or_default();
    image.contains("bitnami").then(|| variable(service, None, ["REDIS_PASSWORD", "VALKEY_PASSWORD"]))?
}

/// The name of the variable, if a word of a script consists of a single variable.
fn variable_name(word: &str) -> Option<&str> {
    word.strip_prefix('$').map(|name| name.trim_start_matches('{').trim_end_matches('}'))
}

impl<'m> Instance<'_, '_, 'm> {
    /// The process that sets the passwords. Also sets the options that it needs.
    pub(super) fn password_process(&mut self) -> Option<Attr> {
        let all = passwords(self.service);
        let first = all.first()?;
        let name = process_name(self.service);
        for password in all.iter().filter(|password| password.key != "command") {
            let what = format!("environment.{}", password.key);
            self.builder.carry(self.service, password.place, &what, format!("settings.processes.{name}"));
        }
        for variable in all.iter().filter_map(|password| password.variable.as_deref()) {
            let pairs = self.service.get("environment").map_or(&[][..], Node::pairs);
            if let Some((key, _)) = pairs.iter().find(|(key, _)| key.name == variable) {
                let what = format!("environment.{variable}");
                self.builder.carry(self.service, &key.place, &what, format!("settings.processes.{name}"));
            }
        }
        let mut attrs = Vec::new();
        let script = match self.known.option {
            "redis" => self.redis_password(first)?,
            _ => {
                let waits =
                    Attr::new([self.configure().as_str(), "condition"], Expr::text("process_completed_successfully"));
                attrs.push(Attr::new(["depends_on"], Expr::Set(vec![waits])));
                // `root@localhost` has no password, because services-flake configures the server as this user through
                // the socket. Without name resolution, TCP connections do not match this account.
                self.set("settings.mysqld.skip-name-resolve", Expr::text("ON"));
                self.mysql_passwords(&all)
            }
        };
        let packages: BTreeSet<String> = match self.known.option {
            "redis" => ["coreutils".to_owned()].into(),
            _ => ["coreutils".to_owned(), self.package()].into(),
        };
        attrs.insert(0, Attr::new(["command"], process::script(&name, &packages, &words::script(&script))));
        let comment = "Sets passwords that must not be in the store.";
        Some(Attr::new([name.as_str()], Expr::Set(attrs)).comment(comment))
    }

    fn configure(&self) -> String {
        format!("{}-configure", self.service.process)
    }

    fn package(&self) -> String {
        let own = self.attrs.iter().find(|attr| attr.path == ["package"]);
        match own.map(|attr| &attr.value) {
            Some(Expr::Code(code)) => code.trim_start_matches("pkgs.").to_owned(),
            _ => "mariadb".to_owned(),
        }
    }

    fn redis_password(&mut self, password: &Password<'_>) -> Option<Text> {
        let value = self.password(password)?;
        let data = format!("./data/{}", self.service.process);
        let mut script = Text::literal(format!("set -e\numask 077\nmkdir -p {data}\nvalue="));
        let escape = "\nb=\\\\ q=\\\"\nvalue=${value//\"$b\"/\"$b$b\"}\nvalue=${value//\"$q\"/\"$b$q\"}\n";
        script.append(&value).push(escape);
        script.push(&format!("printf 'requirepass \"%s\"\\n' \"$value\" > {data}/password.conf\n"));
        self.include = Some(format!("include {data}/password.conf"));
        Some(script)
    }

    fn mysql_passwords(&self, all: &[Password<'_>]) -> Text {
        let mut script = Text::literal(
            "set -e\nquote() {\n  local b=\\\\ q=\\' text=$1\n  text=${text//\"$b\"/\"$b$b\"}\n  \
             printf \"'%s'\" \"${text//\"$q\"/\"$q$q\"}\"\n}\n{\n",
        );
        let database = self.value(&["MYSQL_DATABASE", "MARIADB_DATABASE"]);
        for password in all {
            let Some(value) = self.password(password) else { continue };
            let account = format!("'{}'@'127.0.0.1'", password.user.as_deref().unwrap_or("root").replace('\'', "''"));
            let scope = match (&password.user, &database) {
                (Some(_), Some(name)) => format!("`{name}`.*"),
                _ => "*.*".to_owned(),
            };
            let option = if password.user.is_none() { " WITH GRANT OPTION" } else { "" };
            let line = |text: String| words::word(&Text::literal(text));
            script.push("  printf '%s;\\n' ").append(&line(format!("CREATE USER IF NOT EXISTS {account}"))).push("\n");
            script.push("  printf '%s %s;\\n' ").append(&line(format!("ALTER USER {account} IDENTIFIED BY")));
            script.push(" \"$(quote ").append(&value).push(")\"\n");
            let grant = format!("GRANT ALL PRIVILEGES ON {scope} TO {account}{option}");
            script.push("  printf '%s;\\n' ").append(&line(grant)).push("\n");
        }
        // services-flake creates the socket in the data folder.
        script.push("} | mysql --no-defaults --user=root --socket=\"$(realpath ");
        script.append(&words::word(&Text::literal(format!("{}/mysql.sock", self.data_folder())))).push(")\"\n");
        script
    }

    /// The value of the container variable that a word of the command consists of, or else the word itself.
    fn variable_value(&self, word: &str) -> String {
        let value = variable_name(word).and_then(|name| self.service.get("environment")?.get(name));
        match value.map(|node| &node.value) {
            Some(Value::Scalar(scalar)) => self.builder.run_time(scalar),
            _ => word.to_owned(),
        }
    }

    /// A password as a shell word.
    fn password(&self, password: &Password<'_>) -> Option<Text> {
        let builder: &Builder<'_, '_> = self.builder;
        let text = match &password.source {
            Source::File(path) => {
                let path = path_of_secret(builder, self.service, path);
                return Some(Text::literal("\"$(cat ").append(&words::word(&Text::literal(path))).push(")\"").clone());
            }
            Source::Value(node) => match &node.value {
                Value::Scalar(scalar) => builder.run_time(scalar),
                _ => return None,
            },
            Source::Flag(at) => {
                let words = words::plain_words(process::words_of(builder, self.service.get("command")?)?);
                self.variable_value(words.get(*at)?)
            }
        };
        let key = if password.key == "command" { "REDIS_PASSWORD" } else { password.key };
        let (text, _) = builder.without_secrets(self.service, key, &text);
        Some(words::double_quoted(&Text::literal(text)))
    }
}
