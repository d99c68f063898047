//! Names from commands, from SSH clients, and from texts that programs read.

use super::*;

#[test]
fn abbreviations_name_the_ports_of_their_commands() {
    for (name, text, expected) in [
        ("programs.fish.shellAbbrs.webshare", "webshare = \"python -m http.server @4321\";", "services.webshare"),
        ("home.shellAliases.px", "px = \"ssh -L @4321:localhost:80 web1\";", "services.pxForward"),
        ("home.shellAliases.lab", "lab = \"ssh -p @4321 root@localhost\";", "infrastructure.labSsh"),
    ] {
        assert_eq!(proposals(&[(4321, name, "home/fish.nix", text)]), [format!("{expected}=4321")], "{name}");
    }
}

#[test]
fn a_command_names_the_container_that_it_runs() {
    let name = "systemd.services.notes-complete.serviceConfig.ExecStart -p";
    for command in ["--name notes-remote -p @8090:8080 notes", "-p @8090:8080 \\\n  --name=notes-remote notes"] {
        let text = format!("ExecStart = \"podman run -d {command}\";");
        let inside = text.replace("@8090:8080", "8090:@8080");
        let uses = [(8090, name, "notes.nix", &*text), (8080, name, "notes.nix", &*inside)];
        let expected = ["services.notesRemote=8090", "services.notesRemoteContainer=8080"];
        assert_eq!(proposals(&uses), expected.map(str::to_owned), "{command}");
    }
}

#[test]
fn ssh_clients_refer_to_the_server() {
    let name = "programs.ssh.matchBlocks.localgit.port";
    let client = (4321, name, "home/terminal.nix", "port = @4321;");
    assert_eq!(proposals(&[client]), ["infrastructure.localgitSsh=4321"]);
    let server = (4321, "services.soft-serve.settings.port", "git.nix", "port = @4321;");
    assert_eq!(proposals(&[client, server]), ["services.softServe=4321"]);
    let settings = (4321, "programs.ssh.settings.orb.Port", "home/ssh.nix", "Port = @4321;");
    assert_eq!(proposals(&[settings]), ["infrastructure.orbSsh=4321"]);
}

#[test]
fn an_ssh_client_does_not_reach_a_website() {
    let uses = [
        (2200, "programs.ssh.matchBlocks.*.port", "home.nix", "port = @2200;"),
        (2203, "programs.ssh.matchBlocks.nas.port", "home.nix", "port = @2203;"),
        (2203, "services.openssh.ports", "hosts.nix", "ports = [ @2203 ];"),
    ];
    assert_eq!(proposals(&uses), ["infrastructure.ssh=2203", "unnamed.sshPort2200Tcp=2200"]);
}

#[test]
fn the_ssh_server_of_the_machine_is_named_ssh() {
    let list = "networking.firewall.allowedTCPPorts";
    let uses = [
        (22, "services.endlessh-go.port", "x.nix", "port = @22;"),
        (22, list, "x.nix", "[ @22 ]"),
        (6000, "services.openssh.ports", "y.nix", "ports = [ @6000 ];"),
        (2222, "containers.i2p-container.config.services.openssh.ports", "z.nix", "ports = [ @2222 ];"),
        (2222, "containers.i2p-container.config.networking.firewall.allowedTCPPorts", "z.nix", "[\n  @2222 # ssh\n]"),
    ];
    assert_eq!(proposals(&uses), ["infrastructure.i2pSsh=2222", "infrastructure.ssh=6000", "services.endlesshGo=22"]);
    let initrd = (2222, "boot.initrd.network.ssh.port", "unlock.nix", "port = @2222;");
    assert_eq!(proposals(&[initrd]), ["infrastructure.sshInitrd=2222"]);
}

