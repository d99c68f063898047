//! The ports of containers.

use super::*;

#[test]
fn the_bounds_of_a_mapped_range_have_distinct_names() {
    let name = "virtualisation.oci-containers.containers.neko.ports";
    let uses = [
        (3023, name, "neko.nix", "\"@3023:8080\" \"52000-52100:52000-52100/udp\""),
        (8080, name, "neko.nix", "\"3023:@8080\" \"52000-52100:52000-52100/udp\""),
        (52000, name, "neko.nix", "\"3023:8080\" \"@52000-52100:52000-52100/udp\""),
        (52100, name, "neko.nix", "\"3023:8080\" \"52000-52100:52000-@52100/udp\""),
    ];
    assert_eq!(
        proposals(&uses),
        ["services.neko=3023", "services.nekoContainer=8080", "services.nekoFirst=52000", "services.nekoLast=52100"]
    );
}

#[test]
fn a_number_on_both_sides_of_a_mapping_is_not_named_after_a_side() {
    let name = "virtualisation.oci-containers.containers.forgejo.ports";
    let uses = [
        (2222, name, "forgejo.nix", "\"@2222:2222\" \"127.0.0.1:20003:3000\""),
        (2222, name, "forgejo.nix", "\"2222:@2222\" \"127.0.0.1:20003:3000\""),
        (20003, name, "forgejo.nix", "\"2222:2222\" \"127.0.0.1:@20003:3000\""),
        (3000, name, "forgejo.nix", "\"2222:2222\" \"127.0.0.1:20003:@3000\""),
    ];
    assert_eq!(
        proposals(&uses),
        ["development.forgejo=20003", "development.forgejoContainer=3000", "development.forgejoSsh=2222"]
    );
}

#[test]
fn names_that_differ_only_in_case_are_one_service() {
    let name = "virtualisation.oci-containers.containers.uptimekuma.ports";
    let uses = [(3005, name, "uptimekuma.nix", "\"@3005:3001\""), (3001, name, "uptimekuma.nix", "\"3005:@3001\"")];
    assert_eq!(proposals(&uses), ["monitoring.uptimeKuma=3005", "monitoring.uptimeKumaContainer=3001"]);
}

#[test]
fn sets_of_diagnostic_options_are_part_of_the_name() {
    for (name, expected) in [
        ("services.adguardhome.settings.http.pprof.port", "infrastructure.adguardHomePprof"),
        ("services.crowdsec.settings.prometheus.listen_port", "services.crowdsecPrometheus"),
        ("services.prometheus.port", "monitoring.prometheus"),
        ("my.contracts.provides.loki.endpoints.grpc.port", "monitoring.loki"),
    ] {
        assert_eq!(proposals(&[(4321, name, "x.nix", "port = @4321;")]), [format!("{expected}=4321")], "{name}");
    }
}

#[test]
fn containers_whose_names_end_alike_are_different_programs() {
    let ports = |name: &str| format!("virtualisation.oci-containers.containers.{name}.ports");
    for (one, other, expected) in [
        ("ledger-web", "forge-web", ["forgeWeb", "forgeWebContainer", "ledgerWeb", "ledgerWebContainer"]),
        // The last word is generic, but distinguishes the containers.
        (
            "songs-client",
            "songs-server",
            ["songsClient", "songsClientContainer", "songsServer", "songsServerContainer"],
        ),
    ] {
        let uses = [
            (4001, &*ports(one), "a.nix", "\"@4001:4000\""),
            (4000, &*ports(one), "a.nix", "\"4001:@4000\""),
            (4002, &*ports(other), "b.nix", "\"@4002:4000\""),
            (4000, &*ports(other), "b.nix", "\"4002:@4000\""),
        ];
        let names: Vec<String> = proposals(&uses)
            .iter()
            .filter_map(|name| Some(name.split_once('.')?.1.split_once('=')?.0.to_owned()))
            .collect();
        assert_eq!(names, expected);
    }
    // The label of another container does not name the number inside this one.
    let label = "virtualisation.oci-containers.containers.alarm-api.labels.traefik.http.services.alarm-api.loadbalancer.server.port";
    assert_eq!(
        proposals(&[
            (4001, &*ports("ledger-api"), "a.nix", "\"@4001:4000\""),
            (4000, &*ports("ledger-api"), "a.nix", "\"4001:@4000\""),
            (4000, label, "b.nix", "port\" = \"@4000\";"),
        ]),
        ["services.alarmApi=4000", "services.ledgerApi=4001", "services.ledgerApiContainer=4000"]
    );
}

