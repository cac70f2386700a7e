//! Records of a layout: the only place where stored values are parsed as sessions and pending
//! logins.

use super::Layout;
use crate::session::{Malformed, PendingLogin, Session};
use crate::store::{Kind, Stored, Unreadable};

/// Reason for which a stored value is not a record of its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRecord {
    /// The store did not return the value.
    Unreadable(Unreadable),
    /// The key contains no account.
    NoAccount,
    /// The session belongs to another account than its key.
    OtherAccount,
    /// The value has no known format.
    Malformed(Malformed),
}

impl Layout {
    /// Parses a stored session. Its key must contain its account.
    pub fn session<'s>(&self, stored: &'s Stored) -> Result<Session<'s>, NoRecord> {
        if let Some(unreadable) = stored.unreadable {
            return Err(NoRecord::Unreadable(unreadable));
        }
        self.session_at(&stored.key.text(), &stored.value)
    }

    /// Parses the value under a key as a session.
    pub fn session_at<'s>(&self, key: &str, value: &'s [u8]) -> Result<Session<'s>, NoRecord> {
        let (did, _) = self.pattern(Kind::Session).parse_key(key).ok_or(NoRecord::NoAccount)?;
        let session = Session::read_as(self.format, value).map_err(NoRecord::Malformed)?;
        if session.did == did { Ok(session) } else { Err(NoRecord::OtherAccount) }
    }

    /// Parses a stored pending login.
    pub fn login<'s>(&self, stored: &'s Stored) -> Result<PendingLogin<'s>, NoRecord> {
        if let Some(unreadable) = stored.unreadable {
            return Err(NoRecord::Unreadable(unreadable));
        }
        PendingLogin::read_as(self.format, &stored.value).map_err(NoRecord::Malformed)
    }
}

impl NoRecord {
    /// Describes the reason.
    pub fn description(self) -> &'static str {
        match self {
            Self::Unreadable(unreadable) => unreadable.description(),
            Self::NoAccount => "the key contains no account",
            Self::OtherAccount => "the session belongs to another account than its key",
            Self::Malformed(Malformed(why)) => why,
        }
    }
}
