//! PostgreSQL errors: whether the statement may have been executed, whether a retry can help, and
//! the user-facing message.

use std::error::Error as _;
use std::fmt;
use std::io;

use tokio_postgres::error::SqlState;

use crate::error::{Failure, failed, usage};
use crate::store::settle::{CommandError, Fate};

/// Error of the server or the connection.
#[derive(Debug)]
pub struct PostgresError {
    fate: Fate,
    may_pass: bool,
    /// True if the command line or the configuration is at fault.
    is_usage: bool,
    /// SQLSTATE of the server.
    code: Option<String>,
    message: String,
    hint: Option<String>,
}

/// Permissions that the role needs, as in README.md.
pub const GRANTS: &str = "GRANT SELECT, UPDATE, DELETE on the table of sessions and SELECT, DELETE on the one of pending \
                          logins, INSERT on both for import";

impl PostgresError {
    /// Returns the error of statements that were not sent.
    pub fn unreached(message: impl Into<String>) -> Self {
        Self {
            fate: Fate::NotExecuted,
            may_pass: true,
            is_usage: false,
            code: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Returns the error of a refusal that no retry changes.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { may_pass: false, ..Self::unreached(message) }
    }

    /// Returns the error of an answer that did not arrive in time.
    pub fn late() -> Self {
        Self { fate: Fate::Unknown, ..Self::unreached("the server has not answered in time") }
    }

    /// Marks the error as that of a transaction that was not committed, so that its effects are
    /// undone.
    pub fn before_commit(mut self) -> Self {
        self.fate = Fate::NotExecuted;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Classifies the error of a statement.
    pub fn of(error: &tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            let lost = Self { fate: Fate::Unknown, ..Self::unreached(cause(error)) };
            // An answer that does not follow the protocol is not worth a retry.
            let is_io = error.is_closed()
                || error.source().is_some_and(<dyn std::error::Error>::is::<io::Error>);
            return Self { may_pass: is_io, ..lost };
        };
        let code = said.code();
        let class = code.code().get(..2).unwrap_or_default();
        // The server closes the connection, possibly after executing the statement.
        let ends = matches!(class, "08" | "57") && *code != SqlState::QUERY_CANCELED;
        let fate = if ends { Fate::Unknown } else { Fate::NotExecuted };
        let may_pass =
            ends || class == "40" || class == "53" || *code == SqlState::LOCK_NOT_AVAILABLE;
        let (is_usage, hint) = advice(code);
        let message = said.message().to_owned();
        Self {
            fate,
            may_pass,
            is_usage,
            code: Some(code.code().to_owned()),
            message,
            hint: hint.map(str::to_owned),
        }
    }

    /// Classifies an error of the authentication, before any statement was sent.
    pub fn of_login(error: &tokio_postgres::Error) -> Self {
        let mut trouble = Self::of(error);
        trouble.fate = Fate::NotExecuted;
        let text = trouble.message.clone();
        match () {
            () if text.contains("password missing") => {
                "the server asks for a password, but the address has none"
                    .clone_into(&mut trouble.message);
                trouble.hint = Some(
                    "write postgres://USER:PASSWORD@HOST/DATABASE, or set PGPASSWORD".to_owned(),
                );
                (trouble.is_usage, trouble.may_pass) = (true, false);
            }
            () if text.contains("does not support TLS") => {
                "the server does not encrypt".clone_into(&mut trouble.message);
                trouble.hint = Some(
                    "add sslmode=disable to the address if tokens and keys may be sent unencrypted on this network"
                        .to_owned(),
                );
                (trouble.is_usage, trouble.may_pass) = (true, false);
            }
            () if text.contains("certificate") || text.contains("UnknownIssuer") => {
                trouble.hint = Some(certificate_hint(&text).to_owned());
                (trouble.is_usage, trouble.may_pass) = (true, false);
            }
            // Wording of PgBouncer.
            () if text.contains("unsupported startup parameter") => {
                trouble.hint = Some(
                    "the pooler does not take it: remove it from the address (or from PGOPTIONS), or add it to \
                     ignore_startup_parameters of the pooler"
                        .to_owned(),
                );
                (trouble.is_usage, trouble.may_pass) = (true, false);
            }
            () => {}
        }
        trouble
    }

    /// Checks whether the role lacks permission.
    pub fn is_forbidden(&self) -> bool {
        self.code.as_deref() == Some(SqlState::INSUFFICIENT_PRIVILEGE.code())
    }

    /// Checks whether the server lacks a feature or does not permit it.
    pub fn is_refusal(&self) -> bool {
        let class = self.code.as_deref().and_then(|code| code.get(..2));
        matches!(class, Some("0A" | "42"))
    }

    /// Checks whether the error is the same for any connection.
    pub fn is_final(&self) -> bool {
        let class = self.code.as_deref().and_then(|code| code.get(..2));
        let is_read_only = self.code.as_deref() == Some(SqlState::READ_ONLY_SQL_TRANSACTION.code());
        match class {
            Some(class) => is_read_only || matches!(class, "22" | "23" | "42"),
            None => !self.may_pass && self.fate == Fate::NotExecuted,
        }
    }

    /// Converts the error for the operator.
    pub fn explain(self, place: &impl fmt::Display) -> Failure {
        let failure =
            if self.is_usage { usage(self.message) } else { failed(self.message) }.at(place);
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Returns the innermost cause, which is the clearest.
fn cause(error: &tokio_postgres::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_closed() { "the connection was closed".to_owned() } else { innermost.to_string() }
}

fn certificate_hint(text: &str) -> &'static str {
    if text.contains("UnknownIssuer")
        || text.contains("SelfSigned")
        || text.contains("CaUsedAsEndEntity")
    {
        "the server's certificate is from a private authority: set sslrootcert in the address, or `ca_file` under [network] in oauthctl.toml"
    } else {
        "the certificate does not match: check the host name and the clocks"
    }
}

/// Returns whether the configuration is at fault, and a hint, by SQLSTATE.
fn advice(code: &SqlState) -> (bool, Option<&'static str>) {
    match *code {
        SqlState::INVALID_PASSWORD => (true, Some("check the user and password of the address")),
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            (true, Some("check the user of the address, sslmode, and the server's pg_hba.conf"))
        }
        SqlState::INVALID_CATALOG_NAME => {
            (true, Some("check the name of the database at the end of the address"))
        }
        SqlState::INSUFFICIENT_PRIVILEGE => (true, Some(GRANTS)),
        SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::INVALID_SCHEMA_NAME => {
            (true, Some("check --layout; was a table renamed?"))
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => (
            false,
            Some("this is a standby, or a read-only role or database: use the primary server"),
        ),
        SqlState::QUERY_CANCELED => {
            (false, Some("a statement_timeout of the role or database is too short"))
        }
        SqlState::TOO_MANY_CONNECTIONS => {
            (false, Some("the server or its pooler has no connection left; try again later"))
        }
        SqlState::PROTOCOL_VIOLATION => {
            (false, Some("is there a pooler in between? check its log"))
        }
        SqlState::STRING_DATA_RIGHT_TRUNCATION => {
            (false, Some("the column is too short: give it the type text"))
        }
        _ => (false, None),
    }
}

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::of(&error)
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl CommandError for PostgresError {
    fn fate(&self) -> Fate {
        self.fate
    }

    fn may_pass(&self) -> bool {
        self.may_pass
    }
}
