//! How the script of a process reads an `env_file`.
//!
//! Compose's syntax is not that of a shell: in `NAME=two words` and `URL=http://a/?b=1&c=2` the whole rest of the line is
//! the value. Only a file that means the same in both is read by the shell itself.

use std::collections::BTreeMap;

use super::Builder;
use crate::migrate::compose::environment::lines_of;
use crate::migrate::compose::interpolate;
use crate::migrate::compose::stack::Service;
use crate::migrate::compose::yaml::Place;

/// A file that a script reads variables from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// Its path, relative to the folder in which the process runs.
    pub path: String,
    /// How the script reads it to get the same values as Compose.
    pub reader: Reader,
}

/// How a script reads the variables in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The shell itself.
    Shell,
    /// [`READ_ENV`].
    Lines,
    /// [`READ_RAW_ENV`].
    Raw,
}

impl Reader {
    /// The shell function that reads a file. `None` for the shell itself.
    pub fn function(self) -> Option<String> {
        let text = match self {
            Self::Shell => return None,
            Self::Lines => READ_ENV,
            Self::Raw => READ_RAW_ENV,
        };
        Some(text.replace("OF_BASH", &OF_BASH.join(" | ")))
    }
}

impl EnvFile {
    /// The command that reads it.
    pub fn command(&self) -> String {
        let path = &self.path;
        match self.reader {
            Reader::Shell => format!("if [ -f {path} ]; then set -a; . {path}; set +a; fi\n"),
            Reader::Lines => format!("if [ -f {path} ]; then read_env {path}; fi\n"),
            Reader::Raw => format!("if [ -f {path} ]; then read_raw_env {path}; fi\n"),
        }
    }
}

/// The shell function that reads a file line by line, as [`by_lines`] does. [`Reader::function`] replaces `OF_BASH`
/// with the names in [`OF_BASH`].
const READ_ENV: &str = r#"read_env() {
  local line name value
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    line=${line#$'\xEF\xBB\xBF'}
    line=${line#"${line%%[![:blank:]]*}"}
    line=${line#export }
    line=${line#"${line%%[![:blank:]]*}"}
    name=${line%%=*}
    name=${name%"${name##*[![:blank:]]}"}
    value=${line#*=}
    value=${value#"${value%%[![:blank:]]*}"}
    case $line in '#'*) continue ;; *=*) ;; *) continue ;; esac
    case $name in '' | [0-9]* | *[!A-Za-z0-9_]* | OF_BASH) continue ;; esac
    case $value in
      '"'*) value=${value#?} && value=${value%%'"'*} && value=${value//'$$'/'$'} ;;
      "'"*) value=${value#?} && value=${value%%"'"*} ;;
      '#'*) value= ;;
      *) value=${value%%' #'*} && value=${value//'$$'/'$'} && value=${value%"${value##*[![:blank:]]}"} ;;
    esac
    declare -gx "$name=$value"
  done < "$1"
}
"#;

/// The shell function that reads a file with `format: raw`: each value is the rest of its line. `OF_BASH` is
/// replaced as in [`READ_ENV`].
const READ_RAW_ENV: &str = r#"read_raw_env() {
  local line name
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    line=${line#$'\xEF\xBB\xBF'}
    line=${line#"${line%%[![:blank:]]*}"}
    name=${line%%=*}
    case $line in '#'*) continue ;; *=*) ;; *) continue ;; esac
    case $name in '' | [0-9]* | *[!A-Za-z0-9_]* | OF_BASH) continue ;; esac
    declare -gx "$line"
  done < "$1"
}
"#;

/// Variables that bash itself sets, and that no script can set.
const OF_BASH: [&str; 3] = ["UID", "EUID", "PPID"];

/// Whether a line assigns one of the variables in [`OF_BASH`].
fn sets_own(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.split_once('=').is_some_and(|(name, _)| OF_BASH.contains(&name.trim_end()))
}

