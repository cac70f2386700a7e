//! Status of sessions, determined without network access.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Age, AuthMethod, ClientId, Did, Issuer, LastRefreshed, Note, Session};
use crate::jose::is_ec_thumbprint;
use crate::text::{Named as _, named};

named! {
    /// Status of a session.
    #[derive(Default, Hash)]
    pub enum Status {
        /// The access token is valid.
        Fresh = "fresh",
        /// The access token has expired, which is normal for an inactive user. Nothing to do yet.
        Idle = "idle",
        /// Expired, and last refreshed longer ago than `keep_alive`.
        Due = "due",
        /// Older than the refresh lifetime of its client type. Only the server knows whether it has
        /// ended.
        Suspect = "suspect",
        /// Cannot be refreshed at present, for reasons outside the session.
        Blocked = "blocked",
        /// Can never be refreshed.
        Dead = "dead",
        /// Not a session, and of use to no one: empty, or without a refresh token and a private
        /// key.
        Malformed = "malformed",
        /// Not a readable session, but possibly a record of another library or program, or
        /// encrypted.
        #[default]
        Foreign = "foreign",
    }
}

/// Status with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Status.
    pub status: Status,
    /// Reason, if the status alone is not sufficient.
    pub reason: Option<Cow<'static, str>>,
    /// True if it is blocked only because it started when the client was public.
    pub needs_upgrade: bool,
    /// Blocked because its client key is not in the key set.
    pub lacks_key: bool,
}

/// Ages that determine the status.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Age from which a session is due for a refresh.
    pub keep_alive: Age,
    /// Lifetime of a public client's session after a refresh.
    pub public_lifetime: Age,
    /// Lifetime of a confidential client's session after a refresh.
    pub confidential_lifetime: Age,
    /// Lifetimes by issuer.
    pub issuers: HashMap<Issuer<'static>, Lifetimes>,
}

/// Lifetimes of the sessions of one issuer after a refresh, if they differ from the general ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lifetimes {
    /// Lifetime for a public client.
    pub public: Option<Age>,
    /// Lifetime for a confidential client.
    pub confidential: Option<Age>,
}

/// Available client keys, which determine the sessions that can be refreshed.
#[derive(Clone, Debug)]
pub enum KnownKeys {
    /// No key source is configured.
    Unknown,
    /// Exactly these kids.
    Only(HashSet<String>),
}

/// Inputs of the status apart from the session itself.
#[derive(Clone, Debug)]
pub struct StatusInputs {
    /// Available client keys.
    pub keys: KnownKeys,
    /// Ages that determine the status.
    pub policy: Policy,
    /// Configured `client_id` of the app.
    pub client_id: Option<ClientId<'static>>,
    /// Time of the evaluation.
    pub now: Timestamp,
}

/// Reason of a session that cannot be refreshed although its access token may still be valid.
pub const NO_REFRESH_TOKEN: &str = "no refresh token";
/// Reason of a session that is not refreshed because a request with a wrong or missing key could
/// end it.
pub const NO_CLIENT_AUTH: &str = "the record does not contain the client authentication method";

const DAY: i64 = 86_400;
/// Maximum length of text from tokens in messages.
const MAX_FOREIGN_TEXT: usize = 200;

impl Default for Policy {
    /// Returns the defaults: one rotation per day, and the lifetimes of the reference server, 14
    /// and 91.31 days.
    fn default() -> Self {
        Self {
            keep_alive: Age::from_secs(23 * 3600 + 30 * 60),
            public_lifetime: Age::from_secs(14 * DAY),
            confidential_lifetime: Age::from_secs(91 * DAY + 31 * DAY / 100),
            issuers: HashMap::new(),
        }
    }
}

impl Policy {
    /// Returns the configured lifetime of this issuer's unused refresh tokens.
    pub fn lifetime(&self, issuer: &Issuer<'_>, is_confidential: bool) -> Age {
        let own = self.issuers.get(issuer.as_str()).copied().unwrap_or_default();
        if is_confidential {
            own.confidential.unwrap_or(self.confidential_lifetime)
        } else {
            own.public.unwrap_or(self.public_lifetime)
        }
    }
}

