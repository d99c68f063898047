//! The build context: the folder that `COPY` copies from.

use std::collections::{BTreeSet, HashMap};

use super::{Module, in_ci};
use crate::lang::dockerfile;
use crate::migrate::builds::dockerfile_names;
use crate::migrate::compose::yaml::Node;
use crate::migrate::{Files, compose};
use crate::paths;

/// The names of Compose files in which builds are looked up.
const COMPOSE_FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

impl Module<'_, '_> {
    /// The build context that a Compose file or CI sets, or else the Dockerfile's folder, or an ancestor of it that
    /// contains more of the copied files.
    pub(super) fn find_context(&mut self) -> String {
        if let Some(context) = self.context_in_compose().or_else(|| self.context_in_ci()) {
            return context;
        }
        let folder = paths::folder(&self.path).to_owned();
        let sources = self.context_sources();
        let at = |folder: &str, source: &String| {
            paths::join(folder, source.trim_start_matches('/')).is_some_and(|path| self.exists(&path))
        };
        let here = sources.iter().filter(|source| at(&folder, source)).count();
        // The ancestor that contains the most sources. If there are several, the innermost.
        let above: Vec<&str> = paths::folders(&folder).chain([""]).collect();
        let found_in = |above: &&&str| sources.iter().filter(|source| at(above, source)).count();
        let Some(above) = above.iter().rev().max_by_key(found_in).copied().filter(|_| !folder.is_empty()) else {
            return folder;
        };
        let only_above = sources.iter().filter(|source| !at(&folder, source) && at(above, source)).count();
        if only_above == 0 {
            return folder;
        }
        let also_above = sources.iter().filter(|source| at(&folder, source) && at(above, source)).count();
        // The ancestor is used if it has every file that the folder has, or more other files than the folder has.
        let is_above = also_above == here || only_above > here;
        let above_name = if above.is_empty() { "the root" } else { above };
        let (shown, other) = if is_above { (above_name, folder.as_str()) } else { (folder.as_str(), above_name) };
        let why = format!("the files that it copies are in {shown}, so that folder is used instead of {other}");
        self.leave(1, "build context", &why, "change the paths in the new file if Docker used another folder");
        if is_above { above.to_owned() } else { folder }
    }

    /// The sources that `COPY` and `ADD` copy from the build context, if they are literal.
    pub(super) fn context_sources(&self) -> BTreeSet<String> {
        let copies = self.file.stages.iter().flat_map(|stage| &stage.instructions).filter(|instruction| {
            matches!(instruction.name.as_str(), "COPY" | "ADD") && instruction.flag("from").is_none()
        });
        let sources = copies.flat_map(|copy| {
            let mut words = copy.exec().unwrap_or_else(|| dockerfile::words(&copy.rest));
            words.pop();
            words
        });
        let is_plain =
            |source: &String| !source.contains(['$', '*', '<', '?', '[', ':']) && source != "." && source != "./";
        sources.filter(is_plain).collect()
    }

    /// The build context in a Compose file in the Dockerfile's folder or above it.
    fn context_in_compose(&mut self) -> Option<String> {
        let files = self.draft.files();
        let mut folder = paths::folder(&self.path);
        loop {
            for path in COMPOSE_FILES.iter().filter_map(|name| paths::join(folder, name)) {
                // One Compose file may build very many Dockerfiles, so it is read once.
                let known = self.draft.contexts.entry(path);
                let contexts = known.or_insert_with_key(|path| contexts_of(files, path));
                if let Some(context) = contexts.get(&*self.path) {
                    return Some(context.clone());
                }
            }
            if folder.is_empty() {
                return None;
            }
            folder = paths::folder(folder);
        }
    }
}

impl Module<'_, '_> {
    /// The build context that the repository's CI sets.
    fn context_in_ci(&mut self) -> Option<String> {
        let files = self.draft.files();
        self.draft.ci_contexts.get_or_insert_with(|| in_ci::contexts(files)).get(&*self.path).cloned()
    }
}

/// The build contexts that a Compose file sets, by the path of the Dockerfile. Empty if there is no such file.
fn contexts_of(files: &dyn Files, path: &str) -> HashMap<String, String> {
    let mut contexts = HashMap::new();
    if !matches!(files.text(path), Ok(Some(_))) {
        return contexts;
    }
    let Ok(model) = compose::load::load(files, &[path.into()]) else { return contexts };
    let builds = model.services().filter_map(|(_, service)| {
        let build = service.some("build")?;
        let context = build.get("context").and_then(Node::text).unwrap_or("./").strip_prefix("./")?;
        let context = context.trim_end_matches('/');
        let names = dockerfile_names(build.get("dockerfile").and_then(Node::text));
        Some(names.into_iter().filter_map(move |name| Some((paths::join(context, name)?, context.to_owned()))))
    });
    for (dockerfile, context) in builds.flatten() {
        contexts.entry(dockerfile).or_insert(context);
    }
    contexts
}
