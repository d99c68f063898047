//! Whatever an image build does for a program is carried over to its process, or reported.

use crate::reports::Repo;

#[test]
fn launchers_find_the_runtime_of_the_image() {
    let compose = "services:\n  a: {build: ., command: npm start}\n  b: {image: \"node:22\", command: npx --no-install vite}\n  \
                   c: {image: \"node:22\", command: node a.js}\n  d: {image: \"python:3.12\", command: make run}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\n"),
        ("a.js", ""),
        ("package.json", "{\"scripts\": {\"start\": \"node a.js\"}}"),
    ]);
    for name in ["a", "b"] {
        repo.has(&format!("name = \"run-{name}\";\n              runtimeInputs = [ pkgs.nodejs_22 ];"));
    }
    repo.has("name = \"run-d\";\n              runtimeInputs = [ pkgs.python312 ];")
        .has("command = \"${pkgs.nodejs_22}/bin/node a.js\"");
    repo.evaluates();
}

#[test]
fn programs_that_an_image_installs_are_in_path() {
    let dockerfile = "FROM python:3.12\nRUN apt-get update && apt-get install -y --no-install-recommends ffmpeg \
                      poppler-utils ca-certificates gosu && rm -rf /var/lib/apt/lists/*\n\
                      RUN apt-get update && apt-get install -y libfoo-dev ffmpeg\nRUN apt-get install -y odd\n\
                      RUN groupadd app && useradd -g app app\nRUN chmod +x start.sh\n\
                      COPY --from=composer:2 /usr/bin/composer /usr/bin/composer\n\
                      COPY --from=acme/tools /usr/bin/odd /usr/bin/odd\nWORKDIR /app\nCOPY . .\n\
                      ENTRYPOINT [\"./start.sh\"]\nCMD [\"python\", \"a.py\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", "services:\n  a: {build: .}\n"),
        ("Dockerfile", dockerfile),
        ("start.sh", "#!/bin/sh\ndig db\nexec gosu app \"$@\"\n"),
        ("a.py", ""),
    ]);
    for package in ["dnsutils", "ffmpeg", "phpPackages.composer", "poppler-utils", "python312"] {
        repo.has(&format!("                pkgs.{package}\n"));
    }
    repo.left("services.a.build", "the image installs libfoo-dev, which")
        .left("services.a.build", "the image installs odd, which")
        .left("services.a.build", "/usr/bin/odd is copied from the image acme/tools")
        .left("services.a.command", "starts `gosu`")
        .not_left("services.a.build", "composer")
        .not_left("services.a.build", "useradd")
        .not_left("services.a.build", "chmod")
        .not_left("services.a.build", "ca-certificates");
    repo.evaluates();
}

#[test]
fn programs_that_switch_users_are_removed_or_reported() {
    let compose = "services:\n  a: {build: ., command: [gosu, node, node, a.js]}\n  b:\n    image: node:22\n    \
                   command: sh -c \"su-exec node node a.js\"\n";
    let repo =
        Repo::of(&[("compose.yaml", compose), ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\n"), ("a.js", "")]);
    repo.has("command = \"${pkgs.nodejs_22}/bin/node a.js\"").left("services.b.command", "starts `su-exec`");
}

#[test]
fn php_has_the_extensions_of_the_image() {
    let dockerfile = "FROM php:8.3-fpm\nRUN docker-php-ext-configure gd --with-jpeg && docker-php-ext-install pdo_mysql \
                      gd -j$(nproc)\nRUN pecl install redis-6.0.2 xdebug && docker-php-ext-enable redis xdebug\n\
                      RUN docker-php-ext-install odd\nCOPY php.ini /usr/local/etc/php/\nWORKDIR /app\n";
    let compose = "services:\n  a: {build: .}\n  b: {build: ., command: php a.php}\n  c: {build: ./plain}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("php.ini", ""),
        ("a.php", ""),
        ("plain/Dockerfile", "FROM php:8.3-fpm\nRUN docker-php-ext-install mysqli intl\n"),
    ]);
    let extended = "pkgs.php83.withExtensions ({ enabled, all }: enabled ++ [ all.redis all.xdebug ])";
    repo.has(&format!("${{{extended}}}/bin/php-fpm"))
        .has(&format!("${{{extended}}}/bin/php a.php"))
        .has("${pkgs.php83}/bin/php-fpm")
        .left("services.a.build", "docker-php-ext-install odd")
        .left("services.a.build", &format!("((pkgs.{}).buildEnv", extended.trim_start_matches("pkgs.")))
        .not_left("services.a.build", "pecl")
        .not_left("services.c.build", "mysqli");
    repo.evaluates();
}

