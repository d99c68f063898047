//! The programs in images, and the nixpkgs packages that contain them. Sources: the nixpkgs package set, the
//! images' Dockerfiles for what they start, the programs' own documentation for flags and variables.

/// Images with a language or a shell that run the command in the Compose file or Dockerfile.
pub static RUNTIMES: &[&str] = &[
    "node",
    "python",
    "golang",
    "rust",
    "ruby",
    "php",
    "openjdk",
    "eclipse-temurin",
    "amazoncorretto",
    "maven",
    "gradle",
    "busybox",
    "alpine",
    "debian",
    "ubuntu",
    "bash",
    "bun",
    "deno",
    "curl",
    "sdk",
    "aspnet",
    "caddy",
    "migrate",
    "haproxy",
    "envoy",
    "mc",
    "fedora",
    "centos",
    "rockylinux",
    "almalinux",
    "amazonlinux",
    "nsqio/nsq",
    "elixir",
    "sbtscala/scala-sbt",
    "haskell",
];

/// Programs and their packages: the word in a command, the attribute, and the program in its `bin` with arguments that
/// precede the others.
pub static PROGRAMS: &[(&str, &str, &[&str])] = &[
    ("node", "nodejs", &["node"]),
    ("nodejs", "nodejs", &["node"]),
    ("npm", "nodejs", &["npm"]),
    ("npx", "nodejs", &["npx"]),
    ("ng", "nodejs", &["npx", "--no-install", "ng"]),
    ("vite", "nodejs", &["npx", "--no-install", "vite"]),
    ("next", "nodejs", &["npx", "--no-install", "next"]),
    ("nuxt", "nodejs", &["npx", "--no-install", "nuxt"]),
    ("nodemon", "nodejs", &["npx", "--no-install", "nodemon"]),
    ("ts-node", "nodejs", &["npx", "--no-install", "ts-node"]),
    ("tsx", "nodejs", &["npx", "--no-install", "tsx"]),
    ("react-scripts", "nodejs", &["npx", "--no-install", "react-scripts"]),
    ("yarn", "yarn", &["yarn"]),
    ("pnpm", "pnpm", &["pnpm"]),
    ("bun", "bun", &["bun"]),
    ("deno", "deno", &["deno"]),
    ("python", "python3", &["python3"]),
    ("python3", "python3", &["python3"]),
    ("flask", "python3", &["python3", "-m", "flask"]),
    ("gunicorn", "python3", &["python3", "-m", "gunicorn"]),
    ("uvicorn", "python3", &["python3", "-m", "uvicorn"]),
    ("hypercorn", "python3", &["python3", "-m", "hypercorn"]),
    ("celery", "python3", &["python3", "-m", "celery"]),
    ("fastapi", "python3", &["python3", "-m", "fastapi"]),
    ("streamlit", "python3", &["python3", "-m", "streamlit"]),
    ("alembic", "python3", &["python3", "-m", "alembic"]),
    ("django-admin", "python3", &["python3", "-m", "django"]),
    ("poetry", "poetry", &["poetry"]),
    ("uv", "uv", &["uv"]),
    ("go", "go", &["go"]),
    ("air", "air", &["air"]),
    ("cargo", "cargo", &["cargo"]),
    ("java", "jdk", &["java"]),
    ("mvn", "maven", &["mvn"]),
    ("./mvnw", "maven", &["mvn"]),
    ("gradle", "gradle", &["gradle"]),
    ("./gradlew", "gradle", &["gradle"]),
    ("sbt", "sbt", &["sbt"]),
    ("dotnet", "dotnet-sdk", &["dotnet"]),
    ("ruby", "ruby", &["ruby"]),
    ("bundle", "ruby", &["bundle"]),
    ("rails", "ruby", &["bundle", "exec", "rails"]),
    ("puma", "ruby", &["bundle", "exec", "puma"]),
    ("sidekiq", "ruby", &["bundle", "exec", "sidekiq"]),
    ("rackup", "ruby", &["bundle", "exec", "rackup"]),
    ("php", "php", &["php"]),
    ("mix", "elixir", &["mix"]),
    ("iex", "elixir", &["iex"]),
    ("sh", "bash", &["sh"]),
    ("/bin/sh", "bash", &["sh"]),
    ("ash", "bash", &["sh"]),
    ("bash", "bash", &["bash"]),
    ("/bin/bash", "bash", &["bash"]),
    ("echo", "coreutils", &["echo"]),
    ("sleep", "coreutils", &["sleep"]),
    ("cat", "coreutils", &["cat"]),
    ("true", "coreutils", &["true"]),
    ("ls", "coreutils", &["ls"]),
    ("env", "coreutils", &["env"]),
    ("tail", "coreutils", &["tail"]),
    ("test", "coreutils", &["test"]),
    ("curl", "curl", &["curl"]),
    ("wget", "wget", &["wget"]),
    ("nc", "netcat", &["nc"]),
    ("netcat", "netcat", &["nc"]),
    ("jq", "jq", &["jq"]),
    ("openssl", "openssl", &["openssl"]),
    ("caddy", "caddy", &["caddy"]),
    // The image's start script also keeps it in the foreground, whatever its configuration says.
    ("haproxy", "haproxy", &["haproxy", "-db"]),
    ("envoy", "envoy", &["envoy"]),
    ("traefik", "traefik", &["traefik"]),
    ("mc", "minio-client", &["mc"]),
    ("bitcoin-cli", "bitcoind", &["bitcoin-cli"]),
    ("migrate", "go-migrate", &["migrate"]),
    ("reflex", "reflex", &["reflex"]),
    ("watchexec", "watchexec", &["watchexec"]),
    ("entr", "entr", &["entr"]),
    ("dlv", "delve", &["dlv"]),
    ("dbmate", "dbmate", &["dbmate"]),
    ("goose", "goose", &["goose"]),
    ("composer", "phpPackages.composer", &["composer"]),
    ("symfony", "symfony-cli", &["symfony"]),
    ("rake", "ruby", &["bundle", "exec", "rake"]),
    ("foreman", "foreman", &["foreman"]),
    ("overmind", "overmind", &["overmind"]),
    ("daphne", "python3", &["python3", "-m", "daphne"]),
    ("granian", "python3", &["python3", "-m", "granian"]),
    ("waitress-serve", "python3", &["python3", "-m", "waitress"]),
    ("opentelemetry-instrument", "python3", &["python3", "-m", "opentelemetry.instrumentation.auto_instrumentation"]),
    ("dagster", "python3", &["python3", "-m", "dagster"]),
    ("jupyter", "python3", &["python3", "-m", "jupyter"]),
    ("http-server", "nodejs", &["npx", "--no-install", "http-server"]),
    ("json-server", "nodejs", &["npx", "--no-install", "json-server"]),
    ("webpack", "nodejs", &["npx", "--no-install", "webpack"]),
    ("webpack-dev-server", "nodejs", &["npx", "--no-install", "webpack-dev-server"]),
    ("ts-node-dev", "nodejs", &["npx", "--no-install", "ts-node-dev"]),
    ("concurrently", "nodejs", &["npx", "--no-install", "concurrently"]),
    ("turbo", "nodejs", &["npx", "--no-install", "turbo"]),
    ("nx", "nodejs", &["npx", "--no-install", "nx"]),
    ("gatsby", "nodejs", &["npx", "--no-install", "gatsby"]),
    ("astro", "nodejs", &["npx", "--no-install", "astro"]),
    ("strapi", "nodejs", &["npx", "--no-install", "strapi"]),
    ("lein", "leiningen", &["lein"]),
    ("stack", "stack", &["stack"]),
    ("cabal", "cabal-install", &["cabal"]),
    ("/nsqd", "nsq", &["nsqd"]),
    ("/nsqlookupd", "nsq", &["nsqlookupd"]),
    ("/nsqadmin", "nsq", &["nsqadmin"]),
    ("psql", "postgresql", &["psql"]),
    ("pg_isready", "postgresql", &["pg_isready"]),
    ("redis-cli", "redis", &["redis-cli"]),
    ("redis-server", "redis", &["redis-server"]),
    ("valkey-cli", "valkey", &["valkey-cli"]),
    ("mysql", "mariadb", &["mysql"]),
    ("mysqladmin", "mariadb", &["mysqladmin"]),
    ("mongosh", "mongosh", &["mongosh"]),
    ("rabbitmqctl", "rabbitmq-server", &["rabbitmqctl"]),
    ("kafka-topics", "apacheKafka", &["kafka-topics.sh"]),
    ("kafka-topics.sh", "apacheKafka", &["kafka-topics.sh"]),
    ("kafka-broker-api-versions", "apacheKafka", &["kafka-broker-api-versions.sh"]),
    ("kafka-broker-api-versions.sh", "apacheKafka", &["kafka-broker-api-versions.sh"]),
    ("kafka-console-consumer", "apacheKafka", &["kafka-console-consumer.sh"]),
    ("kafka-console-producer", "apacheKafka", &["kafka-console-producer.sh"]),
    ("clickhouse-client", "clickhouse", &["clickhouse-client"]),
    ("mariadb", "mariadb", &["mariadb"]),
    ("mariadb-admin", "mariadb", &["mariadb-admin"]),
    ("pg_dump", "postgresql", &["pg_dump"]),
    ("createdb", "postgresql", &["createdb"]),
    ("prisma", "nodejs", &["npx", "--no-install", "prisma"]),
    ("pm2", "pm2", &["pm2"]),
    ("pm2-runtime", "pm2", &["pm2-runtime"]),
    ("nest", "nodejs", &["npx", "--no-install", "nest"]),
    ("serve", "nodejs", &["npx", "--no-install", "serve"]),
    ("mlflow", "mlflow-server", &["mlflow"]),
    ("n8n", "n8n", &["n8n"]),
    ("ollama", "ollama", &["ollama"]),
    ("rabbitmq-diagnostics", "rabbitmq-server", &["rabbitmq-diagnostics"]),
    ("grpc_health_probe", "grpc-health-probe", &["grpc_health_probe"]),
    ("nats", "natscli", &["nats"]),
    ("make", "gnumake", &["make"]),
    ("just", "just", &["just"]),
    ("envsubst", "gettext", &["envsubst"]),
    ("etcdctl", "etcd", &["etcdctl"]),
    ("aws", "awscli2", &["aws"]),
    ("bc", "bc", &["bc"]),
    ("convert", "imagemagick", &["convert"]),
    ("createuser", "postgresql", &["createuser"]),
    ("dig", "dnsutils", &["dig"]),
    ("dos2unix", "dos2unix", &["dos2unix"]),
    ("dropdb", "postgresql", &["dropdb"]),
    ("ffmpeg", "ffmpeg", &["ffmpeg"]),
    ("ffprobe", "ffmpeg", &["ffprobe"]),
    ("git", "git", &["git"]),
    ("gpg", "gnupg", &["gpg"]),
    ("host", "dnsutils", &["host"]),
    ("inotifywait", "inotify-tools", &["inotifywait"]),
    ("ip", "iproute2", &["ip"]),
    ("killall", "psmisc", &["killall"]),
    ("kubectl", "kubectl", &["kubectl"]),
    ("lsof", "lsof", &["lsof"]),
    ("mariadb-dump", "mariadb", &["mariadb-dump"]),
    ("mongodump", "mongodb-tools", &["mongodump"]),
    ("mongoimport", "mongodb-tools", &["mongoimport"]),
    ("mongorestore", "mongodb-tools", &["mongorestore"]),
    ("mysqldump", "mariadb", &["mysqldump"]),
    ("netstat", "nettools", &["netstat"]),
    ("nslookup", "dnsutils", &["nslookup"]),
    ("pg_dumpall", "postgresql", &["pg_dumpall"]),
    ("pg_restore", "postgresql", &["pg_restore"]),
    ("pgrep", "procps", &["pgrep"]),
    ("ping", "iputils", &["ping"]),
    ("pkill", "procps", &["pkill"]),
    ("rsync", "rsync", &["rsync"]),
    ("scp", "openssh", &["scp"]),
    ("socat", "socat", &["socat"]),
    ("sqlite3", "sqlite", &["sqlite3"]),
    ("ss", "iproute2", &["ss"]),
    ("ssh", "openssh", &["ssh"]),
    ("ssh-keygen", "openssh", &["ssh-keygen"]),
    ("telnet", "inetutils", &["telnet"]),
    ("unzip", "unzip", &["unzip"]),
    ("uuidgen", "util-linux", &["uuidgen"]),
    ("xmllint", "libxml2", &["xmllint"]),
    ("yq", "yq-go", &["yq"]),
    ("zip", "zip", &["zip"]),
];

