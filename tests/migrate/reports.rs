//! The report of a migration is correct: settings that it lists as carried over are in the module, and settings that
//! cannot work there are listed as left out.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::evaluate::{Modules, init, repository};
use crate::texts::{check_shell, texts};
use crate::tools::{FLAKEWARD, have};

/// A repository whose Compose file is migrated.
pub struct Repo {
    root: TempDir,
    report: Value,
    module: String,
}

impl Repo {
    pub fn of(files: &[(&str, &str)]) -> Self {
        let root = repository(files);
        let mut command = Command::new(FLAKEWARD);
        command.args(["migrate", "compose", "compose.yaml", "--write", "--force", "--format", "json"]);
        let output = command.current_dir(root.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let module = root.path().join("flake/process-compose.nix");
        if module.exists() {
            check_shell(&module);
        }
        let report = serde_json::from_slice(&output.stdout).unwrap();
        Self { module: fs::read_to_string(module).unwrap_or_default(), report, root }
    }

    pub fn has(&self, text: &str) -> &Self {
        assert!(self.module.contains(text), "{text:?} is missing from\n{}", self.module);
        self
    }

    pub fn lacks(&self, text: &str) -> &Self {
        assert!(!self.module.contains(text), "{text:?} is in\n{}", self.module);
        self
    }

    /// Checks that the port registry has an entry, such as `web = 8000;`.
    pub fn registers(&self, entry: &str) -> &Self {
        let registry = self.file("lib/ports.nix");
        assert!(registry.lines().any(|line| line.trim() == entry), "{entry:?} is missing from\n{registry}");
        self
    }

    pub fn entry(&self, list: &str, what: &str, text: &str) -> bool {
        let entries = self.report[list].as_array().unwrap();
        entries.iter().any(|entry| entry["what"] == what && entry.to_string().contains(text))
    }

    /// The number of entries about a key that are left to do by hand.
    pub fn count(&self, what: &str) -> usize {
        self.report["left"].as_array().unwrap().iter().filter(|entry| entry["what"] == what).count()
    }

    pub fn left(&self, what: &str, text: &str) -> &Self {
        assert!(self.entry("left", what, text), "{what}: {text:?} is not in `left`:\n{:#}", self.report["left"]);
        self
    }

    pub fn not_left(&self, what: &str, text: &str) -> &Self {
        assert!(!self.entry("left", what, text), "{what}: {text:?} is in `left`:\n{:#}", self.report["left"]);
        self
    }

    pub fn carried(&self, what: &str, text: &str) -> &Self {
        assert!(
            self.entry("carried", what, text),
            "{what}: {text:?} is not in `carried`:\n{:#}",
            self.report["carried"]
        );
        self
    }

    pub fn not_carried(&self, what: &str) -> &Self {
        assert!(!self.entry("carried", what, ""), "{what} is in `carried`:\n{:#}", self.report["carried"]);
        self
    }

    pub fn file(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path)).unwrap()
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The scripts in the module. `None` if Nix is not installed.
    pub fn scripts(&self) -> Option<Vec<String>> {
        let all = texts(&self.root.path().join("flake/process-compose.nix"))?;
        Some(all.into_iter().filter(|(kind, _)| kind == "script").map(|(_, text)| text).collect())
    }

    /// The findings of a rule in the repository with the module.
    pub fn findings(&self, rule: &str) -> Vec<String> {
        let mut command = Command::new(FLAKEWARD);
        let output = command.args(["-f", "concise", "--select", rule]).current_dir(self.root.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| line.contains(&format!("[{rule}]"))).map(str::to_owned).collect()
    }

    /// Checks that the real modules accept the module. Returns the processes, or `None` if the modules are missing.
    pub fn evaluates(&self) -> Option<Value> {
        let modules = Modules::find()?;
        let module = self.root.path().join("flake/process-compose.nix");
        Some(modules.processes(&module, "dev").unwrap()["processes"].clone())
    }

    /// Checks the configuration of a process's nginx with nginx itself.
    pub fn nginx_accepts(&self, process: &str) {
        let module = self.root.path().join("flake/process-compose.nix");
        let Some(texts) = texts(&module).filter(|_| have(&["nginx"])) else { return };
        let (_, text) = texts.iter().find(|(kind, _)| kind == "nginx.conf").unwrap();
        // Uses the files of the nginx on this machine.
        let text = text.replace("/usr/etc/nginx/", "/etc/nginx/").replace("/usr/conf/", "/etc/nginx/");
        let folder = self.root.path().join(format!("data/{process}"));
        fs::create_dir_all(folder.join("nginx")).unwrap();
        fs::write(folder.join("nginx.conf"), &text).unwrap();
        let mut nginx = Command::new("nginx");
        nginx
            .args(["-t", "-e", "stderr", "-p"])
            .arg(self.root.path())
            .args(["-c", &format!("data/{process}/nginx.conf")]);
        let output = nginx.current_dir(self.root.path()).output().unwrap();
        assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn php_services_run_the_server_in_their_image() {
    let compose = "services:\n  fpm: {build: ./fpm}\n  other: {build: ./other}\n  console: {build: ./console}\n  \
                   site: {image: \"php:8.3-apache\", ports: [\"8080:80\"], volumes: [\"./src:/var/www/html\"]}\n  \
                   web: {image: nginx, ports: [\"8081:80\"], volumes: [\"./conf:/etc/nginx/conf.d\"]}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("fpm/Dockerfile", "FROM php:8.2-fpm\nWORKDIR /var/www/html\nCOPY . .\n"),
        ("other/Dockerfile", "FROM php:8.2-fpm\nENTRYPOINT [\"/init.sh\"]\nCMD [\"supervisord\", \"-n\"]\n"),
        ("console/Dockerfile", "FROM php:8.2-fpm\nENTRYPOINT [\"/entry.sh\"]\nCMD [\"php\", \"bin/console\"]\n"),
        ("src/index.php", "<?php\n"),
        (
            "conf/default.conf",
            "server { listen 80; location ~ \\.php$ { fastcgi_pass fpm:9000; include fastcgi_params; } }\n",
        ),
    ]);
    repo.has("${pkgs.php82}/bin/php-fpm --nodaemonize --fpm-config ${pkgs.writeText \"php-fpm.conf\"")
        .has("listen = 127.0.0.1:${toString ports.")
        .has("${pkgs.php83}/bin/php -S 127.0.0.1:${toString ports.")
        .has("working_dir = \"./src\"")
        .has("include ${pkgs.nginx}/conf/fastcgi_params;")
        .lacks("fastcgi_pass fpm")
        .not_left("services.site.ports.80", "")
        .left("services.other", "/init.sh")
        .left("services.console", "/entry.sh")
        .not_carried("services.other.build");
    repo.nginx_accepts("web");
    repo.evaluates();
}

