//! Records arriving in batches, so that memory does not grow with their number.

use tokio::sync::mpsc;

use super::Stored;

/// Batches read ahead of the consumer.
const BATCHES_AHEAD: usize = 4;

/// The receiving end of a scan.
pub struct Scan(mpsc::Receiver<Message>);

/// The sending end, which the store's task holds.
#[derive(Clone)]
pub(super) struct ScanSender(mpsc::Sender<Message>);

enum Message {
    Batch(Vec<Stored>),
    /// All was sent, or the scan failed. A channel that merely closes means that the scanning task
    /// died.
    End(anyhow::Result<()>),
}

/// The consumer has seen enough.
pub(super) struct ConsumerGone;

impl Scan {
    /// Both ends.
    pub(super) fn channel() -> (ScanSender, Self) {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        (ScanSender(sender), Self(receiver))
    }

    /// Returns the next records; none when all were seen.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<Stored>>> {
        match self.0.recv().await {
            Some(Message::Batch(records)) => Ok(Some(records)),
            Some(Message::End(outcome)) => outcome.map(|()| None),
            None => anyhow::bail!("the scan of the store ended before its end"),
        }
    }
}

impl ScanSender {
    /// Hands records over from a thread that may block.
    pub(super) fn blocking_send(&self, records: Vec<Stored>) -> Result<(), ConsumerGone> {
        self.0.blocking_send(Message::Batch(records)).map_err(|_| ConsumerGone)
    }

    /// Ends the scan, from a thread that may block.
    pub(super) fn blocking_end(self, outcome: anyhow::Result<()>) {
        let _ = self.0.blocking_send(Message::End(outcome));
    }

    /// Hands records over.
    pub(super) async fn send(&self, records: Vec<Stored>) -> Result<(), ConsumerGone> {
        self.0.send(Message::Batch(records)).await.map_err(|_| ConsumerGone)
    }

    /// Waits until the consumer is gone.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }

    /// Ends the scan.
    pub(super) async fn end(self, outcome: anyhow::Result<()>) {
        let _ = self.0.send(Message::End(outcome)).await;
    }
}
