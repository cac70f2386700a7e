//! Headers of an answer about time, caching and redirects.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, DATE, EXPIRES, HeaderMap, LOCATION, WWW_AUTHENTICATE,
};

use super::text;

/// Times, cache and redirect of an answer.
#[derive(Clone, Debug, Default)]
pub struct Served {
    /// Target of a redirect.
    pub location: Option<String>,
    /// Local time at which the answer was received.
    pub received: Timestamp,
    /// Server time of the answer: `Date` plus the age in a cache (RFC 9110 section 6.6.1, RFC 9111
    /// section 5.1).
    pub sent: Option<Timestamp>,
    /// Age in a cache: `Age`.
    pub age: Option<Duration>,
    /// Time for which shared caches may keep the answer: `Cache-Control`, else `Expires` (RFC 9111
    /// sections 5.2.2 and 5.3).
    pub max_age: Option<Duration>,
    /// Compression that was not requested.
    pub compressed: Option<String>,
    /// Header of a cache or framework that shows an earlier answer.
    pub kept_by: Option<String>,
    /// Header of a bot shield that answers in place of the server.
    pub shield: Option<&'static str>,
    /// The server asks for a login: `WWW-Authenticate`.
    pub asks_for_login: bool,
}

/// Headers of caches and frameworks.
const KEPT: [&str; 7] = [
    "x-vercel-cache",
    "x-nextjs-cache",
    "x-nextjs-prerender",
    "cf-cache-status",
    "x-cache",
    "x-cache-status",
    "x-prerendered",
];
/// Beginnings of their values that mean an earlier answer.
const KEPT_VALUES: [&str; 5] = ["hit", "prerender", "stale", "1", "true"];
/// Headers of bot shields.
const SHIELDS: [&str; 5] =
    ["cf-mitigated", "x-vercel-mitigated", "x-amzn-waf-action", "x-datadome", "x-sucuri-block"];

