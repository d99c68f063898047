//! Tests which uses of one number belong to the same service.

use super::*;

#[test]
fn services_that_share_a_number_stay_apart() {
    assert_eq!(
        proposals(&[
            (8222, "options.monitoringPort.default", "services/nats/default.nix", "default = @8222;"),
            (8222, "services.vaultwarden.config.ROCKET_PORT", "modules/vaultwarden.nix", "ROCKET_PORT = @8222;"),
        ]),
        ["messaging.natsMonitoring=8222", "services.vaultwarden=8222"]
    );
}

#[test]
fn a_proxy_is_not_the_service_it_forwards_to() {
    assert_eq!(
        proposals(&[
            (8443, "networking.nftables.ruleset", "firewall.nix", "tcp dport 443 dnat to 127.0.0.1:@8443"),
            (8443, "services.sniproxy.config", "sniproxy.nix", "listener 127.0.0.1:@8443 {"),
        ]),
        ["services.sniproxy=8443"]
    );
    assert_eq!(
        proposals(&[
            (4321, "services.matrix-hook.port", "bot.nix", "port = @4321;"),
            (
                4321,
                "services.prometheus.alertmanager.configuration.receivers.url",
                "alerts.nix",
                "\"http://localhost:@4321/\""
            ),
        ]),
        ["messaging.matrixHook=4321"]
    );
}

#[test]
fn a_use_belongs_to_the_entry_that_its_file_names() {
    let entry = |name: &str| vec!["services".to_owned(), name.to_owned()];
    let (incus, unifi) = (entry("incus"), entry("unifiWeb"));
    let port = |path| Missing { number: 8443, name: "ports", path, text: "", span: Span::default() };
    let entries: [&[String]; 2] = [&incus, &unifi];
    assert_eq!(belongs(&port("modules/unifi-controller/default.nix"), &entries), Some(1));
    assert_eq!(belongs(&port("modules/incus.nix"), &entries), Some(0));
    assert_eq!(belongs(&port("flake.nix"), &entries), None);
}

#[test]
fn clients_belong_to_the_listener_that_they_reach() {
    // A client of a machine, and the listener on that machine.
    assert_eq!(
        proposals(&[
            (4321, "services.scrutiny.port", "hosts/nas/scrutiny.nix", "port = @4321;"),
            (4321, "services.gatus.port", "hosts/web/gatus.nix", "port = @4321;"),
            (4321, "broken", "flake.nix", "endpoint != \"http://nas:@4321\""),
        ]),
        ["monitoring.gatus=4321", "services.scrutiny=4321"]
    );
    // The host of a proxy is another name of the service behind it.
    let proxy = "services.nginx.virtualHosts.search.example.org.locations./.proxyPass";
    assert_eq!(
        proposals(&[
            (4321, "services.searx.settings.server.port", "modules/search.nix", "port = @4321;"),
            (4321, proxy, "modules/search.nix", "proxyPass = \"http://127.0.0.1:@4321\";"),
        ]),
        ["services.searx=4321"]
    );
    // Different addresses are different services.
    assert_eq!(
        proposals(&[
            (4321, "services.nginx.appendHttpConfig", "nginx.nix", "chat.example.org http://127.0.0.1:@4321;"),
            (4321, "services.nginx.appendHttpConfig", "wiki.nix", "wiki.example.org http://192.168.1.6:@4321;"),
        ]),
        ["services.chat=4321", "services.wiki=4321"]
    );
}

#[test]
fn entries_are_found_by_the_names_of_their_services() {
    let proxy = "services.nginx.virtualHosts.x.locations./.proxyPass";
    let uses = [
        (8222, "services.nats.settings.http_port", "modules/nats.nix"),
        (8222, "services.vaultwarden.config.ROCKET_PORT", "modules/vaultwarden.nix"),
        (8222, proxy, "modules/vaultwarden.nix"),
        (8222, "networking.firewall.allowedTCPPorts", "hosts/a/firewall.nix"),
    ];
    let missing: Vec<Missing<'_>> = uses
        .iter()
        .map(|&(number, name, path)| Missing { number, name, path, text: "", span: Span::default() })
        .collect();
    let entry = |name: &str| vec!["services".to_owned(), name.to_owned()];
    let (nats, vaultwarden) = (entry("natsMonitoring"), entry("vaultwarden"));
    let found = assign(&missing, &Context::of(&missing), &[&nats, &vaultwarden]);
    assert_eq!(found, [Some(0), Some(1), Some(1), None]);
}

