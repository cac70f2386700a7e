//! Changes of a session's record by a refresh.

use jiff::Timestamp;

use crate::secret::Secret;

/// Server's answer to a refresh, as far as records store it (RFC 6749 section 5.1).
pub struct Renewal<'a> {
    /// New access token.
    pub access_token: &'a Secret<'a>,
    /// New refresh token. Without one, the old one stays valid.
    pub refresh_token: Option<&'a Secret<'a>>,
    /// Scope, if the server repeats it.
    pub scope: Option<&'a str>,
    /// Expiry of the access token, if the server states it.
    pub expires_at: Option<Timestamp>,
    /// URL of the PDS, if it was resolved for this refresh. Clients send their requests there.
    pub pds: Option<&'a str>,
    /// Client key to which the session is bound from now on, if that changes (RFC 7523).
    pub kid: Option<&'a str>,
}
