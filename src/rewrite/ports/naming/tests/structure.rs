//! Structural words do not name a service, and other evidence distinguishes the ports of one service.

use super::*;

#[test]
fn structure_around_a_computed_name_is_not_the_name() {
    for (name, path, text, expected) in [
        ("config.acme.containers.containers.?.raw.ports", "modules/wiki.nix", "[ \"@4321:4321\" ]", "services.wiki"),
        ("acme.apps.?.traefik.container.port", "modules/wiki.nix", "port = @4321;", "services.wiki"),
        ("job.?.group.?.task.?.templates.data listen", "jobs/wiki.nix", "listen: :@4321", "services.wiki"),
        ("write_files.content port", "cloud-init/wiki.yaml", "port: @4321", "services.wiki"),
        ("defaultPorts.wiki", "lib/derive-ports.nix", "wiki = @4321;", "services.wiki"),
        ("endpoints.media.port", "services/wiki/manifest.nix", "port = @4321;", "services.wiki"),
        ("virtualisation.oci-containers.containers.wiki-wiki.ports", "x.nix", "[ \"@4321:4321\" ]", "services.wiki"),
        (
            "virtualisation.oci-containers.containers.photobox.environment.PHOTO_BOX_API_PORT",
            "x.nix",
            "PHOTO_BOX_API_PORT = \"@4321\";",
            "services.photoboxApi",
        ),
    ] {
        assert_eq!(proposals(&[(4321, name, path, text)]), [format!("{expected}=4321")], "{name}");
    }
}

#[test]
fn the_sidecar_of_a_job_is_named_after_its_upstream() {
    let name = "job.panel.group.panel.service.panel.connect.sidecarService.proxy.upstreams.localBindPort";
    let text = "[ { destinationName = \"wiki-http\"; localBindPort = @8002; } ]";
    assert_eq!(proposals(&[(8002, name, "jobs/panel.nix", text)]), ["services.wikiUpstream=8002"]);
}

#[test]
fn ssh_forwards_ports_for_other_services() {
    for (option, expected) in [
        ("dynamicForwards.port", "infrastructure.sshSocks"),
        ("localForwards.bind.port", "infrastructure.sshForward"),
        ("remoteForwards.bind.port", "infrastructure.sshForward"),
    ] {
        let name = format!("programs.ssh.matchBlocks.eva.{option}");
        assert_eq!(
            proposals(&[(4321, &name, "home/ssh.nix", "port = @4321;")]),
            [format!("{expected}=4321")],
            "{name}"
        );
    }
}

#[test]
fn a_string_argument_before_a_set_names_the_port_in_the_set() {
    let uses = [
        (3002, "services.nginx.port", "web.nix", "(block \"wiki\" { port = @3002; })"),
        (3003, "services.nginx.port", "web.nix", "(block \"chat\" { port = @3003; })"),
    ];
    assert_eq!(proposals(&uses), ["services.chat=3003", "services.wiki=3002"]);
}

#[test]
fn a_number_in_a_text_belongs_to_the_listener_in_the_same_file() {
    let uses = [
        (8555, "virtualisation.oci-containers.containers.streamer.ports", "cameras.nix", "[ \"@8555:8555\" ]"),
        (8555, "environment.etc.?.text", "cameras.nix", "- 192.168.1.2:@8555"),
    ];
    assert_eq!(proposals(&uses), ["services.streamer=8555"]);
}

#[test]
fn services_whose_names_begin_alike_are_distinguished() {
    let uses = [
        (4001, "services.gallery.port", "a.nix", "port = @4001;"),
        (4000, "services.gallery-public-proxy.port", "b.nix", "port = @4000;"),
    ];
    assert_eq!(proposals(&uses), ["services.gallery=4001", "services.galleryPublicProxy=4000"]);
    let uses = [
        (9736, "services.lightning-1.ports", "compose.yml", "- @9736:9736"),
        (9737, "services.lightning-2.ports", "compose.yml", "- @9737:9737"),
    ];
    assert_eq!(proposals(&uses), ["development.lightning2=9737", "development.lightning=9736"]);
}

