//! Commands and packages in Dockerfiles for which a Nix build needs no counterpart.

/// Packages that every nixpkgs build has, or that are of no use to a build in a sandbox.
pub const IN_EVERY_BUILD: [&str; 12] = [
    "stdenv.cc",
    "gcc",
    "gnumake",
    "gnupatch",
    "gnused",
    "coreutils",
    "bash",
    "musl",
    "glibc",
    "linuxHeaders",
    "cacert",
    "tzdata",
];

/// Commands without a lasting effect on the files of an image, or with one that a Nix image does not need.
pub const NO_EFFECT: [&str; 26] = [
    ".",
    "source",
    "virtualenv",
    "apt-get",
    "apt",
    "apk",
    "dnf",
    "yum",
    "microdnf",
    "zypper",
    "rm",
    "ls",
    "echo",
    "true",
    "set",
    "export",
    "cd",
    "sleep",
    "cat",
    "update-ca-certificates",
    "ldconfig",
    "groupadd",
    "addgroup",
    "[",
    "[[",
    "test",
];

/// Commands that change accounts, which the new image defines as a whole.
pub const CHANGES_ACCOUNTS: [&str; 8] =
    ["usermod", "groupmod", "delgroup", "deluser", "userdel", "groupdel", "chpasswd", "passwd"];

/// Commands that add accounts.
pub const ADDS_ACCOUNTS: [&str; 4] = ["adduser", "addgroup", "useradd", "groupadd"];

/// Flags of `useradd` whose value is the next word, from the useradd(8) manual page.
pub const USERADD_VALUED: [&str; 31] = [
    "-b",
    "--base-dir",
    "-c",
    "--comment",
    "-d",
    "--home",
    "--home-dir",
    "-e",
    "--expiredate",
    "-f",
    "--inactive",
    "-g",
    "--gid",
    "-G",
    "--groups",
    "-k",
    "--skel",
    "-K",
    "--key",
    "-p",
    "--password",
    "-P",
    "--prefix",
    "-R",
    "--root",
    "-s",
    "--shell",
    "-u",
    "--uid",
    "-Z",
    "--selinux-user",
];

/// Additional flags of `adduser` with a value. `adduser` is part of BusyBox in Alpine, a separate program in Debian,
/// and `useradd` in Fedora.
pub const ADDUSER_VALUED: [&str; 8] =
    ["-h", "--ingroup", "--gecos", "--conf", "--firstuid", "--lastuid", "--firstgid", "--lastgid"];

/// Flags of `groupadd` and `addgroup` with a value.
pub const GROUPADD_VALUED: [&str; 13] = [
    "-g",
    "--gid",
    "-K",
    "--key",
    "-p",
    "--password",
    "-P",
    "--prefix",
    "-R",
    "--root",
    "--conf",
    "--firstgid",
    "--lastgid",
];

/// Programs that distributions include in every image, and their packages.
pub const OF_EVERY_BASE: [(&str, &str); 9] = [
    ("awk", "gawk"),
    ("egrep", "gnugrep"),
    ("find", "findutils"),
    ("grep", "gnugrep"),
    ("gunzip", "gzip"),
    ("gzip", "gzip"),
    ("sed", "gnused"),
    ("tar", "gnutar"),
    ("xargs", "findutils"),
];

/// The paths of Bash in distributions, which a Nix image has only if they are linked.
pub const BASH: [&str; 2] = ["/bin/bash", "/usr/bin/bash"];

/// Paths that every new image with a shell has.
pub const WITH_A_SHELL: [&str; 2] = ["/bin/sh", "/usr/bin/env"];

/// Start scripts that official images contain, from their Dockerfiles.
pub const STARTERS_OF_IMAGES: [&str; 2] = ["docker-entrypoint.sh", "docker-php-entrypoint"];

/// Programs in packages with another name that are not in [`crate::knowledge::containers::PROGRAMS`]. From the
/// packages' file lists. `sshd` is not among them: it has to be started by its absolute path.
pub const OF_OTHER_PACKAGES: [(&str, &str); 15] = [
    ("chmod", "coreutils"),
    ("chown", "coreutils"),
    ("date", "coreutils"),
    ("mkdir", "coreutils"),
    ("nohup", "coreutils"),
    ("stdbuf", "coreutils"),
    ("tee", "coreutils"),
    ("timeout", "coreutils"),
    ("gem", "ruby"),
    ("php-fpm", "php"),
    ("scp", "openssh"),
    ("ssh", "openssh"),
    ("ssh-keygen", "openssh"),
    ("supervisorctl", "python3Packages.supervisor"),
    ("supervisord", "python3Packages.supervisor"),
];

