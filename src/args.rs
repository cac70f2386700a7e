//! Options common to all commands, and the sources of dynamic completion.
#![expect(clippy::doc_markdown, reason = "doc comments here are help texts, shown as they are")]

use std::path::PathBuf;

use clap::Args;
use clap::builder::ArgExt;

use crate::ui::{ColorChoice, Format};

/// Options that every command takes.
#[derive(Args, Default)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Settings file [default: oauthctl.toml in this or a parent directory, up to the top of the
    /// app, then $XDG_CONFIG_HOME/oauthctl/oauthctl.toml]
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Profile of the settings file to use (also: OAUTHCTL_PROFILE)
    #[arg(long, global = true, value_name = "NAME", add = Completer::Profiles)]
    pub profile: Option<String>,
    /// Session store: sqlite:PATH, redis://HOST, unix:///SOCKET, redis+sentinel://HOSTS/MASTER, redis+cluster://HOSTS, https://HOST (Upstash), postgres://HOST/DATABASE; env:NAME or file:PATH if the address contains a password (also: OAUTHCTL_STORE)
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// Layout of the app's records in the store (also: OAUTHCTL_LAYOUT)
    #[arg(long, global = true, value_name = "NAME", add = Completer::Layouts)]
    pub layout: Option<String>,
    /// Source of the private keys: a path, file:PATH, env:NAME, store:TABLE or -; with #kid=KID
    /// for a key without a kid (repeatable; also: OAUTHCTL_KEYS)
    #[arg(long, global = true, value_name = "SOURCE", value_hint = clap::ValueHint::FilePath)]
    pub keys: Vec<String>,
    /// Output format of results
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Answer yes to all questions
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Print only results, warnings and errors; no summaries or progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print each step to stderr, without secrets; -vv also prints exchanges with the store
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Nothing is said on stderr: a shell asks for completions.
    #[arg(skip)]
    pub silent: bool,
}

/// Dynamic completion source of an argument, used only for requests of a shell.
#[derive(Clone, Copy, Debug)]
pub enum Completer {
    /// Kids of the key set.
    Kids,
    /// Profiles of the settings file.
    Profiles,
    /// Layouts, built-in and described.
    Layouts,
    /// Accounts with sessions.
    Accounts,
}

impl ArgExt for Completer {}
