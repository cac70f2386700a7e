//! Redis errors: whether the command may have been executed, whether a retry can help, and the
//! user-facing message.

use std::fmt;
use std::io;

use redis::{RedisError, ServerError, Value};

use crate::error::{Failure, failed, usage};
use crate::store::settle::{CommandError, Fate};

/// Failure of the connection, or refusal by the server.
#[derive(Clone, Debug)]
pub struct ClientError {
    pub kind: ErrorKind,
    /// First word of the server's refusal, such as `NOAUTH` or `READONLY`. Empty otherwise.
    code: String,
    message: String,
    hint: Option<&'static str>,
}

/// Certainty about the execution of the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing was sent.
    Unreached,
    /// Sent, but not answered.
    Lost,
    /// The server refused.
    Refused,
    /// Protocol violation. Not retryable.
    UnexpectedReply,
    /// The answer exceeds the size limit.
    TooLarge,
}

/// Words that precede an echo of the command, by Redis and Valkey for unknown commands, and by HTTP
/// interfaces.
const ECHOES: [&str; 2] = ["with args beginning with", "command was"];

/// Permissions that the user needs.
pub const NEEDED: &str = "\
    this user lacks rights: oauthctl needs PING, SCAN, GET, MGET, PTTL, STRLEN, TYPE, and for changes SET, UNLINK, \
    EVAL and EVALSHA, on the app's keys and on oauthctl:*; SELECT for a database of another number; CLUSTER and ASKING \
    for a cluster; and may have ROLE, WAIT and INFO";