/// What images run unless a Compose file overrides it, with paths inside the image: the word in [`PROGRAMS`] and its
/// arguments.
pub static USUAL: &[(&str, &[&str])] = &[
    ("caddy", &["run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]),
    ("haproxy", &["-f", "/usr/local/etc/haproxy/haproxy.cfg"]),
    ("envoy", &["-c", "/etc/envoy/envoy.yaml"]),
];

/// Caddy and HAProxy directives that take a file or a folder. Relative paths are resolved against the working directory.
/// From their manuals.
pub const FILE_DIRECTIVES: [&str; 6] = ["ca-base", "crt-base", "errorfile", "lua-load", "root", "tls"];

/// Words that precede a file in HAProxy directives.
pub const FILE_WORDS: [&str; 5] = ["ca-file", "crl-file", "crt", "crt-list", "-f"];

/// A base image that starts a server by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseServer {
    /// The last component of the image's name.
    pub image: &'static str,
    /// What its tag contains; empty if the tag does not matter.
    pub tag: &'static str,
    /// The command: a word in [`PROGRAMS`] or a PHP server, and its arguments. It does not contain the port if a
    /// variable sets it.
    pub command: &'static [&'static str],
    /// The port that the image exposes.
    pub port: Option<u16>,
}

const UVICORN: &[&str] = &["uvicorn", "--host", "0.0.0.0", "app.main:app"];

