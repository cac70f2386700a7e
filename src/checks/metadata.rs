//! Checks the published client metadata: served, valid, and as configured.

use serde_json::{Map, Value, json};
use url::Url;

use super::{Finding, Topic, served};
use crate::error::Failure;
use crate::json::{member, text};
use crate::oauth::client_metadata::{self, Severity, Site};
use crate::oauth::{LookupError, Published};
use crate::session::{AuthMethod, ClientId};
use crate::settings::{CLIENT_MEMBERS, Settings};

const TOPIC: Topic = Topic::Metadata;
/// Consequence of all findings.
const WHY: &str = "authorization servers fetch it at every login and refresh, and reject the client if they cannot";
/// Fix for a document that differs.
const FIX: &str = "publish the output of `oauthctl metadata`, or correct [client] in oauthctl.toml";
/// Replacement for the origin of a development app while its document is checked.
const PUBLIC_ORIGIN: &str = "https://app.example.com";
/// Prefix of the `client_id` of all development clients without a document.
const LOOPBACK: &str = "http://localhost";
/// Redirect URI of a loopback client that names none.
const LOOPBACK_REDIRECT: &str = "http://127.0.0.1/";

/// Configuration of the client. Members that are not configured may have any value.
pub struct Configured {
    client_id: ClientId<'static>,
    members: Map<String, Value>,
    confidential: Option<bool>,
    /// True if the settings say so.
    is_public: bool,
    /// True if the settings permit addresses that public servers refuse.
    development: bool,
}

impl Configured {
    /// Reads `[client]`. `confidential` is `None` if it is unknown whether there are keys.
    pub fn new(
        settings: &Settings,
        client_id: &ClientId<'_>,
        confidential: Option<bool>,
    ) -> Result<Self, Failure> {
        let uri = settings.client_text("client_uri")?;
        let site = Site::parse(uri.as_deref().unwrap_or(client_id.as_str()))?;
        let mut members = Map::new();
        for member in CLIENT_MEMBERS {
            let value = match member {
                // Checked by the URL of the document and by the keys.
                "client_id" | "auth_method" => None,
                "redirect_uris" => settings.client_list(member)?.map(|uris| {
                    json!(uris.iter().map(|uri| site.resolve(uri)).collect::<Vec<_>>())
                }),
                "grant_types" | "contacts" => settings.client_list(member)?.map(|list| json!(list)),
                "jwks_uri" => settings.client_text(member)?.map(|uri| json!(site.resolve(&uri))),
                _ => settings.client_text(member)?.map(|text| json!(text)),
            };
            members.extend(value.map(|value| (member.to_owned(), value)));
        }
        let development = settings
            .network()
            .is_ok_and(|network| network.allow_http || network.allow_private_hosts);
        let is_public = settings.auth_method()? == Some(AuthMethod::None);
        let client_id = client_id.to_owned();
        Ok(Self { client_id, members, confidential, is_public, development })
    }

    /// Checks whether servers derive the document from the `client_id` instead of fetching it.
    pub fn is_loopback(&self) -> bool {
        let text = self.client_id.as_str();
        text == LOOPBACK || text.starts_with("http://localhost?")
    }

    /// Checks whether the settings make the client public, independent of the keys.
    pub fn is_public(&self) -> bool {
        self.is_public
    }

    /// Returns the redirect URIs of the settings, for a development client those in its
    /// `client_id`.
    pub fn redirect_uris(&self) -> Vec<String> {
        if self.is_loopback() {
            return self
                .in_client_id("redirect_uri")
                .unwrap_or_else(|| vec![LOOPBACK_REDIRECT.to_owned()]);
        }
        let uris = self.members.get("redirect_uris").map(texts).unwrap_or_default();
        uris.into_iter().map(str::to_owned).collect()
    }

