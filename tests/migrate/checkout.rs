//! A program that runs in the checkout instead of an image finds its code, its files and its configuration, or the report
//! says what is missing.

use serde_json::Value;

use crate::reports::Repo;

const SITE: &str = "server {\n  listen 80;\n  root /site;\n  location ~ \\.php$ {\n    include fastcgi_params;\n    \
                    fastcgi_pass php:9000;\n    fastcgi_param SCRIPT_FILENAME /scripts$fastcgi_script_name;\n  }\n  \
                    location = /one {\n    fastcgi_pass php:9000;\n    \
                    fastcgi_param SCRIPT_FILENAME /scripts/in/one.php;\n  }\n  \
                    location /own {\n    try_files $uri =404;\n    fastcgi_pass php:9000;\n    \
                    fastcgi_param SCRIPT_FILENAME /scripts$fastcgi_script_name;\n  }\n  \
                    location /lost {\n    fastcgi_pass php:9000;\n    \
                    fastcgi_param SCRIPT_FILENAME /none$fastcgi_script_name;\n  }\n}\n";

#[test]
fn nginx_passes_absolute_paths_of_scripts_to_php_fpm() {
    let compose = "services:\n  web:\n    image: nginx\n    ports: [\"8080:80\"]\n    \
                   volumes: [\"./site.conf:/etc/nginx/conf.d/site.conf\", \"./public:/site\"]\n  \
                   php: {image: \"php:8.3-fpm\", volumes: [\"./code:/scripts\"]}\n";
    let files = [("compose.yaml", compose), ("site.conf", SITE), ("public/a.html", "a"), ("code/in/one.php", "<?php")];
    let repo = Repo::of(&files);
    repo.has("root ./public;")
        .has("root ./code;\n                  fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;")
        .has("root ./code/in;\n                  fastcgi_param SCRIPT_FILENAME $document_root/one.php;")
        .left("services.web.configFile", "/scripts is ./code in the checkout")
        .left("services.web.configFile", "/none is not a folder")
        .carried("services.php.volumes", "the configuration of nginx")
        .not_left("services.php.volumes", "");
    repo.nginx_accepts("web");
}

#[test]
fn a_folder_that_only_php_fpm_has_is_served_from_the_checkout() {
    let site = "upstream fpm { server php:9000; }\nserver {\n  listen 80;\n  root /var/www/html/public;\n  \
                location / {\n    fastcgi_pass fpm;\n    include fastcgi_params;\n    \
                fastcgi_param SCRIPT_FILENAME /var/www/html/public/index.php;\n    \
                fastcgi_param DOCUMENT_ROOT /var/www/html/public;\n  }\n}\n";
    let compose = "services:\n  web: {image: nginx, volumes: [\"./site.conf:/etc/nginx/conf.d/site.conf\"]}\n  \
                   php: {image: \"php:8.3-fpm\", volumes: [\"./app:/var/www/html\"]}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("site.conf", site), ("app/public/index.php", "<?php")]);
    repo.has("root ./app/public;\n")
        .has("SCRIPT_FILENAME $document_root/index.php;")
        .has("DOCUMENT_ROOT $document_root;")
        .not_left("services.web.configFile", "");
    repo.nginx_accepts("web");
}

#[test]
fn mounts_that_the_program_does_not_find_in_the_checkout_are_reported() {
    let compose = "services:\n  php: {image: \"php:8.3-fpm\", volumes: [\"./code:/srv/x\", \
                   \"./php/a.ini:/usr/local/etc/php/conf.d/a.ini\", \
                   \"./php/www.conf:/usr/local/etc/php-fpm.d/www.conf\"]}\n  \
                   node: {image: \"node:22\", command: node /app/a.js, \
                   volumes: [\"./code:/app\", \"./php:/data\", \"./more:/more\"], environment: {MORE: /more/x}}\n  \
                   app:\n    build: .\n    volumes: [\"./php:/app/php\", \"./php/a.ini:/app/b.ini\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("a.js", ""),
        ("code/a.js", ""),
        ("more/x/a", ""),
        ("php/a.ini", ""),
        ("php/www.conf", ""),
    ]);
    repo.left("services.php.volumes", "read ./code instead of /srv/x")
        .left("services.php.volumes", "(pkgs.php83.buildEnv { extraConfig = builtins.readFile ../php/a.ini; })")
        .left("services.php.volumes", "from ./php/www.conf into the text of `php-fpm.conf`")
        .left("services.node.volumes", "read ./php instead of /data")
        .not_left("services.node.volumes", "/more")
        .carried("services.node.volumes", "the path in its command")
        .carried("services.node.volumes", "the path in its environment")
        .carried("services.app.volumes", "the process runs in the checkout")
        .left("services.app.volumes", "read ./php/a.ini instead of /app/b.ini")
        .not_left("services.app.volumes", "/app/php");
}

#[test]
fn variables_of_the_base_image_are_expanded_in_copies() {
    let dockerfile = "FROM php:8.3-fpm\nENV $PHP_INI_DIR=x\nCOPY mail.ini $PHP_INI_DIR/conf.d/\n";
    let files = [
        ("compose.yaml", "services: {php: {build: ./php}}\n"),
        ("php/Dockerfile", dockerfile),
        ("php/mail.ini", "sendmail_path = x\n"),
    ];
    Repo::of(&files)
        .left("services.php.build", "copies mail.ini to /usr/local/etc/php/conf.d/")
        .left("services.php.build", "builtins.readFile ../php/mail.ini")
        .not_left("services.php.environment.", "");
}