#[test]
fn clients_of_the_only_listener_belong_to_its_service() {
    let listener = (4321, "services.ledger.port", "modules/ledger.nix", "port = @4321;");
    for (name, path, text) in [
        ("services.chat-bridge.settings.homeserver.address", "modules/bridge.nix", "address = \"http://[::1]:@4321\";"),
        ("services.other.homeserver", "modules/bridge.nix", "homeserver = \"http://[::1]:@4321\";"),
        ("sites.books.proxyTo", "modules/sites.nix", "proxyTo = \"http://127.0.0.1:@4321\";"),
        ("networking.nat.forwardPorts.destination", "router/nat.nix", "destination = \"${ips.nas}:@4321\";"),
        ("networking.nat.forwardPorts.sourcePort", "router/nat.nix", "sourcePort = @4321;"),
        ("services.grafana.panels.matcher.options", "modules/panels.nix", "options = \"localhost:@4321\";"),
        ("config.Healthcheck.Test", "images/books.nix", "Test = [ \"nc\" \"localhost\" \"@4321\" ];"),
        (
            "services.nginx.virtualHosts.books.example.org.locations./.proxyPass",
            "modules/web.nix",
            "proxyPass = \"http://127.0.0.1:@4321\";",
        ),
        (
            "services.tool.settings.apiUrl",
            "modules/tool.nix",
            "apiUrl = \"http://${config.services.ledger.settings.address}:@4321\";",
        ),
        (
            "ExecStart --route",
            "modules/router.nix",
            "ExecStart = \"router --route=books.example.org=127.0.0.1:@4321,a\";",
        ),
    ] {
        are_one(&[listener, (4321, name, path, text)], "services.ledger=4321");
    }
    // A local client on another machine does not connect to this listener.
    let elsewhere = [
        (4321, "services.ledger.port", "hosts/oak/ledger.nix", "port = @4321;"),
        (
            4321,
            "services.nginx.virtualHosts.books.example.org.locations./.proxyPass",
            "hosts/elm/web.nix",
            "\"books.example.org\" = \"http://127.0.0.1:@4321\";",
        ),
    ];
    assert_eq!(proposals(&elsewhere), ["services.books=4321", "services.ledger=4321"]);
    // A client of one part of a service names only that part.
    let part = [
        (4321, "blobPort", "modules/store.nix", "blobPort = @4321;"),
        (4321, "blob.endpoint", "inventory/apps.nix", "endpoint = \"http://127.0.0.1:@4321\";"),
    ];
    assert_eq!(proposals(&part), ["services.storeBlob=4321"]);
}

#[test]
fn services_in_different_files_are_kept_apart_without_further_evidence() {
    let wiki = (8000, "port", "services/wiki.nix", "port = @8000;");
    let chat = (8000, "port", "services/chat.nix", "port = @8000;");
    assert_eq!(proposals(&[wiki, chat]), ["services.chat=8000", "services.wiki=8000"]);
    // A client that names neither service belongs to neither of them.
    let client = (8000, "url", "flake.nix", "url = \"http://127.0.0.1:@8000\";");
    assert_eq!(proposals(&[client, wiki, chat]), ["services.chat=8000", "services.wiki=8000"]);
    assert_eq!(proposals(&[client, wiki]), ["services.wiki=8000"]);
    // The `port` in `portainer` is not the word port.
    let container = (8000, "containers.portainer.ports", "services/portainer.nix", "\"@8000:8000\"");
    assert_eq!(proposals(&[container, chat]), ["infrastructure.portainerEdge=8000", "services.chat=8000"]);
}