#[test]
fn the_variable_of_a_mapping_gives_its_purpose() {
    let name = "services.inbox.ports";
    let uses = [
        (8389, name, "compose.yml", "- \"${HOST_HTTP_PORT:-@8389}:9000/tcp\""),
        (9000, name, "compose.yml", "- \"${HOST_HTTP_PORT:-8389}:@9000/tcp\""),
        (2526, name, "compose.yml", "- \"${HOST_SMTP_PORT:-@2526}:2500/tcp\""),
        (2500, name, "compose.yml", "- \"${HOST_SMTP_PORT:-2526}:@2500/tcp\""),
    ];
    assert_eq!(
        proposals(&uses),
        [
            "development.inbox=2526",
            "development.inboxContainer=2500",
            "development.inboxHttp=8389",
            "development.inboxHttpContainer=9000"
        ]
    );
}

#[test]
fn the_machine_distinguishes_the_numbers_of_one_service() {
    let uses = [
        (7001, "services.vpn.port", "hosts/eva/configuration.nix", "port = @7001;"),
        (7002, "services.vpn.port", "hosts/adam/configuration.nix", "port = @7002;"),
        (7003, "services.vpn.port", "hosts/noah/configuration.nix", "port = @7003;"),
    ];
    assert_eq!(
        proposals(&uses),
        ["infrastructure.vpn=7001", "infrastructure.vpnAdam=7002", "infrastructure.vpnNoah=7003"]
    );
}

#[test]
fn a_virtual_machine_has_the_name_of_its_folder() {
    let forward = "virtualisation.forwardPorts.host.port";
    for (path, expected) in [
        ("boxes/seedbox/networking.nix", "seedboxVm"),
        ("hosts/test.nix", "testVm"),
        ("modules/network.nix", "vm"),
        ("microvm.nix", "microvm"),
    ] {
        let text = "{ from = \"host\"; host.port = @4321; guest.port = 4321; }";
        assert_eq!(proposals(&[(4321, forward, path, text)]), [format!("services.{expected}=4321")], "{path}");
    }
}

#[test]
fn the_comment_above_a_forwarded_port_names_it() {
    let uses = [
        (
            9117,
            "virtualisation.forwardPorts.host.port",
            "boxes/seedbox/networking.nix",
            "# Jackett\n{ from = \"host\"; host.port = @9117; guest.port = 9117; }",
        ),
        (
            9117,
            "virtualisation.forwardPorts.guest.port",
            "boxes/seedbox/networking.nix",
            "# Jackett\n{ from = \"host\"; host.port = 9117; guest.port = @9117; }",
        ),
    ];
    assert_eq!(proposals(&uses), ["media.jackett=9117"]);
}

#[test]
fn the_comment_of_a_rule_names_the_port() {
    let text = "ip6 saddr 2001:db8::/48 tcp dport @4324 accept comment \"bird-exporter\"";
    let name = "networking.firewall.extraInputRules dport";
    assert_eq!(proposals(&[(4324, name, "routing/input.nix", text)]), ["monitoring.birdExporter=4324"]);
}

#[test]
fn general_words_do_not_match_rows_of_the_table() {
    let bind = "services.dashboard.port";
    let text = "--host ${cfg.bindAddress} --port @9119";
    assert_eq!(proposals(&[(9119, bind, "x.nix", text)]), ["services.dashboard=9119"]);
    let compose = "services.shop.ports";
    assert_eq!(proposals(&[(5000, compose, "docker-compose.yml", "- @5000:5000")]), ["development.shop=5000"]);
}

#[test]
fn firewall_rules_show_the_protocol_of_a_port() {
    for (rule, protocol) in [
        ("udp dport { @4321 } accept", "Udp"),
        ("udp dport { 4000, @4321 } accept", "Udp"),
        ("tcp dport { @4321 } accept", "Tcp"),
    ] {
        let uses = [(4321, "networking.nftables.ruleset dport", "firewall.nix", rule)];
        assert_eq!(proposals(&uses), [format!("unnamed.port4321{protocol}=4321")], "{rule}");
    }
}

#[test]
fn the_bounds_of_a_range_in_a_firewall_rule_have_different_names() {
    let name = "firewall.rules.inet.filter.input.relay dport";
    assert_eq!(
        proposals(&[
            (4321, name, "relay.nix", "udp dport @4321-4330 accept"),
            (4330, name, "relay.nix", "udp dport 4321-@4330 accept"),
        ]),
        ["services.relayFirst=4321", "services.relayLast=4330"]
    );
}

