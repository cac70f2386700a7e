//! Writes to rows that are unchanged since they were read, each in one transaction.

use futures_util::future::try_join_all;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::error::PostgresError;
use super::read::wrapped;
use super::relation::{Holds, Rows};
use super::server::{self, Connection, Server};
use crate::store::retry::Backoff;
use crate::store::settle::{CommandError as _, ConditionalWrite, Fate, WriteAttempt, settle};
use crate::store::{Kind, Stored, Unreadable, Written};

/// Start of a transaction, with a limited wait for locks of other transactions.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'";

/// Makes the commit durable, independent of the role's settings. A stricter setting is kept.
pub(super) const DURABLE: &str = "SELECT pg_catalog.set_config('synchronous_commit', 'on', true) \
                                  WHERE pg_catalog.current_setting('synchronous_commit') IN ('off', 'local')";

/// Result of an update inside a transaction.
pub(super) enum Updated {
    /// One row was changed. To be committed.
    One,
    /// No row was changed, for this reason.
    None(Written),
}

/// Parameters of conditional statements: key, value as read, new value.
struct Values {
    key: String,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Values {
    fn new(read: &Stored, new: &[u8]) -> Self {
        let (key, before) = (read.key.text().into_owned(), read.version().to_vec());
        Self { key, before, after: wrapped(read, new) }
    }
}

/// Returns a value parameter in the type of its column.
fn value<'v>(
    rows: &Rows,
    bytes: &'v Vec<u8>,
    text: &'v mut String,
) -> Result<&'v (dyn ToSql + Sync), PostgresError> {
    if rows.holds == Holds::Bytes {
        return Ok(bytes);
    }
    let found = std::str::from_utf8(bytes);
    found
        .map_err(|_| {
            PostgresError::refused("the record is not text, but the column contains text")
        })?
        .clone_into(text);
    Ok(text)
}

/// Refuses a value that is too long for the column.
pub(super) fn check_length(rows: &Rows, new: &[u8]) -> Result<(), PostgresError> {
    let length = String::from_utf8_lossy(new).chars().count();
    match rows.limit {
        Some(limit) if length > limit => Err(PostgresError::refused(format!(
            "the record has {length} characters, but column {} of table {} is limited to {limit}",
            rows.table.value, rows.relation.name
        ))
        .hint("give the column the type text")),
        _ => Ok(()),
    }
}

/// Updates the row inside a transaction.
pub(super) async fn update(
    client: &Client,
    rows: &Rows,
    read: &Stored,
    new: &[u8],
) -> Result<Updated, PostgresError> {
    let values = Values::new(read, new);
    check_length(rows, &values.after)?;
    let (mut before, mut after) = (String::new(), String::new());
    let [before, after] =
        [value(rows, &values.before, &mut before)?, value(rows, &values.after, &mut after)?];
    let of_value = rows.value_type();
    let parameters =
        [(&values.key as _, Type::TEXT), (before, of_value.clone()), (after, of_value)];
    match server::execute(client, &rows.update(), &parameters).await? {
        1 => return Ok(Updated::One),
        0 => {}
        _ => {
            return Err(PostgresError::refused(
                "several rows contain the same record; nothing was written",
            ));
        }
    }
    let found = server::query(client, &rows.compare(), &parameters).await?;
    let is_as_read =
        |row: &tokio_postgres::Row| row.try_get(0).unwrap_or(None::<bool>) == Some(true);
    if found.iter().any(is_as_read) {
        return Err(PostgresError::refused(format!(
            "table {} ignored the update without an error",
            rows.relation.name
        ))
        .hint("check triggers and row-level security policies for this role"));
    }
    Ok(Updated::None(if found.is_empty() { Written::Gone } else { Written::Changed }))
}

