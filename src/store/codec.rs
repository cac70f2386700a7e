//! Envelopes and members that apps add to the records of a client library.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::RecordValue;

/// Member with the time of the last write by the app.
const STAMP: &str = "lastUpdatedAt";

/// Encoding of a record in a stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// The value is the record itself.
    Plain,
    /// The record contains `lastUpdatedAt` (epoch milliseconds).
    Stamped,
    /// The record, as JSON or as a string, is wrapped in `{value, ttl, cachedAt}`.
    Envelope {
        /// True if the wrapped record contains `lastUpdatedAt`, too.
        is_stamped: bool,
    },
}

/// Record in a cache envelope.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "cachedAt")]
    cached_at: Option<i64>,
}

/// Record decoded from a stored value.
pub struct Decoded {
    /// Record.
    pub value: RecordValue,
    /// Stored value, if it differs from the record.
    pub raw: Option<RecordValue>,
    /// Time of the last write, if the value states it.
    pub written_at: Option<Timestamp>,
}

impl Codec {
    /// Decodes a stored value. `None` if it does not have the expected envelope.
    pub fn decode(self, value: RecordValue) -> Option<Decoded> {
        match self {
            Self::Plain => Some(Decoded { value, raw: None, written_at: None }),
            Self::Stamped => Some(Decoded { written_at: stamp_of(&value), value, raw: None }),
            Self::Envelope { .. } => {
                let (inner, written_at) = unwrapped(&value)?;
                Some(Decoded { value: inner.into(), raw: Some(value), written_at })
            }
        }
    }

    /// Encodes a record for the place of `current`, or as a new value with this TTL.
    pub fn encode(
        self,
        record: &[u8],
        current: Option<&[u8]>,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> RecordValue {
        let stamped =
            if current.is_some() && self.is_stamped() { stamped(record, now) } else { None };
        let record = stamped.unwrap_or_else(|| record.to_vec());
        match self {
            Self::Plain | Self::Stamped => record.into(),
            Self::Envelope { .. } => wrapped(&record, current, ttl, now).into(),
        }
    }

    /// Checks whether records contain the time of their last write.
    pub fn is_stamped(self) -> bool {
        matches!(self, Self::Stamped | Self::Envelope { is_stamped: true })
    }

    /// Checks that a record contains the time of its last write exactly if this encoding requires
    /// it.
    pub fn stamp_fits(self, record: &[u8]) -> bool {
        stamp_of(record).is_some() == self.is_stamped()
    }
}

/// Returns the record in an envelope, and when it was put there. Some libraries wrap the record as
/// JSON, some as a string.
fn unwrapped(value: &[u8]) -> Option<(Vec<u8>, Option<Timestamp>)> {
    let envelope: Envelope<'_> = serde_json::from_slice(value).ok()?;
    let inner = envelope.value.get();
    let inner =
        if inner.starts_with('"') { serde_json::from_str(inner).ok()? } else { inner.to_owned() };
    Some((
        inner.into_bytes(),
        envelope.cached_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
    ))
}

/// Puts the record into the existing envelope, or into a new one.
fn wrapped(new: &[u8], current: Option<&[u8]>, ttl: Option<Duration>, now: Timestamp) -> Vec<u8> {
    let current: Option<Map<String, Json>> =
        current.and_then(|current| serde_json::from_slice(current).ok());
    let as_text =
        current.as_ref().is_some_and(|envelope| envelope.get("value").is_some_and(Json::is_string));
    let mut envelope = current.unwrap_or_else(|| {
        let mut envelope = Map::from_iter([("value".to_owned(), Json::Null)]);
        envelope.extend(ttl.map(|ttl| ("ttl".to_owned(), ttl.as_secs().into())));
        envelope
    });
    let text = || Json::String(String::from_utf8_lossy(new).into_owned());
    let value =
        if as_text { text() } else { serde_json::from_slice(new).unwrap_or_else(|_| text()) };
    envelope.insert("value".to_owned(), value);
    envelope.insert("cachedAt".to_owned(), now.as_millisecond().into());
    serde_json::to_vec(&envelope).expect("an object can be written")
}

#[derive(Deserialize)]
struct Stamp {
    #[serde(rename = "lastUpdatedAt")]
    at: Option<f64>,
}

fn stamp_of(value: &[u8]) -> Option<Timestamp> {
    let at = serde_json::from_slice::<Stamp>(value).ok()?.at?;
    #[expect(clippy::cast_possible_truncation, reason = "an invalid time is ignored")]
    Timestamp::from_millisecond(at as i64).ok()
}

/// Returns the record with the time of its last write, `None` if it is not a JSON object.
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
        fn envelopes_return_the_record_and_keep_other_members(
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
    }
}
