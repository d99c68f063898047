//! Words and numbers in text that show whether a number is a port.
//!
//! Sources: names of options and variables in nixpkgs and in public infrastructure repositories, and the manual page of
//! each program.

/// Names in a set of ports whose values are not ports, including settings of a switch's ports: `ports.sfp1.vlan = 200`.
#[rustfmt::skip]
pub const NOT_PORTS: [&str; 34] = [
    "count", "max", "min", "timeout", "priority", "weight", "enable", "mode", "uid", "gid", "vlan", "vlans", "pvid", "vid",
    "trunk", "trunks", "tagged", "untagged", "native", "mtu", "speed", "index", "id", "bridge", "lanes", "poe", "channel",
    "retries", "interval", "delay", "ttl", "limit", "replicas", "workers",
];

/// The maximum number of connectors on a virtual machine's bus. QEMU and libvirt call them ports.
pub const BUS_CONNECTORS: u32 = 255;

/// Last words of names that refer to the machine at the other end of a connection.
#[rustfmt::skip]
pub const OTHER_SIDE: &[&str] = &[
    "backend", "backends", "endpoint", "forwarder", "forwarders", "gateway", "origin", "peer", "peers", "proxy", "relay",
    "remote", "server", "servers", "target", "targets", "upstream", "upstreams",
];

/// Words that form one word with a following "port", without a capital or a separator. A closed list, because most
/// words with this ending are not about ports: support, export, transport, passport. Sorted.
#[rustfmt::skip]
pub const PREFIXES: &[&str] = &[
    "admin", "agent", "alt", "amqp", "api", "app", "backend", "base", "beast", "bind", "broker", "cache", "client", "cluster",
    "coap", "console", "container", "control", "d", "daemon", "dashboard", "data", "database", "db", "debug", "derp",
    "dest", "dns", "dst", "exposed", "external", "forward", "frontend", "ftp", "gateway", "gossip", "graphql",
    "grpc", "grpcs", "gui", "health", "host", "http", "https", "imap", "imaps", "inner", "internal", "jmx", "kafka", "l",
    "ldap", "ldaps", "listen", "listener", "local", "mail", "main", "management", "manual", "master", "metric", "metrics", "mlat",
    "mongo", "mqtt", "mqtts", "mysql", "nat", "nfs", "node", "ntp", "or", "outer", "p2p", "peer", "pg", "pop3",
    "postgres", "private", "prometheus", "proxy", "public", "publish", "published", "query", "r", "raft", "rcon",
    "rdp", "redis", "relay", "remote", "rest", "rfb", "rpc", "rtmp", "rtsp", "s", "sasl", "server", "service", "sftp",
    "sip", "slave", "smtp", "smtps", "smtpserver", "snmp", "socket", "socks", "source", "src", "ssh", "sshd", "ssl", "start",
    "stats", "status", "stun", "stuns", "syslog", "target", "tcp", "telnet", "tftp", "tls", "to", "tor", "tunnel",
    "turn", "udp", "ui", "upstream", "vnc", "web", "webserver", "webui", "wg", "ws", "wss", "xmpp",
];

/// Ports so well known that `name:PORT` is an address without further evidence; other numbers may be tags (`redis:7`)
/// or codes (`mouse:272`).
pub const CLEAR: &[u32] = &[
    80, 443, 1883, 2181, 2379, 3000, 3306, 4222, 4317, 4318, 5000, 5432, 5672, 6379, 8000, 8080, 8081, 8086, 8428,
    8443, 8500, 8888, 9000, 9090, 9092, 9093, 9100, 9200, 11211, 15672, 27017,
];

/// Words before the colon of a flake reference, a package name, or a workspace of a window manager (`name:3`).
#[rustfmt::skip]
pub const REFERENCES: &[&str] = &[
    "github", "gitlab", "sourcehut", "path", "flake", "nixpkgs", "npm", "pypi", "hydra", "issue", "mouse", "code",
    "name", "workspace", "special", "update", "literal",
];

/// tmux and its commands whose targets are windows: `:2`.
#[rustfmt::skip]
pub const TMUX: &[&str] = &[
    "tmux", "select-window", "move-window", "swap-window", "kill-window", "link-window", "new-window", "join-pane",
    "move-pane", "swap-pane", "select-pane", "send-keys",
];

/// Programs and their short flags for a port.
#[rustfmt::skip]
pub const PROGRAMS: &[(&str, &[&str])] = &[
    ("-p", &[
        "anvil", "autossh", "beanstalkd", "check-ports.rb", "check_clamd", "check_curl", "check_dig", "check_ftp",
        "check_http", "check_imap", "check_jabber", "check_ldap", "check_ldaps", "check_nntp", "check_ntp_peer",
        "check_ntp_time", "check_pop", "check_simap", "check_smtp", "check_spop", "check_ssh", "check_ssmtp",
        "check_tcp", "check_udp", "clusterdb", "createdb", "createuser", "darkhttpd", "darkstat", "deluge-web",
        "deluged", "delv", "dig", "dnsmasq", "docker-proxy", "docusaurus", "dropbear", "dropdb", "flask", "gatsby",
        "gerbera", "hping3", "http-server", "httpd", "hugo", "hydra-server", "iodined", "iperf", "iperf3", "jekyll",
        "json-server", "kdig", "keydb-cli", "keydb-server", "ldapadd", "ldapmodify", "ldapsearch", "live-server",
        "mdbook", "memcached", "microsocks", "mini_httpd", "minidlnad", "miniserve", "mosh", "mosquitto",
        "mosquitto_pub", "mosquitto_rr", "mosquitto_sub", "mpc", "nats-server", "nc", "ncat", "ncmpcpp", "netcat",
        "next", "nix-serve", "nmap", "nuxi", "nuxt", "opentracker", "output_http.so", "parcel", "pg_basebackup",
        "pg_ctl", "pg_dump", "pg_dumpall", "pg_isready", "pg_prove", "pg_receivewal", "pg_recvlogical", "pg_restore", "pgbench",
        "postgres", "psql", "puma", "rackup", "rails", "redis-benchmark", "redis-cli", "redis-server", "reindexdb",
        "rtl_tcp", "serve", "shairport-sync", "sipp", "snapclient", "ssh", "ssh-copy-id", "ssh-keyscan", "sshd",
        "sshfs", "starman", "start-storybook", "static-web-server", "storybook", "swaks", "thin", "thttpd",
        "traceroute", "transmission-daemon", "ttyd", "ustreamer", "vacuumdb", "valkey-cli", "valkey-server", "webfsd",
        "webpack-dev-server",
    ]),
    ("-P", &[
        "check_mysql", "check_pgsql", "mariadb", "mariadb-admin", "mariadb-dump", "mysql", "mysqladmin", "mysqldump", "mysqlimport", "mysqlshow",
        "opentracker", "scp", "sftp",
    ]),
    ("-l", &["serve"]),
    ("-lp", &["nc", "ncat", "netcat"]),
    ("-lvp", &["nc", "ncat", "netcat"]),
    ("-lnp", &["nc", "ncat", "netcat"]),
];

/// Programs whose positional argument is a host.
pub const REMOTE: &[&str] = &["autossh", "mosh", "rsync", "scp", "sftp", "ssh", "ssh-copy-id", "ssh-keyscan", "sshfs"];
