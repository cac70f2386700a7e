//! `oauthctl doctor`: compares the deployment with the configuration. Changes nothing of the app's.

mod examine;
mod login;

use crate::commands::findings;
use crate::context::Context;
use crate::error::Exit;
use crate::session::Age;
use login::LoginTarget;

/// Check the whole deployment: settings, keys, store and published documents
///
/// Explains for each problem why it matters and how to fix it. The most severe problems come first,
/// and causes before their effects.
#[derive(clap::Args)]
#[command(after_help = "\
Checks settings, key files, the store (oauthctl writes a note of its own there for a minute),
client metadata and key set as servers see them, the keys that sessions need, this machine's clock,
and tokens that an earlier run could not store. Does not touch any session.

--login sends a login request (RFC 9126) in the name of the app for each redirect URI and key, at
most one per second. The server fetches and checks the published documents. The login is not
continued. The server then caches the documents for 10 minutes, some servers for an hour.

Exit status: 0 no problem, perhaps warnings; 1 a problem.

Examples:
  oauthctl doctor
  oauthctl doctor --login                               also check that users can log in
  oauthctl doctor --wait 15m --login                    after a deployment
  oauthctl doctor --login https://bsky.social --login alice.example.com
  oauthctl doctor --offline --format json | jq '.[] | select(.severity == \"problem\")'")]
pub struct Args {
    /// Also start a login at this authorization server, or at that of this PDS or account
    /// (repeatable) [default: the two with most sessions, and bsky.social]
    #[arg(long, alias = "as", value_name = "ISSUER|PDS|HANDLE", num_args = 0..=1,
        default_missing_value = login::DEFAULT)]
    login: Vec<LoginTarget>,
    /// Wait until the published documents match the settings, at most this long
    #[arg(long, value_name = "DURATION")]
    wait: Option<Age>,
    /// Check only what needs no servers but the store
    #[arg(long, conflicts_with_all = ["login", "wait"])]
    offline: bool,
}

/// Runs all checks, then prints the findings.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if let Some(limit) = args.wait {
        examine::wait_for_documents(context, limit)?;
    }
    let (counts, exit) = findings::print(context, examine::everything(context, args)?)?;
    context.ui.note(counts);
    Ok(exit)
}
