//! The service that a port belongs to, and the words that tell the ports of one service apart.

use super::*;

#[test]
fn the_path_of_an_option_is_not_the_name_of_a_host() {
    for (name, text, expected) in [
        ("services.wiki.server.addr", "services.wiki.server.addr = \"0.0.0.0:@8501\";", "services.wiki=8501"),
        ("services.wiki.addr", "services.wiki.addr = \"127.0.0.1:@8501\";", "services.wiki=8501"),
        ("hosts.?", "\"wiki.example.org\" = \"10.0.0.4:@8501\";", "services.wiki=8501"),
    ] {
        assert_eq!(proposals(&[(8501, name, "cache.nix", text)]), [expected], "{text}");
    }
    // The address of another machine is not what the service listens on.
    let server = (6697, "services.wiki.server", "x.nix", "server = \"203.0.113.45:@6697\";");
    assert_eq!(proposals(&[server]), ["messaging.ircs=6697"]);
    let image = (5050, "services.wiki.image", "x.nix", "image = \"images.example.org:@5050/wiki:v1\";");
    assert_eq!(proposals(&[image]), ["infrastructure.registry=5050"]);
    // An agent connects to a server.
    let agent = "services.wiki-agent.settings.server.address";
    let text = "settings.server.address = \"tcp://127.0.0.1:@9092\";";
    assert_eq!(proposals(&[(9092, agent, "wiki.nix", text)]), ["messaging.kafka=9092"]);
}

#[test]
fn the_option_of_a_service_outweighs_the_default_of_its_client() {
    let option = |name: &'static str, path| (11008, name, path, "default = @11008;");
    assert_eq!(
        proposals(&[
            option("options.lab.services.wikiExport.wikiPort.default", "modules/wiki-export.nix"),
            option("options.lab.services.wiki.port.default", "modules/wiki.nix"),
        ]),
        ["services.wiki=11008"]
    );
}

#[test]
fn a_fork_keeps_its_own_name() {
    for (name, number, expected) in [
        ("services.opensearch.port", 9200, "databases.opensearch=9200"),
        ("services.elasticsearch.port", 9200, "databases.elasticsearch=9200"),
        ("services.valkey.port", 6379, "databases.valkey=6379"),
        ("services.mariadb.port", 3306, "databases.mariadb=3306"),
    ] {
        assert_eq!(proposals(&[(number, name, "data.nix", &format!("port = @{number};"))]), [expected]);
    }
    // A port that a fork and its original both use gets the name of the original.
    let port = |name: &'static str| (6379, name, "data.nix", "port = @6379;");
    let both = [port("services.valkey.port"), port("services.redis.servers.main.port")];
    assert_eq!(proposals(&both), ["databases.redis=6379"]);
}

#[test]
fn a_comment_above_a_number_in_a_list_of_ports_names_it() {
    let ports = "virtualisation.oci-containers.containers.jukebox.ports";
    let list =
        |number: &str| {
            "[\n  # Web interface\n  \"9002:9002\"\n  # CLI\n  \"9095:9095\"\n  # SlimProto\n  \"3483:3483\"\n]"
                .replacen(&format!("\"{number}"), &format!("\"@{number}"), 1)
        };
    let (web, cli, slim) = (list("9002"), list("9095"), list("3483"));
    assert_eq!(
        proposals(&[(9002, ports, "m.nix", &web), (9095, ports, "m.nix", &cli), (3483, ports, "m.nix", &slim)]),
        ["services.jukebox=9002", "services.jukeboxCli=9095", "services.jukeboxSlimproto=3483"]
    );
}

#[test]
fn the_parts_of_a_service_with_several_ports_keep_their_names() {
    let port = |number, name: &'static str| (number, name, "store.nix", format!("port = @{number};"));
    let uses = [
        port(11017, "services.store.master.port"),
        port(11018, "services.store.volume.port"),
        port(11019, "services.store.volume.grpcPort"),
    ];
    let uses: Vec<(u32, &str, &str, &str)> = uses.iter().map(|(a, b, c, d)| (*a, *b, *c, d.as_str())).collect();
    assert_eq!(
        proposals(&uses),
        ["services.storeMaster=11017", "services.storeVolume=11018", "services.storeVolumeGrpc=11019"]
    );
    // A service with one port needs no name for its part.
    assert_eq!(proposals(&uses[1..2]), ["services.store=11018"]);
    // The default of a part has the part's name.
    let default = "options.services.store.volume.port.default";
    assert_eq!(
        proposals(&[uses[0], uses[1], (8085, default, "modules/store.nix", "default = @8085;")]),
        ["services.storeMaster=11017", "services.storeVolume=11018", "services.storeVolumeDefault=8085"]
    );
    let web = "options.services.tube.httpsPort.default";
    assert_eq!(
        proposals(&[
            (3001, web, "modules/tube.nix", "default = @3001;"),
            (11055, "services.tube.httpsPort", "hosts/a.nix", "httpsPort = @11055;"),
            (11054, "services.tube.port", "hosts/a.nix", "port = @11054;"),
        ]),
        ["services.tube=11054", "services.tubeHttps=11055", "services.tubeHttpsDefault=3001"]
    );
}

