//! Record formats of client libraries.

mod edit;
pub(super) mod node;
mod recognise;

pub use edit::{NewTokens, Record, fingerprint};
pub use node::{AuthMethod, NodeSession, NodeState};
pub use recognise::{RecordKind, is_nobodys};
