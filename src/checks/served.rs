//! Checks how a document is served. Servers require status 200, `application/json`, no redirect,
//! and a quick answer to any client.

use std::time::Duration;

use serde_json::Value;

use super::{Finding, Topic};
use crate::oauth::{LookupError, Page, Published, Served};
use crate::session::Age;

/// Time after which an answer counts as slow.
const SLOW: Duration = Duration::from_secs(2);
/// Time for which the reference server caches a document, in addition to other caches.
pub(super) const KEPT_BY_SERVERS: Duration = Duration::from_mins(10);
/// Parts of the URLs of login pages.
const LOGIN_PLACES: [&str; 7] =
    ["login", "signin", "sign-in", "sso", "oauth2/start", "cdn-cgi/access", "authorize"];

/// Returns faults of the answer, and the document, if there is one.
pub(super) fn check<'p>(
    topic: Topic,
    answer: &'p Result<Published, LookupError>,
    why: &str,
) -> (Vec<Finding>, Option<&'p Value>) {
    let published = match answer {
        Ok(published) => published,
        Err(e) => {
            let fix = "open it from another network: servers everywhere must be able to fetch it";
            let mut finding = Finding::failed(topic, e.clone(), why).named("unreachable");
            finding.fix = Some(fix.to_owned());
            return (vec![finding], None);
        }
    };
    if published.status != 200 {
        return (vec![other_status(topic, published, why)], None);
    }
    let url = &published.url;
    let mut findings = Vec::new();
    if published.content_type.as_deref() != Some("application/json") {
        let kind = published.content_type.as_deref().unwrap_or("without a type");
        let what = format!("{url} is served as {kind} instead of application/json");
        let fix = "set the header: Content-Type: application/json";
        findings.push(Finding::problem(topic, what, why, fix).named("content_type"));
    }
    findings.extend(published.page.map(|page| of_page(topic, published, page, why)));
    if published.json.is_none() && published.page.is_none() {
        let what = format!("{url} is not JSON");
        findings.push(
            Finding::problem(topic, what, why, "serve what oauthctl prints").named("not_json"),
        );
    }
    if published.json.is_some() {
        findings.extend(check_form(topic, published));
    }
    (findings, published.json.as_ref())
}

/// Reports faults that keep some servers from reading the document.
fn check_form(topic: Topic, published: &Published) -> Vec<Finding> {
    let (url, why) = (&published.url, "some servers cannot read it, and reject the client");
    let mut findings = Vec::new();
    if published.has_mark {
        let what = format!("{url} begins with a byte order mark");
        let fix = "save it as UTF-8 without one";
        findings.push(Finding::warning(topic, what, why, fix).named("byte_order_mark"));
    }
    if let Some(compressed) = &published.served.compressed {
        let what =
            format!("{url} is compressed ({compressed}), although the request does not accept it");
        let fix =
            "configure the web server to respect Accept-Encoding, or not to compress this path";
        findings.push(Finding::warning(topic, what, why, fix).named("compressed"));
    }
    if published.took >= SLOW {
        let seconds = published.took.as_secs_f64();
        let what = format!("{url} takes {seconds:.1} s to load");
        let why = "servers give up on a slow document after a few seconds, and logins fail";
        let fix = "serve it as a static file, not from a serverless function";
        findings.push(Finding::warning(topic, what, why, fix).named("slow"));
    }
    findings
}

/// Reports an answer without the document.
fn other_status(topic: Topic, published: &Published, why: &str) -> Finding {
    let (url, status) = (&published.url, published.status);
    if (300..400).contains(&status) {
        let target = published.served.location.as_deref();
        let to = target.map(|to| format!(" to {to}")).unwrap_or_default();
        let what = format!("{url} redirects{to}, but servers do not follow redirects");
        let is_login = target.is_some_and(|to| {
            let to = to.to_ascii_lowercase();
            LOGIN_PLACES.iter().any(|place| to.contains(place))
        });
        return if is_login {
            Finding::problem(topic, what, why, UNPROTECTED).named("login_page")
        } else {
            Finding::problem(topic, what, why, "serve the document at exactly this URL")
                .named("redirect")
        };
    }
    if published.served.shield.is_some() || published.page == Some(Page::Shield) {
        return of_page(topic, published, Page::Shield, why);
    }
    if published.served.asks_for_login || published.page == Some(Page::Login) {
        return of_page(topic, published, Page::Login, why);
    }
    let what = format!("{url} answers with status {status} instead of 200");
    let fix = match status {
        401 | 403 => "make this path public: servers send no cookies and have their own User-Agent",
        _ => "serve the document there",
    };
    Finding::problem(topic, what, why, fix).named("status")
}

/// Fix for a login in front of a document.
const UNPROTECTED: &str = "exempt this path from the login (Vercel: Deployment Protection; Cloudflare: Access; a proxy's \
                           password)";

fn of_page(topic: Topic, published: &Published, page: Page, why: &str) -> Finding {
    let (url, status) = (&published.url, published.status);
    match page {
        Page::Shield => Finding::problem(
            topic,
            format!("bot protection answers for {url} (status {status}), and servers cannot pass it"),
            why,
            "exempt this path from challenges",
        )
        .named("bot_shield"),
        Page::Login => Finding::problem(
            topic,
            format!("{url} asks for a login (status {status})"),
            why,
            UNPROTECTED,
        )
        .named("login_page"),
        Page::Other => Finding::problem(
            topic,
            format!("{url} is an HTML page, not JSON"),
            why,
            "serve the output of oauthctl; if you get an HTML page, the path is not routed to the document",
        )
        .named("html"),
    }
}

/// Judges for how long caches keep a document; `noun` is what it is called.
pub(super) fn check_caching(topic: Topic, noun: &str, served: &Served) -> Vec<Finding> {
    let why = "servers see a change only after every cache has dropped the old version";
    let fix = "serve it with Cache-Control: max-age=600 or less, and purge caches when it changes";
    let mut findings = Vec::new();
    if let Some(age) = served.age.filter(|age| *age > KEPT_BY_SERVERS) {
        let what = format!("the {noun} came from a cache and is {} old", length(age));
        findings.push(Finding::warning(topic, what, why, fix).named("cached"));
    }
    if let Some(max_age) = served.max_age.filter(|max_age| *max_age > KEPT_BY_SERVERS) {
        let what = format!("caches may keep the {noun} for {}", length(max_age));
        findings.push(Finding::warning(topic, what, why, fix).named("max_age"));
    }
    findings
}

/// Reports a document that differs from the settings and comes from an earlier time.
pub(super) fn check_stale(
    topic: Topic,
    published: &Published,
    findings: &[Finding],
) -> Option<Finding> {
    let differs = |finding: &Finding| {
        [".differs", ".missing_key", ".other_key"].iter().any(|end| finding.code.ends_with(end))
    };
    if !findings.iter().any(differs) {
        return None;
    }
    let served = &published.served;
    let by = served
        .kept_by
        .clone()
        .or_else(|| served.age.map(|age| format!("age: {}", age.as_secs())))?;
    let what = format!(
        "{} is an outdated copy, from a cache or from the build of the app ({by})",
        published.url
    );
    let why = "servers do not see the current configuration";
    let fix = "purge the cache, and generate the document for each request, not at build time";
    Some(Finding::problem(topic, what, why, fix).named("stale"))
}

fn length(duration: Duration) -> Age {
    Age::from_secs(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}
