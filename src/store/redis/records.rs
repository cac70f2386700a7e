//! Records as they stand in Redis: what the layout wraps around them, and what their keys' times to live say.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::Value;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::client::limit::TOO_LONG;
use crate::session::Observed;
use crate::store::layout::RedisKeys;
use crate::store::lock::is_lock_name;
use crate::store::{Kind, RecordKey, RecordValue, Stored, Unreadable};

/// oauthctl's own keys begin with this; they are nobody's records.
pub(super) const OWN_PREFIX: &str = "oauthctl:";

/// The member in which apps keep the time of the last write.
const STAMP: &str = "lastUpdatedAt";

/// Types of Redis that are no strings, as `TYPE` names them.
const OTHER_TYPES: [&str; 5] = ["list", "hash", "set", "zset", "stream"];

/// A record in the envelope of a cache.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "cachedAt")]
    cached_at: Option<i64>,
}

impl RedisKeys {
    /// Whether a key that matched this kind's glob is one of this kind. Prefixes may overlap: a key that fits both kinds
    /// is a session's when it names a DID.
    pub(super) fn owns(&self, kind: Kind, key: &RecordKey) -> bool {
        let text = key.text();
        let is = |kind| self.of(kind).pattern.parse_key(&text).is_some();
        let is_lock = || {
            let name = self.lock.rule().and_then(|lock| lock.pattern.parse_key(&text));
            name.is_some_and(|(name, _)| is_lock_name(name))
        };
        let is_ours = || text.starts_with(OWN_PREFIX);
        match kind {
            Kind::Session => is(Kind::Session) || !(is_ours() || is(Kind::State) || is_lock()),
            Kind::State => !is(Kind::Session) && !is_lock() && (is(Kind::State) || !is_ours()),
        }
    }

    /// What a record's value and remaining time to live come to. None when it is gone.
    pub(super) fn stored(&self, kind: Kind, key: RecordKey, value: Vec<u8>, ttl: Option<Ttl>) -> Option<Stored> {
        if matches!(ttl, Some(Ttl::Gone)) {
            return None;
        }
        if value == TOO_LONG {
            return Some(unreadable(key, Unreadable::TooLarge, ttl));
        }
        let (value, column) = if self.envelope {
            match unwrapped(&value) {
                Some((inner, at)) => (inner, at),
                None => return Some(unreadable(key, Unreadable::NoEnvelope, ttl)),
            }
        } else {
            let stamp = if self.stamped { stamp_of(&value) } else { None };
            (value, stamp)
        };
        let observed = Observed { ttl_age: self.ttl_age(kind, ttl), column };
        Some(Stored { key, value: value.into(), observed, ttl: ttl.and_then(Ttl::left), unreadable: None })
    }

    /// A record whose value was not asked for. None when it is gone.
    pub(super) fn without_value(&self, kind: Kind, key: RecordKey, ttl: Option<Ttl>) -> Option<Stored> {
        if matches!(ttl, Some(Ttl::Gone)) {
            return None;
        }
        let observed = Observed { ttl_age: self.ttl_age(kind, ttl), column: None };
        Some(Stored { key, value: RecordValue::default(), observed, ttl: ttl.and_then(Ttl::left), unreadable: None })
    }

    /// How long ago a record was written, by what remains of the time to live with which the app writes.
    fn ttl_age(&self, kind: Kind, ttl: Option<Ttl>) -> Option<SignedDuration> {
        let (whole, left) = (self.of(kind).ttl?, ttl?.left()?);
        let age = whole.duration().checked_sub(SignedDuration::try_from(left).ok()?)?;
        (!age.is_negative()).then_some(age)
    }

    /// How a new value of this record is stored in place of `current`, or for the first time.
    pub(super) fn encoded(&self, new: &[u8], current: Option<&[u8]>, ttl: Option<Duration>, now: Timestamp) -> Vec<u8> {
        let mut new = new.to_vec();
        if self.stamped && current.is_some() {
            new = stamped(&new, now).unwrap_or(new);
        }
        if self.envelope { wrapped(&new, current, ttl, now) } else { new }
    }

    /// The record in a stored value.
    pub(super) fn decoded(&self, value: &[u8]) -> Option<RecordValue> {
        let decoded = if self.envelope { unwrapped(value)?.0 } else { value.to_vec() };
        Some(decoded.into())
    }

    /// Whether a record bears the time of its last write as this layout wants it.
    pub(super) fn stamp_fits(&self, value: &[u8]) -> bool {
        stamp_of(value).is_some() == self.stamped
    }
}

/// Returns a record without its value.
pub(super) fn unreadable(key: RecordKey, why: Unreadable, ttl: Option<Ttl>) -> Stored {
    let ttl = ttl.and_then(Ttl::left);
    Stored { key, value: RecordValue::default(), observed: Observed::default(), ttl, unreadable: Some(why) }
}

/// Returns why a value of this type is no record; `None` for a string and for no value at all.
pub(super) fn wrong_type(name: &str) -> Option<Unreadable> {
    let known = || OTHER_TYPES.into_iter().find(|known| *known == name).unwrap_or_default();
    (!matches!(name, "string" | "none")).then(|| Unreadable::WrongType(known()))
}