#[test]
fn nested_defaults_keep_their_braces() {
    let compose = "services:\n  a:\n    image: node:22\n    command: node a.js\n    environment:\n      \
                   URL: \"${BASE:-http://127.0.0.1:${PORT:-8000}}\"\n      QUOTED: '${BASE:-say \"`x`\"}'\n";
    let repo = Repo::of(&[("compose.yaml", compose), (".env", "BASE=http://127.0.0.1:9\n")]);
    repo.has("''${BASE:-http://127.0.0.1:''${PORT:-8000}}");
}

#[test]
fn scripts_start_only_existing_programs() {
    let compose = r#"services:
  app:
    image: listmonk/listmonk:latest
    command: [sh, -c, "./listmonk --install && ./listmonk"]
    ports: ["9000:9000"]
  lost: {image: "acme/app:1", command: [sh, -c, "./app --serve"]}
  built: {build: ., command: [sh, -c, "./made && ./own.sh"]}
  own: {build: ., command: [sh, -c, "./own.sh && frobnicate"]}
"#;
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM debian\nWORKDIR /app\nCOPY . .\nRUN make\n"),
        ("own.sh", "#!/bin/sh\n"),
    ]);
    repo.has("runtimeInputs = [ pkgs.listmonk ]")
        .has("text = \"listmonk --install && listmonk\\n\"")
        .has("LISTMONK_app__address = \"127.0.0.1:${toString ports.")
        .not_left("services.app.ports.9000", "")
        .left("services.lost", "acme/app:1")
        .left("services.built", "./made")
        .left("services.own.command", "frobnicate")
        .carried("services.own.command", "processes.own");
}

#[test]
fn images_that_do_not_start_their_server_do_not_become_services() {
    let compose = r#"services:
  data: {image: "mysql:8.0", command: /bin/true}
  waiter: {image: "postgres:16", entrypoint: [sleep, infinity]}
  backup: {image: "mysql:8.0", command: /backup.sh}
  odd: {image: "redis:7", command: [something, --appendonly, "yes"]}
  mysql: {image: "mysql:8.0"}
  cache:
    image: redis:7
    env_file: redis.env
    command: [sh, -c, "redis-server --requirepass $$REDIS_PASSWORD --appendonly yes"]
"#;
    let repo = Repo::of(&[("compose.yaml", compose), ("redis.env", "REDIS_PASSWORD=hidden\n")]);
    repo.lacks("services.mysql.data")
        .lacks("services.postgres.waiter")
        .lacks("services.mysql.backup")
        .left("services.data", "/bin/true")
        .left("services.waiter", "sleep infinity")
        .left("services.backup", "/backup.sh")
        .left("services.odd.command", "something")
        .has("services.mysql.mysql")
        .has("appendonly yes")
        .has("include ./data/cache/password.conf")
        .carried("services.cache.command", "its options")
        .carried("services.cache.environment.REDIS_PASSWORD", "cache-password")
        .not_left("services.cache.environment.REDIS_PASSWORD", "")
        .lacks("hidden");
    assert!(repo.file(".env").contains("=hidden\n"));
    repo.evaluates();
}

#[test]
fn helper_processes_of_disabled_services_are_also_disabled() {
    let compose = r#"services:
  db: {image: "postgres:16", profiles: [full]}
  sql: {image: "mariadb:11.4", profiles: [full], environment: {MARIADB_ROOT_PASSWORD: pw}}
  store: {image: minio/minio, profiles: [full]}
"#;
    let repo = Repo::of(&[("compose.yaml", compose)]);
    let Some(processes) = repo.evaluates() else { return };
    for name in ["db", "db-init", "sql", "sql-configure", "sql-password", "store", "store-init"] {
        assert_eq!(processes[name]["disabled"], true, "{name}: {}", processes[name]);
    }
}

#[test]
fn bash_connections_use_the_new_address() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  web:\n    image: node:22\n    \
                   command: bash -c 'while !</dev/tcp/db/5432; do sleep 1; done; node app.js'\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.has("</dev/tcp/127.0.0.1/${toString ports.databases.postgresql}; do").lacks("tcp/db");
}

#[test]
fn every_port_has_an_entry_or_is_reported() {
    let compose = r#"services:
  jaeger: {image: jaegertracing/jaeger, ports: ["16686:16686", "4317:4317"]}
  web: {image: "node:22", command: node app.js, environment: {OTLP: "http://jaeger:4317"}}
  collector: {image: jaegertracing/jaeger, ports: ["4317:4317"]}
"#;
    let repo = Repo::of(&[("compose.yaml", compose)]);
    let registry = repo.file("lib/ports.nix");
    assert!(registry.contains("= 16686;") && registry.contains("= 4317;"), "{registry}");
    repo.lacks("toString 4317")
        .carried("services.jaeger.ports", "entries")
        .left("services.collector.ports.4317", "jaeger")
        .not_carried("services.collector.ports");
}

#[test]
fn variables_have_the_values_that_compose_gives_them() {
    let compose = r#"services:
  db:
    image: postgres:16
    environment:
      - POSTGRES_USER
      - POSTGRES_DB=$UNSET
  other:
    image: postgres:16
    env_file: [env/one.env, env/two.env]
  lost: {image: "postgres:16", env_file: env/none.env}
"#;
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        (".env", "POSTGRES_USER=mmuser\n"),
        ("env/one.env", "POSTGRES_USER=box\nPOSTGRES_DB=first\n"),
        ("env/two.env", "# later files win\nexport POSTGRES_DB=second\n"),
    ]);
    repo.has("superuser = \"mmuser\"")
        .has("superuser = \"box\"")
        .has("name = \"second\"")
        .left("services.db.environment.POSTGRES_DB", "no value")
        .not_carried("services.db.environment.POSTGRES_DB")
        .carried("services.other.environment.POSTGRES_DB", "two.env")
        .left("services.lost.env_file", "");
    repo.evaluates();
}