impl ClientError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: String::new(), message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Returns the error of commands that were not sent.
    pub fn unreached(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreached, message)
    }

    /// Returns the error of an unexpected answer.
    pub fn unexpected_reply() -> Self {
        Self::new(ErrorKind::UnexpectedReply, "the answer is not a Redis answer")
    }

    /// Returns the error of a refusal.
    pub fn refused(error: &ServerError) -> Self {
        Self::refusal(error.code(), error.details().unwrap_or_default())
    }

    /// Returns the error of a refusal in two parts. Echoes of the command, which may contain
    /// tokens, are removed.
    pub fn refusal(code: &str, details: &str) -> Self {
        let said = format!("{code} {details}");
        let echo = ECHOES.iter().filter_map(|words| said.find(words)).min();
        let message =
            said[..echo.unwrap_or(said.len())].trim().trim_end_matches([',', ';', ':']).to_owned();
        Self { code: code.to_owned(), ..Self::new(ErrorKind::Refused, message) }
    }

    /// Returns the refusal in an answer, if it is one.
    pub fn in_answer(answer: &Value) -> Option<Self> {
        match answer {
            Value::ServerError(error) => Some(Self::refused(error)),
            _ => None,
        }
    }

    /// Marks the error as occurring before anything was sent.
    pub fn before_sending(self) -> Self {
        let kind = if self.kind == ErrorKind::Lost { ErrorKind::Unreached } else { self.kind };
        Self { kind, ..self }
    }

    /// Marks the error as occurring after other commands of the batch were executed.
    pub fn after_sending(self) -> Self {
        Self {
            kind: if self.fate() == Fate::NotExecuted { ErrorKind::Lost } else { self.kind },
            ..self
        }
    }

    /// Classifies an error of commands that were sent.
    pub fn of_sent(error: &RedisError) -> Self {
        if error.kind() == redis::ErrorKind::Parse {
            return Self::unexpected_reply();
        }
        let message = if error.is_timeout() {
            "no answer in time".to_owned()
        } else if error.is_connection_dropped() {
            "the server closed the connection".to_owned()
        } else {
            error.to_string()
        };
        Self::new(ErrorKind::Lost, message)
    }

    /// Checks whether the server refused with this code.
    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// Checks whether the server answers even a PING so while reads succeed.
    pub fn is_about_writing(&self) -> bool {
        self.is("MISCONF")
    }

    /// Checks whether a retry may succeed shortly.
    pub fn may_pass(&self) -> bool {
        const PASSING: [&str; 7] =
            ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "BUSY", "UNBLOCKED"];
        match self.kind {
            ErrorKind::Unreached | ErrorKind::Lost => true,
            ErrorKind::Refused => PASSING.contains(&self.code.as_str()),
            ErrorKind::UnexpectedReply | ErrorKind::TooLarge => false,
        }
    }

    /// Converts the error for the operator.
    pub fn explain(self, place: &impl fmt::Display) -> Failure {
        let (is_usage, hint) = self.advice();
        let hint = self.hint.unwrap_or(hint);
        let problem = match self.kind {
            ErrorKind::Unreached => "cannot connect to the store",
            ErrorKind::Lost => "the connection to the store was lost",
            ErrorKind::Refused => "the store refused",
            ErrorKind::UnexpectedReply => "the store sent an unexpected answer",
            ErrorKind::TooLarge => "the store's answer is too large",
        };
        let failure = if is_usage { usage(problem) } else { failed(problem) };
        let failure = failure.at(place).because(self);
        if hint.is_empty() { failure } else { failure.hint(hint) }
    }

    /// Returns whether the operator's settings are at fault, and a hint.
    fn advice(&self) -> (bool, &'static str) {
        let text = self.message.as_str();
        match self.kind {
            ErrorKind::Unreached => {
                (false, "check the address, and that the server runs and can be reached from here")
            }
            ErrorKind::Lost => (false, "try again; unconfirmed changes were not counted as done"),
            ErrorKind::TooLarge => (false, ""),
            ErrorKind::UnexpectedReply => {
                (true, "is this a Redis? if it expects TLS, use rediss:// instead of redis://")
            }
            ErrorKind::Refused => match self.code.as_str() {
                "NOAUTH" => (
                    true,
                    "the server requires a password: redis://USER:PASSWORD@HOST, or redis://:PASSWORD@HOST",
                ),
                "WRONGPASS" => (true, "check the user and the password in the address"),
                "NOPERM" => (true, NEEDED),
                // The same refusal of a command in a script.
                "ERR" if text.contains("The user executing the script can't") => (true, NEEDED),
                "READONLY" => (true, "this is a read-only replica: use the primary"),
                "OOM" => (
                    false,
                    "the server has reached its maxmemory: free or add memory, then try again",
                ),
                "LOADING" => (false, "the server is still loading its data: try again in a moment"),
                "MISCONF" => {
                    (false, "the server cannot save to its disk and refuses writes: check its log")
                }
                "CLUSTERDOWN" => {
                    (false, "part of the cluster is down: try again when `CLUSTER INFO` says ok")
                }
                "MOVED" | "CROSSSLOT" => {
                    (true, "this is a node of a cluster: use redis+cluster://HOST:PORT/")
                }
                "DENIED" => (
                    true,
                    "the server is in protected mode: it requires a password, or a connection from its host",
                ),
                _ if text.contains("invalid password") || text.contains("AUTH") => {
                    (true, "check the user and the password in the address")
                }
                _ if text.contains("DB index") => {
                    (true, "the server has no database with this number")
                }
                _ => (false, ""),
            },
        }
    }
}

impl CommandError for ClientError {
    fn fate(&self) -> Fate {
        match self.kind {
            ErrorKind::Unreached | ErrorKind::Refused => Fate::NotExecuted,
            ErrorKind::Lost | ErrorKind::UnexpectedReply | ErrorKind::TooLarge => Fate::Unknown,
        }
    }

    fn may_pass(&self) -> bool {
        self.may_pass()
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ClientError {}

/// Returns the error of a failed connection.
pub fn connecting(error: &io::Error, to: &impl fmt::Display) -> ClientError {
    let trouble = ClientError::unreached(format!("{to}: {error}"));
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            trouble.hint("nothing listens there: check host and port, and that the server runs")
        }
        io::ErrorKind::NotFound => trouble.hint("the socket does not exist: check its path"),
        io::ErrorKind::PermissionDenied => {
            trouble.hint("run oauthctl as a user who can use the socket")
        }
        _ => trouble,
    }
}

/// Returns the text of an answer.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Okay => Some("OK".to_owned()),
        _ => None,
    }
}
