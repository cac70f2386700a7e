//! Where sessions live: the promises every store keeps, and how a store is found and opened.

mod layout;
mod sqlite;
mod url;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub use layout::{Layout, LayoutChoice};
pub use url::StoreUrl;

use crate::error::Failure;
use crate::session::{Did, Observed};

/// Which of the two kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A user's session.
    Session,
    /// A login that was begun.
    State,
}

/// A record's key in the store, as the store spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey(Vec<u8>);

/// A record as it was found.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its key.
    pub key: RecordKey,
    /// Its value, whatever it is: nothing says that an app wrote it.
    pub value: Vec<u8>,
    /// What the store knows of its age.
    pub observed: Observed,
}

/// A store of sessions and pending states.
///
/// Every method promises: it creates nothing (no file, table or key), it does not block the app, and an error names the
/// store.
#[async_trait]
pub trait Store: Send + Sync {
    /// The layout in use.
    fn layout(&self) -> &Layout;

    /// Streams every record of a kind: each that exists during the whole scan exactly once, in no order. The scan ends
    /// with an error rather than early.
    fn scan(&self, kind: Kind) -> Scan;

    /// Every session of an account.
    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Stored>>;
}

/// Records arriving in batches, so that memory does not grow with their number.
pub struct Scan(mpsc::Receiver<ScanMessage>);

/// What a scanning task sends.
enum ScanMessage {
    Batch(Vec<Stored>),
    Failed(anyhow::Error),
    /// Says that all was sent: a channel that merely closes means that the scanning task died.
    End,
}

impl Scan {
    /// The next records; none when all were seen.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<Stored>>> {
        match self.0.recv().await {
            Some(ScanMessage::Batch(records)) => Ok(Some(records)),
            Some(ScanMessage::End) => Ok(None),
            Some(ScanMessage::Failed(error)) => Err(error),
            None => anyhow::bail!("the scan of the store ended before its end"),
        }
    }
}

impl RecordKey {
    /// A key that is text.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

/// Opens the store at this address under this layout.
pub fn open(url: &StoreUrl, layout: &LayoutChoice) -> Result<Box<dyn Store>, Failure> {
    match url {
        StoreUrl::Sqlite(path) => Ok(Box::new(sqlite::SqliteStore::open(path, layout)?)),
    }
}
