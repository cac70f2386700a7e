//! Metadata of servers (RFC 8414, RFC 9728, AT Protocol OAuth profile, "Authorization servers"),
//! and the authorization server as a peer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use url::Url;

use super::dpop::Nonces;
use super::effects::{Clock, Random};
use super::http::Http;
use super::identity::origin;
use super::lookup::{self, LookupError};
use crate::jose::Alg;
use crate::session::Issuer;

/// Time after an answer for which its connection is assumed open, well below the five seconds of a
/// Node server.
const WARM: Duration = Duration::from_secs(3);
/// Maximum number of idle connections tracked.
const MAX_WARM: usize = 64;

/// Validated metadata of an authorization server.
pub(super) struct Metadata {
    issuer: Issuer<'static>,
    token_endpoint: Url,
    revocation_endpoint: Option<Url>,
    push_endpoint: Option<Url>,
    dpop_algs: Option<Vec<String>>,
    protected_resources: Option<Vec<String>>,
}

/// Authorization server with complete metadata. Tokens of its sessions may be sent to it.
pub struct AuthorizationServer {
    pub(super) issuer: Issuer<'static>,
    pub(super) token_endpoint: Url,
    pub(super) revocation_endpoint: Option<Url>,
    /// Endpoint of pushed authorization requests, `None` if the egress policy forbids it.
    pub(super) push_endpoint: Option<Url>,
    pub(super) http: Http,
    pub(super) nonces: Arc<Nonces>,
    pub(super) clock: Clock,
    pub(super) random: Random,
    dpop_algs: Option<Vec<String>>,
    protected_resources: Option<Vec<String>>,
    warm: Mutex<VecDeque<Instant>>,
}

#[derive(Deserialize)]
struct ResourceDocument {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<Issuer<'static>>,
}

#[derive(Deserialize)]
struct ServerDocument {
    issuer: Issuer<'static>,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<serde_json::Value>,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
    dpop_signing_alg_values_supported: Option<Vec<String>>,
    protected_resources: Option<Vec<String>>,
}

/// Returns the only authorization server that a PDS names.
pub(super) async fn issuer_of(http: &Http, pds: &str) -> Result<Issuer<'static>, LookupError> {
    let what = format!("resource metadata of {pds}");
    let url = well_known(pds, "oauth-protected-resource", http)?;
    let document: ResourceDocument = lookup::json(http, &url, &what).await?;
    document.issuer(pds).map_err(|why| LookupError::ruled_out(format!("the {what} {why}")))
}

impl ResourceDocument {
    /// Returns the only authorization server named, if the document is that of this PDS.
    fn issuer(self, pds: &str) -> Result<Issuer<'static>, String> {
        if self.resource != pds {
            return Err(format!("belongs to another server, {}", lookup::brief(&self.resource)));
        }
        match self.authorization_servers.as_slice() {
            [one] => Ok(one.to_owned()),
            [] => Err("contains no authorization server".to_owned()),
            _ => Err("contains more than one authorization server".to_owned()),
        }
    }
}

/// Fetches and validates the metadata of an authorization server.
pub(super) async fn metadata(http: &Http, issuer: &Issuer<'_>) -> Result<Metadata, LookupError> {
    let what = format!("metadata of {issuer}");
    let url = well_known(issuer.as_str(), "oauth-authorization-server", http)?;
    let document: ServerDocument = lookup::json(http, &url, &what).await?;
    document
        .checked(issuer, http)
        .map_err(|why| LookupError::ruled_out(format!("the {what} {why}")))
}

