//! WordPress connects with the settings of its image.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::reports::Repo;
use crate::tools::have;

/// What a stub of WordPress prints in place of its pages.
const STUB: &str =
    "<?php echo implode('|', [DB_NAME, DB_USER, DB_PASSWORD, DB_HOST, defined('EXTRA') ? EXTRA : '']);\n";

/// The PHP constants that the written script of a process sets if the environment has these variables. `None` if PHP or
/// Nix is missing.
fn constants(repo: &Repo, process: &str, variables: &[(&str, &str)]) -> Option<String> {
    let scripts = repo.scripts().filter(|_| have(&["php"]))?;
    let script = scripts.iter().find(|script| script.contains(&format!("-t ./data/{process}"))).unwrap();
    let source = repo.root().join("stub/share/wordpress");
    fs::create_dir_all(&source).unwrap();
    fs::write(source.join("wp-settings.php"), STUB).unwrap();
    let script = script.replace("/usr/share/wordpress", source.to_str().unwrap());
    // PHP's server runs in the folder of the file that it serves.
    let (before, _) = script.rsplit_once("exec ").unwrap();
    let script = format!("{before}start=$PWD\ncd ./data/{process} && PWD=$start exec php wp-config.php\n");
    let mut command = Command::new("bash");
    let clean = command.args(["-c", &script]).current_dir(repo.root()).env_clear();
    let output = clean.envs(variables.iter().copied()).env("PATH", std::env::var("PATH").unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn files_with_passwords_are_read_from_the_folder_of_the_process() {
    let compose = "services:\n  w: {image: \"wordpress:6\", ports: [\"8082:80\"], secrets: [dbpw], \
                   environment: {WORDPRESS_DB_PASSWORD_FILE: /run/secrets/dbpw}}\n\
                   secrets: {dbpw: {file: ./dbpw.txt}}\n";
    let repo = Repo::of(&[("compose.yaml", compose), ("dbpw.txt", "hunter2\n")]);
    repo.has("WORDPRESS_DB_PASSWORD_FILE = \"./dbpw.txt\";");
    if let Some(found) = constants(&repo, "w", &[("WORDPRESS_DB_PASSWORD_FILE", "./dbpw.txt")]) {
        assert_eq!(found, "wordpress|root|hunter2|127.0.0.1|");
    }
    let file = repo.root().join("dbpw.txt");
    if let Some(found) = constants(&repo, "w", &[("WORDPRESS_DB_PASSWORD_FILE", file.to_str().unwrap())]) {
        assert_eq!(found, "wordpress|root|hunter2|127.0.0.1|");
    }
}

#[test]
fn bitnamis_image_has_its_own_port_and_variables() {
    let compose = "services:\n  maria: {image: \"bitnami/mariadb:11\", environment: {MARIADB_DATABASE: wp}}\n  \
                   w: {image: \"bitnami/wordpress:6\", ports: [\"8085:8080\"], environment: {WORDPRESS_DATABASE_HOST: maria, \
                   WORDPRESS_DATABASE_PORT_NUMBER: 3306, WORDPRESS_DATABASE_NAME: wp, WORDPRESS_DATABASE_PASSWORD: hunter2}}\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.registers("w = 8085;")
        .has("-S 127.0.0.1:${toString ports.development.w} -t ./data/w")
        .has("WORDPRESS_DATABASE_HOST = \"127.0.0.1\";")
        .has("WORDPRESS_DATABASE_PORT_NUMBER = toString ports.development.maria;")
        .left("services.w.image", "does not create the site")
        .not_left("services.w.environment", "");
    assert_eq!(repo.file("lib/ports.nix").matches("808").count(), 1);
    let variables = [
        ("WORDPRESS_DATABASE_HOST", "127.0.0.1"),
        ("WORDPRESS_DATABASE_PORT_NUMBER", "3307"),
        ("WORDPRESS_DATABASE_PASSWORD", "hunter2"),
        ("WORDPRESS_EXTRA_WP_CONFIG_CONTENT", "define('EXTRA', 'x');"),
    ];
    if let Some(found) = constants(&repo, "w", &variables) {
        assert_eq!(found, "bitnami_wordpress|bn_wordpress|hunter2|127.0.0.1:3307|x");
    }
}

#[test]
fn a_database_named_only_by_the_default_host_is_reported() {
    let compose = "services:\n  db: {image: \"mysql:8\", environment: {MYSQL_DATABASE: other}}\n  \
                   mysql: {image: \"mysql:8\", ports: [\"3399:3306\"]}\n  w: {image: \"wordpress:6\", ports: [\"8082:80\"]}\n";
    Repo::of(&[("compose.yaml", compose)])
        .left("services.w.environment", "without WORDPRESS_DB_HOST, the program connects to `mysql`");
    let compose = "services:\n  mariadb: {image: \"bitnami/mariadb:11\"}\n  w: {image: \"bitnami/wordpress:6\"}\n";
    Repo::of(&[("compose.yaml", compose)])
        .left("services.w.environment", "without WORDPRESS_DATABASE_HOST, the program connects to `mariadb`");
    let compose = "services:\n  mysql: {image: \"mysql:8\"}\n  w: {image: \"wordpress:6\", environment: {WORDPRESS_DB_HOST: mysql}}\n  \
                   n: {image: \"nextcloud:31\"}\n";
    Repo::of(&[("compose.yaml", compose)])
        .not_left("services.w.environment", "connects to")
        .not_left("services.n.environment", "connects to");
}

#[test]
fn secrets_in_php_code_are_moved_to_env() {
    let compose = "services:\n  w:\n    image: wordpress:6\n    environment:\n      WORDPRESS_CONFIG_EXTRA: |\n        \
                   define('SMTP_PASSWORD', 'hunter2smtp');\n        define('EXTRA', SMTP_PASSWORD . '$$x');\n";
    let repo = Repo::of(&[("compose.yaml", compose)]);
    repo.lacks("hunter2smtp")
        .has("define('SMTP_PASSWORD', '\\${SMTP_PASSWORD-}');")
        .left("secrets in environment", "SMTP_PASSWORD");
    assert!(repo.file(".env").contains("SMTP_PASSWORD=hunter2smtp\n"));
    if let Some(found) = constants(&repo, "w", &[("SMTP_PASSWORD", "hunter2smtp")]) {
        assert_eq!(found, "wordpress|root||127.0.0.1|hunter2smtp$x");
    }
}

#[test]
fn an_incomplete_copy_is_made_again_and_is_not_tracked() {
    let compose = "services:\n  w: {image: \"wordpress:6\"}\n";
    let repo = Repo::of(&[("compose.yaml", compose), (".gitignore", "*.log")]);
    assert_eq!(repo.file(".gitignore"), "*.log\n/data/w/\n");
    for ignored in ["data/\n", "/data/w\n", "/data/*\n"] {
        assert_eq!(Repo::of(&[("compose.yaml", compose), (".gitignore", ignored)]).file(".gitignore"), ignored);
    }
    let Some(scripts) = repo.scripts() else { return };
    // The files of WordPress are missing, so that `cp` fails.
    let script = scripts.concat().replace("/usr/share/wordpress", "/missing");
    let output = Command::new("bash").args(["-c", &script]).current_dir(repo.root()).output().unwrap();
    assert!(!output.status.success());
    assert!(!Path::new(&repo.root().join("data/w/wp-config.php")).exists());
}
