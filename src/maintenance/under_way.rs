//! Sessions under way by authorization server, for those who watch a run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::session::Issuer;

/// Sessions that are being worked on, and those that wait to be tried again.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<BTreeMap<Issuer<'static>, Counts>>);

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    worked_on: u64,
    waiting: u64,
}

/// Counts a session until it is dropped.
pub struct Counted<'u> {
    of: &'u UnderWay,
    issuer: Issuer<'static>,
    waits: bool,
}

impl UnderWay {
    /// Counts a session of this server as worked on.
    pub fn work(&self, issuer: &Issuer<'_>) -> Counted<'_> {
        self.begin(issuer, false)
    }

    /// Counts a session of this server as one that waits to be tried again.
    pub fn wait(&self, issuer: &Issuer<'_>) -> Counted<'_> {
        self.begin(issuer, true)
    }

    fn begin(&self, issuer: &Issuer<'_>, waits: bool) -> Counted<'_> {
        let counted = Counted { of: self, issuer: issuer.to_owned(), waits };
        counted.change(|n| n + 1);
        counted
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<Issuer<'static>, Counts>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of sessions that are being worked on.
    pub fn worked_on(&self) -> u64 {
        self.counts().values().map(|counts| counts.worked_on).sum()
    }

    /// Says what the run waits for: the server with the most sessions under way.
    pub fn in_words(&self) -> Option<String> {
        let counts = self.counts();
        let most = |of: fn(&Counts) -> u64| {
            let some = counts.iter().filter(move |(_, counts)| of(counts) > 0);
            some.max_by_key(|(_, counts)| of(counts)).map(|(issuer, _)| issuer.brief().to_owned())
        };
        most(|counts| counts.worked_on).map(|issuer| format!("waiting for {issuer}")).or_else(
            || most(|counts| counts.waiting).map(|issuer| format!("{issuer} is tried again soon")),
        )
    }
}

impl Counted<'_> {
    fn change(&self, by: fn(u64) -> u64) {
        let mut counts = self.of.counts();
        let counts = counts.entry(self.issuer.clone()).or_default();
        let n = if self.waits { &mut counts.waiting } else { &mut counts.worked_on };
        *n = by(*n);
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.change(|n| n.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_with_the_most_sessions_is_named() {
        let under_way = UnderWay::default();
        let [a, b] = ["https://a.example", "https://b:8443"].map(Issuer::from);
        assert_eq!((under_way.worked_on(), under_way.in_words()), (0, None));
        let waits = under_way.wait(&a);
        assert_eq!(under_way.in_words().unwrap(), "a.example is tried again soon");
        let work = [under_way.work(&a), under_way.work(&b), under_way.work(&b)];
        assert_eq!(under_way.worked_on(), 3);
        assert_eq!(under_way.in_words().unwrap(), "waiting for b:8443");
        drop((work, waits));
        assert_eq!((under_way.worked_on(), under_way.in_words()), (0, None));
    }
}
