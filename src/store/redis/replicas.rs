//! Servers that take over from one that fails know only what had reached them. Whether a write has, is asked for in the
//! same go (`WAIT`), since a server confirms before its replicas know.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::Value;

use super::trouble::{Trouble, text};
use super::wire::{Command, Wire};

/// How long a write may take to reach a replica. Usually it takes a round trip.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long where the write before took longer: nobody else is answered on this connection meanwhile.
const SHORT_PATIENCE: Duration = Duration::from_millis(10);

/// What is known of a server's replicas.
#[derive(Default)]
pub(super) struct Replicas {
    /// There are none, or the server does not say: nothing more is asked.
    none: AtomicBool,
    /// The server was asked whether it has any, before the first write: to wait for one that is not there would keep the
    /// app waiting, too.
    asked: AtomicBool,
    /// The last write had not reached any in time.
    lag: AtomicBool,
}

impl Replicas {
    /// Runs a script that writes under a key, in full where the server does not know it. Returns its answer, and whether
    /// what it wrote has reached a replica, where there is one.
    pub(super) async fn run(
        &self,
        wire: &dyn Wire,
        key: &[u8],
        script: &(dyn Fn(bool) -> Command + Send + Sync),
    ) -> Result<(Value, bool), Trouble> {
        if !self.asked.swap(true, Ordering::Relaxed) && self.has_any(wire, key).await == Some(false) {
            self.have_none();
        }
        let mut answers = self.run_once(wire, key, script(false)).await?;
        if answers.first().and_then(Trouble::in_answer).is_some_and(|trouble| trouble.is("NOSCRIPT")) {
            answers = self.run_once(wire, key, script(true)).await?;
        }
        let mut answers = answers.into_iter();
        let answer = answers.next().ok_or_else(Trouble::nonsense)?;
        let is_confirmed = match answers.next() {
            None | Some(Value::Int(1..)) => true,
            // It did not do the one; what it says of the other means nothing.
            _ if Trouble::in_answer(&answer).is_some() => true,
            Some(Value::Int(_)) => self.are_none(wire, key).await,
            // A server, or somebody before it, who does not know the command or does not allow it.
            Some(_) => self.have_none(),
        };
        self.lag.store(!is_confirmed, Ordering::Relaxed);
        Ok((answer, is_confirmed))
    }

    async fn run_once(&self, wire: &dyn Wire, key: &[u8], script: Command) -> Result<Vec<Value>, Trouble> {
        if self.none.load(Ordering::Relaxed) {
            return wire.run(&[script]).await;
        }
        // The same connection: a server waits for what this client wrote.
        let patience = if self.lag.load(Ordering::Relaxed) { SHORT_PATIENCE } else { PATIENCE };
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        wire.run(&[script, Command::keyless("WAIT").arg(1).arg(patience).beside(key)]).await
    }

    /// Whether there is no server that could take over from the one that has this key.
    pub(super) async fn are_none(&self, wire: &dyn Wire, key: &[u8]) -> bool {
        self.none.load(Ordering::Relaxed) || (self.has_any(wire, key).await != Some(true) && self.have_none())
    }

    /// Whether the server that has this key has replicas; none when it does not say.
    async fn has_any(&self, wire: &dyn Wire, key: &[u8]) -> Option<bool> {
        let Ok(answers) = wire.run(&[Command::keyless("ROLE").beside(key)]).await else { return Some(true) };
        replicas_in(answers.first())
    }

    fn have_none(&self) -> bool {
        self.none.store(true, Ordering::Relaxed);
        true
    }
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