#[test]
fn an_upstream_with_the_name_of_its_virtual_host_is_a_separate_service() {
    let uses = [
        (8000, "services.paperless.port", "paperless.nix", "port = @8000;"),
        (
            8000,
            "services.caddy.virtualHosts.paperless-web.example.org.extraConfig",
            "caddy.nix",
            "reverse_proxy http://paperless.home.internal:@8000",
        ),
        (
            8000,
            "services.caddy.virtualHosts.yamtrack.example.org.extraConfig",
            "caddy.nix",
            "reverse_proxy http://yamtrack.home.internal:@8000",
        ),
    ];
    assert_eq!(proposals(&uses), ["services.paperless=8000", "services.yamtrack=8000"]);
    assert_eq!(proposals(&uses[1..2]), ["services.paperless=8000"]);
}

#[test]
fn instances_of_a_service_with_the_same_number_stay_apart() {
    let server = |name: &str| format!("services.blocks-servers.servers.{name}.serverProperties.server-port");
    let (old, new, third) = (server("12a"), server("26t"), server("season-5"));
    let port = |name, text| (4321, name, "c.nix", text);
    assert_eq!(
        proposals(&[
            port(&*old, "server-port = @4321;"),
            port(&*new, "server-port = @4321;"),
            (4320, &third, "c.nix", "server-port = @4320;"),
        ]),
        ["services.blocks12a=4321", "services.blocks26t=4321", "services.blocksSeason5=4320"]
    );
    let chat = "services.model-server.instances.chat.port";
    assert_eq!(proposals(&[(4321, chat, "ai.nix", "port = @4321;")]), ["services.modelChat=4321"]);
}

#[test]
fn services_with_a_common_purpose_or_prefix_are_kept_apart() {
    let port = |name, path| (4321, name, path, "port = @4321;");
    for (one, other, expected) in [
        ("services.ledger-web.port", "services.forge-web.port", ["services.forgeWeb=4321", "services.ledgerWeb=4321"]),
        (
            "services.watch-forge.port",
            "services.forgejo.port",
            ["development.forgejo=4321", "services.watchForge=4321"],
        ),
    ] {
        assert_eq!(proposals(&[port(one, "a.nix"), port(other, "b.nix")]), expected);
    }
}

#[test]
fn parts_of_a_service_and_virtual_machines_have_their_own_names() {
    for (name, text, expected) in [
        ("acme.services.box.tunnel.endpointPort", "endpointPort = @4321;", "services.boxTunnelEndpoint"),
        ("media.torrents.peerPort", "peerPort = @4321;", "services.mediaTorrentsPeer"),
        ("my.ports.monitoring.node_exporter", "node_exporter = @4321;", "monitoring.nodeExporter"),
        (
            "flake.nixosConfigurations.trial.virtualisation.vmVariant.virtualisation.forwardPorts.host.port",
            "{ from = \"host\"; host.port = @4321; guest.port = 80; }",
            "services.trialVmHttp",
        ),
    ] {
        assert_eq!(proposals(&[(4321, name, "x.nix", text)]), [format!("{expected}=4321")], "{name}");
    }
}

#[test]
fn a_part_of_a_service_is_named_after_both() {
    for (name, path, text, expected) in [
        (
            "options.acme.services.resolver.cache.port.default",
            "options.nix",
            "default = @4321;",
            "services.resolverCache",
        ),
        ("services.voice.satellite.uri", "ai.nix", "uri = \"tcp://0.0.0.0:@4321\";", "services.voiceSatellite"),
        ("services.login.scheduler.listenHTTP", "a.nix", "listenHTTP = \"[::1]:@4321\";", "services.loginScheduler"),
        ("services.chat.bridge.http.web.port", "a.nix", "web.port = @4321;", "services.chatBridgeWeb"),
        ("services.c.wiki.ports", "a.nix", "ports = [ \"127.0.0.1:@4321:8000\" ];", "services.wiki"),
    ] {
        assert_eq!(proposals(&[(4321, name, path, text)]), [format!("{expected}=4321")], "{name}");
    }
}

