//! Network access of one run: finds the authorization server of a session.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::dpop::Nonces;
use super::effects::{Clock, NetworkSettings, Random};
use super::http::{Http, Skew};
use super::identity::{self, Handle, INVALID_HANDLE, Identity};
use super::lookup::{self, LookupError, Remembered};
use super::published::{self, Published};
use super::server::{self, AuthorizationServer};
use crate::session::{Did, Issuer};

/// Network access of one run.
///
/// Caches the authorization server of each PDS and the metadata of each authorization server, which
/// belong to deployments and rarely change. DID documents belong to users and may change at any
/// time, so they are fetched for each session.
pub struct Network {
    http: Http,
    settings: NetworkSettings,
    clock: Clock,
    random: Random,
    nonces: Arc<Nonces>,
    /// Issuers by PDS.
    issuers: Remembered<Issuer<'static>>,
    /// Authorization servers by issuer.
    servers: Remembered<Arc<AuthorizationServer>>,
}

impl Network {
    /// Creates the client. Sends nothing.
    pub fn new(settings: NetworkSettings, clock: Clock, random: Random) -> anyhow::Result<Self> {
        Ok(Self {
            http: Http::new(&settings, clock.clone())?,
            settings,
            clock,
            random,
            nonces: Arc::default(),
            issuers: Remembered::default(),
            servers: Remembered::default(),
        })
    }

    /// Sets the rate of origins without a rate of their own, in requests per second, 0 for
    /// unlimited.
    pub fn set_rate(&self, rate: f64) {
        self.http.set_rate(rate);
    }

    /// Returns the request rates for an issuer and for the directory of `did:plc` documents, `None`
    /// if unlimited.
    pub fn rates(&self, issuer: &Issuer<'_>) -> [Option<f64>; 2] {
        let rate_of = |url: &Url| self.http.rate(url);
        [
            issuer.as_str().parse().ok().as_ref().and_then(rate_of),
            rate_of(&self.settings.plc_directory),
        ]
    }

    /// Returns the difference between the local clock and those of servers that have sent their
    /// time.
    pub fn skew(&self) -> Option<Skew> {
        self.http.skew()
    }

    /// Ends waits for the rate limit as soon as `stop` returns true.
    pub fn stop_waiting_when(&self, stop: impl Fn() -> bool + Send + Sync + 'static) {
        self.http.stop_waiting_when(stop);
    }

    /// Returns the authorization server of a session and the origin of its PDS. Performs the
    /// reference client's check before each refresh: the account's DID document still names a PDS
    /// with the session's issuer as authorization server.
    pub async fn server_for(
        &self,
        did: &Did,
        issuer: &Issuer<'_>,
    ) -> Result<(Arc<AuthorizationServer>, String), LookupError> {
        let identity = self.identity(did).await?;
        let pds = identity.pds.ok_or_else(|| {
            LookupError::ruled_out(format!("the DID document of {did} contains no PDS"))
        })?;
        let found = self.issuer_of(&pds).await?;
        if found != *issuer {
            return Err(LookupError::ruled_out(issuer_has_changed(issuer, &found, &pds)));
        }
        let server = self.server(issuer).await?;
        server.check_protects(&pds)?;
        Ok((server, pds))
    }

    /// Returns the authorization server of an issuer without checking the account. Sufficient for
    /// revocation, which returns tokens to their issuer.
    pub async fn server(
        &self,
        issuer: &Issuer<'_>,
    ) -> Result<Arc<AuthorizationServer>, LookupError> {
        let look_up = async {
            let metadata = server::metadata(&self.http, issuer).await?;
            let (http, nonces) = (self.http.clone(), Arc::clone(&self.nonces));
            let server = AuthorizationServer::new(
                metadata,
                http,
                nonces,
                self.clock.clone(),
                self.random.clone(),
            );
            Ok(Arc::new(server))
        };
        self.servers.get(issuer.as_str(), look_up).await
    }

    /// Returns the issuer of the account with this DID or handle.
    pub async fn issuer_of_name(&self, name: &str) -> Result<Issuer<'static>, LookupError> {
        let did = match (name.parse::<Did>(), name.parse::<Handle>()) {
            (Ok(did), _) => did,
            (Err(_), Ok(handle)) => self.resolve_handle(&handle).await?,
            (Err(_), Err(_)) => {
                let refuse = format!("{:?} is neither a handle nor a DID", lookup::brief(name));
                return Err(LookupError::ruled_out(refuse));
            }
        };
        let pds = self.identity(&did).await?.pds.ok_or_else(|| {
            LookupError::ruled_out(format!("the DID document of {did} contains no PDS"))
        })?;
        self.issuer_of(&pds).await
    }

    /// Returns the issuer that a PDS names (RFC 9728). `pds` is an origin.
    pub async fn issuer_of(&self, pds: &str) -> Result<Issuer<'static>, LookupError> {
        self.issuers.get(pds, server::issuer_of(&self.http, pds)).await
    }

    /// Fetches the account's DID document.
    pub async fn identity(&self, did: &Did) -> Result<Identity, LookupError> {
        identity::resolve_did(&self.http, &self.settings, did).await
    }

    /// Returns a document published by an app (client metadata, key set) and its cache lifetime.
    /// Requires JSON, status 200 and no redirect.
    pub async fn published(&self, url: &str) -> Result<(serde_json::Value, Duration), LookupError> {
        let url =
            Url::parse(url).map_err(|_| LookupError::ruled_out(format!("{url:?} is not a URL")))?;
        let (document, served) =
            lookup::json_served(&self.http, &url, "published document").await?;
        Ok((document, served.max_age.unwrap_or_default()))
    }

    /// Returns a document as it is published, with all its faults.
    pub async fn look(&self, url: &str) -> Result<Published, LookupError> {
        published::look(&self.http, url).await
    }

    /// Returns the handle that an account claims, or [`INVALID_HANDLE`] if it does not resolve back
    /// to the account.
    pub async fn handle_of(&self, did: &Did) -> Result<Option<String>, LookupError> {
        let Some(handle) = self.identity(did).await?.handle else { return Ok(None) };
        let is_verified = match self.resolve_handle(&handle).await {
            Ok(account) => account.as_str() == did.as_str(),
            Err(error) if error.is_transient() => return Err(error),
            Err(_) => false,
        };
        Ok(Some(if is_verified { handle.to_string() } else { INVALID_HANDLE.to_owned() }))
    }

    /// Returns the account of a handle, after checking that the account claims the handle.
    pub async fn resolve_handle(&self, handle: &Handle) -> Result<Did, LookupError> {
        identity::resolve_handle(&self.http, &self.settings, handle).await
    }
}

/// Returns the message about a changed issuer.
fn issuer_has_changed(recorded: &Issuer<'_>, found: &Issuer<'_>, pds: &str) -> String {
    let (recorded, found) = (lookup::brief(recorded.as_str()), lookup::brief(found.as_str()));
    if recorded.trim_end_matches('/') == found.trim_end_matches('/') {
        return format!(
            "the issuer is {recorded:?} in the session but {found:?} at its PDS {pds}: they differ by a slash"
        );
    }
    format!(
        "the issuer has changed: the session was issued by {recorded}, but the account's PDS {pds} belongs to {found}"
    )
}
