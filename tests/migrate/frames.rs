//! Images of Dockerfiles have the settings of their base images, and their commands are carried over or reported once.

use std::collections::BTreeMap;

use flakeward::migrate::{Draft, Ports, Report, dockerfile};

/// The module for a Dockerfile, with its whitespace collapsed, and the report.
fn migrated(text: &str) -> (String, Report) {
    let files = BTreeMap::from([("Dockerfile".to_owned(), text.to_owned()), ("app".to_owned(), String::new())]);
    let mut draft = Draft::new(&files, Ports::default());
    dockerfile::migrate(&mut draft, &"Dockerfile".into()).unwrap();
    let (changes, report) = draft.finish().unwrap();
    let module = changes.iter().find(|change| change.path.starts_with("flake/container-")).unwrap();
    (module.after.split_whitespace().collect::<Vec<_>>().join(" "), report)
}

/// What is left to do by hand.
fn left(report: &Report) -> Vec<String> {
    report.left.iter().map(|left| format!("{}: {}", left.line, left.what)).collect()
}

#[test]
fn images_keep_the_settings_of_their_base_images() {
    for (text, expected) in [
        ("FROM gcr.io/distroless/static:nonroot\nCOPY app /app\n", &["User = \"65532\";"][..]),
        ("FROM gcr.io/distroless/nodejs22-debian12:nonroot@sha256:aa\nCOPY app /app\n", &["User = \"65532\";"]),
        ("FROM cgr.dev/chainguard/node:latest\nCOPY app /app\n", &["User = \"65532\";"]),
        ("FROM mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled\nCOPY app /app\n", &["User = \"1654\";"]),
        ("FROM nginx:1.28\nCOPY app /etc/nginx/conf.d/a.conf\n", &["StopSignal = \"SIGQUIT\";"]),
        ("FROM nginx:1.28\nSTOPSIGNAL SIGTERM\n", &["StopSignal = \"SIGTERM\";"]),
        ("FROM redis:7\nCOPY app /app\n", &["Volumes.\"/data\" = { };", "/tcp\" = { };"]),
        ("FROM golang:1.24\nCOPY app .\n", &["WorkingDir = \"/go\";", "copy ${src}/app $out/go/"]),
        ("FROM debian\nARG DIR=/srv\nVOLUME $DIR/data\n", &["Volumes.\"/srv/data\" = { };"]),
    ] {
        let (module, report) = migrated(text);
        for expected in expected {
            assert!(module.contains(expected), "{text}: {expected}\n{module}");
        }
        let carried: Vec<&str> = report.carried.iter().map(|carried| carried.into.as_str()).collect();
        let key = expected[0].split([' ', '.']).next().unwrap();
        assert!(carried.contains(&format!("config.{key}").as_str()), "{text}: {carried:?}");
    }
    let (module, _) = migrated("FROM gcr.io/distroless/static:nonroot\nUSER 1000\nCOPY app /app\n");
    assert!(module.contains("User = \"1000\";") && !module.contains("65532"), "{module}");
    let (module, _) = migrated("FROM gcr.io/distroless/static\nCOPY app /app\n");
    assert!(!module.contains("User ="), "{module}");
}

#[test]
fn php_images_run_the_server_of_their_variant() {
    let text = "FROM php:8.3-fpm\nRUN apt-get update && apt-get install -y $PHPIZE_DEPS && docker-php-ext-install pdo_mysql \
                && pecl install redis && docker-php-ext-enable redis\n\
                RUN curl -L https://example.org/x.tgz | tar xz -C /usr/src/php/ext/apcu && docker-php-ext-install apcu\n\
                COPY app $PHP_INI_DIR/conf.d/\nCOPY app .\n";
    let (module, report) = migrated(text);
    for expected in [
        "Cmd = [ \"php-fpm\" \"--fpm-config\" \"/usr/local/etc/php-fpm.conf\" ];",
        "copy ${fpmConf} $out/usr/local/etc/php-fpm.conf",
        "copy ${fpmPool} $out/usr/local/etc/php-fpm.d/www.conf",
        "listen = 9000",
        "(pkgs.php83.withExtensions ({ enabled, all }: enabled ++ [ all.apcu all.redis ]))",
        "copy ${src}/app $out/usr/local/etc/php/conf.d/",
        "copy ${src}/app $out/var/www/html/",
        "StopSignal = \"SIGQUIT\";",
    ] {
        assert!(module.contains(expected), "{expected}\n{module}");
    }
    assert_eq!(left(&report), Vec::<String>::new());
    let (module, _) = migrated("FROM php:8.3-fpm\nCMD [\"php-fpm\", \"-y\", \"/own.conf\"]\n");
    assert!(module.contains("Cmd = [ \"php-fpm\" \"-y\" \"/own.conf\" ];"), "{module}");
    let (_, report) = migrated("FROM php:8.3-fpm\nRUN docker-php-ext-install oci8_unknown\n");
    assert_eq!(left(&report), ["2: RUN docker-php-ext-install oci8_unknown"]);
    let (_, report) = migrated("FROM php:8.3-apache\nCOPY app .\n");
    assert!(left(&report).contains(&"1: the server of the base image".to_owned()), "{:?}", left(&report));
    let (module, report) = migrated("FROM php:8.3-cli\nCOPY app .\n");
    assert!(module.contains("Cmd = [ \"php\" \"-a\" ];") && left(&report).is_empty(), "{module}");
}

