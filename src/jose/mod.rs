//! Keys: JWK, kid and thumbprint (RFC 7517, RFC 7638), the key set and its rules, compact JWS.
//! Pure: no I/O, no clock, no terminal.

mod client_key;
mod dpop_key;
mod forms;
mod jws;
mod keyset;
mod kid;
#[cfg(test)]
mod properties;
mod read;

pub use client_key::{ClientKey, PublicJwks};
pub use dpop_key::{DpopKey, PublicEcJwk, is_ec_thumbprint};
pub use forms::KeyForm;
pub use jws::Alg;
pub use keyset::{KeySet, KeyState, ThumbprintMatch};
pub use kid::Kid;
pub use read::{NotAKey, parse_keys, read_keys};