/// What base images run by default, from their Dockerfiles and start scripts.
static BASE_SERVERS: &[BaseServer] = &[
    BaseServer { image: "uvicorn-gunicorn-fastapi", tag: "", command: UVICORN, port: None },
    BaseServer { image: "uvicorn-gunicorn-starlette", tag: "", command: UVICORN, port: None },
    BaseServer { image: "uvicorn-gunicorn", tag: "", command: UVICORN, port: None },
    BaseServer { image: "php", tag: "fpm", command: &["php-fpm"], port: Some(9000) },
    BaseServer { image: "php", tag: "apache", command: &["apache2-foreground"], port: Some(80) },
];

/// The server that an image starts by default, whether it is used as a base image or directly.
pub fn base_server(image: &str) -> Option<&'static BaseServer> {
    let name = super::repository(image).rsplit('/').next()?;
    let tag = super::tag(image).unwrap_or_default();
    BASE_SERVERS.iter().find(|server| server.image == name && tag.contains(server.tag))
}

/// The image's configuration of PHP's FastCGI server, before and after its port. It listens only on 127.0.0.1 here.
pub const PHP_FPM: (&str, &str) = (
    "[global]\nerror_log = /dev/stderr\n[www]\nlisten = 127.0.0.1:",
    "\npm = dynamic\npm.max_children = 5\npm.start_servers = 2\npm.min_spare_servers = 1\n\
     pm.max_spare_servers = 3\nclear_env = no\ncatch_workers_output = yes\n",
);

