//! Records in Redis: the layout's envelope, and the TTL of keys.

use std::time::Duration;

use jiff::SignedDuration;
use redis::Value;

use super::client::limit::TOO_LONG;
use crate::session::Observed;
use crate::store::codec::Decoded;
use crate::store::layout::Layout;
use crate::store::{Kind, RecordKey, RecordValue, Stored, Unreadable};

/// Prefix of oauthctl's own keys, which are not records.
pub(super) const OWN_PREFIX: &str = "oauthctl:";

/// Redis types other than strings, as named by `TYPE`.
const OTHER_TYPES: [&str; 5] = ["list", "hash", "set", "zset", "stream"];

impl Layout {
    /// Checks whether a key that matches this kind's glob is of this kind. Prefixes may overlap: a
    /// key that matches both kinds is a session's if it contains a DID.
    pub(super) fn owns(&self, kind: Kind, key: &RecordKey) -> bool {
        let text = key.text();
        let is = |kind| self.pattern(kind).parse_key(&text).is_some();
        let is_lock = || self.lock.is_key(&text);
        let is_ours = || text.starts_with(OWN_PREFIX);
        match kind {
            Kind::Session => is(Kind::Session) || !(is_ours() || is(Kind::State) || is_lock()),
            Kind::State => !is(Kind::Session) && !is_lock() && (is(Kind::State) || !is_ours()),
        }
    }

    /// Builds the record from a value and its remaining TTL. `None` if it is gone.
    pub(super) fn stored(
        &self,
        kind: Kind,
        key: RecordKey,
        value: Vec<u8>,
        ttl: Option<Ttl>,
    ) -> Option<Stored> {
        if matches!(ttl, Some(Ttl::Gone)) {
            return None;
        }
        if value == TOO_LONG {
            return Some(unreadable(key, Unreadable::TooLarge, ttl));
        }
        let Some(Decoded { value, raw, written_at }) = self.codec.decode(value.into()) else {
            return Some(unreadable(key, Unreadable::NoEnvelope, ttl));
        };
        let observed = Observed { ttl_age: self.ttl_age(kind, ttl), column: written_at };
        Some(Stored { key, value, raw, observed, ttl: ttl.and_then(Ttl::left), unreadable: None })
    }

    /// Builds a record without reading its value. `None` if it is gone.
    pub(super) fn without_value(
        &self,
        kind: Kind,
        key: RecordKey,
        ttl: Option<Ttl>,
    ) -> Option<Stored> {
        if matches!(ttl, Some(Ttl::Gone)) {
            return None;
        }
        let observed = Observed { ttl_age: self.ttl_age(kind, ttl), column: None };
        Some(Stored {
            observed,
            ttl: ttl.and_then(Ttl::left),
            ..Stored::new(key, RecordValue::default())
        })
    }

    /// Returns the age of a record, calculated from the app's TTL and the remaining TTL.
    fn ttl_age(&self, kind: Kind, ttl: Option<Ttl>) -> Option<SignedDuration> {
        let (whole, left) = (self.records(kind).ttl?, ttl?.left()?);
        let age = whole.duration().checked_sub(SignedDuration::try_from(left).ok()?)?;
        (!age.is_negative()).then_some(age)
    }
}

/// Returns a record without its value.
pub(super) fn unreadable(key: RecordKey, why: Unreadable, ttl: Option<Ttl>) -> Stored {
    let ttl = ttl.and_then(Ttl::left);
    Stored { ttl, unreadable: Some(why), ..Stored::new(key, RecordValue::default()) }
}

/// Returns the reason for which a value of this type is not a record, `None` for a string or a
/// missing value.
pub(super) fn wrong_type(name: &str) -> Option<Unreadable> {
    let known = || OTHER_TYPES.into_iter().find(|known| *known == name).unwrap_or_default();
    (!matches!(name, "string" | "none")).then(|| Unreadable::WrongType(known()))
}

/// Answer to `PTTL`.
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

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
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
