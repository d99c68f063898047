//! Numbers that are ports because of a name, a path or a protocol.

use super::{Config, Script, Value, numbers};

#[test]
fn both_sides_of_a_container_mapping_are_ports() {
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
            ("127.0.0.1::80", &[80]),
            ("[::1]::80/udp", &[80]),
            ("${IP:-127.0.0.1}:${PORT:?x}:81", &[81]),
            ("${PORT:?must be set, say 8080}:81", &[81]),
            // Docker accepts an empty address and an empty host port.
            ("::80", &[80]),
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
            ("127.0.0.1:HOLE:80", &[80]),
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
    numbers(Value, &["listeners.ssl.default"], &[("5671", &[5671])]);
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
fn values_of_port_flags_are_ports() {
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
            ("makeWrapper a b --set PORT 3000 --set-default X 80", &[3000]),
            ("start_server(handle, \"0.0.0.0\", 8080)", &[8080]),
            ("resize(handle, \"0.0.0.0\", 8)", &[]),
            ("head -n:50 a; bat -r:200 b", &[]),
            ("makeWrapper a b --set-default \"PORT\" 3000", &[3000]),
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
            ("-N -R 0.0.0.0:8022:localhost:2022 x", &[8022, 2022]),
            ("-N -L 8023:db:5433 x", &[8023, 5433]),
            ("chown -R 1000:1000 a; cp -R 80:90 b; ls -L 80; date -R 10:20:30", &[]),
            ("HOLE/bin/check_http -H localhost -p 8500 -u /x", &[8500]),
            ("tmux new-window -t :2; tmux select-window -t :1000", &[]),
            ("nft add rule x tcp dport 1-65535 accept; y --ports 0-65535", &[]),
            ("check_disk -p 90", &[]),
            ("nc -z -v ::1 8008; nc fd00::2 8009", &[8008, 8009]),
            ("dig +short @127.0.0.1 -p 5353 web.test", &[5353]),
            ("curl -g http://[{address}]:8888/", &[8888]),
            ("php -S localhost:8000", &[8000]),
            ("python3 -m http.server 8000", &[8000]),
            ("python3 -m http.server --bind 127.0.0.1 -d /srv 8000; python3 -m http.server -d 8001", &[8000]),
            ("python3 -m http.server /srv 8000", &[]),
            ("gunicorn -b :8000 app", &[8000]),
            ("gunicorn --bind 0.0.0.0:8000 -w 4 app", &[8000]),
            ("serve -l 3000", &[3000]),
            ("next start -p 3000", &[3000]),
            ("output_http.so -p 8081 -w www", &[8081]),
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
            ("socat TCP-LISTEN:8080,fork TCP:localhost:80", &[8080, 80]),
            ("wait_for_port 8080", &[8080]),
            ("occ config:set ldapPort \"389\"", &[389]),
            ("bug-report 80; auto-import 5; the port 80", &[]),
            ("nmap --top-ports 1024", &[]),
            ("sock.listen(16)", &[]),
            ("app.listen(3000)", &[3000]),
            ("sleep 80", &[]),
            ("nc -z localhost $port 2>/dev/null", &[]),
            ("curl --fail-with-body localhost:80", &[80]),
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
fn ports_are_found_in_configuration_text() {
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
            ("virtual_server 10.0.0.1 8004 {\n  real_server 10.0.0.2 8005 {", &[8004, 8005]),
            ("remote vpn.lan 1194\nmanagement localhost 7505\nremote-cert-tls server", &[1194, 7505]),
            ("remote branch 12\nthe remote host 1194", &[]),
            ("[ProxyList]\nsocks5 127.0.0.1 9050\n", &[9050]),
            (
                "backend web\n  server a 10.0.0.2:8080 check port 8081\n  http-check connect port 8082\n",
                &[8080, 8081, 8082],
            ),
            ("check port 80 of the switch\n", &[]),
            ("fixed_ports = 1\nfixed_port = 8080\n", &[8080]),
            ("RemoteForward 8012 localhost:8013\nDynamicForward 1080", &[8012, 8013, 1080]),
            ("[https]\naccept = 8443\nconnect = 127.0.0.1:8080", &[8443, 8080]),
            ("accept = 1\nmax accept 8443", &[]),
        ],
    );
}

