//! Estimates when a session was last refreshed. Records do not say so, so the newest of several
//! pieces of evidence counts.

use jiff::{SignedDuration, Timestamp};

use super::{Age, Note, Session};
use crate::text::named;

/// Lifetime of access tokens of the reference server.
const ACCESS_TOKEN_LIFETIME: Age = Age::from_secs(3600);

named! {
    /// Source of the time of the last refresh. The order breaks ties: more direct evidence wins.
    #[derive(PartialOrd, Ord)]
    pub enum Evidence {
        /// Expiry of the access token, minus its usual lifetime.
        ExpiresAt = "expires_at",
        /// Issue time in the access token.
        AccessToken = "access_token",
        /// Lifetime given by the layout, minus the remaining TTL.
        Ttl = "ttl",
        /// Time stored by the layout.
        Column = "column",
        /// Note of oauthctl about its own refresh.
        Notes = "notes",
    }
}

/// Time of the last refresh, with its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRefreshed {
    /// Newest time for which there is evidence.
    pub at: Timestamp,
    /// Source of the evidence.
    pub by: Evidence,
}

/// Data of the store about a record, apart from its value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed {
    /// Time since the record was written, from the layout's lifetime and the remaining TTL.
    pub ttl_age: Option<SignedDuration>,
    /// Time column or member of the layout.
    pub column: Option<Timestamp>,
}

impl LastRefreshed {
    /// Name of the evidence for refreshes by oauthctl ([`Evidence::name`]).
    pub const BY_US: &'static str = "notes";

    /// Checks whether a session with this access token expiry would have been renewed in the
    /// future, given the usual lifetime.
    pub fn lies_ahead(expires_at: Timestamp, now: Timestamp) -> bool {
        expires_at.duration_since(now) > ACCESS_TOKEN_LIFETIME.duration()
    }

    /// Returns when the tokens were issued, by the server's clock alone.
    pub fn by_server(session: &Session<'_>) -> Option<Timestamp> {
        let before_expiry =
            session.expires_at.and_then(|at| at.checked_sub(ACCESS_TOKEN_LIFETIME.duration()).ok());
        session.access_token.issued_at().into_iter().chain(before_expiry).max()
    }

    /// Returns the newest evidence. Evidence from the future is ignored: a clock was wrong, or a
    /// lifetime unusual.
    pub fn of(
        session: &Session<'_>,
        note: Option<&Note>,
        observed: Observed,
        now: Timestamp,
    ) -> Option<Self> {
        let before_expiry =
            session.expires_at.and_then(|at| at.checked_sub(ACCESS_TOKEN_LIFETIME.duration()).ok());
        let by_ttl = observed.ttl_age.and_then(|age| now.checked_sub(age).ok());
        let noted =
            note.zip(session.refresh_token.as_ref()).and_then(|(note, token)| note.wrote_at(token));
        [
            (before_expiry, Evidence::ExpiresAt),
            (session.access_token.issued_at(), Evidence::AccessToken),
            (by_ttl, Evidence::Ttl),
            (observed.column, Evidence::Column),
            (noted, Evidence::Notes),
        ]
        .into_iter()
        .filter_map(|(at, by)| Some(Self { at: at.filter(|at| *at <= now)?, by }))
        .max_by_key(|found| (found.at, found.by))
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::RECORD;
    use super::*;

    #[test]
    fn the_newest_evidence_wins_and_the_future_is_none() {
        let session = Session::read(RECORD.as_bytes()).unwrap();
        let now: Timestamp = "2026-11-24T00:00:00Z".parse().unwrap();
        let found = LastRefreshed::of(&session, None, Observed::default(), now).unwrap();
        assert_eq!(
            (found.at.to_string().as_str(), found.by),
            ("2026-11-23T08:02:00.978Z", Evidence::ExpiresAt)
        );

        let observed = Observed { ttl_age: Some(SignedDuration::from_hours(1)), column: None };
        assert_eq!(LastRefreshed::of(&session, None, observed, now).unwrap().by, Evidence::Ttl);

        let future = Observed { ttl_age: Some(SignedDuration::from_hours(-1)), column: None };
        assert_eq!(LastRefreshed::of(&session, None, future, now).unwrap().by, Evidence::ExpiresAt);
    }
}
