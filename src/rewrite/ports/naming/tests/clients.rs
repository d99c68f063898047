//! Names that clients give to the service that they connect to.

use super::*;

#[test]
fn names_of_virtual_hosts_outweigh_the_name_of_a_file_with_several_hosts() {
    let host = |label: &str| format!("services.nginx.virtualHosts.{label}.example.org.locations./.proxyPass");
    let (tube, atlas) = (host("tube"), host("atlas"));
    for path in ["modules/media/default.nix", "modules/virtual/mediaserver/default.nix"] {
        let uses = [
            (5056, &*tube, path, "proxyPass = \"http://127.0.0.1:@5056\";"),
            (5057, &*atlas, path, "proxyPass = \"http://127.0.0.1:@5057\";"),
        ];
        let group = if path.contains("server") { "services" } else { "media" };
        assert_eq!(proposals(&uses), [format!("{group}.atlas=5057"), format!("{group}.tube=5056")], "{path}");
        // A single host is another name of the file's service, unless the file is named after a group.
        let expected = if path.contains("server") { "services.mediaserver=5056" } else { "media.tube=5056" };
        assert_eq!(proposals(&uses[..1]), [expected], "{path}");
    }
    let jellyseerr = host("jellyseerr");
    let text = "proxyPass = \"http://127.0.0.1:@4321\";";
    assert_eq!(proposals(&[(4321, &jellyseerr, "mediaserver.nix", text)]), ["media.jellyseerr=4321"]);
}

#[test]
fn the_domains_next_to_a_port_name_its_service() {
    for (number, label, expected) in [
        (3000, "grafana", "monitoring.grafana"),
        (8006, "pve", "infrastructure.proxmox"),
        (8888, "atuin", "services.atuin"),
    ] {
        let name = format!("acme.infrastructure.nodes.n-{number}.proxy.port");
        let text = format!("{{ nodes.n = {{ proxy = {{ port = @{number}; subdomains = [ \"{label}\" ]; }}; }}; }}");
        assert_eq!(proposals(&[(number, &name, "nodes.nix", &text)]), [format!("{expected}={number}")], "{label}");
    }
}

#[test]
fn the_name_of_a_scrape_job_may_be_partly_computed() {
    let name = "services.prometheus.scrapeConfigs.static_configs.targets";
    for job in ["hass", "${config.host}-hass"] {
        let text =
            format!("{{\n  job_name = \"{job}\";\n  static_configs = [ {{ targets = [ \"127.0.0.1:@8123\" ]; }} ];");
        assert_eq!(proposals(&[(8123, name, "monitoring.nix", &text)]), ["home.homeAssistant=8123"], "{job}");
    }
}

#[test]
fn a_forwarded_port_is_named_after_the_service_it_reaches() {
    let text =
        "writeShellScript \"setup-users\" ''\n  kubectl port-forward -n auth svc/authentik-server @19001:80 &\n''";
    assert_eq!(proposals(&[(19001, "script", "setup/users.nix", text)]), ["infrastructure.authentikPortForward=19001"]);
}

#[test]
fn nginx_server_names_name_the_services_behind_them() {
    let server = |name: &str, address: &str| {
        format!("server {{\n  server_name {name};\n  location / {{\n    proxy_pass http://{address}:@4321;\n  }}\n}}\n")
    };
    let (tide, reef) = (server("tide.example.org", "10.0.0.22"), server("${domains.reef}", "127.0.0.1"));
    let option = "nginx proxy_pass";
    let uses = [(4321, option, "packages/bundle/web.nix", &*tide), (4321, option, "packages/bundle/web.nix", &*reef)];
    assert_eq!(proposals(&uses), ["services.reef=4321", "services.tide=4321"]);
    // The service that listens here has a different name from the one on another machine.
    let listener = (4321, "reefUnit --server.port", "packages/bundle/web.nix", "docker run --server.port=@4321");
    assert_eq!(proposals(&[listener, uses[0], uses[1]]).len(), 2);
    // A listener in another file also has a different name, and can only be one of the two services.
    let option = (4321, "options.tide.webPort.default", "modules/tide.nix", "default = @4321;");
    assert_eq!(proposals(&[option, uses[0], uses[1]]), ["services.reef=4321", "services.tideWeb=4321"]);
    // The block with the name is closed, and the owner's domain is not a service.
    let closed = format!("server {{ server_name tide.example.org; }}\n{}", server("example.org", "127.0.0.1"));
    assert_eq!(
        proposals(&[(4321, "nginx proxy_pass", "hosts/oak/configuration.nix", &closed)]),
        ["unnamed.port4321Tcp=4321"]
    );
}

