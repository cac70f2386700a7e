//! Records as `@atproto/oauth-client-node` writes them: `NodeSavedSession` and `NodeSavedState`.

use std::borrow::Cow;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A text that borrows from the record unless it has escapes. Inside an `Option`, serde would always copy a bare `Cow`.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A session record, read but not owned.
pub struct NodeSession<'a> {
    /// The account (`tokenSet.sub`).
    pub sub: Cow<'a, str>,
    /// The authorization server (`tokenSet.iss`).
    pub issuer: Cow<'a, str>,
    /// The resource server, that is the PDS (`tokenSet.aud`).
    pub audience: Option<Cow<'a, str>>,
    /// Scopes granted, separated by spaces.
    pub scope: Option<Cow<'a, str>>,
    /// How the client authenticates for this session.
    pub auth_method: AuthMethod<'a>,
    /// The algorithm of the session's DPoP key, if it is one we know.
    pub dpop_alg: Option<&'static str>,
    /// The public part of the session's DPoP key: curve, x and y.
    pub dpop_public: [Option<Cow<'a, str>>; 3],
    /// When the access token expires, where the server said so in a form that can be read.
    pub expires_at: Option<Timestamp>,
    /// The record says when the access token expires, in a form that cannot be read.
    pub has_unreadable_expiry: bool,
    /// The refresh token. A secret.
    pub refresh_token: Option<Cow<'a, str>>,
    access_token: Cow<'a, str>,
    claims: OnceLock<Claims>,
}

/// Claims of an access token, where it can be read.
#[derive(Default)]
struct Claims {
    issued_at: Option<i64>,
    client_id: Option<String>,
    key_thumbprint: Option<String>,
}

/// Client authentication of a session (`authMethod`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthMethod<'a> {
    /// A public client.
    None,
    /// A confidential client, by the key of this name (RFC 7523).
    PrivateKeyJwt(Cow<'a, str>),
}

/// A pending authorization request.
pub struct NodeState<'a> {
    /// The authorization server the user was sent to.
    pub issuer: Cow<'a, str>,
    /// How the client authenticated, in records that say so.
    pub auth_method: Option<AuthMethod<'a>>,
}

#[derive(Deserialize)]
struct RawSession<'a> {
    #[serde(borrow, rename = "authMethod")]
    auth_method: Option<RawAuthMethod<'a>>,
    #[serde(borrow, rename = "tokenSet")]
    token_set: Option<RawTokenSet<'a>>,
    #[serde(borrow, rename = "dpopJwk")]
    dpop_jwk: Option<RawDpopJwk<'a>>,
}

#[derive(Deserialize)]
struct RawAuthMethod<'a> {
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    kid: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawTokenSet<'a> {
    #[serde(borrow)]
    iss: Option<Text<'a>>,
    #[serde(borrow)]
    sub: Option<Text<'a>>,
    #[serde(borrow)]
    aud: Option<&'a RawValue>,
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow)]
    refresh_token: Option<Text<'a>>,
    #[serde(borrow)]
    access_token: Option<Text<'a>>,
    #[serde(borrow)]
    expires_at: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawDpopJwk<'a> {
    #[serde(borrow)]
    kty: Option<Text<'a>>,
    #[serde(borrow)]
    crv: Option<Text<'a>>,
    #[serde(borrow)]
    x: Option<Text<'a>>,
    #[serde(borrow)]
    y: Option<Text<'a>>,
    #[serde(borrow)]
    d: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct RawState<'a> {
    #[serde(borrow)]
    iss: Option<Text<'a>>,
    #[serde(borrow, rename = "authMethod")]
    auth_method: Option<RawAuthMethod<'a>>,
    #[serde(borrow)]
    verifier: Option<Text<'a>>,
}

/// What an access token says when it is a JWT. A hint at most: by the profile the token is opaque to clients. So each
/// claim is read by itself: one in a form of its own hides none of the others.
#[derive(Deserialize)]
struct TokenClaims<'a> {
    #[serde(borrow)]
    iat: Option<&'a RawValue>,
    #[serde(borrow)]
    client_id: Option<&'a RawValue>,
    #[serde(borrow)]
    cnf: Option<&'a RawValue>,
}

/// What a token is bound to (RFC 7800, RFC 9449 section 6.1).
#[derive(Deserialize)]
struct Confirmation {
    jkt: Option<String>,
}

