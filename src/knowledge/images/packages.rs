//! Debian, Alpine and Fedora packages, and the same software in nixpkgs. From the package lists of the distributions
//! (packages.debian.org, pkgs.alpinelinux.org) and search.nixos.org, 26.05.

/// Packages with another attribute name. Several packages may share one.
const RENAMED: &[(&str, &str)] = &[
    ("ca-certificates", "cacert"),
    ("build-essential", "stdenv.cc"),
    ("build-base", "stdenv.cc"),
    ("g++", "gcc"),
    ("make", "gnumake"),
    ("pkg-config", "pkg-config"),
    ("pkgconf", "pkg-config"),
    ("python3", "python3"),
    ("python3-pip", "python3Packages.pip"),
    ("py3-pip", "python3Packages.pip"),
    ("python3-venv", "python3"),
    ("python3-dev", "python3"),
    ("python3-setuptools", "python3Packages.setuptools"),
    ("nodejs-current", "nodejs"),
    ("npm", "nodejs"),
    ("golang", "go"),
    ("golang-go", "go"),
    ("rustc", "rustc"),
    ("default-jre", "jre"),
    ("default-jre-headless", "jre_headless"),
    ("default-jdk", "jdk"),
    ("openjdk-17-jre-headless", "jdk17_headless"),
    ("openjdk-17-jdk", "jdk17"),
    ("openjdk-21-jdk", "jdk21"),
    ("openjdk17", "jdk17"),
    ("openjdk21", "jdk21"),
    ("libssl-dev", "openssl"),
    ("openssl-dev", "openssl"),
    ("libssl3", "openssl"),
    ("libpq-dev", "libpq"),
    ("libpq5", "libpq"),
    ("postgresql-dev", "postgresql"),
    ("postgresql-client", "postgresql"),
    ("mysql-client", "mariadb.client"),
    ("default-mysql-client", "mariadb.client"),
    ("default-libmysqlclient-dev", "libmysqlclient"),
    ("mariadb-dev", "libmysqlclient"),
    ("mariadb-client", "mariadb.client"),
    ("redis-tools", "redis"),
    ("redis-server", "redis"),
    ("mariadb-server", "mariadb"),
    ("haproxy", "haproxy"),
    ("memcached", "memcached"),
    ("mosquitto", "mosquitto"),
    ("php82", "php82"),
    ("php83", "php83"),
    ("php84", "php84"),
    ("postgresql", "postgresql"),
    ("default-mysql-server", "mariadb"),
    ("rabbitmq-server", "rabbitmq-server"),
    ("php-cli", "php"),
    ("libmagic1", "file"),
    ("sqlite3", "sqlite"),
    ("libsqlite3-dev", "sqlite"),
    ("sqlite-dev", "sqlite"),
    ("libffi-dev", "libffi"),
    ("zlib1g-dev", "zlib"),
    ("zlib-dev", "zlib"),
    ("libxml2-dev", "libxml2"),
    ("libxslt1-dev", "libxslt"),
    ("libxslt-dev", "libxslt"),
    ("libjpeg-dev", "libjpeg"),
    ("libjpeg-turbo-dev", "libjpeg"),
    ("libpng-dev", "libpng"),
    ("libzip-dev", "libzip"),
    ("libcurl4-openssl-dev", "curl"),
    ("curl-dev", "curl"),
    ("musl-dev", "musl"),
    ("musl-tools", "musl"),
    ("linux-headers", "linuxHeaders"),
    ("netcat", "netcat"),
    ("netcat-openbsd", "netcat"),
    ("dnsutils", "dnsutils"),
    ("bind-tools", "dnsutils"),
    ("iputils-ping", "iputils"),
    ("iproute2", "iproute2"),
    ("procps", "procps"),
    ("openssh-client", "openssh"),
    ("openssh-server", "openssh"),
    ("gnupg2", "gnupg"),
    ("xz-utils", "xz"),
    ("libc6-compat", "glibc"),
    ("gcompat", "glibc"),
    ("icu-libs", "icu"),
    ("icu-dev", "icu"),
    ("libicu-dev", "icu"),
    ("krb5-dev", "krb5"),
    ("krb5-libs", "krb5"),
    ("libkrb5-dev", "krb5"),
    ("libgssapi-krb5-2", "krb5"),
    ("libevent-dev", "libevent"),
    ("libmemcached-dev", "libmemcached"),
    ("libwebp-dev", "libwebp"),
    ("libfreetype6-dev", "freetype"),
    ("freetype-dev", "freetype"),
    ("libgmp-dev", "gmp"),
    ("gmp-dev", "gmp"),
    ("libldap2-dev", "openldap"),
    ("openldap-dev", "openldap"),
    ("liblz4-dev", "lz4"),
    ("libmagickwand-dev", "imagemagick"),
    ("imagemagick-dev", "imagemagick"),
    ("protobuf-dev", "protobuf"),
    ("protobuf-compiler", "protobuf"),
    ("libprotobuf-dev", "protobuf"),
    ("protoc", "protobuf"),
    ("grpc-dev", "grpc"),
    ("smbclient", "samba"),
    ("samba-client", "samba"),
    ("samba-dev", "samba"),
    ("libsmbclient-dev", "samba"),
    ("pcre-dev", "pcre"),
    ("pcre2-dev", "pcre2"),
    ("libcurl4", "curl"),
    ("libcurl", "curl"),
    ("libbz2-dev", "bzip2"),
    ("bzip2-dev", "bzip2"),
    ("nss-tools", "nss.tools"),
    ("libnss3", "nss"),
    ("libjemalloc2", "jemalloc"),
    ("libjemalloc-dev", "jemalloc"),
    ("libvips-dev", "vips"),
    ("vips-dev", "vips"),
    ("libyaml-dev", "libyaml"),
    ("yaml-dev", "libyaml"),
    ("libreadline-dev", "readline"),
    ("readline-dev", "readline"),
    ("libncurses-dev", "ncurses"),
    ("libncurses5-dev", "ncurses"),
    ("ncurses-dev", "ncurses"),
    ("liblzma-dev", "xz"),
    ("xz-dev", "xz"),
    ("uuid-dev", "libuuid"),
    ("libsodium-dev", "libsodium"),
    ("libzmq3-dev", "zeromq"),
    ("librdkafka-dev", "librdkafka"),
    ("libmariadb-dev", "libmysqlclient"),
    ("libsnappy-dev", "snappy"),
    ("libgl1", "libGL"),
    ("libgl1-mesa-glx", "libGL"),
    ("libglib2.0-0", "glib"),
    ("libxml2-utils", "libxml2"),
    ("libjpeg62-turbo-dev", "libjpeg"),
    ("libonig-dev", "oniguruma"),
    ("oniguruma-dev", "oniguruma"),
    ("libgit2-dev", "libgit2"),
    ("libstdc++", "stdenv.cc.cc.lib"),
    ("libstdc++6", "stdenv.cc.cc.lib"),
    ("libgcc", "stdenv.cc.cc.lib"),
    ("libc-dev", "stdenv.cc"),
    ("libc6-dev", "stdenv.cc"),
    ("gettext-base", "gettext"),
    ("locales", "glibcLocales"),
    ("fonts-liberation", "liberation_ttf"),
    ("tesseract-ocr", "tesseract"),
    ("apache2", "apacheHttpd"),
    ("net-tools", "nettools"),
    ("inetutils-ping", "inetutils"),
    ("telnet", "inetutils"),
    ("netcat-traditional", "netcat"),
    ("postgresql16-client", "postgresql_16"),
    ("postgresql17-client", "postgresql_17"),
    ("openjdk-21-jre-headless", "jdk21_headless"),
    ("openjdk-11-jdk", "jdk11"),
    ("openjdk-11-jre-headless", "jdk11_headless"),
    ("openjdk8-jre", "jdk8"),
    ("openjdk17-jre", "jdk17"),
    ("openjdk21-jre", "jdk21"),
    ("clang-dev", "clang"),
    ("supervisor", "python3Packages.supervisor"),
    ("busybox-static", "busybox"),
    ("python3-wheel", "python3Packages.wheel"),
    ("apt-utils", ""),
    ("apt-transport-https", ""),
    ("software-properties-common", ""),
    ("lsb-release", ""),
    ("dirmngr", ""),
];

