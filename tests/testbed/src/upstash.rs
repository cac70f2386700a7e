//! A REST interface before a real Redis, as Upstash has one: a command is a JSON array in a POST to `/`, several are an
//! array of arrays to `/pipeline` or `/multi-exec`, answers are `{"result": …}` or `{"error": …}`.

use std::future::IntoFuture as _;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::resp::{Answer, Connection};

/// What answers at one address until it is dropped.
pub struct Front {
    port: u16,
    shared: Arc<Shared>,
    /// Dropped, it ends the thread that answers.
    _end: oneshot::Sender<()>,
}

struct Shared {
    redis: u16,
    token: String,
    count: Mutex<u64>,
    /// The `upstash-sync-token` that the last request brought along.
    brought: Mutex<Option<String>>,
}

impl Front {
    /// Starts before the Redis on this port; who asks must bring the token.
    pub fn start(redis: u16, token: &str) -> io::Result<Self> {
        let shared =
            Arc::new(Shared { redis, token: token.to_owned(), count: Mutex::default(), brought: Mutex::default() });
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        // A thread of its own, so that it can be started and dropped from within another runtime.
        std::thread::spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener)?;
                tokio::select! {
                    served = axum::serve(listener, router).into_future() => served,
                    _ = ended => Ok(()),
                }
            })
        });
        Ok(Self { port, shared, _end: end })
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The number of the answer that the last request said it has seen. A server that lags behind would wait for it.
    pub fn last_seen(&self) -> Option<u64> {
        self.shared.brought.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.parse().ok()
    }

    /// How many requests came.
    pub fn requests(&self) -> u64 {
        *self.shared.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let number = {
        let mut count = shared.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        *count
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    *shared.brought.lock().unwrap_or_else(PoisonError::into_inner) = header("upstash-sync-token").map(str::to_owned);
    if header("authorization") != Some(&format!("Bearer {}", shared.token)) {
        return refused(StatusCode::UNAUTHORIZED, "WRONGPASS invalid or missing auth token");
    }
    let encoded = header("upstash-encoding") == Some("base64");
    let path = uri.path().to_owned();
    let worked = tokio::task::spawn_blocking(move || work(&shared, &path, &body, encoded)).await;
    match worked {
        Ok(Ok(body)) => {
            let headers = [("content-type", "application/json".to_owned()), ("upstash-sync-token", number.to_string())];
            (headers, body.to_string()).into_response()
        }
        Ok(Err(problem)) => refused(StatusCode::BAD_REQUEST, &problem),
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, "ERR internal"),
    }
}

fn refused(status: StatusCode, problem: &str) -> Response {
    (status, [("content-type", "application/json")], json!({ "error": problem }).to_string()).into_response()
}

fn work(shared: &Shared, path: &str, body: &[u8], encoded: bool) -> Result<Value, String> {
    let body: Value = serde_json::from_slice(body).map_err(|e| format!("ERR failed to parse: {e}"))?;
    let mut redis = Connection::open(shared.redis).map_err(|e| e.to_string())?;
    let mut ask = |command: &[Vec<u8>]| redis.ask(command).map_err(|e| e.to_string());
    match path {
        "/" => match ask(&command(&body)?)? {
            Answer::Error(problem) => Err(problem),
            answer => Ok(json!({ "result": shown(&answer, encoded) })),
        },
        "/pipeline" => {
            let answers = commands(&body)?.into_iter().map(|command| {
                Ok(match ask(&command)? {
                    Answer::Error(problem) => json!({ "error": problem }),
                    answer => json!({ "result": shown(&answer, encoded) }),
                })
            });
            answers.collect::<Result<_, String>>().map(Value::Array)
        }
        "/multi-exec" => {
            ask(&[b"MULTI".to_vec()])?;
            for command in commands(&body)? {
                ask(&command)?;
            }
            match ask(&[b"EXEC".to_vec()])? {
                Answer::List(answers) => {
                    Ok(answers.iter().map(|answer| json!({ "result": shown(answer, encoded) })).collect())
                }
                other => Err(format!("{other:?}")),
            }
        }
        _ => Err("ERR no such path".to_owned()),
    }
}

fn commands(body: &Value) -> Result<Vec<Vec<Vec<u8>>>, String> {
    body.as_array().ok_or("ERR an array of commands is expected")?.iter().map(command).collect()
}

fn command(body: &Value) -> Result<Vec<Vec<u8>>, String> {
    let parts = body.as_array().ok_or("ERR a command is an array")?;
    let part = |part: &Value| match part {
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    };
    Ok(parts.iter().map(part).collect())
}

/// Strings are base64 where that was asked for, except `OK`.
fn shown(answer: &Answer, encoded: bool) -> Value {
    let text = |bytes: &[u8]| {
        if encoded { json!(BASE64.encode(bytes)) } else { json!(String::from_utf8_lossy(bytes)) }
    };
    match answer {
        Answer::Status(status) if status == "OK" => json!("OK"),
        Answer::Status(status) => text(status.as_bytes()),
        Answer::Error(problem) => json!(problem),
        Answer::Number(number) => json!(number),
        Answer::Bulk(None) => Value::Null,
        Answer::Bulk(Some(bytes)) => text(bytes),
        Answer::List(answers) => answers.iter().map(|answer| shown(answer, encoded)).collect(),
    }
}
