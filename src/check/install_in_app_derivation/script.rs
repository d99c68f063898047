//! The commands of a build script: whether they install the dependencies of a JavaScript project, or build it.

use crate::paths;

/// A simple command: its words and its position in the script.
#[derive(Debug)]
pub struct Command<'a> {
    /// The words, starting with the program, without variable assignments and wrappers such as `exec`.
    pub words: Vec<&'a str>,
    /// The first byte of the program.
    pub start: usize,
    /// One past the last byte of the last word.
    pub end: usize,
}

impl Command<'_> {
    /// The program's name without its folder.
    pub fn program(&self) -> &str {
        let first = self.words.first().copied().unwrap_or("");
        paths::name(first)
    }

    fn arguments(&self) -> &[&str] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The first argument that is neither a flag nor a flag's value.
    fn subcommand(&self) -> Option<&str> {
        let mut arguments = self.arguments().iter();
        while let Some(argument) = arguments.next() {
            if TAKES_A_VALUE.contains(argument) {
                arguments.next();
            } else if !argument.starts_with('-') {
                return Some(argument);
            }
        }
        None
    }

    fn has(&self, flags: &[&str]) -> bool {
        self.arguments().iter().any(|argument| flags.contains(argument))
    }

    /// Whether the command installs the project's dependencies: `npm ci`, `bun install`, a bare `yarn`.
    pub fn installs(&self) -> bool {
        if self.has(&["--package-lock-only", "--lockfile-only", "-g", "--global", "--help", "--version"]) {
            return false;
        }
        match (self.program(), self.subcommand()) {
            ("bun" | "npm" | "pnpm" | "yarn", Some("install" | "i" | "ci" | "clean-install")) => true,
            ("yarn", None) => self.arguments().iter().all(|argument| argument.starts_with("--")),
            _ => false,
        }
    }

    /// Whether the command builds the sources, or copies more than dependencies to the output.
    pub fn builds(&self) -> bool {
        let arguments = self.arguments();
        // With this flag, `tsc` only checks types and writes no output.
        if self.has(&["--noEmit"]) {
            return false;
        }
        let says_build = || arguments.iter().any(|argument| is_build(argument));
        match self.program() {
            "bun" | "npm" | "pnpm" | "yarn" | "npx" | "bunx" | "pnpx" | "node" | "deno" => says_build(),
            "tsc" | "vite" | "webpack" | "esbuild" | "rollup" | "parcel" | "next" | "nuxt" | "astro" | "ng"
            | "make" | "turbo" | "nx" | "svelte-kit" | "tsup" | "swc" | "electron-builder" => true,
            "cargo" | "go" | "zig" | "cmake" | "ninja" | "meson" | "dotnet" | "mvn" | "gradle" | "mix" => true,
            "makeWrapper" | "wrapProgram" | "makeBinaryWrapper" => true,
            "cp" | "mv" | "install" | "rsync" | "ln" => arguments.iter().any(|argument| is_of_the_app(argument)),
            _ => false,
        }
    }
}

/// Package manager flags whose value is the next argument.
const TAKES_A_VALUE: [&str; 9] =
    ["--cwd", "-C", "--prefix", "--dir", "--filter", "-F", "--cache", "--registry", "--cache-folder"];

/// Whether an argument is a common name of a build script: `build`, `build:web`, `bundle`, `compile`.
fn is_build(argument: &str) -> bool {
    let first = paths::name(argument).split([':', '-', '.']).next().unwrap_or("");
    matches!(
        first,
        "build" | "bundle" | "compile" | "dist" | "pack" | "generate" | "tsc" | "vite" | "webpack" | "esbuild" | "next"
    ) && !argument.starts_with('-')
}

/// Whether a folder contains the application and not its dependencies.
fn is_of_the_app(argument: &str) -> bool {
    let bare = argument.trim_start_matches("./").trim_matches('"').trim_end_matches(['*', '/', '.']);
    let whole = matches!(argument, "." | "./." | "./" | "*" | "./*");
    whole
        || matches!(bare, "src" | "dist" | "build" | "public" | ".next" | ".output" | "lib" | "server" | "app" | "out")
}

/// Words before a command that do not change its meaning.
const PREFIXES: [&str; 14] =
    ["exec", "env", "command", "time", "if", "then", "else", "elif", "while", "do", "!", "{", "(", "nice"];

