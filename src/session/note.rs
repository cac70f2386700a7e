//! Notes that oauthctl keeps about a session in addition to the app's record: its own writes, and
//! the time in which activity of the user could have been observed.
//!
//! Activity shows as a token that oauthctl did not write, because the app renews a stale token when
//! its user is present. While a token of oauthctl is fresh, the app does not renew it, and activity
//! cannot be observed. Such time is *blind*.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Age, ClientId, Summary};
use crate::hashes::fingerprint;
use crate::secret::Secret;

const WEEK: i64 = 7 * 86_400;
/// Number of weeks for which blind time is stored.
const WEEKS: usize = 60;
/// Maximum percentage of blind time in a period for which presence can be determined.
const MAX_BLIND_PERCENT: i64 = 10;

/// Note about one record. Contains tokens only as fingerprints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// Refresh token last stored by oauthctl.
    wrote: Option<String>,
    /// Time at which it was stored.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    wrote_at: Option<Timestamp>,
    /// Lifetime of the access token stored with it, in seconds.
    fresh_for: i64,
    /// Last activity of the user, or the start of the observation.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    active_at: Option<Timestamp>,
    /// Week (since the epoch) of the first entry of `blind`.
    first_week: i64,
    /// Blind seconds by week.
    blind: Vec<i64>,
    /// Refresh token refused by the server, which ended the session.
    refused: Option<String>,
    /// `client_id` of the refused request. `None` in notes of earlier versions: the configured one.
    refused_to: Option<String>,
    /// Refresh token with which a session of unknown age was first seen.
    seen: Option<String>,
    /// Time at which it was first seen.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    seen_at: Option<Timestamp>,
    /// Lifetime in seconds of the refresh token last stored by oauthctl, if the server stated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lives_for: Option<i64>,
}

/// Presence of a session's user in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Absent for at least the period.
    Away,
    /// Seen within the period.
    Seen,
    /// Too little of the period could be observed.
    Unobservable,
}

impl Note {
    /// Name of the note that marks the existence of notes.
    pub const MARKER: &'static str = "any";
    /// Lifetime of notes on sessions and keys, longer than that of any session.
    pub const LIFETIME: Duration = Duration::from_hours(800 * 24);

    /// Returns the name under which the note on a record is stored.
    pub fn name(key: &str) -> String {
        format!("session:{}", fingerprint(key.as_bytes()))
    }

