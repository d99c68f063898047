//! Calls in source texts that pass a variable to a server as its port.

use std::ops::Range;

use crate::knowledge::containers::sources::{HOST_FIRST_CALLS, LISTENING_CALLS, SERVER_CALLS};
use crate::{paths, wording};

/// The number of bytes before a variable that are searched for the call that it is passed to.
pub const LONGEST_CALL: usize = 200;

/// Whether a variable may contain a port: `REST_PORT` and `restPort` may, `TRANSPORT` may not.
pub fn names_port(name: &str) -> bool {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_lowercase());
    name.split('_').map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit())).any(|part| {
        part.eq_ignore_ascii_case("port")
            || part.strip_prefix("port").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
            || part.starts_with(|c: char| c.is_ascii_lowercase()) && part.split("Port").skip(1).any(is_end)
    })
}

/// Whether a value that follows a text is the port in a call that makes a server listen: its first argument, or its
/// argument `port`. Calls around the value that convert it, such as `parseInt(`, are ignored. If the value has the port
/// as its default, more calls are accepted, and the value may be any of their arguments.
pub fn is_port_argument(before: &str, has_default: bool) -> bool {
    let text = wording::tail(before, LONGEST_CALL);
    let mut depth = 0_usize;
    // The number of arguments before the one that contains the value, and the offset of that argument.
    let (mut earlier, mut start) = (0_usize, None);
    let mut rest = text;
    while let Some(c) = rest.chars().next_back() {
        let end = rest.len();
        rest = rest.strip_suffix(c).unwrap_or_default();
        match c {
            '"' | '\'' | '`' => {
                let line = rest.rsplit('\n').next().unwrap_or_default();
                if let Some(open) = line.rfind(c) {
                    rest = rest.get(..rest.len() - line.len() + open).unwrap_or_default();
                }
            }
            ')' | ']' | '}' => depth += 1,
            '(' | '[' | '{' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                start = start.or(Some(end));
                earlier += 1;
            }
            ';' | '[' if depth == 0 => return false,
            '{' => {
                // `listen({ host: "::", port: process.env.REST_PORT })`
                let own = text.get(start.unwrap_or(end)..).unwrap_or_default();
                if label(own) != Some("port") {
                    return false;
                }
                (earlier, start) = (0, Some(text.len()));
            }
            '(' => {
                let own = text.get(start.unwrap_or(end)..).unwrap_or_default();
                let calls = text.get(..end).unwrap_or_default();
                let has_host_first = HOST_FIRST_CALLS.iter().any(|call| calls.ends_with(call));
                let is_server = has_host_first || SERVER_CALLS.iter().any(|call| calls.ends_with(call));
                if is_server || has_default && is_listening(calls) {
                    let is_function = own.contains("=>") || own.contains("func");
                    return !is_function
                        && match label(own) {
                            Some(label) => names_port(label) && (has_default || label == "port"),
                            None => has_default || earlier <= usize::from(has_host_first),
                        };
                }
                // The argument of the outer call begins before this call.
                (earlier, start) = (0, None);
            }
            _ => {}
        }
    }
    false
}

/// Whether a text ends with the beginning of a call that makes a server listen.
fn is_listening(text: &str) -> bool {
    let call = text.strip_suffix('(').unwrap_or_default();
    let path = call.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "._".contains(c));
    let call = text.get(path.len()..).unwrap_or_default().to_ascii_lowercase();
    LISTENING_CALLS.iter().any(|word| call.contains(word))
}

/// The name of an argument: `port` for `port=int(` and `port: Number(`.
fn label(argument: &str) -> Option<&str> {
    let argument = argument.trim_start();
    let end = argument.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(argument.len());
    let (name, rest) = argument.split_at_checked(end)?;
    let rest = rest.trim_start();
    let is_label = rest.starts_with([':', '=']) && !rest.starts_with("==") && !rest.starts_with("=>");
    (is_label && !name.is_empty()).then_some(name)
}

