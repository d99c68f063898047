//! Examples of ports and of numbers that are not ports, one per line, in all three languages.

use super::{UseKind, collect};
use crate::lang::{Language, Tree};
use crate::source::FileKind;

/// The uses in the text, as `number` or `number@host`; manual allocations end in `!`.
fn uses(language: Language, text: &str) -> String {
    let tree = Tree::parse(language, text).unwrap();
    let kind = match language {
        Language::Nix => FileKind::Nix,
        Language::Yaml => FileKind::Yaml,
        Language::Dockerfile => FileKind::Dockerfile,
        Language::Json => FileKind::Lock,
    };
    let facts = collect(kind, &tree);
    let one = |found: &super::PortUse| {
        let written = &text[found.span.range()];
        let manual = if found.kind == UseKind::Literal { "" } else { "!" };
        let host = found.host.as_ref().map_or(String::new(), |host| format!("@{host}"));
        format!("{written}{manual}{host}")
    };
    facts.uses.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn holds(language: Language, rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert_eq!(uses(language, text), *expected, "{text}");
    }
}

#[test]
fn the_text_that_a_replacement_searches_for_contains_no_ports() {
    holds(
        Language::Nix,
        &[
            (r#"{ p = ''substituteInPlace a.py --replace 'get("URL", "http://localhost:3000")' '' ''; }"#, ""),
            (
                r#"{ p = ''substituteInPlace a.py --replace-fail "x" 'get("URL", "http://localhost:3000")' ''; }"#,
                "3000",
            ),
            (r#"{ p = builtins.replaceStrings [ "localhost:3000" ] [ "localhost:3001" ] text; }"#, "3001"),
            (r#"{ p = builtins.replaceStrings [ "localhost:3000" ] [ "x" ] config.services.a.url; }"#, "3000"),
        ],
    );
}

#[test]
fn the_fallback_of_a_selection_in_a_string_is_a_port() {
    holds(
        Language::Nix,
        &[
            (r#"{ url = "http://localhost:${toString cfg.port or 5432}"; }"#, "5432"),
            (r#"{ url = "http://localhost:${toString (cfg.port or 5432)}"; }"#, "5432"),
            (r#"{ text = "${toString (cfg.count or 5432)} items"; }"#, ""),
            // The literal that the selection evaluates to is the one that counts.
            (r#"let c = { web = 5433; }; in { url = "http://localhost:${toString (c.web or 5432)}"; }"#, "5433!"),
        ],
    );
}

#[test]
fn attributes_are_ports_by_their_last_word() {
    holds(
        Language::Nix,
        &[
            ("{ services.x.port = 80; }", "80"),
            ("{ services = { x = { listenPort = 80; }; }; }", "80"),
            ("{ a.\"http_port\" = 80; }", "80"),
            ("{ networking.firewall.allowedTCPPorts = [ 22 80 ]; }", "22 80"),
            ("{ allowedUDPPortRanges = [ { from = 60000; to = 61000; } ]; }", "60000 61000"),
            ("{ portMappings = [ { from = 9091; to = \"9091\"; protocol = \"tcp\"; } ]; }", "9091 9091"),
            ("{ idMappings = [ { from = 9091; to = 9092; } ]; }", ""),
            ("{ range = { from = 60000; to = 61000; }; }", ""),
            ("{ httpport = 80; deployment.targetPort = 2222; LISTEN_PORT = \"81\"; }", "80 2222 81"),
            ("{ support = 80; export = 81; viewport = 82; passport.x = 83; transport = 84; }", ""),
            ("{ sports = [ 8080 8081 ]; dports = [ 9090 ]; }", "8080 8081 9090"),
            ("{ categories.sports = { sort = 25; color = 42; }; clubs.sports.sort = 30; }", ""),
            ("{ port = 0; }", ""),
            ("{ port = \"auto\"; portName = 80; }", ""),
            ("{ ports = { http = 80; metrics = 9090; }; }", "80 9090"),
            ("{ timeout = 3000; port.timeout = 30; }", ""),
            ("{ ports = { ether2 = { vlan = 10; }; ether3 = { vlans = [ 10 20 ]; }; }; }", ""),
            (
                "{ SocketBindAllow = [ 443 \"udp:5353\" \"ipv4:tcp:80-81\" ]; SocketBindDeny = \"any\"; }",
                "443 5353 80 81",
            ),
            ("{ portHttp = 80; portCql = 9042; portRange = 10; }", "80 9042"),
            ("{ network.port.http = { static = 80; to = 8080; }; static = 5; x.to = 6; }", "80 8080"),
            ("{ interval = \"*-*-* *:15:00\"; }", ""),
            ("{ controllers = [ { type = \"usb\"; ports = 15; } ]; ports = 22; }", "22"),
        ],
    );
}

#[test]
fn connectors_on_a_bus_are_not_ports() {
    holds(
        Language::Nix,
        &[
            ("{ controllers = [ { model = \"ich9\"; master.startport = 2; } ]; startport = 8000; }", "8000"),
            ("{ address = { type = \"usb\"; bus = 0; port = 1; }; }", ""),
            ("{ address = { type = \"tcp\"; port = 1; }; }", "1"),
            ("{ qemu.options = [ \"-device usb-host,hostbus=1,hostport=4\" \"hostport=8080\" ]; }", "8080"),
            (
                "{ x = ''<address type='usb' bus='0' port='1'/><master startport='2'/><graphics port='5901'/>''; }",
                "5901",
            ),
            // A message bus, and a number that no bus connector has.
            ("{ x = { bus = \"nats\"; port = 22; }; y = { bus = 1; port = 4222; }; }", "22 4222"),
            ("{ k3s.master.startport = 30000; }", "30000"),
            ("let n = 1; p = 81; in { x = { bus = 0; port = n; }; y = { bus = \"a\"; port = p; }; }", "81!"),
            (
                "{ a = \"<x bus='nats' port='81'/>\"; b = \"-chardev socket,bus=a,port=80\"; c = \"x,bus=usb.0,port=1\"; }",
                "81 80",
            ),
        ],
    );
}

#[test]
fn interpolated_names_are_resolved_if_the_file_binds_literal_strings() {
    for (text, expected) in [
        ("let app = \"wiki\"; in { services.${app}.port = 8080; }", "services.wiki.port"),
        ("let app = \"wiki\"; in { services.\"${app}-db\".port = 8080; }", "services.wiki-db.port"),
        ("let app = \"wiki\"; in { services.\"${app}-${x}\".port = 8080; }", "services.?.port"),
        ("{ app }: { services.${app}.port = 8080; }", "services.?.port"),
        ("let app = \"a\" + \"b\"; in { services.${app}.port = 8080; }", "services.?.port"),
        // The inner binding hides the outer one.
        ("let app = \"wiki\"; in { f = app: { services.${app}.port = 8080; }; }", "f.services.?.port"),
    ] {
        let tree = Tree::parse(Language::Nix, text).unwrap();
        let facts = collect(FileKind::Nix, &tree);
        let names: Vec<&str> = facts.uses.iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, [expected], "{text}");
    }
}

#[test]
fn names_that_end_in_port_after_an_interpolation_are_ports() {
    holds(
        Language::Nix,
        &[
            ("{ labels.\"http.services.${name}.server.port\" = \"81\"; }", "81"),
            ("{ \"${name}.port\" = 82; \"${name}_PORT\" = 83; \"${name}Port\" = 84; }", "82 83 84"),
            ("{ \"${name}port\" = 85; \"${name}.support\" = 86; \"${port}\" = 87; }", ""),
        ],
    );
}

#[test]
fn the_public_address_of_a_listener_belongs_to_the_repository() {
    holds(
        Language::Nix,
        &[
            (
                "{ knot.settings.server.listen = [ \"127.0.0.11@53\" \"203.0.113.4@53\" \"2001:db8::1@53\" ]; }",
                "53 53 53",
            ),
            ("{ listen = \"203.0.113.4:8080\"; bind = \"203.0.113.4:8081\"; }", "8080 8081"),
            ("{ listenAddress = \"203.0.113.4:8082\"; listenStreams = [ \"203.0.113.4:8083\" ]; }", "8082 8083"),
            (
                "{ extraConfig = ''\n  listen 203.0.113.4:81;\n  proxy_pass http://203.0.113.5:82;\n''; }",
                "81 82@203.0.113.5",
            ),
            (
                "{ bind = \"ldap.example.org:389\"; target = \"203.0.113.4:389\"; }",
                "389@ldap.example.org 389@203.0.113.4",
            ),
            ("{ a.listen.address = \"203.0.113.4:81\"; b.listen = [ { addr = \"203.0.113.4:82\"; } ]; }", "81 82"),
            ("{ a.listen.web = \"203.0.113.4:83\"; b.listen.x = [ \"203.0.113.5:84\" ]; }", "83 84"),
            // Names of other machines under a listener.
            ("{ services.bind.forwarders = [ \"203.0.113.5:5353\" ]; }", "5353@203.0.113.5"),
            ("{ services.haproxy.listeners.web.backend = \"203.0.113.9:8080\"; }", "8080@203.0.113.9"),
            ("{ services.y.listen.upstream = \"203.0.113.9:8081\"; }", "8081@203.0.113.9"),
        ],
    );
    holds(Language::Yaml, &[("interface: 203.0.113.4@53\nupstream: 203.0.113.5@53\n", "53 53@203.0.113.5")]);
    holds(
        Language::Yaml,
        &[
            ("listener:\n  upstream: 203.0.113.9:8083\n", "8083@203.0.113.9"),
            ("interfaces:\n  - peer: 203.0.113.9:8085\n", "8085@203.0.113.9"),
        ],
    );
}

#[test]
fn a_mail_server_is_the_host_of_all_mail_ports_in_the_same_set() {
    holds(
        Language::Nix,
        &[
            (
                "{ smtpHost = \"mail.example.net\"; smtpPort = 587; imapPort = 993; }",
                "587@mail.example.net 993@mail.example.net",
            ),
            ("{ host = \"mail.example.net\"; imapPort = 993; metricsPort = 9100; }", "993@mail.example.net 9100"),
            ("{ smtpHost = \"mail.example.net\"; port = 993; }", "993@mail.example.net"),
            ("{ smtpHost = \"mail.example.net\"; port = 3000; }", "3000"),
        ],
    );
    holds(
        Language::Yaml,
        &[
            (
                "smtp_host: mail.example.net\nsmtp_port: 587\nimap_port: 993\n",
                "587@mail.example.net 993@mail.example.net",
            ),
            ("smtp_host: mail.example.net\nport: 3000\n", "3000"),
        ],
    );
}

#[test]
fn the_ports_of_a_network_policy_rule_belong_to_the_repository_unless_its_only_peer_is_public() {
    let nix = |to: &str| format!("{{ a = {{ to = [ {to} ]; ports = [ {{ port = 8447; }} ]; }}; }}");
    let yaml = |to: &str| format!("a:\n  - to:\n      - {to}\n    ports:\n      - port: 8447\n");
    let (public, private) = ("ipBlock.cidr = \"203.0.113.0/24\";", "ipBlock.cidr = \"10.0.0.0/8\";");
    for (nix_peers, yaml_peers, expected) in [
        (format!("{{ {public} }}"), "ipBlock: {cidr: 203.0.113.0/24}", "8447@203.0.113.0"),
        (
            format!("{{ {public} }} {{ {private} }}"),
            "ipBlock: {cidr: 203.0.113.0/24}\n      - ipBlock: {cidr: 10.0.0.0/8}",
            "8447",
        ),
        (
            format!("{{ {public} }} {{ ipBlock.cidr = \"0.0.0.0/0\"; }}"),
            "ipBlock: {cidr: 203.0.113.0/24}\n      - ipBlock: {cidr: 0.0.0.0/0}",
            "8447",
        ),
    ] {
        assert_eq!(uses(Language::Nix, &nix(&nix_peers)), expected, "{nix_peers}");
        assert_eq!(uses(Language::Yaml, &yaml(yaml_peers)), expected, "{yaml_peers}");
    }
}

#[test]
fn flags_in_lists_determine_what_follows_them() {
    holds(
        Language::Nix,
        &[
            ("{ x.cmd = [ \"--host\" \"::\" \"--port\" \"8000\" \"--len\" \"98304\" ]; }", "8000"),
            ("{ x.cmd = [ \"--port\" (toString 8001) \"9\" ]; }", "8001"),
            ("let args = [ \"--http-port\"\n  \"8000\" ]; in { x.cmd = args; }", "8000"),
            ("{ x.cmd = [ \"--report\" \"8000\" \"--port\" ] ++ [ 80 ]; }", ""),
        ],
    );
    holds(
        Language::Yaml,
        &[
            ("a:\n  args: [\"--port\", \"8000\", \"--len\", \"98304\"]\n", "8000"),
            ("a:\n  args:\n    - serve\n    - --port\n    - 9000\n    - \"1234\"\n", "9000"),
            ("a:\n  args: [\"--report\", \"8000\"]\n", ""),
        ],
    );
}

#[test]
fn listen_addresses_belong_to_the_repository() {
    holds(
        Language::Nix,
        &[
            ("{ bind-address = \"127.0.0.1\"; host = \"a.example\"; port = 8282; }", "8282"),
            ("{ listen.ip = \"a.example\"; listen.port = 443; }", "443"),
            ("{ host = \"a.example\"; port = 8282; }", "8282@a.example"),
            ("{ services.tang.listenStream = [ \"8765\" ]; }", "8765"),
            ("{ tls = { port_https = 443; port_dns_over_tls = 853; port_count = 5; }; PORT_HTTP = 80; }", "443 853 80"),
            ("{ x.extraConfig = ''\n  port\t\"8000\"\n  max_clients \"8\"\n''; }", "8000"),
        ],
    );
}

#[test]
fn values_pass_through_wrappers() {
    holds(
        Language::Nix,
        &[
            ("{ port = lib.mkDefault 80; }", "80"),
            ("{ port = lib.mkOverride 50 80; }", "80"),
            ("{ port = lib.mkIf (x == 1) 80; }", "80"),
            ("{ port = if tls then 443 else 80; }", "443 80"),
            ("{ port = let a = 1; in with b; assert c; (80); }", "80"),
            ("{ ports = [ 80 ] ++ lib.optional tls 443 ++ lib.optionals q [ 444 ]; }", "80 443 444"),
            ("{ port = toString 80; }", "80"),
            ("{ port = cfg.port or 80; }", "80"),
            ("{ port = f 80; }", ""),
            ("{ ports = import ./ports.nix { offset = 80; }; }", ""),
            ("{ ports = import ./a.nix { port = 80; }; }", "80"),
            ("{ url = \"http://localhost:${toString 8080}/x\"; }", "8080"),
        ],
    );
}

#[test]
fn names_bound_to_literals_are_manual_allocations() {
    holds(
        Language::Nix,
        &[
            ("let port = 80; in { services.x.port = port; }", "80!"),
            ("let p = 80; in { services.x.port = p; }", "80!"),
            ("let p = 80; in { services.x.size = p; }", ""),
            ("let p = \"80\"; in { url = \"http://127.0.0.1:${p}\"; }", "80!"),
            ("let p = 80; in { url = \"http://127.0.0.1:${toString p}\"; a = \"${toString p} days\"; }", "80!"),
            ("{ port ? 8080, size ? 9 }: { inherit port size; }", "8080!"),
            ("{ n ? 8080 }: { services.x.port = n; }", "8080!"),
            ("rec { base = 8080; services.x.port = base; }", "8080!"),
            ("{ services.x.port = base + 1; }", "base + 1!"),
            ("{ services.x.port = config.services.y.port; }", ""),
            ("let port = config.services.y.port; in { services.x.port = port; }", ""),
            ("{ p = \"\"; script = ''PORT=''${PORT:-3000}''; }", "3000!"),
        ],
    );
}

#[test]
fn option_defaults_are_ports_by_type_or_name() {
    holds(
        Language::Nix,
        &[
            ("{ options.x.port = mkOption { type = types.port; default = 80; example = 81; }; }", "80"),
            ("{ options.x.p = mkOption { type = with types; nullOr port; default = 80; }; }", "80"),
            ("{ options.x.httpPort = mkOption { type = types.int; default = 80; }; }", "80"),
            ("{ options.x.size = mkOption { type = types.int; default = 80; }; }", ""),
            ("{ options.x.p = mkOption { type = types.str; default = \"localhost:80\"; }; }", "80"),
            ("{ options.x.p = mkOption { description = \"see localhost:80\"; defaultText = \"81\"; }; }", ""),
            (
                "{ options.x = { host = mkOption { default = \"smtp.gmail.com\"; }; port = lib.mkOption { type = types.port; \
                 default = 587; }; }; }",
                "587@smtp.gmail.com",
            ),
            ("{ x.port = mkOption { default = 80; }; x.host = mkOption { default = \"localhost\"; }; }", "80"),
            ("{ x.fixed_ports = 1; x.usesPorts = 22; }", "22"),
            ("{ x = with types; { port = mkOpt port 8080 \"\"; p = mkOpt (nullOr port) 8081 \"\"; }; }", "8080 8081"),
            (
                "{ aPort = mkOpt int 8080 \"\"; ports = mkOpt (listOf port) [ 8081 ] \"\"; size = mkOpt int 8082 \"\"; }",
                "8080 8081",
            ),
            (
                "{ j = { environment.BORG_RSH = \"ssh -p 23\"; repo = \"u@box.example.org:./a\"; }; }",
                "23@box.example.org",
            ),
            ("{ j = { environment = { BORG_RSH = \"ssh -p 23\"; }; repo = \"ssh://nas/a\"; }; }", "23@nas"),
            // An interpolation in the path does not hide the host.
            (
                "{ j = { environment.BORG_RSH = \"ssh -oPort=23\"; repo = \"u@box.example.org:./${n}\"; }; }",
                "23@box.example.org",
            ),
            ("{ r = { server = \"https://smtp.example.org/${a.b}\"; port = 587; }; }", "587@smtp.example.org"),
            ("{ r = { server = \"https://smtp.${domain}/x\"; port = 587; }; }", "587"),
            ("{ r = { server = \"https://smtp.example.${tld}/x\"; port = 587; }; }", "587"),
            ("{ a = ''\n  host mail.example.org\n  port 587\n''; }", "587@mail.example.org"),
            ("{ a = ''\n  host mail.example.org is up\n  port 587\n''; }", "587"),
            ("{ a = \"primary redis:6379, replica\"; }", "6379@redis"),
            ("{ a = \"ask pi:443, then done\"; b = \"see pi:8443. Then ask pi:22 again\"; }", ""),
        ],
    );
}

#[test]
fn hosts_next_to_a_port_are_recorded() {
    holds(
        Language::Nix,
        &[
            ("{ host = \"smtp.gmail.com\"; port = 587; }", "587@smtp.gmail.com"),
            ("{ host = if x then \"a.b.org\" else if y then \"c.org\" else \"d.org\"; port = 587; }", "587@a.b.org"),
            ("{ host = if x then \"a.b.org\" else \"localhost\"; port = 587; }", "587"),
            ("{ SMTP_HOST = \"mail.x.org\"; SMTP_PORT = \"465\"; HTTP_PORT = 80; }", "465@mail.x.org 80"),
            ("{ smtp.host = \"mail.x.org\"; smtp.port = 465; imap.port = 993; }", "465@mail.x.org 993"),
            ("let host = \"mail.x.org\"; in { inherit host; port = 465; }", "465@mail.x.org"),
            ("let mail = \"mail.x.org\"; in { host = mail; port = 465; }", "465@mail.x.org"),
            ("let user = \"u1\"; in { host = \"${user}.box.example.de\"; port = 23; }", "23@box.example.de"),
            ("{ host = \"localhost\"; port = 25; }", "25"),
            ("{ host = config.host; port = 25; }", "25"),
            ("{ x = \"smtp.gmail.com:587\"; }", "587@smtp.gmail.com"),
            ("let mail = \"mail.x.org\"; in { x = \"${mail}:587\"; }", "587@mail.x.org"),
            ("let h = \"${u}.box.example.de\"; in { x = [ \"[${h}]:23\" ]; }", "23@box.example.de"),
            ("let h = \"localhost\"; in { x = \"${h}:587\"; y = \"${z}:588\"; }", "587 588"),
            ("{ x = \"$__file{${dir}/smtp}:587\"; }", "587@looked-up.invalid"),
            ("{ matchBlocks.\"git.example.org\".port = 2222; }", "2222@git.example.org"),
        ],
    );
}

#[test]
fn attribute_names_can_contain_ports() {
    holds(
        Language::Nix,
        &[
            ("{ config.ExposedPorts.\"8080/tcp\" = { }; }", "8080"),
            ("{ upstreams.a.servers.\"127.0.0.1:3000\" = { }; }", "3000"),
            ("{ services.postfix.settings.master.\"465\" = { }; }", "465"),
            ("{ master.\"465\" = { }; users.\"1000\" = { }; }", ""),
            ("{ \"listeners.ssl.default\" = \"5671\"; }", "5671"),
        ],
    );
}

#[test]
fn comments_and_prose_contain_no_ports() {
    holds(
        Language::Nix,
        &[
            ("{ # port = 80;\n /* localhost:81 */ a = 1; }", ""),
            ("{ script = ''\n  # curl localhost:80\n  curl localhost:81\n''; }", "81"),
            ("{ description = \"listens on localhost:80\"; }", ""),
            ("{ x = throw \"localhost:80 is taken\"; }", ""),
            ("{ bind = [ \", code:127, exec, record\" ]; listen = \"db:5432\"; }", "5432@db"),
        ],
    );
}

#[test]
fn ports_are_found_in_yaml_keys_lists_and_strings() {
    holds(
        Language::Yaml,
        &[
            ("port: 80\ncontainerPort: '81'\n", "80 81"),
            ("support: 80\nversion: 8080\n", ""),
            ("ports:\n  - 8080:80\n  - \"127.0.0.1:9090:90/tcp\"\n  - 443\n", "8080 80 9090 90 443"),
            ("ports:\n  - target: 80\n    published: 8080\n", "80 8080"),
            ("environment:\n  PORT: \"3000\"\n", "3000"),
            ("environment:\n  - PORT=3000\n", "3000"),
            ("command: redis-server --port 6379\n", "6379"),
            ("readiness_probe: {http_get: {host: localhost, port: 3000}}\n", "3000"),
            ("smtp:\n  host: smtp.gmail.com\n  port: 587\n", "587@smtp.gmail.com"),
            ("image: redis:7\ntime: 12:30\nmac: 00:11:22\n", ""),
            ("# port: 80\na: 1\n", ""),
            ("url: http://localhost:3000/x\n", "3000"),
            ("data: '{\"id\":28,\"y\":27}'\n", ""),
        ],
    );
}

#[test]
fn ports_are_found_in_dockerfile_instructions() {
    holds(
        Language::Dockerfile,
        &[
            ("FROM a\nEXPOSE 80 443/tcp 9000-9010\n", "80 443 9000 9010"),
            ("FROM a\nENV PORT=3000 SIZE=12\n", "3000"),
            ("FROM a\nENV PORT 3000\n", "3000"),
            ("FROM a\nARG HTTP_PORT=3000\nARG VERSION=8080\n", "3000"),
            ("FROM a\nCMD [\"serve\", \"--port\", \"3000\"]\n", "3000"),
            ("FROM a\nHEALTHCHECK CMD curl -f http://localhost:3000/ || exit 1\n", "3000"),
            ("FROM a:80\nRUN sleep 3000\n", ""),
            ("FROM a\nEXPOSE $PORT\n", ""),
        ],
    );
}

#[test]
fn functions_pass_on_ports() {
    holds(
        Language::Nix,
        &[
            ("{ waitForPorts = { node, ... }: [ 8123 ]; }", "8123"),
            ("{ test.port = node: 8125; }", "8125"),
            ("{ allowedTCPPorts = lib.flatten (map (x: [ 9093 x ]) xs); }", "9093"),
            ("let f = port: \"x --port ${toString port}\"; in { a = f 8000; }", "8000"),
            ("let f = name: p: \"x --port ${toString p}\"; in { a = f \"b\" 8000; b = f 9; }", "8000"),
            ("let f = n: \"x --workers ${toString n}\"; in { a = f 8000; }", ""),
            ("let f = p: { services.x.port = p; }; in { imports = [ (f 8000) ]; }", "8000"),
            ("{ x = map (p: \"localhost:${toString p}\") [ 8000 8001 ]; }", "8000 8001"),
            ("{ x = lib.concatMapStrings (p: \"--dport ${toString p} \") [ 80 443 ]; }", "80 443"),
            ("{ x = lib.forEach [ 80 443 ] (port: { inherit port; }); }", "80 443"),
            ("{ x = [ 80 443 ] |> map (p: \"localhost:${toString p}\"); }", "80 443"),
            ("let f = port: \"x ${port}\"; in { a = f \"8000\"; b = f \"x 8001\"; }", "8000"),
            (
                "{ x = lib.mapAttrsToList (name: p: \"${name}:${toString p}\") { web = 8080; api = 8081; }; }",
                "8080 8081",
            ),
            ("{ x = lib.mapAttrs (name: n: { size = n; }) { web = 8080; }; }", ""),
            ("{ port = 8080 |> toString; }", "8080"),
            ("{ allowedTCPPorts = lib.mkForce <| [ 80 ]; }", "80"),
            ("{ x = map (n: \"node-${toString n}\") [ 1 2 ]; }", ""),
            ("{ ports = map (n: 8000 + n) (lib.range 1 3); }", "8000 + n!"),
            ("{ url = \"http://${host}:${toString (7780 + 1)}/x\"; }", "7780 + 1!"),
            (
                "{ url = \"http://${host}:${toString (base + 1)}/x\"; ip = \"10.0.0.${toString (n + 1)}\"; }",
                "base + 1!",
            ),
            ("{ ip = \"fd00::${toString (n + 1)}/64\"; }", ""),
        ],
    );
}

#[test]
fn arguments_of_functions_that_make_the_elements_of_port_lists_are_ports() {
    holds(
        Language::Nix,
        &[
            ("{ ports = [ (mkPort 3400 port) (mkPorts 9001) ]; }", "3400 9001"),
            ("{ ports = [ (lib.containers.mkPort 9060 8080) ]; }", "9060 8080"),
            ("{ listenPort = mkPort 9005 port; }", "9005"),
            ("{ ports = [ (allocate 3400) ]; }", ""),
            ("{ values = [ (mkPort 3400) ]; }", ""),
            ("{ ports = [ (mkPort (f 3400)) ]; }", "3400"),
        ],
    );
}

#[test]
fn ports_of_services_named_like_prose_keys_are_found() {
    holds(
        Language::Nix,
        &[
            ("{ containers.homepage.ports = [ \"127.0.0.1:54401:3000\" ]; }", "54401 3000"),
            ("{ services.docs.port = 3001; services.meta.listenPort = 3002; }", "3001 3002"),
            ("{ services = { summary = { port = 3001; }; }; }", "3001"),
            ("{ virtualHosts.example.locations.\"/\".proxyPass = \"http://127.0.0.1:3003\"; }", "3003"),
            ("{ upstreams.homepage = \"127.0.0.1:3004\"; ports = { docs = 3005; title = 3006; }; }", "3004 3005 3006"),
            ("{ meta.homepage = \"http://example.org:80\"; homepage = \"see localhost:80\"; }", ""),
            ("{ x = mkOption { type = port; example = 8090; description = \"port 8091\"; }; }", ""),
            ("{ x = mkOption { example = { a.port = 8090; }; }; }", ""),
            ("{ x = { type = y; example = [ { port = 8090; } ]; }; }", ""),
            ("{ assertions = [ { assertion = x; message = \"port 80\"; } ]; warnings = [ \"port 80\" ]; }", ""),
        ],
    );
    holds(
        Language::Yaml,
        &[
            ("services:\n  summary:\n    image: x\n    ports: [\"8080:80\"]\n", "8080 80"),
            ("services:\n  example:\n    expose: [81]\n", "81"),
            ("summary: localhost:80\n", ""),
            ("components:\n  schemas:\n    X:\n      example:\n        port: 80\n", ""),
            ("labels:\n  - traefik.http.services.x.loadbalancer.server.port=8080\n", "8080"),
            ("labels:\n  traefik.http.services.x.loadbalancer.server.port: 8080\n  rev: \"12\"\n", "8080"),
        ],
    );
}

#[test]
fn ports_are_found_in_argument_lists_and_escapes() {
    holds(
        Language::Nix,
        &[
            ("{ x.cmd = [ \"docker\" \"run\" \"-p\" \"8080:80\" \"--publish\" \"8081:81\" ]; }", "8080 80 8081 81"),
            ("{ x.cmd = [ \"mkdir\" \"-p\" \"80\" ]; }", ""),
            ("{ x.cmd = [ \"postgres\" \"-p\" \"7007\" ]; }", "7007"),
            ("{ x.cmd = [ \"${pkgs.redis}/bin/redis-cli\" \"-p\" \"7008\" \"ping\" ]; }", "7008"),
            ("{ x.cmd = [ (lib.getExe' pkgs.redis \"redis-cli\") \"-p\" (toString 7009) ]; }", "7009"),
            ("{ x.cmd = [ \"psql\" \"-h\" \"db.provider.example\" \"-p\" \"5433\" ]; }", "5433@db.provider.example"),
            ("{ x.cmd = [ \"psql\" \"-p\" (toString 5434) \"-h\" \"b.example\" ]; }", "5434@b.example"),
            ("{ x.cmd = [ \"sh\" \"-c\" \"run psql\" \"-p\" \"81\" ]; y = [ \"psql\" \"-t\" \"82\" ]; }", ""),
            ("{ o = [ \"sftp_host=u1.provider.example\" \"sftp_port=23\" ]; }", "23@u1.provider.example"),
            ("{ o = [ \"--smtp-host\" \"m.provider.example\" \"--smtp-port\" \"587\" ]; }", "587@m.provider.example"),
            ("{ o = [ \"db_host=u1.provider.example\" \"sftp_port=23\" ]; }", "23"),
            ("{ mail_smtphost = \"a.example\"; mail_smtpport = 587; }", "587@a.example"),
            ("{ z.\"${ip}\".try = [ \"${ip}/9993\" \"${addr}/24\" \"${dir}/9993\" ]; }", "9993"),
        ],
    );
    holds(
        Language::Yaml,
        &[
            ("a:\n  args: [docker, run, -p, \"8080:80\", --publish, 8081:81]\n", "8080 80 8081 81"),
            ("test: [\"CMD\", \"valkey-cli\", \"-p\", \"6380\", \"ping\"]\n", "6380"),
            ("command:\n  - postgres\n  # comment\n  - -p\n  - 7004\n", "7004"),
            ("command: ['psql', '-h', 'db.provider.example', '-p', '5433']\n", "5433@db.provider.example"),
            ("a: [mkdir, -p, \"80\"]\nb: [sh, \"run psql\", -p, 81]\nc: [psql, -t, 82]\n", ""),
            ("environment:\n  - SMTP_HOST=mail.provider.example\n  - SMTP_PORT=587\n", "587@mail.provider.example"),
            ("port: \"\\u0038209\"\n", "\\u0038209"),
            ("backend:\n  service:\n    port:\n      number: 3000\n", "3000"),
            ("ports: [\"127.0.0.1::85\", \"${IP:-127.0.0.1}:${PORT:?x}:81\"]\n", "85 81"),
        ],
    );
    holds(Language::Dockerfile, &[("FROM x\nEXPOSE \"8320\"\nEXPOSE 8321/tcp \"8322\"\n", "8320 8321 8322")]);
    holds(
        Language::Dockerfile,
        &[
            ("FROM x\nENV APP_PORT=\"[8448, 443]\" B_PORT=[8449]\n", "8448 443 8449"),
            ("FROM x\nENV APP_PORT=\"[09]\" SIZE=\"[8448]\"\n", ""),
        ],
    );
}

/// Kubernetes and Nomad specify variables as pairs of a name and a value.
#[test]
fn the_name_of_a_variable_decides_whether_its_value_is_a_port() {
    holds(
        Language::Yaml,
        &[
            ("env:\n  - name: PORT\n    value: \"8009\"\n  - {name: DB_PORT, value: 5432}\n", "8009 5432"),
            ("env:\n  - name: RETRIES\n    value: \"8009\"\n  - name: http\n    port: {name: x, value: 80}\n", "80"),
            (
                "env:\n  - {name: SMTP_HOST, value: mail.example.org}\n  - {name: SMTP_PORT, value: \"587\"}\n",
                "587@mail.example.org",
            ),
        ],
    );
    holds(
        Language::Nix,
        &[
            (
                "{ env = [ { name = \"PORT\"; value = \"8017\"; } { value = 8018; name = \"API_PORT\"; } ]; }",
                "8017 8018",
            ),
            ("{ env = [ { name = \"RETRIES\"; value = \"8017\"; } ]; }", ""),
        ],
    );
}

#[test]
fn listen_values_are_ports_unless_they_are_small() {
    holds(Language::Yaml, &[("listen: 8046\nhttp_listen: 8443\nqueue: {listen: 128}\nlisten2: 8046\n", "8046 8443")]);
    holds(
        Language::Nix,
        &[("{ a.listen = \"8046\"; b.listen = \"128\"; socketConfig.ListenStream = 8023; }", "8046 8023")],
    );
}

#[test]
fn schema_keywords_are_not_port_names() {
    holds(
        Language::Yaml,
        &[
            ("properties: {ports: {type: array, maxItems: 64}}\n", ""),
            ("x: {ports: {http: 8064, web: 64}}\n", "8064 64"),
        ],
    );
}

#[test]
fn fallbacks_can_be_addresses_of_other_services() {
    holds(
        Language::Yaml,
        &[
            ("B: ${B:-memcached:11211}\n", "11211@memcached"),
            ("F: http://${F:-db.example.org:9202}/\n", "9202@db.example.org"),
            ("A: {SMTP_HOST: \"${SMTP_HOST}\", SMTP_PORT: \"${SMTP_PORT:-587}\"}\n", "587!@unknown.invalid"),
            ("A: {SMTP_HOST: \"${SMTP_HOST:-mail}\", SMTP_PORT: \"${SMTP_PORT:-587}\"}\n", "587!"),
            ("A: {SMTP_HOST: mail.example.org, SMTP_PORT: \"${SMTP_PORT:-587}\"}\n", "587!@mail.example.org"),
            ("A: {SMTP_HOST: \"${SMTP_HOST}\", HTTP_PORT: \"${HTTP_PORT:-8080}\"}\n", "8080!"),
            ("a: \"http://web:\\\n    3005/x http://localhost:3006\"\n", "3005@web 3006"),
            ("a: \"http://localhost:3000/\\\n  05\"\n", "3000"),
            ("port: \"82\\\n  09\"\n", "82"),
            ("B: ${B:-latest:3}\nsocket_address: {address: 0.0.0.0, port_value: 8063}\n", "8063"),
        ],
    );
}

#[test]
fn values_passed_through_sets_and_arguments_become_ports() {
    holds(
        Language::Nix,
        &[
            (
                "let s = { a = 3000; b = 8080; }; in mapAttrs' (n: v: { x = \"reverse_proxy :${toString v}\"; }) s",
                "3000! 8080!",
            ),
            ("let s = { a = 3000; }; in mapAttrs (n: v: v + 1) s", ""),
            ("let s = { a = 3000; b = 3001; }; in node: { x.port = s.${node}; }", "3000! 3001!"),
            ("let s = { a = 3000; }; in node: { x.size = s.${node}; }", ""),
            (
                "let f = t: { proxyPass = \"http://127.0.0.1:${toString t}\"; }; in { a = f 8080; b = f 8081; }",
                "8080 8081",
            ),
        ],
    );
}

/// Some configurations define a shorthand for `mkOption`: type, default, description.
#[test]
fn shorthands_for_options_have_defaults_and_descriptions() {
    holds(
        Language::Nix,
        &[
            ("{ ui = mkOpt lib.types.port 5055 \"The port\"; n = mkOpt types.int 5056 \"A number\"; }", "5055"),
            ("{ url = mkOpt types.str \"\" \"The URL (e.g. http://localhost:8096)\"; }", ""),
            ("{ url = mkOpt types.str \"http://localhost:8096\" \"The URL\"; }", "8096"),
        ],
    );
}

#[test]
fn service_names_and_vsock_addresses_are_not_ports() {
    holds(
        Language::Nix,
        &[
            ("{ jails.postfix.port = \"smtp,465,submission\"; x.port = \"a, 5\"; }", "465"),
            ("{ listenStreams = [ \"\" \"vsock::22\" \"vsock:2:1024\" \"[::]:22\" ]; }", "22"),
            ("{ labels.\"caddy.reverse_proxy\" = \"{{upstreams 3000}}\"; }", "3000"),
            ("{ script = ''curl -s http://\"$host\":9000/x; echo \"$a\":9001''; }", "9000"),
        ],
    );
}

#[test]
fn dashed_comments_and_docstrings_are_not_code() {
    holds(
        Language::Nix,
        &[
            ("{ extraConfig = ''\n  local x = 1\n  -- forwards to localhost:8081\n  -- and localhost:8082\n''; }", ""),
            ("{ script = ''\n  exec server \\\n  -- serve --port 8081\n''; }", "8081"),
            ("{ command = ''\n  dumb-init\n  -- serve --port 8081\n  -- serve --port 8082\n''; }", "8081 8082"),
            (
                "{ script = ''\n  def f(a,\n        b) -> int:\n      \"\"\"Asks localhost:8081.\"\"\"\n      \
                 get(\"localhost:8082\")\n''; }",
                "8082",
            ),
        ],
    );
}
