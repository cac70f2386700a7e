//! Judging stored records: what a judgement depends on, gathered once a run.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::jose::KeySet;
use crate::session::{Age, Circumstances, Copies, KnownKeys, LastRefreshed, Note, Policy, Relation, Status, Summary};
use crate::store::{KeyPattern, Layout, Stored};

/// The app itself may be about to refresh what it renewed more recently than this.
const APP_IS_ACTIVE: Age = Age::from_secs(3600);

/// Judges sessions by the keys, the layout and the ages that are configured.
#[derive(Clone)]
pub struct Judge {
    circumstances: Circumstances,
    pattern: KeyPattern,
    layout: Arc<str>,
    /// Copies among the sessions of the run, once somebody has looked for them.
    copies: Arc<OnceLock<Copies>>,
}

impl Judge {
    /// `keys` is none when no key source is configured, `client_id` when no client is.
    pub fn new(
        keys: Option<&KeySet>,
        client_id: Option<String>,
        layout: &Layout,
        policy: Policy,
        now: Timestamp,
    ) -> Self {
        let kids = |keys: &KeySet| keys.iter().filter_map(|key| Some(key.kid()?.as_str().to_owned())).collect();
        let keys = keys.map_or(KnownKeys::Unknown, |keys| KnownKeys::Only(kids(keys)));
        Self {
            circumstances: Circumstances { keys, policy, client_id, now },
            pattern: layout.session_pattern().clone(),
            layout: layout.name.as_str().into(),
            copies: Arc::default(),
        }
    }

    /// Takes in which sessions are copies. Returns without effect when that is known.
    pub fn learn(&self, copies: Copies) {
        let _ = self.copies.set(copies);
    }

    /// Whether it is known which sessions are copies.
    pub fn knows_copies(&self) -> bool {
        self.copies.get().is_some()
    }

    /// The relation to another record that keeps a session from being exchanged, and what to say of it.
    pub fn copy(&self, stored: &Stored) -> Option<(Relation, &str)> {
        self.copies.get()?.of(&stored.key.text(), &stored.value)
    }

    /// Reads and judges one record.
    pub fn summary<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let summary = self.summary_alone(stored, note);
        match self.copy(stored) {
            Some((_, why)) if summary.status != Status::Dead && !summary.status.is_unreadable() => {
                Summary { status: Status::Blocked, reason: Some(why.to_owned().into()), ..summary }
            }
            _ => summary,
        }
    }

    /// The same without regard to other records.
    pub fn summary_alone<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        Summary { layout: Some(Arc::clone(&self.layout)), ..self.read(stored, note) }
    }

    fn read<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let key = stored.key.text();
        if let Some(why) = stored.unreadable {
            return Summary::foreign(key, why);
        }
        let Some((named, _)) = self.pattern.parse_key(&key) else {
            return Summary::foreign(key, "the key names no account");
        };
        let named = named.to_owned();
        Summary::of(key, &named, &stored.value, stored.observed, note, &self.circumstances)
    }

    /// The moment of the judgement.
    pub fn now(&self) -> Timestamp {
        self.circumstances.now
    }

    /// Whether client keys are configured.
    pub fn knows_keys(&self) -> bool {
        matches!(self.circumstances.keys, KnownKeys::Only(_))
    }

    /// Why a session is left alone that was renewed a short while ago. Where the app has no lock to keep the two of us
    /// apart, one that the app renewed itself is left alone for longer.
    ///
    /// Where all that is known of it lies in the future (it was renewed after this run began, or a server's clock is
    /// ahead), it may have been renewed just now.
    pub fn too_recent(&self, session: &Summary<'_>, min_interval: Age, app_has_lock: bool) -> Option<String> {
        let Some(at) = session.last_refreshed_at else {
            let lies_ahead = session.expires_at.is_some_and(|at| LastRefreshed::lies_ahead(at, self.now()));
            let is_unchanged = session.unchanged_since.is_some_and(|at| self.age(at) >= APP_IS_ACTIVE);
            let may_be_new = (lies_ahead || session.has_unreadable_expiry) && !is_unchanged;
            return (may_be_new && !app_has_lock).then(|| {
                "the app may have renewed it just now, and has no lock to keep the two of us apart".to_owned()
            });
        };
        let age = self.age(at);
        let by_app = session.last_refreshed_by != Some(LastRefreshed::BY_US);
        if age < min_interval {
            return Some(format!("refreshed {age} ago"));
        }
        (!app_has_lock && by_app && age < APP_IS_ACTIVE)
            .then(|| format!("the app renewed it {age} ago, and has no lock to keep the two of us apart"))
    }

    /// The day by which the tokens of a session die, if nobody uses them. None where nothing tells when it was refreshed.
    pub fn ends_by(&self, stored: &Stored) -> Option<Date> {
        let summary = self.summary(stored, None);
        let issuer = summary.issuer.as_deref().unwrap_or_default();
        let lifetime = self.circumstances.policy.lifetime(issuer, summary.kid.is_some());
        let end = summary.last_refreshed_at?.checked_add(lifetime.duration()).ok()?;
        Some(Offset::UTC.to_datetime(end).date())
    }

    /// How long ago something was.
    pub fn age(&self, at: Timestamp) -> Age {
        Age::from_secs(self.circumstances.now.duration_since(at).as_secs().max(0))
    }
}
