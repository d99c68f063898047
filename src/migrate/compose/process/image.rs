//! Parts of a command that refer to files that exist only in the image.

use std::collections::BTreeSet;

use super::{Program, host_path, working_folder};
use crate::knowledge::images::paths::MACHINE_FOLDERS;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::folders::{is_gap, is_of_machine, is_only_in_image};
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::Text;

/// The limits for expanding a word: its length, and the length and number of the folders. Real images are far below
/// them.
const LONGEST_WORD: usize = 64 << 10;
const LONGEST_PATH: usize = 256;
const MOST_FOLDERS: usize = 500;

/// Expands the image's own variables in a word of a command, if their values are folders: `$APP_HOME/run.py`.
pub fn with_folders(service: &Service<'_>, word: &str) -> String {
    let mut word = word.to_owned();
    if !word.contains('$') || word.len() > LONGEST_WORD {
        return word;
    }
    let variables = service.image_file.iter().flat_map(|file| &file.variables);
    let is_folder = |value: &str| value.starts_with('/') && value.len() <= LONGEST_PATH;
    for (name, value, _) in variables.filter(|(_, value, _)| is_folder(value)).take(MOST_FOLDERS) {
        for form in [format!("${{{name}}}"), format!("${name}/")] {
            let end = if form.ends_with('/') { "/" } else { "" };
            word = word.replace(&form, &format!("{}{end}", value.trim_end_matches('/')));
        }
        if word == format!("${name}") {
            word.clone_from(value);
        }
    }
    word
}

/// The path of a file that the image copies into the folder of its process from elsewhere: `COPY worker/main.py .`.
/// Relative to the folder in which the process runs.
pub fn moved_file(builder: &Builder<'_, '_>, service: &Service<'_>, word: &str) -> Option<String> {
    let file = service.image_file.as_ref()?;
    let is_path = !word.is_empty() && !word.starts_with(['-', '/', '$']) && !word.contains(char::is_whitespace);
    let is_here = |path: &str| {
        let full = crate::paths::join(&working_folder(service), path);
        full.is_some_and(|full| matches!(builder.files().text(&full), Ok(Some(_))))
    };
    if !is_path || !word.contains('.') || is_here(word) {
        return None;
    }
    let folder = service.text("working_dir").unwrap_or(&file.folder).trim_end_matches('/');
    let inside = format!("{folder}/{}", word.trim_start_matches("./"));
    let path = host_path(service, &inside);
    (path != inside && is_here(&path)).then_some(path)
}

/// Lets Python find the modules that are beside a script in the image, but not in the checkout.
pub fn python_path(service: &Service<'_>, program: &mut Program, path: &str) {
    if path.ends_with(".py") {
        add_python_path(service, program, ".");
    }
}

/// Adds a folder to PYTHONPATH, which an `env_file` may also set.
fn add_python_path(service: &Service<'_>, program: &mut Program, folder: &str) {
    if service.get("environment").is_some_and(|node| node.get("PYTHONPATH").is_some()) {
        return;
    }
    let rest = if service.get("env_file").is_some() { "${PYTHONPATH:+:$PYTHONPATH}" } else { "" };
    program.exports.push(("PYTHONPATH".to_owned(), Text::literal(format!("{folder}{rest}"))));
}

/// Sets PYTHONPATH to the folder of a module that the image copies into its working directory: `main:app`, `-m main`.
pub fn python_module(builder: &Builder<'_, '_>, service: &Service<'_>, program: &mut Program, words: &[String]) {
    let is_flag = |word: &str| matches!(word, "-m" | "-A" | "--app");
    let pairs = words.windows(2).filter(|pair| is_flag(&pair[0])).map(|pair| pair[1].as_str());
    let joined = words.iter().filter_map(|word| word.split_once('=').filter(|(flag, _)| is_flag(flag)));
    let objects = words.iter().map(String::as_str).filter(|word| word.contains(':'));
    let names = objects.chain(pairs).chain(joined.map(|(_, module)| module));
    let modules = names.map(|name| name.split(':').next().unwrap_or(name).replace('.', "/"));
    // The last part may be an object in the module.
    let modules = modules.flat_map(|module| {
        let outer = module.rsplit_once('/').map(|(outer, _)| outer.to_owned());
        std::iter::once(module).chain(outer)
    });
    let mut moved = modules.filter_map(|module| {
        ["{}.py", "{}/__init__.py", "{}/__main__.py"].iter().find_map(|form| {
            let file = form.replace("{}", &module);
            let path = moved_file(builder, service, &file)?;
            path.strip_suffix(&format!("/{file}")).map(str::to_owned)
        })
    });
    if let Some(folder) = moved.next() {
        add_python_path(service, program, &folder);
    }
}

