//! Determines the fate of each session.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use testbed::{Endpoint, Millis, Network, SessionState};

/// Fate of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// The store continues it.
    Kept,
    /// A recovery entry continues it, or for an import the export.
    Waiting,
    /// It was to end, and has ended.
    Ended,
    /// Its new tokens were in the affected message and never arrived.
    Unanswered,
    /// It was being refreshed when the process was killed, and its new tokens are lost.
    InFlight,
    /// The store continues it, but with a wrong TTL or an outdated access token.
    Impaired,
    /// Its user must log in again without need.
    Lost,
}

/// A kill -9.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    /// Time of the kill.
    pub(super) at: Millis,
    /// Time before the kill from which new tokens must be safe.
    pub(super) grace: Duration,
}

/// All evidence.
pub(super) struct Oracle<'a> {
    /// Network, which knows the truth.
    pub(super) net: &'a Network,
    /// Accounts in question.
    pub(super) dids: &'a [String],
    /// Their records in the store, by account.
    pub(super) stored: BTreeMap<String, Value>,
    /// Records elsewhere that can still be restored.
    pub(super) waiting: Vec<Value>,
    /// Accounts whose sessions were to end, or had ended before.
    pub(super) to_end: &'a BTreeSet<String>,
    /// Affected messages.
    pub(super) spoilt: Vec<Vec<u8>>,
    /// Kill that ended the run, if any.
    pub(super) killed: Option<Kill>,
    /// Returns the actual and the expected TTL of a stored record in milliseconds, if known.
    pub(super) time_to_live: Box<dyn Fn(&SessionState) -> Option<(i64, i64)> + 'a>,
}

/// Maximum loss of TTL in milliseconds, above the duration of any run.
const TTL_SLACK: i64 = 150_000;

impl Oracle<'_> {
    /// Returns the fate of each session.
    pub(super) fn fates(&self) -> BTreeMap<&str, Fate> {
        let sessions = self.net.sessions();
        let newest = |did: &String| sessions.iter().rev().find(|session| session.did == *did);
        self.dids
            .iter()
            .map(|did| (did.as_str(), newest(did).map_or(Fate::Lost, |s| self.fate(s))))
            .collect()
    }

    fn fate(&self, session: &SessionState) -> Fate {
        let stored = self.stored.get(&session.did);
        if let Some(record) = stored.filter(|record| self.net.is_alive_with(record)) {
            if self.is_whole(session, record) { Fate::Kept } else { Fate::Impaired }
        } else if self.waiting.iter().any(|record| self.is_its_own(session, record)) {
            Fate::Waiting
        } else if self.to_end.contains(&session.did) && !session.alive {
            Fate::Ended
        } else if self.spoilt.iter().any(|message| holds(message, &session.refresh_token)) {
            Fate::Unanswered
        } else if let (Some(kill), Some(record)) = (self.killed, stored)
            && self.was_under_way(session, record, kill)
        {
            Fate::InFlight
        } else {
            Fate::Lost
        }
    }

    fn is_its_own(&self, session: &SessionState, record: &Value) -> bool {
        record["tokenSet"]["sub"] == session.did.as_str() && self.net.is_alive_with(record)
    }

    fn is_whole(&self, session: &SessionState, record: &Value) -> bool {
        let stays = (self.time_to_live)(session)
            .is_none_or(|(is, ought)| (ought - TTL_SLACK..=ought).contains(&is));
        stays && self.net.has_current_access(record)
    }

    /// Checks whether the session was being refreshed at the kill: its stored token was used once
    /// in this run, nothing else happened to it, and the answer came just before the kill or never.
    /// Its new tokens were lost with the process.
    fn was_under_way(&self, session: &SessionState, record: &Value, kill: Kill) -> bool {
        let requests = self.net.requests_to(Endpoint::Token);
        let mut exchanges = requests
            .iter()
            .filter(|one| one.status == 200 && one.did.as_deref() == Some(&session.did));
        let (Some(exchange), None) = (exchanges.next(), exchanges.next()) else { return false };
        let ended = exchange.at + i64::try_from(exchange.took.as_millis()).unwrap();
        session.alive
            && exchange.token.as_deref() == record["tokenSet"]["refresh_token"].as_str()
            && ended + i64::try_from(kill.grace.as_millis()).unwrap() >= kill.at
    }
}

fn holds(message: &[u8], token: &str) -> bool {
    message.windows(token.len()).any(|part| part == token.as_bytes())
}

mod tests {
    use super::*;
    use crate::app::{App, days_ago, did_of};

    /// Returns the fate of a session refreshed and not stored, killed this long after the answer.
    fn killed_after(answer: Duration) -> Fate {
        let app = App::new();
        let record = app.log_in(1, &days_ago(2)).remove(0);
        let dids = [did_of(&record).to_owned()];
        // A refresh with a lost answer.
        app.database.execute(
            "CREATE TRIGGER x BEFORE UPDATE ON auth_session BEGIN SELECT RAISE(ABORT, 'x'); END",
        );
        app.sessions("refresh --all");
        let exchange = app.exchanges().pop().unwrap();
        let at = exchange.at + i64::try_from((exchange.took + answer).as_millis()).unwrap();
        let oracle = Oracle {
            net: &app.net,
            dids: &dids,
            stored: app.records(),
            waiting: Vec::new(),
            to_end: &BTreeSet::new(),
            spoilt: Vec::new(),
            killed: Some(Kill { at, grace: Duration::from_millis(200) }),
            time_to_live: Box::new(|_| None),
        };
        oracle.fates()[dids[0].as_str()]
    }

    #[test]
    fn an_early_answer_that_was_never_stored_is_a_loss() {
        assert_eq!(killed_after(Duration::from_millis(100)), Fate::InFlight);
        assert_eq!(killed_after(Duration::from_secs(1)), Fate::Lost);
    }

    #[test]
    fn a_wrong_ttl_or_outdated_access_token_impairs_a_session() {
        let app = App::new();
        let record = app.log_in(1, &days_ago(2)).remove(0);
        let renewed = app.net.refresh_as_app(&record).unwrap();
        let dids = [did_of(&record).to_owned()];
        let fate = |access: &Value, is: i64| {
            let mut stored = renewed.clone();
            stored["tokenSet"]["access_token"] = access["tokenSet"]["access_token"].clone();
            let oracle = Oracle {
                net: &app.net,
                dids: &dids,
                stored: [(dids[0].clone(), stored)].into(),
                waiting: Vec::new(),
                to_end: &BTreeSet::new(),
                spoilt: Vec::new(),
                killed: None,
                time_to_live: Box::new(move |_| Some((is, 1_000_000_000))),
            };
            oracle.fates()[dids[0].as_str()]
        };
        assert_eq!(fate(&renewed, 999_999_000), Fate::Kept);
        assert_eq!(fate(&record, 999_999_000), Fate::Impaired);
        assert_eq!(fate(&renewed, -1), Fate::Impaired);
        assert_eq!(fate(&renewed, 900_000_000), Fate::Impaired);
    }
}