#[test]
fn variables_of_a_container_give_the_purpose_of_its_ports() {
    let ports = "virtualisation.oci-containers.containers.drive.ports";
    let variable = "virtualisation.oci-containers.containers.drive.environment.DRIVE_WEBDAV__0__PORT";
    let text = |at: usize| {
        let mut numbers = ["2022:2022", "4001:4000", "4003:4002"].map(str::to_owned);
        numbers[at / 2].insert(if at.is_multiple_of(2) { 0 } else { 5 }, '@');
        let [sftp, web, webdav] = numbers;
        format!("ports = [ \"{sftp}\" \"{web}\" \"{webdav}\" ]; environment.DRIVE_WEBDAV__0__PORT = \"4002\";")
    };
    let texts: Vec<String> = (0..6).map(text).collect();
    let own = "environment.DRIVE_WEBDAV__0__PORT = \"@4002\";";
    let mut uses: Vec<(u32, &str, &str, &str)> = [2022, 2022, 4001, 4000, 4003, 4002]
        .iter()
        .zip(&texts)
        .map(|(&number, text)| (number, ports, "drive.nix", &**text))
        .collect();
    uses.push((4002, variable, "drive.nix", own));
    assert_eq!(
        proposals(&uses),
        [
            "services.drive=4001",
            "services.driveContainer=4000",
            "services.driveSftp=2022",
            "services.driveWebdav=4003",
            "services.driveWebdavContainer=4002",
        ]
    );
    // A variable of the container affects only the number inside, not the one outside.
    let listen = "virtualisation.oci-containers.containers.notes.environment.NOTES_LISTEN_HTTP";
    let ports = "virtualisation.oci-containers.containers.notes.ports";
    let uses = [
        (4001, ports, "notes.nix", "\"@4001:4000\""),
        (4000, ports, "notes.nix", "\"4001:@4000\""),
        (4000, listen, "notes.nix", "NOTES_LISTEN_HTTP = \":@4000\";"),
    ];
    assert_eq!(proposals(&uses), ["services.notes=4001", "services.notesContainer=4000"]);
}

#[test]
fn both_sides_of_a_mapping_with_a_comment_are_one_port() {
    let name = "virtualisation.oci-containers.containers.tunnel.ports";
    let uses = [
        (8888, name, "a.nix", "\"@8888:8888/tcp\" # HTTP proxy\n"),
        (8888, name, "a.nix", "\"8888:@8888/tcp\" # HTTP proxy\n"),
    ];
    assert_eq!(proposals(&uses), ["services.tunnel=8888"]);
}

#[test]
fn numbers_in_a_list_of_mappings_have_names_of_the_same_form() {
    let name = "virtualisation.oci-containers.containers.reel.ports";
    let list = |number: &str| "ports = map mapping [ port 8097 5090 3483 ];".replace(number, &format!("@{number}"));
    let (first, second, third) = (list("8097"), list("5090"), list("3483"));
    let uses = [
        (8095, "port", "music-hall.nix", "port = @8095;"),
        (8097, name, "music-hall.nix", &*first),
        (5090, name, "music-hall.nix", &*second),
        (3483, name, "music-hall.nix", &*third),
    ];
    let expected = [
        "services.musicHall=8095",
        "unnamed.musicHallPort3483Tcp=3483",
        "unnamed.musicHallPort5090Tcp=5090",
        "unnamed.musicHallPort8097Tcp=8097",
    ];
    assert_eq!(proposals(&uses), expected);
}

