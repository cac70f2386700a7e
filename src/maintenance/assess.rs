//! Computes the status of stored sessions from the configuration of the run.

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
    Age, ClientId, Copies, Issuer, KnownKeys, LastRefreshed, Note, Policy, Relation, Session,
    Status, StatusInputs, Summary,
};
use crate::store::{Layout, NoRecord, Store, Stored};

/// Time since a renewal within which the app itself may be about to refresh.
const APP_IS_ACTIVE: Age = Age::from_secs(3600);

/// Reason for skipping a session that the app refreshed recently.
const RENEWED_BY_APP: &str = "refreshed by the app less than 1h ago, which has no lock: name accounts to \
     refresh them anyway";

/// Determines the status of sessions from the configured keys, layout and ages.
#[derive(Clone)]
pub struct Assessor {
    inputs: StatusInputs,
    layout: Layout,
    /// Name of the layout, for summaries.
    layout_name: Arc<str>,
    /// Duplicates among the sessions of the run, once they have been searched.
    copies: Arc<OnceLock<Copies>>,
    /// Recovery directory with newer tokens of some sessions, `None` if it is empty.
    pending: Option<Arc<Recovery>>,
    /// Settings `allow_http` and `allow_private_hosts`.
    egress: [bool; 2],
    /// Thumbprints of the available client keys, by kid.
    thumbprints: Arc<HashMap<String, String>>,
    noted_keys: Arc<Mutex<NotedKeys>>,
}

/// Notes about the kids of the available client keys.
#[derive(Default)]
struct NotedKeys {
    /// True if there are any notes. `None` before the first query.
    any: Option<bool>,
    /// Notes by kid and issuer.
    known: HashMap<String, HashMap<Issuer<'static>, KnownKey>>,
}

/// Reason of a session that is not refreshed because newer tokens of it are in the recovery
/// directory.
pub(super) const NEWER_TOKENS_WAIT: &str =
    "newer tokens are in the recovery directory; run `oauthctl sessions recover`";

impl Assessor {
    /// Creates the assessor. `keys` is `None` if no key source is configured, `client_id` if no
    /// client is.
    pub fn new(
        keys: Option<&KeySet>,
        client_id: Option<ClientId<'static>>,
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

    /// Adds the recovery directory.
    pub fn with_pending(self, recovery: Recovery) -> Self {
        Self { pending: Some(recovery.into()), ..self }
    }

    /// Sets whether http URLs and private addresses are permitted.
    pub fn with_egress(self, egress: [bool; 2]) -> Self {
        Self { egress, ..self }
    }

    /// Sets the duplicates. Has no effect if they are already known.
    pub fn learn(&self, copies: Copies) {
        let _ = self.copies.set(copies);
    }

    /// Checks whether the duplicates are known.
    pub fn knows_copies(&self) -> bool {
        self.copies.get().is_some()
    }

    /// Returns the relation to another record that keeps a session from being refreshed, and its
    /// description.
    pub fn copy(&self, stored: &Stored) -> Option<(Relation, &str)> {
        self.copies.get()?.of(&stored.key.text(), &stored.value)
    }

    /// Reads a record and determines its status, as far as possible without asking a server.
    pub fn summary<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let summary = self.summary_alone(stored, note);
        let why = if is_settled(&summary) {
            None
        } else {
            self.copy(stored).map(|(_, why)| why.to_owned())
        };
        block(summary, why)
    }

