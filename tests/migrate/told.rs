//! The variables through which programs get their ports.

use crate::reports::Repo;

#[test]
fn only_variables_for_ports_get_a_port() {
    let sources = [
        ("a", "a.js", "mcp.app.run({transport: process.env.TRANSPORT});\n"),
        ("b", "a.js", "app.listen(getPort(), process.env.REPORT_HOST);\n"),
        ("c", "a.js", "app.listen(port, () => console.log(process.env.PUBLIC_PORT));\n"),
        ("d", "a.js", "/*\n app.listen(process.env.OLDX_PORT)\n*/ run()\n"),
        ("e", "a.js", "metrics.listen(process.env.METRICS_PORT); app.listen(process.env.HTTP_SERVER_PORT);\n"),
        ("f", "a.py", "app.run(transport=os.getenv(\"WIRE_PORT\"))\n"),
        // The default is the port of the container, so the variable is set, but nothing shows that the program uses it.
        ("g", "a.js", "app.listen(port, () => console.log(process.env.SHOWN_PORT || 8080));\n"),
    ];
    let names =
        ["TRANSPORT", "REPORT_HOST", "PUBLIC_PORT", "OLDX_PORT", "METRICS_PORT", "HTTP_SERVER_PORT", "WIRE_PORT"];
    let services: String = sources
        .iter()
        .enumerate()
        .map(|(at, (name, ..))| format!("  {name}: {{build: ./{name}, ports: [\"{}:8080\"]}}\n", 9110 + at))
        .collect();
    let compose = format!("services:\n{services}");
    let dockerfiles = sources.map(|(name, file, _)| {
        let (image, program) = if file == "a.py" { ("python:3.12", "python") } else { ("node:22", "node") };
        let text = format!("FROM {image}\nWORKDIR /a\nCOPY . .\nCMD [\"{program}\", \"{file}\"]\n");
        (format!("{name}/Dockerfile"), text)
    });
    let texts = sources.map(|(name, file, text)| (format!("{name}/{file}"), text.to_owned()));
    let all: Vec<(String, String)> = dockerfiles.into_iter().chain(texts).collect();
    let mut files: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("compose.yaml", &compose));
    let repo = Repo::of(&files);
    for name in names {
        repo.lacks(&format!("{name} = "));
    }
    for (name, ..) in sources {
        repo.left(&format!("services.{name}.ports.8080"), "it is unknown how the program gets its port");
    }
}

#[test]
fn calls_that_span_several_lines_pass_ports() {
    let compose = "services:\n  a: {build: ./a, ports: [\"9110:8080\"]}\n  b: {build: ./b, ports: [\"9111:8080\"]}\n";
    Repo::of(&[
        ("compose.yaml", compose),
        ("a/Dockerfile", "FROM python:3.12\nWORKDIR /a\nCOPY . .\nCMD [\"python\", \"a.py\"]\n"),
        ("a/a.py", "app.run(\n    host=\"0.0.0.0\",\n    port=int(os.environ[\"WIRE_PORT\"]),\n)\n"),
        ("b/Dockerfile", "FROM node:22\nWORKDIR /a\nCOPY . .\nCMD [\"node\", \"a.js\"]\n"),
        (
            "b/a.js",
            "// app.listen(process.env.OLD_PORT)\napp.listen({ port: Number(process.env.REST_PORT) }, () => {});\n",
        ),
    ])
    .has("WIRE_PORT = toString ports.development.a;")
    .has("REST_PORT = toString ports.development.b;")
    .not_left("services.a.ports.8080", "unknown")
    .not_left("services.b.ports.8080", "unknown");
}

#[test]
fn a_port_that_the_process_does_not_set_is_not_said_to_have_no_entry() {
    let compose = "services:\n  chat:\n    image: matrixdotorg/synapse:latest\n    ports: [\"8008:8008\"]\n    \
                   volumes: [\"/var/lib/chat:/var/lib/chat/\"]\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.not_left("services.chat.ports.8008", "no entry in the port registry");
    // The paths differ only in a slash.
    repo.carried("services.chat.volumes", "the path itself, on this machine");
}
