//! Builds Nix code: expressions with correct escapes and indentation.

use crate::facts::port_registry::is_identifier;

/// A string that may contain Nix expressions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash, PartialOrd, Ord)]
pub struct Text(Vec<Part>);

/// A part of a string.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Literal text.
    Literal(String),
    /// An interpolated Nix expression.
    Code(String),
}

impl Text {
    /// A string without interpolations.
    pub fn literal(text: impl Into<String>) -> Self {
        let mut new = Self::default();
        new.push(&text.into());
        new
    }

    /// A string that consists of one interpolated expression.
    pub fn code(code: impl Into<String>) -> Self {
        Self(vec![Part::Code(code.into())])
    }

    /// The parts. There are never two adjacent literals.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Whether the string is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds literal text.
    pub fn push(&mut self, text: &str) -> &mut Self {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Literal(last)) => last.push_str(text),
            _ => self.0.push(Part::Literal(text.to_owned())),
        }
        self
    }

    /// Adds an interpolated expression.
    pub fn push_code(&mut self, code: &str) -> &mut Self {
        self.0.push(Part::Code(code.to_owned()));
        self
    }

    /// Adds all parts of another string.
    pub fn append(&mut self, other: &Text) -> &mut Self {
        for part in &other.0 {
            match part {
                Part::Literal(text) => self.push(text),
                Part::Code(code) => self.push_code(code),
            };
        }
        self
    }

    /// The string with a function applied to each literal part.
    pub fn map_literals(&self, change: impl Fn(&str) -> Text) -> Text {
        let mut new = Text::default();
        for part in &self.0 {
            match part {
                Part::Literal(text) => new.append(&change(text)),
                Part::Code(code) => new.push_code(code),
            };
        }
        new
    }

    /// The text, if the string has no interpolation.
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether a literal part contains this text.
    pub fn contains(&self, text: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Literal(literal) if literal.contains(text)))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

/// A Nix expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// Nix code, inserted unchanged: `ports.web.api`, `lib.getExe pkgs.redis`. It must not require parentheses at its
    /// position.
    Code(String),
    /// A string.
    Text(Text),
    /// A list.
    List(Vec<Expr>),
    /// An attribute set.
    Set(Vec<Attr>),
    /// A function applied to an argument: `lib.mkForce { .. }`.
    Apply(String, Box<Expr>),
}

/// One binding of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attr {
    /// Comment lines above it, without `#`.
    pub comment: Vec<String>,
    /// The names of its path.
    pub path: Vec<String>,
    /// Its value.
    pub value: Expr,
}

impl Expr {
    /// A string without interpolations.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::literal(text))
    }

    /// A boolean.
    pub fn bool(value: bool) -> Self {
        Self::Code(value.to_string())
    }

    /// An integer. Negative numbers are in parentheses, as lists and applications require.
    pub fn int(value: i64) -> Self {
        Self::Code(if value < 0 { format!("({value})") } else { value.to_string() })
    }

    /// A list of strings without interpolations.
    pub fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// Formats the expression. All lines after the first are indented by `indent` spaces.
    pub fn write(&self, indent: usize) -> String {
        let mut out = String::new();
        self.write_to(&mut out, indent);
        out
    }

    fn write_to(&self, out: &mut String, indent: usize) {
        match self {
            Expr::Code(code) => out.push_str(&code.replace('\n', &format!("\n{}", spaces(indent)))),
            Expr::Text(text) => write_text(text, out, indent),
            Expr::List(items) => write_list(items, out, indent),
            Expr::Set(attrs) => write_set(attrs, out, indent),
            Expr::Apply(function, argument) => {
                out.push_str(function);
                out.push(' ');
                match **argument {
                    Expr::Apply(..) => {
                        out.push('(');
                        argument.write_to(out, indent);
                        out.push(')');
                    }
                    _ => argument.write_to(out, indent),
                }
            }
        }
    }
}

impl Attr {
    /// A binding of a path to a value, without a comment.
    pub fn new<'a>(path: impl IntoIterator<Item = &'a str>, value: Expr) -> Self {
        Self { comment: Vec::new(), path: path.into_iter().map(str::to_owned).collect(), value }
    }

    /// Adds a comment line above the binding.
    pub fn comment(mut self, line: impl Into<String>) -> Self {
        self.comment.push(line.into());
        self
    }
}