#[test]
fn host_sets_of_a_proxy_name_the_services_behind_it() {
    let host = |label: &str| format!("services.nginx.proxyHosts.{label}.example.org.port");
    let (money, chat) = (host("money"), host("chat"));
    let path = "hosts/oak/configuration.nix";
    let uses = [(4321, &*money, path, "port = @4321;"), (4322, &*chat, path, "port = @4322;")];
    assert_eq!(proposals(&uses), ["services.chat=4322", "services.money=4321"]);
    let own = (4323, "options.services.money.port.default", "modules/money.nix", "default = @4323;");
    assert_eq!(proposals(&[own, uses[0]]), ["services.money=4323", "services.moneyProxy=4321"]);
    // An alias next to the address is not the name of the host.
    let name = "services.nginx.virtualHosts.?.locations./.proxyPass";
    let text = "virtualHosts.\"films.${d}\" = {\n  serverAliases = [ \"hub.${d}\" ];\n  locations.\"/\".proxyPass = \"http://127.0.0.1:@4321\";";
    assert_eq!(proposals(&[(4321, name, path, text)]), ["services.films=4321"]);
    // A flag of a client is not a name.
    let text = "m.succeed(\"curl --resolve wiki.example.org:@4321:10.0.0.4 https://wiki.example.org\")";
    assert_eq!(proposals(&[(4321, "testScript --resolve", "tunnel.nix", text)]), ["services.wiki=4321"]);
    // DNS uses another port, so `dns` is not the service behind this virtual host.
    let name = "services.nginx.virtualHosts.dns.example.org.locations./.proxyPass";
    let text = "proxyPass = \"http://127.0.0.1:@8888\";";
    assert_eq!(proposals(&[(8888, name, "modules/pihole.nix", text)]), ["infrastructure.pihole=8888"]);
}

#[test]
fn clients_of_a_service_on_another_machine_share_its_entry() {
    let text = "settings = { address = \"10.0.0.23\"; port = @4321; };";
    let pass = "server {\n  location /share {\n    proxy_pass http://10.0.0.23:@4321;\n  }\n}";
    are_one(
        &[
            (4321, "services.cabinet.settings.port", "hosts/oak/cabinet.nix", text),
            (4321, "conf proxy_pass", "packages/bundle/web.nix", pass),
        ],
        "services.cabinet=4321",
    );
    let agent = "virtualisation.oci-containers.containers.logs-agent.ports";
    let variable = "virtualisation.oci-containers.containers.logs.environment.LOGS_REMOTE_AGENT";
    are_one(
        &[
            (4321, agent, "a.nix", "\"@4321:4321\""),
            (4321, variable, "b.nix", "LOGS_REMOTE_AGENT = \"192.168.2.2:@4321\";"),
        ],
        "services.logsAgent=4321",
    );
    // The local end of a tunnel is the port of the service that the tunnel exposes.
    let end = "{ name = \"way\"; localPort = @4321; remotePort = 5000; }";
    are_one(
        &[
            (4321, "services.web.port", "x.nix", "port = @4321;"),
            (4321, "services.frp.settings.proxies.localPort", "x.nix", end),
        ],
        "services.web=4321",
    );
}

#[test]
fn the_path_of_a_url_may_name_the_service_that_it_reaches() {
    let option = "services.promtail.configuration.clients.url";
    let text = "url = \"http://10.0.0.4:@3030/loki/api/v1/push\";";
    assert_eq!(proposals(&[(3030, option, "x.nix", text)]), ["monitoring.loki=3030"]);
}