impl Status {
    /// Returns a short description for operators.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Fresh => "The access token is valid.",
            Self::Idle => "The access token has expired. Normal for a user who is away.",
            Self::Due => "Expired, and not refreshed for longer than `keep_alive`.",
            Self::Suspect => "Not refreshed within its expected lifetime. Only the server knows.",
            Self::Blocked => "Cannot be refreshed at the moment; the reason says why.",
            Self::Dead => "Can never be refreshed again.",
            Self::Malformed => "Not a session: empty, or without refresh token and private key.",
            Self::Foreign => "Cannot be read. May belong to another library or program.",
        }
    }

    /// Parses the name of a status.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.name() == name)
    }

    /// Checks whether the record is not a readable session.
    pub fn is_unreadable(self) -> bool {
        matches!(self, Self::Malformed | Self::Foreign)
    }
}

impl Assessment {
    fn new(status: Status, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: Some(reason.into()), ..Self::plain(status) }
    }

    fn plain(status: Status) -> Self {
        Self { status, reason: None, needs_upgrade: false, lacks_key: false }
    }

    /// Determines the status of a session.
    pub fn of(
        session: &Session<'_>,
        last: Option<LastRefreshed>,
        note: Option<&Note>,
        inputs: &StatusInputs,
    ) -> Self {
        let StatusInputs { keys, policy, client_id, now } = inputs;
        let expired = session.expires_at.is_none_or(|at| at <= *now);
        match &session.refresh_token {
            None if session.expires_at.is_some() && expired => {
                return Self::new(Status::Dead, "expired, and has no refresh token");
            }
            Some(token)
                if note.is_some_and(|note| note.says_refused(client_id.as_ref(), token)) =>
            {
                return Self::new(Status::Dead, "the server has refused this refresh token");
            }
            _ => {}
        }
        if let Some(reason) = blocked(session, client_id.as_ref()) {
            return Self::new(Status::Blocked, reason);
        }
        if let Some(kid) = missing_key(session, keys) {
            let reason = format!("its client key {kid} is not in the key set");
            return Self { lacks_key: true, ..Self::new(Status::Blocked, reason) };
        }
        if session.is_public() && matches!(keys, KnownKeys::Only(kids) if !kids.is_empty()) {
            let blocked = Self::new(
                Status::Blocked,
                "started when the client was public; `oauthctl sessions upgrade` converts it",
            );
            return Self { needs_upgrade: true, ..blocked };
        }
        if session.expires_at.is_some() && !expired {
            return Self::plain(Status::Fresh);
        }
        if session.refresh_token.is_none() {
            return Self::new(
                Status::Idle,
                "no refresh token, and the access token has no known expiry",
            );
        }
        let unchanged_since = || note?.seen_at(session.refresh_token.as_ref()?);
        let Some(since) = last.map(|last| last.at).or_else(unchanged_since) else {
            return Self::new(Status::Idle, "last refresh unknown");
        };
        let age = now.duration_since(since);
        let said =
            note.zip(session.refresh_token.as_ref()).and_then(|(note, token)| note.lifetime(token));
        let lifetime =
            said.unwrap_or_else(|| policy.lifetime(&session.issuer, !session.is_public()));
        if age > lifetime.duration() {
            return Self::new(Status::Suspect, format!("not refreshed for longer than {lifetime}"));
        }
        let status = if age > policy.keep_alive.duration() { Status::Due } else { Status::Idle };
        match last {
            Some(_) => Self::plain(status),
            None => Self::new(status, format!("last refresh unknown; first seen {since:.0}")),
        }
    }
}

