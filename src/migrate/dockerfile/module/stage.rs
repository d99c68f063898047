//! Files that `COPY --from` copies from another stage: files that the stage creates, and files from packages.

use std::rc::Rc;

use super::{Module, pattern, quoted};
use crate::knowledge::containers;
use crate::knowledge::images::base::{self as base_images, Runtime};
use crate::knowledge::images::{packages, paths};
use crate::migrate::builds::GoBuild;
use crate::migrate::dockerfile::frame::{Copy, Frame, Step};
use crate::migrate::dockerfile::recipe::{Recipe, Tool};

/// Parts of paths to which Python tools install packages. `withPackages` replaces these packages.
const OF_PYTHON: [&str; 8] =
    ["/usr/local", "site-packages", "venv", "/install", "/.local", "/wheels", "/dependencies", "/opt/"];

impl Module<'_, '_> {
    /// Copies a path of a stage, or the corresponding files from nixpkgs.
    pub(super) fn copy_from(
        &mut self,
        copy: &Copy,
        stage: usize,
        source: &str,
        tools: &mut Vec<String>,
        lines: &mut Vec<String>,
    ) {
        let source = format!("/{}", source.trim_start_matches('/'));
        let known = self.frames.entry(stage).or_insert_with(|| {
            let frame = Frame::of(&self.file, stage);
            let recipe = Recipe::of(&frame);
            Rc::new((frame, recipe))
        });
        let known = Rc::clone(known);
        let (frame, recipe) = &*known;
        let label = self.file.stages[stage].name.clone().unwrap_or_else(|| stage.to_string());
        let what = format!("COPY --from={label}");
        if self.makes(frame, recipe, &source) {
            return self.copy_made(copy, stage, &source, &what, lines);
        }
        if let Some((attribute, inside)) = paths::of_package(&source) {
            self.carry(copy.line, &what, &format!("pkgs.{attribute}"));
            return self.copy_of_package(copy, &source, attribute, &inside, lines);
        }
        // The stage may install a distribution package that contains this program.
        let program = containers::in_system(&source);
        let package = program.and_then(packages::attribute);
        if let Some(attribute) = package.filter(|name| recipe.packages.iter().any(|(found, _)| found == name)) {
            self.carry(copy.line, &what, &format!("pkgs.{attribute}"));
            let inside = format!("/bin/{}", program.unwrap_or(attribute));
            lines.push(format!("copy ${{pkgs.{attribute}}}{inside} $out{}", quoted(&copy.to)));
            return;
        }
        if matches!(source.as_str(), "/etc/passwd" | "/etc/group") {
            return self.carry(copy.line, &what, "users");
        }
        if !recipe.requirements.is_empty() && OF_PYTHON.iter().any(|part| source.contains(part)) {
            return self.carry(copy.line, &format!("{what} {source}"), "the Python packages");
        }
        if !recipe.holes.is_empty() {
            return self.copy_made(copy, stage, &source, &what, lines);
        }
        if let Some(tool) = base_images::tool(&frame.base) {
            tools.push(format!("pkgs.{tool}"));
            return self.carry(copy.line, &what, &format!("pkgs.{tool}"));
        }
        let why = match base_images::find(&frame.base) {
            Some(_) => format!("none of the migrated instructions in stage `{label}` creates {source}"),
            None => format!("the contents of {} are unknown", frame.base),
        };
        let todo = "add the package that provides it to `deps`, or copy the file in `root`";
        self.leave(copy.line, &format!("{what} {source}"), &why, todo);
    }

    fn copy_made(&mut self, copy: &Copy, stage: usize, source: &str, what: &str, lines: &mut Vec<String>) {
        let stage = self.stage(stage);
        let to = quoted(&copy.to);
        lines.push(match (source.contains(['*', '?', '[']), copy.to.ends_with('/')) {
            (true, true) => format!("mkdir -p $out{to} && cp -r ${{{stage}}}{} $out{to}", pattern(source)),
            (true, false) => format!("copy ${{{stage}}}{} $out{to}", pattern(source)),
            (false, _) => format!("copy ${{{stage}}}{} $out{to}", quoted(source)),
        });
        self.carry(copy.line, what, &stage);
    }

    /// Copies a file or folder of a package to its path in the image.
    fn copy_of_package(&self, copy: &Copy, source: &str, attribute: &str, inside: &str, lines: &mut Vec<String>) {
        let last = Frame::of(&self.file, self.file.stages.len() - 1);
        let base = base_images::find(&last.base);
        let has_certificates = base.is_none_or(|base| base.runtime != Runtime::Nothing);
        if attribute == "cacert" && has_certificates {
            // Every image with a base that is not empty gets certificates anyway.
            return;
        }
        let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let is_file = name.contains('.');
        let to = if is_file && copy.to.ends_with('/') { format!("{}{name}", copy.to) } else { copy.to.clone() };
        lines.push(format!("copy ${{pkgs.{attribute}}}{inside} $out{}", quoted(&to)));
        if attribute == "cacert" && !is_file {
            let bundle = format!("{}/ca-certificates.crt", to.trim_end_matches('/'));
            lines.push(format!("copy ${{pkgs.cacert}}/etc/ssl/certs/ca-bundle.crt $out{}", quoted(&bundle)));
        }
    }

    /// Whether a stage may create a path, or something in it.
    pub(super) fn makes(&self, frame: &Frame, recipe: &Recipe, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let by_build = recipe.builds.iter().any(|build| match &build.tool {
            Tool::Go(GoBuild { output: Some(output), .. }) => related(output, path),
            _ => related(&build.folder, path),
        });
        let by_line = recipe.files.iter().any(|file| related(&file.path, path));
        let by_copy = frame.steps.iter().any(|step| match step {
            Step::Copy(copy) => self.copies(copy, path),
            Step::Run(_) => false,
        });
        by_build || by_line || by_copy
    }

    /// Whether an instruction may create a path, or something in it.
    fn copies(&self, copy: &Copy, path: &str) -> bool {
        let folder = copy.to.trim_end_matches('/');
        if !copy.to.ends_with('/') {
            return related(folder, path);
        }
        copy.sources.iter().any(|source| {
            let is_folder = copy.from.is_some() || self.draft.files().is_folder(&self.in_context(source));
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
            match (is_folder && !name.contains('*'), folder.is_empty()) {
                // The contents of the folder keep their names.
                (true, false) => related(folder, path),
                (true, true) => copy.from.is_some() || self.exists(&self.in_context(&format!("{source}{path}"))),
                (false, _) if name.contains('*') => related(folder, path) && !folder.is_empty(),
                (false, _) => related(&format!("{folder}/{name}"), path),
            }
        }) || !copy.heredocs.is_empty() && related(folder, path)
    }
}

/// Whether two paths are the same, or one contains the other.
fn related(one: &str, other: &str) -> bool {
    let covers = |a: &str, b: &str| b.strip_prefix(a).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let (one, other) = (one.trim_end_matches('/'), other.trim_end_matches('/'));
    covers(one, other) || covers(other, one)
}
