//! Records as `@atproto/oauth-client-node` writes them: `NodeSavedSession` and `NodeSavedState`.

use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::edit::Members;
use super::read::{ClientAuth, Jwk, Parts, Text, TokenSet, json_problem, optional, text};
use super::{Format, Malformed, PartNames, PrivateJwk};
use crate::secret::Secret;
use crate::session::{PendingLogin, Session};

/// Format of the Node client.
pub struct Node;

const NAMES: PartNames =
    PartNames { token_set: "tokenSet", client_auth: "authMethod", dpop_key: "dpopJwk" };

#[derive(Deserialize)]
struct RawSession<'a> {
    #[serde(borrow, rename = "authMethod")]
    client_auth: Option<ClientAuth<'a>>,
    #[serde(borrow, rename = "tokenSet")]
    token_set: Option<TokenSet<'a>>,
    #[serde(borrow, rename = "dpopJwk")]
    dpop_key: Option<Jwk<'a>>,
}

#[derive(Deserialize)]
struct RawLogin<'a> {
    #[serde(borrow)]
    iss: Option<Text<'a>>,
    #[serde(borrow, rename = "authMethod")]
    client_auth: Option<ClientAuth<'a>>,
    #[serde(borrow)]
    verifier: Option<Text<'a>>,
}

impl Format for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn library(&self) -> &'static str {
        "the Node client"
    }

    fn lock_prefix(&self) -> &'static str {
        "@atproto-oauth-client-"
    }

    fn part_names(&self) -> &'static PartNames {
        &NAMES
    }

    fn expiry(&self, at: Timestamp) -> String {
        // As JavaScript's `toISOString`.
        format!("\"{at:.3}\"")
    }

    fn session<'a>(&self, record: &'a [u8]) -> Result<Session<'a>, Malformed> {
        // One UTF-8 check of the whole record is faster than one per member.
        let record = std::str::from_utf8(record).map_err(|_| Malformed("not JSON"))?;
        let raw: RawSession<'a> = serde_json::from_str(record).map_err(|e| json_problem(&e))?;
        let RawSession { client_auth, token_set, dpop_key } = raw;
        let parts = Parts { token_set, client_auth, dpop_key };
        parts.session(&Self, |expiry| optional(expiry)?.parse().ok())
    }

    fn login<'a>(&self, record: &'a [u8]) -> Result<PendingLogin<'a>, Malformed> {
        let raw: RawLogin<'a> = serde_json::from_slice(record).map_err(|e| json_problem(&e))?;
        if raw.verifier.is_none() {
            return Err(Malformed("no verifier"));
        }
        Ok(PendingLogin {
            issuer: text(raw.iss).ok_or(Malformed("no iss"))?.into(),
            client_auth: raw.client_auth.map(ClientAuth::into_known).transpose()?,
        })
    }

    fn write(
        &self,
        session: &Session<'_>,
        key: &PrivateJwk,
    ) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let mut tokens = Members::default();
        tokens.insert_texts(&[
            ("aud", session.pds.as_deref()),
            ("sub", Some(&session.did)),
            ("iss", Some(session.issuer.as_str())),
            ("scope", session.scope.as_deref()),
            ("refresh_token", session.refresh_token.as_ref().map(Secret::expose_secret)),
            ("access_token", Some(session.access_token.as_secret().expose_secret())),
            ("token_type", Some("DPoP")),
        ]);
        if let Some(at) = session.expires_at {
            tokens.insert("expires_at", self.expiry(at));
        }
        let PrivateJwk { crv, x, y, d } = key;
        let mut jwk = Members::default();
        jwk.insert_texts(&[
            ("kty", Some("EC")),
            ("crv", Some(crv)),
            ("x", Some(x)),
            ("y", Some(y)),
            ("d", Some(d.expose_secret())),
        ]);
        let mut record = Members::default();
        record.insert_client_auth(NAMES.client_auth, session)?;
        record.insert(NAMES.token_set, tokens.to_json());
        record.insert(NAMES.dpop_key, jwk.to_json());
        Ok(record.to_bytes())
    }

    #[cfg(test)]
    fn samples(&self) -> [&'static str; 2] {
        [tests::RECORD, tests::LOGIN]
    }
}