#[test]
fn programs_started_above_their_code_run_in_its_parent_folder() {
    let dockerfile = "FROM python:3.13\nWORKDIR /api\nCOPY . .\nWORKDIR /\n\
                      CMD [\"gunicorn\", \"-b\", \"0.0.0.0:8000\", \"api:create()\"]\n";
    let compose = "services:\n  same: {build: ./api, ports: [\"8000:8000\"]}\n  \
                   deep: {build: ./more/api, ports: [\"8001:8000\"]}\n  \
                   other: {build: ./back, ports: [\"8002:8000\"]}\n  root: {build: ., ports: [\"8003:8000\"]}\n  \
                   file: {build: ./back, command: python /api/run.py}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("api/Dockerfile", dockerfile),
        ("api/__init__.py", "from api.b import x\n"),
        ("more/api/Dockerfile", dockerfile),
        ("more/api/__init__.py", ""),
        ("back/Dockerfile", dockerfile),
        ("back/run.py", ""),
    ]);
    repo.has("working_dir = \"./more\";")
        .lacks("working_dir = \"./api\";")
        .lacks("working_dir = \"./more/api\";")
        .left(
            "services.other.command",
            "`ln -s back api`, set `working_dir` to `.`, and adapt the paths relative to ./back",
        )
        .not_left("services.root.command", "ln -s")
        .not_left("services.file.command", "ln -s")
        .not_left("services.same.command", "ln -s");
}

#[test]
fn programs_without_a_port_can_have_several_instances() {
    let compose = "services:\n  worker: {build: ., scale: 4}\n  more: {build: ., deploy: {replicas: 3}}\n  \
                   one: {build: ., deploy: {replicas: 1}}\n  \
                   web: {build: ., scale: 2, ports: [\"8000:8000\"]}\n  \
                   server: {build: ., scale: 2, command: flask run}\n  first: {build: ., scale: 2}\n  \
                   next: {build: ., depends_on: [first]}\n";
    let dockerfile = "FROM python:3.13\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"worker.py\"]\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("worker.py", "")]);
    repo.has("replicas = 4;")
        .has("replicas = 3;")
        .lacks("replicas = 2;")
        .lacks("replicas = 1;")
        .carried("services.worker.scale", "settings.processes.worker.replicas")
        .carried("services.more.deploy.replicas", "settings.processes.more.replicas")
        .left("services.web.scale", "listen on the same port")
        .left("services.server.scale", "listen on the same port")
        .left("services.first.scale", "process-compose cannot wait for several instances");
    if let Some(processes) = repo.evaluates() {
        assert_eq!(processes["worker"]["replicas"], Value::from(4));
    }
}

#[test]
fn a_server_without_a_port_in_compose_has_one_instance() {
    let compose = "services:\n  a: {build: ., scale: 2, command: node server.js}\n  \
                   b: {build: ., scale: 2, command: npm start}\n  \
                   c: {build: ., scale: 2, command: sh -c \"migrate && node server.js\"}\n  \
                   d: {build: ., scale: 2, command: node worker.js, labels: [\"traefik.enable=true\"]}\n  \
                   e: {build: ., scale: 2, command: node queue-admin.js}\n  \
                   f: {build: ., scale: 2, entrypoint: ./worker.sh}\n  \
                   g: {build: ., scale: 0x10, command: node worker.js}\n  \
                   h: {build: ., scale: 100000000000, command: node worker.js}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\n"),
        ("package.json", "{\"scripts\":{\"start\":\"node server.js\"}}"),
        ("server.js", "require('express')().listen(3000)"),
        ("queue-admin.js", "require('http').createServer(x).listen(3000)"),
        ("worker.sh", "#!/bin/sh\nexec gunicorn app\n"),
        ("worker.js", ""),
    ]);
    repo.lacks("replicas =");
    for name in ["a", "b", "c", "d", "e", "f"] {
        repo.left(&format!("services.{name}.scale"), "listen on the same port");
    }
    repo.left("services.g.scale", "not a decimal number").left("services.h.scale", "not a decimal number");
}

#[test]
fn files_that_do_not_exist_are_reported() {
    let compose = "services:\n  app:\n    build: .\n    volumes: [\"./a.json:/app/a.json\", \
                   \"./b.yml:/app/b.yml\", \"./conf.d:/app/conf.d\", \"./data:/app/data\", \"./c.txt:/app/c.txt\"]\n    \
                   secrets: [one, two]\nsecrets:\n  one: {file: ./keys/one.txt}\n  two: {file: ./keys/two.txt}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("a.js", ""),
        ("a.json.dist", "{}"),
        ("b.example.yml", ""),
        ("c.txt", ""),
        ("keys/one.txt.example", "x"),
        ("keys/two.txt", "x"),
    ]);
    repo.left("services.app.volumes", "copy a.json.dist to that path")
        .left("services.app.volumes", "copy b.example.yml to that path")
        .not_left("services.app.volumes", "conf.d")
        .not_left("services.app.volumes", "/data")
        .not_left("services.app.volumes", "c.txt")
        .left("services.app.secrets", "copy keys/one.txt.example to that path")
        .not_left("services.app.secrets", "two.txt does not exist");
}

#[test]
fn variables_that_only_bash_sets_are_not_read_from_files() {
    let compose = "services: {app: {image: \"node:22\", command: node a.js, env_file: .env}}\n";
    let repo = Repo::of(&[("compose.yaml", compose), (".env", "A=1\nUID=1000\nGID=1000\nEUID=1\n")]);
    repo.has("read_env ./.env").lacks(". ./.env;").left("services.app.env_file", "UID is a variable that bash sets");
    repo.left("services.app.env_file", "\"line\":2").not_left("services.app.env_file", "GID");
    repo.left("services.app.env_file", "EUID is a variable that bash sets");
}

