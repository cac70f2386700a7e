//! Retries of reads, with growing pauses, for a limited time.

use redis::Value;

use super::command::{Command, Wire};
use super::error::Trouble;
pub use crate::store::retry::Patience;

/// Runs idempotent commands until they are answered.
pub async fn read(wire: &dyn Wire, commands: &[Command]) -> Result<Vec<Value>, Trouble> {
    let mut patience = Patience::new();
    loop {
        let trouble = match wire.run(commands).await {
            Ok(answers) => {
                match answers.iter().filter_map(Trouble::in_answer).find(Trouble::may_pass) {
                    None => return Ok(answers),
                    Some(trouble) => trouble,
                }
            }
            Err(trouble) => trouble,
        };
        patience.after(trouble).await?;
    }
}
