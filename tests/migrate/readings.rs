//! Sources, names and lines that are easily misread: their effects are carried over or reported, and nothing else is
//! reported.

use crate::reports::Repo;

#[test]
fn the_source_of_a_copied_build_product_is_searched() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  java: {build: ./java}\n  \
                   node: {build: ./node, ports: [\"3000:3000\"]}\n  only: {build: ./only}\n";
    let java =
        "FROM eclipse-temurin:17\nARG JAR=target/*.jar\nCOPY ${JAR} app.jar\nCMD [\"java\", \"-jar\", \"/app.jar\"]\n";
    let node = "FROM node:22\nWORKDIR /app\nCOPY package.json ./\nCOPY dist ./dist\nCMD [\"node\", \"dist/a.js\"]\n";
    let only = "FROM node:22\nWORKDIR /app\nCOPY a.js yarn.lock* .env ./\nCMD [\"node\", \"a.js\"]\n";
    let client = "connect(\"postgres://db:5432/x\"); app.listen(process.env.PORT || 3000)\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("java/Dockerfile", java),
        ("java/pom.xml", "<project/>"),
        ("java/src/main/resources/application.properties", "spring.datasource.url=jdbc:postgresql://db:5432/x\n"),
        ("node/Dockerfile", node),
        ("node/package.json", "{}"),
        ("node/src/a.ts", client),
        ("only/Dockerfile", only),
        ("only/a.js", ""),
        ("only/other/b.js", client),
    ])
    .left("services.java.source", "application.properties")
    .left("services.node.source", "node/src/a.ts")
    .not_left("services.node.ports.3000", "unknown how")
    .not_left("services.only.source", "");
}

