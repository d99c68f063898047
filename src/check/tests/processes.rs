//! The findings of the process rules for the different ways to write a configuration.

use crate::check::testing::found;

const DEPENDENCY: &str = "process-dependency";
const READINESS: &str = "missing-readiness-probe";
const OPTION: &str = "unknown-process-option";
const PORT: &str = "port-conflict";

/// Each row: the rule, the files, and the positions of its findings.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

fn check(rows: &[Row<'_>]) {
    for (rule, files, wanted) in rows {
        assert_eq!(found(rule, files), *wanted, "{rule} in {files:#?}");
    }
}

#[test]
fn dependencies_in_yaml_that_cannot_be_satisfied_are_reported() {
    check(&[
        // A file with any name is recognised by its content.
        (
            DEPENDENCY,
            &[("compose.yaml", "processes: {a: {command: x, depends_on: {b: {condition: process_started}}}}")],
            &["b"],
        ),
        // Other tools also have processes.
        (DEPENDENCY, &[("app.yaml", "kind: App\nprocesses: {a: {command: x, depends_on: {b: {}}}}")], &[]),
        // No condition means process_completed, which never happens.
        (
            DEPENDENCY,
            &[(
                "process-compose.yml",
                "processes:\n  a: {command: x, depends_on: {b: {}}}\n  b: {command: x, availability: {restart: always}}\n",
            )],
            &["b"],
        ),
        (
            DEPENDENCY,
            &[(
                "process-compose.yml",
                "processes:\n  a: {command: x, depends_on: {b: {}}}\n  b: {command: x, availability: {restart: always, max_restarts: 0}}\n",
            )],
            &["b"],
        ),
        // Templates are filled in later, so nothing can be decided.
        (
            DEPENDENCY,
            &[(
                "process-compose.yml",
                "processes:\n  a: {command: x, depends_on: {b: {condition: process_completed}, '{{.X}}': {}}}\n  b: {command: x, disabled: '{{.OFF}}', availability: {restart: \"${MODE}\"}}\n",
            )],
            &[],
        ),
        // Replicas have numbers; `is_disabled` is a string.
        (
            DEPENDENCY,
            &[(
                "process-compose.yml",
                "processes:\n  a: {command: x, depends_on: {w-1: {condition: process_started}, c: {condition: process_started}}}\n  w: {command: x, replicas: 2}\n  c: {command: x, is_disabled: 'true'}\n",
            )],
            &["process_started"],
        ),
        // A process inherits from the one it extends, through several levels.
        (
            DEPENDENCY,
            &[(
                "process-compose.yml",
                "processes:\n  a: {command: x, depends_on: {c: {condition: process_healthy}}}\n  base: {command: x, readiness_probe: {exec: {command: y}}}\n  b: {extends: base}\n  c: {extends: b}\n  d: {extends: nobody}\n",
            )],
            &["nobody"],
        ),
        // A partial process: the rest is in a file that is loaded together with this one.
        (
            DEPENDENCY,
            &[(
                "process-compose.dev.yaml",
                "processes:\n  a: {command: x, depends_on: {b: {condition: process_healthy}}}\n  b: {environment: [A=1]}\n",
            )],
            &[],
        ),
        // Another file in the folder defines it.
        (
            DEPENDENCY,
            &[
                ("process-compose.yaml", "processes: {db: {command: x}}"),
                (
                    "process-compose.dev.yaml",
                    "processes: {a: {command: x, depends_on: {db: {condition: process_started}}}}",
                ),
                (
                    "other/process-compose.yaml",
                    "processes: {a: {command: x, depends_on: {db: {condition: process_started}}}}",
                ),
            ],
            &["db"],
        ),
        // Loaded with `-f` together with the file in the parent folder.
        (
            DEPENDENCY,
            &[
                ("process-compose.yaml", "processes: {db: {command: x}}"),
                (
                    ".process-compose/indexing.yaml",
                    "processes: {a: {command: x, depends_on: {db: {condition: process_started}, no: {condition: process_started}}}}",
                ),
            ],
            &["no"],
        ),
        // A devbox project also has the processes of its packages.
        (
            DEPENDENCY,
            &[
                ("devbox.json", "{ \"packages\": [\"nginx\"] }"),
                (
                    "process-compose.yaml",
                    "processes: {a: {command: x, depends_on: {nginx: {condition: process_started}, a: {}}}}",
                ),
            ],
            &["a"],
        ),
        // The override file corrects the mistake.
        (
            DEPENDENCY,
            &[
                (
                    "process-compose.yaml",
                    "processes:\n  a: {command: x, depends_on: {b: {condition: process_completed}}}\n  b: {command: x, availability: {restart: always}}\n",
                ),
                ("process-compose.override.yaml", "processes: {b: {availability: {restart: on_failure}}}"),
            ],
            &[],
        ),
        // A file to be loaded with this one may define more of a process.
        (
            DEPENDENCY,
            &[
                (
                    "process-compose.yaml",
                    "processes:\n  a: {command: x, depends_on: {b: {condition: process_healthy}}}\n  b: {command: x}\n",
                ),
                ("process-compose.ci.yaml", "processes: {b: {readiness_probe: {exec: {command: y}}}}"),
            ],
            &[],
        ),
        // An extended file may define more of each process.
        (
            DEPENDENCY,
            &[(
                "process-compose.yaml",
                "extends: ../base.yaml\nprocesses:\n  a: {command: x, depends_on: {b: {condition: process_healthy}}}\n  b: {command: x}\n",
            )],
            &[],
        ),
        // A file that cannot be read completely may define more.
        (
            DEPENDENCY,
            &[("process-compose.yaml", "processes:\n  a: {command: x, depends_on: {b: {}}}\n  {{ if .B }}\n")],
            &[],
        ),
        (DEPENDENCY, &[("process-compose.yaml", "processes: {a: {command: x, depends_on: {a: {}}}}")], &["a"]),
    ]);
}

#[test]
fn dependencies_in_nix_that_cannot_be_satisfied_are_reported() {
    let flake =
        |processes: &str| format!("{{ perSystem = {{ lib, ... }}: {{ process-compose.dev = {processes}; }}; }}");
    let one = |processes: &str, wanted: &[&str]| {
        let text = flake(processes);
        assert_eq!(found(DEPENDENCY, &[("dev.nix", &text)]), wanted, "{processes}");
    };
    one("{ settings.processes.a = { command = \"x\"; depends_on.b.condition = \"process_started\"; }; }", &["b"]);
    one(
        "{ settings = { processes = { a.command = \"x\"; a.depends_on = { b = { condition = \"process_started\"; }; }; }; }; }",
        &["b"],
    );
    one("pc: let s = { a.depends_on.b.condition = \"process_started\"; }; in { settings.processes = s; }", &["b"]);
    one(
        "{ settings.processes = lib.mkMerge [ { a.depends_on.b.condition = \"process_started\"; } (lib.mkIf true { b.command = \"x\"; }) ]; }",
        &[],
    );
    one("{ settings.processes = lib.mkMerge [ { a.depends_on.b.condition = \"process_started\"; } (make 1) ]; }", &[]);
    one("{ settings.processes = { a.depends_on.b.condition = \"process_healthy\"; inherit (others) b; }; }", &[]);
    one("{ settings.processes = { a.depends_on.b.condition = \"process_started\"; ${x}.command = \"x\"; }; }", &[]);
    one(
        "{ settings.processes = { a.depends_on.b.condition = \"process_healthy\"; b = { command = \"x\"; readiness_probe = null; }; }; }",
        &["\"process_healthy\""],
    );
    one(
        "{ settings.processes = { a.depends_on.b.condition = \"process_healthy\"; b = { command = \"x\"; readiness_probe = probe; }; }; }",
        &[],
    );
    one(
        "{ settings.processes = { a.depends_on.b.condition = \"process_healthy\"; b = { command = \"x\"; liveness_probe.exec.command = \"y\"; }; }; }",
        &["\"process_healthy\""],
    );
    one(
        "{ settings.processes = { a.depends_on.b.condition = \"process_started\"; b = { command = \"x\"; disabled = lib.mkDefault true; }; }; }",
        &["\"process_started\""],
    );
    one("{ options.x = 1; config = { settings.processes.a.depends_on.b.condition = \"process_started\"; }; }", &["b"]);
    one("{ settings.extends = ./base.yaml; settings.processes.a.depends_on.b.condition = \"process_started\"; }", &[]);
    one(
        "{ imports = [ inputs.northwind.processComposeModules.default ]; settings.processes.a.depends_on.b.condition = \"process_started\"; }",
        &[],
    );
}

#[test]
fn modules_of_one_flake_are_read_together() {
    let api = "{ perSystem = { ... }: { process-compose.dev.settings.processes.api = { command = \"x\"; depends_on.db.condition = \"process_started\"; }; }; }";
    let db = "{ perSystem = { ... }: { process-compose.dev.settings.processes.db.command = \"x\"; }; }";
    check(&[
        (DEPENDENCY, &[("flake.nix", "{ }"), ("nix/api.nix", api), ("nix/db.nix", db)], &[]),
        (DEPENDENCY, &[("a/flake.nix", "{ }"), ("a/api.nix", api), ("b/flake.nix", "{ }"), ("b/db.nix", db)], &["db"]),
        (READINESS, &[("flake.nix", "{ }"), ("nix/api.nix", api), ("nix/db.nix", db)], &["db"]),
    ]);
}

#[test]
fn missing_readiness_probes_are_reported() {
    check(&[
        (
            READINESS,
            &[("process-compose.yaml", "processes: {a: {command: x, is_daemon: true}, b: {command: x}}")],
            &["a"],
        ),
        (
            READINESS,
            &[("process-compose.yaml", "processes: {a: {command: x, is_daemon: true, ready_log_line: ''}}")],
            &["a"],
        ),
        (READINESS, &[("process-compose.yaml", "processes: {a: {command: x, is_daemon: '{{.D}}'}}")], &[]),
        // A disabled process waits for nothing.
        (
            READINESS,
            &[(
                "process-compose.yaml",
                "processes: {a: {command: x}, b: {command: x, disabled: true, depends_on: {a: {condition: process_started}}}}",
            )],
            &[],
        ),
        // A process that waits for readiness waits forever: `process-dependency` reports that, and one finding is
        // enough.
        (
            READINESS,
            &[(
                "process-compose.yaml",
                "processes: {a: {command: x, is_daemon: true}, b: {command: x, depends_on: {a: {condition: process_healthy}}}, c: {command: x, depends_on: {a: {condition: process_started}}}}",
            )],
            &[],
        ),
        (
            DEPENDENCY,
            &[(
                "process-compose.yaml",
                "processes: {a: {command: x, is_daemon: true}, b: {command: x, depends_on: {a: {condition: process_healthy}}}, c: {command: x, depends_on: {a: {condition: process_started}}}}",
            )],
            &["process_healthy"],
        ),
        // Another process waits for its end, so it is a task.
        (
            READINESS,
            &[(
                "process-compose.yaml",
                "processes: {a: {command: x}, b: {command: x, depends_on: {a: {condition: process_started}}}, c: {command: x, depends_on: {a: {}}}}",
            )],
            &[],
        ),
    ]);
}

#[test]
fn unknown_options_are_reported() {
    check(&[
        (
            OPTION,
            &[(
                "process-compose.yaml",
                "processes: {a: {command: x, comand: y, x-b: z, depends_on: {a: {conditon: z}}}}",
            )],
            &["comand", "conditon"],
        ),
        (
            OPTION,
            &[(
                "process-compose.yaml",
                "is_stric: true\nprocesses: {a: {readiness_probe: {httpget: {}, http_get: {pot: 1}}}}",
            )],
            &["is_stric", "httpget", "pot"],
        ),
        (OPTION, &[("process-compose.yaml", "services: {a: {image: x}}\nprocesses: {}")], &[]),
        // A module counts only where process-compose-flake is used.
        (OPTION, &[("m.nix", "{ settings.processes.a = { command = \"x\"; env_file = \"y\"; }; }")], &[]),
        (
            OPTION,
            &[
                ("flake.nix", "{ inputs.process-compose-flake.url = \"x\"; }"),
                ("m.nix", "{ settings.processes.a = { command = \"x\"; env_file = \"y\"; }; }"),
            ],
            &["env_file"],
        ),
        (
            OPTION,
            &[(
                "devenv.nix",
                "{ process.managers.process-compose = { tui.enable = false; settings.processes.a.env_file = \"y\"; }; }",
            )],
            &[],
        ),
        (
            OPTION,
            &[("x.nix", "{ processes.a.process-compose = { schedule = 1; depends_on.b.condition = \"x\"; }; }")],
            &[],
        ),
    ]);
}

#[test]
fn processes_with_the_same_port_are_reported() {
    let yaml = |one: &str, other: &str| format!("processes:\n  a: {{command: {one}}}\n  b: {{command: {other}}}\n");
    for (one, other, wanted) in [
        ("serve --port 80", "serve --port=80", &["80"][..]),
        ("serve --port 80", "serve --port 81", &[]),
        ("postgres --port 80", "psql --port 80", &[]),
        ("serve --port 80", "'/bin/wait && curl --port 80'", &[]),
        ("serve --port $PORT", "serve --port $PORT", &[]),
    ] {
        assert_eq!(found(PORT, &[("process-compose.yaml", &yaml(one, other))]), wanted, "{one} / {other}");
    }
    for (settings, wanted) in [
        ("settings.processes = { a.environment.PORT = 80; b.environment.PORT = \"80\"; };", &["\"80\""][..]),
        (
            "settings.processes = { a.command = \"x --port ${toString ports.web}\"; b.environment.PORT = toString ports.web; };",
            &["toString ports.web"],
        ),
        ("services.nginx.n.enable = true; services.weaviate.w.enable = true;", &["w"]),
        ("services.nginx.n.enable = true; services.weaviate.w = { enable = true; port = 81; };", &[]),
        ("services.nginx.n.enable = true; settings.processes.a.environment.PORT = 8080;", &["n"]),
    ] {
        let text = format!("{{ perSystem = {{ ... }}: {{ process-compose.dev = {{ {settings} }}; }}; }}");
        assert_eq!(found(PORT, &[("dev.nix", &text)]), wanted, "{settings}");
    }
}

#[test]
fn many_processes_are_checked_in_linear_time() {
    let mut text = "processes:\n".to_owned();
    for number in 0..3000 {
        text.push_str(&format!(
            "  p{number}: {{command: x, depends_on: {{p{}: {{condition: process_started}}}}}}\n",
            number + 1
        ));
    }
    assert_eq!(found(DEPENDENCY, &[("process-compose.yaml", &text)]), ["p3000"]);
}
