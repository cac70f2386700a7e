//! `oauthctl jwks`: the public key set, for the app to publish at its `jwks_uri`.

use std::path::Path;

use super::check::{self, Location};
use super::output::OutputArgs;
use super::publish::PublishArgs;
use crate::commands::keys::tell_without_alg;
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::jose::KeySet;
use crate::session::AuthMethod;

/// Print the public JWKS document, or check one
#[derive(clap::Args)]
#[command(after_help = "\
A key that sessions may need is never removed from the file. A key that is in the file but not in
the key set is removed only if a configured store shows that nothing is bound to it, or with
--drop-key.

Examples:
  oauthctl jwks --keys env:NUXT_OAUTH_JWK_ONE -o public/.well-known/jwks.json --force
  oauthctl jwks | jq '.keys[].kid'
  oauthctl jwks --check https://app.example.com/.well-known/jwks.json")]
pub struct Args {
    /// Check this set instead, and list all errors; `-` is stdin
    #[arg(long, value_name = "FILE|URL", value_hint = clap::ValueHint::FilePath,
        conflicts_with_all = ["drop_key", "offline", "output"])]
    check: Option<Location>,
    #[command(flatten)]
    publish: PublishArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Reads the key set and prints its public half.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if let Some(at) = &args.check {
        return check::jwks(context, at);
    }
    let keys = context.key_set()?;
    let file = args.output.file();
    if keys.as_ref().is_none_or(KeySet::is_empty) {
        check_empty(context, keys.is_some(), file)?;
    }
    let keys = keys.unwrap_or_default();
    args.output.check_document()?;
    args.publish.check(context, &keys, file)?;
    let text = context.ui.json_document(&keys.public().to_json(), file.is_some());
    args.output.write_document(context, &text)?;
    if context.is_for_atcute() {
        tell_without_alg(context, &keys);
    }
    Ok(Exit::Done)
}

/// Checks an empty set, which is that of a public client. Without any settings it is printed with a
/// warning, because the type of client is unknown.
fn check_empty(context: &Context, has_source: bool, file: Option<&Path>) -> Result<(), Failure> {
    let settings = context.settings()?;
    if settings.auth_method()? == Some(AuthMethod::None) {
        return Ok(());
    }
    if has_source {
        return Err(usage("the key source contains no key, but a confidential client needs one")
            .hint("`oauthctl gen-jwk` creates one; for a public client, set auth_method = \"none\" under [client]"));
    }
    if file.is_none() && settings.path().is_none() {
        let near = context.keys_nearby()?;
        context.ui.warn(format!(
            "no key source is configured, so the set is empty; {near}use --keys for one"
        ));
        return Ok(());
    }
    Err(usage("no key source is configured, but only public clients have an empty key set").hint(
        "use --keys, or set `keys` in oauthctl.toml; for a public client, set auth_method = \"none\" under [client]",
    ))
}
