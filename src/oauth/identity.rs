//! Accounts: DID documents and handles (AT Protocol identity, DID and handle specifications).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use url::Url;

use super::effects::NetworkSettings;
use super::http::Http;
use super::lookup::{self, LookupError};
use crate::error::{Failure, usage};
use crate::session::Did;

/// Relevant members of a DID document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Account.
    pub did: Did,
    /// Origin of the PDS.
    pub pds: Option<String>,
    /// Claimed handle. It is verified only if it resolves back to the account.
    pub handle: Option<Handle>,
}

/// Stands for a handle that does not resolve to the account that claims it (atproto.com, "Handle").
pub const INVALID_HANDLE: &str = "handle.invalid";

/// Handle: a domain name in lower case, without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Handle(Box<str>);

impl FromStr for Handle {
    type Err = Failure;

    /// Parses `alice.example.com`, with or without a leading `@`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        let name = text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        let valid = name.len() <= 253
            && name.contains('.')
            && name.split('.').all(is_label)
            && !last.starts_with(|c: char| c.is_ascii_digit());
        if !valid {
            return Err(usage(format!("{text:?} is not a handle"))
                .hint("a handle looks like alice.example.com"));
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DidDocument {
    id: String,
    #[serde(default)]
    also_known_as: Vec<String>,
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    id: String,
    #[serde(rename = "type")]
    kind: serde_json::Value,
    #[serde(rename = "serviceEndpoint")]
    endpoint: serde_json::Value,
}

/// Fetches an account's DID document.
pub(super) async fn resolve_did(
    http: &Http,
    settings: &NetworkSettings,
    did: &Did,
) -> Result<Identity, LookupError> {
    let url = document_url(settings, did)?;
    let document: DidDocument = lookup::json(http, &url, &format!("DID document of {did}")).await?;
    document.into_identity(did, http)
}

/// Returns the URL of a DID document.
fn document_url(settings: &NetworkSettings, did: &Did) -> Result<Url, LookupError> {
    let text = did.as_str();
    let malformed = || LookupError::ruled_out(format!("{did} is not a DID that can be resolved"));
    if let Some(id) = text.strip_prefix("did:plc:") {
        let is_plc = id.len() == 24 && id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
        if !is_plc {
            return Err(malformed());
        }
        let base = settings.plc_directory.as_str().trim_end_matches('/');
        return format!("{base}/{text}").parse().map_err(|_| malformed());
    }
    // The AT Protocol permits host names only, a port only for development, and no paths.
    let Some(host) = text.strip_prefix("did:web:").filter(|host| !host.contains(':')) else {
        return Err(malformed());
    };
    let host = host.replacen("%3A", ":", 1);
    let name = host.split(':').next().unwrap_or_default();
    let scheme = if name == "localhost" && settings.allow_http { "http" } else { "https" };
    let url: Url =
        format!("{scheme}://{host}/.well-known/did.json").parse().map_err(|_| malformed())?;
    // Anything else than a name and a port would be parsed differently.
    let plain =
        matches!(url.host(), Some(url::Host::Domain(found)) if found.eq_ignore_ascii_case(name));
    if plain && url.path() == "/.well-known/did.json" { Ok(url) } else { Err(malformed()) }
}

impl DidDocument {
    fn into_identity(self, did: &Did, http: &Http) -> Result<Identity, LookupError> {
        if self.id != did.as_str() {
            return Err(LookupError::ruled_out(format!(
                "the DID document of {did} belongs to another account"
            )));
        }
        let full = format!("{did}#atproto_pds");
        let service = self.service.iter().find(|service| {
            (service.id == "#atproto_pds" || service.id == full)
                && service.kind == "AtprotoPersonalDataServer"
        });
        let pds = match service {
            None => None,
            Some(service) => {
                let endpoint = service.endpoint.as_str().and_then(|text| origin(text, http));
                let refuse = || {
                    LookupError::ruled_out(format!(
                        "the PDS in the DID document of {did} is not an origin"
                    ))
                };
                Some(endpoint.ok_or_else(refuse)?)
            }
        };
        let handle =
            self.also_known_as.iter().find_map(|name| name.strip_prefix("at://")?.parse().ok());
        Ok(Identity { did: did.clone(), pds, handle })
    }
}

/// Returns the origin if the URL consists only of one. An empty path equals `/`.
pub(super) fn origin(text: &str, http: &Http) -> Option<String> {
    let url: Url = text.parse().ok()?;
    let origin = url.origin().ascii_serialization();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (bare && http.allows(&url)).then_some(origin)
}

/// Resolves a handle by DNS, else by HTTPS, and checks that the account claims the handle.
pub(super) async fn resolve_handle(
    http: &Http,
    settings: &NetworkSettings,
    handle: &Handle,
) -> Result<Did, LookupError> {
    let did = match by_dns(http, settings, handle).await {
        Ok(Some(did)) => did,
        by_dns => match by_https(http, handle).await {
            Ok(did) => did,
            // Reports the transient one of two failures.
            Err(e) => return Err(by_dns.err().filter(|_| !e.is_transient()).unwrap_or(e)),
        },
    };
    let identity = resolve_did(http, settings, &did).await?;
    if identity.handle.as_ref() == Some(handle) {
        Ok(did)
    } else {
        Err(LookupError::ruled_out(format!(
            "{handle} points to {did}, which does not claim that handle"
        )))
    }
}

#[derive(Deserialize)]
struct DnsAnswer {
    #[serde(rename = "Status")]
    status: u32,
    #[serde(rename = "Answer", default)]
    answer: Vec<DnsRecord>,
}

#[derive(Deserialize)]
struct DnsRecord {
    #[serde(rename = "type")]
    kind: u32,
    data: String,
}

/// Returns the TXT record at `_atproto.` through DNS over HTTPS, `None` if there is none.
async fn by_dns(
    http: &Http,
    settings: &NetworkSettings,
    handle: &Handle,
) -> Result<Option<Did>, LookupError> {
    let mut url = settings.doh_resolver.clone();
    url.query_pairs_mut()
        .append_pair("name", &format!("_atproto.{handle}"))
        .append_pair("type", "TXT");
    let what = format!("DNS record of {handle}");
    let answer = lookup::fetch(http, &url, "application/dns-json", &what).await?;
    let body = answer.body.map_err(|e| LookupError::no_answer(&what, e))?;
    did_in_dns(&body, &what)
}

fn did_in_dns(body: &[u8], what: &str) -> Result<Option<Did>, LookupError> {
    const TXT: u32 = 16;
    const NO_ERROR: u32 = 0;
    const NO_SUCH_NAME: u32 = 3;
    let answer: DnsAnswer = serde_json::from_slice(body)
        .map_err(|_| LookupError::unavailable(format!("the {what} is not JSON")))?;
    if answer.status != NO_ERROR && answer.status != NO_SUCH_NAME {
        return Err(LookupError::unavailable(format!(
            "cannot get the {what}: DNS status {}",
            answer.status
        )));
    }
    // Longer texts arrive as several quoted strings.
    let texts = answer
        .answer
        .iter()
        .filter(|record| record.kind == TXT)
        .map(|record| record.data.replace("\" \"", ""));
    let mut dids =
        texts.filter_map(|text| text.trim_matches('"').strip_prefix("did=").map(str::to_owned));
    match (dids.next(), dids.next()) {
        (Some(did), None) => did
            .parse()
            .map(Some)
            .map_err(|_| LookupError::ruled_out(format!("the {what} has no DID"))),
        (None, _) => Ok(None),
        _ => Err(LookupError::ruled_out(format!("there is more than one {what}"))),
    }
}

async fn by_https(http: &Http, handle: &Handle) -> Result<Did, LookupError> {
    let what = format!("account of {handle}");
    let url: Url = format!("https://{handle}/.well-known/atproto-did")
        .parse()
        .map_err(|_| LookupError::ruled_out(format!("there is no {what}")))?;
    let answer = lookup::fetch(http, &url, "text/plain", &what).await?;
    let body = answer.body.map_err(|e| LookupError::no_answer(&what, e))?;
    did_in_file(&body, handle)
}

fn did_in_file(body: &[u8], handle: &Handle) -> Result<Did, LookupError> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    text.trim()
        .parse()
        .map_err(|_| LookupError::unavailable(format!("{handle} points to an invalid DID")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use testbed::{Endpoint, Fault, LoginOptions, Network as Testbed};

    use super::super::testing::{development, network, strict};
    use super::*;

    fn did(text: &str) -> Did {
        text.parse().unwrap()
    }

    #[test]
    fn documents_are_where_the_method_says() {
        let mut settings = strict();
        for (text, url) in [
            (
                "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
                Some("https://plc.directory/did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
            ),
            ("did:plc:short", None),
            ("did:plc:EWVI7nxzyoun6zhxrhs64oiz", None),
            ("did:plc:ewvi7nxzyoun6zhxrhs64oi1", None),
            ("did:web:example.com", Some("https://example.com/.well-known/did.json")),
            ("did:web:example.com%3A8443", Some("https://example.com:8443/.well-known/did.json")),
            ("did:web:localhost%3A3000", Some("https://localhost:3000/.well-known/did.json")),
            ("did:web:example.com:users:a", None),
            ("did:web:example.com%2Fpath", None),
            ("did:web:me%40example.com", None),
            ("did:web:127.0.0.1", None),
            ("did:web:2130706433", None),
            ("did:web:example.com%3A80%3A90", None),
            ("did:key:zQ3sh", None),
        ] {
            let found = document_url(&settings, &did(text)).ok();
            assert_eq!(found.as_ref().map(Url::as_str), url, "{text}");
        }
        settings.allow_http = true;
        let found = document_url(&settings, &did("did:web:localhost%3A3000")).unwrap();
        assert_eq!(found.as_str(), "http://localhost:3000/.well-known/did.json");
    }

    #[tokio::test]
    async fn an_account_is_known_by_its_document() {
        let bed = Testbed::start().await.unwrap();
        let record = bed.login(LoginOptions::default());
        let account = did(record["tokenSet"]["sub"].as_str().unwrap());
        let identity = network(&bed).identity(&account).await.unwrap();
        assert_eq!(identity.pds, Some(bed.pds_url()));
        assert_eq!(
            identity.handle.unwrap().to_string(),
            format!("{}.test", &account.as_str()[8..])
        );
    }

    #[tokio::test]
    async fn did_web_is_resolved() {
        let bed = Testbed::start().await.unwrap();
        let account = did(&bed.web_did());
        bed.set_pds_of(account.as_str(), 0);
        assert_eq!(network(&bed).identity(&account).await.unwrap().pds, Some(bed.pds_url()));
    }

    #[tokio::test]
    async fn documents_that_say_no_rule_an_account_out() {
        let bed = Testbed::start().await.unwrap();
        let (account, other) = (testbed::did(), testbed::did());
        let pds = |id: &str, kind: &str, endpoint: &str| {
            let service = json!([{"id": id, "type": kind, "serviceEndpoint": endpoint}]);
            json!({"id": account, "service": service})
        };
        let kind = "AtprotoPersonalDataServer";
        for (document, expected) in [
            (json!({"id": other}), Err("belongs to another account")),
            (json!({"id": account}), Ok(None)),
            (pds("#atproto_pds", "Other", "https://a.example"), Ok(None)),
            (pds("#other", kind, "https://a.example"), Ok(None)),
            (pds("#atproto_pds", kind, "https://a.example/path"), Err("not an origin")),
            (pds("#atproto_pds", kind, "https://a.example?q"), Err("not an origin")),
            (pds("#atproto_pds", kind, "https://me@a.example"), Err("not an origin")),
            (pds("#atproto_pds", kind, "ftp://a.example"), Err("not an origin")),
            (pds("#atproto_pds", kind, "https://a.example/"), Ok(Some("https://a.example"))),
            (
                pds(&format!("{account}#atproto_pds"), kind, "https://a.example:444"),
                Ok(Some("https://a.example:444")),
            ),
        ] {
            bed.set_did_document(&account, document.clone());
            let found = network(&bed).identity(&did(&account)).await;
            match (found, expected) {
                (Ok(identity), Ok(pds)) => assert_eq!(identity.pds.as_deref(), pds, "{document}"),
                (Err(e), Err(part)) => {
                    assert!(e.to_string().contains(part) && !e.is_transient(), "{document}: {e:?}");
                }
                (found, _) => panic!("{document}: {found:?}"),
            }
        }
    }

    #[tokio::test]
    async fn only_not_found_and_gone_are_final() {
        let bed = Testbed::start().await.unwrap();
        for (status, transient) in
            [(404, false), (410, false), (429, true), (500, true), (503, true), (403, true)]
        {
            let account = testbed::did();
            bed.set_did_status(&account, status);
            let error = network(&bed).identity(&did(&account)).await.unwrap_err();
            assert_eq!(error.is_transient(), transient, "{status}: {error:?}");
        }
    }

    #[tokio::test]
    async fn deep_and_broken_documents_are_errors_and_no_more() {
        let bed = Testbed::start().await.unwrap();
        let account = testbed::did();
        bed.set_pds_of(&account, 0);
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        for body in [
            deep.clone(),
            format!("{{\"x\":{deep}}}"),
            "{".to_owned(),
            "null".to_owned(),
            String::new(),
        ] {
            bed.fault_once(Endpoint::Plc, Fault::Body(body));
            assert!(network(&bed).identity(&did(&account)).await.unwrap_err().is_transient());
        }
    }

    #[tokio::test]
    async fn a_handle_leads_to_the_account_that_claims_it() {
        let bed = Testbed::start().await.unwrap();
        let (account, other) = (testbed::did(), testbed::did());
        bed.set_pds_of(&account, 0);
        bed.set_pds_of(&other, 0);
        bed.set_handle("alice.test", &account);
        let found = network(&bed).resolve_handle(&"@Alice.test".parse().unwrap()).await.unwrap();
        assert_eq!(found.as_str(), account);
        bed.set_did_document(&account, json!({"id": account, "alsoKnownAs": ["at://bob.test"]}));
        let error = network(&bed).resolve_handle(&"alice.test".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("does not claim"), "{error}");
    }

    #[tokio::test]
    async fn a_private_host_cannot_be_reached_through_a_document() {
        let bed = Testbed::start().await.unwrap();
        let mut settings = development(&bed);
        settings.allow_private_hosts = false;
        let http = Http::new(&settings, super::super::testing::clock()).unwrap();
        for endpoint in
            ["http://127.0.0.1", "http://[::1]:80", "http://169.254.169.254", "https://0x7f000001"]
        {
            assert_eq!(origin(endpoint, &http), None, "{endpoint}");
        }
    }

    #[test]
    fn handles_are_domain_names() {
        let long = format!("{}.com", "a".repeat(64));
        for good in ["alice.example.com", "@a.b", "A-1.xn--b", "8.test"] {
            assert!(good.parse::<Handle>().is_ok(), "{good}");
        }
        for bad in [
            "", "alice", "a..b", "-a.com", "a-.com", "a.1com", "a b.com", "a.com.", "a.com/x",
            &long,
        ] {
            assert!(bad.parse::<Handle>().is_err(), "{bad}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Value, json};

    use super::super::testing::{clock, strict};
    use super::*;
    use crate::arbitrary::{damage, json as any_json, text, unknown_members};

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    fn http<T>(work: impl FnOnce(&Http) -> T) -> T {
        thread_local!(static HTTP: Http = Http::new(&strict(), clock()).unwrap());
        HTTP.with(work)
    }

    fn endpoint() -> impl Strategy<Value = Value> {
        let url = "https?://([a-z]{1,4}@)?[a-z]{1,8}([.][a-z]{2,4})?(:[0-9]{1,5})?(/[a-z?#]{0,4})?";
        prop_oneof![url.prop_map(Value::from), text().prop_map(Value::from), any_json()]
    }

    fn service() -> impl Strategy<Value = Value> {
        let id = select(vec![
            "#atproto_pds",
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz#atproto_pds",
            "#atproto_labeler",
            "#x",
        ]);
        let kind = prop_oneof![3 => Just(json!("AtprotoPersonalDataServer")), 1 => any_json()];
        (id, kind, endpoint(), unknown_members()).prop_map(|(id, kind, endpoint, others)| {
            let mut service = Value::Object(others);
            (service["id"], service["type"], service["serviceEndpoint"]) =
                (id.into(), kind, endpoint);
            service
        })
    }

    proptest! {
        #[test]
        fn a_did_document_names_an_origin_or_is_refused(
            others in unknown_members(), id in select(vec![DID, "did:plc:z72i7hdynmk6r22z27h6tvur", "did:web:a.example"]),
            services in proptest::collection::vec(service(), 0..3), names in proptest::collection::vec("at://[a-z]{1,4}[.][a-z]{2,4}", 0..3),
        ) {
            let mut document = Value::Object(others);
            document["id"] = id.into();
            document["service"] = services.into();
            document["alsoKnownAs"] = names.clone().into();
            let document: DidDocument = serde_json::from_value(document).unwrap();
            let identity = http(|http| document.into_identity(&DID.parse().unwrap(), http));
            if let Ok(identity) = identity {
                prop_assert_eq!((id, identity.did.as_str()), (DID, DID));
                let handle = names.first().map(|name| name["at://".len()..].to_owned());
                prop_assert_eq!(identity.handle.map(|handle| handle.to_string()), handle);
                if let Some(pds) = identity.pds {
                    prop_assert!(pds.starts_with("https://") && !pds["https://".len()..].contains(['/', '@', '?', '#']));
                    prop_assert_eq!(http(|http| origin(&pds, http)), Some(pds));
                }
            }
        }

        #[test]
        fn a_document_that_is_none_is_refused(value in any_json(), damage in damage(4)) {
            let whole = json!({"id": DID, "service": [{"id": "#atproto_pds", "type": "T", "serviceEndpoint": value}]});
            let Ok(document) = serde_json::from_str::<DidDocument>(&damage.to(&whole.to_string())) else { return Ok(()) };
            let id = document.id.clone();
            if http(|http| document.into_identity(&DID.parse().unwrap(), http)).is_ok() {
                prop_assert_eq!(id, DID);
            }
        }

        #[test]
        fn a_handle_is_a_domain_name_and_is_shown_as_it_resolves(text in prop_oneof![text(), "@?[a-zA-Z0-9.-]{0,20}[.][a-zA-Z0-9-]{0,6}"]) {
            if let Ok(handle) = text.parse::<Handle>() {
                let shown = handle.to_string();
                prop_assert_eq!(&shown, &text.trim_start_matches('@').to_ascii_lowercase());
                prop_assert_eq!(shown.parse::<Handle>().unwrap(), handle);
                // A name with an invalid punycode label has no URL, and is not found.
                if let Ok(url) = format!("https://{shown}/").parse::<Url>() {
                    prop_assert_eq!(url.host_str(), Some(shown.as_str()));
                }
            }
        }

        #[test]
        fn a_handle_s_record_names_one_account_or_none(
            dids in proptest::collection::vec((select(vec![DID, "did:web:a.example", "did:plc", ""]), any::<bool>(), 15_u32..18), 0..3),
            status in select(vec![0_u32, 2, 3]), damage in proptest::option::of(damage(2)),
        ) {
            let record = |(did, quoted, kind): &(&str, bool, u32)| {
                json!({"name": "_atproto.a.example", "type": kind, "data": if *quoted { format!("\"did={did}\"") } else { format!("did={did}") }})
            };
            let whole = json!({"Status": status, "Answer": dids.iter().map(record).collect::<Vec<_>>()}).to_string();
            let text = damage.as_ref().map_or(whole.clone(), |damage| damage.to(&whole));
            let found = did_in_dns(text.as_bytes(), "DNS record of a.example");
            if damage.is_none() {
                let named: Vec<_> = dids.iter().filter(|(_, _, kind)| *kind == 16).map(|(did, ..)| *did).collect();
                match (status, &named[..]) {
                    (2, _) => prop_assert!(found.is_err()),
                    (_, []) => prop_assert_eq!(found.unwrap(), None),
                    (_, [did]) => prop_assert_eq!(found.ok().flatten(), did.parse().ok()),
                    _ => prop_assert!(found.is_err()),
                }
            }
        }

        #[test]
        fn a_handle_s_file_holds_an_account_and_nothing_else(did in text(), around in "[ \t\r\n]{0,3}", more in text()) {
            let handle = "a.example".parse().unwrap();
            for did in [did.as_str(), DID] {
                let found = did_in_file(format!("{around}{did}{around}").as_bytes(), &handle);
                prop_assert_eq!(found.ok(), did.trim().parse().ok());
                let found = did_in_file(format!("{did}{around} {more}").as_bytes(), &handle);
                prop_assert!(found.is_err() || more.trim().is_empty());
            }
        }

        #[test]
        fn a_did_s_document_is_at_the_host_it_names(did in "did:(plc:[a-z2-7]{22,26}|web:[a-zA-Z0-9.%:-]{1,20}[a-z])") {
            let Ok(did) = did.parse::<Did>() else { return Ok(()) };
            let Ok(url) = document_url(&strict(), &did) else { return Ok(()) };
            prop_assert_eq!(url.scheme(), "https");
            match did.as_str().strip_prefix("did:web:") {
                None => prop_assert_eq!(url.as_str(), format!("https://plc.directory/{did}")),
                Some(host) => {
                    let name = host.split('%').next().unwrap().to_ascii_lowercase();
                    prop_assert_eq!(url.host_str(), Some(name.as_str()));
                    prop_assert_eq!((url.path(), url.query(), url.username()), ("/.well-known/did.json", None, ""));
                }
            }
        }
    }
}
