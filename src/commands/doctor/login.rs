//! Test logins of `doctor`: selection of servers, redirect URIs and keys.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::examine::Examination;
use crate::checks::login::{self, Cause, TestLogin};
use crate::checks::metadata::Configured;
use crate::checks::{LocalKeys, server};
use crate::error::failed;
use crate::jose::{ClientKey, DpopKey, Kid};
use crate::json::{items, text};
use crate::oauth::{
    AuthorizationRequest, AuthorizationServer, Credentials, LookupError, Network, Published, Pushed,
};
use crate::session::{AuthMethod, ClientId, Issuer};
use crate::settings::Settings;

/// Value of `--login` without an argument.
pub(super) const DEFAULT: &str = "";
/// Maximum number of servers per run, and of redirect URIs per server.
const MAX: usize = 10;
/// Number of servers with most sessions that are tried by default.
const BUSIEST: usize = 2;
/// Server with most accounts of the network.
const LARGEST: &str = "https://bsky.social";
/// Pause between two requests.
const PAUSE: Duration = Duration::from_secs(1);

/// Server for a test login, as operators name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginTarget {
    /// Servers with most sessions.
    Default,
    /// URL of an authorization server or a PDS.
    Url(Url),
    /// Handle, DID or host name.
    Name(String),
}

impl From<&str> for LoginTarget {
    fn from(text: &str) -> Self {
        let is_web = |url: &Url| matches!(url.scheme(), "https" | "http") && url.has_host();
        match Url::parse(text).ok().filter(is_web) {
            _ if text == DEFAULT => Self::Default,
            Some(url) => Self::Url(url),
            None => Self::Name(text.to_owned()),
        }
    }
}

/// Client data required for a login.
pub(super) struct Client<'e> {
    /// `client_id` of the app.
    pub(super) id: &'e ClientId<'e>,
    /// Configuration of the client.
    pub(super) configured: &'e Configured,
    /// Available keys.
    pub(super) keys: &'e LocalKeys,
    /// Published metadata, if it could be read.
    pub(super) metadata: Option<&'e Value>,
    /// Published key set, if it could be read.
    pub(super) jwks: Option<&'e Value>,
}

impl Client<'_> {
    /// Returns the redirect URIs of the settings, else the published ones.
    fn redirect_uris(&self) -> Vec<String> {
        let configured = self.configured.redirect_uris();
        if !configured.is_empty() {
            return configured;
        }
        let published =
            self.metadata.into_iter().flat_map(|document| items(document, "redirect_uris"));
        published.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn scope(&self) -> String {
        let published = || text(self.metadata?, "scope").map(str::to_owned);
        self.configured.scope().or_else(published).unwrap_or_else(|| "atproto".to_owned())
    }
}

