//! Judging stored records: what a judgement depends on, gathered once a run.

use jiff::Timestamp;

use crate::jose::KeySet;
use crate::session::{Age, Circumstances, KnownKeys, Note, Policy, Summary};
use crate::store::{KeyPattern, Layout, Stored};

/// Judges sessions by the keys, the layout and the ages that are configured.
#[derive(Clone)]
pub struct Judge {
    circumstances: Circumstances,
    pattern: KeyPattern,
}

impl Judge {
    /// `keys` is none when no key source is configured.
    pub fn new(keys: Option<&KeySet>, layout: &Layout, policy: Policy, now: Timestamp) -> Self {
        let kids = |keys: &KeySet| keys.iter().filter_map(|key| Some(key.kid()?.as_str().to_owned())).collect();
        let keys = keys.map_or(KnownKeys::Unknown, |keys| KnownKeys::Only(kids(keys)));
        Self { circumstances: Circumstances { keys, policy, now }, pattern: layout.session_pattern().clone() }
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

    /// How long ago something was.
    pub fn age(&self, at: Timestamp) -> Age {
        Age::from_secs(self.circumstances.now.duration_since(at).as_secs().max(0))
    }
}
