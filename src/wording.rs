//! Formats text for messages, and splits names into words.

/// Whether a character is a control character, a line or paragraph separator, or a mark that reorders the displayed
/// text (CVE-2021-42574).
pub fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first `limit` bytes of a string, or up to three fewer, so that no character is split.
pub fn head(text: &str, limit: usize) -> &str {
    // `str::floor_char_boundary` requires a newer compiler than the minimum supported one.
    let end = (0..=limit.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}

/// The last `limit` bytes of a string, or up to three fewer, so that no character is split.
pub fn tail(text: &str, limit: usize) -> &str {
    let start = (text.len().saturating_sub(limit)..text.len()).find(|&at| text.is_char_boundary(at));
    &text[start.unwrap_or(text.len())..]
}

/// A string for a message: at most `limit` characters of its first line, followed by `..` if it continues.
pub fn shortened(text: &str, limit: usize) -> String {
    let text = text.trim_end();
    let line = text.lines().next().unwrap_or("");
    let short = line.char_indices().nth(limit).map_or(line, |(end, _)| &line[..end]);
    if short.len() < text.len() { format!("{} ..", short.trim_end()) } else { short.to_owned() }
}

/// Joins items as in `a, b and c`, with the given word before the last item.
pub fn listed<T: AsRef<str>>(names: &[T], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} {word} {}", most.join(", "), last.as_ref())
        }
    }
}

/// The words of a name in lower case, split at camelCase and at characters that are not part of a word:
/// `allowedTCPPorts` is `allowed`, `tcp`, `ports`.
pub fn words(name: &str, is_part: impl Fn(char) -> bool) -> Vec<String> {
    // Most names are a single word.
    if !name.is_empty()
        && name.bytes().all(|byte| (byte.is_ascii_lowercase() || byte.is_ascii_digit()) && is_part(byte.into()))
    {
        return vec![name.to_owned()];
    }
    if name.is_ascii() {
        return ascii_words(name, is_part);
    }
    let mut words = vec![String::new()];
    let mut before = ' ';
    for (at, c) in name.char_indices() {
        let rest = &name[at + c.len_utf8()..];
        let begins_word = || rest.starts_with(char::is_lowercase) && !is_plural(rest);
        let is_hump = c.is_uppercase()
            && (before.is_lowercase() || before.is_ascii_digit() || before.is_uppercase() && begins_word());
        if is_hump || !is_part(c) {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut().filter(|_| is_part(c)) {
            match c.is_ascii() {
                true => last.push(c.to_ascii_lowercase()),
                false => last.extend(c.to_lowercase()),
            }
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Like [`words`], but faster, for names that consist of ASCII characters, as most names do.
fn ascii_words(name: &str, is_part: impl Fn(char) -> bool) -> Vec<String> {
    let bytes = name.as_bytes();
    let begins_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase) && !is_plural(&name[at..]);
    let mut words = Vec::new();
    let mut add = |word: &str| words.extend((!word.is_empty()).then(|| word.to_ascii_lowercase()));
    let (mut start, mut before) = (0, b' ');
    for (at, &byte) in bytes.iter().enumerate() {
        if !is_part(byte.into()) {
            add(&name[start..at]);
            start = at + 1;
        } else if byte.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || before.is_ascii_uppercase() && begins_word(at + 1))
        {
            add(&name[start..at]);
            start = at;
        }
        before = byte;
    }
    add(&name[start..]);
    words
}

/// Whether the `s` that follows capital letters ends a plural, as in `URLs`, and does not begin a new word.
fn is_plural(rest: &str) -> bool {
    let after = rest.strip_prefix('s').map(|after| after.chars().next());
    after.is_some_and(|next| next.is_none_or(|c| c.is_ascii_uppercase() || matches!(c, '_' | '-')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_split() {
        for (text, limit, first, last) in [
            ("", 3, "", ""),
            ("abc", 9, "abc", "abc"),
            ("abc", 2, "ab", "bc"),
            ("üaü", 1, "", ""),
            ("üaü", 3, "üa", "aü"),
        ] {
            assert_eq!((head(text, limit), tail(text, limit)), (first, last), "{text} {limit}");
        }
    }

    #[test]
    fn long_texts_are_shortened_to_one_line() {
        for (text, expected) in
            [("", ""), ("abc\n", "abc"), ("abcd", "abcd"), ("abcde", "abcd .."), ("üüüüü", "üüüü .."), ("a\nb", "a ..")]
        {
            assert_eq!(shortened(text, 4), expected, "{text:?}");
        }
    }

    #[test]
    fn lists_are_joined_with_commas_and_a_word() {
        assert_eq!(listed::<&str>(&[], "or"), "");
        assert_eq!(listed(&["a"], "or"), "a");
        assert_eq!(listed(&["a", "b", "c"], "and"), "a, b and c");
    }

    #[test]
    fn names_are_split_into_words() {
        for (name, letters, with_digits) in [
            ("listenPort", "listen port", "listen port"),
            ("SMTP_PORT", "smtp port", "smtp port"),
            ("allowedTCPPorts", "allowed tcp ports", "allowed tcp ports"),
            ("baseURLs", "base urls", "base urls"),
            ("http2Port", "http port", "http2 port"),
            ("a-80.b", "a b", "a 80 b"),
            ("größeMax", "größe max", "gr e max"),
        ] {
            assert_eq!(words(name, char::is_alphabetic).join(" "), letters, "{name}");
            assert_eq!(words(name, |c| c.is_ascii_alphanumeric()).join(" "), with_digits, "{name}");
        }
    }
}
