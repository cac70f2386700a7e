//! The network must refuse what the real one refuses: one test per row of the measured tables.

mod client;
mod faults;
mod identity;
mod proxy;
mod refresh;
mod revoke;