#[test]
fn run_lines_that_change_what_a_process_reads_are_reported() {
    let dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY ca.crt /usr/local/share/ca-certificates/\n\
                      RUN update-ca-certificates\nRUN pip install --upgrade pip --requirement=all.txt\n\
                      RUN pip install -U wheel -rmore.txt\nRUN rm -f config/local.py\nRUN rm -rf /app/cache\n\
                      RUN <<EOF\nmake docs\nEOF\nRUN pip install --no-cache-dir -U pip && rm -rf /root/.cache\n\
                      COPY . .\nCMD [\"python\", \"a.py\"]\n";
    Repo::of(&[("compose.yaml", "services:\n  app: {build: .}\n"), ("Dockerfile", dockerfile), ("a.py", "")])
        .left("services.app.build", "update-ca-certificates")
        .left("services.app.build", "--requirement=all.txt")
        .left("services.app.build", "-rmore.txt")
        .left("services.app.build", "config/local.py")
        .left("services.app.build", "/app/cache")
        .left("services.app.build", "<<EOF")
        .not_left("services.app.build", "--no-cache-dir")
        .carried("services.app.build", "nothing: the process does not use it");
}

#[test]
fn server_name_variables_with_a_prefix_are_hosts() {
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  kc: {image: \"node:22\", command: node a.js, \
                   environment: {KC_HOSTNAME: kc, SERVER_NAME: kc, DB_SERVER_NAME: db, BROKER_NAME: db}}\n  \
                   app: {image: \"node:22\", command: node a.js, environment: {UPSTREAM_NAME: kc, A_BROKER_NAME: db}}\n";
    Repo::of(&[("compose.yaml", compose), ("a.js", "")])
        .has("KC_HOSTNAME = \"127.0.0.1\"")
        .has("DB_SERVER_NAME = \"127.0.0.1\"")
        .has(" BROKER_NAME = \"127.0.0.1\"")
        .has("A_BROKER_NAME = \"127.0.0.1\"")
        .has("UPSTREAM_NAME = \"127.0.0.1\"")
        .has("SERVER_NAME = \"kc\"");
}

#[test]
fn words_after_a_flag_with_its_value_are_not_hosts() {
    let compose = "services:\n  worker: {image: \"python:3.12\", command: celery --app=shop.server worker}\n  \
                   web: {image: \"node:22\", command: node a.js --config=server.yml worker --server worker}\n";
    Repo::of(&[("compose.yaml", compose), ("a.js", "")])
        .has("celery --app=shop.server worker")
        .has("--config=server.yml worker --server 127.0.0.1");
}

#[test]
fn variables_of_a_raw_file_that_a_script_cannot_set_are_reported() {
    let compose =
        "services:\n  a: {image: \"node:22\", command: node a.js, env_file: [{path: raw.env, format: raw}]}\n";
    Repo::of(&[("compose.yaml", compose), ("raw.env", "B=2\nspring.url=http://x\n"), ("a.js", "")])
        .left("services.a.env_file", "Compose sets spring.url")
        .left("services.a.env_file", "\"line\":2")
        .not_left("services.a.env_file", "sets B");
}

#[test]
fn data_without_an_extension_does_not_count_as_source() {
    let names: Vec<String> = (0..310).map(|number| format!("zdata/blob{number}")).collect();
    let compose = "services:\n  db: {image: \"postgres:16\"}\n  app: {build: .}\n";
    let mut files = vec![
        ("compose.yaml", compose),
        ("Dockerfile", "FROM python:3.12\nWORKDIR /a\nCOPY . .\nCMD [\"python\", \"src/a.py\"]\n"),
        ("src/a.py", "x = \"http://db:5432\"\n"),
    ];
    files.extend(names.iter().map(|name| (name.as_str(), "1")));
    Repo::of(&files).left("services.app.source", "src/a.py").not_left("services.app.source", "only the first");
}

#[test]
fn paths_that_exist_on_every_machine_are_not_reported() {
    let script = "#!/bin/sh\npython a.py > /dev/null 2>&1\ncat /etc/hosts /proc/cpuinfo\n/usr/bin/env python /b.py /tmp/x\n\
                  curl http://localhost:80/x\n";
    let files = [("Dockerfile", "FROM python:3.12\nCOPY . .\nCMD [\"./run.sh\"]\n"), ("run.sh", script)];
    let compose = ("compose.yaml", "services:\n  app: {build: .}\n");
    Repo::of(&[&files[..], &[compose, ("a.py", ""), ("b.py", "")]].concat())
        .left("services.app.command", "refers to /b.py, which exists only in the image")
        .left("services.app.command", "./b.py for /b.py")
        .not_left("services.app.command", "/dev/null")
        .not_left("services.app.command", "/proc");
}

#[test]
fn scripts_that_a_shell_runs_are_read() {
    let compose = "services:\n  a: {build: ., command: bash -o pipefail a.sh}\n  b: {build: ., command: \"sh -c ./b.sh\"}\n  \
                   c: {build: ., command: [sh, -c, \"cd /app && sh -e c.sh\"]}\n";
    let dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n";
    let script = "#!/bin/bash\npython /app/a.py\n";
    let scripts = [("a.sh", script), ("b.sh", script), ("c.sh", script)];
    Repo::of(&[&scripts[..], &[("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.py", "")]].concat())
        .left("services.a.command", "the script ./a.sh refers to /app/a.py")
        .left("services.b.command", "the script ./b.sh refers to /app/a.py")
        .left("services.c.command", "the script ./c.sh refers to /app/a.py");
}

#[test]
fn ports_belong_to_the_service_that_their_variable_names() {
    let compose = "services:\n  mail: {build: ./py, ports: [\"2525:1025\"], environment: {SMTP_PORT: \"1025\"}}\n  \
                   gateway: {build: ./py, ports: [\"8088:8000\"]}\n  \
                   app: {build: ./py, ports: [\"4000:8000\"], environment: {GATEWAY_PORT: \"8000\"}}\n  \
                   fe: {build: ./js, ports: [\"4001:3000\"], environment: {PUBLIC_PORT: \"3000\"}}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("py/Dockerfile", "FROM python:3.12\nWORKDIR /a\nCOPY . .\nCMD [\"python\", \"a.py\"]\n"),
        ("py/a.py", "os.environ[\"SMTP_PORT\"]\n"),
        ("js/Dockerfile", "FROM node:22\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("js/a.js", "app.listen(3000)\n"),
    ])
    .not_left("services.mail.ports.1025", "unknown how")
    .left("services.app.ports.8000", "unknown how")
    .not_left("services.fe.ports.3000", "unknown how")
    .left("services.fe.ports.3000", "nothing configures a different port");
}

#[test]
fn nginx_variables_are_hosts_if_requests_are_passed_to_them() {
    let compose = "services:\n  web: {image: nginx, ports: [\"8080:80\"], \
                   volumes: [\"./site.conf:/etc/nginx/conf.d/default.conf\"]}\n  \
                   api: {image: \"node:22\", command: node a.js, expose: [\"3000\"]}\n";
    let site = "server {\n  listen 80;\n  set $mode api;\n  location / {\n    set $host_of \"api\";\n    \
                proxy_pass http://$host_of:3000;\n  }\n  location /b {\n    set $b api;\n    set $c http://${b}:3000;\n    \
                proxy_pass $c;\n  }\n}\n";
    Repo::of(&[("compose.yaml", compose), ("site.conf", site), ("a.js", "")])
        .left("services.web.configFile", "\"line\":5")
        .left("services.web.configFile", "\"line\":9")
        .not_left("services.web.configFile", "\"line\":3");
}

#[test]
fn settings_of_the_apache_document_root_are_carried_over() {
    let compose = "services:\n  a: {build: ., ports: [\"8080:80\"]}\n  b:\n    image: php:8.3-apache\n    ports: [\"8081:80\"]\n    \
                   volumes: [\"./src:/var/www/html\", \"./site.conf:/etc/apache2/sites-available/000-default.conf\"]\n";
    let dockerfile = "FROM php:8.3-apache\nENV APACHE_DOCUMENT_ROOT /var/www/html/public\n\
                      RUN sed -ri -e \"s!/var/www/html!${APACHE_DOCUMENT_ROOT}!g\" /etc/apache2/sites-available/*.conf\n\
                      COPY src /var/www/html\n";
    let site = "<VirtualHost *:80>\n  DocumentRoot /var/www/html/public\n  Alias /api /srv/api\n</VirtualHost>\n";
    let files = [("compose.yaml", compose), ("Dockerfile", dockerfile), ("site.conf", site)];
    Repo::of(&[&files[..], &[("src/public/index.php", "")]].concat())
        .carried("services.a.environment.APACHE_DOCUMENT_ROOT", "the folder in its command")
        .carried("services.a.build", "the folder in its command")
        .not_left("services.a.build", "sed")
        .carried("services.b.volumes", "the folder in its command")
        .not_left("services.b.volumes", "site.conf")
        .left("services.b.command", "directive `Alias`")
        .left("services.b.command", "\"line\":3");
}

#[test]
fn ports_in_haproxy_lines_follow_the_registry_or_are_reported() {
    let compose = "services:\n  lb: {image: \"haproxy:2.9\", ports: [\"8080:8080\"], \
                   volumes: [\"./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg\"]}\n  \
                   web: {build: ./web, ports: [\"8081:80\"]}\n";
    let config = "frontend f\n  bind 0.0.0.0:8080\n  bind *:443\n  default_backend b\nbackend b\n  \
                  server s web:80 check port 80 weight 1\n  server t example.org:80 check port 80\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("haproxy.cfg", config),
        ("web/Dockerfile", "FROM node:22\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("web/a.js", "app.listen(process.env.PORT)\n"),
    ])
    .has("check port ${toString ports.development.web} weight 1")
    .has("server t example.org:80 check port 80\n")
    .left("services.lb.command", "port 443 has no entry in the port registry")
    .left("services.lb.command", "\"line\":3")
    .not_left("services.lb.command", "8080");
}

