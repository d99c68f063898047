//! Clients and the only listener that they can reach.

use super::*;

const OPTION: &str = "services.atlas.settings.port";

fn listener(path: &'static str) -> (u32, &'static str, &'static str, &'static str) {
    (4321, OPTION, path, "settings.port = @4321;")
}

#[test]
fn a_client_with_another_name_reaches_the_only_listener() {
    let listener = listener("modules/atlas.nix");
    for (name, text) in [
        ("services.nginx.appendHttpConfig", "map $host $to {\n  \"maps.${domain}\" \"http://127.0.0.1:@4321\";\n}"),
        ("acme.edge.services.maps.url", "maps = { url = \"http://127.0.0.1:@4321\"; };"),
        ("services.dnsdist.extraConfig", "newServer(\"127.0.0.1:@4321\")"),
        ("services.haproxy.settings.backends.maps.servers", "servers = [ \"maps 127.0.0.1:@4321\" ];"),
        ("services.caddy.virtualHosts.maps.example.org.extraConfig", "forward_auth 10.0.0.4:@4321 {"),
        ("services.seed.settings.clients", "clients = [ \"maps:http://u:p@127.0.0.1:@4321\" ];"),
        (
            "services.glance.settings.pages.sites.check-url",
            "sites = [\n  {\n    title = \"Maps\";\n    check-url = \"http://127.0.0.1:@4321\";\n  }\n];",
        ),
    ] {
        assert_eq!(proposals(&[listener, (4321, name, "modules/edge.nix", text)]), ["services.atlas=4321"], "{name}");
    }
}

#[test]
fn a_variable_may_contain_the_address_of_this_machine() {
    let name = "services.glance.settings.sites.check-url";
    let text = "let local = \"http://127.0.0.1\"; in [\n  {\n    title = \"Maps\";\n    check-url = \"${local}:@4321\";\n  } ]";
    assert_eq!(proposals(&[listener("atlas.nix"), (4321, name, "board.nix", text)]), ["services.atlas=4321"]);
}

#[test]
fn a_client_that_contradicts_the_only_listener_is_about_another_service() {
    let host = "services.nginx.virtualHosts.ci.example.org.locations./.proxyPass";
    let text = "services.jenkins.enable = true; proxyPass = \"http://127.0.0.1:@4321\";";
    // The file configures the service behind the virtual host.
    let uses = [listener("atlas.nix"), (4321, host, "jenkins.nix", text)];
    assert_eq!(proposals(&uses), ["development.jenkins=4321", "services.atlas=4321"]);
    for other in ["wiki", "jenkins"] {
        let name = format!("services.nginx.virtualHosts.{other}.example.org.locations./.proxyPass");
        let text = format!("proxyPass = \"http://{other}.lan:@4321\";");
        let found = proposals(&[listener("atlas.nix"), (4321, &name, "proxy.nix", &text)]);
        assert_eq!(found.len(), 2, "{other}: {found:?}");
    }
    // A machine on which nothing listens
    let uses = [listener("hosts/oak/atlas.nix"), (4321, host, "hosts/elm/proxy.nix", text)];
    assert_eq!(proposals(&uses).len(), 2);
}

#[test]
fn clients_belong_to_the_only_well_known_service_that_one_of_them_names() {
    let tile = "sites = [ { title = \"Jellyseerr\"; check-url = \"http://127.0.0.1:@5055\"; } ];";
    let route = "request = { url = \"http://127.0.0.1:@5055\"; };";
    let uses = [
        (5055, "services.glance.settings.sites.check-url", "board.nix", tile),
        (5055, "acme.edge.services.request.url", "edge.nix", route),
    ];
    assert_eq!(proposals(&uses), ["media.jellyseerr=5055"]);
}

#[test]
fn a_port_that_is_opened_in_the_file_of_another_service_belongs_to_that_service() {
    let open = "networking.firewall.allowedTCPPorts";
    let text = "services.pages.enable = true; networking.firewall.allowedTCPPorts = [ @4321 ];";
    let uses = [listener("atlas.nix"), (4321, open, "pages.nix", text)];
    assert_eq!(proposals(&uses), ["services.atlas=4321", "services.pages=4321"]);
    // The file of a machine may open it for any service.
    let uses = [listener("atlas.nix"), (4321, open, "hosts/oak/default.nix", text)];
    assert_eq!(proposals(&uses), ["services.atlas=4321"]);
}