impl<'m> Builder<'_, 'm> {
    /// How a script reads a file in the repository. Reports the variables that it reads differently from Compose.
    /// A file that does not exist yet is read line by line.
    pub(in crate::migrate::compose) fn env_file(&self, service: &Service<'m>, path: &str, is_raw: bool) -> EnvFile {
        let text = self.files().text(path).ok().flatten().unwrap_or_default();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| sets_own(line)) {
            let name = line.split('=').next().unwrap_or_default().trim().trim_start_matches("export ");
            let place = Place { path: path.into(), line: at + 1, column: 1 };
            let why = format!("{name} is a variable that bash sets itself, so the process's script does not read it");
            let todo = format!("nothing, unless the program reads it: then start it with `env {name}=..`");
            self.leave(service, &place, "env_file", why, todo);
        }
        if is_raw {
            let (pairs, lines) = (interpolate::read_raw_env(&text).unwrap_or_default(), lines_of(&text));
            for (name, _) in pairs.iter().filter(|(name, _)| !is_name(name)) {
                let line = lines.get(name.as_str()).copied().unwrap_or(1);
                let place = Place { path: path.into(), line, column: 1 };
                let why = format!("Compose sets {name}, which is not a valid variable name in the process's script");
                self.leave(service, &place, "env_file", why, "rename the variable");
            }
            let is_shell =
                !text.is_empty() && !text.contains('\r') && text.lines().all(|line| is_plain(line) && !sets_own(line));
            let reader = if is_shell { Reader::Shell } else { Reader::Raw };
            return EnvFile { path: self.path_in_working_folder(service, path), reader };
        }
        // A shell keeps carriage returns, which `lines` removes.
        let is_shell =
            !text.is_empty() && !text.contains('\r') && text.lines().all(|line| is_shell(line) && !sets_own(line));
        if let Ok(pairs) = interpolate::read_env(&text, &self.variables)
            && !is_shell
        {
            let read: BTreeMap<&str, String> = by_lines(&text).into_iter().collect();
            let lines = lines_of(&text);
            let wanted: BTreeMap<&str, &str> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
            for (name, value) in wanted {
                if read.get(name).is_none_or(|found| found != value) && !OF_BASH.contains(&name) {
                    let line = lines.get(name).copied().unwrap_or(1);
                    let place = Place { path: path.into(), line, column: 1 };
                    let why = format!("Compose and the process's script read different values for {name}");
                    let todo = "write the value without references, escapes or line breaks";
                    self.leave(service, &place, "env_file", why, todo);
                }
            }
        }
        let reader = if is_shell { Reader::Shell } else { Reader::Lines };
        EnvFile { path: self.path_in_working_folder(service, path), reader }
    }
}

/// The variables in a file as [`READ_ENV`] reads them.
fn by_lines(text: &str) -> Vec<(&str, String)> {
    let pair = |line| {
        let line: &str = line;
        let line = line.strip_prefix('\u{feff}').unwrap_or(line).trim_start_matches(BLANK);
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start_matches(BLANK);
        let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        let (name, value) = (name.trim_end_matches(BLANK), value.trim_start_matches(BLANK));
        let until = |text: &str, end: &str| text.split(end).next().unwrap_or_default().to_owned();
        let value = match value.chars().next() {
            Some('"') => until(&value[1..], "\"").replace("$$", "$"),
            Some('\'') => until(&value[1..], "'"),
            Some('#') => String::new(),
            _ => until(value, " #").replace("$$", "$").trim_end_matches(BLANK).to_owned(),
        };
        is_name(name).then_some((name, value))
    };
    text.lines().filter_map(pair).collect()
}

/// The characters that separate words in a line.
const BLANK: [char; 2] = [' ', '\t'];

/// Whether a shell accepts a variable name.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a shell reads the same value from a line as Compose does with `format: raw`.
fn is_plain(line: &str) -> bool {
    let line = line.trim_start();
    let is_value = |value: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || "_./:@%+,=-".contains(c));
    line.is_empty()
        || line.starts_with('#')
        || line.split_once('=').is_some_and(|(name, value)| is_name(name) && is_value(value))
}

