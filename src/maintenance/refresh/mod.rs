//! Refreshes sessions: gets new tokens for a refresh token, and stores them before anyone else can
//! use the old ones.
//!
//! The order is essential (see the README, "How a session is refreshed"): all checks without risk
//! precede the lock. Under the lock there is one read, one request and one conditional write.

mod answer;
mod behind;
mod history;
mod outcome;
mod parts;
mod plan;
mod preflight;
mod refresher;
mod request;
mod run;
mod unconfirmed;
mod write_back;

pub(super) use behind::Finds;
pub(super) use outcome::{NONCES, chain, look_up_failed};
pub use outcome::{Outcome, RefreshResult};
pub use parts::{Binding, Parts};
pub use plan::{Mode, Planner};
pub(super) use preflight::Ready;
pub use refresher::Refresher;
pub(super) use request::{Asked, CopyCheck, Exchange, time_for_request, too_little_time};
pub use unconfirmed::{Left, Unconfirmed};
