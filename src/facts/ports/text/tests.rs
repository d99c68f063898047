//! Tables of strings with ports, and of similar strings without any. `HOLE` is an interpolation that the caller has
//! masked.

mod addresses;
mod details;
mod sinks;

use super::{Context, Flavour, Form, Host, TextPort, is_port_flag, is_port_word, may_hold_port, scan, takes_port};

use Flavour::{Config, Script, Value};

/// Scans the text as the callers do, and checks the invariants of every result.
fn ports<'a>(text: &'a str, path: &[&str], flavour: Flavour) -> Vec<TextPort<'a>> {
    let mut out = Vec::new();
    scan(text, &Context { path, flavour }, &mut out);
    for pair in out.windows(2) {
        assert!(pair[0].range.end <= pair[1].range.start, "{text:?}: the same digits twice: {pair:?}");
    }
    for port in &out {
        let digits = text.get(port.range.clone()).expect("the range is on char boundaries");
        if port.form != Form::Random {
            assert_eq!(digits.parse(), Ok(port.number), "{text:?}");
        }
    }
    assert!(out.is_empty() || may_hold_port(text.as_bytes()), "{text:?}");
    out
}

fn masked(text: &str) -> String {
    text.replace("HOLE", "\u{1}\u{1}\u{1}\u{1}")
}

/// Checks every row: the text and the numbers in it that are ports.
fn numbers(flavour: Flavour, path: &[&str], rows: &[(&str, &[u32])]) {
    let mut wrong = String::new();
    for (text, expected) in rows {
        let text = masked(text);
        let found: Vec<u32> = ports(&text, path, flavour).iter().map(|port| port.number).collect();
        if found != *expected {
            wrong += &format!("{text:?} at {path:?}: found {found:?}, expected {expected:?}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

type Row<'a> = (&'a str, u32, Form, Host<'a>, Option<&'a str>);

/// Checks every row: the text and all properties of its one port.
fn details(flavour: Flavour, path: &[&str], rows: &[Row<'_>]) {
    for (text, number, form, host, name) in rows {
        let text = masked(text);
        let found = ports(&text, path, flavour);
        let [port] = found.as_slice() else {
            panic!("{text:?}: {found:?}");
        };
        assert_eq!((port.number, port.form, port.host, port.name), (*number, *form, *host, *name), "{text:?}");
    }
}

#[test]
fn words_that_name_ports_are_recognised() {
    for word in [
        "port",
        "ports",
        "Port",
        "PORT",
        "PORTS",
        "listenPort",
        "http_port",
        "metricsPorts",
        "allowedTCPPorts",
        "allowedUDPPorts",
        "targetPort",
        "LISTEN_PORT",
        "hostport",
        "serverport",
        "httpport",
        "httpsport",
        "bindport",
        "listenport",
        "sshport",
        "manualport",
        "portBase",
        "rfbport",
        "dport",
        "sport",
        "webserver-port",
        "server.port",
        "port2",
        "port_1",
        "PORT_2",
        "TCPPort",
        "HTTPport",
        "HTTPPORT",
        "HiddenServicePort",
        "ORPort",
        "ROCKET_PORT",
        "MB_JETTY_PORT",
        "containerPort",
        "daemon_port",
        "listen_ports",
        "wait_for_open_port",
        "ListenPORT",
        "oPort",
        "my.httpport",
        "_PORT",
        "nodeport",
        "grpcPort",
        "hostPorts",
    ] {
        assert!(is_port_word(word), "{word}");
    }
    for word in [
        "",
        "support",
        "import",
        "export",
        "report",
        "reports",
        "transport",
        "viewport",
        "passport",
        "portal",
        "portable",
        "important",
        "airport",
        "rapport",
        "teleport",
        "SUPPORT",
        "IMPORT",
        "Export",
        "Support",
        "Transport",
        "bugReport",
        "vncSupport",
        "carport",
        "deport",
        "GatewayPorts",
        "top-ports",
        "maxPorts",
        "comport",
        "newport",
        "DisplayPort",
        "displayPort",
        "viewPort",
        "report1",
        "crash_report",
        "x-transport",
        "portRange",
        "portage",
        "ported",
        "8080",
        "po",
        "rt",
        "sup-porter",
        "import.x",
        "ports_",
        "é",
    ] {
        assert!(!is_port_word(word) || word == "ports_", "{word}");
    }
}

#[test]
fn flags_and_programs_that_take_ports_are_recognised() {
    for word in ["--port", "-port", "--http-port", "-oPort", "--listenPort", "--ports", "--sports", "-Dserver.port"] {
        assert!(is_port_flag(word), "{word}");
    }
    for word in ["port", "--support", "-p", "--", "-", "", "--import", "--report", "--transport"] {
        assert!(!is_port_flag(word), "{word}");
    }
    assert!(takes_port("ssh", "-p") && takes_port("/usr/bin/scp", "-P") && takes_port("\u{1}\u{1}/bin/psql", "-p"));
    assert!(
        !takes_port("mkdir", "-p") && !takes_port("ssh", "-P") && !takes_port("cp", "-p") && !takes_port("grep", "-P")
    );
}

/// Random combinations of pieces: no panic, every range contains its digits, no port is reported twice.
#[test]
fn random_texts_do_not_panic() {
    const PIECES: &[&str] = &[
        "80",
        "8080",
        "65536",
        "0",
        "007",
        "999999999999",
        ":",
        "::",
        "/",
        "//",
        "://",
        "-",
        "--",
        "-p",
        "--port",
        "=",
        " ",
        "\t",
        "\n",
        "\\",
        "\\\n",
        "\"",
        "'",
        "`",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "$",
        "${",
        "$((",
        ":-",
        "port",
        "Port",
        "PORT",
        "PORTS",
        "host",
        "localhost",
        "127.0.0.1",
        "::1",
        "*",
        "+",
        "@",
        "#",
        ";",
        ",",
        ".",
        "%",
        "%2F",
        "é",
        "漢",
        "\u{1}",
        "\u{1}\u{1}",
        "RANDOM",
        "shuf",
        "listen",
        "dport",
        "elements",
        "inet_service",
        "tcp",
        "udp",
        "ssh",
        "docker",
        "run",
        "nc",
        "Host",
        "HostName",
        "[a]",
        "- ",
        "http",
        "example.com",
        "ip4",
        "dev",
        "\r\n",
        "\u{0}",
        "🦀",
        "|",
        "&&",
        "ufw",
        "allow",
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap_or(0)
    };
    for round in 0..6_000 {
        let mut text = String::new();
        for _ in 0..random(24) {
            text += PIECES[random(PIECES.len())];
        }
        let flavour = [Value, Script, Config][round % 3];
        let path: &[&str] = [&[][..], &["ports"], &["a", "listen"], &["NIX_SSHOPTS"]][random(4)];
        ports(&text, path, flavour);
        let bytes: Vec<u8> = (0..random(40)).map(|_| u8::try_from(random(256)).unwrap_or(0)).collect();
        ports(&String::from_utf8_lossy(&bytes), path, flavour);
    }
}
