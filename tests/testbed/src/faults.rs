//! Faults between a client and a server, on request.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;

use crate::{
    http::{Reply, Request, Tail},
    log::{Endpoint, Logged},
    state::Shared,
};

/// Fault.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Sends this answer without doing anything.
    Instead(Reply),
    /// Does the work (tokens rotate), but sends this answer.
    Afterwards(Reply),
    /// Ends the session of the request and sends this answer, like a server that fails after
    /// looking the token up.
    Destroy(Reply),
    /// Waits, then does the work.
    DelayBefore(Duration),
    /// Does the work, then waits before answering.
    DelayAfter(Duration),
    /// Does the work, and answers when the gate opens.
    HoldAfter(Gate),
    /// Does nothing and never answers.
    Hang,
    /// Does the work and never answers.
    HangAfter,
    /// Does nothing and closes the connection.
    Close,
    /// Does the work and closes the connection: the answer is lost.
    CloseAfter,
    /// Sends the right answer, followed by an endless body.
    EndlessBody,
    /// Sends the right answer, followed by this number of bytes of white space.
    HugeBody(usize),
    /// Sends the right answer byte by byte.
    Drip(Duration),
    /// Changes one member of a 200 answer's JSON: a wrong `sub`, another `scope`.
    Set(&'static str, Value),
    /// Removes one member of a 200 answer's JSON: no `refresh_token`, no `expires_in`.
    Remove(&'static str),
    /// Does the work, but sends this text as the body: not JSON, or not an object.
    Body(String),
    /// Adds or replaces a header: an absurd `dpop-nonce`.
    Header(&'static str, String),
}

/// Gate that holds answers back until it is opened, for events that must happen while the client
/// waits.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// Creates a closed gate.
    pub fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Opens the gate permanently.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Checks whether an answer waits for the gate to open.
    pub fn is_holding(&self) -> bool {
        self.0.receiver_count() > 0
    }

    async fn passed(&self) {
        // Its sender is part of this very gate.
        let _ = self.0.subscribe().wait_for(|is_open| *is_open).await;
    }
}

impl Fault {
    /// Returns an error status with a JSON error, without doing anything.
    pub fn status(status: u16) -> Self {
        Self::Instead(Reply::error(status, "server_error", "Server error"))
    }

    /// Returns a 429 with `Retry-After`, without doing anything.
    pub fn too_many(retry_after: &str) -> Self {
        let reply = Reply::error(429, "rate_limit_exceeded", "Rate Limit Exceeded");
        Self::Instead(reply.header("retry-after", retry_after))
    }

    /// Returns a redirect, without doing anything.
    pub fn redirect(to: &str) -> Self {
        Self::Instead(Reply::redirect(to))
    }
}

/// Fault with the requests to which it applies. The default is all requests to the endpoint,
/// forever.
#[derive(Debug, Clone)]
pub struct Injection {
    endpoint: Endpoint,
    fault: Fault,
    only: Option<String>,
    pds: Option<usize>,
    skip: u64,
    times: Option<u64>,
}

impl Injection {
    /// Applies this fault to all requests to this endpoint.
    pub fn new(endpoint: Endpoint, fault: Fault) -> Self {
        Self { endpoint, fault, only: None, pds: None, skip: 0, times: None }
    }

    /// Restricts the fault to requests that concern exactly this DID, token, client ID, kid, path
    /// or host.
    #[must_use]
    pub fn only(mut self, subject: &str) -> Self {
        self.only = Some(subject.to_owned());
        self
    }

    /// Restricts the fault to requests to this PDS.
    #[must_use]
    pub fn on_pds(mut self, pds: usize) -> Self {
        self.pds = Some(pds);
        self
    }

    /// Restricts the fault to the next (matching) requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Skips this number of (matching) requests: `.skip(2).times(1)` is the third one.
    #[must_use]
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Checks whether this request is affected, and counts it.
    fn hits(&mut self, endpoint: Endpoint, entry: &Logged, request: &Request) -> bool {
        let meant = self.endpoint == endpoint
            && self.pds.is_none_or(|pds| entry.pds == Some(pds))
            && self.only.as_deref().is_none_or(|subject| entry.concerns(subject, request));
        if !meant || self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }
}

/// Active faults.
#[derive(Debug, Default)]
pub(crate) struct Injections(Vec<Injection>);

impl Injections {
    pub(crate) fn add(&mut self, injection: Injection) {
        self.0.push(injection);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the faults that affect this request.
    pub(crate) fn take(&mut self, endpoint: Endpoint, entry: &Logged, request: &Request) -> Faults {
        let hits = self
            .0
            .iter_mut()
            .filter_map(|injection| {
                injection.hits(endpoint, entry, request).then(|| injection.fault.clone())
            })
            .collect();
        self.0.retain(|injection| injection.times != Some(0));
        Faults(hits)
    }
}

/// Faults of one request.
#[derive(Debug)]
pub(crate) struct Faults(Vec<Fault>);

/// End of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Answer,
    Hang,
    Close,
}

impl Faults {
    pub(crate) fn delay_before(&self) -> Duration {
        self.0
            .iter()
            .filter_map(|fault| match fault {
                Fault::DelayBefore(time) => Some(*time),
                _ => None,
            })
            .sum()
    }

    pub(crate) fn delay_after(&self) -> Duration {
        self.0
            .iter()
            .filter_map(|fault| match fault {
                Fault::DelayAfter(time) => Some(*time),
                _ => None,
            })
            .sum()
    }

    /// Waits until all gates are open.
    pub(crate) async fn held(&self) {
        for fault in &self.0 {
            if let Fault::HoldAfter(gate) = fault {
                gate.passed().await;
            }
        }
    }

    /// Returns the answer that replaces the endpoint's work, if any.
    pub(crate) fn instead(&self, shared: &Shared, request: &Request) -> Option<(Reply, Ending)> {
        let nothing = || Reply::new(500, "text/plain", "");
        self.0.iter().find_map(|fault| match fault {
            Fault::Instead(reply) => Some((reply.clone(), Ending::Answer)),
            Fault::Destroy(reply) => {
                let mut state = shared.lock();
                let token = request.field("refresh_token").or(request.field("token"));
                if let Some(id) = token.and_then(|token| state.sessions.by_refresh(token)) {
                    state.sessions.end(id, "server error");
                }
                Some((reply.clone(), Ending::Answer))
            }
            Fault::Hang => Some((nothing(), Ending::Hang)),
            Fault::Close => Some((nothing(), Ending::Close)),
            _ => None,
        })
    }

    /// Applies the faults to the right answer.
    pub(crate) fn spoil(&self, mut reply: Reply) -> (Reply, Ending) {
        let mut ending = Ending::Answer;
        for fault in &self.0 {
            match fault {
                Fault::Afterwards(other) => reply = other.clone(),
                Fault::HangAfter => ending = Ending::Hang,
                Fault::CloseAfter => ending = Ending::Close,
                Fault::EndlessBody => reply.tail = Tail::Padding(None),
                Fault::HugeBody(size) => reply.tail = Tail::Padding(Some(*size)),
                Fault::Drip(every) => reply.tail = Tail::Drip(*every),
                Fault::Set(name, value) => edit(&mut reply, |body| {
                    body[*name] = value.clone();
                }),
                Fault::Remove(name) => edit(&mut reply, |body| {
                    body.as_object_mut().map(|body| body.shift_remove(*name));
                }),
                Fault::Body(text) => reply.body.clone_from(text),
                Fault::Header(name, value) => reply = reply.header(name, value),
                _ => {}
            }
        }
        (reply, ending)
    }
}

/// Edits the JSON object of a successful answer.
fn edit(reply: &mut Reply, change: impl FnOnce(&mut Value)) {
    if reply.status != 200 {
        return;
    }
    if let Ok(mut body) = serde_json::from_str::<Value>(&reply.body)
        && body.is_object()
    {
        change(&mut body);
        reply.body = body.to_string();
    }
}
