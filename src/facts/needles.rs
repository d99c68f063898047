//! Words that a file must contain for a reader or check to find anything in it. All words are searched for in one pass.

/// A question that a trigger asks about a file: does it contain any of these words? Readers and checks list their
/// questions and ask them with [`super::Glance::has`].
pub struct Words {
    any_of: &'static [&'static str],
    counts: Option<Counts>,
}

/// Whether a match counts, given the text and the range of the match.
type Counts = fn(&[u8], std::ops::Range<usize>) -> bool;

impl Words {
    /// Asks for any of the words, case-sensitively.
    pub const fn any_of(words: &'static [&'static str]) -> Self {
        Self { any_of: words, counts: None }
    }

    /// Asks for any of the words, ignoring case, if `counts` accepts the match.
    pub const fn counted(words: &'static [&'static str], counts: Counts) -> Self {
        Self { any_of: words, counts: Some(counts) }
    }
}

/// The answers to a finder's questions for one file.
#[derive(Clone, Copy)]
pub struct Found<'f> {
    /// A bit for each question, in the order of `questions`.
    bits: u64,
    /// The questions that were asked.
    questions: &'f [&'static Words],
}

impl Found<'_> {
    /// Whether any of the words is in the text. True for words that the finder does not search for.
    pub fn has(self, words: &Words) -> bool {
        let asked = self.questions.iter().position(|question| std::ptr::eq(*question, words));
        debug_assert!(asked.is_some(), "no reader or check lists the words {:?}", words.any_of);
        asked.is_none_or(|bit| self.bits & 1 << bit != 0)
    }
}

/// Searches for the words of all questions in one pass.
pub struct Finder {
    questions: Vec<&'static Words>,
    /// `None` if the words have too many pairs, in which case every answer is yes.
    table: Option<Table>,
}

impl Finder {
    /// The maximum number of questions, one for each bit of [`Found`]. Every further question is answered with yes.
    const QUESTIONS: usize = 64;

    /// Creates a finder for the words of the given questions. A question may occur more than once.
    pub fn new(questions: impl IntoIterator<Item = &'static Words>) -> Self {
        let mut distinct: Vec<&'static Words> = Vec::new();
        for words in questions {
            if distinct.len() < Self::QUESTIONS && !distinct.iter().any(|known| std::ptr::eq(*known, words)) {
                distinct.push(words);
            }
        }
        Self { table: Table::new(&distinct), questions: distinct }
    }

    /// Searches the text for all words.
    pub fn look(&self, text: &str) -> Found<'_> {
        let bits = self.table.as_ref().map_or(u64::MAX, |table| table.look(text.as_bytes()));
        Found { bits, questions: &self.questions }
    }
}

/// The words of all questions, indexed by two pairs of adjacent letters each. The text is read two bytes at a time, so
/// one pair of a word is always read as a unit, whether the word begins at an even or an odd offset.
struct Table {
    /// For each pair of bytes: the index of its entry in `buckets`, 0 for none.
    pairs: Box<[u8; 1 << 16]>,
    buckets: Vec<Bucket>,
}

/// The patterns that share a pair.
#[derive(Default)]
struct Bucket {
    patterns: Vec<Pattern>,
    /// The bytes before and after the pair in any of the patterns. They rule out most pairs in the text.
    before: Bytes,
    after: Bytes,
    /// The questions of the patterns.
    mask: u64,
}

/// A set of bytes.
#[derive(Default, Clone, Copy)]
struct Bytes([u64; 4]);

impl Bytes {
    /// Adds a byte in upper and lower case; for `None`, all bytes.
    fn add(&mut self, byte: Option<u8>) {
        let Some(byte) = byte else {
            self.0 = [u64::MAX; 4];
            return;
        };
        for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
            self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
    }

    fn has(self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & 1 << (byte & 63) != 0
    }
}

