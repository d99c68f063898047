//! Parsers for the values of options.

use crate::finding::Level;
use crate::suggest::nearest;

/// Parses a number of threads.
pub fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|jobs| *jobs > 0);
    jobs.ok_or_else(|| "expected a number of threads, at least 1; the default is one per core".to_owned())
}

fn level(text: &str, known: &[Level]) -> Result<Level, String> {
    if let Some(level) = text.parse().ok().filter(|level| known.contains(level)) {
        return Ok(level);
    }
    let names: Vec<&str> = known.iter().map(|level| level.name()).collect();
    let near = nearest(text, names.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    Err(format!("{}expected one of {}", near.unwrap_or_default(), names.join(", ")))
}

/// Parses a level at which findings are reported.
pub fn reported_level(text: &str) -> Result<Level, String> {
    level(text, &[Level::Error, Level::Warn, Level::Hint])
}

/// Parses RULE=LEVEL.
pub fn rule_level(text: &str) -> Result<(String, Level), String> {
    let (rule, name) = text.split_once('=').ok_or("expected RULE=LEVEL, such as lookup-path=error")?;
    Ok((rule.trim().to_owned(), level(name.trim(), &[Level::Error, Level::Warn, Level::Hint, Level::Off])?))
}

/// Parses an ISO 8601 date.
pub fn day(text: &str) -> Result<jiff::civil::Date, String> {
    crate::suppress::date(text).ok_or_else(|| "expected a date such as 2027-03-01".to_owned())
}

/// Parses an ISO 8601 date, or seconds since 1970 as in `SOURCE_DATE_EPOCH` (as a day in UTC).
pub fn date(text: &str) -> Result<jiff::civil::Date, String> {
    let wrong = || "expected a date such as 2026-01-31, or seconds since 1970".to_owned();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let stamp =
            text.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).ok_or_else(wrong)?;
        return Ok(stamp.to_zoned(jiff::tz::TimeZone::UTC).date());
    }
    text.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_or_seconds() {
        assert_eq!(date("2026-01-31"), Ok(jiff::civil::date(2026, 1, 31)));
        assert_eq!(date("1700000000"), Ok(jiff::civil::date(2023, 11, 14)));
        assert_eq!(date("0"), Ok(jiff::civil::date(1970, 1, 1)));
        for wrong in ["", "yesterday", "2026-13-01", "99999999999999999999"] {
            assert!(date(wrong).is_err(), "{wrong}");
        }
    }
}
