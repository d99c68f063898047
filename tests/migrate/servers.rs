//! Servers whose ports and data are defined by their commands, variables and files.

use crate::reports::Repo;

#[test]
fn the_registry_has_the_port_that_a_server_is_told() {
    let compose = "services:\n  cache: {image: \"redis:7\", command: redis-server --port 6390, ports: [\"6390:6390\"]}\n  \
        sessions: {image: \"redis:7\", command: redis-server /etc/redis/redis.conf, volumes: [\"./cache:/etc/redis\"]}\n  \
        inline: {image: \"redis:7\", command: sh -c \"redis-server --port 6392\"}\n  \
        shop: {image: \"postgres:16\", command: -p 5440 -c max_connections=50}\n  \
        stock: {image: \"postgres:16\", environment: {PGPORT: 5441}}\n  \
        orders: {image: \"postgres:16\", env_file: orders.env}\n  \
        billing: {image: \"mysql:8.4\", command: --port=3310}\n  \
        ledger: {image: \"mariadb:11.4\", volumes: [\"./my.cnf:/etc/mysql/conf.d/my.cnf\"]}\n  \
        memory: {image: \"memcached:1\", command: -m 64 -p 11220}\n  \
        queue: {image: \"rabbitmq:4\", environment: {RABBITMQ_NODE_PORT: 5680}}\n  \
        media: {image: minio/minio, command: 'server /data --console-address :9090', ports: [\"9090:9090\"]}\n  \
        search: {image: \"getmeili/meilisearch:v1\", environment: {MEILI_HTTP_ADDR: \"0.0.0.0:7710\"}}\n  \
        login: {image: \"keycloak/keycloak:26\", command: start-dev --http-port=8090}\n  \
        app:\n    image: node:22\n    command: node a.js\n    environment:\n      \
          CACHE: cache:6390\n      SESSIONS: redis://sessions:6391\n      INLINE: redis://inline:6392\n      \
          SHOP: postgres://shop:5440/x\n      STOCK: postgres://stock:5441/x\n      ORDERS: postgres://orders:5442/x\n      \
          BILLING: mysql://billing:3310/x\n      LEDGER: mysql://ledger:3311/x\n      MEMORY: memory:11220\n      \
          QUEUE: amqp://queue:5680/\n      SEARCH: http://search:7710\n      LOGIN: http://login:8090\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("cache/redis.conf", "# port 1\nport 6391\nmaxmemory 64mb\n"),
        ("orders.env", "PGPORT=5442\n"),
        ("my.cnf", "[client]\nport = 1\n[mysqld]\nport = 3311\n"),
        ("a.js", ""),
    ]);
    let numbers = [
        ("cache", 6390),
        ("sessions", 6391),
        ("inline", 6392),
        ("shop", 5440),
        ("stock", 5441),
        ("orders", 5442),
        ("billing", 3310),
        ("ledger", 3311),
        ("memory", 11220),
        ("queue", 5680),
        ("search", 7710),
        ("login", 8090),
    ];
    for (name, number) in numbers {
        repo.registers(&format!("{name} = {number};"));
        repo.has(&format!("127.0.0.1:${{toString ports.development.{name}}}"));
    }
    repo.registers("console = 9090;")
        .has("port = ports.development.cache;")
        .has("settings.mysqld.port = ports.development.billing;")
        .has("startArgs = [ \"-m\" \"64\" ];")
        .has("extraConfig = \"maxmemory 64mb\\n\";")
        .has("RABBITMQ_NODE_PORT = toString ports.development.queue;")
        .has("consoleAddress = \"127.0.0.1:${toString ports.development.console}\";")
        .carried("services.shop.command", "its options")
        .carried("services.stock.environment.PGPORT", "the entry in the port registry")
        .not_left("services.cache.ports", "")
        .not_left("services.media.ports", "");
}

#[test]
fn sql_files_run_once_and_in_order() {
    let compose = "services:\n  one: {image: \"mysql:8.4\", volumes: [\"./one.sql:/docker-entrypoint-initdb.d/init.sql\"]}\n  \
        two: {build: ./two}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("one.sql", "CREATE DATABASE shop;\nUSE shop;\nCREATE TABLE items (name text);\n"),
        ("two/b.sql", "INSERT INTO items VALUES ('pear');\n"),
        ("two/a.sql", "CREATE TABLE items (name text);\n"),
        (
            "two/Dockerfile",
            "FROM mysql:8.4\nENV MYSQL_DATABASE=stock\nADD b.sql /docker-entrypoint-initdb.d/2.sql\n\
             ADD a.sql /docker-entrypoint-initdb.d/1.sql\n",
        ),
    ]);
    repo.has("# The SQL files create their own databases.")
        .has("name = \"one_init\";\n              schema = ../one.sql;")
        .has("pkgs.writeText \"init.sql\" \"${builtins.readFile ../two/a.sql}\\nuse `stock`;\\n${builtins.readFile ../two/b.sql}\"")
        .carried("services.one.volumes", "initialDatabases")
        .not_left("services.one.volumes", "")
        .not_left("services.two.volumes", "");
    repo.evaluates();
}

