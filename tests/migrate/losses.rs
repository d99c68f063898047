//! Programs, addresses and files that are easily lost or replaced with others: they are carried over unchanged, or
//! reported.

use crate::reports::Repo;

#[test]
fn programs_built_in_an_image_are_not_replaced_by_packages() {
    let rust = "FROM rust:1 AS b\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\nFROM debian:12\n\
                COPY --from=b /app/target/release/server /usr/local/bin/server\nCMD [\"server\"]\n";
    let go = "FROM golang:1.24 AS b\nWORKDIR /src\nCOPY . .\nRUN go build -o /out/migrate ./cmd/migrate\nFROM alpine\n\
              COPY --from=b /out/migrate /usr/local/bin/migrate\nCMD [\"/usr/local/bin/migrate\", \"-v\"]\n";
    let compose = "services:\n  api: {build: ./rust}\n  job: {build: ./go}\n  \
                   sign: {build: ./node, command: auth}\n  \
                   shell: {build: ./node, command: [sh, -c, \"auth --now\"]}\n  \
                   known: {build: ./known, command: prometheus --version}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("rust/Dockerfile", rust),
        ("rust/Cargo.toml", "[package]\nname = \"server\"\n"),
        ("go/Dockerfile", go),
        ("go/go.mod", "module shop\n"),
        ("node/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\n"),
        ("known/Dockerfile", "FROM acme/tools:1\nCOPY --from=prom/pushgateway /bin/pushgateway /bin/\n"),
    ]);
    repo.has("${pkgs.cargo}/bin/cargo run --release --")
        .has("${pkgs.go}/bin/go run ./cmd/migrate -v")
        .lacks("immich")
        .lacks("supabase")
        .lacks("go-migrate")
        .left("services.sign", "`auth`")
        .left("services.shell.command", "`auth`")
        .left("services.known", "`prometheus`");
}

#[test]
fn unknown_commands_are_not_mistaken_for_the_only_built_program() {
    let go = "FROM golang:1.24\nWORKDIR /app\nCOPY . .\nRUN go build -o /usr/local/bin/app ./cmd/app\n";
    let tool = "FROM golang:1.24\nWORKDIR /app\nCOPY . .\n\
                RUN go build -o /usr/local/bin/migrate github.com/golang-migrate/migrate/cli\n";
    let rust = "FROM rust:1\nWORKDIR /app\nCOPY . .\nRUN cargo install --path . && cp -r target/x /usr/bin/copied\n";
    let compose = "services:\n  app: {build: ./go, command: app --x}\n  worker: {build: ./go, command: worker}\n  \
                   fresh: {build: ./tool, command: fresh}\n  tool: {build: ./tool, command: migrate up}\n  \
                   shop: {build: ./rust, command: shop-api}\n  other: {build: ./rust, command: other}\n  \
                   copied: {build: ./rust, command: copied}\n  bin: {build: ./rust, command: seed}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("go/Dockerfile", go),
        ("go/go.mod", "module example.org/shop\n"),
        ("tool/Dockerfile", tool),
        ("tool/go.mod", "module example.org/cards\n"),
        ("rust/Dockerfile", rust),
        ("rust/Cargo.toml", "[package]\nname = \"shop_api\"\n[dependencies.x]\nname = \"other\"\n"),
        ("rust/src/bin/seed.rs", "fn main() {}\n"),
    ]);
    repo.has("go run ./cmd/app --x")
        .has("${pkgs.go-migrate}/bin/migrate up")
        .lacks("golang-migrate")
        .left("services.worker", "`worker` is unknown")
        .left("services.fresh", "`fresh` is unknown")
        .left("services.other", "`other` is unknown")
        .not_left("services.shop", "left out")
        .not_left("services.copied", "left out")
        .not_left("services.bin", "left out");
}

