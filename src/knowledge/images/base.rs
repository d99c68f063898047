//! Base images: their replacements in nixpkgs, and what else they contain. From the images' Dockerfiles in
//! docker-library, dotnet-docker and distroless.

use crate::paths;

/// A base image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// The last component of its name.
    pub image: &'static str,
    /// Its contents at run time.
    pub runtime: Runtime,
    /// Its default command.
    pub command: &'static [&'static str],
    /// Its user accounts other than `root` and `nobody`: name and id.
    pub users: &'static [(&'static str, u32)],
}

/// The contents of a base image at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    /// Nothing: `scratch`.
    Nothing,
    /// Certificates and accounts, but no programs: distroless.
    Files,
    /// A shell and the common tools.
    Distribution,
    /// A package whose attribute contains a version from the tag.
    Versioned {
        /// The attribute for a version, with `%` in place of the version.
        attribute: &'static str,
        /// The attribute without a version.
        plain: &'static str,
        /// The number of version components in the attribute.
        parts: usize,
        /// The versions that nixpkgs 26.05 has.
        kept: &'static [&'static str],
    },
    /// A package.
    Package(&'static str),
}

impl Runtime {
    /// The attribute of its package, without a version.
    pub fn package(self) -> Option<&'static str> {
        match self {
            Self::Versioned { plain, .. } => Some(plain),
            Self::Package(name) => Some(name),
            Self::Nothing | Self::Files | Self::Distribution => None,
        }
    }
}

/// The attribute of a package in the version that an image has, and whether it is exactly that version. `None` if the
/// image does not contain that package.
pub fn version_of(package: &str, reference: &str) -> Option<(String, bool)> {
    let base = find(reference)?;
    let own = base.runtime.package()?;
    // Runtime images only run code that was built with the SDK of the same version.
    let is_dotnet = package == "dotnet-sdk" && own.starts_with("dotnet-");
    match is_dotnet {
        true => attribute(&Base { runtime: DOTNET_SDK, ..*base }, reference),
        false => (own == package).then(|| attribute(base, reference))?,
    }
}

