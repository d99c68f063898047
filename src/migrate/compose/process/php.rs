//! The servers in PHP images.

use super::extensions::added;
use super::{Program, host_path, start_line, version};
use crate::knowledge::containers;
use crate::knowledge::images::base;
use crate::lang::shell;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::{Role, Service};
use crate::migrate::compose::words;
use crate::migrate::compose::yaml::Place;
use crate::migrate::nix::{self, Text};
use crate::migrate::php_extensions::is_known;
use crate::paths;

/// Whether a word of a command starts the server of a PHP image.
pub fn is_server(word: &str) -> bool {
    matches!(paths::name(word), "php-fpm" | "apache2-foreground")
}

/// The indices of the services that run PHP-FPM, to which another server passes the paths of scripts.
pub fn fpms<'b>(builder: &'b Builder<'_, '_>) -> &'b [usize] {
    let is_fpm = |service: &Service<'_>| {
        let words = super::words_or_usual(builder, service).unwrap_or_default();
        // The image's start script may come first.
        service.role == Role::Program && words.iter().take(2).any(|word| paths::name(word) == "php-fpm")
    };
    builder.fpms.get_or_init(|| {
        let services = builder.stack.services.iter().enumerate();
        services.filter(|(_, service)| is_fpm(service)).map(|(index, _)| index).collect()
    })
}

/// The work to do by hand so that PHP from nixpkgs reads a file that PHP in its image reads by default. `None` for
/// other files and images.
pub fn settings_step(builder: &Builder<'_, '_>, service: &Service<'_>, source: &str, target: &str) -> Option<String> {
    base::name(service.image()?).eq("php").then_some(())?;
    let inside = target.strip_prefix(base::PHP_SETTINGS)?;
    if inside.starts_with("-fpm") {
        let text = "`php-fpm.conf` in its command";
        return Some(format!("write the settings that the program needs from ./{source} into the text of {text}"));
    }
    inside.starts_with('/').then_some(())?;
    let files = builder.files();
    let names = if files.is_folder(source) { files.names(source) } else { Vec::new() };
    let inside = names.iter().filter(|name| name.ends_with(".ini")).map(|name| format!("{source}/{name}"));
    let mut paths: Vec<String> = inside.take(MOST_SETTINGS).collect();
    if paths.is_empty() {
        paths.push(source.to_owned());
    }
    let read: Vec<String> = paths.iter().map(|path| format!("builtins.readFile {}", builder.path(path))).collect();
    let read = read.join(" + ");
    let package = version::versioned(builder, service, "php");
    let (package, plain) = match package.contains(' ') {
        true => (format!("(pkgs.{package})"), package),
        false => (format!("pkgs.{package}"), package),
    };
    Some(format!(
        "replace `pkgs.{plain}` with `({package}.buildEnv {{ extraConfig = {read}; }})`, and \
         join several files with `+`"
    ))
}

/// The maximum number of files in a folder that a report entry names.
const MOST_SETTINGS: usize = 20;

/// Whether PHP's built-in server replaces the Apache of a service.
pub fn replaces_apache(builder: &Builder<'_, '_>, service: &Service<'_>) -> bool {
    let words = super::words_or_usual(builder, service).unwrap_or_default();
    words::without_wrappers(&words).iter().take(2).any(|word| word.ends_with("apache2-foreground"))
}

/// Whether a path in an image is in a folder with Apache's sites or configuration.
pub fn is_site(path: &str) -> bool {
    path.starts_with("/etc/apache2/sites-") || path.starts_with("/etc/apache2/conf")
}

/// Whether a RUN line only changes the folder that Apache serves.
pub fn sets_document_root(run: &str) -> bool {
    let commands = shell::commands(run);
    run.contains(DOCUMENT_ROOT) && !run.contains("<<") && commands.iter().all(|command| command.program() == "sed")
}

/// Whether a RUN only adds PHP extensions that the process has as well, or sets Apache modules that it does not need.
pub fn is_replaced(builder: &Builder<'_, '_>, service: &Service<'_>, run: &str) -> bool {
    let is_php = service.image().is_some_and(|image| base::name(image) == "php");
    let commands = shell::commands(run);
    let is_known = |command: &shell::Command<'_>| match command.program() {
        "a2enmod" | "a2dismod" => replaces_apache(builder, service),
        _ => added(command).is_some_and(|names| names.iter().all(|name| is_known(name))),
    };
    is_php && !run.contains("<<") && !commands.is_empty() && commands.iter().all(is_known)
}

