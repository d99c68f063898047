use std::collections::BTreeMap;

use super::*;
use crate::lang::{Language, Tree};
use crate::migrate::{Ports, Report};

/// The module of a Dockerfile at a path, and the report.
fn migrated(path: &str, text: &str, others: &[(&str, &str)]) -> (String, Report) {
    let mut files: BTreeMap<String, String> =
        others.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    files.insert(path.to_owned(), text.to_owned());
    let mut draft = Draft::new(&files, Ports::default());
    migrate(&mut draft, &path.into()).unwrap();
    let (changes, report) = draft.finish().unwrap();
    let module = changes.iter().find(|change| change.path.starts_with("flake/container-")).unwrap();
    let tree = Tree::parse(Language::Nix, &module.after).unwrap();
    assert!(!tree.broken(), "{}", module.after);
    (module.after.clone(), report)
}

fn left(report: &Report) -> Vec<String> {
    report.left.iter().map(|left| format!("{}: {}", left.line, left.what)).collect()
}

#[test]
fn an_application_with_a_lock_file_is_built() {
    let dockerfile = "FROM node:22-alpine\nWORKDIR /srv\nENV PORT=3000\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\n\
                      RUN apk add --no-cache curl\nEXPOSE 3000\nUSER node\nCMD [\"node\", \"index.js\"]\n";
    let (module, report) = migrated(
        "api/Dockerfile",
        dockerfile,
        &[("api/package-lock.json", "{}"), ("api/.dockerignore", "node_modules\n*.log\n")],
    );
    for expected in [
        "packages.container-api = nix2container.buildImage {",
        "name = \"api\";",
        "npmDeps = pkgs.importNpmLock { npmRoot = src; };",
        "dontNpmBuild = true;",
        "deps = [ pkgs.nodejs_22 pkgs.bashInteractive pkgs.coreutils pkgs.curl pkgs.cacert pkgs.dockerTools.usrBinEnv",
        "Cmd = [ \"node\" \"index.js\" ];",
        "\"PATH=${lib.makeBinPath [ pkgs.nodejs_22 pkgs.bashInteractive pkgs.coreutils pkgs.curl ]}\"",
        "\"PORT=${toString ports.",
        "WorkingDir = \"/srv\";",
        "User = \"node\";",
        "/tcp\" = { };",
        "node:x:1000:1000::/home/node:/bin/sh",
        "(lib.fileset.maybeMissing ../api/node_modules)",
        "mode = \"1777\";",
        "pkgs.dockerTools.usrBinEnv",
        "SSL_CERT_FILE=${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt",
        "ports = import ../lib/ports.nix;",
    ] {
        assert!(in_one_line(&module).contains(expected), "{expected}\n{module}");
    }
    assert_eq!(left(&report), ["2: *.log"]);
}

/// A module without its layout.
fn in_one_line(module: &str) -> String {
    module.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn stages_become_derivations() {
    let dockerfile = "ARG GO=1.24\nFROM golang:${GO}-alpine AS build\nWORKDIR /code\nENV CGO_ENABLED 0\nCOPY . .\n\
                      RUN go build -o bin/web .\nFROM build AS dev\nRUN apk add git\nFROM scratch\n\
                      COPY --from=build /code/bin/web /web\nENTRYPOINT [\"/web\"]\n";
    let (module, report) = migrated("Dockerfile", dockerfile, &[("go.mod", "module x\n")]);
    for expected in [
        "stage-build-app = pkgs.buildGoModule {",
        "vendorHash = null;",
        "env.CGO_ENABLED = \"0\";",
        "$out/code/bin/web",
        "copy ${stage-build}/code/bin/web $out/web",
        "Entrypoint = [ \"/web\" ];",
        "src = ../.;",
    ] {
        assert!(in_one_line(&module).contains(expected), "{expected}\n{module}");
    }
    assert!(!module.contains("cacert") && !module.contains("tmp =") && !module.contains("layers"), "{module}");
    assert_eq!(left(&report), Vec::<String>::new());
}

#[test]
fn what_is_not_carried_is_a_hole_with_a_name() {
    let dockerfile = "FROM maven:3-eclipse-temurin-21 AS build\nCOPY src /app/src\nRUN cd /app && mvn package\n\
                      FROM eclipse-temurin:21-jre\nCOPY --from=build /app/target/a.jar /a.jar\nCOPY --from=odd/image /x /x\n\
                      HEALTHCHECK CMD curl localhost\nCMD java -jar /a.jar\n";
    let (module, report) = migrated("Dockerfile", dockerfile, &[("src/x", "")]);
    for expected in [
        "# not carried: Dockerfile line 3: mvn package",
        "nativeBuildInputs = [ pkgs.maven ];",
        "exit 1",
        "deps = [ pkgs.jdk21 pkgs.bashInteractive pkgs.coreutils pkgs.cacert pkgs.dockerTools.usrBinEnv",
        "Cmd = [ \"${pkgs.bashInteractive}/bin/sh\" \"-c\" \"java -jar /a.jar\" ];",
    ] {
        assert!(in_one_line(&module).contains(expected), "{expected}\n{module}");
    }
    assert_eq!(left(&report), ["3: RUN mvn package", "6: COPY --from=odd/image", "7: HEALTHCHECK"]);
}

#[test]
fn names_are_unique_and_known_to_others() {
    let files: BTreeMap<String, String> = [
        ("a/api/Dockerfile", "FROM scratch\n"),
        ("b/api/Dockerfile", "FROM scratch\n"),
        ("web/Dockerfile", "FROM scratch\n"),
        ("x/Dockerfile", "hello\n"),
    ]
    .into_iter()
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .collect();
    let mut draft = Draft::new(&files, Ports::default());
    for path in ["a/api/Dockerfile", "b/api/Dockerfile"] {
        migrate(&mut draft, &path.into()).unwrap();
    }
    assert_eq!(package_of(&draft, "a/api/Dockerfile").as_deref(), Some("container-api"));
    assert_eq!(package_of(&draft, "b/api/Dockerfile").as_deref(), Some("container-b-api"));
    assert_eq!(package_of(&draft, "c/Dockerfile"), None);
    migrate(&mut draft, &"b/api/Dockerfile".into()).unwrap();
    let again = draft.report.carried.last().unwrap();
    assert_eq!(again.into, "nothing more: it is already migrated to flake/container-b-api.nix");
    draft.write("flake/container-web.nix", "{ }\n".to_owned()).unwrap();
    let taken = migrate(&mut draft, &"web/Dockerfile".into()).unwrap_err();
    assert!(taken.to_string().contains("flake/container-web.nix exists already"), "{taken}");
    let error = migrate(&mut draft, &"x/Dockerfile".into()).unwrap_err();
    assert_eq!(error.to_string(), "x/Dockerfile:1:1: the first instruction is not `FROM`: this is not a Dockerfile");
}
