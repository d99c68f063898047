//! A site that another stage of an nginx image's Dockerfile builds. Here, a process builds it in the checkout.

use std::collections::BTreeSet;

use super::Instance;
use crate::knowledge::images::packages;
use crate::migrate::compose::hosts::Position;
use crate::migrate::compose::image_file::ImageFile;
use crate::migrate::compose::yaml::{Node, Place};
use crate::migrate::compose::{process, words};
use crate::migrate::nix::{Attr, Expr, Text};

impl Instance<'_, '_, '_> {
    /// The name of the process that builds the site, if there is one.
    pub(super) fn site_process_name(&self) -> Option<String> {
        let file = self.service.image_file.as_ref()?;
        file.built.first()?.stage(file)?;
        let stack = self.builder.stack;
        let names = ["build", "site-build"].map(|end| format!("{}-{end}", self.service.process));
        names.into_iter().find(|name| stack.by_name(name).is_none())
    }

    /// The process that runs the RUN lines of the stage that builds the site.
    pub(super) fn site_process(&self, name: &str) -> Option<Attr> {
        let file = self.service.image_file.as_ref()?;
        let stage = file.built.first()?.stage(file)?;
        let mut packages = BTreeSet::new();
        let mut script = Text::literal("set -e\n");
        for (run, line) in &stage.runs {
            let place = Place { path: file.path.as_str().into(), line: *line, column: 1 };
            let command = run.as_str();
            if prepares_image(command) {
                let shown: String = command.chars().take(60).collect();
                let why = format!("`RUN {shown}` prepared the image that the site is built in");
                self.leave(&place, "build", why, format!("check whether `{name}` needs this command"));
                continue;
            }
            let own = process::user_script(self.builder, self.service, command);
            packages.extend(own.packages);
            script.append(&own.line).push("\n");
        }
        let folder = self.site_folder(stage)?;
        let mut attrs = vec![Attr::new(["command"], process::script(name, &packages, &words::script(&script)))];
        if !folder.is_empty() {
            attrs.push(Attr::new(["working_dir"], Expr::text(format!("./{folder}"))));
        }
        let environment = self.site_environment(stage);
        if !environment.is_empty() {
            attrs.push(Attr::new(["environment"], Expr::Set(environment)));
        }
        Some(Attr::new([name], Expr::Set(attrs)).comment("Builds the files that the image copied from another stage."))
    }

    /// The folder in the checkout that corresponds to the working directory of the stage.
    fn site_folder(&self, stage: &ImageFile) -> Option<String> {
        let context = self.service.context()?;
        crate::paths::join(context, &stage.working_folder())
    }

    /// The environment of the build: the ENV of the stage, and build arguments.
    fn site_environment(&self, stage: &ImageFile) -> Vec<Attr> {
        let rewriter = self.builder.rewriter(self.service);
        let arguments = self.service.build.and_then(|build| build.get("args")).map_or(&[][..], Node::pairs);
        let arguments = arguments.iter().filter_map(|(key, value)| Some((key.name.clone(), value.text()?.to_owned())));
        let mut pairs: Vec<(String, String)> = arguments.collect();
        for (name, value, _) in &stage.variables {
            let describes_image = name == "PATH" || value.starts_with('/') || value.contains('$');
            if !describes_image && !pairs.iter().any(|(known, _)| known == name) {
                pairs.push((name.clone(), value.clone()));
            }
        }
        let attr = |(name, value): &(String, String)| {
            Attr::new([name.as_str()], Expr::Text(rewriter.rewrite(value, Position::Variable(name))))
        };
        pairs.iter().map(attr).collect()
    }
}

/// Whether a RUN line only installs tools and builds nothing.
fn prepares_image(run: &str) -> bool {
    let words: Vec<&str> = run.split_whitespace().collect();
    let is_global = words.contains(&"-g") || words.contains(&"--global") || run.starts_with("corepack");
    is_global
        || packages::installed(&words).is_some()
        || ["apt", "apk", "adduser", "useradd", "chown"].iter().any(|tool| run.starts_with(tool))
}
