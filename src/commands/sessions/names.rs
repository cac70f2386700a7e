//! Names on the command line that do not occur in the store: an error for commands that change
//! something, a warning for others.

use std::collections::BTreeSet;
use std::time::Duration;

use super::select::SelectArgs;
use crate::commands::kid::{find_kid, kids_of};
use crate::context::Context;
use crate::error::{Exit, Failure, failed, nearest};
use crate::maintenance::{Missing, bound_kids, nearest_name};
use crate::store::Store;
use crate::ui::counted;

/// Time limit of the search for a similar name.
const PATIENCE: Duration = Duration::from_secs(2);
/// Maximum number of missing names with a search.
const MOST_SEARCHES: usize = 3;

/// True if some of the names were missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SomeMissing(bool);

impl SomeMissing {
    /// Returns the exit status of a run that did what was possible.
    pub fn exit(self, exit: Exit) -> Exit {
        if self.0 && exit == Exit::Done { Exit::Partial } else { exit }
    }
}

impl SelectArgs {
    /// Resolves `--kid`, and records the requested names. After a prefix of a kid, asks `question`
    /// if there is one.
    pub fn prepare(
        &self,
        context: &Context,
        stores: &[&dyn Store],
        question: Option<&str>,
    ) -> anyhow::Result<()> {
        let keys = context.key_set()?.as_ref().map(kids_of).unwrap_or_default();
        let given = self.filter().kid;
        if let Some(given) = given.as_deref().filter(|given| !keys.contains(*given)) {
            let interrupt = context.interrupt();
            let bound = context
                .runtime()?
                .block_on(interrupt.or(bound_kids(stores)))
                .unwrap_or(Ok(BTreeSet::new()))?;
            let known = &keys | &bound;
            if let Some(found) = find_kid(given, &known)? {
                self.set_kid(found.accepted(context, given, question)?);
            }
        }
        let filter = self.filter();
        let is_known = filter.kid.as_ref().is_some_and(|kid| keys.contains(kid));
        self.seen().borrow_mut().ask_for(&filter, is_known);
        Ok(())
    }

    /// Fails if none of the given names occurs in the store. If some do, warns of the others.
    pub fn check_names(&self, context: &Context, store: &dyn Store) -> anyhow::Result<SomeMissing> {
        self.tell_of_sets(context);
        let missing = self.missing(context);
        let is_all = missing.iter().any(|missing| missing.others.is_some())
            || !self.seen().borrow().any_named();
        if missing.is_empty() || !is_all {
            self.warn(context, &[store], &missing)?;
            return Ok(SomeMissing(!missing.is_empty()));
        }
        let (last, first) =
            missing.split_last().unwrap_or_else(|| unreachable!("some are missing"));
        self.warn(context, &[store], first)?;
        Err(failure(context, &[store], last)?.into())
    }

    /// Warns of names that do not occur in the store.
    pub fn warn_of_missing(&self, context: &Context, stores: &[&dyn Store]) -> anyhow::Result<()> {
        self.tell_of_sets(context);
        self.warn(context, stores, &self.missing(context))
    }

    /// Says how many sessions were not selected because of what is not looked up.
    fn tell_of_sets(&self, context: &Context) {
        let n = self.seen().borrow().depending_on_sets;
        if n > 0 {
            context.ui.note(format!(
                "{} not selected: a permission set (include:…) may give the scope, and sets are not looked up",
                counted(n, "session")
            ));
        }
    }

    /// Returns the missing names. Empty after a signal, when the rest of the store is unknown.
    fn missing(&self, context: &Context) -> Vec<Missing> {
        if context.interrupt().is_set() { Vec::new() } else { self.seen().borrow().missing() }
    }

    fn warn(
        &self,
        context: &Context,
        stores: &[&dyn Store],
        missing: &[Missing],
    ) -> anyhow::Result<()> {
        for (n, missing) in missing.iter().enumerate() {
            let near = if n < MOST_SEARCHES { near(context, stores, missing)? } else { None };
            context.ui.warn(match near {
                Some(near) if near == missing.name => {
                    format!("{}; {near} is an account: name it without --key", missing.message)
                }
                Some(near) => format!("{}; did you mean {near}?", missing.message),
                None => missing.message.clone(),
            });
        }
        Ok(())
    }
}

/// Returns the failure for a missing name.
fn failure(context: &Context, stores: &[&dyn Store], missing: &Missing) -> anyhow::Result<Failure> {
    let failure = failed(missing.message.clone());
    Ok(match (near(context, stores, missing)?, &missing.others) {
        (Some(near), _) if near == missing.name => {
            failure.hint(format!("{near} is an account: name it without --key"))
        }
        (Some(near), _) => failure.hint(format!("did you mean {near}?")),
        (None, Some(_)) => {
            failure.hint("`oauthctl sessions stats` shows the servers and keys that sessions have")
        }
        (None, None) => {
            failure.hint("`oauthctl sessions list --format jsonl` shows all accounts and keys")
        }
    })
}

/// Returns the failure for an account without a session, with the most similar account that has
/// one.
pub fn no_session(context: &Context, stores: &[&dyn Store], did: &str) -> anyhow::Result<Failure> {
    let message = format!("{did} has no session in {}", context.store_address()?.0);
    failure(context, stores, &Missing { message, name: did.to_owned(), others: None })
}

/// Returns the name that was probably meant.
fn near(
    context: &Context,
    stores: &[&dyn Store],
    missing: &Missing,
) -> anyhow::Result<Option<String>> {
    if let Some(others) = &missing.others {
        return Ok(nearest(&missing.name, others.iter().map(String::as_str)).map(str::to_owned));
    }
    let search =
        async { tokio::time::timeout(PATIENCE, nearest_name(stores, &missing.name)).await };
    let found = context.runtime()?.block_on(context.interrupt().or(search));
    // Failures of the search are ignored, because the missing name is an error already.
    Ok(found.and_then(Result::ok).and_then(Result::ok).flatten())
}
