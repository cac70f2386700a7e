//! Command tree as clap types. No behaviour: the arguments of each command are next to its code,
//! under `commands/`.

use clap::{ArgMatches, CommandFactory as _, FromArgMatches, Parser, Subcommand};

use crate::args::GlobalArgs;
use crate::commands;

/// Maximum width of help texts.
const WIDTH: usize = 100;

/// Manage the OAuth client keys and user sessions of an atproto web app.
#[derive(Parser)]
#[command(name = "oauthctl", version, propagate_version = true, max_term_width = WIDTH, after_help = "\
First steps:
  oauthctl init                                       set up everything, with questions
  oauthctl gen-jwk -o client-key.json                 a private key for the app to sign with
  oauthctl jwks --keys client-key.json                the public half, for the app to publish
  oauthctl metadata --keys client-key.json --client-uri https://app.example.com --redirect-uri /cb
  oauthctl sessions list --store sqlite:app.db        who is logged in
  oauthctl sessions refresh --dry-run                 what a cron job would refresh

Settings come from options, OAUTHCTL_ variables, oauthctl.toml and the app's own variables, in this
order. See also `oauthctl help COMMAND` and `man oauthctl`.")]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// Commands of oauthctl.
#[derive(Subcommand)]
pub enum Command {
    Init(commands::init::Args),
    GenJwk(commands::gen_jwk::Args),
    /// Manage the app's signing keys
    #[command(subcommand)]
    Keys(Later<commands::keys::Command>),
    Jwks(commands::jwks::Args),
    Metadata(commands::metadata::Args),
    /// List, refresh, revoke and move user sessions
    #[command(subcommand)]
    Sessions(Later<commands::sessions::Command>),
    /// List and clean up unfinished logins
    #[command(subcommand)]
    States(Later<commands::states::Command>),
    Doctor(commands::doctor::Args),
    Schema(commands::schema::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

impl Cli {
    /// Returns the tree with all subcommands built, for output about all of them.
    pub fn whole_tree() -> clap::Command {
        fn now<T: Subcommand>(noun: clap::Command) -> clap::Command {
            T::augment_subcommands(noun.defer(|noun| noun))
        }
        Self::command().mut_subcommands(|command| match command.get_name() {
            "keys" => now::<commands::keys::Command>(command),
            "sessions" => now::<commands::sessions::Command>(command),
            "states" => now::<commands::states::Command>(command),
            _ => command,
        })
    }
}

/// Subcommand whose options are built only on use, because building all of them takes much of the
/// time of a short command.
pub struct Later<T>(pub Box<T>);

impl<T: Subcommand> Subcommand for Later<T> {
    fn augment_subcommands(noun: clap::Command) -> clap::Command {
        noun.defer(T::augment_subcommands)
    }

    fn augment_subcommands_for_update(noun: clap::Command) -> clap::Command {
        noun.defer(T::augment_subcommands_for_update)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

impl<T: FromArgMatches> FromArgMatches for Later<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(|verb| Self(Box::new(verb)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &clap::Command) {
        command.get_subcommands().for_each(check);
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{}: {line}", command.get_name());
        }
    }

    /// Clap would wrap longer lines again, in the middle of a paragraph.
    #[test]
    fn what_follows_the_options_in_a_help_text_fits_its_width() {
        check(&Cli::whole_tree());
    }
}
