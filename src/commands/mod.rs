//! Commands. The path of a module is the path of its command.

mod census;
mod check;
pub mod completions;
pub mod doctor;
pub mod gen_jwk;
pub mod init;
pub mod jwks;
pub mod keys;
pub mod man;
pub mod metadata;
pub mod schema;
pub mod sessions;
pub mod states;
mod table;

mod empty_store;
mod ending;
mod findings;
mod kid;
mod last_count;
mod metrics;
mod output;
mod publish;
mod shared_keys;
mod wait;
