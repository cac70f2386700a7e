//! Circuit breakers of a run: one per issuer and client key, and one for the store.

mod issuer;
mod store;

pub use issuer::IssuerBreakers;
pub(super) use issuer::{Conclusion, Group, Objection, Permit};
pub use store::StoreBreaker;
