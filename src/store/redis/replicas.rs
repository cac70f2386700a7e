//! Servers that take over from one that fails know only what had reached them. Whether a write has, is asked for in the
//! same go (`WAIT`), since a server confirms before its replicas know.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::Value;

use super::trouble::{Trouble, text};
use super::wire::{Command, Server};

/// How long a write may take to reach a replica. Usually it takes a round trip.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long where the write before took longer: nobody else is answered on this connection meanwhile.
const SHORT_PATIENCE: Duration = Duration::from_millis(10);

/// For how long a server is believed to have no replicas. Then it is asked again: they come and go.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// What is known of the replicas of each server that has keys.
#[derive(Default)]
pub(super) struct Replicas(Mutex<HashMap<String, Known>>);

/// What is known of one server's replicas.
#[derive(Clone, Copy, Default)]
struct Known {
    /// When it was found that there are none, or that the server does not say: nothing more is asked for a while.
    none_since: Option<Instant>,
    /// The server was asked whether it has any, before the first write: to wait for one that is not there would keep the
    /// app waiting, too.
    was_asked: bool,
    /// The last write had not reached any in time.
    lags: bool,
}

impl Known {
    fn is_known_to_have_none(&self, now: Instant) -> bool {
        self.none_since.is_some_and(|since| now.duration_since(since) < FORGOTTEN_AFTER)
    }

    /// As it is to be used now.
    fn at(self, now: Instant) -> Self {
        if self.none_since.is_some() && !self.is_known_to_have_none(now) { Self::default() } else { self }
    }
}

impl Replicas {
    /// Runs a script that writes under a key, in full where the server does not know it. Returns its answer, and whether
    /// what it wrote has reached a replica, where there is one.
    pub(super) async fn run(
        &self,
        server: &dyn Server,
        key: &[u8],
        script: &(dyn Fn(bool) -> Command + Send + Sync),
    ) -> Result<(Value, bool), Trouble> {
        let home = server.home(key);
        if !self.known(&home).was_asked {
            let none_since = (has_any(server, key).await == Some(false)).then(Instant::now);
            self.learn(&home, |known| *known = Known { none_since, was_asked: true, ..*known });
        }
        let mut answers = self.run_once(server, &home, key, script(false)).await?;
        if answers.first().and_then(Trouble::in_answer).is_some_and(|trouble| trouble.is("NOSCRIPT")) {
            answers = self.run_once(server, &home, key, script(true)).await?;
        }
        let mut answers = answers.into_iter();
        let answer = answers.next().ok_or_else(Trouble::nonsense)?;
        let is_confirmed = match answers.next() {
            None | Some(Value::Int(1..)) => true,
            // The script failed, so the answer to WAIT is not about anything that was written.
            _ if Trouble::in_answer(&answer).is_some() => true,
            Some(Value::Int(_)) => self.are_none(server, key).await,
            // A server, or somebody before it, who does not know the command or does not allow it.
            Some(_) => {
                self.learn_none(&home);
                true
            }
        };
        self.learn(&home, |known| known.lags = !is_confirmed);
        Ok((answer, is_confirmed))
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
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        server.wire().run(&[script, Command::keyless("WAIT").arg(1).arg(patience).beside(key)]).await
    }

    /// Whether there is no server that could take over from the one that has this key.
    pub(super) async fn are_none(&self, server: &dyn Server, key: &[u8]) -> bool {
        let home = server.home(key);
        if self.known(&home).none_since.is_some() {
            return true;
        }
        let are_none = has_any(server, key).await != Some(true);
        if are_none {
            self.learn_none(&home);
        }
        are_none
    }

    fn known(&self, home: &str) -> Known {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(home).copied().unwrap_or_default().at(Instant::now())
    }

    fn learn(&self, home: &str, what: impl FnOnce(&mut Known)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(home.to_owned()).or_default();
        *known = known.at(Instant::now());
        what(known);
    }

    fn learn_none(&self, home: &str) {
        self.learn(home, |known| *known = Known { none_since: Some(Instant::now()), was_asked: true, ..*known });
    }
}

/// Whether the server that has this key has replicas; none when it does not say.
async fn has_any(server: &dyn Server, key: &[u8]) -> Option<bool> {
    let Ok(answers) = server.wire().run(&[Command::keyless("ROLE").beside(key)]).await else { return Some(true) };
    replicas_in(answers.first())
}

/// Whether a server has replicas, by its answer to `ROLE`; none when it does not say.
fn replicas_in(role: Option<&Value>) -> Option<bool> {
    match role {
        Some(Value::Array(parts)) if parts.first().and_then(text).as_deref() == Some("master") => {
            Some(!matches!(parts.get(2), Some(Value::Array(replicas)) if replicas.is_empty()))
        }
        Some(Value::ServerError(_)) => None,
        _ => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::super::wire::{Shard, Wire};
    use super::*;

    /// Two masters: the keys of the one begin with `a`, and it has no replica; the other's replica hears of nothing.
    struct Two;

    #[async_trait]
    impl Wire for Two {
        async fn run(&self, commands: &[Command]) -> Result<Vec<Value>, Trouble> {
            let replicas = |key: &[u8]| if key.starts_with(b"a") { vec![] } else { vec![Value::Nil] };
            let answer = |command: &Command| match command.name() {
                b"ROLE" => {
                    let role = Value::BulkString(b"master".to_vec());
                    Value::Array(vec![role, Value::Int(0), Value::Array(replicas(command.key()))])
                }
                b"WAIT" => Value::Int(0),
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
            true
        }

        fn home(&self, key: &[u8]) -> String {
            String::from_utf8_lossy(&key[..1]).into_owned()
        }

        fn wire(&self) -> &dyn Wire {
            self
        }
    }

    #[tokio::test]
    async fn a_master_without_a_replica_says_nothing_of_another() {
        let replicas = Replicas::default();
        for (key, is_confirmed) in [("a1", true), ("b1", false), ("a2", true), ("b2", false)] {
            let make = |_| Command::new("SET", key.as_bytes());
            let written = replicas.run(&Two, key.as_bytes(), &make).await.unwrap();
            assert_eq!(written, (Value::Int(2), is_confirmed), "{key}");
            assert_eq!(replicas.are_none(&Two, key.as_bytes()).await, is_confirmed, "{key}");
        }
    }

    #[test]
    fn that_there_are_none_holds_for_a_while() {
        let since = Instant::now();
        let known = Known { none_since: Some(since), was_asked: true, lags: true };
        let shortly = known.at(since + FORGOTTEN_AFTER / 2);
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
        let word = prop_oneof![Just("master".to_owned()), Just("slave".to_owned()), crate::arbitrary::text()];
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
            prop_assert_eq!(replicas_in(Some(&answer)) == Some(false), says_none);
        }
    }
}
