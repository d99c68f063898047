//! Converts health checks to readiness probes.

use super::builder::{Builder, Done};
use super::hosts::Position;
use super::image_file::HealthCheck;
use super::names;
use super::process::{self, Program};
use super::stack::{Role, Service};
use super::words;
use super::yaml::{Node, Place, Value};
use crate::migrate::nix::{Attr, Expr, Text};

/// A health check in a Compose file or Dockerfile.
struct Check {
    test: Vec<String>,
    place: Place,
    interval: u64,
    timeout: u64,
    retries: u64,
    start_period: u64,
}

/// Whether a service has a probe after the migration.
pub fn has_probe(service: &Service<'_>) -> bool {
    match &service.role {
        Role::Known(_) => true,
        Role::Package(package) => package.ready.is_some() || is_checked(service),
        Role::Program => is_checked(service),
        Role::Left(_) => false,
    }
}

fn is_checked(service: &Service<'_>) -> bool {
    match service.get("healthcheck") {
        Some(node) if is_off(node) => false,
        Some(node) if node.get("test").is_some() => true,
        _ => image_check(service).is_some(),
    }
}

/// The image's own check. `None` if there is none, or if the service runs another command that does not listen on the
/// checked port: Docker only shows the failure, but process-compose would stop the process.
fn image_check<'s>(service: &'s Service<'_>) -> Option<&'s HealthCheck> {
    let check = service.image_file.as_ref()?.health.as_ref()?;
    (!asks_for_other_port(service, check)).then_some(check)
}

fn asks_for_other_port(service: &Service<'_>, check: &HealthCheck) -> bool {
    let is_other = service.get("command").or(service.get("entrypoint")).is_some();
    let text = check.test.join(" ");
    let asked: Vec<u16> = ["localhost", "127.0.0.1"].iter().flat_map(|name| names::ports_of(&text, name)).collect();
    is_other && !asked.is_empty() && asked.iter().all(|number| service.port(*number).is_none())
}

fn is_off(node: &Node) -> bool {
    let none = |test: &Node| test.items().first().and_then(Node::text) == Some("NONE");
    node.get("disable").and_then(Node::bool) == Some(true) || node.get("test").is_some_and(none)
}

/// The readiness probe of a process. `None` if nothing checks its health. `has_no_content` returns whether the page at a
/// path has another status than 200, the only one that an HTTP probe accepts.
pub fn probe(
    builder: &Builder<'_, '_>,
    done: &mut Done<'_, '_>,
    has_no_content: &dyn Fn(&str) -> bool,
) -> Option<Attr> {
    let service = done.service;
    done.take(&["healthcheck"]);
    if let Some(node) = service.get("healthcheck") {
        if is_off(node) {
            builder.carry(service, &node.place, "healthcheck", "no probe");
            return None;
        }
        for (key, value) in node.pairs() {
            if !matches!(key.name.as_str(), "test" | "interval" | "timeout" | "retries" | "start_period") {
                let why = "process-compose uses one interval for all probes";
                builder.leave(
                    service,
                    &value.place,
                    &format!("healthcheck.{}", key.name),
                    why,
                    "nothing, unless the program starts slowly",
                );
            }
        }
    }
    if let Some(check) = check(builder, service) {
        builder.carry(
            service,
            &check.place,
            "healthcheck",
            format!("settings.processes.{}.readiness_probe", service.process),
        );
        return Some(Attr::new(["readiness_probe"], Expr::Set(attrs(builder, service, &check, has_no_content))));
    }
    let Role::Package(package) = &service.role else { return None };
    let (usual, path) = package.ready?;
    let port = service.usual_port(usual)?;
    let get = http_get("http", builder.port_expr(port), path);
    Some(Attr::new(
        ["readiness_probe"],
        Expr::Set(vec![
            get,
            Attr::new(["period_seconds"], Expr::int(5)),
            Attr::new(["failure_threshold"], Expr::int(24)),
        ]),
    ))
}

fn check(builder: &Builder<'_, '_>, service: &Service<'_>) -> Option<Check> {
    let own = service.get("healthcheck");
    let duration = |key: &str, usual: u64| {
        let text = own.and_then(|node| node.get(key)).and_then(Node::text).map(str::to_owned);
        let image = service.image_file.as_ref().and_then(|file| file.health.as_ref());
        let image = image
            .and_then(|health| health.options.iter().find(|(name, _)| name == key))
            .map(|(_, value)| value.clone());
        let text = text.or(image);
        match text {
            Some(text) => words::seconds(&text).unwrap_or(usual),
            None => usual,
        }
    };
    let retries = own.and_then(|node| node.get("retries")).and_then(Node::text).and_then(|text| text.parse().ok());
    let (test, place) = match own.and_then(|node| node.some("test")) {
        Some(node) => {
            let text = |item: &Node| match &item.value {
                Value::Scalar(scalar) => Some(builder.run_time(scalar)),
                _ => None,
            };
            (node.items().iter().filter_map(text).collect(), node.place.clone())
        }
        None => {
            let file = service.image_file.as_ref()?;
            let health = file.health.as_ref()?;
            if asks_for_other_port(service, health) {
                let place = Place { path: file.path.as_str().into(), line: health.line, column: 1 };
                let why = "it probes a port on which this command does not listen";
                builder.leave(
                    service,
                    &place,
                    "healthcheck",
                    why,
                    "add a readiness probe if other processes wait for this one",
                );
                return None;
            }
            (health.test.clone(), Place { path: file.path.as_str().into(), line: health.line, column: 1 })
        }
    };
    Some(Check {
        test,
        place,
        interval: duration("interval", 30).max(1),
        timeout: duration("timeout", 30).max(1),
        retries: retries.unwrap_or(3),
        start_period: duration("start_period", 0),
    })
}