#[test]
fn subscripts_named_port_are_not_ports() {
    numbers(
        Script,
        &[],
        &[
            ("seen[$port]=1", &[]),
            ("seen[\"$port\"]=1", &[]),
            ("seen[port]=1", &[]),
            ("config[port]=8080", &[8080]),
            ("config[\"port\"] = 81", &[81]),
        ],
    );
}

#[test]
fn file_owners_are_not_addresses() {
    numbers(Script, &[], &[("install --chown /srv/HOLE HOLE:100 x", &[]), ("chown HOLE:100 /srv", &[])]);
    numbers(Value, &["rules", "mode"], &[(":770", &[]), ("HOLE:770", &[]), ("http://localhost:8080", &[8080])]);
}

#[test]
fn the_first_unprivileged_port_is_not_a_port() {
    numbers(Script, &[], &[("sysctl net.ipv4.ip_unprivileged_port_start=1024 rtp_port_start=10000", &[10000])]);
    numbers(Value, &["net.ipv4.ip_unprivileged_port_start"], &[("80", &[])]);
}

#[test]
fn comments_contain_no_ports() {
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
            ("-- see localhost:80\nSELECT 'localhost:81';", &[81]),
            ("exec web \\\n  -- serve localhost:80", &[80]),
            ("--listen localhost:80", &[80]),
            ("#!/usr/bin/env python3\n\"\"\"\nThe bridge to localhost:80.\n\"\"\"\nrun('localhost:81')", &[81]),
            ("def f():\n    \"\"\"Asks localhost:80.\"\"\"\n    ask(\"\"\"localhost:81\"\"\")", &[81]),
            ("run(\n    \"\"\"localhost:80\"\"\"\n)", &[80]),
            ("run(\n    # the server\n    \"\"\"localhost:80\"\"\"\n)", &[80]),
            ("command:\n  \"\"\"\n  listen 80\n  \"\"\"", &[80]),
            (
                "async def f(\n    a,\n):\n    \"\"\"Asks localhost:80.\"\"\"\nclass A:\n    \"\"\"localhost:81\"\"\"",
                &[],
            ),
            ("command:\n  - web\n  -- serve --port 80", &[80]),
            ("SELECT 1;\n-- of 3 servers\n-- at localhost:80\n\n-- or localhost:81\nSELECT 2\n-- localhost:82", &[]),
            ("psql <<E\n  -- see localhost:80\nE", &[]),
        ],
    );
    numbers(
        Script,
        &[],
        &[("args=(\n  --foo\n  -- serve --port 80\n)", &[80]), ("dumb-init\n-- serve --port 80", &[80])],
    );
    numbers(Value, &[], &[("# localhost:80", &[80]), ("a\n# localhost:80\nlocalhost:81", &[81])]);
}

#[test]
fn xml_comments_contain_no_ports() {
    numbers(
        Config,
        &[],
        &[
            ("<!-- <Port>8080</Port>\n  localhost:8081 -->\n<Port>8082</Port>", &[8082]),
            ("<Port>8080</Port> <!-- 8081 --> <Bind>localhost:8082</Bind>", &[8080, 8082]),
            ("<!-- not closed\n<Port>8080</Port>", &[8080]),
        ],
    );
    numbers(Value, &[], &[("<!-- localhost:8081 --> localhost:8082", &[8082])]);
    let apache = "<VirtualHost *:8081>\n # <!--\n ProxyPass / http://localhost:8083\n # -->\n</VirtualHost>";
    numbers(Config, &[], &[(apache, &[8081, 8083])]);
}

