//! Notes of oauthctl, under keys of its own with a TTL.

use std::time::Duration;

use redis::Value;

use super::client::command::{Command, Server, accepted};
use super::client::error::ClientError;
use super::client::retry;
use super::records::OWN_PREFIX;
use super::scan::refusal;
use super::write::milliseconds;

/// Notes per request.
const BATCH: usize = 500;

fn key(name: &str) -> Vec<u8> {
    format!("{OWN_PREFIX}note:{name}").into_bytes()
}

/// Returns the notes with these names.
pub(super) async fn read(
    server: &dyn Server,
    names: &[String],
) -> Result<Vec<Option<Vec<u8>>>, ClientError> {
    let mut notes = Vec::with_capacity(names.len());
    for names in names.chunks(BATCH) {
        let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
        let answers = if server.has_slots() {
            let commands: Vec<_> = keys.iter().map(|key| Command::new("GET", key)).collect();
            retry::read(server.wire(), &commands).await?
        } else {
            let all = Command::many("MGET", keys.iter().map(Vec::as_slice));
            match retry::read(server.wire(), &[all]).await?.pop().map(accepted).transpose()? {
                Some(Value::Array(answers)) if answers.len() == keys.len() => answers,
                _ => return Err(ClientError::unexpected_reply()),
            }
        };
        for answer in answers {
            notes.push(match answer {
                Value::Nil => None,
                Value::BulkString(note) => Some(note),
                other => return Err(refusal(&other)),
            });
        }
    }
    Ok(notes)
}

/// Writes notes. Idempotent.
pub(super) async fn write(
    server: &dyn Server,
    notes: &[(String, Vec<u8>)],
    lifetime: Duration,
) -> Result<(), ClientError> {
    let set = |(name, note): &(String, Vec<u8>)| {
        Command::new("SET", &key(name)).arg(note.as_slice()).arg("PX").arg(milliseconds(lifetime))
    };
    for notes in notes.chunks(BATCH) {
        run(server, notes.iter().map(set).collect()).await?;
    }
    Ok(())
}

/// Removes notes. Idempotent.
pub(super) async fn remove(server: &dyn Server, names: &[String]) -> Result<(), ClientError> {
    for names in names.chunks(BATCH) {
        run(server, names.iter().map(|name| Command::new("UNLINK", &key(name))).collect()).await?;
    }
    Ok(())
}

async fn run(server: &dyn Server, commands: Vec<Command>) -> Result<(), ClientError> {
    for answer in retry::read(server.wire(), &commands).await? {
        accepted(answer)?;
    }
    Ok(())
}