#[test]
fn the_name_of_a_program_precedes_those_of_its_clients_for_a_default() {
    assert_eq!(
        proposals(&[
            (6767, "serviceSpecs.tube.defaultTubePort", "modules/tube-exporter.nix", "defaultTubePort = @6767;"),
            (6767, "options.lab.services.tube.port.default", "modules/tube.nix", "default = @6767;"),
            (11023, "lab.services.tube.port", "hosts/web1/default.nix", "port = @11023;"),
        ]),
        ["services.tube=11023", "services.tubeDefault=6767"]
    );
}

#[test]
fn words_that_belong_together_stay_together() {
    for (name, path, text, expected) in [
        (
            "machineLearningPort",
            "modules/gallery.nix",
            "machineLearningPort = @3103;",
            "services.galleryMachineLearning",
        ),
        ("services.sleep-on-lan.port", "x.nix", "port = @3103;", "services.sleepOnLan"),
        ("services.wiki.remoteWritePort", "x.nix", "remoteWritePort = @3103;", "services.wikiRemoteWrite"),
        ("services.wiki.machine.port", "x.nix", "port = @3103;", "services.wiki"),
    ] {
        assert_eq!(proposals(&[(3103, name, path, text)]), [format!("{expected}=3103")], "{name}");
    }
}

#[test]
fn the_ends_of_the_range_of_a_torrent_client_are_named() {
    let name = "services.deluge.config.listen_ports";
    let (first, last) = ("listen_ports = [\n  @6881\n  6889\n];", "listen_ports = [\n  6881\n  @6889\n];");
    let (first, last) = (format!("{{ {first} }}"), format!("{{ {last} }}"));
    assert_eq!(
        proposals(&[(6881, name, "t.nix", &first), (6889, name, "t.nix", &last)]),
        ["media.delugeTorrentFirst=6881", "media.delugeTorrentLast=6889"]
    );
}

#[test]
fn an_argument_before_the_number_names_it() {
    for (text, expected) in [
        ("[ (mkRoute \"films\" @4711) ]", "services.films"),
        ("[ (service \"wiki-web\" @4711) ]", "services.wikiWeb"),
        // Words for protocols do not name a service.
        ("[ (mkPortForward \"tcp\" @4711) ]", "unnamed.port4711Tcp"),
        ("[ (mkPortForward \"both\" @4711) ]", "unnamed.port4711Tcp"),
    ] {
        assert_eq!(proposals(&[(4711, "port", "flake.nix", text)]), [format!("{expected}=4711")], "{text}");
    }
    // Each element of a list has its own name.
    let list = |number: &str| {
        "[ (mkRoute \"films\" 4711) (mkRoute \"feeds\" 4712) (mkRoute \"songs\" 4713) ]".replacen(
            number,
            &format!("@{number}"),
            1,
        )
    };
    let (films, feeds, songs) = (list("4711"), list("4712"), list("4713"));
    let uses = [(4711, "port", "w.nix", &*films), (4712, "port", "w.nix", &*feeds), (4713, "port", "w.nix", &*songs)];
    assert_eq!(proposals(&uses), ["services.feeds=4712", "services.films=4711", "services.songs=4713"]);
}

#[test]
fn scaffolding_does_not_name_a_port() {
    for name in ["configObj.port", "requests.services.port", "platforms.linux.port"] {
        assert_eq!(proposals(&[(4711, name, "wiki.nix", "port = @4711;")]), ["services.wiki=4711"], "{name}");
    }
    // The name of a module is less specific than the option in it.
    let name = "flake.modules.nixos.web.config.services.wiki.port";
    assert_eq!(proposals(&[(4711, name, "x.nix", "port = @4711;")]), ["services.wiki=4711"]);
    let name = "flake.modules.nixos.web.networking.firewall.allowedTCPPorts";
    assert_eq!(proposals(&[(4711, name, "modules/wiki.nix", "[ @4711 ]")]), ["services.wiki=4711"]);
    // The port in a proxy's settings for an app belongs to the app.
    let name = "lab.apps.wiki.traefik.container.port";
    assert_eq!(proposals(&[(8080, name, "x.nix", "port = @8080;")]), ["services.wiki=8080"]);
    // A folder with a part of a service is not a category.
    let name = "lab.services.beacon.hub.port";
    let path = "modules/services/beacon/hub.nix";
    assert_eq!(proposals(&[(4711, name, path, "port = @4711;")]), ["services.beaconHub=4711"]);
}

