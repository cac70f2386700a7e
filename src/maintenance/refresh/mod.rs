//! Refreshing sessions: new tokens for a refresh token, stored before anybody else can use the old
//! ones.
//!
//! The order is the product's promise (see the README, "How a session is refreshed"): everything
//! that can be checked without risk comes before the lock; under the lock there is one reading, one
//! request and one conditional write.

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
pub(super) use request::{Asked, CopyCheck, time_for_request, too_little_time};
pub use unconfirmed::{Left, Unconfirmed};
