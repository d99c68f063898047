//! Images that are built on the image of a server, and configuration files that such images read.

use crate::reports::Repo;

const SITE: &str = "server {\n  listen 80;\n  location / { return 200; }\n}\n";

#[test]
fn built_proxies_run_the_program_of_their_base_image() {
    let compose = "services:\n  lb: {build: ./lb, ports: [\"3000:3000\"]}\n  edge: {build: ./edge, ports: [\"3001:80\"]}\n  \
                   app: {image: \"python:3.12\", command: python -m http.server 8000}\n";
    let settings = "global\n  daemon\n  user haproxy\n  maxconn 9\nfrontend f\n  bind *:3000\n  default_backend n\nbackend n\n  server app app:8000 check\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("lb/Dockerfile", "FROM haproxy:1.7-alpine\nCOPY haproxy.cfg /usr/local/etc/haproxy/haproxy.cfg\n"),
        ("lb/haproxy.cfg", settings),
        ("edge/Dockerfile", "FROM caddy:2\nCOPY Caddyfile /etc/caddy/Caddyfile\nCOPY site /srv\n"),
        ("edge/site/index.html", ""),
        ("edge/Caddyfile", ":80 {\n  root * /srv\n  handle /srv {\n    file_server\n  }\n}\n"),
    ]);
    repo.has("${pkgs.haproxy}/bin/haproxy -db -f ${lbHaproxyCfg}")
        .has("maxconn 9\n")
        .lacks("user haproxy")
        .has("bind *:${toString ports.development.lb}")
        .has("server app 127.0.0.1:${toString ports.development.app} check")
        .has("/bin/caddy run --config ${edgeCaddyfile}")
        .has(":${toString ports.development.edge} {")
        .has("root * ./site\n")
        .has("handle /srv {")
        .not_left("services.lb", "")
        .not_left("services.lb.ports.3000", "")
        .not_left("services.edge.ports.80", "")
        .not_left("services.lb.build", "exists only in the image")
        .not_left("services.edge.build", "exists only in the image");
    repo.evaluates();
}

#[test]
fn built_redis_images_with_their_own_command_become_instances() {
    let compose = "services:\n  queue: {build: ./queue, ports: [\"6380:6379\"], volumes: [\"./queue-data:/data\"]}\n  \
                   cache: {build: ./cache, command: redis-server /etc/redis/redis.conf --maxclients 9}\n  \
                   lock: {build: ./lock}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        (
            "queue/Dockerfile",
            "FROM redis:alpine\nCOPY sysctl.conf /etc/sysctl.conf\nCMD redis-server --appendonly yes\n",
        ),
        ("queue/sysctl.conf", "vm.overcommit_memory = 1\n"),
        ("cache/Dockerfile", "FROM redis:7\nCOPY redis.conf /etc/redis/redis.conf\nCMD [\"redis-server\"]\n"),
        ("cache/redis.conf", "maxmemory 5mb\nport 6379\n"),
        ("lock/Dockerfile", "FROM redis:7\nCMD [\"redis-server\", \"--requirepass\", \"hidden\"]\n"),
    ]);
    repo.has("dataDir = \"./queue-data\"")
        .has("appendonly yes")
        .has("maxmemory 5mb")
        .has("maxclients 9")
        .lacks("vm.overcommit_memory")
        .lacks("hidden")
        .lacks("PORT")
        .left("services.queue.build", "does not read ./queue/sysctl.conf")
        .left("services.lock.build", "`requirepass` would put a secret")
        .carried("services.queue.volumes", "dataDir");
    repo.evaluates();
}

#[test]
fn built_databases_report_the_files_that_they_do_not_read() {
    let compose = "services:\n  db: {build: ./db, command: postgres -c max_connections=7, environment: {POSTGRES_DB: app}}\n  \
                   tool: {build: ./tool}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        (
            "db/Dockerfile",
            "FROM postgres:16\nCOPY init/*.sql /docker-entrypoint-initdb.d/\nCOPY my.conf /etc/postgresql/\n",
        ),
        ("db/init/a.sql", "select 1;\n"),
        ("db/init/b.txt", ""),
        ("db/my.conf", "work_mem = 4MB\n"),
        ("tool/Dockerfile", "FROM postgres:16\nCOPY seed.sh /seed.sh\nCMD [\"/seed.sh\"]\n"),
        ("tool/seed.sh", "#!/bin/sh\npsql -c 'select 1'\n"),
    ]);
    repo.has("max_connections = \"7\"")
        .has("schemas = [ ../db/init/a.sql ]")
        .has("/bin/bash ./seed.sh")
        .left("services.db.build", "does not read ./db/my.conf");
    repo.evaluates();
}