#[test]
fn an_archive_that_the_source_replaces_is_not_reported() {
    let dockerfile = "FROM maven:3.9-eclipse-temurin-21 AS b\nWORKDIR /app\nCOPY pom.xml .\nCOPY src ./src\n\
                      RUN mvn -q clean package -DskipTests\nFROM eclipse-temurin:21-jre\nWORKDIR /app\n\
                      COPY --from=b /app/target/*.jar app.jar\nENTRYPOINT [\"java\", \"-jar\", \"app.jar\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", "services:\n  a: {build: .}\n"),
        ("Dockerfile", dockerfile),
        ("pom.xml", "<artifactId>spring-boot-starter-parent</artifactId>"),
    ]);
    repo.has("bin/mvn spring-boot:run").not_left("services.a.build", "another stage");
}

#[test]
fn hosts_that_clients_get_as_arguments_are_rewritten() {
    let compose = "services:\n  db: {image: \"postgres:16\", ports: [\"5433:5432\"]}\n  a:\n    image: alpine\n    \
                   command: sh -c \"while ! nc -z db 5432; do sleep 1; done; ping -c 1 db; echo db 5432\"\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.has("nc -z 127.0.0.1 ${toString ports.databases.db}; do").has("ping -c 1 127.0.0.1; echo db 5432");
    repo.evaluates();
}

#[test]
fn packages_that_nix_refuses_are_reported() {
    let compose = "services:\n  a: {image: mongo}\n  b: {image: \"hashicorp/vault:1\"}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.left("packages", "`vault` and `mongodb-ce`").left("packages", "NIXPKGS_ALLOW_UNFREE=1");
    Repo::of(&[("compose.yaml", "services:\n  a: {image: redis}\n")]).not_left("packages", "");
}

#[test]
fn variables_without_a_value_are_reported_where_they_matter() {
    let compose = "services:\n  web: {build: ., ports: [\"3000:${PORT}\"]}\n  cache: {image: redis, ports: \
                   [\"${CACHE}:6379\"]}\n  tool: {build: \"./tool/${TOOL}\"}\n  other:\n    image: \"node:${NODE:-22}\"\n    \
                   command: node a.js\n    environment: {A: \"${UNUSED}\"}\n";
    let files = [
        ("compose.yaml", compose),
        ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nEXPOSE 3000\nCMD [\"node\", \"a.js\"]\n"),
        ("a.js", ""),
        ("sample.env", "PORT=3000\n"),
    ];
    let repo = Repo::of(&files);
    repo.registers("web = 3000;")
        .left("services.web.ports", "`PORT` has no value, so the number inside the container is unknown")
        .left("services.web.ports", "copy ./sample.env to ./.env")
        .left("services.cache.ports", "`CACHE` has no value")
        .left("services.tool.build", "`TOOL` has no value")
        .not_left("services.other.image", "no value")
        .not_left("services.other.environment", "delete the written module");
    let set = [&files[..], &[(".env", "PORT=3000\nCACHE=1\nTOOL=a\n")]].concat();
    Repo::of(&set).not_left("services.web.ports", "no value").not_left("services.tool.build", "no value");
}

#[test]
fn dependency_folders_are_those_of_the_checkout() {
    let compose = "services:\n  a:\n    build: .\n    command: npm start\n    volumes: [\".:/app\", /app/node_modules, \
                   \"data:/app/uploads\"]\nvolumes: {data: {}}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", "FROM node:22\nWORKDIR /app\n")]);
    repo.carried("services.a.volumes", "the checkout has its own")
        .not_left("services.a.volumes", "node_modules")
        .left("services.a.volumes", "/app/uploads");
}

