//! `oauthctl completions`: completion scripts for shells. Reads no configuration.

use clap_complete::Shell;

use crate::completion::DynamicShell;
use crate::context::Context;
use crate::error::{Exit, usage};

/// Print a shell completion script
#[derive(clap::Args)]
#[command(after_help = "\
The script completes commands and options. With --dynamic, it calls oauthctl at every Tab, which
also completes key IDs, profiles, layouts and accounts of the app, according to the options already
typed. It answers within a third of a second, and completes nothing if an error occurs.

Examples:
  oauthctl completions bash > /etc/bash_completion.d/oauthctl
  oauthctl completions zsh > \"${fpath[1]}/_oauthctl\"
  oauthctl completions fish > ~/.config/fish/completions/oauthctl.fish
  source <(oauthctl completions bash --dynamic)      in ~/.bashrc
  source <(oauthctl completions zsh --dynamic)       in ~/.zshrc, after compinit
  oauthctl completions fish --dynamic | source       in ~/.config/fish/config.fish")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    /// Print a short script that calls oauthctl at every Tab (bash, zsh, fish)
    #[arg(long)]
    dynamic: bool,
}

/// Generates the script.
pub fn run(context: &Context, args: &Args, mut tree: clap::Command) -> anyhow::Result<Exit> {
    if args.dynamic {
        let asker = match args.shell {
            Shell::Bash => DynamicShell::Bash,
            Shell::Zsh => DynamicShell::Zsh,
            Shell::Fish => DynamicShell::Fish,
            other => {
                return Err(usage(format!("no dynamic completion for {other}"))
                    .hint(format!("`oauthctl completions {other}` prints a script that completes commands and options"))
                    .into());
            }
        };
        context.ui.result(asker.script())?;
        return Ok(Exit::Done);
    }
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut tree, "oauthctl", &mut script);
    context.ui.result(script)?;
    Ok(Exit::Done)
}
