//! Typical stacks. Each is migrated on disk, and evaluated with the real modules if environment variables name them
//! (see evaluate.rs).

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::evaluate::{Modules, init, migrate, repository};
use crate::texts::check_shell;
use crate::tools::FLAKEWARD;

/// A repository that is migrated.
struct Migrated {
    root: TempDir,
    module: String,
    /// The evaluated processes, if the real modules are available.
    processes: Option<Value>,
}

impl Migrated {
    /// Creates a repository with some files, and migrates its `compose.yaml`.
    fn of(files: &[(&str, &str)]) -> Self {
        let root = repository(files);
        let projects = migrate(root.path(), &["compose.yaml"]);
        let [(project, module)] = projects.as_slice() else { panic!("{projects:?}") };
        check_shell(module);
        let evaluated = |modules: Modules| modules.processes(module, project).unwrap()["processes"].clone();
        let processes = Modules::find().map(evaluated);
        Self { module: fs::read_to_string(module).unwrap(), processes, root }
    }

    fn file(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path)).unwrap()
    }

    fn has(&self, text: &str) -> &Self {
        assert!(self.module.contains(text), "{text:?} is missing from\n{}", self.module);
        self
    }

    fn lacks(&self, text: &str) -> &Self {
        assert!(!self.module.contains(text), "{text:?} is in\n{}", self.module);
        self
    }

    /// Checks the condition on which a process waits for another, if the processes have been evaluated.
    fn waits(&self, process: &str, other: &str, condition: &str) {
        if let Some(processes) = &self.processes {
            let found = &processes[process]["depends_on"][other]["condition"];
            assert_eq!(found, condition, "{process} and {other}: {}", processes[process]);
        }
    }
}

const RAILS: &str = r#"
x-app: &app
  build: .
  environment: &env
    DATABASE_URL: postgres://app:hidden@db:5432/app_production
    REDIS_URL: redis://redis:6379/1
    RAILS_MAX_THREADS: "${RAILS_MAX_THREADS:-5}"
    SECRET_KEY_BASE: 0123456789abcdef
  depends_on:
    db: { condition: service_healthy }
    redis: { condition: service_started }
services:
  web:
    <<: *app
    ports: ["3000:3000"]
    healthcheck:
      test: [
        "CMD-SHELL",
        "curl -f http://localhost:3000/up || exit 1"
      ]
      interval: 10s
  sidekiq:
    <<: *app
    command: bundle exec sidekiq -C config/sidekiq.yml
  db:
    image: postgres:16-alpine
    environment: { POSTGRES_USER: app, POSTGRES_PASSWORD: hidden, POSTGRES_DB: app_production }
  redis:
    image: redis:7-alpine
"#;

#[test]
fn a_rails_application_and_its_worker_are_migrated() {
    let dockerfile = "FROM ruby:3.3-slim\nWORKDIR /rails\nCOPY . .\nRUN bundle install\nEXPOSE 3000\n\
        ENTRYPOINT [\"/rails/bin/docker-entrypoint\"]\nCMD [\"rails\", \"server\", \"-b\", \"0.0.0.0\"]\n";
    let files = [
        ("compose.yaml", RAILS),
        ("Dockerfile", dockerfile),
        ("bin/docker-entrypoint", "#!/bin/bash\nexec \"$@\"\n"),
        ("config/puma.rb", "port ENV[\"PORT\"]\n"),
    ];
    let stack = Migrated::of(&files);
    stack
        .has("./bin/docker-entrypoint ${pkgs.ruby_3_3}/bin/bundle exec rails server -b 0.0.0.0")
        .has("REDIS_URL = \"redis://127.0.0.1:${toString ports.databases.redis}/1\"")
        .has("path = \"/up\"")
        .lacks("hidden")
        .lacks("0123456789abcdef");
    assert!(stack.file(".env").contains("SECRET_KEY_BASE=0123456789abcdef"));
    // The worker runs the same image and does not listen.
    assert_eq!(stack.file("lib/ports.nix").matches("= 3").count(), 1, "{}", stack.file("lib/ports.nix"));
    stack.waits("web", "db", "process_healthy");
    stack.waits("sidekiq", "redis", "process_started");
}