#[test]
fn env_file_variables_have_the_values_that_compose_reads() {
    let compose = "services:\n  app: {image: \"node:22\", command: node a.js, env_file: [plain.env, app.env]}\n  \
                   odd: {image: \"node:22\", command: node a.js, env_file: odd.env}\n  \
                   crlf: {image: \"node:22\", command: node a.js, env_file: crlf.env}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("plain.env", "A=1\n"),
        ("app.env", "NAME=My App\nURL=http://x/?a=1&b=2\nPAR=a(b)\nPW=pa$$word\n"),
        ("crlf.env", "A=1\r\n"),
        ("odd.env", "X=a b\nLINES=\"one\ntwo\"\nTAB=\"a\\tb\"\nREF=${X} c\n"),
    ]);
    repo.has("if [ -f ./plain.env ]; then set -a; . ./plain.env; set +a; fi\n")
        .has("if [ -f ./app.env ]; then read_env ./app.env; fi\n")
        .has("if [ -f ./crlf.env ]; then read_env ./crlf.env; fi\n")
        .left("services.odd.env_file", "LINES")
        .left("services.odd.env_file", "\"line\":4")
        .left("services.odd.env_file", "REF")
        .not_left("services.odd.env_file", "of X ")
        .not_left("services.app.env_file", "");
}

#[test]
fn hosts_in_source_code_are_reported() {
    let compose = "services:\n  db: {image: \"postgres:16\", environment: {POSTGRES_PASSWORD: x}}\n  \
                   cache: {image: \"memcached:1\"}\n  \
                   app: {build: ./app, entrypoint: [sh, /app/entrypoint.sh]}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("app/Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"),
        (
            "app/entrypoint.sh",
            "#!/bin/sh\n# wait for db 5432\nwhile ! nc -z db 5432; do sleep 1; done\npython app.py\n",
        ),
        (
            "app/app.py",
            "import db\nconnect(\"postgresql://postgres:x@db:5432/x\")\nservers = ['cache:11211']\n\
             url = os.getenv('URL', 'redis://cache:11211')\n",
        ),
        ("app/settings.ini", "[a]\nhost = db\n"),
    ]);
    repo.left("services.app.source", "app/entrypoint.sh\",\"todo")
        .left("services.app.source", "\"line\":3,\"path\":\"app/entrypoint.sh\"")
        .left("services.app.source", "\"line\":2,\"path\":\"app/app.py\"")
        .left("services.app.source", "\"line\":3,\"path\":\"app/app.py\"")
        .left("services.app.source", "\"line\":2,\"path\":\"app/settings.ini\"")
        .not_left("services.app.source", "\"line\":1,\"path\":\"app/app.py\"")
        .not_left("services.app.source", "\"line\":4,\"path\":\"app/app.py\"")
        .not_left("services.app.source", "\"line\":2,\"path\":\"app/entrypoint.sh\"")
        .carried("services.app.environment.URL", "default");
}

#[test]
fn files_that_an_image_moves_are_run_from_the_checkout() {
    let compose = "services:\n  one: {build: {context: ., dockerfile: worker/Dockerfile}}\n  \
                   two: {build: {context: ., dockerfile: js.Dockerfile}}\n  \
                   web: {build: {context: ., dockerfile: web.Dockerfile}}\n  \
                   name: {build: {context: ., dockerfile: name.Dockerfile}}\n  \
                   gone: {build: {context: ., dockerfile: gone.Dockerfile}}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("worker/main.py", ""),
        ("worker/main.js", ""),
        ("common/x.js", ""),
        (
            "worker/Dockerfile",
            "FROM python:3.12\nWORKDIR /app\nCOPY common ./common\nCOPY worker/main.py .\nCMD [\"python\", \"-u\", \"main.py\"]\n",
        ),
        ("js.Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY worker/main.js common/ ./\nCMD [\"node\", \"main.js\"]\n"),
        ("web.Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY worker/main.py .\nCMD [\"uvicorn\", \"main:app\"]\n"),
        (
            "name.Dockerfile",
            "FROM python:3.12\nWORKDIR /app\nCOPY worker/main.py ./start.py\nCMD [\"python\", \"start.py\"]\n",
        ),
        ("gone.Dockerfile", "FROM python:3.12\nWORKDIR /app\nCMD [\"python\", \"gone.py\"]\n"),
    ]);
    repo.has("export PYTHONPATH=\".\"")
        .has("exec ${pkgs.python312}/bin/python3 -u ./worker/main.py")
        .has("node ../worker/main.js")
        .has("export PYTHONPATH=\"./worker\"")
        .has("/bin/python3 ./worker/main.py")
        .left("services.gone.command", "gone.py")
        .not_left("services.one.command", "")
        .not_left("services.two.command", "");
}

