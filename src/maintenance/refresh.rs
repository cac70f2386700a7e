//! Many sessions exchanged: so many at once, so many a server, so many a second; tried again while nobody knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;

use super::exchange::{Exchanger, Outcome, Retry};
use crate::session::NodeSession;
use crate::store::Stored;

/// Sessions that wait for their turn, for each that is being exchanged: enough that one busy server does not keep the
/// others idle.
const WAITING: usize = 8;
/// The first pause before a session is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How hard a run may push.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Exchanges at the same time.
    pub concurrency: usize,
    /// Exchanges at the same time with one server.
    pub per_issuer: usize,
    /// Exchanges begun in a second.
    pub rate: Option<f64>,
    /// How long to try again what ended in *unknown*.
    pub retry_for: Duration,
}

/// What became of one session.
#[derive(Debug)]
pub struct Event {
    /// The session as it was selected.
    pub session: Stored,
    /// How it ended.
    pub outcome: Outcome,
}

/// Counts of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`Outcome::Refreshed`]
    pub refreshed: u64,
    /// [`Outcome::Skipped`]
    pub skipped: u64,
    /// [`Outcome::Gone`]
    pub gone: u64,
    /// [`Outcome::Blocked`]
    pub blocked: u64,
    /// [`Outcome::Unknown`]
    pub unknown: u64,
}

/// Exchanges sessions as they come.
pub struct Runner {
    shared: Arc<Shared>,
    under_way: JoinSet<Event>,
    /// What to call a session whose task died.
    sessions: HashMap<task::Id, Stored>,
}

/// What the sessions under way share.
struct Shared {
    exchanger: Exchanger,
    limits: Limits,
    at_once: Semaphore,
    per_issuer: Mutex<HashMap<String, Arc<Semaphore>>>,
    next_start: Mutex<Instant>,
}

impl Report {
    /// Counts one.
    pub fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Refreshed => &mut self.refreshed,
            Outcome::Skipped(_) => &mut self.skipped,
            Outcome::Gone(_) => &mut self.gone,
            Outcome::Blocked(_) => &mut self.blocked,
            Outcome::Unknown(..) => &mut self.unknown,
        } += 1;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.refreshed + self.skipped + self.gone + self.blocked + self.unknown
    }
}

impl Runner {
    /// Nothing is under way yet.
    pub fn new(exchanger: Exchanger, limits: Limits) -> Self {
        let shared = Shared {
            exchanger,
            limits,
            at_once: Semaphore::new(limits.concurrency),
            per_issuer: Mutex::default(),
            next_start: Mutex::new(Instant::now()),
        };
        Self { shared: Arc::new(shared), under_way: JoinSet::new(), sessions: HashMap::new() }
    }

    /// Takes a session on. Where many are under way already, waits for one to end, and returns what became of it.
    pub async fn add(&mut self, session: Stored) -> Option<Event> {
        let full = self.under_way.len() >= self.shared.limits.concurrency * WAITING;
        let ended = if full { self.next().await } else { None };
        let (shared, copy) = (Arc::clone(&self.shared), session.clone());
        let task = self.under_way.spawn(async move { shared.run(session).await });
        self.sessions.insert(task.id(), copy);
        ended
    }

    /// Waits for a session under way to end; none when nothing is under way.
    pub async fn next(&mut self) -> Option<Event> {
        let joined = self.under_way.join_next_with_id().await?;
        Some(self.ended(joined))
    }

    /// A session that has ended already.
    pub fn ready(&mut self) -> Option<Event> {
        let joined = self.under_way.try_join_next_with_id()?;
        Some(self.ended(joined))
    }

    /// One exchange that panicked must not take the others with it.
    fn ended(&mut self, joined: Result<(task::Id, Event), JoinError>) -> Event {
        match joined {
            Ok((id, event)) => {
                self.sessions.remove(&id);
                event
            }
            Err(error) => {
                let session = self.sessions.remove(&error.id()).expect("every task was noted when it began");
                Event {
                    session,
                    outcome: Outcome::Unknown("oauthctl failed; please report it".to_owned(), Retry::Never),
                }
            }
        }
    }
}

impl Shared {
    async fn run(&self, session: Stored) -> Event {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let issuer = NodeSession::parse(&session.value).map(|s| s.issuer.into_owned()).unwrap_or_default();
        let of_issuer = self.of_issuer(issuer);
        loop {
            let outcome = {
                // In this order everywhere: first the narrow gate, then the wide one.
                let _of_issuer = of_issuer.acquire().await;
                let _at_once = self.at_once.acquire().await;
                self.wait_for_rate().await;
                self.exchanger.exchange(&session).await
            };
            let wait = match &outcome {
                Outcome::Unknown(_, Retry::Soon) => pause,
                Outcome::Unknown(_, Retry::After(wait)) => pause.max(*wait),
                _ => return Event { session, outcome },
            };
            if begun.elapsed() + wait > self.limits.retry_for {
                return Event { session, outcome };
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
    }

    fn of_issuer(&self, issuer: String) -> Arc<Semaphore> {
        let mut issuers = self.per_issuer.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(issuers.entry(issuer).or_insert_with(|| Arc::new(Semaphore::new(self.limits.per_issuer))))
    }

    /// Waits until the next exchange may begin.
    async fn wait_for_rate(&self) {
        let Some(rate) = self.limits.rate else { return };
        let start = {
            let mut next = self.next_start.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*next).max(Instant::now());
            *next = start + Duration::from_secs_f64(rate.recip());
            start
        };
        tokio::time::sleep_until(start).await;
    }
}
