//! Grafana's configuration: converts variables to sections of its file, and provisioning files to options.

use super::Instance;
use crate::finding::RelPath;
use crate::knowledge::grafana::SECTIONS;
use crate::migrate::compose::stack::Bind;
use crate::migrate::compose::yaml::{self, Node, Value};
use crate::migrate::nix::{Attr, Expr};

/// The folder in which the image looks for provisioning files.
const FOLDER: &str = "/etc/grafana/provisioning";

/// The section and key that a variable such as `GF_AUTH_ANONYMOUS_ENABLED` sets.
pub fn section_and_key(variable: &str) -> Option<(String, String)> {
    let rest = variable.strip_prefix("GF_")?.to_ascii_lowercase();
    let named = |section: &&str| {
        let plain = section.replace(['.', '-'], "_");
        rest.strip_prefix(plain.as_str()).is_some_and(|rest| rest.starts_with('_'))
    };
    let (section, length) = match SECTIONS.into_iter().filter(|section| named(section)).max_by_key(|name| name.len()) {
        Some(section) => (section.to_owned(), section.len()),
        None => {
            let section = rest.split('_').next()?;
            (section.to_owned(), section.len())
        }
    };
    let key = rest.get(length + 1..).filter(|key| !key.is_empty())?;
    Some((section, key.to_owned()))
}

impl Instance<'_, '_, '_> {
    /// Converts provisioning files to `datasources` and `providers`. The dashboard folders that providers name are read
    /// from the checkout. Returns the targets of the mounts that are handled.
    pub(super) fn provisioning(&mut self) -> Vec<String> {
        let binds = self.service.binds();
        let mut done = Vec::new();
        let (mut sources, mut providers) = (Vec::new(), Vec::new());
        for bind in &binds {
            let Some(inside) = bind.target.strip_prefix(FOLDER) else { continue };
            done.push(bind.target.clone());
            for (path, name) in self.yaml_files(&bind.source, inside.trim_start_matches('/')) {
                match name.split('/').next() {
                    Some("datasources") => self.datasources(bind, &path, &mut sources),
                    Some("dashboards") => self.providers(bind, &path, &binds, &mut providers, &mut done),
                    _ => {
                        let why = format!("services-flake's grafana has no option for {path}");
                        self.leave(&bind.place, key(bind), why, "configure this in Grafana itself");
                    }
                }
            }
        }
        if !sources.is_empty() {
            self.set("datasources", Expr::List(sources));
        }
        if !providers.is_empty() {
            self.set("providers", Expr::List(providers));
        }
        done
    }

    /// The YAML files of a mount, each with its path relative to the root and to the provisioning folder.
    fn yaml_files(&self, source: &str, inside: &str) -> Vec<(String, String)> {
        let files = self.builder.files();
        let mut found = Vec::new();
        let mut waiting = vec![(source.trim_end_matches('/').to_owned(), inside.to_owned(), 0)];
        while let Some((path, name, depth)) = waiting.pop() {
            if !files.is_folder(&path) {
                if path.ends_with(".yml") || path.ends_with(".yaml") {
                    found.push((path, name));
                }
                continue;
            }
            for entry in files.names(&path).into_iter().filter(|_| depth < 3) {
                let name = if name.is_empty() { entry.clone() } else { format!("{name}/{entry}") };
                waiting.push((format!("{path}/{entry}"), name, depth + 1));
            }
        }
        found.sort();
        found
    }

    fn read(&self, path: &str) -> Option<Node> {
        let text = self.builder.files().text(path).ok()??;
        yaml::parse(&RelPath::from(path), &text).ok()?
    }

    fn datasources(&mut self, bind: &Bind, path: &str, sources: &mut Vec<Expr>) {
        let Some(node) = self.read(path) else { return self.unreadable(bind, path, "datasources") };
        for source in node.get("datasources").map_or(&[][..], Node::items) {
            sources.push(self.yaml_expr("datasources", source));
        }
        self.carry(&bind.place, key(bind), "datasources");
    }

    fn providers(
        &mut self,
        bind: &Bind,
        path: &str,
        binds: &[Bind],
        providers: &mut Vec<Expr>,
        done: &mut Vec<String>,
    ) {
        let Some(node) = self.read(path) else { return self.unreadable(bind, path, "providers") };
        for provider in node.get("providers").map_or(&[][..], Node::items) {
            let inside = provider.get("options").and_then(|options| options.get("path")).and_then(Node::text);
            let folder = inside.and_then(|inside| source_of(binds, inside));
            let mut attrs = Vec::new();
            for (name, value) in provider.pairs() {
                let value = match (name.name.as_str(), &folder) {
                    ("options", Some((folder, _))) => self.options(value, folder),
                    ("options", None) => {
                        let shown = inside.unwrap_or("a folder in the image");
                        let why = format!("its dashboards are in {shown}, which is not a folder in this repository");
                        self.leave(
                            &bind.place,
                            key(bind),
                            why,
                            "replace the path with that of the dashboards in the checkout",
                        );
                        self.yaml_expr("options", value)
                    }
                    (name, _) => self.yaml_expr(name, value),
                };
                attrs.push(Attr::new([name.name.as_str()], value));
            }
            if let Some((folder, target)) = folder {
                if let Some(bind) = binds.iter().find(|bind| bind.target == target) {
                    self.carry(&bind.place, key(bind), &format!("providers, as the folder ./{folder}"));
                }
                done.push(target);
            }
            providers.push(Expr::Set(attrs));
        }
        self.carry(&bind.place, key(bind), "providers");
    }

    /// The options of a provider, with the folder of the dashboards as a Nix path.
    fn options(&self, options: &Node, folder: &str) -> Expr {
        let Value::Map(pairs) = &options.value else { return self.yaml_expr("options", options) };
        let pairs = pairs.iter().map(|(name, value)| match name.name.as_str() {
            "path" => Attr::new(["path"], Expr::Code(self.builder.path(folder))),
            name => Attr::new([name], self.yaml_expr(name, value)),
        });
        Expr::Set(pairs.collect())
    }

    fn unreadable(&self, bind: &Bind, path: &str, option: &str) {
        let why = format!("{path} cannot be read as YAML");
        self.leave(&bind.place, key(bind), why, format!("write the settings into `{option}`"));
    }
}

