//! Where the folders of a container are on the machine.

use super::stack::Service;
use super::yaml::Node;
use crate::knowledge::images::base;

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
    for bind in service.binds() {
        if text == bind.target {
            return from_root(bind.source);
        }
        if let Some(rest) = text.strip_prefix(&bind.target).and_then(|rest| rest.strip_prefix('/')) {
            return from_root(format!("{}/{rest}", bind.source).trim_start_matches('/').to_owned());
        }
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

/// The folder in which the process runs, relative to the root. Empty for the root.
pub fn working_folder(service: &Service<'_>) -> String {
    let of_image = || match &service.image_file {
        Some(file) => Some(file.folder.as_str()),
        None => base::work_folder(service.text("image")?),
    };
    let inside = service.text("working_dir").or_else(of_image);
    if let Some(inside) = inside {
        let inside = inside.trim_end_matches('/');
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
        (Some(file), Some(inside)) => file.source_of(inside).unwrap_or_default(),
        _ => String::new(),
    };
    [context, below.as_str()].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
}