#[test]
fn a_container_that_a_client_names_is_not_the_only_listener() {
    let config = "let conf = ''\n  fastcgi_pass billing:@4321;\n''; in { }";
    let uses = [listener("atlas.nix"), (4321, "conf fastcgi_pass", "billing.nix", config)];
    assert_eq!(proposals(&uses), ["services.atlas=4321", "services.billing=4321"]);
    // The health check of one container, and its address in a variable of another container
    let container = |rest: &str| format!("virtualisation.oci-containers.containers.{rest}");
    let (ports, health) = (container("shop.ports"), container("shop-browser.extraOptions -f"));
    let address = container("shop.environment.BROWSER_ENDPOINT");
    let uses = [
        (4321, &*ports, "shop.nix", "ports = [ \"3200:@4321\" ];"),
        (4321, &*health, "shop.nix", "\"--health-cmd=curl -f http://localhost:@4321/\""),
        (4321, &*address, "shop.nix", "BROWSER_ENDPOINT = \"ws://shop-browser:@4321\";"),
    ];
    assert_eq!(proposals(&uses), ["services.shop=4321", "services.shopBrowser=4321"]);
}

#[test]
fn a_server_behind_a_proxy_is_named_after_the_first_word_of_its_line() {
    let uses = [(
        4321,
        "services.haproxy.settings.backends.certbot.servers",
        "haproxy.nix",
        "certbot.servers = [ \"certbot 127.0.0.1:@4321\" ];",
    )];
    assert_eq!(proposals(&uses), ["services.certbot=4321"]);
}

#[test]
fn the_label_of_a_target_names_the_exporter() {
    let text = "prometheus.scrape \"misc\" {\n  targets = [\n    {\"__address__\" = \"127.0.0.1:@4321\", \"exporter\" = \"restic\"},";
    let uses = [(4321, "environment.etc.alloy/misc.alloy.text __address__", "alloy.nix", text)];
    assert_eq!(proposals(&uses), ["monitoring.resticExporter=4321"]);
}

#[test]
fn the_address_of_another_host_in_a_list_does_not_name_the_scraper() {
    let text = "static = [\n    \"oak.example.org:@9100\"\n];";
    assert_eq!(proposals(&[(9100, "static", "victoriametrics.nix", text)]), ["monitoring.nodeExporter=9100"]);
}

#[test]
fn the_default_of_an_option_may_be_a_set_of_services() {
    let name = |service: &str| format!("options.services.deployed.defs.default.{service}.port");
    let (wiki, chat, atlas) = (name("wiki"), name("chat"), name("atlas"));
    let uses = [
        (4321, &*wiki, "services.nix", "port = @4321;"),
        (4322, &*chat, "services.nix", "port = @4322;"),
        (4323, &*atlas, "services.nix", "port = @4323;"),
    ];
    let found = proposals(&uses);
    assert!(found.iter().all(|entry| !entry.contains("deployed")), "{found:?}");
}

#[test]
fn a_server_of_a_load_balancer_in_a_text_has_the_name_of_its_service() {
    let text = |service: &str| {
        format!(
            "http:\n  services:\n    {service}:\n      loadBalancer:\n        servers:\n          - url: \"http://127.0.0.1:@4321\"\n"
        )
    };
    let name = "sops.templates.dynamic.yaml.content url";
    assert_eq!(proposals(&[(4321, name, "proxy.nix", &text("wiki"))]), ["services.wiki=4321"]);
    assert_eq!(proposals(&[(4321, name, "proxy.nix", &text("wiki-svc"))]), ["services.wiki=4321"]);
    // A list may have the indentation of its key.
    let level = "services:\n  wiki:\n    loadBalancer:\n      servers:\n      - url: http://127.0.0.1:@4321\n";
    assert_eq!(proposals(&[(4321, name, "proxy.nix", level)]), ["services.wiki=4321"]);
    let weighted = "services:\n  wiki:\n    loadBalancer: # one of two\n      servers:\n        - weight: 1\n          url: http://127.0.0.1:@4321\n";
    assert_eq!(proposals(&[(4321, name, "proxy.nix", weighted)]), ["services.wiki=4321"]);
    let other = "routers:\n  wiki:\n    servers:\n      - url: http://127.0.0.1:@4321\n";
    assert_ne!(proposals(&[(4321, name, "proxy.nix", other)]), ["services.wiki=4321"]);
}