fn key(bind: &Bind) -> &'static str {
    if bind.is_copied { "build" } else { "volumes" }
}

/// The repository folder for a path in the container, and the target of the mount that contains the path.
fn source_of(binds: &[Bind], path: &str) -> Option<(String, String)> {
    let path = path.trim_end_matches('/');
    let below = |bind: &&Bind| {
        path.strip_prefix(bind.target.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let bind = binds.iter().filter(below).max_by_key(|bind| bind.target.len())?;
    Some((format!("{}{}", bind.source, &path[bind.target.len()..]), bind.target.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_a_section_and_a_key() {
        for (variable, expected) in [
            ("GF_SECURITY_ADMIN_USER", Some(("security", "admin_user"))),
            ("GF_AUTH_ANONYMOUS_ENABLED", Some(("auth.anonymous", "enabled"))),
            ("GF_AUTH_DISABLE_LOGIN_FORM", Some(("auth", "disable_login_form"))),
            ("GF_UNIFIED_ALERTING_ENABLED", Some(("unified_alerting", "enabled"))),
            ("GF_FEATURE_TOGGLES_ENABLE", Some(("feature_toggles", "enable"))),
            ("GF_EXTERNAL_IMAGE_STORAGE_S3_BUCKET", Some(("external_image_storage.s3", "bucket"))),
            ("GF_EXTERNAL_IMAGE_STORAGE_PROVIDER", Some(("external_image_storage", "provider"))),
            ("GF_SECURITY_ENCRYPTION_DATA_KEYS_CACHE_TTL", Some(("security.encryption", "data_keys_cache_ttl"))),
            ("GF_LIVE_MAX_CONNECTIONS", Some(("live", "max_connections"))),
            ("GF_SECURITY", None),
            ("PORT", None),
        ] {
            let expected = expected.map(|(section, key)| (section.to_owned(), key.to_owned()));
            assert_eq!(section_and_key(variable), expected, "{variable}");
        }
    }
}
