//! Servers whose ports and data are defined by their commands, variables and files.

use crate::reports::Repo;

#[test]
fn the_registry_has_the_port_that_a_server_is_configured_with() {
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
    repo.registers("mediaConsole = 9090;")
        .has("port = ports.development.cache;")
        .has("settings.mysqld.port = ports.development.billing;")
        .has("startArgs = [ \"-m\" \"64\" ];")
        .has("extraConfig = \"maxmemory 64mb\\n\";")
        .has("RABBITMQ_NODE_PORT = toString ports.development.queue;")
        .has("consoleAddress = \"127.0.0.1:${toString ports.development.mediaConsole}\";")
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
        .has(
            "pkgs.writeText \"init.sql\" \"${builtins.readFile ../two/a.sql}\\nDELIMITER ;\\nSET autocommit = DEFAULT,",
        )
        .has("sql_mode = DEFAULT;\\nuse `stock`;\\n${builtins.readFile ../two/b.sql}\"")
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
fn rabbitmq_keeps_values_that_are_not_paths() {
    let conf = "default_vhost = /\nmanagement.path_prefix = /mq\nmqtt.vhost = /shop\nprometheus.path = /metrics\n\
                cluster_formation.classic_config.nodes.1 = rabbit@queue\n\
                load_definitions = /etc/rabbitmq/definitions.json\nlisteners.tcp.default = 5690\n";
    let compose = "services:\n  queue: {image: \"rabbitmq:4\", volumes: [\"./conf:/etc/rabbitmq\", \
        \"./more.json:/etc/rabbitmq/definitions.json\", \"./x:/mq\"]}\n  \
        two: {image: \"rabbitmq:4\", volumes: [\"./10.conf:/etc/rabbitmq/conf.d/10.conf\", \
        \"./20.conf:/etc/rabbitmq/conf.d/20.conf\"]}\n  \
        none: {image: \"rabbitmq:4\", volumes: [\"./none:/etc/rabbitmq\"]}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("conf/rabbitmq.conf", conf),
        ("more.json", "{}"),
        ("x/a", ""),
        ("10.conf", "channel_max = 100\n"),
        ("20.conf", "heartbeat = 10\n"),
        ("none/definitions.json", "{}"),
    ])
    .has("default_vhost = /\n")
    .has("management.path_prefix = /mq\n")
    .has("mqtt.vhost = /shop\n")
    .has("prometheus.path = /metrics\n")
    .has("nodes.1 = rabbit@queue\n")
    .has("load_definitions = ./more.json\n")
    .not_left("services.queue.rabbitmq.conf", "exists only in the image")
    .left("services.queue.rabbitmq.conf", "the node rabbit@queue exists only on the Compose network")
    .has("RABBITMQ_CONFIG_FILES = \"./10.conf\";")
    .not_left("services.two.volumes", "10.conf")
    .left("services.two.volumes", "the files are in ./20.conf")
    .left("services.none.volumes", "the files are in ./none");
}

#[test]
fn rabbitmq_files_are_found_in_its_image_and_in_mounted_folders() {
    let compose = "services:\n  built: {build: ./built}\n  \
        folder: {image: \"rabbitmq:4\", volumes: [\"./conf:/etc/rabbitmq/conf.d\"]}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        (
            "built/Dockerfile",
            "FROM rabbitmq:4-management\nCOPY rabbitmq.conf /etc/rabbitmq/\nCOPY a.json /etc/rabbitmq/a.json\n\
             COPY other /etc/rabbitmq/other\n",
        ),
        ("built/rabbitmq.conf", "load_definitions = /etc/rabbitmq/a.json\n"),
        ("built/a.json", "{}"),
        ("built/other", ""),
        ("conf/10-port.conf", "listeners.tcp.default = 5699\n"),
        ("conf/20-limits.conf", "channel_max = 100\n"),
    ])
    .not_left("services.built.build", "copies rabbitmq.conf")
    .not_left("services.built.build", "copies a.json")
    .left("services.built.build", "copies other")
    .has("RABBITMQ_CONFIG_FILES = \"./conf\";")
    .left("services.folder.rabbitmq.conf", "conf/10-port.conf")
    .not_left("services.folder.rabbitmq.conf", "20-limits.conf");
}

#[test]
fn a_configuration_file_with_only_a_port_sets_no_extra_configuration() {
    let compose = "services: {cache: {image: \"redis:7\", command: redis-server /redis.conf, volumes: [\"./a.conf:/redis.conf\"]}}\n";
    Repo::of(&[("compose.yaml", compose), ("a.conf", "port 6391\n")]).registers("cache = 6391;").lacks("extraConfig");
}

