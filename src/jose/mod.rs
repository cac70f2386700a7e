//! Keys: JWK, kid and thumbprint (RFC 7517, RFC 7638), the key set and its rules. Pure: no I/O, no clock, no terminal.

mod client_key;
mod forms;
mod keyset;
mod kid;

pub use client_key::{ClientKey, PublicJwks};
pub use forms::{KeyForm, ParsedKeys, parse_keys};
pub use keyset::{KeySet, KeyState, ThumbprintMatch};
pub use kid::Kid;
