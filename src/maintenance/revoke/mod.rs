//! Ends sessions at the server, with proof, and then removes their records.
//!
//! A 200 from the revocation endpoint proves nothing (RFC 7009 section 2.2).

mod proof;
mod revoker;
mod run;

pub use revoker::{RevokeResult, Revoked, Revoker, StillMeant};