impl ServerDocument {
    /// Validates the metadata: right issuer, all required members.
    fn checked(self, issuer: &Issuer<'_>, http: &Http) -> Result<Metadata, String> {
        if self.issuer != *issuer {
            return Err(format!(
                "belongs to another server, {}",
                lookup::brief(self.issuer.as_str())
            ));
        }
        if !self.client_id_metadata_document_supported {
            return Err("does not support client metadata documents".to_owned());
        }
        let endpoint = |name: &str, text: &str| {
            let url: Url = text.parse().map_err(|_| format!("has no URL as {name}"))?;
            if !http.allows(&url) || url.fragment().is_some() {
                return Err(format!("has a {name} to which tokens must not be sent"));
            }
            Ok(url)
        };
        let revocation_endpoint =
            self.revocation_endpoint.map(|text| endpoint("revocation_endpoint", &text));
        Ok(Metadata {
            token_endpoint: endpoint("token_endpoint", &self.token_endpoint)?,
            revocation_endpoint: revocation_endpoint.transpose()?,
            // Not needed for sessions.
            push_endpoint: self.pushed_authorization_request_endpoint.and_then(|text| {
                endpoint("pushed_authorization_request_endpoint", text.as_str()?).ok()
            }),
            dpop_algs: self.dpop_signing_alg_values_supported,
            protected_resources: self.protected_resources,
            issuer: self.issuer,
        })
    }
}

/// Returns the URL of a well-known document. In the AT Protocol, PDS and issuers are origins
/// without a path.
fn well_known(server: &str, name: &str, http: &Http) -> Result<Url, LookupError> {
    let refuse = || LookupError::ruled_out(format!("{server} is not an allowed origin"));
    if origin(server, http).as_deref() != Some(server) {
        return Err(refuse());
    }
    format!("{server}/.well-known/{name}").parse().map_err(|_| refuse())
}

impl AuthorizationServer {
    pub(super) fn new(
        metadata: Metadata,
        http: Http,
        nonces: Arc<Nonces>,
        clock: Clock,
        random: Random,
    ) -> Self {
        let Metadata {
            issuer,
            token_endpoint,
            revocation_endpoint,
            push_endpoint,
            dpop_algs,
            protected_resources,
        } = metadata;
        Self {
            issuer,
            token_endpoint,
            revocation_endpoint,
            push_endpoint,
            http,
            nonces,
            clock,
            random,
            dpop_algs,
            protected_resources,
            warm: Mutex::default(),
        }
    }

    /// Checks whether there is a revocation endpoint.
    pub fn can_revoke(&self) -> bool {
        self.revocation_endpoint.is_some()
    }

    /// Checks that the PDS is among the resource servers, if the metadata names any (RFC 9728
    /// section 4).
    pub(super) fn check_protects(&self, pds: &str) -> Result<(), LookupError> {
        match &self.protected_resources {
            Some(known) if !known.iter().any(|one| one == pds) => Err(LookupError::ruled_out(
                format!("{} does not list {pds} as one of its servers", self.issuer),
            )),
            _ => Ok(()),
        }
    }

    /// Checks that the session's proof algorithm is supported, if the metadata names any.
    pub(super) fn check_alg(&self, alg: Alg) -> Result<(), LookupError> {
        match &self.dpop_algs {
            Some(known) if !known.iter().any(|one| one == alg.name()) => {
                Err(LookupError::ruled_out(format!(
                    "{} does not support {} proofs",
                    self.issuer,
                    alg.name()
                )))
            }
            _ => Ok(()),
        }
    }

    /// Takes an idle open connection for the caller's use, if there is one.
    pub(super) fn take_warm(&self) -> bool {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(since) = warm.pop_back() {
            if since.elapsed() < WARM {
                return true;
            }
            // Earlier entries are older still.
            warm.clear();
        }
        false
    }

