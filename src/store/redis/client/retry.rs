//! Retries of reads, with growing pauses, for a limited time.

use redis::Value;

use super::command::{Command, Wire};
use super::error::ClientError;
pub use crate::store::retry::Backoff;

/// Runs idempotent commands until they are answered.
pub async fn read(wire: &dyn Wire, commands: &[Command]) -> Result<Vec<Value>, ClientError> {
    let mut backoff = Backoff::new();
    loop {
        let error = match wire.run(commands).await {
            Ok(answers) => {
                match answers.iter().filter_map(ClientError::in_answer).find(ClientError::may_pass)
                {
                    None => return Ok(answers),
                    Some(error) => error,
                }
            }
            Err(error) => error,
        };
        backoff.after(error).await?;
    }
}
