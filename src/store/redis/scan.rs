//! Scans: pages of keys on one connection, their values on another, with several concurrent
//! requests.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, Stream, StreamExt as _, TryStreamExt as _};
use redis::Value;
use tokio::sync::Mutex;

use super::client::command::{Command, Server, Shard, Wire, accepted, run_one};
use super::client::error::{ClientError, ErrorKind, text};
use super::client::retry::{self, Backoff};
use super::records::{Ttl, unreadable, wrong_type};
use crate::store::layout::Layout;
use crate::store::scan::{Scan, ScanSender};
use crate::store::seen::Seen;
use crate::store::{Kind, RecordKey, Stored, Unreadable, Want};

/// Target size of an answer with values, in bytes.
const REQUEST_BYTES: usize = 1 << 19;

/// Number of values in the first request, which shows their size.
const FIRST_REQUEST: usize = 32;

/// Maximum number of rounds. A cluster that keeps moving slots for longer cannot be scanned.
const ROUNDS: usize = 5;

/// Parameters of a scan.
pub(super) struct Search {
    pub(super) layout: Arc<Layout>,
    pub(super) kind: Kind,
    pub(super) want: Want,
    pub(super) glob: String,
}

/// Reason for the early end of a scan.
enum Stop {
    /// The receiver was dropped.
    ConsumerGone,
    ClientError(ClientError),
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        Self::ClientError(error)
    }
}

/// Starts a scan in its own task. Errors name `place`, the address for display.
pub(super) fn start(server: Arc<dyn Server>, place: Arc<str>, search: Search) -> Scan {
    let (sender, scan) = Scan::channel();
    tokio::spawn(async move {
        let outcome = match run(&*server, search, &sender).await {
            Ok(()) | Err(Stop::ConsumerGone) => Ok(()),
            Err(Stop::ClientError(error)) => Err(error.explain(&place).into()),
        };
        sender.end(outcome).await;
    });
    scan
}

/// Sends all records.
async fn run(server: &dyn Server, search: Search, sender: &ScanSender) -> Result<(), Stop> {
    let search = Arc::new(search);
    let mut seen = Seen::new();
    let mut done = HashSet::new();
    let backoff = &Mutex::new(Backoff::new());
    let mut rounds = 0;
    // Repeated until all shards, listed again after each scan, have been scanned to the end. Keys
    // may have moved from a shard not yet scanned to one already scanned.
    loop {
        let shards = match server.shards().await {
            Ok(shards) => shards,
            Err(error) => {
                backoff.lock().await.after(error).await?;
                continue;
            }
        };
        let rest: Vec<_> = shards.into_iter().filter(|shard| !done.contains(&shard.id)).collect();
        if rest.is_empty() {
            return Ok(());
        }
        if rounds == ROUNDS {
            return Err(
                ClientError::new(ErrorKind::Lost, "the cluster keeps moving its keys").into()
            );
        }
        let mut failure = None;
        for shard in rest {
            match scan_shard(&shard, &search, backoff, &mut seen, sender).await {
                Ok(()) => {
                    done.insert(shard.id);
                    backoff.lock().await.renew();
                }
                Err(Stop::ClientError(error)) => {
                    failure = Some(error);
                    break;
                }
                Err(stop) => return Err(stop),
            }
        }
        match failure {
            // Starts over: a cursor is not valid on the server that takes over.
            Some(error) => backoff.lock().await.after(error).await?,
            None => rounds += 1,
        }
    }
}

async fn scan_shard(
    shard: &Shard,
    search: &Arc<Search>,
    backoff: &Mutex<Backoff>,
    seen: &mut Seen,
    sender: &ScanSender,
) -> Result<(), Stop> {
    let size = AtomicUsize::new(FIRST_REQUEST.min(shard.limits.values));
    let process = process(&*shard.scan).await;
    let batches = batches(keys(shard, search, backoff, process.as_deref()), &size);
    let mut answers = batches
        .map_ok(|keys| fetch_all(shard, search, keys, &size))
        .try_buffer_unordered(shard.limits.requests)
        .boxed();
    while let Some(records) = answers.try_next().await? {
        // Only delivered records count as seen, because a failed batch is repeated.
        let mut records = records;
        records.retain(|record| seen.insert(&record.key));
        if !records.is_empty() && sender.send(records).await.is_err() {
            return Err(Stop::ConsumerGone);
        }
    }
    Ok(())
}

