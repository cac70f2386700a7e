//! Requests to the network: a log, and counters that work with the log switched off.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    clock::{Millis, real_now},
    http::Request,
    keys::Jws,
    server::Site,
    state::State,
};

/// Purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `/.well-known/oauth-protected-resource` of a PDS.
    ResourceMetadata,
    /// `/.well-known/oauth-authorization-server`.
    ServerMetadata,
    /// `POST /oauth/par`.
    Par,
    /// `POST /oauth/token`.
    Token,
    /// `POST /oauth/revoke`.
    Revoke,
    /// `com.atproto.server.getSession`.
    GetSession,
    /// `com.atproto.identity.resolveHandle` of a PDS.
    ResolveHandle,
    /// DID document of the PLC directory.
    Plc,
    /// `/.well-known/did.json`.
    DidWeb,
    /// `/.well-known/atproto-did`.
    HandleFile,
    /// DNS over HTTPS.
    Dns,
    /// Client metadata document, or another document of the app.
    AppDocument,
    /// Key set of the app.
    AppJwks,
    /// Anything else.
    Other,
}

impl Endpoint {
    pub(crate) fn of(request: &Request) -> Self {
        match (request.site, request.path.as_str()) {
            (Site::Pds(_), "/.well-known/oauth-protected-resource") => Self::ResourceMetadata,
            (Site::Pds(_), "/.well-known/oauth-authorization-server") => Self::ServerMetadata,
            (Site::Pds(_), "/oauth/par") => Self::Par,
            (Site::Pds(_), "/oauth/token") => Self::Token,
            (Site::Pds(_), "/oauth/revoke") => Self::Revoke,
            (Site::Pds(_), "/xrpc/com.atproto.server.getSession") => Self::GetSession,
            (Site::Pds(_), "/xrpc/com.atproto.identity.resolveHandle") => Self::ResolveHandle,
            (Site::Plc, _) => Self::Plc,
            (Site::Web, "/.well-known/did.json") => Self::DidWeb,
            (Site::Web, "/.well-known/atproto-did") => Self::HandleFile,
            (Site::Web, "/dns-query") => Self::Dns,
            (Site::App, "/.well-known/jwks.json") => Self::AppJwks,
            (Site::App, _) => Self::AppDocument,
            _ => Self::Other,
        }
    }
}

/// Request with its answer.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Purpose.
    pub endpoint: Endpoint,
    /// Method.
    pub method: String,
    /// Path, percent-decoded.
    pub path: String,
    /// Number of the PDS, if it was sent to one.
    pub pds: Option<usize>,
    /// DID of the session that the token belongs to, or in the path.
    pub did: Option<String>,
    /// `client_id` of a token or revocation request.
    pub client_id: Option<String>,
    /// `kid` of the client assertion.
    pub kid: Option<String>,
    /// Token sent for refresh or revocation.
    pub token: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// Time of arrival, by the machine's clock.
    pub at: Millis,
    /// Time until the answer was ready.
    pub took: Duration,
    /// Status of the answer.
    pub status: u16,
    /// OAuth error code of the answer.
    pub error: Option<String>,
    /// False if a fault prevented the answer.
    pub answered: bool,
}

impl Logged {
    pub(crate) fn of(state: &State, endpoint: Endpoint, request: &Request) -> Self {
        let token = request.field("refresh_token").or(request.field("token"));
        let session = token.and_then(|token| state.sessions.by_any_token(token));
        let did = session
            .map(|id| state.sessions[id].did.clone())
            .or_else(|| (endpoint == Endpoint::Plc).then(|| request.path[1..].to_owned()));
        let kid = request
            .field("client_assertion")
            .and_then(|assertion| Jws::decode(assertion).ok())
            .and_then(|jws| jws.header["kid"].as_str().map(str::to_owned));
        Self {
            endpoint,
            method: request.method.clone(),
            path: request.path.clone(),
            pds: match request.site {
                Site::Pds(pds) => Some(pds),
                _ => None,
            },
            did,
            client_id: request.field("client_id").map(str::to_owned),
            kid,
            token: token.map(str::to_owned),
            user_agent: request.header("user-agent").map(str::to_owned),
            at: real_now(),
            took: Duration::ZERO,
            status: 0,
            error: None,
            answered: true,
        }
    }

    /// Checks whether the request concerns this DID, token, client ID, kid, path or host.
    pub(crate) fn concerns(&self, subject: &str, request: &Request) -> bool {
        let known = [&self.did, &self.token, &self.client_id, &self.kid];
        known.iter().any(|text| text.as_deref() == Some(subject))
            || self.path == subject
            || request.header("host") == Some(subject)
            || request.query.values().any(|value| value == subject)
    }
}

/// Sums over all requests.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Requests per endpoint.
    pub requests: BTreeMap<Endpoint, u64>,
    /// Refreshes answered with 200, even if the answer did not arrive.
    pub exchanged: u64,
    /// Refused token requests, per OAuth error code (or status, where there is none).
    pub refused: BTreeMap<String, u64>,
    /// Sessions ended by a revocation request.
    pub revoked: u64,
    /// Maximum number of concurrent requests at the token endpoint.
    pub token_peak: usize,
    /// Maximum number of concurrent token requests by PDS.
    pub token_peaks: BTreeMap<usize, usize>,
    /// TCP connections accepted by PDSes.
    pub pds_connections: u64,
    /// Longest duration of a token request.
    pub slowest_token: Duration,
    /// All `User-Agent` values.
    pub user_agents: BTreeSet<String>,
}

impl Counters {
    /// Returns the number of requests to one endpoint.
    pub fn of(&self, endpoint: Endpoint) -> u64 {
        self.requests.get(&endpoint).copied().unwrap_or_default()
    }
}

/// Log and counters.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) log: Vec<Logged>,
    pub(crate) counters: Counters,
    pub(crate) quiet: bool,
    at_token: BTreeMap<usize, usize>,
}

impl Record {
    pub(crate) fn begin(&mut self, endpoint: Endpoint, site: Site) {
        *self.counters.requests.entry(endpoint).or_default() += 1;
        if let (Endpoint::Token, Site::Pds(pds)) = (endpoint, site) {
            let here = self.at_token.entry(pds).or_default();
            *here += 1;
            let peak = self.counters.token_peaks.entry(pds).or_default();
            *peak = (*peak).max(*here);
            let all = self.at_token.values().sum();
            self.counters.token_peak = self.counters.token_peak.max(all);
        }
    }

    pub(crate) fn end(&mut self, entry: Logged) {
        if entry.endpoint == Endpoint::Token {
            if let Some(here) = entry.pds.and_then(|pds| self.at_token.get_mut(&pds)) {
                *here -= 1;
            }
            self.counters.slowest_token = self.counters.slowest_token.max(entry.took);
            if entry.status == 200 {
                self.counters.exchanged += 1;
            } else {
                let code = entry.error.clone().unwrap_or(entry.status.to_string());
                *self.counters.refused.entry(code).or_default() += 1;
            }
        }
        if let Some(agent) = &entry.user_agent
            && !self.counters.user_agents.contains(agent)
        {
            self.counters.user_agents.insert(agent.clone());
        }
        if !self.quiet {
            self.log.push(entry);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.log.clear();
        self.counters = Counters::default();
    }
}
