//! Client authentication.

use std::borrow::Cow;

/// Client authentication of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthMethod<'a> {
    /// Public client.
    None,
    /// Confidential client, by the key with this kid (RFC 7523).
    PrivateKeyJwt(Cow<'a, str>),
}

impl<'a> AuthMethod<'a> {
    /// Returns the method's name in client metadata (RFC 7591 section 2).
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }

    /// Returns the kid of the client key.
    pub fn into_kid(self) -> Option<Cow<'a, str>> {
        match self {
            Self::None => None,
            Self::PrivateKeyJwt(kid) => Some(kid),
        }
    }
}