fn attrs(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    check: &Check,
    has_no_content: &dyn Fn(&str) -> bool,
) -> Vec<Attr> {
    let words: Vec<String> = match check.test.split_first() {
        Some((first, rest)) if first == "CMD" => rest.to_vec(),
        Some((first, rest)) if first == "CMD-SHELL" => vec!["sh".to_owned(), "-c".to_owned(), rest.join(" ")],
        _ => check.test.clone(),
    };
    let mut attrs = Vec::new();
    match http(builder, service, &words, has_no_content) {
        Some(get) => attrs.push(get),
        None => {
            let command = exec(builder, service, &words);
            attrs.push(Attr::new(["exec", "command"], command));
        }
    }
    // Docker ignores failures during the start period, and a success ends it. The probe has no start period, so more
    // failures are allowed.
    let threshold = check.retries + check.start_period.div_ceil(check.interval);
    for (name, value) in [
        ("initial_delay_seconds", 0),
        ("period_seconds", check.interval),
        ("timeout_seconds", check.timeout),
        ("success_threshold", 1),
        ("failure_threshold", threshold.max(1)),
    ] {
        attrs.push(Attr::new([name], Expr::int(value as i64)));
    }
    attrs
}

fn http_get(scheme: &str, port: Expr, path: &str) -> Attr {
    let pairs = vec![
        Attr::new(["host"], Expr::text("127.0.0.1")),
        Attr::new(["scheme"], Expr::text(scheme)),
        Attr::new(["port"], port),
        Attr::new(["path"], Expr::text(path)),
    ];
    Attr::new(["http_get"], Expr::Set(pairs))
}

/// The HTTP probe for a check, if the check only requests a page with curl or wget.
fn http(
    builder: &Builder<'_, '_>,
    service: &Service<'_>,
    words: &[String],
    has_no_content: &dyn Fn(&str) -> bool,
) -> Option<Attr> {
    let split;
    let words = match words {
        [shell, flag, script] if shell == "sh" && flag == "-c" => {
            let plain = script.trim().trim_end_matches("|| exit 1").trim_end_matches("|| exit").trim();
            if plain.contains(['|', '&', ';', '$', '>', '\u{f8f5}']) {
                return None;
            }
            split = words::split(plain).ok()?;
            split.as_slice()
        }
        words => words,
    };
    let tool = words.first()?.rsplit('/').next()?;
    if !matches!(tool, "curl" | "wget") {
        return None;
    }
    // Without `--fail`, curl succeeds whatever the server responds, but a probe expects status 200.
    let fails = |word: &String| {
        let is_short = word.starts_with('-') && !word.starts_with("--") && word.contains('f');
        is_short || word == "--fail" || word == "--fail-with-body"
    };
    if tool == "curl" && !words.iter().any(fails) {
        return None;
    }
    // Requests with additional options remain commands.
    let more = [
        "-X",
        "-d",
        "--data",
        "-H",
        "--header",
        "-u",
        "--user",
        "--post-data",
        "-k",
        "--insecure",
        "--no-check-certificate",
    ];
    if words.iter().any(|word| more.contains(&word.as_str())) {
        return None;
    }
    let url = words
        .iter()
        .skip(1)
        .find(|word| !word.starts_with('-') && (word.contains("://") || word.contains("localhost")))?;
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, path) = rest.split_once('/').map_or((rest, "/".to_owned()), |(host, path)| (host, format!("/{path}")));
    let (host, number) = match host.rsplit_once(':') {
        Some((host, number)) => (host, number.parse().ok()?),
        None => (host, if scheme == "https" { 443 } else { 80 }),
    };
    let own = matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "[::1]");
    let target = if own { service } else { builder.stack.by_host(host)? };
    let port = target.port(number)?;
    if has_no_content(&path) {
        return None;
    }
    Some(http_get(scheme, builder.port_expr(port), &path))
}

/// The probe for a check that runs a command.
fn exec(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String]) -> Expr {
    let name = format!("{}-health", service.process);
    let leave = |why: String| {
        let place = service.get("healthcheck").map_or(&service.key.place, |node| &node.place);
        builder.leave(
            service,
            place,
            "healthcheck",
            why,
            "change the probe to a command that is installed on this machine",
        );
    };
    let script = words::shell_script(words).map(|script| {
        match process::unknown_programs(builder, service, script) {
            Ok(unknown) => {
                unknown.iter().for_each(|name| leave(format!("no nixpkgs package is known to provide `{name}`")))
            }
            Err(why) => leave(why),
        }
        process::user_script(builder, service, script)
    });
    let program = script.map_or_else(|| process::program(builder, service, words), Ok).unwrap_or_else(|why| {
        leave(why);
        let mut line = Text::default();
        for (at, word) in words.iter().enumerate() {
            if at > 0 {
                line.push(" ");
            }
            line.append(&words::word(&builder.rewriter(service).rewrite(word, Position::Word(""))));
        }
        Program { line, ..Program::default() }
    });
    builder.image_paths(service, "healthcheck", &program.line);
    match program.command(&name) {
        Expr::Text(text) => Expr::Text(text),
        script => Expr::Apply("lib.getExe".to_owned(), Box::new(script)),
    }
}
