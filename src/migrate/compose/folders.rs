//! Where the folders of a container are on the machine.

use std::collections::BTreeSet;

use super::stack::{Bind, Service};
use super::yaml::Node;
use crate::knowledge::images::base;
use crate::knowledge::images::paths::{IMAGE_FOLDERS, MACHINE_PATHS};
use crate::migrate::nix::{Part, Text};
use crate::paths;

/// Converts a path in the container to one relative to the folder in which the process runs.
pub fn host_path(service: &Service<'_>, text: &str) -> String {
    if !text.starts_with('/') || text.contains(char::is_whitespace) {
        return text.to_owned();
    }
    let working = working_folder(service);
    let from_root = |path: String| match working.is_empty() {
        true => format!("./{path}"),
        false => match path.strip_prefix(&working).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => format!("./{rest}"),
            None if path == working => ".".to_owned(),
            None => format!("{}{path}", "../".repeat(working.split('/').count())),
        },
    };
    let with_rest = |bind: Bind| {
        let rest = text.strip_prefix(&bind.target).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        Some((bind, rest))
    };
    let mut around: Vec<(Bind, &str)> = service.binds().into_iter().filter_map(with_rest).collect();
    // A mount hides the image's files at its target, and an inner mount hides the files of an outer one.
    around.sort_by_key(|(bind, rest)| (bind.is_copied, if bind.is_copied { 0 } else { rest.len() }));
    if let Some((bind, rest)) = around.first() {
        return from_root(format!("{}{rest}", bind.source).trim_start_matches('/').to_owned());
    }
    // Folders of the host itself: `/proc:/host/proc`.
    for item in service.get("volumes").map_or(&[][..], Node::items) {
        let source = item.get("source").and_then(Node::text).filter(|source| source.starts_with('/'));
        let target = item.get("target").and_then(Node::text).unwrap_or_default().trim_end_matches('/');
        if let (Some(source), Some(rest)) = (source, text.strip_prefix(target))
            && (rest.is_empty() || rest.starts_with('/'))
            && !target.is_empty()
        {
            let joined = format!("{}{rest}", source.trim_end_matches('/'));
            return if joined.is_empty() { "/".to_owned() } else { joined };
        }
    }
    let source = service.image_file.as_ref().and_then(|file| file.source_of(text));
    match (source, service.context()) {
        (Some(source), Some("")) => from_root(source),
        (Some(source), Some(context)) if source.is_empty() => from_root(context.to_owned()),
        (Some(source), Some(context)) => from_root(format!("{context}/{source}")),
        _ => text.to_owned(),
    }
}

/// The folder of a container in which the process runs. `None` if neither the Compose file nor the image sets one.
fn inner_folder<'s>(service: &'s Service<'_>) -> Option<&'s str> {
    let of_image = || match &service.image_file {
        Some(file) => Some(file.folder.as_str()),
        None => base::work_folder(service.text("image")?),
    };
    service.text("working_dir").or_else(of_image).map(|folder| folder.trim_end_matches('/'))
}

/// Whether a process finds a mounted file or folder, because its path relative to the working directory is the same in
/// the checkout as in the container. If the working directory is the container's root, this applies only if a word of
/// the command begins with the name of the top-level folder: other programs in the root use absolute paths.
pub fn is_beside_program(service: &Service<'_>, source: &str, target: &str) -> bool {
    let inside = inner_folder(service).unwrap_or_default();
    let (source, target) = (source.trim_end_matches('/'), target.trim_end_matches('/'));
    let is_named = || words(service).contains(target.split('/').nth(1).unwrap_or_default());
    if inside.is_empty() && (target.is_empty() || !is_named()) {
        return false;
    }
    let folder = working_folder(service);
    let is_same = |outer_here: &str, inner_here: &str, outer: &str, inner: &str| {
        let rest = inner.strip_prefix(outer).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        rest.is_some_and(|rest| format!("{outer_here}{rest}").trim_start_matches('/') == inner_here)
    };
    is_same(&folder, source, inside, target) || is_same(source, &folder, target, inside)
}

/// The folder in which the process runs, relative to the root. Empty for the root.
pub fn working_folder(service: &Service<'_>) -> String {
    let inside = inner_folder(service);
    if let Some(inside) = inside {
        for bind in service.binds() {
            if inside == bind.target {
                return bind.source;
            }
            if let Some(rest) = inside.strip_prefix(&bind.target).filter(|rest| rest.starts_with('/')) {
                return format!("{}{rest}", bind.source).trim_start_matches('/').to_owned();
            }
        }
    }
    let Some(context) = service.context() else { return String::new() };
    let below = match (&service.image_file, inside) {
        (Some(file), Some(inside)) => match file.source_of(inside) {
            Some(below) => below,
            None => match packages(service).into_iter().find_map(|package| package.parent()) {
                Some(parent) => return parent,
                None => String::new(),
            },
        },
        _ => String::new(),
    };
    [context, below.as_str()].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
}

