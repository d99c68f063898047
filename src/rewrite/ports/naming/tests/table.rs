//! Evidence from the table of well-known ports.

use super::*;

#[test]
fn well_known_numbers_overrule_weak_evidence() {
    for (number, name, path, text, expected) in [
        (22, "networking.firewall.allowedTCPPorts", "hosts/a/configuration.nix", "[ @22 ]", "infrastructure.ssh"),
        (
            443,
            "services.zitadel.settings.ExternalPort",
            "modules/zitadel.nix",
            "ExternalPort = @443;",
            "infrastructure.https",
        ),
        (
            9100,
            "services.prometheus.scrapeConfigs.static_configs.targets",
            "modules/grafana.nix",
            "\"a:@9100\"",
            "monitoring.nodeExporter",
        ),
        (9090, "services.thelounge.port", "modules/thelounge.nix", "port = @9090;", "messaging.thelounge"),
        (23, "fileSystems.options sftp_port", "modules/box.nix", "\"sftp_port=@23\"", "services.boxSftp"),
        (
            4317,
            "receivers.otlp.protocols.grpc.endpoint",
            "modules/otel.nix",
            "endpoint = \"0.0.0.0:@4317\";",
            "otel.grpc",
        ),
    ] {
        assert_eq!(proposals(&[(number, name, path, text)]), [format!("{expected}={number}")], "{name} in {path}");
    }
}

#[test]
fn evidence_next_to_a_number_takes_precedence_over_its_usual_meaning() {
    for (number, name, text, expected) in [
        (
            5678,
            "networking.firewall.allowedUDPPorts",
            "[\n  @5678 # Router discovery\n]",
            "services.routerDiscovery=5678",
        ),
        (8333, "environment.PICTURES_URL", "PICTURES_URL = \"http://127.0.0.1:@8333\";", "services.pictures=8333"),
        (1194, "containers.classroom.ports", "\"@1194:1194\"", "services.classroom=1194"),
        (3389, "services.directory.port", "port = @3389;", "services.directory=3389"),
        (4500, "services.wireguard.clients.port", "port = @4500;", "infrastructure.wireguard=4500"),
        // The comment describes the usual service, or only the kind of port.
        (20048, "networking.firewall.allowedTCPPorts", "[\n  @20048 # mountd\n]", "infrastructure.nfsMountd=20048"),
        (8086, "networking.firewall.allowedTCPPorts", "[\n  @8086 # API\n]", "databases.influxdb=8086"),
    ] {
        assert_eq!(proposals(&[(number, name, "x.nix", text)]), [expected], "{name} {text}");
    }
}

#[test]
fn the_name_of_a_virtual_host_outweighs_a_row_that_does_not_fit() {
    let host = |label: &str| format!("services.nginx.virtualHosts.{label}.example.org.locations./.proxyPass");
    for (number, label, expected) in [
        // A known service, but not promtail.
        (9080, "sabnzbd", "media.sabnzbd"),
        // Neither RDP nor an exporter is behind a virtual host.
        (3389, "reed", "services.reed"),
        (9119, "tube", "services.tube"),
        // The host is another name of the usual service.
        (8096, "films", "media.jellyfin"),
    ] {
        let text = format!("proxyPass = \"http://127.0.0.1:@{number}\";");
        assert_eq!(proposals(&[(number, &host(label), "web.nix", &text)]), [format!("{expected}={number}")], "{label}");
    }
}

#[test]
fn a_firewall_in_the_file_of_a_service_does_not_open_an_exporter() {
    let opened = "networking.firewall.allowedTCPPorts";
    let own = "services.hermes-agent.enable = true; networking.firewall.allowedTCPPorts = [ @9119 ];";
    assert_eq!(proposals(&[(9119, opened, "hermes.nix", own)]), ["services.hermes=9119"]);
    let other = "networking.firewall.allowedTCPPorts = [ @9119 ];";
    assert_eq!(proposals(&[(9119, opened, "hermes.nix", other)]), ["monitoring.bindExporter=9119"]);
}

#[test]
fn the_scheme_of_a_url_outweighs_the_usual_meaning() {
    let url = "services.stalwart.settings.directory.authentik.url";
    assert_eq!(
        proposals(&[(3389, url, "mail.nix", "url = \"ldap://127.0.0.1:@3389\";")]),
        ["infrastructure.authentikLdap=3389"]
    );
}

#[test]
fn a_traefik_label_names_the_service_behind_it() {
    let label = |service: &str| {
        let path = format!("traefik.http.services.{service}.loadbalancer.server.port");
        (
            format!("virtualisation.oci-containers.containers.{service}.labels.{path}"),
            format!("\"{path}\" = \"@8080\";"),
        )
    };
    for (service, expected) in [("soulsync", "services.soulsync"), ("traefik", "infrastructure.traefikDashboard")] {
        let (name, text) = label(service);
        assert_eq!(proposals(&[(8080, &name, "x.nix", &text)]), [format!("{expected}=8080")], "{service}");
    }
    let path = "traefik.tcp.services.forgejoSSH.loadbalancer.server.port";
    let name = format!("virtualisation.oci-containers.containers.forgejo.labels.{path}");
    let text = format!("\"{path}\" = \"@2222\";");
    assert_eq!(proposals(&[(2222, &name, "forgejo.nix", &text)]), ["development.forgejoSsh=2222"]);
}

