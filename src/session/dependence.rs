//! Finds the client key on which a stored value depends, in any format and any envelope.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{AuthMethod, ClientId, Format, PendingLogin, Recognised, Session};

/// Maximum depth of envelopes and strings around a record.
const MOST_LAYERS: usize = 3;

/// Client key on which a stored value depends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyDependence {
    /// Session.
    Session {
        /// Key to which it is bound, `None` for a public client's.
        kid: Option<String>,
        /// Client to which its access token was issued, if the token states it.
        client_id: Option<ClientId<'static>>,
        /// Format of the record.
        format: &'static dyn Format,
    },
    /// Pending login, and the key to which it is bound.
    Login(Option<String>),
    /// Record without this information, or in an unsupported format.
    Unknown,
    /// Not a record of a client library.
    None,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "cachedAt")]
    _cached_at: IgnoredAny,
}

impl KeyDependence {
    /// Reads a value, also inside a JSON string or a cache envelope.
    pub fn of(value: &[u8]) -> Self {
        let mut inner = Zeroizing::new(Vec::new());
        for _ in 0..MOST_LAYERS {
            let value = if inner.is_empty() { value } else { &inner };
            let found = Self::of_record(value);
            match unwrapped(value).filter(|inner| found == Self::None && !inner.is_empty()) {
                Some(next) => inner = next,
                None => return found,
            }
        }
        Self::None
    }

    fn of_record(value: &[u8]) -> Self {
        if let Ok(session) = Session::read(value) {
            let client_id = session.access_token.client_id().cloned();
            return Self::Session {
                format: session.format,
                kid: session.client_auth.and_then(AuthMethod::into_key).map(Into::into),
                client_id,
            };
        }
        if let Ok(login) = PendingLogin::read(value) {
            return login
                .client_auth
                .map_or(Self::Unknown, |method| Self::Login(method.into_key().map(Into::into)));
        }
        match Recognised::of(value) {
            Recognised::Unsupported(_) | Recognised::Damaged(_) => Self::Unknown,
            Recognised::Session(_)
            | Recognised::Login(_)
            | Recognised::Enveloped
            | Recognised::Nested
            | Recognised::OtherJson
            | Recognised::NoJson
            | Recognised::Empty => Self::None,
        }
    }
}

/// Returns the value inside a JSON string or an envelope.
fn unwrapped(value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if let Ok(text) = serde_json::from_slice::<String>(value) {
        return Some(Zeroizing::new(text.into_bytes()));
    }
    let envelope: Envelope<'_> = serde_json::from_slice(value).ok()?;
    Some(Zeroizing::new(envelope.value.get().as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::format::RECORD;
    use super::*;

    #[test]
    fn a_key_is_found_through_every_wrapping() {
        let bare = KeyDependence::of(RECORD.as_bytes());
        assert!(matches!(&bare, KeyDependence::Session { kid: Some(_), .. }), "{bare:?}");
        let record: serde_json::Value = serde_json::from_str(RECORD).unwrap();
        for wrapped in [
            json!(RECORD),
            json!({"value": record, "ttl": 1, "cachedAt": 2}),
            json!({"value": RECORD, "cachedAt": 2}),
            json!(json!({"value": record, "cachedAt": 2}).to_string()),
        ] {
            let found = KeyDependence::of(wrapped.to_string().as_bytes());
            assert_eq!(found, bare, "{wrapped}");
        }
    }

    #[test]
    fn what_is_no_record_depends_on_no_key_and_other_libraries_may() {
        for (value, expected) in [
            ("", KeyDependence::None),
            ("\"\"", KeyDependence::None),
            ("alice.example.com", KeyDependence::None),
            (r#"{"value":{"a":1},"ttl":1,"cachedAt":2}"#, KeyDependence::None),
            (r#"{"tokenSet":{}}"#, KeyDependence::Unknown),
            (r#""{\"tokenSet\":{}}""#, KeyDependence::Unknown),
            (r#"{"dpop_data":{}}"#, KeyDependence::Unknown),
        ] {
            assert_eq!(KeyDependence::of(value.as_bytes()), expected, "{value}");
        }
    }
}
