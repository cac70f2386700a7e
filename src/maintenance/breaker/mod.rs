//! Circuit breakers of a run: one per issuer and client key, and one for the store.

mod issuer;
mod state;
mod store;

pub use issuer::IssuerBreakers;
pub(super) use issuer::{Group, Permit};
pub(super) use state::{Conclusion, Objection};
pub use store::StoreBreaker;