#[test]
fn runtimes_have_the_version_of_the_image() {
    let compose = r#"services:
  n: {image: "node:22-alpine", command: node a.js}
  old: {image: "node:20", command: node a.js}
  p: {image: "python:3.12", command: sh -c "python a.py && ls"}
  g: {build: .}
  d: {image: "postgres:17", command: pg_dump -f x}
  s: {build: {context: ., dockerfile: script.Dockerfile}}
"#;
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        (
            "Dockerfile",
            "FROM golang:1.22 AS build\nRUN go build -o /x .\nFROM scratch\nCOPY --from=build /x /x\nCMD [\"/x\"]\n",
        ),
        (
            "script.Dockerfile",
            "FROM python:3.11\nWORKDIR /code\nCOPY . .\nRUN pip install uwsgi\nCMD [\"/code/run.sh\"]\n",
        ),
        ("run.sh", "#!/bin/sh\nexec python3 app.py\n"),
    ]);
    repo.has("${pkgs.nodejs_22}/bin/node a.js")
        .has("${pkgs.nodejs}/bin/node a.js")
        .has("runtimeInputs = [ pkgs.coreutils pkgs.python312 ]")
        .has("${pkgs.go}/bin/go run")
        .has("${pkgs.postgresql_17}/bin/pg_dump")
        .has("runtimeInputs = [ pkgs.python311 ]")
        .left("services.old.image", "node:20")
        .left("services.g.build", "golang:1.22")
        .left("services.s.build", "pkgs.python311.withPackages")
        .not_left("services.n.image", "version");
}

#[test]
fn image_paths_are_found_in_the_checkout_or_reported() {
    let compose = "services:\n  app: {build: .}\n  wsgi: {build: ., command: python -m uwsgi /opt/app/uwsgi.ini}\n";
    let dockerfile = "FROM python:3.12\nENV APP_HOME=/srv/app\nWORKDIR $APP_HOME\nCOPY . .\nEXPOSE 9000\n\
                      HEALTHCHECK CMD python $APP_HOME/health.py || exit 1\nCMD [\"python\", \"app.py\"]\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile)]);
    repo.has("python3 ./health.py || exit 1").lacks("APP_HOME").left("services.wsgi.command", "/opt/app/uwsgi.ini");
}

#[test]
fn start_script_arguments_are_known_or_reported() {
    let compose =
        "services:\n  app: {build: ., volumes: [\"./site:/var/www/html\"]}\n  own: {build: ., command: worker}\n";
    let dockerfile = "FROM php:8.2-fpm\nCOPY init.sh /usr/local/bin/\nENTRYPOINT [\"init.sh\"]\n\
                      CMD [\"supervisord\", \"-c\", \"/etc/supervisor/supervisord.conf\"]\n";
    let files = [
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("init.sh", "#!/bin/sh\ncase $1 in worker) exec x;; esac\nexec \"$@\"\n"),
    ];
    let repo = Repo::of(&files);
    repo.not_left("services.own.command", "`worker`")
        .left("services.app.command", "`supervisord`")
        .left("services.app.command", "/etc/supervisor/supervisord.conf")
        // The base image's working directory, in which ./site is mounted.
        .has("working_dir = \"./site\"")
        .has("/bin/bash ../init.sh supervisord");
}

#[test]
fn several_rabbitmq_brokers_get_names_and_their_secrets_stay_out_of_the_store() {
    let service = "{image: \"rabbitmq:3-management\", environment: {RABBITMQ_ERLANG_COOKIE: s3cret}}";
    let repo = Repo::of(&[("compose.yaml", &format!("services:\n  a: {service}\n  b: {service}\n"))]);
    repo.has("RABBITMQ_NODENAME = \"a@localhost\"").has("RABBITMQ_NODENAME = \"b@localhost\"").lacks("s3cret");
    let repo = Repo::of(&[("compose.yaml", &format!("services:\n  a: {service}\n"))]);
    repo.lacks("RABBITMQ_NODENAME");
}

#[test]
fn names_of_omitted_services_are_hosts_only_in_addresses() {
    let compose = "services:\n  shop: {image: \"acme/shop:1\"}\n  db: {image: \"postgres:16\", environment: {POSTGRES_DB: shop}}\n  \
                   web: {image: \"node:22\", command: node a.js, environment: {SHOP_HOST: shop}}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.not_left("services.db.environment", "").left("services.web.environment", "`shop`");
}

#[test]
fn an_image_built_by_another_service_runs_from_its_source() {
    let compose = "services:\n  web: {build: ./app, image: \"shop:dev\", command: python3 app.py}\n  \
                   worker: {image: \"shop:dev\", command: python3 worker.py}\n";
    let dockerfile = "FROM python:3.12\nWORKDIR /srv\nCOPY . .\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("app/Dockerfile", dockerfile)]);
    repo.has("${pkgs.python312}/bin/python3 worker.py").carried("services.worker.image", "processes.worker");
    assert_eq!(repo.module.matches("working_dir = \"./app\"").count(), 2, "{}", repo.module);
}

#[test]
fn scripts_are_found_by_the_last_copy_and_through_other_stages() {
    let compose = "services:\n  last: {build: {context: ., dockerfile: last.Dockerfile}}\n  \
                   stage: {build: {context: ., dockerfile: stage.Dockerfile}}\n  \
                   python: {build: {context: ., dockerfile: python.Dockerfile}}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        (
            "last.Dockerfile",
            "FROM debian\nWORKDIR /app\nCOPY . .\nCOPY run.sh /app/start.sh\nENTRYPOINT [\"/app/start.sh\"]\n",
        ),
        (
            "stage.Dockerfile",
            "FROM node:22 AS builder\nWORKDIR /app\nCOPY . .\nFROM node:22\nWORKDIR /app\n\
             COPY --from=builder /app/scripts/begin.sh ./\nCMD [\"./begin.sh\"]\n",
        ),
        ("python.Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD [\"./serve\"]\n"),
        ("run.sh", "echo run\n"),
        ("scripts/begin.sh", "#!/usr/bin/env bash\nnode server.js\n"),
        ("serve", "#!/usr/bin/env python3\nprint(1)\n"),
    ]);
    repo.has("/bin/bash ./run.sh")
        .has("/bin/bash ./scripts/begin.sh")
        .has("exec ${pkgs.python312}/bin/python3 ./serve");
}

#[test]
fn a_project_name_with_dots_is_one_attribute() {
    let root = TempDir::new().unwrap();
    init(root.path());
    let folder = root.path().join(".examples/v1.2");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("compose.yaml"), "services: {redis: {image: \"redis:7\"}}\n").unwrap();
    let mut command = Command::new(FLAKEWARD);
    command.args(["migrate", "compose", ".examples/v1.2/compose.yaml", "--write"]).current_dir(root.path());
    assert!(command.status().unwrap().success());
    let module = fs::read_to_string(root.path().join("flake/examples-v1-2.nix")).unwrap();
    assert!(module.contains("process-compose.examples-v1-2 = {"), "{module}");
}