const MONITORING: &str = r#"
services:
  prometheus:
    image: prom/prometheus:v3.4.2
    command: ["--config.file=/etc/prometheus/prometheus.yml", "--web.enable-lifecycle"]
    volumes: ["./prometheus:/etc/prometheus"]
  alertmanager:
    image: quay.io/prometheus/alertmanager:v0.28.1
    command: ["--config.file=/etc/alertmanager/config.yml", "--storage.path=/alertmanager"]
    volumes: ["./alertmanager:/etc/alertmanager"]
  node-exporter:
    image: quay.io/prometheus/node-exporter:v1.9.1
    command: ["--path.procfs=/host/proc", "--path.rootfs=/rootfs"]
    volumes: ["/proc:/host/proc:ro", "/:/rootfs:ro"]
  hooks:
    image: caddy:2
    ports: ["8000:80"]
    volumes: ["./Caddyfile:/etc/caddy/Caddyfile"]
  grafana:
    image: grafana/grafana:12.0.2
    ports: ["3000:3000"]
    environment:
      GF_SECURITY_ADMIN_PASSWORD: opensesame
      GF_AUTH_ANONYMOUS_ENABLED: "true"
    volumes:
      - ./grafana/provisioning:/etc/grafana/provisioning
      - ./grafana/dashboards:/var/lib/grafana/dashboards
    depends_on: [prometheus]
"#;

#[test]
fn a_monitoring_stack_with_provisioned_dashboards_is_migrated() {
    let datasource =
        "apiVersion: 1\ndatasources:\n  - name: Prometheus\n    type: prometheus\n    url: http://prometheus:9090\n";
    let provider = "apiVersion: 1\nproviders:\n  - name: files\n    type: file\n    options:\n      path: /var/lib/grafana/dashboards\n";
    let scrape = "rule_files: [rules.yml]\nalerting:\n  alertmanagers:\n    - static_configs:\n        - targets: ['alertmanager:9093']\n\
        scrape_configs:\n  - job_name: node\n    static_configs:\n      - targets: ['node-exporter:9100']\n";
    let files = [
        ("compose.yaml", MONITORING),
        ("prometheus/prometheus.yml", scrape),
        ("prometheus/rules.yml", "groups: []\n"),
        (
            "alertmanager/config.yml",
            "receivers:\n  - name: hook\n    webhook_configs: [{ url: 'http://hooks:80/alerts' }]\n",
        ),
        ("Caddyfile", ":80 {\n  respond \"ok\"\n}\n"),
        ("grafana/provisioning/datasources/all.yml", datasource),
        ("grafana/provisioning/dashboards/all.yml", provider),
        ("grafana/dashboards/node.json", "{}"),
    ];
    let stack = Migrated::of(&files);
    stack
        .has("url = \"http://127.0.0.1:${toString ports.monitoring.prometheus}\"")
        .has("path = ../grafana/dashboards;")
        .has("rule_files = [ ../prometheus/rules.yml ]")
        .has("\"--web.enable-lifecycle\"")
        .has("extraConf.\"auth.anonymous\".enabled = \"true\"")
        .has("\"$__env{GF_SECURITY_ADMIN_PASSWORD}\"")
        .has("--path.procfs=/proc --path.rootfs=/")
        .has("--config.file=${alertmanagerConfigYml}")
        .has("http://127.0.0.1:${toString ports.development.hooks}/alerts")
        .has(":${toString ports.development.hooks} {")
        .lacks("opensesame");
    assert!(stack.file(".env").contains("GF_SECURITY_ADMIN_PASSWORD=opensesame"));
    assert!(stack.file("lib/ports.nix").contains("hooks = 8000;"), "{}", stack.file("lib/ports.nix"));
    stack.waits("grafana", "prometheus", "process_started");
}

#[test]
fn a_site_that_another_stage_builds_has_its_own_build_process() {
    let compose = "services:\n  site:\n    build:\n      context: ./web\n      args: { VITE_API_URL: 'http://localhost:8000' }\n    \
        ports: ['8080:80']\n  api:\n    image: python:3.12\n    command: python -m http.server 8000\n    ports: ['8000:8000']\n";
    let dockerfile = "FROM node:22 AS build\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nARG VITE_API_URL\n\
        RUN --mount=type=cache,target=/root/.npm npm run build\nFROM nginx:alpine\nCOPY --from=build /app/dist /usr/share/nginx/html\n";
    let files = [("compose.yaml", compose), ("web/Dockerfile", dockerfile), ("web/package.json", "{}")];
    let stack = Migrated::of(&files);
    stack.has("root ./web/dist;").has("npm ci\n").has("npm run build\n").has("working_dir = \"./web\"");
    stack.waits("site", "site-build", "process_completed_successfully");
}