#[test]
fn caddy_serves_sites_with_domains_without_tls() {
    let compose = "services:\n  one: {image: \"caddy:2\", ports: [\"8080:80\", \"443:443\"], \
                   volumes: [\"./one/Caddyfile:/etc/caddy/Caddyfile\"]}\n  \
                   two: {image: \"caddy:2\", ports: [\"8081:80\"], volumes: [\"./two:/etc/caddy\"]}\n  \
                   api: {image: \"node:22\", command: node a.js, expose: [4000]}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("one/Caddyfile", "shop.org {\n  tls a@shop.org\n  reverse_proxy api:4000\n}\n"),
        ("two/Caddyfile", "shop.org {\n  respond a\n}\nblog.shop.org {\n  respond b\n}\n"),
    ]);
    repo.has("\n        :${toString ports.development.one} {\n          reverse_proxy 127.0.0.1:")
        .has("http://shop.org:${toString ports.development.two} {")
        .has("http://blog.shop.org:${toString ports.development.two} {")
        .lacks("tls a@shop.org")
        .left("services.one.command", "\"line\":1,\"path\":\"one/Caddyfile\"")
        .left("services.two.command", "curl -H 'Host: shop.org'")
        .not_left("services.one.ports.80", "PORT is set");
    repo.carried("services.one.ports.443", "without TLS on 8080").not_left("services.one.ports.443", "");
    assert!(!repo.file("lib/ports.nix").contains("443"));
}

#[test]
fn caddy_keeps_tls_if_other_sites_need_it() {
    let compose = "services:\n  all: {image: \"caddy:2\", ports: [\"8080:80\", \"8443:443\"], \
                   volumes: [\"./all/Caddyfile:/etc/caddy/Caddyfile\"]}\n  \
                   own: {image: \"caddy:2\", ports: [\"8081:80\"], \
                   volumes: [\"./own/Caddyfile:/etc/caddy/Caddyfile\"]}\n  \
                   parts: {image: \"caddy:2\", ports: [\"8082:80\"], \
                   volumes: [\"./parts/Caddyfile:/etc/caddy/Caddyfile\"]}\n  \
                   api: {image: \"node:22\", command: node a.js, expose: [4000]}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("all/Caddyfile", "shop.org {\n  reverse_proxy api:4000\n}\n{$SITE:b.org} {\n  respond b\n}\n"),
        ("own/Caddyfile", "shop.org {\n  respond a\n}\nwww.shop.org {\n  redir https://shop.org{uri}\n}\n"),
        ("parts/Caddyfile", "import sites/*\nshop.org {\n  reverse_proxy api:4000\n}\n"),
        ("parts/sites/b", "b.org {\n  respond b\n}\n"),
    ]);
    repo.has("        shop.org {\n")
        .left("services.all.command", "serves {$SITE:b.org} on port 443 or 80")
        .left("services.all.command", "serves shop.org on port 443 or 80")
        .not_left("services.all.ports.443", "has no entry")
        .left("services.own.command", "it redirects to https://shop.org{uri}")
        .left("services.parts.command", "it imports sites/*")
        .left("services.parts.command", "\"line\":1,\"path\":\"parts/Caddyfile\"");
    assert!(repo.file("lib/ports.nix").contains("https = 443;"));
}

#[test]
fn pm2_in_a_script_has_its_own_folder_and_is_reported_if_it_returns() {
    let compose = "services:\n  app: {build: ., command: sh -c \"pm2 start a.js && pm2 logs\"}\n  \
                   stays: {build: ., command: sh -c \"npm run build && pm2-runtime a.js\"}\n";
    let dockerfile = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm install -g pm2\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.js", "")]);
    repo.has("export PM2_HOME=\"$PWD/data/app/pm2\"")
        .has("export PM2_HOME=\"$PWD/data/stays/pm2\"")
        .left("services.app.command", "`pm2` returns while its daemon keeps the program running")
        .not_left("services.stays.command", "daemon");
}

#[test]
fn image_tags_in_a_mounted_checkout_are_not_ports() {
    let compose = "services:\n  web: {image: \"node:22\", working_dir: /app, command: node /app/a.js, \
                   volumes: [\".:/app\"]}\n  postgres: {image: \"postgres:15\"}\n";
    let other = "services:\n  postgres: {image: \"postgres:16\"}\n";
    let files = [("compose.yaml", compose), ("docker-compose.dev.yml", other), ("a.js", "")];
    let ports = Repo::of(&files).file("lib/ports.nix");
    assert!(ports.contains("5432") && !ports.contains("15;") && !ports.contains("16;"), "{ports}");
}

#[test]
fn scripts_without_an_extension_are_start_scripts() {
    let compose = "services:\n  one: {build: {context: ., dockerfile: one}}\n  \
                   two: {build: {context: ., dockerfile: two}}\n  three: {build: {context: ., dockerfile: three}}\n";
    let start = "FROM python:3.13\nWORKDIR /app\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("one", &format!("{start}COPY run/after.sh /entry\nCMD [\"python\", \"a.py\"]\nENTRYPOINT [\"/entry\"]\n")),
        ("two", &format!("{start}COPY run/after.sh /usr/local/bin/after\nENTRYPOINT [\"after\"]\n")),
        ("three", &format!("{start}COPY run/after.sh /start\nCMD [\"/start\"]\n")),
        ("run/after.sh", "#!/bin/sh\nexec \"$@\"\n"),
        ("a.py", ""),
    ]);
    for name in ["services.one", "services.two", "services.three"] {
        repo.not_left(name, "left out");
    }
    repo.has("bash ./run/after.sh ${pkgs.python313}/bin/python3 a.py");
}