    /// Parses a note. An unreadable one counts as absent.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// Serialises the note.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a note is JSON")
    }

    /// Checks whether the server has refused exactly this refresh token to this client. Without a
    /// known `client_id`, to any client.
    pub fn says_refused(
        &self,
        client_id: Option<&ClientId<'_>>,
        refresh_token: &Secret<'_>,
    ) -> bool {
        let is_of_client = match (&self.refused_to, client_id) {
            (Some(noted), Some(client_id)) => *noted == fingerprint(client_id.as_str().as_bytes()),
            _ => true,
        };
        is_of_client && self.refused.as_deref() == Some(refresh_token.fingerprint().as_str())
    }

    /// Returns when oauthctl stored exactly this refresh token.
    pub fn wrote_at(&self, refresh_token: &Secret<'_>) -> Option<Timestamp> {
        let ours = self.wrote.as_deref() == Some(refresh_token.fingerprint().as_str());
        self.wrote_at.filter(|_| ours)
    }

    /// Returns a time by which the session had begun (the last activity of its user), if oauthctl
    /// stored exactly this refresh token.
    pub fn begun_by(&self, refresh_token: &Secret<'_>) -> Option<Timestamp> {
        self.wrote_at(refresh_token)?;
        self.active_at
    }

    /// Returns when the session was first seen with exactly this refresh token, if its age was
    /// unknown.
    pub fn seen_at(&self, refresh_token: &Secret<'_>) -> Option<Timestamp> {
        let is_same = self.seen.as_deref() == Some(refresh_token.fingerprint().as_str());
        self.seen_at.filter(|_| is_same)
    }

    /// Records that a session of unknown age was first seen with this refresh token.
    pub fn first_seen(self, refresh_token: &Secret<'_>, now: Timestamp) -> Self {
        Self { seen: Some(refresh_token.fingerprint()), seen_at: Some(now), ..self }
    }

    /// Records that the server has refused this refresh token to this client.
    pub fn refused(self, client_id: &ClientId<'_>, refresh_token: &Secret<'_>) -> Self {
        Self {
            refused: Some(refresh_token.fingerprint()),
            refused_to: Some(fingerprint(client_id.as_str().as_bytes())),
            ..self
        }
    }

    /// Records that oauthctl has replaced `old_token`, written by the app or oauthctl at
    /// `old_written`, with `new_token`, and the lifetime of the new access token.
    pub fn refreshed(
        self,
        old_token: &Secret<'_>,
        old_written: Option<Timestamp>,
        new_token: &Secret<'_>,
        fresh_for: SignedDuration,
        now: Timestamp,
    ) -> Self {
        let mut note = match self.wrote_at(old_token) {
            Some(_) => self.with_blind_time_until(now),
            // Written by the app: the user was active then.
            None => Self { active_at: Some(old_written.unwrap_or(now)), ..Self::default() },
        };
        note.wrote = Some(new_token.fingerprint());
        note.wrote_at = Some(now);
        note.fresh_for = fresh_for.as_secs().max(0);
        (note.refused, note.refused_to, note.lives_for) = (None, None, None);
        (note.seen, note.seen_at) = (None, None);
        note
    }

    /// Records the lifetime of the refresh token stored with this refresh.
    pub fn living_for(self, lifetime: Option<Duration>) -> Self {
        Self {
            lives_for: lifetime.and_then(|lifetime| i64::try_from(lifetime.as_secs()).ok()),
            ..self
        }
    }

    /// Returns the lifetime of this refresh token, if the server stated it.
    pub fn lifetime(&self, refresh_token: &Secret<'_>) -> Option<Age> {
        self.wrote_at(refresh_token)?;
        self.lives_for.filter(|seconds| *seconds > 0).map(Age::from_secs)
    }

    /// Determines whether the user has been absent for the period.
    pub fn presence(
        note: Option<&Self>,
        session: &Summary<'_>,
        period: Age,
        now: Timestamp,
    ) -> Presence {
        let ours = note
            .zip(session.refresh_token.as_ref())
            .filter(|(note, token)| note.wrote_at(token).is_some());
        let Some((note, _)) = ours else {
            // Written by the app. Until its access token expired, the user may have been active
            // unnoticed.
            let Some(written) =
                session.last_refreshed_at.filter(|_| !session.has_unreadable_expiry)
            else {
                return Presence::Unobservable;
            };
            let last_trace =
                session.expires_at.filter(|at| *at <= now).map_or(written, |at| at.max(written));
            return if now.duration_since(last_trace) > period.duration() {
                Presence::Away
            } else {
                Presence::Seen
            };
        };
        let note = note.clone().with_blind_time_until(now);
        match note.active_at {
            None => Presence::Unobservable,
            Some(at) if now.duration_since(at) <= period.duration() => Presence::Seen,
            Some(_) => {
                let blind = note
                    .blind_since(now.saturating_sub(period.duration()).unwrap_or(Timestamp::MIN));
                let too_much = period.duration().as_secs().saturating_mul(MAX_BLIND_PERCENT) / 100;
                if blind > too_much { Presence::Unobservable } else { Presence::Away }
            }
        }
    }

    /// Adds the time in which the last token of oauthctl kept the app from renewing it. Bounded in
    /// time and memory for any numbers, since the note may be damaged.
    fn with_blind_time_until(mut self, now: Timestamp) -> Self {
        let Some(wrote_at) = self.wrote_at else { return self };
        let seconds = now.duration_since(wrote_at).as_secs().clamp(0, self.fresh_for.max(0));
        let week = wrote_at.as_second().div_euclid(WEEK);
        let index = usize::try_from(week.saturating_sub(self.first_week));
        if self.blind.is_empty() || index.is_ok_and(|index| index >= 2 * WEEKS) {
            self.blind.clear();
            self.first_week = week;
        }
        let Ok(index) = usize::try_from(week.saturating_sub(self.first_week)) else { return self };
        if index >= self.blind.len() {
            self.blind.resize(index + 1, 0);
        }
        self.blind[index] = self.blind[index].saturating_add(seconds);
        let excess = self.blind.len().saturating_sub(WEEKS);
        self.blind.drain(..excess);
        self.first_week = self.first_week.saturating_add(i64::try_from(excess).unwrap_or(0));
        self
    }

    /// Returns the blind seconds since then, in whole weeks.
    fn blind_since(&self, start: Timestamp) -> i64 {
        let first = start.as_second().div_euclid(WEEK);
        let weeks = (0..).map(|n| self.first_week.saturating_add(n)).zip(&self.blind);
        weeks
            .filter(|(week, _)| *week >= first)
            .fold(0, |sum, (_, seconds)| sum.saturating_add(*seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::RECORD;
    use super::super::{KnownKeys, Observed, Policy, Session, StatusInputs};
    use super::*;

    const DAY: i64 = 86_400;
    const HOUR: i64 = 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn summary(record: &str, last_refreshed_at: Option<Timestamp>) -> Summary<'_> {
        let inputs = StatusInputs {
            keys: KnownKeys::Unknown,
            policy: Policy::default(),
            client_id: None,
            now: Timestamp::UNIX_EPOCH,
        };
        let session = Session::read(record.as_bytes()).unwrap();
        let summary = Summary::of("key".into(), session, Observed::default(), None, &inputs);
        Summary { last_refreshed_at, ..summary }
    }

    fn record(token: &str) -> String {
        RECORD.replace("ref-1", token)
    }

    /// Refreshes a session every `interval` seconds for 40 days, with the user active on the given
    /// days.
    fn presence_after_40_days(interval: i64, days_there: &[i64]) -> Presence {
        let start = 1_790_000_000;
        let mut note = Note::default();
        let (mut token, mut written) = ("app-0".to_owned(), start);
        for n in 1..=(40 * DAY / interval) {
            let now = start + n * interval;
            // If the user comes shortly before the next refresh, the token is stale and the app
            // renews it.
            let day = (now - start) / DAY;
            if days_there.contains(&day) && interval > HOUR {
                (token, written) = (format!("app-{n}"), now - 2 * HOUR);
            }
            let new = format!("ours-{n}");
            note = note.refreshed(
                &token.as_str().into(),
                Some(at(written)),
                &new.as_str().into(),
                SignedDuration::from_hours(1),
                at(now),
            );
            (token, written) = (new, now);
        }
        let now = at(start + 40 * DAY + 60);
        let record = record(&token);
        let session = summary(&record, Some(at(written)));
        Note::presence(Some(&note), &session, Age::from_secs(30 * DAY), now)
    }

    #[test]
    fn daily_keep_alive_tells_who_was_away_from_who_was_there() {
        assert_eq!(presence_after_40_days(DAY, &[]), Presence::Away);
        assert_eq!(presence_after_40_days(DAY, &[3]), Presence::Away);
        assert_eq!(presence_after_40_days(DAY, &[20]), Presence::Seen);
    }

    #[test]
    fn hourly_refreshes_without_observations_prove_no_inactivity() {
        assert_eq!(presence_after_40_days(HOUR, &[]), Presence::Unobservable);
    }

    #[test]
    fn without_notes_the_app_s_own_last_refresh_speaks() {
        let record = record("app");
        let written: Timestamp = "2026-11-23T08:02:00Z".parse().unwrap();
        let presence = |now: &str, last| {
            let session = summary(&record, last);
            Note::presence(None, &session, Age::from_secs(30 * DAY), now.parse().unwrap())
        };
        assert_eq!(presence("2026-12-20T00:00:00Z", Some(written)), Presence::Seen);
        // Thirty days after the token was written, but not after it became stale.
        assert_eq!(presence("2026-12-23T08:30:00Z", Some(written)), Presence::Seen);
        assert_eq!(presence("2026-12-23T10:00:00Z", Some(written)), Presence::Away);
        assert_eq!(presence("2026-12-23T10:00:00Z", None), Presence::Unobservable);
    }

    #[test]
    fn a_refusal_is_of_one_client_and_one_token() {
        let note = Note::default().refused(&"https://app.example/a".into(), &"ref-1".into());
        for (client_id, token, refused) in [
            (Some("https://app.example/a"), "ref-1", true),
            (None, "ref-1", true),
            (Some("https://app.example/b"), "ref-1", false),
            (Some("https://app.example/a"), "ref-2", false),
        ] {
            assert_eq!(
                note.says_refused(client_id.map(ClientId::from).as_ref(), &token.into()),
                refused,
                "{client_id:?} {token}"
            );
        }
        // Note of an earlier version.
        let old = Note { refused_to: None, ..note };
        assert!(old.says_refused(Some(&"https://app.example/b".into()), &"ref-1".into()));
    }

    #[test]
    fn blind_time_long_ago_does_not_count_against_a_period() {
        let mut note = Note { active_at: Some(at(0)), ..Note::default() };
        for n in 0..24 * 60 {
            let (old, new) = (format!("t{n}"), format!("t{}", n + 1));
            note.wrote = Some(fingerprint(old.as_bytes()));
            note = note.refreshed(
                &old.into(),
                None,
                &new.into(),
                SignedDuration::from_hours(1),
                at(n * HOUR),
            );
        }
        let last = 24 * 60 * HOUR;
        assert_eq!(
            note.clone()
                .with_blind_time_until(at(last + 100 * DAY))
                .blind_since(at(last + 8 * DAY)),
            0
        );
        assert!(note.blind.len() <= WEEKS);
    }
}
