//! Access tokens, as far as their claims can be read.

use std::borrow::Cow;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::ClientId;
use crate::secret::Secret;

/// Access token. Its claims are only hints, because the profile defines it as opaque to clients.
pub struct AccessToken<'a> {
    text: Secret<'a>,
    claims: OnceLock<Claims>,
}

/// Claims of an access token that is a readable JWT.
#[derive(Default)]
struct Claims {
    issued_at: Option<i64>,
    client_id: Option<ClientId<'static>>,
    key_thumbprint: Option<String>,
}

/// Claims as they stand in the token. Each is read separately, so that one of unexpected type hides
/// no other.
#[derive(Deserialize)]
struct RawClaims<'a> {
    #[serde(borrow)]
    iat: Option<&'a RawValue>,
    #[serde(borrow)]
    client_id: Option<&'a RawValue>,
    #[serde(borrow)]
    cnf: Option<&'a RawValue>,
}

/// Key to which a token is bound (RFC 7800, RFC 9449 section 6.1).
#[derive(Deserialize)]
struct Confirmation {
    jkt: Option<String>,
}

impl AccessToken<'_> {
    /// Returns the token.
    pub fn as_secret(&self) -> &Secret<'_> {
        &self.text
    }
}

impl<'a> From<Cow<'a, str>> for AccessToken<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self { text: text.into(), claims: OnceLock::new() }
    }
}

impl AccessToken<'_> {
    /// Returns the issue time.
    pub fn issued_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.claims().issued_at?).ok()
    }

    /// Returns the client to which the token was issued.
    pub fn client_id(&self) -> Option<&ClientId<'static>> {
        self.claims().client_id.as_ref()
    }

    /// Returns the thumbprint of the DPoP key to which the token is bound.
    pub fn jkt(&self) -> Option<&str> {
        self.claims().key_thumbprint.as_deref()
    }

    fn claims(&self) -> &Claims {
        self.claims.get_or_init(|| self.read_claims().unwrap_or_default())
    }

    fn read_claims(&self) -> Option<Claims> {
        let (_, rest) = self.text.expose_secret().split_once('.')?;
        // Most texts that are not JWTs differ in the first characters: a payload begins with `{`.
        if !rest.starts_with("ey") {
            return None;
        }
        let payload = BASE64URL.decode(rest.split('.').next()?).ok()?;
        let claims: RawClaims<'_> = serde_json::from_slice(&payload).ok()?;
        Some(Claims {
            issued_at: claim(claims.iat),
            client_id: claim(claims.client_id),
            key_thumbprint: claim::<Confirmation>(claims.cnf)
                .and_then(|confirmation| confirmation.jkt),
        })
    }
}

/// Reads a claim of the right type.
fn claim<T: DeserializeOwned>(claim: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(claim?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;
    use crate::session::format::RECORD;

    #[test]
    fn a_claim_in_a_form_of_its_own_hides_none_of_the_others() {
        for (claims, iat, client_id, thumbprint) in [
            (r#"{"iat":7,"client_id":"c","cnf":{"jkt":"t"}}"#, Some(7), Some("c"), Some("t")),
            (r#"{"iat":7,"client_id":"c","cnf":"t"}"#, Some(7), Some("c"), None),
            (
                r#"{"iat":7.5,"client_id":"c","cnf":{"jkt":"t","x5t#S256":[]}}"#,
                None,
                Some("c"),
                Some("t"),
            ),
            (r#"{"iat":"7","client_id":["c"],"cnf":{"jkt":"t"}}"#, None, None, Some("t")),
            (r#"{"iat":null,"client_id":"\u0063","cnf":null}"#, None, Some("c"), None),
        ] {
            let record = RECORD.replace("eyJpYXQiOjEwMDB9", &BASE64URL.encode(claims));
            let session = Session::read(record.as_bytes()).unwrap();
            assert_eq!(session.access_token.issued_at().map(Timestamp::as_second), iat, "{claims}");
            assert_eq!(
                session.access_token.client_id().map(ClientId::as_str),
                client_id,
                "{claims}"
            );
            assert_eq!(session.access_token.jkt(), thumbprint, "{claims}");
        }
    }

    #[test]
    fn an_opaque_access_token_says_nothing() {
        for token in ["opaque", "a.b.c", "a.eyJpYXQiOiJ4In0.c", "a.ey!.c"] {
            let record = RECORD.replace("a.eyJpYXQiOjEwMDB9.c", token);
            assert_eq!(
                Session::read(record.as_bytes()).unwrap().access_token.issued_at(),
                None,
                "{token}"
            );
        }
    }
}