/// The variable for the folder that Apache serves, according to the documentation of the image.
pub const DOCUMENT_ROOT: &str = "APACHE_DOCUMENT_ROOT";

/// Directives of a site, in lower case, that PHP's built-in server cannot replace.
const OF_SITES: [&str; 7] =
    ["alias", "proxypass", "proxypassmatch", "redirect", "rewritecond", "rewriterule", "scriptalias"];

/// The replacement for `php-fpm` and Apache with PHP. `None` for other commands.
pub fn server(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String]) -> Option<Result<Program, String>> {
    let first = words.first().filter(|word| is_server(word))?;
    let name = paths::name(first);
    let is_fpm = name == "php-fpm";
    let Some(port) = service.ports.first() else {
        return Some(Err(format!("the port that `{name}` listens on is not known")));
    };
    let package = version::versioned(builder, service, "php");
    let port = builder.port_text(Some(port));
    let line = match is_fpm {
        true => {
            let mut pool = Text::literal(containers::PHP_FPM.0);
            pool.append(&port).push(containers::PHP_FPM.1);
            let mut line = start_line(&package, &["php-fpm", "--nodaemonize", "--fpm-config"]);
            line.push(" ").push_code(&format!("pkgs.writeText \"php-fpm.conf\" {}", nix::quoted(&pool)));
            line
        }
        false => {
            let mut line = start_line(&package, &["php", "-S"]);
            line.push(" 127.0.0.1:").append(&port).push(" -t ");
            let given = document_root(builder, service);
            let inside = given.as_deref().unwrap_or(containers::APACHE_ROOT);
            let root = host_path(service, inside);
            let root = if root == inside { ".".to_owned() } else { root };
            let what = "PHP's built-in server replaces Apache, without the rules in `.htaccess`";
            let place = service.get("image").or(service.get("build")).map_or(&service.key.place, |node| &node.place);
            builder.leave(service, place, "command", what, "configure nginx or Apache if the rules are needed");
            line.append(&words::word(&Text::literal(root)));
            line
        }
    };
    Some(Ok(Program { line, ..Program::default() }))
}

/// The folder in the image that Apache serves, according to the image's variable or its site.
fn document_root(builder: &Builder<'_, '_>, service: &Service<'_>) -> Option<String> {
    let of_image = service.image_file.iter().flat_map(|file| &file.variables);
    let of_image = of_image.into_iter().find(|(name, ..)| name == DOCUMENT_ROOT).map(|(_, value, _)| value.clone());
    let set =
        service.get("environment").and_then(|node| node.get(DOCUMENT_ROOT)?.text().map(str::to_owned)).or(of_image);
    let mounted = service.binds().into_iter().filter(|bind| is_site(&bind.target)).map(|bind| bind.source);
    let copies = service.image_file.iter().flat_map(|file| &file.copies).filter(|(_, to)| is_site(to));
    let copied = copies.filter_map(|(from, _)| paths::join(service.context()?, from));
    let sites = mounted.chain(copied).filter_map(|path| Some((builder.files().text(&path).ok()??, path)));
    let sites: Vec<(String, String)> = sites.collect();
    for (text, path) in &sites {
        for (at, line) in text.lines().enumerate() {
            let name = line.split_whitespace().next().unwrap_or_default();
            if OF_SITES.iter().any(|directive| name.eq_ignore_ascii_case(directive)) {
                let place = Place { path: path.as_str().into(), line: at + 1, column: 1 };
                let why = format!("PHP's built-in server does not read the directive `{name}`");
                builder.leave(service, &place, "command", why, "configure nginx or Apache if it is needed");
            }
        }
    }
    let root = |(text, _): (String, String)| {
        let mut words = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
        let root = words.find(|(name, _)| name.eq_ignore_ascii_case("DocumentRoot"))?.1;
        Some(root.trim().trim_matches(['"', '\'']).to_owned())
    };
    let root = sites.into_iter().find_map(root);
    match root {
        Some(root) if root.contains('$') => set,
        Some(root) => Some(root),
        None => set,
    }
}