const NGINX: &str = r#"services:
  web:
    image: nginx:alpine
    ports: ["443:443", "80:80"]
    volumes: ["./conf:/etc/nginx/conf.d:ro", "./snippets:/etc/nginx/snippets", "./cert.pem:/cert.pem:ro", "./key.pem:/key.pem:ro"]
  api: {image: "node:22", command: node a.js, expose: ["3000"]}
  app: {image: "acme/unknown:1"}
  front: {image: "acme/front:1"}
"#;

#[test]
fn nginx_keeps_tls_and_missing_files_are_reported() {
    let conf = "proxy_cache_path /var/cache/nginx/a levels=1:2 keys_zone=a:1m;\nupstream backend { server app:8065; server api:3000 backup; }\n\
        server { listen 80; listen [::]:80; root /usr/share/nginx/html; return 301 https://$host$request_uri; }\nserver {\n  \
        listen 443 ssl http2 default_server;\n  listen [::]:443 ssl http2;\n  ssl_certificate /cert.pem; ssl_certificate_key /key.pem;\n  \
        resolver 127.0.0.11;\n  include snippets/*.conf;\n  include gone.conf;\n  location / { proxy_pass http://backend; }\n  \
        location /f/ { proxy_pass http://front/; }\n}\n";
    let files = [
        ("compose.yaml", NGINX),
        ("conf/default.conf", conf),
        ("snippets/api.conf", "location /api { proxy_pass http://api:3000/; }\n"),
    ];
    let repo = Repo::of(&files);
    repo.has("ssl http2 default_server;")
        .has("ssl_certificate ../../cert.pem;")
        .has("server 127.0.0.1:8065;")
        .has("proxy_pass http://127.0.0.1:80/;")
        .has("proxy_cache_path ./data/web/cache-a levels")
        .has("root ${pkgs.nginx}/html;")
        .lacks("listen 80")
        .lacks("[::]")
        .lacks("resolver")
        .lacks("proxy_pass http://api")
        .left("services.web.configFile", "`app` is left out")
        .left("services.web.configFile", "`front` is left out")
        .left("services.web.configFile", "gone.conf")
        .left("services.web.configFile", "./cert.pem does not exist")
        .left("services.web.ports.443", "only root may listen on port 443");
    repo.evaluates();
    if !have(&["openssl", "nginx"]) {
        return;
    }
    let mut openssl = Command::new("openssl");
    openssl.args("req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=a".split(' '));
    assert!(openssl.current_dir(repo.root.path()).output().unwrap().status.success());
    repo.nginx_accepts("web");
}

#[test]
fn missing_nginx_certificates_are_reported() {
    let conf = "server { listen 8443 ssl; http2 on; ssl_certificate /etc/letsencrypt/a.pem; ssl_certificate_key /etc/letsencrypt/k.pem; }\n";
    let compose = "services:\n  web: {image: nginx, volumes: [\"./a.conf:/etc/nginx/conf.d/a.conf\", \"certs:/etc/letsencrypt\"]}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("a.conf", conf)]);
    repo.lacks("ssl").lacks("http2").left("services.web.configFile", "/etc/letsencrypt/a.pem");
    let conf = "server {\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("a.conf", conf)]);
    repo.left("services.web.volumes", "line 2 of ./a.conf").not_carried("services.web.volumes");
}

#[test]
fn nginx_files_that_include_each_other_are_read_once() {
    let compose = "services: {web: {image: nginx, volumes: [\"./conf:/etc/nginx/conf.d\"]}}\n";
    let many = "include conf.d/b.inc;\n".repeat(100) + "include conf.d/a.conf;\nserver { listen 80; }\n";
    let again = "include conf.d/c.inc;\n".repeat(100);
    let files = [
        ("compose.yaml", compose),
        ("conf/a.conf", &many),
        ("conf/b.inc", &again),
        ("conf/c.inc", "map $a $b { c d; }\n"),
    ];
    let repo = Repo::of(&files);
    repo.has("listen 127.0.0.1").left("services.web.configFile", "/etc/nginx/conf.d/a.conf includes itself");
    repo.left("services.web.configFile", "more than 500 files");
}

#[test]
fn errors_are_part_of_the_json_report() {
    let root = TempDir::new().unwrap();
    init(root.path());
    let cases = [
        ("services: [", None),
        (
            "services:\n  a: {image: busybox, command: x, depends_on: [b]}\n  b: {image: busybox, command: y, depends_on: [a]}\n",
            Some("a -> b -> a"),
        ),
    ];
    for (text, message) in cases {
        fs::write(root.path().join("compose.yaml"), text).unwrap();
        for write in [&[][..], &["--write"]] {
            let mut command = Command::new(FLAKEWARD);
            command.args(["migrate", "compose", "compose.yaml", "--format", "json"]).args(write);
            let output = command.current_dir(root.path()).output().unwrap();
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!((output.status.code(), &report["written"]), (Some(2), &Value::Bool(false)));
            let [error] = report["errors"].as_array().unwrap().as_slice() else { panic!("{report}") };
            assert_eq!(error["path"], "compose.yaml");
            assert!(message.is_none_or(|message| error.to_string().contains(message)), "{error}");
        }
    }
    assert!(!root.path().join("flake.nix").exists());
}

#[test]
fn files_that_git_ignores_are_reported() {
    let compose = "services:\n  db: { image: 'postgres:16' }\n";
    let repo = Repo::of(&[("compose.yaml", compose), (".gitignore", "lib/\n")]);
    repo.left("this file", "`lib/` in .gitignore excludes it").not_left("this file", "flake/");
}

#[test]
fn a_mounted_grafana_plugin_is_not_the_data_folder() {
    let compose =
        "services:\n  graphs:\n    image: grafana/grafana\n    volumes:\n      - ./dist:/var/lib/grafana/plugins/own\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("dist/plugin.json", "{}")]);
    repo.lacks("dataDir").left("services.graphs.volumes", "./dist");
}

#[test]
fn env_file_variables_that_name_old_hosts_are_reported() {
    let compose = "services:\n  db: { image: 'postgres:16' }\n  app:\n    image: node:22\n    command: node a.js\n    environment:\n      \
        A_URL: ${A_URL:?unset}\n      DB_HOST: ${DB_HOST}\n      OTHER_HOST: ${DB_HOST:-db}\n      NAME: ${NAME}\n";
    let env = "A_URL=postgres://db:5432/x\nDB_HOST=db\nNAME=db\n";
    let repo = Repo::of(&[("compose.yaml", compose), (".env", env)]);
    repo.has("OTHER_HOST=\"''${DB_HOST:-127.0.0.1}\"")
        .left("services.app.environment.A_URL", "A_URL in .env names a host")
        .left("services.app.environment.DB_HOST", "DB_HOST in .env names a host")
        .not_left("services.app.environment.NAME", "names a host");
}

