//! Conditional writes: what is compared and what is written happen in one step on the server, by short scripts on
//! single keys. An answer that is lost is not guessed at: the record is read again, and says what became of it.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Value;

use super::client::command::{Command, Server, Wire, accepted, run_one};
use super::client::error::Trouble;
use super::client::replicas::Replicas;
use super::client::retry::{self, Patience};
use super::scan::refusal;
use crate::store::{MAX_VALUE, RecordValue, Stored, Unreadable, Written};

/// A script and the hash by which a server knows it.
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }
}

/// Puts a value in the place of another. Without a time to live, the one there is stays (`KEEPTTL` would want Redis 6).
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

/// Does what [`REPLACE`] does in its worst case, under a key that nobody has: `XX` writes nothing there, and is refused
/// like any write where writes are.
static TRY: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now = redis.call('GET', KEYS[1])
         if now then return 1 end
         redis.call('PTTL', KEYS[1])
         redis.call('SET', KEYS[1], '', 'XX', 'PX', 1)
         return 0",
    )
});

/// Deletes a value that is still the same.
pub(super) static REMOVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local now = redis.pcall('GET', KEYS[1])
         if not now then return 0 end
         if now ~= ARGV[1] then return 1 end
         redis.call('UNLINK', KEYS[1])
         return 2",
    )
});

/// Deletes what is no string, or too long a one, if it still is.
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

/// Removals in one request.
const REMOVALS: usize = 500;

/// A script on a key, by its hash; or whole, for a server that does not know it yet.
pub(super) fn call(script: &Script, whole: bool, key: &[u8]) -> Command {
    let (name, what) = if whole { ("EVAL", script.code) } else { ("EVALSHA", script.hash.as_str()) };
    Command::script(name, what, key)
}

/// Runs scripts; those that a server did not know are run once more, whole.
pub(super) async fn run_scripts(
    wire: &dyn Wire,
    calls: &[&(dyn Fn(bool) -> Command + Send + Sync)],
) -> Result<Vec<Value>, Trouble> {
    let commands: Vec<_> = calls.iter().map(|call| call(false)).collect();
    let mut answers = wire.run(&commands).await?;
    let is_unknown = |answer: &Value| Trouble::in_answer(answer).is_some_and(|trouble| trouble.is("NOSCRIPT"));
    let unknown: Vec<_> = (0..answers.len()).filter(|at| is_unknown(&answers[*at])).collect();
    if !unknown.is_empty() {
        let commands: Vec<_> = unknown.iter().map(|at| calls[*at](true)).collect();
        for (at, answer) in unknown.into_iter().zip(wire.run(&commands).await?) {
            answers[at] = answer;
        }
    }
    Ok(answers)
}

/// Puts `new` in the place of exactly `current`.
pub(super) async fn replace(
    server: &dyn Server,
    replicas: &Replicas,
    key: &[u8],
    current: &[u8],
    new: &[u8],
    ttl: Option<Duration>,
) -> Result<Written, Trouble> {
    let ttl = ttl.map(|ttl| ttl.as_millis().to_string()).unwrap_or_default();
    let make = |whole| call(&REPLACE, whole, key).arg(current).arg(new).arg(&ttl);
    let mut patience = Patience::new();
    loop {
        let trouble = match replicas.run(server, key, &make).await {
            Ok(answer) => match written(answer) {
                Ok(Written::Done) => return Ok(done(server, replicas)),
                Ok(written) => return Ok(written),
                Err(trouble) => trouble,
            },
            Err(trouble) => trouble,
        };
        if !trouble.was_not_run() {
            match read_again(server, key, &trouble).await? {
                None => return Ok(Written::Gone),
                Some(now) if now == new => return Ok(done(server, replicas)),
                Some(now) if now != current => return Ok(Written::Changed),
                Some(_) => {}
            }
        }
        after_refusal(server, &mut patience, trouble).await?;
    }
}

/// What a new value is that stands.
fn done(server: &dyn Server, replicas: &Replicas) -> Written {
    if replicas.may_take_over(server) { Written::Unconfirmed } else { Written::Done }
}

