//! What a Redis is to everything above it: something that runs commands. Connections, clusters and
//! REST interfaces are each one of these.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use redis::{Cmd, ToRedisArgs, Value};
use tracing::{Level, trace};

use super::error::Trouble;

/// A command, and which of its parts is the key that says which server of a cluster it is for.
#[derive(Clone)]
pub struct Command {
    pub cmd: Cmd,
    key_at: usize,
    /// The key of another command that this one must follow to its server.
    beside: Option<Box<[u8]>>,
}

/// Runs commands.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Runs the commands in one go. One answer a command, in order; what the server refuses is
    /// among the answers ([`Value::ServerError`]). An error says that the answers are not
    /// known, and whether the commands may have been run.
    async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, Trouble>;
}

/// A Redis with all its data.
#[async_trait]
pub trait Server: Wire {
    /// Those parts whose scans together see every key.
    async fn shards(&self) -> Result<Vec<Shard>, Trouble>;

    /// Checks whether another server takes over when one fails.
    fn fails_over(&self) -> bool;

    /// Checks whether one command may be about keys of one slot only.
    fn has_slots(&self) -> bool {
        false
    }

    /// Returns the name of the server that has this key, where there are several with keys; the
    /// same as long as it has it.
    fn home(&self, _: &[u8]) -> String {
        String::new()
    }

    /// Itself, for running commands.
    fn wire(&self) -> &dyn Wire;

    /// Grows with everything that happens when another server takes over: connections that are
    /// lost, keys that move.
    fn disturbances(&self) -> u64 {
        0
    }

    /// Asks anew which servers are in charge, and connects to them anew. Where they are others than
    /// before, the next commands go there, too. None where no server takes over from another,
    /// or nobody can tell.
    async fn survey(&self) -> Result<Option<Survey>, Trouble> {
        Ok(None)
    }
}

/// Written so that the replicas can be asked whether they have everything that came before. A
/// cluster needs one for each server, which is told apart by a number.
pub const CHECK_KEY: &str = "oauthctl:check";

/// The servers in charge at one moment.
pub struct Survey {
    /// New connections to them.
    pub server: Arc<dyn Server>,
    /// The same as long as the same servers are in charge.
    pub identity: String,
    /// Why others may be in charge in a moment.
    pub doubt: Option<String>,
    /// Everybody who could know of a change has answered.
    pub is_complete: bool,
    /// For each server a key of oauthctl's own that belongs there.
    pub keys: Vec<Vec<u8>>,
}

/// A server that holds some of the keys, or all.
pub struct Shard {
    /// Changes when other keys belong to it than before.
    pub id: String,
    /// For scanning.
    pub scan: Arc<dyn Wire>,
    /// For reading values, so that neither waits behind the other.
    pub read: Arc<dyn Wire>,
    /// What it can be asked for at once.
    pub limits: Limits,
}

/// What a server may be asked for at once.
#[derive(Clone, Copy)]
pub struct Limits {
    /// `COUNT` of a scan.
    pub scan_count: usize,
    /// The most values in one request.
    pub values: usize,
    /// Requests for values at the same time.
    pub requests: usize,
    /// True if one `MGET` may ask for keys of several slots.
    pub mget: bool,
    /// True if keys can be sent that are no text.
    pub bytes: bool,
}

impl Limits {
    /// Those of a Redis server. A scan of this count keeps other clients waiting for one to three
    /// milliseconds; with half of it, pages would be what one waits for on a server ten
    /// milliseconds away, and with half the requests the values.
    pub const SERVER: Self =
        Self { scan_count: 2000, values: 500, requests: 12, mget: true, bytes: true };
}

impl Command {
    /// Returns a command about a key, which is its first argument.
    pub fn new(name: &str, key: &[u8]) -> Self {
        // Hundreds of thousands of these are made in a scan.
        let mut cmd = Cmd::with_capacity(2, name.len() + key.len());
        cmd.arg(name).arg(key);
        Self { cmd, key_at: 1, beside: None }
    }

    /// Returns a command about no key.
    pub fn keyless(name: &str) -> Self {
        Self { cmd: redis::cmd(name), key_at: usize::MAX, beside: None }
    }

    /// Returns a script, given by `EVAL` or `EVALSHA` and its text or hash, on one key.
    pub fn script(name: &str, script: &str, key: &[u8]) -> Self {
        Self { key_at: 3, ..Self::keyless(name).arg(script).arg(1).arg(key) }
    }

    /// Returns a command about no key that belongs where this one is.
    pub fn beside(self, key: &[u8]) -> Self {
        Self { beside: Some(key.into()), ..self }
    }

    /// Checks whether it is about no key, and belongs where this one is.
    pub fn follows(&self, other: &Self) -> bool {
        self.beside.as_deref().is_some_and(|key| key == other.key())
    }

    /// Returns the key; empty for commands about none.
    pub fn key(&self) -> &[u8] {
        if let Some(key) = &self.beside {
            return key;
        }
        match self.cmd.args_iter().nth(self.key_at) {
            Some(redis::Arg::Simple(key)) => key,
            _ => &[],
        }
    }

    /// What it is called.
    pub fn name(&self) -> &[u8] {
        match self.cmd.args_iter().next() {
            Some(redis::Arg::Simple(name)) => name,
            _ => &[],
        }
    }

    /// Returns a command about several keys that one server holds.
    pub fn many<'k>(name: &str, keys: impl Iterator<Item = &'k [u8]>) -> Self {
        let mut command = Self::keyless(name);
        for key in keys {
            command.cmd.arg(key);
        }
        command
    }

    /// With one more argument.
    pub fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}

/// Tells with `-vv` which commands were sent, by their names alone: keys may hold what only a
/// user's browser knows, and values are secrets.
pub fn tell<T>(commands: &[Command], begun: Instant, outcome: &Result<T, Trouble>) {
    if !tracing::enabled!(Level::TRACE) {
        return;
    }
    let mut names: Vec<(&[u8], usize)> = Vec::new();
    for command in commands {
        match (command.name(), names.last_mut()) {
            (name, Some((last, count))) if *last == name => *count += 1,
            (name, _) => names.push((name, 1)),
        }
    }
    let names = names.iter().map(|(name, count)| match count {
        1 => String::from_utf8_lossy(name).into_owned(),
        _ => format!("{count} x {}", String::from_utf8_lossy(name)),
    });
    let names = names.collect::<Vec<_>>().join(", ");
    let how = outcome.as_ref().err().map(|trouble| format!(": {trouble}")).unwrap_or_default();
    trace!("store: {names}{how}, {} ms", begun.elapsed().as_millis());
}

/// Returns the answer, when the server did not refuse.
pub fn accepted(value: Value) -> Result<Value, Trouble> {
    match value {
        Value::ServerError(error) => Err(Trouble::refused(&error)),
        value => Ok(value),
    }
}

/// Runs one command.
pub async fn run_one(wire: &dyn Wire, command: Command) -> Result<Value, Trouble> {
    let answers = wire.run(&[command]).await?;
    accepted(answers.into_iter().next().ok_or_else(Trouble::nonsense)?)
}
