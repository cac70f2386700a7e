//! `oauthctl man`: manual pages, one per command.

mod page;
#[cfg(test)]
mod readme;
mod reference;

use std::path::PathBuf;

use crate::context::Context;
use crate::error::{Exit, failed};
use crate::files::{self, Existing, PUBLIC};

/// Print the man page, or write all man pages to a directory
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  oauthctl man | man -l -
  oauthctl man --output-dir /usr/local/share/man/man1")]
pub struct Args {
    /// Write the man pages of all commands to this directory
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    output_dir: Option<PathBuf>,
}

/// Renders the pages.
pub fn run(context: &Context, args: &Args, mut tree: clap::Command) -> anyhow::Result<Exit> {
    // Building the tree names each command by its whole path (`oauthctl-sessions-list`).
    tree.build();
    let Some(directory) = &args.output_dir else {
        context.ui.result(page::render(&tree)?)?;
        return Ok(Exit::Done);
    };
    if !directory.is_dir() {
        return Err(failed("is not a directory")
            .at(directory.display())
            .hint("create it first")
            .into());
    }
    write_pages(&tree, directory)?;
    Ok(Exit::Done)
}

fn write_pages(command: &clap::Command, directory: &std::path::Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    files::write_file(
        &directory.join(format!("{name}.1")),
        &page::render(command)?,
        PUBLIC,
        Existing::Replace,
    )?;
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        write_pages(child, directory)?;
    }
    Ok(())
}