#[test]
fn interpreters_with_a_version_in_their_name_are_known() {
    let compose = "services:\n  a: {image: \"python:3.12\", command: python3.12 a.py}\n  \
                   b: {image: \"php:8.3-cli\", command: /usr/bin/php8.3 b.php}\n";
    Repo::of(&[("compose.yaml", compose), ("a.py", ""), ("b.php", "")])
        .has("${pkgs.python312}/bin/python3 a.py")
        .has("${pkgs.php83}/bin/php b.php");
}

#[test]
fn scripts_of_an_image_get_packages_for_the_programs_that_they_use() {
    let script = "#!/bin/sh\nuntil nc -z \"$DB\" 5432; do sleep 1; done\ncurl -s http://x\nexec \"$@\"\n";
    let dockerfile =
        "FROM python:3.13\nWORKDIR /app\nCOPY . .\nENTRYPOINT [\"/app/e.sh\"]\nCMD [\"python\", \"a.py\"]\n";
    let compose = "services:\n  app: {build: .}\n  \
                   job: {image: \"python:3.13\", command: sh -c \"./e.sh python a.py\", volumes: [\".:/app\"], \
                   working_dir: /app}\n";
    let files = [("compose.yaml", compose), ("Dockerfile", dockerfile), ("e.sh", script), ("a.py", "")];
    let repo = Repo::of(&files);
    repo.has("runtimeInputs = [ pkgs.curl pkgs.netcat pkgs.python313 ];")
        .has("runtimeInputs = [ pkgs.bash pkgs.curl pkgs.netcat pkgs.python313 ];")
        .has("bash ./e.sh python3 a.py");
}

#[test]
fn start_scripts_run_the_program_from_its_source() {
    let java = "FROM eclipse-temurin:21\nCOPY w.sh /w.sh\nCOPY target/*.jar app.jar\n\
                ENTRYPOINT [\"/w.sh\", \"java\", \"-jar\", \"app.jar\"]\n";
    let compose = "services:\n  shop: {build: ./shop, ports: [\"8081:8080\"]}\n  \
                   web:\n    build: ./web\n    entrypoint: ./e.sh\n    \
                   command: bash -c \"rails s -p 3000 -b '0.0.0.0'\"\n    ports: [\"3001:3000\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("shop/Dockerfile", java),
        ("shop/pom.xml", "<project><artifactId>spring-boot-starter</artifactId></project>"),
        ("shop/w.sh", "#!/bin/sh\nexec \"$@\"\n"),
        ("web/Dockerfile", "FROM ruby:3.4\nWORKDIR /app\nCOPY . .\n"),
        ("web/e.sh", "#!/bin/sh\nexec \"$@\"\n"),
    ]);
    repo.has("bash ./w.sh ${pkgs.maven}/bin/mvn spring-boot:run")
        .has("SERVER_PORT = toString ports.development.shop;")
        .lacks("app.jar")
        .has("bash -c ")
        .has("bundle exec rails s -p ${toString ports.development.webHost}");
}

#[test]
fn arguments_after_a_start_script_are_kept_or_reported() {
    let java = "FROM eclipse-temurin:21\nCOPY w.sh /w.sh\nCOPY target/*.jar app.jar\nENTRYPOINT [\"/w.sh\"]\n";
    let compose = "services:\n  \
                   one: {build: ., command: [\"java\", \"-Xmx512m\", \"-jar\", \"app.jar\", \"--x.y=prod\"]}\n  \
                   two: {build: ., command: [sh, -c, \"java $$JAVA_OPTS -jar app.jar\"]}\n  \
                   three: {build: ., command: [\"db:3306\", \"--\", java, -jar, app.jar]}\n  \
                   four: {build: ., entrypoint: /j.sh}\n  \
                   five: {build: ., command: [bash, -c, \"echo $$0 $$1\", foo, bar]}\n  \
                   six: {build: ., command: [bash, -lc, \"echo a; echo b\"]}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", &format!("{java}COPY j.sh /j.sh\n")),
        ("pom.xml", "<project><artifactId>spring-boot-starter</artifactId></project>"),
        ("w.sh", "#!/bin/sh\nexec \"$@\"\n"),
        ("j.sh", "#!/bin/sh\nexec java -jar app.jar\n"),
    ]);
    repo.has("w.sh ${pkgs.maven}/bin/mvn spring-boot:run")
        .left("services.one.command", "without `-Xmx512m --x.y=prod`")
        .left("services.one.command", "spring-boot.run.jvmArguments")
        .left("services.two.command", "starts app.jar, which only the image build creates")
        .left("services.three.command", "starts app.jar")
        .left("services.four.command", "starts app.jar")
        .has("foo bar")
        .has("bash -lc ");
}

#[test]
fn a_start_script_runs_a_dotnet_program_from_its_source() {
    let dockerfile = "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS b\nWORKDIR /src\nCOPY . .\nRUN dotnet publish -o /out\n\
                      FROM mcr.microsoft.com/dotnet/aspnet:8.0\nWORKDIR /app\nCOPY --from=b /out .\nCOPY w.sh /w.sh\n\
                      ENTRYPOINT [\"/w.sh\", \"dotnet\", \"App.dll\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", "services: {app: {build: ., ports: [\"8081:8080\"]}}\n"),
        ("Dockerfile", dockerfile),
        ("App.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>"),
        ("w.sh", "#!/bin/sh\nexec \"$@\"\n"),
    ]);
    repo.has("/bin/dotnet run").not_left("services.app.command", "not on PATH");
}