impl<'a> NodeSession<'a> {
    /// Reads a record; the error says in a few words why it is none. Never quotes the record, which holds secrets.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        // Checked at once, which is faster than member by member.
        let value = std::str::from_utf8(value).map_err(|_| "not JSON")?;
        let raw: RawSession<'a> = serde_json::from_str(value).map_err(|e| json_problem(&e))?;
        let tokens = raw.token_set.ok_or("no tokenSet")?;
        let dpop = raw.dpop_jwk.ok_or("no dpopJwk")?;
        let expires_at = optional(tokens.expires_at).and_then(|text| text.parse().ok());
        if dpop.d.is_none() {
            return Err("dpopJwk has no private part");
        }
        Ok(Self {
            sub: text(tokens.sub).ok_or("no tokenSet.sub")?,
            issuer: text(tokens.iss).ok_or("no tokenSet.iss")?,
            audience: optional(tokens.aud),
            scope: optional(tokens.scope),
            auth_method: raw.auth_method.ok_or("no authMethod: written by a very old client")?.into_known()?,
            dpop_alg: dpop.alg(),
            dpop_public: [text(dpop.crv), text(dpop.x), text(dpop.y)],
            expires_at,
            has_unreadable_expiry: expires_at.is_none() && tokens.expires_at.is_some(),
            refresh_token: text(tokens.refresh_token),
            access_token: text(tokens.access_token).ok_or("no access_token")?,
            claims: OnceLock::new(),
        })
    }

    /// When the access token was issued, where it is a readable JWT.
    pub fn token_issued_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.claims().issued_at?).ok()
    }

    /// The client that the access token was issued to, where it is a readable JWT.
    pub fn token_client_id(&self) -> Option<&str> {
        self.claims().client_id.as_deref()
    }

    /// The thumbprint of the DPoP key that the access token is bound to, where it is a readable JWT.
    pub fn token_key_thumbprint(&self) -> Option<&str> {
        self.claims().key_thumbprint.as_deref()
    }

    fn claims(&self) -> &Claims {
        self.claims.get_or_init(|| self.read_claims().unwrap_or_default())
    }

    fn read_claims(&self) -> Option<Claims> {
        let (_, rest) = self.access_token.split_once('.')?;
        // Most of what is no JWT shows in the first characters: a payload begins with `{`.
        if !rest.starts_with("ey") {
            return None;
        }
        let payload = BASE64URL.decode(rest.split('.').next()?).ok()?;
        let claims: TokenClaims<'_> = serde_json::from_slice(&payload).ok()?;
        Some(Claims {
            issued_at: claim(claims.iat),
            client_id: claim(claims.client_id),
            key_thumbprint: claim::<Confirmation>(claims.cnf).and_then(|confirmation| confirmation.jkt),
        })
    }
}

/// One claim, where it is of the type that it should be.
fn claim<T: DeserializeOwned>(claim: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(claim?.get()).ok()
}

impl<'a> NodeState<'a> {
    /// Reads a record; the error says in a few words why it is none.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let raw: RawState<'a> = serde_json::from_slice(value).map_err(|e| json_problem(&e))?;
        if raw.verifier.is_none() {
            return Err("no verifier");
        }
        Ok(Self {
            issuer: text(raw.iss).ok_or("no iss")?,
            auth_method: raw.auth_method.map(RawAuthMethod::into_known).transpose()?,
        })
    }
}

impl<'a> RawAuthMethod<'a> {
    fn into_known(self) -> Result<AuthMethod<'a>, &'static str> {
        match (text(self.method).as_deref(), text(self.kid)) {
            (Some("none"), _) => Ok(AuthMethod::None),
            (Some("private_key_jwt"), Some(kid)) => Ok(AuthMethod::PrivateKeyJwt(kid)),
            (Some("private_key_jwt"), None) => Err("authMethod names no kid"),
            _ => Err("authMethod is none that we know"),
        }
    }
}

impl RawDpopJwk<'_> {
    fn alg(&self) -> Option<&'static str> {
        match (self.kty.as_ref()?.0.as_ref(), self.crv.as_ref()?.0.as_ref()) {
            ("EC", "P-256") => Some("ES256"),
            ("EC", "secp256k1") => Some("ES256K"),
            _ => None,
        }
    }
}

impl<'a> AuthMethod<'a> {
    /// The method's name in client metadata (RFC 7591 section 2).
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }

    /// The client key's name.
    pub fn into_kid(self) -> Option<Cow<'a, str>> {
        match self {
            Self::None => None,
            Self::PrivateKeyJwt(kid) => Some(kid),
        }
    }
}

fn text(value: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    value.map(|Text(text)| text)
}

/// Reads a member that a record may lack. One in another form than expected is unknown, and no reason to take the record
/// for damaged.
fn optional(member: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let json = member?.get();
    // Most texts have no escapes, and need not be parsed a second time.
    if let Some(text) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'))
        && !text.contains('\\')
    {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str::<Text<'_>>(json).ok().map(|Text(text)| text)
}

fn json_problem(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "a member has the wrong type",
        _ => "not JSON",
    }
}

#[cfg(test)]
pub(in crate::session) mod tests {
    use super::*;