/// The folder that Apache serves in PHP images.
pub const APACHE_ROOT: &str = "/var/www/html";

/// The folders for programs in every image.
const SYSTEM: [&str; 8] = [
    "/bin/",
    "/usr/bin/",
    "/usr/local/bin/",
    "/sbin/",
    "/usr/sbin/",
    "/usr/local/sbin/",
    // In distroless images, and in those of Eclipse Temurin.
    "/nodejs/bin/",
    "/opt/java/openjdk/bin/",
];

/// The name of a program, if the word is its path in a system folder: `sh` for `/bin/sh`.
pub fn in_system(word: &str) -> Option<&str> {
    SYSTEM.iter().find_map(|folder| word.strip_prefix(folder))
}

/// The name of an interpreter without the version in the name: `python3` for `python3.12`, `php` for `php8.3`.
pub fn without_version(word: &str) -> Option<&'static str> {
    // Python 3 does not run programs for Python 2.
    if word.starts_with("python2") {
        return None;
    }
    let plain = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let known = [("python", "python3"), ("php", "php"), ("ruby", "ruby"), ("node", "node")];
    known.iter().find(|(name, _)| *name == plain && word.len() > plain.len()).map(|(_, name)| *name)
}

/// Folders in which package managers install the programs of a project's dependencies.
pub const INSTALLED: [&str; 4] = ["node_modules/", "venv/", "vendor/", ".bundle/"];