/// Streams pages of keys. The next page is requested before this one is passed on. `process`
/// identifies the server process of the cursors, if known.
fn keys<'s>(
    shard: &'s Shard,
    search: &'s Arc<Search>,
    backoff: &'s Mutex<Backoff>,
    process: Option<&'s str>,
) -> impl Stream<Item = Result<Vec<RecordKey>, ClientError>> + 's {
    let ask = |cursor: Vec<u8>| {
        let (wire, search, count) =
            (Arc::clone(&shard.scan), Arc::clone(search), shard.limits.scan_count);
        let asked = cursor.clone();
        (cursor, tokio::spawn(async move { page(&*wire, &search.glob, count, &asked).await }))
    };
    stream::try_unfold(Some(ask(b"0".to_vec())), move |asked| async move {
        let Some((cursor, asked)) = asked else { return Ok(None) };
        let (cursor, mut keys) =
            match (asked.await.map_err(|_| ClientError::unexpected_reply())?, process) {
                (Err(error), Some(process)) => {
                    page_again(shard, search, &cursor, process, backoff, error).await?
                }
                (page, _) => page?,
            };
        backoff.lock().await.renew();
        let next = (cursor != b"0").then(|| ask(cursor));
        keys.retain(|key: &RecordKey| search.layout.owns(search.kind, key));
        Ok(Some((keys, next)))
    })
}

/// Repeats the request for a page at the same process. A cursor is not valid at any other.
async fn page_again(
    shard: &Shard,
    search: &Search,
    cursor: &[u8],
    process: &str,
    backoff: &Mutex<Backoff>,
    mut error: ClientError,
) -> Result<(Vec<u8>, Vec<RecordKey>), ClientError> {
    loop {
        backoff.lock().await.after(error.clone()).await?;
        // Both on one connection.
        let commands = [who_are_you(), page_command(&search.glob, shard.limits.scan_count, cursor)];
        match shard.scan.run(&commands).await.map(<[Value; 2]>::try_from) {
            Ok(Ok([info, page])) => match accepted(page) {
                Ok(page) if run_id(&info).as_deref() == Some(process) => return read_page(page),
                Ok(_) => return Err(error),
                Err(again) => error = again,
            },
            Ok(Err(_)) => return Err(ClientError::unexpected_reply()),
            Err(again) => error = again,
        }
    }
}

/// Returns the identifier of the server process, `None` if it is not reported.
async fn process(wire: &dyn Wire) -> Option<String> {
    run_id(&run_one(wire, who_are_you()).await.ok()?)
}

fn who_are_you() -> Command {
    Command::keyless("INFO").arg("server")
}

fn run_id(info: &Value) -> Option<String> {
    Some(text(info)?.lines().find_map(|line| line.strip_prefix("run_id:"))?.to_owned())
}

fn page_command(glob: &str, count: usize, cursor: &[u8]) -> Command {
    Command::keyless("SCAN").arg(cursor).arg("MATCH").arg(glob).arg("COUNT").arg(count)
}

/// Requests one page. Returns the next cursor and the keys.
pub(super) async fn page(
    wire: &dyn Wire,
    glob: &str,
    count: usize,
    cursor: &[u8],
) -> Result<(Vec<u8>, Vec<RecordKey>), ClientError> {
    read_page(run_one(wire, page_command(glob, count, cursor)).await?)
}

fn read_page(answer: Value) -> Result<(Vec<u8>, Vec<RecordKey>), ClientError> {
    let Value::Array(parts) = answer else { return Err(ClientError::unexpected_reply()) };
    let Ok([Value::BulkString(cursor), Value::Array(keys)]) = <[Value; 2]>::try_from(parts) else {
        return Err(ClientError::unexpected_reply());
    };
    let keys = keys.into_iter().map(|key| match key {
        Value::BulkString(key) => Ok(RecordKey(key)),
        _ => Err(ClientError::unexpected_reply()),
    });
    Ok((cursor, keys.collect::<Result<_, _>>()?))
}

/// Groups the keys into requests, in the size that suits the values so far.
fn batches<'s>(
    pages: impl Stream<Item = Result<Vec<RecordKey>, ClientError>> + Send + 's,
    size: &'s AtomicUsize,
) -> BoxStream<'s, Result<Vec<RecordKey>, ClientError>> {
    let pages = pages.boxed();
    stream::try_unfold((pages, Vec::new().into_iter()), move |(mut pages, mut page)| async move {
        loop {
            let batch: Vec<RecordKey> = page.by_ref().take(size.load(Ordering::Relaxed)).collect();
            if !batch.is_empty() {
                return Ok(Some((batch, (pages, page))));
            }
            match pages.try_next().await? {
                Some(next) => page = next.into_iter(),
                None => return Ok(None),
            }
        }
    })
    .boxed()
}

