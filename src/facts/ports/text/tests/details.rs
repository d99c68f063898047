//! Form, host and name of each port.

use super::super::{Form, Host};
use super::{Config, Script, Value, details, masked, ports};

#[test]
fn ports_have_a_form_a_host_and_a_name() {
    use Form::{Directive, Env, EnvFallback, Flag, HostPort, Key, Mapping, Random, Url};
    use Host::{Any, Interpolated, Local, Named, None as Bare};
    details(
        Script,
        &[],
        &[
            ("serve --port 8080", 8080, Flag, Bare, Some("--port")),
            ("iptables -s 10.1.0.5 --dport 3890", 3890, Flag, Bare, Some("--dport")),
            ("x --host 127.0.0.1 --port 9001 --query 'SELECT sample_db.ride'", 9001, Flag, Local, Some("--port")),
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
            ("iptables -A INPUT -p tcp --dport 22 -j ACCEPT", 22, Flag, Bare, Some("--dport")),
            ("docker run -p 80 nginx", 80, Mapping, Bare, Some("-p")),
            ("machine.wait_for_open_port(8080)", 8080, Directive, Bare, Some("machine.wait_for_open_port")),
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

/// The section around a port key gives its host.
#[test]
fn sections_give_the_host_of_a_port() {
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
        "Host foo\n  HostName foo.example.com\n  Port 2222\nHost bar\n  Port 23\nHost *\n  Port 24\nHost me\n  Port 25\n  Hostname 127.0.0.1\n",
        &[(2222, Some("foo.example.com")), (23, Some("bar")), (24, None), (25, None)],
    );
    hosts(Config, "# host = x.example.com\nport = 80\n", &[(80, None)]);
}

#[test]
fn random_numbers_may_be_used_as_ports() {
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
