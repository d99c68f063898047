//! A migrated stack starts and finds its servers, or the report says what is missing.

use crate::reports::Repo;

const PYTHON: &str = "FROM python:3.13\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"app.py\"]\n";

#[test]
fn hosts_in_a_quoted_command_of_a_script_are_addresses() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  web:\n    build: .\n    \
                   command: sh -c \"./wait.sh -c 'nc -z db 5432' -t 30 && python app.py\"\n";
    let wait = "#!/bin/sh\nwhile ! $2; do sleep 1; done\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", PYTHON), ("app.py", ""), ("wait.sh", wait)])
        .has("-c 'nc -z 127.0.0.1 ${toString ports.databases.postgresql}' -t 30")
        .not_left("services.web.command", "");
}

#[test]
fn quotes_around_the_value_of_an_old_env_instruction_are_not_part_of_it() {
    let dockerfile = PYTHON.replace("CMD", "ENV CACHE_HOST 'store'\nENV TITLE a \"b  c\" d\nENV PLAIN two  words\nCMD");
    let compose = "services:\n  store: {image: \"redis:7\"}\n  web: {build: .}\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", &dockerfile), ("app.py", "")])
        .has("CACHE_HOST = \"127.0.0.1\";")
        .has("TITLE = \"a b  c d\";")
        .has("PLAIN = \"two  words\";");
}

#[test]
fn relative_working_folders_are_below_the_previous_one() {
    let dockerfile = "FROM python:3.13\n  WORKDIR /app\n  COPY code/ ./src/\n  \
                      COPY docker/start.sh ./src/start.sh\nWORKDIR ./src/\nENTRYPOINT [\"sh\", \"./start.sh\"]\n";
    let compose = "services:\n  web: {build: .}\n";
    let start = ("docker/start.sh", "#!/bin/sh\nexec python main.py\n");
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), start, ("code/main.py", "")])
        .has("working_dir = \"./code\";")
        .has("/bin/sh ../docker/start.sh");
}

#[test]
fn go_run_gets_the_flags_that_change_the_program() {
    let dockerfile = "FROM golang:1.24 AS modules\nCOPY go.mod /m/\nWORKDIR /m\nRUN go mod download\n\
                      FROM golang:1.24 AS build\nCOPY --from=modules /go/pkg /go/pkg\nWORKDIR /src\nCOPY . .\n\
                      RUN CGO_ENABLED=0 go build -v -tags 'seed extra' -mod=vendor -o /bin/app ./cmd/api\n\
                      FROM alpine\nCOPY --from=build /bin/app /app\nENTRYPOINT [\"/app\"]\n";
    let files = [
        ("compose.yaml", "services: {api: {build: .}}\n"),
        ("Dockerfile", dockerfile),
        ("go.mod", "module shop\n"),
        ("cmd/api/main.go", "package main\n"),
    ];
    Repo::of(&files)
        .has("/bin/go run -tags=seed,extra -mod=vendor ./cmd/api")
        .not_left("services.api.build", "/go/pkg");
}

#[test]
fn variables_that_the_example_of_the_env_file_sets_are_reported_once() {
    let compose = "services:\n  db:\n    image: postgres:16\n    \
                   environment: [\"POSTGRES_USER=${DB_USER}\", POSTGRES_DB, \"POSTGRES_PASSWORD=${DB_PASSWORD}\"]\n  \
                   charts:\n    image: grafana/grafana\n    environment:\n      \
                   GF_SECURITY_ADMIN_USER: ${CHARTS_USER}\n      GF_USERS_ALLOW_SIGN_UP: ${MISSING}\n  \
                   web:\n    build: .\n    environment: [\"DATABASE_URL=${DATABASE_URL}\", \"TITLE=${TITLE:-shop}\"]\n";
    let example = "DB_USER=shop\nPOSTGRES_DB=shop\nCHARTS_USER=a\nDATABASE_URL=postgres://${DB_USER}@db/shop\n";
    let files = [("compose.yaml", compose), ("Dockerfile", PYTHON), ("app.py", ""), (".env.example", example)];
    let names = "`CHARTS_USER`, `DATABASE_URL`, `DB_USER`, `POSTGRES_DB` have no value";
    let repo = Repo::of(&files);
    repo.left("variables", &format!("./.env does not exist, so {names}"))
        .left("variables", "copy ./.env.example to ./.env, delete the written module, and migrate again")
        .left("services.charts.environment.GF_USERS_ALLOW_SIGN_UP", "`MISSING` has no value")
        .not_left("services.web.environment.DATABASE_URL", "")
        .not_left("services.db.environment.POSTGRES_USER", "")
        .not_left("services.db.environment.POSTGRES_DB", "")
        .lacks("admin_user")
        .lacks("allow_sign_up");
    // With the copy, the entry is gone.
    let copied: Vec<(&str, &str)> = files.into_iter().chain([(".env", example)]).collect();
    Repo::of(&copied).not_left("variables", "").has("superuser = \"shop\";").has("admin_user = \"a\";");
}

