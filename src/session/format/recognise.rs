//! Recognises the library that wrote a stored value, and values that cannot belong to anyone.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{FORMATS, Format};
use crate::session::Session;

/// Kind of a value, detected from its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// Session.
    Session(&'static dyn Format),
    /// Pending login.
    Login(&'static dyn Format),
    /// Damaged record, or one of an old version of the library.
    Damaged(&'static dyn Format),
    /// Record of an unsupported library, with its description. Such records are never changed.
    Unsupported(&'static str),
    /// Record in an envelope, while the layout has none.
    Enveloped,
    /// JSON encoded as a string inside JSON.
    Nested,
    /// JSON of unknown shape.
    OtherJson,
    /// Text or bytes that are not JSON.
    NoJson,
    /// No value at all.
    Empty,
}

/// Members of a JSON object.
#[derive(Deserialize)]
#[serde(transparent)]
struct Marks(HashMap<String, Option<IgnoredAny>>);

/// Unsupported libraries, with a test of the members. The first match counts.
const UNSUPPORTED: &[(&str, fn(&Marks) -> bool)] = &[
    ("a record of the Go library indigo, which is not supported", |marks| {
        let is_jacquard = marks.has("dpop_data") || marks.has("dpop_key");
        marks.has("dpop_privatekey_multibase") || marks.has("account_did") && !is_jacquard
    }),
    ("a record of the Rust library jacquard, which is not supported", |marks| {
        marks.has("dpop_data") || marks.has("account_did") && marks.has("dpop_key")
    }),
    ("a session of the Rust library atrium, which is not supported", |marks| {
        marks.has("dpop_key") || marks.has("token_set")
    }),
];

impl Recognised {
    /// Recognises a value.
    pub fn of(value: &[u8]) -> Self {
        if value.trim_ascii().is_empty() {
            return Self::Empty;
        }
        if let Ok(session) = Session::read(value) {
            return Self::Session(session.format);
        }
        if let Some(format) = FORMATS.iter().find(|format| format.login(value).is_ok()) {
            return Self::Login(*format);
        }
        match serde_json::from_slice::<Marks>(value) {
            Ok(marks) => marks.kind(),
            Err(_) if serde_json::from_slice::<String>(value).is_ok_and(|text| is_json(&text)) => {
                Self::Nested
            }
            Err(_) if serde_json::from_slice::<IgnoredAny>(value).is_ok() => Self::OtherJson,
            Err(_) => Self::NoJson,
        }
    }

    /// Describes the kind in a few words, without quoting the value.
    pub fn description(self) -> Cow<'static, str> {
        match self {
            Self::Session(format) => format!("a session of {}", format.library()).into(),
            Self::Login(format) => format!("a pending login of {}", format.library()).into(),
            Self::Damaged(format) => {
                format!("a damaged or old session of {}", format.library()).into()
            }
            Self::Unsupported(description) => description.into(),
            Self::Enveloped => "a record in an envelope {value, ttl, cachedAt}".into(),
            Self::Nested => "JSON encoded twice".into(),
            Self::OtherJson => "JSON of unknown shape".into(),
            Self::NoJson => "not JSON".into(),
            Self::Empty => "empty".into(),
        }
    }
}

impl Marks {
    /// Checks whether the object has a member of this name that is not `null`.
    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Option::is_some)
    }

    fn kind(&self) -> Recognised {
        if let Some((description, _)) = UNSUPPORTED.iter().find(|(_, claims)| claims(self)) {
            Recognised::Unsupported(description)
        } else if self.has("cachedAt") {
            Recognised::Enveloped
        } else if let Some(format) = self.nearest_format() {
            Recognised::Damaged(format)
        } else {
            Recognised::OtherJson
        }
    }

    /// Returns the format with most of these members, the first of several. The name of the DPoP
    /// key counts more than that of the token set, which several libraries share.
    fn nearest_format(&self) -> Option<&'static dyn Format> {
        let parts = |format: &dyn Format| {
            let names = format.part_names();
            (self.has(names.dpop_key), self.has(names.token_set))
        };
        let formats = FORMATS.iter().copied().filter(|format| parts(*format) != (false, false));
        // Of equal ones, `max_by_key` returns the last.
        formats.rev().max_by_key(|format| parts(*format))
    }
}

