//! Common parts of the stores in SQL databases.

pub mod quoting;
pub mod shape;
mod statements;
pub mod time;