#[test]
fn kafka_clients_use_the_only_listener() {
    let compose = "services:\n  kafka:\n    image: confluentinc/cp-kafka:7.5.0\n    ports: ['9092:9092', '29092:29092']\n    \
        environment:\n      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://kafka:29092,HOST://localhost:9092\n  topics:\n    \
        image: confluentinc/cp-kafka:7.5.0\n    depends_on: { kafka: { condition: service_healthy } }\n    \
        entrypoint: ['/bin/sh', '-c']\n    command: ['kafka-topics --bootstrap-server kafka:29092 --create --topic orders']\n  app:\n    \
        image: node:22\n    command: node app.js\n    environment: { BROKERS: 'kafka:29092' }\n";
    let stack = Migrated::of(&[("compose.yaml", compose)]);
    stack
        .has("BROKERS = \"127.0.0.1:${toString ports.messaging.kafka}\"")
        .has("kafka-topics.sh --bootstrap-server 127.0.0.1:${toString ports.messaging.kafka} --create")
        .lacks("29092");
    stack.waits("topics", "kafka", "process_healthy");
}

#[test]
fn minio_and_mongodb_passwords_are_set_at_run_time() {
    let compose = "services:\n  store:\n    image: minio/minio\n    command: server /data\n    environment: { MINIO_ROOT_USER: admin, \
        MINIO_ROOT_PASSWORD: opensesame1 }\n  mongo:\n    image: mongo:7\n    environment: { MONGO_INITDB_ROOT_USERNAME: root, \
        MONGO_INITDB_ROOT_PASSWORD: '${MONGO_PW:-opensesame2}' }\n";
    let stack = Migrated::of(&[("compose.yaml", compose)]);
    stack
        .has("accessKey = \"admin\"")
        .has("secretKey = \"\\${MINIO_ROOT_PASSWORD:-}\"")
        .has("password = \"\\${MONGO_PW:-}\"")
        .lacks("opensesame");
    let env = stack.file(".env");
    assert!(env.contains("MINIO_ROOT_PASSWORD=opensesame1\n") && env.contains("MONGO_PW=opensesame2\n"), "{env}");
    // With the real module, the service has a start script.
    if let Some(processes) = &stack.processes {
        let script = processes["store"]["command"].as_str().unwrap().trim_start_matches("bash ").to_owned();
        assert!(!Path::new(&script).as_os_str().is_empty());
    }
}

#[test]
fn hosts_in_the_defaults_of_source_code_are_replaced() {
    let compose = "services:\n  web:\n    build: .\n    ports: ['8000:8000']\n    env_file: [web.env]\n    environment: { PORT: 8000 }\n  \
        postgres:\n    image: postgres:16\n  redis:\n    image: redis:7\n";
    let settings = "import os\nHOST = os.getenv(\"POSTGRES_HOST\", \"postgres\")\nURL = os.environ.get('REDIS_URL', 'redis://redis:6379/0')\n\
        NAME = os.getenv(\"NAME\", \"postgres\")\n";
    let files = [
        ("compose.yaml", compose),
        ("web.env", "PORT=9999\nDEBUG=true\n"),
        ("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"app.py\"]\n"),
        ("app/settings.py", settings),
    ];
    let stack = Migrated::of(&files);
    stack
        .has("POSTGRES_HOST = \"127.0.0.1\"")
        .has("REDIS_URL = \"redis://127.0.0.1:${toString ports.databases.redis}/0\"")
        .lacks("NAME = \"127.0.0.1\"")
        // The env file is read first, so that the registry's port takes precedence.
        .has("web.env; set +a; fi\n                export PORT=");
}

#[test]
fn variables_without_a_value_are_not_written() {
    let compose = "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_USER: ${DB_USER}\n      POSTGRES_DB: ${DB_NAME}\n  \
        app:\n    image: python:3.12\n    command: python app.py\n    environment: { DB_USER: '${DB_USER}', HASH: '${HASH:-$2a$14$.x}' }\n";
    let stack = Migrated::of(&[("compose.yaml", compose)]);
    stack.has("superuser = \"postgres\"").lacks("name = \"\"").has("HASH = \"$2a$14$.x\"");
}