/// Formats the bindings of a set, without braces, as lines that are indented by `indent` spaces.
pub fn bindings(attrs: &[Attr], indent: usize) -> String {
    let mut out = String::new();
    for attr in attrs {
        for line in attr.comment.iter().flat_map(|text| text.lines()) {
            out.push_str(format!("{}# {line}", spaces(indent)).trim_end());
            out.push('\n');
        }
        let path: Vec<String> = attr.path.iter().map(|name| attribute(name)).collect();
        out.push_str(&format!("{}{} = {};\n", spaces(indent), path.join("."), attr.value.write(indent)));
    }
    out
}

/// A name in an attribute path, in quotes unless it is an identifier.
pub fn attribute(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { quoted(&Text::literal(name)) }
}

/// A path literal, or an expression with the same value if the characters of the path do not allow a literal.
pub fn path(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '/');
    let literal = path.starts_with("./") || path.starts_with("../");
    let path = path.trim_end_matches('/');
    match path {
        "." | ".." => format!("{path}/."),
        _ if literal && path.chars().all(plain) => path.to_owned(),
        _ => format!("(./. + {})", quoted(&Text::literal(format!("/{}", path.trim_start_matches("./"))))),
    }
}

/// Formats a string on one line, in double quotes.
pub fn quoted(text: &Text) -> String {
    let mut out = String::from("\"");
    for (at, part) in text.parts().iter().enumerate() {
        match part {
            Part::Literal(literal) => {
                let before_code = matches!(text.parts().get(at + 1), Some(Part::Code(_)));
                escape_quoted(literal, before_code, &mut out);
            }
            Part::Code(code) => out.push_str(&format!("${{{code}}}")),
        }
    }
    out.push('"');
    out
}

fn escape_quoted(literal: &str, before_code: bool, out: &mut String) {
    let mut chars = literal.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // `$${` is not an interpolation in Nix, so a `$` before an interpolation is also escaped.
            '$' if chars.peek().map_or(before_code, |next| *next == '{') => out.push_str("\\$"),
            c => out.push(c),
        }
    }
}

fn write_text(text: &Text, out: &mut String, indent: usize) {
    match is_indentable(text) {
        true => write_indented(text, out, indent),
        false => out.push_str(&quoted(text)),
    }
}

/// Whether a string has several lines and keeps its value when written between `''`.
fn is_indentable(text: &Text) -> bool {
    let shape: String = text
        .parts()
        .iter()
        .map(|part| match part {
            Part::Literal(literal) => literal.as_str(),
            Part::Code(_) => "X",
        })
        .collect();
    let ends_in_quote = shape.ends_with('\'') || shape.ends_with('$');
    let before_code = text
        .parts()
        .iter()
        .rev()
        .skip(1)
        .any(|part| matches!(part, Part::Literal(literal) if literal.ends_with('\'') || literal.ends_with('$')));
    let odd = |line: &str| line.starts_with([' ', '\t']) && line.trim().is_empty();
    let flush = shape.lines().any(|line| !line.is_empty() && !line.starts_with([' ', '\t']));
    shape.trim_end_matches('\n').contains('\n')
        && flush
        && !ends_in_quote
        && !before_code
        && !shape.starts_with('\n')
        && !shape.contains("'${")
        && !shape.contains(['\r', '\t'])
        && !shape.lines().any(odd)
        && shape.chars().all(|c| c == '\n' || !c.is_control())
}

fn write_indented(text: &Text, out: &mut String, indent: usize) {
    let mut body = String::new();
    for part in text.parts() {
        match part {
            Part::Literal(literal) => body.push_str(&literal.replace("''", "'''").replace("${", "''${")),
            Part::Code(code) => body.push_str(&format!("${{{code}}}")),
        }
    }
    out.push_str("''\n");
    let mut lines = body.split('\n').peekable();
    while let Some(line) = lines.next() {
        let last = lines.peek().is_none();
        match (line.is_empty(), last) {
            (true, true) => out.push_str(&spaces(indent)),
            (true, false) => out.push('\n'),
            (false, true) => out.push_str(&format!("{}{line}", spaces(indent + 2))),
            (false, false) => out.push_str(&format!("{}{line}\n", spaces(indent + 2))),
        }
    }
    out.push_str("''");
}

