//! Looks up the master with the help of the sentinels. They disagree during a failover, while the
//! old master may still answer and accept writes. The sentinel with the highest configuration epoch
//! is right.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::Value;
use redis::aio::MultiplexedConnection;
use tokio::time::timeout;

use super::address::Endpoint;
use super::dial::{self, Dialer};
use super::error::{ClientError, text};

/// Time to wait for other sentinels after a majority has answered.
const STRAGGLERS: Duration = Duration::from_millis(300);
/// Timeout for a sentinel that is not in the address: it may be unreachable from here.
const UNNAMED: Duration = Duration::from_secs(2);
/// Silence of the master in milliseconds after which a sentinel will soon regard it as lost.
const SILENCE: u64 = 3000;

/// Sentinels of one master.
pub struct Sentinels {
    dialer: Dialer,
    endpoints: Vec<Endpoint>,
    master: String,
    /// Sentinels named by others that did not answer. They are not tried again.
    out_of_reach: Mutex<HashSet<Endpoint>>,
}

/// Answer of one sentinel.
#[derive(Clone, Debug)]
struct SentinelAnswer {
    master: Endpoint,
    epoch: u64,
    /// True if it sees a failover, or agrees with others that the master is down.
    is_failing_over: bool,
    /// True if it cannot reach the master.
    misses_master: bool,
    others: Vec<Endpoint>,
}

/// Combined answers of the sentinels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    pub master: Endpoint,
    /// Configuration epoch, which grows with each failover.
    pub epoch: u64,
    /// Reason for which the master may change in a moment.
    pub doubt: Option<String>,
    /// True if all sentinels have answered.
    pub is_complete: bool,
}

impl Sentinels {
    pub fn new(dialer: Dialer, endpoints: Vec<Endpoint>, master: String) -> Self {
        Self { dialer, endpoints, master, out_of_reach: Mutex::default() }
    }

