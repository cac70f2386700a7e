//! `oauthctl completions`: static completion for shells. Reads no configuration.

use clap_complete::Shell;

use crate::context::Context;
use crate::error::Exit;

/// Print a completion script for a shell
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  oauthctl completions bash > /etc/bash_completion.d/oauthctl
  oauthctl completions zsh > \"${fpath[1]}/_oauthctl\"
  oauthctl completions fish > ~/.config/fish/completions/oauthctl.fish")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Generates the script.
pub fn run(context: &Context, args: &Args, mut tree: clap::Command) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree, "oauthctl", &mut script);
    context.ui.result(script)?;
    Ok(Exit::Done)
}
