//! Sessions: record formats, evidence of age, status. Pure: no I/O, no clock, no terminal.

mod access_token;
mod age;
mod bound;
mod client_auth;
mod copies;
mod dependence;
mod did;
mod evidence;
mod filter;
mod format;
mod identifier;
mod note;
#[cfg(test)]
mod properties;
mod renewal;
mod scope;
mod status;
mod summary;
mod transfer;
mod view;

pub use access_token::AccessToken;
pub use age::Age;
pub use bound::{BoundCount, BoundRecords};
pub use client_auth::AuthMethod;
pub use copies::{Comparison, Copies, LayoutTraits, Relation, Repeats};
pub use dependence::KeyDependence;
pub use did::Did;
pub use evidence::{LastRefreshed, Observed};
pub use filter::Filter;
pub use format::{Atcute, FORMATS, Format, Malformed, Node, Recognised, Traces, is_nobodys};
pub use identifier::{ClientId, Issuer};
pub use note::{Note, Presence};
pub use renewal::Renewal;
pub use scope::{ScopeFault, scope_fault};
pub use status::{
    Assessment, KnownKeys, Lifetimes, NO_CLIENT_AUTH, NO_REFRESH_TOKEN, Policy, Status,
    StatusInputs,
};
pub use summary::Summary;
pub use transfer::{Transfer, is_provably_newer};
pub use view::{DpopRef, PendingLogin, Session};