    /// Connects to the newest named server that itself reports the role of master.
    pub async fn dial_master(
        &self,
        dialer: &Arc<Dialer>,
    ) -> Result<(MultiplexedConnection, Endpoint), ClientError> {
        let (mut answers, error) = self.ask_named().await;
        let mut last =
            error.unwrap_or_else(|| ClientError::unreached("the address has no sentinel"));
        answers.sort_by_key(|answer| std::cmp::Reverse(answer.epoch));
        let mut tried = HashSet::new();
        for SentinelAnswer { master, .. } in answers {
            if !tried.insert(master.clone()) {
                continue;
            }
            match self.greet(dialer, &master).await {
                Ok(connection) => return Ok((connection, master)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Asks all sentinels, including those that are not in the address.
    pub async fn opinion(&self) -> Result<Opinion, ClientError> {
        let (mut answers, error) = self.ask_named().await;
        let heard = answers.len();
        let mut asked: HashSet<_> = self.endpoints.iter().cloned().collect();
        let mut is_complete = heard == self.endpoints.len();
        let others: Vec<_> = answers.iter().flat_map(|answer| answer.others.clone()).collect();
        let mut more = FuturesUnordered::new();
        for other in others {
            if !asked.insert(other.clone()) {
                continue;
            }
            if self.out_of_reach().contains(&other) {
                is_complete = false;
                continue;
            }
            more.push(async move { (timeout(UNNAMED, self.ask(&other)).await, other) });
        }
        while let Some((answer, other)) = more.next().await {
            if let Ok(Ok(answer)) = answer {
                answers.push(answer);
            } else {
                is_complete = false;
                self.out_of_reach().insert(other);
            }
        }
        drop(more);
        let doubt = (heard * 2 <= self.endpoints.len())
            .then(|| format!("only {heard} of {} sentinels answer", self.endpoints.len()));
        let opinion = Self::conclude(&answers, doubt, is_complete);
        opinion.ok_or_else(|| {
            error.unwrap_or_else(|| ClientError::unreached("the address has no sentinel"))
        })
    }

    fn conclude(
        answers: &[SentinelAnswer],
        doubt: Option<String>,
        is_complete: bool,
    ) -> Option<Opinion> {
        let best = answers.iter().max_by_key(|answer| answer.epoch)?;
        let missing = answers.iter().filter(|answer| answer.misses_master).count();
        let doubt = doubt.or_else(|| {
            if answers.iter().any(|answer| answer.is_failing_over) {
                Some("the sentinels are making another server the master".to_owned())
            } else if missing * 2 > answers.len() {
                Some("the sentinels do not reach the master".to_owned())
            } else if answers
                .iter()
                .any(|answer| answer.epoch == best.epoch && answer.master != best.master)
            {
                Some("the sentinels name different masters".to_owned())
            } else {
                None
            }
        });
        Some(Opinion { master: best.master.clone(), epoch: best.epoch, doubt, is_complete })
    }

    fn out_of_reach(&self) -> std::sync::MutexGuard<'_, HashSet<Endpoint>> {
        self.out_of_reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the sentinels of the address concurrently. Returns their answers, and the error of the
    /// last one that failed.
    async fn ask_named(&self) -> (Vec<SentinelAnswer>, Option<ClientError>) {
        let mut asked: FuturesUnordered<_> =
            self.endpoints.iter().map(|sentinel| self.ask(sentinel)).collect();
        let (mut answers, mut last) = (Vec::new(), None);
        loop {
            let next = if answers.len() * 2 > self.endpoints.len() {
                timeout(STRAGGLERS, asked.next()).await.unwrap_or_default()
            } else {
                asked.next().await
            };
            match next {
                Some(Ok(answer)) => answers.push(answer),
                Some(Err(error)) => last = Some(error),
                None => return (answers, last),
            }
        }
    }

    async fn ask(&self, sentinel: &Endpoint) -> Result<SentinelAnswer, ClientError> {
        let mut connection = self.dialer.dial(sentinel).await?;
        let question = |name: &str| {
            let mut question = redis::cmd("SENTINEL");
            question.arg(name).arg(&self.master);
            question
        };
        let questions = ["GET-MASTER-ADDR-BY-NAME", "MASTER", "SENTINELS"].map(question);
        let answers = dial::run(&mut connection, &dial::pipeline(questions.iter())).await?;
        let [master, state, others] = &answers[..] else {
            return Err(ClientError::unexpected_reply());
        };
        let master = match master {
            Value::Nil => {
                return Err(ClientError::refusal(
                    "",
                    &format!("{sentinel} does not know the master {:?}", self.master),
                )
                .hint(
                    "check the name of the master in the address: redis+sentinel://HOSTS/MASTER",
                ));
            }
            Value::Array(parts) => {
                let [host, port] = &parts[..] else { return Err(ClientError::unexpected_reply()) };
                let (host, port) = (text(host), text(port).and_then(|port| port.parse().ok()));
                host.zip(port)
                    .map(|(host, port)| Endpoint::Tcp(host, port))
                    .ok_or_else(ClientError::unexpected_reply)?
            }
            answer => {
                return Err(ClientError::in_answer(answer).unwrap_or_else(ClientError::unexpected_reply).hint(
                    "is this a sentinel? redis+sentinel:// needs the sentinels, not the servers",
                ));
            }
        };
        // A user without permission for these still learns the address of the master.
        let member = |name: &str| member(state, name);
        let flags = member("flags").unwrap_or_default();
        let has = |flag: &str| flags.split(',').any(|one| one == flag);
        let silence =
            member("last-ok-ping-reply").and_then(|time| time.parse::<u64>().ok()).unwrap_or(0);
        let others = match others {
            Value::Array(others) => others.iter().filter_map(endpoint).collect(),
            _ => Vec::new(),
        };
        Ok(SentinelAnswer {
            master,
            epoch: member("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0),
            is_failing_over: has("failover_in_progress") || has("o_down"),
            misses_master: has("s_down") || silence > SILENCE,
            others,
        })
    }

    async fn greet(
        &self,
        dialer: &Dialer,
        master: &Endpoint,
    ) -> Result<MultiplexedConnection, ClientError> {
        let mut connection = dialer.dial(master).await?;
        let role = redis::cmd("ROLE");
        let answers = dial::run(&mut connection, &dial::pipeline(std::iter::once(&role))).await?;
        match answers.first() {
            Some(Value::Array(parts))
                if parts.first().and_then(text).as_deref() == Some("master") =>
            {
                Ok(connection)
            }
            // The address may still be right if the user has no permission to ask for the role.
            Some(Value::ServerError(_)) => Ok(connection),
            _ => Err(ClientError::unreached(format!("{master} is not the master at the moment"))),
        }
    }
}

/// Returns a member of an answer in the form of a list of names and values.
fn member(answer: &Value, name: &str) -> Option<String> {
    let Value::Array(parts) = answer else { return None };
    let pairs = parts.chunks_exact(2);
    pairs
        .into_iter()
        .find(|pair| text(&pair[0]).as_deref() == Some(name))
        .and_then(|pair| text(&pair[1]))
}

fn endpoint(answer: &Value) -> Option<Endpoint> {
    let port = member(answer, "port")?.parse().ok()?;
    member(answer, "ip").filter(|ip| !ip.is_empty()).map(|ip| Endpoint::Tcp(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(port: u16, epoch: u64) -> SentinelAnswer {
        let master = Endpoint::Tcp("host".to_owned(), port);
        SentinelAnswer {
            master,
            epoch,
            is_failing_over: false,
            misses_master: false,
            others: Vec::new(),
        }
    }

    fn conclude(answers: &[SentinelAnswer]) -> (u16, bool) {
        let opinion = Sentinels::conclude(answers, None, true).unwrap();
        let Endpoint::Tcp(_, port) = opinion.master else { panic!() };
        (port, opinion.doubt.is_some())
    }

    #[test]
    fn the_highest_epoch_names_the_master() {
        assert_eq!(conclude(&[answer(1, 4), answer(2, 5), answer(1, 4)]), (2, false));
        assert_eq!(conclude(&[answer(1, 5), answer(1, 5), answer(2, 4)]), (1, false));
        assert!(conclude(&[answer(1, 5), answer(2, 5)]).1);
        assert!(Sentinels::conclude(&[], None, true).is_none());
    }

    #[test]
    fn one_sentinel_that_begins_a_fail_over_is_enough_for_doubt() {
        let begins = SentinelAnswer { is_failing_over: true, ..answer(1, 4) };
        assert!(conclude(&[answer(1, 4), answer(1, 4), begins]).1);
    }

    #[test]
    fn one_sentinel_that_misses_the_master_is_not() {
        let missing = || SentinelAnswer { misses_master: true, ..answer(1, 4) };
        assert!(!conclude(&[answer(1, 4), answer(1, 4), missing()]).1);
        assert!(conclude(&[answer(1, 4), missing(), missing()]).1);
    }
}
