//! Checks for tokens that an earlier run received and could not store.

use super::{Finding, Topic};
use crate::error::Failure;
use crate::text::counted;

const TOPIC: Topic = Topic::Recovery;

/// Returns the finding about a recovery directory that cannot be read.
pub fn unreadable(error: Failure) -> Finding {
    Finding::failed(TOPIC, error, "new tokens are kept there if the store fails")
}

/// Checks the numbers of entries for this store, for other stores, and of unreadable ones.
pub fn check(here: u64, elsewhere: u64, unreadable: u64) -> Vec<Finding> {
    if here + elsewhere + unreadable == 0 {
        return vec![Finding::ok(TOPIC, "no tokens are waiting to be stored")];
    }
    let why = "these sessions are lost if the app uses the old tokens in the store";
    let mut findings = Vec::new();
    if here > 0 {
        let what = format!("the tokens of {} are waiting to be stored", counted(here, "session"));
        findings.push(Finding::problem(TOPIC, what, why, "`oauthctl sessions recover`"));
    }
    if elsewhere > 0 {
        let what = format!(
            "the tokens of {} in another store are waiting to be stored",
            counted(elsewhere, "session")
        );
        findings.push(Finding::warning(
            TOPIC,
            what,
            why,
            "`oauthctl sessions recover --store URL` with that store",
        ));
    }
    if unreadable > 0 {
        let what = format!("{} of tokens could not be read", counted(unreadable, "file"));
        let fix = "look at it in $XDG_STATE_HOME/oauthctl/recovery, and run oauthctl as the user who wrote it";
        findings.push(Finding::problem(TOPIC, what, why, fix));
    }
    findings
}
