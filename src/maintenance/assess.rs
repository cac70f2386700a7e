//! Judging stored records: what a judgement depends on, gathered once a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::known_keys::{KnownKey, key_has_changed, noted_key};
use super::recovery::Recovery;
use crate::jose::{ClientKey, KeySet};
use crate::oauth::objection;
use crate::session::{
    Age, Copies, KnownKeys, LastRefreshed, Note, Policy, Relation, Session, Status, StatusInputs,
    Summary,
};
use crate::store::{Layout, NoRecord, Store, Stored};

/// The app itself may be about to refresh what it renewed more recently than this.
const APP_IS_ACTIVE: Age = Age::from_secs(3600);

/// Judges sessions by the keys, the layout and the ages that are configured.
#[derive(Clone)]
pub struct Assessor {
    inputs: StatusInputs,
    layout: Layout,
    /// Name of the layout, for summaries.
    layout_name: Arc<str>,
    /// Copies among the sessions of the run, once somebody has looked for them.
    copies: Arc<OnceLock<Copies>>,
    /// Where newer tokens of some sessions wait; none where there are no entries.
    pending: Option<Arc<Recovery>>,
    /// Whether http, and addresses that are not public, may be spoken to.
    egress: [bool; 2],
    /// Thumbprints of the client keys at hand, by kid.
    thumbprints: Arc<HashMap<String, String>>,
    noted_keys: Arc<Mutex<NotedKeys>>,
}

/// What is noted of the kids of the client keys at hand.
#[derive(Default)]
struct NotedKeys {
    /// True if there are notes at all, once somebody has asked.
    any: Option<bool>,
    /// By kid, then by issuer.
    known: HashMap<String, HashMap<String, KnownKey>>,
}

/// Why a session is not exchanged of which newer tokens are kept.
pub(super) const NEWER_TOKENS_WAIT: &str =
    "newer tokens of it wait in the recovery directory; `oauthctl sessions recover`";

impl Assessor {
    /// `keys` is none when no key source is configured, `client_id` when no client is.
    pub fn new(
        keys: Option<&KeySet>,
        client_id: Option<String>,
        layout: &Layout,
        policy: Policy,
        now: Timestamp,
    ) -> Self {
        let named = |key: &ClientKey| Some((key.kid()?.as_str().to_owned(), key.thumbprint()));
        let thumbprints: HashMap<_, _> =
            keys.iter().flat_map(|keys| keys.iter()).filter_map(named).collect();
        let keys = keys
            .map_or(KnownKeys::Unknown, |_| KnownKeys::Only(thumbprints.keys().cloned().collect()));
        Self {
            inputs: StatusInputs { keys, policy, client_id, now },
            layout: layout.clone(),
            layout_name: layout.name.as_str().into(),
            copies: Arc::default(),
            pending: None,
            egress: [true; 2],
            thumbprints: thumbprints.into(),
            noted_keys: Arc::default(),
        }
    }

    /// The same with regard to tokens that wait in this recovery directory.
    pub fn with_pending(self, recovery: Recovery) -> Self {
        Self { pending: Some(recovery.into()), ..self }
    }

    /// The same where http, and addresses that are not public, may not be spoken to unless this
    /// says so.
    pub fn with_egress(self, egress: [bool; 2]) -> Self {
        Self { egress, ..self }
    }

    /// Takes in which sessions are copies. Returns without effect when that is known.
    pub fn learn(&self, copies: Copies) {
        let _ = self.copies.set(copies);
    }

    /// Checks whether it is known which sessions are copies.
    pub fn knows_copies(&self) -> bool {
        self.copies.get().is_some()
    }

    /// Returns the relation to another record that keeps a session from being exchanged, and what
    /// to say of it.
    pub fn copy(&self, stored: &Stored) -> Option<(Relation, &str)> {
        self.copies.get()?.of(&stored.key.text(), &stored.value)
    }