    /// Returns the scope of the settings.
    pub fn scope(&self) -> Option<String> {
        if self.is_loopback() {
            return self.in_client_id("scope")?.pop();
        }
        self.members.get("scope")?.as_str().map(str::to_owned)
    }

    /// Returns the values of a parameter in a development client's `client_id`, `None` for other
    /// clients.
    fn in_client_id(&self, name: &str) -> Option<Vec<String>> {
        let url = Url::parse(self.client_id.as_str()).ok()?;
        let values = url.query_pairs().filter(|(known, _)| known == name);
        let values: Vec<_> = values.map(|(_, value)| value.into_owned()).collect();
        (!values.is_empty()).then_some(values)
    }

    /// Returns the configured location of the keys.
    pub fn jwks_uri(&self) -> Option<&str> {
        self.members.get("jwks_uri")?.as_str()
    }
}

/// Checks the document. Also returns the document, if it could be read.
pub fn check<'p>(
    answer: &'p Result<Published, LookupError>,
    configured: &Configured,
) -> (Vec<Finding>, Option<&'p Value>) {
    let (mut findings, document) = served::check(TOPIC, answer, WHY);
    if let Some(document) = document {
        compare_authentication(document, configured, &mut findings);
        let (id, development) = (&configured.client_id, configured.development);
        findings.extend(check_document(document, Some(id.as_str()), development));
        compare_members(document, configured, &mut findings);
    }
    if let (Ok(published), Some(_)) = (answer, document) {
        findings.extend(served::check_stale(TOPIC, published, &findings));
        findings.extend(served::check_caching(TOPIC, "document", &published.served));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            TOPIC,
            format!("{} is valid and matches the configuration", configured.client_id),
        ));
    }
    (findings, document)
}

/// Looks at a document under an address that need not be the app's, by the rules alone.
pub fn check_published<'p>(
    answer: &'p Result<Published, LookupError>,
    served_at: &str,
    development: bool,
) -> (Vec<Finding>, Option<&'p Value>) {
    let (mut findings, document) = served::check(TOPIC, answer, WHY);
    if let (Ok(published), Some(document)) = (answer, document) {
        findings.extend(check_document(document, Some(served_at), development));
        findings.extend(served::check_caching(TOPIC, "document", &published.served));
    }
    (findings, document)
}

/// Checks the rules by which servers refuse a client. A developer's machine cannot satisfy those
/// about public addresses, so the document is then checked as if the app had a public address.
pub fn check_document(
    document: &Value,
    served_at: Option<&str>,
    development: bool,
) -> Vec<Finding> {
    let id = served_at.or_else(|| text(document, "client_id")).unwrap_or_default();
    let own =
        Url::parse(id).map(|url| url.origin().ascii_serialization()).ok().filter(|_| development);
    let there = |text: &str| {
        own.as_ref().map_or_else(|| text.to_owned(), |own| text.replace(own, PUBLIC_ORIGIN))
    };
    let back = |text: &str| {
        own.as_ref().map_or_else(|| text.to_owned(), |own| text.replace(PUBLIC_ORIGIN, own))
    };
    let judged = serde_json::from_str(&there(&document.to_string())).unwrap_or_default();
    let broken = client_metadata::check(&judged, served_at.map(&there).as_deref());
    let finding = |broken: client_metadata::Finding| {
        let what = format!("{}: {}", broken.member, back(&broken.rule));
        let fix = format!("{} (`oauthctl metadata` prints a valid document)", back(&broken.fix));
        let (make, why): (fn(_, _, _, _) -> _, _) = match broken.severity {
            Severity::Problem => (Finding::problem, "authorization servers reject such a client"),
            Severity::Warning => (Finding::warning, "some servers may interpret it differently"),
        };
        make(TOPIC, what, why.to_owned(), fix).named(&broken.code).about(&broken.member)
    };
    broken.into_iter().map(finding).collect()
}