#[test]
fn defaults_in_source_code_do_not_override_a_missing_env_file() {
    let compose = "services:\n  db: { image: 'postgres:16' }\n  app:\n    build: .\n    env_file: prod.env\n    depends_on: [db]\n";
    let files = [
        ("compose.yaml", compose),
        ("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"a.py\"]\n"),
        ("a.py", "import os\nurl = os.getenv(\"DB_URL\", \"postgresql://db:5432/c\")\n"),
    ];
    Repo::of(&files)
        .has("export DB_URL=\"''${DB_URL:-postgresql://127.0.0.1:${toString ports.databases.postgresql}/c}\"");
}

#[test]
fn the_health_check_of_an_image_does_not_apply_to_another_command() {
    let compose =
        "services:\n  api: { build: ., ports: ['8000:8000'] }\n  worker: { build: ., command: python worker.py }\n";
    let dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\nHEALTHCHECK CMD curl -f http://localhost:8000/up\n\
        CMD [\"python\", \"a.py\"]\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.py", ""), ("worker.py", "")]);
    repo.left("services.worker.healthcheck", "does not listen")
        .carried("services.api.healthcheck", "api.readiness_probe");
    assert_eq!(repo.module.matches("readiness_probe").count(), 1, "{}", repo.module);
}

#[test]
fn mounts_that_nginx_does_not_read_are_reported_and_keys_are_not_configuration() {
    let compose = "services:\n  web:\n    image: nginx\n    ports: ['8080:80']\n    volumes:\n      - ./site.conf:/etc/nginx/conf.d/site.conf\n      \
        - ./tls.key:/etc/nginx/conf.d/tls.key\n      - ./docs:/usr/share/nginx/html/docs\n";
    let site = "server {\n  listen 80;\n  ssl_certificate_key conf.d/tls.key;\n  location / { root /usr/share/nginx/html; }\n}\n";
    let files = [("compose.yaml", compose), ("site.conf", site), ("tls.key", "-----BEGIN\nabc\n"), ("docs/a.html", "")];
    Repo::of(&files)
        .left("services.web.volumes", "serve ./docs from a `location`")
        .not_left("services.web.volumes", "tls.key")
        .carried("services.web.volumes", "the file ./tls.key");
}

#[test]
fn flags_and_passwords_that_are_not_carried_over_are_reported() {
    let compose = "services:\n  cache:\n    image: redis:7\n    command: [redis-server, /etc/redis.conf, --maxmemory, 256mb]\n    \
        volumes: ['./redis.conf:/etc/redis.conf']\n  store: { image: minio/minio, command: server /data --console-address :9090 }\n  \
        usual: { image: minio/minio, command: server /data --console-address :9001, ports: ['9100:9000'] }\n  \
        job: { image: 'python:3.12', command: python d.py --dsn postgres://u:opensesame@cache/x }\n";
    let files = [("compose.yaml", compose), ("redis.conf", "appendonly yes\n"), ("d.py", "")];
    Repo::of(&files)
        .has("appendonly yes")
        .has("maxmemory 256mb")
        .has("consoleAddress = \"127.0.0.1:${toString ports.development.storeConsole}\";")
        .carried("services.store.command", "its options")
        .not_left("services.usual.command", "--console-address")
        .left("services.job.command", "it contains a password");
}

#[test]
fn one_of_several_programs_is_run_from_its_own_source() {
    let go = "FROM golang:1.24 AS b\nWORKDIR /app\nCOPY . .\nRUN go build -o /out/ ./cmd/api && go build -o /out/ ./cmd/seed\n\
        FROM alpine\nCOPY --from=b /out /app/bin\nCMD [\"/app/bin/api\"]\n";
    let rust = "FROM rust AS b\nWORKDIR /app\nCOPY . .\nRUN cargo build --release --bin one --bin two\nFROM debian\nWORKDIR /app\n\
        COPY --from=b /app/target/release/one /app/target/release/two ./\nCMD [\"./two\"]\n";
    let compose = "services:\n  api: { build: ./back }\n  seed: { build: ./back, command: /app/bin/seed }\n  \
        other: { build: ./back, command: /app/bin/other }\n  worker: { build: ./rust }\n";
    let files = [
        ("compose.yaml", compose),
        ("back/Dockerfile", go),
        ("back/go.mod", "module back\n"),
        ("rust/Dockerfile", rust),
        ("rust/Cargo.toml", "[package]\n"),
    ];
    Repo::of(&files)
        .has("/bin/go run ./cmd/api\"")
        .has("/bin/go run ./cmd/seed\"")
        .left("services.other", "the image builds programs with Go, and the source of `/app/bin/other` is unknown")
        .has("cargo run --release --bin two --");
}

#[test]
fn start_scripts_that_run_a_built_program_are_reported() {
    let file = "FROM rust AS b\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\nFROM debian\nWORKDIR /app\n\
        COPY --from=b /app/target/release/x .\nCOPY scripts /app/scripts\n";
    let compose = "services:\n  runs: { build: ., command: ./scripts/run.sh }\n  given: { build: ., command: ./scripts/given.sh x }\n  \
        other: { build: ., command: ./scripts/other.sh }\n";
    let why = "where the program that the image builds is not on PATH";
    Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", file),
        ("scripts/run.sh", "#!/bin/sh\n/app/x\n"),
        ("scripts/given.sh", "#!/bin/sh\nexec \"$@\"\n"),
        ("scripts/other.sh", "#!/bin/sh\necho hello\n"),
    ])
    .left("services.runs.command", why)
    .left("services.given.command", why)
    .not_left("services.other.command", why)
    .not_left("services.other.build", "pkgs.cargo");
}