#[test]
fn a_location_gets_one_root_and_alias_sets_the_document_root() {
    let site = "server {\n  listen 80;\n  location / {\n    fastcgi_pass php:9000;\n    \
                fastcgi_param SCRIPT_FILENAME /code/public$fastcgi_script_name;\n    \
                fastcgi_param DOCUMENT_ROOT /code;\n  }\n  location /more {\n    alias /other;\n    \
                fastcgi_pass php:9000;\n    fastcgi_param SCRIPT_FILENAME /code/public/index.php;\n  }\n}\n";
    let compose = "services:\n  web: {image: nginx, volumes: [\"./site.conf:/etc/nginx/conf.d/site.conf\", \
                   \"./other:/other\"]}\n  \
                   php: {image: \"php:8.3-fpm\", volumes: [\"./app:/code\"]}\n";
    let files =
        [("compose.yaml", compose), ("site.conf", site), ("app/public/index.php", "<?php"), ("other/a.html", "a")];
    let repo = Repo::of(&files);
    repo.has("root ./app/public;")
        .lacks("root ./app;")
        .left("services.web.configFile", "/code is ./app in the checkout")
        .lacks("$document_root/index.php")
        .left("services.web.configFile", "/code/public/index.php is ./app/public/index.php in the checkout");
    repo.nginx_accepts("web");
}

#[test]
fn nginx_that_serves_the_whole_checkout_is_reported() {
    let site = "server {\n  listen 80;\n  root /var/www/html;\n  location / {\n    fastcgi_pass php:9000;\n    \
                fastcgi_param SCRIPT_FILENAME /var/www/html$fastcgi_script_name;\n  }\n}\n";
    let compose = "services:\n  web: {image: nginx, volumes: [\"./site.conf:/etc/nginx/conf.d/site.conf\"]}\n  \
                   php: {build: .}\n";
    let dockerfile = "FROM php:8.3-fpm\nCOPY . /var/www/html\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("site.conf", site), ("index.php", "<?php")])
        .has("root ./;")
        .left("services.web.configFile", "nginx now serves all files of the repository");
}

#[test]
fn services_with_php_fpm_and_nginx_are_read_once() {
    let count = 40;
    let mut compose = "services:\n".to_owned();
    let mut files = vec![];
    for at in 0..count {
        compose += &format!("  web{at}: {{image: nginx, volumes: [\"./s{at}.conf:/etc/nginx/conf.d/s.conf\"]}}\n");
        let volumes: Vec<String> = (0..20).map(|number| format!("\"./c{at}/{number}:/srv/c{number}\"")).collect();
        compose += &format!("  php{at}: {{image: \"php:8.3-fpm\", volumes: [{}]}}\n", volumes.join(", "));
        let locations: String = (0..50).map(|number| format!("  location /{number} {{ return 200; }}\n")).collect();
        files.push((format!("s{at}.conf"), format!("server {{\n  listen 80;\n  root /srv/c1;\n{locations}}}\n")));
    }
    let mut all = vec![("compose.yaml", compose.as_str())];
    all.extend(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    let start = std::time::Instant::now();
    Repo::of(&all).left("services.php0.volumes", "the configuration of nginx still names it");
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn only_scripts_are_recognized_under_another_name_in_the_image() {
    let compose = "services:\n  a: {build: ., command: sh -c \"ls /apps && python /w/a.py --dir /apps\"}\n  \
                   b: {build: ., command: python /w/a.py /tmp}\n  c: {build: ., command: /entry}\n";
    let dockerfile = "FROM python:3.13\nRUN mkdir /apps\nCOPY requirements.txt /apps\nCOPY run.sh /tmp\n\
                      COPY run.sh /apps\nCOPY run.sh /entry\nWORKDIR /w\nCOPY . .\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("requirements.txt", ""),
        ("run.sh", "#!/bin/sh\necho a\n"),
        ("a.py", ""),
    ]);
    repo.lacks("./requirements.txt").lacks("a.py ./run.sh").has("--dir /apps").has("bash ./run.sh");
}

#[test]
fn missing_files_mounted_outside_the_working_directory_are_reported() {
    let compose = "services:\n  app:\n    build: .\n    volumes: [\"./config.yml:/etc/app/config.yml\", \
                   \"./certs/example.com:/live/example.com\", \"./v1.2:/data/v1.2\"]\n";
    let dockerfile = "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.js", "")])
        .left("services.app.volumes", "config.yml does not exist")
        .left("services.app.volumes", "read ./config.yml instead of /etc/app/config.yml")
        .left("services.app.volumes", "read ./certs/example.com instead")
        .not_left("services.app.volumes", "certs/example.com does not exist\"")
        .not_left("services.app.volumes", "v1.2 does not exist\"");
}

#[test]
fn a_folder_named_in_the_command_is_found_relative_to_the_container_root() {
    let compose = "services:\n  a: {image: \"python:3.13\", command: python -m app, volumes: [\"./app:/app\"]}\n  \
                   b: {image: \"python:3.13\", command: python -m app, volumes: [\"./app:/app\", \
                   \"./keys:/keys\"]}\n";
    let files = [("compose.yaml", compose), ("app/__main__.py", ""), ("keys/a", "")];
    Repo::of(&files)
        .carried("services.a.volumes", "the process runs in the checkout")
        .not_left("services.a.volumes", "")
        .left("services.b.volumes", "read ./keys instead of /keys");
}

