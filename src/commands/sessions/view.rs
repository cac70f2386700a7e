//! How a session is looked at: judged by the settings at hand, shown as a row.

use jiff::Timestamp;

use crate::context::Context;
use crate::session::{Age, KnownKeys, Note, Policy, Status, Summary};
use crate::store::{KeyPattern, Layout, Stored};
use crate::ui::{Role, Row};

/// What a judgement depends on, gathered once a run.
#[derive(Clone)]
pub struct Judge {
    keys: KnownKeys,
    pattern: KeyPattern,
    policy: Policy,
    now: Timestamp,
}

impl Judge {
    /// Reads keys and settings.
    pub fn new(context: &Context, layout: &Layout) -> anyhow::Result<Self> {
        let keys = match context.key_set()? {
            None => KnownKeys::Unknown,
            Some(keys) => {
                KnownKeys::Only(keys.iter().filter_map(|key| key.kid()).map(|kid| kid.as_str().to_owned()).collect())
            }
        };
        Ok(Self {
            keys,
            pattern: layout.session_pattern().clone(),
            policy: context.settings()?.refresh()?.policy(),
            now: context.now(),
        })
    }

    /// Reads and judges one record.
    pub fn summary<'a>(&self, stored: &'a Stored, note: Option<&Note>) -> Summary<'a> {
        let key = stored.key.text();
        if let Some(why) = stored.unreadable {
            return Summary::malformed(key, why);
        }
        let Some((named, _)) = self.pattern.parse_key(&key) else {
            return Summary::malformed(key, "the key names no account");
        };
        let named = named.to_owned();
        Summary::of(key, &named, &stored.value, stored.observed, note, &self.keys, &self.policy, self.now)
    }

    /// The moment of the judgement.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How long ago something was.
    pub fn age(&self, at: Timestamp) -> Age {
        Age::from_secs(self.now.duration_since(at).as_secs().max(0))
    }
}

/// The colour of a status.
pub fn role(status: Status) -> Option<Role> {
    match status {
        Status::Fresh => Some(Role::Good),
        Status::Idle => Some(Role::Faint),
        Status::Due => None,
        Status::Suspect | Status::Blocked | Status::Dead | Status::Malformed => Some(Role::Warning),
    }
}

impl Row for Summary<'_> {
    const FIELDS: &'static [&'static str] = &[
        "key",
        "did",
        "issuer",
        "pds",
        "scope",
        "auth_method",
        "kid",
        "dpop_alg",
        "expires_at",
        "last_refreshed_at",
        "last_refreshed_by",
        "status",
        "reason",
    ];
    const TITLES: &'static [&'static str] = &["did", "status", "kid", "expires", "last refreshed", "issuer", "reason"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let plain = |text: Option<&str>| (text.unwrap_or("-").to_owned(), None);
        let time = |at: Option<Timestamp>| plain(at.map(|at| format!("{at:.0}")).as_deref());
        vec![
            plain(Some(self.did.as_deref().unwrap_or(&self.key))),
            (self.status.name().to_owned(), role(self.status)),
            plain(self.kid.as_deref().or(self.auth_method)),
            time(self.expires_at),
            time(self.last_refreshed_at),
            plain(self.issuer.as_deref()),
            (self.reason.as_deref().unwrap_or_default().to_owned(), None),
        ]
    }
}