#[test]
fn the_rabbitmq_management_plugin_keeps_its_published_port() {
    let compose = "services:\n  queue:\n    image: rabbitmq:3-management-alpine\n    ports: ['5672:5672', '15673:15672']\n  \
        plain:\n    image: rabbitmq:4\n    ports: ['5673:5672']\n";
    let stack = Migrated::of(&[("compose.yaml", compose)]);
    assert_eq!(stack.module.matches("[rabbitmq_management].").count(), 1, "{}", stack.module);
    let Some(processes) = &stack.processes else { return };
    let environment = processes["queue"]["environment"].to_string();
    assert!(environment.contains("-rabbitmq_management tcp_config [{port,15673}]"), "{environment}");
    assert_eq!(processes["queue"]["readiness_probe"]["http_get"]["port"], 15673);
    assert!(environment.contains("enabled_plugins"), "{environment}");
}

#[test]
fn scripts_in_an_image_are_not_replaced_by_its_program() {
    let compose = "services:\n  app:\n    image: nextcloud:apache\n    ports: ['8080:80']\n  cron:\n    image: nextcloud:apache\n    \
        entrypoint: /cron.sh\n  vault:\n    image: hashicorp/vault\n    entrypoint: ['/bin/sh', '/start/vault.sh']\n    \
        volumes: ['./start:/start']\n";
    let stack = Migrated::of(&[("compose.yaml", compose), ("start/vault.sh", "#!/bin/sh\nvault server -dev\n")]);
    stack.has("${pkgs.bash}/bin/sh ./start/vault.sh").has("app = {").lacks("cron = {");
}

#[test]
fn programs_get_the_local_paths_of_mounted_files() {
    let compose = "services:\n  site:\n    image: httpd:2.4\n    ports: ['8088:80']\n    volumes: ['./public:/usr/local/apache2/htdocs/']\n  \
        db:\n    image: postgres:16\n  migrations:\n    image: flyway/flyway:10\n    \
        command: -url=jdbc:postgresql://db:5432/app -user=app migrate\n    volumes: ['./sql:/flyway/sql']\n  \
        collector:\n    image: grafana/alloy:latest\n    volumes: ['./config.alloy:/etc/alloy/config.alloy']\n    ports: ['12345:12345']\n";
    let files =
        [("compose.yaml", compose), ("public/index.html", "hi"), ("config.alloy", "// none"), ("sql/V1.sql", "")];
    let stack = Migrated::of(&files);
    stack
        .has("--root ./public")
        .has("caddy file-server --listen 127.0.0.1:${toString ports.")
        .has("-locations=filesystem:./sql -url=jdbc:postgresql://127.0.0.1:${toString ports.databases.postgresql}/app")
        .has("--storage.path=./data/collector ./config.alloy");
}

#[test]
fn distroless_images_and_run_in_exec_form_are_supported() {
    let compose = "services:\n  web:\n    build: ./web\n    ports: ['3000:3000']\n  api:\n    build: ./api\n    ports: ['5000:80']\n";
    let web = "FROM node:22 AS build\nWORKDIR /app\nCOPY . .\nRUN npm ci\nFROM gcr.io/distroless/nodejs22-debian12:nonroot\n\
        WORKDIR /app\nCOPY --from=build /app .\nCOPY index.js .\nCMD [\"index.js\"]\n";
    let api = "FROM mcr.microsoft.com/dotnet/sdk:9.0 AS build\nWORKDIR /src\nCOPY . .\nRUN [\"dotnet\", \"publish\", \"-o\", \"/out\"]\n\
        FROM mcr.microsoft.com/dotnet/aspnet:9.0\nCOPY --from=build /out .\nCMD [\"dotnet\", \"api.dll\"]\n";
    let files = [("compose.yaml", compose), ("web/Dockerfile", web), ("web/index.js", ""), ("api/Dockerfile", api)];
    let stack = Migrated::of(&files);
    stack.has("${pkgs.nodejs_22}/bin/node index.js").has("${pkgs.dotnet-sdk_9}/bin/dotnet run");
}