impl Served {
    pub(super) fn of(headers: &HeaderMap, received: Timestamp) -> Self {
        let age = text(headers, &AGE).and_then(seconds);
        let date = text(headers, &DATE).and_then(http_date);
        let expires = || {
            let expires = text(headers, &EXPIRES)?;
            // An invalid date counts as expired (RFC 9111 section 5.3).
            let left = http_date(expires).map(|at| at.duration_since(date.unwrap_or(received)));
            Some(left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default())
        };
        let compressed = text(headers, &CONTENT_ENCODING)
            .map(|encoding| encoding.trim().to_ascii_lowercase())
            .filter(|encoding| !matches!(encoding.as_str(), "" | "identity"));
        Self {
            location: text(headers, &LOCATION).map(str::to_owned),
            received,
            sent: date.and_then(|date| date.checked_add(age.unwrap_or_default()).ok()),
            age,
            max_age: text(headers, &CACHE_CONTROL).map_or_else(expires, max_age),
            compressed,
            kept_by: KEPT.iter().find_map(|name| {
                let value = headers.get(*name)?.to_str().ok()?.trim();
                let lower = value.to_ascii_lowercase();
                KEPT_VALUES
                    .iter()
                    .any(|known| lower.starts_with(known))
                    .then(|| format!("{name}: {value}"))
            }),
            shield: SHIELDS.into_iter().find(|name| headers.contains_key(*name)),
            asks_for_login: headers.contains_key(WWW_AUTHENTICATE),
        }
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
}

/// Reads the maximum age. `s-maxage` takes precedence.
fn max_age(header: &str) -> Option<Duration> {
    let directives = || header.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    if directives()
        .any(|directive| matches!(directive.as_str(), "no-store" | "no-cache" | "private"))
    {
        return Some(Duration::ZERO);
    }
    let named =
        |name: &str| directives().find_map(|directive| seconds(directive.strip_prefix(name)?));
    named("s-maxage=").or_else(|| named("max-age="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(headers: &[(&'static str, &str)]) -> Served {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Served::of(&headers.collect::<HeaderMap>(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_word_about_shared_caches_counts() {
        for (header, expected) in [
            ("public, max-age=3600", Some(3600)),
            ("max-age=60, s-maxage=86400", Some(86_400)),
            ("No-Store", Some(0)),
            ("private, max-age=60", Some(0)),
            ("max-age=soon", None),
        ] {
            assert_eq!(
                served(&[("cache-control", header)]).max_age,
                expected.map(Duration::from_secs),
                "{header}"
            );
        }
    }

    #[test]
    fn an_expiry_counts_where_nothing_else_is_said() {
        let date = ("date", "Mon, 23 Nov 2026 12:00:00 GMT");
        let expires = ("expires", "Mon, 23 Nov 2026 13:00:00 GMT");
        assert_eq!(served(&[date, expires]).max_age, Some(Duration::from_hours(1)));
        assert_eq!(served(&[date, ("expires", "0")]).max_age, Some(Duration::ZERO));
        let both = [date, expires, ("cache-control", "max-age=60")];
        assert_eq!(served(&both).max_age, Some(Duration::from_mins(1)));
    }

    #[test]
    fn caches_and_shields_are_known_by_their_headers() {
        let kept = served(&[("x-vercel-cache", "PRERENDER")]).kept_by;
        assert_eq!(kept.as_deref(), Some("x-vercel-cache: PRERENDER"));
        assert_eq!(served(&[("cf-cache-status", "MISS")]).kept_by, None);
        assert_eq!(served(&[("cf-mitigated", "challenge")]).shield, Some("cf-mitigated"));
        assert_eq!(served(&[("content-encoding", "GZIP")]).compressed.as_deref(), Some("gzip"));
        assert_eq!(served(&[("content-encoding", "identity")]).compressed, None);
    }

    #[test]
    fn what_comes_out_of_a_cache_was_sent_when_the_cache_says() {
        let served = served(&[("date", "Mon, 23 Nov 2026 12:00:00 GMT"), ("age", "90")]);
        assert_eq!(served.sent, Some("2026-11-23T12:01:30Z".parse().unwrap()));
        assert_eq!(served.age, Some(Duration::from_secs(90)));
    }
}

#[cfg(test)]
mod properties {
    use proptest::option;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    /// Returns a header value, text or not.
    fn value() -> impl Strategy<Value = HeaderValue> {
        let words = "(public|private|no-store|max-age|s-maxage|Mon, 23 Nov 2026 12:00:00 GMT|[0-9]{1,25}|[=,\" -])";
        let text =
            proptest::collection::vec(words, 0..5).prop_map(|words| words.concat().into_bytes());
        // All bytes valid in a header (RFC 9110 section 5.5): no control character except the tab.
        let byte = prop_oneof![Just(b'\t'), b' '..=b'~', 0x80_u8..];
        let any = proptest::collection::vec(byte, 0..30);
        prop_oneof![text, any]
            .prop_map(|bytes| HeaderValue::from_bytes(&bytes).expect("a header can have it"))
    }

    proptest! {
        #[test]
        fn what_is_said_of_time_and_place_is_taken_or_left(
            date in option::of(value()), age in option::of(value()), cache in option::of(value()), to in option::of(value()),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in [(DATE, date), (AGE, age), (CACHE_CONTROL, cache.clone()), (LOCATION, to.clone())] {
                headers.extend(value.map(|value| (name, value)));
            }
            let served = Served::of(&headers, Timestamp::UNIX_EPOCH);
            let said = |value: &Option<HeaderValue>| value.as_ref().and_then(|value| value.to_str().ok()).map(str::to_owned);
            prop_assert_eq!(served.location, said(&to));
            prop_assert_eq!(served.received, Timestamp::UNIX_EPOCH);
            // Never longer than the header permits, and not at all if it forbids caching.
            let said = said(&cache).unwrap_or_default();
            prop_assert!(served.max_age.is_none_or(|age| age.is_zero() || said.contains(&age.as_secs().to_string())));
            let words: Vec<_> = said.split(',').map(str::trim).collect();
            prop_assert!(!words.contains(&"no-store") || served.max_age == Some(Duration::ZERO));
        }
    }
}
