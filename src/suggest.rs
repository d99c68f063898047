//! Suggestions for mistyped words.

/// Returns the most similar known word, if there is one. Ignores words over 100 bytes, and compares only the first
/// 5,000 candidates.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 100;
    const MOST: usize = 5_000;
    let may_be_near = |candidate: &&str| candidate.len().max(word.len()) <= LONGEST;
    known
        .take(MOST)
        .filter(may_be_near)
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
