//! Names in the repositories of whole fleets: modules with namespaces, proxies in front, manifests.

use super::*;

#[test]
fn the_parts_of_a_path_that_contain_services_do_not_name_them() {
    for (name, path, text, expected) in [
        (
            "den.aspects.swayvnc.homeManager.systemd.user.sockets.swayvnc.Socket.ListenStream",
            "modules/desktop/swayvnc.nix",
            "ListenStream = \"127.0.0.1:@4321\";",
            "services.swayvnc",
        ),
        ("acme.deployedApps.feed-eater.listener.port", "hosts/web1/apps.nix", "port = @4321;", "services.feedEater"),
        ("acme.extras.feed-eater.listener.port", "hosts/web1/feed-eater.nix", "port = @4321;", "services.feedEater"),
        ("servs.mpd.extraConfig port", "audio/mpd/http/default.nix", "port \"@4321\"", "media.mpd"),
        ("config.constants.ca.metricsPort", "registry.nix", "metricsPort = @4321;", "services.caMetrics"),
        ("options.acme.media.stack.ports.default.wiki", "media/stack.nix", "wiki = @4321;", "media.wiki"),
        ("services.tang.listenStream", "tang.nix", "listenStream = [ \"10.0.0.4:@4321\" ];", "infrastructure.tang"),
        ("services.stock-check.environment.QUARKUS_HTTP_PORT", "x.nix", "= @4321;", "services.stockCheck"),
        ("services.wiki.settings.OTEL_EXPORTER_PROMETHEUS_PORT", "x.nix", "= @4321;", "services.wikiMetrics"),
        ("systemd.services.step-ca-init.script --address", "x.nix", "--address :@4321", "services.stepCa"),
        ("services.garage.settings.s3_web.bind_addr", "x.nix", "bind_addr = \"[::]:@4321\";", "databases.garageWeb"),
        ("programs.clipcat.settings.clipcatd.port", "x.nix", "port = @4321;", "services.clipcat"),
        ("acme.docker.wiki.ports", "hosts/web1/default.nix", "ports = @4321;", "services.wiki"),
        ("api.http", "modules/resolver.nix", "\"http\" = \"0.0.0.0:@4321\";", "services.resolverApi"),
        ("listen.port", "modules/use-nix-cache.nix", "port = @4321;", "services.nixCache"),
        ("sshPort", "soft-serve.nix", "sshPort = @4321;", "services.softServeSsh"),
        ("port", "modules/nix-on-droid/default.nix", "port = @4321;", "services.nixOnDroid"),
        (
            "kubernetes.helm.releases.readit.values.controllers.main.containers.main.env.READIT_SERVER_PORT",
            "apps.nix",
            "READIT_SERVER_PORT = \"@4321\";",
            "services.readit",
        ),
        ("x.text", "qemu.nix", "<graphics type='spice' port='@4321' listen='127.0.0.1'/>", "services.spice"),
        ("ansible.posix.firewalld.port", "play.yml", "port: @8007/tcp", "infrastructure.proxmoxBackup"),
        ("containers.bridge.command", "x.nix", "socat TCP-LISTEN:143,fork TCP:127.0.0.1:@4321", "services.bridgeImap"),
    ] {
        let number = if text.contains("8007") { 8007 } else { 4321 };
        assert_eq!(proposals(&[(number, name, path, text)]), [format!("{expected}={number}")], "{name}");
    }
}

#[test]
fn clients_name_the_service_that_they_reach() {
    for (name, path, text, expected) in [
        (
            "acme.services.caddy-proxy.hosts.chores.backendAddress",
            "hosts/web1/default.nix",
            "backendAddress = \"http://10.0.0.4:@4321\";",
            "services.chores",
        ),
        (
            "services.nginx.virtualHosts.example.org.locations.~ ^(/_matrix/|/x).proxyPass",
            "web.nix",
            "proxyPass = \"http://127.0.0.1:@4321$request_uri\";",
            "messaging.matrix",
        ),
        (
            "services.nginx.virtualHosts.n.example.org.locations./tools.return",
            "arr.nix",
            "return = \"301 $scheme://$http_host:@4321\";",
            "services.tools",
        ),
        ("acme.nix.substituters", "store.nix", "\"https://nas.example.org:@4321\"", "services.nixCache"),
        ("x.text HTTP_PROXY", "forge.nix", "export HTTP_PROXY=http://127.0.0.1:@4321", "infrastructure.httpProxy"),
        ("env.PASTE_SERVER", "paste.nix", "PASTE_SERVER = \"http://desk.local:@9090\";", "services.paste"),
        ("links", "media.nix", "(svc \"Photo Wall\" \"https://photo.example.org:@4321/\")", "services.photoWall"),
        (
            "widgets.url",
            "x.nix",
            "{ title = \"News\"; url = \"http://blog.${namespace}.svc.cluster.local:@4321\";",
            "services.blog",
        ),
    ] {
        let number = if text.contains("9090") { 9090 } else { 4321 };
        assert_eq!(proposals(&[(number, name, path, text)]), [format!("{expected}={number}")], "{name}");
    }
}