/// Makes sure that a replacement would not be refused, without changing anything.
pub(super) async fn check(server: &dyn Server, nobodys_key: &[u8]) -> Result<(), Trouble> {
    let make = |whole| call(&TRY, whole, nobodys_key);
    let mut patience = Patience::new();
    loop {
        // Harmless to do twice.
        let answers = run_scripts(server.wire(), &[&make]).await;
        let Err(trouble) = answers.and_then(only) else { return Ok(()) };
        after_refusal(server, &mut patience, trouble).await?;
    }
}

/// Writes a value where there is none.
pub(super) async fn create(
    server: &dyn Server,
    key: &[u8],
    value: &[u8],
    ttl: Option<Duration>,
) -> Result<bool, Trouble> {
    let mut command = Command::new("SET", key).arg(value).arg("NX");
    if let Some(ttl) = ttl {
        command = command.arg("PX").arg(milliseconds(ttl));
    }
    let mut patience = Patience::new();
    loop {
        let trouble = match run_one(server.wire(), command.clone()).await {
            Ok(Value::Nil) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(trouble) => trouble,
        };
        if !trouble.was_not_run()
            && let Some(now) = read_again(server, key, &trouble).await?
        {
            return Ok(now == value);
        }
        after_refusal(server, &mut patience, trouble).await?;
    }
}

/// Deletes records of which the key alone says that they are the same.
pub(super) async fn unlink(server: &dyn Server, records: &[Stored]) -> Result<Vec<Written>, Trouble> {
    let mut outcomes = Vec::with_capacity(records.len());
    for records in records.chunks(REMOVALS) {
        let make = |record| move |_: bool| Command::new("UNLINK", record);
        let calls: Vec<_> = records.iter().map(|record| make(record.key.0.as_slice())).collect();
        let unlinked = |answer: Value| match accepted(answer)? {
            Value::Int(0) => Ok(Written::Gone),
            Value::Int(1) => Ok(Written::Done),
            _ => Err(Trouble::nonsense()),
        };
        outcomes.extend(until_answered(server, &calls, unlinked).await?);
    }
    Ok(outcomes)
}

/// Runs removals until each was answered. They are harmless to do twice; but whether it was we who deleted a record is
/// only known from the first answer.
async fn until_answered(
    server: &dyn Server,
    calls: &[impl Fn(bool) -> Command + Send + Sync],
    outcome: fn(Value) -> Result<Written, Trouble>,
) -> Result<Vec<Written>, Trouble> {
    let mut outcomes = vec![None; calls.len()];
    let mut was_lost = false;
    let mut patience = Patience::new();
    loop {
        let open: Vec<_> = (0..calls.len()).filter(|at| outcomes[*at].is_none()).collect();
        let some: Vec<_> = open.iter().map(|at| &calls[*at] as &(dyn Fn(bool) -> Command + Send + Sync)).collect();
        let trouble = match run_scripts(server.wire(), &some).await {
            Ok(answers) => {
                let mut refused = None;
                for (at, answer) in open.into_iter().zip(answers) {
                    match outcome(answer) {
                        // The first attempt's answer was lost, and it may have been we who deleted it.
                        Ok(Written::Gone) if was_lost => outcomes[at] = Some(Written::Done),
                        Ok(outcome) => outcomes[at] = Some(outcome),
                        Err(trouble) => refused = Some(trouble),
                    }
                }
                match refused {
                    None => return Ok(outcomes.into_iter().flatten().collect()),
                    Some(trouble) => trouble,
                }
            }
            Err(trouble) => {
                was_lost |= !trouble.was_not_run();
                trouble
            }
        };
        after_refusal(server, &mut patience, trouble).await?;
    }
}

/// Deletes those sessions that are still what they were.
pub(super) async fn remove(
    server: &dyn Server,
    records: &[Stored],
    values: &[Option<RecordValue>],
) -> Result<Vec<Written>, Trouble> {
    let mut answers = Vec::with_capacity(records.len());
    for (records, values) in records.chunks(REMOVALS).zip(values.chunks(REMOVALS)) {
        answers.extend(remove_some(server, records, values).await?);
    }
    Ok(answers)
}

