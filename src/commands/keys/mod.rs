//! `oauthctl keys …`: the key set, with roles and bound sessions.

mod first_seen;
mod list;
mod new_place;
mod place;
mod promote;
mod retire;
mod rotate;

use schemars::Schema;

use crate::commands::kid::kids_of;
use crate::commands::schema::of;
use crate::context::Context;
use crate::error::{Exit, Failure, nearest, usage};
use crate::jose::{ClientKey, KeySet, Kid};

// The command tree describes the noun.
#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Rotate(rotate::Args),
    Retire(retire::Args),
}

/// Returns the schema of what a command prints.
pub fn schema(name: &str) -> Option<Schema> {
    Some(match name {
        "keys-list" => of::<Vec<list::KeyRow<'_>>>(),
        "keys-rotate" => of::<rotate::Receipt<'_>>(),
        "keys-promote" => of::<promote::Receipt<'_>>(),
        "keys-retire" => of::<retire::Document<'_>>(),
        _ => return None,
    })
}

/// Runs the subcommand.
pub fn run(context: &Context, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(context, args),
        Command::Rotate(args) => rotate::run(context, args),
        Command::Retire(args) => retire::run(context, args),
    }
}

/// Warns of keys with which the library atcute does not sign.
pub fn tell_without_alg(context: &Context, keys: &KeySet) {
    for kid in keys.iter().filter(|key| !key.has_alg()).filter_map(ClientKey::kid) {
        context.ui.note(format!(
            "key {kid} has no `alg`: atcute 2 cannot sign with it; `oauthctl gen-jwk --from KEY` writes it with `alg`"
        ));
    }
}

fn no_such_key(kid: &Kid, keys: &KeySet) -> Failure {
    let known = kids_of(keys);
    let hint = match nearest(kid.as_str(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "`oauthctl keys list` shows all keys".to_owned(),
    };
    usage(format!("no key {kid}")).hint(hint)
}