#[test]
fn a_well_known_service_keeps_its_name_on_the_number_of_another() {
    let listen = "services.knot.settings.server.listen";
    assert_eq!(
        proposals(&[(5353, listen, "x.nix", "listen = [ \"203.0.113.4@@5353\" ];".replacen('@', "%", 1).as_str())]),
        ["infrastructure.knot=5353"]
    );
    assert_eq!(proposals(&[(53, listen, "x.nix", "listen = [ \"%@53\" ];")]), ["infrastructure.dns=53"]);
    assert_eq!(proposals(&[(61208, "apps.url", "x.nix", "http://10.0.0.4:@61208")]), ["monitoring.glances=61208"]);
}

#[test]
fn a_virtual_host_outweighs_a_protocol_that_is_not_http() {
    let name = "services.nginx.virtualHosts.blocklist.example.org.locations./.proxyPass";
    let uses = [(5353, name, "nginx.nix", "proxyPass = \"http://127.0.0.1:@5353\";")];
    assert_eq!(proposals(&uses), ["services.blocklist=5353"]);
}

#[test]
fn the_port_of_a_server_is_not_that_of_one_of_its_parts() {
    let name = |option: &str| format!("services.minecraft-servers.instances.sky.serverConfig.{option}");
    let (server, rcon) = (name("server-port"), name("rcon-port"));
    assert_eq!(proposals(&[(25575, &server, "mc.nix", "server-port = @25575;")]), ["games.minecraftSky=25575"]);
    assert_eq!(proposals(&[(25575, &rcon, "mc.nix", "rcon-port = @25575;")]), ["games.minecraftSkyRcon=25575"]);
}

#[test]
fn the_text_next_to_a_number_outweighs_its_usual_meaning() {
    let opened = "networking.firewall.allowedTCPPorts";
    assert_eq!(
        proposals(&[(5671, opened, "services/queue.nix", "[\n  @5671 # TLS\n  80\n]")]),
        ["messaging.amqps=5671"]
    );
    let entry = |name: &'static str| (8080, name, "services/traefik.nix", "address = \":@8080\";");
    assert_eq!(
        proposals(&[entry("services.traefik.staticConfigOptions.entryPoints.outside.address")]),
        ["infrastructure.traefikOutside=8080"]
    );
    // The file configures a service that usually has the number.
    assert_eq!(
        proposals(&[(6789, opened, "services/nzb.nix", "allowedTCPPorts = [ @6789 ]; services.nzbget.enable = true;")]),
        ["media.nzbget=6789"]
    );
    let text = "[\n  @8080 # this should be blocked out when not in use\n  81\n]";
    assert_eq!(proposals(&[(8080, opened, "hosts/den/configuration.nix", text)]), ["unnamed.port8080Tcp=8080"]);
}

#[test]
fn the_address_of_a_services_own_server_outweighs_the_usual_meaning_of_its_number() {
    let text = "settings.server.address = \"tcp://127.0.0.1:@9092\";";
    let name = |service: &str| format!("services.{service}.instances.main.settings.server.address");
    assert_eq!(proposals(&[(9092, &name("authelia"), "auth.nix", text)]), ["infrastructure.authelia=9092"]);
    assert_eq!(proposals(&[(9092, &name("wiki"), "wiki.nix", text)]), ["services.wiki=9092"]);
    // An agent connects to a server.
    assert_eq!(proposals(&[(9092, &name("wiki-agent"), "wiki.nix", text)]), ["messaging.kafka=9092"]);
}

#[test]
fn a_well_known_range_names_its_bounds() {
    let uses = |first: u32, last: u32| {
        let bounds = [
            (first, "networking.firewall.allowedUDPPortRanges.from", format!("{{ from = @{first}; to = {last}; }}")),
            (last, "networking.firewall.allowedUDPPortRanges.to", format!("{{ from = {first}; to = @{last}; }}")),
        ];
        let uses = bounds.each_ref().map(|(number, name, text)| (*number, *name, "hosts/pc/games.nix", &**text));
        proposals(&uses)
    };
    assert_eq!(uses(27031, 27036), ["games.steamRemotePlayFirst=27031", "games.steamRemotePlayLast=27036"]);
    assert_eq!(uses(47984, 48010), ["games.sunshineFirst=47984", "games.sunshineLast=48010"]);
    // Only the whole range is well known.
    assert_eq!(uses(27031, 27500), ["unnamed.range27031UdpFirst=27031", "unnamed.range27031UdpLast=27500"]);
}

#[test]
fn the_default_number_of_the_files_service_outweighs_the_name_of_a_route() {
    for (number, name, path, expected) in [
        (7878, "ingress.films.port", "modules/radarr.nix", "media.radarr"),
        (8123, "ingress.house.port", "hosts/pi/home-assistant.nix", "home.homeAssistant"),
        // A route to another service
        (8123, "ingress.wiki.port", "modules/wiki.nix", "services.wiki"),
    ] {
        let text = format!("port = @{number};");
        assert_eq!(proposals(&[(number, name, path, &text)]), [format!("{expected}={number}")], "{name}");
    }
}

#[test]
fn an_address_with_the_number_of_multicast_dns_is_that_of_a_name_server() {
    let listener = (5353, "services.pdns.settings.local-address", "modules/dns.nix", "\"127.0.0.1:@5353\"");
    assert_eq!(proposals(&[listener]), ["services.pdns=5353"]);
    let opened = (5353, "networking.firewall.allowedUDPPorts", "hosts/pi/configuration.nix", "[ @5353 ]");
    assert_eq!(proposals(&[opened]), ["infrastructure.mdns=5353"]);
}