/// Whether a shell reads the same value from a line as Compose does.
fn is_shell(line: &str) -> bool {
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return true;
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else { return false };
    let is_end = |rest: &str| {
        rest.trim_start().is_empty() || rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#')
    };
    let has_references_only = |text: &str| {
        text.split('$').skip(1).all(|rest| {
            let rest = rest.strip_prefix('{').unwrap_or(rest);
            rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        })
    };
    let is_same = match value.chars().next() {
        Some('\'') => value[1..].split_once('\'').is_some_and(|(_, rest)| is_end(rest)),
        Some('"') => value[1..]
            .split_once('"')
            .is_some_and(|(inside, rest)| is_end(rest) && !inside.contains(['`', '\\']) && has_references_only(inside)),
        Some('~') => false,
        _ => {
            let end = value.find([' ', '\t']).unwrap_or(value.len());
            let (inside, rest) = value.split_at(end);
            let is_plain = |c: char| c.is_alphanumeric() || "_./:@%+,=^-[]*?!{}#$".contains(c);
            is_end(rest) && inside.chars().all(is_plain) && !inside.starts_with('#') && has_references_only(inside)
        }
    };
    is_name(name) && is_same
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn files_that_a_shell_reads_differently_are_read_line_by_line() {
        for (line, expected) in [
            ("A=1", true),
            ("A=", true),
            ("# a b", true),
            ("export A=http://x:1/y # note", true),
            ("A='a b'", true),
            ("A=\"$B x\"", true),
            ("A=${B}/c", true),
            ("A=two words", false),
            ("A=a&b", false),
            ("A=a(b)", false),
            ("A=pa$$word", false),
            ("A=~/x", false),
            ("A=\"a\\n\"", false),
            ("A: b", false),
            ("A=it's", false),
        ] {
            assert_eq!(is_shell(line), expected, "{line}");
        }
    }

    #[test]
    fn raw_files_are_read_as_compose_reads_them() {
        let text = "# c\nA=\"q\"\n  B='x $y' # note \nC=a #b\r\nD\n1E=x\nF=a=b\nname=shop\n";
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("app.env");
        std::fs::write(&path, text).unwrap();
        let mut shell = Command::new("bash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let script = format!(
            "{}read_raw_env {}\nprintf '%s\\n' \"$A\" \"$B\" \"$C\" \"$D\" \"$F\" \"$name\"\n",
            Reader::Raw.function().unwrap(),
            path.display()
        );
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap();
        let expected = ["\"q\"", "'x $y' # note ", "a #b", "", "a=b", "shop"];
        assert_eq!(output.lines().collect::<Vec<_>>(), expected);
        let pairs = interpolate::read_raw_env(text).unwrap();
        let values: Vec<&str> = pairs.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["\"q\"", "'x $y' # note ", "a #b", "x", "a=b", "shop"]);
        assert!(is_plain("A=http://a:1/b") && !is_plain("A=\"b\"") && !is_plain("A=a b") && !is_plain("A=$B"));
    }

    #[test]
    fn by_lines_reads_the_same_values_as_the_shell_function() {
        let text = "# c\nA=My App\n  export B=http://x/?a=1&b=2 # note\nC=pa$$word\nD='x $y'\nE=\"q r\"\nF=a(b)\nG=\nH=#x\n\
                    1A=no\nI.J=no\nno\nK=a=b\r\nL=\"a$$b\"\nM='a$$b' # note\nN=two words\t\nname=shop\nvalue=3\nline=4\n\
                    export  O = x\n";
        let text = format!("\u{feff}Z=1\n{text}");
        let text = text.as_str();
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("app.env");
        std::fs::write(&path, text).unwrap();
        let mut shell = Command::new("bash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let names = by_lines(text).iter().map(|(name, _)| format!("\"${name}\"")).collect::<Vec<_>>().join(" ");
        let function = Reader::Lines.function().unwrap();
        let script = format!("{function}read_env {}\nprintf '%s\\n' {names}\n", path.display());
        shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap();
        let values: Vec<String> = by_lines(text).iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(output.lines().collect::<Vec<_>>(), values);
        let (first, second) = values.split_at(10);
        assert_eq!(first, ["1", "My App", "http://x/?a=1&b=2", "pa$word", "x $y", "q r", "a(b)", "", "", "a=b"]);
        assert_eq!(second, ["a$b", "a$$b", "two words", "shop", "3", "4", "x"]);
    }
}
