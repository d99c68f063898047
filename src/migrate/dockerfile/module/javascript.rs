//! JavaScript applications, with the packages of `node_modules` in a separate derivation that is rebuilt only if
//! package.json or the lock file changes.

use super::package::Inputs;
use super::{Module, quoted};
use crate::migrate::dockerfile::manager::{Manager, omits_development};
use crate::migrate::dockerfile::recipe::{Build, Recipe, Tool};
use crate::migrate::nix::{self, Text};

impl Module<'_, '_> {
    /// The application, built by the builder for its package manager. `None` if the lock file that the builder requires
    /// is missing.
    pub(super) fn javascript(
        &mut self,
        recipe: &Recipe,
        tools: &[String],
        name: &str,
        inputs: &Inputs,
    ) -> Option<String> {
        let manager = recipe.builds.iter().find_map(|build| match build.tool {
            Tool::Node(manager, _) => Some(manager),
            _ => None,
        })?;
        let lock = manager.lock_files().iter().find(|file| self.exists(&self.in_context(file)))?;
        let scripts: Vec<(&str, &str)> = recipe
            .builds
            .iter()
            .filter_map(|build| match &build.tool {
                Tool::Node(manager, Some(script)) => Some((manager.program(), script.as_str())),
                _ => None,
            })
            .collect();
        let omits_development = self.omits_development(recipe, manager);
        let folder = quoted(&recipe.builds.first().map_or("/".to_owned(), |build| build.folder.clone()));
        if manager == Manager::Npm {
            return Some(self.npm(recipe, &scripts, &folder, inputs, omits_development));
        }
        if manager == Manager::Yarn && !self.is_classic_yarn(lock) {
            return None;
        }
        let node = tools.iter().find(|tool| tool.starts_with("pkgs.nodejs")).map_or("pkgs.nodejs", String::as_str);
        let modules = self.node_modules(manager, lock, node, name, inputs, omits_development);
        let line = recipe.builds.first().map_or(1, |build| build.line);
        let todo = "run `nix build`, and write the hash that Nix reports in place of `lib.fakeHash`";
        self.leave(line, "the hash of node_modules", "the lock file has no combined hash of all packages", todo);
        let lines: String =
            scripts.iter().map(|(program, script)| format!("        {program} run {}\n", quoted(script))).collect();
        let mut programs = match manager {
            Manager::Bun => "pkgs.bun".to_owned(),
            manager => format!("{node} pkgs.{}", manager.program()),
        };
        for tool in inputs.tools.iter().filter(|tool| !tool.starts_with("nodejs")) {
            programs.push_str(&format!(" pkgs.{tool}"));
        }
        Some(format!(
            "pkgs.stdenvNoCC.mkDerivation {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      \
             nativeBuildInputs = [ {programs} ];{}\n      dontConfigure = true;\n      buildPhase = ''\n        \
             export HOME=$TMPDIR\n        cp -r ${{{modules}}}/node_modules .\n        chmod -R u+w node_modules\n{lines}      \
             '';\n      installPhase = ''\n        mkdir -p $out{folder}\n        cp -r . $out{folder}\n      '';\n    }}",
            self.name,
            inputs.source(),
            inputs.libraries(),
        ))
    }

    /// Whether `node_modules` is installed without the packages that are only for development. Reports commands that
    /// omit them if the builder, or another command in the Dockerfile, installs them.
    fn omits_development(&mut self, recipe: &Recipe, manager: Manager) -> bool {
        let installs = recipe.builds.iter().filter(|build| matches!(build.tool, Tool::Node(_, None)));
        let (without, with): (Vec<&Build>, Vec<&Build>) = installs.partition(|build| omits_development(&build.command));
        // The nixpkgs hook for Yarn always installs development packages.
        let is_possible = manager != Manager::Yarn && with.is_empty();
        for build in without.iter().filter(|_| !is_possible) {
            let why = "`node_modules` is built with development dependencies";
            let todo = "in the new file, remove the development dependencies during the build";
            self.leave(build.line, &format!("RUN {}", build.command), why, todo);
        }
        is_possible && !without.is_empty()
    }

    fn npm(
        &self,
        recipe: &Recipe,
        scripts: &[(&str, &str)],
        folder: &str,
        inputs: &Inputs,
        omits_development: bool,
    ) -> String {
        let mut flags = String::new();
        // `importNpmLock.npmConfigHook` passes these flags to `npm install`.
        if omits_development {
            flags.push_str("npmInstallFlags = [ \"--omit=dev\" ];\n      ");
        }
        let has_flag = |flag: &str| recipe.builds.iter().any(|build| build.command.split(' ').any(|word| word == flag));
        if has_flag("--legacy-peer-deps") {
            flags.push_str("npmFlags = [ \"--legacy-peer-deps\" ];\n      ");
        }
        let build = match scripts {
            [] => "dontNpmBuild = true;".to_owned(),
            [(_, script)] => format!("npmBuildScript = {};", nix::quoted(&Text::literal(*script))),
            all => {
                let lines: String =
                    all.iter().map(|(_, script)| format!("        npm run {}\n", quoted(script))).collect();
                format!("buildPhase = ''\n{lines}      '';")
            }
        };
        format!(
            "pkgs.buildNpmPackage {{\n      pname = \"{}\";\n      version = \"0\";\n      {}\n      \
             # The lock file has the hashes of all packages.\n      npmDeps = pkgs.importNpmLock {{ npmRoot = {}; }};\n      \
             npmConfigHook = pkgs.importNpmLock.npmConfigHook;\n      {flags}{build}\n      installPhase = ''\n        \
             mkdir -p $out{folder}\n        cp -r . $out{folder}\n      '';\n    }}",
            self.name,
            inputs.lines(),
            inputs.project.as_deref().unwrap_or("src"),
        )
    }

