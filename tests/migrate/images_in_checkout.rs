//! What an image build does for a program is in the process, or in the report.

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
fn a_command_for_another_user_runs_without_it() {
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