async fn remove_some(
    server: &dyn Server,
    records: &[Stored],
    values: &[Option<RecordValue>],
) -> Result<Vec<Written>, Trouble> {
    let make = |at: usize| {
        move |whole: bool| {
            let (key, value) = (&records[at].key.0, values[at].as_deref());
            match records[at].unreadable {
                None => call(&REMOVE, whole, key).arg(value.unwrap_or_default()),
                Some(why) => call(&REMOVE_UNREADABLE, whole, key).arg(type_of(why)).arg(MAX_VALUE),
            }
        }
    };
    let calls: Vec<_> = (0..records.len()).map(make).collect();
    until_answered(server, &calls, written).await
}

/// Returns the type of Redis of a value that is unreadable for this reason.
fn type_of(why: Unreadable) -> &'static str {
    match why {
        Unreadable::TooLarge => "string",
        Unreadable::WrongType(name) => name,
        Unreadable::NoEnvelope | Unreadable::KeyNotSendable => "",
    }
}

/// What stands under a key whose write was not answered. When even that cannot be learnt, the loss is what is reported.
async fn read_again(server: &dyn Server, key: &[u8], lost: &Trouble) -> Result<Option<Vec<u8>>, Trouble> {
    let Ok(answer) = retry::read(server.wire(), &[Command::new("GET", key)]).await.and_then(only) else {
        return Err(lost.clone());
    };
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(now) => Ok(Some(now)),
        other => Err(refusal(&other)),
    }
}

/// Waits until it is worth trying again. A replica stays one, unless somebody looks after fail-overs.
pub(super) async fn after_refusal(
    server: &dyn Server,
    patience: &mut Patience,
    trouble: Trouble,
) -> Result<(), Trouble> {
    if trouble.is("READONLY") && !server.fails_over() {
        return Err(trouble);
    }
    patience.after(trouble).await
}

fn only(answers: Vec<Value>) -> Result<Value, Trouble> {
    accepted(answers.into_iter().next().ok_or_else(Trouble::nonsense)?)
}

fn written(answer: Value) -> Result<Written, Trouble> {
    match accepted(answer)? {
        Value::Int(0) => Ok(Written::Gone),
        Value::Int(1) => Ok(Written::Changed),
        Value::Int(2) => Ok(Written::Done),
        _ => Err(Trouble::nonsense()),
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

    /// A server that has nothing, once it can be reached.
    struct Empty(Mutex<Option<Trouble>>);

    #[async_trait]
    impl Wire for Empty {
        async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, Trouble> {
            match self.0.lock().unwrap().take() {
                Some(trouble) => Err(trouble),
                None => Ok(vec![Value::Int(0); commands.len()]),
            }
        }
    }

    #[async_trait]
    impl Server for Empty {
        async fn shards(&self) -> Result<Vec<Shard>, Trouble> {
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
    async fn a_record_that_is_gone_was_deleted_by_us_only_if_an_answer_was_lost() {
        use super::super::client::error::Kind as TroubleKind;
        let record = Stored {
            key: RecordKey::from_text("x"),
            value: RecordValue::default(),
            observed: crate::session::Observed::default(),
            ttl: None,
            unreadable: None,
        };
        for (kind, written) in [(TroubleKind::Unreached, Written::Gone), (TroubleKind::Lost, Written::Done)] {
            for of in [Kind::State, Kind::Session] {
                let server = Empty(Mutex::new(Some(Trouble::new(kind, "x"))));
                let records = std::slice::from_ref(&record);
                let removed = match of {
                    Kind::State => unlink(&server, records).await,
                    Kind::Session => remove(&server, records, &[Some(RecordValue::default())]).await,
                };
                assert_eq!(removed.unwrap(), [written], "{kind:?} {of:?}");
            }
        }
    }
}
