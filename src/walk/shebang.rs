//! Detects shell scripts without an extension by their first line.

use std::io::Read;
use std::path::Path;

use super::open_regular;
use crate::paths;

/// The maximum number of bytes read from a file without an extension to decide whether it is a script.
const HEAD: usize = 128;

/// Whether a file begins with the `#!` line of a shell script.
pub fn has_shell_shebang(file: &Path) -> bool {
    let mut head = [0; HEAD];
    let Ok(mut file) = open_regular(file) else { return false };
    let Ok(count) = file.read(&mut head) else { return false };
    is_shell_script(&head[..count])
}

/// Whether the content of a file begins with the `#!` line of a shell script: `#!/bin/sh -e`, `#!/usr/bin/env bash`, or
/// that of nix-shell, whose second line names the interpreter.
pub fn is_shell_script(content: &[u8]) -> bool {
    let head = content.get(..HEAD).unwrap_or(content);
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned());
    let (Some(first), second) = (lines.next(), lines.next()) else { return false };
    let Some(command) = first.strip_prefix("#!") else { return false };
    let is_option = |word: &&str| word.starts_with('-') || word.contains('=');
    let mut words = command.split_whitespace().map(paths::name);
    let program = match words.next() {
        Some("env") => words.find(|word| !is_option(word)),
        other => other,
    };
    let interpreter = match program {
        Some("nix-shell") => second.as_deref().and_then(|line| {
            let mut words = line.split_whitespace().skip_while(|word| *word != "-i");
            words.nth(1)
        }),
        other => other,
    };
    interpreter.is_some_and(|name| matches!(name, "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_recognised_by_their_interpreter() {
        for (text, expected) in [
            ("#!/bin/sh\nx", true),
            ("#!/bin/bash -e\n", true),
            ("#!/usr/bin/env bash\r\nx\r\n", true),
            ("#! /usr/bin/env -S LANG=C zsh -f\n", true),
            ("#!/usr/bin/env nix-shell\n#!nix-shell -i bash -p curl\n", true),
            ("#!/usr/bin/env nix-shell\n#!nix-shell -i python3 -p python3\n", false),
            ("#!/usr/bin/env fish\n", false),
            ("#!/usr/bin/python3 sh\n", false),
            ("#!\n", false),
            ("sh\n", false),
            ("", false),
        ] {
            assert_eq!(is_shell_script(text.as_bytes()), expected, "{text}");
        }
    }
}