#[test]
fn programs_that_only_wait_are_left_out_with_their_installation() {
    let dockerfile = "FROM node:22\nWORKDIR /app\nCOPY . .\n\
                      ADD https://github.com/ufoscout/docker-compose-wait/releases/download/2.9.0/wait /wait\n\
                      RUN chmod +x /wait\nRUN wget https://github.com/jwilder/dockerize/releases/download/v1/d.tar.gz && \
                      tar -C /usr/local/bin -xzf d.tar.gz\nENTRYPOINT [\"/wait\"]\nCMD [\"node\", \"a.js\"]\n";
    let compose = "services:\n  a: {build: ., environment: {WAIT_HOSTS: \"db:5432\"}}\n  b:\n    build: .\n    \
                   entrypoint: [./wait-for-it.sh, \"db:5432\", -t, \"30\", --, dockerize, -wait, \"tcp://cache:6379\"]\n    \
                   command: [node, b.js]\n  c: {build: ., entrypoint: [./wait-for-it.sh, --odd, node, a.js]}\n  \
                   db: {image: \"postgres:16\"}\n  cache: {image: redis}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", dockerfile),
        ("a.js", ""),
        ("b.js", ""),
        ("wait-for-it.sh", "#!/bin/sh\n"),
    ]);
    repo.has("command = \"${pkgs.nodejs_22}/bin/node a.js\"")
        .has("command = \"${pkgs.nodejs_22}/bin/node b.js\"")
        .has("./wait-for-it.sh --odd")
        .carried("services.a.depends_on", "db.condition = process_healthy")
        .carried("services.b.depends_on", "cache.condition = process_healthy")
        .not_left("services.a.build", "");
    repo.evaluates();
}

#[test]
fn nginx_serves_the_folders_that_other_services_fill() {
    let nginx = "server {\n  listen 80;\n  root /var/www/html;\n  location /static/ { alias /static/; }\n  \
                 location ~ \\.php$ {\n    fastcgi_pass blog:9000;\n    include fastcgi_params;\n    \
                 fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;\n  }\n}\n";
    let compose = "services:\n  db: {image: \"mariadb:11.4\", environment: {MARIADB_DATABASE: wp}}\n  blog:\n    \
                   image: wordpress:6-php8.3-fpm\n    environment: {WORDPRESS_DB_HOST: db}\n    \
                   volumes: [\"wp:/var/www/html\"]\n  app:\n    build: .\n    command: python a.py\n    \
                   volumes: [\"static:/app/static\"]\n  web:\n    image: nginx\n    ports: [\"8080:80\"]\n    \
                   volumes: [\"wp:/var/www/html:ro\", \"static:/static\", \"./site.conf:/etc/nginx/conf.d/default.conf\"]\n\
                   volumes: {wp: {}, static: {}}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("site.conf", nginx),
        ("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"),
        ("a.py", ""),
    ]);
    repo.has("root ./data/blog;")
        .has("alias ./static/;")
        .has("'listen = 127.0.0.1:${toString ports.")
        .has("bin/php-fpm --nodaemonize --fpm-config ./data/blog/php-fpm.conf")
        .lacks("toString 9000")
        .not_left("services.web.volumes", "")
        .not_left("services.web.configFile", "")
        .left("services.blog.image", "`pkgs.wordpress`");
    repo.nginx_accepts("web");
    repo.evaluates();
}

#[test]
fn a_database_has_the_extensions_that_its_dockerfile_installs() {
    let dockerfile = "FROM postgis/postgis:16-3.4\nRUN apt-get update && apt-get install -y postgresql-16-pgvector && \
                      rm -rf /var/lib/apt/lists/*\n";
    let compose = "services:\n  a: {build: .}\n  b: {image: \"timescale/timescaledb:latest-pg16\"}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile)]);
    repo.has("extensions = extensions: [ extensions.pgvector extensions.postgis ];")
        .not_left("services.a.build", "pgvector")
        .left("packages", "`timescaledb`");
    repo.evaluates();
}

