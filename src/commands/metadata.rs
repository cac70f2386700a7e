//! placeholder
use crate::context::Context;
use crate::error::Exit;
/// Print the client metadata document
#[derive(clap::Args)]
pub struct Args {}
pub fn run(_: &Context, _: &Args) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
