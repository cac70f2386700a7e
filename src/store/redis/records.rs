//! Records as they stand in Redis: what the layout wraps around them, and what their keys' times to
//! live say.

use std::time::Duration;

use jiff::SignedDuration;
use redis::Value;

use super::client::limit::TOO_LONG;
use crate::session::Observed;
use crate::store::codec::Decoded;
use crate::store::layout::Layout;
use crate::store::{Kind, RecordKey, RecordValue, Stored, Unreadable};

/// oauthctl's own keys begin with this; they are nobody's records.
pub(super) const OWN_PREFIX: &str = "oauthctl:";

/// Types of Redis that are no strings, as `TYPE` names them.
const OTHER_TYPES: [&str; 5] = ["list", "hash", "set", "zset", "stream"];

impl Layout {
    /// Checks whether a key that matched this kind's glob is one of this kind. Prefixes may
    /// overlap: a key that fits both kinds is a session's when it names a DID.
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

    /// What a record's value and remaining time to live come to. None when it is gone.
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

    /// Returns a record whose value was not asked for. None when it is gone.
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

    /// How long ago a record was written, by what remains of the time to live with which the app
    /// writes.
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
