//! Names from the virtual hosts, the locations and the comments around a number.

use super::*;

const PROXY: &str = "proxyPass = \"http://127.0.0.1:@4321\";";

#[test]
fn a_call_gets_the_name_of_its_virtual_host() {
    let path = "modules/web/nginx.nix";
    for (text, expected) in [
        ("\"fit.example.org\" = proxy \"fit.example.org\" @4321;", "services.fit"),
        ("\"fit-api.example.org\" = proxy \"fit-api.example.org\" @4321 // { x = 1; };", "services.fitApi"),
        ("\"drive.${domain}\" =\n  proxy \"drive.${domain}\" @4321;", "services.drive"),
    ] {
        assert_eq!(proposals(&[(4321, "port", path, text)]), [format!("{expected}=4321")], "{text}");
    }
    // Several calls are not a list of numbers, and the name of a listener takes precedence.
    let hosts = ["fit", "shift", "chat"].map(|host| format!("\"{host}.example.org\" = proxy \"x\" @432"));
    let texts: Vec<String> = hosts.iter().zip(1..).map(|(text, digit)| format!("{text}{digit};")).collect();
    let uses = [(4321, "port", path, &*texts[0]), (4322, "port", path, &*texts[1]), (4323, "port", path, &*texts[2])];
    assert_eq!(proposals(&uses), ["services.chat=4323", "services.fit=4321", "services.shift=4322"]);
    let listener = (4321, "services.workout.port", "modules/fitness.nix", "port = @4321;");
    assert_eq!(proposals(&[uses[0], listener]), ["services.workout=4321"]);
}

#[test]
fn a_location_names_its_service_if_nothing_else_does() {
    let location = |host: &str, path: &str| format!("services.nginx.virtualHosts.{host}.locations.{path}.proxyPass");
    for (host, location, path, expected) in [
        ("10.0.0.4", "/reader/", "modules/nginx.nix", "services.reader"),
        ("home.example.org", "/reader/", "modules/nginx.nix", "services.reader"),
        // A part of the service in the file, or of the service behind the virtual host
        ("10.0.0.4", "/notifications/hub", "modules/nginx.nix", "unnamed.port4321Tcp"),
        ("10.0.0.4", "/reader/", "modules/library.nix", "services.library"),
        ("books.example.org", "/reader/", "modules/nginx.nix", "services.books"),
    ]
    .map(|(host, path, file, expected)| (host.to_owned(), location(host, path), file, expected))
    {
        assert_eq!(proposals(&[(4321, &location, path, PROXY)]), [format!("{expected}=4321")], "{location} of {host}");
    }
}

#[test]
fn a_common_domain_names_none_of_its_virtual_hosts() {
    let hosts = ["wiki", "chat", "films", "internal", "lyrics", "lyrics.hook", "dev.hook", "docker.ui"];
    let names: Vec<String> =
        hosts.iter().map(|host| format!("services.nginx.virtualHosts.{host}.reef.dev.locations./.proxyPass")).collect();
    let texts: Vec<String> =
        (4321..).take(hosts.len()).map(|number| PROXY.replace("4321", &number.to_string())).collect();
    let uses: Vec<(u32, &str, &str, &str)> = (4321..)
        .zip(&names)
        .zip(&texts)
        .map(|((number, name), text)| (number, &**name, "nginx.nix", &**text))
        .collect();
    let expected = [
        "infrastructure.dockerUI=4328",
        "services.chat=4322",
        "services.films=4323",
        "services.hook=4327",
        "services.lyrics=4325",
        "services.lyricsHook=4326",
        "services.wiki=4321",
        "unnamed.port4324Tcp=4324",
    ];
    assert_eq!(proposals(&uses), expected);
}

#[test]
fn only_a_zone_that_distinguishes_virtual_hosts_is_part_of_the_name() {
    let hosts = ["wiki", "chat", "films", "reels.nas", "songs.home"];
    let names = hosts.map(|host| format!("services.nginx.virtualHosts.{host}.reef.dev.locations./.proxyPass"));
    let texts = ["1", "2", "3", "4", "5"].map(|digit| PROXY.replace("4321", &format!("432{digit}")));
    let uses: Vec<_> = (4321..)
        .zip(names.iter().zip(&texts))
        .map(|(number, (name, text))| (number, &**name, "nginx.nix", &**text))
        .collect();
    let expected = [
        "services.chat=4322",
        "services.films=4323",
        "services.reels=4324",
        "services.songs=4325",
        "services.wiki=4321",
    ];
    assert_eq!(proposals(&uses), expected);
}

