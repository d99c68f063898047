//! The configuration of an image: users, owners, commands and environment.

use std::collections::{BTreeMap, BTreeSet};

use super::Module;
use super::programs::Contents;
use crate::knowledge::images::base::{self as base_images, Base, Runtime};
use crate::knowledge::images::commands::{ENVIRONMENT_FLAGS, ENVIRONMENTS};
use crate::knowledge::images::paths;
use crate::migrate::dockerfile::frame::{Command, Frame, Step};
use crate::migrate::dockerfile::recipe::{Account, Recipe};
use crate::migrate::nix::{Attr, Expr, Text};

/// The first id for accounts in the new image, as in the tools of Debian and Alpine.
pub(super) const FIRST_ID: u32 = 1000;

impl<'d, 'f> Module<'d, 'f> {
    /// The accounts and their ids: `root`, those of the base image, those that are created, and the user of the image.
    pub(super) fn accounts(&self, base: Option<&'static Base>, frame: &Frame, recipe: &Recipe) -> Vec<(String, u32)> {
        let mut accounts = vec![("root".to_owned(), 0)];
        accounts.extend(base.iter().flat_map(|base| base.users).map(|(name, id)| ((*name).to_owned(), *id)));
        let mut names: BTreeSet<String> = accounts.iter().map(|(name, _)| name.clone()).collect();
        let mut taken: BTreeSet<u32> = accounts.iter().map(|(_, id)| *id).collect();
        let given = numbers(&recipe.ids);
        let mut next = FIRST_ID;
        let own = frame.user.iter().map(|(user, _)| user.split(':').next().unwrap_or(user).to_owned());
        let made = recipe.users.iter().map(|(name, _)| name.clone());
        for name in made.chain(own).filter(|name| name.parse::<u32>().is_err() && !name.is_empty()) {
            if !names.insert(name.clone()) {
                continue;
            }
            let id = match name.as_str() {
                "nobody" | "nonroot" if base.is_some_and(|base| base.runtime == Runtime::Files) => 65532,
                "nobody" => 65534,
                name => given.get(name).copied().unwrap_or_else(|| free(&taken, &mut next)),
            };
            taken.insert(id);
            accounts.push((name, id));
        }
        accounts
    }

    /// The groups and their ids: those that are created, and one for each account without a created group of the same
    /// name.
    pub(super) fn groups(&self, accounts: &[(String, u32)], recipe: &Recipe) -> Vec<(String, u32)> {
        let mut groups: Vec<(String, u32)> = Vec::new();
        let given = |name: &String, number: &Option<u32>| Some((name.clone(), (*number)?));
        groups.extend(recipe.groups.iter().filter_map(|(name, number)| given(name, number)));
        let made: BTreeSet<&str> = recipe.groups.iter().map(|(name, _)| name.as_str()).collect();
        let own = accounts.iter().filter(|(name, _)| !made.contains(name.as_str()));
        groups.splice(0..0, own.cloned());
        let ids = numbers(accounts);
        let mut taken: BTreeSet<u32> = groups.iter().map(|(_, number)| *number).collect();
        let mut next = FIRST_ID;
        for (name, _) in recipe.groups.iter().filter(|(_, number)| number.is_none()) {
            let same = ids.get(name.as_str()).copied().filter(|id| !taken.contains(id));
            let number = same.unwrap_or_else(|| free(&taken, &mut next));
            taken.insert(number);
            groups.push((name.clone(), number));
        }
        groups
    }

    pub(super) fn users(&mut self, base: Option<&'static Base>, frame: &Frame, recipe: &Recipe) -> Vec<String> {
        let runtime = base.map_or(Runtime::Distribution, |base| base.runtime);
        if runtime == Runtime::Nothing && frame.user.as_ref().is_none_or(|(user, _)| user.parse::<u32>().is_ok()) {
            return Vec::new();
        }
        let accounts = self.accounts(base, frame, recipe);
        for (name, line) in recipe.users.clone() {
            self.carry(line, &format!("user {name}"), "users");
        }
        let groups = self.groups(&accounts, recipe);
        let numbers = numbers(&groups);
        let passwd: String =
            accounts.iter().map(|(name, id)| passwd_line(name, *id, recipe.accounts.get(name), &numbers)).collect();
        let group: String = groups.iter().map(|(name, id)| format!("      {name}:x:{id}:\n")).collect();
        self.bindings.push(("users".to_owned(), format!("pkgs.writeTextDir \"etc/passwd\" ''\n{passwd}    ''")));
        self.bindings.push(("groups".to_owned(), format!("pkgs.writeTextDir \"etc/group\" ''\n{group}    ''")));
        vec!["users".to_owned(), "groups".to_owned()]
    }