#[test]
fn sets_of_constants_and_commands_are_not_services() {
    let uses = [(4321, "vars.port", "modules/feeds.nix", "vars = { version = \"1\"; port = @4321; };")];
    assert_eq!(proposals(&uses), ["services.feeds=4321"]);
    let text = "ExecStart = \"p2pool --stratum 0.0.0.0:3333 --p2p 0.0.0.0:@37889\";";
    let other = "ExecStart = \"p2pool --stratum 0.0.0.0:@3333 --p2p 0.0.0.0:37889\";";
    let name = "systemd.services.p2pool.serviceConfig.ExecStart";
    let uses = [(3333, name, "a.nix", other), (37889, name, "a.nix", text)];
    assert_eq!(proposals(&uses), ["services.p2pool=3333", "services.p2poolP2p=37889"]);
}

#[test]
fn a_value_takes_precedence_over_a_default() {
    let uses = [
        (4320, "services.model-swap.port", "modules/model-swap.nix", "port = lib.mkDefault @4320;"),
        (4321, "services.model-swap.port", "hosts/web1/models.nix", "port = @4321;"),
    ];
    assert_eq!(proposals(&uses), ["services.modelSwap=4321", "services.modelSwapDefault=4320"]);
}

#[test]
fn a_longer_name_is_another_service() {
    let uses = [
        (8080, "services.llama-swap.port", "swap.nix", "port = @8080;"),
        (8080, "options.c.openaiHost.default", "c.nix", "default = \"http://localhost:@8080\"; # Llama-cpp default"),
    ];
    assert_eq!(proposals(&uses), ["services.llamaCpp=8080", "services.llamaSwap=8080"]);
}

#[test]
fn a_port_of_several_interfaces_is_not_named_after_one() {
    let port = |name: &str| format!("networking.wireguard.interfaces.{name}.listenPort");
    let (first, second) = (port("wg1"), port("wg0"));
    let uses = [
        (4321, &*first, "hosts/a/vpn.nix", "listenPort = @4321;"),
        (4321, &*second, "hosts/b/vpn.nix", "listenPort = @4321;"),
        (4320, &*second, "hosts/c/vpn.nix", "listenPort = @4320;"),
    ];
    assert_eq!(proposals(&uses), ["infrastructure.wireguard=4321", "infrastructure.wireguardWg0=4320"]);
}

#[test]
fn interfaces_distinguish_ports_of_one_service() {
    let interface = |name: &str| format!("networking.wireguard.interfaces.{name}.listenPort");
    let names = ["wg0", "wg1", "wg2"].map(interface);
    let uses = [
        (4320, &*names[0], "a.nix", "listenPort = @4320;"),
        (4321, &*names[1], "a.nix", "listenPort = @4321;"),
        (4322, &*names[2], "a.nix", "listenPort = @4322;"),
    ];
    let expected =
        ["infrastructure.wireguard=4320", "infrastructure.wireguardWg1=4321", "infrastructure.wireguardWg2=4322"];
    assert_eq!(proposals(&uses), expected);
    let list = "networking.firewall.allowedTCPPorts";
    let path = "hosts/web1/networking.nix";
    let uses = [
        (4320, list, path, "[\n  @4320 # cast\n]"),
        (4321, list, path, "[\n  @4321 # cast\n]"),
        (4322, list, path, "[\n  @4322 # cast\n]"),
    ];
    let expected = ["services.cast=4320", "unnamed.castPort4321Tcp=4321", "unnamed.castPort4322Tcp=4322"];
    assert_eq!(proposals(&uses), expected);
}

#[test]
fn settings_belong_to_the_service_of_the_file() {
    for (name, path, text, expected) in [
        ("agentSettings.platforms.webhook.extra.port", "hermes.nix", "port = @4321;", "services.hermesAgentWebhook"),
        ("webhookPort", "hermes.nix", "webhookPort = @4321;", "services.hermesWebhook"),
        ("prometheusPort", "coredns.nix", "prometheusPort = @4321;", "infrastructure.corednsPrometheus"),
        ("haPort", "home-assistant.nix", "haPort = @4321;", "home.homeAssistant"),
        ("services.code-server.port", "x.nix", "port = @4321;", "services.codeServer"),
        ("environment.etc.pkg-cacher/pkc.conf.text Port", "pkg-cacher.nix", "Port: @4321", "services.pkgCacher"),
        ("webuiPort", "hosts/system/herald/default.nix", "webuiPort = @4321;", "services.heraldWebui"),
        ("port", "hosts/system/grafana/default.nix", "port = @4321;", "monitoring.grafana"),
    ] {
        assert_eq!(proposals(&[(4321, name, path, text)]), [format!("{expected}=4321")], "{name} in {path}");
    }
}