/// An answer to `PTTL`.
#[derive(Clone, Copy)]
pub(super) enum Ttl {
    Gone,
    Forever,
    Left(Duration),
}

impl Ttl {
    pub(super) fn read(answer: &Value) -> Option<Self> {
        match answer {
            Value::Int(-2) => Some(Self::Gone),
            Value::Int(-1) => Some(Self::Forever),
            Value::Int(left) => Some(Self::Left(Duration::from_millis(u64::try_from(*left).ok()?))),
            _ => None,
        }
    }

    fn left(self) -> Option<Duration> {
        match self {
            Self::Left(left) => Some(left),
            Self::Gone | Self::Forever => None,
        }
    }
}

/// The record in an envelope, and when it was put there. Some libraries wrap the record itself, some its text.
fn unwrapped(value: &[u8]) -> Option<(Vec<u8>, Option<Timestamp>)> {
    let envelope: Envelope<'_> = serde_json::from_slice(value).ok()?;
    let inner = envelope.value.get();
    let inner = if inner.starts_with('"') { serde_json::from_str(inner).ok()? } else { inner.to_owned() };
    Some((inner.into_bytes(), envelope.cached_at.and_then(|at| Timestamp::from_millisecond(at).ok())))
}

/// Puts the record into the envelope that is there, or into a new one.
fn wrapped(new: &[u8], current: Option<&[u8]>, ttl: Option<Duration>, now: Timestamp) -> Vec<u8> {
    let current: Option<Map<String, Json>> = current.and_then(|current| serde_json::from_slice(current).ok());
    let as_text = current.as_ref().is_some_and(|envelope| envelope.get("value").is_some_and(Json::is_string));
    let mut envelope = current.unwrap_or_else(|| {
        let mut envelope = Map::from_iter([("value".to_owned(), Json::Null)]);
        envelope.extend(ttl.map(|ttl| ("ttl".to_owned(), ttl.as_secs().into())));
        envelope
    });
    let text = || Json::String(String::from_utf8_lossy(new).into_owned());
    let value = if as_text { text() } else { serde_json::from_slice(new).unwrap_or_else(|_| text()) };
    envelope.insert("value".to_owned(), value);
    envelope.insert("cachedAt".to_owned(), now.as_millisecond().into());
    serde_json::to_vec(&envelope).expect("an object can be written")
}

#[derive(Deserialize)]
struct Stamped {
    #[serde(rename = "lastUpdatedAt")]
    at: Option<f64>,
}

fn stamp_of(value: &[u8]) -> Option<Timestamp> {
    let at = serde_json::from_slice::<Stamped>(value).ok()?.at?;
    #[expect(clippy::cast_possible_truncation, reason = "what is no time is no stamp")]
    Timestamp::from_millisecond(at as i64).ok()
}

/// The record with the time of its last write; none when it is no object.
fn stamped(record: &[u8], now: Timestamp) -> Option<Vec<u8>> {
    let mut record: Map<String, Json> = serde_json::from_slice(record).ok()?;
    record.insert(STAMP.to_owned(), now.as_millisecond().into());
    serde_json::to_vec(&record).ok()
}

#[cfg(test)]
mod properties {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{damage, unknown_members};

    fn at() -> impl Strategy<Value = Timestamp> {
        (0_i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
    }

    proptest! {
        #[test]
        fn an_envelope_gives_its_record_back_and_keeps_what_else_is_in_it(
            record in unknown_members(), others in unknown_members(), as_text: bool, ttl in option::of(0_u64..1_000_000), now in at(),
        ) {
            let new = serde_json::to_vec(&record).unwrap();
            let fresh = wrapped(&new, None, ttl.map(Duration::from_secs), now);
            prop_assert_eq!(unwrapped(&fresh), Some((new.clone(), Some(now))));
            let mut current = others.clone();
            current.insert("value".to_owned(), if as_text { "{}".into() } else { Json::Object(Map::new()) });
            let again = wrapped(&new, Some(&serde_json::to_vec(&current).unwrap()), None, now);
            prop_assert_eq!(unwrapped(&again), Some((new, Some(now))));
            let again: Map<String, Json> = serde_json::from_slice(&again).unwrap();
            prop_assert_eq!(again["value"].is_string(), as_text);
            prop_assert!(others.iter().all(|(name, value)| again[name] == *value));
        }

        #[test]
        fn a_stamp_is_read_as_it_was_written(record in unknown_members(), now in at(), damage in damage(4)) {
            let bytes = serde_json::to_vec(&record).unwrap();
            let stamped = stamped(&bytes, now).unwrap();
            prop_assert_eq!(stamp_of(&stamped), Some(now));
            let damaged = damage.to(&String::from_utf8(stamped).unwrap()).into_bytes();
            let _ = (stamp_of(&damaged), unwrapped(&damaged));
        }

        #[test]
        fn a_time_to_live_is_what_redis_says(left: i64) {
            let read = Ttl::read(&Value::Int(left)).map(Ttl::left);
            prop_assert_eq!(read, match left {
                -2 | -1 => Some(None),
                0.. => Some(Some(Duration::from_millis(left.unsigned_abs()))),
                _ => None,
            });
        }
    }
}