/// Packages that nixpkgs has under the same name.
const SAME: &[&str] = &[
    "ansible",
    "autoconf",
    "automake",
    "bash",
    "bison",
    "bzip2",
    "cmake",
    "composer",
    "coreutils",
    "cron",
    "curl",
    "diffutils",
    "dumb-init",
    "file",
    "findutils",
    "flex",
    "gawk",
    "gcc",
    "gdb",
    "gettext",
    "ffmpeg",
    "git",
    "git-lfs",
    "gnupg",
    "graphviz",
    "grep",
    "gzip",
    "htop",
    "imagemagick",
    "iptables",
    "jq",
    "less",
    "libtool",
    "libuv",
    "lsof",
    "musl",
    "nano",
    "nginx",
    "ninja",
    "nodejs",
    "openssh",
    "openssl",
    "patch",
    "pnpm",
    "procps",
    "protobuf",
    "redis",
    "rsync",
    "ruby",
    "sed",
    "shadow",
    "socat",
    "sqlite",
    "strace",
    "su-exec",
    "sudo",
    "tini",
    "tree",
    "tzdata",
    "unzip",
    "vim",
    "wget",
    "yarn",
    "zip",
    "bc",
    "cargo",
    "chromium",
    "clang",
    "dash",
    "fontconfig",
    "geos",
    "gdal",
    "gh",
    "ghostscript",
    "gosu",
    "jemalloc",
    "krb5",
    "libaio",
    "libpq",
    "libwebp",
    "libxml2",
    "libxslt",
    "lld",
    "llvm",
    "maven",
    "mold",
    "nasm",
    "ncdu",
    "perl",
    "poppler-utils",
    "pv",
    "screen",
    "tcpdump",
    "tmux",
    "traceroute",
    "whois",
    "xmlsec",
    "xvfb-run",
    "yasm",
    "yq",
    "zsh",
];