#[test]
fn a_generic_first_word_is_kept_if_the_file_configures_that_service() {
    let configures = "let port = @8083; in { services.open-webui = { inherit port; }; }";
    assert_eq!(proposals(&[(8083, "port", "open-webui/default.nix", configures)]), ["services.openWebui=8083"]);
    let other = "let port = @8083; in { services.webui = { inherit port; }; }";
    assert_eq!(proposals(&[(8083, "port", "open-webui/default.nix", other)]), ["services.webui=8083"]);
}

#[test]
fn the_set_of_entry_points_of_a_proxy_is_not_a_service() {
    let text = "entryPoints:\n  metrics:\n    address: \":@8082\"\n";
    let uses = [(8082, "entryPoints.metrics.address", "compose/traefik/traefik.yml", text)];
    assert_eq!(proposals(&uses), ["monitoring.traefikMetrics=8082"]);
}

#[test]
fn sets_of_defaults_and_frameworks_do_not_name_a_port() {
    for (number, name, path, expected) in [
        (3260, "default_portal.port", "iscsi-target.nix", "infrastructure.iscsi"),
        (4321, "nixarr.wiki.port", "media.nix", "services.wiki"),
        (4321, "nas.services.nix-serve.port", "homelab.nix", "services.nixServe"),
        (4321, "serviceSpecs.wiki.defaultPort", "services.nix", "services.wiki"),
        (4321, "services.openapi-specs.port", "a.nix", "services.openapiSpecs"),
        (4321, "services.specs.port", "a.nix", "services.specs"),
        (4321, "defaultGateway.dashboard.port", "a.nix", "services.defaultGateway"),
        (4321, "services.pipewire.port", "pipewire/effects.nix", "services.pipewire"),
    ] {
        let text = format!("port = @{number};");
        assert_eq!(proposals(&[(number, name, path, &text)]), [format!("{expected}={number}")], "{name}");
    }
}

#[test]
fn a_range_in_a_firewall_rule_is_the_range_of_the_service() {
    let rule = "networking.nftables.tables.nat-relay.content dport";
    let options = "networking.firewall.allowedUDPPortRanges";
    let (from, to) = (format!("{options}.from"), format!("{options}.to"));
    let uses = [
        (10000, rule, "nat.nix", "udp dport @10000-20000 dnat to 10.0.0.2 comment \"voice relay\""),
        (20000, rule, "nat.nix", "udp dport 10000-@20000 dnat to 10.0.0.2 comment \"voice relay\""),
        (10000, &from, "relay.nix", "{\n  # Voice\n  from = @10000;\n  to = 20000;\n}"),
        (20000, &to, "relay.nix", "{\n  # Voice\n  from = 10000;\n  to = @20000;\n}"),
    ];
    assert_eq!(proposals(&uses), ["services.voiceRelayFirst=10000", "services.voiceRelayLast=20000"]);
}

#[test]
fn a_list_of_forwarded_ports_does_not_name_them() {
    let text = "forwardedPorts = [\n  # sharing\n  @15577\n];";
    let uses = [
        (15577, "devices.eva.forwardedPorts", "modules/devices.nix", text),
        (15577, "services.seeder.ports", "seeder/compose.yml", "- @15577:15577/udp"),
        (15577, "networking.firewall.allowedUDPPorts", "seeder.nix", "[\n  # seeder\n  @15577\n]"),
    ];
    assert_eq!(proposals(&uses), ["development.seeder=15577"]);
}

#[test]
fn a_range_in_a_rule_and_the_same_range_in_an_option_are_one() {
    let options = "networking.firewall.allowedUDPPortRanges";
    let (from, to) = (format!("{options}.from"), format!("{options}.to"));
    let nftables = "networking.nftables.ruleset dport";
    for (rule, first, last) in [
        (nftables, "udp dport {@10000-20000} accept", "udp dport {10000-@20000} accept"),
        (nftables, "udp dport { 53,@10000-20000 } accept", "udp dport { 53,10000-@20000 } accept"),
        ("networking.firewall.extraCommands --dport", "-p udp --dport @10000:20000", "-p udp --dport 10000:@20000"),
    ] {
        let uses = [
            (10000, rule, "nat.nix", first),
            (20000, rule, "nat.nix", last),
            (10000, &from, "voice.nix", "{ from = @10000; to = 20000; }"),
            (20000, &to, "voice.nix", "{ from = 10000; to = @20000; }"),
        ];
        assert_eq!(proposals(&uses), ["services.voiceFirst=10000", "services.voiceLast=20000"], "{first}");
    }
    // The range belongs to a service.
    let (min, max) = ("services.coturn.min-port", "services.coturn.max-port");
    let uses = [
        (49152, nftables, "nat.nix", "udp dport @49152-49999 accept"),
        (49999, nftables, "nat.nix", "udp dport 49152-@49999 accept"),
        (49152, min, "turn.nix", "{ min-port = @49152; max-port = 49999; }"),
        (49999, max, "turn.nix", "{ min-port = 49152; max-port = @49999; }"),
        (49152, &from, "turn.nix", "{ from = @49152; to = 49999; }"),
        (49999, &to, "turn.nix", "{ from = 49152; to = @49999; }"),
    ];
    assert_eq!(proposals(&uses), ["infrastructure.coturnFirst=49152", "infrastructure.coturnLast=49999"]);
}