#[test]
fn a_port_with_the_default_number_of_another_port_is_reported() {
    let compose = "services:\n  media: {image: minio/minio, command: 'server /data --address :9001'}\n  \
        both: {image: minio/minio, command: 'server /data --address :9003 --console-address :9000'}\n";
    Repo::of(&[("compose.yaml", compose)])
        .left("services.media.ports", "set `consoleAddress` to another port")
        .not_left("services.both.ports", "another port");
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
        (
            "py/settings.py",
            "class Store(BaseModel):\n    host: str = \"db\"\nclass Settings(BaseSettings):\n    pg_host: str = \"db\"\n    \
             my_host: str = Field(\"db\", env=\"OTHER\")\n",
        ),
        ("py/b.java", "env.put(\"JAVA_HOST\", \"db\");\n"),
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
    .left("services.py.source", "\"line\":2,\"path\":\"py/a.py\"")
    .left("services.py.source", "on another line")
    .left("services.py.source", "\"line\":2,\"path\":\"py/settings.py\"")
    .left("services.py.source", "py/b.java")
    .lacks(" HOST = \"127.0.0.1\";")
    .lacks("MY_HOST")
    .lacks("JAVA_HOST");
}

#[test]
fn servers_installed_by_a_dockerfile_become_services() {
    let compose = "services:\n  web: {build: ./web, ports: [\"8080:80\"], volumes: [\"./web.conf:/etc/nginx/nginx.conf\"]}\n  \
        memory: {build: ./memory}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("web.conf", "events {}\nhttp { server { listen 80; location / { return 200 ok; } } }\n"),
        (
            "web/Dockerfile",
            "FROM alpine:3.20\nRUN apk add --no-cache nginx\nCMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
        ),
        (
            "memory/Dockerfile",
            "FROM debian:12\nRUN apt-get update && apt-get install -y memcached\nCMD memcached -p 11230\n",
        ),
    ])
    .has("services.nginx.web = {")
    .has("return 200 ok;")
    .not_left("services.web.volumes", "")
    .has("services.memcached.memory = {")
    .registers("memory = 11230;");
}

#[test]
fn installed_servers_with_files_of_their_distribution_do_not_become_services() {
    let compose = "services:\n  site: {build: ./site, ports: [\"8080:80\"]}\n  conf: {build: ./conf, ports: [\"8081:80\"]}\n  \
        own: {build: ./own, ports: [\"8082:80\"]}\n  store: {build: ./store, environment: {MYSQL_DATABASE: shop}}\n";
    let command = "CMD [\"nginx\", \"-g\", \"daemon off;\"]\n";
    Repo::of(&[
        ("compose.yaml", compose),
        (
            "site/Dockerfile",
            &format!("FROM ubuntu:22.04\nRUN apt-get install -y nginx\nCOPY site /var/www/html\n{command}"),
        ),
        ("site/site/index.html", "a"),
        (
            "conf/Dockerfile",
            &format!("FROM alpine:3.20\nRUN apk add nginx\nCOPY a.conf /etc/nginx/http.d/default.conf\n{command}"),
        ),
        ("conf/a.conf", "server { listen 80; }\n"),
        ("own/Dockerfile", &format!("FROM alpine:3.20\nRUN apk add nginx\nCOPY files /etc/nginx/\n{command}")),
        ("own/files/nginx.conf", "events {}\nhttp { server { listen 80; location / { return 200 own; } } }\n"),
        ("store/Dockerfile", "FROM debian:12\nRUN apt-get install -y mariadb-server\nCMD [\"mysqld\"]\n"),
    ])
    .lacks("services.nginx.site")
    .lacks("services.nginx.conf")
    .lacks("services.mysql.store")
    .has("services.nginx.own = {")
    .has("return 200 own;");
}

