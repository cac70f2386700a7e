//! `oauthctl doctor`: compares the deployment with the configuration. Changes nothing of the app's.

mod examine;
mod login;

use crate::commands::findings;
use crate::context::Context;
use crate::error::Exit;
use login::Target;

/// Find out whether the deployment is right: settings, keys, store, published documents
///
/// Looks at all of it in one run and says of everything that is wrong why it matters and what to
/// do. The worst comes first, and what may be the cause of something else comes before it.
#[derive(clap::Args)]
#[command(after_help = "\
Looked at: settings, key files, the store (which gets a note of oauthctl's own for a minute), the
client metadata and the key set as servers see them, the keys that sessions are bound to, this
machine's clock, and tokens that an earlier run could not store. No session is touched.

With --login a request for a login (RFC 9126) is sent in the app's name, one for each redirect URI
and each key, one a second. The server fetches the published documents and judges them; what it
answers is thrown away. It then keeps these documents for 10 minutes, some servers for an hour.

Exit status: 0 no problem, perhaps warnings; 1 a problem.

Examples:
  oauthctl doctor
  oauthctl doctor --login                               also: can users log in?
  oauthctl doctor --login https://bsky.social --login alice.example.com
  oauthctl doctor --offline --format json | jq '.[] | select(.severity == \"problem\")'")]
pub struct Args {
    /// Also begin a login, which nobody sees, at this authorization server or that of this PDS or
    /// account (repeatable) [default: the two with most sessions, and bsky.social]
    #[arg(long, alias = "as", value_name = "ISSUER|PDS|HANDLE", num_args = 0..=1,
        default_missing_value = login::DEFAULT)]
    login: Vec<Target>,
    /// Ask nobody but the store
    #[arg(long, conflicts_with = "login")]
    offline: bool,
}

/// Runs all checks, then prints the findings.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let (counts, exit) = findings::print(context, examine::everything(context, args)?)?;
    context.ui.note(counts);
    Ok(exit)
}