const fn base(image: &'static str, runtime: Runtime, command: &'static [&'static str]) -> Base {
    Base { image, runtime, command, users: &[] }
}

const NODE: Runtime = Runtime::Versioned { attribute: "nodejs_%", plain: "nodejs", parts: 1, kept: &["22", "24"] };
const PYTHON: Runtime =
    Runtime::Versioned { attribute: "python%", plain: "python3", parts: 2, kept: &["311", "312", "313", "314"] };
const JDK: Runtime =
    Runtime::Versioned { attribute: "jdk%", plain: "jdk", parts: 1, kept: &["8", "11", "17", "21", "25"] };
const DOTNET_SDK: Runtime =
    Runtime::Versioned { attribute: "dotnet-sdk_%", plain: "dotnet-sdk", parts: 1, kept: &["8", "9", "10"] };
const DOTNET_ASPNET: Runtime = Runtime::Versioned {
    attribute: "dotnet-aspnetcore_%",
    plain: "dotnet-aspnetcore",
    parts: 1,
    kept: &["8", "9", "10"],
};
const PHP: Runtime = Runtime::Versioned { attribute: "php%", plain: "php", parts: 2, kept: &["82", "83", "84"] };
const RUBY: Runtime = Runtime::Versioned { attribute: "ruby_%", plain: "ruby", parts: 2, kept: &["3_3", "3_4"] };

const DOTNET_RUNTIME: Runtime =
    Runtime::Versioned { attribute: "dotnet-runtime_%", plain: "dotnet-runtime", parts: 1, kept: &["8", "9", "10"] };

/// The base images.
pub const BASES: &[Base] = &[
    base("scratch", Runtime::Nothing, &[]),
    base("static", Runtime::Files, &[]),
    base("base", Runtime::Files, &[]),
    base("base-nossl", Runtime::Files, &[]),
    base("cc", Runtime::Files, &[]),
    base("nodejs", NODE, &[]),
    base("java", JDK, &[]),
    base("alpine", Runtime::Distribution, &["/bin/sh"]),
    base("busybox", Runtime::Distribution, &["sh"]),
    base("debian", Runtime::Distribution, &["bash"]),
    base("ubuntu", Runtime::Distribution, &["/bin/bash"]),
    base("fedora", Runtime::Distribution, &["/bin/bash"]),
    base("fedora-minimal", Runtime::Distribution, &["/bin/bash"]),
    base("amazonlinux", Runtime::Distribution, &["/bin/bash"]),
    base("archlinux", Runtime::Distribution, &["/usr/bin/bash"]),
    base("ubi", Runtime::Distribution, &["/bin/bash"]),
    base("ubi-micro", Runtime::Distribution, &["/bin/bash"]),
    base("quarkus-micro-image", Runtime::Distribution, &[]),
    base("runtime-deps", Runtime::Distribution, &["/bin/bash"]),
    base("centos", Runtime::Distribution, &["/bin/bash"]),
    base("rockylinux", Runtime::Distribution, &["/bin/bash"]),
    base("almalinux", Runtime::Distribution, &["/bin/bash"]),
    base("ubi-minimal", Runtime::Distribution, &["/bin/bash"]),
    Base { image: "node", runtime: NODE, command: &["node"], users: &[("node", 1000)] },
    base("python", PYTHON, &["python3"]),
    base("uvicorn-gunicorn-fastapi", PYTHON, UVICORN),
    base("uvicorn-gunicorn-starlette", PYTHON, UVICORN),
    base("uvicorn-gunicorn", PYTHON, UVICORN),
    base("uv", PYTHON, &[]),
    base("golang", Runtime::Package("go"), &["bash"]),
    base("rust", Runtime::Package("cargo"), &["bash"]),
    base("ruby", RUBY, &["irb"]),
    Base { image: "php", runtime: PHP, command: &["php", "-a"], users: &[("www-data", 33)] },
    base("eclipse-temurin", JDK, &["jshell"]),
    base("openjdk", JDK, &["jshell"]),
    base("amazoncorretto", JDK, &["jshell"]),
    base("maven", Runtime::Package("maven"), &["mvn"]),
    base("gradle", Runtime::Package("gradle"), &["gradle"]),
    base("sbt", Runtime::Package("sbt"), &["sbt"]),
    base("sdk", DOTNET_SDK, &[]),
    base("aspnet", DOTNET_ASPNET, &[]),
    base("runtime", DOTNET_RUNTIME, &[]),
    Base {
        image: "nginx",
        runtime: Runtime::Package("nginx"),
        command: &["nginx", "-g", "daemon off;"],
        users: &[("nginx", 101)],
    },
    base("httpd", Runtime::Package("apacheHttpd"), &["httpd", "-D", "FOREGROUND"]),
    base("caddy", Runtime::Package("caddy"), &["caddy", "run", "--config", "/etc/caddy/Caddyfile"]),
    base("bun", Runtime::Package("bun"), &["bun"]),
    base("deno", Runtime::Package("deno"), &["deno"]),
    base("elixir", Runtime::Package("elixir"), &["iex"]),
    base("composer", Runtime::Package("phpPackages.composer"), &["composer"]),
    base("haproxy", Runtime::Package("haproxy"), &["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]),
    base("envoy", Runtime::Package("envoy"), &["envoy", "-c", "/etc/envoy/envoy.yaml"]),
    base("fluentd", Runtime::Package("fluentd"), &["fluentd", "-c", "/fluentd/etc/fluent.conf"]),
    base("fluent-bit", Runtime::Package("fluent-bit"), &["fluent-bit", "-c", "/fluent-bit/etc/fluent-bit.conf"]),
    base(
        "prometheus",
        Runtime::Package("prometheus"),
        &["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
    ),
    base("redis", Runtime::Package("redis"), &["redis-server"]),
];

/// The server of tiangolo's images, whose start script assumes the module `app.main`.
const UVICORN: &[&str] = &["uvicorn", "--host", "0.0.0.0", "--port", "80", "app.main:app"];

/// The programs with which distroless images start their command, from their build files.
const ENTRYPOINTS: [(&str, &[&str]); 3] =
    [("nodejs", &["node"]), ("python3", &["python3"]), ("java", &["java", "-jar"])];

/// The entrypoint of a base image whose command consists only of arguments for it. Empty for all others.
pub fn entrypoint(reference: &str) -> &'static [&'static str] {
    let (name, _) = distroless(reference).unwrap_or_default();
    ENTRYPOINTS.iter().find(|(image, _)| *image == name).map_or(&[][..], |(_, words)| words)
}

/// What a base image sets for the images based on it, other than its command, variables and working folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    /// The last component of its name.
    image: &'static str,
    /// A part of its tag; empty for all tags.
    tag: &'static str,
    /// `USER`.
    pub user: Option<&'static str>,
    /// `EXPOSE`, with protocols.
    pub ports: &'static [(u16, &'static str)],
    /// `VOLUME`.
    pub volumes: &'static [&'static str],
    /// `STOPSIGNAL`.
    pub stop_signal: Option<&'static str>,
}

