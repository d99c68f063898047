//! Finds host names in strings.

/// The ports of a host that a string refers to: `db:5432`.
pub fn ports_of(text: &str, name: &str) -> Vec<u16> {
    let mut found = Vec::new();
    for at in occurrences(text, name) {
        let after = &text[at + name.len()..];
        let separator = if is_device(&text[..at]) { '/' } else { ':' };
        if let Some(number) = after.strip_prefix(separator).and_then(leading_number) {
            found.push(number);
        }
    }
    found
}

/// Whether a text ends with the part of a shell's network device that precedes the host: `/dev/tcp/` in
/// `/dev/tcp/db/5432`.
pub fn is_device(before: &str) -> bool {
    before.ends_with("/dev/tcp/") || before.ends_with("/dev/udp/")
}

/// The offsets at which a host name begins in a string, except inside a longer name or a path.
pub fn occurrences<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(name).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_path = before == Some('/') && !text[..*at].ends_with("//") && !is_device(&text[..*at]);
        let begins = before.is_none_or(|c| !in_word(c) && c != '.');
        // A dot ends a sentence or continues a longer name.
        let ends = match after {
            Some('.') => !text[at + name.len() + 1..].starts_with(|c: char| c.is_ascii_alphanumeric()),
            after => after.is_none_or(|c| !in_word(c)),
        };
        !name.is_empty() && begins && ends && !is_path
    })
}

/// The port number at the beginning of a string.
pub fn leading_number(text: &str) -> Option<u16> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let rest = text[end..].chars().next();
    // `postgres:16-alpine` is an image.
    let is_tag = text[end..].strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    let ends = !is_tag && rest.is_none_or(|c| !(c.is_ascii_alphabetic() || c == '.' || c == '_'));
    text[..end].parse().ok().filter(|number| *number > 0 && ends)
}
