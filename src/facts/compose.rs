//! Recognises Compose files by the shape of their services; the file name is additional evidence.

use super::needles::Words;
use super::{Fact, FileView, Glance, Reader, fact};
use crate::finding::Span;
use crate::knowledge::compose;
use crate::lang::Node;
use crate::lang::yaml::{Entry, Yaml};
use crate::paths;
use crate::source::FileKind;

/// Reads Compose files.
pub static READER: Reader =
    Reader { name: "compose", needles: &[&SERVICES], may_hold, read: |file| fact(read_file(file)?, false) };

static SERVICES: Words = Words::any_of(&["services"]);

fn may_hold(source: &Glance<'_>) -> bool {
    source.kind == FileKind::Yaml && (source.has(&SERVICES) || named_compose(&source.path))
}

/// A Compose file.
#[derive(Debug)]
pub struct ComposeFacts {
    /// The span of the key `services`, or of the first service in a version 1 file.
    pub span: Span,
    /// Its services.
    pub services: Vec<Service>,
}

impl Fact for ComposeFacts {}

fn read_file(file: &FileView<'_>) -> Option<ComposeFacts> {
    let tree = file.tree.filter(|_| file.source.kind == FileKind::Yaml)?;
    let yaml = Yaml::new(tree);
    let named = named_compose(&file.source.path);
    let compose = yaml.documents().find_map(|document| read(&yaml, document, named))?;
    Some(ComposeFacts { span: tree.span(compose.place), services: compose.services })
}

/// A document that is a Compose file.
#[derive(Debug)]
pub struct Compose {
    /// The key `services`, or the first service in a version 1 file.
    pub place: Node,
    /// Its services.
    pub services: Vec<Service>,
}

/// A service in a Compose file.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// The image it runs, if it names one.
    pub image: Option<String>,
    /// Whether it is built from a Dockerfile.
    pub built: bool,
    /// Whether it takes its image from another service, with `extends`.
    pub extends: bool,
}

impl Service {
    /// Whether the file has what the service runs, so it does not only configure a service of another file.
    pub fn runs(&self) -> bool {
        self.image.is_some() || self.built || self.extends
    }
}

/// Whether a file name contains the word `compose`, but not as part of `process-compose`, which is another program.
pub fn named_compose(path: &str) -> bool {
    let name = paths::name(path).to_ascii_lowercase();
    let mut rest = name.as_str();
    while let Some(at) = rest.find("compose") {
        let (before, after) = (&rest[..at], &rest[at + "compose".len()..]);
        let alone = !after.starts_with(|c: char| c.is_ascii_alphanumeric());
        if alone && !before.ends_with("process-") && !before.ends_with("process_") {
            return true;
        }
        rest = after;
    }
    false
}

/// Reads a document as a Compose file; `None` if it is not one.
pub fn read(yaml: &Yaml<'_, '_>, document: Node, named: bool) -> Option<Compose> {
    let top = yaml.entries(document);
    if top.iter().any(|entry| entry.key == "processes") {
        return None;
    }
    let foreign = top.iter().filter(|entry| !is_top(&entry.key)).count();
    match top.iter().find(|entry| entry.key == "services") {
        Some(services) if foreign == 0 || named => {
            with_services(yaml, services, named).or_else(|| only_includes(yaml, &top, services, named))
        }
        Some(_) => None,
        None if named => without_services(yaml, &top, foreign),
        None => None,
    }
}

fn is_top(key: &str) -> bool {
    compose::TOP_LEVEL.contains(&key) || key.starts_with("x-") || key.starts_with('.')
}

fn with_services(yaml: &Yaml<'_, '_>, entry: &Entry<'_>, named: bool) -> Option<Compose> {
    let services = yaml.entries(entry.value?);
    let evidence = Evidence::of(yaml, &services);
    let compose = evidence.mappings && evidence.enough(named);
    compose.then(|| Compose { place: entry.key_node, services: describe(yaml, &services) })
}

