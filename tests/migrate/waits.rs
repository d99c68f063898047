//! Programs in images that wait for other services become dependencies of processes.

use crate::reports::Repo;

const NODE: &str = "FROM node:22\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"a.js\"]\n";

/// A repository whose services are built from the same folder.
fn of(services: &str) -> Repo {
    let compose = format!("services:\n{services}");
    Repo::of(&[("compose.yaml", &compose), ("a/Dockerfile", NODE), ("a/a.js", "")])
}

/// The command of a service that waits for others.
fn waits(hosts: &[&str]) -> String {
    let hosts: Vec<String> = hosts.iter().map(|host| format!("\"-wait\", \"tcp://{host}:8080\", ")).collect();
    format!("command: [\"dockerize\", {}\"node\", \"a.js\"]", hosts.concat())
}

#[test]
fn processes_never_wait_for_each_other() {
    let services = format!(
        "  a: {{build: ./a, links: [b]}}\n  b: {{build: ./a, {}}}\n  \
         c: {{build: ./a, depends_on: [d]}}\n  d: {{build: ./a, {}}}\n  e: {{build: ./a, {}}}\n  \
         f: {{build: ./a, network_mode: \"service:g\"}}\n  g: {{build: ./a, {}}}\n  \
         h: {{build: ./a, {}}}\n  i: {{build: ./a, {}}}\n  j: {{build: ./a, {}}}\n",
        waits(&["a"]),
        waits(&["e"]),
        waits(&["c"]),
        waits(&["f"]),
        waits(&["i", "j"]),
        waits(&["h", "j"]),
        waits(&["h", "i"]),
    );
    let repo = of(&services);
    repo.left("services.b.depends_on", "waits for tcp://a:8080")
        .left("services.e.depends_on", "waits for tcp://c:8080")
        .left("services.g.depends_on", "waits for tcp://f:8080")
        .left("services.i.depends_on", "waits for tcp://h:8080")
        .left("services.j.depends_on", "waits for tcp://h:8080")
        .left("services.j.depends_on", "waits for tcp://i:8080")
        .not_left("services.d.depends_on", "the process does not")
        .not_left("services.h.depends_on", "the process does not")
        .not_left("services.i.depends_on", "waits for tcp://j:8080 before");
    assert_eq!(repo.findings("process-dependency"), Vec::<String>::new());
}

#[test]
fn a_wait_for_a_port_that_becomes_a_wait_for_the_start_is_reported() {
    let services = format!(
        "  api: {{build: ./a, ports: [\"8080:8080\"]}}\n  w: {{build: ./a, {wait}}}\n  \
         s: {{build: ./a, {wait}, depends_on: {{api: {{condition: service_completed_successfully}}}}}}\n",
        wait = waits(&["api"])
    );
    of(&services)
        .left("services.w.depends_on", "`api` has no health check, so the process only waits for it to start")
        .not_carried("services.w.depends_on")
        .has("api.condition = \"process_started\";")
        .has("api.condition = \"process_completed_successfully\";")
        .not_left("services.s.depends_on", "");
}

#[test]
fn empty_addresses_are_ignored() {
    of("  w: {build: ./a, command: [\"dockerize\", \"-wait=\", \"node\", \"a.js\"]}\n")
        .has("node a.js")
        .not_left("services.w.depends_on", "");
}

#[test]
fn scripts_keep_what_only_a_shell_understands() {
    let compose = "  api: {build: ./a, ports: [\"8080:8080\"]}\n  \
         x: {build: ./a, command: [sh, -c, \"dockerize -wait tcp://api:8080 node a.js ~/cfg *.js\"]}\n  \
         y: {build: ./a, command: [sh, -c, \"dockerize -wait tcp://api:8080 node a.js # y\"]}\n  \
         v: {build: ./a, environment: {API: api}, command: [sh, -c, \"dockerize -wait tcp://$${API}:8080 node v.js\"]}\n  \
         p: {build: ./a, command: [sh, -c, \"dockerize -wait tcp://api:8080 node p.js | cat\"]}\n  \
         n: {build: ./a, command: [sh, -c, \"dockerize -wait tcp://api:8080\\nnode n.js\"]}\n  \
         r: {build: ./a, command: [sh, -c, \"dockerize -wait tcp://api:8080 2>&1; node r.js\"]}\n";
    let repo = of(compose);
    repo.has("text = \"node a.js ~/cfg *.js\\n\"")
        .has("text = \"node a.js # y\\n\"")
        .has("node v.js")
        .has("text = \"node p.js | cat\\n\"")
        .has("node n.js")
        .left("services.x.depends_on", "waits for tcp://api:8080")
        .left("services.v.depends_on", "waits for tcp://api:8080")
        .left("services.p.depends_on", "waits for tcp://api:8080")
        .left("services.n.depends_on", "waits for tcp://api:8080")
        // The program that waits is kept, because it is more than one word of a command.
        .left("services.r.command", "its script starts `dockerize`")
        .not_left("services.r.depends_on", "");
    assert!(
        !repo.file("flake/process-compose.nix").replace("api:8080 2>&1", "").contains("dockerize -wait tcp://api:")
    );
}

#[test]
fn arguments_of_a_script_that_waits_are_its_command() {
    of("  api: {build: ./a, ports: [\"8080:8080\"]}\n  \
        z: {build: ./a, entrypoint: [sh, -c, '/wait && exec \"$$@\"', --], command: [node, z.js], \
        environment: {WAIT_HOSTS: \"api:8080\"}}\n")
    .has("node z.js")
    .lacks("$@")
    .left("services.z.depends_on", "waits for api:8080");
}

#[test]
fn docker_compose_wait_does_more_than_wait_for_hosts() {
    let compose = "services:\n  api: {build: ./a, ports: [\"8080:8080\"]}\n  \
         v: {build: ./a, command: [sh, -c, \"/wait && node a.js\"], environment: {WAIT_HOSTS: \"api:8080\", \
         WAIT_PATHS: /run/ready, WAIT_COMMAND: \"echo hi\", WAIT_AFTER: \"10\", WAIT_BEFORE: \"0\"}}\n  \
         u: {build: ./a, command: [sh, -c, \"/wait && node a.js\"], env_file: u.env}\n  \
         w: {build: ./a, command: [sh, -c, \"/wait && node a.js\"]}\n";
    let files = [("compose.yaml", compose), ("a/Dockerfile", NODE), ("a/a.js", ""), ("u.env", "WAIT_HOSTS=api:8080\n")];
    Repo::of(&files)
        .left("services.v.WAIT_PATHS", "waits until /run/ready exists before it starts")
        .left("services.v.WAIT_COMMAND", "runs `echo hi`")
        .left("services.v.WAIT_AFTER", "waits 10 seconds")
        .not_left("services.v.WAIT_BEFORE", "")
        .not_left("services.u", "")
        .left("services.u.depends_on", "waits for api:8080")
        .left("services.w", "known to provide");
}