const fn settings_of(image: &'static str, tag: &'static str) -> Settings {
    Settings { image, tag, user: None, ports: &[], volumes: &[], stop_signal: None }
}

/// The settings of base images, from their Dockerfiles.
const SETTINGS: &[Settings] = &[
    // Its server gets the port from its configuration, which is usually replaced.
    Settings { stop_signal: Some("SIGQUIT"), ..settings_of("nginx", "") },
    Settings { ports: &[(80, "tcp")], stop_signal: Some("SIGWINCH"), ..settings_of("httpd", "") },
    Settings { ports: &[(9000, "tcp")], stop_signal: Some("SIGQUIT"), ..settings_of("php", "fpm") },
    Settings { ports: &[(80, "tcp")], stop_signal: Some("SIGWINCH"), ..settings_of("php", "apache") },
    Settings { ports: &[(6379, "tcp")], volumes: &["/data"], ..settings_of("redis", "") },
    Settings {
        user: Some("65534"),
        ports: &[(9090, "tcp")],
        volumes: &["/prometheus"],
        ..settings_of("prometheus", "")
    },
    Settings { user: Some("99"), stop_signal: Some("SIGUSR1"), ..settings_of("haproxy", "") },
    Settings { ports: &[(80, "tcp"), (443, "tcp"), (443, "udp"), (2019, "tcp")], ..settings_of("caddy", "") },
    Settings { user: Some("1654"), ..settings_of("aspnet", "chiseled") },
    Settings { user: Some("1654"), ..settings_of("runtime", "chiseled") },
    Settings { user: Some("1654"), ..settings_of("runtime-deps", "chiseled") },
];

/// The settings of distroless images whose tag ends with `nonroot`, and of Chainguard's images.
const WITHOUT_ROOT: Settings = Settings { user: Some("65532"), ..settings_of("", "") };

/// What a base image sets for the images based on it.
pub fn settings(reference: &str) -> Option<&'static Settings> {
    let tag = reference.split('@').next()?.rsplit_once(':').map_or("", |(_, tag)| tag);
    if distroless(reference).is_some() && tag.ends_with("nonroot") || reference.starts_with("cgr.dev/chainguard/") {
        return Some(&WITHOUT_ROOT);
    }
    let name = name(reference);
    SETTINGS.iter().find(|settings| settings.image == name && tag.contains(settings.tag))
}

/// The server that the variant of PHP's image runs, if it is not the command-line program: PHP-FPM or Apache.
pub fn php_server(reference: &str) -> Option<&'static [&'static str]> {
    let found = settings(reference).filter(|settings| settings.image == "php")?;
    Some(if found.tag == "fpm" { &["php-fpm"] } else { &["apache2-foreground"] })
}

/// The working folders of base images that set one.
const FOLDERS: [(&str, &str); 9] = [
    ("php", "/var/www/html"),
    ("golang", "/go"),
    ("httpd", "/usr/local/apache2"),
    ("bun", "/home/bun/app"),
    ("composer", "/app"),
    ("gradle", "/home/gradle"),
    ("uvicorn-gunicorn", "/app"),
    ("uvicorn-gunicorn-fastapi", "/app"),
    ("uvicorn-gunicorn-starlette", "/app"),
];

/// The extensions that PHP from nixpkgs has, by their names in Docker's images. From
/// `pkgs/development/interpreters/php`.
pub const IN_EVERY_PHP: [&str; 43] = [
    "bcmath",
    "calendar",
    "ctype",
    "curl",
    "dom",
    "exif",
    "fileinfo",
    "filter",
    "ftp",
    "gd",
    "gettext",
    "gmp",
    "iconv",
    "intl",
    "ldap",
    "mbstring",
    "mysqli",
    "mysqlnd",
    "opcache",
    "openssl",
    "pcntl",
    "pdo",
    "pdo_mysql",
    "pdo_odbc",
    "pdo_pgsql",
    "pdo_sqlite",
    "pgsql",
    "phar",
    "posix",
    "readline",
    "session",
    "simplexml",
    "soap",
    "sockets",
    "sodium",
    "sqlite3",
    "sysvsem",
    "tokenizer",
    "xml",
    "xmlreader",
    "xmlwriter",
    "zip",
    "zlib",
];