impl Examination<'_> {
    /// Tries a login at each selected server.
    pub(super) fn logins(
        &mut self,
        network: &Arc<Network>,
        settings: &Settings,
        targets: &[LoginTarget],
        busiest: &[Issuer<'_>],
        client: &Client<'_>,
    ) -> anyhow::Result<()> {
        let mut servers = Vec::new();
        for target in self.targets(settings, targets, busiest, client) {
            match self.find_server(network, &target)? {
                Ok((issuer, answer)) => {
                    if servers.iter().all(|(known, _)| *known != issuer) {
                        servers.push((issuer, answer));
                    }
                }
                Err(error) => self.findings.push(login::no_server(error)),
            }
        }
        let mut is_first = true;
        for (issuer, answer) in servers {
            let scope = client.scope();
            let of_metadata =
                server::check(&issuer, &answer, client.keys.is_confidential(), Some(&scope));
            let is_right = of_metadata.iter().all(server::is_fine);
            self.findings.extend(of_metadata);
            match self.context.runtime()?.block_on(network.server(&issuer)) {
                Ok(server) => self.try_at(&issuer, &server, client, &mut is_first)?,
                // Its faults were reported already.
                Err(_) if !is_right => {}
                Err(error) => self.findings.push(login::no_server(error)),
            }
        }
        Ok(())
    }

    /// Returns the selected servers, each once, at most [`MAX`].
    fn targets(
        &mut self,
        settings: &Settings,
        given: &[LoginTarget],
        busiest: &[Issuer<'_>],
        client: &Client<'_>,
    ) -> Vec<LoginTarget> {
        let mut targets: Vec<LoginTarget> = Vec::new();
        let mut add = |target: LoginTarget| {
            if !targets.contains(&target) {
                targets.push(target);
            }
        };
        for target in given {
            if *target != LoginTarget::Default {
                add(target.clone());
                continue;
            }
            for issuer in busiest.iter().take(BUSIEST) {
                add(LoginTarget::from(issuer.as_str()));
            }
            let is_public = client.id.as_str().starts_with("https://")
                && settings
                    .network()
                    .is_ok_and(|network| !network.allow_http && !network.allow_private_hosts);
            if is_public {
                add(LoginTarget::from(LARGEST));
            }
        }
        if targets.is_empty() {
            self.findings.push(login::not_tried(
                "no_server",
                "no session has an authorization server at which to try a login",
                "name a server, or an account there: `oauthctl doctor --login https://pds.example.com`",
            ));
        }
        if targets.len() > MAX {
            self.findings.push(login::not_tried(
                "too_many",
                format!("of {} servers only the first {MAX} are asked", targets.len()),
                "name the others in another run",
            ));
            targets.truncate(MAX);
        }
        targets
    }

    /// Resolves a target to an issuer, with its metadata.
    #[expect(clippy::type_complexity, reason = "an answer, and what is asked")]
    fn find_server(
        &mut self,
        network: &Network,
        target: &LoginTarget,
    ) -> anyhow::Result<Result<(Issuer<'static>, Result<Published, LookupError>), anyhow::Error>>
    {
        let runtime = self.context.runtime()?;
        let issuer = match target {
            LoginTarget::Default => return Ok(Err(failed("the address has no server").into())),
            LoginTarget::Url(url) => url.origin().ascii_serialization().into(),
            LoginTarget::Name(name) => match runtime.block_on(network.issuer_of_name(name)) {
                Ok(issuer) => issuer,
                // It may be a host name.
                Err(error) => match Url::parse(&format!("https://{name}")) {
                    Ok(url) if !name.contains(['@', '/']) && !name.starts_with("did:") => {
                        let origin = url.origin().ascii_serialization().into();
                        let found = self.issuer_at(network, origin)?;
                        return Ok(match found {
                            (issuer, Ok(answer)) if answer.status == 200 => {
                                Ok((issuer, Ok(answer)))
                            }
                            _ => Err(no_such_server(name, error)),
                        });
                    }
                    _ => return Ok(Err(no_such_server(name, error))),
                },
            },
        };
        Ok(Ok(self.issuer_at(network, issuer)?))
    }

    /// Returns the authorization server at a URL, or the one that the PDS there names, with its
    /// metadata.
    fn issuer_at(
        &mut self,
        network: &Network,
        origin: Issuer<'static>,
    ) -> anyhow::Result<(Issuer<'static>, Result<Published, LookupError>)> {
        let metadata_of =
            |issuer: &Issuer<'_>| format!("{issuer}/.well-known/oauth-authorization-server");
        let mut issuer = origin;
        let mut answer = self.look(network, &metadata_of(&issuer))?;
        if answer.as_ref().is_ok_and(|answer| answer.status == 404) {
            // A PDS that delegates logins names the other server.
            let resource =
                self.look(network, &format!("{issuer}/.well-known/oauth-protected-resource"))?;
            let named = resource.ok().and_then(|resource| resource.json);
            if let Some(named) = named
                .as_ref()
                .and_then(|named| items(named, "authorization_servers").next()?.as_str())
            {
                issuer = named.to_owned().into();
                answer = self.look(network, &metadata_of(&issuer))?;
            }
        }
        Ok((issuer, answer))
    }

    /// Sends one request with the active key for each redirect URI, and one for each further key.
    /// Stops at a fault that does not depend on redirect URI or key.
    fn try_at(
        &mut self,
        issuer: &Issuer<'_>,
        server: &AuthorizationServer,
        client: &Client<'_>,
        is_first: &mut bool,
    ) -> anyhow::Result<()> {
        let mut redirect_uris = client.redirect_uris();
        redirect_uris.truncate(MAX);
        let Some(first_uri) = redirect_uris.first().cloned() else {
            let what = "neither the settings nor the published document name a redirect URI";
            let fix = "set `redirect_uris` under [client] in oauthctl.toml";
            self.findings.push(login::not_tried("no_redirect_uri", what, fix));
            return Ok(());
        };
        let Some(keys) = self.signers(client) else { return Ok(()) };
        let (active, further) = match keys.split_first() {
            Some((active, further)) => (Some(*active), further),
            None => (None, &[][..]),
        };
        let requests = redirect_uris
            .iter()
            .map(|uri| (uri, active))
            .chain(further.iter().map(|key| (&first_uri, Some(*key))));
        let dpop_key = DpopKey::generate(&mut self.context.rng());
        let scope = client.scope();
        let interrupt = self.context.interrupt();
        let stopped = || interrupt.failure("not every login was tried");
        let (mut taken, mut signed_by) = (0, Vec::new());
        let mut is_key_refused = false;
        for (redirect_uri, key) in requests {
            let is_active = key.and_then(ClientKey::kid) == active.and_then(ClientKey::kid);
            if is_key_refused && is_active {
                continue;
            }
            if !std::mem::take(is_first) {
                let pause = async { interrupt.or(tokio::time::sleep(PAUSE)).await };
                self.context.runtime()?.block_on(pause).ok_or_else(stopped)?;
            }
            let kid = key.and_then(ClientKey::kid).map(Kid::as_str);
            let request = AuthorizationRequest {
                credentials: Credentials {
                    client_id: client.id,
                    auth: key.map_or(AuthMethod::None, AuthMethod::PrivateKeyJwt),
                },
                dpop_key: &dpop_key,
                redirect_uri,
                scope: &scope,
            };
            let pushed = self.context.runtime()?.block_on(interrupt.or(server.push(request)));
            let pushed = pushed.ok_or_else(stopped)?;
            let attempt =
                TestLogin { issuer, client_id: client.id, redirect_uri, scope: &scope, kid };
            let Some(finding) = login::check(attempt, &pushed) else {
                taken += u64::from(is_active);
                if let Some(kid) = kid.filter(|kid| !signed_by.contains(kid)) {
                    signed_by.push(kid);
                }
                continue;
            };
            self.findings.push(finding);
            match &pushed {
                Pushed::Refused(refusal) => {
                    let cause = Cause::of(refusal);
                    is_key_refused |= cause.is_of_key() && is_active;
                    if !cause.is_of_key() && !cause.is_of_redirect_uri() {
                        break;
                    }
                }
                _ => break,
            }
        }
        if taken > 0 {
            self.findings.push(login::accepted(issuer, taken, &signed_by));
        }
        Ok(())
    }

    /// Returns the keys that may sign, the active one first, `None` without any. A key that signs
    /// later is tried once it is published.
    fn signers<'k>(&mut self, client: &Client<'k>) -> Option<Vec<&'k ClientKey>> {
        let now = self.context.now();
        let keys = match client.keys {
            _ if client.configured.is_loopback() || client.configured.is_public() => {
                return Some(Vec::new());
            }
            LocalKeys::None => return Some(Vec::new()),
            LocalKeys::Set(keys) => keys,
            LocalKeys::Unknown => {
                let fix = "fix the keys first, then run this again";
                let what = "the keys cannot be read, so no login can be signed";
                self.findings.push(login::not_tried("no_key", what, fix));
                return None;
            }
        };
        let Some(active) = keys.active(now) else {
            let what = "no key may sign now, so no login can be signed";
            let fix = "`oauthctl keys rotate` adds a key that signs";
            self.findings.push(login::not_tried("no_key", what, fix));
            return None;
        };
        let is_published = |key: &ClientKey| {
            let published = client.jwks.into_iter().flat_map(|jwks| items(jwks, "keys"));
            published.into_iter().any(|one| key.has_public_half(one))
        };
        let is_ready =
            |key: &ClientKey| key.not_before().is_none_or(|nbf| nbf <= now) || is_published(key);
        let further = keys
            .iter()
            .filter(|key| key.kid() != active.kid() && !key.is_disabled(now) && is_ready(key));
        Some([active].into_iter().chain(further).collect())
    }
}

fn no_such_server(name: &str, error: LookupError) -> anyhow::Error {
    failed(format!("no authorization server is found by the name {name}"))
        .because(error)
        .hint("write the server's address, https://pds.example.com, or the handle of an account there")
        .into()
}