#[test]
fn only_the_title_of_a_link_names_its_target() {
    for (name, path, text, expected) in [
        ("mirrors", "x.nix", "mirrors = [ \"http://attic.lan:4320\" \"http://harmonia.lan:@4321\" ];", "services.x"),
        (
            "services.wiki.extraArgs",
            "wiki.nix",
            "extraArgs = [ \"--origin\" \"http://localhost:@4321\" ];",
            "services.wiki",
        ),
        ("apps.wiki.links", "x.nix", "(link \"See also\" \"http://10.0.0.4:@4321\")", "services.wiki"),
    ] {
        let found = proposals(&[(4321, name, path, text)]);
        assert!(found[0].starts_with(expected), "{name}: {found:?}");
    }
}

#[test]
fn a_listener_next_to_a_label_is_not_a_client() {
    let text = "cmd = [ \"--opts={instance=main,listen=0.0.0.0:@4321}\" ];";
    let name = "virtualisation.oci-containers.containers.wiki.cmd";
    assert_eq!(proposals(&[(4321, name, "app.nix", text)]), ["services.wiki=4321"]);
}

#[test]
fn only_variables_such_as_http_proxy_name_the_proxy() {
    let text = "REVERSE_PROXY = \"http://10.0.0.4:@4321\";";
    let name = "services.wiki.environment.REVERSE_PROXY";
    assert_eq!(proposals(&[(4321, name, "x.nix", text)]), ["services.wiki=4321"]);
    let text = "NO_PROXY = \"http://10.0.0.4:@4321\";";
    let found = proposals(&[(4321, "environment.variables.NO_PROXY", "x.nix", text)]);
    assert_ne!(found, ["services.noProxy=4321"]);
}

#[test]
fn an_address_may_name_a_service_other_than_the_one_next_to_it() {
    let text = |mark: &str| {
        let text =
            "DB_URL = \"clickhouse://clickhouse:#1\"; UPLOAD = \"http://minio:#2\"; cmd = [ \"--address :#3\" ];";
        let marked = text.replace(mark, "@9000");
        ["#1", "#2", "#3"].into_iter().fold(marked, |text, other| text.replace(other, "9000"))
    };
    let (database, upload, listener) = (text("#1"), text("#2"), text("#3"));
    let environment = |name: &str| format!("virtualisation.oci-containers.containers.traces.environment.{name}");
    let (first, second) = (environment("DB_URL"), environment("UPLOAD"));
    let uses = [
        (9000, &*first, "traces.nix", &*database),
        (9000, &*second, "traces.nix", &*upload),
        (9000, "virtualisation.oci-containers.containers.minio.cmd", "traces.nix", &*listener),
    ];
    assert_eq!(proposals(&uses), ["databases.clickhouse=9000", "databases.minio=9000"]);
}

#[test]
fn a_load_balancer_may_call_the_only_listener_by_another_name() {
    let listener = (4321, "services.gallery.port", "hosts/a/gallery.nix", "port = @4321;");
    let balancer = (
        4321,
        "services.traefik.dynamicConfigOptions.http.services.photos.loadBalancer.servers.url",
        "hosts/b/traefik.nix",
        "url = \"http://10.0.0.9:@4321\";",
    );
    are_one(&[listener, balancer], "services.gallery=4321");
    are_one(&[balancer], "services.photos=4321");
}

#[test]
fn a_fail2ban_jail_refers_to_the_only_listener() {
    let listener = (4321, "services.openssh.ports", "hosts/a/ssh.nix", "ports = [ @4321 ];");
    let jail = |name: &str| format!("services.fail2ban.jails.{name}.settings.port");
    for name in ["sshd", "recidive", "nginx-http-auth"] {
        are_one(
            &[listener, (4321, &jail(name), "modules/fail2ban.nix", "port = \"@4321\";")],
            "infrastructure.ssh=4321",
        );
    }
}

#[test]
fn the_port_in_an_exporter_option_belongs_to_the_service_that_it_reads() {
    for (name, text, expected) in [
        (
            "services.prometheus.exporters.nginx.scrapeUri",
            "scrapeUri = \"http://localhost:@4321/nginx_status\";",
            "infrastructure.nginxStatus",
        ),
        ("services.prometheus.exporters.mongodb.uri", "uri = \"mongodb://localhost:@4321\";", "databases.mongodb"),
    ] {
        are_one(&[(4321, name, "modules/monitoring.nix", text)], &format!("{expected}=4321"));
    }
}