#[test]
fn a_connection_within_one_machine_does_not_reach_a_service_of_another() {
    let proxy = "services.proxy.virtualHosts.store.port";
    let uses = [
        (8080, "ingressPort", "hosts/web1/restate.nix", "ingressPort = @8080;"),
        (8080, proxy, "hosts/web2/store.nix", "virtualHosts.store = { host = \"localhost\"; port = @8080; };"),
    ];
    assert_eq!(proposals(&uses), ["services.restate=8080", "services.store=8080"]);
}

#[test]
fn an_object_and_its_container_are_one_service() {
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: orbit\nspec:\n  template:\n    spec:\n      \
                    containers:\n        - env:\n            - name: PORT\n              value: \"#1\"\n          name: \
                    main\n          ports:\n            - containerPort: #2\n              name: http\n---\napiVersion: \
                    v1\nkind: Service\nmetadata:\n  name: orbit\nspec:\n  ports:\n    - name: http\n      port: #3\n";
    let at = |mark: &str| {
        let other = |text: &str, number: u32| text.replace(&format!("#{number}"), "4321");
        let text = manifest.replace(mark, "@4321");
        [1, 2, 3].into_iter().fold(text, |text, number| other(&text, number))
    };
    let (env, container, service) = (at("#1"), at("#2"), at("#3"));
    let uses = [
        (4321, "spec.template.spec.containers.env.value", "a.yaml", &*env),
        (4321, "spec.template.spec.containers.ports.containerPort", "a.yaml", &*container),
        (4321, "spec.ports.port", "a.yaml", &*service),
    ];
    assert_eq!(proposals(&uses), ["services.orbit=4321"]);
}

#[test]
fn different_spellings_of_a_name_are_one_service() {
    let uses = [
        (4321, "links.url", "a.nix", "[ { name = \"SABnzbd\"; url = \"http://${hosts.nas.ip}:@4321/\"; } ]"),
        (4321, "ports.sabnzbd", "b.nix", "sabnzbd = @4321;"),
    ];
    assert_eq!(proposals(&uses), ["media.sabnzbd=4321"]);
}

#[test]
fn inbounds_are_named_by_their_tags() {
    let text = "{ inbounds = [ { tag = \"local\"; port = @4321; protocol = \"socks\"; } ]; }";
    assert_eq!(proposals(&[(4321, "inbounds.port", "xray.nix", text)]), ["services.xrayLocal=4321"]);
    let text = "{ inbounds = [ { tag = \"in\"; port = @4321; protocol = \"vless\"; } ]; }";
    assert_eq!(proposals(&[(4321, "inbounds.port", "xray.nix", text)]), ["services.xrayVless=4321"]);
}

#[test]
fn a_folder_of_containers_is_not_the_service_with_that_name() {
    let uses = [(5000, "ports", "modules/docker/dufs/default.nix", "ports = @5000;")];
    assert_eq!(proposals(&uses), ["services.dufs=5000"]);
    let uses = [(6443, "port", "modules/k3s/default.nix", "port = @6443;")];
    assert_eq!(proposals(&uses), ["infrastructure.kubernetesApi=6443"]);
}

#[test]
fn an_identifier_is_not_a_name() {
    let text = "[ { id = \"cf7ccf08-2541-49eb-903b-e7cd59dd10f2\"; forward.url = \"http://127.0.0.1:@4321/api\"; } ]";
    assert_eq!(proposals(&[(4321, "hooks.forward.url", "hooks.nix", text)]), ["services.hooks=4321"]);
}

#[test]
fn the_hosts_of_a_fleet_are_not_virtual_hosts() {
    let host =
        |label: &str| format!("hosts.web1.services.nginx.virtualHosts.{label}.example.org.locations./.proxyPass");
    let (wiki, blog) = (host("wiki"), host("blog"));
    let uses = [
        (4321, &*wiki, "fleet.nix", "proxyPass = \"http://127.0.0.1:@4321\";"),
        (4322, &*blog, "fleet.nix", "proxyPass = \"http://127.0.0.1:@4322\";"),
    ];
    assert_eq!(proposals(&uses), ["services.blog=4322", "services.wiki=4321"]);
}