#[test]
fn the_word_alternate_is_added_to_a_name_only_once() {
    let uses = [
        (2222, "services.openssh.ports", "hosts/web1/a.nix", "ports = [ @2222 ];"),
        (4321, "services.ssh-alternate.port", "hosts/web2/a.nix", "port = @4321;"),
        (4322, "services.ssh-alternate.port", "hosts/web3/a.nix", "port = @4322;"),
    ];
    let expected =
        ["infrastructure.ssh=2222", "infrastructure.sshAlternate=4321", "infrastructure.sshAlternateWeb3=4322"];
    assert_eq!(proposals(&uses), expected);
}

#[test]
fn the_lines_above_a_number_may_name_its_usual_service() {
    let text = "content = ''\n  [power switch]\n  type: homeassistant\n  address: 127.0.0.1\n  port: @8123\n'';";
    let client = (8123, "sops.templates.gantry_power.conf.content port", "gantry.nix", text);
    let server = (8123, "services.home-assistant.config.http.server_port", "ha.nix", "server_port = @8123;");
    assert_eq!(proposals(&[client, server]), ["home.homeAssistant=8123"]);
    let rtmp = "appendConfig = ''\n  rtmp {\n    server {\n      listen @1935;\n    }\n  }\n'';";
    assert_eq!(proposals(&[(1935, "services.nginx.appendConfig listen", "stream.nix", rtmp)]), ["media.rtmp=1935"]);
}

#[test]
fn other_elements_sentences_and_paths_do_not_name_a_number() {
    let links = "text = ''\n  - title: Grafana\n    url: http://10.0.0.1:3301\n  - title: Reels\n    url: http://10.0.0.1:@3000\n'';";
    let listener = (3000, "services.reels.port", "server.nix", "port = @3000;");
    let link = (3000, "environment.etc.glance.yml.text url", "dash.nix", links);
    assert_eq!(proposals(&[link, listener]), ["services.reels=3000"]);
    for (number, file, lines) in
        [(8123, "gallery", "root = /home/gallery"), (3000, "reels", "name = \"grafana is not used here\"")]
    {
        let name = format!("environment.etc.{file}.conf.text listen_port");
        let text = format!("text = ''\n  {lines}\n  listen_port = @{number}\n'';");
        let path = format!("{file}.nix");
        assert_eq!(proposals(&[(number, &name, &path, &text)]), [format!("services.{file}={number}")], "{lines}");
    }
    let balancer = "text = ''\n  backend home\n    server s3 10.0.0.2:4444\n  backend clickhouse\n    server s4 10.0.0.2:@8123\n'';";
    let found = proposals(&[(8123, "environment.etc.haproxy.cfg.text server", "haproxy.nix", balancer)]);
    assert_eq!(found, ["databases.clickhouseHttp=8123"]);
}

#[test]
fn only_the_name_flag_of_podman_run_names_the_container() {
    let name = "systemd.services.gallery.serviceConfig.ExecStart";
    for (command, number, expected) in [
        ("-p @4321:4322 --namespace prod gallery", 4321, "services.gallery=4321"),
        ("-p @4321:4322 gallery --name=prod", 4321, "services.gallery=4321"),
        ("-p @4321:4322 -d --network host --name=chat-box chat", 4321, "services.chatBox=4321"),
    ] {
        let text = format!("ExecStart = \"podman run {command}\";");
        assert_eq!(proposals(&[(number, name, "gallery.nix", &*text)]), [expected], "{command}");
    }
    // A variable of the container has the port of another service.
    let text = "ExecStart = \"podman run --name chat-box -e DB_HOST=db:@4567 chat\";";
    let found = proposals(&[(4567, name, "gallery.nix", text)]);
    assert!(!found[0].contains("chatBox"), "{found:?}");
}

#[test]
fn a_script_may_write_a_caddy_configuration() {
    let name = "systemd.services.herald-bootstrap.script";
    let text = "cat > Caddyfile << EOF\n{\n  admin localhost:@2020\n}\n:4480 {\n}\nEOF";
    let site = text.replace('@', "").replace(":4480", ":@4480");
    let uses = [(2020, name, "herald.nix", text), (4480, name, "herald.nix", &*site)];
    assert_eq!(proposals(&uses), ["infrastructure.heraldCaddy=4480", "infrastructure.heraldCaddyAdmin=2020"]);
}