#[test]
fn haproxy_servers_in_a_mounted_folder_have_their_own_ports() {
    let compose = "services:\n  lb: {image: \"haproxy:2.6\", ports: [\"8080:80\"], volumes: [\"./lb:/usr/local/etc/haproxy\"]}\n  \
                   a: {build: ./app}\n  b: {build: ./app}\n";
    let conf =
        "frontend f\n  bind *:80\n  default_backend n\nbackend n\n  server a a:5000 check\n  server b b:5000 check";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("lb/haproxy.cfg", conf),
        ("app/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("app/a.js", "listen(process.env.PORT)\n"),
    ]);
    repo.has("server a 127.0.0.1:${toString ports.development.a} check")
        .has("server b 127.0.0.1:${toString ports.development.b} check\n")
        .has("PORT = toString ports.development.b");
}

#[test]
fn a_folder_called_dot_env_is_ignored() {
    let compose = "services:\n  db: {image: \"redis:7\"}\n  web: {image: \"node:22\", command: node a.js, env_file: .env/.web, \
                   environment: {API_TOKEN: s3cret}}\n";
    let repo = Repo::of(&[("compose.yaml", compose), (".env/.web", "A=1\n"), ("a.js", "")]);
    repo.has("./.env/.web").lacks("s3cret").left("secrets in environment", "API_TOKEN");
}

#[test]
fn shell_variables_in_volume_paths_are_resolved() {
    let compose = "services:\n  prom: {image: prom/prometheus, volumes: [\"$PWD/prom:/etc/prometheus\"]}\n  \
                   tool: {image: \"node:22\", command: node /app/a.js, volumes: [\"${PWD}/app:/app\", \"$HOME/x:/x\"]}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("prom/prometheus.yml", "scrape_configs: [{job_name: own, static_configs: [{targets: [\"tool:3000\"]}]}]\n"),
        ("app/a.js", ""),
    ]);
    repo.has("job_name = \"own\"").has("node ./app/a.js").left("services.tool.volumes", "~/x");
}

#[test]
fn redis_replicas_use_the_new_address() {
    let compose = "services:\n  m: {image: \"redis:7\"}\n  s: {image: \"redis:7\", command: redis-server --slaveof m 6379}\n  \
                   r: {image: \"redis:7\", command: [redis-server, /r.conf], volumes: [\"./r.conf:/r.conf\"]}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("r.conf", "replicaof m 6379\nappendonly yes\n")]);
    repo.has("slaveof 127.0.0.1 ${toString ports.").has("replicaof 127.0.0.1 ${toString ports.").lacks("of m ");
}

#[test]
fn start_script_variables_and_other_versions_are_reported() {
    let compose = "services:\n  git: {image: \"gitea/gitea:1.22\", environment: {GITEA__database__HOST: \"db:5432\", USER_UID: 1000}}\n  \
                   db: {image: \"postgres:16\"}\n  database: {image: \"postgres:16\"}\n  \
                   proxy: {image: \"traefik:v1.7\"}\n  new: {image: \"traefik:latest\"}\n  \
                   photos: {image: \"ghcr.io/immich-app/immich-server:release\"}\n  \
                   cloud: {image: nextcloud}\n  s3: {image: \"bitnami/minio\", environment: {MINIO_DEFAULT_BUCKETS: \"a,b:public\"}}\n  \
                   zoo: {image: zookeeper, environment: {ZOO_MY_ID: 2}}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.lacks("GITEA__")
        .left("services.git.environment.GITEA__database__HOST", "start script")
        .left("services.proxy.image", "not that of `traefik:v1.7`")
        .not_left("services.new.image", "version")
        .left("services.photos.environment", "DB_HOSTNAME")
        .not_left("services.photos.environment", "REDIS_HOSTNAME")
        .left("services.cloud.image", "read-only store")
        .left("services.s3.environment.MINIO_DEFAULT_BUCKETS", "without the policies")
        .has("buckets = [")
        .has("id = 2;");
    repo.evaluates();
}

#[test]
fn build_argument_defaults_can_refer_to_other_arguments() {
    let compose = "services: {web: {build: .}}\n";
    let dockerfile = "ARG TAG=${TAG:-1.27-alpine}\nARG R=${REGISTRY:+$REGISTRY/}\nFROM ${R}nginx:${TAG}\nCOPY site /usr/share/nginx/html\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("site/index.html", "")]);
    repo.has("services.nginx.web");
}

#[test]
fn settings_copied_into_a_server_image_are_reported() {
    let dockerfile = "FROM nginx:alpine\nCOPY nginx.conf /etc/nginx/nginx.conf\n\
                      CMD [\"/bin/sh\", \"-c\", \"envsubst < /t > /c && exec nginx -g 'daemon off;'\"]\n";
    let compose = "services: {web: {build: ., ports: [\"8080:80\"]}}\n";
    let files =
        [("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.js", "process.env.PORT\n"), ("nginx.conf", "")];
    Repo::of(&files)
        .left("services.web.build", "without `envsubst < /t > /c && exec nginx")
        .not_left("services.web.ports.80", "")
        .carried("services.web.build", "configFile");
}

#[test]
fn installed_programs_are_replaced_by_nixpkgs_packages() {
    let dockerfile = "FROM debian:12\nRUN apt-get install -y mosquitto\nCMD [\"mosquitto\", \"-v\"]\n";
    let repo = Repo::of(&[("compose.yaml", "services: {mqtt: {build: .}}\n"), ("Dockerfile", dockerfile)]);
    repo.has("${pkgs.mosquitto}/bin/mosquitto -p ${toString ports.messaging.mqtt} -v");
}

#[test]
fn hosts_in_shared_source_code_are_reported_once() {
    let compose = "services:\n  db: {image: \"postgres:16\", environment: {POSTGRES_PASSWORD: x}}\n  \
                   one: {build: ./app, command: python a.py}\n  two: {build: ./app, command: python a.py}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("app/Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"),
        ("app/a.py", "a = 'db:5432'\nimage = 'db:16-alpine'\nb = 'db:5432'\nc = 'db:5432'\n"),
    ]);
    repo.left("services.one.source", "on 2 other lines").not_left("services.two.source", "");
}