/// Replaces a record in a transaction of its own.
pub(super) async fn replace(
    server: &Server,
    rows: &Rows,
    read: &Stored,
    new: &[u8],
) -> Result<Written, PostgresError> {
    let values = Values::new(read, new);
    let change = ConditionalWrite { before: Some(&values.before), after: &values.after };
    let mut backoff = Backoff::new();
    loop {
        let attempt = settle(
            change,
            replace_once(server, rows, read, new),
            read_again(server, rows, &values),
        );
        match attempt.await? {
            WriteAttempt::Settled(written) => return Ok(written),
            WriteAttempt::NotDone(error) => backoff.after(error).await?,
        }
    }
}

async fn replace_once(
    server: &Server,
    rows: &Rows,
    read: &Stored,
    new: &[u8],
) -> Result<Written, PostgresError> {
    let client = server.client().await?;
    let updated = async {
        begin(&client).await?;
        update(&client, rows, read, new).await
    };
    match updated.await {
        Ok(Updated::One) => commit(server, client).await.map(|()| Written::Done),
        Ok(Updated::None(why)) => {
            roll_back(server, client).await;
            Ok(why)
        }
        Err(error) => {
            roll_back(server, client).await;
            Err(error.before_commit())
        }
    }
}

/// Settles a commit whose answer was lost, by reading the value again.
pub(super) async fn settle_commit(
    server: &Server,
    rows: &Rows,
    read: &Stored,
    new: &[u8],
) -> Result<Option<Written>, PostgresError> {
    let values = Values::new(read, new);
    let change = ConditionalWrite { before: Some(&values.before), after: &values.after };
    let lost = async { Err(PostgresError::late()) };
    Ok(match settle(change, lost, read_again(server, rows, &values)).await? {
        WriteAttempt::Settled(written) => Some(written),
        WriteAttempt::NotDone(_) => None,
    })
}

/// Returns the current value: exactly the bytes of the change if the column contains them in its
/// own notation.
async fn read_again(
    server: &Server,
    rows: &Rows,
    values: &Values,
) -> Result<Option<Vec<u8>>, PostgresError> {
    let (mut before, mut after) = (String::new(), String::new());
    let [is_before, is_after] =
        [value(rows, &values.before, &mut before)?, value(rows, &values.after, &mut after)?];
    let of_value = rows.value_type();
    let parameters =
        [(&values.key as _, Type::TEXT), (is_before, of_value.clone()), (is_after, of_value)];
    let found = server.query(&rows.compare(), &parameters).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let is = |at: usize| row.try_get(at).map(|same: Option<bool>| same == Some(true));
    Ok(Some(match (is(0)?, is(1)?) {
        (_, true) => values.after.clone(),
        (true, false) => values.before.clone(),
        (false, false) => Vec::new(),
    }))
}

/// Dry run of an update, on a non-existing key.
pub(super) async fn dry_run(
    server: &Server,
    rows: &Rows,
    nobody: &Stored,
) -> Result<(), PostgresError> {
    let mut backoff = Backoff::new();
    loop {
        let client = server.client().await?;
        let tried = async {
            begin(&client).await?;
            update(&client, rows, nobody, b"{}").await
        };
        let tried = tried.await;
        roll_back(server, client).await;
        match tried {
            Ok(_) => return Ok(()),
            Err(error) => backoff.after(error.before_commit()).await?,
        }
    }
}

