//! The build contexts that the repository's CI sets.

use std::collections::HashMap;

use crate::facts::ci::builders;
use crate::lang::ci::{self, Site, System, Work, github};
use crate::lang::yaml::Yaml;
use crate::lang::{Language, Node, Tree};
use crate::migrate::builds::dockerfile_names;
use crate::migrate::{Files, shell_build};
use crate::paths;

/// The folders whose files CI systems read.
const FOLDERS: [&str; 5] = [".github/workflows", ".forgejo/workflows", ".gitea/workflows", ".woodpecker", ""];

/// The build contexts, by the path of the Dockerfile. A Dockerfile that is built with several contexts has none.
pub(super) fn contexts(files: &dyn Files) -> HashMap<String, String> {
    let mut found: HashMap<String, Option<String>> = HashMap::new();
    for folder in FOLDERS.into_iter().filter(|folder| files.is_folder(folder)) {
        for path in files.names(folder).iter().filter_map(|name| paths::join(folder, name)) {
            let Some(system @ (System::GitHub | System::Woodpecker)) = ci::system(&path) else { continue };
            let Ok(Some(text)) = files.text(&path) else { continue };
            let Some(tree) = Tree::parse(Language::Yaml, &text).filter(|tree| !tree.broken()) else { continue };
            for (dockerfile, context) in builds(&Yaml::new(&tree), system) {
                let known = found.entry(dockerfile).or_insert_with(|| Some(context.clone()));
                if known.as_ref() != Some(&context) {
                    *known = None;
                }
            }
        }
    }
    found.into_iter().filter_map(|(dockerfile, context)| Some((dockerfile, context?))).collect()
}

/// The builds in a CI file: the path of the Dockerfile, and the build context.
fn builds(yaml: &Yaml<'_, '_>, system: System) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if system == System::GitHub {
        for job in github::jobs(yaml) {
            for step in &job.steps {
                match (&step.uses, &step.run) {
                    (Some((name, _)), _) if ci::action_name(name).eq_ignore_ascii_case("docker/build-push-action") => {
                        let parameters = yaml.get(step.node, "with");
                        found.extend(build(yaml, parameters, "file"));
                    }
                    (None, Some(script)) => {
                        let folder = shell_build::folder_of(yaml, &job, step);
                        let lines = shell_build::read(&script.text, folder.as_deref());
                        let builds = lines.and_then(|lines| lines.builds).unwrap_or_default();
                        found.extend(builds.iter().flat_map(|build| paired(&build.context, build.file.as_deref())));
                    }
                    _ => {}
                }
            }
        }
        return found;
    }
    for site in ci::sites(yaml, system) {
        if let Site::Uses { work: work @ Work::Image, name, parameters, .. } = site
            && builders::is_builder(yaml, work, &name, parameters)
        {
            let settings = parameters.and_then(|step| yaml.get(step, "settings"));
            found.extend(build(yaml, settings, "dockerfile"));
        }
    }
    found
}

/// The build that the parameters of an action or a plugin describe.
fn build(yaml: &Yaml<'_, '_>, parameters: Option<Node>, file_key: &str) -> Vec<(String, String)> {
    let value = |key: &str| yaml.scalar(yaml.get(parameters?, key)?);
    paired(value("context").as_deref().unwrap_or("."), value(file_key).as_deref())
}

/// The Dockerfile of a build, under each of its possible names, and the build context. `file` is relative to the root.
/// Empty if they are computed or not in the repository.
fn paired(context: &str, file: Option<&str>) -> Vec<(String, String)> {
    let is_elsewhere = |path: &str| path.starts_with('/') || path.contains(['$', '{', ':', '`']);
    let (context, file) = (context.trim(), file.map(str::trim));
    if is_elsewhere(context) || file.is_some_and(is_elsewhere) {
        return Vec::new();
    }
    let Some(context) = paths::join("", context) else { return Vec::new() };
    let names = dockerfile_names(file);
    let folder = if file.is_some() { "" } else { context.as_str() };
    names.into_iter().filter_map(|name| Some((paths::join(folder, name)?, context.clone()))).collect()
}