#[test]
fn redis_replicas_of_an_unknown_port_are_reported() {
    let compose = "services:\n  m: {image: \"redis:7\"}\n  a: {image: \"redis:7\", command: redis-server --REPLICAOF m 6379}\n  \
                   b: {image: \"redis:7\", command: redis-server --replicaof m 6380}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.has("replicaof 127.0.0.1 ${toString ports.").left("services.b.command", "refers to port 6380");
}

#[test]
fn addresses_in_settings_in_the_repository_root_are_rewritten() {
    let compose = "services:\n  lb: {image: \"haproxy:2.6\", command: haproxy -f /cfg/haproxy.cfg, volumes: [\".:/cfg\"]}\n  \
                   back: {build: ./app}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("haproxy.cfg", "backend n\n  server a back:5000 check\n"),
        ("app/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("app/a.js", "listen(process.env.PORT)\n"),
    ]);
    repo.has("server a 127.0.0.1:${toString ports.development.back} check");
}

#[test]
fn only_packages_with_another_version_are_reported() {
    let compose = "services:\n  couch: {image: \"couchdb:3\"}\n  old: {image: \"couchdb:2.1\"}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.not_left("services.couch.image", "version").left("services.old.image", "not that of `couchdb:2.1`");
}

#[test]
fn nginx_sites_copied_into_an_image_are_read() {
    let dockerfile = "FROM nginx:${TAG:-1.27}\nCOPY site.conf /etc/nginx/conf.d\n";
    let compose = "services:\n  web: {build: ., ports: [\"8080:8080\"]}\n  \
                   app: {image: \"node:22\", command: node a.js, expose: [5000]}\n";
    let conf = "server {\n  listen 8080;\n  location / { proxy_pass http://app:5000; }\n}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("site.conf", conf), ("a.js", "")]);
    repo.has("proxy_pass http://127.0.0.1:").lacks("nginx}/html");
}

