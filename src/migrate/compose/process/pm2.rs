//! PM2, which starts Node.js programs in images: process-compose starts and restarts the program itself.

use super::{Program, version, working_folder};
use crate::knowledge::containers::pm2::{RUNTIMES, VALUED};
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::Text;
use crate::paths;

/// The words that start the program without PM2: `node app.js` for `pm2-runtime app.js`. `None` if PM2 is not the
/// program, or if it starts several programs or an unknown one.
pub fn without_pm2(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String]) -> Option<Vec<String>> {
    let (first, rest) = words.split_first()?;
    let name = first.rsplit('/').next().unwrap_or(first);
    let stays = RUNTIMES.contains(&name) || (name == "pm2" && rest.iter().any(|word| word == "--no-daemon"));
    if !stays {
        return None;
    }
    let end = rest.iter().position(|word| word == "--");
    let (own, given) = rest.split_at(end.unwrap_or(rest.len()));
    let given = given.get(1..).unwrap_or_default();
    let mut targets = Vec::new();
    let mut instances = None;
    let mut own = own.iter();
    while let Some(word) = own.next() {
        if VALUED.contains(&word.as_str()) {
            let value = own.next();
            instances = value.filter(|_| matches!(word.as_str(), "-i" | "--instances")).or(instances);
        } else if word.starts_with('-') {
            // A flag that chooses another interpreter or other files.
            if ["--interpreter", "--node-args", "--only", "--cwd"].iter().any(|flag| word.starts_with(flag)) {
                return None;
            }
        } else if !(word == "start" && targets.is_empty()) {
            targets.push(word.clone());
        }
    }
    let [target] = targets.as_slice() else { return None };
    let is_manager = matches!(target.as_str(), "npm" | "yarn" | "pnpm");
    let is_javascript = [".js", ".mjs", ".cjs"].iter().any(|end| target.ends_with(end));
    let is_settings = target.contains(".config.") || target.ends_with(".json");
    let start = match target {
        _ if is_manager => vec![target.clone()],
        _ if is_settings => vec!["node".to_owned(), script_of(builder, service, target)?],
        _ if is_javascript => vec!["node".to_owned(), target.clone()],
        _ => return None,
    };
    if let Some(count) = instances.filter(|count| *count != "1") {
        let why = format!("PM2 started {count} instances of the program, but process-compose starts one");
        let todo = "set `replicas`, and give each replica its own port";
        builder.leave(service, place(service), "command", why, todo);
    }
    Some(start.into_iter().chain(given.iter().cloned()).collect())
}

/// Gives PM2 the `node` that it starts programs with, and its own folder, because two instances would otherwise share a
/// socket. Reports a `pm2` command that returns before the program ends.
pub fn prepare(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String], program: &mut Program) {
    let is_daemon = match words {
        [first, rest @ ..] => first.ends_with("pm2") && !rest.iter().any(|word| word == "--no-daemon"),
        [] => false,
    };
    if is_daemon {
        let why =
            "`pm2` returns while its daemon keeps the program running, so process-compose cannot stop the program";
        let todo = "start the program with `pm2-runtime` instead, or without PM2";
        builder.leave(service, place(service), "command", why, todo);
    }
    program.packages.extend(version::runtime(builder, service).or_else(|| Some("nodejs".to_owned())));
    let folder = format!("{}/data/{}/pm2", words::shell("$PWD"), service.process);
    program.exports.push(("PM2_HOME".to_owned(), Text::literal(folder)));
}

/// The script that a PM2 settings file starts, if it is the only one. Reports the other settings in the file.
fn script_of(builder: &Builder<'_, '_>, service: &Service<'_>, path: &str) -> Option<String> {
    let path = paths::join(&working_folder(service), path.trim_start_matches("./"))?;
    let text = builder.files().text(&path).ok()??;
    let scripts: Vec<&str> = values(&text, "script").take(2).collect();
    let [script] = scripts.as_slice() else { return None };
    let changes_start = ["args", "cwd", "interpreter"].iter().any(|key| keys(&text, key).next().is_some());
    if changes_start || !script.ends_with("js") {
        return None;
    }
    let why = format!("the process starts the program in ./{path} without PM2, so the other settings have no effect");
    let todo = "move the environment from the file into `environment`";
    builder.leave(service, place(service), "command", why, todo);
    Some((*script).to_owned())
}

/// The text after each occurrence of a key and its colon.
fn keys<'t>(text: &'t str, key: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(key).filter_map(move |(at, _)| {
        let is_start = !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let after = text[at + key.len()..].trim_start_matches(['"', '\'']).trim_start();
        after.strip_prefix(':').filter(|_| is_start).map(str::trim_start)
    })
}

/// The strings that are values of a key.
fn values<'t>(text: &'t str, key: &'t str) -> impl Iterator<Item = &'t str> {
    keys(text, key).map(|value| {
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'));
        quote.and_then(|quote| value[1..].split(quote).next()).unwrap_or_default()
    })
}

fn place<'s>(service: &'s Service<'_>) -> &'s Place {
    service.get("command").or(service.get("build")).map_or(&service.key.place, |node| &node.place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_are_followed_by_a_colon_are_read() {
        let text = "module.exports = { apps: [{ name: 'script', script : \"./a.js\", \"postscript\": 'b', env: {} }] }";
        assert_eq!(values(text, "script").collect::<Vec<_>>(), ["./a.js"]);
        assert_eq!(values("{\"script\": 'x.js', script: y}", "script").collect::<Vec<_>>(), ["x.js", ""]);
    }
}