#[test]
fn a_scrape_job_in_yaml_names_its_target() {
    let text = "- job_name: 'cadvisor'\n  static_configs:\n    - targets: ['127.0.0.1:@8080']";
    let uses = [(8080, "prometheusConfig", "monitoring.nix", text)];
    assert_eq!(proposals(&uses), ["monitoring.cadvisor=8080"]);
}

#[test]
fn the_title_of_a_link_to_a_machine_does_not_name_its_service() {
    let link = "{ title = \"web1 services\"; url = \"http://${hosts.web1.address}:@4321/\"; }";
    let name = "pages.sites.url";
    let dashboard = (4321, "services.dash.port", "dash.nix", "port = @4321;");
    assert_eq!(proposals(&[(4321, name, "pages.nix", link), dashboard]), ["services.dash=4321"]);
}

#[test]
fn ssh_clients_distinguish_servers() {
    let client = |name: &str| format!("programs.ssh.matchBlocks.{name}.port");
    let (juniper, aspen) = (client("juniper"), client("aspen"));
    let uses = [
        (22, "services.openssh.ports", "ssh.nix", "ports = [ @22 ];"),
        (4321, "fleet.juniper.sshPort", "vars/default.nix", "sshPort = @4321;"),
        (4322, "fleet.aspen.sshPort", "vars/default.nix", "sshPort = @4322;"),
        (4321, &*juniper, "home/ssh.nix", "port = @4321;"),
        (4322, &*aspen, "home/ssh.nix", "port = @4322;"),
    ];
    let expected = ["infrastructure.ssh=22", "services.fleetAspenSsh=4322", "services.fleetSsh=4321"];
    assert_eq!(proposals(&uses), expected);
}

#[test]
fn routes_of_a_tunnel_name_the_services_behind_it() {
    let path = "services/tailscale-serve.nix";
    let text = "routes = {\n  gallery = \"http://127.0.0.1:@4321\";\n};";
    assert_eq!(proposals(&[(4321, "routes.gallery", path, text)]), ["services.gallery=4321"]);
    // A generic name does not identify a service, and the address of a site belongs to the file's service.
    let route = (8080, "routes.home", path, "home = \"http://127.0.0.1:@8080\";");
    let site = (8080, "services.caddy.virtualHosts", "services/homepage/default.nix", "virtualHosts.\":@8080\" = {");
    assert_eq!(proposals(&[route, site]), ["services.homepage=8080"]);
}

#[test]
fn the_path_of_a_url_is_not_a_protocol() {
    let text = "url: http://127.0.0.1:@7125/printer/info";
    let path = "roles/printer/tasks/moonraker.yml";
    assert_eq!(proposals(&[(7125, "uri.url", path, text)]), ["services.moonraker=7125"]);
}

#[test]
fn a_local_client_may_name_another_well_known_service() {
    let uses = [
        (8989, "services.headscale.port", "headscale.nix", "port = @8989;"),
        (8989, "target", "nginx.nix", "\"sonarr.example.org\" = host \"sonarr\" @8989;"),
    ];
    assert_eq!(proposals(&uses), ["infrastructure.headscale=8989", "media.sonarr=8989"]);
}

#[test]
fn an_unusual_ssh_port_does_not_take_the_name_of_the_usual_one() {
    let uses = [
        (22, "networking.firewall.allowedTCPPorts", "a.nix", "[ @22 ]"),
        (6969, "services.openssh.ports", "a.nix", "ports = [ @6969 ];"),
    ];
    assert_eq!(proposals(&uses), ["infrastructure.ssh=22", "infrastructure.sshAlternate=6969"]);
}
