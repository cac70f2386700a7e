//! The network must refuse what the real one refuses: one test for each row of the measured tables.

mod client;
mod faults;
mod identity;
mod proxy;
mod refresh;
mod revoke;