#[test]
fn ports_without_a_value_have_one_entry() {
    let compose = "services:\n  web:\n    image: nginx:1.29\n    environment: [WEB_PORT]\n    \
                   volumes: [\"./site.template:/etc/nginx/templates/default.conf.template\"]\n  \
                   app:\n    build: .\n    expose:\n      - ${APP_PORT}\n";
    let site = "server {\n  listen ${WEB_PORT};\n  location / { return 200 'a'; }\n}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", PYTHON), ("app.py", ""), ("site.template", site)]);
    repo.left("services.app.expose", "`APP_PORT` has no value")
        .not_left("services.app.expose", "current value")
        .not_left("services.app.expose.", "")
        .left("services.web.configFile", "`listen ${WEB_PORT}` depends on a variable without a value")
        .has("listen 127.0.0.1:${toString ports.");
    repo.nginx_accepts("web");
}

#[test]
fn paths_in_urls_are_not_folders() {
    let compose = "services:\n  metrics:\n    image: prom/prometheus\n    \
                   volumes: [\"./prometheus.yml:/etc/prometheus/prometheus.yml\", \"data:/prometheus\"]\nvolumes:\n  data:\n";
    let settings = "scrape_configs:\n  - job_name: own\n    metrics_path: /prometheus/metrics\n    \
                    static_configs: [{targets: [\"localhost:9090\"]}]\n";
    Repo::of(&[("compose.yaml", compose), ("prometheus.yml", settings)]).has("metrics_path = \"/prometheus/metrics\";");
}

#[test]
fn ports_and_folders_in_a_configuration_file_are_carried_over() {
    let compose = "services:\n  traces:\n    image: grafana/tempo:2.6.0\n    command: [\"-config.file=/etc/tempo.yaml\"]\n    \
                   ports: [\"3200:3200\", \"4317:4317\", \"9411:9411\"]\n    \
                   volumes: [\"./tempo.yaml:/etc/tempo.yaml\", \"./kept:/var/tempo\", \"./other:/other\"]\n";
    let settings = "server:\n  http_listen_port: 3200\ndistributor:\n  receivers:\n    otlp:\n      protocols:\n        \
                    grpc: {endpoint: \"0.0.0.0:4317\"}\nstorage:\n  trace:\n    backend: local\n    wal: {path: /var/tempo/wal}\n";
    Repo::of(&[("compose.yaml", compose), ("tempo.yaml", settings), ("kept/a", ""), ("other/a", "")])
        .has("path = \"./kept/wal\";")
        .has("endpoint = \"0.0.0.0:${toString ports.")
        .not_left("services.traces.ports", "4317")
        .left("services.traces.ports", "9411")
        .not_left("services.traces.volumes", "./kept")
        .left("services.traces.volumes", "./other");
}

#[test]
fn the_flask_commands_of_a_script_get_their_port() {
    let compose = "services:\n  web:\n    build: .\n    command: python manage.py run -h 0.0.0.0\n    \
                   ports: [\"5004:5000\"]\n  jobs: {build: ., command: python other.py run, ports: [\"5005:5000\"]}\n";
    let manage = "from flask.cli import FlaskGroup\ncli = FlaskGroup(create_app=make)\n";
    let files = [("compose.yaml", compose), ("Dockerfile", PYTHON), ("manage.py", manage), ("other.py", "import a\n")];
    Repo::of(&files)
        .registers("web = 5004;")
        .has("FLASK_RUN_PORT = toString ports.development.web;")
        .not_left("services.web.ports.5000", "")
        .left("services.jobs.ports.5000", "it is unknown how the program gets its port");
}

