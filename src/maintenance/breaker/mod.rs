//! Circuit breakers of a run: one for each issuer and client key, and one for the store.

mod issuer;
mod store;

pub use issuer::Canaries;
pub(super) use issuer::{Group, Leave, Objection, Verdict};
pub use store::Health;