    /// Like [`Self::summary`], without regard to other records.
    pub fn summary_alone<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let summary = self.summary_of_record(stored, note);
        let waits = !is_settled(&summary) && self.has_newer_tokens(stored, &summary);
        block(summary, waits.then(|| NEWER_TOKENS_WAIT.to_owned()))
    }

    /// Like [`Self::summary_alone`], without regard to tokens in the recovery directory.
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
        let issuer = summary.issuer.clone().unwrap_or_default();
        let [allow_http, allow_private_hosts] = self.egress;
        let why = objection(issuer.as_str(), allow_http, allow_private_hosts).or_else(|| {
            let kid = summary.kid.as_deref()?;
            (self.noted(&issuer, kid) == Some(KnownKey::Other)).then(|| key_has_changed(kid))
        });
        block(summary, why)
    }

    fn has_newer_tokens(&self, stored: &Stored, summary: &Summary<'_>) -> bool {
        let entry =
            |recovery: &Arc<Recovery>| recovery.entry_of(stored, summary.refresh_token.as_ref());
        self.pending.as_ref().map(entry).is_some_and(|entry| entry.exists())
    }

    /// Returns the fault of a session's DPoP key, if any. The most expensive of the checks.
    pub fn unusable_key(stored: &Stored) -> Option<String> {
        let session = Session::read(&stored.value).ok()?;
        session.format.dpop_key(&stored.value).err().map(|error| error.to_string())
    }

    /// Returns the cached note about a kid at a server.
    pub(super) fn noted(&self, issuer: &Issuer<'_>, kid: &str) -> Option<KnownKey> {
        let noted = self.noted_keys.lock().unwrap_or_else(PoisonError::into_inner);
        noted.known.get(kid)?.get(issuer.as_str()).copied()
    }

    /// Looks up the note about a key at a server.
    pub(super) async fn compare_key(
        &self,
        store: &dyn Store,
        issuer: &Issuer<'_>,
        kid: &str,
        thumbprint: &str,
    ) -> anyhow::Result<KnownKey> {
        if let Some(known) = self.noted(issuer, kid) {
            return Ok(known);
        }
        let client_id = self.inputs.client_id.clone().unwrap_or_default();
        let known = noted_key(store, &client_id, issuer, kid, thumbprint).await?;
        let mut noted = self.noted_keys.lock().unwrap_or_else(PoisonError::into_inner);
        noted.known.entry(kid.to_owned()).or_default().insert(issuer.to_owned(), known);
        Ok(known)
    }

    /// Checks whether the client key of a session is the one that has worked before. Returns true
    /// if it is not, so that the status must be determined again.
    pub async fn learn_key(
        &self,
        store: &dyn Store,
        session: &Summary<'_>,
    ) -> anyhow::Result<bool> {
        let (Some(issuer), Some(kid)) = (session.issuer.as_ref(), session.kid.as_deref()) else {
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

    /// Returns the reason for which a public client's session must not be bound to this key.
    pub async fn objection_to_key(
        &self,
        store: &dyn Store,
        session: &Summary<'_>,
        key: &ClientKey,
    ) -> anyhow::Result<Option<String>> {
        let (Some(issuer), Some(kid)) = (session.issuer.as_ref(), key.kid()) else {
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

    /// Returns the time of the evaluation.
    pub fn now(&self) -> Timestamp {
        self.inputs.now
    }

    /// Checks whether client keys are configured.
    pub fn knows_keys(&self) -> bool {
        matches!(self.inputs.keys, KnownKeys::Only(_))
    }

    /// Returns the reason for which a recently renewed session is skipped. If the app has no lock,
    /// a session renewed by the app is skipped for longer.
    ///
    /// If all evidence is in the future (renewed after the start of this run, or the server's clock
    /// is ahead), the session may have been renewed just now.
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
                "the app may have just refreshed it and this layout has no lock; name the account to refresh it anyway".to_owned()
            });
        };
        let age = self.age(at);
        let by_app = session.last_refreshed_by != Some(LastRefreshed::BY_US);
        if age < min_interval {
            return Some(format!("refreshed less than {min_interval} ago ({age} ago)"));
        }
        (!app_has_lock && by_app && age < APP_IS_ACTIVE)
            .then(|| format!("{RENEWED_BY_APP} ({age} ago)"))
    }

    /// Returns the day by which the unused tokens of a session expire, `None` if the last refresh
    /// is unknown.
    pub fn ends_by(&self, stored: &Stored) -> Option<Date> {
        let summary = self.summary(stored, None);
        let issuer = summary.issuer.clone().unwrap_or_default();
        let lifetime = self.inputs.policy.lifetime(&issuer, summary.kid.is_some());
        let end = summary.last_refreshed_at?.checked_add(lifetime.duration()).ok()?;
        Some(Offset::UTC.to_datetime(end).date())
    }

    /// Returns the age of an event.
    pub fn age(&self, at: Timestamp) -> Age {
        Age::from_secs(self.inputs.now.duration_since(at).as_secs().max(0))
    }
}

/// Checks whether the status is final, independent of other inputs.
fn is_settled(summary: &Summary<'_>) -> bool {
    summary.status == Status::Dead || summary.status.is_unreadable()
}

fn block(summary: Summary<'_>, why: Option<String>) -> Summary<'_> {
    match why {
        Some(why) => Summary {
            status: Status::Blocked,
            reason: Some(why.into()),
            needs_upgrade: false,
            lacks_key: false,
            ..summary
        },
        None => summary,
    }
}