#[test]
fn start_scripts_are_reported_if_the_built_program_is_not_named() {
    let rust = "FROM rust\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\nENTRYPOINT [\"./start.sh\"]\n";
    let tool = "FROM rust AS b\nWORKDIR /app\nCOPY . .\nRUN cargo install --path .\nFROM debian\n\
        COPY --from=b /usr/local/cargo/bin /usr/local/bin\nWORKDIR /app\nCOPY start.sh .\nENTRYPOINT [\"./start.sh\"]\n";
    let go = "FROM golang AS b\nWORKDIR /app\nCOPY . .\nRUN go build\nFROM debian\nWORKDIR /app\nCOPY --from=b /app /app\n\
        COPY start.sh .\nENTRYPOINT [\"./start.sh\"]\n";
    let net = "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS b\nWORKDIR /src\nCOPY . .\nRUN dotnet publish -o /out\n\
        FROM mcr.microsoft.com/dotnet/aspnet:8.0\nWORKDIR /app\nCOPY --from=b /out .\nCOPY start.sh .\nENTRYPOINT [\"./start.sh\"]\n";
    let compose = "services:\n  one: { build: ./one }\n  two: { build: ./two }\n  three: { build: ./three }\n  four: { build: ./four }\n";
    let why = "where the program that the image builds is not on PATH";
    Repo::of(&[
        ("compose.yaml", compose),
        ("one/Dockerfile", rust),
        ("one/start.sh", "#!/bin/sh\nexec ./target/release/shop\n"),
        ("two/Dockerfile", tool),
        ("two/start.sh", "#!/bin/sh\nexec shop\n"),
        ("three/Dockerfile", go),
        ("three/go.mod", "module example.org/shop\n"),
        ("three/start.sh", "#!/bin/sh\nexec /app/shop\n"),
        ("four/Dockerfile", net),
        ("four/start.sh", "#!/bin/sh\nexec dotnet Shop.dll\n"),
    ])
    .left("services.one.command", why)
    .left("services.two.command", why)
    .left("services.three.command", why)
    .left("services.four.command", why);
}

#[test]
fn services_without_instances_are_disabled_and_partial_env_files_are_reported() {
    let compose = "services:\n  off: { image: 'node:22', command: node a.js, deploy: { replicas: 0 } }\n  \
        many: { image: 'node:22', command: node a.js, expose: [3000], deploy: { replicas: 3 } }\n  \
        web: { image: 'node:22', command: node b.js --mail me@x.org http://localhost:8000, env_file: .env, environment: { SECRET_KEY: abc } }\n  \
        none: { image: 'node:22', command: node d.js, scale: 0 }\n  one: { image: 'node:22', command: node e.js, scale: 1 }\n  \
        cache: { image: redis, scale: 0 }\n  \
        login: { image: 'node:22', command: 'node b.js --password=hunter2' }\n";
    let why = "it contains a password, which ends up in the world-readable store";
    Repo::of(&[("compose.yaml", compose), (".env.example", "DB_HOST=x\nSECRET_KEY=\n")])
        .has("disabled = true;")
        .carried("services.off.deploy.replicas", "disabled")
        .carried("services.none.scale", "disabled")
        .carried("services.cache.scale", "disabled")
        .has("cache = {\n            # It has no instances in Compose.\n            disabled = true;")
        .has("node d.js\";\n            # It has no instances in Compose.\n            disabled = true;")
        .carried("services.one.scale", "each process runs once")
        .left("services.many.deploy.replicas", "all instances would listen on the same port")
        .left("services.web.env_file", "add the other variables from .env.example to .env")
        .not_left("services.web.command", why)
        .left("services.login.command", why);
    Repo::of(&[
        ("compose.yaml", &compose.replace(", environment: { SECRET_KEY: abc }", "")),
        (".env.example", "A=x\n"),
    ])
    .left("services.web.env_file", "copy .env.example to that path before the first start");
}

#[test]
fn dotnet_programs_run_from_their_project() {
    let image = |build: &str| {
        format!(
            "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS b\nWORKDIR /src\n{build}FROM mcr.microsoft.com/dotnet/aspnet:8.0\n\
            WORKDIR /app\nCOPY --from=b /out .\nENTRYPOINT [\"dotnet\", \"Shop.Api.dll\", \"--seed\"]\n"
        )
    };
    let inside = "COPY [\"Api/Shop.Api.csproj\", \"Api/\"]\nCOPY . .\nWORKDIR /src/Api\nRUN dotnet publish -o /out\n";
    let named = "COPY . .\nRUN dotnet publish Api/Shop.Api.csproj -o /out\n";
    let solution = "COPY . .\nRUN dotnet publish -o /out\n";
    let compose = "services:\n  one: { build: one }\n  two: { build: two }\n  three: { build: three }\n  four: { build: four }\n  \
        five: { build: five }\n  six: { build: six }\n  seven: { build: seven }\n  eight: { build: eight }\n";
    let flags = "COPY . .\nRUN dotnet publish -c Release --self-contained false /p:Debug=no -o /out Web/Web.csproj\n";
    let entered = "COPY . .\nRUN cd Web && dotnet publish -o /out\n";
    let project = "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>\n";
    let renamed = "<Project><PropertyGroup><AssemblyName>Shop.Api</AssemblyName></PropertyGroup></Project>\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("one/Dockerfile", &image(inside)),
        ("one/Api/Shop.Api.csproj", project),
        ("two/Dockerfile", &image(named)),
        ("two/Api/Shop.Api.csproj", project),
        ("two/Core/Shop.Core.csproj", project),
        ("three/Dockerfile", &image(solution)),
        ("three/src/Api/Shop.Api.csproj", project),
        ("three/src/Core/Shop.Core.csproj", project),
        ("four/Dockerfile", &image(solution)),
        ("four/Program.cs", "return 0;\n"),
        ("five/Dockerfile", &image(solution)),
        ("five/Web.csproj", renamed),
        ("five/Tests.csproj", project),
        ("six/Dockerfile", &image(flags)),
        ("six/Web/Web.csproj", renamed),
        ("six/Core/Core.csproj", project),
        ("eight/Dockerfile", &image(&flags.replace("false /p:Debug=no -o /out ", ""))),
        ("eight/Web/Web.csproj", renamed),
        ("eight/Core/Core.csproj", project),
        ("seven/Dockerfile", &image(entered)),
        ("seven/Web/Web.csproj", renamed),
        ("seven/Core/Core.csproj", project),
    ])
    .has("one = {\n            command = \"${pkgs.dotnet-sdk_8}/bin/dotnet run --no-launch-profile -- --seed\";\n            \
        working_dir = \"./one/Api\";")
    .has("run --no-launch-profile --project Api/Shop.Api.csproj -- --seed\";\n            working_dir = \"./two\";")
    .has("run --no-launch-profile --project src/Api/Shop.Api.csproj -- --seed\";\n            working_dir = \"./three\";")
    .has("run --no-launch-profile --project Web.csproj -- --seed\"")
    .has("--project Web/Web.csproj -- --seed\";\n            working_dir = \"./six\";")
    .has("--project Web/Web.csproj -- --seed\";\n            working_dir = \"./seven\";")
    .has("--project Web/Web.csproj -- --seed\";\n            working_dir = \"./eight\";")
    .left("services.four.command", "no project in its build context is known to build `Shop.Api.dll`");
}

