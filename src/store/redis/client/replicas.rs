//! Replication check: sends `WAIT` after each write, because a failover loses writes that no
//! replica has received.
//!
//! The answer is no proof: a replica may lose data that it has confirmed, and a replaced master
//! continues to accept writes. The final check follows in [`crate::store::redis::checkpoint`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::Value;

use super::command::{Command, Server};
use super::error::{ClientError, text};
use crate::store::checkpoint::majority;

/// Timeout for a write to reach the replicas. Usually it takes one round trip.
const PATIENCE: Duration = Duration::from_millis(250);
/// Timeout if the previous write took longer, because `WAIT` blocks the connection.
const SHORT_PATIENCE: Duration = Duration::from_millis(10);

/// Time for which a server counts as having no replicas before it is asked again.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// Replication state of each server with keys.
#[derive(Default)]
pub struct Replicas {
    known: Mutex<HashMap<String, ReplicaState>>,
    /// Number of writes that did not reach a majority of the replicas in time.
    shortfalls: AtomicU64,
}

/// Replication state of one server.
#[derive(Clone, Default)]
struct ReplicaState {
    /// Time at which the server was found to have no replicas, or not to report them. It is not
    /// asked again for a while. Never set if it had replicas in this run.
    none_since: Option<Instant>,
    /// True once the server was asked for replicas, before the first write. Waiting for a missing
    /// replica would block the app, too.
    was_asked: bool,
    /// True if the last write did not reach enough of them in time.
    lags: bool,
    /// Maximum number at any time.
    most: usize,
    /// Replication ID of the server's data. A server that takes over starts a new one.
    history: Option<String>,
}

/// Replication state reported by a master.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Number of replicas, `None` if not reported.
    pub attached: Option<usize>,
    /// `master_replid`, `None` if not reported.
    pub history: Option<String>,
}

impl ReplicaState {
    fn is_known_to_have_none(&self, now: Instant) -> bool {
        self.none_since.is_some_and(|since| now.duration_since(since) < FORGOTTEN_AFTER)
    }

    /// Returns the state that applies now.
    fn at(self, now: Instant) -> Self {
        if self.none_since.is_some() && !self.is_known_to_have_none(now) {
            Self::default()
        } else {
            self
        }
    }

    fn learn_none(&mut self) {
        self.was_asked = true;
        if self.most == 0 {
            self.none_since = Some(Instant::now());
        }
    }

    /// Records the state that the server reports. A new replication ID means another server with
    /// other replicas.
    fn meet(&mut self, head: &Head) {
        if self.history != head.history {
            *self = Self { history: head.history.clone(), ..Self::default() };
        }
        self.most = self.most.max(head.attached.unwrap_or(0));
        match self.most {
            0 if head.attached.is_some() => self.learn_none(),
            0 => {}
            _ => self.none_since = None,
        }
        self.was_asked = true;
    }
}

impl Replicas {
    /// Runs a script that writes to a key, in full text if the server does not know it, and waits
    /// for a majority of the replicas. Returns the script's answer.
    pub async fn run(
        &self,
        server: &dyn Server,
        key: &[u8],
        script: &(dyn Fn(bool) -> Command + Send + Sync),
    ) -> Result<Value, ClientError> {
        let home = server.home(key);
        self.ask(server, key).await;
        let mut answers = self.run_once(server, &home, key, script(false)).await?;
        if answers
            .first()
            .and_then(ClientError::in_answer)
            .is_some_and(|error| error.is("NOSCRIPT"))
        {
            answers = self.run_once(server, &home, key, script(true)).await?;
        }
        let mut answers = answers.into_iter();
        let answer = answers.next().ok_or_else(ClientError::unexpected_reply)?;
        match answers.next() {
            // The script failed, so the answer to WAIT does not concern a write.
            _ if ClientError::in_answer(&answer).is_some() => {}
            None => {}
            Some(Value::Int(reached)) => {
                let reached = usize::try_from(reached).unwrap_or(0);
                self.learn(&home, |known| known.most = known.most.max(reached));
                let known = self.known(&home);
                let is_short = reached < majority(known.most);
                if is_short {
                    self.shortfalls.fetch_add(1, Ordering::SeqCst);
                }
                self.learn(&home, |known| {
                    known.lags = is_short;
                    if known.most == 0 {
                        known.learn_none();
                    }
                });
            }
            // The server or a proxy does not know or permit the command.
            Some(_) => self.learn(&home, ReplicaState::learn_none),
        }
        Ok(answer)
    }