#[test]
fn virtual_hosts_with_one_number_share_the_socket_of_their_proxy() {
    let host = |name: &str| format!("services.nginx.virtualHosts.{name}.listen.port");
    let text = "listen = [ { addr = \"10.0.0.4\"; port = @4321; } ];";
    are_one(
        &[(4321, &host("films-lan"), "nginx.nix", text), (4321, &host("wiki-lan"), "nginx.nix", text)],
        "infrastructure.nginx=4321",
    );
}

#[test]
fn a_local_client_reaches_the_only_listener() {
    let uses = [
        (4321, "port", "services/model-relay.nix", "let port = @4321; in"),
        (
            4321,
            "services.talk.settings.endpoints.custom.baseURL",
            "services/talk.nix",
            "[ { name = \"ChatBot\"; baseURL = \"http://127.0.0.1:@4321/v1\"; } ]",
        ),
        (
            4321,
            "systemd.services.goose.environment.OPENAI_HOST",
            "services/goose.nix",
            "OPENAI_HOST = \"http://127.0.0.1:@4321\";",
        ),
    ];
    assert_eq!(proposals(&uses), ["services.modelRelay=4321"]);
}

#[test]
fn clients_are_distinct_from_the_services_that_they_connect_to() {
    for (number, name, path, text, expected) in [
        (4321, "services.fail2ban.jails.sshd.settings.port", "fail2ban.nix", "port = \"@4321\";", "infrastructure.ssh"),
        (
            4321,
            "programs.zen-browser.profiles.default.pins.Wall Display.url",
            "zen.nix",
            "pins.\"Wall Display\" = { url = \"https://wall.example.org:@4321\"; }",
            "services.wallDisplay",
        ),
        (
            4321,
            "services.wiki.environment.WIKI_STORAGE_ENDPOINT",
            "wiki.nix",
            "WIKI_STORAGE_ENDPOINT = \"http://localhost:@4321\";",
            "services.wikiStorage",
        ),
        (
            1935,
            "services.go2rtc.settings.streams.door",
            "cameras.nix",
            "[ \"ffmpeg:http://10.0.0.4/flv?port=@1935\" ]",
            "media.rtmp",
        ),
        (
            4321,
            "services.nginx.virtualHosts.films-lan.listen.port",
            "nginx.nix",
            "listen = [ { addr = \"10.0.0.4\"; port = @4321; } ];",
            "services.filmsLan",
        ),
    ] {
        assert_eq!(proposals(&[(number, name, path, text)]), [format!("{expected}={number}")], "{name}");
    }
    let uses = [
        (4321, "services.dnsmasq.settings.server", "a.nix", "server = [ \"127.0.0.1#@4321\" ];"),
        (4321, "services.stubby.settings.listen_addresses", "a.nix", "[ \"127.0.0.1@4321\" ]"),
    ];
    assert_eq!(proposals(&uses), ["services.stubby=4321"]);
}

#[test]
fn the_host_of_a_tunnel_names_the_service_behind_it() {
    let name = |host: &str| format!("services.cloudflared.tunnels.MAIN.ingress.{host}.service");
    for (host, path, expected) in [
        ("wiki.example.com", "tunnels.nix", "services.wiki"),
        ("wiki.?", "tunnels.nix", "services.wiki"),
        // The whole domain is not a service.
        ("example.com", "diary.nix", "services.diary"),
    ] {
        let text = format!("\"{host}\" = {{\n  service = \"http://localhost:@3060\";\n}};");
        assert_eq!(proposals(&[(3060, &name(host), path, &text)]), [format!("{expected}=3060")], "{host}");
    }
    let (chat, board) = (name("chat.example.com"), name("board.example.com"));
    assert_eq!(
        proposals(&[
            (8080, &chat, "chat.nix", "service = \"http://localhost:@8080\";"),
            (8080, "virtualisation.oci-containers.containers.nocodb.ports", "chat.nix", "\"@8080:8080\""),
            (9080, &board, "cloudflared.nix", "service = \"http://localhost:@9080\";"),
            (9080, "virtualisation.oci-containers.containers.searxng.ports", "virt.nix", "\"@9080:8080\""),
        ]),
        ["services.nocodb=8080", "services.searxng=9080"]
    );
}

