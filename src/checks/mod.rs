//! Checks of `doctor`, one subject per file. All inputs are passed in, and results are
//! [`Finding`]s. Independent of the context and the terminal.

pub mod clock;
mod finding;
pub mod jwks;
pub mod keeping;
pub mod keys;
pub mod login;
pub mod metadata;
pub mod owners;
#[cfg(test)]
mod properties;
pub mod recovery;
mod served;
pub mod server;
pub mod sessions;
pub mod settings;
pub mod store;

pub use finding::{Finding, Severity, Topic};
pub use keys::LocalKeys;