#[test]
fn the_path_of_the_base_image_stays_at_its_place() {
    for (text, expected) in [
        (
            "ENV PATH=\"$PATH:/root/.tool/bin\"\n",
            "\"PATH=${lib.makeBinPath [ pkgs.bashInteractive pkgs.coreutils ]}:/root/.tool/bin\"",
        ),
        (
            "ENV PATH=/a:${PATH}\nENV PATH=/b:$PATH:/c\n",
            "\"PATH=/b:/a:${lib.makeBinPath [ pkgs.bashInteractive pkgs.coreutils ]}:/c\"",
        ),
        ("ENV PATH=/a\n", "\"PATH=/a:${lib.makeBinPath [ pkgs.bashInteractive pkgs.coreutils ]}\""),
    ] {
        let (module, _) = migrated(&format!("FROM debian\n{text}"));
        assert!(module.contains(expected), "{expected}\n{module}");
    }
    let (module, _) = migrated("FROM scratch\nENV PATH=$PATH:/a\nCOPY app /app\n");
    assert!(module.contains("\"PATH=/a\""), "{module}");
}

#[test]
fn commands_are_read_as_the_shell_and_the_programs_read_them() {
    let text = "FROM debian\nRUN useradd -ms /bin/bash -u 1500 web && adduser -D -u ${LOST} job\n\
                RUN mkdir -p -m 0755 /etc/tool && mkdir -pm 700 /srv/a\nRUN mkdir -p ~/.config\nUSER web\n\
                RUN mkdir -p ~/.cache && echo a > ~/.rc\nRUN [\"mkdir\", \"-p\", \"/srv/b c\"]\n";
    let (module, report) = migrated(text);
    for expected in [
        "web:x:1500:1500::/home/web:/bin/bash",
        "job:x:1000:1000::/home/job:/bin/sh",
        "mkdir -p $out/etc/tool",
        "mkdir -p $out/srv/a",
        "mkdir -p $out/root/.config",
        "mkdir -p $out/home/web/.cache",
        "> $out/home/web/.rc",
        "mkdir -p $out'/srv/b c'",
    ] {
        assert!(module.contains(expected), "{expected}\n{module}");
    }
    assert!(!module.contains("0755") && !module.contains("$out/700"), "{module}");
    assert_eq!(left(&report), Vec::<String>::new());
}

#[test]
fn commands_for_the_package_manager_of_the_image_are_not_left_to_do() {
    let text = "FROM debian\nRUN curl -s https://example.org/key.asc | gpg --dearmor - 2>/dev/null | tee \
                /usr/share/keyrings/a.gpg > /dev/null && sh -c 'echo \"deb https://example.org $(lsb_release -cs)\" > \
                /etc/apt/sources.list.d/a.list' && wget -qO- https://example.org/b.asc | apt-key add -\n\
                RUN curl -LsSf https://astral.sh/uv/install.sh | sh\nRUN curl -fsSL https://deb.nodesource.com/setup_22.x \
                | bash - && apt-get install -y nodejs\nRUN npm config set fund false && npm install -g pm2@5\n";
    let (module, report) = migrated(text);
    assert_eq!(left(&report), Vec::<String>::new());
    for expected in ["pkgs.uv", "pkgs.nodejs", "pkgs.pm2"] {
        assert!(module.contains(expected), "{expected}\n{module}");
    }
    // Other downloads are reported.
    let (_, report) = migrated("FROM debian\nRUN curl https://example.org/install.sh | sh\n");
    assert_eq!(left(&report), ["2: RUN curl https://example.org/install.sh", "2: RUN sh"]);
}

#[test]
fn a_command_and_those_that_it_runs_are_reported_once() {
    let text = "FROM debian\nRUN odd run make -j$(nproc) && bash -c \"apt-get install -y jq && strange\"\n";
    let (module, report) = migrated(text);
    assert_eq!(left(&report), ["2: RUN odd run make -j$(nproc)", "2: RUN strange"]);
    assert!(module.contains("pkgs.jq"), "{module}");
    let (_, report) = migrated("FROM debian\nRUN echo hello\n");
    assert!(report.carried.iter().any(|carried| carried.line == 2 && carried.what == "RUN"), "{:?}", report.carried);
}
