//! Streams of records in batches, with bounded memory.

use tokio::sync::mpsc;

use super::Stored;

/// Number of batches read ahead of the receiver.
const BATCHES_AHEAD: usize = 4;

/// Receiving end of a scan.
pub struct Scan(mpsc::Receiver<Message>);

/// Sending end of a scan, held by the store's task.
#[derive(Clone)]
pub(super) struct ScanSender(mpsc::Sender<Message>);

enum Message {
    Batch(Vec<Stored>),
    /// End of the scan. A channel closed without it means that the scanning task died.
    End(anyhow::Result<()>),
}

/// Error: the receiver was dropped.
pub(super) struct ConsumerGone;

impl Scan {
    /// Creates both ends.
    pub(super) fn channel() -> (ScanSender, Self) {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        (ScanSender(sender), Self(receiver))
    }

    /// Returns the next records, `None` at the end.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<Stored>>> {
        match self.0.recv().await {
            Some(Message::Batch(records)) => Ok(Some(records)),
            Some(Message::End(outcome)) => outcome.map(|()| None),
            None => anyhow::bail!("the scan of the store ended too early"),
        }
    }
}

impl ScanSender {
    /// Sends records from a blocking thread.
    pub(super) fn blocking_send(&self, records: Vec<Stored>) -> Result<(), ConsumerGone> {
        self.0.blocking_send(Message::Batch(records)).map_err(|_| ConsumerGone)
    }

    /// Ends the scan from a blocking thread.
    pub(super) fn blocking_end(self, outcome: anyhow::Result<()>) {
        let _ = self.0.blocking_send(Message::End(outcome));
    }

    /// Sends records.
    pub(super) async fn send(&self, records: Vec<Stored>) -> Result<(), ConsumerGone> {
        self.0.send(Message::Batch(records)).await.map_err(|_| ConsumerGone)
    }

    /// Waits until the receiver is dropped.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }

    /// Ends the scan.
    pub(super) async fn end(self, outcome: anyhow::Result<()>) {
        let _ = self.0.send(Message::End(outcome)).await;
    }
}