    /// Asks the server of this key for its replicas, unless it was asked before.
    pub async fn ask(&self, server: &dyn Server, key: &[u8]) {
        let home = server.home(key);
        if !self.known(&home).was_asked {
            // If there is no answer, the write itself will report the error.
            let head = head(server, key).await.unwrap_or_default();
            self.meet(&home, &head);
        }
    }

    async fn run_once(
        &self,
        server: &dyn Server,
        home: &str,
        key: &[u8],
        script: Command,
    ) -> Result<Vec<Value>, ClientError> {
        let known = self.known(home);
        if known.none_since.is_some() {
            return server.wire().run(&[script]).await;
        }
        // On the same connection, because `WAIT` covers the writes of its own client only.
        let patience = if known.lags { SHORT_PATIENCE } else { PATIENCE };
        let wait = wait(majority(known.most).max(1), patience).beside(key);
        server.wire().run(&[script, wait]).await
    }

    /// Checks whether another server may take over without the written data: always with sentinels
    /// and in a cluster, else if replicas were seen in this run.
    pub fn may_take_over(&self, server: &dyn Server) -> bool {
        server.fails_over() || self.all().values().any(|known| known.most > 0)
    }

    /// Records the state that the server of this name reports.
    pub fn meet(&self, home: &str, head: &Head) {
        self.learn(home, |known| known.meet(head));
    }

    /// Returns the maximum number of replicas of this server at any time.
    pub fn most(&self, home: &str) -> usize {
        self.known(home).most
    }

    /// Returns the number of writes that did not reach a majority of the replicas in time.
    pub fn shortfalls(&self) -> u64 {
        self.shortfalls.load(Ordering::SeqCst)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, ReplicaState>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, home: &str) -> ReplicaState {
        self.all().get(home).cloned().unwrap_or_default().at(Instant::now())
    }

    fn learn(&self, home: &str, what: impl FnOnce(&mut ReplicaState)) {
        let mut all = self.all();
        let known = all.entry(home.to_owned()).or_default();
        *known = std::mem::take(known).at(Instant::now());
        what(known);
    }
}

/// Returns a `WAIT` for this number of replicas.
pub fn wait(replicas: usize, patience: Duration) -> Command {
    let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    Command::keyless("WAIT").arg(replicas).arg(patience)
}

/// Asks the server of this key for its replication state. Fails if it is not a master or does not
/// answer.
pub async fn head(server: &dyn Server, key: &[u8]) -> Result<Head, ClientError> {
    let info = Command::keyless("INFO").arg("replication");
    let answers =
        server.wire().run(&[Command::keyless("ROLE").beside(key), info.beside(key)]).await?;
    let [role, info] = &answers[..] else { return Err(ClientError::unexpected_reply()) };
    let attached = replicas_in(role)?;
    let info = text(info).unwrap_or_default();
    let history = info
        .lines()
        .find_map(|line| line.trim_end().strip_prefix("master_replid:").map(str::to_owned));
    Ok(Head { attached, history })
}