/// Commands that compile a program from its source. In the checkout, the program is run from its source.
pub const COMPILERS: [[&str; 2]; 5] =
    [["go", "build"], ["cargo", "build"], ["cargo", "install"], ["dotnet", "publish"], ["dotnet", "build"]];

/// Commands that only prepare the package manager of a distribution.
pub const PREPARES_INSTALLER: [&str; 6] =
    ["add-apt-repository", "apt-add-repository", "apt-key", "apt-mark", "lsb_release", "rpmkeys"];

/// The folders of package managers, and those from which PHP's image compiles extensions.
pub const INSTALLER_FOLDERS: [&str; 7] = [
    "/etc/apk/",
    "/etc/apt/",
    "/etc/yum.repos.d",
    "/usr/share/keyrings",
    "/usr/src/php/ext",
    "/usr/src/php-available-exts",
    "/var/lib/apt/",
];

/// The addresses of scripts that install a program, and its package in nixpkgs. Empty for those that add a repository
/// from which the program is installed afterwards. From the programs' documentation.
pub const INSTALLERS: [(&str, &str); 10] = [
    ("astral.sh/uv", "uv"),
    ("bun.com/install", "bun"),
    ("bun.sh/install", "bun"),
    ("deb.nodesource.com", ""),
    ("deno.land/install.sh", "deno"),
    ("get.docker.com", "docker-client"),
    ("get.pnpm.io", "pnpm"),
    ("install.python-poetry.org", "poetry"),
    ("rpm.nodesource.com", ""),
    ("taskfile.dev/install.sh", "go-task"),
];

/// The tools that run a command in the environment of a Python project.
pub const ENVIRONMENTS: [&str; 3] = ["uv", "poetry", "pdm"];

/// Flags of [`ENVIRONMENTS`], before and after `run`, that take no value.
pub const ENVIRONMENT_FLAGS: [&str; 12] = [
    "--active",
    "--all-extras",
    "--frozen",
    "--isolated",
    "--locked",
    "--no-dev",
    "--no-project",
    "--no-sync",
    "--offline",
    "--quiet",
    "-q",
    "--",
];

/// Commands that compile Java code: the build tool, and its goals or tasks that do so.
pub const JAVA_COMPILERS: [(&str, &[&str]); 2] = [
    ("mvn", &["compile", "install", "package", "single", "verify"]),
    ("gradle", &["assemble", "bootJar", "build", "installDist", "jar", "shadowJar"]),
];

/// Variables with the folders of tools and languages in an image, and the variables of installers. On this machine, the
/// tools have their own folders. From their documentation.
pub const OF_TOOLS: [&str; 32] = [
    "CARGO_HOME",
    "COMPOSER_ALLOW_SUPERUSER",
    "COMPOSER_HOME",
    "DEBIAN_FRONTEND",
    "GOCACHE",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "JAVA_HOME",
    "LANGUAGE",
    "M2_HOME",
    "MAVEN_CONFIG",
    "MAVEN_HOME",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_PREFIX",
    "NVM_DIR",
    "PIPENV_CACHE_DIR",
    "PIP_CACHE_DIR",
    "PNPM_HOME",
    "POETRY_CACHE_DIR",
    "POETRY_HOME",
    "POETRY_VIRTUALENVS_PATH",
    "PYENV_ROOT",
    "PYSETUP_PATH",
    "RUSTUP_HOME",
    "UV_CACHE_DIR",
    "UV_PROJECT_ENVIRONMENT",
    "VENV_PATH",
    "VIRTUAL_ENV",
    "YARN_CACHE_FOLDER",
];

/// Parts of PATH in an image that contain the programs of its language, which a process has from its packages or its
/// checkout.
pub const TOOL_FOLDERS: [&str; 10] = [
    "$PATH",
    "${PATH}",
    "/.cargo/bin",
    "/.local/bin",
    "/cargo/bin",
    "/go/bin",
    "/venv/bin",
    "/.venv/bin",
    "/poetry/bin",
    "node_modules/.bin",
];

/// Distribution packages for people who work in a container, and the packages of Python's own tools.
pub const FOR_PEOPLE: [&str; 14] = [
    "htop",
    "less",
    "nano",
    "ncdu",
    "py3-pip",
    "python3-dev",
    "python3-pip",
    "python3-setuptools",
    "python3-venv",
    "python3-wheel",
    "screen",
    "tmux",
    "tree",
    "vim",
];

/// Extensions of PostgreSQL: the end of the name of their package in Debian and PGDG, after the version, and the
/// attribute in nixpkgs. None of them has to be preloaded.
pub const POSTGRES_EXTENSIONS: [(&str, &str); 5] = [
    ("hypopg", "hypopg"),
    ("pgvector", "pgvector"),
    ("plpgsql-check", "plpgsql_check"),
    ("postgis-3", "postgis"),
    ("rum", "rum"),
];