#[test]
fn a_bare_list_repeats_the_numbers_of_services() {
    let list = "networking.proxyBackendPorts";
    let admin = (5050, "services.pgadmin.port", "postgres.nix", "port = @5050;");
    assert_eq!(proposals(&[(5050, list, "postgres.nix", "[ @5050 ]"), admin]), ["databases.pgadmin=5050"]);
    let catalogue = (6789, "my.homelab.ports", "media.nix", "my.homelab.ports = [ @6789 ];");
    let host = "services.nginx.virtualHosts.films.example.org.locations./.proxyPass";
    let proxy = (6789, host, "media.nix", "proxyPass = \"http://127.0.0.1:@6789\";");
    assert_eq!(proposals(&[catalogue, proxy]), ["services.films=6789"]);
}

#[test]
fn an_entry_of_a_catalogue_repeats_the_number_of_a_service() {
    let entry = |name: &str| format!("my.endpoints.{name}.port");
    let entries = ["reels", "spool", "reels-cam"].map(entry);
    let uses = [
        (4321, &*entries[0], "spool.nix", "reels = { port = @4321; };"),
        (4321, "services.spool.port", "spool.nix", "port = @4321;"),
        (4321, &*entries[1], "spool.nix", "spool = { port = @4321; };"),
        (4322, &*entries[2], "spool.nix", "reels-cam = { port = @4322; };"),
    ];
    assert_eq!(proposals(&uses), ["services.reelsCam=4322", "services.spool=4321"]);
}

#[test]
fn a_set_of_services_is_not_a_catalogue_of_others() {
    let uses = [
        (8765, "myapps.wiki.port", "server.nix", "wiki = { port = @8765; };"),
        (8766, "myapps.chat.port", "server.nix", "chat = { port = @8766; };"),
        (8767, "myapps.films.port", "server.nix", "films = { port = @8767; };"),
        (8765, "services.gallery.port", "server.nix", "port = @8765;"),
    ];
    let expected = ["services.chat=8766", "services.films=8767", "services.gallery=8765", "services.wiki=8765"];
    assert_eq!(proposals(&uses), expected);
}

#[test]
fn an_option_named_after_its_file_is_not_the_port_of_a_part() {
    let uses = [
        (1337, "opts.worker.port.default", "gallery.nix", "default = @1337;"),
        (1337, "opts.port.default", "gallery.nix", "default = @1337;"),
    ];
    assert_eq!(proposals(&uses), ["services.gallery=1337", "services.worker=1337"]);
}

#[test]
fn names_may_have_letters_outside_ascii() {
    for name in ["ports.ééé", "ports.порт", "networking.日本語", "日本語.éports"] {
        let text = "ports = [ @4321 ];";
        assert_eq!(proposals(&[(4321, name, "x.nix", text)]).len(), 1, "{name}");
    }
}

#[test]
fn a_local_client_does_not_reach_the_inside_of_a_container() {
    let name = |container: &str| format!("virtualisation.oci-containers.containers.{container}.ports");
    let (dash, chat) = (name("dash"), name("chat"));
    let host = "services.caddy.virtualHosts.llm.example.org.extraConfig reverse_proxy";
    let uses = [
        (3000, &*dash, "dash.nix", "ports = [ \"3001:@3000\" ];"),
        (3000, &*chat, "chat.nix", "ports = [ \"@3000:8080\" ];"),
        (3000, host, "networking.nix", "reverse_proxy localhost:@3000"),
    ];
    assert_eq!(proposals(&uses), ["services.chat=3000", "services.dash=3000"]);
}

