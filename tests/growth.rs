//! Inputs of twice and four times the size take about twice and four times the work. The tests count instructions
//! instead of seconds, so the result does not depend on the load of the machine.
#![cfg(unix)]

mod support {
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod repository;
    #[expect(dead_code, reason = "these tests need only some of it")]
    pub mod tools;
}

use std::ffi::OsString;
use std::fmt::Write;
use std::process::Command;

use support::repository::Repository;
use support::tools::{FLAKEWARD, have};

/// The largest permitted growth: it is about 2 for linear work, and about 4 for quadratic work.
const GROWTH: f64 = 2.9;

/// How often work is measured before it is called quadratic. Two runs of one command differ by up to a million
/// instructions, because hash tables have random seeds; quadratic work exceeds the limit every time.
const ATTEMPTS: usize = 3;

/// The number of instructions below which added work counts as noise, such as the growth of a hash table.
fn noise() -> u64 {
    if release_build().is_some() { 1_000_000 } else { 3_000_000 }
}

/// A release build to measure instead of the build for the tests. It takes about a tenth of the instructions.
fn release_build() -> Option<OsString> {
    std::env::var_os("FLAKEWARD_RELEASE_BUILD")
}

/// The number of instructions that a command executes.
fn instructions(repository: &Repository, args: &str) -> u64 {
    let binary = release_build().unwrap_or_else(|| FLAKEWARD.into());
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .args(args.split_whitespace())
        .args(["--jobs", "1"])
        .current_dir(repository.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", repository.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    // The work of a run that fails early does not depend on the size.
    assert!(matches!(ran.status.code(), Some(0 | 1)), "{said}");
    let count = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    count.unwrap_or_else(|| panic!("callgrind reported no count: {said}"))
}

/// The number of instructions that a command executes for a size, twice that size and four times that size. `None` if
/// they cannot be counted on this machine.
fn counts(size: usize, args: &str, files: impl Fn(usize) -> Vec<(String, String)>) -> Option<[u64; 3]> {
    have(&["valgrind"]).then(|| {
        [size, size * 2, size * 4].map(|size| {
            let files = files(size);
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            instructions(&Repository::new(&files), args)
        })
    })
}

/// The ratio of the work added by the second increase of the size to the work added by the first increase, which is
/// half as large.
fn growth([one, two, four]: [u64; 3]) -> f64 {
    four.saturating_sub(two) as f64 / two.saturating_sub(one).max(noise()) as f64
}

#[track_caller]
fn is_linear(size: usize, args: &str, files: impl Fn(usize) -> Vec<(String, String)>) {
    let mut measured = Vec::new();
    while measured.len() < ATTEMPTS {
        let Some(counts) = counts(size, args, &files) else { return };
        if growth(counts) < GROWTH {
            return;
        }
        measured.push(counts);
    }
    panic!("{measured:?} instructions for size {size}, twice and four times that");
}

/// Checks that the work is limited: an input of four times the size takes less than one and a half times the work.
#[track_caller]
fn is_bounded(size: usize, args: &str, files: impl Fn(usize) -> Vec<(String, String)>) {
    let Some(counts) = counts(size, args, files) else { return };
    assert!(
        counts[2] < counts[0] + counts[0] / 2,
        "{counts:?} instructions for size {size}, twice and four times that"
    );
}

#[test]
fn quadratic_work_is_recognised() {
    let work = |size: u64| 80_000_000 + 100_000 * size + 2_000 * size * size;
    assert!(growth([work(60), work(120), work(240)]) > GROWTH);
    let work = |size: u64| 80_000_000 + 100_000 * size;
    assert!(growth([work(60), work(120), work(240)]) < GROWTH);
}

fn file(path: &str, text: impl Into<String>) -> (String, String) {
    (path.to_owned(), text.into())
}

/// Concatenates the texts for all numbers below `size`.
fn each(size: usize, text: impl Fn(usize) -> String) -> String {
    (0..size).fold(String::new(), |mut all, index| {
        let _ = write!(all, "{}", text(index));
        all
    })
}

const CHECK: &str = "check --quiet --now 2026-01-01";

#[test]
fn comparing_shared_structures_in_a_registry() {
    let shared =
        |name: &str, size| each(size, |index| format!("{name}{} = [ {name}{index} {name}{index} ];\n", index + 1));
    is_linear(50, CHECK, |size| {
        let values = format!("a0 = [ ]; b0 = [ ]; {}{}", shared("a", size), shared("b", size));
        let registry = format!("let {values} in {{ web = if a{size} == b{size} then 8080 else 8081; db = 5432; }}\n");
        vec![file("lib/ports.nix", registry)]
    });
}

#[test]
fn builtins_on_a_large_registry() {
    is_linear(500, CHECK, |size| {
        let names = each(size, |index| format!("s{index} = {};\n", 1024 + index));
        let calls = each(size, |index| format!("n{index} = builtins.length (builtins.attrNames s) + {index};\n"));
        vec![file("lib/ports.nix", format!("let s = {{ {names} }}; in s // {{ {calls} }}\n"))]
    });
}

#[test]
fn overrides_and_findings() {
    is_linear(60, CHECK, |size| {
        let overrides =
            each(size, |index| format!("[[overrides]]\npaths = [\"f{index}.nix\"]\nrules.hardcoded-port = \"warn\"\n"));
        let mut files = vec![file("flakeward.toml", overrides)];
        files.push(file(
            "a.nix",
            format!("{{ {} }}\n", each(size, |index| format!("s{index}.port = {};\n", 1024 + index))),
        ));
        files
    });
}

#[test]
fn interpolations_in_one_string() {
    is_linear(150, CHECK, |size| {
        let text = each(size, |index| format!("http://localhost:${{toString ports.p{index}}}/ :{} ", 1024 + index));
        vec![file("a.nix", format!("{{ ports }}: {{ text = \"{text}\"; }}\n"))]
    });
}

#[test]
fn suggestions_for_long_names() {
    is_linear(8_000, CHECK, |size| {
        let name = "a".repeat(size);
        let registry = format!("{{ b{name} = 8080; c{name} = 8081; }}\n");
        vec![file("lib/ports.nix", registry), file("a.nix", format!("(import ./lib/ports.nix).d{name}\n"))]
    });
}

#[test]
fn listed_paths_in_ignored_folders() {
    is_linear(40, &format!("{CHECK} --files-from list"), |size| {
        let mut files = vec![file(".gitignore", "out\n")];
        files.push(file("list", each(size, |index| format!("out/{index}/a.nix\n"))));
        files.extend((0..size).map(|index| file(&format!("out/{index}/a.nix"), "{ port = 8080; }\n")));
        files
    });
}

#[test]
fn exclude_patterns() {
    is_linear(60, CHECK, |size| {
        let patterns = each(size, |index| format!("\"d{index}/**/x*.nix\",\n"));
        vec![file("flakeward.toml", format!("exclude = [{patterns}]\n")), file("a.nix", "{ port = 8080; }\n")]
    });
}

#[test]
fn baseline_entries() {
    is_linear(400, CHECK, |size| {
        let row = |index| {
            format!(
                r#"{{"fingerprint":"{index:032x}","rule":"hardcoded-port","path":"a.nix","message":"port {index}"}}"#
            )
        };
        let rows: Vec<String> = (0..size).map(row).collect();
        let baseline = format!("{{\"version\":1,\"findings\":[\n{}\n]}}\n", rows.join(",\n"));
        vec![file(".flakeward/baseline.json", baseline), file("a.nix", "{ port = 8080; }\n")]
    });
}

#[test]
fn a_custom_rule_over_a_long_list() {
    is_bounded(300, CHECK, |size| {
        let page = "+++\nid = \"pairs\"\nlevel = \"warn\"\nsummary = \"s\"\nlanguages = [\"nix\"]\nmessage = \"m\"\n\
                    query = '''\n(list_expression (_)* @a (_)* @b (_) @finding)\n'''\n+++\n\n## Why\n\nIt is slow.\n";
        let list = format!("[ {} ]\n", "x ".repeat(size));
        vec![file(".flakeward/rules/pairs.md", page), file("a.nix", list)]
    });
}

const MIGRATE: &str = "migrate compose compose.yaml";

#[test]
fn merge_keys() {
    let keys = |name: &str, size| each(size, |index| format!("{name}{index}: 1, "));
    is_linear(250, MIGRATE, |size| {
        let merged = format!("x-b: {{ <<: *a, {} }}", keys("b", size));
        let compose = format!("x-a: &a {{ {} }}\n{merged}\nservices:\n  s: {{ image: redis }}\n", keys("a", size));
        vec![file("compose.yaml", compose)]
    });
}

#[test]
fn extended_services() {
    let keys = |name: &str, size| each(size, |index| format!("{name}{index}: 1, "));
    is_linear(120, MIGRATE, |size| {
        let base = format!("  a: {{ image: redis, labels: {{ {} }} }}\n", keys("a", size));
        let over = format!("  b: {{ extends: a, labels: {{ {} }} }}\n", keys("b", size));
        vec![file("compose.yaml", format!("services:\n{base}{over}"))]
    });
}

#[test]
fn port_ranges() {
    is_linear(100, MIGRATE, |size| {
        let range = format!("{}-{}", 10_000, 10_000 + size);
        let compose = format!("services:\n  a: {{ image: redis, ports: [\"{range}:{range}\"] }}\n");
        vec![file("compose.yaml", compose)]
    });
}

#[test]
fn listeners_of_a_broker() {
    for listener in [|_| 1883, |index| 2_000 + index % 40] {
        is_linear(200, MIGRATE, |size| {
            let mount = "./m.conf:/mosquitto/config/mosquitto.conf";
            let compose = format!("services:\n  m: {{ image: eclipse-mosquitto, volumes: [\"{mount}\"] }}\n");
            let lines = each(size, |index| format!("port {}\n", listener(index)));
            vec![file("compose.yaml", compose), file("m.conf", lines)]
        });
    }
}

#[test]
fn quoted_variables_with_many_lines() {
    is_linear(3_000, MIGRATE, |size| {
        let compose = "services:\n  a: { image: redis }\n";
        vec![file("compose.yaml", compose), file(".env", format!("A='x\n{}'\n", "line\n".repeat(size)))]
    });
}

#[test]
fn yaml_with_many_documents() {
    is_linear(2_000, CHECK, |size| vec![file("x.yaml", "---\n".repeat(size))]);
}

#[test]
fn yaml_with_many_open_brackets() {
    is_linear(1_000, CHECK, |size| vec![file("x.yaml", "[".repeat(size))]);
}

#[test]
fn many_folders_with_compose_files() {
    let compose = "services:\n  a: { image: redis }\n";
    is_linear(40, "migrate", |size| (0..size).map(|index| file(&format!("d{index}/compose.yaml"), compose)).collect());
}

#[test]
fn modules_that_declare_inputs_of_a_generated_flake() {
    is_linear(60, CHECK, |size| {
        let declared = each(size, |index| format!("    i{index}.url = \"github:acme/i{index}\";\n"));
        let head = "# DO-NOT-EDIT. This file was auto-generated using github:vic/flake-file.\n";
        let nixpkgs = "    nixpkgs.url = \"github:NixOS/nixpkgs/nixos-26.05\";\n";
        let flake = format!("{head}{{\n  inputs = {{\n{nixpkgs}{declared}  }};\n  outputs = _: {{ }};\n}}\n");
        let root = each(size, |index| format!(", \"i{index}\": \"i{index}\""));
        let source = |branch: &str| {
            format!("{{ \"owner\": \"NixOS\", \"repo\": \"nixpkgs\", \"ref\": \"{branch}\", \"type\": \"github\" }}")
        };
        let nodes = each(size, |index| {
            format!(
                ", \"i{index}\": {{ \"inputs\": {{ \"nixpkgs\": \"n\" }}, \"original\": {{ \"type\": \"path\", \"path\": \"x\" }} }}"
            )
        });
        let lock = format!(
            "{{ \"nodes\": {{ \"n\": {{ \"original\": {} }}, \"nixpkgs\": {{ \"original\": {} }}, \"root\": {{ \"inputs\": {{ \
             \"nixpkgs\": \"nixpkgs\"{root} }} }}{nodes} }}, \"root\": \"root\", \"version\": 7 }}\n",
            source("nixos-25.11"),
            source("nixos-26.05"),
        );
        let mut files = vec![file("flake.nix", flake), file("flake.lock", lock)];
        files.extend((0..size).map(|index| {
            let module = format!("{{ flake-file.inputs.i{index}.url = \"github:acme/i{index}\"; }}\n");
            file(&format!("m/{index}.nix"), module)
        }));
        files
    });
}

#[test]
fn selections_with_computed_names_from_a_set() {
    is_linear(150, CHECK, |size| {
        let set = each(size, |index| format!("n{index} = {};\n", 3000 + index));
        let uses = each(size, |index| format!("x{index}.port = ports.${{n}};\n"));
        vec![file("a.nix", format!("n: let ports = {{ {set} }}; in {{ {uses} }}\n"))]
    });
}

#[test]
fn an_ignore_pattern_with_many_folders() {
    is_bounded(1_000, CHECK, |size| {
        vec![file(".gitignore", format!("{}x.nix\n", "a/".repeat(size))), file("a.nix", "{ }\n")]
    });
}

#[test]
fn unclosed_expansions() {
    for open in ["${a:-", "$((", "${{ ", "$(${a", "\"${a:-\"", "eval '${a' ", "`${a`"] {
        is_linear(1_200, CHECK, |size| vec![file("a.sh", format!("{}\nnpm run dev\n", open.repeat(size)))]);
    }
}

#[test]
fn expressions_on_one_line_of_a_workflow() {
    for text in ["${{ ", "${{ matrix.a }} "] {
        is_linear(1_500, CHECK, |size| {
            let steps = format!("    steps:\n      - run: |\n          {}\n", text.repeat(size));
            let workflow = format!("on: push\njobs:\n  a:\n    runs-on: x\n{steps}");
            vec![file(".github/workflows/a.yml", workflow)]
        });
    }
}

#[test]
fn heredoc_delimiters_over_many_lines() {
    is_linear(4_000, CHECK, |size| vec![file("Dockerfile", format!("FROM alpine\nRUN {}\n", "<<-E\\\n".repeat(size)))]);
}

#[test]
fn references_to_a_renamed_entry() {
    for (reference, name) in [("{ port = ports.a.web; } ", "a.site"), ("{ inherit (ports.a) web; } ", "b.site")] {
        is_linear(100, &format!("ports rename a.web {name} --diff"), |size| {
            let module = format!("let ports = import ./lib/ports.nix; in [ {} ]\n", reference.repeat(size));
            vec![file("lib/ports.nix", "{\n  a.web = 8080;\n  b.db = 8081;\n}\n"), file("m.nix", module)]
        });
    }
}

#[test]
fn baseline_entries_with_escaped_fingerprints() {
    is_linear(400, CHECK, |size| {
        let row = |index| {
            format!(r#"{{"fingerprint":"\u0030{index:015x}","rule":"hardcoded-port","path":"a.nix","message":"m"}}"#)
        };
        let rows: Vec<String> = (0..size).map(row).collect();
        let baseline = format!("{{\"version\":1,\"findings\":[\n{}\n]}}\n", rows.join(",\n"));
        vec![file(".flakeward/baseline.json", baseline), file("a.nix", "{ port = 8080; }\n")]
    });
}

#[test]
fn variables_in_one_command() {
    is_linear(500, MIGRATE, |size| {
        let command = each(size, |index| format!("$a{index} "));
        vec![file("compose.yaml", format!("services:\n  a: {{ image: redis, command: \"{command}\" }}\n"))]
    });
}

#[test]
fn commands_on_a_line_that_sets_a_search_path() {
    is_linear(2_000, CHECK, |size| {
        vec![file("a.sh", format!("NIX_PATH=nixpkgs=channel:nixos-unstable{}\n", " a `x`".repeat(size)))]
    });
}

#[test]
fn quotes_on_one_line_of_a_string() {
    is_linear(20_000, CHECK, |size| {
        vec![file("a.nix", format!("{{ script = ''\n--port 80 {}''; }}\n", "\"\"\" ".repeat(size)))]
    });
}

#[test]
fn arguments_that_look_like_comments() {
    is_linear(1_000, CHECK, |size| {
        vec![file("a.nix", format!("{{ script = ''\n  server\n{}''; }}\n", "  -- serve --port 8080\n".repeat(size)))]
    });
}

#[test]
fn clients_of_one_address() {
    is_linear(250, CHECK, |size| {
        let client = |index| format!("  a{index}.proxyPass = \"http://10.0.0.5:4321\";\n");
        vec![file("a.nix", format!("{{\n  services.a.port = 4321;\n{}}}\n", each(size, client)))]
    });
}

#[test]
fn gitlab_files_that_are_not_included() {
    is_linear(50, CHECK, |size| {
        let root = file(".gitlab-ci.yml", format!("include: {}\n", each(size * 50, |index| format!("{index}.yml "))));
        let nested = |index| file(&format!("d{index}/.gitlab-ci.yml"), "a:\n  script: docker build .\n");
        (0..size).map(nested).chain([root]).collect()
    });
}

#[test]
fn gitlab_files_that_share_scripts() {
    is_linear(50, CHECK, |size| {
        let nested = |index| file(&format!("d{index}/.gitlab-ci.yml"), "a:\n  script: ./ci/a0.sh\n");
        let script = |index| file(&format!("ci/a{index}.sh"), format!("./ci/a{}.sh\n", index + 1));
        (0..size).map(nested).chain((0..size).map(script)).collect()
    });
}

#[test]
fn hosts_next_to_ports() {
    // Digits are not part of the words of a name.
    let name = |index: usize| index.to_string().bytes().map(|digit| char::from(digit + 49)).collect::<String>();
    is_linear(150, CHECK, |size| {
        let members = each(size, |index| {
            let name = name(index);
            format!("  {name}SmtpHost = \"x.example.net\"; {name}XImapPort = 993;\n")
        });
        vec![file("a.nix", format!("{{\n{members}}}\n"))]
    });
    is_linear(150, CHECK, |size| {
        let pairs = each(size, |index| {
            let name = name(index);
            format!("{name}_smtp_host: x.example.net\n{name}_x_imap_port: 993\n")
        });
        vec![file("a.yaml", pairs)]
    });
}

#[test]
fn peers_and_ports_in_a_network_policy() {
    is_linear(100, CHECK, |size| {
        let (peers, ports) = ("{ ipBlock.cidr = \"192.0.2.0/24\"; } ".repeat(size), "{ port = 8443; } ".repeat(size));
        vec![file("a.nix", format!("{{ to = [ {peers}]; ports = [ {ports}]; }}\n"))]
    });
    is_linear(100, CHECK, |size| {
        let peers = "    - ipBlock: {cidr: 192.0.2.0/24}\n".repeat(size);
        let ports = "    - {port: 8443}\n".repeat(size);
        vec![file("a.yaml", format!("egress:\n- to:\n{peers}  ports:\n{ports}"))]
    });
}

#[test]
fn sets_called_ports_in_one_file() {
    is_linear(20, CHECK, |size| {
        let set = |index| {
            format!("  a{index}.ports = {{ wiki = 3000; chat = 3001; mail = 3002; web = 3003; shop = 3004; }};\n")
        };
        vec![file("values.nix", format!("{{\n{}}}\n", each(size, set)))]
    });
}

#[test]
fn script_functions_that_call_each_other() {
    is_linear(100, CHECK, |size| {
        let function = |index| format!("f{index}() {{\n  f{}\n}}\n", index + 1);
        let script = format!("{}f{size}() {{\n  nix build\n}}\n\"$1\"\n", each(size, function));
        let workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: cachix/install-nix-action@v31\n      - run: ci/build.sh f0\n";
        vec![file(".github/workflows/a.yml", workflow), file("ci/build.sh", script)]
    });
}

#[test]
fn development_commands_on_one_line() {
    for (path, head) in [("a.sh", "cd web && "), ("Makefile", "dev:\n\t")] {
        is_linear(300, CHECK, |size| vec![file(path, format!("{head}{}\n", "npm run dev; ".repeat(size)))]);
    }
}

#[test]
fn fixes_of_many_findings_in_one_file() {
    is_linear(50, "fix --unsafe --diff", |size| {
        let registry = each(size, |index| format!("  p{index} = {};\n", 30_000 + index));
        let ports = each(size, |index| format!("{{ services.s{index}.port = {}; }}\n", 1024 + index));
        vec![file("lib/ports.nix", format!("{{\n{registry}}}\n")), file("a.nix", format!("[\n{ports}]\n"))]
    });
    is_linear(50, "fix --unsafe --diff", |size| {
        let yaml = each(size, |index| format!("s{index}:\n  port: {}\n", 1024 + index));
        vec![file("a.yaml", yaml)]
    });
}

#[test]
fn stages_with_registered_ports() {
    is_linear(100, CHECK, |size| {
        vec![file("lib/ports.nix", "{ redis = 6379; }\n"), file("Dockerfile", "FROM a\nEXPOSE 6379\n".repeat(size))]
    });
}

#[test]
fn entries_for_the_services_of_one_file() {
    is_linear(60, "ports init --diff", |size| {
        let service = |index| format!("  s{index}:\n    image: x{index}\n    ports: [\"{}:80\"]\n", 5_000 + index);
        vec![file("compose.yaml", format!("services:\n{}", each(size, service)))]
    });
}

#[test]
fn many_folders_with_dockerfiles() {
    let dockerfile = "FROM alpine\nHEALTHCHECK CMD true\nCMD [\"a\"]\n";
    is_linear(50, "migrate", |size| (0..size).map(|index| file(&format!("d{index}/Dockerfile"), dockerfile)).collect());
}

const MIGRATE_DOCKERFILE: &str = "migrate dockerfile Dockerfile";

#[test]
fn folders_that_a_dockerfile_enters() {
    let enter = |size| format!("cd {} && ", "a".repeat(100)).repeat(size);
    is_linear(200, MIGRATE_DOCKERFILE, |size| {
        vec![file("Dockerfile", format!("FROM debian\nRUN {}true\n", enter(size)))]
    });
    is_linear(200, MIGRATE, |size| {
        let image =
            format!("FROM golang\nWORKDIR /src\nCOPY . .\nRUN {}go build -o /app .\nCMD [\"/app\"]\n", enter(size));
        vec![
            file("compose.yaml", "services:\n  a: { build: . }\n"),
            file("Dockerfile", image),
            file("go.mod", "module a\n"),
        ]
    });
}

#[test]
fn absolute_folders_that_a_dockerfile_enters() {
    let image = |copies: &str, run: &str| {
        let image =
            format!("FROM golang\nWORKDIR /src\nCOPY . .\n{copies}RUN {run}go build -o /app .\nCMD [\"/app\"]\n");
        let compose = file("compose.yaml", "services:\n  a: { build: . }\n");
        vec![compose, file("Dockerfile", image), file("go.mod", "module a\n")]
    };
    let enter = |size| each(size, |index| format!("cd /src/a{index} && "));
    is_linear(200, MIGRATE, |size| image("", &enter(size)));
    is_linear(200, MIGRATE, |size| image(&each(size, |index| format!("COPY a{index} /q/a{index}\n")), &enter(size)));
    is_linear(200, MIGRATE, |size| image("", &each(size, |index| format!("cd /src/a{index} && go build . && "))));
}

#[test]
fn projects_that_a_dockerfile_publishes() {
    let files = |size: usize, run: &dyn Fn(usize) -> String| {
        let image = format!(
            "FROM sdk AS b\nWORKDIR /src\nCOPY . .\nRUN {}true\nFROM aspnet\nWORKDIR /app\nCOPY --from=b /out .\n\
            ENTRYPOINT [\"dotnet\", \"None.dll\"]\n",
            each(size, run)
        );
        let project = |index| file(&format!("P{index}.csproj"), "<Project/>\n");
        let compose = file("compose.yaml", "services:\n  a: { build: . }\n");
        (0..size).map(project).chain([compose, file("Dockerfile", image)]).collect()
    };
    is_linear(100, MIGRATE, |size| files(size, &|_| "dotnet publish . && ".to_owned()));
    is_linear(100, MIGRATE, |size| files(size, &|index| format!("dotnet publish P{index}.csproj && ")));
}

#[test]
fn accounts_and_groups_in_a_dockerfile() {
    is_linear(500, MIGRATE_DOCKERFILE, |size| {
        let users =
            each(size, |index| format!("useradd u{index} && chown u{index} /d{index} && groupadd g{index} && "));
        vec![file("Dockerfile", format!("FROM debian\nRUN {users}true\n"))]
    });
}

#[test]
fn programs_in_the_command_of_an_image() {
    is_linear(250, MIGRATE_DOCKERFILE, |size| {
        let words = each(size, |index| format!(", \"/usr/bin/a{index}\""));
        let copies = each(size / 5, |index| format!("COPY a /usr/lib/a{index}\n"));
        vec![file("Dockerfile", format!("FROM debian\n{copies}CMD [\"/usr/bin/a\"{words}]\n"))]
    });
}

#[test]
fn patterns_that_a_dockerfile_copies() {
    is_linear(100, MIGRATE, |size| {
        let copies = each(size, |index| format!("COPY a{index}*.js ./\n"));
        let files = (0..size).map(|index| file(&format!("a{index}.js"), "db\n"));
        let compose = "services:\n  db: { image: redis }\n  a: { build: . }\n";
        let image = format!("FROM node:22\n{copies}CMD [\"node\", \"a0.js\"]\n");
        files.chain([file("compose.yaml", compose), file("Dockerfile", image)]).collect()
    });
}

#[test]
fn paths_in_a_script_that_a_process_runs() {
    is_linear(1_000, MIGRATE, |size| {
        let script = each(size, |index| format!("cat /app/a{index}\n"));
        let compose = "services:\n  a: { build: ., command: sh ./run.sh }\n";
        let image = "FROM node:22\nWORKDIR /app\nCOPY . .\n";
        vec![file("compose.yaml", compose), file("Dockerfile", image), file("run.sh", script)]
    });
}

#[test]
fn hosts_in_the_source_of_a_program() {
    let compose = "services:\n  web: { image: nginx }\n  a: { build: ., command: node a.js }\n";
    let files = |name: &'static str, text: String| {
        vec![file("compose.yaml", compose), file("Dockerfile", "FROM node:22\nCOPY . .\n"), file(name, text)]
    };
    is_linear(2_000, MIGRATE, |size| files("a.js", "web,".repeat(size)));
    is_linear(4_000, MIGRATE, |size| files("a.ini", "host = web\n".repeat(size)));
    is_linear(1_000, MIGRATE, |size| files("a.js", "x = 'web' || process.env.A || 'http://web';\n".repeat(size)));
    // Longer lines are searched only for full addresses.
    is_linear(40, MIGRATE, |size| files("a.py", format!("{}\n", "web ".repeat(size)).repeat(300)));
}
