//! Commands and packages in Dockerfiles that a Nix build needs no counterpart for.

/// Packages that every build of nixpkgs has, or that a build in a sandbox has no use for.
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
pub const NO_EFFECT: [&str; 23] = [
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
