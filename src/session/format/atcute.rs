//! Records as `@atcute/oauth-node-client` writes them: `StoredSession` and `StoredState`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::edit::Members;
use super::read::{ClientAuth, Jwk, Parts, Text, TokenSet, json_problem, text};
use super::{Format, Malformed, PartNames, PrivateJwk};
use crate::secret::Secret;
use crate::session::{PendingLogin, Session};

/// Format of atcute.
pub struct Atcute;

const NAMES: PartNames =
    PartNames { token_set: "tokenSet", client_auth: "authMethod", dpop_key: "dpopKey" };

#[derive(Deserialize)]
struct RawSession<'a> {
    #[serde(borrow, rename = "authMethod")]
    client_auth: Option<ClientAuth<'a>>,
    #[serde(borrow, rename = "tokenSet")]
    token_set: Option<TokenSet<'a>>,
    #[serde(borrow, rename = "dpopKey")]
    dpop_key: Option<Jwk<'a>>,
}

#[derive(Deserialize)]
struct RawLogin<'a> {
    #[serde(borrow)]
    issuer: Option<Text<'a>>,
    #[serde(borrow, rename = "authMethod")]
    client_auth: Option<ClientAuth<'a>>,
    #[serde(borrow, rename = "pkceVerifier")]
    verifier: Option<Text<'a>>,
}

impl Format for Atcute {
    fn name(&self) -> &'static str {
        "atcute"
    }

    fn library(&self) -> &'static str {
        "atcute"
    }

    fn lock_prefix(&self) -> &'static str {
        "oauth-session-"
    }

    fn part_names(&self) -> &'static PartNames {
        &NAMES
    }

    fn expiry(&self, at: Timestamp) -> String {
        at.as_millisecond().to_string()
    }

    fn session<'a>(&self, record: &'a [u8]) -> Result<Session<'a>, Malformed> {
        // One UTF-8 check of the whole record is faster than one per member.
        let record = std::str::from_utf8(record).map_err(|_| Malformed("not JSON"))?;
        let raw: RawSession<'a> = serde_json::from_str(record).map_err(|e| json_problem(&e))?;
        let RawSession { client_auth, token_set, dpop_key } = raw;
        Parts { token_set, client_auth, dpop_key }.session(&Self, milliseconds)
    }

    fn login<'a>(&self, record: &'a [u8]) -> Result<PendingLogin<'a>, Malformed> {
        let raw: RawLogin<'a> = serde_json::from_slice(record).map_err(|e| json_problem(&e))?;
        if raw.verifier.is_none() {
            return Err(Malformed("no pkceVerifier"));
        }
        Ok(PendingLogin {
            issuer: text(raw.issuer).ok_or(Malformed("no issuer"))?.into(),
            client_auth: raw.client_auth.map(ClientAuth::into_known).transpose()?,
        })
    }

    fn write(
        &self,
        session: &Session<'_>,
        key: &PrivateJwk,
    ) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        if session.dpop.alg != Some("ES256") {
            return Err(Malformed("its DPoP key is not ES256, and atcute can use no other"));
        }
        let mut tokens = Members::default();
        tokens.insert_texts(&[
            ("iss", Some(session.issuer.as_str())),
            ("sub", Some(&session.did)),
            ("aud", session.pds.as_deref()),
            ("scope", session.scope.as_deref()),
            ("access_token", Some(session.access_token.as_secret().expose_secret())),
            ("refresh_token", session.refresh_token.as_ref().map(Secret::expose_secret)),
            ("token_type", Some("DPoP")),
        ]);
        if let Some(at) = session.expires_at {
            tokens.insert("expires_at", self.expiry(at));
        }
        let PrivateJwk { crv, x, y, d } = key;
        let mut jwk = Members::default();
        jwk.insert("key_ops", r#"["sign"]"#.to_owned());
        jwk.insert("ext", "true".to_owned());
        jwk.insert_texts(&[
            ("kty", Some("EC")),
            ("x", Some(x)),
            ("y", Some(y)),
            ("crv", Some(crv)),
            ("d", Some(d.expose_secret())),
            ("alg", Some("ES256")),
        ]);
        let mut record = Members::default();
        record.insert(NAMES.dpop_key, jwk.to_json());
        record.insert_client_auth(NAMES.client_auth, session)?;
        record.insert(NAMES.token_set, tokens.to_json());
        Ok(record.to_bytes())
    }

    #[cfg(test)]
    fn samples(&self) -> [&'static str; 2] {
        [tests::RECORD, tests::LOGIN]
    }
}

/// Reads a time in milliseconds since the epoch. The library treats other notations as no expiry.
fn milliseconds(json: &RawValue) -> Option<Timestamp> {
    let at: f64 = json.get().parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "times have no fractions of a millisecond")]
    Timestamp::from_millisecond(at as i64).ok()
}

#[cfg(test)]
pub(in crate::session) mod tests {
    use super::*;
    use crate::session::{AuthMethod, Renewal};

    /// Record as version 2.0.1 wrote it, tokens and keys replaced.
    pub(in crate::session) const RECORD: &str = r#"{"dpopKey":{"key_ops":["sign"],"ext":true,"kty":"EC","x":"x","y":"y","crv":"P-256","d":"d","alg":"ES256"},"authMethod":{"method":"private_key_jwt","kid":"kid-1"},"tokenSet":{"iss":"https://as.example","sub":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","aud":"https://pds.example/","scope":"atproto transition:generic","access_token":"a.eyJpYXQiOjEwMDB9.c","refresh_token":"ref-1","token_type":"DPoP","expires_at":1795971809352}}"#;

