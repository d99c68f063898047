//! The destination of a report and its capabilities: colours, Unicode, links, and width.

use std::env;
use std::io::IsTerminal;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// Only on terminals.
    Auto,
    /// Always, even in pipes and files.
    Always,
    /// Never.
    Never,
}

/// The capabilities of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// Whether it supports colours.
    pub color: bool,
    /// Whether to draw frames in Unicode.
    pub unicode: bool,
    /// Whether it supports links (OSC 8).
    pub links: bool,
    /// Columns for prose.
    pub width: usize,
    /// Columns for code frames: the whole width of a terminal.
    pub columns: usize,
    /// Whether to wrap text to `width` and `columns`. False for pipes and files.
    pub wrap: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self { color: false, unicode: false, links: false, width: PLAIN_WIDTH, columns: PLAIN_WIDTH, wrap: false }
    }
}

/// The number of columns without a terminal.
const PLAIN_WIDTH: usize = 100;

/// Standard output.
pub fn stdout(when: When) -> Stream {
    let terminal = std::io::stdout().is_terminal();
    let links = terminal && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
    let width =
        || terminal_size::terminal_size_of(std::io::stdout()).map_or(PLAIN_WIDTH, |(width, _)| width.0 as usize);
    stream(when, terminal, links, width)
}

/// Standard error.
pub fn stderr() -> Stream {
    let terminal = std::io::stderr().is_terminal();
    let width =
        || terminal_size::terminal_size_of(std::io::stderr()).map_or(PLAIN_WIDTH, |(width, _)| width.0 as usize);
    stream(When::Auto, terminal, false, width)
}

/// A file.
pub fn file(when: When) -> Stream {
    Stream { color: when == When::Always, ..Stream::default() }
}

fn stream(when: When, terminal: bool, links: bool, width: impl Fn() -> usize) -> Stream {
    let color = match when {
        When::Always => true,
        When::Never => false,
        When::Auto => wanted(terminal, |name| env::var(name).ok().filter(|value| !value.is_empty())),
    };
    let columns = if terminal { width().clamp(40, 1_000) } else { PLAIN_WIDTH };
    Stream {
        color,
        columns,
        unicode: terminal && speaks_unicode(),
        links: links && color,
        wrap: terminal,
        width: columns.min(120),
    }
}

/// Whether the environment requests colours: <https://no-color.org> and <https://force-color.org>.
fn wanted(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    if variable("NO_COLOR").is_some() {
        return false;
    }
    let forced = |name| variable(name).is_some_and(|value| value != "0" && value != "false");
    if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") {
        return true;
    }
    terminal && variable("TERM").is_some_and(|term| term != "dumb")
}

fn speaks_unicode() -> bool {
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    (locale.contains("utf-8") || locale.contains("utf8")) && set("TERM").is_none_or(|term| term != "linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_determines_colours() {
        for (terminal, variables, expected) in [
            (true, &[("TERM", "xterm")][..], true),
            (true, &[("TERM", "dumb")], false),
            (true, &[], false),
            (false, &[("TERM", "xterm")], false),
            (true, &[("TERM", "xterm"), ("NO_COLOR", "1")], false),
            (false, &[("FORCE_COLOR", "1")], true),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (false, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false),
        ] {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(wanted(terminal, variable), expected, "{terminal} {variables:?}");
        }
    }
}