#[test]
fn a_truncated_name_does_not_name_a_server() {
    let name = "sops.templates.dynamic.yaml.content url";
    // The text that is read before the number begins within the name.
    for letters in 380..420 {
        let before = format!("          - url: \"http://10.0.0.1:4000\" # {}\n", "x".repeat(letters));
        let text = format!(
            "http:\n  services:\n    lionking:\n      loadBalancer:\n        servers:\n{before}          - url: \"http://127.0.0.1:@4321\"\n"
        );
        let found = proposals(&[(4321, name, "proxy.nix", &text)]);
        assert!(found == ["services.lionking=4321"] || !found[0].contains("king"), "{letters}: {found:?}");
    }
}

#[test]
fn each_target_of_a_line_has_its_own_label() {
    let name = "environment.etc.alloy/misc.alloy.text __address__";
    let target = |number: &str, job: &str| format!("{{\"__address__\" = \"127.0.0.1:{number}\", \"job\" = \"{job}\"}}");
    let text = format!(
        "prometheus.scrape \"misc\" {{\n  targets = [{}, {}]\n}}",
        target("4000", "lion"),
        target("@4321", "tiger")
    );
    let found = proposals(&[(4321, name, "alloy.nix", &text)]);
    assert!(found[0].contains("tiger"), "{found:?}");
}

#[test]
fn a_firewall_comment_with_a_well_known_service_counts_as_its_listener() {
    let opened =
        (8123, "networking.firewall.allowedTCPPorts", "hosts/oak/default.nix", "[\n  @8123 # Home Assistant\n]");
    let name = "services.traefik.dynamicConfigOptions.http.services.home-assistant.loadBalancer.servers.url";
    let uses = [opened, (8123, name, "traefik.nix", "url = \"http://127.0.0.1:@8123\";")];
    assert_eq!(proposals(&uses), ["home.homeAssistant=8123"]);
    let own = "services.nginx.virtualHosts.wiki.example.org.locations./.proxyPass";
    let uses = [opened, (8123, own, "wiki.nix", "proxyPass = \"https://127.0.0.1:@8123\";")];
    assert_eq!(proposals(&uses), ["home.homeAssistant=8123", "services.wiki=8123"]);
}

#[test]
fn a_virtual_host_with_a_computed_name_is_that_of_the_configured_service() {
    let name = "services.nginx.virtualHosts.?.listen.port";
    let text = |service: &str| format!("services.{service}.enable = true; services.nginx.enable = true; port = @4321;");
    assert_eq!(proposals(&[(4321, name, "money.nix", &text("money-iii"))]), ["services.money=4321"]);
    assert_eq!(proposals(&[(4321, name, "money.nix", &text("wiki"))]), ["infrastructure.nginx=4321"]);
}

#[test]
fn the_usual_ports_of_an_nfs_server_do_not_belong_to_another_service() {
    let text = "services.nfs.server.enable = true; networking.firewall.allowedTCPPorts = [ 2049 @4000 ];";
    let opened = (4000, "networking.firewall.allowedTCPPorts", "hosts/oak/nfs.nix", text);
    let blocky = (4000, "services.blocky.settings.ports.http", "blocky.nix", "http = @4000;");
    assert_eq!(proposals(&[opened]), ["infrastructure.nfsStatd=4000"]);
    assert_eq!(proposals(&[opened, blocky]), ["infrastructure.blocky=4000", "infrastructure.nfsStatd=4000"]);
}

#[test]
fn a_client_program_with_the_host_of_a_server_does_not_listen() {
    let name = "systemd.services.atlas-client.serviceConfig.ExecStart";
    let text = "ExecStart = \"${pkgs.atlas}/bin/atlasclient --host ${server} --port @4321\";";
    let uses = [listener("hosts/oak/atlas.nix"), (4321, name, "hosts/elm/client.nix", text)];
    assert_eq!(proposals(&uses), ["services.atlas=4321"]);
}
