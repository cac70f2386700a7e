//! Conditional writes (compare-and-swap): short scripts on single keys, atomic on the server.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Value;

use super::client::command::{Command, Server, Wire, accepted, run_one};
use super::client::error::ClientError;
use super::client::replicas::Replicas;
use super::client::retry::{self, Backoff};
use super::scan::refusal;
use crate::store::settle::{CommandError as _, ConditionalWrite, Fate, WriteAttempt, settle};
use crate::store::{MAX_VALUE, RecordValue, Stored, Unreadable, Written};

/// Script with its SHA-1 hash.
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }
}

/// Replaces a value. Without a new TTL, the current one is kept (`KEEPTTL` would require Redis 6).
pub(super) static REPLACE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now = redis.pcall('GET', KEYS[1])
         if not now then return 0 end
         if now ~= ARGV[1] then return 1 end
         local ttl = ARGV[3]
         if ttl == '' then
           local left = redis.call('PTTL', KEYS[1])
           if left >= 0 then ttl = math.max(left, 1) end
         end
         if ttl == '' then redis.call('SET', KEYS[1], ARGV[2], 'XX')
         else redis.call('SET', KEYS[1], ARGV[2], 'XX', 'PX', ttl) end
         return 2",
    )
});

/// Dry run of [`REPLACE`] on a non-existing key: same commands and permissions, no effect (`XX`).
static TRY: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now = redis.call('GET', KEYS[1])
         if now then return 1 end
         redis.call('PTTL', KEYS[1])
         redis.call('SET', KEYS[1], '', 'XX', 'PX', 1)
         return 0",
    )
});

/// Deletes a value if it is unchanged.
pub(super) static REMOVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now = redis.pcall('GET', KEYS[1])
         if not now then return 0 end
         if now ~= ARGV[1] then return 1 end
         redis.call('UNLINK', KEYS[1])
         return 2",
    )
});

/// Deletes an unreadable value (not a string, or too long) if it still is one.
static REMOVE_UNREADABLE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now = redis.call('TYPE', KEYS[1]).ok
         if now == 'none' then return 0 end
         if now ~= ARGV[1] then return 1 end
         if now == 'string' and redis.call('STRLEN', KEYS[1]) <= tonumber(ARGV[2]) then return 1 end
         redis.call('UNLINK', KEYS[1])
         return 2",
    )
});

/// Removals per request.
const REMOVALS: usize = 500;

/// Returns a call of the script on a key, by its hash, or in full text for a server that does not
/// know it yet.
pub(super) fn call(script: &Script, whole: bool, key: &[u8]) -> Command {
    let (name, what) =
        if whole { ("EVAL", script.code) } else { ("EVALSHA", script.hash.as_str()) };
    Command::script(name, what, key)
}

/// Runs scripts. Those unknown to the server are repeated in full text.
pub(super) async fn run_scripts(
    wire: &dyn Wire,
    calls: &[&(dyn Fn(bool) -> Command + Send + Sync)],
) -> Result<Vec<Value>, ClientError> {
    let commands: Vec<_> = calls.iter().map(|call| call(false)).collect();
    let mut answers = wire.run(&commands).await?;
    let is_unknown =
        |answer: &Value| ClientError::in_answer(answer).is_some_and(|error| error.is("NOSCRIPT"));
    let unknown: Vec<_> = (0..answers.len()).filter(|at| is_unknown(&answers[*at])).collect();
    if !unknown.is_empty() {
        let commands: Vec<_> = unknown.iter().map(|at| calls[*at](true)).collect();
        for (at, answer) in unknown.into_iter().zip(wire.run(&commands).await?) {
            answers[at] = answer;
        }
    }
    Ok(answers)
}

/// Replaces a value if it is unchanged since it was read.
pub(super) async fn replace(
    server: &dyn Server,
    replicas: &Replicas,
    read: &Stored,
    new: &[u8],
    ttl: Option<Duration>,
) -> Result<Written, ClientError> {
    let (key, current) = (read.key.0.as_slice(), &**read.version());
    let ttl = ttl.map(|ttl| ttl.as_millis().to_string()).unwrap_or_default();
    let make = |whole| call(&REPLACE, whole, key).arg(current).arg(new).arg(&ttl);
    let change = ConditionalWrite { before: Some(current), after: new };
    let mut backoff = Backoff::new();
    loop {
        let write = async { written(replicas.run(server, key, &make).await?) };
        match settle(change, write, value(server, key)).await? {
            WriteAttempt::Settled(Written::Done) => return Ok(done(server, replicas)),
            WriteAttempt::Settled(written) => return Ok(written),
            WriteAttempt::NotDone(error) => after_refusal(server, &mut backoff, error).await?,
        }
    }
}