#[test]
fn raw_files_and_the_project_folder_keep_their_values() {
    let compose = "services:\n  raw: {image: \"node:22\", command: node a.js, env_file: [{path: raw.env, format: raw}]}\n  \
                   sub:\n    image: node:22\n    command: node a.js\n    working_dir: /srv/sub\n    volumes: [\".:/srv\"]\n    \
                   environment: {ROOT: \"${PWD}/x\", DATA: \"${HOME}/d\"}\n  \
                   unset:\n    image: node:22\n    command: node a.js\n    environment:\n      HOOK: ${HOOK}\n";
    Repo::of(&[("compose.yaml", compose), ("raw.env", "A=\"q\"\n"), ("sub/a.js", "")])
        .has("read_raw_env ./raw.env")
        .has("export ROOT=\"$(cd .. && pwd)/x\"")
        .not_left("services.sub.environment.ROOT", "no value")
        .left("services.unset.environment.HOOK", "`HOOK` has no value yet");
}

#[test]
fn zookeeper_keeps_its_settings_and_missing_peers_are_reported() {
    let compose = "services:\n  one:\n    image: zookeeper:3.8\n    environment: {ZOO_MY_ID: 1, ZOO_TICK_TIME: 3000, \
                   ZOO_SERVERS: \"server.1=one:2888:3888;2181\"}\n  \
                   two:\n    image: confluentinc/cp-zookeeper:7.5.0\n    environment: {ZOOKEEPER_SERVER_ID: 2, \
                   ZOOKEEPER_SERVERS: \"one:2888:3888;two:2888:3888\"}\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("initLimit=5")
        .has("tickTime=3000")
        .lacks("tickTime=2000")
        .has("id = 2;")
        .not_left("services.one.environment.ZOO_SERVERS", "")
        .left("services.two.environment.ZOOKEEPER_SERVERS", "without the others");
}

#[test]
fn modules_that_are_named_by_a_flag_are_found() {
    let dockerfile =
        |name: &str, command: &str| format!("FROM python:3.12\nWORKDIR /app\nCOPY {name}/{name}.py .\nCMD {command}\n");
    let compose = "services:\n  a: {build: {context: ., dockerfile: a/Dockerfile}}\n  \
                   b: {build: {context: ., dockerfile: b/Dockerfile}}\n  c: {build: {context: ., dockerfile: c/Dockerfile}}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("a/Dockerfile", &dockerfile("a", "[\"python\", \"-m\", \"a\"]")),
        ("a/a.py", ""),
        ("b/Dockerfile", &dockerfile("b", "[\"celery\", \"-A\", \"b.app\", \"worker\"]")),
        ("b/b.py", ""),
        ("c/Dockerfile", &dockerfile("c", "[\"flask\", \"--app=c\", \"run\"]")),
        ("c/c.py", ""),
    ])
    .has("PYTHONPATH=\"./a\"")
    .has("PYTHONPATH=\"./b\"")
    .has("PYTHONPATH=\"./c\"");
}

#[test]
fn service_names_are_hosts_only_after_host_flags_and_in_host_variables() {
    let compose = "services:\n  worker: {image: \"python:3.12\", command: celery -A project.server worker}\n  \
                   web: {image: \"node:22\", command: node server.js web --host redis}\n  \
                   api:\n    image: node:22\n    command: node a.js\n    environment: {SERVER_NAME: api, SERVER_ID: api, \
                   HOSTNAME: api, BIND_HOST: api, SERVER_TYPE: redis, REDIS_HOST_NAME: redis}\n  redis: {image: redis}\n";
    Repo::of(&[("compose.yaml", compose)])
        .has("celery -A project.server worker")
        .has("node server.js web --host 127.0.0.1")
        .has("SERVER_NAME = \"api\"")
        .has("SERVER_ID = \"api\"")
        .has("HOSTNAME = \"api\"")
        .has("SERVER_TYPE = \"redis\"")
        .has("BIND_HOST = \"127.0.0.1\"")
        .has("REDIS_HOST_NAME = \"127.0.0.1\"");
}