#[test]
fn ports_are_found_inside_flag_values() {
    numbers(
        Script,
        &["script"],
        &[
            ("curl --connect-to HOLE:443:server:8443 https://x", &[443, 8443]),
            ("curl --connect-to ::127.0.0.1:8443 https://x", &[8443]),
            ("curl --resolve HOLE:80:127.0.0.1 http://x", &[80]),
            ("curl --resolve x.org:443:192.168.0.2 http://x", &[443]),
            ("curl --max-time 30 --retry 443 http://x", &[]),
            ("tailscale serve --bg --https=8443 --set-path=/x", &[8443]),
            ("HOLE serve --tcp 2222 x", &[2222]),
            ("tailscale funnel --https 10000 x", &[10000]),
            ("tailscale serve --bg 3000", &[3000]),
            ("hey --http 2 x", &[]),
            ("build --tcp 2222", &[]),
        ],
    );
}

#[test]
fn counts_and_ranges_are_not_addresses() {
    numbers(
        Script,
        &["shellAliases", "x"],
        &[
            ("fzf --preview 'bat --line-range :500 {}'", &[]),
            ("bat --line-range=:500 x", &[]),
            ("bat --line-range HOLE:500", &[]),
            ("head -n :50 x", &[]),
            ("cut -c :80 x", &[]),
            ("x --limit :100", &[]),
            ("x --listen :500", &[500]),
            ("x --web.listen-address :9100", &[9100]),
            ("x -l :8080", &[8080]),
        ],
    );
}

#[test]
fn ports_are_found_in_packet_filter_sets() {
    numbers(
        Config,
        &["ruleset"],
        &[
            ("set a {\n  type inet_service\n  elements = { 80, HOLE, 443 }\n}", &[80, 443]),
            ("set a {\n  type inet_service\n  elements = {\n    # why: 12\n    20000-23999\n  }\n}", &[20000, 23999]),
            ("set a {\n  type inet_service;\n  elements = {\n    HOLE, # one\n    8080\n  }\n}", &[8080]),
            ("set a {\n  typeof tcp dport\n  elements = { 80, 443 }\n}", &[80, 443]),
            ("set a {\n  type mark\n  elements = { 80, 443 }\n}", &[]),
            ("tcp dport {\n  22, # ssh\n  HOLE,\n  80\n} accept", &[22, 80]),
            ("icmpv6 type { 130, HOLE, 143 } accept", &[]),
        ],
    );
}

#[test]
fn ports_are_found_in_server_statements() {
    numbers(
        Script,
        &["testScript"],
        &[
            ("vm.forward_port(2222, 22)", &[2222, 22]),
            ("vm.forward_port(port, 8080)", &[8080]),
            ("vm.check_port(2222, 8443)", &[2222]),
        ],
    );
    numbers(
        Config,
        &["extraConfig"],
        &[
            ("listener 1883\nmax_connections 50", &[1883]),
            ("inet 127.0.0.1 port 8653 allow { 127.0.0.1; };", &[8653]),
            ("neighbor ::1 port 1790 as 65000;", &[1790]),
            (".:53 {\n  prometheus :9153\n  health :8080\n}", &[53, 9153, 8080]),
            ("{\n  admin :2019\n}\nforward_auth :8001 {\n}", &[2019, 8001]),
            ("serv_port_up = 1681\nserv_port_down = 1682", &[1681, 1682]),
            ("candidates:\n  - stun:8555", &[8555]),
            ("net.ipv4.ip_local_port_range = 1024 65535", &[]),
            ("peer-port-random-low = 49152", &[49152]),
        ],
    );
}

#[test]
fn socket_addresses_in_scripts_contain_ports() {
    numbers(
        Config,
        &[],
        &[
            ("Server((\"::\", 8080), Handler)", &[8080]),
            ("Server((\"\", 8080), Handler)", &[8080]),
            ("s.bind(('0.0.0.0', 8081))", &[8081]),
            ("replace(\"\", 80)", &[]),
            ("f(\"a\", 80)", &[]),
            ("range(\"1\", 80)", &[]),
        ],
    );
}

#[test]
fn the_path_names_the_program_that_receives_the_arguments() {
    let rows: &[(&str, &[u32])] = &[("-i HOLE -p 6969 -P 6970", &[6969, 6970]), ("-x 80", &[])];
    numbers(Value, &["services", "opentracker", "extraOptions"], rows);
    numbers(Value, &["services", "borgbackup", "extraArgs"], &[("-p 6969", &[])]);
}
