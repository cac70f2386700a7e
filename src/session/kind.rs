//! What a value is that stands where sessions or logins could stand: ours, another library's, or nothing we know.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{NodeSession, NodeState};

/// What a value is, by what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A session of the Node client, whole.
    Session,
    /// A login of the Node client that was begun.
    Login,
    /// A session of the Go library indigo.
    Indigo,
    /// A session of the Rust library jacquard.
    Jacquard,
    /// A record of the library atcute.
    Atcute,
    /// A record in an envelope, which the layout does not speak of.
    Enveloped,
    /// What was, or was to be, a session of the Node client.
    DamagedSession,
    /// JSON that we do not know.
    OtherJson,
    /// No JSON.
    NoJson,
}

/// Members by which other libraries' records are known.
#[derive(Deserialize)]
struct Marks {
    #[serde(rename = "cachedAt")]
    cached_at: Option<IgnoredAny>,
    #[serde(rename = "dpopKey")]
    dpop_key: Option<IgnoredAny>,
    dpop_privatekey_multibase: Option<IgnoredAny>,
    dpop_data: Option<IgnoredAny>,
    #[serde(rename = "tokenSet")]
    token_set: Option<IgnoredAny>,
}

impl RecordKind {
    /// What this value is.
    pub fn of(value: &[u8]) -> Self {
        if NodeSession::parse(value).is_ok() {
            return Self::Session;
        }
        if NodeState::parse(value).is_ok() {
            return Self::Login;
        }
        match serde_json::from_slice::<Marks>(value) {
            Ok(Marks { dpop_privatekey_multibase: Some(_), .. }) => Self::Indigo,
            Ok(Marks { dpop_data: Some(_), .. }) => Self::Jacquard,
            Ok(Marks { dpop_key: Some(_), .. }) => Self::Atcute,
            Ok(Marks { cached_at: Some(_), .. }) => Self::Enveloped,
            Ok(Marks { token_set: Some(_), .. }) => Self::DamagedSession,
            Ok(_) => Self::OtherJson,
            Err(_) if serde_json::from_slice::<IgnoredAny>(value).is_ok() => Self::OtherJson,
            Err(_) => Self::NoJson,
        }
    }

    /// In a few words, without quoting the value.
    pub fn description(self) -> &'static str {
        match self {
            Self::Session => "a session of the Node client",
            Self::Login => "a pending login of the Node client",
            Self::Indigo => "a session of the Go library indigo, which is not supported",
            Self::Jacquard => "a session of the Rust library jacquard, which is not supported",
            Self::Atcute => "a record of the library atcute, which is not supported",
            Self::Enveloped => "a record in an envelope {value, ttl, cachedAt}",
            Self::DamagedSession => "a damaged or old session of the Node client",
            Self::OtherJson => "JSON of unknown shape",
            Self::NoJson => "not JSON",
        }
    }

    /// Whether somebody may live by it, although it cannot be placed under the layout at hand.
    pub fn may_be_in_use(self) -> bool {
        match self {
            Self::Session | Self::Login | Self::Indigo | Self::Jacquard | Self::Atcute | Self::Enveloped => true,
            Self::DamagedSession | Self::OtherJson | Self::NoJson => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::node::tests::RECORD;
    use super::*;

    #[test]
    fn records_are_known_by_their_members_and_what_is_known_may_be_in_use() {
        for (value, kind, may_be_in_use) in [
            (RECORD, RecordKind::Session, true),
            (r#"{"dpop_privatekey_multibase":"z4"}"#, RecordKind::Indigo, true),
            (r#"{"dpop_data":{}}"#, RecordKind::Jacquard, true),
            (r#"{"dpopKey":{},"authMethod":{}}"#, RecordKind::Atcute, true),
            (r#"{"value":{},"cachedAt":1}"#, RecordKind::Enveloped, true),
            (r#"{"tokenSet":{}}"#, RecordKind::DamagedSession, false),
            ("{}", RecordKind::OtherJson, false),
            ("[1]", RecordKind::OtherJson, false),
            (r#"{"tokenSet":"#, RecordKind::NoJson, false),
            ("", RecordKind::NoJson, false),
        ] {
            let found = RecordKind::of(value.as_bytes());
            assert_eq!((found, found.may_be_in_use()), (kind, may_be_in_use), "{value}");
        }
    }
}
