//! Record formats of client libraries. A format is one file here and a row in [`FORMATS`].

mod atcute;
#[cfg(test)]
mod conformance;
mod edit;
mod node;
mod read;
mod recognise;

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub use atcute::Atcute;
pub use node::Node;
#[cfg(test)]
pub(super) use node::tests::RECORD;
pub use recognise::{Recognised, is_nobodys};

use super::{Did, PendingLogin, Renewal, Session};
use crate::jose::DpopKey;
use crate::secret::Secret;
use edit::Members;

/// Supported formats, in the order in which they are tried.
pub static FORMATS: &[&dyn Format] = &[&Node, &Atcute];

/// Record format of a client library. Independent of keys and stores.
pub trait Format: Sync {
    /// Name in settings and output.
    fn name(&self) -> &'static str;

    /// Name of the library in messages, with its article.
    fn library(&self) -> &'static str;

    /// Beginning of the name that the library passes to the app's lock. The account follows.
    fn lock_prefix(&self) -> &'static str;

    /// Returns the name that the library passes to the app's lock on an account's sessions.
    fn lock_name(&self, did: &Did) -> String {
        format!("{}{did}", self.lock_prefix())
    }

    /// Names of the parts of a session.
    fn part_names(&self) -> &'static PartNames;

    /// Writes the expiry of an access token as JSON.
    fn expiry(&self, at: Timestamp) -> String;

    /// Reads a session in one pass, without copying.
    fn session<'a>(&self, record: &'a [u8]) -> Result<Session<'a>, Malformed>;

    /// Reads a pending login.
    fn login<'a>(&self, record: &'a [u8]) -> Result<PendingLogin<'a>, Malformed>;

    /// Reads the identifying parts of a session, also from a record that is damaged elsewhere.
    /// `None` if it is not a JSON object.
    fn traces(&self, record: &[u8]) -> Option<Traces> {
        Some(Members::parse(record).ok()?.traces(self.part_names()))
    }

    /// Reads the private DPoP key of a session.
    fn dpop_key(&self, record: &[u8]) -> Result<DpopKey, Malformed> {
        Members::parse(record)?.dpop_key(self.part_names().dpop_key)
    }

    /// Returns the record with new tokens. Everything else is preserved, unknown members included.
    fn renew(&self, record: &[u8], renewal: &Renewal<'_>) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let mut record = Members::parse(record)?;
        let expires_at = renewal.expires_at.map(|at| self.expiry(at));
        record.renew(self.part_names(), renewal, expires_at)?;
        Ok(record.to_bytes())
    }

    /// Returns the record with the tokens and the client key of another, renewed copy of it.
    fn adopt(&self, record: &[u8], renewed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let mut record = Members::parse(record)?;
        record.adopt(self.part_names(), &Members::parse(renewed)?);
        Ok(record.to_bytes())
    }

    /// Reads the members of a session's private DPoP key.
    fn private_jwk(&self, record: &[u8]) -> Result<PrivateJwk, Malformed> {
        Members::parse(record)?.private_jwk(self.part_names().dpop_key)
    }

    /// Writes a session of another format as the library would. The error states why the library
    /// could not use it.
    fn write(
        &self,
        session: &Session<'_>,
        key: &PrivateJwk,
    ) -> Result<Zeroizing<Vec<u8>>, Malformed>;

    /// Returns a session and a pending login as the library writes them.
    #[cfg(test)]
    fn samples(&self) -> [&'static str; 2];
}

/// Names of the parts of a session. The members of the parts are those of a token response (RFC 6749
/// section 5.1) and of a JWK (RFC 7517) in every format.
pub struct PartNames {
    token_set: &'static str,
    client_auth: &'static str,
    dpop_key: &'static str,
}

/// Reason why a value is not a record of a format. It never quotes the value, which holds secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// Members of a private EC key (RFC 7518 section 6.2).
pub struct PrivateJwk {
    crv: String,
    x: String,
    y: String,
    d: Secret<'static>,
}

/// Parts of a record that identify its tokens and its login.
pub struct Traces {
    /// Refresh token.
    pub refresh_token: Option<Secret<'static>>,
    /// Curve, x and y of the DPoP key.
    pub dpop_public: Option<[String; 3]>,
}

impl Traces {
    /// Reads a value in any known format.
    pub fn read(value: &[u8]) -> Option<Self> {
        // Formats share some member names, so each may find a part.
        FORMATS.iter().filter_map(|format| format.traces(value)).reduce(|one, other| Self {
            refresh_token: one.refresh_token.or(other.refresh_token),
            dpop_public: one.dpop_public.or(other.dpop_public),
        })
    }

    /// Returns the refresh token of a value in any known format.
    pub fn refresh_token(value: &[u8]) -> Option<Secret<'static>> {
        Self::read(value)?.refresh_token
    }

    /// Checks whether both values are of one login. Each login creates a new DPoP key.
    pub fn are_of_one_login(one: &[u8], other: &[u8]) -> bool {
        let key = |value| Self::read(value)?.dpop_public;
        key(one).is_some_and(|one| Some(one) == key(other))
    }
}

impl dyn Format {
    /// Returns the session's record in this library's format, after validating the DPoP key.
    pub fn convert(
        &self,
        session: &Session<'_>,
        record: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        session.format.dpop_key(record)?;
        self.write(session, &session.format.private_jwk(record)?)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for dyn Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for dyn Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Format {}
