//! A session record that can be changed: the raw JSON it was read from, of which only what changed is written anew.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

/// A record of the Node client, whole. Unknown members and the order of members survive.
pub struct Record(Map<String, Value>);

/// What a server answered to a refresh, as far as the record keeps it (RFC 6749 section 5.1).
pub struct NewTokens<'a> {
    /// The new access token.
    pub access_token: &'a str,
    /// The new refresh token; without one the old one stays valid.
    pub refresh_token: Option<&'a str>,
    /// The scope, where the server repeats it.
    pub scope: Option<&'a str>,
    /// When the access token expires, where the server says so.
    pub expires_at: Option<Timestamp>,
    /// The resource server, where it was resolved for this refresh: the URL of the PDS.
    pub audience: Option<&'a str>,
}

impl Record {
    /// Reads a record that [`super::NodeSession`] has found well-formed.
    pub fn parse(value: &[u8]) -> Option<Self> {
        serde_json::from_slice(value).ok().map(Self)
    }

    /// The refresh token. A secret.
    pub fn refresh_token(&self) -> Option<&str> {
        self.token_set()?.get("refresh_token")?.as_str()
    }

    /// The private DPoP key as a JWK. A secret.
    pub fn dpop_jwk(&self) -> Option<&Map<String, Value>> {
        self.0.get("dpopJwk")?.as_object()
    }

    /// Takes the server's answer in. An expiry that the server no longer states is removed: the old one is wrong now.
    pub fn renew(&mut self, tokens: &NewTokens<'_>) {
        let Some(set) = self.0.get_mut("tokenSet").and_then(Value::as_object_mut) else { return };
        set.insert("access_token".to_owned(), json!(tokens.access_token));
        // The only type that was accepted (RFC 9449 section 5).
        set.insert("token_type".to_owned(), json!("DPoP"));
        if let Some(token) = tokens.refresh_token {
            set.insert("refresh_token".to_owned(), json!(token));
        }
        if let Some(scope) = tokens.scope {
            set.insert("scope".to_owned(), json!(scope));
        }
        // The Node client sends its requests there, and writes it anew at every refresh.
        if let Some(audience) = tokens.audience {
            set.insert("aud".to_owned(), json!(audience));
        }
        match tokens.expires_at {
            Some(at) => drop(set.insert("expires_at".to_owned(), json!(format!("{at:.3}")))),
            None => drop(set.shift_remove("expires_at")),
        }
    }

    /// Takes over what an exchange changed in another copy of the record.
    pub fn adopt(&mut self, renewed: &Self) {
        for name in ["tokenSet", "authMethod"] {
            if let Some(member) = renewed.0.get(name) {
                self.0.insert(name.to_owned(), member.clone());
            }
        }
    }

    /// Binds the session to a client key (RFC 7523).
    pub fn bind_to(&mut self, kid: &str) {
        self.0.insert("authMethod".to_owned(), json!({ "method": "private_key_jwt", "kid": kid }));
    }

    /// The record as it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("a map of JSON values is JSON")
    }

    fn token_set(&self) -> Option<&Map<String, Value>> {
        self.0.get("tokenSet")?.as_object()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        for (object, secrets) in [("tokenSet", &["refresh_token", "access_token"][..]), ("dpopJwk", &["d"])] {
            for name in secrets {
                if let Some(Value::String(secret)) = self.0.get_mut(object).and_then(|o| o.get_mut(name)) {
                    secret.zeroize();
                }
            }
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Record(…)")
    }
}

/// A name for a secret or a record that does not give it away: the first 128 bits of its SHA-256, in hex.
pub fn fingerprint(secret: &[u8]) -> String {
    let digest = Sha256::digest(secret);
    format!("{:032x}", u128::from_be_bytes(*digest.first_chunk().expect("SHA-256 has 32 bytes")))
}

#[cfg(test)]
mod tests {
    use super::super::node::NodeSession;
    use super::super::node::tests::RECORD;
    use super::*;

    fn renewed(record: &str, tokens: &NewTokens<'_>) -> String {
        let mut record = Record::parse(record.as_bytes()).unwrap();
        record.renew(tokens);
        String::from_utf8(record.to_bytes()).unwrap()
    }

    const TOKENS: NewTokens<'static> = NewTokens {
        access_token: "new-access",
        refresh_token: Some("ref-2"),
        scope: Some("atproto"),
        expires_at: None,
        audience: None,
    };

    #[test]
    fn only_what_changed_is_written_anew() {
        let before = RECORD.replace(r#"{"authMethod""#, r#"{"later":[1, 2],"authMethod""#);
        let at = "2026-12-01T10:00:00Z".parse().unwrap();
        let audience = Some("https://new.example/");
        let after = renewed(&before, &NewTokens { expires_at: Some(at), audience, ..TOKENS });
        let expected: Value = serde_json::from_str(
            &before
                .replace("a.eyJpYXQiOjEwMDB9.c", "new-access")
                .replace("ref-1", "ref-2")
                .replace("atproto transition:generic", "atproto")
                .replace("2026-11-23T09:02:00.978Z", "2026-12-01T10:00:00.000Z")
                .replace(r#""aud":"https://pds.example/""#, r#""aud":"https://new.example/""#),
        )
        .unwrap();
        assert_eq!(after, expected.to_string());
    }

    #[test]
    fn what_the_server_leaves_out_stays_but_for_the_expiry() {
        let after = renewed(RECORD, &NewTokens { refresh_token: None, scope: None, ..TOKENS });
        let session = NodeSession::parse(after.as_bytes()).unwrap();
        assert_eq!(session.scope.as_deref(), Some("atproto transition:generic"));
        assert_eq!(session.expires_at, None);
        assert_eq!(Record::parse(after.as_bytes()).unwrap().refresh_token(), Some("ref-1"));
    }

    #[test]
    fn what_an_exchange_changed_is_taken_over_and_nothing_else() {
        let renewed = Record::parse(renewed(RECORD, &TOKENS).as_bytes()).unwrap();
        let touched = RECORD.replace(r#"{"authMethod""#, r#"{"seen":1,"authMethod""#);
        let mut record = Record::parse(touched.as_bytes()).unwrap();
        record.adopt(&renewed);
        assert_eq!(record.refresh_token(), Some("ref-2"));
        assert_eq!(record.0.get("seen"), Some(&json!(1)));
    }

    #[test]
    fn a_public_session_is_bound_to_its_new_key() {
        let public = RECORD.replace(r#""method":"private_key_jwt","kid":"k1""#, r#""method":"none""#);
        let mut record = Record::parse(public.as_bytes()).unwrap();
        record.bind_to("k1");
        let bytes = record.to_bytes();
        let session = NodeSession::parse(&bytes).unwrap();
        assert_eq!(session.auth_method.into_kid().as_deref(), Some("k1"));
    }

    #[test]
    fn a_fingerprint_is_the_beginning_of_the_hash_of_fips_180() {
        assert_eq!(fingerprint(b"abc"), "ba7816bf8f01cfea414140de5dae2223");
        // What begins with zeros is no shorter.
        assert_eq!(fingerprint(b"886"), "000f21ac06aceb9cdd0575e82d0d85fc");
    }
}
