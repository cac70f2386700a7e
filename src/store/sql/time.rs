//! Time columns, in all notations that apps use.

use jiff::Timestamp;

/// Numbers from this on are milliseconds. As seconds they would be beyond the year 5000.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// Value of a time column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell<T> {
    /// Number since the epoch.
    Integer(i64),
    /// Date and time as text.
    Text(T),
}

/// Notation of a time column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeNotation {
    /// Seconds since the epoch.
    Seconds,
    /// Milliseconds since the epoch.
    Milliseconds,
    /// `2026-11-23T12:00:00.000Z`
    Iso8601,
    /// `2026-11-23 12:00:00` in UTC, the notation of SQLite.
    Sql,
}

impl<T: AsRef<[u8]>> Cell<T> {
    /// Parses the time, `None` if invalid.
    pub fn read(&self) -> Option<Timestamp> {
        match self {
            Self::Integer(n) if *n >= MILLISECONDS_FROM => Timestamp::from_millisecond(*n).ok(),
            Self::Integer(n) => Timestamp::from_second(*n).ok(),
            Self::Text(text) => {
                let text = std::str::from_utf8(text.as_ref()).ok()?;
                text.parse().or_else(|_| format!("{text}Z").parse()).ok()
            }
        }
    }

    /// Returns the notation of this time.
    pub fn notation(&self) -> TimeNotation {
        match self {
            Self::Integer(MILLISECONDS_FROM..) => TimeNotation::Milliseconds,
            Self::Integer(_) => TimeNotation::Seconds,
            Self::Text(text) if text.as_ref().contains(&b'T') => TimeNotation::Iso8601,
            Self::Text(_) => TimeNotation::Sql,
        }
    }
}

impl TimeNotation {
    /// Returns the usual notation for a column of this declared type.
    pub fn of_type(declared: &str) -> Self {
        if declared.to_ascii_uppercase().contains("INT") { Self::Seconds } else { Self::Sql }
    }

    /// Formats a time in this notation.
    pub fn write(self, at: Timestamp) -> Cell<String> {
        match self {
            Self::Seconds => Cell::Integer(at.as_second()),
            Self::Milliseconds => Cell::Integer(at.as_millisecond()),
            Self::Iso8601 => Cell::Text(format!("{at:.3}")),
            Self::Sql => Cell::Text(at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_read_in_whichever_form_it_was_written(ms in MILLISECONDS_FROM..4_000_000_000_000) {
            let at = Timestamp::from_millisecond(ms).unwrap();
            let seconds = Timestamp::from_second(at.as_second()).unwrap();
            for (notation, read_as) in
                [(TimeNotation::Milliseconds, at), (TimeNotation::Seconds, seconds), (TimeNotation::Iso8601, at), (TimeNotation::Sql, seconds)]
            {
                let cell = notation.write(at);
                prop_assert_eq!((cell.notation(), cell.read()), (notation, Some(read_as)));
            }
        }

        #[test]
        fn what_is_no_time_is_none(bytes in proptest::collection::vec(any::<u8>(), 0..40), n: i64) {
            let _ = (Cell::Text(&bytes).read(), Cell::Text(&bytes).notation());
            if let Some(at) = Cell::<&[u8]>::Integer(n).read() {
                prop_assert!(at.as_second() == n || at.as_millisecond() == n);
            }
        }
    }
}