/// Names in [`SAME`] that nixpkgs spells differently.
const SPELT: [(&str, &str); 4] =
    [("sed", "gnused"), ("grep", "gnugrep"), ("patch", "gnupatch"), ("composer", "phpPackages.composer")];

/// The nixpkgs attribute for a distribution's package; empty if it only serves the package manager. `None` if it is
/// unknown.
pub fn attribute(package: &str) -> Option<&'static str> {
    // Remove a version or an architecture: `curl=8.5`, `git~2`, `libc6:amd64`.
    let name = package.split(['=', '~', '<', '>', ':']).next().unwrap_or(package);
    let renamed = RENAMED.iter().chain(&SPELT).find(|(found, _)| *found == name).map(|(_, attribute)| *attribute);
    renamed.or_else(|| SAME.iter().find(|found| **found == name).copied())
}

/// Whether a version is given for a package: `curl=8.5`, `git~2`, `nodejs>18`.
pub fn has_version(package: &str) -> bool {
    package.contains(['=', '~', '<', '>'])
}

/// Whether a distribution's package is a library with its headers.
pub fn is_library(package: &str) -> bool {
    let name = package.split(['=', '~', '<', '>', ':']).next().unwrap_or(package);
    name.starts_with("lib") || name.ends_with("-dev") || name.ends_with("-devel")
}

