//! Says of every session what has become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use testbed::{Endpoint, Millis, Network, SessionState};

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
    /// The store goes on with it, but with a time to live that is not its own, or an access token
    /// that is used up.
    Impaired,
    /// Its user has to log in again, and need not have.
    Lost,
}

/// A kill -9.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    /// When it was.
    pub(super) at: Millis,
    /// Whose answer came longer before has had the time to be stored, or to be written to the
    /// disk.
    pub(super) grace: Duration,
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
    /// What ended the run, if it did not end by itself.
    pub(super) killed: Option<Kill>,
    /// How long the record in the store would stay there, and ought to, in milliseconds; where
    /// that is known.
    pub(super) time_to_live: Box<dyn Fn(&SessionState) -> Option<(i64, i64)> + 'a>,
}

/// By so many milliseconds a time to live may be less than it was: no run takes longer.
const TTL_SLACK: i64 = 150_000;

impl Oracle<'_> {
    /// What has become of each.
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

    /// Checks whether the stored token was exchanged in this run, once, and nothing else happened
    /// to the session, and the answer came a moment before the kill or never: its new tokens went
    /// with the process.
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

    /// What becomes of a session that was exchanged and not stored, killed so long after the
    /// answer.
    fn killed_after(answer: Duration) -> Fate {
        let app = App::new();
        let record = app.log_in(1, &days_ago(2)).remove(0);
        let dids = [did_of(&record).to_owned()];
        // An exchange of which nobody heard.
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
    fn an_answer_that_came_long_before_the_kill_and_was_never_stored_is_a_loss() {
        assert_eq!(killed_after(Duration::from_millis(100)), Fate::InFlight);
        assert_eq!(killed_after(Duration::from_secs(1)), Fate::Lost);
    }

    #[test]
    fn a_record_with_another_time_to_live_or_a_used_up_access_token_is_no_session_kept() {
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
