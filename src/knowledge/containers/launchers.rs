//! Programs that start other programs, and the packages of programs that applications start. Sources: the programs' own
//! documentation, and the packages' definitions in nixpkgs.

/// Packages that Nix refuses by default because of their licences: the text in a module that uses them, and the
/// attribute. From the `license` of the packages in nixpkgs.
pub static UNFREE: &[(&str, &str)] = &[
    ("extensions.timescaledb", "timescaledb"),
    ("pkgs.cockroachdb", "cockroachdb"),
    ("pkgs.consul", "consul"),
    ("pkgs.dragonflydb", "dragonflydb"),
    ("pkgs.logstash", "logstash"),
    ("pkgs.minecraft-server", "minecraft-server"),
    ("pkgs.n8n", "n8n"),
    ("pkgs.plex", "plex"),
    ("pkgs.surrealdb", "surrealdb"),
    ("pkgs.vault", "vault"),
    ("services.dynamodb-local", "dynamodb-local"),
    ("services.elasticsearch", "elasticsearch7"),
    ("services.mongodb", "mongodb-ce"),
];

/// Programs that run a command as another user. For those in [`super::WRAPPERS`], the first argument is the user. From
/// their manuals.
pub const USER_SWITCHES: [&str; 7] = ["chpst", "gosu", "runuser", "setpriv", "su", "su-exec", "sudo"];

/// Programs that run commands in a shell, which looks for other programs in PATH: the scripts of package.json, the
/// recipes of a Makefile, the programs of a virtual environment. From their documentation.
pub const LAUNCHERS: [&str; 12] =
    ["composer", "foreman", "just", "make", "npm", "npx", "overmind", "pnpm", "poetry", "uv", "watchexec", "yarn"];

/// Distribution packages with programs that applications start, such as a converter or the client of a database, by the
/// attribute in nixpkgs. Compilers and editors are not among them: a process does not need them.
pub const STARTED_BY_APPLICATIONS: [&str; 38] = [
    "bc",
    "chromium",
    "curl",
    "dnsutils",
    "ffmpeg",
    "file",
    "gdal",
    "gettext",
    "ghostscript",
    "git",
    "git-lfs",
    "gnupg",
    "graphviz",
    "imagemagick",
    "iproute2",
    "iputils",
    "jq",
    "lsof",
    "mariadb",
    "netcat",
    "openssh",
    "openssl",
    "perl",
    "poppler-utils",
    "postgresql",
    "procps",
    "pv",
    "redis",
    "rsync",
    "samba",
    "socat",
    "sqlite",
    "traceroute",
    "unzip",
    "wget",
    "whois",
    "yq",
    "zip",
];