#[test]
fn sets_of_exporters_name_exporters() {
    let name = "lab.services.prometheusExporters.node.port";
    assert_eq!(proposals(&[(4711, name, "hosts/a.nix", "port = @4711;")]), ["monitoring.nodeExporter=4711"]);
}

#[test]
fn the_inner_number_of_a_mapping_determines_the_protocol() {
    let ports = "virtualisation.oci-containers.containers.safe.ports";
    assert_eq!(proposals(&[(445, ports, "s.nix", "ports = [ \"@445:443\" ];")]), ["services.safe=445"]);
    assert_eq!(proposals(&[(22, ports, "s.nix", "ports = [ \"@22:2222\" ];")]), ["infrastructure.ssh=22"]);
    // The protocol of the inner number distinguishes the ports of a container.
    let desktop = "virtualisation.oci-containers.containers.desktop.ports";
    assert_eq!(
        proposals(&[
            (8006, desktop, "d.nix", "ports = [ \"@8006:8006\" \"3390:3389\" ];"),
            (3390, desktop, "d.nix", "ports = [ \"8006:8006\" \"@3390:3389\" ];"),
        ]),
        ["services.desktop=8006", "services.desktopRdp=3390"]
    );
}

#[test]
fn a_well_known_inner_number_keeps_its_usual_name() {
    let ports = "virtualisation.oci-containers.containers.forge.ports";
    assert_eq!(
        proposals(&[
            (222, "programs.ssh.extraConfig Port", "modules/ssh.nix", "extraConfig = ''\n  Port @222\n'';"),
            (22, ports, "forge.nix", "ports = [ \"222:@22\" ];"),
        ])
        .first()
        .map(String::as_str),
        Some("infrastructure.ssh=22")
    );
}

#[test]
fn text_that_a_shell_runs_does_not_name_a_server() {
    assert_eq!(
        proposals(&[
            (5900, "services.wayvnc.settings.port", "home/wayvnc.nix", "port = @5900;"),
            (5900, "programs.zsh.initContent", "home/zsh.nix", "vncviewer localhost:@5900 \\"),
        ]),
        ["services.wayvnc=5900"]
    );
}

#[test]
fn synonyms_of_a_service_in_one_file_are_one_service() {
    assert_eq!(
        proposals(&[
            (8090, "lab.apps.hass.proxy.port", "modules/hass.nix", "port = @8090;"),
            (8090, "services.home-assistant.config.http.server_port", "modules/hass.nix", "server_port = @8090;"),
        ])
        .len(),
        1
    );
}

#[test]
fn a_scrape_job_without_a_listener_names_the_metrics() {
    let job = "{ job_name = \"tube\"; static_configs = [ { targets = [ \"localhost:@9198\" ]; } ]; }";
    let name = "services.prometheus.scrapeConfigs.static_configs.targets";
    assert_eq!(proposals(&[(9198, name, "prometheus.nix", job)]), ["services.tubeMetrics=9198"]);
    let job = job.replace("tube", "tube-exporter");
    assert_eq!(proposals(&[(9198, name, "prometheus.nix", &job)]), ["monitoring.tubeExporter=9198"]);
}

#[test]
fn the_address_of_a_container_does_not_belong_to_a_program_on_the_machine() {
    let name = "services.traefik.dynamicConfigOptions.http.services.tube.loadBalancer.servers.url";
    let text = "url = \"http://${vars.containers.tube.ipv4}:@8081\";";
    assert_eq!(
        proposals(&[(8081, "services.paper.port", "paper.nix", "port = @8081;"), (8081, name, "tube.nix", text)]),
        ["services.paper=8081", "services.tube=8081"]
    );
}

#[test]
fn the_endpoint_of_a_service_in_its_folder_is_its_port() {
    let uses = |service: &'static str, label: &str, number| {
        let folder = format!("modules/services/{service}");
        [
            (number, format!("endpoints.{label}.port"), format!("{folder}/manifest.nix")),
            (number, format!("services.{service}.port"), format!("{folder}/runtime.nix")),
            (number, format!("expectedRoutes.{label}.port"), "tests/baseline.nix".to_owned()),
        ]
    };
    let services = [("tubelib", "screen", 4001), ("wikilib", "pages", 4002), ("feedlib", "items", 4003)];
    let all: Vec<(u32, String, String)> = services.into_iter().flat_map(|(a, b, c)| uses(a, b, c)).collect();
    let texts: Vec<String> = all.iter().map(|(number, ..)| format!("port = @{number};")).collect();
    let all: Vec<(u32, &str, &str, &str)> =
        all.iter().zip(&texts).map(|((number, name, path), text)| (*number, &**name, &**path, &**text)).collect();
    assert_eq!(proposals(&all), ["services.feedlib=4003", "services.tubelib=4001", "services.wikilib=4002"]);
}

