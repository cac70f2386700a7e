//! Tokens that an earlier run exchanged and could not store.

use super::{Finding, Topic};
use crate::error::Failure;
use crate::ui::counted;

const TOPIC: Topic = Topic::Recovery;

/// Looks at the stores that entries wait for. `address` is that of our own store, where it is known.
pub fn check(stores: Result<Vec<Option<String>>, Failure>, address: Option<&str>) -> Vec<Finding> {
    let stores = match stores {
        Ok(stores) => stores,
        Err(e) => {
            let why = "an exchange that cannot be stored needs a place for its tokens";
            return vec![Finding::failed(TOPIC, e, why)];
        }
    };
    if stores.is_empty() {
        return vec![Finding::ok(TOPIC, "no tokens wait to be stored")];
    }
    let (mut here, mut elsewhere, mut damaged) = (0, 0, 0);
    for store in &stores {
        match store.as_deref() {
            None => damaged += 1,
            Some(store) if address == Some(store) => here += 1,
            Some(_) => elsewhere += 1,
        }
    }
    let why = "their sessions are lost if the app uses the tokens that the store still has";
    let mut findings = Vec::new();
    if here > 0 {
        let what = format!("the tokens of {} wait to be stored", counted(here, "session"));
        findings.push(Finding::problem(TOPIC, what, why, "`oauthctl sessions recover`"));
    }
    if elsewhere > 0 {
        let what = format!("the tokens of {} in another store wait to be stored", counted(elsewhere, "session"));
        findings.push(Finding::warning(TOPIC, what, why, "`oauthctl sessions recover --store URL` with that store"));
    }
    if damaged > 0 {
        let what = format!("{} of tokens cannot be read", counted(damaged, "file"));
        let fix = "look at it in $XDG_STATE_HOME/oauthctl/recovery, and run oauthctl as the user who wrote it";
        findings.push(Finding::problem(TOPIC, what, why, fix));
    }
    findings
}