/// Other extensions in nixpkgs, by their names in PECL and in Docker's images.
pub const PHP_EXTENSIONS: [&str; 33] = [
    "amqp",
    "apcu",
    "bz2",
    "dba",
    "ds",
    "event",
    "ffi",
    "grpc",
    "igbinary",
    "imagick",
    "inotify",
    "mailparse",
    "maxminddb",
    "memcache",
    "memcached",
    "mongodb",
    "msgpack",
    "openswoole",
    "opentelemetry",
    "pcov",
    "protobuf",
    "rdkafka",
    "redis",
    "shmop",
    "snmp",
    "ssh2",
    "swoole",
    "sysvmsg",
    "sysvshm",
    "uuid",
    "xdebug",
    "xsl",
    "yaml",
];

/// The folder of PHP's settings in its images. Those of PHP-FPM are at paths that continue with `-fpm`: `php-fpm.d`.
pub const PHP_SETTINGS: &str = "/usr/local/etc/php";

/// Variables of base images that Dockerfiles use in paths: image, name and value. From the images' Dockerfiles.
const VARIABLES: [(&str, &str, &str); 5] = [
    // What extensions are compiled with.
    ("php", "PHPIZE_DEPS", ""),
    ("php", "PHP_INI_DIR", PHP_SETTINGS),
    ("golang", "GOPATH", "/go"),
    ("httpd", "HTTPD_PREFIX", "/usr/local/apache2"),
    ("tomcat", "CATALINA_HOME", "/usr/local/tomcat"),
];

/// The variables that a base image sets, as far as Dockerfiles use them in paths.
pub fn variables(reference: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let name = name(reference).to_owned();
    VARIABLES.iter().filter(move |(image, ..)| *image == name).map(|(_, variable, value)| (*variable, *value))
}

/// The working folder that a base image sets, if it sets one.
pub fn work_folder(reference: &str) -> Option<&'static str> {
    let name = name(reference);
    FOLDERS.iter().find(|(image, _)| *image == name).map(|(_, folder)| *folder)
}

/// The name and the version of a distroless image: `nodejs` and `22` in `gcr.io/distroless/nodejs22-debian12:nonroot`.
fn distroless(reference: &str) -> Option<(&str, &str)> {
    let (_, name) = reference.rsplit_once("distroless/")?;
    let name = name.split(['@', ':']).next()?;
    let name = name.split_once("-debian").map_or(name, |(name, _)| name);
    // Python's number is part of its name.
    let end = if name.starts_with("python3") {
        "python3".len()
    } else {
        name.trim_end_matches(|c: char| c.is_ascii_digit()).len()
    };
    Some(name.split_at(end))
}

/// Images from which a tool is copied with `COPY --from`, and the tool in nixpkgs.
const TOOLS: [(&str, &str); 9] = [
    ("uv", "uv"),
    ("composer", "phpPackages.composer"),
    ("bun", "bun"),
    ("docker", "docker-client"),
    ("node", "nodejs"),
    ("busybox", "busybox"),
    ("golang", "go"),
    ("static-curl", "curl"),
    ("tini", "tini"),
];

/// The tool that an image provides.
pub fn tool(reference: &str) -> Option<&'static str> {
    let name = name(reference);
    TOOLS.iter().find(|(image, _)| *image == name).map(|(_, attribute)| *attribute)
}

/// The base image that a reference names, if it is known: `docker.io/library/node:22-slim`.
pub fn find(reference: &str) -> Option<&'static Base> {
    let name = match distroless(reference) {
        Some(("python3", _)) => "python",
        Some((name, _)) => name,
        None => name(reference),
    };
    // The names of Red Hat's Java images contain the version: `openjdk-21`.
    let name = if name.starts_with("openjdk-") { "openjdk" } else { name };
    BASES.iter().find(|base| base.image == name)
}

/// Whether an image contains only a distribution.
pub fn is_distribution(reference: &str) -> bool {
    find(reference).is_some_and(|base| base.runtime == Runtime::Distribution)
}

