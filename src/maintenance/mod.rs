//! What is done to many records at once: plan, then apply. Knows neither the terminal nor the settings; emits what
//! happened for the commands to tell.

mod import;
mod purge;

pub use import::{Import, ImportEvent, ImportReport};
pub use purge::{Purge, PurgeReport, StateAge};
