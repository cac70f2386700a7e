//! What is done to many records at once: plan, then apply. Knows neither the terminal nor the settings; emits what
//! happened for the commands to tell.

mod assess;
mod behind;
mod breaker;
mod census;
mod clocks;
mod copies;
mod estimate;
mod first_seen;
mod import;
mod known_keys;
mod present;
mod prune;
mod published;
mod purge;
mod recovery;
mod refresh;
mod revoke;
mod runner;
mod seen;
mod settle;
mod tally;
mod upgrading;
mod witnesses;

pub use assess::Judge;
pub use behind::KnownBehind;
pub use breaker::{Canaries, Health};
pub use census::Census;
pub use clocks::check_clock;
pub use copies::{find_copies, find_copies_of};
pub use estimate::Estimate;
pub use first_seen::FirstSeen;
pub use import::{Arrived, Import, ImportEvent, ImportReport};
pub use known_keys::forget_key;
pub use prune::{Action, Kept, Plan, PruneReport, Pruned, Pruner, Rules};
pub use published::{check_published, holds, published_keys};
pub use purge::{Purge, PurgeReport, StateAge};
pub use recovery::{Recovered, Recovery, Waiting};
pub use refresh::{Binding, Exchanger, Left, Outcome, Unconfirmed};
pub use revoke::{RevokeReport, Revoked, Revoker, StillMeant};
pub use runner::{Event, Limits, Runner, Step, Stop};
pub use seen::{Missing, Named, Seen};
pub use settle::{Settled, settle};
pub use tally::Report;
pub use upgrading::Upgrades;
pub use witnesses::Witnesses;
