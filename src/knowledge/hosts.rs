//! Host names: where a repository names its own hosts, and which names are not evidence.
//!
//! Sources: NixOS, nix-darwin and Colmena options, RFC 6761, RFC 6762 and RFC 8375 for private names, the public
//! suffix list and the documentation of hosting providers for shared ones.

/// The addresses of cloud providers' metadata services, in link-local and private ranges.
pub const METADATA: [&str; 3] = ["169.254.169.254", "169.254.170.2", "fd00:ec2::254"];

/// Attribute names and other words with which a repository names its machines and sites and assigns addresses. A file
/// without any of them does not name one of its hosts.
pub const NAMING: [&str; 38] = [
    "hostName",
    "domain",
    "fqdn",
    "targetHost",
    "serverName",
    "baseDomain",
    "server_name",
    "virtualHosts",
    "vhosts",
    "nixosConfigurations",
    "darwinConfigurations",
    "colmena",
    "nodes",
    "certs",
    "interfaces",
    "networkConfig",
    "networks",
    "addresses",
    "ip4",
    "ip6",
    "ipv4",
    "ipv6",
    "AAAA",
    "endpoint",
    "subdomains",
    "publicIP",
    "publicIp",
    "hostAddress",
    "localAddress",
    "IN A",
    "addr add",
    "address add",
    "SOA",
    "networking.hosts",
    "extraHosts",
    // Functions and settings of DNS servers.
    "writeZone",
    "customDNS",
    "dnsmasq",
];

/// Sets whose attribute names are the repository's sites.
pub const SITES: [&str; 3] = ["virtualHosts", "vhosts", "certs"];

/// Sets whose attribute names are the repository's machines.
pub const MACHINES: [&str; 5] = ["nixosConfigurations", "darwinConfigurations", "colmena", "colmenaHive", "nodes"];

/// Top-level names used only in private networks, and services that give every host a name.
pub const PRIVATE: [&str; 16] = [
    "localhost",
    "local",
    "lan",
    "internal",
    "intranet",
    "home",
    "localdomain",
    "home.arpa",
    "ts.net",
    "test",
    "cluster.local",
    "svc",
    "localnet",
    // The DNS domain of podman's networks.
    "dns.podman",
    // Public names that resolve to 127.0.0.1.
    "localtest.me",
    "lvh.me",
];

/// Domains under which anyone can register names: one of the repository's names there implies nothing about other names
/// under the domain.
pub const SHARED: [&str; 46] = [
    "github.io",
    "gitlab.io",
    "pages.dev",
    "workers.dev",
    "vercel.app",
    "netlify.app",
    "herokuapp.com",
    "duckdns.org",
    "dyndns.org",
    "ddns.net",
    "no-ip.org",
    "amazonaws.com",
    "azurewebsites.net",
    "cloudfront.net",
    "appspot.com",
    "fly.dev",
    "onrender.com",
    "ngrok.io",
    "ngrok.app",
    "your-server.de",
    "your-storagebox.de",
    "dynv6.net",
    "eu.org",
    "dedyn.io",
    "hopto.org",
    "zapto.org",
    "mooo.com",
    "freeddns.org",
    "co.uk",
    "ac.uk",
    "org.uk",
    "me.uk",
    "gov.uk",
    "com.au",
    "net.au",
    "org.au",
    "edu.au",
    "co.nz",
    "co.za",
    "co.in",
    "co.kr",
    "co.jp",
    "ac.jp",
    "ne.jp",
    "com.br",
    "com.cn",
];

/// Final words of names whose value is a host. `domain` is not included: a domain is the name under which something is
/// served, rather than the machine on which it runs.
pub const WORDS: [&str; 13] = [
    "host",
    "hostname",
    "address",
    "addr",
    "server",
    "ip",
    "fqdn",
    "relay",
    "endpoint",
    "smarthost",
    "remote",
    "dest",
    "destination",
];
