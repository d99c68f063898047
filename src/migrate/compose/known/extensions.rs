//! The extensions of PostgreSQL that an image contains.

use std::collections::BTreeSet;

use super::Instance;
use crate::migrate::compose::runs;
use crate::migrate::nix::Expr;

impl Instance<'_, '_, '_> {
    /// Sets the extensions that an image contains or its Dockerfile installs.
    pub(super) fn extensions(&mut self, repository: &str) {
        if self.known.option != "postgres" {
            return;
        }
        let installed = self.service.image_file.iter().flat_map(|file| &file.runs);
        let installed = installed.flat_map(|(run, _)| runs::installed(run));
        let mut extensions: BTreeSet<&str> =
            installed.filter_map(|package| runs::postgres_extension(&package)).collect();
        let (own, preloaded): (&[&str], _) = match repository.rsplit('/').next().unwrap_or(repository) {
            "postgis" => (&["postgis"], None),
            "pgvector" => (&["pgvector"], None),
            "postgres" if repository.ends_with("immich-app/postgres") => {
                (&["pgvector", "vectorchord"], Some("vchord.so"))
            }
            "timescaledb" | "timescaledb-ha" => (&["timescaledb"], Some("timescaledb")),
            _ => (&[], None),
        };
        extensions.extend(own);
        if !extensions.is_empty() {
            let names: Vec<String> = extensions.iter().map(|name| format!("extensions.{name}")).collect();
            self.set("extensions", Expr::Code(format!("extensions: [ {} ]", names.join(" "))));
        }
        if let Some(library) = preloaded {
            self.set("settings.shared_preload_libraries", Expr::text(library));
        }
    }
}
