//! Settings that individual services require in addition to their options: databases, users, controllers.

use super::Instance;
use crate::knowledge::containers;
use crate::migrate::compose::nginx;
use crate::migrate::compose::stack::{KAFKA_CONTROLLER, Role, Service};
use crate::migrate::compose::yaml::{Node, Place};
use crate::migrate::nix::{Attr, Expr, Text, quoted};

impl Instance<'_, '_, '_> {
    /// Sets the options that are specific to one service.
    pub(super) fn own_settings(&mut self) {
        match self.known.option {
            "postgres" => self.postgres(),
            "mysql" => self.mysql(),
            "nginx" => nginx::build(self),
            "apache-kafka" => self.kafka(),
            "prometheus" => self.set("listenAddress", Expr::text("127.0.0.1")),
            "seaweedfs" => {
                // The S3 gateway stores its data in the filer.
                let has_s3 = self.service.usual_port(8333).is_some();
                if has_s3 {
                    self.set("s3.enable", Expr::bool(true));
                }
                if has_s3 || self.service.usual_port(8888).is_some() {
                    self.set("filer.enable", Expr::bool(true));
                }
            }
            "zookeeper" => self.zookeeper(),
            "pgadmin" => {
                self.set("initialEmail", Expr::text("admin@example.org"));
                self.set("initialPassword", Expr::text("change-me"));
            }
            "clickhouse" => {
                // services-flake's clickhouse accepts files, but not folders. The image's database is `default`.
                let schemas = self.init_files();
                let name = self.value(&["CLICKHOUSE_DB"]);
                if name.is_some() || !schemas.is_empty() {
                    let name = name.as_deref().unwrap_or("default");
                    self.set("initialDatabases", databases(name, "schemas", true, schemas));
                }
            }
            _ => {}
        }
    }

    pub(super) fn value(&self, names: &[&str]) -> Option<String> {
        let node = self.service.get("environment");
        let of_image: Vec<(&str, &str, usize)> = self.service.image_variables().collect();
        let image = |name: &str| of_image.iter().find(|(known, ..)| *known == name).map(|(_, value, _)| *value);
        let set = |name: &&str| match node.and_then(|node| node.get(name)) {
            Some(value) => value.text(),
            None => image(name),
        };
        names.iter().find_map(|name| set(name).filter(|text| !text.is_empty()).map(str::to_owned))
    }

    /// Whether only this service has a setting for a variable.
    pub(super) fn is_own(&self, name: &str) -> bool {
        let starts: &[&str] = match self.known.option {
            "postgres" => &["POSTGRES_DB", "POSTGRESQL_DATABASE"],
            "mysql" => &["MYSQL_DATABASE", "MARIADB_DATABASE", "MYSQL_USER", "MARIADB_USER"],
            "grafana" => &["GF_"],
            "clickhouse" => &["CLICKHOUSE_DB"],
            "apache-kafka" => &["KAFKA_"],
            "qdrant" => &["QDRANT__"],
            "neo4j" => &["NEO4J_"],
            _ => &[],
        };
        starts.iter().any(|start| name.starts_with(start))
    }

    /// Reports the variables without a value on which a setting in the module depends. Returns whether the setting is
    /// empty because of them.
    pub(super) fn has_no_value(&self, name: &str, value: &Node, place: &Place, what: &str) -> bool {
        let unset = self.builder.unset_in(name, value);
        for variable in &unset {
            let note = ("no value", "set it in `.env`, delete the written module, and migrate again with `--force`");
            self.builder.no_value(self.service, place, what, variable, note);
        }
        !unset.is_empty() && value.text().unwrap_or_default().is_empty()
    }

    /// Sets `extraConf` to the lines of `zoo.cfg` that the variables define, and to the default lines for all other
    /// settings, because the option replaces its default.
    fn zookeeper(&mut self) {
        let pairs = self.service.get("environment").map_or(&[][..], Node::pairs);
        let own: Vec<(&str, &str)> = pairs
            .iter()
            .filter_map(|(key, value)| Some((containers::zookeeper_setting(&key.name)?, value.text()?)))
            .collect();
        if own.is_empty() {
            return;
        }
        let usual = containers::ZOOKEEPER_USUAL.iter().filter(|(name, _)| own.iter().all(|(set, _)| set != name));
        let lines = usual.copied().chain(own.iter().copied()).map(|(name, value)| format!("{name}={value}\n"));
        self.set("extraConf", Expr::text(lines.collect::<String>()));
    }

    pub(super) fn postgres(&mut self) {
        let user = self.value(&["POSTGRES_USER", "POSTGRESQL_USERNAME"]).unwrap_or_else(|| "postgres".to_owned());
        let database = self.value(&["POSTGRES_DB", "POSTGRESQL_DATABASE"]).unwrap_or_else(|| user.clone());
        let schemas = self.init_paths();
        self.set("superuser", Expr::text(&user));
        if database == "postgres" {
            // The database already exists, so services-flake would not apply schemas to it.
            self.set("createDatabase", Expr::bool(false));
            // psql cannot read folders.
            let files = self.init_files();
            if !files.is_empty() {
                let mut script = Text::default();
                for path in &files {
                    script.push("\\i ").push_code(path).push("\n");
                }
                self.set("initialScript.after", Expr::Text(script));
            }
            return;
        }
        self.set("initialDatabases", databases(&database, "schemas", true, schemas));
    }

    pub(super) fn mysql(&mut self) {
        self.set("settings.mysqld.bind-address", Expr::text("127.0.0.1"));
        let database = self.value(&["MYSQL_DATABASE", "MARIADB_DATABASE"]);
        let files = self.init_files();
        let schemas = match files.len() {
            // The order of the files in a folder would be undefined.
            2.. => vec![joined_sql(&files, database.as_deref())],
            _ => self.init_paths(),
        };
        if let Some(name) = &database {
            self.set("initialDatabases", databases(name, "schema", false, schemas));
        } else if !schemas.is_empty() {
            let name = format!("{}_init", self.service.process);
            self.set("initialDatabases", databases(&name, "schema", false, schemas));
            if let Some(attr) = self.attrs.last_mut() {
                attr.comment = vec![MARK.to_owned()];
            }
        }
        if let Some(user) = self.value(&["MYSQL_USER", "MARIADB_USER"]) {
            let scope = format!("{}.*", database.as_deref().unwrap_or("*"));
            let permissions = Attr::new(["ensurePermissions", scope.as_str()], Expr::text("ALL PRIVILEGES"));
            let user = Expr::Set(vec![Attr::new(["name"], Expr::text(user)), permissions]);
            self.set("ensureUsers", Expr::List(vec![user]));
        }
    }

    /// Sets up one broker that is its own controller.
    pub(super) fn kafka(&mut self) {
        let Some(port) = self.service.ports.first() else { return };
        let is_broker =
            |other: &&Service<'_>| matches!(&other.role, Role::Known(known) if known.option == "apache-kafka");
        let others = self.builder.stack.services.iter().filter(|other| other.name != self.service.name);
        if let Some(other) = others.into_iter().find(is_broker) {
            let why = format!("each broker becomes its own cluster, without `{}`", other.name);
            let todo = "let all clients use one of the brokers, and remove the others";
            self.leave(&self.service.key.place, "image", why, todo);
        }
        let address = |prefix: &str, text: Text| {
            let mut whole = Text::literal(prefix);
            whole.append(&text);
            Expr::Text(whole)
        };
        let broker = self.builder.port_text(Some(port));
        let controller = self.builder.port_text(self.service.port(KAFKA_CONTROLLER));
        self.set("formatLogDirs", Expr::bool(true));
        self.set("clusterId", Expr::text("MkU3OEVBNTcwNTJENDM2Qg"));
        let settings = [
            ("process.roles", Expr::texts(["broker", "controller"])),
            ("node.id", Expr::int(1)),
            ("controller.quorum.voters", Expr::List(vec![address("1@127.0.0.1:", controller.clone())])),
            ("controller.listener.names", Expr::texts(["CONTROLLER"])),
            (
                "listeners",
                Expr::List(vec![
                    address("PLAINTEXT://127.0.0.1:", broker),
                    address("CONTROLLER://127.0.0.1:", controller),
                ]),
            ),
            ("offsets.topic.replication.factor", Expr::int(1)),
            ("transaction.state.log.replication.factor", Expr::int(1)),
            ("transaction.state.log.min.isr", Expr::int(1)),
        ];
        for (name, value) in settings {
            self.set_path(&["settings", name], value);
        }
    }

    /// Reports the keys that the services-flake process already implements, does not need or does not support.
    pub(super) fn dropped(&self) {
        let own = format!("nothing: services-flake's {} already defines this", self.known.option);
        for key in ["healthcheck", "restart", "stop_signal", "stop_grace_period"] {
            if let Some(node) = self.service.get(key) {
                self.builder.carry(self.service, &node.place, key, own.clone());
            }
        }
        self.builder.deploy(self.service, &mut vec![Attr::new(["x"], Expr::bool(true))]);
        for key in ["tty", "stdin_open", "working_dir"] {
            if let Some(node) = self.service.get(key) {
                self.builder.carry(self.service, &node.place, key, "nothing: the service does not need it");
            }
        }
        if let Some(node) = self.service.get("logging") {
            self.leave(
                &node.place,
                "logging",
                "process-compose stores the output of its processes itself",
                "set `log_location` if the output should be in a file",
            );
        }
        for key in ["secrets", "configs"] {
            if let Some(node) = self.service.get(key) {
                self.builder.mounted(self.service, key, node);
            }
        }
    }
}