#[test]
fn the_user_name_in_an_address_is_not_a_host() {
    let compose = "services:\n  app:\n    image: 'node:22'\n    command: node a.js\n    environment:\n      \
        DB_URL: 'postgresql://app:pw@db:5432/app'\n      QUEUE: 'amqp://app:app@app:7000'\n      PEER: 'http://app:7000/x@y'\n    \
        ports: ['7000:7000']\n  db: { image: 'postgres:16', environment: { POSTGRES_USER: app } }\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("export DB_URL=\"postgresql://app:''${DB_URL_PASSWORD-}@127.0.0.1:${toString ports.databases.postgresql}/app\"")
        .has("export QUEUE=\"amqp://app:''${QUEUE_PASSWORD-}@127.0.0.1:${toString ports.development.app}\"")
        .has("PEER = \"http://127.0.0.1:${toString ports.development.app}/x@y\";");
}

#[test]
fn the_path_variable_of_an_image_is_not_carried_over() {
    let compose = "services:\n  a: { image: 'node:22', command: node a.js, environment: { PATH: '/opt/x/bin:/usr/bin', MODE: x } }\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("MODE = \"x\";")
        .lacks("/opt/x/bin")
        .left("services.a.environment.PATH", "it names folders in the image");
}

#[test]
fn curl_sends_files_from_the_checkout() {
    let compose = "services:\n  a:\n    image: curlimages/curl\n    volumes: ['./setup:/config']\n    \
        entrypoint: sh -c \"curl -d @/config/a.json http://x.test; curl -d @/config/b.json http://x.test\"\n";
    Repo::of(&[("compose.yaml", compose), ("setup/a.json", "{}"), ("setup/b.json", "{}")])
        .has("-d @./setup/a.json")
        .has("-d @./setup/b.json")
        .carried("services.a.volumes", "the path in its command");
}

#[test]
fn sql_init_scripts_get_a_database() {
    let compose = "services:\n  ch: { image: clickhouse/clickhouse-server, volumes: ['./ch:/docker-entrypoint-initdb.d'] }\n  \
        my: { image: 'mysql:8.4', volumes: ['./my:/docker-entrypoint-initdb.d'] }\n";
    Repo::of(&[("compose.yaml", compose), ("ch/1.sql", ""), ("ch/2.sql", ""), ("my/1.sql", "")])
        .has("name = \"default\";\n              schemas = [ ../ch/1.sql ../ch/2.sql ];")
        .carried("services.ch.volumes", "initialDatabases")
        .has("name = \"my_init\";\n              schema = ../my;")
        .carried("services.my.volumes", "initialDatabases");
}

#[test]
fn nats_flags_become_settings() {
    let compose = "services:\n  n: { image: 'nats:2', command: '-js -sd /data -m 8222 --name hub -DV' }\n  \
        o: { image: 'nats:2', command: ['-c', '/etc/n.conf'] }\n  \
        p: { image: 'nats:2', command: ['-a=0.0.0.0', '--net=0.0.0.0', '--name=edge', '--js=true', '-D=false'] }\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("settings.jetstream = { };")
        .has("settings.server_name = \"hub\";")
        .has("settings.server_name = \"edge\";")
        .has("settings.debug = false;")
        .carried("services.p.command", "its options")
        .has("settings.debug = true;")
        .carried("services.n.command", "its options")
        .left("services.o.command", "without `-c /etc/n.conf`");
}

#[test]
fn cache_mounts_do_not_hide_what_a_run_instruction_builds() {
    let image = "FROM golang:1.24 AS b\nWORKDIR /src\nCOPY . .\nRUN --mount=type=cache,target=/root/.cache \\\n    go build -o /api ./cmd/api\n\
        FROM alpine\nCOPY --from=b /api /api\nCMD [\"/api\"]\n";
    let compose = "services:\n  api: { build: . }\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", image), ("go.mod", "module shop\n")])
        .has("/bin/go run ./cmd/api\"");
}

#[test]
fn application_images_run_the_nixpkgs_package() {
    let compose = "services:\n  dl: { image: lscr.io/linuxserver/nzbget, ports: ['6789:6789'] }\n  \
        alerts: { image: ghcr.io/alerta/alerta-api, ports: ['8080:8080'] }\n  \
        console: { image: alerta/alerta-web, ports: ['8082:8080'] }\n  \
        dns: { image: linuxserver/ddclient, volumes: ['./dns:/config'] }\n  \
        lost: { image: linuxserver/ddclient, volumes: ['dns:/config'] }\n  \
        home: { image: lscr.io/linuxserver/homeassistant }\n  docs: { image: couchdb }\nvolumes: { dns: }\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("${pkgs.nzbget}/bin/nzbget --server --configfile ${pkgs.nzbget}/share/nzbget/nzbget.conf")
        .has("${pkgs.alerta-server}/bin/alertad run --host 127.0.0.1 --port ${toString ports.")
        .left("services.console.image", "remove /api from the URLs")
        .has("${pkgs.ddclient}/bin/ddclient -foreground -file ./dns/ddclient.conf")
        .not_left("services.dns.image", "/config")
        .left("services.lost.image", "the image reads its own /config")
        .has("${pkgs.home-assistant}/bin/hass --config ./data/home")
        .left("services.docs.image", "`[admins]` in a local.ini");
}

#[test]
fn applications_whose_variables_differ_in_nixpkgs_are_left_out() {
    let compose =
        "services:\n  auth: { image: 'ghcr.io/steveiliop56/tinyauth:v3' }\n  feeds: { image: rssbridge/rss-bridge }\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.lacks("tinyauth").lacks("rss-bridge").left("services.auth", "").left("services.feeds", "");
}

#[test]
fn each_kafka_broker_becomes_its_own_cluster() {
    let broker = |name: &str, more: &str| {
        format!(
            "  {name}:\n    image: wurstmeister/kafka\n    environment:\n      KAFKA_ZOOKEEPER_CONNECT: zk:2181\n      \
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 2\n{more}"
        )
    };
    let more = "      KAFKA_CREATE_TOPICS: 'a:1:1'\n      KAFKA_JMX_PORT: 9999\n      \
        KAFKA_AUTHORIZER_CLASS_NAME: kafka.security.authorizer.AclAuthorizer\n";
    let compose = format!("services:\n{}{}", broker("one", more), broker("two", ""));
    Repo::of(&[("compose.yaml", &compose)])
        .has("settings.\"offsets.topic.replication.factor\" = 1;")
        .lacks("authorizer.class.name")
        .left("services.one.environment.KAFKA_AUTHORIZER_CLASS_NAME", "AclAuthorizer requires ZooKeeper")
        .lacks("create.topics")
        .lacks("jmx.port")
        .left("services.one.environment.KAFKA_CREATE_TOPICS", "does not create topics")
        .left("services.one.environment.KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "cannot have 2 replicas")
        .left("services.two.image", "its own cluster, without `one`");
}

#[test]
fn database_names_are_not_hosts_and_subcommands_appear_once() {
    let compose = "services:\n  keycloak:\n    image: quay.io/keycloak/keycloak:24.0\n    command: -v start-dev --import-realm\n    \
        environment: { KC_DB_URL_HOST: db, KC_DB_URL_DATABASE: keycloak }\n  db: { image: 'postgres:16' }\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("KC_DB_URL_HOST = \"127.0.0.1\";")
        .has("KC_DB_URL_DATABASE = \"keycloak\";")
        .has("kc.sh start-dev --http-port ${toString ports.")
        .has("} -v --import-realm\"");
    Repo::of(&[("compose.yaml", &compose.replace("-v start-dev", "-v start"))])
        .has("kc.sh start --http-port ${toString ports.")
        .has("} -v --import-realm\"");
}

