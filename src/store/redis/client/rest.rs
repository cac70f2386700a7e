//! Redis over HTTPS, offered by Upstash and Vercel to apps that cannot keep connections open.
//! Commands are JSON, and answers are JSON with strings in base64.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use redis::Value;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use reqwest::{Client, StatusCode, redirect};
use serde_json::Value as Json;
use url::{Host, Url};

use super::command::{self, BatchLimits, Command, Server, Shard, Wire};
use super::error::{ClientError, ErrorKind};
use super::limit::TOO_LONG;
use crate::error::{Failure, failed, usage};
use crate::input::{self, Compressed};
use crate::json;
use crate::secret::Secret;
use crate::store::{Access, MAX_VALUE};
use crate::tls;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum length of an answer. Sufficient for one value of the maximum size in base64.
const MAX_ANSWER: usize = 4 << 20;

/// Batch size limits. Requests cost money and are limited in size.
const LIMITS: BatchLimits =
    BatchLimits { scan_count: 1000, values: 200, requests: 4, mget: true, bytes: false };

/// URL of a REST interface, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestAddress(Url);

impl RestAddress {
    /// Parses an address. `None` if its scheme is not HTTP. Errors never quote the address, which
    /// may contain a token.
    pub fn parse(text: &str) -> Option<Result<Self, Failure>> {
        let scheme = text.split_once("://")?.0.to_ascii_lowercase();
        if scheme != "https" && scheme != "http" {
            return None;
        }
        let refuse = |why: &str| {
            Err(usage(why).at(format!("the {scheme}: address")).hint("write https://HOST"))
        };
        let Ok(url) = Url::parse(text) else { return Some(refuse("is not a URL")) };
        let is_more = url.query().is_some() || url.fragment().is_some();
        if !url.username().is_empty() || url.password().is_some() || is_more {
            return Some(refuse(
                "contains more than a host: set the token as `token` under [store]",
            ));
        }
        let is_local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if url.scheme() == "http" && !is_local {
            return Some(refuse("would send the token unencrypted"));
        }
        Some(Ok(Self(url)))
    }

    /// Returns the host of an Upstash database, which also speaks the Redis protocol.
    pub(in crate::store) fn upstash_host(&self) -> Option<&str> {
        self.0.host_str().filter(|host| host.ends_with(".upstash.io"))
    }
}

impl RestAddress {
    /// Returns the host.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Display for RestAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Client of a REST interface.
#[derive(Clone)]
pub struct Rest {
    client: Client,
    pipeline: String,
    token: Secret<'static>,
    /// Synchronisation token of the last answer. Sent with each request, it keeps a lagging region
    /// from answering with an older state: a read under a lock must see all writes before the lock.
    seen: Arc<Mutex<Option<HeaderValue>>>,
    /// Note on a proxy for failed connections.
    note: Arc<str>,
}

/// Header of the synchronisation token.
const SYNC_TOKEN: &str = "upstash-sync-token";

impl Rest {
    pub fn new(address: &RestAddress, access: &Access) -> Result<Self, Failure> {
        let Some(token) = &access.token else {
            return Err(usage("no token is configured for it").at(address).hint(match &access.token_name {
                Some(name) => format!(
                    "export {name}, or set token = \"env:NAME\" next to `url` under [store] in oauthctl.toml"
                ),
                None => "set token = \"env:NAME\" next to `url` under [store] in oauthctl.toml".to_owned(),
            }));
        };
        let token = input::value(token.expose_secret()).map_err(|e| e.at("the token"))?;
        if token.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
            return Err(usage("the token has characters that are not allowed in an HTTP header")
                .at(address)
                .hint("copy it again from the provider's console"));
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls::client_config(&access.trust())?)
            .redirect(redirect::Policy::none())
            // The caller decides whether a request may be repeated.
            .retry(reqwest::retry::never())
            .default_headers(
                [(ACCEPT_ENCODING, HeaderValue::from_static("identity"))].into_iter().collect(),
            )
            .connect_timeout(Duration::from_secs(5))
            .timeout(TIMEOUT);
        let client = access.proxy.apply(client).and_then(reqwest::ClientBuilder::build);
        let client = client.map_err(|e| failed("cannot set up HTTP").because(e))?;
        Ok(Self {
            client,
            pipeline: format!("{address}/pipeline"),
            token: token.to_owned().into(),
            seen: Arc::default(),
            note: access.proxy.note().into(),
        })
    }