#[test]
fn a_shell_that_only_starts_a_built_program_is_not_needed() {
    let dockerfile = "FROM golang:1.24 AS b\nWORKDIR /app\nCOPY . .\nRUN go mod download\nRUN go build -o server .\n\
                      FROM alpine\nWORKDIR /app\nCOPY --from=b /app/server .\nCMD [\"sh\", \"-c\", \"./server\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", "services:\n  a: {build: ., environment: {AMQP_ROUTING_KEY: mail}}\n"),
        ("Dockerfile", dockerfile),
        ("go.mod", "module acme/server\n"),
        ("main.go", "package main\n"),
    ]);
    repo.has("bin/go run .").has("AMQP_ROUTING_KEY = \"mail\"").not_left("services.a.build", "go mod");
}

#[test]
fn packages_in_another_stage_are_added_to_python() {
    let dockerfile = "FROM python:3.12 AS b\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n\
                      FROM python:3.12-slim\nWORKDIR /app\n\
                      COPY --from=b /usr/local/lib/python3.12/site-packages /usr/local/lib/python3.12/site-packages\n\
                      COPY . .\nCMD [\"python\", \"a.py\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", "services:\n  a: {build: .}\n"),
        ("Dockerfile", dockerfile),
        ("a.py", ""),
        ("requirements.txt", "flask\n"),
    ]);
    repo.left("services.a.build", "pkgs.python312.withPackages");
}

#[test]
fn port_defaults_without_quotes_are_found_in_source() {
    let compose = "services:\n  cache: {image: redis, ports: [\"16379:6379\"]}\n  db: {image: \"postgres:16\", ports: \
                   [\"15432:5432\"]}\n  php: {build: .}\n  node: {build: ./node}\n";
    let repo = Repo::of(&[
        ("compose.yaml", compose),
        ("Dockerfile", "FROM php:8.3-fpm\nWORKDIR /app\nCOPY src .\n"),
        ("src/config.php", "<?php return ['host' => env('CACHE_HOST', 'cache'), 'port' => env('CACHE_PORT', 6379)];\n"),
        ("node/Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        ("node/a.js", "connect(process.env.DB_HOST || 'db', process.env.DB_PORT || 5432, process.env.SIZE || 5432)\n"),
    ]);
    repo.has("CACHE_PORT = toString ports.").has("DB_PORT = toString ports.").lacks("SIZE");
}

#[test]
fn a_folder_of_php_fpm_is_carried_over_only_if_nginx_serves_it() {
    let site = |fpm: &str| {
        format!(
            "server {{ listen 80; root /srv/app; location ~ \\.php$ {{ fastcgi_pass {fpm}; include fastcgi_params; }} }}\n"
        )
    };
    let compose = "services:\n  fpm: {image: \"php:8.3-fpm\", volumes: [\"./app:/srv/app\"]}\n  other: {image: \"php:8.3-fpm\"}\n  \
                   web: {image: nginx, ports: [\"8080:80\"], volumes: [\"./site.conf:/etc/nginx/conf.d/default.conf\"]}\n";
    let repo = |fpm: &str| Repo::of(&[("compose.yaml", compose), ("site.conf", &site(fpm)), ("app/index.php", "")]);
    repo("fpm:9000").has("root ./app;").carried("services.fpm.volumes", "nginx");
    repo("other:9000")
        .has("root /srv/app;")
        .left("services.fpm.volumes", "the configuration of nginx still names it")
        .not_carried("services.fpm.volumes");
}

#[test]
fn services_that_share_a_volume_keep_its_files_in_one_folder() {
    let compose = "services:\n  a: {build: ., volumes: [\"files:/srv/files\", \"own:/srv/own\", \"up:/app/up\"]}\n  \
                   b: {build: ., volumes: [\"files:/srv/files\"]}\nvolumes: {files: {}, own: {}, up: {}}\n";
    let dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"a.py\"]\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("Dockerfile", dockerfile), ("a.py", "")]);
    repo.left("services.a.volumes", "./data/files instead of /srv/files")
        .left("services.b.volumes", "./data/files instead of /srv/files")
        .left("services.a.volumes", "./data/a instead of /srv/own")
        .left("services.a.volumes", "./up instead of /app/up");
}