    /// Binds the derivation with `node_modules`. Returns its name.
    fn node_modules(
        &mut self,
        manager: Manager,
        lock: &str,
        node: &str,
        name: &str,
        inputs: &Inputs,
        omits_development: bool,
    ) -> String {
        let (bun_flag, pnpm_flags) = match omits_development {
            true => (" --production", "      pnpmInstallFlags = [ \"--prod\" ];\n"),
            false => ("", ""),
        };
        let binding = format!("{name}-node-modules").replace("root-node", "node");
        let source = self.manifests(manager, lock, inputs);
        let pname = format!("{}-node-modules", self.name);
        let head = format!("      pname = \"{pname}\";\n      version = \"0\";\n      {source}\n");
        let install = "      installPhase = ''\n        mkdir -p $out\n        cp -r node_modules $out\n      '';\n";
        let text = match manager {
            Manager::Bun | Manager::Npm => format!(
                "pkgs.stdenvNoCC.mkDerivation {{\n{head}      nativeBuildInputs = [ pkgs.bun pkgs.cacert ];\n      \
                 dontConfigure = true;\n      buildPhase = ''\n        export HOME=$TMPDIR\n        \
                 bun install --frozen-lockfile --no-progress{bun_flag}\n      '';\n{install}      \
                 # A fixed-output derivation cannot refer to the store.\n      dontFixup = true;\n      \
                 outputHashMode = \"recursive\";\n      outputHashAlgo = \"sha256\";\n      outputHash = lib.fakeHash;\n    }}"
            ),
            Manager::Pnpm => format!(
                "pkgs.stdenvNoCC.mkDerivation (final: {{\n{head}      \
                 nativeBuildInputs = [ {node} pkgs.pnpm pkgs.pnpmConfigHook ];\n      \
                 pnpmDeps = pkgs.fetchPnpmDeps {{\n        inherit (final) pname version src;\n        \
                 fetcherVersion = 3;\n        hash = lib.fakeHash;\n      }};\n{pnpm_flags}      dontBuild = true;\n{install}    }})"
            ),
            Manager::Yarn => format!(
                "pkgs.stdenvNoCC.mkDerivation {{\n{head}      \
                 nativeBuildInputs = [ {node} pkgs.yarn pkgs.yarnConfigHook ];\n      \
                 yarnOfflineCache = pkgs.fetchYarnDeps {{\n        yarnLock = {};\n        hash = lib.fakeHash;\n      }};\n      \
                 dontBuild = true;\n{install}    }}",
                self.relative(&self.in_context(lock))
            ),
        };
        self.bindings.push((binding.clone(), text));
        binding
    }

    /// The source of `node_modules`: package.json and the lock file, or all files if there are workspaces.
    fn manifests(&self, manager: Manager, lock: &str, inputs: &Inputs) -> String {
        let package = self.draft.text(&self.in_context("package.json")).ok().flatten().unwrap_or_default();
        let package: serde_json::Value = serde_json::from_str(&package).unwrap_or_default();
        let has_patches = self.exists(&self.in_context("patches"));
        let is_workspace = self.exists(&self.in_context("pnpm-workspace.yaml")) && manager == Manager::Pnpm;
        if !package["workspaces"].is_null() || is_workspace || has_patches {
            return inputs.source();
        }
        let mut files = vec!["package.json", lock];
        files.extend([".npmrc", ".yarnrc", "bunfig.toml"].iter().filter(|file| self.exists(&self.in_context(file))));
        let list: Vec<String> = files.iter().map(|file| self.relative(&self.in_context(file))).collect();
        let root = self.relative(&self.context);
        format!(
            "src = lib.fileset.toSource {{\n        root = {root};\n        fileset = lib.fileset.unions [ {} ];\n      }};",
            list.join(" ")
        )
    }

    /// Whether a lock file is in the format of Yarn 1, the only one that nixpkgs can read without additional files.
    fn is_classic_yarn(&self, lock: &str) -> bool {
        let text = self.draft.text(&self.in_context(lock)).ok().flatten().unwrap_or_default();
        text.lines().take(5).any(|line| line.contains("yarn lockfile v1"))
    }
}