#[test]
fn a_job_that_scrapes_another_container_does_not_reach_the_only_listener() {
    let label = "services.pad.labels.traefik.http.services.pad.loadbalancer.server.port";
    let listener = (9000, label, "pad/compose.yml", "traefik.http.services.pad.loadbalancer.server.port: @9000");
    let job = |host: &str| format!("- job_name: grafana\n  static_configs:\n    - targets: [\"{host}:@9000\"]");
    let name = "scrape_configs.static_configs.targets";
    let expected = ["development.pad=9000", "monitoring.grafana=9000"];
    assert_eq!(proposals(&[listener, (9000, name, "prometheus.yml", &job("grafana"))]), expected);
    // A host with any other name may be a machine.
    for host in ["10.0.0.4", "nas"] {
        let scrape = job(host);
        assert_eq!(proposals(&[listener, (9000, name, "prometheus.yml", &scrape)]), ["development.pad=9000"], "{host}");
    }
}

#[test]
fn a_job_with_the_name_of_a_service_scrapes_its_metrics() {
    let uses = [
        (4321, "services.wiki.port", "wiki.nix", "port = @4321;"),
        (9300, "scrape_configs.static_configs.targets", "prometheus.yml", "job_name: wiki\ntargets: [\"wiki:@9300\"]"),
    ];
    assert_eq!(proposals(&uses), ["services.wiki=4321", "services.wikiMetrics=9300"]);
}

#[test]
fn a_virtual_host_of_another_service_in_the_file_names_it() {
    let name = "services.nginx.virtualHosts.feed-reader.?.locations./.proxyPass";
    let proxy = "proxyPass = \"http://127.0.0.1:@4322\";";
    for (own, expected) in [
        ("services.wiki.enable = true; services.feed-reader.enable = true;", "services.feedReader=4322"),
        ("systemd.services.wiki = { }; systemd.services.feed-reader-hook = { };", "services.feedReader=4322"),
        // A unit may be one of the helpers of the service that the file configures.
        ("services.wiki.enable = true; systemd.services.feed-reader-hook = { };", "services.wiki=4322"),
        ("services.wiki.enable = true;", "services.wiki=4322"),
    ] {
        let text = format!("{{ {own} {proxy} }}");
        assert_eq!(proposals(&[(4322, name, "wiki.nix", &text)]), [expected], "{own}");
    }
}

#[test]
fn the_label_of_a_block_that_scrapes_an_address_names_it() {
    let name = "environment.etc.alloy/conf.d/wiki.alloy.text __address__";
    let text = "prometheus.scrape \"wiki\" {\n  targets = [{\"__address__\" = \"localhost:@4321\"}]\n}";
    assert_eq!(proposals(&[(4321, name, "monitored.nix", text)]), ["services.wiki=4321"]);
    let container = (4321, "virtualisation.oci-containers.containers.notes.ports", "notes.nix", "[ \"@4321:4321\" ]");
    let text = text.replace("wiki", "notes");
    assert_eq!(proposals(&[container, (4321, name, "notes.nix", &text)]), ["services.notes=4321"]);
}