#[test]
fn reports_name_the_dockerfile_of_an_image_and_the_data_folder() {
    let compose = "services:\n  vote:\n    image: acme/shop_vote\n  notes:\n    image: neosmemo/memos:stable\n    \
        volumes: ['notes-data:/var/opt/memos']\nvolumes:\n  notes-data:\n";
    let root = TempDir::new().unwrap();
    init(root.path());
    fs::create_dir(root.path().join("vote")).unwrap();
    fs::write(root.path().join("vote/Dockerfile"), "FROM scratch\n").unwrap();
    fs::write(root.path().join("compose.yaml"), compose).unwrap();
    let arguments = ["migrate", "compose", "--format", "json", "compose.yaml"];
    let output = Command::new(FLAKEWARD).args(arguments).current_dir(root.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let find = |list: &str, what: &str| {
        let found = report[list].as_array().unwrap().iter().find(|entry| entry["what"] == what);
        found.unwrap_or_else(|| panic!("{what} is not in {report}")).clone()
    };
    let todo = find("left", "services.vote")["todo"].to_string();
    assert!(todo.contains("write `build: ./vote`"), "{todo}");
    let into = find("carried", "services.notes.volumes")["into"].to_string();
    assert!(into.contains("./data/notes"), "{into}");
}

#[test]
fn words_in_a_script_are_programs_only_at_the_start_of_a_command() {
    let compose = "services:\n  a:\n    image: node:22\n    command: sh -c \"npm ci && npm run serve\"\n  b:\n    image: php:8.3\n    \
        command: sh -c \"php artisan migrate && php artisan serve\"\n  c:\n    image: node:22\n    \
        command: sh -c \"for i in 1 2; do serve dist; done; ./wait.sh db:5432 -- python app.py\"\n";
    let files = [("compose.yaml", compose), ("wait.sh", "#!/bin/sh\n")];
    Migrated::of(&files)
        .has("npm ci && npm run serve\\n")
        .has("php artisan migrate && php artisan serve\\n")
        .lacks("go-migrate")
        .has("do npx --no-install serve dist; done; bash ./wait.sh db:5432 -- python3 app.py");
}

#[test]
fn sql_files_run_in_order_if_no_database_is_named() {
    let compose = "services:\n  db:\n    image: postgres:16\n    volumes: ['./init:/docker-entrypoint-initdb.d']\n";
    let files = [("compose.yaml", compose), ("init/2.sql", ""), ("init/1.sql", "")];
    Migrated::of(&files).has("\\i ${../init/1.sql}\n            \\i ${../init/2.sql}\n");
}

#[test]
fn a_request_that_accepts_any_response_remains_a_command() {
    let check = |test: &str| format!("    ports: ['8000:8000']\n    healthcheck: {{ test: '{test}' }}\n");
    let compose = format!(
        "services:\n  a:\n    image: python:3.12\n    command: python a.py --port 8000\n{}",
        check("curl http://localhost:8000")
    );
    Migrated::of(&[("compose.yaml", &compose)]).lacks("http_get").has("curl http://localhost:${toString ports.");
    let compose = compose.replace("curl", "curl -sf");
    Migrated::of(&[("compose.yaml", &compose)]).has("http_get");
}

#[test]
fn the_host_and_port_of_connection_strings_are_replaced() {
    let compose = "services:\n  db: { image: 'postgres:16', ports: ['5433:5432'] }\n  app:\n    image: node:22\n    command: node a.js\n    \
        environment:\n      URI: host=db user=x dbname=y port=5432 sslmode=disable\n      ADO: Host=db;Username=x;Database=y\n      \
        CFG: '{\"host\": \"db\", \"port\": 5432}'\n      OUTSIDE: http://host.docker.internal:8545\n      SELF: http://host.docker.internal:5433\n";
    Migrated::of(&[("compose.yaml", compose)])
        .has("URI = \"host=127.0.0.1 user=x dbname=y port=${toString ports.databases.db} sslmode=disable\"")
        .has("ADO = \"Host=127.0.0.1;port=${toString ports.databases.db};Username=x;Database=y\"")
        .has("\\\"host\\\": \\\"127.0.0.1\\\", \\\"port\\\": ${toString ports.databases.db}}")
        .has("OUTSIDE = \"http://127.0.0.1:8545\"")
        .has("SELF = \"http://127.0.0.1:${toString ports.databases.db}\"");
}

#[test]
fn port_keys_belong_to_the_host_next_to_them() {
    let compose = "services:\n  db1: { image: 'postgres:16' }\n  db2: { image: 'postgres:15' }\n  \
        other: { image: 'node:22', command: node b.js, ports: ['8100:8000'] }\n  app:\n    image: node:22\n    command: node a.js\n    \
        ports: ['8000:8000']\n    environment:\n      \
        BOTH: '{\"a\": {\"host\": \"db1\", \"port\": 5432}, \"b\": {\"port\": 5432, \"host\": \"db2\"}}'\n      \
        OUTSIDE: '{\"a\": {\"host\": \"db1\", \"port\": 5432}, \"b\": {\"host\": \"pg.example.com\", \"port\": 5432}}'\n      \
        OWN: '{\"port\": 8000, \"upstream\": {\"host\": \"other\", \"port\": 8000}}'\n      \
        LAST: user=x dbname=y host=db2\n      OPTIONS: --host=db2 --username=root --no-owner\n      \
        FLAGS: --host=db2 --port=5432\n      PROPERTIES: -Dx.a.host=db1 -Dx.b.port=5432 -Dx.a.port=5432 -Dx.b.host=db2\n      \
        INNER: '{\"options\": {\"port\": 5432}, \"host\": \"db2\"}'\n      SERVED: server.port=8000 other_host=other other_port=8000\n";
    Migrated::of(&[("compose.yaml", compose)])
        .has("{\\\"a\\\": {\\\"host\\\": \\\"127.0.0.1\\\", \\\"port\\\": ${toString ports.development.db1}}, \\\"b\\\": {\\\"port\\\": ${toString ports.development.db2}, \\\"host\\\": \\\"127.0.0.1\\\"}}")
        .has("\\\"host\\\": \\\"pg.example.com\\\", \\\"port\\\": 5432}")
        .has("OWN = \"{\\\"port\\\": 8000, \\\"upstream\\\": {\\\"host\\\": \\\"127.0.0.1\\\", \\\"port\\\": ${toString ports.development.other}}")
        .has("LAST = \"user=x dbname=y host=127.0.0.1 port=${toString ports.development.db2}\"")
        .has("FLAGS = \"--host=127.0.0.1 --port=${toString ports.development.db2}\"")
        .has("PROPERTIES = \"-Dx.a.host=127.0.0.1 -Dx.b.port=${toString ports.development.db2} -Dx.a.port=${toString ports.development.db1} -Dx.b.host=127.0.0.1\"")
        .has("INNER = \"{\\\"options\\\": {\\\"port\\\": ${toString ports.development.db2}}, \\\"host\\\": \\\"127.0.0.1\\\"}\"")
        .has("SERVED = \"server.port=8000 other_host=127.0.0.1 other_port=${toString ports.development.other}\"")
        .has("OPTIONS = \"--host=127.0.0.1 --username=root --no-owner\"");
}

#[test]
fn programs_built_by_go_or_cargo_run_in_their_build_folder() {
    let go = "FROM golang:1.24 AS b\nWORKDIR /app\nCOPY . .\nRUN go build -o api . && go build -o seed seed/main.go\n\
        FROM alpine\nWORKDIR /app\nCOPY --from=b /app/api .\nCOPY --from=b /app/seed .\nCMD [\"./api\"]\n";
    let cargo = "FROM rust AS b\nWORKDIR /app\nCOPY . .\nRUN cargo build --release --bin worker --features fast\n\
        FROM debian\nWORKDIR /app\nCOPY --from=b /app/target/release/worker .\nCMD [\"./worker\"]\n";
    let script = "FROM rust AS b\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\nFROM debian\nWORKDIR /app\n\
        COPY --from=b /app/target/release/x .\nCOPY scripts/start.sh /app/start.sh\nCMD [\"./start.sh\"]\n";
    let compose = "services:\n  api: { build: ./back }\n  seed: { build: ./back, command: ./seed }\n  worker: { build: ./rust }\n  \
        started: { build: ./own }\n";
    let files = [
        ("compose.yaml", compose),
        ("back/Dockerfile", go),
        ("back/go.mod", "module back\n"),
        ("rust/Dockerfile", cargo),
        ("rust/Cargo.toml", "[package]\n"),
        ("own/Dockerfile", script),
        ("own/scripts/start.sh", "#!/bin/sh\n/app/x\n"),
    ];
    Migrated::of(&files)
        .has("/bin/go run .\"")
        .has("/bin/go run seed/main.go\"")
        .has("working_dir = \"./back\"")
        .has("cargo run --release --bin worker --features fast --")
        .has("scripts/start.sh")
        .lacks("working_dir = \"./back/seed\"");
}
