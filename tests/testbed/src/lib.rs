//! A fake atproto network on loopback, for tests that must not touch a real one.
//!
//! [`Network::start`] brings up what `oauthctl` talks to: a PDS that is its own authorization
//! server, the PLC directory, and the app's published documents. The server enforces what the
//! reference implementation was measured to enforce: a wrong key, a replayed token or a foreign
//! client destroys a session here as it does there. Logins are scripted ([`Network::login`]), time
//! is settable ([`Network::advance`]), everything can be made to fail ([`Fault`]), and the network
//! knows the truth that a store is compared with ([`Network::is_alive_with`]).
//!
//! [`redis`] starts real Redis servers, alone, behind sentinels and as a cluster; [`upstash`] puts
//! a REST interface before one. [`postgres`] starts a real PostgreSQL. [`Proxy`] stands between any
//! client and any server: delays, cuts, refusals.
//!
//! ```
//! use testbed::{Endpoint, Fault, LoginOptions, Network};
//!
//! let net = Network::start_blocking()?;
//! let record = net.login(LoginOptions::default());
//! net.fault_once(Endpoint::Token, Fault::status(503));
//! // … run the program under test …
//! assert!(net.is_alive_with(&record));
//! assert!(net.requests_to(Endpoint::Token).is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The rooms: `server` listens and is the one door for all requests; `issuer` is the authorization
//! server; `directory` knows identities; `documents` is the app's web root; `login` makes sessions;
//! `sessions` is their truth; `faults` and `proxy` break things; `network` is the handle.

mod clock;
mod directory;
mod documents;
mod faults;
mod http;
mod issuer;
pub mod keys;
mod log;
mod login;
mod network;
pub mod pooler;
pub mod postgres;
mod proxy;
mod random;
pub mod redis;
pub mod resp;
mod server;
mod sessions;
mod state;
pub mod upstash;

pub use clock::{Millis, iso8601, real_now};
pub use documents::{JWKS_PATH, METADATA_PATH, SCOPE};
pub use faults::{Fault, Gate, Injection};
pub use http::Reply;
pub use issuer::Dialect;
pub use keys::Alg;
pub use log::{Counters, Endpoint, Logged};
pub use login::{Credentials, Library, LoginOptions};
pub use network::Network;
pub use proxy::{Mishap, Proxy, Spot, Traffic, Way};
pub use random::did;
pub use sessions::SessionState;
pub use state::{NoncePolicy, Policy};