#[test]
fn variables_in_a_file_become_options_of_built_databases() {
    let compose = "services:\n  one: {build: ./one, env_file: [db.env]}\n  two: {build: ./two, env_file: db.env}\n  \
        app: {build: ./app, env_file: db.env}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("db.env", "MYSQL_DATABASE=shop\nPOSTGRES_DB=stock\nPOSTGRES_USER=keeper\nMYSQL_TCP_PORT=3320\n"),
        ("one/Dockerfile", "FROM mysql:8.4\n"),
        ("two/Dockerfile", "FROM postgres:16\n"),
        ("app/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("app/a.js", ""),
    ])
    .registers("one = 3320;")
    .has("name = \"shop\";")
    .has("name = \"stock\";")
    .has("superuser = \"keeper\";")
    .has("if [ -f ../db.env ]")
    .not_left("services.one.env_file", "")
    .not_left("services.two.env_file", "");
}

#[test]
fn rabbitmq_reads_its_files_from_the_checkout() {
    let conf = "# listeners.tcp.default = 1\nlisteners.tcp.default = 5690\nmanagement.load_definitions = \
                /etc/rabbitmq/definitions.json\nssl_options.cacertfile = /etc/ssl/own/ca.pem\n";
    let compose = "services:\n  queue:\n    image: rabbitmq:4-management\n    environment:\n      \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: -rabbit log_levels [{connection,error}]\n    volumes: [\
        \"./queue.conf:/etc/rabbitmq/rabbitmq.conf:ro\", \"./definitions.json:/etc/rabbitmq/definitions.json\", \
        \"./plugins:/etc/rabbitmq/enabled_plugins\"]\n  \
        plain: {image: \"rabbitmq:4\", volumes: [\"./limits.conf:/etc/rabbitmq/conf.d/20-limits.conf\"]}\n  \
        app: {image: \"node:22\", command: node a.js, environment: {URL: \"amqp://queue:5690/\"}}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("queue.conf", conf),
        ("limits.conf", "channel_max = 100\n"),
        ("definitions.json", "{}\n"),
        ("plugins", "[rabbitmq_management].\n"),
        ("a.js", ""),
    ])
    .registers("queue = 5690;")
    .has("URL = \"amqp://127.0.0.1:${toString ports.development.queue}/\";")
    .has("RABBITMQ_CONFIG_FILE = \"${queueQueueConf}\";")
    .has("RABBITMQ_CONFIG_FILES = \"./limits.conf\";")
    .has("RABBITMQ_ENABLED_PLUGINS_FILE = \"./plugins\";")
    .has("listeners.tcp.default = ${toString ports.development.queue}")
    .has("management.load_definitions = ./definitions.json")
    .has("tcp_config [{port,${toString ports.development.queueManagement}}] -rabbit log_levels [{connection,error}]\";")
    .left("services.queue.rabbitmq.conf", "/etc/ssl/own/ca.pem, which exists only in the image")
    .not_left("services.queue.volumes", "")
    .not_left("services.plain.volumes", "");
}

#[test]
fn defaults_in_the_source_are_exported_or_reported() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  py: {build: ./py}\n  go: {build: ./go}\n  \
        js: {build: ./js}\n  rb: {build: ./rb}\n  rs: {build: ./rs}\n";
    let image = |base: &str, command: &str| format!("FROM {base}\nWORKDIR /app\nCOPY . .\nCMD {command}\n");
    let python = image("python:3.12", "python a.py");
    let (go, js) = (image("golang:1.24", "go run ."), image("node:22", "node a.js"));
    let (ruby, rust) = (image("ruby:3.3", "ruby a.rb"), image("rust:1", "cargo run"));
    Repo::of(&[
        ("compose.yaml", compose),
        ("py/Dockerfile", &python),
        ("py/a.py", "HOST = config(\"CACHE_HOST\", default=\"db\")\np.add_argument(\"--db-host\", default=\"db\")\n"),
        ("py/settings.py", "class Settings(BaseSettings):\n    pg_host: str = \"db\"\n"),
        ("go/Dockerfile", &go),
        ("go/go.mod", "module shop\n"),
        ("go/main.go", "type C struct {\n\tHost string `env:\"STORE_HOST\" env-default:\"db\"`\n}\n"),
        ("js/Dockerfile", &js),
        ("js/a.js", "const s = z.object({ MAIN_HOST: z.string().default(\"db\") });\n"),
        ("rb/Dockerfile", &ruby),
        ("rb/a.rb", "host = ENV[\"RUBY_HOST\"] || \"db\"\n"),
        ("rb/config/database.yml", "main:\n  host: <%= ENV.fetch(\"RAILS_HOST\") { \"db\" } %>\n"),
        ("rs/Dockerfile", &rust),
        ("rs/Cargo.toml", "[package]\nname = \"rs\"\n"),
        ("rs/src/main.rs", "let h = env::var(\"RUST_HOST\").unwrap_or_else(|_| \"db\".to_string());\n"),
    ])
    .has("CACHE_HOST = \"127.0.0.1\";")
    .has("PG_HOST = \"127.0.0.1\";")
    .has("STORE_HOST = \"127.0.0.1\";")
    .has("MAIN_HOST = \"127.0.0.1\";")
    .has("RUBY_HOST = \"127.0.0.1\";")
    .has("RAILS_HOST = \"127.0.0.1\";")
    .has("RUST_HOST = \"127.0.0.1\";")
    .left("services.py.source", "\"line\":2,\"path\":\"py/a.py\"");
}

