//! What is done to many records at once: plan, then apply. Knows neither the terminal nor the settings; emits what
//! happened for the commands to tell.

mod canary;
mod copies;
mod exchange;
mod first_seen;
mod health;
mod import;
mod judge;
mod noting;
mod outcome;
mod precedent;
mod present;
mod prune;
mod published;
mod purge;
mod recovery;
mod refresh;
mod revoke;
mod runner;
mod settle;
mod unconfirmed;
mod upgrading;
mod witnesses;
mod write_back;

pub use canary::Canaries;
pub use copies::{find_copies, find_copies_of};
pub use exchange::{Binding, Exchanger};
pub use first_seen::FirstSeen;
pub use health::Health;
pub use import::{Arrived, Import, ImportEvent, ImportReport};
pub use judge::Judge;
pub use outcome::Outcome;
pub use precedent::forget_key;
pub use prune::{Action, Kept, Plan, PruneReport, Pruned, Pruner, Rules};
pub use published::{check_published, holds, published_keys};
pub use purge::{Purge, PurgeReport, StateAge};
pub use recovery::{Recovered, Recovery, Waiting};
pub use refresh::Report;
pub use revoke::{RevokeReport, Revoked, Revoker, StillMeant};
pub use runner::{Event, Limits, Runner, Step, Stop};
pub use settle::{Settled, settle};
pub use unconfirmed::{Left, Unconfirmed};
pub use upgrading::Upgrades;
pub use witnesses::Witnesses;
