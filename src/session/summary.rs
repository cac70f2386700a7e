//! What is shown of a session: everything an operator needs, nothing secret.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    AuthMethod, LastRefreshed, Malformed, Note, Observed, Recognised, Secret, Session, Status,
    StatusInputs, Verdict, is_nobodys,
};

/// One session, as every format shows it.
#[derive(Debug, Default, Serialize)]
pub struct Summary<'a> {
    /// The record's key in the store.
    pub key: Cow<'a, str>,
    /// The account.
    pub did: Option<Cow<'a, str>>,
    /// The authorization server.
    pub issuer: Option<Cow<'a, str>>,
    /// The PDS.
    pub pds: Option<Cow<'a, str>>,
    /// Scopes granted.
    pub scope: Option<Cow<'a, str>>,
    /// `none` or `private_key_jwt`.
    pub auth_method: Option<&'static str>,
    /// The client key it is bound to.
    pub kid: Option<Cow<'a, str>>,
    /// The algorithm of its DPoP key.
    pub dpop_alg: Option<&'static str>,
    /// When its access token expires.
    #[serde(serialize_with = "milliseconds")]
    pub expires_at: Option<Timestamp>,
    /// When it was last refreshed.
    #[serde(serialize_with = "milliseconds")]
    pub last_refreshed_at: Option<Timestamp>,
    /// How that is known.
    pub last_refreshed_by: Option<&'static str>,
    /// What can be done with it.
    pub status: Status,
    /// Why.
    pub reason: Option<Cow<'static, str>>,
    /// Blocked for nothing but having begun while the client was public.
    #[serde(skip)]
    pub needs_upgrade: bool,
    /// Refresh token.
    #[serde(skip)]
    pub refresh_token: Option<Secret<'a>>,
    /// It is a public client's.
    #[serde(skip)]
    pub is_public: bool,
    /// It says when its access token expires, in a form that cannot be read.
    #[serde(skip)]
    pub has_unreadable_expiry: bool,
    /// Its age is unknown, and it has not changed since oauthctl saw it first.
    #[serde(skip)]
    pub unchanged_since: Option<Timestamp>,
    /// The layout that it is stored in.
    #[serde(serialize_with = "shared_text")]
    pub layout: Option<Arc<str>>,
    /// The format of its record.
    pub format: Option<&'static str>,
}

impl<'a> Summary<'a> {
    /// Judges a session.
    pub fn of(
        key: Cow<'a, str>,
        session: Session<'a>,
        observed: Observed,
        note: Option<&Note>,
        inputs: &StatusInputs,
    ) -> Self {
        let last = LastRefreshed::of(&session, note, observed, inputs.now);
        let seen = note
            .zip(session.refresh_token.as_deref())
            .and_then(|(note, token)| note.seen_at(token));
        let unchanged_since = seen.filter(|at| last.is_none() && *at <= inputs.now);
        let verdict = Verdict::of(&session, last, note, inputs);
        let is_public = session.is_public();
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
            status: verdict.status,
            reason: verdict.reason,
            needs_upgrade: verdict.needs_upgrade,
            refresh_token: session.refresh_token,
            is_public,
            has_unreadable_expiry: session.has_unreadable_expiry,
            unchanged_since,
            layout: None,
            format: Some(session.format.name()),
        }
    }

    /// Summary of a value that is no session.
    pub fn of_no_session(key: Cow<'a, str>, value: &[u8], why: Malformed) -> Self {
        let kind = Recognised::of(value);
        // What is missing says more.
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

    /// Summary of a record that may be somebody else's.
    pub fn foreign(key: Cow<'a, str>, why: impl Into<Cow<'static, str>>) -> Self {
        Self::unreadable(key, Status::Foreign, why.into())
    }

    fn unreadable(key: Cow<'a, str>, status: Status, why: Cow<'static, str>) -> Self {
        Self { key, status, reason: Some(why), ..Self::default() }
    }
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn milliseconds<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        // As JavaScript's toISOString writes it, which is how the records themselves hold times.
        Some(at) => serializer.collect_str(&format_args!("{at:.3}")),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn shared_text<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(serializer)
}
