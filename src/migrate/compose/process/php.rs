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
            let root = host_path(service, containers::APACHE_ROOT);
            let root = if root == containers::APACHE_ROOT { ".".to_owned() } else { root };
            let what = "PHP's built-in server replaces Apache, without the rules in `.htaccess`";
            let place = service.get("image").or(service.get("build")).map_or(&service.key.place, |node| &node.place);
            builder.leave(service, place, "command", what, "configure nginx or Apache if the rules are needed");
            line.append(&words::word(&Text::literal(root)));
            line
        }
    };
    Some(Ok(Program { line, ..Program::default() }))
}
