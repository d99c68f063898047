//! Uses in tests, which name a port only if nothing else does.

use super::*;

#[test]
fn a_test_does_not_name_the_port_of_a_service() {
    let service = (8080, "services.wiki.port", "hosts/web1/wiki.nix", "port = @8080;");
    for (name, path, text) in [
        ("nodes.machine.acme.routes.alpha.port", "tests/routes.nix", "port = @8080;"),
        ("validTopology.proxies.app", "tests/eval/topology.nix", "app = \"host1:@8080\";"),
        ("nodes.pi.systemd.services.mock-backend.script", "checks/smoke.nix", "python3 -m http.server @8080"),
        ("testScript", "packages/site/default.nix", "machine.wait_for_open_port(@8080)"),
        ("expected.alpha.port", "modules/routes-test.nix", "port = @8080;"),
    ] {
        assert_eq!(proposals(&[service, (8080, name, path, text)]), ["services.wiki=8080"], "{name}");
    }
}

#[test]
fn a_test_gets_the_entry_of_the_service_that_it_is_about() {
    let uses = [
        (8080, "services.wiki.port", "hosts/web1/wiki.nix", "port = @8080;"),
        (8080, "services.forge.port", "hosts/web2/forge.nix", "port = @8080;"),
        (8080, "nodes.machine.services.forge.port", "tests/forge.nix", "port = @8080;"),
        (8080, "nodes.machine.services.made-up.port", "tests/routes.nix", "port = @8080;"),
    ];
    assert_eq!(
        uses_of(&uses),
        [("services.forge".to_owned(), 8080, vec![1, 2]), ("services.wiki".to_owned(), 8080, vec![0]),]
    );
}

#[test]
fn a_test_names_a_port_that_nothing_else_names() {
    let test = (4321, "nodes.machine.services.wiki.port", "tests/wiki.nix", "port = @4321;");
    let opened = (4321, "networking.firewall.allowedTCPPorts", "hosts/web1/configuration.nix", "[ 80 @4321 ]");
    assert_eq!(proposals(&[test]), ["services.wiki=4321"]);
    assert_eq!(proposals(&[test, opened]), ["services.wiki=4321"]);
}
