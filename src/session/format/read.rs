//! Parts of records, as serde reads them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Format, Malformed};
use crate::session::{AuthMethod, DpopRef, Session};

/// Text that borrows from the record unless it has escapes. A bare `Cow` inside an `Option` would
/// always be copied by serde.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Token set with the members of a token response (RFC 6749 section 5.1).
#[derive(Deserialize)]
pub(super) struct TokenSet<'a> {
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

/// Client authentication: a method's name and the client key.
#[derive(Deserialize)]
pub(super) struct ClientAuth<'a> {
    #[serde(borrow)]
    method: Option<Text<'a>>,
    #[serde(borrow)]
    kid: Option<Text<'a>>,
}

/// Private EC key (RFC 7518 section 6.2).
#[derive(Deserialize)]
pub(super) struct Jwk<'a> {
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

/// Session of a token set, a client authentication and a DPoP key. Only the names of its parts
/// differ between formats.
pub(super) struct Parts<'a> {
    pub(super) token_set: Option<TokenSet<'a>>,
    pub(super) client_auth: Option<ClientAuth<'a>>,
    pub(super) dpop_key: Option<Jwk<'a>>,
}

impl<'a> Parts<'a> {
    /// Reads the parts. `expiry` reads the expiry of the access token from its JSON.
    pub(super) fn session(
        self,
        format: &'static dyn Format,
        expiry: impl FnOnce(&'a RawValue) -> Option<Timestamp>,
    ) -> Result<Session<'a>, Malformed> {
        let tokens = self.token_set.ok_or(Malformed("no token set"))?;
        let dpop = self.dpop_key.ok_or(Malformed("no DPoP key"))?;
        let expires_at = tokens.expires_at.and_then(expiry);
        let dpop = dpop.public().ok_or(Malformed("the DPoP key has no private part"))?;
        let client_auth = self
            .client_auth
            .ok_or(Malformed("no client authentication, as in records of very old clients"))?;
        Ok(Session {
            format,
            did: text(tokens.sub).ok_or(Malformed("no sub in the token set"))?,
            issuer: text(tokens.iss).ok_or(Malformed("no iss in the token set"))?.into(),
            pds: tokens.aud.and_then(optional),
            scope: tokens.scope.and_then(optional),
            client_auth: Some(client_auth.into_known()?),
            dpop,
            expires_at,
            has_unreadable_expiry: expires_at.is_none() && tokens.expires_at.is_some(),
            access_token: text(tokens.access_token).ok_or(Malformed("no access_token"))?.into(),
            refresh_token: text(tokens.refresh_token).map(Into::into),
        })
    }
}

impl<'a> ClientAuth<'a> {
    pub(super) fn into_known(self) -> Result<AuthMethod<Cow<'a, str>>, Malformed> {
        match (text(self.method).as_deref(), text(self.kid)) {
            (Some("none"), _) => Ok(AuthMethod::None),
            (Some("private_key_jwt"), Some(kid)) => Ok(AuthMethod::PrivateKeyJwt(kid)),
            (Some("private_key_jwt"), None) => {
                Err(Malformed("the client authentication has no kid"))
            }
            _ => Err(Malformed("unknown method of client authentication")),
        }
    }
}

impl<'a> Jwk<'a> {
    /// Returns the public part of a private key.
    pub(super) fn public(self) -> Option<DpopRef<'a>> {
        self.d.as_ref()?;
        Some(DpopRef { alg: self.alg(), public: [text(self.crv), text(self.x), text(self.y)] })
    }

    fn alg(&self) -> Option<&'static str> {
        match (self.kty.as_ref()?.0.as_ref(), self.crv.as_ref()?.0.as_ref()) {
            ("EC", "P-256") => Some("ES256"),
            ("EC", "secp256k1") => Some("ES256K"),
            _ => None,
        }
    }
}

pub(super) fn text(value: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    value.map(|Text(text)| text)
}

/// Reads an optional member. One of unexpected type counts as unknown, and does not make the record
/// damaged.
pub(super) fn optional(member: &RawValue) -> Option<Cow<'_, str>> {
    let json = member.get();
    // Most texts have no escapes and need no second parse.
    if let Some(text) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'))
        && !text.contains('\\')
    {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str::<Text<'_>>(json).ok().map(|Text(text)| text)
}

pub(super) fn json_problem(error: &serde_json::Error) -> Malformed {
    match error.classify() {
        serde_json::error::Category::Data => Malformed("a member has the wrong type"),
        _ => Malformed("not JSON"),
    }
}
