//! The client metadata document (RFC 7591 section 2, draft-ietf-oauth-client-id-metadata-document,
//! atproto OAuth profile): built from what the operator says, and checked by the rules that servers
//! refuse clients by.
//!
//! A document is checked as the JSON it is, never as a parsed type: an operator who checks one
//! wants every violation, not the first.

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