/// Compares a document with the `client_id` of the settings.
pub fn compare_client_id(document: &Value, client_id: &ClientId<'_>) -> Option<Finding> {
    let other = text(document, "client_id").filter(|id| *id != client_id.as_str())?;
    let what =
        format!("client_id: {other:?} in the document, {:?} is configured", client_id.as_str());
    let why = "tokens are taken only from the client that they were issued to";
    let fix = "correct `client_id` under [client] in oauthctl.toml, or in the document";
    Some(Finding::warning(TOPIC, what, why, fix).named("differs").about("client_id"))
}

/// Compares the authentication method. A mismatch locks the app out in either direction.
fn compare_authentication(document: &Value, configured: &Configured, findings: &mut Vec<Finding>) {
    match (text(document, "token_endpoint_auth_method"), configured.confidential) {
        (Some("none"), Some(true)) => findings.push(Finding::problem(
            TOPIC,
            "the published document describes a public client, but keys are configured",
            "sessions of a public client end after two weeks, and sessions bound to a key cannot be refreshed",
            "publish the output of `oauthctl metadata`",
        )
        .named("auth_method")
        .about("token_endpoint_auth_method")),
        (Some("private_key_jwt"), Some(false)) => findings.push(Finding::problem(
            TOPIC,
            "the published document describes a confidential client, but no key source is configured",
            "without the keys, sessions can be neither checked nor refreshed",
            "configure the app's keys (`keys` in oauthctl.toml, or --keys); for a public client publish `oauthctl metadata --public`",
        )
        .named("auth_method")
        .about("token_endpoint_auth_method")),
        _ => {}
    }
}

fn compare_members(document: &Value, configured: &Configured, findings: &mut Vec<Finding>) {
    for (name, wanted) in &configured.members {
        let published = member(document, name);
        match name.as_str() {
            "redirect_uris" => {
                let why = "servers reject logins that use it as redirect_uri";
                compare_lists(name, &texts(wanted), &texts(published), why, findings);
            }
            "grant_types" => {
                let why = "servers refuse what the document does not list";
                compare_lists(name, &texts(wanted), &texts(published), why, findings);
            }
            "scope" => {
                let why = "servers reject logins that request more than the document lists";
                compare_lists(name, &words(wanted), &words(published), why, findings);
            }
            "jwks_uri" if member(document, "jwks").is_object() && published.is_null() => {}
            // The default is web (RFC 7591 section 2).
            "application_type" if wanted == "web" && published.is_null() => {}
            "jwks_uri" | "application_type" if wanted != published => {
                let why = "servers use what is published";
                let what = differs(name, published, wanted);
                findings.push(Finding::problem(TOPIC, what, why, FIX).named("differs").about(name));
            }
            _ if wanted != published => {
                let why = "users see what is published";
                let what = differs(name, published, wanted);
                findings.push(Finding::warning(TOPIC, what, why, FIX).named("differs").about(name));
            }
            _ => {}
        }
    }
}

fn differs(member: &str, published: &Value, wanted: &Value) -> String {
    let shown =
        |value: &Value| if value.is_null() { "nothing".to_owned() } else { value.to_string() };
    format!("{member}: published {}, configured {}", shown(published), shown(wanted))
}

/// Compares lists regardless of their order.
fn compare_lists(
    member: &str,
    wanted: &[&str],
    published: &[&str],
    why: &str,
    findings: &mut Vec<Finding>,
) {
    for missing in wanted.iter().filter(|one| !published.contains(one)) {
        let what = format!("{member}: {missing:?} is configured but not published");
        findings.push(Finding::problem(TOPIC, what, why, FIX).named("differs").about(member));
    }
    for extra in published.iter().filter(|one| !wanted.contains(one)) {
        let what = format!("{member}: {extra:?} is published but not configured");
        let why = "the document allows more than intended";
        findings.push(Finding::warning(TOPIC, what, why, FIX).named("differs").about(member));
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn words(text: &Value) -> Vec<&str> {
    text.as_str().unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect()
}
