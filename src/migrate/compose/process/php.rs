//! The servers in PHP images.

use super::{Program, host_path, start_line, version};
use crate::knowledge::containers;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::words;
use crate::migrate::nix::{self, Text};

/// Whether a word of a command starts the server of a PHP image.
pub fn is_server(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("php-fpm" | "apache2-foreground"))
}

/// The replacement for `php-fpm` and Apache with PHP. `None` for other commands.
pub fn server(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String]) -> Option<Result<Program, String>> {
    let first = words.first().filter(|word| is_server(word))?;
    let name = first.rsplit('/').next().unwrap_or(first);
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
    const VARIABLE: &str = "APACHE_DOCUMENT_ROOT";
    let of_image = service.image_file.iter().flat_map(|file| &file.variables);
    let of_image = of_image.into_iter().find(|(name, ..)| name == VARIABLE).map(|(_, value, _)| value.clone());
    let set = service.get("environment").and_then(|node| node.get(VARIABLE)?.text().map(str::to_owned)).or(of_image);
    let is_site = |path: &str| path.starts_with("/etc/apache2/sites-") || path.starts_with("/etc/apache2/conf");
    let mounted = service.binds().into_iter().filter(|bind| is_site(&bind.target)).map(|bind| bind.source);
    let copies = service.image_file.iter().flat_map(|file| &file.copies).filter(|(_, to)| is_site(to));
    let copied = copies.filter_map(|(from, _)| crate::paths::join(service.context()?, from));
    let sites = mounted.chain(copied).filter_map(|path| builder.files().text(&path).ok().flatten());
    let root = |text: String| {
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