/// A folder that an image copies below its working directory and that its command names: `api` with `WORKDIR /` and
/// `COPY . /api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its path relative to the working directory.
    pub name: String,
    /// The folder in the checkout that is copied to it.
    pub source: String,
}

impl Package {
    /// The folder in the checkout that contains it under its own name. `None` if it has another name there.
    pub fn parent(&self) -> Option<String> {
        let outer = self.source.strip_suffix(&self.name)?;
        (outer.is_empty() || outer.ends_with('/')).then(|| outer.trim_end_matches('/').to_owned())
    }
}

/// The folders that a service's image copies below its working directory, if a word of its command or FLASK_APP begins
/// with the name of the folder.
pub fn packages(service: &Service<'_>) -> Vec<Package> {
    let (Some(file), Some(context), Some(inside)) = (&service.image_file, service.context(), inner_folder(service))
    else {
        return Vec::new();
    };
    let copied = |(from, to): &(String, String)| {
        let target = to.trim_end_matches("/.").trim_end_matches('/');
        let name = target.strip_prefix(inside)?.strip_prefix('/').filter(|name| !name.is_empty())?;
        let source = paths::join(context, from.trim_end_matches("/.").trim_end_matches('/'))?;
        Some(Package { name: name.to_owned(), source })
    };
    let mut found: Vec<Package> = file.copies.iter().take(MOST_COPIES).filter_map(copied).collect();
    if !found.is_empty() {
        let words = words(service);
        let first = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
        found.retain(|package| words.contains(first(&package.name).as_str()));
    }
    found
}

/// The maximum number of COPY instructions whose targets are compared with the words of a command.
const MOST_COPIES: usize = 100;

/// The names at the start of the words of a service's command and of the value of FLASK_APP.
fn words<'s>(service: &'s Service<'_>) -> BTreeSet<&'s str> {
    let own = ["entrypoint", "command"].into_iter().filter_map(|key| service.get(key));
    let own = own.flat_map(|node| node.items().iter().filter_map(Node::text).chain(node.text()));
    let of_image = ["entrypoint", "command"].into_iter().filter_map(|key| service.of_image(key));
    let of_image = of_image.flat_map(|(words, _)| words.iter().map(String::as_str));
    first_names(own.chain(of_image).chain(flask_app(service)))
}

/// The value of FLASK_APP in the Compose file and in the image.
pub fn flask_app<'s>(service: &'s Service<'_>) -> impl Iterator<Item = &'s str> {
    let app = service.get("environment").and_then(|node| node.get("FLASK_APP")?.text());
    let image_app = service.image_variables().find(|(name, ..)| *name == "FLASK_APP").map(|(_, value, _)| value);
    app.into_iter().chain(image_app)
}

/// The names at the start of the words in the texts.
pub fn first_names<'t>(texts: impl Iterator<Item = &'t str>) -> BTreeSet<&'t str> {
    let words = texts.flat_map(str::split_whitespace).map(|word| word.trim_start_matches(['"', '\'']));
    words
        .map(|word| {
            let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).unwrap_or(word.len());
            &word[..end]
        })
        .collect()
}

/// Whether a path in `/etc` also exists on hosts.
pub fn is_of_machine(path: &str) -> bool {
    MACHINE_PATHS.iter().any(|known| path.starts_with(known))
}

/// Whether a character separates the words of a command.
pub fn is_gap(c: char) -> bool {
    c.is_whitespace() || "\"'`;&|()<>=,:{}".contains(c)
}

/// Whether an absolute path exists only in the image of a service.
pub fn is_only_in_image(service: &Service<'_>, word: &str) -> bool {
    let folder = service.image_file.as_ref().map(|file| file.folder.trim_matches('/')).unwrap_or_default();
    let mounted = service.get("volumes").map_or(&[][..], Node::items);
    let is_host = |path: &str| {
        let sources = mounted.iter().filter_map(|item| item.get("source").and_then(|node| node.text()));
        sources.into_iter().any(|source| source.starts_with('/') && path.starts_with(source))
    };
    let is_below = |path: &str, folder: &str| {
        !folder.is_empty()
            && path[1..].strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_of_machine = is_of_machine(word) || is_host(word);
    (is_below(word, folder) || IMAGE_FOLDERS.iter().any(|folder| is_below(word, folder))) && !is_of_machine
}

/// Absolute paths in a command that exist only in the image.
pub fn image_paths(service: &Service<'_>, line: &Text) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // The text after an expression is a path in its package.
    let mut after_code = false;
    for part in line.parts() {
        let Part::Literal(text) = part else {
            after_code = true;
            continue;
        };
        let rest =
            if std::mem::take(&mut after_code) { &text[text.find(is_gap).unwrap_or(text.len())..] } else { text };
        let words = rest.split(is_gap).filter(|word| word.starts_with('/') && word.len() > 1);
        found.extend(words.filter(|word| is_only_in_image(service, word)).map(str::to_owned));
    }
    found
}
