//! Tables of real and near-real texts, both directions. `HOLE` stands for an interpolation the caller has masked.

use super::{Context, Flavour, Form, Host, TextPort, is_port_flag, is_port_word, may_hold_port, scan, takes_port};

use Flavour::{Config, Script, Value};

/// Scans as the rest of flakeward does, and checks what must hold for every result.
fn ports<'a>(text: &'a str, path: &[&str], flavour: Flavour) -> Vec<TextPort<'a>> {
    let mut out = Vec::new();
    scan(text, &Context { path, flavour }, &mut out);
    for pair in out.windows(2) {
        assert!(pair[0].range.end <= pair[1].range.start, "{text:?}: twice the same digits: {pair:?}");
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

/// Every row: the text and the numbers that are ports in it.
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

/// Every row: the text and all there is to know about its one port.
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
fn port_words() {
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
        "comport",
        "newport",
        "DisplayPort",
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
fn port_flags_and_programs() {
    for word in ["--port", "-port", "--http-port", "-oPort", "--listenPort", "--ports", "-Dserver.port"] {
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

#[test]
fn addresses() {
    numbers(
        Value,
        &[],
        &[
            ("localhost:8080", &[8080]),
            ("127.0.0.1:8095", &[8095]),
            ("127.1.2.3:8095", &[8095]),
            ("0.0.0.0:9190", &[9190]),
            ("[::]:3636", &[3636]),
            ("[::1]:9899", &[9899]),
            ("*:80", &[80]),
            (":9464", &[9464]),
            ("HOLE:8080", &[8080]),
            ("HOLE:53", &[53]),
            ("[HOLE]:53", &[53]),
            ("[2a01::HOLE]:53", &[53]),
            ("HOLE.example.com:8443", &[8443]),
            ("db-HOLE:5432", &[5432]),
            ("http://localhost:5000", &[5000]),
            ("http://127.0.0.1:3000/", &[3000]),
            ("http://[::1]:3000/x", &[3000]),
            ("http://HOLE:8006", &[8006]),
            ("https://HOLE:8006HOLE", &[8006]),
            ("wss://HOLE:443/ws", &[443]),
            ("http://HOLE:8080/HOLE:90/x", &[8080]),
            ("ldap://127.0.0.1:3890", &[3890]),
            ("grpc://[::1]:50051", &[50051]),
            ("tcp://:8080", &[8080]),
            ("tcp://*:8080", &[8080]),
            ("http://+:5080", &[5080]),
            ("postgres://%2Frun%2Fpostgresql:5432/x", &[5432]),
            ("postgres://user:pass@localhost:5432/db", &[5432]),
            ("postgres://HOLE:HOLE@HOLE:5432/db", &[5432]),
            ("redis://:HOLE@localhost:6379/0", &[6379]),
            ("user:pw@tcp(127.0.0.1:3306)/db", &[3306]),
            ("jdbc:postgresql://localhost:5432/x", &[5432]),
            ("http://localhost:3000,http://localhost:3001", &[3000, 3001]),
            ("http://localhost:8080/?next=http://127.0.0.1:9090", &[8080, 9090]),
            ("http://localhost:8080$request_uri", &[8080]),
            ("http://$host:8443", &[8443]),
            ("${HOST}:8443", &[8443]),
            ("http://${HOST:-localhost}:8443", &[8443]),
            ("{{ host }}:8443", &[8443]),
            ("$(hostname):8443", &[8443]),
            ("http://{$DOMAIN}:2019", &[2019]),
            ("0.0.0.0:8000-8010", &[8000, 8010]),
            ("tcp:localhost:80", &[80]),
            ("TCP:HOLE:80", &[80]),
            ("hostfwd=tcp::2222-:22", &[2222, 22]),
            ("hostfwd=tcp:127.0.0.1:2222-:22", &[2222, 22]),
            ("/ip4/127.0.0.1/tcp/5001", &[5001]),
            ("/ip6/::/tcp/4001", &[4001]),
            ("0.0.0.0@53", &[53]),
            ("2a01:4f8::1@853", &[853]),
            ("http://localhost:80.", &[80]),
            ("see http://localhost:3000 (or http://localhost:3001)", &[3000, 3001]),
            ("localhost:5432:db:user:secret", &[5432]),
        ],
    );
}

#[test]
fn not_addresses() {
    numbers(
        Value,
        &[],
        &[
            ("12:30", &[]),
            ("04:40", &[]),
            ("03,09,15,21:15", &[]),
            ("Tue 07:30", &[]),
            ("*-*-* 07:00:00", &[]),
            ("*:45", &[]),
            ("*:0/15", &[]),
            ("foo:123", &[]),
            ("redis:7", &[]),
            ("image:1.2", &[]),
            ("python:3.11", &[]),
            ("docker://node:18", &[]),
            ("docker://node:18-bullseye", &[]),
            ("postgres:16-alpine", &[]),
            ("ghcr.io/owner/app:15", &[]),
            ("SUPER,mouse:272,movewindow", &[]),
            (", mouse:272, hy3:focustab, mouse", &[]),
            ("52:54:00:10:00:01", &[]),
            ("74:56:3c:8c:01:a9", &[]),
            ("2001:19f0:b800:1bf8::1", &[]),
            ("2a01:4f8:271:5c14::1/64", &[]),
            ("fd7a:115c:a1e0:77::/64", &[]),
            ("2606:4700:4700::1111", &[]),
            ("2a09:80c0:102::f000:0/64", &[]),
            ("2003:eb:2a:5b:ca:1337:cafe:3", &[]),
            ("42::53", &[]),
            ("HOLE::53", &[]),
            ("HOLE:HOLE::53", &[]),
            ("2a01:HOLE:53", &[]),
            ("2a01:4f8:HOLE:53", &[]),
            ("HOLE:HOLE:53", &[]),
            ("HOLE:53::1", &[]),
            ("pci-0000:00:14.3", &[]),
            ("pci-0000:13:10.0", &[]),
            ("0000:03:00.0", &[]),
            ("2026-05-19T12:57:57Z", &[]),
            ("file.rs:12", &[]),
            ("main.py:80", &[]),
            ("/etc/foo.nix:80", &[]),
            ("16:9", &[]),
            ("nixpkgs/nixos-24", &[]),
            ("github:NixOS/nixpkgs/24", &[]),
            ("git@host:123", &[]),
            ("git@github.com:123/foo", &[]),
            ("sha256:1234", &[]),
            ("1000:1000", &[]),
            ("0750", &[]),
            ("localhost:0", &[]),
            ("localhost:70000", &[]),
            ("localhost:08080", &[]),
            ("localhost:80x", &[]),
            ("localhost:80.5", &[]),
            ("https://user:8080@example.com/", &[]),
            ("https://example.com/a:80", &[]),
            ("https://example.com/8080", &[]),
            ("https://github.com/x/issues/6652", &[]),
            ("/var/HOLE:80", &[]),
            ("/srv:/data:80", &[]),
            ("d HOLE 0750 HOLE HOLE -", &[]),
            ("301 https://m7.rs/git/", &[]),
            ("a :80 b", &[]),
            ("x[1:80]", &[]),
            ("{0}:80", &[]),
            ("10.0.0.0/24", &[]),
            ("1.2.3.4", &[]),
            ("1,2,3,4", &[]),
            ("01;35", &[]),
            ("HOLE:1", &[]),
            ("-S06:30 -T6500", &[]),
            ("port 8080", &[]),
            ("Port 8080", &[8080]),
            ("Port 8080 is taken", &[]),
            ("listening on port 8080", &[]),
            ("use port 8080 or port 9090", &[]),
        ],
    );
}

#[test]
fn the_path_rules_addresses_out() {
    for (path, text) in [
        ("DISPLAY", ":99"),
        ("user", "HOLE:1000"),
        ("user", "1000:1000"),
        ("PUID", "1000:1000"),
        ("image", "HOLE:5000"),
        ("image", "redis:6379"),
        ("startAt", "*:30"),
        ("dates", "*:45"),
        ("OnCalendar", "HOLE:30"),
        ("OnCalendar", "*-*-* *:5"),
        ("macAddress", "52:54:00:10:00:80"),
        ("font", "HOLE:12"),
        ("busID", "HOLE:10"),
    ] {
        numbers(Value, &["a", path], &[(text, &[])]);
    }
    numbers(
        Script,
        &[],
        &[
            ("DISPLAY=:99 xterm", &[]),
            ("export DISPLAY=:99", &[]),
            ("Xvfb :99 -screen 0 1024x768x24", &[]),
            ("qemu -vnc :10", &[]),
            ("chown HOLE:100 /data", &[]),
            ("chown -R HOLE:100 /data", &[]),
            ("chown HOLE:1000 /data && curl localhost:80", &[80]),
            ("docker run --user HOLE:1000 x", &[]),
            ("docker run -u 1000:1000 x", &[]),
        ],
    );
}

#[test]
fn named_hosts_are_left_to_the_caller() {
    use Form::{HostPort, Url};
    let named = Host::Named;
    details(
        Value,
        &[],
        &[
            ("mail.m7.rs:465", 465, HostPort, named("mail.m7.rs"), None),
            ("smtp.gmail.com:587", 587, HostPort, named("smtp.gmail.com"), None),
            ("192.168.1.5:8080", 8080, HostPort, named("192.168.1.5"), None),
            ("db:5432", 5432, HostPort, named("db"), None),
            ("submission://smtp.gmail.com:587", 587, Url, named("smtp.gmail.com"), None),
            ("http://hirschmilch.de:7000/x.mp3", 7000, Url, named("hirschmilch.de"), None),
            ("http://web:3000", 3000, Url, named("web"), None),
            ("http://user@web:3000", 3000, Url, named("web"), None),
            ("[2a01:4f8::1]:8080", 8080, HostPort, named("2a01:4f8::1"), None),
            ("stratum+tcp://pool.example.org:3333", 3333, Url, named("pool.example.org"), None),
            ("registry.example.com:5000/image", 5000, HostPort, named("registry.example.com"), None),
            ("/ip4/1.2.3.4/tcp/4001", 4001, HostPort, named("1.2.3.4"), None),
        ],
    );
    details(Value, &["services", "x", "brokerAddress"], &[("mqtt:1884", 1884, HostPort, named("mqtt"), None)]);
}

#[test]
fn everything_about_a_port() {
    use Form::{Directive, Env, EnvFallback, Flag, HostPort, Key, Mapping, Random, Url};
    use Host::{Any, Interpolated, Local, Named, None as Bare};
    details(
        Script,
        &[],
        &[
            ("serve --port 8080", 8080, Flag, Bare, Some("--port")),
            ("serve --port=8080", 8080, Flag, Bare, Some("--port")),
            ("serve --port '8080'", 8080, Flag, Bare, Some("--port")),
            ("x --metrics-delay=240 --metrics-addr=0.0.0.0:9190 \\", 9190, HostPort, Any, Some("--metrics-addr")),
            ("x --listen :8080", 8080, HostPort, Any, Some("--listen")),
            ("x --ws-url=wss://HOLE:443/ws", 443, Url, Interpolated, Some("--ws-url")),
            ("curl http://localhost:3000/x", 3000, Url, Local, None),
            ("echo \"http://localhost:3000\"", 3000, Url, Local, None),
            ("PORT=3000 node x", 3000, Env, Bare, Some("PORT")),
            ("export APP_PORT=\"3000\"", 3000, Env, Bare, Some("APP_PORT")),
            ("port=3000", 3000, Env, Bare, Some("port")),
            ("exec x -p ${PORT:-3000}", 3000, EnvFallback, Bare, Some("PORT")),
            ("exec x --listen 0.0.0.0:${PORT:-3000}", 3000, EnvFallback, Any, Some("--listen")),
            ("exec x --port ${WEB:-3000}", 3000, EnvFallback, Bare, Some("--port")),
            ("PORT=  {HTTP:-3000}", 3000, EnvFallback, Bare, Some("PORT")),
            ("PORT=$RANDOM", 0, Random, Bare, Some("PORT")),
            ("PORT=$((5000 + $RANDOM % 5000))", 0, Random, Bare, Some("PORT")),
            ("x --port $(shuf -i 2000-65000 -n 1)", 0, Random, Bare, Some("--port")),
            ("psql -h db.example.com -p 5433", 5433, Flag, Named("db.example.com"), Some("-p")),
            ("ssh -p 23 u1@u1.your-storagebox.de", 23, Flag, Named("u1.your-storagebox.de"), Some("-p")),
            ("ssh -p 23 HOLE@HOLE", 23, Flag, Interpolated, Some("-p")),
            ("pg_isready --host=localhost --port=5432", 5432, Flag, Local, Some("--port")),
            ("nc -z db.local 5432", 5432, Directive, Named("db.local"), None),
            ("nc -z HOLE 5432", 5432, Directive, Interpolated, None),
            ("nc -l 8080", 8080, Directive, Bare, Some("-l")),
            ("iptables -A INPUT -p tcp --dport 22 -j ACCEPT", 22, Directive, Bare, Some("--dport")),
            ("docker run -p 80 nginx", 80, Mapping, Bare, Some("-p")),
            ("machine.wait_for_open_port(8080)", 8080, Directive, Bare, Some("wait_for_open_port")),
        ],
    );
    details(
        Config,
        &[],
        &[
            ("port = 9199", 9199, Key, Bare, Some("port")),
            ("\"port\": 9199,", 9199, Key, Bare, Some("port")),
            ("\\\"port\\\": 9199", 9199, Key, Bare, Some("port")),
            ("  http-port: \"8080\"", 8080, Key, Bare, Some("http-port")),
            ("<port>8080</port>", 8080, Key, Bare, Some("port")),
            ("listen 80;", 80, Directive, Bare, Some("listen")),
            ("listen [::]:443 ssl;", 443, HostPort, Any, Some("listen")),
            ("proxy_pass http://localhost:5000;", 5000, Url, Local, Some("proxy_pass")),
            ("server 127.0.0.1:3000;", 3000, HostPort, Local, Some("server")),
            ("server app:3000;", 3000, HostPort, Named("app"), Some("server")),
            ("grpc_pass grpc://[::1]:50051;", 50051, Url, Local, Some("grpc_pass")),
            ("queue_runner_metrics_address = [::]:9198", 9198, HostPort, Any, Some("queue_runner_metrics_address")),
            ("Port 22", 22, Directive, Bare, Some("Port")),
            ("tcp dport 9300 accept", 9300, Directive, Bare, Some("dport")),
        ],
    );
}

#[test]
fn mappings() {
    numbers(
        Value,
        &["services", "web", "ports"],
        &[
            ("8080:80", &[8080, 80]),
            ("127.0.0.1:8080:80/tcp", &[8080, 80]),
            ("127.0.0.1:HOLE:8484", &[8484]),
            ("HOLE:80", &[80]),
            ("HOLE:HOLE:80", &[80]),
            ("HOLE:3890:3890", &[3890, 3890]),
            ("3890:HOLE", &[3890]),
            ("[::1]:8080:80", &[8080, 80]),
            ("67:67/udp", &[67, 67]),
            ("8000-8010:9000-9010", &[8000, 8010, 9000, 9010]),
            ("80", &[80]),
            ("8080/tcp", &[8080]),
            ("${WEB:-8080}:80", &[8080, 80]),
            ("$WEB:80", &[80]),
            ("127.0.0.1:5432", &[5432]),
            ("127.0.0.1::80", &[]),
            ("0.0.0.0:53:53/udp", &[53, 53]),
            ("HOLE:53:HOLE", &[53]),
        ],
    );
    numbers(
        Value,
        &[],
        &[
            ("8080/tcp", &[8080]),
            ("9000-9010/udp", &[9000, 9010]),
            ("8080:80/tcp", &[8080, 80]),
            ("8080:80", &[]),
            ("HOLE:HOLE:80", &[]),
            ("127.0.0.1:8080:80", &[8080, 80]),
            ("10.0.0.0/24/tcp", &[]),
            ("--publish=8080:80", &[8080, 80]),
            ("-p 127.0.0.1:8080:80", &[8080, 80]),
            ("-p8080:80", &[8080, 80]),
            ("--publish 8080:80/udp", &[8080, 80]),
            ("--port=tcp:8080:80", &[8080, 80]),
            ("-p HOLE:80", &[80]),
            ("-v 8080:80", &[]),
        ],
    );
    numbers(
        Script,
        &[],
        &[
            ("podman run --rm -p 8080:80 -p 443:443 x", &[8080, 80, 443, 443]),
            ("docker run \\\n  --name x \\\n  -p 80 \\\n  x", &[80]),
            ("mkdir -p 80", &[]),
            ("kubectl port-forward svc/web 8080:80", &[8080, 80]),
        ],
    );
    numbers(
        Value,
        &["x", "port"],
        &[
            ("80,443", &[80, 443]),
            ("80 443", &[80, 443]),
            ("8000-8010", &[8000, 8010]),
            ("8080", &[8080]),
            ("70000", &[70000]),
        ],
    );
    numbers(Value, &["port", "default"], &[("8080", &[8080])]);
    numbers(Value, &["ports", "published"], &[("8080", &[8080])]);
    numbers(
        Value,
        &["listenPort"],
        &[
            ("HOLE1", &[]),
            ("80HOLE", &[]),
            ("-1", &[]),
            ("0", &[]),
            ("http 80", &[]),
            ("080", &[]),
            ("ttyS0", &[]),
            ("1.5", &[]),
        ],
    );
    numbers(Value, &["socketConfig", "ListenStream"], &[("80", &[80]), ("0.0.0.0:80", &[80]), ("/run/x80", &[])]);
    numbers(Value, &["listenStreams"], &[("80", &[80]), ("[::]:80", &[80])]);
    numbers(Value, &["listen"], &[("80", &[]), (":80", &[80])]);
}

#[test]
fn flags() {
    numbers(
        Script,
        &[],
        &[
            ("x -port 80", &[80]),
            ("x --http-port 8080 --workers 4", &[8080]),
            ("x --addr 0.0.0.0:9000 --timeout 30", &[9000]),
            ("x --port 0", &[]),
            ("x --port 70000", &[70000]),
            ("x --support 80", &[]),
            ("x --port HOLE", &[]),
            ("x --port 80HOLE", &[]),
            ("x --ports 80,443", &[80, 443]),
            ("x --port 8000-8010", &[8000, 8010]),
            ("redis-server --port 6379", &[6379]),
            ("redis-server -p 6379", &[6379]),
            ("HOLE/bin/ssh -p 2222 host", &[2222]),
            ("rsync -e 'ssh -p 23' a b", &[23]),
            ("ssh -p2222 host", &[2222]),
            ("scp -P 2222 a b", &[2222]),
            ("scp -p 2222 a b", &[]),
            ("mysql -h 127.0.0.1 -P 3307", &[3307]),
            ("cp -p 80 90", &[]),
            ("mkdir -p 755; ssh -p 22 x", &[22]),
            ("ssh x; mkdir -p 755", &[]),
            ("ssh -oPort=23 x", &[23]),
            ("ssh -o Port=23 x", &[23]),
            ("ssh -L 8080:localhost:80 x", &[8080, 80]),
            ("ssh -D 1080 x", &[1080]),
            ("php -S localhost:8000", &[8000]),
            ("python3 -m http.server 8000", &[8000]),
            ("gunicorn -b :8000 app", &[8000]),
            ("gunicorn --bind 0.0.0.0:8000 -w 4 app", &[8000]),
            ("serve -l 3000", &[3000]),
            ("next start -p 3000", &[3000]),
            ("nc -zv localhost 25", &[25]),
            ("nc -w 5 localhost 25", &[25]),
            ("telnet localhost 25", &[25]),
            ("memcached -p 11211 -m 64", &[11211]),
            ("iperf3 -s -p 5201", &[5201]),
            ("lsof -i:8080 -i :8081", &[8080, 8081]),
            ("[\"redis-server\", \"-p\", \"6379\"]", &[6379]),
            ("[\"x\", \"--port\", \"6379\"]", &[6379]),
            ("bash -c 'echo > /dev/tcp/127.0.0.1/80'", &[80]),
            ("ufw allow 80/tcp", &[80]),
            ("ufw allow 22", &[22]),
            ("firewall-cmd --add-port=80/tcp", &[80]),
            ("java -Dserver.port=8080 -Xmx512m", &[8080]),
            ("hugo server -p 1313", &[1313]),
            ("--listen 8080", &[8080]),
            ("--listen 10", &[]),
            ("ss -tln | grep -q ':22'", &[22]),
            ("sleep 80", &[]),
            ("head -n 80 | tail -c 443", &[]),
            ("test $# -eq 80 # port=80", &[]),
            ("find / -mtime +30 -perm 4000", &[]),
            ("convert -size 80 -p 443", &[]),
        ],
    );
    numbers(Value, &["environment", "NIX_SSHOPTS"], &[("-p 2222", &[2222]), ("-o ConnectTimeout=10", &[])]);
    numbers(Value, &["extraOptions"], &[("-p 2222", &[])]);
}

#[test]
fn configuration_texts() {
    numbers(
        Config,
        &[],
        &[
            ("server {\n  listen 80 default_server;\n  listen 443 ssl;\n}", &[80, 443]),
            ("server{listen 80;}", &[80]),
            ("tcp dport { 9001, 42042 } accept", &[9001, 42042]),
            ("tcp dport { ssh, 80, http-alt, 443 } accept", &[80, 443]),
            ("tcp dport {\n  22, # ssh\n  80,\n  443\n} accept", &[22, 80, 443]),
            ("tcp dport != 22 drop", &[22]),
            ("udp sport 8000-8010", &[8000, 8010]),
            ("-A INPUT -p tcp -m multiport --dports 80,443,8000:8010 -j ACCEPT", &[80, 443, 8000, 8010]),
            ("tcp dport 2223 dnat ip to 192.168.0.2:2222", &[2223, 2222]),
            ("tcp dport 80 redirect to :8080", &[80, 8080]),
            ("proto tcp dport (80 443) ACCEPT;", &[80]),
            ("chain x { dport(443) -> y }", &[443]),
            ("set web { type inet_service; elements = { 80, 443 } }", &[80, 443]),
            ("set x { type ipv4_addr; elements = { 80 } }", &[]),
            ("ct count over 80 limit rate 30/second", &[]),
            ("ports = 80 443", &[80, 443]),
            ("ports = [80, 443]", &[80, 443]),
            ("ports: [\"80\", \"443\"]", &[80, 443]),
            ("port = [80, 443]", &[80]),
            ("timeout = 30\nport = 80\nretries: 5", &[80]),
            ("support = 80\nimport: 90\nviewport = 1024", &[]),
            ("SocksPort 9050\nORPort 9001 NoListen\nHiddenServicePort 80 127.0.0.1:8080", &[9050, 9001, 80, 8080]),
            ("port 8080 is the one\nThe port 80", &[]),
            ("ListenStream=80", &[80]),
            ("ListenAddress 0.0.0.0:22\nListenAddress [::]:23", &[22, 23]),
            ("listen-on port 53 { any; };", &[53]),
            ("listen = 8080\nlisten.backlog = 511\nlisten = 1", &[8080]),
            ("frontend x\n  bind *:80\n  bind :443 ssl", &[80, 443]),
            (":8080 {\n  reverse_proxy localhost:3000\n}", &[8080, 3000]),
            ("OnCalendar=*:45\nOnBootSec=15", &[]),
            ("server-port=25565\nview-distance=10", &[25565]),
            ("{\"host\":\"0.0.0.0\",\"port\":8080,\"size\":10}", &[8080]),
            ("{port:3000, max:5}", &[3000]),
            ("port: 70000", &[70000]),
            ("port: 0\nport: 00\nport: -1", &[]),
            ("port = \"/dev/ttyUSB0\"", &[]),
            ("max_servers 30", &[]),
            ("version: 24\nuid: 1000", &[]),
            ("at: 12:30\nstart: 2024-01-02 10:20:30", &[]),
            ("user: 1000:1000", &[]),
            ("image: redis:6379", &[]),
            ("interface: 0.0.0.0@53", &[53]),
        ],
    );
}

#[test]
fn comments_are_text() {
    numbers(
        Script,
        &[],
        &[
            ("# curl localhost:80", &[]),
            ("  # curl localhost:80\ncurl localhost:81", &[81]),
            ("x --port 80 # not --port 81", &[80]),
            ("echo '# --port 81' --port 80", &[81, 80]),
            ("echo don't # --port 81", &[]),
            ("echo $# --port 80", &[80]),
            ("echo ${#a} --port 80", &[80]),
            ("#!/bin/sh\n--port 80", &[80]),
            ("curl localhost:80#x", &[80]),
            ("echo \"a \\\" # b\" --port 80", &[80]),
        ],
    );
    numbers(
        Config,
        &[],
        &[
            ("; port = 80\nport = 81", &[81]),
            ("// port = 80\nport = 81", &[81]),
            ("#port = 80\nport = 81 # port = 82", &[81]),
            ("listen 80; listen 81;", &[80, 81]),
        ],
    );
    numbers(Value, &[], &[("# localhost:80", &[80]), ("a\n# localhost:80\nlocalhost:81", &[81])]);
}

/// The section of a port key says whose it is.
#[test]
fn sections() {
    let hosts = |flavour, text: &str, expected: &[(u32, Option<&str>)]| {
        let text = masked(text);
        let found = ports(&text, &[], flavour);
        let found: Vec<_> = found
            .iter()
            .map(|port| {
                let host = match port.host {
                    Host::Named(name) => Some(name),
                    _ => None,
                };
                (port.number, host)
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    };
    hosts(
        Config,
        "[misc]\nhost = 127.0.0.1\nport = 6789\n\n[servers]\n[[frugal]]\nhost = news.example.com\nssl = 1\nport = 563\nconnections = 150\n\
         [[other]]\nport = 119\nname = x\nhost = other.example.com\n[last]\nport = 80\n",
        &[(6789, None), (563, Some("news.example.com")), (119, Some("other.example.com")), (80, None)],
    );
    hosts(
        Config,
        "smtp_host = smtp.example.com\nsmtp_port = 587\nhttp_port = 80\n",
        &[(587, Some("smtp.example.com")), (80, None)],
    );
    hosts(
        Script,
        "export SMTP_PORT=587\nexport SMTP_HOST=smtp.example.com\nexport PORT=80\n",
        &[(587, Some("smtp.example.com")), (80, None)],
    );
    hosts(
        Config,
        "a:\n  - host: x.example.com\n    port: 80\n  - port: 81\n    name: y\n  - port: 82\n    host: z.example.com\nport: 83\n",
        &[(80, Some("x.example.com")), (81, None), (82, Some("z.example.com")), (83, None)],
    );
    hosts(
        Config,
        "smtp:\n  host: x.example.com\n  tls:\n    on: true\n  port: 25\nweb:\n  port: 81\n",
        &[(25, Some("x.example.com")), (81, None)],
    );
    hosts(
        Config,
        "[{ \"host\": \"x.example.com\", \"port\": 80 }, { \"port\": 81 }]",
        &[(80, Some("x.example.com")), (81, None)],
    );
    hosts(Value, "host=db.example.com port=5432 user=x", &[(5432, Some("db.example.com"))]);
    hosts(Value, "host=HOLE port=5432 user=x", &[(5432, None)]);
    hosts(
        Config,
        "Host foo\n  HostName foo.example.com\n  Port 2222\nHost bar\n  Port 23\nHost *\n  Port 24\n",
        &[(2222, Some("foo.example.com")), (23, Some("bar")), (24, None)],
    );
    hosts(Config, "# host = x.example.com\nport = 80\n", &[(80, None)]);
}

#[test]
fn random_ports() {
    let draws = |text: &str, path: &[&str], count| {
        let found = ports(text, path, Script);
        assert_eq!(found.iter().filter(|port| port.form == Form::Random).count(), count, "{text}: {found:?}");
    };
    draws("PORT=$(shuf -i 2000-65000 -n 1)", &[], 1);
    draws("PORT=$((RANDOM % 1000 + 8000))", &[], 1);
    draws("x --port=$RANDOM", &[], 1);
    draws("$RANDOM", &["port"], 1);
    draws("# PORT=$RANDOM", &[], 0);
    draws("IDX=$((RANDOM % 10))", &[], 0);
    draws("PORT=80; sleep $RANDOM", &[], 0);
    draws("shuffle --port 80", &[], 0);
    draws("SUPPORT=$RANDOM", &[], 0);
    draws("MY_RANDOM_PORT=1", &[], 0);
}

/// Texts of all kinds of pieces: nothing may panic, every range must hold its digits, nothing may be found twice.
#[test]
fn survives_everything() {
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
    for round in 0..60_000 {
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

/// Twice the text must not take more than about twice the time, whatever it is made of.
#[test]
fn takes_linear_time() {
    for piece in [
        "80",
        "8080 ",
        "80,",
        ":80",
        "port=80\n",
        "port=80,",
        "[",
        "{",
        "${",
        "'",
        "\"80",
        " -p 80",
        "(",
        "a:80:",
        "- port: 80\n",
        "80/",
        "\\\n80",
        "x ",
        "1.2.3.4:80",
        "RANDOM=",
        "http://a@b:80",
        "{ 80, ",
    ] {
        let time = |count: usize| {
            let text = piece.repeat(count);
            let start = std::time::Instant::now();
            let found = ports(&text, &[], Config).len();
            (start.elapsed(), found)
        };
        time(1000);
        let (short, _) = time(5_000);
        let (long, _) = time(40_000);
        assert!(long < short * 40 + std::time::Duration::from_millis(50), "{piece:?}: {short:?} -> {long:?}");
    }
}
