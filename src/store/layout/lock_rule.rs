//! Locks of apps on the sessions of an account.

use super::{KeyPattern, Layout};
use crate::session::{Age, FORMATS};

/// Lock of the app on an account's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockRule {
    /// The app has no lock.
    None,
    /// The layout does not say whether the app has a lock.
    Unsaid,
    /// Redis key (`SET NX`).
    Key {
        /// Key of the lock, with `{name}` for the name passed by client libraries.
        pattern: KeyPattern,
        /// TTL of a lock that is not released.
        ttl: Age,
    },
    /// Row in a table with the columns `id` (the name), `owner` and `acquired_at` (epoch
    /// milliseconds), which its owner renews.
    Lease {
        /// Table.
        table: &'static str,
        /// Lifetime of a row that is not renewed.
        ttl: Age,
    },
    /// Advisory lock of PostgreSQL.
    Advisory(AdvisoryKey),
}

/// Formula for the key of an advisory lock, from the name passed by client libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvisoryKey {
    /// `h * 31 + c` over the characters, modulo 2^63.
    Hash31,
    /// First eight bytes of the SHA-256 of the name with a constant of wisp.place.
    Sha256,
    /// PostgreSQL's `hashtext`.
    HashText,
}

impl AdvisoryKey {
    /// Names in settings.
    pub const NAMES: [(&str, Self); 3] =
        [("hash31", Self::Hash31), ("sha256", Self::Sha256), ("hashtext", Self::HashText)];
}

impl LockRule {
    /// Checks whether this is the key of such a lock. Its name must be one that a client library
    /// passes, because a template may consist of the name alone and match any key.
    pub fn is_key(&self, key: &str) -> bool {
        let is_name =
            |name: &str| FORMATS.iter().any(|format| name.starts_with(format.lock_prefix()));
        match self {
            Self::Key { pattern, .. } => {
                pattern.parse_key(key).is_some_and(|(name, _)| is_name(name))
            }
            Self::None | Self::Unsaid | Self::Lease { .. } | Self::Advisory(_) => false,
        }
    }
}

/// Returns the usual lock of apps with session keys of this form, with the same prefix. `None` if
/// no such app is known.
pub fn usual_lock(session_key: &str) -> Option<String> {
    let locks = Layout::built_in().iter().filter(|layout| layout.has_keys()).filter_map(|layout| {
        let template = layout.session_pattern().to_string();
        let prefix = session_key.strip_suffix(&template)?;
        let LockRule::Key { pattern, .. } = &layout.lock else { return None };
        Some((template.len(), format!("{prefix}{pattern}")))
    });
    locks.max().map(|(_, lock)| lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lock_takes_a_record_for_its_key() {
        for layout in Layout::built_in() {
            for key in [
                "atproto:oauth:sessions:did:plc:ewvi7nxzyoun6zhxrhs64oiz",
                "oauth:state:x",
                "oauth:lock:x",
            ] {
                assert!(!layout.lock.is_key(key), "{} {key}", layout.name);
            }
        }
        let leaflet = Layout::built_in().iter().find(|layout| layout.name == "leaflet").unwrap();
        assert!(leaflet.lock.is_key("@atproto-oauth-client-did:plc:ewvi7nxzyoun6zhxrhs64oiz"));
    }

    #[test]
    fn keys_that_end_like_known_ones_have_their_lock() {
        for (template, lock) in [
            ("myapp:oauth:session:{did}", Some("myapp:oauth:lock:{name}")),
            ("oauth:session:{did}", Some("oauth:lock:{name}")),
            ("my:barazo:oauth:session:{did}", Some("my:barazo:oauth:lock:{name}")),
            ("v2:atproto:oauth:sessions:{did}:{sid}", Some("v2:oauth:lock:{name}")),
            ("myapp:authSession:{did}", Some("myapp:sessionLock:{name}")),
            ("myapp:atproto:session:{did}", None),
            ("myapp:session:{did}", None),
            ("vault:{did}", None),
        ] {
            assert_eq!(usual_lock(template).as_deref(), lock, "{template}");
        }
    }
}
