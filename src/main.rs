//! oauthctl: administers the OAuth client keys of an atproto web app and the sessions of its users.
//!
//! Parses arguments, creates the context, dispatches and reports.

mod address;
#[cfg(test)]
mod arbitrary;
mod args;
mod checks;
mod cli;
mod commands;
mod completion;
mod context;
mod environment;
mod error;
mod files;
mod hashes;
mod input;
mod interrupt;
mod jose;
mod json;
mod keyring;
mod maintenance;
mod oauth;
mod owner;
mod pem;
mod proxy;
mod secret;
mod session;
mod settings;
mod store;
mod text;
mod tls;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};

use args::GlobalArgs;
use cli::{Cli, Command};
use context::Context;
use error::{Exit, Failure};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(ui::panicked));
    if let Some(request) = completion::requested(std::env::args_os()) {
        let answer = completion::answer(Cli::whole_tree, request);
        let _ = Context::new(GlobalArgs::default()).ui.result(answer);
        return ExitCode::SUCCESS;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return ExitCode::from(not_parsed(&e).code()),
    };
    let context = Context::new(cli.global);
    let outcome = match cli.command {
        Command::Init(args) => commands::init::run(&context, &args),
        Command::GenJwk(args) => commands::gen_jwk::run(&context, &args),
        Command::Keys(command) => commands::keys::run(&context, &command.0),
        Command::Jwks(args) => commands::jwks::run(&context, &args),
        Command::Metadata(args) => commands::metadata::run(&context, &args),
        Command::Sessions(command) => commands::sessions::run(&context, &command.0),
        Command::States(command) => commands::states::run(&context, &command.0),
        Command::Doctor(args) => commands::doctor::run(&context, &args),
        Command::Schema(args) => commands::schema::run(&context, &args),
        Command::Completions(args) => {
            commands::completions::run(&context, &args, Cli::whole_tree())
        }
        Command::Man(args) => commands::man::run(&context, &args, Cli::whole_tree()),
    };
    let exit = outcome.unwrap_or_else(|e| context.ui.report(&e));
    ExitCode::from(exit.code())
}

/// Prints help, version, or a parser error. A failure of a value parser is reported like any other,
/// with its hint.
fn not_parsed(error: &clap::Error) -> Exit {
    if let Some(failure) = failure_of(error) {
        return Context::new(GlobalArgs::default()).ui.report(&failure.into());
    }
    // A closed pipe is not an error.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// Returns the failure of a value parser.
fn failure_of(error: &clap::Error) -> Option<Failure> {
    let failure = std::error::Error::source(error)?.downcast_ref::<Failure>()?.without_cause();
    Some(match error.get(ContextKind::InvalidArg) {
        // `--older-than <AGE>`, `[DID]...`: options are named, positional values are not.
        Some(ContextValue::String(argument)) if argument.starts_with('-') => {
            failure.at(argument.split(' ').next().unwrap_or_default())
        }
        _ => failure,
    })
}
