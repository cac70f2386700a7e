//! Network time: the machine's time plus an offset set by tests, so that months pass at once.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Milliseconds since the epoch.
pub type Millis = i64;

/// Clock that can be set.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset: AtomicI64,
    /// Time at which it was stopped, 0 while it runs.
    stopped: AtomicI64,
}

impl Clock {
    /// Returns the network's time.
    pub(crate) fn now(&self) -> Millis {
        let stopped = self.stopped.load(Ordering::Relaxed);
        let running = if stopped == 0 { real_now() } else { stopped };
        running + self.offset.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(real_now(), Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.offset.fetch_add(millis(by), Ordering::Relaxed);
    }

    pub(crate) fn set_offset(&self, offset: Millis) {
        self.offset.store(offset, Ordering::Relaxed);
    }
}

/// Returns the machine's time.
#[allow(clippy::disallowed_methods, reason = "the test network has no Context")]
pub fn real_now() -> Millis {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Returns a duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> Millis {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Formats a time in ISO 8601 in UTC with milliseconds, like JavaScript's `toISOString`.
pub fn iso8601(at: Millis) -> String {
    let (days, of_day) = (at.div_euclid(86_400_000), at.rem_euclid(86_400_000));
    // Howard Hinnant's civil_from_days.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = (month_shifted + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Formats a time for headers (RFC 9110 section 5.6.7).
pub(crate) fn http_date(at: Millis) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = iso8601(at);
    let weekday = usize::try_from(at.div_euclid(86_400_000).rem_euclid(7)).unwrap_or_default();
    let month: usize = text[5..7].parse().unwrap_or(1);
    format!(
        "{}, {} {} {} {} GMT",
        DAYS[weekday],
        &text[8..10],
        MONTHS[month - 1],
        &text[..4],
        &text[11..19]
    )
}

#[cfg(test)]
mod tests {
    use super::{http_date, iso8601};

    #[test]
    fn prints_as_headers_do() {
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(1_795_426_202_146), "Mon, 23 Nov 2026 09:30:02 GMT");
    }

    #[test]
    fn prints_as_javascript_does() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(1_795_426_202_146), "2026-11-23T09:30:02.146Z");
        assert_eq!(iso8601(1_709_164_800_000), "2024-02-29T00:00:00.000Z");
    }
}