#[test]
fn both_bounds_of_a_range_are_found_next_to_a_comment() {
    let options = "networking.firewall.allowedUDPPortRanges";
    let (from, to) = (format!("{options}.from"), format!("{options}.to"));
    let ends = |text: &str| (text.replace("20000", "@20000"), text.replace("10000", "@10000"));
    let plain = "{ from = 10000; to = 20000; }";
    let (to_of_plain, from_of_plain) = ends(plain);
    let expected = proposals(&[(10000, &from, "b.nix", &from_of_plain), (20000, &to, "b.nix", &to_of_plain)]);
    for text in [
        "{ /* voice */ from = 10000; to = 20000; }",
        "{ # voice = chat; relay\n from = 10000; to = 20000; }",
        "{ from = 10000 /* voice */; to = 20000; }",
    ] {
        let (to_of_text, from_of_text) = ends(text);
        let uses = [(10000, &*from, "b.nix", &*from_of_text), (20000, &*to, "b.nix", &*to_of_text)];
        assert_eq!(proposals(&uses).len(), expected.len(), "{text}");
        let is_range = |name: &String| name.contains("First") || name.contains("Last");
        assert!(proposals(&uses).iter().all(is_range), "{text}: {:?}", proposals(&uses));
    }
}

#[test]
fn a_list_of_open_ports_in_the_set_of_a_service_belongs_to_the_service() {
    let uses = [
        (4321, "homelab.films.openPorts", "modules/apps.nix", "openPorts = [ @4321 ];"),
        (4323, "homelab.chat.openPorts.http", "modules/apps.nix", "openPorts = { http = @4323; };"),
    ];
    assert_eq!(proposals(&uses), ["services.chat=4323", "services.films=4321"]);
    // The part of a long name that is read may contain no words.
    let name = format!("x.{}Ports", "é".repeat(70));
    assert_eq!(proposals(&[(4322, &name, "a.nix", "[ @4322 ]")]).len(), 1);
}

#[test]
fn a_range_in_a_rule_may_begin_with_the_port_of_a_service() {
    let rule = "networking.nftables.ruleset dport";
    let uses = [
        (4321, "services.wiki.port", "wiki.nix", "port = @4321;"),
        (4321, rule, "firewall.nix", "udp dport { @4321-4322 } accept"),
        (4322, rule, "firewall.nix", "udp dport { 4321-@4322 } accept"),
    ];
    assert_eq!(proposals(&uses), ["services.wiki=4321", "unnamed.port4322UdpLast=4322"]);
}

#[test]
fn a_comment_that_explains_another_number_does_not_name_the_port() {
    let name = "lab.containers.wiki.hostPort";
    for (comment, expected) in [
        ("8081 is taken by the container", "services.wikiHost=8082"),
        ("loopback publish (3000 = dashboard)", "services.wikiHost=8082"),
        ("loopback publish", "services.wikiLoopbackPublish=8082"),
        ("grafana since 2024", "services.wikiGrafana=8082"),
        ("grafana, was 3000", "services.wikiGrafana=8082"),
        ("grafana (8081 in the container)", "services.wikiGrafana=8082"),
    ] {
        let text = format!("hostPort = @8082; # {comment}");
        let inner = (4000, "lab.containers.wiki.port", "wiki.nix", "port = @4000;");
        let found = proposals(&[inner, (8082, name, "wiki.nix", &text)]);
        assert!(found.contains(&expected.to_owned()), "{comment}: {found:?}");
    }
}