/// The comments of a source text, and the documentation strings of Python, in order.
pub fn comments(path: &str, text: &str) -> Vec<Range<usize>> {
    let end = paths::name(path).rsplit_once('.').map_or("", |(_, end)| end);
    let is_python = end == "py";
    let has_slashes = !HASH_ONLY.contains(&end);
    let has_hashes = !has_slashes || end == "php";
    let has_backticks = BACKTICKS.contains(&end);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(step) = text.get(at..).and_then(|rest| rest.find(['"', '\'', '`', '/', '#'])) {
        let start = at + step;
        let rest = text.get(start..).unwrap_or_default();
        let until = |open: usize, close: &str| {
            let end = rest.get(open..).and_then(|inside| inside.find(close));
            end.map_or(text.len(), |end| start + open + end + close.len())
        };
        let triple = ["\"\"\"", "\'\'\'"].into_iter().find(|quote| is_python && rest.starts_with(quote));
        let comment = match triple {
            Some(quote) => Some(until(quote.len(), quote)),
            None if has_slashes && rest.starts_with("/*") => Some(until(2, "*/")),
            None if has_slashes && rest.starts_with("//") || has_hashes && rest.starts_with('#') => {
                Some(until(1, "\n"))
            }
            None => None,
        };
        at = match (comment, rest.chars().next()) {
            (Some(end), _) => {
                found.push(start..end);
                end
            }
            (None, Some('`')) if has_backticks => until(1, "`"),
            // A lifetime
            (None, Some('\'')) if end == "rs" => start + 1,
            (None, Some(quote @ ('"' | '\''))) => start + string_length(rest, quote),
            _ => start + 1,
        };
    }
    found
}

/// The length of the string at the beginning of a text. A string that is not closed ends with its line.
fn string_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return at,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The extensions of source files whose only comments begin with `#`.
const HASH_ONLY: [&str; 5] = ["py", "rb", "ex", "exs", "properties"];
/// The extensions of source files in which strings between backticks may have several lines.
const BACKTICKS: [&str; 7] = ["js", "ts", "mjs", "cjs", "tsx", "jsx", "go"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_whole_words_of_names() {
        for name in ["PORT", "port", "REST_PORT", "PORT_OF_API", "restPort", "portNumber", "restApiPort", "HTTP_PORT2"]
        {
            assert!(names_port(name), "{name}");
        }
        for name in
            ["TRANSPORT", "IMPORT_FOLDER", "REPORT_HOST", "SUPPORT_EMAIL", "transport", "supportPortal", "EXPORTS"]
        {
            assert!(!names_port(name), "{name}");
        }
    }

    #[test]
    fn ports_are_arguments_of_calls_that_listen() {
        for before in [
            "app.listen(",
            "  app.listen(parseInt(",
            "http.ListenAndServe(\":\" + os.",
            "http.ListenAndServe(fmt.Sprintf(\"%s:%s\", host(a, b), os.",
            "net.Listen(\"tcp\", \":\"+os.",
            "app.run(host=\"0.0.0.0\", port=int(os.",
            "app.run(\n    debug=True,\n    port=os.",
            "app.run(\"0.0.0.0\", os.",
            "app.listen({ host: \"::\", port: ",
        ] {
            assert!(is_port_argument(before, false) && is_port_argument(before, true), "{before}");
        }
        assert!(is_port_argument("uvicorn.run(app, port=int(os.", true));
        assert!(!is_port_argument("app.listen(port, () => log(", true) && !is_port_argument("connect(", true));
        for before in [
            "app.listen(port, ",
            "app.listen(getPort(), ",
            "app.listen(port, () => console.log(",
            "app.listen(() => console.log(",
            "app.listen(port); console.log(",
            "app.listen(port, () => { log(",
            "app.run(transport=os.",
            "app.listen({ port: 1, host: ",
            "app.listen(80)\nconnect(",
            "connect(",
            "uvicorn.run(app, port=os.",
            "x = ",
            "\"",
            "",
        ] {
            assert!(!is_port_argument(before, false), "{before}");
        }
    }

    #[test]
    fn comments_are_found_outside_of_strings() {
        for (path, text, expected) in [
            ("a.js", "a('//b', \"/*\") // c\nd /* e\nf */ g `h // i\n` // j", &["// c\n", "/* e\nf */", "// j"][..]),
            ("a.py", "a(\"#b\") # c\n\"\"\"d\ne\"\"\"\nf // g\n", &["# c\n", "\"\"\"d\ne\"\"\""]),
            ("a.php", "a(); # b\nc(); // d", &["# b\n", "// d"]),
            ("a.rs", "fn f<'a>() {} // b", &["// b"]),
            ("a.js", "it's // b\n// c\n\"\\\"// d", &["// c\n"]),
            ("a.go", "/* a", &["/* a"]),
            ("a", "", &[]),
        ] {
            let found: Vec<&str> = comments(path, text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
