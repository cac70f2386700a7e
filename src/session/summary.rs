//! Summary of a session for display, without secrets.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{
    Assessment, AuthMethod, Issuer, LastRefreshed, Malformed, Note, Observed, Recognised, Session,
    Status, StatusInputs, is_nobodys, scope,
};
use crate::secret::Secret;

/// Session as shown by all output formats.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Summary<'a> {
    /// Key of the record in the store.
    pub key: Cow<'a, str>,
    /// Account.
    pub did: Option<Cow<'a, str>>,
    /// Authorization server.
    pub issuer: Option<Issuer<'a>>,
    /// PDS.
    pub pds: Option<Cow<'a, str>>,
    /// Granted scopes.
    pub scope: Option<Cow<'a, str>>,
    /// `none` or `private_key_jwt`.
    pub auth_method: Option<&'static str>,
    /// Client key to which it is bound.
    pub kid: Option<Cow<'a, str>>,
    /// Algorithm of its DPoP key.
    pub dpop_alg: Option<&'static str>,
    /// Expiry of its access token.
    #[schemars(with = "Option<String>")]
    #[serde(serialize_with = "milliseconds")]
    pub expires_at: Option<Timestamp>,
    /// Time of its last refresh.
    #[schemars(with = "Option<String>")]
    #[serde(serialize_with = "milliseconds")]
    pub last_refreshed_at: Option<Timestamp>,
    /// Source of that time.
    pub last_refreshed_by: Option<&'static str>,
    /// Status.
    pub status: Status,
    /// Reason of the status.
    pub reason: Option<Cow<'static, str>>,
    /// True if it is blocked only because it started when the client was public.
    #[serde(skip)]
    pub needs_upgrade: bool,
    /// Blocked because its client key is not in the key set.
    #[serde(skip)]
    pub lacks_key: bool,
    /// Refresh token.
    #[serde(skip)]
    pub refresh_token: Option<Secret<'a>>,
    /// True for a public client's session.
    #[serde(skip)]
    pub is_public: bool,
    /// Time at which it ends without a refresh, if known.
    #[serde(skip)]
    pub ends_at: Option<Timestamp>,
    /// True if the expiry of the access token is unreadable.
    #[serde(skip)]
    pub has_unreadable_expiry: bool,
    /// Time since which a session of unknown age has not changed, as far as oauthctl has seen.
    #[serde(skip)]
    pub unchanged_since: Option<Timestamp>,
    /// Layout in which it is stored.
    #[schemars(with = "Option<String>")]
    #[serde(serialize_with = "shared_text")]
    pub layout: Option<Arc<str>>,
    /// Format of its record.
    pub format: Option<&'static str>,
}

impl<'a> Summary<'a> {
    /// Summarises a session.
    pub fn of(
        key: Cow<'a, str>,
        session: Session<'a>,
        observed: Observed,
        note: Option<&Note>,
        inputs: &StatusInputs,
    ) -> Self {
        let last = LastRefreshed::of(&session, note, observed, inputs.now);
        let seen =
            note.zip(session.refresh_token.as_ref()).and_then(|(note, token)| note.seen_at(token));
        let unchanged_since = seen.filter(|at| last.is_none() && *at <= inputs.now);
        let assessment = Assessment::of(&session, last, note, inputs);
        let is_public = session.is_public();
        let ends_at = ends_at(&session, last.map(|last| last.at), note, inputs);
        let auth_method = session.client_auth.as_ref().map(AuthMethod::name);
        Self {
            key,
            did: Some(session.did),
            issuer: Some(session.issuer),
            pds: session.pds,
            scope: session.scope,
            auth_method,
            kid: session.client_auth.and_then(AuthMethod::into_key),
            dpop_alg: session.dpop.alg,
            expires_at: session.expires_at,
            last_refreshed_at: last.map(|last| last.at),
            last_refreshed_by: last.map(|last| last.by.name()),
            status: assessment.status,
            reason: assessment.reason,
            needs_upgrade: assessment.needs_upgrade,
            lacks_key: assessment.lacks_key,
            refresh_token: session.refresh_token,
            is_public,
            ends_at: ends_at.filter(|_| assessment.status != Status::Dead),
            has_unreadable_expiry: session.has_unreadable_expiry,
            unchanged_since,
            layout: None,
            format: Some(session.format.name()),
        }
    }

    /// Checks whether this scope was granted, by itself or with wider ones. `None` if the record does
    /// not list scopes, or if that depends on a permission set.
    pub fn has_scope(&self, wanted: &str) -> Option<bool> {
        scope::gives(self.scope.as_deref()?, wanted)
    }

    /// Summarises a value that is not a session.
    pub fn of_no_session(key: Cow<'a, str>, value: &[u8], why: Malformed) -> Self {
        let kind = Recognised::of(value);
        // The name of the missing part is more helpful.
        let missing = Cow::Borrowed(why.0);
        if is_nobodys(value) {
            let why = if kind == Recognised::Empty { kind.description() } else { missing };
            return Self::unreadable(key, Status::Malformed, why);
        }
        let why = match kind {
            Recognised::Damaged(format) => {
                format.session(value).err().map_or(missing, |Malformed(why)| why.into())
            }
            Recognised::OtherJson => missing,
            Recognised::NoJson => "not JSON, perhaps encrypted".into(),
            known => known.description(),
        };
        Self::foreign(key, why)
    }

    /// Summarises a record that may belong to another program.
    pub fn foreign(key: Cow<'a, str>, why: impl Into<Cow<'static, str>>) -> Self {
        Self::unreadable(key, Status::Foreign, why.into())
    }

    fn unreadable(key: Cow<'a, str>, status: Status, why: Cow<'static, str>) -> Self {
        Self { key, status, reason: Some(why), ..Self::default() }
    }
}

/// Returns the end of a session without further refreshes: the expiry of its refresh token. A
/// session of a public client ends 14 days after its login, even if it is refreshed (AT Protocol
/// OAuth profile, "Session Length").
fn ends_at(
    session: &Session<'_>,
    last: Option<Timestamp>,
    note: Option<&Note>,
    inputs: &StatusInputs,
) -> Option<Timestamp> {
    let noted = note.zip(session.refresh_token.as_ref());
    let said = noted.and_then(|(note, token)| note.lifetime(token));
    let lifetime = inputs.policy.lifetime(&session.issuer, !session.is_public());
    let by_token = last?.saturating_add(said.unwrap_or(lifetime).duration()).ok();
    let begun = noted.and_then(|(note, token)| note.begun_by(token));
    let by_login = begun
        .filter(|_| session.is_public())
        .and_then(|begun| begun.saturating_add(lifetime.duration()).ok());
    [by_token, by_login].into_iter().flatten().min()
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn milliseconds<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        // In the notation of JavaScript's `toISOString`, as in the records themselves.
        Some(at) => serializer.collect_str(&format_args!("{at:.3}")),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn shared_text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}
