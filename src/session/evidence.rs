//! When was a session last refreshed? No record says so; several things let one conclude it, and
//! the newest is right.

use jiff::{SignedDuration, Timestamp};

use super::{Age, Note, Session};
use crate::text::named;

/// Access tokens of the reference server live this long.
const ACCESS_TOKEN_LIFETIME: Age = Age::from_secs(3600);

named! {
    /// How it is known when a session was last refreshed. The order breaks ties: the more direct evidence wins.
    #[derive(PartialOrd, Ord)]
    pub enum Evidence {
        /// The access token's expiry less its usual lifetime.
        ExpiresAt = "expires_at",
        /// The access token's own issue time.
        AccessToken = "access_token",
        /// The layout's time to live less what remains of it.
        Ttl = "ttl",
        /// A time that the layout stores.
        Column = "column",
        /// oauthctl's own note: it made this refresh.
        Notes = "notes",
    }
}

/// When, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRefreshed {
    /// The newest moment for which there is evidence.
    pub at: Timestamp,
    /// Which evidence it is.
    pub by: Evidence,
}

/// What the store knows of a record beside its value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed {
    /// How long ago the record was written, by the layout's TTL and the key's.
    pub ttl_age: Option<SignedDuration>,
    /// The layout's time column or member.
    pub column: Option<Timestamp>,
}

impl LastRefreshed {
    /// What [`Evidence::name`] says of our own refreshes.
    pub const BY_US: &'static str = "notes";

    /// Checks whether a session whose access token expires then was renewed later than `now`, if
    /// the token has the usual lifetime.
    pub fn lies_ahead(expires_at: Timestamp, now: Timestamp) -> bool {
        expires_at.duration_since(now) > ACCESS_TOKEN_LIFETIME.duration()
    }

    /// When the tokens were issued, by the server's clock alone.
    pub fn by_server(session: &Session<'_>) -> Option<Timestamp> {
        let before_expiry =
            session.expires_at.and_then(|at| at.checked_sub(ACCESS_TOKEN_LIFETIME.duration()).ok());
        session.access_token.issued_at().into_iter().chain(before_expiry).max()
    }

    /// Returns the newest of all evidence. Evidence from the future is none: a clock was wrong, or
    /// a lifetime was not the usual.
    pub fn of(
        session: &Session<'_>,
        note: Option<&Note>,
        observed: Observed,
        now: Timestamp,
    ) -> Option<Self> {
        let before_expiry =
            session.expires_at.and_then(|at| at.checked_sub(ACCESS_TOKEN_LIFETIME.duration()).ok());
        let by_ttl = observed.ttl_age.and_then(|age| now.checked_sub(age).ok());
        let noted = note
            .zip(session.refresh_token.as_deref())
            .and_then(|(note, token)| note.wrote_at(token));
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