/// The simple commands of a script, without comments. Quotes remain in the words, and a separator inside them does not
/// end a command.
pub fn commands(script: &str) -> Vec<Command<'_>> {
    let mut commands = Vec::new();
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut quote = None;
    let mut continued = false;
    let mut document: Option<&str> = None;
    for line in script.split_inclusive('\n') {
        if let Some(end) = document {
            if line.trim() == end {
                document = None;
            }
            continue;
        }
        let start = line.as_ptr() as usize - script.as_ptr() as usize;
        let body = line.trim_end();
        let next = body.ends_with('\\');
        let body = body.strip_suffix('\\').unwrap_or(body);
        if !continued && quote.is_none() {
            flush(&mut words, &mut commands);
        }
        split_line(body, start, &mut quote, &mut words, &mut commands);
        continued = next;
        if quote.is_none() {
            document = here_document(body);
        }
    }
    flush(&mut words, &mut commands);
    commands
}

/// The word that ends a here-document (`cat <<EOF`).
fn here_document(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("<<")?;
    if before.trim_start().starts_with('#') || after.starts_with('<') {
        return None;
    }
    let word = after.trim_start_matches('-').split_whitespace().next()?;
    let word = word.trim_matches(['\'', '"', '\\', ';', ')']);
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then_some(word)
}

fn split_line<'a>(
    line: &'a str,
    start: usize,
    quote: &mut Option<u8>,
    words: &mut Vec<(usize, &'a str)>,
    commands: &mut Vec<Command<'a>>,
) {
    let bytes = line.as_bytes();
    let mut word = None;
    let end_word = |word: &mut Option<usize>, at: usize, words: &mut Vec<(usize, &'a str)>| {
        if let Some(from) = word.take() {
            words.extend(line.get(from..at).map(|text| (start + from, text)));
        }
    };
    for (at, &byte) in bytes.iter().enumerate() {
        if let Some(open) = *quote {
            word.get_or_insert(at);
            if byte == open {
                *quote = None;
            }
            continue;
        }
        match byte {
            b'\'' | b'"' => {
                word.get_or_insert(at);
                *quote = Some(byte);
            }
            b'#' if word.is_none() => return,
            b' ' | b'\t' => end_word(&mut word, at, words),
            b';' | b'|' | b'&' | b'(' | b')' | b'`' => {
                end_word(&mut word, at, words);
                flush(words, commands);
            }
            _ => {
                word.get_or_insert(at);
            }
        }
    }
    end_word(&mut word, line.len(), words);
}

fn flush<'a>(words: &mut Vec<(usize, &'a str)>, commands: &mut Vec<Command<'a>>) {
    let own = std::mem::take(words);
    let first = own.iter().position(|(_, word)| !PREFIXES.contains(word) && !is_assignment(word));
    let Some(own) = first.and_then(|first| own.get(first..)) else { return };
    if let (Some(&(start, _)), Some(&(last, text))) = (own.first(), own.last()) {
        let words = own.iter().map(|(_, word)| *word).collect();
        commands.push(Command { words, start, end: last + text.len() });
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installs(script: &str) -> Vec<&str> {
        commands(script).iter().filter(|it| it.installs()).map(|it| &script[it.start..it.end]).collect()
    }

    #[test]
    fn installs_are_distinguished_from_lookalikes() {
        for (script, wanted) in [
            ("npm ci", &["npm ci"][..]),
            (
                "export HOME=$TMPDIR; /x/bin/bun install --frozen-lockfile && bun build",
                &["/x/bin/bun install --frozen-lockfile"],
            ),
            ("CI=1 pnpm -C web i", &["pnpm -C web i"]),
            ("yarn --frozen-lockfile\n", &["yarn --frozen-lockfile"]),
            ("if ! npm \\\n  install; then exit 1; fi", &["npm \\\n  install"]),
            ("yarn build", &[]),
            ("# npm ci", &[]),
            ("echo npm ci", &[]),
            ("echo \"run: npm ci; npm ci\"", &[]),
            ("npm install --package-lock-only", &[]),
            ("npm install -g --prefix=$out .", &[]),
            ("npm run install", &[]),
            ("install -Dm644 x $out", &[]),
            ("cat > README <<'EOF'\nnpm ci\nEOF\nbun i", &["bun i"]),
            ("cat <<< x\nnpm ci", &["npm ci"]),
        ] {
            assert_eq!(installs(script), wanted, "{script}");
        }
    }

    #[test]
    fn building_is_distinguished_from_copying_dependencies() {
        for (script, wanted) in [
            ("npm run build", true),
            ("bun build src/index.ts --outdir dist", true),
            ("npx vite build", true),
            ("yarn build:web", true),
            ("cp -r . $out", true),
            ("mv dist $out", true),
            ("makeWrapper x y", true),
            ("cp -r node_modules $out", false),
            ("mv node_modules $out/lib/node_modules", false),
            ("mkdir -p $out", false),
            ("npm ci", false),
            ("bun x tsc --noEmit", false),
        ] {
            assert_eq!(commands(script).iter().any(Command::builds), wanted, "{script}");
        }
    }
}