/// Why there is an additional database: services-flake runs `initialScript` at every start, but the `schema` of a
/// database only when it creates the database.
const MARK: &str = "The SQL files create their own databases. This empty database records that the files have run.";

/// An expression for one file with the text of several. The image runs a separate client for each file, so the settings
/// and the current database are reset between them.
fn joined_sql(paths: &[String], database: Option<&str>) -> String {
    let mut between = "DELIMITER ;\nSET autocommit = DEFAULT, foreign_key_checks = DEFAULT, unique_checks = DEFAULT, \
                       sql_mode = DEFAULT;\n"
        .to_owned();
    between.extend(database.map(|name| format!("use `{name}`;\n")));
    let mut text = Text::default();
    for (at, path) in paths.iter().enumerate() {
        if at > 0 {
            text.push("\n").push(&between);
        }
        text.push_code(&format!("builtins.readFile {path}"));
    }
    format!("pkgs.writeText \"init.sql\" {}", quoted(&text))
}

pub(super) fn databases(name: &str, option: &str, is_list: bool, schemas: Vec<String>) -> Expr {
    let mut attrs = vec![Attr::new(["name"], Expr::text(name))];
    if !schemas.is_empty() {
        let paths: Vec<Expr> = schemas.into_iter().map(Expr::Code).collect();
        let value = match (is_list, paths.first().cloned()) {
            (false, Some(first)) => first,
            _ => Expr::List(paths),
        };
        attrs.push(Attr::new([option], value));
    }
    Expr::List(vec![Expr::Set(attrs)])
}
