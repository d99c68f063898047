//! Regular expressions of rules. Matching one takes time linear in the text, but some expressions take thousands of
//! steps for each byte, so a match that may take too long is refused.

use std::sync::{Mutex, OnceLock, PoisonError};

use regex::bytes::Regex;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchError};

/// The maximum length, in bytes, of a text that is matched without checking how long that may take.
const SHORT: usize = 256;

/// The maximum number of steps of a match, in the worst case: a text's bytes times the states of the expression. Ten
/// million take less than 0.1 s. Above that, only an automaton that is built on demand may match the text: it takes one
/// step for each byte, if it needs few states.
const STEPS: usize = 10_000_000;

/// The maximum number of steps of a match that is repeated without the automaton after the automaton gave up. They take
/// about a second.
const MOST_STEPS: usize = 200_000_000;

/// The maximum number of times that the states of an automaton are discarded during a match, because there are too
/// many.
const DISCARDED: usize = 3;

/// The maximum size of an expression's automaton, in bytes.
const AUTOMATON: usize = 16 << 20;

/// A compiled regular expression.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// Built for the first long text. `None` if it would be too large.
    automaton: OnceLock<Option<Automaton>>,
}

#[derive(Debug)]
struct Automaton {
    dfa: DFA,
    /// Caches of the automaton's states, from earlier matches.
    caches: Mutex<Vec<Cache>>,
}

impl Pattern {
    /// Compiles an expression whose compiled form has at most `limit` bytes.
    pub fn new(text: &str, limit: usize) -> Result<Self, regex::Error> {
        let regex = regex::bytes::RegexBuilder::new(text).size_limit(limit).build()?;
        Ok(Self { text: text.to_owned(), regex, automaton: OnceLock::new() })
    }

    /// Whether the text contains a match. `None` if it would take too long to determine that.
    pub fn is_match(&self, text: &[u8]) -> Option<bool> {
        if text.len() <= SHORT {
            return Some(self.regex.is_match(text));
        }
        let automaton = self.automaton.get_or_init(|| Automaton::new(&self.text)).as_ref()?;
        let steps = automaton.dfa.get_nfa().states().len().saturating_mul(text.len());
        if steps <= STEPS {
            return Some(self.regex.is_match(text));
        }
        // The automaton also gives up at a word boundary next to a non-ASCII character.
        automaton.is_match(text).ok().or_else(|| (steps <= MOST_STEPS).then(|| self.regex.is_match(text)))
    }
}

impl Automaton {
    fn new(text: &str) -> Option<Self> {
        let config = DFA::config()
            .unicode_word_boundary(true)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(DISCARDED));
        let dfa = DFA::builder()
            .configure(config)
            .syntax(syntax::Config::new().utf8(false))
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON)))
            .build(text);
        Some(Self { dfa: dfa.ok()?, caches: Mutex::default() })
    }

    fn is_match(&self, text: &[u8]) -> Result<bool, MatchError> {
        let caches = || self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = caches().pop();
        let mut cache = kept.unwrap_or_else(|| self.dfa.create_cache());
        let found = self.dfa.try_search_fwd(&mut cache, &Input::new(text).earliest(true));
        if cache.clear_count() == 0 {
            caches().push(cache);
        }
        found.map(|found| found.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_matched_unless_that_takes_too_long() {
        let long = "ab ".repeat(1 << 20);
        for (pattern, expected) in [
            ("ab ab", Some(true)),
            ("b{2}", Some(false)),
            (r"\w{200}x", Some(false)),
            ("([a-z]+ ){1000}$", Some(true)),
            ("", Some(true)),
        ] {
            let pattern = Pattern::new(pattern, 10 << 20).unwrap();
            assert_eq!(pattern.is_match(long.as_bytes()), expected, "{pattern:?}");
            assert_eq!(
                Some(pattern.regex.is_match(&long.as_bytes()[..300])),
                pattern.is_match(&long.as_bytes()[..300])
            );
        }
        let words = format!("# \u{fc}\n{}", "package ".repeat(6_000));
        let boundaries = Pattern::new(r"\b(password|secret)\w*\b", 10 << 20).unwrap();
        assert_eq!(boundaries.is_match(words.as_bytes()), Some(false));
        // Each position after an `a` is a different state.
        let mut seed = 1u32;
        let random = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if seed >> 31 == 0 { 'a' } else { 'b' }
        });
        let random: String = random.take(1 << 20).collect();
        let costly = Pattern::new("[ab]*a[ab]{3000}c", 1 << 20).unwrap();
        assert_eq!(costly.is_match(random.as_bytes()), None);
        assert_eq!(costly.is_match(&random.as_bytes()[..1_000]), Some(false));
    }
}