#[test]
fn a_folder_whose_checkout_path_is_in_the_command_is_not_reported() {
    let dockerfile = "FROM python:3.13\nWORKDIR /srv\nCOPY src /srv/worker\nCMD [\"python\", \"worker/main.py\"]\n";
    let files = [("compose.yaml", "services: {app: {build: .}}\n"), ("Dockerfile", dockerfile), ("src/main.py", "")];
    Repo::of(&files).has("python3 ./src/main.py").not_left("services.app.command", "its command names");
}

#[test]
fn a_link_to_the_repository_root_is_placed_in_a_data_folder() {
    let dockerfile = "FROM python:3.13\nWORKDIR /\nCOPY . /api\nCMD [\"gunicorn\", \"api:create()\"]\n";
    let files = [("compose.yaml", "services: {app: {build: .}}\n"), ("Dockerfile", dockerfile), ("create.py", "")];
    Repo::of(&files).left("services.app.command", "`mkdir -p data/app && ln -s ../.. data/app/api`");
}

#[test]
fn image_names_in_mounted_files_are_not_ports() {
    let compose = "services:\n  web: {image: \"node:22\", working_dir: /app, command: node /app/a.js, \
                   volumes: [\".:/app\"]}\n  postgres: {image: \"postgres:15\"}\n  redis: {image: \"redis:7\"}\n  \
                   mysql: {image: \"mysql:8\"}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("a.js", ""),
        ("production.yml", "services:\n  postgres:\n    image: postgres:14\n"),
        (".gitlab-ci.yml", "test:\n  services:\n    - redis:6\n  variables: {A: \"x\"}\n"),
        ("k8s.yaml", "a: {image: mysql:5, url: \"mysql:3307\"}\n"),
    ]);
    let ports = repo.file("lib/ports.nix");
    for number in ["14;", "15;", "6;", "7;", "5;", "8;"] {
        assert!(!ports.contains(&format!("= {number}")), "{ports}");
    }
    assert!(ports.contains("3307;"), "{ports}");
}

#[test]
fn python_2_is_not_replaced() {
    let compose = "services:\n  a: {image: \"python:2.7\", command: python2.7 a.py}\n  \
                   b: {image: \"python:2.7\", command: python2 a.py}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("a.py", "print \"x\"\n")]);
    repo.left("services.a", "is known to provide `python2.7`").left("services.b", "is known to provide `python2`");
}

#[test]
fn script_folders_are_looked_up_in_the_container_of_their_server() {
    let site = "server {\n  listen 80;\n  root /usr/share/nginx/html;\n  location / {\n    fastcgi_pass php:9000;\n    \
                fastcgi_param SCRIPT_FILENAME /usr/share/nginx/html$fastcgi_script_name;\n  }\n}\nserver {\n  \
                listen 81;\n  location / {\n    fastcgi_pass py:9001;\n    \
                fastcgi_param SCRIPT_FILENAME /py$fastcgi_script_name;\n  }\n}\n";
    let compose = "services:\n  web: {image: nginx, volumes: [\"./site.conf:/etc/nginx/conf.d/site.conf\"]}\n  \
                   php: {image: \"php:8.3-fpm\", volumes: [\"./app:/usr/share/nginx/html\"]}\n  \
                   two: {image: \"php:8.3-fpm\", volumes: [\"./app:/x\"]}\n  \
                   py: {image: \"python:3.13\", command: python /py/a.py, volumes: [\"./py:/py\"]}\n";
    let files = [("compose.yaml", compose), ("site.conf", site), ("app/a.php", "<?php"), ("py/a.py", "")];
    Repo::of(&files)
        .has("root ./app;")
        .has("SCRIPT_FILENAME $document_root$fastcgi_script_name;")
        .not_left("services.web.configFile", "/usr/share/nginx/html")
        .left("services.web.configFile", "/py exists only in the container of the server that receives the path");
}

#[test]
fn netcat_is_reported_as_nc_and_shell_functions_are_not_programs() {
    let script = "#!/bin/sh\nmigrate() {\n  echo a\n}\nmigrate\nnetcat -z db 5432\nexec \"$@\"\n";
    let dockerfile =
        "FROM python:3.13\nWORKDIR /app\nCOPY . .\nENTRYPOINT [\"/app/e.sh\"]\nCMD [\"python\", \"a.py\"]\n";
    let compose = "services: {app: {build: .}}\n";
    Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("e.sh", script), ("a.py", "")])
        .has("runtimeInputs = [ pkgs.netcat pkgs.python313 ];")
        .left("services.app.command", "write `nc` in the script");
}

