//! Reads that are tried again, with growing pauses, for a while.

use redis::Value;

use super::command::{Command, Wire};
use super::error::Trouble;
pub use crate::store::retry::Patience;

/// Runs commands that are harmless to run twice, until they were answered.
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
