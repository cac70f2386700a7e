//! A REST interface before a real Redis, as Upstash has one: a command is a JSON array in a POST to
//! `/`, several are an array of arrays to `/pipeline` or `/multi-exec`, answers are `{"result": …}`
//! or `{"error": …}`. As strict as the service documents: 400 for what is no command, for a
//! pipeline without commands and for a request that is too large, 401 without the token, 405 for
//! other methods, and an error for every command that it does not have.

use std::future::IntoFuture as _;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::resp::{Answer, Connection};

/// Smallest limit of any plan, in bytes of the body.
const MAX_REQUEST: usize = 1 << 20;

/// Commands of the service, as far as any test could send them. Administrative ones (`CONFIG`,
/// `WAIT`, `ROLE`, `CLUSTER`, `CLIENT`, `WATCH`) are not supported.
const COMMANDS: &[&str] = &[
    "APPEND",
    "COPY",
    "DBSIZE",
    "DECR",
    "DEL",
    "ECHO",
    "EVAL",
    "EVALSHA",
    "EVAL_RO",
    "EXISTS",
    "EXPIRE",
    "EXPIREAT",
    "EXPIRETIME",
    "FLUSHALL",
    "FLUSHDB",
    "GET",
    "GETDEL",
    "GETEX",
    "GETRANGE",
    "GETSET",
    "HDEL",
    "HGET",
    "HGETALL",
    "HSCAN",
    "HSET",
    "INCR",
    "INFO",
    "KEYS",
    "LPUSH",
    "LRANGE",
    "MGET",
    "MSET",
    "MSETNX",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "PEXPIRETIME",
    "PING",
    "PSETEX",
    "PTTL",
    "RENAME",
    "RENAMENX",
    "RPUSH",
    "SADD",
    "SCAN",
    "SCRIPT",
    "SET",
    "SETEX",
    "SETNX",
    "SMEMBERS",
    "STRLEN",
    "TIME",
    "TOUCH",
    "TTL",
    "TYPE",
    "UNLINK",
];

/// Service at one address. Stops on drop.
pub struct Front {
    port: u16,
    shared: Arc<Shared>,
    /// Ends the thread on drop.
    _end: oneshot::Sender<()>,
}

struct Shared {
    redis: u16,
    token: String,
    count: Mutex<u64>,
    /// The `upstash-sync-token` of the last request.
    brought: Mutex<Option<String>>,
}

impl Front {
    /// Starts a service for the Redis on this port. Requests require the token.
    pub fn start(redis: u16, token: &str) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            redis,
            token: token.to_owned(),
            count: Mutex::default(),
            brought: Mutex::default(),
        });
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        // In its own thread, so that it can be started and dropped within another runtime.
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

    /// Returns `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the number of the answer known to the last request. A lagging server would wait for
    /// it.
    pub fn last_seen(&self) -> Option<u64> {
        self.shared.brought.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.parse().ok()
    }

    /// Returns the number of requests.
    pub fn requests(&self) -> u64 {
        *self.shared.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let number = {
        let mut count = shared.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        *count
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    *shared.brought.lock().unwrap_or_else(PoisonError::into_inner) =
        header("upstash-sync-token").map(str::to_owned);
    if header("authorization") != Some(&format!("Bearer {}", shared.token)) {
        return refused(StatusCode::UNAUTHORIZED, "WRONGPASS invalid or missing auth token");
    }
    // GET and PUT have the command in their path, which no test uses.
    if method != Method::POST {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "ERR unsupported HTTP method");
    }
    if body.len() > MAX_REQUEST {
        let length = body.len();
        let problem = format!(
            "ERR max request size exceeded. Limit: {MAX_REQUEST} bytes, Actual: {length} bytes"
        );
        return refused(StatusCode::BAD_REQUEST, &problem);
    }
    let encoded = header("upstash-encoding") == Some("base64");
    let path = uri.path().to_owned();
    let worked = tokio::task::spawn_blocking(move || work(&shared, &path, &body, encoded)).await;
    match worked {
        Ok(Ok(body)) => {
            let headers = [
                ("content-type", "application/json".to_owned()),
                ("upstash-sync-token", number.to_string()),
            ];
            (headers, body.to_string()).into_response()
        }
        Ok(Err(problem)) => refused(StatusCode::BAD_REQUEST, &problem),
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, "ERR internal"),
    }
}

fn refused(status: StatusCode, problem: &str) -> Response {
    (status, [("content-type", "application/json")], json!({ "error": problem }).to_string())
        .into_response()
}

fn work(shared: &Shared, path: &str, body: &[u8], encoded: bool) -> Result<Value, String> {
    let body: Value =
        serde_json::from_slice(body).map_err(|e| format!("ERR failed to parse command: {e}"))?;
    let mut redis = Connection::open(shared.redis).map_err(|e| e.to_string())?;
    let mut ask = |command: &[Vec<u8>]| match unavailable(command) {
        Some(problem) => Ok(Answer::Error(problem)),
        None => redis.ask(command).map_err(|e| e.to_string()),
    };
    let said = |answer: &Answer| match answer {
        Answer::Error(problem) => json!({ "error": problem }),
        answer => json!({ "result": shown(answer, encoded) }),
    };
    match path {
        "/" => match ask(&command(&body)?)? {
            Answer::Error(problem) => Err(problem),
            answer => Ok(said(&answer)),
        },
        "/pipeline" => {
            let answers = commands(&body)?.into_iter().map(|command| Ok(said(&ask(&command)?)));
            answers.collect::<Result<_, String>>().map(Value::Array)
        }
        "/multi-exec" => {
            let commands = commands(&body)?;
            if commands.iter().any(|command| unavailable(command).is_some()) {
                return Err(
                    "EXECABORT Transaction discarded because of previous errors.".to_owned()
                );
            }
            let mut transaction = Connection::open(shared.redis).map_err(|e| e.to_string())?;
            let mut ask = |command: &[Vec<u8>]| transaction.ask(command).map_err(|e| e.to_string());
            ask(&[b"MULTI".to_vec()])?;
            for command in commands {
                ask(&command)?;
            }
            match ask(&[b"EXEC".to_vec()])? {
                Answer::List(answers) => Ok(answers.iter().map(said).collect()),
                Answer::Error(problem) => Err(problem),
                other => Err(format!("{other:?}")),
            }
        }
        _ => Err("ERR no such path".to_owned()),
    }
}

/// Returns the error about an unsupported command.
fn unavailable(command: &[Vec<u8>]) -> Option<String> {
    let name = String::from_utf8_lossy(command.first()?).to_ascii_uppercase();
    (!COMMANDS.contains(&name.as_str())).then(|| format!("ERR Command is not available: '{name}'"))
}

fn commands(body: &Value) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let commands = body
        .as_array()
        .ok_or("ERR failed to parse pipeline request: an array of arrays is expected")?;
    if commands.is_empty() {
        return Err("ERR empty pipeline request".to_owned());
    }
    commands.iter().map(command).collect()
}

fn command(body: &Value) -> Result<Vec<Vec<u8>>, String> {
    let parts = body.as_array().ok_or("ERR failed to parse command: an array is expected")?;
    if parts.is_empty() {
        return Err("ERR empty command".to_owned());
    }
    let part = |part: &Value| match part {
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Number(number) => Ok(number.to_string().into_bytes()),
        Value::Bool(flag) => Ok(flag.to_string().into_bytes()),
        _ => Err("ERR failed to parse command: its parts are texts and numbers".to_owned()),
    };
    parts.iter().map(part).collect()
}

/// Encodes strings in base64 on request, except for `OK`.
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
