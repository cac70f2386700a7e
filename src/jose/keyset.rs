//! Rules of a set of client keys: which key signs, which is staged, which only serves its bound
//! sessions.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use super::{ClientKey, Kid, PublicJwks};
use crate::error::{Failure, usage};
use crate::text::named;

/// Longest time for which a new key is assumed to stay staged.
const STAGED_LATELY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Keys of the app, in the order in which client libraries try them. Each has a kid, and no kid
/// occurs twice.
#[derive(Debug, Default)]
pub struct KeySet(Vec<ClientKey>);

named! {
    /// Role of a key.
    pub enum KeyState {
        /// Published but not signing yet: its `nbf` is in the future, or it follows the active key.
        Next = "next",
        /// Signs new sessions.
        Active = "active",
        /// Signs only for the sessions bound to it.
        Retiring = "retiring",
        /// No session or login is bound to it.
        Unused = "unused",
    }
}

named! {
    /// Relation between a kid and the key's thumbprint.
    pub enum ThumbprintMatch {
        /// The kid is the key's RFC 7638 thumbprint.
        Yes = "yes",
        /// The kid looks like a thumbprint, but is not that of the key.
        No = "no",
        /// The kid does not look like a thumbprint.
        Unprovable = "-",
    }
}

impl KeySet {
    /// Builds a set fit for publication: each key has a kid, no kid occurs twice, and clients can
    /// sign with each key.
    pub fn new(keys: Vec<ClientKey>) -> Result<Self, Failure> {
        let mut seen = HashSet::new();
        for (index, key) in keys.iter().enumerate() {
            let Some(kid) = key.kid() else {
                return Err(usage(format!("key {} has no kid, so the app cannot publish it", index + 1))
                    .hint("name the kid that the app uses for it in oauthctl.toml: keys = [{ source = \"SOURCE\", kid = \"KID\" }], or with --keys SOURCE#kid=KID"));
            };
            if !seen.insert(kid) {
                return Err(usage(format!(
                    "two keys have the kid {kid}; servers reject such a set"
                ))
                .hint("remove one of them; never rename a key that sessions are bound to"));
            }
            if !key.signs_for_clients() {
                return Err(usage(format!(
                    "key {kid} has `use` or `key_ops` without `alg`: the app cannot sign with it"
                ))
                .hint("`oauthctl gen-jwk --from SOURCE` prints the same key with `alg`, under the same kid"));
            }
        }
        Ok(Self(keys))
    }

    /// Iterates over the keys, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ClientKey> {
        self.0.iter()
    }

    /// Checks whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the key with this kid.
    pub fn get(&self, kid: &Kid) -> Option<&ClientKey> {
        self.0.iter().find(|key| key.kid() == Some(kid))
    }

    /// Returns the key to which new sessions are bound: the first that may sign now.
    pub fn active(&self, now: Timestamp) -> Option<&ClientKey> {
        self.0.iter().find(|key| may_sign(key, now))
    }

    /// Returns the public key set to publish.
    pub fn public(&self) -> PublicJwks {
        PublicJwks::of(self.iter())
    }

    /// Returns the role of a key. `bound` is the number of sessions and pending logins bound to it,
    /// if a store was read.
    pub fn state(&self, key: &ClientKey, bound: Option<u64>, now: Timestamp) -> KeyState {
        let active = self.active(now);
        if active.is_some_and(|active| active.kid() == key.kid()) {
            return KeyState::Active;
        }
        if key.not_before().is_some_and(|nbf| nbf > now) {
            return KeyState::Next;
        }
        let staged =
            !key.is_disabled(now) && active.is_some_and(|active| is_younger(key, active, now));
        match bound {
            Some(1..) => KeyState::Retiring,
            _ if staged => KeyState::Next,
            Some(0) => KeyState::Unused,
            None => KeyState::Retiring,
        }
    }
}

impl ThumbprintMatch {
    /// Compares the kid with the key's thumbprint.
    pub fn of(key: &ClientKey) -> Self {
        let Some(kid) = key.kid() else { return Self::Unprovable };
        if kid.as_str() == key.thumbprint() {
            return Self::Yes;
        }
        let looks_like_one = kid.as_str().len() == 43
            && kid.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if looks_like_one { Self::No } else { Self::Unprovable }
    }
}

/// Checks whether a key is newer than the active one. If the active one has no creation time, a key
/// counts as newer if it is at most [`STAGED_LATELY`] old.
fn is_younger(key: &ClientKey, active: &ClientKey, now: Timestamp) -> bool {
    let since = active.created().or_else(|| now.checked_sub(STAGED_LATELY).ok());
    key.created().zip(since).is_some_and(|(created, since)| created > since)
}

fn may_sign(key: &ClientKey, now: Timestamp) -> bool {
    !key.is_disabled(now) && key.not_before().is_none_or(|nbf| nbf <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, seed: u8) -> ClientKey {
        let mut key = ClientKey::from_secret(p256::SecretKey::from_slice(&[seed; 32]).unwrap());
        key.set_kid(kid.parse().unwrap());
        key
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn two_keys_of_one_name_are_refused() {
        let message = KeySet::new(vec![key("a", 1), key("a", 2)]).unwrap_err().to_string();
        assert!(message.contains("two keys have the kid a"), "{message}");
    }

    #[test]
    fn the_first_key_whose_time_has_come_signs() {
        let (mut next, old) = (key("next", 1), key("old", 2));
        next.set_not_before(at(100));
        let set = KeySet::new(vec![next, old]).unwrap();
        assert_eq!(set.active(at(99)).unwrap().kid().unwrap().as_str(), "old");
        assert_eq!(set.active(at(100)).unwrap().kid().unwrap().as_str(), "next");
    }

    #[test]
    fn a_newer_key_is_next_until_sessions_are_bound_to_it() {
        let (mut active, mut staged) = (key("active", 1), key("staged", 2));
        active.set_created(at(10));
        staged.set_created(at(20));
        let set = KeySet::new(vec![active, staged]).unwrap();
        let staged = set.get(&"staged".parse().unwrap()).unwrap();
        assert_eq!(set.state(staged, Some(0), at(30)), KeyState::Next);
        assert_eq!(set.state(staged, Some(1), at(30)), KeyState::Retiring);
    }

    #[test]
    fn behind_an_active_key_without_a_date_only_a_new_key_is_next() {
        let (active, mut other) = (key("active", 1), key("other", 2));
        other.set_created(at(10));
        let set = KeySet::new(vec![active, other]).unwrap();
        let other = set.get(&"other".parse().unwrap()).unwrap();
        assert_eq!(set.state(other, Some(0), at(20)), KeyState::Next);
        assert_eq!(set.state(other, Some(0), at(31 * 86_400)), KeyState::Unused);
    }

    #[test]
    fn an_old_key_retires_until_nothing_is_bound_to_it() {
        let (mut active, old) = (key("active", 1), key("old", 2));
        active.set_created(at(10));
        let set = KeySet::new(vec![active, old]).unwrap();
        let old = set.get(&"old".parse().unwrap()).unwrap();
        assert_eq!(set.state(old, Some(3), at(30)), KeyState::Retiring);
        assert_eq!(set.state(old, None, at(30)), KeyState::Retiring);
        assert_eq!(set.state(old, Some(0), at(30)), KeyState::Unused);
    }
}