    /// Pending login as version 2.0.1 wrote it.
    pub(in crate::session) const LOGIN: &str = r#"{"dpopKey":{"key_ops":["sign"],"ext":true,"kty":"EC","x":"x","y":"y","crv":"P-256","d":"d","alg":"ES256"},"authMethod":{"method":"private_key_jwt","kid":"kid-1"},"pkceVerifier":"v","issuer":"https://as.example","redirectUri":"https://app.example/callback","sub":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","userState":{"returnTo":"/"},"expiresAt":1795968810489}"#;

    const KEY_OPS: &str = r#""key_ops":["sign"],"ext":true,"#;

    #[test]
    fn records_of_both_versions_are_read() {
        // Version 0.1.3 differs only in the key.
        for record in [RECORD, &RECORD.replace(KEY_OPS, "")] {
            let session = Atcute.session(record.as_bytes()).unwrap();
            assert_eq!(session.did, "did:plc:ewvi7nxzyoun6zhxrhs64oiz");
            assert_eq!(session.client_auth, Some(AuthMethod::PrivateKeyJwt("kid-1".into())));
            assert_eq!(
                (session.pds.as_deref(), session.dpop.alg),
                (Some("https://pds.example/"), Some("ES256"))
            );
            assert_eq!(session.expires_at.unwrap().to_string(), "2026-11-29T17:03:29.352Z");
            assert_eq!(session.refresh_token.as_ref().map(Secret::expose_secret), Some("ref-1"));
        }
    }

    #[test]
    fn what_the_library_tolerates_is_read() {
        for (from, to) in [
            (r#","expires_at":1795971809352"#, ""),
            (r#""scope":"atproto transition:generic","#, ""),
            (r#","refresh_token":"ref-1""#, ""),
            (r#""alg":"ES256""#, r#""alg":"ES256","kid":"x","use":"sig","later":1"#),
            (r#"{"method":"private_key_jwt","kid":"kid-1"}"#, r#"{"method":"none"}"#),
        ] {
            let record = RECORD.replace(from, to);
            assert_ne!(record, RECORD);
            assert!(Atcute.session(record.as_bytes()).is_ok(), "{to}");
        }
    }

    #[test]
    fn expiry_is_read_as_the_library_reads_it() {
        let read = |json: &str| {
            let record = RECORD.replace("1795971809352", json);
            let session = Atcute.session(record.as_bytes()).unwrap();
            (session.expires_at.map(Timestamp::as_millisecond), session.has_unreadable_expiry)
        };
        assert_eq!(read("1795971809352.75"), (Some(1_795_971_809_352), false));
        assert_eq!(read("1.795971809352e12"), (Some(1_795_971_809_352), false));
        // In seconds, that is long ago.
        assert_eq!(read("1795971809"), (Some(1_795_971_809), false));
        assert_eq!(read("null"), (None, false));
        for json in
            [r#""2026-11-23T09:02:00.978Z""#, r#""1795971809352""#, "true", "{}", "[]", "9e99"]
        {
            assert_eq!(read(json), (None, true), "{json}");
        }
    }

    #[test]
    fn what_is_no_session_says_why() {
        for (from, to, why) in [
            (RECORD, "", "not JSON"),
            (RECORD, "{}", "no token set"),
            ("dpopKey", "dpopJwk", "no DPoP key"),
            (r#","d":"d""#, "", "the DPoP key has no private part"),
            ("authMethod", "x", "no client authentication, as in records of very old clients"),
            (r#","kid":"kid-1""#, "", "the client authentication has no kid"),
            (
                r#"{"method":"private_key_jwt","kid":"kid-1"}"#,
                r#""private_key_jwt""#,
                "a member has the wrong type",
            ),
        ] {
            let record = RECORD.replace(from, to);
            assert_eq!(Atcute.session(record.as_bytes()).err(), Some(Malformed(why)), "{to}");
        }
    }

    #[test]
    fn a_renewed_record_is_the_one_the_library_would_write() {
        let renewal = Renewal {
            access_token: &"new-access".into(),
            refresh_token: Some(&"ref-2".into()),
            scope: Some("atproto"),
            expires_at: Some("2026-12-01T10:00:00.250Z".parse().unwrap()),
            pds: Some("https://new.example/"),
            kid: None,
        };
        let renewed = Atcute.renew(RECORD.as_bytes(), &renewal).unwrap();
        let expected = RECORD
            .replace("a.eyJpYXQiOjEwMDB9.c", "new-access")
            .replace("ref-1", "ref-2")
            .replace("atproto transition:generic", "atproto")
            .replace("1795971809352", "1796119200250")
            .replace("https://pds.example/", "https://new.example/");
        assert_eq!(std::str::from_utf8(&renewed).unwrap(), expected);
    }

    #[test]
    fn a_public_session_is_bound_to_its_new_key() {
        let public = RECORD.replace(r#""private_key_jwt","kid":"kid-1""#, r#""none","later":1"#);
        let kid = Some("k1");
        let renewal = Renewal {
            access_token: &"a".into(),
            refresh_token: None,
            scope: None,
            expires_at: None,
            pds: None,
            kid,
        };
        let bound = Atcute.renew(public.as_bytes(), &renewal).unwrap();
        let auth = r#""authMethod":{"method":"private_key_jwt","later":1,"kid":"k1"}"#;
        assert!(std::str::from_utf8(&bound).unwrap().contains(auth));
        assert_eq!(
            Atcute.session(&bound).unwrap().client_auth,
            Some(AuthMethod::PrivateKeyJwt("k1".into()))
        );
    }
}