#[test]
fn a_dockerfile_may_have_a_name_in_lower_case() {
    let compose = "services: {app: {build: .}}\n";
    let image = "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";
    Repo::of(&[("compose.yaml", compose), ("dockerfile", image), ("a.js", "")]).has("/bin/node a.js");
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
fn a_variable_for_a_port_belongs_to_the_program_that_listens_on_it() {
    let compose = "services:\n  back: {image: \"python:3.12\", working_dir: /x, command: python s.py 5000, \
        volumes: [\"./back:/x\"], expose: [5000]}\n  \
        client: {build: ./client, ports: [\"3001:3000\"]}\n  \
        known: {build: ./client, ports: [\"3002:3000\"], environment: {API_PORT: 5000}}\n  \
        prints: {build: ./prints, ports: [\"3003:3000\"]}\n  go: {build: ./go, ports: [\"3004:3000\"]}\n  \
        later: {build: ./later, ports: [\"3005:3000\"]}\n";
    let image = "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("back/s.py", ""),
        ("client/Dockerfile", image),
        ("client/a.js", "const api = [process.env.API_HOST, process.env.API_PORT || 5000];\nstart();\n"),
        ("prints/Dockerfile", image),
        ("prints/a.js", "app.listen(3000); const url = \"http://localhost:\" + process.env.SERVER_PORT;\n"),
        ("go/Dockerfile", "FROM golang:1.24\nWORKDIR /app\nCOPY . .\nCMD [\"go\", \"run\", \".\"]\n"),
        ("go/go.mod", "module shop\n"),
        ("go/main.go", "func main() { http.ListenAndServe(os.Getenv(\"APP_PORT\"), nil) }\n"),
        ("later/Dockerfile", image),
        ("later/a.js", "const port = process.env.WEB_PORT;\napp.listen(port);\n"),
    ])
    .lacks("API_PORT = toString ports.development.client")
    .has("API_PORT = toString ports.development.back;")
    .left("services.client.ports.3000", "it is unknown how the program gets its port")
    .left("services.known.ports.3000", "it is unknown how the program gets its port")
    .lacks("SERVER_PORT")
    .left("services.prints.ports.3000", "it makes the program listen on 3000")
    .has("APP_PORT = \":${toString ports.development.go}\";")
    .has("WEB_PORT = toString ports.development.later;");
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
fn volumes_from_a_built_image_are_reported() {
    let compose =
        "services:\n  php: {build: ./php}\n  web: {image: nginx, ports: [\"8080:80\"], volumes_from: [php]}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("php/Dockerfile", "FROM php:8.3-fpm\nCOPY . /usr/share/nginx/html\nVOLUME /usr/share/nginx/html\n"),
        ("php/index.php", "<?php"),
    ])
    .not_carried("services.web.volumes_from")
    .left("services.web.volumes_from", "");
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

/// MySQL answers before its users exist, and would reject a program that only waits for its port.
#[test]
fn dependants_wait_for_the_users_of_a_database() {
    let compose = "services:\n  web: {image: node:22, command: node a.js, depends_on: [orders, stock], \
        stdin_open: true, tty: true}\n  \
        orders: {image: \"mysql:8.4\", environment: {MYSQL_DATABASE: shop, MYSQL_USER: u, MYSQL_PASSWORD: p}}\n  \
        stock: {image: \"mysql:8.4\", environment: {MYSQL_DATABASE: stock, MYSQL_ALLOW_EMPTY_PASSWORD: \"1\"}}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("a.js", "")]);
    // A foreground process would have to be started by hand.
    repo.has("orders-password.condition = \"process_completed_successfully\";")
        .has("stock-configure.condition = \"process_completed_successfully\";")
        .has("is_tty = true;")
        .lacks("is_foreground");
}

#[test]
fn cycles_of_volumes_from_are_resolved() {
    let names: Vec<String> = (0..12).map(|at| format!("s{at}")).collect();
    let mut compose = "services:\n".to_owned();
    for name in &names {
        let others: Vec<&str> = names.iter().map(String::as_str).filter(|other| other != name).collect();
        compose += &format!(
            "  {name}: {{image: \"node:22\", command: node /{name}/a.js, volumes: [\"./{name}:/{name}\"], \
             volumes_from: [{}]}}\n",
            others.join(", ")
        );
    }
    Repo::of(&[("compose.yaml", &compose), ("s0/a.js", "")]).has("node ./s11/a.js");
}

#[test]
fn variables_of_other_images_do_not_change_a_port() {
    let compose = "services:\n  store: {image: clickhouse/clickhouse-server, environment: {CLICKHOUSE_TCP_PORT: 9100}}\n  \
        other: {image: bitnami/mariadb, environment: {MARIADB_PORT_NUMBER: 3320}}\n  \
        app: {image: \"node:22\", command: node a.js, environment: {STORE: \"store:9000\"}}\n";
    Repo::of(&[("compose.yaml", compose), ("a.js", "")])
        .registers("store = 9000;")
        .registers("other = 3320;")
        .has("STORE = \"127.0.0.1:${toString ports.development.store}\";")
        .left("services.store.environment.CLICKHOUSE_TCP_PORT", "");
}
