//! Requests and answers as seen by the endpoints: complete, in memory, without types of a web
//! framework.

use std::{collections::HashMap, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts},
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::server::Site;

/// Maximum size of a request.
const MAX_REQUEST: usize = 1 << 20;

/// Complete request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) site: Site,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) form: HashMap<String, String>,
}

impl Request {
    pub(crate) async fn read(site: Site, parts: Parts, body: Body) -> Self {
        let body = to_bytes(body, MAX_REQUEST).await.unwrap_or_default();
        let is_json = parts
            .headers
            .get("content-type")
            .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
        let form = if is_json {
            serde_json::from_slice(&body).unwrap_or_default()
        } else {
            decode_form(&body)
        };
        Self {
            site,
            method: parts.method.to_string(),
            path: percent_decode(parts.uri.path()),
            query: decode_form(parts.uri.query().unwrap_or_default().as_bytes()),
            headers: parts.headers,
            form,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }
}

/// Decodes `application/x-www-form-urlencoded`, from a body or a query.
fn decode_form(bytes: &[u8]) -> HashMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(&name.replace('+', " ")), percent_decode(&value.replace('+', " ")))
        })
        .collect()
}

pub(crate) fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(escaped) = escaped {
            out.push(escaped);
            rest = &tail[2..];
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Answer of an endpoint, or its replacement by a fault.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
    pub(crate) tail: Tail,
}

/// Continuation of the body after its text, for faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    None,
    /// This number of bytes of padding, endless for `None`.
    Padding(Option<usize>),
    /// One byte at a time.
    Drip(Duration),
}

impl Reply {
    /// Adds an endless body.
    #[must_use]
    pub fn endless(self) -> Self {
        Self { tail: Tail::Padding(None), ..self }
    }

    /// Returns an answer with a body of any type.
    pub fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
            tail: Tail::None,
        }
    }

    /// Returns a JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// Returns an OAuth error.
    pub fn error(status: u16, error: &str, description: &str) -> Self {
        Self::json(status, &json!({"error": error, "error_description": description}))
    }

    /// Returns the answer of a proxy in front of a broken server.
    pub fn html(status: u16) -> Self {
        Self::new(
            status,
            "text/html",
            format!("<html><body><h1>{status}</h1><hr>nginx</body></html>"),
        )
    }

    /// Returns a redirect.
    pub fn redirect(to: &str) -> Self {
        Self::new(302, "text/plain", "").header("location", to)
    }

    /// Adds or replaces a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the OAuth error code in the body, if there is one.
    pub(crate) fn error_code(&self) -> Option<String> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        body["error"].as_str().map(str::to_owned)
    }

    pub(crate) fn into_response(self) -> axum::response::Response {
        let text = Bytes::from(self.body.into_bytes());
        let length = HeaderValue::from(text.len());
        let body = match self.tail {
            Tail::None => Body::from(text),
            Tail::Padding(length) => Body::from_stream(padded(text, length)),
            Tail::Drip(every) => Body::from_stream(dripping(text, every)),
        };
        let mut response = axum::response::Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if matches!(self.tail, Tail::Drip(_)) {
            response.headers_mut().insert("content-length", length);
        }
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value.as_bytes()))
            {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

type Chunk = Result<Bytes, std::convert::Infallible>;

/// Returns the text, then white space of this length or without an end.
fn padded(text: Bytes, length: Option<usize>) -> impl stream::Stream<Item = Chunk> + Send {
    const BLOCK: usize = 16 * 1024;
    let start = (Some(text), length);
    stream::unfold(start, |(text, left)| async move {
        if let Some(text) = text {
            return Some((Ok(text), (None, left)));
        }
        // An endless body must not starve others.
        tokio::task::yield_now().await;
        let size = left.map_or(BLOCK, |left| left.min(BLOCK));
        (size > 0).then(|| {
            let block = Bytes::from(vec![b' '; size]);
            (Ok(block), (None, left.map(|left| left - size)))
        })
    })
}

/// Returns the text, byte by byte.
fn dripping(text: Bytes, every: Duration) -> impl stream::Stream<Item = Chunk> + Send {
    stream::unfold(text, move |mut text| async move {
        if text.is_empty() {
            return None;
        }
        tokio::time::sleep(every).await;
        let byte = text.split_to(1);
        Some((Ok(byte), text))
    })
}

#[cfg(test)]
mod tests {
    use super::{decode_form, percent_decode};

    #[test]
    fn decodes_forms() {
        let form = decode_form(b"a=1&b=x%2By+z&c");
        assert_eq!(form["a"], "1");
        assert_eq!(form["b"], "x+y z");
        assert_eq!(form["c"], "");
        assert_eq!(percent_decode("/did%3Aplc%3Aabc"), "/did:plc:abc");
        assert_eq!(percent_decode("100%"), "100%");
    }
}