#[test]
fn a_closed_block_that_scrapes_an_address_does_not_name_what_follows() {
    let name = "environment.etc.alloy/config.alloy.text";
    let scrape = "prometheus.scrape \"node\" {\n  targets = [{\"__address__\" = \"localhost:4321\"}]\n}\n";
    let write = format!("{scrape}prometheus.remote_write \"x\" {{\n  endpoint {{ url = \"http://10.0.0.4:@9091/\" }}");
    let receive = format!("{scrape}otelcol.receiver.otlp \"in\" {{\n  grpc {{ endpoint = \"0.0.0.0:@4324\" }}");
    let option = format!("{scrape}'';\n  services.wiki = {{\n    port = @4322;");
    let proposed = proposals(&[
        (4322, "services.wiki.port", "server.nix", &option),
        (4324, name, "server.nix", &receive),
        (9091, name, "server.nix", &write),
    ]);
    assert!(proposed.contains(&"services.wiki=4322".to_owned()), "{proposed:?}");
    assert!(!proposed.iter().any(|name| name.contains("node")), "{proposed:?}");
    // A generic label does not identify a service.
    let text = "prometheus.scrape \"default\" {\n  targets = [{\"__address__\" = \"localhost:@4321\"}]";
    assert_eq!(proposals(&[(4321, name, "mon.nix", text)]), ["monitoring.alloy=4321"]);
}

#[test]
fn an_exporter_may_have_a_different_name_from_the_only_job_that_scrapes_it() {
    let container = "virtualisation.oci-containers.containers.host-exporter.ports";
    let text = "job_name = \"node\"; static_configs = [ { targets = [ \"localhost:@9100\" ]; } ];";
    let uses = [
        (9100, container, "exporter.nix", "ports = [ \"@9100:9100\" ];"),
        (9100, "services.prometheus.scrapeConfigs.static_configs.targets", "monitoring.nix", text),
    ];
    assert_eq!(proposals(&uses), ["monitoring.nodeExporter=9100"]);
}

#[test]
fn an_ssh_client_connects_to_the_only_ssh_server_with_the_number() {
    let forge =
        (2222, "virtualisation.oci-containers.containers.forgejo.ports", "forge.nix", "ports = [ \"@2222:22\" ];");
    for (name, text) in [
        ("programs.ssh.settings.?.Port", "\"git.${domain}\" = { Port = @2222; };"),
        ("programs.ssh.extraConfig Port", "extraConfig = ''\n  Host git.example.org\n    Port @2222\n''"),
    ] {
        let client = (2222, name, "home/ssh.nix", text);
        assert_eq!(uses_of(&[forge, client]), [("development.forgejoSsh".to_owned(), 2222, vec![0, 1])], "{name}");
    }
}

#[test]
fn the_option_for_an_upstream_server_does_not_name_it() {
    let server = (5300, "services.blocky.settings.ports.dns", "hosts/pi/blocky.nix", "dns = @5300;");
    let client = (5300, "acme.coredns.upstreamDns", "modules/dns.nix", "upstreamDns = \"127.0.0.1:@5300\";");
    assert_eq!(uses_of(&[server, client]), [("infrastructure.blockyDns".to_owned(), 5300, vec![0, 1])]);
}

#[test]
fn a_rule_for_connections_to_another_machine_does_not_name_their_port() {
    let service = (4321, "services.torrents.torrentPort", "hosts/nas/torrents.nix", "torrentPort = @4321;");
    let rule = "''\n  iptables -A WG_PREROUTING -p tcp -j DNAT --to-destination ${nas}:@4321\n''";
    let rule = (4321, "wireguardSetup", "hosts/gate/wireguard.nix", rule);
    assert_eq!(proposals(&[service, rule]), ["services.torrents=4321"]);
}

#[test]
fn programs_that_read_a_service_do_not_name_it() {
    let text = "upsd = [ { server = \"127.0.0.1\"; port = @3493; } ];";
    let input = (3493, "services.telegraf.extraConfig.inputs.upsd.port", "modules/telegraf.nix", text);
    assert_eq!(proposals(&[input]), ["infrastructure.nut=3493"]);
    let text = "datasources:\n  - name: Metrics of the attic\n    type: prometheus\n    url: http://10.0.0.4:@8428\n";
    let source = (8428, "datasources.url", "grafana/datasources.yml", text);
    assert_eq!(proposals(&[source]), ["monitoring.victoriaMetrics=8428"]);
}

#[test]
fn the_destination_of_a_forwarded_connection_names_the_port() {
    let text = "forwards = [ { port = @4321; dst = assignments.arena.internal.address; proto = \"udp\"; } ];";
    let forward = (4321, "firewallForwards.port", "lib/constants.nix", text);
    assert_eq!(proposals(&[forward]), ["services.arena=4321"]);
}
