//! Checks how a document is served. Servers require status 200, `application/json` and no redirect.

use serde_json::Value;

use super::{Finding, Topic};
use crate::oauth::{LookupError, Published};

/// Returns faults of the answer, and the document, if there is one.
pub(super) fn check<'p>(
    topic: Topic,
    answer: &'p Result<Published, LookupError>,
    why: &str,
) -> (Vec<Finding>, Option<&'p Value>) {
    let published = match answer {
        Ok(published) => published,
        Err(e) => {
            let fix = "open it from another network: it must be there for servers everywhere";
            let mut finding = Finding::failed(topic, e.clone(), why);
            finding.fix = Some(fix.to_owned());
            return (vec![finding], None);
        }
    };
    let url = &published.url;
    match published.status {
        200 => {}
        300..=399 => {
            let target = published
                .served
                .location
                .as_deref()
                .map(|to| format!(" to {to}"))
                .unwrap_or_default();
            let what = format!("{url} redirects{target}, and servers follow no redirect");
            return (
                vec![Finding::problem(topic, what, why, "serve the document at exactly this URL")],
                None,
            );
        }
        status => {
            let what = format!("{url} answers with status {status} instead of 200");
            return (vec![Finding::problem(topic, what, why, "serve the document there")], None);
        }
    }
    let mut findings = Vec::new();
    if published.content_type.as_deref() != Some("application/json") {
        let kind = published.content_type.as_deref().unwrap_or("without a type");
        let what = format!("{url} is served as {kind} instead of application/json");
        let fix = "set the header: Content-Type: application/json";
        findings.push(Finding::problem(topic, what, why, fix));
    }
    if published.json.is_none() {
        let fix = "serve what oauthctl prints; a page of HTML there means that the path is not routed to the document";
        findings.push(Finding::problem(topic, format!("{url} is not JSON"), why, fix));
    }
    (findings, published.json.as_ref())
}