/// Reports the paths in a script of the checkout that exist only in the image.
pub fn script_paths(builder: &Builder<'_, '_>, service: &Service<'_>, path: &str, text: &str) {
    let mut found: Vec<(String, usize, Option<String>)> = Vec::new();
    let mut seen = BTreeSet::new();
    let folder = working_folder(service);
    let exists = |here: &str| {
        let full = crate::paths::join(&folder, here);
        full.is_some_and(|full| builder.files().is_folder(&full) || !matches!(builder.files().text(&full), Ok(None)))
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#'));
    for (number, line) in lines {
        // `//host` is a part of an address.
        let is_path = |word: &&str| word.starts_with('/') && !word.starts_with("//") && word.len() > 1;
        for word in line.split(is_gap).filter(is_path) {
            if seen.len() > MOST_PATHS || !seen.insert(word) {
                continue;
            }
            let here = host_path(service, word);
            let is_program = word.starts_with("/usr/local/bin/") || word.starts_with("/usr/local/sbin/");
            // In an image whose working directory is `/`, every path could be in the checkout.
            let is_here = here != word && (!is_in_system(word) || exists(&here));
            if is_here {
                found.push((word.to_owned(), number + 1, Some(here)));
            } else if is_program || word.starts_with("/run/secrets/") || is_only_in_image(service, word) {
                let name = is_program.then(|| word.rsplit('/').next().unwrap_or(word).to_owned());
                found.push((word.to_owned(), number + 1, name));
            }
        }
    }
    let Some((first, line, _)) = found.first() else { return };
    let place = Place { path: path.into(), line: *line, column: 1 };
    let others: Vec<String> =
        found[1..].iter().take(MOST_NAMED).map(|(word, line, _)| format!("{word} (line {line})")).collect();
    let (others, exist) = match found.len() {
        1 => (String::new(), "exists"),
        2 => (format!(" and {}", others[0]), "exist"),
        count if count <= MOST_NAMED + 1 => {
            let (last, rest) = others.split_last().map_or(("", &[][..]), |(last, rest)| (last.as_str(), rest));
            (format!(", {} and {last}", rest.join(", ")), "exist")
        }
        count => (format!(", {} and {} other paths", others.join(", "), count - 1 - MOST_NAMED), "exist"),
    };
    let why = format!("the script ./{path} refers to {first}{others}, which {exist} only in the image");
    let here: Vec<String> =
        found.iter().filter_map(|(word, _, here)| Some(format!("{} for {word}", here.as_ref()?))).take(3).collect();
    let todo = match here.is_empty() {
        true => "change the script to work in the checkout".to_owned(),
        false => format!("change the script to work in the checkout: write {}", here.join(", ")),
    };
    builder.leave(service, &place, "command", why, todo);
}

/// Reports a script that a process is to run and that is not in the checkout.
pub fn missing_script(builder: &Builder<'_, '_>, service: &Service<'_>, word: &str) {
    let ends = [".py", ".js", ".mjs", ".cjs", ".rb", ".php"];
    let name = word.trim_start_matches("./");
    if name.contains(['/', '$']) || !ends.iter().any(|end| name.ends_with(end)) {
        return;
    }
    let folder = working_folder(service);
    let full = crate::paths::join(&folder, name);
    if full.is_some_and(|full| matches!(builder.files().text(&full), Ok(None))) {
        let place = service.get("command").or(service.get("build")).map_or(&service.key.place, |node| &node.place);
        let why = format!("it runs {name}, which is not in ./{folder}");
        builder.leave(service, place, "command", why, "write the path of the file in the checkout");
    }
}

/// The images whose programs a service's image contains: the image itself, those it is based on, and those it copies
/// from.
pub fn images<'s>(service: &'s Service<'_>) -> impl Iterator<Item = &'s str> {
    let file = service.image_file.as_ref();
    let bases = file
        .into_iter()
        .flat_map(|file| std::iter::once(&file.base).chain(file.built.iter().map(|built| &built.stage)));
    let stages = file.into_iter().flat_map(|file| file.stages.iter().map(|(_, stage)| &stage.base));
    let own = service.text("image").filter(|_| file.is_none());
    own.into_iter().chain(bases.chain(stages).map(String::as_str))
}

/// The maximum number of paths that an entry names after the first one.
const MOST_NAMED: usize = 7;

/// Whether an absolute path in a script exists on the machine itself.
fn is_in_system(word: &str) -> bool {
    let is_below =
        |folder: &&str| word[1..].strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    is_of_machine(word) || MACHINE_FOLDERS.iter().any(is_below)
}

/// The maximum number of different paths in a script that are compared with those of the image.
const MOST_PATHS: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::compose::folders::image_paths;
    use crate::migrate::compose::image_file;
    use crate::migrate::compose::load::Model;
    use crate::migrate::compose::stack::Stack;
    use crate::migrate::compose::yaml;

    #[test]
    fn paths_that_exist_only_in_the_image_are_found() {
        let root = yaml::parse(&"compose.yaml".into(), "services: {a: {image: x}}").unwrap().unwrap();
        let model = Model {
            root,
            folder: String::new(),
            env: Vec::new(),
            env_path: None,
            env_files: std::collections::BTreeMap::new(),
            unset: Vec::new(),
        };
        let mut stack = Stack::of(&model, &std::collections::BTreeMap::new()).unwrap();
        let text = "FROM debian\nENV HOME_DIR=/data/x MODE=fast\nWORKDIR $HOME_DIR\n";
        stack.services[0].image_file = image_file::read(&"Dockerfile".into(), text, None, &Default::default());
        let service = &stack.services[0];
        assert_eq!(
            with_folders(service, "$HOME_DIR/a ${HOME_DIR}b $HOME_DIRS $MODE"),
            "/data/x/a /data/xb $HOME_DIRS $MODE"
        );
        let mut line = Text::code("pkgs.uwsgi");
        line.push("/opt/bin/uwsgi /opt/x/uwsgi.ini --a=/data/x/b /etc/passwd");
        assert_eq!(image_paths(service, &line).into_iter().collect::<Vec<_>>(), ["/data/x/b", "/opt/x/uwsgi.ini"]);
    }
}
