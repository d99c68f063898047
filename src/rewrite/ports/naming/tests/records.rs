//! Names from the attributes, the blocks and the arguments around a number.

use super::*;

const LISTS: &str = "modules/notify.nix";

/// Proposes names for the uses in one file. `@` precedes each number in its text.
fn in_one_file(path: &str, text: &str, names: &[&str]) -> Vec<String> {
    let positions: Vec<usize> = text.match_indices('@').enumerate().map(|(index, (at, _))| at - index).collect();
    let text = text.replace('@', "");
    let number = |at: usize| {
        let digits = text[at..].split(|c: char| !c.is_ascii_digit()).next().unwrap();
        (digits.parse().unwrap(), Span::new(at, at + digits.len()))
    };
    let missing: Vec<Missing<'_>> = positions
        .iter()
        .zip(names)
        .map(|(&at, name)| {
            let (number, span) = number(at);
            Missing { number, name, path, text: &text, span }
        })
        .collect();
    let found = propose(&missing, &Context::of(&missing));
    let name = |one: &Proposal| format!("{}.{}={}", one.group, Style::Camel.join(&one.name), one.number);
    let mut names: Vec<String> = found.iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn the_names_of_a_record_do_not_depend_on_its_layout() {
    for text in [
        "list = [ { app = \"lidarr\"; port = @4321; } ];",
        "list = [\n  {\n    app = \"lidarr\";\n    port = @4321;\n  }\n];",
        "list = [\n  {\n    name = \"lidarr-${id}\";\n    port = @4321;\n  }\n];",
    ] {
        assert_eq!(proposals(&[(4321, "list.port", LISTS, text)]), ["media.lidarr=4321"], "{text}");
    }
    let metrics = "listeners = [\n  {\n    port = @4321;\n    type = \"metrics\";\n  }\n];";
    let option = "services.wiki.settings.listeners.port";
    assert_eq!(proposals(&[(4321, option, LISTS, metrics)]), ["services.wikiMetrics=4321"]);
    let widget = "{ Tower = [ { CPU = { widget = { type = \"lookout\"; url = \"http://127.0.0.1:@4321\"; }; }; } ]; }";
    let option = "services.homepage-dashboard.services.Tower.CPU.widget.url";
    assert_eq!(proposals(&[(4321, option, LISTS, widget)]), ["services.lookout=4321"]);
    // A generic widget does not name a service, but the file does.
    let widget = widget.replace("lookout", "customapi");
    assert_eq!(proposals(&[(4321, option, "modules/tower.nix", &widget)]), ["services.tower=4321"]);
    let job = "targets = [\n  {\n    job = \"leases\";\n    targets = [ \"localhost:@4321\" ];\n  }\n];";
    assert_eq!(proposals(&[(4321, "alloy.targets", LISTS, job)]), ["services.leasesMetrics=4321"]);
}

#[test]
fn hosts_with_the_same_number_are_different_services() {
    let text = "[\n  {\n    host = \"wiki.${base}\";\n    upstream = \"${ips.a}:@4321\";\n  }\n  {\n    host = \"chat.${base}\";\n    upstream = \"${ips.b}:@4321\";\n  }\n]";
    assert_eq!(
        in_one_file("records.nix", text, &["sites.upstream", "sites.upstream"]),
        ["services.chat=4321", "services.wiki=4321"]
    );
    // The host belongs to the peer, and the number to the peer's program.
    let text = "[ { host = \"10.0.0.4\"; port = @9092; } ]";
    assert_eq!(in_one_file("viewer.nix", text, &["viewer.brokers.port"]), ["messaging.kafka=9092"]);
}

#[test]
fn proxy_blocks_name_the_service_behind_the_proxy() {
    let config = "services.caddy.virtualHosts.all.example.org.extraConfig";
    let block = "  handle /wiki* {\n    reverse_proxy localhost:@4321\n  }";
    let listener = (4321, "services.shop.port", "hosts/oak/shop.nix", "port = @4321;");
    assert_eq!(
        proposals(&[listener, (4321, config, "hosts/elm/web.nix", block)]),
        ["services.shop=4321", "services.wiki=4321"]
    );
    // The block ends before the address.
    let after = "  handle /wiki* {\n    respond 200\n  }\n  reverse_proxy localhost:@4321";
    assert_eq!(proposals(&[(4321, config, "hosts/elm/web.nix", after)]), ["services.web=4321"]);
    let site = "services.caddy.virtualHosts.http://fish.example.org.extraConfig";
    assert_eq!(proposals(&[(4321, site, "caddy.nix", "reverse_proxy :@4321")]), ["services.fish=4321"]);
}

#[test]
fn containers_with_the_same_number_are_different_services() {
    let port = |name: &'static str| (4321, name, "shop.nix", "httpPort = @4321;");
    assert_eq!(
        proposals(&[
            port("virtualisation.oci-containers.containers.shop-web.httpPort"),
            port("virtualisation.oci-containers.containers.shop-admin.httpPort"),
        ]),
        ["services.shopAdmin=4321", "services.shopWeb=4321"]
    );
    let health = "\"--health-cmd=curl http://localhost:@4321/\"";
    assert_eq!(
        proposals(&[
            (4321, "virtualisation.oci-containers.containers.shop-cache.extraOptions", "shop.nix", health),
            port("virtualisation.oci-containers.containers.shop.httpPort"),
        ]),
        ["services.shop=4321", "services.shopCache=4321"]
    );
    // A VPN publishes the port of another container.
    let published = "\"@4321:4321\" # qBittorrent web UI (the former port of Transmission)";
    let variable = "virtualisation.oci-containers.containers.qbittorrent.environment.WEBUI_PORT";
    assert_eq!(
        proposals(&[
            (4321, "virtualisation.oci-containers.containers.tunnel.ports", "vpn.nix", published),
            (4321, variable, "vpn.nix", "WEBUI_PORT = \"@4321\";"),
        ]),
        ["media.qbittorrentUI=4321"]
    );
    // Part of a word is not a service.
    let forge = "virtualisation.oci-containers.containers.word-forge.ports";
    assert_eq!(proposals(&[(3000, forge, "hosts/oak/forge.nix", "\"@3000:3000\"")]), ["services.wordForge=3000"]);
}

#[test]
fn options_that_connect_to_another_server_do_not_name_it() {
    let server = (4321, "services.resolver.port", "resolver.nix", "port = @4321;");
    for (name, text) in [
        ("services.blocker.settings.dns.upstream_dns", "upstream_dns = [ \"127.0.0.1:@4321\" ];"),
        ("services.blocker.settings.stub-zone.stub-addr", "stub-addr = \"127.0.0.1@@4321\";"),
        ("services.blocker.database.port", "database = { host = \"127.0.0.1\"; port = @4321; };"),
    ] {
        let uses = [server, (4321, name, "blocker.nix", text)];
        assert_eq!(proposals(&uses), ["services.resolver=4321"], "{name}");
    }
}

#[test]
fn names_chosen_by_hand_outweigh_well_known_numbers() {
    for (number, name, text, expected) in [
        (4190, "ports.loginSonarr", "loginSonarr = @4190;", "media.loginSonarr"),
        (3306, "ports.honeypotMysql", "honeypotMysql = @3306;", "databases.honeypotMysql"),
        (4321, "ports.wikiMonitor", "wikiMonitor = @4321;", "services.wikiMonitor"),
        (5432, "ports.postgres", "postgres = @5432;", "databases.postgresql"),
    ] {
        assert_eq!(proposals(&[(number, name, "lib/values.nix", text)]), [format!("{expected}={number}")], "{name}");
    }
    // A service's file opens the port of that service.
    let opened = "{ networking.firewall.allowedTCPPorts = [ @9090 ]; systemd.services.lease-viewer.script = \"x\"; }";
    let option = "networking.firewall.allowedTCPPorts";
    assert_eq!(proposals(&[(9090, option, "lease-viewer.nix", opened)]), ["services.leaseViewer=9090"]);
}

#[test]
fn scaffolding_is_not_part_of_a_name() {
    for (name, path, text, expected) in [
        ("settings.misc.port", "modules/loader/config.nix", "misc = { port = @4321; };", "services.loader"),
        ("power.ups.upsd.listen.port", "ups.nix", "listen = [ { port = @4321; } ];", "infrastructure.nut"),
        ("chart.values.scheduler.service.ports.http", "k.nix", "ports.http = @4321;", "services.scheduler"),
        (
            "services.tempo.settings.distributor.receivers.otlp.protocols.http.endpoint",
            "tempo.nix",
            "http.endpoint = \"127.0.0.1:@4321\";",
            "monitoring.tempoOtlpHttp",
        ),
    ] {
        assert_eq!(proposals(&[(4321, name, path, text)]), [format!("{expected}=4321")], "{name} in {path}");
    }
    let arguments =
        "cmd = [\n  \"--registry-addr\"\n  \"internal://0.0.0.0:@4322\"\n \"--console-address\" \":@4323\" ]";
    let cmd = "virtualisation.oci-containers.containers.queue.cmd";
    let found = in_one_file("queue.nix", &format!("{arguments}; port = @4321;"), &[cmd, cmd, "services.queue.port"]);
    assert_eq!(found, ["services.queue=4321", "services.queueConsole=4323", "services.queueRegistry=4322"]);
}