#[test]
fn the_example_of_a_missing_env_file_is_read_in_its_place() {
    let compose = "services:\n  app: {build: ./app, env_file: ./app/.env, ports: [\"3000:3000\"]}\n  \
                   db: {image: \"postgres:16\", env_file: ./app/.env, ports: [\"5433:5432\"]}\n";
    let example = "DB_HOST=db\nDB_PORT=5432\nAPI_HOST=api.example.org\nPOSTGRES_DB=shop\nSECRET_KEY=x\nDEBUG=1\n";
    let app = [
        ("compose.yaml", compose),
        ("app/Dockerfile", "FROM node:22\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("app/a.js", "app.listen(process.env.PORT)\n"),
    ];
    Repo::of(&[&app[..], &[("app/.env.sample", example)]].concat())
        .left("services.app.env_file", "copy app/.env.sample to that path")
        .left("services.app.env_file", "DB_HOST and DB_PORT in app/.env.sample name hosts or ports")
        .left("services.app.env_file", "in app/.env, set DB_HOST to `127.0.0.1` and DB_PORT to `5433`")
        .not_left("services.app.env_file", "API_HOST")
        .has("name = \"shop\"")
        .left("services.db.env_file", "the options have the values in app/.env.sample")
        .not_left("services.db", "SECRET_KEY")
        .not_left("services.db", "DEBUG")
        .not_left("services.db", "DB_HOST");
    // The file itself takes precedence over its example, and is changed in place.
    Repo::of(&[&app[..], &[("app/.env.sample", example), ("app/.env", "DB_HOST=db\nPOSTGRES_DB=cards\n")]].concat())
        .left("services.app.env_file", "set DB_HOST to `127.0.0.1`")
        .not_left("services.app.env_file", ".env.sample")
        .has("name = \"cards\"")
        .not_left("services.db.env_file", "app/.env");
    Repo::of(&app)
        .left("services.app.env_file", "create it before the first start")
        .left("services.db.env_file", "create it, delete the written module, and migrate again");
}

#[test]
fn variables_of_an_env_file_that_only_a_server_reads_are_not_lost() {
    let compose = "services:\n  cache: {image: \"redis:7\", env_file: redis.env}\n  \
                   db: {image: \"mysql:8\", env_file: [db.env]}\n  search: {image: \"elasticsearch:8.11.0\", \
                   env_file: es.env}\n  one: {image: \"mongo:7\", env_file: both.env}\n  \
                   two: {image: \"postgres:16\", env_file: both.env}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("redis.env", "LOG=1\nREDIS_ARGS=--save 60 1\nREDIS_HOST=cache\nREDIS_AOF_ARGS=x\n"),
        ("db.env", "MYSQL_ROOT_HOST=%\nMYSQL_ONETIME_PASSWORD=yes\nAPP_SECRET=x\n"),
        ("es.env", "ELASTIC_PASSWORD=hidden\n"),
        ("both.env", "MONGO_INITDB_DATABASE=app\n"),
    ]);
    repo.left("services.cache.env_file", "redis has no option for REDIS_ARGS and REDIS_AOF_ARGS")
        .left("services.cache.env_file", "\"line\":2")
        .left("services.db.env_file", "mysql has no option for MYSQL_ROOT_HOST")
        .left("services.db.env_file", "would put MYSQL_ONETIME_PASSWORD into")
        .left("services.search.env_file", "would put ELASTIC_PASSWORD into")
        .not_left("services.db.env_file", "APP_SECRET")
        .not_left("services.one.env_file", "");
}

#[test]
fn variables_that_a_database_shares_with_others_are_reported_only_from_its_environment() {
    let compose = "services:\n  db: {image: \"postgres:16\", env_file: ./.env, environment: {DB_KIND: x, DB_SECRET: y}}\n  \
                   app: {build: ., env_file: ./.env}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        (".env", "POSTGRES_DB=shop\nDEBUG=1\nSECRET_KEY=x\n"),
        ("Dockerfile", "FROM node:22\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("a.js", ""),
    ])
    .has("name = \"shop\"")
    .left("services.db.environment.DB_KIND", "has no option for it")
    .left("services.db.environment.DB_SECRET", "set it at run time")
    .not_left("services.db.environment.DEBUG", "")
    .not_left("services.db.environment.SECRET_KEY", "");
}

#[test]
fn programs_that_wait_for_services_become_dependencies() {
    let compose = "services:\n  \
                   web: {build: ./web, entrypoint: dockerize -wait tcp://db:3306 -timeout 20s docker-entrypoint.sh, \
                   command: node src/index.js, depends_on: [db]}\n  \
                   api: {build: ./api, environment: {CACHE_HOST: cache}}\n  \
                   job: {build: ./job, environment: {WAIT_HOSTS: \"db:3306, cache:6379\"}}\n  \
                   db: {image: \"mysql:8\", environment: {MYSQL_DATABASE: shop, MYSQL_USER: u, MYSQL_PASSWORD: p}}\n  \
                   cache: {image: \"redis:7\"}\n";
    let node = "FROM node:22\nWORKDIR /a\nCOPY . .\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("web/Dockerfile", node),
        ("web/src/index.js", ""),
        (
            "api/Dockerfile",
            &format!("{node}CMD dockerize -wait tcp://${{CACHE_HOST}}:6379 -wait=http://example.org && node a.js\n"),
        ),
        ("api/a.js", ""),
        (
            "job/Dockerfile",
            &format!("{node}ADD https://example.org/docker-compose-wait/wait /wait\nCMD /wait && node a.js\n"),
        ),
        ("job/a.js", ""),
    ]);
    repo.has("db-password.condition = \"process_completed_successfully\";")
        .has("node src/index.js")
        .has("cache.condition = \"process_healthy\";")
        .carried("services.web.depends_on", "depends_on.db-password")
        .carried("services.job.depends_on", "depends_on.cache")
        .left("services.api.depends_on", "waits for http://example.org")
        .lacks("dockerize")
        .lacks("/wait");
}

