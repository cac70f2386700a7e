//! Asking sentinels where the master is.

use std::sync::Arc;

use redis::Value;
use redis::aio::MultiplexedConnection;

use super::address::Endpoint;
use super::dial::{self, Dialer};
use super::trouble::{Trouble, text};

/// The sentinels of one master.
pub(super) struct Sentinels {
    pub(super) dialer: Dialer,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) master: String,
}

impl Sentinels {
    /// Connects to the master: the first that a sentinel names and that itself says it is one. During a fail-over
    /// sentinels disagree, and an old master may still answer.
    pub(super) async fn dial_master(&self, dialer: &Arc<Dialer>) -> Result<MultiplexedConnection, Trouble> {
        let mut last = Trouble::unreached("no sentinel is named");
        for sentinel in &self.endpoints {
            let found = match self.ask(sentinel).await {
                Ok(master) => self.greet(dialer, &master).await,
                Err(trouble) => Err(trouble),
            };
            match found {
                Ok(connection) => return Ok(connection),
                Err(trouble) => last = trouble,
            }
        }
        Err(last)
    }

    async fn ask(&self, sentinel: &Endpoint) -> Result<Endpoint, Trouble> {
        let mut connection = self.dialer.dial(sentinel).await?;
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let answers = dial::run(&mut connection, &dial::pipeline(std::iter::once(&question))).await?;
        match answers.first() {
            Some(Value::Nil) => Err(Trouble::refusal("", &format!("{sentinel} knows no master {:?}", self.master))
                .hint("check the name of the master in the address: redis+sentinel://HOSTS/MASTER")),
            Some(Value::Array(parts)) => {
                let [host, port] = &parts[..] else { return Err(Trouble::nonsense()) };
                let (host, port) = (text(host), text(port).and_then(|port| port.parse().ok()));
                host.zip(port).map(|(host, port)| Endpoint::Tcp(host, port)).ok_or_else(Trouble::nonsense)
            }
            Some(answer) => Err(Trouble::in_answer(answer)
                .unwrap_or_else(Trouble::nonsense)
                .hint("is this a sentinel? redis+sentinel:// names the sentinels, not the servers")),
            None => Err(Trouble::nonsense()),
        }
    }

    async fn greet(&self, dialer: &Dialer, master: &Endpoint) -> Result<MultiplexedConnection, Trouble> {
        let mut connection = dialer.dial(master).await?;
        let role = redis::cmd("ROLE");
        let answers = dial::run(&mut connection, &dial::pipeline(std::iter::once(&role))).await?;
        match answers.first() {
            Some(Value::Array(parts)) if parts.first().and_then(text).as_deref() == Some("master") => Ok(connection),
            // A user who may not ask for the role may still be right.
            Some(Value::ServerError(_)) => Ok(connection),
            _ => Err(Trouble::unreached(format!("{master} is not the master at the moment"))),
        }
    }
}
