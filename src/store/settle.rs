//! Writes whose reply was lost: the value is read again, and says what became of them.

use super::Written;

/// What became of a command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was not executed: it was never sent, or the server refused it.
    NotExecuted,
    /// It was sent, and no reply says what became of it.
    Unknown,
}

/// An error of a store's client.
pub trait CommandError {
    /// Returns what is known of the command.
    fn fate(&self) -> Fate;

    /// Returns whether the same command may succeed in a moment.
    fn may_pass(&self) -> bool;
}

/// A write of one value that takes place only in the place of another.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// The value that it replaces; none where it creates one.
    pub before: Option<&'a [u8]>,
    /// The value that it writes.
    pub after: &'a [u8],
}

/// Outcome of one attempt.
pub enum Attempt<E> {
    /// The store has the new value, or never gets it from this write.
    Settled(Written),
    /// Nothing was written, and the same may be tried again.
    NotDone(E),
}

impl Change<'_> {
    /// Returns what the value that is there now proves; none where the write was not done.
    fn outcome(&self, now: Option<&[u8]>) -> Option<Written> {
        match now {
            Some(now) if now == self.after => Some(Written::Done),
            now if now == self.before => None,
            Some(_) => Some(Written::Changed),
            None => Some(Written::Gone),
        }
    }
}

/// Makes one attempt at a write. Where its reply is lost, `read_again` settles it; where even that
/// fails, the loss is the error.
pub async fn settle<E: CommandError, V: AsRef<[u8]>>(
    change: Change<'_>,
    write: impl Future<Output = Result<Written, E>>,
    read_again: impl Future<Output = Result<Option<V>, E>>,
) -> Result<Attempt<E>, E> {
    let error = match write.await {
        Ok(written) => return Ok(Attempt::Settled(written)),
        Err(error) => error,
    };
    if error.fate() == Fate::NotExecuted {
        return Ok(Attempt::NotDone(error));
    }
    let Ok(now) = read_again.await else { return Err(error) };
    Ok(change
        .outcome(now.as_ref().map(AsRef::as_ref))
        .map_or(Attempt::NotDone(error), Attempt::Settled))
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
        let change = Change { before, after: b"new" };
        match settle(change, async { Err(Lost) }, async { now }).await {
            Ok(Attempt::Settled(written)) => Some(written),
            Ok(Attempt::NotDone(Lost)) => None,
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