/// Returns the result of a successful write.
fn done(server: &dyn Server, replicas: &Replicas) -> Written {
    if replicas.may_take_over(server) { Written::Unconfirmed } else { Written::Done }
}

/// Checks that a replacement would be permitted, without changing anything.
pub(super) async fn check(server: &dyn Server, nobodys_key: &[u8]) -> Result<(), ClientError> {
    let make = |whole| call(&TRY, whole, nobodys_key);
    let mut backoff = Backoff::new();
    loop {
        // Idempotent.
        let answers = run_scripts(server.wire(), &[&make]).await;
        let Err(error) = answers.and_then(only) else { return Ok(()) };
        after_refusal(server, &mut backoff, error).await?;
    }
}

/// Creates a value if there is none.
pub(super) async fn create(
    server: &dyn Server,
    key: &[u8],
    value: &[u8],
    ttl: Option<Duration>,
) -> Result<bool, ClientError> {
    let mut command = Command::new("SET", key).arg(value).arg("NX");
    if let Some(ttl) = ttl {
        command = command.arg("PX").arg(milliseconds(ttl));
    }
    set_new(server, key, value, &command).await
}

/// Runs a `SET NX` of this value. Returns false if there is another value, and changes nothing.
pub(super) async fn set_new(
    server: &dyn Server,
    key: &[u8],
    new: &[u8],
    command: &Command,
) -> Result<bool, ClientError> {
    let change = ConditionalWrite { before: None, after: new };
    let mut backoff = Backoff::new();
    loop {
        let write = async {
            let answer = run_one(server.wire(), command.clone()).await?;
            Ok(if answer == Value::Nil { Written::Changed } else { Written::Done })
        };
        match settle(change, write, value(server, key)).await? {
            WriteAttempt::Settled(written) => return Ok(written == Written::Done),
            WriteAttempt::NotDone(error) => after_refusal(server, &mut backoff, error).await?,
        }
    }
}

/// Deletes records that are identified by their key alone.
pub(super) async fn unlink(
    server: &dyn Server,
    records: &[Stored],
) -> Result<Vec<Written>, ClientError> {
    let mut outcomes = Vec::with_capacity(records.len());
    for records in records.chunks(REMOVALS) {
        let make = |record| move |_: bool| Command::new("UNLINK", record);
        let calls: Vec<_> = records.iter().map(|record| make(record.key.0.as_slice())).collect();
        let unlinked = |answer: Value| match accepted(answer)? {
            Value::Int(0) => Ok(Written::Gone),
            Value::Int(1) => Ok(Written::Done),
            _ => Err(ClientError::unexpected_reply()),
        };
        outcomes.extend(until_answered(server, &calls, unlinked).await?);
    }
    Ok(outcomes)
}

/// Runs removals until each is answered. They are idempotent, but only the first answer tells
/// whether this run deleted the record.
async fn until_answered(
    server: &dyn Server,
    calls: &[impl Fn(bool) -> Command + Send + Sync],
    outcome: fn(Value) -> Result<Written, ClientError>,
) -> Result<Vec<Written>, ClientError> {
    let mut outcomes = vec![None; calls.len()];
    let mut was_lost = false;
    let mut backoff = Backoff::new();
    loop {
        let open: Vec<_> = (0..calls.len()).filter(|at| outcomes[*at].is_none()).collect();
        let some: Vec<_> =
            open.iter().map(|at| &calls[*at] as &(dyn Fn(bool) -> Command + Send + Sync)).collect();
        let error = match run_scripts(server.wire(), &some).await {
            Ok(answers) => {
                let mut refused = None;
                for (at, answer) in open.into_iter().zip(answers) {
                    match outcome(answer) {
                        // The answer to the first attempt was lost, and it may have deleted the
                        // record.
                        Ok(Written::Gone) if was_lost => outcomes[at] = Some(Written::Done),
                        Ok(outcome) => outcomes[at] = Some(outcome),
                        Err(error) => refused = Some(error),
                    }
                }
                match refused {
                    None => return Ok(outcomes.into_iter().flatten().collect()),
                    Some(error) => error,
                }
            }
            Err(error) => {
                was_lost |= error.fate() == Fate::Unknown;
                error
            }
        };
        after_refusal(server, &mut backoff, error).await?;
    }
}

