//! Names derived from the evidence of uses.

mod aside;
mod clients;
mod commands;
mod containers;
mod fleets;
mod owners;
mod reach;
mod records;
mod services;
mod sites;
mod structure;
mod table;

use super::*;

/// Proposes names for uses. Each use is (number, name, path, text with `@` before the digits).
fn proposals(uses: &[(u32, &str, &str, &str)]) -> Vec<String> {
    let mut names: Vec<String> =
        uses_of(uses).into_iter().map(|(name, number, _)| format!("{name}={number}")).collect();
    names.sort();
    names
}

/// Like [`proposals`]: the name, the number and the uses of each entry.
fn uses_of(uses: &[(u32, &str, &str, &str)]) -> Vec<(String, u32, Vec<usize>)> {
    let texts: Vec<(String, Span)> = uses
        .iter()
        .map(|(number, _, _, text)| {
            // The text may contain another `@`, as in Unbound's `127.0.0.1@5353`.
            let marked = format!("@{number}");
            let at = text.find(&marked).or_else(|| text.find('@')).unwrap_or(0);
            let rest = text[at..].strip_prefix('@').unwrap_or(&text[at..]);
            (format!("{}{rest}", &text[..at]), Span::new(at, at + number.to_string().len()))
        })
        .collect();
    let missing: Vec<Missing<'_>> = uses
        .iter()
        .zip(&texts)
        .map(|(&(number, name, path, _), (text, span))| Missing { number, name, path, text, span: *span })
        .collect();
    let context = Context::of(&missing);
    let proposals = propose(&missing, &context);
    are_assigned(&proposals, &missing, &context);
    let entry = |proposal: &Proposal| {
        let mut uses = proposal.uses.clone();
        uses.sort_unstable();
        (format!("{}.{}", proposal.group, Style::Camel.join(&proposal.name)), proposal.number, uses)
    };
    let mut entries: Vec<(String, u32, Vec<usize>)> = proposals.iter().map(entry).collect();
    entries.sort();
    entries
}

