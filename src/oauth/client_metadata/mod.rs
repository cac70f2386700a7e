//! Client metadata document (RFC 7591 section 2, draft-ietf-oauth-client-id-metadata-document,
//! atproto OAuth profile): construction, and a check by the rules of servers.
//!
//! The check works on plain JSON and not on a parsed type, so that it reports all faults at once.

mod check;
mod client_id;
mod document;
mod finding;
mod jwks;
mod members;
mod place;
mod uris;

pub use check::{check, check_jwks};
pub use document::{
    Authentication, ClientMetadata, DEFAULT_SCOPE, PublishedKeys, Site, loopback_client_id,
};
pub use finding::{Finding, Severity};
pub use jwks::PRIVATE_MEMBERS;
pub(in crate::oauth) use place::is_local;

#[cfg(test)]
mod tests;