#[test]
fn the_port_that_a_proxy_listens_on_does_not_belong_to_the_service_of_its_folder() {
    let uses = [
        (4001, "services.wiki.ports", "wiki/compose.yaml", "- @4001:80"),
        (9090, "metrics", "wiki/cloudflared.yaml", "metrics: 0.0.0.0:@9090"),
    ];
    assert_eq!(proposals(&uses), ["development.wiki=4001", "services.cloudflaredMetrics=9090"]);
}

#[test]
fn a_caddy_matcher_is_not_a_service() {
    let name = "services.caddy.virtualHosts.pocket.example.org.extraConfig reverse_proxy";
    let text = |matcher: &str| format!("{matcher}handle @allowed {{\n  reverse_proxy 127.0.0.1:@4321\n}}");
    let cors = text("@allowed header Origin https://example.org\n");
    assert_eq!(proposals(&[(4321, name, "caddy.nix", &cors)]), ["services.pocket=4321"]);
    let host = text("@allowed host allowed.example.org\n").replace("allowed", "gallery");
    assert_eq!(proposals(&[(4321, name, "caddy.nix", &host)]), ["services.gallery=4321"]);
    for definition in [
        "@allowed {\n  host allowed.example.org\n}\n",
        "@allowed host_regexp allowed\n",
        "@allowed header_regexp Host allowed\n",
        "@allowed expression path('/x')\n",
        // Too far above to be found
        "",
    ] {
        let block = text(definition).replace("allowed", "gallery");
        assert_eq!(proposals(&[(4321, name, "caddy.nix", &block)]), ["services.gallery=4321"], "{definition}");
    }
    let block = text("@allowed {\n  method OPTIONS\n}\n").replace("allowed", "preflight");
    assert_eq!(proposals(&[(4321, name, "caddy.nix", &block)]), ["services.pocket=4321"]);
    // A purpose is a part of the file's service.
    let health = text("@allowed host allowed.example.org\n").replace("allowed", "health");
    let script = "systemd.services.herald-bootstrap.script reverse_proxy";
    assert_eq!(proposals(&[(4321, script, "herald.nix", &health)]), ["services.heraldHealth=4321"]);
}

#[test]
fn a_variable_may_name_the_virtual_host() {
    let name = "services.caddy.virtualHosts.?.extraConfig reverse_proxy";
    for host in ["${url vars.services.gallery}", "${vars.services.gallery}.${vars.domain}"] {
        let text = format!("\"{host}\" = {{\n  extraConfig = ''\n    reverse_proxy localhost:@4321\n  '';\n}};");
        assert_eq!(proposals(&[(4321, name, "networking.nix", &text)]), ["services.gallery=4321"], "{host}");
    }
}

#[test]
fn the_folder_of_a_service_names_the_port_in_its_proxy_configuration() {
    let name = |host: &str| format!("services.nginx.virtualHosts.{host}.example.org.locations./.proxyPass");
    let (irc, films) = (name("irc"), name("films"));
    let text = |number: u32| PROXY.replace("4321", &number.to_string());
    let (first, second) = (text(4321), text(4322));
    let uses = [
        (4321, &*irc, "servers/lounge/nginx.nix", &*first),
        (4321, &*irc, "servers/weechat/nginx.nix", &*first),
        (4322, &*films, "servers/films/nginx.nix", &*second),
    ];
    // Two services have the number.
    assert_eq!(proposals(&uses), ["services.films=4322", "services.lounge=4321", "services.weechat=4321"]);
    // The folders of machines do not name services.
    let uses = uses.map(|(number, name, path, text)| (number, name, path.replace("servers", "hosts"), text));
    let uses = uses.each_ref().map(|(number, name, path, text)| (*number, *name, &**path, *text));
    assert_eq!(proposals(&uses), ["messaging.irc=4321", "services.films=4322"]);
}

