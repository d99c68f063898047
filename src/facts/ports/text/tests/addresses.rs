//! Addresses, and text that only looks like an address.

use super::super::{Form, Host};
use super::{Config, Script, Value, details, numbers, ports};

#[test]
fn addresses_contain_ports() {
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
            ("LISTEN=${LISTEN:-0.0.0.0:8974}", &[8974]),
            ("npx wait-on tcp:8975", &[8975]),
            ("udp/:8976", &[8976]),
            ("tcp/192.0.2.7:8977", &[8977]),
            ("udp/HOLE:8978", &[8978]),
            ("<Relay>*:8979</Relay><Relay>:8980</Relay>", &[8979, 8980]),
            ("${env:RELAY_ADDRESS:*:8981}", &[8981]),
            ("http://127.0.0.1:8982{", &[8982]),
            ("proxyd --exit-idle-time=1min 127.0.0.1:8983", &[8983]),
            ("port:8080", &[8080]),
            ("Server=localhost,8978;Database=x", &[8978]),
            ("Data Source=tcp:db,1433;Encrypt=yes", &[1433]),
            ("postgres://u: ${PASSWORD}@db:5432/x", &[5432]),
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
fn texts_that_only_look_like_addresses_contain_no_ports() {
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
            ("app.js:80", &[]),
            ("at (string):1:94", &[]),
            ("123.M12.hostname:2,S", &[]),
            ("eve.r:25", &[]),
            ("/etc/foo.nix:80", &[]),
            ("16:9", &[]),
            ("#{e|>=:10,#{battery}}", &[]),
            ("nixpkgs/nixos-24", &[]),
            ("a/udp/:8976", &[]),
            ("127.0.0.1:8982{x}", &[]),
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
            ("github:9001/copyparty", &[]),
            ("fresh ${file}:1", &[]),
            ("${hostname}:2,S", &[]),
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
fn some_names_rule_out_addresses() {
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
            ("qemu -display none -vnc 0.0.0.0:99,password=on", &[]),
            ("qemu -vnc 127.0.0.1:5", &[]),
            ("DISPLAY=127.0.0.1:10 xterm", &[]),
            ("novnc --vnc localhost:5901", &[5901]),
            ("curl --head localhost:8013", &[8013]),
            ("curl -n localhost:8013", &[8013]),
            ("bat --head localhost:8013", &[]),
            ("chown HOLE:100 /data", &[]),
            ("chown -R HOLE:100 /data", &[]),
            ("chown HOLE:1000 /data && curl localhost:80", &[80]),
            ("docker run --user HOLE:1000 x", &[]),
            ("docker run -u 1000:1000 x", &[]),
        ],
    );
}

#[test]
fn named_hosts_are_returned() {
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
            ("ssh://HOLE.your-storagebox.de:23", 23, Url, named("your-storagebox.de"), None),
            ("ssh://HOLE.example.org:23", 23, Url, Host::Interpolated, None),
            ("submission://smtp.gmail.com:587", 587, Url, named("smtp.gmail.com"), None),
            ("http://hirschmilch.de:7000/x.mp3", 7000, Url, named("hirschmilch.de"), None),
            ("http://web:3000", 3000, Url, named("web"), None),
            ("http://user@web:3000", 3000, Url, named("web"), None),
            ("[2a01:4f8::1]:8080", 8080, HostPort, named("2a01:4f8::1"), None),
            ("stratum+tcp://pool.example.org:3333", 3333, Url, named("pool.example.org"), None),
            ("registry.example.com:5000/image", 5000, HostPort, named("registry.example.com"), None),
            ("turn:turn.example.org:3478?transport=udp", 3478, HostPort, named("turn.example.org"), None),
            ("/ip4/1.2.3.4/tcp/4001", 4001, HostPort, named("1.2.3.4"), None),
        ],
    );
    details(
        Value,
        &["services", "x", "brokerAddress"],
        &[
            ("mqtt:1884", 1884, HostPort, named("mqtt"), None),
            ("eve.r:25", 25, HostPort, named("eve.r"), None),
            ("z6Mk@seed.example.org:8776", 8776, HostPort, named("seed.example.org"), None),
        ],
    );
}

#[test]
fn addresses_may_use_other_separators() {
    numbers(
        Value,
        &["settings", "listen"],
        &[
            ("HOLE@53", &[53]),
            ("HOLE@853#dns.example", &[853]),
            ("127.0.0.1@5335", &[5335]),
            ("fe80::1%enp2s0@853", &[853]),
            ("HOLE@60", &[]),
            ("DP-1,1920x1080@60,0x0,1", &[]),
            ("192.0.2.7/9993", &[9993]),
            ("fd00::1/9993", &[9993]),
            ("192.0.2.7/24", &[]),
            ("fd00::1/128", &[]),
            ("src/2024/9993", &[]),
        ],
    );
}

#[test]
fn nat_targets_belong_to_the_repository() {
    for text in [
        "tcp dport ssh dnat ip6 to [2001:db8::2]:2222",
        "dnat to 192.0.2.9:2222",
        "iptables -t nat -j DNAT --to-destination 192.0.2.9:2222",
    ] {
        let found = ports(text, &["ruleset"], Config);
        assert_eq!(
            found.iter().map(|port| (port.number, port.host)).collect::<Vec<_>>(),
            [(2222, Host::Any)],
            "{text}"
        );
    }
    let found = ports("192.0.2.9:80", &["nat", "forwardPorts", "destination"], Value);
    assert_eq!(found.iter().map(|port| port.host).collect::<Vec<_>>(), [Host::Any]);
}

#[test]
fn the_host_that_a_command_looks_up_is_known() {
    for (text, host) in [
        (
            "IP=$(dig +short lora.provider.example | head -n1)\nmux --client $IP:1700",
            Host::Named("lora.provider.example"),
        ),
        ("A=`host x.provider.example`; nc ${A}:1700", Host::Named("x.provider.example")),
        ("IP=\"$(curl -s https://api.provider.example/ip)\"\nmux $IP:1700", Host::Named("api.provider.example")),
        ("IP=$(curl -s https://ifconfig.me)\nmux $IP:1700", Host::Any),
        ("IP=$(dig +short \"$NAME\")\nmux $IP:1700", Host::Named("looked-up.invalid")),
        ("IP=$(hostname -I)\nmux $IP:1700", Host::Interpolated),
        ("IP=10.0.0.1\nmux $IP:1700", Host::Interpolated),
    ] {
        let found = ports(text, &["script"], Script);
        assert_eq!(found.iter().map(|port| (port.number, port.host)).collect::<Vec<_>>(), [(1700, host)], "{text}");
    }
}