#[test]
fn variables_of_a_built_database_become_options() {
    let compose = "services:\n  db: {build: ./db, environment: {POSTGRES_USER: me}}\n  data: {build: ./data}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        (
            "db/Dockerfile",
            "FROM postgres:16\nENV POSTGRES_DB=app POSTGRES_USER=you POSTGRES_PASSWORD=hidden\nENV TZ UTC\n",
        ),
        ("data/Dockerfile", "FROM mysql:8.4\nENV MYSQL_DATABASE=shop\nENV MYSQL_ROOT_PASSWORD=hidden\n"),
    ]);
    repo.has("name = \"app\"")
        .has("superuser = \"me\"")
        .has("name = \"shop\"")
        .lacks("hidden")
        .carried("services.db.environment.POSTGRES_PASSWORD", "trusted")
        .left("services.db.environment.TZ", "\"line\":3,\"path\":\"db/Dockerfile\"")
        .left("services.data.environment.MYSQL_ROOT_PASSWORD", "is not set")
        .not_left("services.db.environment.POSTGRES_USER", "");
    repo.evaluates();
}

#[test]
fn start_scripts_of_built_servers_are_reported() {
    let compose = "services:\n  web: {build: ./web, ports: [\"8080:80\"]}\n  plain: {build: ./plain, ports: [\"8081:80\"]}\n  \
                   other: {build: ./other}\n";
    let script = "#!/bin/sh\nsed -i s/NAME/$NAME/ /etc/nginx/conf.d/default.conf\nexec nginx -g 'daemon off;'\n";
    let dockerfile = "FROM nginx:alpine\nCOPY default.conf /etc/nginx/conf.d/\nCOPY start.sh /start.sh\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("web/Dockerfile", &format!("{dockerfile}ENTRYPOINT [\"/start.sh\"]\n")),
        ("web/default.conf", SITE),
        ("web/start.sh", script),
        ("plain/Dockerfile", "FROM nginx\nCOPY default.conf /etc/nginx/conf.d/\nCMD nginx -g 'daemon off;'\n"),
        ("plain/default.conf", SITE),
        ("other/Dockerfile", &format!("{dockerfile}CMD [\"/start.sh\"]\n")),
        ("other/default.conf", SITE),
        ("other/start.sh", "#!/bin/sh\necho done\n"),
    ]);
    repo.has("listen 127.0.0.1:${toString ports.development.web};")
        .has("listen 127.0.0.1:${toString ports.development.plain};")
        .has("/bin/bash ./start.sh")
        .left("services.web.build", "without the start script ./web/start.sh")
        .left("services.web.build", "\"line\":4,\"path\":\"web/Dockerfile\"")
        .not_left("services.web.ports.80", "")
        .not_left("services.plain.build", "");
    repo.evaluates();
    repo.nginx_accepts("plain");
}