/// Returns the records of these keys. Splits the request if the answer would be too large.
fn fetch_all<'s>(
    shard: &'s Shard,
    search: &'s Search,
    mut keys: Vec<RecordKey>,
    size: &'s AtomicUsize,
) -> BoxFuture<'s, Result<Vec<Stored>, ClientError>> {
    async move {
        if !shard.limits.bytes && keys.iter().any(|key| !key.is_text()) {
            let (texts, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(RecordKey::is_text);
            let aside = |key| unreadable(key, Unreadable::KeyNotSendable, None);
            let mut records: Vec<_> = others.into_iter().map(aside).collect();
            records.extend(fetch_all(shard, search, texts, size).await?);
            return Ok(records);
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        match fetch(shard, search, keys.clone(), size).await {
            Err(error) if error.kind == ErrorKind::TooLarge => {
                if keys.len() == 1 {
                    return Ok(keys
                        .into_iter()
                        .map(|key| unreadable(key, Unreadable::TooLarge, None))
                        .collect());
                }
                let rest = keys.split_off(keys.len() / 2);
                let mut records = fetch_all(shard, search, keys, size).await?;
                records.extend(fetch_all(shard, search, rest, size).await?);
                Ok(records)
            }
            records => records,
        }
    }
    .boxed()
}

/// Returns the records of these keys, without deleted ones.
async fn fetch(
    shard: &Shard,
    search: &Search,
    keys: Vec<RecordKey>,
    size: &AtomicUsize,
) -> Result<Vec<Stored>, ClientError> {
    let Search { layout, kind, want, .. } = search;
    if !want.values && !want.ttls {
        return Ok(keys
            .into_iter()
            .filter_map(|key| layout.without_value(*kind, key, None))
            .collect());
    }
    let mut commands = Vec::with_capacity(keys.len() + 1);
    if want.values {
        if shard.limits.mget {
            commands.push(Command::many("MGET", keys.iter().map(|key| key.0.as_slice())));
        } else {
            commands.extend(keys.iter().map(|key| Command::new("GET", &key.0)));
        }
    }
    if want.ttls {
        commands.extend(keys.iter().map(|key| Command::new("PTTL", &key.0)));
    }
    let mut answers = retry::read(&*shard.read, &commands).await?;
    let ttls = if want.ttls { answers.split_off(answers.len() - keys.len()) } else { Vec::new() };
    let ttls = ttls
        .iter()
        .map(|answer| Ttl::read(answer).ok_or_else(|| refusal(answer)))
        .map(|ttl| ttl.map(Some));
    let mut ttls = ttls.chain(std::iter::repeat_with(|| Ok(None)));
    if !want.values {
        let bare =
            keys.into_iter().zip(ttls).map(|(key, ttl)| Ok(layout.without_value(*kind, key, ttl?)));
        return bare.filter_map(Result::transpose).collect();
    }
    if shard.limits.mget {
        let Some(Value::Array(values)) = answers.pop().map(accepted).transpose()? else {
            return Err(ClientError::unexpected_reply());
        };
        answers = values;
    }
    if answers.len() != keys.len() {
        return Err(ClientError::unexpected_reply());
    }
    let (mut records, mut without) = (Vec::with_capacity(keys.len()), Vec::new());
    let mut bytes = 0;
    let count = keys.len();
    for (key, value) in keys.into_iter().zip(answers) {
        let ttl = ttls.next().unwrap_or(Ok(None))?;
        match value {
            Value::BulkString(value) => {
                bytes += value.len();
                records.extend(layout.stored(*kind, key, value, ttl));
            }
            // Deleted, or not a string.
            Value::Nil => without.push((key, ttl)),
            Value::ServerError(error) if error.code() == "WRONGTYPE" => without.push((key, ttl)),
            other => return Err(refusal(&other)),
        }
    }
    let fitting = REQUEST_BYTES / (bytes / count).max(1);
    size.store(fitting.clamp(1, shard.limits.values), Ordering::Relaxed);
    if !without.is_empty() {
        records.extend(of_wrong_type(&*shard.read, without).await?);
    }
    Ok(records)
}

/// Returns the records of keys without a string value. Mostly none, because the keys were deleted.
pub(super) async fn of_wrong_type(
    wire: &dyn Wire,
    keys: Vec<(RecordKey, Option<Ttl>)>,
) -> Result<Vec<Stored>, ClientError> {
    let commands: Vec<_> = keys.iter().map(|(key, _)| Command::new("TYPE", &key.0)).collect();
    let types = retry::read(wire, &commands).await?;
    let mut found = Vec::new();
    for ((key, ttl), answer) in keys.into_iter().zip(types) {
        let name = text(&answer).ok_or_else(|| refusal(&answer))?;
        found.extend(wrong_type(&name).map(|why| unreadable(key, why, ttl)));
    }
    Ok(found)
}

/// Returns the error of an unexpected answer.
pub(super) fn refusal(answer: &Value) -> ClientError {
    ClientError::in_answer(answer).unwrap_or_else(ClientError::unexpected_reply)
}