impl Bucket {
    fn add(&mut self, pattern: Pattern) {
        self.before.add(pattern.pair.checked_sub(1).map(|at| pattern.word[at]));
        self.after.add(pattern.word.get(pattern.pair + 2).copied());
        self.mask |= pattern.mask;
        self.patterns.push(pattern);
    }

    /// Whether the bytes around a pair fit any of the patterns. The ends of the text count as zero bytes.
    #[inline]
    fn fits(&self, text: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).map_or(0, |before| text[before]);
        let after = text.get(at + 2).copied().unwrap_or(0);
        self.before.has(before) && self.after.has(after)
    }
}

/// A word and the question that it belongs to.
#[derive(Clone, Copy)]
struct Pattern {
    word: &'static [u8],
    /// The offset of its pair in the word.
    pair: usize,
    words: &'static Words,
    mask: u64,
}

/// Letters by descending frequency in Nix code.
const FREQUENT: &[u8] = b"etinsaorlpmcdugfhbkvywx";

impl Table {
    fn new(questions: &[&'static Words]) -> Option<Self> {
        let mut table = Self { pairs: Box::new([0; 1 << 16]), buckets: vec![Bucket::default()] };
        let mut short = Vec::new();
        for (bit, words) in questions.iter().copied().enumerate() {
            for word in words.any_of {
                let pattern = Pattern { word: word.as_bytes(), pair: 0, words, mask: 1 << bit };
                match rarest_pair(pattern.word) {
                    Some(pair) => {
                        table.add(Pattern { pair, ..pattern })?;
                        table.add(Pattern { pair: pair + 1, ..pattern })?;
                    }
                    None => short.push(pattern),
                }
            }
        }
        for pattern in short {
            table.add(pattern)?;
            table.add_last(Pattern { pair: pattern.word.len() - 1, ..pattern })?;
        }
        Some(table)
    }

    /// Adds a pattern under its pair, in upper and lower case. `None` if there are too many buckets.
    fn add(&mut self, pattern: Pattern) -> Option<()> {
        let [first, second] = *pattern.word.get(pattern.pair..pattern.pair + 2)? else { return None };
        let bucket = match self.pairs[place(first, second)] {
            0 => self.new_bucket()?,
            bucket => bucket,
        };
        for first in [first.to_ascii_lowercase(), first.to_ascii_uppercase()] {
            for second in [second.to_ascii_lowercase(), second.to_ascii_uppercase()] {
                self.pairs[place(first, second)] = bucket;
            }
        }
        self.buckets[bucket as usize].add(pattern);
        Some(())
    }

    /// Adds a two-letter word, which has only one pair of letters, under each pair of its last letter and any byte.
    fn add_last(&mut self, pattern: Pattern) -> Option<()> {
        let letter = *pattern.word.last()?;
        let free = self.new_bucket()?;
        let mut taken = vec![free];
        for first in [letter.to_ascii_lowercase(), letter.to_ascii_uppercase()] {
            for second in 0..=u8::MAX {
                match &mut self.pairs[place(first, second)] {
                    bucket @ 0 => *bucket = free,
                    bucket => taken.push(*bucket),
                }
            }
        }
        taken.sort_unstable();
        taken.dedup();
        taken.into_iter().for_each(|bucket| self.buckets[bucket as usize].add(pattern));
        Some(())
    }

    fn new_bucket(&mut self) -> Option<u8> {
        self.buckets.push(Bucket::default());
        u8::try_from(self.buckets.len() - 1).ok()
    }

    fn look(&self, text: &[u8]) -> u64 {
        let mut found = 0;
        let (pairs, rest) = text.as_chunks::<2>();
        for (index, &[first, second]) in pairs.iter().enumerate() {
            let bucket = self.pairs[place(first, second)];
            if bucket != 0 && self.buckets[bucket as usize].fits(text, index * 2) {
                found |= self.look_closely(bucket, text, index * 2, found);
            }
        }
        if let &[last] = rest {
            found |= self.look_closely(self.pairs[place(last, 0)], text, text.len() - 1, found);
        }
        found
    }

    /// The questions answered by the words of a bucket at an offset, except those already answered.
    fn look_closely(&self, bucket: u8, text: &[u8], at: usize, known: u64) -> u64 {
        let bucket = &self.buckets[bucket as usize];
        if bucket.mask & !known == 0 {
            return 0;
        }
        let mut found = 0;
        for pattern in &bucket.patterns {
            if (known | found) & pattern.mask == 0 && pattern.counts_at(text, at) {
                found |= pattern.mask;
            }
        }
        found
    }
}

fn place(first: u8, second: u8) -> usize {
    usize::from(u16::from_be_bytes([first, second]))
}

/// The offset of the first of the two adjacent pairs that together are rarest, in a word of three letters or more.
fn rarest_pair(word: &[u8]) -> Option<usize> {
    let rarity =
        |at: usize| word[at..at + 3].iter().map(|byte| frequency(*byte)).sum::<usize>() + frequency(word[at + 1]);
    (0..word.len().checked_sub(2)?).min_by_key(|&at| rarity(at))
}

/// A rough estimate of how often a byte occurs in text.
fn frequency(byte: u8) -> usize {
    let lower = byte.to_ascii_lowercase();
    let rank = FREQUENT.iter().position(|letter| *letter == lower).unwrap_or(FREQUENT.len());
    (FREQUENT.len() - rank).pow(2)
}

impl Pattern {
    /// Whether the word occurs, and counts, with its pair at an offset.
    fn counts_at(&self, text: &[u8], at: usize) -> bool {
        let Some(start) = at.checked_sub(self.pair) else { return false };
        let place = start..start + self.word.len();
        let Some(there) = text.get(place.clone()) else { return false };
        // Compare the likeliest mismatches first.
        let same = |at: usize| there[at].eq_ignore_ascii_case(&self.word[at]);
        if !same(0) || !same(self.word.len() - 1) {
            return false;
        }
        match self.words.counts {
            None => there == self.word,
            Some(counts) => there.eq_ignore_ascii_case(self.word) && counts(text, place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CHECKS, readers};

    fn all() -> Finder {
        Finder::new(crate::check::words(CHECKS, &readers(CHECKS)))
    }

    #[test]
    fn all_words_of_readers_and_checks_fit_the_table() {
        let finder = all();
        let asked: Vec<_> = crate::check::words(CHECKS, &readers(CHECKS)).collect();
        for words in asked {
            assert!(finder.questions.iter().any(|known| std::ptr::eq(*known, words)), "{:?}", words.any_of);
            assert!(words.any_of.iter().all(|word| word.len() > 1), "a word has at least two letters");
        }
        assert!(finder.table.is_some(), "the words have too many pairs");
    }

    #[test]
    fn a_two_letter_word_is_found_at_any_position() {
        let finder = all();
        let alone = crate::facts::ports::READER.needles.iter().find(|words| words.any_of.contains(&"nc")).unwrap();
        for text in ["nc", "NC ", " nc", " nc ", "a; nc -l", "a;nc"] {
            assert!(finder.look(text).has(alone), "{text}");
        }
        for text in ["function", "nca", "anc", "", "c", "n c"] {
            assert!(!finder.look(text).has(alone), "{text}");
        }
    }

    #[test]
    fn words_are_case_sensitive_and_found_inside_other_words() {
        let finder = all();
        for words in finder.questions.iter().filter(|words| words.counts.is_none()) {
            for word in words.any_of {
                for text in [(*word).to_owned(), format!("{word}."), format!(".{word}"), format!(".{word}.")] {
                    assert!(finder.look(&text).has(words), "{text}");
                }
                let other = word.to_ascii_uppercase();
                assert_eq!(
                    finder.look(&other).has(words),
                    words.any_of.iter().any(|word| other.contains(word)),
                    "{word}"
                );
                assert!(
                    !finder.look(&word[1..]).has(words) || words.any_of.iter().any(|other| word[1..].contains(other))
                );
            }
        }
    }
}