/// Checks whether a value provably belongs to no one: it is empty, or JSON of a known format with
/// neither a refresh token nor a private key at any depth. Text that is not JSON may be encrypted,
/// and JSON of unknown shape may be anything.
pub fn is_nobodys(value: &[u8]) -> bool {
    if value.trim_ascii().is_empty() {
        return true;
    }
    serde_json::from_slice(value).is_ok_and(|json| is_known(&json) && !may_be_secret("", &json))
}

/// Members of the known formats that contain neither a refresh token nor a private key. A text
/// under any other name may be one, perhaps encrypted.
const PUBLIC_MEMBERS: &str = "\
    access_token account_did alg aud authserver_revocation_endpoint authserver_token_endpoint authserver_url \
    created_at crv did dpop_authserver_nonce dpop_host_nonce expires_at handle host_url iss issuer key_ops kid \
    kty lastUpdatedAt method pds_url redirectUri request_uri scope scopes session_id state sub token_type \
    updated_at use x y";

fn is_json(text: &str) -> bool {
    text.starts_with(['{', '[', '"']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_known(json: &Value) -> bool {
    match json {
        Value::String(text) => serde_json::from_str(text).is_ok_and(|inner| is_known(&inner)),
        Value::Object(members) => match Marks::deserialize(json).map(|marks| marks.kind()) {
            Ok(Recognised::OtherJson) | Err(_) => false,
            Ok(Recognised::Enveloped) => members.get("value").is_some_and(is_known),
            Ok(_) => true,
        },
        _ => false,
    }
}

/// Checks whether a value under this name may be or contain a secret.
fn may_be_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| may_be_secret(name, value)),
        Value::Array(values) => values.iter().any(|value| may_be_secret(name, value)),
        Value::String(text) if is_json(text) => {
            serde_json::from_str(text).is_ok_and(|inner| may_be_secret(name, &inner))
        }
        Value::String(text) => {
            !text.is_empty() && !PUBLIC_MEMBERS.split(' ').any(|member| member == name)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RECORD;
    use super::super::atcute::Atcute;
    use super::super::conformance::bare;
    use super::super::node::Node;
    use super::*;

    const ACCOUNT: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    fn jwk() -> Value {
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "x": "x", "y": "y", "d": "secret"})
    }

    fn indigo() -> Value {
        json!({"account_did": ACCOUNT, "session_id": "s", "host_url": "https://pds.example",
            "authserver_url": "https://as.example", "authserver_token_endpoint": "https://as.example/oauth/token",
            "scopes": ["atproto"], "access_token": "a", "refresh_token": "ref-1", "dpop_authserver_nonce": "n",
            "dpop_host_nonce": "n", "dpop_privatekey_multibase": "z42t"})
    }

    fn indigo_login() -> Value {
        json!({"state": "s", "authserver_url": "https://as.example", "account_did": ACCOUNT, "scopes": ["atproto"],
            "request_uri": "urn:x", "pkce_verifier": "v", "dpop_authserver_nonce": "n",
            "dpop_privatekey_multibase": "z42t"})
    }

    fn tokens() -> Value {
        json!({"iss": "https://as.example", "sub": ACCOUNT, "aud": "https://pds.example/", "scope": "atproto",
            "access_token": "a", "refresh_token": "ref-1", "token_type": "DPoP", "expires_at": 1_790_000_000_000_i64})
    }

    fn atcute() -> Value {
        let auth = json!({"method": "private_key_jwt", "kid": "k1"});
        json!({"dpopKey": jwk(), "authMethod": auth, "tokenSet": tokens()})
    }

    fn jacquard() -> Value {
        json!({"account_did": ACCOUNT, "session_id": "s", "host_url": "https://pds.example",
            "authserver_url": "https://as.example", "authserver_token_endpoint": "https://as.example/oauth/token",
            "authserver_revocation_endpoint": null, "scopes": "atproto", "dpop_key": jwk(), "dpop_host_nonce": "n",
            "iss": "https://as.example", "sub": ACCOUNT, "aud": "https://pds.example/", "refresh_token": "ref-1",
            "access_token": "a", "token_type": "DPoP", "expires_at": "2026-11-23T09:02:00Z"})
    }

    fn atrium() -> Value {
        json!({"dpop_key": jwk(), "token_set": tokens()})
    }

    /// Records of all formats known from practice, as they stand in a store.
    fn samples() -> Vec<(&'static str, String, Recognised)> {
        use Recognised::{Enveloped, Nested, NoJson, OtherJson};
        let (session, login_kind, damaged) =
            (Recognised::Session(&Node), Recognised::Login(&Node), Recognised::Damaged(&Node));
        let [indigo_kind, jacquard_kind, atrium_kind] =
            [0, 1, 2].map(|n| Recognised::Unsupported(UNSUPPORTED[n].0));
        let node: Value = serde_json::from_str(RECORD).unwrap();
        let mut stamped = node.clone();
        stamped["lastUpdatedAt"] = json!(1_790_000_000_000_i64);
        let mut old = node.clone();
        old.as_object_mut().unwrap().shift_remove("authMethod");
        let login = json!({"iss": "https://as.example", "dpopJwk": jwk(), "verifier": "v", "appState": "a",
            "authMethod": {"method": "none"}});
        let atcute_login = json!({"dpopKey": jwk(), "authMethod": {"method": "none"}, "pkceVerifier": "v",
            "issuer": "https://as.example", "redirectUri": "https://app.example/", "expiresAt": 1});
        let jacquard_login = json!({"state": "s", "authserver_url": "https://as.example", "account_did": null,
            "request_uri": "urn:x", "pkce_verifier": "v", "dpop_key": jwk(), "dpop_authserver_nonce": null});
        let plyr = json!({"did": ACCOUNT, "authserver_iss": "https://as.example", "access_token": "a",
            "refresh_token": "ref-1", "dpop_private_key_pem": "-----BEGIN PRIVATE KEY-----"});
        let ruby = json!({"session_id": "s", "state_token": "t", "client_id": "c", "pkce_verifier": "v",
            "did": ACCOUNT, "tokens": {"access_token": "a", "refresh_token": "ref-1"}, "auth_server": {}});
        let tijs = json!({"did": ACCOUNT, "pdsUrl": "https://pds.example", "accessToken": "a",
            "refreshToken": "ref-1", "dpopPrivateKeyJWK": jwk(), "tokenExpiresAt": 1});
        let agblogger = json!({"access_token": "a", "did": ACCOUNT, "dpop_jwk": jwk(), "refresh_token": "ref-1"});
        let row = json!({"did": ACCOUNT, "handle": "a.example", "authserver_iss": "https://as.example",
            "access_token": "a", "refresh_token": "ref-1", "dpop_private_jwk": jwk().to_string()});
        let smokesignal = json!({"session_group": "g", "access_token": "a", "did": ACCOUNT, "refresh_token": "ref-1",
            "secret_jwk_id": "k1", "dpop_jwk": jwk(), "created_at": "2026-11-23T09:02:00Z"});
        let aip = json!({"session_id": "s", "iteration": 1, "did": ACCOUNT, "dpop_key": "did:key:z42t",
            "access_token": "a", "refresh_token": "ref-1", "access_token_scopes": []});
        let oatproxy = json!({"downstream_dpop_jkt": "j", "repo_did": ACCOUNT, "upstream_dpop_private_jwk": jwk(),
            "upstream_refresh_token": "ref-1"});
        let encrypted =
            json!({"session_data_encrypted": "b64", "session_iv": "iv", "session_auth_tag": "tag"});
        let text = |value: &Value| value.to_string();
        let envelope = |value: &Value| json!({"value": value, "ttl": 9, "cachedAt": 1}).to_string();
        vec![
            ("node", text(&node), session),
            ("node, stamped", text(&stamped), session),
            ("node, old", text(&old), damaged),
            ("node, encoded twice", text(&json!(text(&node))), Nested),
            ("node, encoded three times", text(&json!(text(&json!(text(&node))))), Nested),
            ("node, in unstorage", envelope(&node), Enveloped),
            ("node, login", text(&login), login_kind),
            ("atcute", text(&atcute()), Recognised::Session(&Atcute)),
            ("atcute, login", text(&atcute_login), Recognised::Login(&Atcute)),
            ("atcute, nested", text(&json!(text(&atcute()))), Nested),
            ("indigo", text(&indigo()), indigo_kind),
            ("indigo, login", text(&indigo_login()), indigo_kind),
            ("indigo, encoded twice", text(&json!(text(&indigo()))), Nested),
            (
                "tangled, companion",
                r#"{"created_at":"2026-11-23T09:02:00Z","updated_at":"x"}"#.to_owned(),
                OtherJson,
            ),
            ("jacquard", text(&jacquard()), jacquard_kind),
            (
                "jacquard, flattened less",
                json!({"dpop_data": {"dpop_key": jwk()}}).to_string(),
                jacquard_kind,
            ),
            ("jacquard, login", text(&jacquard_login), atrium_kind),
            ("jacquard, file", json!({"OAuth": jacquard()}).to_string(), OtherJson),
            ("atrium", text(&atrium()), atrium_kind),
            ("atrium, in a cache", envelope(&atrium()), Enveloped),
            ("plyr, decrypted", text(&plyr), OtherJson),
            ("atproto_auth", text(&ruby), OtherJson),
            ("tijs", text(&tijs), OtherJson),
            ("AgBlogger", text(&agblogger), OtherJson),
            (
                "laravel-bluesky",
                r#"{"access_token":"a","refresh_token":"ref-1","iss":"i","did":"d"}"#.to_owned(),
                OtherJson,
            ),
            ("cookbook-python, a row", text(&row), OtherJson),
            ("smokesignal, a row", text(&smokesignal), OtherJson),
            ("aip and quickslice, a row", text(&aip), atrium_kind),
            ("oatproxy, a row", text(&oatproxy), OtherJson),
            ("encrypted members", text(&encrypted), OtherJson),
            ("chive", "q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0VniQEg==".to_owned(), NoJson),
            ("plyr", "gAAAAABnQ0pX8J2Zb0Wc3o1rQm5sVtYw".to_owned(), NoJson),
            ("onrepeat.fm", "enc1.q83vEjRWeJASNFZ4".to_owned(), NoJson),
            ("Erlang terms", "\u{0}\u{83}h".to_owned(), NoJson),
        ]
    }

    #[test]
    fn every_known_format_is_somebodys() {
        for (name, value, kind) in samples() {
            assert_eq!(
                (Recognised::of(value.as_bytes()), is_nobodys(value.as_bytes())),
                (kind, false),
                "{name}"
            );
        }
    }

    #[test]
    fn a_known_format_without_token_and_key_is_nobodys() {
        let node: Value = serde_json::from_str(RECORD).unwrap();
        for record in [node, atcute(), indigo(), jacquard(), atrium()] {
            let bare = bare(&record);
            for value in [bare.to_string(), json!(bare.to_string()).to_string()] {
                assert!(is_nobodys(value.as_bytes()), "{value}");
            }
            let envelope = json!({"value": bare, "ttl": 9, "cachedAt": 1}).to_string();
            assert!(is_nobodys(envelope.as_bytes()), "{envelope}");
        }
        for value in [
            "",
            " \n",
            r#"{"tokenSet":{}}"#,
            r#"{"tokenSet":{"refresh_token":null},"dpopJwk":{"d":""}}"#,
        ] {
            assert!(is_nobodys(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn a_trace_of_a_secret_is_enough_to_keep_a_record() {
        for value in [
            r#"{"tokenSet":{"refresh_token":"ref-1"}}"#,
            r#"{"tokenSet":{},"dpopJwk":{"d":"d"}}"#,
            r#"{"tokenSet":{},"more":[{"RefreshToken":"x"}]}"#,
            r#"{"tokenSet":{},"more":"{\"refresh_token\":\"x\"}"}"#,
            r#"{"tokenSet":{},"key":"-----BEGIN EC PRIVATE KEY-----"}"#,
            r#"{"tokenSet":"AES:q83vEjRWeJASNFZ4","dpopJwk":{}}"#,
            r#"{"tokenSet":{},"dpopJwk":"AES:q83vEjRWeJASNFZ4"}"#,
            r#"{"tokenSet":{"iv":"q83v","ct":"EjRWeJASNFZ4"},"dpopJwk":{"iv":"q83v","ct":"EjRW"}}"#,
            r#"{"tokenSet":{"tokensRef":"t-1"},"dpopJwk":{"keyRef":"k-1"}}"#,
            r#"{"tokenSet":{"sub":"did:plc:a","rt":"ref-1"}}"#,
            r#"{"value":"q83vEjRWeJASNFZ4","cachedAt":1}"#,
            r#"{"value":null,"cachedAt":1}"#,
            r#"{"tokenSet":"#,
            "{}",
            "[]",
            "null",
            "0",
            r#""""#,
        ] {
            assert!(!is_nobodys(value.as_bytes()), "{value}");
        }
        assert!(!is_nobodys("[".repeat(100_000).as_bytes()));
        assert!(!is_nobodys(b"\xff\x00"));
    }
}