#[test]
fn files_that_only_a_start_script_reads_are_reported() {
    let compose = "services:\n  web: {build: ./web, ports: [\"8080:80\"], environment: {API_HOST: \"api:3000\"}}\n  \
                   api: {image: \"python:3.12\", command: python a.py, expose: [\"3000\"]}\n  \
                   line: {image: nginx, command: \"sh -c 'envsubst < /t/site.tpl > /etc/nginx/conf.d/default.conf && nginx'\", volumes: [\"./t:/t\"]}\n";
    let dockerfile = "FROM nginx:alpine\nCOPY site.conf.tpl /tmp/site.conf.tpl\nCOPY pages /usr/share/nginx/html\n\
                      COPY start.sh /start.sh\nCMD [\"/start.sh\"]\n";
    let script =
        "#!/bin/sh\nenvsubst < /tmp/site.conf.tpl > /etc/nginx/conf.d/default.conf\nexec nginx -g 'daemon off;'\n";
    let template = "server { listen 80; location / { proxy_pass http://$API_HOST; } }\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("a.py", ""),
        ("web/Dockerfile", dockerfile),
        ("web/start.sh", script),
        ("web/site.conf.tpl", template),
        ("web/pages/index.html", ""),
        ("t/site.tpl", template),
    ]);
    repo.lacks("server {")
        .left("services.web.build", "read ./web/site.conf.tpl")
        .left("services.line.volumes", "read ./t")
        .not_left("services.web.build", "read ./web/pages")
        .not_left("services.web.build", "read ./web/start.sh");
    repo.evaluates();
}

#[test]
fn mounted_scripts_that_start_the_server_are_reported() {
    let compose = "services:\n  web: {image: nginx, ports: [\"8080:80\"], command: sh /start.sh, \
                   volumes: [\"./start.sh:/start.sh\", \"./conf:/etc/nginx/conf.d\"]}\n  \
                   job: {image: \"redis:7\", command: /job.sh, volumes: [\"./job.sh:/job.sh\"]}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("start.sh", "envsubst < /a > /b\nnginx -g 'daemon off;'\n"),
        ("conf/site.conf", SITE),
        ("job.sh", "#!/bin/sh\nredis-cli ping\n"),
    ]);
    repo.has("listen 127.0.0.1:${toString ports.development.web};")
        .has("/bin/bash ./job.sh")
        .left("services.web.command", "without the start script ./start.sh")
        .not_left("services.web.volumes", "");
    repo.evaluates();
}

#[test]
fn programs_of_the_repository_with_common_names_are_not_the_server() {
    let compose = "services:\n  api: {build: ./api, ports: [\"8080:8080\"]}\n  worker: {build: ./worker}\n  cron: {build: ./cron}\n  \
                   job: {image: \"postgres:16\", command: /run.sh, volumes: [\"./job/run.sh:/run.sh\"]}\n  \
                   cache: {build: ./cache}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("api/Dockerfile", "FROM postgres:16\nCOPY server /usr/local/bin/server\nCMD [\"server\"]\n"),
        ("worker/Dockerfile", "FROM redis:7\nCOPY bin/serve /serve\nENTRYPOINT [\"/serve\"]\n"),
        ("cron/Dockerfile", "FROM postgres:16\nCOPY run.sh /run.sh\nCMD [\"/run.sh\"]\n"),
        ("cron/run.sh", "#!/bin/bash\npsql -c 1\n./server\n"),
        ("job/run.sh", "#!/bin/bash\npsql -c 1\n"),
        ("cache/Dockerfile", "FROM redis:7\nCOPY run.sh /run.sh\nCMD [\"/run.sh\"]\n"),
        ("cache/run.sh", "#!/bin/sh\nexec docker-entrypoint.sh redis-server\n"),
    ]);
    repo.lacks("services.postgres")
        .lacks("postgres.api")
        .lacks("postgres.job")
        .lacks("redis.worker")
        .has("redis.cache")
        .has("/bin/bash ./run.sh")
        .left("services.api", "known to provide `server`")
        .left("services.worker", "known to provide `/serve`");
    repo.evaluates();
}

#[test]
fn subcommands_are_passed_to_the_program_of_the_base_image() {
    let compose = "services:\n  login: {build: ./login, ports: [\"8080:8080\"]}\n  keys: {build: ./keys}\n  own: {build: ./own}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("login/Dockerfile", "FROM quay.io/keycloak/keycloak:26.0\nCMD [\"start-dev\"]\n"),
        ("keys/Dockerfile", "FROM hashicorp/vault:1.15\nCMD [\"server\", \"-dev\"]\n"),
        ("own/Dockerfile", "FROM hashicorp/vault:1.15\nCOPY server /usr/local/bin/server\nCMD [\"server\"]\n"),
    ]);
    repo.has("/bin/kc.sh start-dev")
        .has("/bin/vault server")
        .not_left("services.login", "")
        .not_left("services.keys", "")
        .left("services.own", "known to provide `server`");
    repo.evaluates();
}

