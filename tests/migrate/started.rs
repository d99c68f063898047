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