fn write_list(items: &[Expr], out: &mut String, indent: usize) {
    if items.is_empty() {
        out.push_str("[ ]");
        return;
    }
    let written: Vec<String> = items.iter().map(|item| list_item(item, indent + 2)).collect();
    let short = written.iter().map(|item| item.len() + 1).sum::<usize>() + indent < 90;
    if short && written.iter().all(|item| !item.contains('\n')) && written.len() < 8 {
        out.push_str(&format!("[ {} ]", written.join(" ")));
        return;
    }
    out.push_str("[\n");
    for item in written {
        out.push_str(&format!("{}{item}\n", spaces(indent + 2)));
    }
    out.push_str(&format!("{}]", spaces(indent)));
}

/// Formats an element of a list. Applications require parentheses.
fn list_item(item: &Expr, indent: usize) -> String {
    match item {
        Expr::Apply(..) => format!("({})", item.write(indent)),
        Expr::Code(code) if code.contains(' ') && !code.starts_with(['(', '[', '{', '"']) => {
            format!("({})", item.write(indent))
        }
        _ => item.write(indent),
    }
}

fn write_set(attrs: &[Attr], out: &mut String, indent: usize) {
    if attrs.is_empty() {
        out.push_str("{ }");
        return;
    }
    out.push_str("{\n");
    out.push_str(&bindings(attrs, indent + 2));
    out.push_str(&format!("{}}}", spaces(indent)));
}

fn spaces(count: usize) -> String {
    " ".repeat(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(parts: &[(&str, &str)]) -> Text {
        let mut text = Text::default();
        for (literal, code) in parts {
            text.push(literal);
            if !code.is_empty() {
                text.push_code(code);
            }
        }
        text
    }

    #[test]
    fn strings_are_escaped() {
        for (text, expected) in [
            (Text::literal("a"), "\"a\""),
            (Text::literal("a \"b\" \\ ${c} $d $$"), r#""a \"b\" \\ \${c} $d $$""#),
            (
                mixed(&[("http://127.0.0.1:", "toString ports.a"), ("/x", "")]),
                "\"http://127.0.0.1:${toString ports.a}/x\"",
            ),
            (mixed(&[("$", "a")]), "\"\\$${a}\""),
            (Text::literal("a\nb\n"), "''\n  a\n  b\n''"),
            (Text::literal("a\n\n  ${b}"), "''\n  a\n\n    ''${b}''"),
            (Text::literal("  a\n  b\n"), "\"  a\\n  b\\n\""),
            (Text::literal("a\n'${b}'\n"), "\"a\\n'\\${b}'\\n\""),
            (Text::literal("a\nb'"), "\"a\\nb'\""),
        ] {
            assert_eq!(Expr::Text(text).write(0), expected);
        }
    }

    #[test]
    fn sets_and_lists_are_laid_out() {
        let inner = Expr::Set(vec![Attr::new(["a-b", "c.d"], Expr::int(-1)).comment("why")]);
        let list = Expr::List(vec![Expr::text("x"), Expr::Code("lib.getExe pkgs.a".into()), Expr::Code("f".into())]);
        let set = Expr::Set(vec![Attr::new(["x"], inner), Attr::new(["l"], list), Attr::new(["e"], Expr::Set(vec![]))]);
        assert_eq!(
            set.write(0),
            "{\n  x = {\n    # why\n    a-b.\"c.d\" = (-1);\n  };\n  l = [ \"x\" (lib.getExe pkgs.a) f ];\n  e = { };\n}"
        );
    }

    #[test]
    fn paths_are_literals_where_nix_allows_it() {
        assert_eq!(path("../db/init.sql"), "../db/init.sql");
        assert_eq!(path("./a b"), "(./. + \"/a b\")");
        assert_eq!(path("../"), "../.");
    }
}