#[test]
fn a_rule_that_forwards_to_another_machine_does_not_name_the_port() {
    let name = "networking.nat.forwardPorts.sourcePort";
    let text = "{ sourcePort = @4321; destination = \"10.0.0.2:4321\"; }";
    assert_eq!(proposals(&[(4321, name, "vms/guests.nix", text)]), ["unnamed.guestsPort4321Tcp=4321"]);
}

#[test]
fn the_bounds_of_a_range_without_a_name_are_recognisable() {
    let text = "{ startPort = @4321; endPort = 4330; }";
    assert_eq!(
        proposals(&[(4321, "networking.rules.startPort", "default.nix", text)]),
        ["unnamed.port4321TcpFirst=4321"]
    );
}

#[test]
fn a_suffix_of_all_modules_is_not_part_of_a_service_name() {
    let option = |name: &str| format!("flake.modules.options.services.{name}-reef.port.default");
    let names = ["wiki", "reels", "films", "dash"].map(option);
    let uses = [
        (4321, &*names[0], "wiki/default.nix", "default = @4321;"),
        (4322, &*names[1], "reels/default.nix", "default = @4322;"),
        (4323, &*names[2], "films/default.nix", "default = @4323;"),
        (4324, &*names[3], "home.nix", "default = @4324;"),
    ];
    assert_eq!(
        proposals(&uses),
        ["services.dash=4324", "services.films=4323", "services.reels=4322", "services.wiki=4321"]
    );
    // `lab-reef` is a container and not one of these modules.
    let container = |name: &str| format!("virtualisation.oci-containers.containers.{name}.ports");
    let (lab, other) = (container("lab"), container("lab-reef"));
    let lab = (3999, &*lab, "boxes.nix", "ports = [ \"@3999:3999\" ];");
    let other = (4000, &*other, "boxes.nix", "ports = [ \"@4000:4000\" ];");
    let found = proposals(&[uses[0], uses[1], uses[2], lab, other]);
    assert!(found.contains(&"services.lab=3999".to_owned()), "{found:?}");
    assert!(found.contains(&"services.labReef=4000".to_owned()), "{found:?}");
}

#[test]
fn the_bounds_of_a_range_are_not_one_port_of_the_service() {
    let text = "{ from = @29811; to = 29817; }";
    let name = "networking.firewall.allowedTCPPortRanges.from";
    assert_eq!(proposals(&[(29811, name, "omada.nix", text)]), ["infrastructure.omadaFirst=29811"]);
}

#[test]
fn common_words_in_the_names_of_services_are_kept() {
    for (name, expected) in [
        ("services.server-self-hosted.port", "serverSelfHosted"),
        ("services.tide-ping.port", "tidePing"),
        ("services.ping.port", "ping"),
        ("services.tik-tik.port", "tikTik"),
    ] {
        assert_eq!(proposals(&[(4321, name, "a.nix", "port = @4321;")]), [format!("services.{expected}=4321")]);
    }
}

#[test]
fn a_scrape_job_does_not_name_the_option_of_another_service() {
    let job = "{ job_name = \"traefik\"; static_configs = [ { targets = [ \"localhost:@8080\" ]; } ]; }";
    assert_eq!(
        proposals(&[
            (8080, "monitoring.extraScrapeConfigs.static_configs.targets", "monitoring.nix", job),
            (8080, "services.glance.settings.server.port", "glance.nix", "port = @8080;"),
        ]),
        ["infrastructure.traefikDashboard=8080", "services.glance=8080"]
    );
}

#[test]
fn an_ssh_server_may_use_the_same_port_during_boot() {
    let initrd = (2222, "boot.initrd.network.ssh.port", "a.nix", "port = @2222;");
    let server = (2222, "services.openssh.ports", "a.nix", "ports = [ @2222 ];");
    assert_eq!(proposals(&[initrd, server]), ["infrastructure.ssh=2222"]);
    // The servers are on two machines.
    let initrd = (2222, "boot.initrd.network.ssh.port", "hosts/a/default.nix", "port = @2222;");
    let server = (2222, "services.openssh.ports", "hosts/b/default.nix", "ports = [ @2222 ];");
    let usual = (22, "services.openssh.ports", "x.nix", "ports = [ @22 ];");
    assert_eq!(proposals(&[initrd, server, usual]), ["infrastructure.ssh=22", "infrastructure.sshInitrd=2222"]);
}