#[test]
fn servers_that_a_dockerfile_installs_are_the_usual_ones() {
    let compose = "services:\n  web: {build: ./web, ports: [\"8080:80\"], volumes: [\"./web.conf:/etc/nginx/nginx.conf\"]}\n  \
        memory: {build: ./memory}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("web.conf", "events {}\nhttp { server { listen 80; location / { return 200 ok; } } }\n"),
        (
            "web/dockerfile",
            "FROM alpine:3.20\nRUN apk add --no-cache nginx\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
        ),
        (
            "memory/Dockerfile",
            "FROM debian:12\nRUN apt-get update && apt-get install -y memcached\nCMD memcached -p 11230\n",
        ),
    ])
    .has("services.nginx.web = {")
    .has("services.memcached.memory = {")
    .registers("memory = 11230;");
}

#[test]
fn ports_have_the_numbers_that_programs_listen_on() {
    let compose = "services:\n  one: {build: ./one, ports: [\"8000:8000\", \"9001:8001\"]}\n  \
        two: {build: ./two, ports: [\"13001:8080\"]}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("one/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("one/a.js", "a.listen(8000); b.listen(8001);\n"),
        ("two/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("two/a.js", "app.listen(process.env.APP_PORT || 8080);\n"),
    ])
    .left("services.one.ports.8001", "it is not reachable on 9001")
    .has("APP_PORT = toString ports.development.two;")
    .registers("two = 13001;");
}

#[test]
fn volumes_of_other_services_are_mounted() {
    let compose = "services:\n  data: {image: busybox, volumes: [\"./web.conf:/etc/nginx/nginx.conf\", \"./my.cnf:/x.cnf\"]}\n  \
        web: {image: nginx, ports: [\"8080:80\"], volumes_from: [data]}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("web.conf", "events {}\nhttp { server { listen 80; location / { return 200 shared; } } }\n"),
        ("my.cnf", ""),
    ])
    .has("return 200 shared;")
    .carried("services.web.volumes_from", "the volumes of those services");
}

#[test]
fn a_password_in_compose_belongs_to_the_user_in_the_image() {
    let compose = "services:\n  my: {build: ./my, environment: {MYSQL_PASSWORD: p}, env_file: app.env}\n  \
        app: {image: \"node:22\", command: node a.js, env_file: app.env}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("my/Dockerfile", "FROM mysql:8.4\nENV MYSQL_DATABASE=shop\nENV MYSQL_USER=keeper\n"),
        ("app.env", "MY_HOST=127.0.0.1\nMY_PORT=3306\n"),
        ("a.js", ""),
    ])
    .has("'\\'''keeper'\\'''@'")
    .carried("services.my.environment.MYSQL_PASSWORD", "settings.processes.my-password")
    .not_left("services.app.env_file", "MY_PORT");
}

/// MySQL answers before its users exist, and a program that waits for its port only would be rejected.
#[test]
fn dependants_wait_for_the_users_of_a_database() {
    let compose = "services:\n  web: {image: node:22, command: node a.js, depends_on: [orders, stock], \
        stdin_open: true, tty: true}\n  \
        orders: {image: \"mysql:8.4\", environment: {MYSQL_DATABASE: shop, MYSQL_USER: u, MYSQL_PASSWORD: p}}\n  \
        stock: {image: \"mysql:8.4\", environment: {MYSQL_DATABASE: stock, MYSQL_ALLOW_EMPTY_PASSWORD: \"1\"}}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("a.js", "")]);
    // Somebody would have to start a process in the foreground by hand.
    repo.has("orders-password.condition = \"process_completed_successfully\";")
        .has("stock-configure.condition = \"process_completed_successfully\";")
        .has("is_tty = true;")
        .lacks("is_foreground");
}