/// Inserts a record. Returns false if the key exists.
pub(super) async fn create(
    server: &Server,
    rows: &Rows,
    (key, did): (&str, &str),
    new: &[u8],
    written_at: f64,
) -> Result<bool, PostgresError> {
    check_length(rows, new)?;
    let (bytes, mut text) = (new.to_vec(), String::new());
    let new = value(rows, &bytes, &mut text)?;
    let key_parameter = (&key as &(dyn ToSql + Sync), Type::TEXT);
    let parameters =
        [key_parameter, (new, rows.value_type()), (&written_at, Type::FLOAT8), (&did, Type::TEXT)];
    let mut backoff = Backoff::new();
    let mut was_lost = false;
    loop {
        let client = server.client().await?;
        let inserted = async {
            begin(&client).await?;
            server::execute(&client, &rows.insert(), &parameters).await
        };
        let error = match inserted.await {
            Ok(1) => match commit(server, client).await {
                Ok(()) => return Ok(true),
                Err(error) => {
                    was_lost |= error.fate() == Fate::Unknown;
                    error
                }
            },
            Ok(_) => {
                roll_back(server, client).await;
                // If the answer was lost, the existing record may be the one just written.
                if !was_lost {
                    return Ok(false);
                }
                let compared = [
                    (&key as &(dyn ToSql + Sync), Type::TEXT),
                    (new, rows.value_type()),
                    (new, rows.value_type()),
                ];
                let found = server.query(&rows.compare(), &compared).await?;
                return Ok(
                    found.first().and_then(|row| row.try_get(1).ok().flatten()) == Some(true)
                );
            }
            Err(error) => {
                roll_back(server, client).await;
                error.before_commit()
            }
        };
        backoff.after(error).await?;
    }
}

/// Deletes records that are unchanged since they were listed, all in one transaction.
pub(super) async fn remove(
    server: &Server,
    rows: &Rows,
    kind: Kind,
    records: &[Stored],
) -> Result<Vec<Written>, PostgresError> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mut backoff = Backoff::new();
    let mut lost: Option<Vec<Written>> = None;
    loop {
        let client = server.client().await?;
        let removed = async {
            begin(&client).await?;
            try_join_all(records.iter().map(|record| remove_one(&client, rows, kind, record))).await
        };
        match removed.await {
            Ok(outcomes) => match commit(server, client).await {
                // A missing record was deleted by a commit whose answer was lost.
                Ok(()) => {
                    let before = lost.unwrap_or_else(|| outcomes.clone());
                    let done = |(now, before): (Written, Written)| {
                        if now == Written::Gone && before == Written::Done { before } else { now }
                    };
                    return Ok(outcomes.into_iter().zip(before).map(done).collect());
                }
                Err(error) => {
                    lost = (error.fate() == Fate::Unknown).then_some(outcomes);
                    backoff.after(error).await?;
                }
            },
            Err(error) => {
                roll_back(server, client).await;
                backoff.after(error.before_commit()).await?;
            }
        }
    }
}

async fn remove_one(
    client: &Client,
    rows: &Rows,
    kind: Kind,
    record: &Stored,
) -> Result<Written, PostgresError> {
    let key = record.key.text().into_owned();
    let (before, mut text) = (record.version().to_vec(), String::new());
    let before = value(rows, &before, &mut text)?;
    let parameters = [(&key as &(dyn ToSql + Sync), Type::TEXT), (before, rows.value_type())];
    let sql = rows.delete(kind, record.unreadable == Some(Unreadable::TooLarge));
    match server::execute(client, &sql, &parameters).await? {
        1 => Ok(Written::Done),
        0 => {
            let found = server::query(client, &rows.has_key_sql(), &parameters[..1]).await?;
            Ok(if found.is_empty() { Written::Gone } else { Written::Changed })
        }
        _ => {
            Err(PostgresError::refused("several rows contain the same record; nothing was deleted"))
        }
    }
}

async fn begin(client: &Client) -> Result<(), PostgresError> {
    server::batch(client, &format!("{BEGIN}; {DURABLE}")).await
}

/// Commits. After an error the outcome is open, unless the server reports a rollback.
pub(super) async fn commit(server: &Server, client: Connection) -> Result<(), PostgresError> {
    match server::batch(&client, "COMMIT").await {
        Ok(()) => {
            server.keep(client);
            Ok(())
        }
        Err(error) => {
            server.lost(client, &error);
            Err(error)
        }
    }
}

/// Rolls a transaction back. If that fails, the connection is closed, with the same effect.
pub(super) async fn roll_back(server: &Server, client: Connection) {
    if server::batch(&client, "ROLLBACK").await.is_ok() {
        server.keep(client);
    } else {
        server.count_loss();
    }
}
