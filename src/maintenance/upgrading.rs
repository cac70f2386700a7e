//! Probes servers for their treatment of public sessions before one is sent to them with a client
//! key. Some servers end such sessions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::assess::Assessor;
use super::refresh::{Outcome, look_up_failed};
use super::runner::{Event, Retry, Step};
use super::selection::{Noted, healthiest_first};
use crate::jose::{ClientKey, DpopKey};
use crate::oauth::{AuthorizationServer, Credentials, LookupError, Network, Upgrading};
use crate::session::{Age, AuthMethod, ClientId, Did, Issuer, NO_REFRESH_TOKEN, Session, Status};
use crate::store::{Store, Stored};

/// Treatment of public sessions by each server, probed once.
pub struct Upgrades {
    network: Arc<Network>,
    client_id: ClientId<'static>,
    key: ClientKey,
    /// Server that may end one session: the operator has named it and agreed.
    agreed: Option<Issuer<'static>>,
    known: BTreeMap<Issuer<'static>, Way>,
}

/// Treatment by a server, and the number of sessions kept from it.
struct Way {
    objection: Option<Objection>,
    kept_from: u64,
}

/// Reason for which sessions must not be sent to a server.
struct Objection {
    outcome: Outcome,
    /// True if they may end there.
    may_end: bool,
}

impl Upgrades {
    /// Creates the probes. Sends nothing.
    pub fn new(
        network: Arc<Network>,
        client_id: ClientId<'static>,
        key: ClientKey,
        agreed: Option<Issuer<'static>>,
    ) -> Self {
        Self { network, client_id, key, agreed, known: BTreeMap::new() }
    }

    /// Returns the steps for these sessions of the public client. App instances that are not
    /// redeployed yet may still refresh them; if no lock prevents a collision, `may_meet_the_app`
    /// is true.
    pub async fn steps(
        &mut self,
        store: &dyn Store,
        assessor: &Assessor,
        may_meet_the_app: bool,
        mut sessions: Vec<Noted>,
    ) -> anyhow::Result<Vec<Step<Outcome>>> {
        healthiest_first(assessor, &mut sessions);
        let mut steps = Vec::with_capacity(sessions.len());
        for (session, note) in sessions {
            let settled = {
                let summary = assessor.summary(&session, note.as_ref());
                let reason = summary.reason.as_deref().unwrap_or_default();
                match summary.status {
                    Status::Dead | Status::Malformed | Status::Foreign => Some(Outcome::Skipped(
                        format!("{}: {reason}", summary.status.name()).into(),
                    )),
                    Status::Blocked if !summary.needs_upgrade => {
                        Some(Outcome::Blocked(reason.to_owned()))
                    }
                    _ => {
                        match assessor.too_recent(&summary, Age::from_secs(0), !may_meet_the_app) {
                            Some(why) => Some(Outcome::Skipped(why.into())),
                            None if summary.refresh_token.is_none() => {
                                Some(Outcome::Blocked(NO_REFRESH_TOKEN.to_owned()))
                            }
                            None => assessor
                                .objection_to_key(store, &summary, &self.key)
                                .await?
                                .map(Outcome::Blocked),
                        }
                    }
                }
            };
            let settled = match settled {
                None => self.objection(&session).await,
                settled => settled,
            };
            steps.push(match settled {
                None => Step::Work(session),
                Some(outcome) => Step::Done(Event { session, outcome }),
            });
        }
        Ok(steps)
    }

    /// Returns the reason for which a session must not be sent to its server, if any.
    async fn objection(&mut self, stored: &Stored) -> Option<Outcome> {
        let session = Session::read(&stored.value).ok()?;
        if self.agreed.as_ref() == Some(&session.issuer) {
            return None;
        }
        // The refresh itself refuses an unusable record.
        let dpop_key = session.format.dpop_key(&stored.value).ok()?;
        if !self.known.contains_key(session.issuer.as_str()) {
            let did: Did = session.did.parse().ok()?;
            let (server, _) = match self.network.server_for(&did, &session.issuer).await {
                Ok(found) => found,
                // Concerns this session, and not the others of its server.
                Err(error) => return Some(look_up_failed(&error)),
            };
            let objection = self.ask(&server, &session.issuer, &dpop_key).await.err();
            self.known.insert(session.issuer.to_owned(), Way { objection, kept_from: 0 });
        }
        let Entry::Occupied(mut way) = self.known.entry(session.issuer.to_owned()) else {
            return None;
        };
        let outcome = way.get().objection.as_ref()?.outcome.clone();
        way.get_mut().kept_from += 1;
        Some(outcome)
    }

    /// Returns servers that may end sessions, and the number of sessions kept from each.
    pub fn dangers(&self) -> impl Iterator<Item = (&Issuer<'static>, u64)> {
        let may_end = |way: &Way| way.objection.as_ref().is_some_and(|objection| objection.may_end);
        self.known
            .iter()
            .filter(move |(_, way)| may_end(way))
            .map(|(issuer, way)| (issuer, way.kept_from))
    }

    async fn ask(
        &self,
        server: &AuthorizationServer,
        issuer: &Issuer<'_>,
        dpop_key: &DpopKey,
    ) -> Result<(), Objection> {
        let failed =
            |error: &LookupError| Objection { outcome: look_up_failed(error), may_end: false };
        server.prime_nonce(&self.client_id, dpop_key).await.map_err(|error| failed(&error))?;
        let credentials =
            Credentials { client_id: &self.client_id, auth: AuthMethod::PrivateKeyJwt(&self.key) };
        let (why, may_end) = match server.upgrading(credentials, dpop_key).await {
            Upgrading::Accepted => return Ok(()),
            Upgrading::Kept => (
                format!(
                    "{issuer} does not convert sessions; it continues as a public session until it ends"
                ),
                false,
            ),
            Upgrading::Refused(why) => (why, false),
            Upgrading::Destroys => (
                format!(
                    "{issuer} ends a session that started without a client key if it is refreshed with one"
                ),
                true,
            ),
            Upgrading::Unknown(why) => (
                format!("it is unknown whether {issuer} converts sessions or ends them ({why})"),
                true,
            ),
            Upgrading::NoAnswer => {
                let why = format!(
                    "not attempted: {issuer} gave no answer that shows whether it converts sessions"
                );
                return Err(Objection {
                    outcome: Outcome::Unknown(why, Retry::Never),
                    may_end: false,
                });
            }
        };
        Err(Objection { outcome: Outcome::Blocked(format!("not attempted: {why}")), may_end })
    }
}