/// Returns the reason for which a refresh would be useless or dangerous, according to the record,
/// the keys and the `client_id`. A refresh with the wrong client key, DPoP key or `client_id`
/// would end the session.
fn blocked(session: &Session<'_>, client_id: Option<&ClientId<'_>>) -> Option<Cow<'static, str>> {
    if !Did::is_valid(&session.did) {
        return Some("the account is not a DID".into());
    }
    if session.dpop.alg.is_none() {
        return Some("the DPoP key is neither ES256 nor ES256K".into());
    }
    if let Some((theirs, ours)) =
        session.access_token.client_id().zip(client_id).filter(|(theirs, ours)| theirs != ours)
    {
        let theirs: String = theirs.as_str().chars().take(MAX_FOREIGN_TEXT).collect();
        return Some(
            format!("the tokens were issued to the client_id {theirs}, not to {ours}").into(),
        );
    }
    if let (Some(bound), [Some(curve), Some(x), Some(y)]) =
        (session.access_token.jkt(), &session.dpop.public)
        && !is_ec_thumbprint(bound, curve, x, y)
    {
        return Some("the tokens are bound to a DPoP key other than the stored one".into());
    }
    session.client_auth.is_none().then(|| NO_CLIENT_AUTH.into())
}

/// Returns the kid of the session's client key, where the key set is known and lacks it.
fn missing_key<'s>(session: &'s Session<'_>, keys: &KnownKeys) -> Option<&'s str> {
    match (keys, &session.client_auth) {
        (KnownKeys::Only(kids), Some(AuthMethod::PrivateKeyJwt(kid))) => {
            Some(kid.as_ref()).filter(|kid| !kids.contains(*kid))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Observed;
    use super::super::format::RECORD;
    use super::*;

    /// Determines the status at `now`. The record expires at 09:02, so it was refreshed at 08:02.
    fn judged(record: &str, now: &str, keys: &KnownKeys) -> (Status, Option<String>) {
        let now = now.parse().unwrap();
        let session = Session::read(record.as_bytes()).unwrap();
        let last = LastRefreshed::of(&session, None, Observed::default(), now);
        let assessment = {
            let inputs = StatusInputs {
                keys: keys.clone(),
                policy: Policy::default(),
                client_id: None,
                now,
            };
            Assessment::of(&session, last, None, &inputs)
        };
        (assessment.status, assessment.reason.map(Into::into))
    }

    #[test]
    fn a_session_ages_from_fresh_to_suspect() {
        for (now, status) in [
            ("2026-11-23T09:01:00Z", Status::Fresh),
            ("2026-11-23T09:03:00Z", Status::Idle),
            ("2026-11-24T07:31:00Z", Status::Idle),
            ("2026-11-24T07:33:00Z", Status::Due),
            ("2027-02-22T00:00:00Z", Status::Due),
            ("2027-02-23T00:00:00Z", Status::Suspect),
        ] {
            assert_eq!(judged(RECORD, now, &KnownKeys::Unknown).0, status, "{now}");
        }
    }

    #[test]
    fn a_public_client_s_session_lives_two_weeks() {
        let record =
            RECORD.replace(r#""method":"private_key_jwt","kid":"k1""#, r#""method":"none""#);
        assert_eq!(judged(&record, "2026-12-07T08:00:00Z", &KnownKeys::Unknown).0, Status::Due);
        assert_eq!(judged(&record, "2026-12-07T09:00:00Z", &KnownKeys::Unknown).0, Status::Suspect);
    }

    #[test]
    fn the_server_s_word_counts_before_the_settings_for_its_issuer() {
        let session = Session::read(RECORD.as_bytes()).unwrap();
        let (day, now) = (24 * 3600, "2026-12-04T10:00:00Z".parse().unwrap());
        let own = Lifetimes { confidential: Some(Age::from_secs(10 * day)), public: None };
        let issuers = |issuer: &'static str| HashMap::from([(issuer.into(), own)]);
        let written = "2026-11-23T08:02:00Z".parse().unwrap();
        let said = |days: Option<u64>| {
            let lifetime = days.map(|days| std::time::Duration::from_secs(days * 86_400));
            let note = Note::default().refreshed(
                &"old".into(),
                None,
                &"ref-1".into(),
                jiff::SignedDuration::from_hours(1),
                written,
            );
            note.living_for(lifetime)
        };
        for (issuer, days, status) in [
            ("https://other.example", None, Status::Due),
            ("https://as.example", None, Status::Suspect),
            ("https://as.example", Some(30), Status::Due),
            ("https://other.example", Some(3), Status::Suspect),
        ] {
            let policy = Policy { issuers: issuers(issuer), ..Policy::default() };
            let inputs = StatusInputs { keys: KnownKeys::Unknown, policy, client_id: None, now };
            let note = said(days);
            let last = LastRefreshed::of(&session, Some(&note), Observed::default(), now);
            assert_eq!(
                Assessment::of(&session, last, Some(&note), &inputs).status,
                status,
                "{issuer} {days:?}"
            );
        }
    }

    #[test]
    fn a_missing_client_key_blocks_even_a_fresh_session() {
        let keys = KnownKeys::Only(HashSet::from(["other".to_owned()]));
        let (status, reason) = judged(RECORD, "2026-11-23T09:01:00Z", &keys);
        assert_eq!(
            (status, reason.as_deref()),
            (Status::Blocked, Some("its client key k1 is not in the key set"))
        );
    }

    #[test]
    fn without_a_refresh_token_an_expired_session_is_dead() {
        let record = RECORD.replace(r#""refresh_token":"ref-1","#, "");
        assert_eq!(judged(&record, "2026-11-23T09:01:00Z", &KnownKeys::Unknown).0, Status::Fresh);
        assert_eq!(judged(&record, "2026-11-23T09:03:00Z", &KnownKeys::Unknown).0, Status::Dead);
    }

    #[test]
    fn no_refresh_token_and_unknown_expiry_is_not_dead() {
        let record = RECORD.replace(r#""refresh_token":"ref-1","#, "");
        let record = record.replace(r#","expires_at":"2026-11-23T09:02:00.978Z""#, "");
        for now in ["2026-11-23T09:03:00Z", "2030-01-01T00:00:00Z"] {
            assert_eq!(judged(&record, now, &KnownKeys::Unknown).0, Status::Idle, "{now}");
        }
    }

    #[test]
    fn a_session_of_unknown_age_is_due_after_it_was_first_seen() {
        let record = RECORD
            .replace(r#","expires_at":"2026-11-23T09:02:00.978Z""#, "")
            .replace("a.eyJpYXQiOjEwMDB9.c", "x");
        let session = Session::read(record.as_bytes()).unwrap();
        let note =
            Note::default().first_seen(&"ref-1".into(), "2026-11-23T10:00:00Z".parse().unwrap());
        for (now, note, status) in [
            ("2026-11-24T09:29:00Z", &note, Status::Idle),
            ("2026-11-24T09:31:00Z", &note, Status::Due),
            ("2027-03-01T00:00:00Z", &note, Status::Suspect),
            (
                "2027-03-01T00:00:00Z",
                &note.clone().first_seen(&"ref-0".into(), Timestamp::UNIX_EPOCH),
                Status::Idle,
            ),
        ] {
            let inputs = StatusInputs {
                keys: KnownKeys::Unknown,
                policy: Policy::default(),
                now: now.parse().unwrap(),
                client_id: None,
            };
            assert_eq!(Assessment::of(&session, None, Some(note), &inputs).status, status, "{now}");
        }
    }

    #[test]
    fn an_age_that_cannot_be_known_is_said_to_be_unknown() {
        let record = RECORD
            .replace(r#","expires_at":"2026-11-23T09:02:00.978Z""#, "")
            .replace("a.eyJpYXQiOjEwMDB9.c", "x");
        let (status, reason) = judged(&record, "2030-01-01T00:00:00Z", &KnownKeys::Unknown);
        assert_eq!((status, reason.as_deref()), (Status::Idle, Some("last refresh unknown")));
    }
}