#[test]
fn go_programs_that_read_port_as_an_address_get_a_leading_colon() {
    let compose = "services:\n  redis: {image: \"redis:7\"}\n  \
                   a: {build: ./a, ports: [\"8080:8080\"], volumes: [\"./a/.env:/src/.env\"]}\n  \
                   b: {build: ./b, ports: [\"8090:8090\"]}\n  c: {build: ./c, ports: [\"8070:8070\"]}\n";
    let dockerfile = "FROM golang:1.23\nWORKDIR /src\nCOPY . .\nCMD [\"go\", \"run\", \".\"]\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("a/Dockerfile", dockerfile),
        ("a/main.go", "port := os.Getenv(\"PORT\")\n"),
        ("a/.env.example", "STORE=\"redis:6379\"\nPORT=\":8080\"\n"),
        ("b/Dockerfile", dockerfile),
        ("b/main.go", "app.Listen(os.Getenv(\"PORT\"))\n"),
        ("c/Dockerfile", dockerfile),
        ("c/main.go", "app.Listen(\":\" + os.Getenv(\"PORT\"))\n"),
    ])
    .has("PORT = \":${toString ports.development.a}\"")
    .has("PORT = \":${toString ports.development.b}\"")
    .has("PORT = toString ports.development.c;")
    .left("services.a.volumes", "a/.env does not exist")
    .left("services.a.env_file", "STORE in a/.env.example");
}

#[test]
fn hosts_without_a_port_and_folders_of_the_image_are_reported() {
    let compose = "services:\n  db: {image: \"postgres:16\", ports: [\"5433:5432\"]}\n  \
                   a: {image: \"node:22\", command: node a.js, environment: {DB_HOST: db, LOG_DIR: /log, TEMP_DIR: /tmp/x, BASE: /b}}\n  \
                   b: {image: \"node:22\", command: node a.js, environment: {DB_HOST: db, DB_PORT: \"5432\"}}\n";
    Repo::of(&[("compose.yaml", compose), ("a.js", "")])
        .left("services.a.environment.DB_HOST", "`db` listens on 5433 here")
        .left("services.a.environment.LOG_DIR", "/log may exist only in the image")
        .not_left("services.a.environment.TEMP_DIR", "")
        .not_left("services.a.environment.BASE", "")
        .not_left("services.b.environment.DB_HOST", "");
}

#[test]
fn settings_mounted_outside_the_checkout_are_reported() {
    let compose = "services:\n  a: {image: \"node:22\", command: node b.js, working_dir: /app, \
                   volumes: [\"./site.ini:/usr/local/etc/php/conf.d/site.ini\", \"./src:/app\"]}\n";
    Repo::of(&[("compose.yaml", compose), ("site.ini", ""), ("src/b.js", "")])
        .left("services.a.volumes", "/usr/local/etc/php/conf.d/site.ini does not exist outside a container")
        .not_left("services.a.volumes", "/app");
}
