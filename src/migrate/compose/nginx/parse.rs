//! Parses nginx's configuration files into directives with words and blocks.

/// A directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name and arguments, with their quotes.
    pub words: Vec<String>,
    /// The directives between its braces.
    pub block: Option<Vec<Directive>>,
    /// Its line, from 1.
    pub line: usize,
}

impl Directive {
    /// Its name.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The argument at a position, from 1, without its quotes.
    pub fn argument(&self, at: usize) -> Option<&str> {
        self.words.get(at).map(|word| word.trim_matches(['"', '\'']))
    }
}

/// The maximum nesting of blocks. nginx's own directives nest only a few levels deep.
const DEEPEST: usize = 50;

/// Parses a configuration file. The error is the number of the line with a syntax error or code in another language.
pub fn parse(text: &str) -> Result<Vec<Directive>, usize> {
    let mut open: Vec<Vec<Directive>> = vec![Vec::new()];
    let mut heads: Vec<Directive> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut start = 1;
    let mut reader = Reader { rest: text, line: 1 };
    loop {
        let (line, token) = reader.next();
        match token {
            Token::Word(word) => {
                if words.is_empty() {
                    start = line;
                }
                words.push(word);
            }
            Token::Semicolon if !words.is_empty() => {
                let directive = Directive { words: std::mem::take(&mut words), block: None, line: start };
                open.last_mut().ok_or(line)?.push(directive);
            }
            Token::Semicolon => {}
            Token::Open if words.is_empty() || open.len() > DEEPEST || words[0].ends_with("_by_lua_block") => {
                return Err(line);
            }
            Token::Open => {
                heads.push(Directive { words: std::mem::take(&mut words), block: None, line: start });
                open.push(Vec::new());
            }
            Token::Close if !words.is_empty() => return Err(line),
            Token::Close => {
                let block = open.pop().ok_or(line)?;
                let head = heads.pop().ok_or(line)?;
                open.last_mut().ok_or(line)?.push(Directive { block: Some(block), ..head });
            }
            Token::End if words.is_empty() && heads.is_empty() => return open.pop().ok_or(line),
            Token::End => return Err(line),
        }
    }
}

enum Token {
    Word(String),
    Semicolon,
    Open,
    Close,
    End,
}

struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

impl Reader<'_> {
    fn take(&mut self, length: usize) -> &str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// The next token and its line.
    fn next(&mut self) -> (usize, Token) {
        loop {
            let gap = self.rest.len() - self.rest.trim_start().len();
            self.take(gap);
            if !self.rest.starts_with('#') {
                break;
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(end);
        }
        let line = self.line;
        let token = match self.rest.chars().next() {
            None => return (line, Token::End),
            Some(';') => Token::Semicolon,
            Some('{') => Token::Open,
            Some('}') => Token::Close,
            Some(_) => {
                let end = word_end(self.rest);
                return (line, Token::Word(self.take(end).to_owned()));
            }
        };
        self.take(1);
        (line, token)
    }
}

/// The end of the word at the beginning of the text.
fn word_end(text: &str) -> usize {
    let mut quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let is_quoted = quote.is_some();
    let mut escaped = false;
    let mut in_variable = false;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            c if at > 0 && quote == Some(c) => quote = None,
            _ if quote.is_some() => {}
            // In nginx, these characters end a word after its closing quote.
            c if is_quoted && at > 0 && (c.is_whitespace() || ";{})".contains(c)) => return at,
            '{' if before == '$' => in_variable = true,
            '}' if in_variable => in_variable = false,
            c if c.is_whitespace() || ";{}".contains(c) => return at,
            _ => {}
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsing_does_not_depend_on_line_breaks() {
        let text = "# c\nserver { listen 80; location ~ \\.php$ { set $a \"x;{ \\\"\"; proxy_pass http://${b}/c; } }\nuser\n  x;";
        let found = parse(text).unwrap();
        let [server, user] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (server.name(), server.line, user.words.as_slice(), user.line),
            ("server", 2, &["user".to_owned(), "x".to_owned()][..], 3)
        );
        let [listen, location] = server.block.as_deref().unwrap() else { panic!("{server:?}") };
        assert_eq!((listen.argument(1), location.words.join(" ").as_str()), (Some("80"), "location ~ \\.php$"));
        let inner: Vec<String> = location.block.iter().flatten().map(|directive| directive.words.join(" ")).collect();
        assert_eq!(inner, ["set $a \"x;{ \\\"\"", "proxy_pass http://${b}/c"]);
        assert_eq!(parse("a {\n b;"), Err(2));
        assert_eq!(parse("a;\n}"), Err(2));
        assert_eq!(parse("a {\n b\n}"), Err(3));
        assert_eq!(parse(&"a {".repeat(100_000)), Err(1));
    }
}
