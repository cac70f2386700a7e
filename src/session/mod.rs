//! What a session is: record formats, evidence of age, status. Pure: no I/O, no clock, no terminal.

mod age;
mod bound;
mod copies;
mod dependence;
mod did;
mod evidence;
mod filter;
mod format;
mod note;
#[cfg(test)]
mod properties;
mod status;
mod summary;
mod transfer;

pub use age::Age;
pub use bound::{BoundCount, BoundRecords};
pub use copies::{Comparison, Copies, LayoutTraits, Relation, Repeats};
pub use dependence::KeyDependence;
pub use did::Did;
pub use evidence::{LastRefreshed, Observed};
pub use filter::Filter;
pub use format::{AuthMethod, NewTokens, NodeSession, NodeState, Record, RecordKind, fingerprint, is_nobodys};
pub use note::{Note, Presence};
pub use status::{Circumstances, KnownKeys, Lifetimes, NO_REFRESH_TOKEN, Policy, Status, Verdict};
pub use summary::Summary;
pub use transfer::{Transfer, is_provably_newer};