/// Servers that Dockerfiles install into a distribution: the program, the package of the distribution, and the image
/// with the same server.
pub const INSTALLED_SERVERS: [(&str, &str, &str); 12] = [
    ("nginx", "nginx", "nginx"),
    ("redis-server", "redis-server", "redis"),
    ("redis-server", "redis", "redis"),
    ("memcached", "memcached", "memcached"),
    ("mysqld", "mysql-server", "mysql"),
    ("mysqld", "mariadb-server", "mariadb"),
    ("mysqld", "mariadb", "mariadb"),
    ("mariadbd", "mariadb-server", "mariadb"),
    ("mariadbd", "mariadb", "mariadb"),
    ("mysqld_safe", "mariadb-server", "mariadb"),
    ("mosquitto", "mosquitto", "eclipse-mosquitto"),
    ("rabbitmq-server", "rabbitmq-server", "rabbitmq"),
];

/// Shell built-ins, and programs that every Unix machine has. From POSIX and the Bash manual.
pub static ON_EVERY_MACHINE: &[&str] = &[
    ".", ":", "alias", "awk", "basename", "bg", "break", "cat", "cd", "chgrp", "chmod", "chown", "clear", "cmp",
    "command", "continue", "cp", "cut", "date", "dd", "declare", "df", "diff", "dirname", "du", "echo", "env", "eval",
    "exec", "exit", "export", "expr", "false", "find", "getopts", "grep", "groups", "gunzip", "gzip", "hash", "head",
    "hostname", "id", "jobs", "kill", "let", "ln", "local", "ls", "mkdir", "mktemp", "mv", "nohup", "od", "paste",
    "printenv", "printf", "ps", "pwd", "read", "readlink", "readonly", "realpath", "return", "rm", "rmdir", "sed",
    "seq", "set", "shift", "sleep", "sort", "source", "stat", "stty", "tail", "tar", "tee", "test", "time", "timeout",
    "times", "touch", "tr", "trap", "true", "type", "ulimit", "umask", "unalias", "uname", "uniq", "unset", "wait",
    "wc", "which", "whoami", "xargs", "yes",
];

/// Variables that only the start scripts of images read: the package, and the prefix of their names. Sources: the
/// images' start scripts and documentation.
static OF_ENTRYPOINTS: &[(&str, &str)] = &[
    ("forgejo", "FORGEJO__"),
    ("gitea", "GITEA__"),
    ("influxdb2", "DOCKER_INFLUXDB_INIT_"),
    ("influxdb2", "INFLUXDB_"),
];

/// Whether a variable is read only by the start script of an image, rather than by the program.
pub fn is_of_entrypoint(package: &str, variable: &str) -> bool {
    OF_ENTRYPOINTS.iter().any(|(known, start)| *known == package && variable.starts_with(start))
}