#[test]
fn programs_that_do_more_than_wait_are_kept() {
    let compose = "services:\n  web: {build: ./web}\n  own: {build: ./own}\n  db: {image: \"redis:7\", depends_on: [late]}\n  \
                   late: {build: ./late}\n";
    let node = "FROM node:22\nWORKDIR /a\nCOPY . .\n";
    Repo::of(&[
        ("compose.yaml", compose),
        (
            "web/Dockerfile",
            &format!("{node}CMD [\"dockerize\", \"-template\", \"a.tmpl:a.conf\", \"node\", \"a.js\"]\n"),
        ),
        ("web/a.js", ""),
        ("own/Dockerfile", &format!("{node}CMD /wait && node a.js\n")),
        ("own/a.js", ""),
        ("late/Dockerfile", &format!("{node}CMD [\"dockerize\", \"-wait\", \"tcp://db:6379\", \"node\", \"a.js\"]\n")),
        ("late/a.js", ""),
    ])
    .left("services.web", "to provide `dockerize`")
    .left("services.own", "wait")
    // A dependency in both directions would keep both processes from starting.
    .left("services.late.depends_on", "waits for tcp://db:6379");
}

#[test]
fn the_variable_that_a_listening_call_reads_may_have_any_name() {
    let ports = [("a", 8888), ("b", 8081), ("c", 8082), ("d", 8083), ("e", 8084), ("f", 8085)];
    let services: String = ports
        .iter()
        .map(|(name, port)| format!("  {name}: {{build: ./{name}, ports: [\"1{port}:{port}\"]}}\n"))
        .collect();
    let compose = format!("services:\n{services}  db: {{image: \"redis:7\"}}\n");
    let node = "FROM node:22\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";
    let go = "FROM golang:1.25\nWORKDIR /a\nCOPY . .\nCMD [\"go\", \"run\", \".\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", &compose),
        ("a/Dockerfile", node),
        ("a/a.js", "const redis = connect(process.env.STORE_PORT);\nserver.listen(process.env.REST_PORT, () => {});\n"),
        ("b/Dockerfile", node),
        ("b/a.js", "const port = process.env.port || 8081;\napp.listen(port);\n"),
        ("c/Dockerfile", go),
        ("c/main.go", "http.ListenAndServe(\":\"+os.Getenv(\"PORT_OF_API\"), nil)\n"),
        // The variable is that of another server, or the call has a fixed number.
        ("d/Dockerfile", node),
        ("d/a.js", "const port = process.env.MAIL_PORT || 25;\nclient.connect(process.env.STORE_PORT);\n"),
        ("e/Dockerfile", node),
        ("e/a.js", "// app.listen(process.env.OLD_PORT)\napp.listen(8084);\n"),
        ("f/Dockerfile", &format!("{node}ENV REST_PORT=9000\n")),
        ("f/a.js", "app.listen(process.env.REST_PORT);\n"),
    ]);
    repo.has("REST_PORT = toString ports.development.a;")
        .has("port = toString ports.development.b;")
        .has("PORT_OF_API = toString ports.development.c;")
        .lacks("STORE_PORT")
        .lacks("MAIL_PORT")
        .lacks("OLD_PORT")
        .lacks("REST_PORT = toString ports.development.f;");
    for (name, port) in &ports[..3] {
        repo.not_left(&format!("services.{name}.ports.{port}"), "");
    }
    for (name, port) in &ports[3..] {
        let why = if *name == "e" { "nothing configures a different port" } else { "it is unknown how the program" };
        repo.left(&format!("services.{name}.ports.{port}"), why);
    }
}

#[test]
fn wordpress_runs_in_a_copy_with_the_settings_of_its_image() {
    let compose = "services:\n  db: {image: \"mysql:8\", environment: {MYSQL_DATABASE: blog, MYSQL_USER: u, MYSQL_PASSWORD: p}}\n  \
                   wordpress: {image: \"wordpress:6\", ports: [\"8080:80\"], depends_on: [db], volumes: [\"wp:/var/www/html\"], \
                   environment: {WORDPRESS_DB_HOST: \"db:3306\", WORDPRESS_DB_USER: u, WORDPRESS_DB_PASSWORD: p, WORDPRESS_DB_NAME: blog}}\n\
                   volumes: {wp: {}}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.has("cp -R --no-preserve=mode ${pkgs.wordpress}/share/wordpress/. ./data/wordpress")
        .has("-t ./data/wordpress")
        .has("WORDPRESS_DB_HOST = \"127.0.0.1:${toString ports.databases.mysql}\";")
        .carried("services.wordpress.volumes", "./data/wordpress");
    repo.evaluates();
}

#[test]
fn files_that_a_compiled_stage_copies_from_another_stage_are_reported() {
    let dockerfile = "FROM node:22 AS front\nWORKDIR /front\nCOPY front .\nRUN yarn build\n\
                      FROM golang:1.25 AS bin\nWORKDIR /app\nCOPY . .\nCOPY --from=front /front/dist ./front/dist\n\
                      RUN go build -o /srv .\nFROM alpine\nCOPY --from=bin /srv /srv\nCMD [\"/srv\"]\n";
    let compose = "services:\n  a: {build: ., ports: [\"8080:8080\"]}\n";
    let files = [
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("go.mod", "module a\n\ngo 1.25\n"),
        ("main.go", "package main\nfunc main() { http.ListenAndServe(\":\"+os.Getenv(\"PORT\"), nil) }\n"),
        ("front/package.json", "{}"),
    ];
    Repo::of(&files)
        .left("services.a.build", "another stage builds /app/front/dist")
        .left("services.a.build", "build ./front/dist before the first start");
    let alone = dockerfile.replace("COPY --from=front /front/dist ./front/dist\n", "");
    let files = files.map(|(path, text)| (path, if path == "Dockerfile" { alone.as_str() } else { text }));
    Repo::of(&files).not_left("services.a.build", "another stage builds");
}