/// Asserts that, with an entry for each proposal, each use gets the entry of its own proposal.
fn are_assigned(proposals: &[Proposal], missing: &[Missing<'_>], context: &Context<'_>) {
    for (number, uses) in by_number(missing) {
        let proposals: Vec<&Proposal> = proposals.iter().filter(|proposal| proposal.number == number).collect();
        let entry = |proposal: &&Proposal| vec![proposal.group.to_owned(), Style::Camel.join(&proposal.name)];
        let entries: Vec<Vec<String>> = proposals.iter().map(entry).collect();
        let names: Vec<&[String]> = entries.iter().map(Vec::as_slice).collect();
        let ports: Vec<Missing<'_>> = uses.iter().map(|&index| missing[index]).collect();
        let own = |index| proposals.iter().position(|proposal| proposal.uses.contains(index));
        for (index, found) in uses.iter().zip(assign(&ports, context, &names)) {
            let own = own(index);
            assert!(
                own.is_none() || found == own,
                "{:?} of {entries:?}, not {found:?}: {:?}",
                own,
                missing[*index].name
            );
        }
    }
}

#[test]
fn a_single_use_names_its_port() {
    for (name, path, text, expected) in [
        ("services.redis.servers.main.port", "modules/cache.nix", "port = @4321;", "databases.redis"),
        (
            "processes.web.command --metrics-port",
            "process-compose.yaml",
            "--metrics-port @4321",
            "development.webMetrics",
        ),
        (
            "services.prometheus.exporters.zfs.port",
            "hosts/nas/configuration.nix",
            "port = @4321;",
            "monitoring.zfsExporter",
        ),
        ("options.blobPort.default", "nix/services/azurite.nix", "default = @4321;", "databases.azuriteBlob"),
        ("options.api.port.default", "nix/services/mailhog.nix", "default = @4321;", "development.mailhogApi"),
        ("options.acme.wiki.adminPort.default", "shared/wiki/options.nix", "default = @4321;", "services.wikiAdmin"),
        (
            "roles.knot.interface.options.port.default",
            "services/tangled/default.nix",
            "default = @4321;",
            "infrastructure.tangledKnot",
        ),
        (
            "config.services.kanidm.serverSettings.ldapbindaddress",
            "modules/kanidm.nix",
            "ldapbindaddress = \"[::]:@4321\";",
            "infrastructure.kanidmLdap",
        ),
        (
            "config.services.pages.environment.WEB_HTTP_ADDR",
            "modules/cloud.nix",
            "WEB_HTTP_ADDR = \"127.0.0.1:@4321\";",
            "services.pagesWeb",
        ),
        (
            "networking.firewall.allowedTCPPorts",
            "hosts/nas/configuration.nix",
            "[\n  @4321 # ts3_ft\n]",
            "messaging.ts3Ft",
        ),
        ("networking.firewall.allowedTCPPorts", "modules/knot.nix", "[ @4321 ]", "infrastructure.knot"),
        ("networking.firewall.allowedUDPPorts", "hosts/nas/configuration.nix", "[ @4321 ]", "unnamed.port4321Udp"),
        (
            "packages.x86_64-linux.x",
            "flake.nix",
            "writeShellScriptBin \"gallery\" \"exec serve --port @4321\"",
            "services.gallery",
        ),
        (
            "devShells.aarch64-darwin.default",
            "flake.nix",
            "writeShellApplication { name = \"preview\"; text = ''\n  exec serve -p @4321\n''",
            "services.preview",
        ),
        // The script ends before the number.
        ("wiki.port", "flake.nix", "writeShellScriptBin \"docs\" \"true\"; wiki.port = @4321;", "services.wiki"),
        ("droidcam-port", "home/obs-studio.nix", "droidcam-port = @4321;", "services.obsStudioDroidcam"),
        (
            "services.nginx.virtualHosts.films.example.org.locations./.proxyPass",
            "hosts/web/nginx.nix",
            "proxyPass = \"http://127.0.0.1:@4321\";",
            "services.films",
        ),
        (
            "networking.firewall.allowedTCPPortRanges.from",
            "modules/voice.nix",
            "{ from = @4321; to = 4400; }",
            "services.voiceFirst",
        ),
        (
            "services.app.environment.OLLAMA_BASE_URL",
            "hosts/gpu/app.nix",
            "OLLAMA_BASE_URL = \"http://127.0.0.1:@4321\";",
            "services.ollama",
        ),
        ("environment.etc.proxy.text", "modules/app.nix", "\"http://atuin-server:@4321\"", "services.atuin"),
        ("services.openssh.ports", "modules/access.nix", "ports = [ @4321 ];", "infrastructure.ssh"),
        ("boot.initrd.network.ssh.port", "config/unlock.nix", "port = @4321;", "infrastructure.sshInitrd"),
        (
            "networking.firewall.allowedTCPPorts",
            "modules/consul.nix",
            "[\n  @4321 # RPC address\n]",
            "infrastructure.consulRpc",
        ),
        (
            "services.prometheus.scrapeConfigs.static_configs.targets",
            "monitoring/exporters/fastly.nix",
            "targets = [ \"127.0.0.1:@4321\" ];",
            "monitoring.fastlyExporter",
        ),
        (
            "services.prometheus.exporters.node.port",
            "common/monitoring.nix",
            "port = @4321;",
            "monitoring.nodeExporter",
        ),
    ] {
        assert_eq!(proposals(&[(4321, name, path, text)]), [format!("{expected}=4321")], "{name} in {path}");
    }
}

#[test]
fn ranges_of_one_service_are_distinguished_by_protocol() {
    let tcp = "networking.firewall.allowedTCPPortRanges.from";
    let udp = "networking.firewall.allowedUDPPortRanges.from";
    assert_eq!(
        proposals(&[
            (4000, tcp, "modules/voice.nix", "{ from = @4000; to = 4100; }"),
            (5000, udp, "modules/voice.nix", "{ from = @5000; to = 5100; }"),
        ]),
        ["services.voiceFirst=4000", "services.voiceFirstUdp=5000"]
    );
}

#[test]
fn ports_of_one_service_have_distinct_names_without_numbers() {
    assert_eq!(
        proposals(&[
            (8096, "services.jellyfin.port", "x.nix", "port = @8096;"),
            (8097, "services.jellyfin.port", "y.nix", "port = @8097;"),
            (8095, "services.jellyfin.metricsPort", "x.nix", "metricsPort = @8095;"),
        ]),
        ["media.jellyfin=8096", "media.jellyfinAlternate=8097", "media.jellyfinMetrics=8095"]
    );
}

#[test]
fn names_follow_a_style() {
    let words: Vec<String> = ["temporal", "ui"].map(str::to_owned).to_vec();
    assert_eq!(Style::Camel.join(&words), "temporalUI");
    assert_eq!(Style::Kebab.join(&words), "temporal-ui");
    assert_eq!(Style::of(["node-exporter", "redis"].into_iter()), Style::Kebab);
    assert_eq!(Style::of(["node_exporter", "redis"].into_iter()), Style::Snake);
    assert_eq!(Style::of(["nodeExporter", "redis"].into_iter()), Style::Camel);
}

#[test]
fn the_text_next_to_a_number_names_it() {
    for (name, path, text, expected) in [
        ("apps.port", "modules/media/default.nix", "apps = [ { name = \"lidarr\"; port = @4321; } ]", "media.lidarr"),
        (
            "services.caddy.proxies.port",
            "hosts/a/configuration.nix",
            "[ { subdomain = \"wiki\"; port = @4321; } ]",
            "services.wiki",
        ),
        // A set that is bound to a name has that name.
        ("services.wiki.port", "modules/x.nix", "wiki = { name = \"Wiki\"; port = @4321; };", "services.wiki"),
        (
            "services.cloudflared.tunnels.?.ingress.memos.example.org",
            "modules/cloudflared.nix",
            "\"memos.example.org\" = \"http://127.0.0.1:@4321\";",
            "services.memos",
        ),
        (
            "services.nginx.appendHttpConfig",
            "modules/nginx.nix",
            "map $host $to {\n  page-editor.example.org 'http://127.0.0.1:@4321';",
            "services.pageEditor",
        ),
        (
            "services.nginx.appendHttpConfig",
            "modules/nginx.nix",
            "  script.shop.example.org 'http://127.0.0.1:@4321';",
            "services.shopScript",
        ),
        (
            "services.nginx.streamConfig",
            "modules/nginx.nix",
            "${realitySniHost} 127.0.0.1:@4321;",
            "services.realitySni",
        ),
        ("port", "modules/homepage.nix", "{ Chat = { href = url @4321; }; }", "services.chat"),
        ("routes.wiki.port", "traefik-routes.nix", "wiki = { port = @4321; };", "services.wiki"),
        ("network.ports.ankiSync", "libraries/constants.nix", "ankiSync = @4321;", "services.ankiSync"),
        ("initialPorts.query", "instances/arma.nix", "query = @4321;", "services.armaQuery"),
        (
            "services.opengist.environment.OG_SSH_PORT",
            "modules/opengist.nix",
            "OG_SSH_PORT = @4321;",
            "services.opengistSsh",
        ),
        ("jobs.quality.steps.run", ".github/workflows/ci.yml", "curl http://127.0.0.1:@4321/", "unnamed.port4321Tcp"),
        (
            "virtualisation.oci-containers.containers.13ft.ports",
            "modules/proxy.nix",
            "\"@4321:5000\"",
            "services.thirteenFt",
        ),
        (
            "networking.firewall.allowedTCPPorts",
            "modules/kodi/default.nix",
            "[\n  @4321 # JSON-RPC\n]",
            "services.kodiRpc",
        ),
        (
            "networking.firewall.allowedUDPPorts",
            "modules/kodi/default.nix",
            "[\n  # HomeKit Bridge. It finds the first free port,\n  # which was this one.\n  @4321\n]",
            "home.homekitBridge",
        ),
    ] {
        assert_eq!(proposals(&[(4321, name, path, text)]), [format!("{expected}=4321")], "{name} in {path}");
    }
}

#[test]
fn sets_of_several_services_are_not_services() {
    let path = "traefik-routes.nix";
    assert_eq!(
        proposals(&[
            (4001, "routes.wiki.port", path, "wiki.port = @4001;"),
            (4002, "routes.chat.port", path, "chat.port = @4002;"),
            (4003, "routes.shop.port", path, "shop.port = @4003;"),
        ]),
        ["services.chat=4002", "services.shop=4003", "services.wiki=4001"]
    );
    // `oci` is a folder with one module per service.
    assert_eq!(
        proposals(&[
            (4001, "options.services.oci.wiki.port.default", "options/services/oci/wiki.nix", "default = @4001;"),
            (4002, "services.oci.chat.port", "hosts/a/default.nix", "port = @4002;"),
        ]),
        ["services.chat=4002", "services.wiki=4001"]
    );
    // Machines are not services.
    assert_eq!(
        proposals(&[
            (4001, "servers.web1.port", "modules/shared.nix", "web1 = { port = @4001; };"),
            (4001, "services.openssh.ports", "hosts/web1/default.nix", "ports = [ @4001 ];"),
        ]),
        ["infrastructure.ssh=4001"]
    );
}

const MANIFEST: &str = "kind: Deployment
metadata:
  name: shop
spec:
  containers:
    - name: checkout
      ports:
";

#[test]
fn manifests_name_containers_and_objects() {
    let port = "spec.template.spec.containers.ports.containerPort";
    let checkout = |rest: &str| format!("{MANIFEST}{rest}");
    let http = checkout("        - { name: http, containerPort: @4321 }\n");
    let metrics = checkout("        - name: metrics\n          containerPort: @4322\n");
    assert_eq!(
        proposals(&[(4321, port, "k8s/shop.yaml", &http), (4322, port, "k8s/shop.yaml", &metrics)]),
        ["services.checkout=4321", "services.checkoutMetrics=4322"]
    );
    let service = "kind: Service\nmetadata: { name: shop }\nspec:\n  ports:\n    - port: @4321\n";
    let variable = "kind: Pod\nmetadata:\n  name: shop\nspec:\n  env:\n    - name: CACHE_URL\n      value: http://127.0.0.1:@4322\n";
    assert_eq!(
        proposals(&[
            (4321, "spec.ports.port", "k8s/shop.yaml", service),
            (4322, "spec.containers.env.value", "k8s/shop.yaml", variable),
        ]),
        ["services.cache=4322", "services.shop=4321"]
    );
}

#[test]
fn network_policies_and_routes_name_their_app() {
    let policy = |app: &str| {
        format!(
            "kind: NetworkPolicy\nmetadata:\n  name: allow-{app}-ingress\nspec:\n  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: {app}\n  ingress:\n    - ports:\n        - port: @4321\n"
        )
    };
    let (wiki, chat) = (policy("wiki"), policy("chat"));
    let (option, path) = ("spec.ingress.ports.port", "apps/llm/networkpolicies.yaml");
    assert_eq!(
        proposals(&[(4321, option, path, &wiki), (4321, option, path, &chat)]),
        ["services.chat=4321", "services.wiki=4321"]
    );
    let egress = "kind: NetworkPolicy\nmetadata:\n  name: x\nspec:\n  podSelector:\n    matchLabels:\n      app: wiki\n  egress:\n    - to:\n        - podSelector:\n            matchLabels:\n              app: chat\n      ports:\n        - port: @4321\n";
    assert_eq!(proposals(&[(4321, "spec.egress.ports.port", path, egress)]), ["services.chat=4321"]);
    // A client does not listen, but gives its name to a port that nothing else names. A proxy is the app of its own
    // policy.
    let open = "kind: NetworkPolicy\nmetadata:\n  name: x\nspec:\n  podSelector:\n    matchLabels:\n      app: cloudflared\n  egress:\n    - to:\n        - ipBlock:\n            cidr: 0.0.0.0/0\n      ports:\n        - port: @";
    let edge = "spec.egress.ports.port";
    assert_eq!(proposals(&[(7844, edge, path, &format!("{open}7844\n"))]), ["services.cloudflared=7844"]);
    assert_eq!(proposals(&[(6443, edge, path, &format!("{open}6443\n"))]), ["infrastructure.kubernetesApi=6443"]);
    let traefik = policy("traefik");
    assert_eq!(proposals(&[(4321, option, path, &traefik)]), ["infrastructure.traefik=4321"]);
    let route = "kind: IngressRoute\nmetadata:\n  name: edge\nspec:\n  routes:\n    - services:\n        - name: wiki\n          port: @4321\n";
    assert_eq!(proposals(&[(4321, "spec.routes.services.port", "apps/ingress.yaml", route)]), ["services.wiki=4321"]);
    let operator = "kind: Deployment\nmetadata:\n  name: tide-controller\nspec:\n  containers:\n    - name: manager\n      ports:\n        - containerPort: @4321\n";
    let option = "spec.containers.ports.containerPort";
    assert_eq!(proposals(&[(4321, option, "apps/tide.yaml", operator)]), ["services.tideController=4321"]);
}

#[test]
fn different_numbers_of_one_service_have_different_names() {
    let ports = "virtualisation.oci-containers.containers.wiki.ports";
    let option = "options.mihomo.port.default";
    let opened = "networking.firewall.allowedTCPPorts";
    for (uses, expected) in [
        (
            vec![(4001, ports, "a.nix", "\"@4001:4000\""), (4000, ports, "a.nix", "\"4001:@4000\"")],
            vec!["services.wiki=4001", "services.wikiContainer=4000"],
        ),
        (
            vec![
                (4000, option, "modules/mihomo.nix", "default = @4000;"),
                (4001, "mihomo.port", "hosts/work/default.nix", "port = @4001;"),
            ],
            vec!["services.mihomo=4001", "services.mihomoDefault=4000"],
        ),
        // The configuration of a virtual machine and the default of the option
        (
            vec![
                (4001, "options.wiki.port.default", "modules/wiki.nix", "default = @4001;"),
                (4002, "wiki.port", "vms/registry.nix", "port = @4002;"),
            ],
            vec!["services.wiki=4002", "services.wikiDefault=4001"],
        ),
        (
            vec![
                (4001, "shopConf.port", "modules/shop-and-pay.nix", "port = @4001;"),
                (4002, "sapConf Port", "modules/shop-and-pay.nix", "Port=@4002"),
            ],
            vec!["services.shopAndPay=4001", "services.shopAndPayAlternate=4002"],
        ),
        (
            vec![
                (4001, "services.arma.servers.Creative.port", "a.nix", "port = @4001;"),
                (4002, "services.arma.servers.Survival.port", "a.nix", "port = @4002;"),
            ],
            vec!["services.armaCreative=4001", "services.armaSurvival=4002"],
        ),
        (
            vec![
                (4001, opened, "modules/wiki.nix", "[ @4001 4002 4003 ]"),
                (4002, opened, "modules/wiki.nix", "[ 4001 @4002 4003 ]"),
                (4003, opened, "modules/wiki.nix", "[ 4001 4002 @4003 ]"),
            ],
            vec!["unnamed.wikiPort4001Tcp=4001", "unnamed.wikiPort4002Tcp=4002", "unnamed.wikiPort4003Tcp=4003"],
        ),
    ] {
        assert_eq!(proposals(&uses), expected);
    }
}

/// Asserts that uses of one number get one entry.
fn are_one(uses: &[(u32, &str, &str, &str)], expected: &str) {
    assert_eq!(proposals(uses), [expected], "{uses:?}");
}

#[test]
fn range_words_name_the_bounds_of_a_range() {
    are_one(
        &[(4321, "apps.memo.proxyTo", "modules/sites.nix", "proxyTo = \"http://127.0.0.1:@4321\";")],
        "services.memo=4321",
    );
    let ends = [
        (4400, "services.phone.rtpPortMin", "modules/phone.nix", "rtpPortMin = @4400;"),
        (4500, "services.phone.rtpPortMax", "modules/phone.nix", "rtpPortMax = @4500;"),
        (5400, "services.relay.min-port", "modules/relay.nix", "min-port = @5400;"),
        (5500, "services.relay.max-port", "modules/relay.nix", "max-port = @5500;"),
        (6400, "services.film.range.start", "modules/film.nix", "range = { start = @6400; };"),
    ];
    assert_eq!(
        proposals(&ends),
        [
            "services.film=6400",
            "services.phoneRtpFirst=4400",
            "services.phoneRtpLast=4500",
            "services.relayFirst=5400",
            "services.relayLast=5500"
        ]
    );
}

#[test]
fn machine_names_are_not_part_of_a_name() {
    // The value on a machine takes precedence over the default of the module.
    let option = [
        (4000, "options.modules.services.recipes.port.default", "modules/recipes.nix", "default = @4000;"),
        (4100, "modules.services.recipes.port", "hosts/oak/recipes.nix", "port = @4100;"),
    ];
    assert_eq!(proposals(&option), ["services.recipes=4100", "services.recipesDefault=4000"]);
    let path = "hosts/elm/containers/flows.nix";
    let ports = "virtualisation.oci-containers.containers.flows.ports";
    let label =
        "virtualisation.oci-containers.containers.flows.labels.traefik.http.services.flows.loadbalancer.server.port";
    let container = [
        (2525, ports, path, "[ \"@2525\" ]"),
        (8000, ports, path, "[ \"@8000\" ]"),
        (8000, label, path, "\"traefik.http.services.flows.loadbalancer.server.port\" = \"@8000\";"),
    ];
    assert_eq!(proposals(&container), ["services.flows=8000", "services.flowsSmtp=2525"]);
}

#[test]
fn structural_words_do_not_name_a_service() {
    for (name, path, text, expected) in [
        ("links.seeder.port", "modules/seeding.nix", "seeder = { port = @4321; };", "services.seeder"),
        ("links.directory-secure.port", "modules/directory.nix", "port = @4321;", "services.directorySecure"),
        ("listeners.internal.binds.port", "modules/tokens.nix", "binds = [ { port = @4321; } ];", "services.tokens"),
        (
            "devShells.default.shellHook",
            "flake.nix",
            "shellHook = \"echo http://127.0.0.1:@4321\";",
            "unnamed.port4321Tcp",
        ),
        ("postPatch", "packages/actual/package.nix", "postPatch = \"--set 'port: @4321'\";", "services.actual"),
        // The name next to the number belongs to a machine.
        (
            "pools",
            "modules/balancer.nix",
            "[ { name = \"oak-1\"; host = \"oak-1.example.org\"; port = @4321; } ]",
            "services.balancerPools",
        ),
        ("monitoring.url", "monitoring.nix", "url = \"http://127.0.0.1:@4321\";", "unnamed.port4321Tcp"),
    ] {
        assert_eq!(proposals(&[(4321, name, path, text)]), [format!("{expected}=4321")], "{name} {path}");
    }
}

#[test]
fn the_main_port_of_a_service_has_the_name_of_the_service() {
    let parts = [
        (563, "services.loader.settings.servers.east.port", "modules/loader.nix", "port = @563;"),
        (5056, "services.tracker.settings.phone.port", "modules/tracker.nix", "port = @5056;"),
        (7191, "listenPort", "modules/tracker.nix", "listenPort = @7191;"),
    ];
    assert_eq!(proposals(&parts), ["messaging.nntps=563", "services.tracker=7191", "services.trackerPhone=5056"]);
}

#[test]
fn a_service_is_in_one_group() {
    let uses = [
        (4321, "services.worker.ports", "docker-compose.yml", "ports: [\"@4321:80\"]"),
        (4322, "services.worker.port", "modules/worker.nix", "port = @4322;"),
        (4323, "services.nextcloud.port", "modules/cloud.nix", "port = @4323;"),
        (4324, "services.pager.apiPort", "modules/pager.nix", "apiPort = @4324;"),
        (4325, "services.home-gallery.port", "modules/pictures.nix", "port = @4325;"),
    ];
    let found = proposals(&uses);
    let groups: Vec<&str> = found.iter().filter_map(|name| name.split('.').next()).collect();
    assert_eq!(groups, ["development", "development", "services", "services", "services"], "{found:?}");
}
