//! Settles writes whose reply was lost: the value is read again and shows the outcome.

use super::Written;

/// Execution of a failed command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Not executed: never sent, or refused by the server.
    NotExecuted,
    /// Sent without a reply.
    Unknown,
}

/// Error of a store's client.
pub trait CommandError {
    /// Reports whether the command may have been executed.
    fn fate(&self) -> Fate;

    /// Checks whether the same command may succeed in a moment.
    fn may_pass(&self) -> bool;
}

/// Write of one value that requires a certain current value.
#[derive(Clone, Copy)]
pub struct ConditionalWrite<'a> {
    /// Required current value, `None` if there must be none.
    pub before: Option<&'a [u8]>,
    /// New value.
    pub after: &'a [u8],
}

/// Result of one attempt.
pub enum WriteAttempt<E> {
    /// The outcome is final.
    Settled(Written),
    /// Nothing was written. The attempt may be repeated.
    NotDone(E),
}

impl ConditionalWrite<'_> {
    /// Returns the outcome proved by the current value, `None` if nothing was written.
    fn outcome(&self, now: Option<&[u8]>) -> Option<Written> {
        match now {
            Some(now) if now == self.after => Some(Written::Done),
            now if now == self.before => None,
            Some(_) => Some(Written::Changed),
            None => Some(Written::Gone),
        }
    }
}

/// Makes one attempt at a write. If its reply is lost, `read_again` settles it. If that fails, too,
/// the lost reply is the error.
pub async fn settle<E: CommandError, V: AsRef<[u8]>>(
    change: ConditionalWrite<'_>,
    write: impl Future<Output = Result<Written, E>>,
    read_again: impl Future<Output = Result<Option<V>, E>>,
) -> Result<WriteAttempt<E>, E> {
    let error = match write.await {
        Ok(written) => return Ok(WriteAttempt::Settled(written)),
        Err(error) => error,
    };
    if error.fate() == Fate::NotExecuted {
        return Ok(WriteAttempt::NotDone(error));
    }
    let Ok(now) = read_again.await else { return Err(error) };
    Ok(change
        .outcome(now.as_ref().map(AsRef::as_ref))
        .map_or(WriteAttempt::NotDone(error), WriteAttempt::Settled))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lost;

    impl CommandError for Lost {
        fn fate(&self) -> Fate {
            Fate::Unknown
        }

        fn may_pass(&self) -> bool {
            true
        }
    }

    async fn lost(before: Option<&[u8]>, now: Result<Option<&[u8]>, Lost>) -> Option<Written> {
        let change = ConditionalWrite { before, after: b"new" };
        match settle(change, async { Err(Lost) }, async { now }).await {
            Ok(WriteAttempt::Settled(written)) => Some(written),
            Ok(WriteAttempt::NotDone(Lost)) => None,
            Err(Lost) => panic!("the loss is what is known"),
        }
    }

    #[tokio::test]
    async fn the_value_that_is_there_settles_a_lost_reply() {
        let old: Option<&[u8]> = Some(b"old");
        assert_eq!(lost(old, Ok(old)).await, None);
        assert_eq!(lost(old, Ok(Some(b"new"))).await, Some(Written::Done));
        assert_eq!(lost(old, Ok(Some(b"other"))).await, Some(Written::Changed));
        assert_eq!(lost(old, Ok(None)).await, Some(Written::Gone));
        assert_eq!(lost(None, Ok(None)).await, None);
        assert_eq!(lost(None, Ok(Some(b"new"))).await, Some(Written::Done));
        assert_eq!(lost(None, Ok(old)).await, Some(Written::Changed));
    }

    #[tokio::test]
    #[should_panic(expected = "the loss is what is known")]
    async fn a_loss_that_cannot_be_settled_is_the_error() {
        lost(None, Err(Lost)).await;
    }
}