#[test]
fn variables_like_host_db_and_server_user_are_hosts() {
    let compose = "services:\n  app:\n    image: 'node:22'\n    command: node a.js\n    \
        environment: { HOST_DB: db, HOST_DATABASE: db, SERVER_USER: db, HOST_MAIN_DB: db, APP_URL_DB: db, HOST_PASSWORD: db }\n  \
        db: { image: 'postgres:16' }\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("HOST_DB = \"127.0.0.1\";")
        .has("HOST_DATABASE = \"127.0.0.1\";")
        .has("SERVER_USER = \"127.0.0.1\";")
        .has("HOST_MAIN_DB = \"127.0.0.1\";")
        .has("APP_URL_DB = \"db\";")
        .lacks("HOST_PASSWORD = \"127.0.0.1\";");
}

#[test]
fn programs_built_outside_the_checkout_are_reported() {
    let image = "FROM golang\nWORKDIR /src\nCOPY . .\nRUN git clone https://git.example.org/tool /tmp/tool && cd /tmp/tool && \
        go build -o /usr/local/bin/mytool .\nENTRYPOINT [\"./start.sh\"]\n";
    let compose = "services:\n  tool: { build: . }\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", image), ("start.sh", "#!/bin/sh\nmytool --x\n")])
        .left("services.tool.command", "is not on PATH");
}

#[test]
fn loki_data_is_in_the_mounted_folder() {
    let config = "common:\n  path_prefix: /loki\nstorage_config:\n  filesystem:\n    directory: /loki/chunks/one\n";
    let compose = "services:\n  loki: { image: grafana/loki, volumes: ['./loki.yml:/etc/loki/loki.yml', './chunks:/loki/chunks'] }\n";
    Repo::of(&[("compose.yaml", compose), ("loki.yml", config)])
        .has("path_prefix = \"./data/loki\";")
        .has("directory = \"./chunks/one\";");
}

#[test]
fn passwords_are_set_in_the_mounted_data_folder() {
    let compose = "services:\n  db:\n    image: 'mysql:8.4'\n    environment: { MYSQL_ROOT_PASSWORD: pw }\n    \
        volumes: ['./database:/var/lib/mysql']\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("dataDir = \"./database\";")
        .has("--socket=\"$(realpath ./database/mysql.sock)\"");
}

#[test]
fn reports_name_the_packages_of_grafana_plugins() {
    let compose = "services:\n  g: { image: grafana/grafana, environment: { GF_INSTALL_PLUGINS: 'grafana-clock-panel, a-b-source 1.2.3' } }\n  \
        h: { image: grafana/grafana, environment: { GF_INSTALL_PLUGINS: '', GF_PLUGINS_PREINSTALL_SYNC: 'my-panel,my_panel' } }\n  \
        i: { image: grafana/grafana, environment: { GF_PLUGINS_PREINSTALL: 'my_panel' } }\n";
    Repo::of(&[("compose.yaml", compose)])
        .left(
            "services.g.environment.GF_INSTALL_PLUGINS",
            "declarativePlugins = with pkgs.grafanaPlugins; [ grafana-clock-panel a-b-source ]`, without the plugins that nixpkgs lacks",
        )
        .carried("services.h.environment.GF_INSTALL_PLUGINS", "it is empty")
        .left("services.h.environment.GF_PLUGINS_PREINSTALL_SYNC", "[ my-panel ]`, without the plugins that nixpkgs lacks, and add the plugins in `my_panel`")
        .left("services.i.environment.GF_PLUGINS_PREINSTALL", "to the packages for its plugins");
}

#[test]
fn sites_are_built_if_their_stage_copies_individual_files() {
    let image = "FROM node:22 AS b\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY index.html ./\nCOPY src src\n\
        RUN npm run build\nFROM nginx\nCOPY --from=b /app/dist /usr/share/nginx/html\n";
    let compose = "services:\n  web: { build: ui, ports: ['3000:80'] }\n";
    Repo::of(&[("compose.yaml", compose), ("ui/Dockerfile", image), ("ui/package.json", "{}")])
        .has("root ./ui/dist;")
        .has("npm run build")
        .has("working_dir = \"./ui\";");
}

#[test]
fn global_npm_installations_are_reported() {
    let compose = "services:\n  ui: { image: 'node:22', command: 'sh -c \"npm install -g pnpm && pnpm dev\"' }\n  \
        cli: { image: 'ruimarinho/bitcoin-core:22', command: 'sh -c \"bitcoin-cli -regtest -rpcconnect=btc stop\"' }\n  \
        btc: { image: 'ruimarinho/bitcoin-core:22' }\n  \
        old: { image: 'node:22', command: 'sh -c \"yarn global add serve && serve x\"' }\n  \
        none: { image: 'node:22', command: 'sh -c \"npm root -g && pnpm config set -g store-dir /x && npm ls -g && npm run dev -- -g\"' }\n";
    Repo::of(&[("compose.yaml", compose)])
        .left("services.ui.command", "into the Node.js package, which is read-only")
        .left("services.old.command", "into the Node.js package, which is read-only")
        .not_left("services.none.command", "into the Node.js package")
        .has("bitcoin-cli -regtest -rpcconnect=127.0.0.1 stop");
}

#[test]
fn dotnet_addresses_use_the_registry_port() {
    let compose = "services:\n  a: { image: 'node:22', command: node a.js, ports: ['9000:8080'], environment: { ASPNETCORE_URLS: 'http://+:8080' } }\n";
    Repo::of(&[("compose.yaml", compose)]).has("ASPNETCORE_URLS = \"http://+:${toString ports.");
}