#[test]
fn hosts_are_found_only_in_files_that_the_service_uses() {
    let compose = "services:\n  lb: {image: \"haproxy:2.9\", volumes: [\"./lb:/usr/local/etc/haproxy\"], ports: [\"8080:80\"]}\n  \
                   db: {image: \"postgres:16\"}\n  app: {build: .}\n  tuned: {build: {context: ., dockerfile: Dockerfile.tuned}}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY src ./src\nCOPY *.json ./\nCMD [\"node\", \"src/a.js\"]\n"),
        ("Dockerfile.tuned", "FROM debian\nCOPY tuned.sh /\nCMD [\"sleep\", \"1\"]\n"),
        ("tuned.sh", "nc -z db 5432\n"),
        ("src/a.js", "fetch('http://db:5432')\n"),
        ("lib/b.js", "fetch('http://db:5432')\n"),
        ("config.json", "{\n \"host\": \"db\"\n}\n"),
        ("package.json", "{\"scripts\": {\"wait\": \"wait-on tcp:db:5432\"}}\n"),
        ("lb/haproxy.cfg", "frontend f\n  bind *:80\n  default_backend b\nbackend b\n  server s app:3000\n"),
    ]);
    repo.has("haproxy -db -f")
        .left("services.app.source", "src/a.js")
        .left("services.app.source", "config.json")
        .left("services.app.source", "package.json")
        .left("services.tuned.source", "tuned.sh")
        .not_left("services.lb.source", "")
        .not_left("services.app.source", "lib/b.js");
}

#[test]
fn references_to_omitted_services_in_mounted_folders_are_reported() {
    let compose = "services:\n  lb: {image: \"haproxy:2.9\", volumes: [\"./lb:/usr/local/etc/haproxy\"]}\n  \
                   app: {image: acme/app}\n";
    let config = "frontend f\n  bind *:80\n  default_backend b\nbackend b\n  server s app:3000\n";
    Repo::of(&[("compose.yaml", compose), ("lb/haproxy.cfg", config)])
        .left("services.lb.volumes", "./lb/haproxy.cfg refers to `app`, which is left out");
}

#[test]
fn unpublished_ports_are_renumbered_without_a_report() {
    let compose = "services:\n  a: {image: \"redis:7\"}\n  b: {image: \"redis:7\"}\n  \
                   c: {image: \"redis:7\", ports: [\"6379:6379\"]}\n  d: {image: \"redis:7\", ports: [\"6379:6379\"]}\n";
    Repo::of(&[("compose.yaml", compose)])
        .not_left("services.b.ports.6379", "clients outside")
        .left("services.d.ports.6379", "clients outside");
    let compose = "services:\n  a: {image: \"nginx:1\", ports: [\"8080:80\"]}\n  \
                   b: {image: \"python:3.12\", command: python b.py --port 80, expose: [\"80\"]}\n";
    Repo::of(&[("compose.yaml", compose), ("b.py", "")]).not_left("services.b.ports.80", "clients outside");
}

#[test]
fn image_paths_in_scripts_of_the_checkout_are_reported() {
    let compose = "services:\n  web: {build: ., command: sh ./run.sh, secrets: [token]}\n\
                   secrets: {token: {file: ./token}}\n";
    let script = "#!/bin/sh\n# /app/unused\npython /app/src/manage.py migrate\n\
                  /usr/local/bin/gunicorn --chdir=/app/src a:b\ncat /run/secrets/token /etc/hosts\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY src ./src\nCOPY run.sh ./run.sh\n"),
        ("run.sh", script),
        ("src/manage.py", ""),
        ("token", "x"),
    ])
    .has("runtimeInputs = [ pkgs.python312 ]")
    .left("services.web.command", "\"line\":3")
    .left(
        "services.web.command",
        "refers to /app/src/manage.py, /usr/local/bin/gunicorn (line 4), /app/src (line 4) and",
    )
    .left("services.web.command", "/run/secrets/token (line 5), which exist only in the image")
    .left("services.web.command", "./src/manage.py for /app/src/manage.py");
}

#[test]
fn the_document_root_of_an_apache_site_is_served() {
    let compose = "services:\n  web: {build: ., ports: [\"8080:80\"]}\n";
    let dockerfile = "FROM php:8.3-apache\nCOPY ./src /var/www/html\n\
                      COPY site.conf /etc/apache2/sites-available/000-default.conf\n";
    let files = [("compose.yaml", compose), ("Dockerfile", dockerfile), ("src/public/index.php", "")];
    let site = "<VirtualHost *:80>\n  DocumentRoot \"/var/www/html/public\"\n</VirtualHost>\n";
    Repo::of(&[&files[..], &[("site.conf", site)]].concat()).has(" -t ./public");
    let variable = "FROM php:8.3-apache\nENV APACHE_DOCUMENT_ROOT=/var/www/html/public\nCOPY ./src /var/www/html\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", variable), ("src/public/index.php", "")]).has(" -t ./public");
}