#[cfg(test)]
pub(in crate::session) mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::session::{AuthMethod, Renewal};

    /// Record as a real client wrote it, tokens and keys replaced.
    pub(in crate::session) const RECORD: &str = r#"{"authMethod":{"method":"private_key_jwt","kid":"k1"},
        "tokenSet":{"aud":"https://pds.example/","sub":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","iss":"https://as.example",
        "scope":"atproto transition:generic","refresh_token":"ref-1","access_token":"a.eyJpYXQiOjEwMDB9.c",
        "token_type":"DPoP","expires_at":"2026-11-23T09:02:00.978Z"},
        "dpopJwk":{"kty":"EC","crv":"secp256k1","x":"x","y":"y","d":"d"}}"#;

    pub(in crate::session) const LOGIN: &str = r#"{"iss":"https://as.example","authMethod":{"method":"private_key_jwt","kid":"k1"},
        "dpopJwk":{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"d"},"verifier":"v","appState":"a"}"#;

    #[test]
    fn a_record_of_the_real_client_is_read() {
        let session = Node.session(RECORD.as_bytes()).unwrap();
        assert_eq!(session.did, "did:plc:ewvi7nxzyoun6zhxrhs64oiz");
        assert_eq!(session.client_auth, Some(AuthMethod::PrivateKeyJwt("k1".into())));
        assert_eq!(session.dpop.alg, Some("ES256K"));
        assert_eq!(session.expires_at.unwrap().to_string(), "2026-11-23T09:02:00.978Z");
        assert_eq!(session.access_token.issued_at().unwrap().as_second(), 1000);
        assert_eq!(session.refresh_token.as_ref().map(Secret::expose_secret), Some("ref-1"));
        assert!(matches!(session.did, Cow::Borrowed(_)));
    }

    #[test]
    fn what_the_client_tolerates_is_read() {
        for (from, to) in [
            ("09:02:00.978Z", "09:02:00.978123+00:00"),
            ("09:02:00.978Z", "09:02:00Z"),
            (r#","expires_at":"2026-11-23T09:02:00.978Z""#, ""),
            (r#""kty":"EC""#, r#""alg":"ES256K","kid":"x","kty":"EC""#),
            (r#"{"authMethod""#, r#"{"later":[1],"authMethod""#),
        ] {
            let record = RECORD.replace(from, to);
            assert_ne!(record, RECORD);
            assert!(Node.session(record.as_bytes()).is_ok(), "{to}");
        }
    }

    #[test]
    fn an_optional_member_that_cannot_be_read_is_unknown() {
        let expiry = r#""2026-11-23T09:02:00.978Z""#;
        for text in [
            r#""2026-11-23T09:02:00""#,
            r#""2026-11-23 09:02""#,
            r#""Mon, 23 Nov 2026 09:02:00 GMT""#,
            r#""1795424520978""#,
            "1795424520978",
            "1795424520.978",
            r#""yesterday""#,
            r#""""#,
            "true",
            "{}",
        ] {
            let record = RECORD.replace(expiry, text);
            let session = Node.session(record.as_bytes()).unwrap();
            assert_eq!((session.expires_at, session.has_unreadable_expiry), (None, true), "{text}");
        }
        for record in [
            RECORD.replace(expiry, "null"),
            RECORD.replace(&format!(r#","expires_at":{expiry}"#), ""),
        ] {
            let session = Node.session(record.as_bytes()).unwrap();
            assert_eq!(
                (session.expires_at, session.has_unreadable_expiry),
                (None, false),
                "{record}"
            );
        }
        let record = RECORD
            .replace(r#""https://pds.example/""#, "[]")
            .replace(r#""atproto transition:generic""#, "7");
        let session = Node.session(record.as_bytes()).unwrap();
        assert_eq!((session.pds, session.scope), (None, None));
    }

    #[test]
    fn what_is_no_session_says_why() {
        for (from, to, why) in [
            (RECORD, "", "not JSON"),
            (RECORD, "{}", "no token set"),
            (RECORD, "\"text\"", "a member has the wrong type"),
            ("authMethod", "x", "no client authentication, as in records of very old clients"),
            (r#""kid":"k1""#, r#""x":1"#, "the client authentication has no kid"),
            ("private_key_jwt", "client_secret_basic", "unknown method of client authentication"),
            (r#","d":"d""#, "", "the DPoP key has no private part"),
            (r#""sub""#, r#""subject""#, "no sub in the token set"),
        ] {
            let record = RECORD.replace(from, to);
            assert_eq!(Node.session(record.as_bytes()).err(), Some(Malformed(why)), "{to}");
        }
    }

    fn renewed(record: &str, renewal: &Renewal<'_>) -> String {
        String::from_utf8(Node.renew(record.as_bytes(), renewal).unwrap().to_vec()).unwrap()
    }

    static ACCESS_TOKEN: Secret<'static> = Secret::new("new-access");
    static REFRESH_TOKEN: Secret<'static> = Secret::new("ref-2");

    static RENEWAL: Renewal<'static> = Renewal {
        access_token: &ACCESS_TOKEN,
        refresh_token: Some(&REFRESH_TOKEN),
        scope: Some("atproto"),
        expires_at: None,
        pds: None,
        kid: None,
    };

    #[test]
    fn only_what_changed_is_written_anew() {
        let before = RECORD.replace(r#"{"authMethod""#, r#"{"later":[1, 2],"authMethod""#);
        let at = "2026-12-01T10:00:00Z".parse().unwrap();
        let pds = Some("https://new.example/");
        let after = renewed(&before, &Renewal { expires_at: Some(at), pds, ..RENEWAL });
        let expected = before
            .replace("a.eyJpYXQiOjEwMDB9.c", "new-access")
            .replace("ref-1", "ref-2")
            .replace("atproto transition:generic", "atproto")
            .replace("2026-11-23T09:02:00.978Z", "2026-12-01T10:00:00.000Z")
            .replace(r#""aud":"https://pds.example/""#, r#""aud":"https://new.example/""#)
            .replace("\n        ", "");
        assert_eq!(after, expected);
    }

    #[test]
    fn what_the_server_leaves_out_stays_but_for_the_expiry() {
        let after = renewed(RECORD, &Renewal { refresh_token: None, scope: None, ..RENEWAL });
        let session = Node.session(after.as_bytes()).unwrap();
        assert_eq!(session.scope.as_deref(), Some("atproto transition:generic"));
        assert_eq!(session.expires_at, None);
        assert_eq!(session.refresh_token.as_ref().map(Secret::expose_secret), Some("ref-1"));
    }

    #[test]
    fn what_a_refresh_changed_is_adopted_and_nothing_else() {
        let renewed = renewed(RECORD, &RENEWAL);
        let touched = RECORD.replace(r#"{"authMethod""#, r#"{"seen":1,"authMethod""#);
        let adopted = Node.adopt(touched.as_bytes(), renewed.as_bytes()).unwrap();
        assert_eq!(Node.session(&adopted).unwrap().refresh_token.as_ref(), Some(&REFRESH_TOKEN));
        assert_eq!(
            adopted,
            renewed.replace(r#"{"authMethod""#, r#"{"seen":1,"authMethod""#).into_bytes().into()
        );
    }

    #[test]
    fn a_public_session_is_bound_to_its_new_key() {
        let public =
            RECORD.replace(r#""method":"private_key_jwt","kid":"k1""#, r#""method":"none""#);
        let bound = renewed(&public, &Renewal { kid: Some("k1"), ..RENEWAL });
        let session = Node.session(bound.as_bytes()).unwrap();
        assert_eq!(session.client_auth, Some(AuthMethod::PrivateKeyJwt("k1".into())));
    }
}
