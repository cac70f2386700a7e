//! OAuth client: HTTP with an egress policy, identity, server metadata, DPoP, client assertions,
//! the token endpoint and the client metadata document. Independent of stores; clock and randomness
//! are injected.

mod answers;
mod client_assertion;
pub mod client_metadata;
mod dpop;
mod effects;
mod error_response;
mod http;
mod identity;
mod lookup;
mod network;
mod outcome;
mod probe;
#[cfg(test)]
mod properties;
mod published;
mod push;
mod server;
#[cfg(test)]
mod testing;
mod token;

pub use answers::{Cause, Fate, Upgrading};
pub use client_assertion::Credentials;
pub use effects::{Clock, NetworkSettings, Random};
pub use error_response::{ErrorCode, ErrorResponse};
pub use http::{RateSettings, Served, Skew, objection};
pub use identity::{Handle, INVALID_HANDLE};
pub use lookup::{LookupError, brief};
pub use network::Network;
pub use outcome::{RefreshResponse, Revocation, TokenSet};
pub use published::{Page, Published};
pub use push::{AuthorizationRequest, Pushed};
pub use server::AuthorizationServer;
pub use token::{MAX_NONCE_RETRIES, Refresh, Revoke};