/// Deletes sessions that are unchanged.
pub(super) async fn remove(
    server: &dyn Server,
    records: &[Stored],
) -> Result<Vec<Written>, ClientError> {
    let mut answers = Vec::with_capacity(records.len());
    for records in records.chunks(REMOVALS) {
        let make = |record| move |whole| remove_one(record, whole);
        let calls: Vec<_> = records.iter().map(make).collect();
        answers.extend(until_answered(server, &calls, written).await?);
    }
    Ok(answers)
}

fn remove_one(record: &Stored, whole: bool) -> Command {
    let key = &record.key.0;
    match record.unreadable {
        None => call(&REMOVE, whole, key).arg(&**record.version()),
        Some(why) => call(&REMOVE_UNREADABLE, whole, key).arg(type_of(why)).arg(MAX_VALUE),
    }
}

/// Returns the Redis type of a value that is unreadable for this reason.
fn type_of(why: Unreadable) -> &'static str {
    match why {
        Unreadable::TooLarge => "string",
        Unreadable::WrongType(name) => name,
        Unreadable::NoEnvelope | Unreadable::KeyNotSendable => "",
    }
}

/// Returns the value under a key, `None` if there is none.
async fn value(server: &dyn Server, key: &[u8]) -> Result<Option<RecordValue>, ClientError> {
    match only(retry::read(server.wire(), &[Command::new("GET", key)]).await?)? {
        Value::Nil => Ok(None),
        Value::BulkString(now) => Ok(Some(now.into())),
        other => Err(refusal(&other)),
    }
}

/// Waits before a retry. `READONLY` is final unless there is a failover.
pub(super) async fn after_refusal(
    server: &dyn Server,
    backoff: &mut Backoff,
    error: ClientError,
) -> Result<(), ClientError> {
    if error.is("READONLY") && !server.fails_over() {
        return Err(error);
    }
    backoff.after(error).await
}

fn only(answers: Vec<Value>) -> Result<Value, ClientError> {
    accepted(answers.into_iter().next().ok_or_else(ClientError::unexpected_reply)?)
}

fn written(answer: Value) -> Result<Written, ClientError> {
    match accepted(answer)? {
        Value::Int(0) => Ok(Written::Gone),
        Value::Int(1) => Ok(Written::Changed),
        Value::Int(2) => Ok(Written::Done),
        _ => Err(ClientError::unexpected_reply()),
    }
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::super::client::command::Shard;
    use super::*;
    use crate::store::{Kind, RecordKey};

    /// Server without data, with an error to return first.
    struct Empty(Mutex<Option<ClientError>>);

    #[async_trait]
    impl Wire for Empty {
        async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, ClientError> {
            match self.0.lock().unwrap().take() {
                Some(error) => Err(error),
                None => Ok(vec![Value::Int(0); commands.len()]),
            }
        }
    }

    #[async_trait]
    impl Server for Empty {
        async fn shards(&self) -> Result<Vec<Shard>, ClientError> {
            Ok(Vec::new())
        }

        fn fails_over(&self) -> bool {
            false
        }

        fn wire(&self) -> &dyn Wire {
            self
        }
    }

    #[tokio::test]
    async fn a_missing_record_counts_as_removed_only_if_a_reply_was_lost() {
        use super::super::client::error::ErrorKind;
        let record = Stored::new(RecordKey::from_text("x"), RecordValue::default());
        for (kind, written) in
            [(ErrorKind::Unreached, Written::Gone), (ErrorKind::Lost, Written::Done)]
        {
            for of in [Kind::State, Kind::Session] {
                let server = Empty(Mutex::new(Some(ClientError::new(kind, "x"))));
                let records = std::slice::from_ref(&record);
                let removed = match of {
                    Kind::State => unlink(&server, records).await,
                    Kind::Session => remove(&server, records).await,
                };
                assert_eq!(removed.unwrap(), [written], "{kind:?} {of:?}");
            }
        }
    }
}