#[test]
fn a_server_without_a_listen_directive_gets_its_port() {
    let compose = "services:\n  web: {image: nginx, ports: [\"8080:80\"], volumes: [\"./conf:/etc/nginx/conf.d\", \"./part:/etc/nginx/part\"]}\n";
    let conf = "server { server_name a; return 200; }\nserver { server_name b; include part/listen.conf; return 200; }\n\
                server { server_name c; include part/gzip.conf; return 200; }\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("conf/all.conf", conf),
        ("part/listen.conf", "listen 8081;\n"),
        ("part/gzip.conf", "gzip on;\n"),
    ]);
    let module = repo.file("flake/process-compose.nix");
    assert_eq!(module.matches("listen 127.0.0.1:${toString ports.development.web};").count(), 2, "{module}");
    assert_eq!(module.matches("listen 127.0.0.1:").count(), 3, "{module}");
    assert!(repo.file("lib/ports.nix").contains("web = 8080;"), "{}", repo.file("lib/ports.nix"));
    repo.nginx_accepts("web");
}

const BROKER: &str = "# Our broker\nuser mosquitto\nlistener 1883\nallow_anonymous true\nlistener 9001\nprotocol websockets\n\
    persistence true\npersistence_location /mosquitto/data/\nlog_dest file /mosquitto/log/mosquitto.log\n\
    password_file /mosquitto/config/passwd\nacl_file /etc/acl\n";

#[test]
fn the_mosquitto_configuration_is_carried_over() {
    let compose = "services:\n  broker:\n    image: eclipse-mosquitto:2\n    ports: [\"1884:1883\", \"9001:9001\", \"9002:9002\"]\n    \
                   volumes: [\"./broker:/mosquitto/config\", \"broker:/mosquitto/data\", \"./log:/mosquitto/log\"]\n  \
                   app: {image: \"python:3.12\", command: python a.py, environment: {MQTT_HOST: broker, MQTT_PORT: 1883, WS: \"ws://broker:9001\"}}\n\
                   volumes: {broker: {}}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("broker/mosquitto.conf", BROKER),
        ("broker/passwd", "a:b\n"),
        ("a.py", ""),
    ]);
    repo.has("${pkgs.mosquitto}/bin/mosquitto -c ${brokerMosquittoConf}")
        .has("listener ${toString ports.development.brokerMqtt} 127.0.0.1\n")
        .has("listener ${toString ports.development.broker} 127.0.0.1\n")
        .has("persistence_location ./data/broker/\n")
        .has("log_dest stdout\n")
        .has("password_file ./broker/passwd\n")
        .has("MQTT_PORT = toString ports.development.brokerMqtt;")
        .has("ws://127.0.0.1:${toString ports.development.broker}")
        .lacks("user mosquitto")
        .lacks("mosquitto -p")
        .left("services.broker.mosquitto.conf", "/etc/acl")
        .left("services.broker.ports.9002", "no `listener`")
        .not_left("services.broker.volumes", "")
        .carried("services.broker.volumes", "./data/broker");
    assert!(repo.file("lib/ports.nix").contains("brokerMqtt = 1884;"), "{}", repo.file("lib/ports.nix"));
    repo.evaluates();
}

#[test]
fn a_broker_with_only_a_tls_listener_has_no_other_port() {
    let compose = "services:\n  broker: {build: ., ports: [\"8883:8883\"]}\n  open: {image: eclipse-mosquitto, command: mosquitto -c /mosquitto-no-auth.conf -v, ports: [\"1883:1883\", \"9001:9001\"]}\n";
    let dockerfile = "FROM eclipse-mosquitto\nCOPY mosquitto.conf /mosquitto/config/\nCOPY certs /mosquitto/certs\n";
    let conf = "listener 8883\ncertfile /mosquitto/certs/server.crt\nkeyfile /mosquitto/certs/server.key\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("mosquitto.conf", conf),
        ("certs/server.crt", "x"),
    ]);
    repo.has("listener ${toString ports.messaging.mqtts} 127.0.0.1\n")
        .has("certfile ./certs/server.crt\n")
        .has("mosquitto -p ${toString ports.messaging.mqtt} -v")
        .left("services.broker.mosquitto.conf", "./certs/server.key does not exist")
        .left("services.open.ports.9001", "does not listen on 9001");
    let ports = repo.file("lib/ports.nix");
    assert!(ports.contains("mqtts = 8883;") && ports.contains("mqtt = 1883;"), "{ports}");
    repo.evaluates();
}

