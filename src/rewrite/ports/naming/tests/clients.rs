//! What clients say about the service that they connect to.

use super::*;

#[test]
fn virtual_hosts_outweigh_a_file_that_has_several() {
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
fn a_scrape_job_may_be_partly_computed() {
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