    /// Adds the permissions that `--chmod`, `--chown` and `chown` set, with numeric ids.
    pub(super) fn owners(
        &mut self,
        frame: &Frame,
        recipe: &Recipe,
        base: Option<&'static Base>,
        perms: &mut Vec<Expr>,
    ) {
        let accounts = self.accounts(base, frame, recipe);
        let groups = self.groups(&accounts, recipe);
        let (accounts, groups) = (numbers(&accounts), numbers(&groups));
        let mut owned: Vec<(String, String, usize)> = recipe.owners.clone();
        for step in &frame.steps {
            if let Step::Copy(copy) = step {
                owned.extend(copy.owner.iter().map(|owner| (copy.to.clone(), owner.clone(), copy.line)));
                if let Some(mode) = &copy.mode {
                    perms.push(permission(
                        "root",
                        copy.to.trim_end_matches('/'),
                        vec![Attr::new(["mode"], Expr::text(mode.clone()))],
                    ));
                    self.carry(copy.line, "--chmod", "perms");
                }
            }
        }
        let mut seen = BTreeSet::new();
        for (path, owner, line) in owned {
            let name = owner.split(':').next().unwrap_or(&owner);
            let id = number(name, &accounts);
            let group = owner.split_once(':').map(|(_, group)| group).filter(|group| !group.is_empty());
            let group = group.map(|group| number(group, &groups));
            match (id, group.unwrap_or(id.or(Some(0)))) {
                (Some(id), Some(group)) => {
                    self.carry(line, &format!("owner {owner}"), "perms");
                    let path = path.trim_end_matches('/').to_owned();
                    if seen.insert((path.clone(), id)) {
                        let attr = |name, id| Attr::new([name], Expr::int(i64::from(id)));
                        perms.push(permission("root", &path, vec![attr("uid", id), attr("gid", group)]));
                    }
                }
                _ => self.leave(
                    line,
                    &format!("owner {owner}"),
                    "its numeric user or group id is unknown",
                    "add a `perms` entry with the numeric ids",
                ),
            }
        }
    }

    pub(super) fn commands(&mut self, contents: Contents<'_>, config: &mut Vec<Attr>) {
        let Contents { base, frame, .. } = contents;
        if let Some((command, line)) = &frame.entrypoint {
            self.carry(*line, "ENTRYPOINT", "config.Entrypoint");
            let command = self.without_environment(command, *line, "ENTRYPOINT");
            let command = self.without_paths(command, contents, *line, "ENTRYPOINT");
            if command != Command::Exec(Vec::new()) {
                config.push(Attr::new(["Entrypoint"], command_list(&with_config(base, command))));
            }
        }
        let own = base_images::php_server(&frame.base).or(base.map(|base| base.command)).unwrap_or_default();
        let starter = base_images::entrypoint(&frame.base);
        if frame.entrypoint.is_none() && !starter.is_empty() {
            let words = Command::Exec(starter.iter().map(|word| (*word).to_owned()).collect());
            self.carry(frame.base_line, "the entrypoint of the base image", "config.Entrypoint");
            config.push(Attr::new(["Entrypoint"], command_list(&words)));
        }
        match (&frame.cmd, &frame.entrypoint) {
            (Some((command, line)), _) => {
                self.carry(*line, "CMD", "config.Cmd");
                let command = self.without_environment(command, *line, "CMD");
                let command = self.without_paths(command, contents, *line, "CMD");
                config.push(Attr::new(["Cmd"], command_list(&with_config(base, command))));
            }
            (None, None) if !own.is_empty() => {
                let words = Command::Exec(own.iter().map(|word| (*word).to_owned()).collect());
                self.carry(frame.base_line, "the command of the base image", "config.Cmd");
                config.push(Attr::new(["Cmd"], command_list(&with_config(base, words))));
            }
            (None, None) => {
                let why = "the Dockerfile has no CMD, and the base image's CMD is unknown";
                self.leave(frame.base_line, "CMD", why, "set `config.Cmd` in the new file");
            }
            (None, Some(_)) => {}
        }
    }