    /// A record as a real client wrote it, tokens and keys replaced.
    pub(in crate::session) const RECORD: &str = r#"{"authMethod":{"method":"private_key_jwt","kid":"k1"},
        "tokenSet":{"aud":"https://pds.example/","sub":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","iss":"https://as.example",
        "scope":"atproto transition:generic","refresh_token":"ref-1","access_token":"a.eyJpYXQiOjEwMDB9.c",
        "token_type":"DPoP","expires_at":"2026-11-23T09:02:00.978Z"},
        "dpopJwk":{"kty":"EC","crv":"secp256k1","x":"x","y":"y","d":"d"}}"#;

    #[test]
    fn a_record_of_the_real_client_is_read() {
        let session = NodeSession::parse(RECORD.as_bytes()).unwrap();
        assert_eq!(session.sub, "did:plc:ewvi7nxzyoun6zhxrhs64oiz");
        assert_eq!(session.auth_method, AuthMethod::PrivateKeyJwt("k1".into()));
        assert_eq!(session.dpop_alg, Some("ES256K"));
        assert_eq!(session.expires_at.unwrap().to_string(), "2026-11-23T09:02:00.978Z");
        assert_eq!(session.token_issued_at().unwrap().as_second(), 1000);
        assert_eq!(session.refresh_token.as_deref(), Some("ref-1"));
        assert!(matches!(session.sub, Cow::Borrowed(_)));
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
            assert!(NodeSession::parse(record.as_bytes()).is_ok(), "{to}");
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
            let session = NodeSession::parse(record.as_bytes()).unwrap();
            assert_eq!((session.expires_at, session.has_unreadable_expiry), (None, true), "{text}");
        }
        for record in [RECORD.replace(expiry, "null"), RECORD.replace(&format!(r#","expires_at":{expiry}"#), "")] {
            let session = NodeSession::parse(record.as_bytes()).unwrap();
            assert_eq!((session.expires_at, session.has_unreadable_expiry), (None, false), "{record}");
        }
        let record = RECORD.replace(r#""https://pds.example/""#, "[]").replace(r#""atproto transition:generic""#, "7");
        let session = NodeSession::parse(record.as_bytes()).unwrap();
        assert_eq!((session.audience, session.scope), (None, None));
    }

    #[test]
    fn what_is_no_session_says_why() {
        for (from, to, why) in [
            (RECORD, "", "not JSON"),
            (RECORD, "{}", "no tokenSet"),
            (RECORD, "\"text\"", "a member has the wrong type"),
            ("authMethod", "x", "no authMethod: written by a very old client"),
            (r#""kid":"k1""#, r#""x":1"#, "authMethod names no kid"),
            ("private_key_jwt", "client_secret_basic", "authMethod is none that we know"),
            (r#","d":"d""#, "", "dpopJwk has no private part"),
            (r#""sub""#, r#""subject""#, "no tokenSet.sub"),
        ] {
            let record = RECORD.replace(from, to);
            assert_eq!(NodeSession::parse(record.as_bytes()).err(), Some(why), "{to}");
        }
    }

    #[test]
    fn a_claim_in_a_form_of_its_own_hides_none_of_the_others() {
        for (claims, iat, client_id, thumbprint) in [
            (r#"{"iat":7,"client_id":"c","cnf":{"jkt":"t"}}"#, Some(7), Some("c"), Some("t")),
            (r#"{"iat":7,"client_id":"c","cnf":"t"}"#, Some(7), Some("c"), None),
            (r#"{"iat":7.5,"client_id":"c","cnf":{"jkt":"t","x5t#S256":[]}}"#, None, Some("c"), Some("t")),
            (r#"{"iat":"7","client_id":["c"],"cnf":{"jkt":"t"}}"#, None, None, Some("t")),
            (r#"{"iat":null,"client_id":"\u0063","cnf":null}"#, None, Some("c"), None),
        ] {
            let record = RECORD.replace("eyJpYXQiOjEwMDB9", &BASE64URL.encode(claims));
            let session = NodeSession::parse(record.as_bytes()).unwrap();
            assert_eq!(session.token_issued_at().map(Timestamp::as_second), iat, "{claims}");
            assert_eq!(session.token_client_id(), client_id, "{claims}");
            assert_eq!(session.token_key_thumbprint(), thumbprint, "{claims}");
        }
    }

    #[test]
    fn an_opaque_access_token_says_nothing() {
        for token in ["opaque", "a.b.c", "a.eyJpYXQiOiJ4In0.c", "a.ey!.c"] {
            let record = RECORD.replace("a.eyJpYXQiOjEwMDB9.c", token);
            assert_eq!(NodeSession::parse(record.as_bytes()).unwrap().token_issued_at(), None, "{token}");
        }
    }
}
