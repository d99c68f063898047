//! Paths in images that nixpkgs packages provide, and folders that every distribution has. From the file lists of
//! Debian's and Alpine's packages.

/// Files of a distribution's packages: the path in the image, the attribute, and the path in its output.
const OF_PACKAGES: [(&str, &str, &str); 9] = [
    ("/etc/ssl/certs/ca-certificates.crt", "cacert", "/etc/ssl/certs/ca-bundle.crt"),
    ("/etc/ssl/cert.pem", "cacert", "/etc/ssl/certs/ca-bundle.crt"),
    ("/etc/pki/tls/certs/ca-bundle.crt", "cacert", "/etc/ssl/certs/ca-bundle.crt"),
    ("/etc/ssl/certs", "cacert", "/etc/ssl/certs"),
    ("/etc/ssl", "cacert", "/etc/ssl"),
    ("/usr/share/zoneinfo", "tzdata", "/share/zoneinfo"),
    ("/etc/mime.types", "mailcap", "/etc/mime.types"),
    ("/usr/share/ca-certificates", "cacert", "/etc/ssl/certs"),
    ("/sbin/tini", "tini", "/bin/tini"),
];

/// The package that provides what a distribution has at a path, and the path in its output.
pub fn of_package(path: &str) -> Option<(&'static str, String)> {
    let path = path.trim_end_matches('/');
    OF_PACKAGES.iter().find_map(|(known, attribute, inside)| {
        let rest = path.strip_prefix(known)?;
        (rest.is_empty() || (rest.starts_with('/') && *attribute == "tzdata"))
            .then(|| (*attribute, format!("{inside}{rest}")))
    })
}

/// Folders that exist before anything is copied.
const FOLDERS: [&str; 24] = [
    "/",
    "/bin",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
];

/// Whether a distribution has a folder at a path.
pub fn is_folder(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    FOLDERS.contains(&if path.is_empty() { "/" } else { path })
}

/// The folders of PATH in images that do not set it, in order.
pub const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Folders whose contents in an image do not exist on the host: `/etc`, and the usual folders for applications.
pub const IMAGE_FOLDERS: [&str; 7] = ["app", "code", "etc", "opt", "srv", "workspace", "usr/src"];

/// Paths in `/etc` that also exist on hosts.
pub const MACHINE_PATHS: [&str; 6] =
    ["/etc/hosts", "/etc/localtime", "/etc/passwd", "/etc/resolv.conf", "/etc/ssl", "/etc/timezone"];

/// Folders whose files a script finds on the machine itself, in addition to [`MACHINE_PATHS`].
pub const MACHINE_FOLDERS: [&str; 6] = ["bin", "dev", "proc", "sys", "tmp", "usr"];

/// Folders that every machine has.
pub const SHARED_FOLDERS: [&str; 6] = ["/tmp", "/var/tmp", "/dev", "/proc", "/sys", "/etc/ssl"];

/// Files without an extension that projects contain. From the documentation of the programs that read them.
pub const FILES_WITHOUT_EXTENSION: [&str; 12] = [
    "Caddyfile",
    "Gemfile",
    "LICENSE",
    "Makefile",
    "Pipfile",
    "Procfile",
    "README",
    "Rakefile",
    "artisan",
    "gradlew",
    "justfile",
    "mvnw",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_provided_by_packages() {
        for (path, expected) in [
            ("/etc/ssl/certs/ca-certificates.crt", Some(("cacert", "/etc/ssl/certs/ca-bundle.crt"))),
            ("/etc/ssl/certs/", Some(("cacert", "/etc/ssl/certs"))),
            ("/usr/share/zoneinfo/Europe", Some(("tzdata", "/share/zoneinfo/Europe"))),
            ("/etc/ssl/private/x", None),
            ("/usr/share/zoneinfos", None),
        ] {
            let found = of_package(path);
            assert_eq!(found.as_ref().map(|(name, inside)| (*name, inside.as_str())), expected, "{path}");
        }
        assert!(is_folder("/tmp/") && is_folder("/") && !is_folder("/app"));
    }
}