    pub(super) fn env(&mut self, base: Option<&'static Base>, frame: &Frame, runtime: &[String]) -> Vec<Expr> {
        let mut env = Vec::new();
        let path = (!runtime.is_empty()).then(|| format!("lib.makeBinPath [ {} ]", runtime.join(" ")));
        let own_path = frame.variable("PATH");
        if path.is_some() || own_path.is_some() {
            let mut text = Text::literal("PATH=");
            // Programs may be copied to the folders in the default PATH.
            for folder in filled_folders(frame).filter(|_| own_path.is_none()) {
                text.push(&format!("{folder}:"));
            }
            // The packages take the place of the base image's PATH.
            let (before, after) = own_path.map_or(("", ""), |own| own.split_once("$PATH").unwrap_or((own, "")));
            let (before, after) = (before.trim_matches(':'), after.trim_matches(':'));
            let mut is_first = true;
            for part in [Some(before), None, Some(after)] {
                let is_empty = part.map_or(path.is_none(), str::is_empty);
                if is_empty {
                    continue;
                }
                if !std::mem::take(&mut is_first) {
                    text.push(":");
                }
                match (part, &path) {
                    (None, Some(path)) => text.push_code(path),
                    (part, _) => text.push(part.unwrap_or_default()),
                };
            }
            env.push(Expr::Text(text));
        }
        if base.is_none_or(|base| base.runtime != Runtime::Nothing) && frame.variable("SSL_CERT_FILE").is_none() {
            let mut text = Text::literal("SSL_CERT_FILE=");
            text.push_code("pkgs.cacert").push("/etc/ssl/certs/ca-bundle.crt");
            env.push(Expr::Text(text));
        }
        for (name, value, line) in &frame.env {
            self.carry(*line, &format!("ENV {name}"), "config.Env");
            if name == "PATH" {
                continue;
            }
            let mut text = Text::literal(format!("{name}="));
            let port = value.parse::<u16>().ok().filter(|port| frame.ports.iter().any(|(exposed, ..)| exposed == port));
            match port.filter(|_| name.contains("PORT")) {
                Some(port) => text.push_code(&format!("toString {}", self.draft.ports.reference(port))),
                None => text.push(value),
            };
            env.push(Expr::Text(text));
        }
        env
    }
}

/// The number of words in `uv run` before the command. `None` if it is unclear where the command begins.
fn environment_words(words: &[&str]) -> Option<usize> {
    let is_flag = |word: &&&str| ENVIRONMENT_FLAGS.contains(*word);
    let flags = words.iter().skip(1).take_while(is_flag).count();
    (words.get(1 + flags) == Some(&"run")).then_some(())?;
    let start = 2 + flags;
    let start = start + words.iter().skip(start).take_while(is_flag).count();
    words.get(start).is_none_or(|program| !program.starts_with('-')).then_some(start)
}

impl Module<'_, '_> {
    /// A command without the tool that runs it in the environment of a Python project, because the image's Python
    /// already has the packages.
    fn without_environment(&mut self, command: &Command, line: usize, what: &str) -> Command {
        let words: Vec<&str> = match command {
            Command::Exec(words) => words.iter().map(String::as_str).collect(),
            Command::Shell(text) => text.split_whitespace().collect(),
        };
        let at = usize::from(matches!(command, Command::Shell(_)) && words.first() == Some(&"exec"));
        let words = &words[at..];
        let Some(tool) = words.first().filter(|word| ENVIRONMENTS.contains(word)) else { return command.clone() };
        match (environment_words(words), command) {
            (Some(start), Command::Exec(all)) => Command::Exec(all[start..].to_vec()),
            (Some(start), Command::Shell(text)) => {
                let mut rest = text.trim_start();
                for _ in 0..start + at {
                    rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start());
                }
                Command::Shell(rest.to_owned())
            }
            (None, _) => {
                let why = format!("`{tool}` cannot find the project's environment in the image");
                self.leave(line, what, &why, "start the program itself: the image's Python has its packages");
                command.clone()
            }
        }
    }
}

