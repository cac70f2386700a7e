//! `oauthctl keys …`: the key set.

use crate::context::Context;
use crate::error::Exit;

/// Look after the keys that the app signs with
#[derive(clap::Subcommand)]
pub enum Command {}

/// Runs the verb.
pub fn run(_: &Context, command: Command) -> anyhow::Result<Exit> {
    match command {}
}