/// Reads the number of replicas from the answer to `ROLE`, `None` if not reported.
fn replicas_in(role: &Value) -> Result<Option<usize>, ClientError> {
    let not_a_master = || ClientError::unreached("the server is not the master at the moment");
    match role {
        Value::Array(parts) if parts.first().and_then(text).as_deref() == Some("master") => {
            match parts.get(2) {
                Some(Value::Array(replicas)) => Ok(Some(replicas.len())),
                _ => Ok(None),
            }
        }
        Value::ServerError(_) => Ok(None),
        _ => Err(not_a_master()),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::super::command::{Shard, Wire};
    use super::*;

    /// Two masters: the first has keys that begin with `a` and no replica. The other has three
    /// replicas, two of which receive all writes, until it loses all of them.
    struct Two {
        is_cluster: bool,
        has_lost_all: bool,
    }

    #[async_trait]
    impl Wire for Two {
        async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, ClientError> {
            let none = |key: &[u8]| key.starts_with(b"a") || self.has_lost_all;
            let answer = |command: &Command| match command.name() {
                b"ROLE" => {
                    let replicas =
                        if none(command.key()) { Vec::new() } else { vec![Value::Nil; 3] };
                    Value::Array(vec![
                        Value::BulkString(b"master".to_vec()),
                        Value::Int(0),
                        Value::Array(replicas),
                    ])
                }
                b"INFO" => Value::BulkString(b"role:master\r\nmaster_replid:abc\r\n".to_vec()),
                b"WAIT" => Value::Int(if none(command.key()) { 0 } else { 2 }),
                _ => Value::Int(2),
            };
            Ok(commands.iter().map(answer).collect())
        }
    }

    #[async_trait]
    impl Server for Two {
        async fn shards(&self) -> Result<Vec<Shard>, ClientError> {
            Ok(Vec::new())
        }

        fn fails_over(&self) -> bool {
            self.is_cluster
        }

        fn home(&self, key: &[u8]) -> String {
            String::from_utf8_lossy(&key[..1]).into_owned()
        }

        fn wire(&self) -> &dyn Wire {
            self
        }
    }

    async fn write(replicas: &Replicas, server: &Two, key: &str) {
        let make = |_| Command::new("SET", key.as_bytes());
        assert_eq!(replicas.run(server, key.as_bytes(), &make).await.unwrap(), Value::Int(2));
    }

    #[tokio::test]
    async fn a_master_that_has_lost_its_replicas_is_not_one_without() {
        let replicas = Replicas::default();
        let mut server = Two { is_cluster: false, has_lost_all: false };
        write(&replicas, &server, "a1").await;
        assert!(!replicas.may_take_over(&server), "there is none");
        write(&replicas, &server, "b1").await;
        assert!(replicas.may_take_over(&server));
        assert_eq!(
            (replicas.most("b"), replicas.shortfalls()),
            (3, 0),
            "two of three are a majority"
        );
        server.has_lost_all = true;
        write(&replicas, &server, "b2").await;
        assert!(replicas.may_take_over(&server), "those that were there may be masters by now");
        assert_eq!((replicas.most("b"), replicas.shortfalls()), (3, 1));
        replicas.meet("b", &head(&server, b"b").await.unwrap());
        assert_eq!(replicas.most("b"), 3);
        let new = Head { attached: Some(0), history: Some("def".to_owned()) };
        replicas.meet("b", &new);
        assert_eq!(replicas.most("b"), 0, "a server that has taken over has none yet");
    }

    #[tokio::test]
    async fn what_fails_over_by_itself_is_never_without() {
        let (replicas, server) =
            (Replicas::default(), Two { is_cluster: true, has_lost_all: true });
        write(&replicas, &server, "b1").await;
        assert!(replicas.may_take_over(&server));
        assert_eq!(replicas.shortfalls(), 0);
    }

    #[test]
    fn that_there_are_none_holds_for_a_while() {
        let since = Instant::now();
        let known = ReplicaState {
            none_since: Some(since),
            was_asked: true,
            lags: true,
            ..ReplicaState::default()
        };
        let shortly = known.clone().at(since + FORGOTTEN_AFTER / 2);
        assert!(shortly.none_since.is_some() && shortly.was_asked);
        let later = known.at(since + FORGOTTEN_AFTER);
        assert!(later.none_since.is_none() && !later.was_asked);
    }
}

#[cfg(test)]
mod properties {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Returns any answer, some of them similar to one to `ROLE`.
    fn answer() -> impl Strategy<Value = Value> {
        let word = prop_oneof![
            Just("master".to_owned()),
            Just("slave".to_owned()),
            crate::arbitrary::text()
        ];
        let leaf = prop_oneof![
            Just(Value::Nil),
            Just(Value::Okay),
            any::<i64>().prop_map(Value::Int),
            word.clone().prop_map(|text| Value::BulkString(text.into_bytes())),
            word.prop_map(Value::SimpleString),
            Just(Value::Array(Vec::new())),
        ];
        leaf.prop_recursive(2, 8, 4, |inner| vec(inner, 0..4).prop_map(Value::Array))
    }

    proptest! {
        #[test]
        fn only_a_master_that_lists_no_replica_has_none(answer in answer()) {
            let says_none = match &answer {
                Value::Array(parts) => match &parts[..] {
                    [Value::BulkString(role), _, Value::Array(replicas), ..] => role == b"master" && replicas.is_empty(),
                    [Value::SimpleString(role), _, Value::Array(replicas), ..] => role == "master" && replicas.is_empty(),
                    _ => false,
                },
                _ => false,
            };
            prop_assert_eq!(matches!(replicas_in(&answer), Ok(Some(0))), says_none);
        }
    }
}
