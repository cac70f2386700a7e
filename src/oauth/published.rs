//! Documents as published, for inspection. Nothing about them is taken for granted.

use serde_json::Value;
use url::Url;

use super::http::{Http, Served};
use super::lookup::{LIMITS, LookupError};

/// Document at its URL, as seen by a server that fetches it.
#[derive(Clone, Debug)]
pub struct Published {
    /// Requested URL.
    pub url: String,
    /// Status code.
    pub status: u16,
    /// Media type without parameters, in lower case.
    pub content_type: Option<String>,
    /// Times, cache and redirect.
    pub served: Served,
    /// Document, if the body is JSON under any media type.
    pub json: Option<Value>,
}

/// Fetches a document of any kind. Fails only without an answer.
pub(super) async fn look(http: &Http, text: &str) -> Result<Published, LookupError> {
    let url =
        Url::parse(text).map_err(|_| LookupError::ruled_out(format!("{text:?} is not a URL")))?;
    let no_answer = |e| LookupError::no_answer("published document", e);
    let answer = http.get(&url, "application/json", LIMITS).await.map_err(no_answer)?;
    let body = answer.body.map_err(no_answer)?;
    Ok(Published {
        url: text.to_owned(),
        status: answer.status,
        content_type: answer.content_type,
        served: answer.served,
        json: serde_json::from_slice(&body).ok(),
    })
}
