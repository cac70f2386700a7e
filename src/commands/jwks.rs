//! `oauthctl jwks`: the public key set, for the app to publish at its `jwks_uri`.

use super::output::OutputArgs;
use crate::context::Context;
use crate::error::Exit;

/// Print the public JWKS document
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  oauthctl jwks --keys env:NUXT_OAUTH_JWK_ONE -o public/.well-known/jwks.json --force
  oauthctl jwks | jq '.keys[].kid'")]
pub struct Args {
    #[command(flatten)]
    output: OutputArgs,
}

/// Reads the key set and prints its public half.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let keys = context.key_set()?;
    match &keys {
        None => {
            context.ui.warn("no key source is configured, so the set is empty; --keys names one");
        }
        Some(keys) if keys.is_empty() => {
            context
                .ui
                .warn("the key source holds an empty set; a confidential client with no published key cannot sign in");
        }
        Some(_) => {}
    }
    let document = keys.unwrap_or_default().public().to_json();
    let text = context.ui.json_document(&document, args.output.file().is_some());
    args.output.write_document(context, &text)?;
    Ok(Exit::Done)
}