    /// Records that a connection has become idle.
    pub(super) fn put_warm(&self) {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        if warm.len() == MAX_WARM {
            warm.pop_front();
        }
        warm.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use testbed::{Endpoint, Fault, LoginOptions, Network as Testbed, Reply};

    use super::super::testing::{did_of, network};
    use super::*;

    async fn found(bed: &Testbed) -> Result<Arc<AuthorizationServer>, LookupError> {
        let record = bed.login(LoginOptions::default());
        Ok(network(bed).server_for(&did_of(&record), &bed.pds_url().into()).await?.0)
    }

    #[tokio::test]
    async fn the_server_of_a_session_is_found() {
        let bed = Testbed::start().await.unwrap();
        let server = found(&bed).await.unwrap();
        assert_eq!(server.issuer.as_str(), bed.pds_url());
        assert!(server.can_revoke());
    }

    #[tokio::test]
    async fn metadata_that_does_not_hold_rules_the_server_out() {
        let bed = Testbed::start().await.unwrap();
        let slash = format!("{}/", bed.pds_url());
        let cases: Vec<(bool, Value, &str)> = vec![
            (true, json!({"issuer": "https://evil.example"}), "another server"),
            (true, json!({"issuer": slash}), "another server"),
            (
                true,
                json!({"client_id_metadata_document_supported": null}),
                "client metadata documents",
            ),
            (
                true,
                json!({"client_id_metadata_document_supported": false}),
                "client metadata documents",
            ),
            (true, json!({"token_endpoint": "javascript:alert(1)"}), "must not be sent"),
            (true, json!({"token_endpoint": "/oauth/token"}), "no URL"),
            (true, json!({"token_endpoint": "https://me:pw@as.example/token"}), "must not be sent"),
            (true, json!({"revocation_endpoint": "ftp://as.example/"}), "must not be sent"),
            (true, json!({"protected_resources": ["https://other.example"]}), "does not list"),
            (false, json!({"resource": "https://other.example"}), "another server"),
            (false, json!({"resource": slash}), "another server"),
            (false, json!({"authorization_servers": []}), "no authorization server"),
            (false, json!({"authorization_servers": null}), "no authorization server"),
            (
                false,
                json!({"authorization_servers": [bed.pds_url(), "https://b.example"]}),
                "more than one",
            ),
            (
                false,
                json!({"authorization_servers": ["https://evil.example"]}),
                "issuer has changed",
            ),
        ];
        for (of_server, patch, part) in cases {
            bed.patch_server_metadata(0, if of_server { patch.clone() } else { json!({}) });
            bed.patch_resource_metadata(0, if of_server { json!({}) } else { patch.clone() });
            let error = found(&bed).await.err().unwrap();
            assert!(
                error.to_string().contains(part) && !error.is_transient(),
                "{patch}: {error:?}"
            );
        }
        bed.patch_resource_metadata(0, json!({}));
        bed.patch_server_metadata(
            0,
            json!({"protected_resources": null, "revocation_endpoint": null}),
        );
        assert!(!found(&bed).await.unwrap().can_revoke());
    }

    #[tokio::test]
    async fn an_account_that_has_moved_is_not_refreshed_at_its_old_server() {
        let bed = Testbed::start().await.unwrap();
        let new = bed.add_pds().unwrap();
        let record = bed.login(LoginOptions::default());
        let network = network(&bed);
        assert!(network.server_for(&did_of(&record), &bed.pds_url().into()).await.is_ok());
        bed.set_pds_of(did_of(&record).as_str(), new);
        let error =
            network.server_for(&did_of(&record), &bed.pds_url().into()).await.err().unwrap();
        assert!(
            error.to_string().contains("the issuer has changed") && !error.is_transient(),
            "{error:?}"
        );
        bed.remove_did_endpoint(did_of(&record).as_str());
        let error =
            network.server_for(&did_of(&record), &bed.pds_url().into()).await.err().unwrap();
        assert!(
            error.to_string().contains("contains no PDS") && !error.is_transient(),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn what_cannot_be_understood_may_be_understood_another_time() {
        let bed = Testbed::start().await.unwrap();
        for endpoint in [Endpoint::Plc, Endpoint::ResourceMetadata, Endpoint::ServerMetadata] {
            for fault in [
                Fault::status(500),
                Fault::Instead(Reply::html(200)),
                Fault::Instead(Reply::html(403)),
                Fault::Body("[]".to_owned()),
                Fault::Body("{\"issuer\":".to_owned()),
                Fault::HugeBody(1 << 20),
                Fault::EndlessBody,
                Fault::Close,
            ] {
                bed.fault_once(endpoint, fault.clone());
                let error = found(&bed).await.err().unwrap();
                assert!(error.is_transient(), "{endpoint:?} {fault:?}: {error:?}");
            }
            bed.fault_once(endpoint, Fault::too_many("30"));
            assert_eq!(
                found(&bed).await.err().unwrap().retry_after(),
                Some(Duration::from_secs(30))
            );
            bed.fault_once(endpoint, Fault::redirect("http://169.254.169.254/"));
            assert!(!found(&bed).await.err().unwrap().is_transient());
        }
    }

    #[tokio::test]
    async fn many_sessions_of_one_server_ask_it_once() {
        let bed = Testbed::start().await.unwrap();
        let records = bed.login_many(20, &LoginOptions::default());
        let (network, issuer) = (network(&bed), bed.pds_url().into());
        let dids: Vec<_> = records.iter().map(did_of).collect();
        let all =
            futures_util::future::join_all(dids.iter().map(|did| network.server_for(did, &issuer)))
                .await;
        assert!(all.iter().all(Result::is_ok));
        let counters = bed.counters();
        assert_eq!(counters.of(Endpoint::ResourceMetadata), 1);
        assert_eq!(counters.of(Endpoint::ServerMetadata), 1);
        assert_eq!(counters.of(Endpoint::Plc), 20);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    use super::super::testing::{clock, strict};
    use super::*;
    use crate::arbitrary::{json as any_json, text, unknown_members};

    const ISSUER: &str = "https://as.example";

    fn url() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("https://as.example/token".to_owned()),
            "(https?|ftp|javascript):(//)?([a-z]{0,4}(:[a-z]{1,3})?@)?[a-z0-9.\\[\\]:-]{0,12}(:[0-9]{1,5})?/?[a-z/?#.]{0,8}",
            text(),
        ]
    }

    proptest! {
        #[test]
        fn metadata_is_refused_or_says_where_tokens_may_go(
            others in unknown_members(), issuer in select(vec![ISSUER, "https://as.example/", "https://as.examples"]),
            supported in prop_oneof![3 => Just(json!(true)), 1 => any_json()], endpoints in [url(), url()],
        ) {
            thread_local!(static HTTP: Http = Http::new(&strict(), clock()).unwrap());
            let mut document = others;
            document.insert("issuer".to_owned(), issuer.into());
            document.insert("client_id_metadata_document_supported".to_owned(), supported.clone());
            let [token_endpoint, revocation_endpoint] = endpoints;
            document.insert("token_endpoint".to_owned(), token_endpoint.clone().into());
            document.insert("revocation_endpoint".to_owned(), revocation_endpoint.into());
            let Ok(read) = serde_json::from_value::<ServerDocument>(document.into()) else { return Ok(()) };
            let checked = HTTP.with(|http| read.checked(&ISSUER.into(), http));
            if let Ok(metadata) = checked {
                prop_assert!(issuer == ISSUER && supported == true);
                for url in [Some(metadata.token_endpoint), metadata.revocation_endpoint].into_iter().flatten() {
                    prop_assert!(url.scheme() == "https" && url.username().is_empty() && url.password().is_none());
                    prop_assert!(url.fragment().is_none() && url.host().is_some());
                }
            } else {
                let plain = token_endpoint == "https://as.example/token";
                prop_assert!(!(plain && issuer == ISSUER && supported == true) || checked.err().unwrap().contains("revocation"));
            }
        }

        #[test]
        fn a_pds_has_one_issuer_or_none(
            others in unknown_members(), resource in select(vec!["https://pds.example", "https://pds.example/"]),
            servers in prop_oneof![any_json(), proptest::collection::vec(text(), 0..3).prop_map(|all| json!(all))],
        ) {
            let mut document = others;
            document.insert("resource".to_owned(), resource.into());
            document.insert("authorization_servers".to_owned(), servers.clone());
            let Ok(read) = serde_json::from_value::<ResourceDocument>(document.into()) else { return Ok(()) };
            let one = servers.as_array().filter(|all| all.len() == 1).and_then(|all| all[0].as_str());
            let expected = one.filter(|_| resource == "https://pds.example");
            let found = read.issuer("https://pds.example").ok();
            prop_assert_eq!(found.as_ref().map(Issuer::as_str), expected);
        }
    }
}
