//! Command interface implemented by single connections, clusters and the REST API.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use redis::{Cmd, ToRedisArgs, Value};
use tracing::{Level, trace};

use super::error::ClientError;

/// Command with its key, which determines the server in a cluster.
#[derive(Clone)]
pub struct Command {
    pub cmd: Cmd,
    key_at: usize,
    /// Key of another command that must go to the same server.
    beside: Option<Box<[u8]>>,
}

/// Executor of commands.
#[async_trait]
pub trait Wire: Send + Sync {
    /// Runs the commands in one batch. Returns one answer per command, in order; refusals by the
    /// server are among the answers ([`Value::ServerError`]). After an error the answers are
    /// unknown; it states whether the commands may have been executed.
    async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, ClientError>;
}

/// Redis with all its data.
#[async_trait]
pub trait Server: Wire {
    /// Returns shards whose scans together cover all keys.
    async fn shards(&self) -> Result<Vec<Shard>, ClientError>;

    /// Checks whether another server takes over on failure.
    fn fails_over(&self) -> bool;

    /// Checks whether a command is limited to keys of one slot.
    fn has_slots(&self) -> bool {
        false
    }

    /// Returns the name of the server that has this key, if there are several. It changes only when
    /// the key moves.
    fn home(&self, _: &[u8]) -> String {
        String::new()
    }

    /// Returns the executor of commands.
    fn wire(&self) -> &dyn Wire;

    /// Returns a counter that grows with each sign of a failover: lost connections and moved keys.
    fn disturbances(&self) -> u64 {
        0
    }

    /// Looks up the current servers and reconnects. Later commands use them, too, if they have
    /// changed. `None` if there is no failover, or no server that reports it.
    async fn survey(&self) -> Result<Option<Survey>, ClientError> {
        Ok(None)
    }
}

/// Key written to check whether the replicas have all earlier writes. A cluster needs one per
/// server, distinguished by a number.
pub const CHECK_KEY: &str = "oauthctl:check";

/// Servers currently in charge.
pub struct Survey {
    /// New connections to them.
    pub server: Arc<dyn Server>,
    /// Identifier that changes with the servers.
    pub identity: String,
    /// Reason for which other servers may take over in a moment.
    pub doubt: Option<String>,
    /// True if all servers that could know of a change have answered.
    pub is_complete: bool,
    /// One key of oauthctl's own per server.
    pub keys: Vec<Vec<u8>>,
}

/// Server that has some or all of the keys.
pub struct Shard {
    /// Identifier that changes with the set of keys.
    pub id: String,
    /// Connection for scanning.
    pub scan: Arc<dyn Wire>,
    /// Connection for reading values, independent of the scan.
    pub read: Arc<dyn Wire>,
    /// Batch size limits.
    pub limits: BatchLimits,
}

/// Batch size limits of a backend.
#[derive(Clone, Copy)]
pub struct BatchLimits {
    /// `COUNT` of a scan.
    pub scan_count: usize,
    /// Maximum number of values per request.
    pub values: usize,
    /// Maximum number of concurrent requests for values.
    pub requests: usize,
    /// True if an `MGET` may have keys of several slots.
    pub mget: bool,
    /// True if keys can be sent that are not text.
    pub bytes: bool,
}

impl BatchLimits {
    /// Limits of a Redis server. A scan of this count blocks other clients for one to three
    /// milliseconds. With half the count, the pages would be the bottleneck at a latency of ten
    /// milliseconds, and with half the requests the values.
    pub const SERVER: Self =
        Self { scan_count: 2000, values: 500, requests: 12, mget: true, bytes: true };
}

impl Command {
    /// Returns a command with this key as first argument.
    pub fn new(name: &str, key: &[u8]) -> Self {
        // A scan makes hundreds of thousands of these.
        let mut cmd = Cmd::with_capacity(2, name.len() + key.len());
        cmd.arg(name).arg(key);
        Self { cmd, key_at: 1, beside: None }
    }

    /// Returns a command without a key.
    pub fn keyless(name: &str) -> Self {
        Self { cmd: redis::cmd(name), key_at: usize::MAX, beside: None }
    }

    /// Returns a call of a script on one key, with `EVAL` or `EVALSHA` and its text or hash.
    pub fn script(name: &str, script: &str, key: &[u8]) -> Self {
        Self { key_at: 3, ..Self::keyless(name).arg(script).arg(1).arg(key) }
    }

    /// Sends a command without a key to the server of this key.
    pub fn beside(self, key: &[u8]) -> Self {
        Self { beside: Some(key.into()), ..self }
    }

    /// Checks whether this is a command without a key that must go to the same server as `other`.
    pub fn follows(&self, other: &Self) -> bool {
        self.beside.as_deref().is_some_and(|key| key == other.key())
    }

    /// Returns the key, empty for commands without one.
    pub fn key(&self) -> &[u8] {
        if let Some(key) = &self.beside {
            return key;
        }
        match self.cmd.args_iter().nth(self.key_at) {
            Some(redis::Arg::Simple(key)) => key,
            _ => &[],
        }
    }

    /// Returns the command's name.
    pub fn name(&self) -> &[u8] {
        match self.cmd.args_iter().next() {
            Some(redis::Arg::Simple(name)) => name,
            _ => &[],
        }
    }

    /// Returns a command with several keys of one server.
    pub fn many<'k>(name: &str, keys: impl Iterator<Item = &'k [u8]>) -> Self {
        let mut command = Self::keyless(name);
        for key in keys {
            command.cmd.arg(key);
        }
        command
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}

/// Logs the names of the commands sent (`-vv`). Keys and values are never logged, because they may
/// contain secrets.
pub fn tell<T>(commands: &[Command], begun: Instant, outcome: &Result<T, ClientError>) {
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
    let how = outcome.as_ref().err().map(|error| format!(": {error}")).unwrap_or_default();
    trace!("store: {names}{how}, {} ms", begun.elapsed().as_millis());
}

/// Returns the answer, or an error if the server refused the command.
pub fn accepted(value: Value) -> Result<Value, ClientError> {
    match value {
        Value::ServerError(error) => Err(ClientError::refused(&error)),
        value => Ok(value),
    }
}

/// Runs one command.
pub async fn run_one(wire: &dyn Wire, command: Command) -> Result<Value, ClientError> {
    let answers = wire.run(&[command]).await?;
    accepted(answers.into_iter().next().ok_or_else(ClientError::unexpected_reply)?)
}