#[test]
fn comments_name_proxies_and_single_numbers() {
    let list = "networking.firewall.allowedTCPPorts";
    for (text, expected) in [
        ("[\n  @4321 # http proxy\n]", "infrastructure.i2pHttpProxy"),
        ("[\n  @4321 # socks proxy\n]", "infrastructure.i2pSocksProxy"),
    ] {
        assert_eq!(proposals(&[(4321, list, "I2P.nix", text)]), [format!("{expected}=4321")], "{text}");
    }
    let list = "networking.firewall.allowedUDPPorts";
    for text in [
        "# Required by Lifx\nnetworking.firewall.allowedUDPPorts = [ @4321 ];",
        "# Lifx\nallowedUDPPorts = [\n  @4321\n];",
    ] {
        assert_eq!(proposals(&[(4321, list, "hosts/web1/default.nix", text)]), ["home.lifx=4321"], "{text}");
    }
    for text in [
        "# Required by Lifx\nallowedUDPPorts = [ @4321 4322 ];",
        "# One of the ports that the lamps use\nallowedUDPPorts = [ @4321 ];",
        "# Do not forget restart\nallowedUDPPorts = [ @4321 ];",
    ] {
        assert_eq!(proposals(&[(4321, list, "hosts/web1/default.nix", text)]), ["unnamed.port4321Udp=4321"], "{text}");
    }
}

#[test]
fn a_comment_in_the_file_of_another_service_contradicts_the_listener() {
    let list = "networking.firewall.allowedTCPPorts";
    let listener = (8989, "services.sonarr.settings.server.port", "hosts/nas/sonarr.nix", "port = @8989;");
    let wemo = (8989, list, "hosts/nas/home-assistant.nix", "[\n  @8989 # wemo\n]");
    assert_eq!(proposals(&[listener, wemo]), ["home.homeAssistantWemo=8989", "media.sonarr=8989"]);
    for text in ["[\n  @8989 # sonarr\n]", "[\n  @8989\n]"] {
        let opened = (8989, list, "hosts/nas/home-assistant.nix", text);
        assert_eq!(proposals(&[listener, opened]), ["media.sonarr=8989"], "{text}");
    }
}

#[test]
fn two_numbers_with_the_same_comment_get_different_names() {
    let list = "networking.firewall.allowedTCPPorts";
    let path = "hosts/nas/networking.nix";
    let uses =
        [(4321, list, path, "[\n  @4321 # homekit bridge\n]"), (4322, list, path, "[\n  @4322 # homekit bridge\n]")];
    assert_eq!(proposals(&uses), ["home.homekitBridge=4321", "home.homekitBridgeAlternate=4322"]);
}

#[test]
fn two_virtual_hosts_with_one_number_are_two_services() {
    let path = "modules/web/nginx.nix";
    let call = (4321, "port", path, "\"status.example.org\" = proxy \"status.example.org\" @4321;");
    let name = "services.nginx.virtualHosts.car.example.org.locations./.proxyPass";
    let uses = [call, (4321, name, path, PROXY)];
    assert_eq!(proposals(&uses), ["services.car=4321", "services.status=4321"]);
}

#[test]
fn the_site_around_an_address_in_a_caddyfile_names_it() {
    let name = "services.caddy.extraConfig reverse_proxy";
    for (text, expected) in [
        ("films.example.org {\n  reverse_proxy 10.0.0.4:@4711\n}", "services.films"),
        ("films.example.org { reverse_proxy 10.0.0.4:@4711 }", "services.films"),
        (
            "http://films.example.org, http://f.lan {\n  tls internal\n  reverse_proxy localhost:@4711\n}",
            "services.films",
        ),
        (
            "films.example.org {\n  handle /x {\n    root * /x\n  }\n  reverse_proxy localhost:@4711\n}",
            "services.films",
        ),
        (
            "\"wiki.example.org { reverse_proxy a:1 }\\nfilms.example.org { reverse_proxy 10.0.0.4:@4711 }\"",
            "services.films",
        ),
        // The owner's domain does not name a service.
        ("example.org {\n  reverse_proxy 10.0.0.4:@4711\n}", "unnamed.port4711Tcp"),
    ] {
        assert_eq!(proposals(&[(4711, name, "caddy.nix", text)]), [format!("{expected}=4711")], "{text}");
    }
}

#[test]
fn computed_names_of_sites_name_what_is_behind_them() {
    let site = |label: &str, number: u32| {
        format!("\"{label}.${{domain}}\" = {{\n  locations.\"/\".proxyPass = \"http://box.lan:@{number}\";")
    };
    let texts =
        [("paste", 4321), ("photos", 4322), ("notes", 4323)].map(|(label, number)| (number, site(label, number)));
    let uses =
        texts.each_ref().map(|(number, text)| (*number, "hosts.?.locations./.proxyPass", "gateway/sites.nix", &**text));
    assert_eq!(proposals(&uses), ["services.notes=4323", "services.paste=4321", "services.photos=4322"]);
}