/// Variables from which ZooKeeper images write `zoo.cfg`, without `ZOO_` or `ZOOKEEPER_`, and the settings. Source: the
/// start scripts of the official image and of Bitnami's and Confluent's.
static ZOOKEEPER: &[(&str, &str)] = &[
    ("TICK_TIME", "tickTime"),
    ("INIT_LIMIT", "initLimit"),
    ("SYNC_LIMIT", "syncLimit"),
    ("MAX_CLIENT_CNXNS", "maxClientCnxns"),
    ("STANDALONE_ENABLED", "standaloneEnabled"),
    ("ADMINSERVER_ENABLED", "admin.enableServer"),
    ("AUTOPURGE_SNAPRETAINCOUNT", "autopurge.snapRetainCount"),
    ("4LW_COMMANDS_WHITELIST", "4lw.commands.whitelist"),
];

/// The setting in `zoo.cfg` that a variable determines.
pub fn zookeeper_setting(variable: &str) -> Option<&'static str> {
    let name = variable.strip_prefix("ZOO_").or_else(|| variable.strip_prefix("ZOOKEEPER_"))?;
    ZOOKEEPER.iter().find(|(known, _)| *known == name).map(|(_, setting)| *setting)
}

/// The default of `extraConf` in services-flake's `nix/services/zookeeper.nix`.
pub const ZOOKEEPER_USUAL: [(&str, &str); 3] = [("initLimit", "5"), ("syncLimit", "2"), ("tickTime", "2000")];

/// The servers in a word of `ZOO_SERVERS`: `server.1=a:2888:3888;2181`, or `a:2888:3888;b:2888:3888`.
pub fn zookeeper_servers(word: &str) -> impl Iterator<Item = &str> {
    word.split(';').filter(|server| server.contains(':'))
}

/// Hosts that programs connect to unless a variable names another one: the package or the image, the variable, and the
/// host. Sources: Immich's documentation of its variables, `wp-config-docker.php` in
/// <https://github.com/docker-library/wordpress>, and Bitnami's documentation of its image of WordPress.
pub static IMAGE_HOSTS: &[(&str, &str, &str)] = &[
    ("immich", "DB_HOSTNAME", "database"),
    ("immich", "REDIS_HOSTNAME", "redis"),
    ("wordpress", "WORDPRESS_DB_HOST", "mysql"),
    ("bitnami/wordpress", "WORDPRESS_DATABASE_HOST", "mariadb"),
];

/// Flags of programs that require Docker: the start of the flag, and what to do without it.
pub static DOCKER_FLAGS: &[(&str, &str)] =
    &[("--providers.docker", "write the routes into a file, and pass it with `--providers.file.filename`")];

/// Variables that set the port of a program: a word in the command, and the variable.
pub static PORT_VARIABLES: &[(&str, &str)] = &[
    ("flask", "FLASK_RUN_PORT"),
    ("gunicorn", "PORT"),
    ("uvicorn", "UVICORN_PORT"),
    ("react-scripts", "PORT"),
    ("next", "PORT"),
    ("nuxt", "PORT"),
    ("puma", "PORT"),
    ("rails", "PORT"),
    ("dotnet", "ASPNETCORE_HTTP_PORTS"),
    ("spring-boot:run", "SERVER_PORT"),
    ("streamlit", "STREAMLIT_SERVER_PORT"),
];

/// Extensions of files that containers mount. The names of folders such as `conf.d` or `example.com` may also contain a
/// dot.
pub const FILE_ENDS: [&str; 25] = [
    "cfg",
    "cnf",
    "conf",
    "crt",
    "csv",
    "env",
    "html",
    "ini",
    "js",
    "json",
    "key",
    "pem",
    "php",
    "properties",
    "py",
    "rb",
    "sh",
    "sql",
    "toml",
    "ts",
    "txt",
    "xml",
    "yaml",
    "yml",
    "md",
];

/// Parts of command words that indicate a worker: a program that takes jobs from a queue.
pub const WORKERS: [&str; 12] = [
    "arq", "celery", "consumer", "dramatiq", "huey", "queue", "resque", "rq", "sidekiq", "worker", "workers",
    "rqworker",
];

