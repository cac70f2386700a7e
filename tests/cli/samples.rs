//! Keys, accounts, sessions and logins as apps have them, as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde_json::{Map, Value, json};

use crate::sandbox::NOW;

/// P-256 key of RFC 7517 appendix A.2 under the kid `key1`, in the form that the app signs with.
pub(crate) const KEY1: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","kid":"key1","alg":"ES256","key_ops":["sign"]}"#;
/// P-256 key of RFC 7515 appendix A.3 under the kid `key2`, without further members.
pub(crate) const KEY2: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","kid":"key2"}"#;

/// Account of an ordinary user.
pub(crate) const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
/// Account of another user.
pub(crate) const BOB: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";

/// Returns the time this long before [`NOW`].
pub(crate) fn ago(age: &str) -> Timestamp {
    let now: Timestamp = NOW.parse().unwrap();
    let span: Span = age.parse().unwrap();
    now - span.to_duration(SpanRelativeTo::days_are_24_hours()).unwrap()
}

/// Returns a session as stored by the app's client library, refreshed this long ago.
pub(crate) fn session(did: &str, refreshed: &str) -> Value {
    let refreshed = ago(refreshed);
    let expires = refreshed + Span::new().hours(1);
    let claims = json!({"sub": did, "iat": refreshed.as_second(), "exp": expires.as_second()});
    let access_token =
        format!("eyJ0eXAiOiJhdCtqd3QifQ.{}.c2ln", BASE64URL.encode(claims.to_string()));
    json!({
        "authMethod": {"method": "private_key_jwt", "kid": "key1"},
        "tokenSet": {
            "aud": "https://pds.example.com/",
            "sub": did,
            "iss": "https://auth.example.com",
            "scope": "atproto transition:generic",
            "refresh_token": "ref-0123456789abcdef",
            "access_token": access_token,
            "token_type": "DPoP",
            "expires_at": format!("{expires:.3}"),
        },
        "dpopJwk": {"kty": "EC", "crv": "secp256k1", "x": "dpop-x", "y": "dpop-y", "d": "dpop-private"},
    })
}

/// Returns a pending login as stored by the app's client library.
pub(crate) fn state(kid: &str) -> Value {
    json!({
        "iss": "https://auth.example.com",
        "authMethod": {"method": "private_key_jwt", "kid": kid},
        "verifier": "verifier-0123456789",
        "dpopJwk": {"kty": "EC", "crv": "secp256k1", "x": "dpop-x", "y": "dpop-y", "d": "dpop-private"},
    })
}

/// Returns the counts of a run, of the JSON document that it has printed.
pub(crate) fn counts(text: &str) -> Map<String, Value> {
    object(text)["counts"].as_object().unwrap().clone()
}

/// Parses a text that consists of one JSON object.
pub(crate) fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Returns a JWK with some members changed. Null removes one.
pub(crate) fn jwk_with(jwk: &str, changes: &Value) -> String {
    let mut members = object(jwk);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    Value::Object(members).to_string()
}