    async fn post(&self, body: &Json) -> Result<Vec<u8>, ClientError> {
        let request = self.client.post(&self.pipeline).bearer_auth(self.token.expose_secret());
        let mut request = request.header("Upstash-Encoding", "base64").json(body);
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = seen().clone() {
            request = request.header(SYNC_TOKEN, state);
        }
        let mut response = request.send().await.map_err(|e| unanswered(&e, &self.note))?;
        if let Some(state) = response.headers().get(SYNC_TOKEN) {
            *seen() = Some(state.clone());
        }
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| unanswered(&e, ""))? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(ClientError::new(ErrorKind::TooLarge, "more than 4 MiB"));
            }
            answer.extend_from_slice(&chunk);
        }
        let encoding =
            response.headers().get(CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
        let answer =
            input::decompressed(answer, encoding, MAX_ANSWER).map_err(|failure| match failure {
                Compressed::TooLarge => ClientError::new(ErrorKind::TooLarge, "more than 4 MiB"),
                Compressed::Unknown => ClientError::unexpected_reply(),
            })?;
        if status.is_success() {
            return Ok(answer);
        }
        let said = serde_json::from_slice::<Json>(&answer)
            .ok()
            .and_then(|said| json::text(&said, "error").map(str::to_owned));
        let said = said.unwrap_or_else(|| format!("HTTP status {status}"));
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ClientError::refusal("WRONGPASS", &said)
                .hint("check the token: the variable that belongs to the address, or `token` under [store]"),
            StatusCode::TOO_MANY_REQUESTS => ClientError::refusal("TRYAGAIN", &said),
            _ if said.contains("max request size") || said.contains("max response size") => {
                ClientError::new(ErrorKind::TooLarge, said)
            }
            _ if status.is_server_error() => ClientError::new(ErrorKind::Lost, said),
            _ => ClientError::refusal("", &said),
        })
    }
}

#[async_trait]
impl Wire for Rest {
    async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, ClientError> {
        // The service refuses empty pipelines.
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let body = commands.iter().map(json).collect::<Result<Json, _>>()?;
        let begun = Instant::now();
        let answer = self.post(&body).await;
        command::tell(commands, begun, &answer);
        let answer = answer?;
        let answers: Vec<Json> =
            serde_json::from_slice(&answer).map_err(|_| ClientError::unexpected_reply())?;
        if answers.len() != commands.len() {
            return Err(ClientError::unexpected_reply());
        }
        answers.into_iter().map(one_answer).collect()
    }
}

#[async_trait]
impl Server for Rest {
    async fn shards(&self) -> Result<Vec<Shard>, ClientError> {
        let wire: Arc<dyn Wire> = Arc::new(self.clone());
        Ok(vec![Shard { id: String::new(), scan: Arc::clone(&wire), read: wire, limits: LIMITS }])
    }

    fn fails_over(&self) -> bool {
        false
    }

    fn wire(&self) -> &dyn Wire {
        self
    }
}

/// Returns a command as an array of strings.
fn json(command: &Command) -> Result<Json, ClientError> {
    let parts = command.cmd.args_iter().map(|part| match part {
        redis::Arg::Simple(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Json::String(text.to_owned())),
            Err(_) => Err(ClientError::refusal(
                "",
                "a key or value is not text, which cannot be sent over REST",
            )),
        },
        _ => Err(ClientError::unexpected_reply()),
    });
    parts.collect()
}

