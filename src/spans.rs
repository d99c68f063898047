//! A set of spans in one file, for finding one that contains or touches another span.

use crate::finding::Span;

/// Spans, sorted by start.
#[derive(Debug, Default)]
pub struct Spans {
    starts: Vec<u32>,
    /// For each span, the maximum end of the spans up to it.
    ends: Vec<u32>,
}

impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut spans: Vec<Span> = spans.into_iter().collect();
        spans.sort_unstable();
        let mut furthest = 0;
        let ends = spans.iter().map(|span| {
            furthest = furthest.max(span.end);
            furthest
        });
        Self { ends: ends.collect(), starts: spans.iter().map(|span| span.start).collect() }
    }
}

impl Spans {
    /// Whether a span in the set contains the given span.
    pub fn any_around(&self, span: Span) -> bool {
        self.furthest_from(span.start) >= Some(span.end)
    }

    /// Whether a span in the set overlaps or touches the given span.
    pub fn any_at(&self, span: Span) -> bool {
        self.furthest_from(span.end) >= Some(span.start)
    }

    /// The maximum end of the spans that start at or before an offset.
    fn furthest_from(&self, at: u32) -> Option<u32> {
        let after = self.starts.partition_point(|&start| start <= at);
        self.ends.get(after.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookups_match_a_linear_search() {
        let spans: Vec<Span> = [(5, 9), (0, 3), (6, 7), (2, 2)].map(|(start, end)| Span { start, end }).to_vec();
        let index: Spans = spans.iter().copied().collect();
        assert!(!Spans::default().any_at(Span { start: 0, end: 0 }));
        for start in 0..12 {
            for end in start..12 {
                let span = Span { start, end };
                assert_eq!(index.any_around(span), spans.iter().any(|other| other.contains(span)), "{span:?}");
                let at = |other: &Span| other.start <= end && start <= other.end;
                assert_eq!(index.any_at(span), spans.iter().any(at), "{span:?}");
            }
        }
    }
}