/// Reads a file whose services are all in other files: `services: {}` next to an `include`.
fn only_includes(yaml: &Yaml<'_, '_>, top: &[Entry<'_>], services: &Entry<'_>, named: bool) -> Option<Compose> {
    let is_empty = services.value.is_none_or(|value| yaml.entries(value).is_empty() && !yaml.is_sequence(value));
    let includes = top.iter().any(|entry| entry.key == "include" && entry.value.is_some());
    (named && is_empty && includes).then(|| Compose { place: services.key_node, services: Vec::new() })
}

/// Reads a document without `services`. Version 1 has its services at the top level; fragments have only volumes,
/// networks or `include`.
fn without_services(yaml: &Yaml<'_, '_>, top: &[Entry<'_>], foreign: usize) -> Option<Compose> {
    let first = top.first()?.key_node;
    if foreign == 0 {
        let has = |key: &str| top.iter().any(|entry| entry.key == key && entry.value.is_some());
        let fragment = has("include") || ((has("networks") || has("volumes")) && !has("configs"));
        return fragment.then(|| Compose { place: first, services: Vec::new() });
    }
    let evidence = Evidence::of(yaml, top);
    let container = evidence.mappings && evidence.runnable && evidence.enough(true);
    container.then(|| Compose { place: first, services: describe(yaml, top) })
}

/// The evidence that services belong to a Compose file.
#[derive(Debug)]
struct Evidence {
    /// Whether every service is a mapping, or empty as in an override.
    mappings: bool,
    /// Whether every service has an image, a build or an `extends`, as in version 1.
    runnable: bool,
    strong: usize,
    known: usize,
    unknown: usize,
}

impl Evidence {
    fn of(yaml: &Yaml<'_, '_>, services: &[Entry<'_>]) -> Self {
        let mut evidence =
            Self { mappings: !services.is_empty(), runnable: !services.is_empty(), strong: 0, known: 0, unknown: 0 };
        for service in services {
            let Some(value) = service.value.filter(|&value| !is_null(yaml, value)) else {
                evidence.runnable = false;
                continue;
            };
            evidence.mappings &= yaml.is_mapping(value);
            evidence.weigh(yaml, value);
        }
        evidence
    }

    fn weigh(&mut self, yaml: &Yaml<'_, '_>, service: Node) {
        let mut runnable = false;
        for entry in yaml.entries(service) {
            let key = &*entry.key;
            let fits = entry.value.is_none_or(|value| fits(yaml, key, value));
            if compose::OF_SERVICES.contains(&key) && fits {
                self.strong += 1;
                self.known += 1;
                runnable |= matches!(key, "image" | "build" | "extends");
            } else if compose::ALSO_OF_SERVICES.contains(&key) {
                self.known += 1;
            } else if !key.starts_with("x-") {
                self.unknown += 1;
            }
        }
        self.runnable &= runnable;
    }

    /// Whether the evidence is sufficient. If the file name indicates Compose, keys that other kinds of files also use
    /// suffice, and up to half of all keys may be unknown.
    fn enough(&self, named: bool) -> bool {
        match named {
            true => self.known > 0 && self.known >= self.unknown,
            false => self.strong > 0 && self.known >= 5 * self.unknown,
        }
    }
}

fn is_null(yaml: &Yaml<'_, '_>, value: Node) -> bool {
    yaml.scalar(value).is_some_and(|text| matches!(&*text, "" | "~" | "null"))
}

/// Whether a value has the type that Compose requires for a key that other kinds of files also use.
fn fits(yaml: &Yaml<'_, '_>, key: &str, value: Node) -> bool {
    match key {
        "image" | "container_name" | "network_mode" | "restart" => yaml.scalar(value).is_some(),
        "ports" | "volumes" | "profiles" | "expose" | "cap_add" | "links" => {
            yaml.is_sequence(value) || yaml.scalar(value).is_some_and(|text| text.starts_with("${") || text.is_empty())
        }
        "build" | "deploy" | "healthcheck" => {
            yaml.is_mapping(value) || (key == "build" && yaml.scalar(value).is_some())
        }
        _ => true,
    }
}

fn describe(yaml: &Yaml<'_, '_>, services: &[Entry<'_>]) -> Vec<Service> {
    let one = |entry: &Entry<'_>| {
        let key = |key: &str| entry.value.and_then(|value| yaml.get(value, key));
        Service {
            name: entry.key.clone().into_owned(),
            image: key("image").and_then(|image| yaml.scalar(image)).map(|image| image.into_owned()),
            built: key("build").is_some(),
            extends: key("extends").is_some(),
        }
    };
    services.iter().filter(|entry| !entry.key.starts_with("x-") && !entry.key.starts_with('.')).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Language, Tree};

    fn is_compose(path: &str, text: &str) -> bool {
        let tree = Tree::parse(Language::Yaml, text).unwrap();
        let yaml = Yaml::new(&tree);
        yaml.documents().any(|document| read(&yaml, document, named_compose(path)).is_some())
    }

    #[test]
    fn compose_files_of_all_versions_are_recognised() {
        for (path, text) in [
            ("compose.yaml", "services:\n  web:\n    image: nginx\n"),
            ("stack.yml", "version: '3.8'\nservices:\n  web:\n    image: nginx\n    deploy: {replicas: 2}\n"),
            ("infra/local.yaml", "version: \"2\"\nservices:\n  web:\n    build: .\n    ports: ['80:80']\n"),
            ("override.yml", "services:\n  web:\n    ports:\n      - 8080:80\n"),
            ("compose.override.yaml", "services:\n  web:\n    environment:\n      DEBUG: 1\n  db:\n"),
            ("docker-compose.yml", "web:\n  image: nginx\n  ports: ['80:80']\ndb:\n  image: postgres\n"),
            ("docker-compose.yml", "web:\n  build: .\n  links: [db]\n  net: host\n"),
            ("compose.yaml", "include:\n  - a.yaml\n"),
            ("compose.yaml", "include: [a.yaml]\nservices: {}\n"),
            ("docker-compose.volumes.yml", "version: '3'\nvolumes:\n  data: {}\n"),
            (
                "x.yaml",
                "x-base: &base\n  image: app\nservices:\n  a:\n    <<: *base\n  b:\n    <<: *base\n    tty: true\n",
            ),
            ("x.yaml", "services:\n  a: {extends: {file: base.yml, service: a}, profiles: [dev]}\n"),
            ("x.yaml", "# note\n---\nfoo: 1\n---\nservices:\n  a: {image: b}\n"),
            ("x-compose.json", "{\"services\": {\"a\": {\"image\": \"b\", \"sysctls\": {}}}, \"x-arion\": {}}"),
            ("docker-compose.yml", "services:\n  a:\n    image: b\n    healthchek: {}\nvolume:\n  a:\n"),
            (
                "d.yml",
                "services:\n  db:\n    image: postgres\n    restart: always\n    environment: [A=1]\nsecrets: {a: {file: b}}\n",
            ),
        ] {
            assert!(is_compose(path, text), "{path}: {text}");
        }
    }

    #[test]
    fn other_files_with_services_are_not_compose() {
        for (path, text) in [
            ("compose.yaml", "version: '0.5'\nprocesses:\n  web:\n    command: serve\n"),
            ("compose.yaml", "processes:\n  web: {command: x}\nservices:\n  a: {image: b}\n"),
            ("process-compose.yaml", "environment: [A=1]\n"),
            (
                "services.yaml",
                "services:\n  _defaults:\n    autowire: true\n    public: false\n  App\\:\n    resource: ../src\n",
            ),
            ("devenv.yaml", "inputs:\n  nixpkgs:\n    url: github:NixOS/nixpkgs\n"),
            (".gitlab-ci.yml", "services:\n  - postgres\nbuild:\n  image: alpine\n  script: [make]\n"),
            (
                ".woodpecker.yml",
                "steps:\n  - name: a\n    image: b\nservices:\n  db:\n    image: postgres\n    ports: [5432]\n",
            ),
            (".drone.yml", "kind: pipeline\nservices:\n- name: db\n  image: postgres\n"),
            (
                "ci.yml",
                "on: push\njobs:\n  t:\n    services:\n      db:\n        image: postgres\n        ports: [5432:5432]\n",
            ),
            ("azure.yaml", "name: x\nservices:\n  web:\n    project: ./src\n    language: py\n    host: appservice\n"),
            ("upsun.yaml", "services:\n  db:\n    type: postgresql:15\n    disk: 256\n"),
            (".lando.yml", "name: x\nrecipe: lamp\nservices:\n  db:\n    type: mysql\n"),
            ("render.yaml", "services:\n  - type: web\n    name: a\n    env: docker\n"),
            ("values.yaml", "services:\n  web:\n    image:\n      repository: nginx\n      tag: 1\n    replicas: 2\n"),
            ("service.yaml", "apiVersion: v1\nkind: Service\nspec:\n  ports: [{port: 80}]\n"),
            ("services.yaml", "turn_on:\n  name: Turn on\n  fields: {}\n"),
            ("runner.yaml", "services:\n  web:\n    command: serve\n    environment: {A: 1}\n"),
            ("kong.yml", "_format_version: '3.0'\nservices:\n- name: a\n  url: http://b\n"),
            ("traefik.yaml", "http:\n  services:\n    a:\n      loadBalancer: {}\n"),
            ("secrets.yaml", "services:\n    attic:\n        env: ENC[x]\n"),
            ("composer.yaml", "web:\n  image: nginx\n"),
            ("web.yaml", "web:\n  image: nginx\n  ports: ['80:80']\n"),
            ("compose.yaml", "# nothing yet\n"),
            ("compose.yaml", "services: {}\n"),
            ("compose.yaml", "- a\n- b\n"),
            ("services.yaml", "services: [a, b]\nversion: 2\n"),
        ] {
            assert!(!is_compose(path, text), "{path}: {text}");
        }
    }

    #[test]
    fn compose_files_are_recognised_by_name() {
        for (path, expected) in [
            ("docker-compose.yml", true),
            ("a/compose.dev.yaml", true),
            ("web.compose.yaml", true),
            ("arion-compose.json", true),
            ("process-compose.yaml", false),
            ("process-compose.compose.yaml", true),
            ("composer.json", false),
            ("decompose_it.yaml", true),
            ("stack.yml", false),
        ] {
            assert_eq!(named_compose(path), expected, "{path}");
        }
    }
}