#[test]
fn a_port_that_the_files_of_other_services_open_stays_with_its_service() {
    let open = "networking.firewall.allowedTCPPorts";
    let opens = |path| (4321, open, path, "{ allowedTCPPorts = [ @4321 ]; services.tailscale.enable = true; }");
    let uses = [
        (4321, "services.wikijs.settings.port", "wiki.nix", "settings.port = @4321;"),
        opens("nginx.nix"),
        opens("tailscale.nix"),
        opens("docker.nix"),
    ];
    assert_eq!(proposals(&uses), ["services.wikijs=4321"]);
}

#[test]
fn a_listening_service_has_the_better_claim_to_a_name_than_a_container_with_its_usual_port() {
    let uses = [
        (5432, "services.shop-db.ports", "compose.yml", "image: postgres\nports:\n  - \"@5432:5432\""),
        (5433, "services.postgresql.settings.port", "db.nix", "settings.port = @5433;"),
    ];
    assert_eq!(proposals(&uses), ["databases.postgresql=5433", "databases.shopDb=5432"]);
}

#[test]
fn a_configured_port_takes_the_service_name_from_the_usual_port() {
    let uses = [
        (4002, "services.nfs.server.mountdPort", "nas.nix", "mountdPort = @4002;"),
        (20048, "networking.firewall.allowedTCPPorts", "nas.nix", "allowedTCPPorts = [ @20048 ];"),
    ];
    assert_eq!(proposals(&uses), ["infrastructure.nfsMountd=4002", "infrastructure.nfsMountdDefault=20048"]);
}

#[test]
fn the_label_of_an_alloy_component_names_the_service_that_it_scrapes() {
    let scrape = "prometheus.scrape \"bind\" {\n  targets = [{\"__address__\" = \"localhost:@9119\"}]";
    assert_eq!(
        proposals(&[(9119, "environment.etc.alloy/conf.d/02-bind.alloy.text", "bind/default.nix", scrape)]),
        ["monitoring.bindExporter=9119"]
    );
    let scrape = "prometheus.scrape \"social\" {\n  targets = [{\"__address__\" = \"localhost:@9464\"}]";
    let container = "virtualisation.oci-containers.containers.social.ports";
    assert_eq!(
        proposals(&[
            (8080, "services.social.port", "social.nix", "port = @8080;"),
            (9464, container, "social.nix", "ports = [ \"@9464:9464\" ];"),
            (9464, "environment.etc.alloy/conf.d/social.alloy.text", "social.nix", scrape),
        ]),
        ["services.social=8080", "services.socialMetrics=9464"]
    );
}

#[test]
fn a_proxy_on_another_machine_is_not_the_service_that_uses_it() {
    let proxy = "{ type = 2; hostname = \"10.64.0.1\"; port = @1080; }";
    assert_eq!(
        proposals(&[
            (1080, "services.deluge.config.proxy.port", "hosts/den/configuration.nix", proxy),
            (
                64422,
                "networking.firewall.allowedTCPPorts",
                "hosts/den/configuration.nix",
                "[\n  @64422 # deluge\n  22\n]"
            ),
        ]),
        ["infrastructure.socks=1080", "media.deluge=64422"]
    );
}

#[test]
fn a_container_may_have_an_ssh_port_in_addition_to_the_port_of_its_service() {
    let ports = "virtualisation.my-nspawn.containers.minecraft.ports";
    assert_eq!(
        proposals(&[
            (222, ports, "hosts/den/configuration.nix", "{ ports = [ \"@222:22\" \"59627:25565\" ]; }"),
            (59627, ports, "hosts/den/configuration.nix", "{ ports = [ \"222:22\" \"@59627:25565\" ]; }"),
        ]),
        ["games.minecraft=59627", "games.minecraftSsh=222"]
    );
}