#[test]
fn version_differences_are_reported_with_the_same_wording() {
    let compose = "services:\n  a: {image: \"nextcloud:31\", ports: [\"8080:80\"]}\n  b: {image: \"prom/prometheus:v2.40.0\"}\n  \
                   c: {image: \"rabbitmq:3.8\"}\n  d: {image: \"postgres:9\"}\n  e: {image: \"node:14\", command: node a.js}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.not_left("services.a.image", "the version");
    for (name, image, package) in [
        ("b", "prom/prometheus:v2.40.0", "the one"),
        ("c", "rabbitmq:3.8", "that of `pkgs.rabbitmq-server`"),
        ("d", "postgres:9", "that of `pkgs.postgresql`"),
        ("e", "node:14", "that of `pkgs.nodejs`"),
    ] {
        let why = format!("the version is {package} in the locked nixpkgs, not that of `{image}`");
        repo.left(&format!("services.{name}.image"), &why);
    }
}

#[test]
fn haproxy_lines_that_need_a_container_are_reported() {
    let compose = "services:\n  lb:\n    image: haproxy:2.9\n    ports: [\"8080:80\", \"8404:8404\"]\n    \
                   volumes: [\"./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg\"]\n";
    let config = "global\n  daemon\n  chroot /var/lib/haproxy\n  user haproxy\nfrontend f\n  bind *:80\nlisten stats\n  \
                  bind :8404\n  stats enable\n";
    Repo::of(&[("compose.yaml", compose), ("haproxy.cfg", config)])
        .has("haproxy -db -f")
        .has("bind :${toString ports.")
        .lacks("bind :8404")
        .lacks("chroot")
        .lacks("user haproxy")
        .not_left("services.lb.command", "user haproxy")
        .not_left("services.lb.command", "stats enable");
}

#[test]
fn haproxy_files_that_exist_only_in_the_image_are_reported() {
    let compose = "services:\n  lb: {image: \"haproxy:2.9\", ports: [\"8080:80\", \"8404:8404\", \"8443:443\"], \
                   volumes: [\"./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg\", \"./tls:/tls\"]}\n";
    let config = "global\n  user haproxy\n  ca-base /etc/ssl/certs\ndefaults\n  errorfile 503 /usr/local/etc/haproxy/errors/503.http\n\
                  frontend f\n  bind *:80\n  bind  :8404\n  bind *:443 ssl crt /etc/ssl/x.pem ca-file /tls/ca.pem\n";
    Repo::of(&[("compose.yaml", compose), ("haproxy.cfg", config), ("tls/ca.pem", "")])
        .has("bind  :${toString ports.")
        .has("ca-file ./tls/ca.pem")
        .left("services.lb.command", "/usr/local/etc/haproxy/errors/503.http")
        .left("services.lb.command", "\"line\":5")
        .left("services.lb.command", "/etc/ssl/x.pem")
        .not_left("services.lb.command", "/tls/ca.pem")
        .not_left("services.lb.command", "/etc/ssl/certs");
}

#[test]
fn only_directives_in_the_right_haproxy_section_are_reported() {
    let compose = "services:\n  lb: {image: \"haproxy:2.9\", ports: [\"8080:80\"], volumes: [\"./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg\"]}\n  \
                   many: {image: \"haproxy:2.9\", command: haproxy -f /conf, volumes: [\"./conf:/conf\"]}\n";
    let config = "global\n  user haproxy\n  stats socket /run/haproxy/admin.sock\n  stats socket ipv4@127.0.0.1:9999\n\
                  userlist u\n  group G1 users joe\n  user joe insecure-password x\nresolvers g\n  \
                  nameserver dns1 8.8.8.8:53\nresolvers d\n  nameserver dns2 127.0.0.11:53\nfrontend f\n  bind *:80\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("haproxy.cfg", config),
        ("conf/a.cfg", "global\n  chroot /var/lib/haproxy\nfrontend f\n  bind *:81\n"),
    ]);
    repo.has("user joe insecure-password x\n")
        .has("group G1 users joe\n")
        .lacks("user haproxy")
        .left("services.lb.command", "admin.sock")
        .left("services.lb.command", "dns2")
        .left("services.many.command", "`chroot /var/lib/haproxy`")
        .not_left("services.lb.command", "9999")
        .not_left("services.lb.command", "joe")
        .not_left("services.lb.command", "dns1")
        .not_left("services.lb.command", "user haproxy");
}