#[test]
fn the_container_that_shares_a_network_listens_on_the_published_port() {
    let file = |ports: &str, others: &[&str]| {
        let others = others.iter().map(|name| {
            format!("  {name} = {{\n    image = \"x\";\n    extraOptions = [\n      \"--network=container:vpn\"\n    ];\n  }};\n")
        });
        format!("containers = {{\n  vpn = {{\n    ports = [ \"{ports}\" ];\n  }};\n{}}}", others.collect::<String>())
    };
    for (number, ports, others, expected) in [
        (85, "@85:80", &["passbook"][..], "services.passbook"),
        // The container with the well-known port
        (8989, "@8989:8989", &["passbook", "sonarr"], "media.sonarr"),
        // Either of them may listen.
        (85, "@85:80", &["passbook", "gallery"], "infrastructure.vpn"),
        (85, "@85:80", &[], "infrastructure.vpn"),
    ] {
        let text = file(ports, others);
        let name = "virtualisation.oci-containers.containers.vpn.ports";
        assert_eq!(proposals(&[(number, name, "media.nix", &text)]), [format!("{expected}={number}")], "{others:?}");
    }
    let text = "services:\n  tunnel:\n    ports:\n      - @85:80\n  passbook:\n    network_mode: service:tunnel\n";
    let text = format!("virtualisation.x.text = ''\n{text}'';");
    assert_eq!(proposals(&[(85, "composeFile", "passbook.nix", &text)]), ["services.passbook=85"]);
}

#[test]
fn a_condition_names_the_ports_that_depend_on_it() {
    for (name, text, expected) in [
        (
            "virtualisation.quadlet.pods.media.podConfig.publishPorts",
            "lib.optionals cfg.translator.enable [ \"@4321:80\" ]",
            "services.translator",
        ),
        (
            "virtualisation.quadlet.pods.media.podConfig.publishPorts",
            "lib.optionals (cfg.enable && cfg.translator.enable) [ \"@4321:80\" ]",
            "services.translator",
        ),
        (
            "networking.firewall.allowedTCPPorts",
            "(mkIf cfg.openQuakePorts rec {\n  allowedTCPPorts = [ @4321 ];\n})",
            "services.quake",
        ),
        ("networking.firewall.allowedTCPPorts", "optional cfg.quake.openFirewall @4321", "services.quake"),
        // Conditions that say nothing, or the opposite
        ("networking.firewall.allowedTCPPorts", "mkIf cfg.enable { allowedTCPPorts = [ @4321 ]; }", "services.arcade"),
        (
            "networking.firewall.allowedTCPPorts",
            "mkIf (!cfg.quake.enable) { allowedTCPPorts = [ @4321 ]; }",
            "services.arcade",
        ),
    ] {
        assert_eq!(proposals(&[(4321, name, "modules/arcade.nix", text)]), [format!("{expected}=4321")], "{text}");
    }
}

#[test]
fn the_inner_number_distinguishes_the_published_ports_of_a_container() {
    let text = |mapping: &str| {
        let [first, second] =
            ["9123:8123", "9124:9000"].map(|known| if mapping[1..] == *known { mapping } else { known });
        format!(
            "''\n  services:\n    clickhouse:\n      ports:\n        - 127.0.0.1:{first}\n        - 127.0.0.1:{second}\n''"
        )
    };
    let (http, native) = (text("@9123:8123"), text("@9124:9000"));
    let uses = [(9123, "composeFile", "modules/jobs.nix", &*http), (9124, "composeFile", "modules/jobs.nix", &*native)];
    assert_eq!(proposals(&uses), ["databases.clickhouse=9123", "databases.clickhouseHost=9124"]);
    let forge = "containers.gitea = {\n  ports = [ \"@222:22\" ];\n};";
    let forge = (222, "virtualisation.oci-containers.containers.gitea.ports", "modules/gitea.nix", forge);
    assert_eq!(proposals(&[forge]), ["development.giteaSsh=222"]);
}
