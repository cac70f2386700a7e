//! Compares the machine's clock with the times that servers send.

use jiff::SignedDuration;

use super::{Finding, Topic};
use crate::oauth::{Published, Served};
use crate::session::Age;

const TOPIC: Topic = Topic::Clock;

/// Client assertions are backdated by ten seconds, and servers refuse one from the future.
const TOO_FAST: SignedDuration = SignedDuration::from_secs(10);
/// Servers refuse an assertion that is a minute old, too.
const TOO_SLOW: SignedDuration = SignedDuration::from_secs(45);
/// Differences below this are due to network latency, and to dates in whole seconds.
const PRECISION: SignedDuration = SignedDuration::from_secs(5);

/// Compares the machine's time with that of all servers. `None` if no server sent its time.
pub fn check<'p>(asked: impl IntoIterator<Item = &'p Published>) -> Option<Finding> {
    let skews = asked.into_iter().filter_map(|answer| Some((ahead(&answer.served)?, &answer.url)));
    // If the servers differ, the ones closer to the machine's clock are trusted.
    let (ahead, url) = skews.min_by_key(|(ahead, _)| ahead.abs())?;
    if ahead.abs() <= PRECISION {
        return Some(Finding::ok(TOPIC, "this machine's clock agrees with the servers'"));
    }
    let by = Age::from_secs(ahead.abs().as_secs());
    let how = if ahead.is_positive() { "ahead of" } else { "behind" };
    let what = format!("this machine's clock is {by} {how} that of {}", host(url));
    let why = "servers reject client assertions and DPoP proofs with a wrong time, so logins and refreshes fail";
    let fix = "synchronise the clock (NTP: `timedatectl` shows its state)";
    let make =
        if ahead > TOO_FAST || -ahead > TOO_SLOW { Finding::problem } else { Finding::warning };
    Some(make(TOPIC, what, why, fix))
}

fn ahead(served: &Served) -> Option<SignedDuration> {
    Some(served.received.duration_since(served.sent?))
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;

    fn answered(at: &str, told: &str) -> Published {
        let served = Served {
            received: at.parse().unwrap(),
            sent: Some(told.parse().unwrap()),
            ..Served::default()
        };
        let url = "https://app.example.com/x".to_owned();
        let took = std::time::Duration::ZERO;
        let (content_type, page, json) = (None, None, None);
        Published { url, status: 200, content_type, served, took, has_mark: false, page, json }
    }

    #[test]
    fn a_clock_may_be_slow_for_longer_than_it_may_be_fast() {
        for (at, severity) in [
            ("2026-11-23T12:00:04Z", Severity::Ok),
            ("2026-11-23T12:00:09Z", Severity::Warning),
            ("2026-11-23T12:00:11Z", Severity::Problem),
            ("2026-11-23T11:59:20Z", Severity::Warning),
            ("2026-11-23T11:59:10Z", Severity::Problem),
        ] {
            let found = check([&answered(at, "2026-11-23T12:00:00Z")]).unwrap();
            assert_eq!(found.severity, severity, "{at}: {}", found.what);
        }
    }

    #[test]
    fn one_server_with_a_wrong_clock_is_outvoted() {
        let right = answered("2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z");
        let wrong = answered("2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z");
        assert_eq!(check([&wrong, &right]).unwrap().severity, Severity::Ok);
        assert_eq!(check([]), None);
    }
}