#[test]
fn a_folder_with_the_name_of_a_group_is_not_a_service() {
    let uses = [
        (4321, "acme.web.blog.port", "web/default.nix", "port = @4321;"),
        (4322, "acme.web.chat.port", "web/default.nix", "port = @4322;"),
    ];
    assert!(proposals(&uses).iter().all(|name| !name.contains(".web")), "{:?}", proposals(&uses));
    let uses = [(4321, "acme.blog.media.port", "modules/media/default.nix", "port = @4321;")];
    assert_eq!(proposals(&uses), ["media.acme=4321"]);
}

#[test]
fn a_service_may_be_called_init_or_setup() {
    for (name, path, expected) in [
        ("services.setup.port", "a.nix", "services.setup"),
        ("init.port", "modules/setup/default.nix", "services.init"),
    ] {
        assert_eq!(proposals(&[(4321, name, path, "port = @4321;")]), [format!("{expected}=4321")], "{name}");
    }
}

#[test]
fn an_option_called_source_does_not_name_an_upstream() {
    let uses = [
        (4320, "services.sync.port", "a.nix", "port = @4320;"),
        (4322, "services.sync.source", "a.nix", "source = \"10.0.0.4:@4322\";"),
    ];
    let found = proposals(&uses);
    assert!(found.iter().all(|name| !name.contains("servicesUpstream")), "{found:?}");
}

#[test]
fn the_aspect_and_the_job_of_a_machine_do_not_name_a_service() {
    let uses = [
        (4320, "den.aspects.web1.nixos.wiki.port", "modules/hosts/web1/default.nix", "wiki.port = @4320;"),
        (
            4321,
            "services.prometheus.scrapeConfigs.static_configs.targets",
            "modules/monitoring.nix",
            "[ { job_name = \"web1\"; static_configs = [ { targets = [ \"localhost:@4321\" ]; } ]; } ]",
        ),
    ];
    let found = proposals(&uses);
    assert!(found.contains(&"services.wiki=4320".to_owned()), "{found:?}");
    assert!(found.iter().all(|name| !name.contains("web1")), "{found:?}");
}

#[test]
fn the_bounds_of_a_range_are_not_ports_of_single_services() {
    let (from, to) = ("networking.firewall.allowedTCPPortRanges.from", "networking.firewall.allowedTCPPortRanges.to");
    let exporter = (9100, "services.prometheus.exporters.node.port", "monitoring.nix", "port = @9100;");
    let uses = [
        exporter,
        (9090, from, "hosts/a/default.nix", "[ { from = @9090; to = 9100; } ]"),
        (9100, to, "hosts/a/default.nix", "[ { from = 9090; to = @9100; } ]"),
    ];
    let expected = ["monitoring.nodeExporter=9100", "unnamed.range9090TcpFirst=9090", "unnamed.range9090TcpLast=9100"];
    assert_eq!(proposals(&uses), expected);
    let mut many = Vec::from([exporter]);
    for path in ["nixos/alpha/default.nix", "nixos/bravo/default.nix"] {
        many.push((9090, from, path, "[ { from = @9090; to = 9100; } # local services\n]"));
        many.push((9100, to, path, "[ { from = 9090; to = @9100; } # local services\n]"));
    }
    let expected =
        ["monitoring.nodeExporter=9100", "services.localServicesFirst=9090", "services.localServicesLast=9100"];
    assert_eq!(proposals(&many), expected);
    let uses = [
        (2456, from, "hosts/a/default.nix", "[ { from = @2456; to = 2458; } ]"),
        (2458, to, "hosts/a/default.nix", "[ { from = 2456; to = @2458; } ]"),
    ];
    assert_eq!(proposals(&uses), ["games.valheimFirst=2456", "games.valheimLast=2458"]);
}

#[test]
fn services_with_one_number_keep_their_entries() {
    // The host's file comes first, but the service's own port has the better claim to the service's name.
    assert_eq!(
        proposals(&[
            (
                8081,
                "den.aspects.oak.nixos.zigbee2mqtt.meadow.port",
                "modules/hosts/oak/default.nix",
                "zigbee2mqtt = { meadow.port = @8081; };"
            ),
            (8081, "vars.zigbee2mqtt.port", "modules/hosts/ash/x.nix", "vars.zigbee2mqtt.port = @8081;"),
            (
                8080,
                "services.zigbee2mqtt.settings.frontend.port",
                "modules/features/zigbee2mqtt.nix",
                "services.zigbee2mqtt.settings.frontend.port = @8080;"
            ),
        ]),
        ["home.zigbee2mqtt=8081", "home.zigbee2mqttFrontend=8080", "home.zigbee2mqttMeadow=8081"]
    );
}

