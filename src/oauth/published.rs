//! Documents as published, for inspection. Nothing about them is taken for granted.

use std::time::{Duration, Instant};

use serde_json::Value;
use url::Url;

use super::http::{Http, Served};
use super::lookup::{LIMITS, LookupError};
use crate::input;

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
    /// Time from the request to the end of the answer.
    pub took: Duration,
    /// A byte order mark stands in front of it.
    pub has_mark: bool,
    /// Kind of web page, if the body is one.
    pub page: Option<Page>,
    /// Document, if the body is JSON under any media type.
    pub json: Option<Value>,
}

/// Kind of web page in the place of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// A challenge that only a browser passes.
    Shield,
    /// A login.
    Login,
    /// Any other.
    Other,
}

/// Words of challenges, in lower case.
const SHIELD_WORDS: [&str; 8] = [
    "just a moment",
    "checking your browser",
    "attention required",
    "captcha",
    "ddos protection",
    "verify you are human",
    "making sure you're not a bot",
    "request unsuccessful. incapsula",
];
/// Words of logins, in lower case.
const LOGIN_WORDS: [&str; 6] = [
    "type=\"password\"",
    "authentication required",
    "deployment protection",
    "cloudflare access",
    "<title>login",
    "<title>sign in",
];

/// Fetches a document of any kind. Fails only without an answer.
pub(super) async fn look(http: &Http, text: &str) -> Result<Published, LookupError> {
    let url =
        Url::parse(text).map_err(|_| LookupError::ruled_out(format!("{text:?} is not a URL")))?;
    let no_answer = |e| LookupError::no_answer("published document", e);
    let begun = Instant::now();
    let answer = http.get(&url, "application/json", LIMITS).await.map_err(no_answer)?;
    let body = answer.body.map_err(no_answer)?;
    let unmarked = input::without_mark(&body);
    let json = serde_json::from_slice(unmarked).ok();
    Ok(Published {
        url: text.to_owned(),
        status: answer.status,
        content_type: answer.content_type,
        served: answer.served,
        took: begun.elapsed(),
        has_mark: unmarked.len() < body.len(),
        page: if json.is_none() { Page::of(unmarked) } else { None },
        json,
    })
}

impl Page {
    fn of(body: &[u8]) -> Option<Self> {
        /// Bytes that are searched for the words.
        const HEAD: usize = 64 * 1024;
        let head = &body[..body.len().min(HEAD)];
        let text = String::from_utf8_lossy(head).to_ascii_lowercase();
        if !text.trim_start().starts_with('<') {
            return None;
        }
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        Some(if has(&SHIELD_WORDS) {
            Self::Shield
        } else if has(&LOGIN_WORDS) {
            Self::Login
        } else {
            Self::Other
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_apart() {
        for (body, page) in [
            ("<html><title>Just a moment...</title>", Some(Page::Shield)),
            (" <!doctype html><input type=\"password\">", Some(Page::Login)),
            ("<html><h1>404</h1>", Some(Page::Other)),
            ("Not Found", None),
            ("", None),
        ] {
            assert_eq!(Page::of(body.as_bytes()), page, "{body}");
        }
    }
}