    /// Reads and judges one record. All that can be known without asking a server.
    pub fn summary<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let summary = self.summary_alone(stored, note);
        let why = if is_settled(&summary) {
            None
        } else {
            self.copy(stored).map(|(_, why)| why.to_owned())
        };
        block(summary, why)
    }

    /// The same without regard to other records.
    pub fn summary_alone<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let summary = self.summary_of_record(stored, note);
        let waits = !is_settled(&summary) && self.has_newer_tokens(stored, &summary);
        block(summary, waits.then(|| NEWER_TOKENS_WAIT.to_owned()))
    }

    /// The same without regard to tokens that wait in the recovery directory, either.
    pub(super) fn summary_of_record<'a>(
        &self,
        stored: &'a Stored,
        note: Option<&Note>,
    ) -> Summary<'a> {
        let summary =
            Summary { layout: Some(Arc::clone(&self.layout_name)), ..self.read(stored, note) };
        if summary.status == Status::Blocked && !summary.needs_upgrade || is_settled(&summary) {
            return summary;
        }
        let issuer = summary.issuer.as_deref().unwrap_or_default();
        let [allow_http, allow_private_hosts] = self.egress;
        let why = objection(issuer, allow_http, allow_private_hosts).or_else(|| {
            let kid = summary.kid.as_deref()?;
            (self.noted(issuer, kid) == Some(KnownKey::Other)).then(|| key_has_changed(kid))
        });
        block(summary, why)
    }

    fn has_newer_tokens(&self, stored: &Stored, summary: &Summary<'_>) -> bool {
        let entry =
            |recovery: &Arc<Recovery>| recovery.entry_of(stored, summary.refresh_token.as_deref());
        self.pending.as_ref().map(entry).is_some_and(|entry| entry.exists())
    }

    /// Returns what is wrong with a session's DPoP key. Takes longer than all else that is judged.
    pub fn unusable_key(stored: &Stored) -> Option<String> {
        let session = Session::read(&stored.value).ok()?;
        session.format.dpop_key(&stored.value).err().map(|error| error.to_string())
    }

    /// What is known to be noted of a kid at a server.
    pub(super) fn noted(&self, issuer: &str, kid: &str) -> Option<KnownKey> {
        let noted = self.noted_keys.lock().unwrap_or_else(PoisonError::into_inner);
        noted.known.get(kid)?.get(issuer).copied()
    }

    /// Finds out what is noted of a key at a server.
    pub(super) async fn compare_key(
        &self,
        store: &dyn Store,
        issuer: &str,
        kid: &str,
        thumbprint: &str,
    ) -> anyhow::Result<KnownKey> {
        if let Some(known) = self.noted(issuer, kid) {
            return Ok(known);
        }
        let client_id = self.inputs.client_id.as_deref().unwrap_or_default();
        let known = noted_key(store, client_id, issuer, kid, thumbprint).await?;
        let mut noted = self.noted_keys.lock().unwrap_or_else(PoisonError::into_inner);
        noted.known.entry(kid.to_owned()).or_default().insert(issuer.to_owned(), known);
        Ok(known)
    }

    /// Finds out whether the client key of a session is the one that has worked before. Returns
    /// whether it is not, and the session has to be judged anew.
    pub async fn learn_key(
        &self,
        store: &dyn Store,
        session: &Summary<'_>,
    ) -> anyhow::Result<bool> {
        let (Some(issuer), Some(kid)) = (session.issuer.as_deref(), session.kid.as_deref()) else {
            return Ok(false);
        };
        let Some(thumbprint) = self.thumbprints.get(kid) else { return Ok(false) };
        if self.inputs.client_id.is_none() || !self.are_keys_noted(store).await? {
            return Ok(false);
        }
        let is_new = self.noted(issuer, kid).is_none();
        Ok(is_new && self.compare_key(store, issuer, kid, thumbprint).await? == KnownKey::Other)
    }

    /// Checks whether oauthctl has ever written a note into this store.
    async fn are_keys_noted(&self, store: &dyn Store) -> anyhow::Result<bool> {
        let known = self.noted_keys.lock().unwrap_or_else(PoisonError::into_inner).any;
        if let Some(any) = known {
            return Ok(any);
        }
        let any = store.notes(&[Note::MARKER.to_owned()]).await?.pop().flatten().is_some();
        self.noted_keys.lock().unwrap_or_else(PoisonError::into_inner).any = Some(any);
        Ok(any)
    }

    /// Returns why a session of a public client is not to be bound to this key.
    pub async fn objection_to_key(
        &self,
        store: &dyn Store,
        session: &Summary<'_>,
        key: &ClientKey,
    ) -> anyhow::Result<Option<String>> {
        let (Some(issuer), Some(kid)) = (session.issuer.as_deref(), key.kid()) else {
            return Ok(None);
        };
        let known = self.compare_key(store, issuer, kid.as_str(), &key.thumbprint()).await?;
        Ok((known == KnownKey::Other).then(|| key_has_changed(kid.as_str())))
    }

    fn read<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let key = stored.key.text();
        match self.layout.session(stored) {
            Ok(session) => Summary::of(key, session, stored.observed, note, &self.inputs),
            Err(NoRecord::Malformed(why)) => Summary::of_no_session(key, &stored.value, why),
            Err(why) => Summary::foreign(key, why.description()),
        }
    }

    /// Returns the moment of the judgement.
    pub fn now(&self) -> Timestamp {
        self.inputs.now
    }

    /// Checks whether client keys are configured.
    pub fn knows_keys(&self) -> bool {
        matches!(self.inputs.keys, KnownKeys::Only(_))
    }

    /// Why a session is left alone that was renewed a short while ago. Where the app has no lock to
    /// keep the two of us apart, one that the app renewed itself is left alone for longer.
    ///
    /// Where all that is known of it lies in the future (it was renewed after this run began, or a
    /// server's clock is ahead), it may have been renewed just now.
    pub fn too_recent(
        &self,
        session: &Summary<'_>,
        min_interval: Age,
        app_has_lock: bool,
    ) -> Option<String> {
        let Some(at) = session.last_refreshed_at else {
            let lies_ahead =
                session.expires_at.is_some_and(|at| LastRefreshed::lies_ahead(at, self.now()));
            let is_unchanged =
                session.unchanged_since.is_some_and(|at| self.age(at) >= APP_IS_ACTIVE);
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
        (!app_has_lock && by_app && age < APP_IS_ACTIVE).then(|| {
            format!("the app renewed it {age} ago, and has no lock to keep the two of us apart")
        })
    }

    /// Returns the day by which the tokens of a session die, if nobody uses them. None where
    /// nothing tells when it was refreshed.
    pub fn ends_by(&self, stored: &Stored) -> Option<Date> {
        let summary = self.summary(stored, None);
        let issuer = summary.issuer.as_deref().unwrap_or_default();
        let lifetime = self.inputs.policy.lifetime(issuer, summary.kid.is_some());
        let end = summary.last_refreshed_at?.checked_add(lifetime.duration()).ok()?;
        Some(Offset::UTC.to_datetime(end).date())
    }

    /// How long ago something was.
    pub fn age(&self, at: Timestamp) -> Age {
        Age::from_secs(self.inputs.now.duration_since(at).as_secs().max(0))
    }
}

/// Checks whether nothing else matters of a session.
fn is_settled(summary: &Summary<'_>) -> bool {
    summary.status == Status::Dead || summary.status.is_unreadable()
}

fn block(summary: Summary<'_>, why: Option<String>) -> Summary<'_> {
    match why {
        Some(why) => Summary {
            status: Status::Blocked,
            reason: Some(why.into()),
            needs_upgrade: false,
            ..summary
        },
        None => summary,
    }
}