/// Parts of source code that show that a program listens on a port.
pub const LISTENS: [&str; 8] =
    [".listen(", "createServer(", "HTTPServer(", "ListenAndServe", ".run(host", "app.run(", "run_simple(", ".serve("];

/// Commands whose positional arguments are hosts and ports.
pub const HOST_CLIENTS: [&str; 7] = ["dig", "nc", "ncat", "nslookup", "ping", "telnet", "getent"];

/// Commands whose arguments are not treated as hosts, even before a number or after `-h`.
pub const NOT_CLIENTS: [&str; 12] =
    ["chgrp", "chown", "df", "docker", "du", "echo", "grep", "groupadd", "install", "ls", "printf", "useradd"];

/// Functions and classes that take a host as their first argument, in lower case.
pub const CONNECTING: [&str; 22] = [
    "addserver",
    "aioredis",
    "amqpconnection",
    "amqpstreamconnection",
    "cassandra",
    "connect",
    "connectionparameters",
    "createclient",
    "createconnection",
    "elasticsearch",
    "jedis",
    "joinhostport",
    "kafkaconsumer",
    "kafkaproducer",
    "memcache",
    "memcached",
    "mongoclient",
    "mysqli",
    "redis",
    "smtp",
    "smtp_ssl",
    "strictredis",
];

/// Functions that print or format their arguments, which may be the name and the port of a service.
pub const PRINTING: [&str; 11] =
    ["debug", "echo", "error", "format", "info", "log", "print", "printf", "println", "warn", "warning"];

/// The sections of HAProxy's configuration. From its configuration manual.
pub const HAPROXY_SECTIONS: [&str; 16] = [
    "backend",
    "cache",
    "crt-store",
    "defaults",
    "fcgi-app",
    "frontend",
    "global",
    "http-errors",
    "listen",
    "log-forward",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "userlist",
];

/// Directives in the `global` section that need root, start a daemon, or are rejected by versions in nixpkgs. From
/// HAProxy's configuration manual.
pub const HAPROXY_OF_ROOT: [&str; 7] = ["chroot", "daemon", "gid", "group", "nbproc", "uid", "user"];

/// A HAProxy directive that works only in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HaproxyDirective {
    /// The section that it is in.
    pub section: &'static str,
    /// Its first words.
    pub words: &'static str,
    /// The start of one of its arguments.
    pub value: &'static str,
    /// Why it does not work.
    pub why: &'static str,
    /// What to do.
    pub todo: &'static str,
}

/// HAProxy directives that refer to the container. From HAProxy's configuration manual.
pub static HAPROXY_OF_IMAGE: &[HaproxyDirective] = &[
    HaproxyDirective {
        section: "global",
        words: "stats socket",
        value: "/",
        why: "the folder of the socket may exist only in the image",
        todo: "use a path that you can write to",
    },
    HaproxyDirective {
        section: "resolvers",
        words: "nameserver",
        value: "127.0.0.11",
        why: "Docker's name server does not exist outside a container",
        todo: "remove the `resolvers` section, and the options that refer to it",
    },
];

/// Shells, as the interpreters of scripts.
pub const SHELLS: [&str; 6] = ["sh", "ash", "bash", "dash", "ksh", "zsh"];

/// Words in the names of YAML and JSON files with the settings of a program.
pub const SETTINGS: [&str; 10] = [
    "application",
    "cable",
    "config",
    "database",
    "default",
    "development",
    "local",
    "production",
    "secrets",
    "settings",
];

/// Names of files with the settings of development tools, without their extension.
pub const TOOLS: [&str; 3] = ["jsconfig", "tsconfig", "tsconfig.app"];

/// Program names that are too common to identify their package outside its own image.
pub const COMMON_PROGRAMS: [&str; 3] = ["auth", "migrate", "server"];

/// Programs in images that only start other programs.
pub const WRAPPERS: [&str; 8] =
    ["tini", "dumb-init", "docker-entrypoint.sh", "docker-php-entrypoint", "gosu", "su-exec", "exec", "catatonit"];
