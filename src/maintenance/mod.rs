//! Operations on many records: plan, then apply. Independent of the terminal and the settings.
//! Results are emitted as events, which the commands report.

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
mod lock_times;
mod names;
mod present;
mod probe_order;
mod prune;
mod published;
mod purge;
mod recovery;
mod refresh;
mod revoke;
mod runner;
mod seen;
mod selection;
mod sent;
mod settle;
mod tally;
mod under_way;
mod upgrading;

pub use assess::Assessor;
pub use breaker::StoreBreaker;
pub use census::Census;
pub use clocks::check_clock;
pub use copies::{find_copies, find_copies_of};
pub use first_seen::FirstSeen;
pub use import::{Import, ImportLedger, ImportResult, written_format};
pub use known_keys::forget_key;
pub use lock_times::LockTimes;
pub use names::{bound_kids, nearest_name};
pub use probe_order::ProbeOrder;
pub use prune::{Action, Kept, PrunePlan, PruneResult, Pruned, Pruner, Rules};
pub use published::{check_published, holds, published_keys};
pub use purge::{Purge, PurgeResult, StateAge};
pub use recovery::{Recovered, Recovery, Waiting};
pub use refresh::{
    Binding, Left, Mode, Outcome, Parts, Planner, RefreshResult, Refresher, Unconfirmed,
};
pub use revoke::{RevokeResult, Revoked, Revoker, StillMeant};
pub use runner::{Event, RunLimits, Runner, Step, Stop, Work, current_session};
pub use seen::{Missing, Records, Seen};
pub use selection::{Meant, Names, Selection, Source, noted};
pub use settle::{RecoveryResult, Settler};
pub use tally::Tally;
pub use upgrading::Upgrades;