#[test]
fn programs_of_the_projects_packages_are_started() {
    let compose = "services:\n  queue: {image: \"redis:7\"}\n  board:\n    build: ./board\n    \
                   command: rq-board -H queue\n  styles: {build: ./styles, command: gulp watch}\n  \
                   list: {build: ./list, command: shop_tool serve}\n  other: {build: ./other, command: pressd}\n";
    let python = "FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN pip install";
    let files = [
        ("compose.yaml", compose),
        ("board/Dockerfile", &format!("{python} 'rq-board[web]>=1'\n")),
        ("list/Dockerfile", &format!("{python} --no-cache-dir -r requirements.txt\n")),
        ("list/requirements.txt", "flask\nShop-Tool==2.1 # a\n"),
        ("other/Dockerfile", &format!("{python} presser\n")),
        ("styles/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm install -g gulp-cli && npm install\n"),
        ("styles/package.json", "{\"devDependencies\": {\"gulp\": \"^4\"}}"),
    ];
    Repo::of(&files)
        .has("/bin/rq-board -H 127.0.0.1")
        .has("/bin/shop_tool serve")
        .has("/bin/npx --no-install gulp watch")
        .left("services.board.build", "withPackages")
        .left("services.other", "is known to provide `pressd`");
}

#[test]
fn a_missing_configuration_of_nginx_has_an_example() {
    let compose = "services:\n  web: {image: \"nginx:1.29\", volumes: [\"./web.conf:/etc/nginx/conf.d/web.conf\"]}\n  \
                   two: {image: \"nginx:1.29\", volumes: [\"./two.conf:/etc/nginx/conf.d/two.conf\"]}\n";
    Repo::of(&[("compose.yaml", compose), ("web.conf.sample", "server {\n  listen 80;\n}\n")])
        .left("services.web.volumes", "copy ./web.conf.sample to ./web.conf, delete the written module")
        .left("services.two.volumes", "write the configuration into `configFile`");
}

#[test]
fn ports_that_the_source_sets_are_reported_at_their_line_if_they_change() {
    let compose = "services:\n  one: {build: ./one, ports: [\"8000:8000\"]}\n  two: {build: ./two, ports: [\"8000\"]}\n  \
                   go: {build: ./go, ports: [\"9001:8000\"]}\n  far: {build: ./far, ports: [\"8000\"]}\n";
    let app = "import uvicorn\n# uvicorn.run(app, port=8000)\nuvicorn.run(app, host=\"0.0.0.0\", port=8000)\n";
    let go = "FROM golang:1.24\nWORKDIR /src\nCOPY . .\nRUN go build -o /bin/shop .\nCMD [\"/bin/shop\"]\n";
    let files = [
        ("compose.yaml", compose),
        ("one/Dockerfile", PYTHON),
        ("one/app.py", app),
        ("two/Dockerfile", PYTHON),
        ("two/app.py", app),
        ("go/Dockerfile", go),
        ("go/go.mod", "module shop\n"),
        ("go/main.go", "package main\nfunc main() {\n  http.ListenAndServe(\":8000\", nil)\n}\n"),
        ("far/Dockerfile", PYTHON),
        ("far/app.py", "connect(8000)\nwait(18000)\n"),
    ];
    let repo = Repo::of(&files);
    repo.registers("one = 8000;").not_left("services.one.ports.8000", "");
    for (service, place) in [("two", "\"two/app.py\""), ("go", "\"go/main.go\"")] {
        repo.left(&format!("services.{service}.ports.8000"), "it makes the program listen on 8000")
            .left(&format!("services.{service}.ports.8000"), &format!("\"line\":3,\"path\":{place}"))
            .not_left(&format!("services.{service}.ports.8000"), "it is unknown");
    }
    repo.left("services.far.ports.8000", "it is unknown how the program gets its port");
}

#[test]
fn a_missing_env_file_of_a_server_is_to_be_created_before_another_migration() {
    let compose = "services:\n  db: {image: \"postgres:16\", env_file: [db.env]}\n";
    Repo::of(&[("compose.yaml", compose)]).left("services.db.env_file", "create it, delete the written module");
}