#[test]
fn port_variables_of_other_programs_do_not_set_the_port_of_the_service() {
    let compose = "services:\n  app: {build: ., ports: [\"80\"], environment: {NGINX_PORT: \"80\"}}\n  \
                   web: {image: nginx}\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", "FROM node:22\nCMD [\"node\", \"a.js\"]\n")])
        .left("services.app.ports.80", "it is unknown how the program gets its port");
}

#[test]
fn run_lines_that_only_prepare_the_image_are_not_reported() {
    let dockerfile = "FROM python:3.12\nWORKDIR /app\nRUN mkdir -p /app && pip install --upgrade pip\nRUN ls -la\n\
                      RUN apt-get update && rm -rf /var/lib/apt/lists/*\nRUN make all\nCOPY . .\nCMD [\"python\", \"a.py\"]\n";
    Repo::of(&[("compose.yaml", "services:\n  app: {build: .}\n"), ("Dockerfile", dockerfile), ("a.py", "")])
        .not_left("services.app.build", "mkdir")
        .not_left("services.app.build", "ls -la")
        .not_left("services.app.build", "apt-get")
        .left("services.app.build", "make all");
}

#[test]
fn nixpkgs_applications_get_their_ports() {
    let compose = "services:\n  a: {image: \"fullstorydev/grpcui:v1.4.0\", command: -plaintext host:50051}\n  \
                   b: {image: \"ghcr.io/prymitive/karma:v0.120\"}\n  c: {image: \"owncast/owncast\"}\n  \
                   d: {image: \"ghcr.io/tursodatabase/libsql-server\"}\n  e: {image: \"superseriousbusiness/gotosocial\"}\n  \
                   f: {image: \"henrygd/beszel-agent\"}\n  g: {image: \"ghcr.io/mostlygeek/llama-swap:cpu\", \
                   volumes: [\"./config.yaml:/app/config.yaml\"]}\n  h: {image: \"twinproduction/gatus\", \
                   volumes: [\"./gatus:/config\"]}\n";
    let files = [("compose.yaml", compose), ("config.yaml", "models: {}\n"), ("gatus/config.yaml", "endpoints: []\n")];
    Repo::of(&files)
        .has("${pkgs.grpcui}/bin/grpcui -bind=127.0.0.1 -port=${toString ports.")
        .has("${pkgs.karma}/bin/karma --listen.address 127.0.0.1 --listen.port ${toString ports.")
        .has("${pkgs.owncast}/bin/owncast -webserverip 127.0.0.1 -webserverport ${toString ports.")
        .has("SQLD_HTTP_LISTEN_ADDR = \"127.0.0.1:${toString ports.")
        .has("GTS_WEB_ASSET_BASE_DIR = \"${pkgs.gotosocial}/share/gotosocial/web/assets/\"")
        .has("${pkgs.beszel}/bin/beszel-agent")
        .has("--config ./config.yaml")
        .has("GATUS_CONFIG_PATH = \"./gatus/config.yaml\"");
}

#[test]
fn nginx_serves_the_folder_around_its_mounts_and_hosts_in_variables_are_reported() {
    let compose = "services:\n  web:\n    image: nginx\n    ports: [\"8080:80\"]\n    volumes: [\"./site.conf:/etc/nginx/conf.d/default.conf\", \
                   \"./src/static:/app/src/static\", \"./src/media:/app/src/media\"]\n  \
                   api: {image: \"node:22\", command: node a.js, expose: [\"3000\"]}\n";
    let site = "server {\n  listen 80;\n  location /static { root /app/src; }\n  location /other { root /app; }\n  \
                location /b { set $h api; proxy_pass http://$h:3000; }\n}\n";
    let files =
        [("compose.yaml", compose), ("site.conf", site), ("src/static/a", ""), ("src/media/b", ""), ("a.js", "")];
    Repo::of(&files)
        .has("root ./src;")
        .left("services.web.configFile", "it names the host `api`")
        .left("services.web.configFile", "/app is not a folder")
        .not_left("services.web.configFile", "/app/src is not a folder");
}
