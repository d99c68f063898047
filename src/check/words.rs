//! Words that a file must hold for a check to have anything to say about it, all looked for in one pass.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind};

/// A question that a trigger asks of a text: is any of these words in it? A check lists its questions in
/// [`super::Check::words`] and asks them with [`super::Glance::has`].
pub struct Words {
    any_of: &'static [&'static str],
    counts: Option<Counts>,
    /// Its bit in [`Found`].
    bit: AtomicU8,
}

/// Whether a word that was found at a place in a text counts.
type Counts = fn(&[u8], std::ops::Range<usize>) -> bool;

/// The bit of words that no check lists. They are taken to be everywhere.
const UNLISTED: u8 = u8::MAX;

impl Words {
    /// Any of the words, as they are written.
    pub const fn any_of(words: &'static [&'static str]) -> Self {
        Self { any_of: words, counts: None, bit: AtomicU8::new(UNLISTED) }
    }

    /// Any of the words, in whatever case, where it counts.
    pub const fn counted(words: &'static [&'static str], counts: Counts) -> Self {
        Self { any_of: words, counts: Some(counts), bit: AtomicU8::new(UNLISTED) }
    }
}

/// Which of all checks' words a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found(u64);

impl Found {
    /// Looks for all words in a text.
    pub fn of(text: &str) -> Self {
        FINDER.as_ref().map_or(Self(u64::MAX), |finder| finder.look(text.as_bytes()))
    }

    /// Whether any of the words is in the text.
    pub fn has(self, words: &Words) -> bool {
        let bit = words.bit.load(Ordering::Relaxed);
        debug_assert!(bit != UNLISTED, "no check lists the words {:?}", words.any_of);
        1u64.checked_shl(bit.into()).is_none_or(|mask| self.0 & mask != 0)
    }
}

struct Finder {
    automaton: DFA,
    /// For each pattern of the automaton: the word, what it answers and the bit of that.
    patterns: Vec<(&'static [u8], &'static Words, u64)>,
}

static FINDER: LazyLock<Option<Finder>> = LazyLock::new(Finder::new);

impl Finder {
    /// An automaton of all checks' words, and a bit for each question.
    fn new() -> Option<Self> {
        let mut patterns = Vec::new();
        for (bit, words) in (0..64).zip(super::CHECKS.iter().flat_map(|check| check.words)) {
            words.bit.store(bit, Ordering::Relaxed);
            patterns.extend(words.any_of.iter().map(|word| (word.as_bytes(), *words, 1 << bit)));
        }
        let mut builder = DFA::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard).prefilter(false);
        let automaton = builder.build(patterns.iter().map(|(word, ..)| word)).ok()?;
        Some(Self { automaton, patterns })
    }

    fn look(&self, text: &[u8]) -> Found {
        let mut found = 0;
        let Ok(mut state) = self.automaton.start_state(Anchored::No) else { return Found(u64::MAX) };
        for (at, &byte) in text.iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, byte);
            if self.automaton.is_special(state) && self.automaton.is_match(state) {
                for index in 0..self.automaton.match_len(state) {
                    let (word, words, bit) = self.patterns[self.automaton.match_pattern(state, index).as_usize()];
                    let place = at + 1 - word.len()..at + 1;
                    if found & bit == 0
                        && words.counts.map_or(&text[place.clone()] == word, |counts| counts(text, place))
                    {
                        found |= bit;
                    }
                }
            }
        }
        Found(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_has_a_bit_of_its_own() {
        let _ = Found::of("");
        let all: Vec<&Words> = super::super::CHECKS.iter().flat_map(|check| check.words).copied().collect();
        let bits: Vec<u8> = all.iter().map(|words| words.bit.load(Ordering::Relaxed)).collect();
        assert_eq!(bits, (0..all.len() as u8).collect::<Vec<_>>(), "64 questions are all there can be");
    }

    #[test]
    fn words_are_found_as_they_are_written_and_inside_each_other() {
        let all: Vec<&Words> = super::super::CHECKS.iter().flat_map(|check| check.words).copied().collect();
        for words in all.iter().filter(|words| words.counts.is_none()) {
            for word in words.any_of {
                assert!(Found::of(word).has(words) && Found::of(&format!("x{word}x{word}")).has(words), "{word}");
                let other = word.to_ascii_uppercase();
                assert_eq!(
                    Found::of(&other).has(words),
                    words.any_of.iter().any(|word| other.contains(word)),
                    "{word}"
                );
                assert!(
                    !Found::of(&word[1..]).has(words) || words.any_of.iter().any(|other| word[1..].contains(other))
                );
            }
        }
    }
}
