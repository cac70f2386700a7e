//! Says of every session what has become of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testbed::{Network, SessionState};

/// What has become of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// The store goes on with it.
    Kept,
    /// A recovery entry does, or for an import the export.
    Waiting,
    /// It was to end, and has.
    Ended,
    /// Its new tokens were in the message that something happened to: nobody ever had them.
    Unanswered,
    /// It was being exchanged when the process was killed: nobody has its new tokens any more.
    InFlight,
    /// Its user has to log in again, and need not have.
    Lost,
}

/// Everything that tells.
pub(super) struct Oracle<'a> {
    /// The truth.
    pub(super) net: &'a Network,
    /// The accounts in question.
    pub(super) dids: &'a [String],
    /// Their records in the store, by account.
    pub(super) stored: BTreeMap<String, Value>,
    /// Records elsewhere that can still be brought back.
    pub(super) waiting: Vec<Value>,
    /// The accounts whose sessions were to end, or had ended before.
    pub(super) to_end: &'a BTreeSet<String>,
    /// The messages that something happened to.
    pub(super) spoilt: Vec<Vec<u8>>,
    /// The run was killed.
    pub(super) killed: bool,
}

impl Oracle<'_> {
    /// What has become of each.
    pub(super) fn fates(&self) -> BTreeMap<&str, Fate> {
        let sessions = self.net.sessions();
        let newest = |did: &String| sessions.iter().rev().find(|session| session.did == *did);
        self.dids.iter().map(|did| (did.as_str(), newest(did).map_or(Fate::Lost, |s| self.fate(s)))).collect()
    }

    fn fate(&self, session: &SessionState) -> Fate {
        let stored = self.stored.get(&session.did);
        if stored.is_some_and(|record| self.net.is_alive_with(record)) {
            Fate::Kept
        } else if self.waiting.iter().any(|record| self.is_its_own(session, record)) {
            Fate::Waiting
        } else if self.to_end.contains(&session.did) && !session.alive {
            Fate::Ended
        } else if self.spoilt.iter().any(|message| holds(message, &session.refresh_token)) {
            Fate::Unanswered
        } else if self.killed && stored.is_some_and(|record| self.was_under_way(session, record)) {
            Fate::InFlight
        } else {
            Fate::Lost
        }
    }

    fn is_its_own(&self, session: &SessionState, record: &Value) -> bool {
        record["tokenSet"]["sub"] == session.did.as_str() && self.net.is_alive_with(record)
    }

    /// Whether the stored token was exchanged in this run, once, and nothing else happened to the session: its new tokens
    /// went with the process.
    fn was_under_way(&self, session: &SessionState, record: &Value) -> bool {
        let requests = self.net.requests();
        let mut exchanges = requests.iter().filter(|request| {
            let renewed = request.status == 200 && request.path.ends_with("/token");
            renewed && request.did.as_deref() == Some(&session.did)
        });
        let last = exchanges.next().and_then(|request| request.token.as_deref());
        session.alive
            && exchanges.next().is_none()
            && last.is_some()
            && last == record["tokenSet"]["refresh_token"].as_str()
    }
}

fn holds(message: &[u8], token: &str) -> bool {
    message.windows(token.len()).any(|part| part == token.as_bytes())
}
