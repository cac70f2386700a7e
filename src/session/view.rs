//! Views of records, the same for every format. They borrow from the record.

use std::borrow::Cow;

use jiff::Timestamp;

use super::format::{FORMATS, Format, Malformed};
use super::{AccessToken, AuthMethod, Issuer};
use crate::secret::Secret;

/// Session of a user.
pub struct Session<'a> {
    /// Format of the record.
    pub format: &'static dyn Format,
    /// Account.
    pub did: Cow<'a, str>,
    /// Authorization server.
    pub issuer: Issuer<'a>,
    /// Resource server, that is the PDS.
    pub pds: Option<Cow<'a, str>>,
    /// Granted scopes, separated by spaces.
    pub scope: Option<Cow<'a, str>>,
    /// Client authentication, if the record names it.
    pub client_auth: Option<AuthMethod<Cow<'a, str>>>,
    /// Key to which the tokens are bound.
    pub dpop: DpopRef<'a>,
    /// Expiry of the access token, if the record states it in readable form.
    pub expires_at: Option<Timestamp>,
    /// True if the expiry in the record is unreadable.
    pub has_unreadable_expiry: bool,
    /// Access token.
    pub access_token: AccessToken<'a>,
    /// Refresh token.
    pub refresh_token: Option<Secret<'a>>,
}

/// Public part of a session's DPoP key.
pub struct DpopRef<'a> {
    /// Algorithm. `None` if it is not supported.
    pub alg: Option<&'static str>,
    /// Curve, x and y.
    pub public: [Option<Cow<'a, str>>; 3],
}

/// Pending authorization request.
pub struct PendingLogin<'a> {
    /// Authorization server to which the user was sent.
    pub issuer: Issuer<'a>,
    /// Client authentication, if the record names it.
    pub client_auth: Option<AuthMethod<Cow<'a, str>>>,
}

impl<'a> Session<'a> {
    /// Reads a value in any known format.
    pub fn read(value: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_as(FORMATS[0], value)
    }

    /// Reads a value in this format, or in any other that matches. The error is that of this
    /// format.
    pub fn read_as(format: &'static dyn Format, value: &'a [u8]) -> Result<Self, Malformed> {
        first_fitting(format, |format| format.session(value))
    }

    /// Checks whether the session is a public client's.
    pub fn is_public(&self) -> bool {
        self.client_auth == Some(AuthMethod::None)
    }

    /// Checks whether both contain the same tokens of the same refresh, in any format.
    pub fn is_of_same_refresh(&self, other: &Session<'_>) -> bool {
        self.refresh_token.is_some()
            && self.refresh_token == other.refresh_token
            && self.dpop.public == other.dpop.public
            && self.times() == other.times()
    }

    /// Returns the times that order two copies: issue and expiry of the access token.
    pub(super) fn times(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        (self.access_token.issued_at(), self.expires_at)
    }
}

impl<'a> PendingLogin<'a> {
    /// Reads a value in any known format.
    pub fn read(value: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_as(FORMATS[0], value)
    }

    /// Reads a value in this format, or in any other that matches. The error is that of this
    /// format.
    pub fn read_as(format: &'static dyn Format, value: &'a [u8]) -> Result<Self, Malformed> {
        first_fitting(format, |format| format.login(value))
    }
}

fn first_fitting<T>(
    first: &'static dyn Format,
    read: impl Fn(&'static dyn Format) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let others = || FORMATS.iter().filter(|format| **format != first);
    read(first).or_else(|why| others().find_map(|format| read(*format).ok()).ok_or(why))
}
