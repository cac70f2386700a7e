//! Documents as they are published, for those who look at how: nothing about them is taken for
//! granted.

use serde_json::Value;
use url::Url;

use super::http::{Http, Served};
use super::lookup::{LIMITS, LookupError};

/// A document under its URL, as a server that fetches it sees it.
#[derive(Clone, Debug)]
pub struct Published {
    /// Where it was asked for.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// The media type, without parameters, in lower case.
    pub content_type: Option<String>,
    /// The way it took.
    pub served: Served,
    /// The document, where the body is JSON, whatever it calls itself.
    pub json: Option<Value>,
}

/// Fetches whatever is there. Fails only where there is no answer.
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