#[test]
fn an_endpoint_with_the_usual_number_of_the_files_service_is_that_service() {
    let port = |path| (8686, "endpoints.songs.port", path, "port = @8686;");
    assert_eq!(proposals(&[port("manifests/lidarr.nix")]), ["media.lidarr=8686"]);
    assert_eq!(proposals(&[port("manifests/tubelib.nix")]), ["services.songs=8686"]);
}

#[test]
fn a_firewall_rule_and_a_route_name_a_port() {
    for (name, path, text, expected) in [
        ("networking.nftables.firewall.rules.matic.allowedTCPPorts", "home.nix", "[ @4711 ]", "services.matic"),
        ("services.webhost.applications.films.port", "hosts/a.nix", "port = @4711;", "services.films"),
        ("lab.lanRoutes.films.port", "hosts/a.nix", "port = @4711;", "services.films"),
        ("lab.hostRoutes.films.url", "hosts/a.nix", "url = \"http://127.0.0.1:@4711\";", "services.films"),
        ("nginxPort", "modules/films.nix", "nginxPort = @4711;", "services.filmsNginx"),
        ("services.box.streams.front", "x.nix", "front = \"rtsp://127.0.0.1:@4711/a\";", "services.boxFront"),
        ("services.box.webrtcPorts.start", "x.nix", "start = @4711;", "services.boxFirst"),
        ("services.feedbox.environment.FBOX_WEB_PORT", "feedbox.nix", "FBOX_WEB_PORT = @4711;", "services.feedboxWeb"),
    ] {
        assert_eq!(proposals(&[(4711, name, path, text)]), [format!("{expected}=4711")], "{name}");
    }
}

#[test]
fn the_path_with_a_default_names_the_port_that_a_binding_does_not_name() {
    let text = "listenPort = hub.wireguard.listenPort or @4321;";
    assert_eq!(proposals(&[(4321, "listenPort", "lib/topology.nix", text)]), ["infrastructure.wireguard=4321"]);
    let text = "wikiPort = cfg.extra.port or @4321;";
    assert_eq!(proposals(&[(4321, "wikiPort", "lib/topology.nix", text)]), ["services.topologyWiki=4321"]);
}

#[test]
fn the_proxy_in_the_options_of_a_service_does_not_name_its_port() {
    for (name, expected) in [
        ("services.gallery.nginx.listen.port", "services.gallery"),
        ("machines.web1.configuration.config.services.nginx-sso.listen.port", "infrastructure.nginxSso"),
        ("devices.graphics.port", "services.spice"),
    ] {
        let text = "graphics = {\n  type = \"spice\";\n  port = @4321;\n};";
        let text = if name.contains("graphics") { text } else { "port = @4321;" };
        assert_eq!(proposals(&[(4321, name, "hosts/web1/default.nix", text)]), [format!("{expected}=4321")], "{name}");
    }
}

#[test]
fn a_file_in_the_folder_of_a_service_is_about_that_service() {
    for (name, path, expected) in [
        // A part with a file of its own
        ("networking.firewall.allowedTCPPorts", "modules/grafana/agent.nix", "monitoring.grafanaAgent"),
        ("listen.port", "modules/grafana/agent.nix", "monitoring.grafanaAgent"),
        // Folders with general names
        ("Frontend.bind_port", "modules/hunter/defaults/server-config.nix", "services.hunterFrontend"),
        ("GUI.bind_port", "modules/hunter/defaults/server-config.nix", "services.hunterGui"),
        ("API.bind_port", "modules/hunter/defaults/server-config.nix", "services.hunterApi"),
        // The folder of a machine
        ("GUI.bind_port", "hosts/hunter/defaults/server-config.nix", "services.gui"),
        // The settings of the file's service
        ("main.settings.telemetry.metrics.address", "modules/hunter/default.nix", "services.hunterTelemetryMetrics"),
    ] {
        assert_eq!(proposals(&[(4321, name, path, "port = @4321;")]), [format!("{expected}=4321")], "{name} in {path}");
    }
}

#[test]
fn kinds_of_jobs_and_connections_do_not_name_services() {
    for (name, text, expected) in [
        ("services.zrepl.settings.jobs.connect.address", "address = \"10.0.0.4:@4321\";", "services.zrepl"),
        ("options.services.arena.queryPort.default", "default = @4321;", "services.arenaQuery"),
    ] {
        assert_eq!(proposals(&[(4321, name, "modules/backup.nix", text)]), [format!("{expected}=4321")], "{name}");
    }
}