#[test]
fn paths_of_broker_plugins_and_sockets_are_converted_or_reported() {
    let compose = "services:\n  broker: {image: \"eclipse-mosquitto:2\", ports: [\"1883:1883\"], volumes: [\"./conf:/mosquitto/config\"]}\n";
    let conf = "listener 1883\nlistener 0 /run/m.sock\nplugin_opt_config_file /mosquitto/config/security.json\n\
                auth_opt_files password\nplugin_opt_backends /mosquitto/other\nconnection up\nbridge_capath /etc/ssl/certs\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("conf/mosquitto.conf", conf), ("conf/security.json", "{}\n")]);
    repo.has("plugin_opt_config_file ./conf/security.json\n")
        .has("auth_opt_files password\n")
        .has("bridge_capath /etc/ssl/certs\n")
        .left("services.broker.mosquitto.conf", "/run/m.sock")
        .left("services.broker.mosquitto.conf", "/mosquitto/other")
        .not_left("services.broker.mosquitto.conf", "/etc/ssl/certs")
        .not_left("services.broker.mosquitto.conf", "security.json");
    repo.evaluates();
}

#[test]
fn programs_started_by_pm2_run_without_it() {
    let compose = "services:\n  api: {build: ., ports: [\"3000:3000\"]}\n  \
                   one: {build: ., command: pm2-runtime start one.config.js}\n  \
                   start: {build: ., command: pm2-runtime npm -- start}\n  \
                   two: {build: ., command: pm2-runtime two.config.js}\n  \
                   few: {build: ., command: pm2-runtime src/worker.js --max-restarts 5}\n  \
                   gone: {build: ., command: pm2 start src/worker.js}\n";
    let dockerfile = "FROM node:22\nWORKDIR /app\nRUN npm install -g pm2\nCOPY . .\n\
                      CMD [\"pm2-runtime\", \"-i\", \"max\", \"src/server.js\", \"--\", \"--quiet\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("src/server.js", "listen(process.env.PORT)\n"),
        ("one.config.js", "module.exports = { apps: [{ name: 'one', script: './src/worker.js', env: {} }] }\n"),
        ("src/worker.js", ""),
        ("two.config.js", "module.exports = { apps: [{ script: 'a.js' }, { script: 'b.js' }] }\n"),
    ]);
    repo.has("${pkgs.nodejs_22}/bin/node src/server.js --quiet")
        .has("${pkgs.nodejs_22}/bin/node ./src/worker.js")
        .has("${pkgs.nodejs_22}/bin/npm start")
        .has("${pkgs.pm2}/bin/pm2-runtime two.config.js")
        .has("export PM2_HOME=\"$PWD/data/two/pm2\"")
        .carried("services.api.build", "without PM2")
        .not_left("services.api.build", "npm install -g pm2")
        .has("${pkgs.nodejs_22}/bin/node src/worker.js")
        .carried("services.two.build", "pkgs.pm2")
        .not_left("services.two.build", "npm install -g pm2")
        .not_left("services.few.command", "")
        .left("services.gone.command", "keeps the program running")
        .left("services.api.command", "max instances")
        .left("services.one.command", "other settings");
    repo.evaluates();
}

#[test]
fn a_port_that_only_root_may_use_is_reported_once() {
    let compose = "services:\n  a: {build: ., ports: [\"8080:80\"]}\n";
    let dockerfile = "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.js", "listen(80)\n")]);
    repo.left("services.a.ports.80", "write 8080 there")
        .not_left("services.a.ports.80", "change it to a number above 1023")
        .not_left("services.a.ports.80", "use 80");
    assert!(repo.file("lib/ports.nix").contains("a = 8080;"), "{}", repo.file("lib/ports.nix"));
}