#[test]
fn a_number_may_be_a_bound_of_two_ranges() {
    let (first, last) =
        ("networking.firewall.allowedUDPPortRanges.from", "networking.firewall.allowedUDPPortRanges.to");
    let uses = [
        (30000, first, "hosts/a/net.nix", "[ { from = @30000; to = 30010; } # doom"),
        (30010, last, "hosts/a/net.nix", "[ { from = 30000; to = @30010; } # doom"),
        (30010, first, "hosts/a/net.nix", "[ { from = @30010; to = 30020; } # quake"),
        (30020, last, "hosts/a/net.nix", "[ { from = 30010; to = @30020; } # quake"),
        (30010, "services.quake.port", "hosts/a/quake.nix", "port = @30010;"),
    ];
    assert_eq!(
        proposals(&uses),
        [
            "services.netDoomFirst=30000",
            "services.netDoomLast=30010",
            "services.netQuakeLast=30020",
            "services.quake=30010"
        ]
    );
}

#[test]
fn a_range_has_no_name_without_evidence() {
    let uses = [
        (8123, "networking.firewall.allowedTCPPortRanges.from", "hosts/a/q.nix", "[ { from = @8123; to = 8124; } ]"),
        (8124, "networking.firewall.allowedTCPPortRanges.to", "hosts/a/q.nix", "[ { from = 8123; to = @8124; } ]"),
        (8124, "services.acme.port", "hosts/a/acme.nix", "port = @8124;"),
    ];
    assert_eq!(
        proposals(&uses),
        ["services.acme=8124", "unnamed.range8123TcpFirst=8123", "unnamed.range8123TcpLast=8124"]
    );
}

#[test]
fn only_the_port_of_a_game_begins_a_short_range() {
    let uses = [
        (9090, "networking.firewall.allowedTCPPortRanges.from", "hosts/a/net.nix", "[ { from = @9090; to = 9092; } ]"),
        (9092, "networking.firewall.allowedTCPPortRanges.to", "hosts/a/net.nix", "[ { from = 9090; to = @9092; } ]"),
        (9090, "services.prometheus.port", "hosts/a/metrics.nix", "port = @9090;"),
    ];
    assert_eq!(proposals(&uses), ["monitoring.prometheus=9090", "services.netFirst=9090", "services.netLast=9092"]);
}

#[test]
fn files_about_different_subjects_do_not_name_an_opened_port() {
    let open = "networking.firewall.allowedTCPPorts";
    let text = "allowedTCPPorts = [\n  @4321 # open port\n]";
    are_one(&[(4321, open, "modules/tv.nix", text), (4321, open, "modules/web.nix", text)], "unnamed.port4321Tcp=4321");
}

#[test]
fn modules_under_the_name_of_a_repository_are_read_like_services() {
    let host = "hosts/den/default.nix";
    assert_eq!(
        proposals(&[
            (18075, "acme.icecast.expose.tailscale.port", host, "port = @18075;"),
            (5006, "config.acme.actual.port", "fleet.nix", "port = @5006;"),
            (15006, "config.acme.actual.expose.tailscale.port", "fleet.nix", "port = @15006;"),
            (5900, "module.acme.remote-desktop.port", host, "port = @5900;"),
            (5900, "options.acme.remote-desktop.port.default", "modules/remote-desktop.nix", "default = @5900;"),
            (8084, "acme.llm.instances.fast.port", host, "port = @8084;"),
            (4000, "acme.llm.gateway.port", host, "port = @4000;"),
        ]),
        [
            "media.icecast=18075",
            "services.actual=5006",
            "services.actualTailscale=15006",
            "services.llm=4000",
            "services.llmFast=8084",
            "services.remoteDesktop=5900",
        ]
    );
}

#[test]
fn a_user_name_is_not_a_service_name() {
    assert_eq!(
        proposals(&[(
            6970,
            "home-manager.users.eva.xdg.configFile.vlc/vlcrc.text",
            "modules/desktop.nix",
            "rtp-client-port=@6970"
        )]),
        ["services.vlc=6970"]
    );
}

#[test]
fn programs_with_a_database_and_a_cache_are_not_namespaces() {
    let stacks = proposals(&[
        (5555, "shop.postgres.port", "a.nix", "port = @5555;"),
        (6666, "shop.redis.port", "a.nix", "port = @6666;"),
        (5556, "blog.postgres.port", "a.nix", "port = @5556;"),
        (6667, "blog.redis.port", "a.nix", "port = @6667;"),
    ]);
    assert!(stacks.contains(&"services.blogRedis=6667".to_owned()), "{stacks:?}");
    let program = proposals(&[
        (5002, "ledgerd.port", "web1.nix", "port = @5002;"),
        (6381, "ledgerd.redis.port", "web1.nix", "port = @6381;"),
        (5434, "ledgerd.postgres.port", "web1.nix", "port = @5434;"),
    ]);
    assert_eq!(program, ["services.ledgerd=5002", "services.ledgerdPostgres=5434", "services.ledgerdRedis=6381"]);
}