fn one_answer(answer: Json) -> Result<Value, ClientError> {
    let Json::Object(mut answer) = answer else { return Err(ClientError::unexpected_reply()) };
    if let Some(Json::String(problem)) = answer.remove("error") {
        // As in the Redis protocol.
        let line = format!("-{}\r\n", problem.replace(['\r', '\n'], " "));
        return redis::parse_redis_value(line.as_bytes())
            .map_err(|_| ClientError::unexpected_reply());
    }
    value(answer.remove("result").ok_or_else(ClientError::unexpected_reply)?)
}

fn value(result: Json) -> Result<Value, ClientError> {
    Ok(match result {
        Json::Null => Value::Nil,
        Json::String(text) if text == "OK" => Value::Okay,
        Json::String(text) => {
            // Text that is not base64 was not encoded.
            let bytes = BASE64.decode(&text).unwrap_or_else(|_| text.into_bytes());
            let is_long = bytes.len() as u64 > MAX_VALUE;
            Value::BulkString(if is_long { TOO_LONG.to_vec() } else { bytes })
        }
        Json::Number(number) => {
            Value::Int(number.as_i64().ok_or_else(ClientError::unexpected_reply)?)
        }
        Json::Array(parts) => Value::Array(parts.into_iter().map(value).collect::<Result<_, _>>()?),
        _ => return Err(ClientError::unexpected_reply()),
    })
}

fn unanswered(error: &reqwest::Error, note: &str) -> ClientError {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        message = deeper.to_string();
        cause = deeper.source();
    }
    if error.is_connect() {
        return ClientError::unreached(message + note);
    }
    ClientError::new(
        ErrorKind::Lost,
        if error.is_timeout() { "no answer in time".to_owned() } else { message },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_neither_in_addresses_nor_sent_in_clear() {
        for (text, shown) in [
            ("https://eu1-x.upstash.io", "https://eu1-x.upstash.io"),
            ("https://eu1-x.upstash.io/", "https://eu1-x.upstash.io"),
            ("http://127.0.0.1:8079", "http://127.0.0.1:8079"),
        ] {
            assert_eq!(RestAddress::parse(text).unwrap().unwrap().to_string(), shown);
        }
        for bad in [
            "https://user:secret@x.io",
            "https://x.io/?_token=secret",
            "http://x.io/secret",
            "https://",
        ] {
            let error = RestAddress::parse(bad).unwrap().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(RestAddress::parse("redis://x").is_none());
    }
}

#[cfg(test)]
mod properties {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::arbitrary::{json as any_json, text};

    proptest! {
        #[test]
        fn values_come_out_of_base64_as_they_went_in(values in vec(vec(any::<u8>(), 0..40), 0..4)) {
            let encoded: Vec<_> = values.iter().map(|value| BASE64.encode(value)).collect();
            let expected = values.into_iter().map(Value::BulkString).collect();
            prop_assert_eq!(one_answer(json!({ "result": encoded })).unwrap(), Value::Array(expected));
        }

        #[test]
        fn any_answer_is_read_or_refused(answer in any_json(), said in text()) {
            let _ = one_answer(answer.clone());
            let _ = one_answer(json!({ "result": answer }));
            match one_answer(json!({ "error": said })) {
                Ok(Value::ServerError(error)) => {
                    let shown = ClientError::refused(&error).to_string();
                    prop_assert!(!shown.contains(['\r', '\n']));
                }
                Ok(other) => prop_assert!(false, "{:?}", other),
                Err(_) => {}
            }
        }

        #[test]
        fn what_a_server_repeats_of_a_command_is_left_out(said in "[a-z ',]{0,20}", by in "with args beginning with|command was", quoted in text()) {
            let secret = "S3cretInTheCommand";
            let error = ClientError::refusal("ERR", &format!("{said}, {by}: '{quoted}' '{secret}'"));
            prop_assert!(!error.to_string().contains(secret));
        }
    }
}
