//! The ports that a process listens on, if the text shows that it listens rather than connects.

use super::model::Listen;
use crate::finding::Span;
use crate::knowledge::programs;
use crate::lang::nix;
use crate::paths;

/// Parses text that consists of a port number.
pub fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let value: u32 = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    (1..=65535).contains(&value).then(|| value.to_string())
}

/// Whether the host of a probe is this machine.
pub fn is_own_host(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0" | "::1" | "[::1]") || host.starts_with("127.")
}

/// The ports that the command of a single program listens on: `--port 6379`, `--port=6379`, `http.server 8000`, `--port
/// ${toString ports.web}`. Scripts with several commands are ignored, since any of them may be a client. `command`
/// starts at offset `start` of the text of `file`; interpolations in it are masked.
pub fn in_command(command: &str, start: u32, file: &str) -> Vec<Listen> {
    let body = command.trim_end();
    if body.contains(['\n', '|', ';', '&', '`']) || body.contains("$(") {
        return Vec::new();
    }
    let words = words(body);
    let program = words.iter().map(|(_, word)| *word).find(|word| !word.contains('=') && *word != "exec");
    let program = program.map(paths::name);
    if program.is_none_or(|program| programs::CLIENTS.contains(&program)) {
        return Vec::new();
    }
    let listen = |at: usize, word: &str| {
        let begin = start as usize + at;
        let span = Span::new(begin, begin + word.len());
        let masked = word.bytes().all(|byte| byte == nix::HOLE);
        let port = if masked { file.get(span.range()).and_then(interpolated) } else { number(word) };
        port.map(|port| Listen { port, span })
    };
    let mut found = Vec::new();
    for (index, (at, word)) in words.iter().enumerate() {
        if let Some(value) = word.strip_prefix("--port=") {
            found.extend(listen(at + "--port=".len(), value));
        } else if matches!(*word, "--port" | "http.server")
            && let Some((at, value)) = words.get(index + 1)
        {
            found.extend(listen(*at, value));
        }
    }
    found
}

/// The name inside `${toString ports.web}` or `${ports.web}`.
fn interpolated(text: &str) -> Option<String> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?.trim();
    let name = inner.strip_prefix("toString").map_or(inner, str::trim_start);
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-'".contains(&byte));
    (plain && name.contains('.')).then(|| name.to_owned())
}

fn words(text: &str) -> Vec<(usize, &str)> {
    text.split_ascii_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word)).collect()
}
