//! Servers that take over from one that fails know only what had reached them. Whether a write has,
//! is asked for in the same go (`WAIT`), since a server confirms before its replicas know. That is
//! no proof: a replica that has answered may be made to forget it, and a master that has been
//! replaced goes on taking writes. What counts is asked for later, by
//! [`crate::store::redis::checkpoint`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::Value;

use super::command::{Command, Server};
use super::error::{Trouble, text};
use crate::store::checkpoint::majority;

/// How long a write may take to reach the replicas. Usually it takes a round trip.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long where the write before took longer: nobody else is answered on this connection
/// meanwhile.
const SHORT_PATIENCE: Duration = Duration::from_millis(10);

/// For how long a server is believed to have no replicas. Then it is asked again: they come and go.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// What is known of the replicas of each server that has keys.
#[derive(Default)]
pub struct Replicas {
    known: Mutex<HashMap<String, Known>>,
    /// Writes that had not reached a majority of the replicas in time.
    shortfalls: AtomicU64,
}

/// What is known of one server's replicas.
#[derive(Clone, Default)]
struct Known {
    /// When it was found that there are none, or that the server does not say: nothing more is
    /// asked for a while. Never where there were some in this run.
    none_since: Option<Instant>,
    /// The server was asked whether it has any, before the first write: to wait for one that is
    /// not there would keep the app waiting, too.
    was_asked: bool,
    /// The last write had not reached enough of them in time.
    lags: bool,
    /// The most there were at the same time.
    most: usize,
    /// Names the history of the server's data. A server that takes over begins another one.
    history: Option<String>,
}

/// What a master says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its replicas; none when it does not say.
    pub attached: Option<usize>,
    /// Its `master_replid`; none when it does not say.
    pub history: Option<String>,
}

impl Known {
    fn is_known_to_have_none(&self, now: Instant) -> bool {
        self.none_since.is_some_and(|since| now.duration_since(since) < FORGOTTEN_AFTER)
    }

    /// As it is to be used now.
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

    /// Takes in what the server says of itself. One with another history is another server, with
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
    /// Runs a script that writes under a key, in full where the server does not know it, and waits
    /// for a majority of the replicas. Returns its answer.
    pub async fn run(
        &self,
        server: &dyn Server,
        key: &[u8],
        script: &(dyn Fn(bool) -> Command + Send + Sync),
    ) -> Result<Value, Trouble> {
        let home = server.home(key);
        self.ask(server, key).await;
        let mut answers = self.run_once(server, &home, key, script(false)).await?;
        if answers
            .first()
            .and_then(Trouble::in_answer)
            .is_some_and(|trouble| trouble.is("NOSCRIPT"))
        {
            answers = self.run_once(server, &home, key, script(true)).await?;
        }
        let mut answers = answers.into_iter();
        let answer = answers.next().ok_or_else(Trouble::nonsense)?;
        match answers.next() {
            // The script failed, so the answer to WAIT is not about anything that was written.
            _ if Trouble::in_answer(&answer).is_some() => {}
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
            // A server, or somebody before it, who does not know the command or does not allow it.
            Some(_) => self.learn(&home, Known::learn_none),
        }
        Ok(answer)
    }

    /// Asks the server that has this key about its replicas, unless it was asked before.
    pub async fn ask(&self, server: &dyn Server, key: &[u8]) {
        let home = server.home(key);
        if !self.known(&home).was_asked {
            // Without an answer to that, the write itself says what there is to say.
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
    ) -> Result<Vec<Value>, Trouble> {
        let known = self.known(home);
        if known.none_since.is_some() {
            return server.wire().run(&[script]).await;
        }
        // The same connection: a server waits for what this client wrote.
        let patience = if known.lags { SHORT_PATIENCE } else { PATIENCE };
        let wait = wait(majority(known.most).max(1), patience).beside(key);
        server.wire().run(&[script, wait]).await
    }

    /// Checks whether another server may take over without what was written: as a rule behind
    /// sentinels and in a cluster, else where replicas were seen in this run.
    pub fn may_take_over(&self, server: &dyn Server) -> bool {
        server.fails_over() || self.all().values().any(|known| known.most > 0)
    }

    /// Takes in what the server with this name says of itself.
    pub fn meet(&self, home: &str, head: &Head) {
        self.learn(home, |known| known.meet(head));
    }

    /// Returns the most replicas that the server with this name has had at the same time.
    pub fn most(&self, home: &str) -> usize {
        self.known(home).most
    }

    /// How many writes had not reached a majority of the replicas in time.
    pub fn shortfalls(&self) -> u64 {
        self.shortfalls.load(Ordering::SeqCst)
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, home: &str) -> Known {
        self.all().get(home).cloned().unwrap_or_default().at(Instant::now())
    }

    fn learn(&self, home: &str, what: impl FnOnce(&mut Known)) {
        let mut all = self.all();
        let known = all.entry(home.to_owned()).or_default();
        *known = std::mem::take(known).at(Instant::now());
        what(known);
    }
}

/// Asks in how many replicas is what this connection has written, waiting for so many.
pub fn wait(replicas: usize, patience: Duration) -> Command {
    let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    Command::keyless("WAIT").arg(replicas).arg(patience)
}

/// Asks the server that has this key about itself. An error says that it is no master, or does not
/// answer.
pub async fn head(server: &dyn Server, key: &[u8]) -> Result<Head, Trouble> {
    let info = Command::keyless("INFO").arg("replication");
    let answers =
        server.wire().run(&[Command::keyless("ROLE").beside(key), info.beside(key)]).await?;
    let [role, info] = &answers[..] else { return Err(Trouble::nonsense()) };
    let attached = replicas_in(role)?;
    let info = text(info).unwrap_or_default();
    let history = info
        .lines()
        .find_map(|line| line.trim_end().strip_prefix("master_replid:").map(str::to_owned));
    Ok(Head { attached, history })
}

/// How many replicas a master has, by its answer to `ROLE`; none when it does not say.
fn replicas_in(role: &Value) -> Result<Option<usize>, Trouble> {
    let not_a_master = || Trouble::unreached("the server is not the master at the moment");
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

    /// Two masters: the keys of the one begin with `a`, and it has no replica; the other has three,
    /// of which two hear of everything, until it has lost all.
    struct Two {
        is_cluster: bool,
        has_lost_all: bool,
    }

    #[async_trait]
    impl Wire for Two {
        async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, Trouble> {
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
        async fn shards(&self) -> Result<Vec<Shard>, Trouble> {
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
        let known =
            Known { none_since: Some(since), was_asked: true, lags: true, ..Known::default() };
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

    /// Any answer, among them some that look like one to `ROLE`.
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