/// Distributions whose `/bin/sh` is bash. On Debian and Ubuntu it is dash, on Alpine BusyBox.
const BASH_AS_SH: [&str; 23] = [
    "almalinux",
    "amazonlinux",
    "archlinux",
    "centos",
    "fedora",
    "fedora-minimal",
    "leap",
    "mageia",
    "oraclelinux",
    "rockylinux",
    "rockylinux-minimal",
    "tumbleweed",
    "ubi",
    "ubi-init",
    "ubi-minimal",
    "ubi10",
    "ubi10-minimal",
    "ubi8",
    "ubi8-init",
    "ubi8-minimal",
    "ubi9",
    "ubi9-init",
    "ubi9-minimal",
];

/// Whether bash runs the shell form of RUN in an image without SHELL.
pub fn has_bash_as_sh(reference: &str) -> bool {
    BASH_AS_SH.contains(&name(reference))
}

/// The last component of an image's name.
pub fn name(reference: &str) -> &str {
    let path = reference.split('@').next().unwrap_or(reference);
    let last = paths::name(path);
    last.split(':').next().unwrap_or(last)
}

/// The part of a reference that contains the version, usually its tag.
fn version(reference: &str) -> &str {
    if let Some((_, version)) = distroless(reference) {
        return version;
    }
    if let Some((_, version)) = name(reference).split_once("openjdk-") {
        return version;
    }
    let tag = tag(reference);
    tag.rsplit_once("python").map_or(tag, |(_, version)| version)
}

fn tag(reference: &str) -> &str {
    let path = reference.split('@').next().unwrap_or(reference);
    let last = paths::name(path);
    last.split_once(':').map_or("", |(_, tag)| tag)
}

/// The nixpkgs attribute for a base image, and whether it has the version in the tag. `None` if the image contains no
/// such package.
pub fn attribute(base: &Base, reference: &str) -> Option<(String, bool)> {
    match base.runtime {
        Runtime::Nothing | Runtime::Files | Runtime::Distribution => None,
        Runtime::Package(name) => Some((name.to_owned(), tag(reference).is_empty() || tag(reference) == "latest")),
        Runtime::Versioned { attribute, plain, parts, kept } => {
            let numbers: Vec<&str> = version(reference)
                .trim_start_matches(|c: char| !c.is_ascii_digit())
                .split(|c: char| !c.is_ascii_digit())
                .take(parts)
                .collect();
            let joint = if attribute.ends_with("_%") { "_" } else { "" };
            let version = numbers.join(joint);
            match kept.contains(&version.as_str()) {
                true => Some((attribute.replace('%', &version), true)),
                false => Some((plain.to_owned(), version.is_empty())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_distributions_use_bash_as_sh() {
        let images = ["quay.io/fedora/fedora:42", "redhat/ubi9", "redhat/ubi8-minimal:8.10", "opensuse/leap:15.6"];
        for image in images {
            assert!(has_bash_as_sh(image), "{image}");
        }
        for image in ["debian", "alpine:3", "ubuntu"] {
            assert!(!has_bash_as_sh(image), "{image}");
        }
    }

    #[test]
    fn the_tag_determines_the_attribute() {
        for (reference, expected) in [
            ("node:22-alpine", Some(("nodejs_22", true))),
            ("docker.io/library/node:14.17.3-alpine3.14", Some(("nodejs", false))),
            ("python:3.12-slim@sha256:aa", Some(("python312", true))),
            ("tiangolo/uvicorn-gunicorn-fastapi:python3.11-slim", Some(("python311", true))),
            ("ruby:3.4", Some(("ruby_3_4", true))),
            ("node", Some(("nodejs", true))),
            ("golang:1.24", Some(("go", false))),
            ("alpine:3", None),
            ("gcr.io/distroless/nodejs22-debian12:nonroot@sha256:aa", Some(("nodejs_22", true))),
            ("gcr.io/distroless/java17-debian12", Some(("jdk17", true))),
            ("gcr.io/distroless/cc-debian13:nonroot", None),
            ("registry.access.redhat.com/ubi9/openjdk-21:1.21", Some(("jdk21", true))),
            ("ghcr.io/astral-sh/uv:0.11.32-python3.12-trixie-slim", Some(("python312", true))),
        ] {
            let found = attribute(find(reference).unwrap(), reference);
            assert_eq!(found.as_ref().map(|(name, same)| (name.as_str(), *same)), expected, "{reference}");
        }
        assert!(find("o/private").is_none());
        assert_eq!(entrypoint("gcr.io/distroless/nodejs22-debian12"), ["node"]);
        assert_eq!(entrypoint("gcr.io/distroless/python3"), ["python3"]);
        assert_eq!(entrypoint("node:22"), [""; 0]);
    }
}