/// The folders in the default PATH into which files are copied.
fn filled_folders(frame: &Frame) -> impl Iterator<Item = &'static str> {
    let is_filled = |folder: &&'static str| {
        frame.steps.iter().any(|step| {
            matches!(step, Step::Copy(copy) if copy.to.trim_end_matches('/') == *folder
                || copy.to.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') && !rest[1..].contains('/')))
        })
    };
    paths::PATH.into_iter().filter(is_filled).collect::<Vec<_>>().into_iter()
}

/// The id of each name. If a name has several, the first applies.
fn numbers(all: &[(String, u32)]) -> BTreeMap<&str, u32> {
    all.iter().rev().map(|(name, number)| (name.as_str(), *number)).collect()
}

/// The numeric id of an account or a group, given by name or by id.
fn number(given: &str, known: &BTreeMap<&str, u32>) -> Option<u32> {
    given.parse().ok().or_else(|| known.get(given).copied())
}

/// The first id from `next` on that is not taken. Advances `next` to it.
fn free(taken: &BTreeSet<u32>, next: &mut u32) -> u32 {
    while taken.contains(next) {
        *next += 1;
    }
    *next
}

/// The line of an account in `/etc/passwd`.
fn passwd_line(name: &str, id: u32, account: Option<&Account>, groups: &BTreeMap<&str, u32>) -> String {
    let usual = if name == "root" { "/root".to_owned() } else { format!("/home/{name}") };
    // A special character could end the field or the string.
    let is_plain = |text: &&String| text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let home = account.and_then(|account| account.home.clone()).filter(|home| is_plain(&home)).unwrap_or(usual);
    let shell = account.and_then(|account| account.shell.clone()).filter(|shell| is_plain(&shell));
    let group = account.and_then(|account| account.group.as_deref());
    let group = group.and_then(|group| number(group, groups)).or_else(|| number(name, groups));
    let group = group.unwrap_or(id);
    format!("      {name}:x:{id}:{group}::{home}:{}\n", shell.unwrap_or_else(|| "/bin/sh".to_owned()))
}

/// The main configuration file of PHP-FPM in its image.
pub(super) const FPM: &str = "/usr/local/etc/php-fpm.conf";

/// Adds the configuration file to a command. By default, nginx from nixpkgs does not read `/etc/nginx`, and PHP-FPM
/// reads no configuration file.
pub(super) fn with_config(base: Option<&Base>, command: Command) -> Command {
    match command {
        Command::Exec(mut words)
            if base.is_some_and(|base| base.image == "nginx")
                && words.first().is_some_and(|word| word == "nginx")
                && !words.iter().any(|word| word == "-c") =>
        {
            words.splice(1..1, ["-e", "/dev/stderr", "-c", "/etc/nginx/nginx.conf"].map(str::to_owned));
            Command::Exec(words)
        }
        Command::Exec(mut words)
            if base.is_some_and(|base| base.image == "php")
                && words.first().is_some_and(|word| word == "php-fpm")
                && !words.iter().any(|word| word == "-y" || word.starts_with("--fpm-config")) =>
        {
            words.splice(1..1, ["--fpm-config", FPM].map(str::to_owned));
            Command::Exec(words)
        }
        command => command,
    }
}

pub(super) fn command_list(command: &Command) -> Expr {
    match command {
        Command::Exec(words) => Expr::List(words.iter().map(|word| Expr::text(word.clone())).collect()),
        Command::Shell(text) => {
            let mut shell = Text::code("pkgs.bashInteractive");
            shell.push("/bin/sh");
            Expr::List(vec![Expr::Text(shell), Expr::text("-c"), Expr::text(text.clone())])
        }
    }
}

pub(super) fn permission(tree: &str, path: &str, more: Vec<Attr>) -> Expr {
    let escaped: String =
        path.chars().flat_map(|c| if ".+*?()[]{}|^$".contains(c) { vec!['\\', c] } else { vec![c] }).collect();
    let mut attrs = vec![Attr::new(["path"], Expr::Code(tree.to_owned())), Attr::new(["regex"], Expr::text(escaped))];
    attrs.extend(more);
    Expr::Set(attrs)
}

pub(super) fn port_name(port: u16) -> &'static str {
    match port {
        80 | 8080 => "http",
        443 | 8443 => "https",
        9229 => "debug",
        _ => "port",
    }
}
