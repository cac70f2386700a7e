//! Durations in the notation of operators: `30d`, `12h`, `1w2d`.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::error::{Failure, usage};

/// Duration in whole seconds, not negative. A day has 24 hours and a week 7 days. Months and years
/// have no fixed length and are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(SignedDuration);

impl Age {
    /// Creates a duration from seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(SignedDuration::from_secs(seconds))
    }

    /// Formats the duration for tables: `45s`, `12m`, `40h`, `3d`.
    pub fn at_a_glance(self) -> String {
        let seconds = self.0.as_secs();
        match seconds {
            ..60 => format!("{seconds}s"),
            60..3600 => format!("{}m", seconds / 60),
            3600..172_800 => format!("{}h", seconds / 3600),
            _ => format!("{}d", seconds / 86_400),
        }
    }

    /// Formats the two largest units in words: `30 minutes`, `1 day 2 hours`.
    pub fn in_words(self) -> String {
        let words = self.to_string();
        let word = |part: &str| {
            let (number, unit) = part.split_at(part.len() - 1);
            let unit = match unit {
                "d" => "day",
                "h" => "hour",
                "m" => "minute",
                _ => "second",
            };
            format!("{number} {unit}{}", if number == "1" { "" } else { "s" })
        };
        words.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// Converts the duration for calculations.
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}

impl FromStr for Age {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let refuse = |why: &str| {
            usage(format!("{text:?} {why}")).hint("write a duration like 30m, 12h, 14d or 2w")
        };
        let span: Span = text.parse().map_err(|_| refuse("is not a duration"))?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(refuse("uses months or years, whose length varies"));
        }
        let duration = span
            .to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| refuse("is too long"))?;
        if duration.is_negative() {
            return Err(refuse("is negative"));
        }
        // Truncation would turn half a second into zero.
        if duration.subsec_nanos() != 0 {
            return Err(refuse("is not a number of whole seconds"));
        }
        Ok(Self(SignedDuration::from_secs(duration.as_secs())))
    }
}

impl fmt::Display for Age {
    /// Formats the two largest units: `3d 4h`, `59s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let parts = [
            (seconds / 86_400, 'd'),
            (seconds / 3600 % 24, 'h'),
            (seconds / 60 % 60, 'm'),
            (seconds % 60, 's'),
        ];
        let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(parts.len() - 1);
        write!(f, "{}{}", parts[first].0, parts[first].1)?;
        match parts.get(first + 1) {
            Some((n, unit)) if *n > 0 => write!(f, " {n}{unit}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_write_ages_in_the_usual_units() {
        for (text, seconds) in
            [("30m", 1800), ("23h30m", 84_600), ("14d", 1_209_600), ("2w", 1_209_600), ("0s", 0)]
        {
            assert_eq!(text.parse::<Age>().unwrap(), Age::from_secs(seconds), "{text}");
        }
        for bad in ["", "30", "-1d", "1 fortnight", "1mo", "1y", "99999999999999d", "500ms", "1.5s"]
        {
            assert!(bad.parse::<Age>().is_err(), "{bad}");
        }
    }

    #[test]
    fn at_a_glance_one_unit_says_enough() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (172_799, "47h"), (172_800, "2d")]
        {
            assert_eq!(Age::from_secs(seconds).at_a_glance(), text);
        }
    }

    #[test]
    fn ages_are_shown_in_their_two_largest_units() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (3600, "1h"), (3660, "1h 1m"), (90_061, "1d 1h")]
        {
            assert_eq!(Age::from_secs(seconds).to_string(), text);
        }
        for (seconds, text) in
            [(1800, "30 minutes"), (86_400, "1 day"), (93_600, "1 day 2 hours"), (0, "0 seconds")]
        {
            assert_eq!(Age::from_secs(seconds).in_words(), text);
        }
    }
}
