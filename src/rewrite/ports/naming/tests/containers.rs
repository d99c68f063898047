//! The ports of containers.

use super::*;

#[test]
fn the_ends_of_a_mapped_range_have_distinct_names() {
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
fn a_number_on_both_sides_of_a_mapping_belongs_to_neither() {
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
fn names_that_differ_only_by_case_are_one_service() {
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