/// Python packages that nixpkgs has under the same name in `python3Packages`.
const PYTHON: [&str; 66] = [
    "aiohttp",
    "alembic",
    "asgiref",
    "asyncpg",
    "bcrypt",
    "beautifulsoup4",
    "black",
    "boto3",
    "celery",
    "certifi",
    "click",
    "cryptography",
    "dill",
    "django",
    "django-cors-headers",
    "djangorestframework",
    "fastapi",
    "flask",
    "flask-cors",
    "flask-login",
    "flask-migrate",
    "flask-restful",
    "flask-sqlalchemy",
    "gevent",
    "greenlet",
    "gunicorn",
    "httptools",
    "httpx",
    "itsdangerous",
    "jinja2",
    "kafka-python",
    "lxml",
    "mako",
    "markupsafe",
    "marshmallow",
    "matplotlib",
    "mysqlclient",
    "numpy",
    "openai",
    "pandas",
    "passlib",
    "pika",
    "pillow",
    "prometheus-client",
    "protobuf",
    "psutil",
    "psycopg",
    "psycopg2",
    "pydantic",
    "pymongo",
    "pymysql",
    "pytest",
    "python-dateutil",
    "python-dotenv",
    "python-multipart",
    "pyyaml",
    "redis",
    "requests",
    "scikit-learn",
    "scipy",
    "six",
    "sqlalchemy",
    "sqlparse",
    "starlette",
    "uvicorn",
    "werkzeug",
];

/// Python packages that nixpkgs has under another name.
const PYTHON_RENAMED: [(&str, &str); 4] = [
    ("psycopg2-binary", "psycopg2"),
    ("mysql-connector-python", "mysql-connector"),
    ("mysql-connector", "mysql-connector"),
    ("flask-pymongo", "flask-pymongo"),
];

/// The attribute in `python3Packages` for a PyPI requirement such as `Flask[async]>=2`.
pub fn python(requirement: &str) -> Option<&'static str> {
    let end = requirement.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(requirement.len());
    let name = requirement[..end].to_ascii_lowercase().replace(['_', '.'], "-");
    let renamed = PYTHON_RENAMED.iter().find(|(found, _)| *found == name).map(|(_, attribute)| *attribute);
    renamed.or_else(|| PYTHON.iter().find(|found| **found == name).copied())
}

/// The packages that a command installs; `None` if it is not an install command of a package manager.
pub fn installed<'w>(words: &[&'w str]) -> Option<Vec<&'w str>> {
    let program = words.first()?.rsplit('/').next()?;
    let verb = match program {
        "apt-get" | "apt" | "dnf" | "yum" | "microdnf" | "zypper" | "aptitude" | "tdnf" => "install",
        "apk" => "add",
        _ => return None,
    };
    let at = words.iter().position(|word| *word == verb)?;
    let mut packages = Vec::new();
    let mut rest = words.get(at + 1..)?.iter();
    while let Some(word) = rest.next() {
        match *word {
            "-t" | "--virtual" | "--repository" | "-X" | "--target-release" => {
                rest.next();
            }
            word if word.starts_with('-') || word.starts_with('.') => {}
            word => packages.push(word),
        }
    }
    Some(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn install_commands_are_parsed_and_packages_have_attributes() {
        assert_eq!(
            installed(&["apt-get", "install", "-y", "--no-install-recommends", "git", "curl"]),
            Some(vec!["git", "curl"])
        );
        assert_eq!(installed(&["apk", "--no-cache", "add", "--virtual", ".deps", "gcc"]), Some(vec!["gcc"]));
        assert_eq!(installed(&["apt-get", "update"]), None);
        assert_eq!(installed(&["pip", "install", "x"]), None);
        for (package, expected) in [
            ("curl=8.5.0-2", Some("curl")),
            ("build-essential", Some("stdenv.cc")),
            ("sed", Some("gnused")),
            ("grep", Some("gnugrep")),
            ("ansible", Some("ansible")),
            ("libfoo-dev", None),
        ] {
            assert_eq!(attribute(package), expected, "{package}");
        }
        assert!(has_version("curl=8.5.0-2") && !has_version("libc6:amd64"));
        assert_eq!(python("Flask[async]>=2.0"), Some("flask"));
        assert_eq!(python("psycopg2_binary==2.9"), Some("psycopg2"));
        assert_eq!(python("odd"), None);
    }
}