#[test]
fn shell_scripts_that_a_command_starts_need_not_be_executable() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  web:\n    build: .\n    \
                   command: sh -c \"./wait.sh db:5432 -- ./start.sh && ./tool.py && ls ./wait.sh\"\n";
    let dockerfile = PYTHON.replace("CMD", "RUN chmod +x *.sh\nCMD");
    let files = [
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile.as_str()),
        ("app.py", ""),
        ("tool.py", "#!/usr/bin/env python3\n"),
        ("wait.sh", "#!/usr/bin/env bash\nshift 2\nexec \"$@\"\n"),
        ("start.sh", "#!/bin/sh\nexec python app.py\n"),
    ];
    Repo::of(&files).has(
        "bash ./wait.sh 127.0.0.1:${toString ports.databases.postgresql} -- bash ./start.sh && ./tool.py && ls ./wait.sh",
    );
}

#[test]
fn pages_without_content_are_checked_by_a_command() {
    let compose = "services:\n  one:\n    build: ./one\n    ports: [\"8000:8000\"]\n    \
                   healthcheck: {test: curl -f http://one:8000/health || exit 1}\n  \
                   two:\n    build: ./two\n    ports: [\"8001:8001\"]\n    \
                   healthcheck: {test: curl -f http://localhost:8001/health}\n";
    let one = "@app.get(\"/health\", status_code=status.HTTP_204_NO_CONTENT)\ndef health(): pass\n";
    let files = [
        ("compose.yaml", compose),
        ("one/Dockerfile", PYTHON),
        ("one/app.py", one),
        ("two/Dockerfile", PYTHON),
        ("two/app.py", "@app.get(\"/health\")\ndef health(): pass\n"),
    ];
    let repo = Repo::of(&files);
    repo.has("curl -f http://127.0.0.1:${toString ports.development.one}/health || exit 1")
        .has("path = \"/health\";")
        .has("port = ports.development.two;")
        .lacks("port = ports.development.one;");
}

#[test]
fn php_fpm_keeps_its_port_if_the_service_publishes_others() {
    let site = "server {\n  listen 80;\n  root /var/www;\n  location ~ \\.php$ {\n    fastcgi_pass php:9000;\n    include \
                fastcgi_params;\n    fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n  }\n}\n";
    let compose = "services:\n  php: {build: ., ports: [\"5173:5173\"], volumes: [\".:/var/www\"]}\n  \
                   nginx: {image: nginx, ports: [\"8080:80\"], volumes: [\".:/var/www\", \
                   \"./site.conf:/etc/nginx/conf.d/default.conf\"]}\n";
    let files =
        [("compose.yaml", compose), ("site.conf", site), ("Dockerfile", "FROM php:8.3-fpm\nWORKDIR /var/www\n")];
    let module = Repo::of(&files).file("flake/process-compose.nix");
    let listens = module.split("listen = 127.0.0.1:${toString ").nth(1).and_then(|rest| rest.split('}').next());
    let passes = module.split("fastcgi_pass 127.0.0.1:${toString ").nth(1).and_then(|rest| rest.split('}').next());
    assert!(listens.is_some() && listens == passes, "{module}");
}

#[test]
fn files_without_an_extension_are_not_folders_of_the_image() {
    let dockerfile = "FROM openjdk:17\nCOPY mvnw pom.xml usr/\nCOPY src usr/src\nWORKDIR usr/\nRUN ./mvnw package\n\
                      WORKDIR target/\nENTRYPOINT [\"java\", \"-jar\", \"a.jar\"]\n";
    let compose = "services:\n  app: {build: ., ports: [\"8080:8080\"]}\n";
    let files =
        [("compose.yaml", compose), ("Dockerfile", dockerfile), ("mvnw", "#!/bin/sh\n"), ("pom.xml", "<project/>\n")];
    let module = Repo::of(&files).file("flake/process-compose.nix");
    assert!(!module.contains("mvnw/"), "{module}");
}

#[test]
fn static_addresses_are_names_of_services() {
    let compose = "services:\n  web:\n    build: .\n    networks: {inner: {ipv4_address: 172.30.0.2}}\n  \
                   db:\n    image: mysql:8\n    networks: {inner: {ipv4_address: 172.30.0.3}}\n\
                   networks: {inner: {ipam: {config: [{subnet: 172.30.0.0/16}]}}}\n";
    let source = "module.exports = { host: \"172.30.0.3\", port: 3306 };\n";
    let dockerfile = "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.js", source)]);
    repo.left("services.web.source", "172.30.0.3");
}
