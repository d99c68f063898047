//! Each entry of a report is true, at the line that it is about, and says what to do. Nothing is said twice.

use crate::reports::Repo;

const NODE: &str = "FROM node:22\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";

#[test]
fn ports_are_reported_once_and_at_their_own_line() {
    let compose = "services:\n  site:\n    image: nginx\n    ports:\n      - 80:80\n  \
                   dns:\n    image: pihole/pihole\n    ports:\n      - 53:53\n      - 8080:80\n  \
                   game:\n    image: itzg/minecraft-server\n    ports:\n      - 25565:25565\n  \
                   db: {image: \"mysql:8\"}\n  \
                   ui: {build: ./a, ports: [\"3000:3000\"], expose: [3306]}\n  \
                   own: {build: ./a, ports: [\"81:5000\"]}\n";
    let files = [("compose.yaml", compose), ("a/Dockerfile", NODE), ("a/a.js", "app.listen(5000)\n")];
    let repo = Repo::of(&files);
    repo.left("services.site.ports.80", "\"line\":5")
        .left("services.dns.ports.80", "on Linux only root may use 80")
        .left("services.ui.ports.3306", "already belongs to `db`")
        .not_left("services.ui.expose.3306", "")
        .not_left("services.game.ports.25565", "")
        .carried("services.game.ports", "entries in the port registry")
        .left("services.own.ports.5000", "nothing configures a different port, so it is not reachable on 81")
        .not_left("services.own.ports.5000", "check that the program listens on 5000");
    for what in ["services.dns.ports.80", "services.dns.ports.53", "services.own.ports.5000"] {
        assert!(repo.count(what) <= 1, "{what}");
    }
}

#[test]
fn kafka_has_one_entry_for_all_listeners_and_redpanda_one_for_its_other_servers() {
    let compose = "services:\n  a: {image: \"docker.redpanda.com/vectorized/redpanda:v22.2.2\", ports: [\"9092:9092\", \
                   \"29092:29092\", \"8081:8081\", \"9644:9644\"]}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.left("services.a.ports", "wherever 29092 was used").left("services.a.ports", "of Redpanda on 8081 and 9644");
    assert_eq!(repo.count("services.a.ports"), 2);
}

#[test]
fn builds_of_programs_that_run_from_source_are_not_left_to_do() {
    let compose = "services:\n  go: {build: {context: ./go, target: make}}\n  tags: {build: ./tags}\n  \
                   java: {build: ./java}\n  net: {build: ./net}\n";
    let go = "FROM golang:1.22 AS make\nENV GOPATH=/go GOCACHE=/go-build\nWORKDIR /code\nCOPY . .\n\
              RUN go build -o bin/web main.go\nCMD [\"/code/bin/web\"]\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("go/Dockerfile", go),
        ("go/main.go", "package main\n"),
        ("tags/Dockerfile", &go.replace("build -o", "build -tags x -o")),
        ("tags/main.go", "package main\n"),
        (
            "java/Dockerfile",
            "FROM maven:3.9 AS make\nWORKDIR /w\nCOPY . .\nRUN mvn clean compile assembly:single\nFROM eclipse-temurin:17\n\
             COPY --from=make /w/target/app.jar /app.jar\nCMD java -jar /app.jar\n",
        ),
        ("java/pom.xml", "<project></project>\n"),
        (
            "net/Dockerfile",
            "FROM mcr.microsoft.com/dotnet/sdk:8.0 AS make\nWORKDIR /src\nCOPY . .\nRUN [\"dotnet\", \"publish\", \"-o\", \
             \"/build\"]\nFROM mcr.microsoft.com/dotnet/aspnet:8.0\nWORKDIR /app\nCOPY --from=make /build .\n\
             CMD [\"dotnet\", \"web.dll\"]\n",
        ),
        ("net/web.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>\n"),
    ])
    .not_left("services.go.build", "go build")
    .carried("services.go.build", "the command, which compiles the program")
    .not_left("services.go.environment.GOPATH", "")
    .left("services.tags.build", "go build -tags")
    .not_left("services.java.build", "another stage")
    .not_left("services.net.build", "another stage");
}

#[test]
fn commands_that_only_the_image_needs_are_not_left_to_do() {
    let compose = "services:\n  app: {build: ./app}\n  site: {build: ./site}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        (
            "app/Dockerfile",
            "FROM python:3.12\nWORKDIR /app\nENV VIRTUAL_ENV=/app/venv\nENV PATH=\"$VIRTUAL_ENV/bin:$PATH\"\n\
             RUN python -m venv $VIRTUAL_ENV\nRUN export FLASK_APP=app.py\nRUN apt-get update && cd /tmp && ./configure \
             --with-everything --and-more --and-the-rest && make\n\
             COPY . .\nCMD [\"python\", \"app.py\"]\n",
        ),
        ("app/app.py", ""),
        (
            "site/Dockerfile",
            "FROM nginx:1.27\nRUN mkdir -p /var/run/x && touch /var/run/nginx.pid && chown -R nginx /var/run/x\n\
             WORKDIR /usr/share/nginx/html\nRUN rm -rf ./*\n",
        ),
    ])
    .not_left("services.app.build", "venv")
    .not_left("services.app.build", "export")
    .not_left("services.app.environment.VIRTUAL_ENV", "")
    .not_left("services.app.environment.PATH", "")
    .left("services.app.build", "--with-everything - ..`")
    .not_left("services.site.build", "RUN");
}

#[test]
fn files_that_an_image_edits_are_named_once() {
    let dockerfile = "FROM node:22\nWORKDIR /a\nCOPY . .\nENV PATH=/opt/tool/bin:$PATH\n\
                      RUN sed -i 's/a/b/' config.json && sed -i -e 's/c/d/' config.json\n\
                      RUN sed -i.bak 's/x/y/' config.json /etc/tool.conf\n\
                      RUN sed -i 's/x/y/' one.json && make\nCMD [\"node\", \"a.js\"]\n";
    let repo = Repo::of(&[
        ("compose.yaml", "services: {app: {build: ./a}}\n"),
        ("a/Dockerfile", dockerfile),
        ("a/a.js", ""),
        ("a/config.json", "{}\n"),
    ]);
    repo.left("services.app.build", "the image has a changed config.json")
        .left("services.app.build", "the image has a changed /etc/tool.conf")
        .left("services.app.build", "`RUN sed -i 's/x/y/' one.json && make`")
        .left("services.app.environment.PATH", "runtimeInputs");
    assert_eq!(repo.count("services.app.build"), 3);
}

#[test]
fn variables_are_named_with_what_to_do() {
    let compose = "services:\n  app:\n    build: ./a\n    environment:\n      PEER_PORT: \"${PEER}\"\n      \
                   DB_PASSWORD: hidden\n  site: {image: nginx, volumes: [\"./s.conf:/etc/nginx/conf.d/default.conf\"]}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        (".env", "PEER=4000\n"),
        ("a/Dockerfile", NODE),
        ("a/a.js", ""),
        ("s.conf", "server { listen 80; location / { proxy_pass http://app:8000; } }\n"),
    ])
    .left(
        "services.app.environment.PEER_PORT",
        "it depends on `PEER`, and the module contains its current value, `4000`",
    )
    .left("services.app.environment.PEER_PORT", "change the value in the module if you change `PEER`")
    .left("secrets in environment", "\"line\":6");
}
