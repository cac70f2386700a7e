//! `oauthctl sessions show`: shows all data of one account's sessions, without secrets.

use jiff::Timestamp;

use super::account::Account;
use super::names::no_session;
use super::view::{assessor, role};
use crate::args::Completer;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Assessor, find_copies_of, noted};
use crate::session::{Age, Issuer, Summary};
use crate::store::Stored;
use crate::ui::Format;

/// Show the sessions of an account, without tokens and keys
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  oauthctl sessions show did:plc:ewvi7nxzyoun6zhxrhs64oiz
  oauthctl sessions show did:web:example.com --format json")]
pub struct Args {
    /// The account, by DID or handle
    #[arg(add = Completer::Accounts)]
    account: Account,
}

/// Finds the sessions and prints them with their status.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let stores = context.open_stores()?;
    let mut found = Vec::new();
    let did = context.runtime()?.block_on(async {
        let did = args.account.did(context).await?;
        for store in &stores {
            let assessor = assessor(context, store.layout())?;
            let sessions = store.sessions_of(&did).await?;
            assessor.learn(find_copies_of(&**store, &sessions).await?);
            let noted = noted(&**store, sessions).await?;
            for (stored, note) in &noted {
                assessor.learn_key(&**store, &assessor.summary(stored, note.as_ref())).await?;
            }
            found.extend(noted.into_iter().map(|(stored, note)| (assessor.clone(), stored, note)));
        }
        anyhow::Ok(did)
    })?;
    if found.is_empty() {
        let all: Vec<_> = stores.iter().map(|store| &**store).collect();
        return Err(no_session(context, &all, did.as_str())?.into());
    }
    if context.ui.format == Format::Table {
        for (n, (assessor, stored, note)) in found.iter().enumerate() {
            if n > 0 {
                context.ui.result("\n")?;
            }
            show_card(context, assessor, stored, &assessor.summary(stored, note.as_ref()))?;
        }
        return Ok(Exit::Done);
    }
    let mut listing = context.ui.listing::<Summary>();
    for (assessor, stored, note) in &found {
        listing.push(&assessor.summary(stored, note.as_ref()))?;
    }
    listing.finish()?;
    Ok(Exit::Done)
}

/// Prints one field per line, because a table row would be too wide.
fn show_card(
    context: &Context,
    assessor: &Assessor,
    stored: &Stored,
    summary: &Summary,
) -> std::io::Result<()> {
    let time = |at: Timestamp| format!("{at:.0}");
    let ago = |at: Timestamp| format!("{at:.0} ({} ago)", assessor.age(at));
    let known = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
    let mut fields = vec![
        ("key", summary.key.to_string(), None),
        ("layout", known(summary.layout.as_deref()), None),
        ("did", known(summary.did.as_deref()), None),
        ("status", summary.status.name().to_owned(), role(summary.status)),
    ];
    if let Some(reason) = &summary.reason {
        fields.push(("reason", reason.to_string(), None));
    }
    if !summary.status.is_unreadable() {
        fields.extend([
            ("issuer", known(summary.issuer.as_ref().map(Issuer::as_str)), None),
            ("pds", known(summary.pds.as_deref()), None),
            ("scope", known(summary.scope.as_deref()), None),
            ("auth_method", known(summary.auth_method), None),
            ("kid", summary.kid.as_deref().unwrap_or("none").to_owned(), None),
            ("dpop_alg", known(summary.dpop_alg), None),
            ("expires_at", summary.expires_at.map_or_else(|| known(None), time), None),
            ("last_refreshed_at", summary.last_refreshed_at.map_or_else(|| known(None), ago), None),
            ("last_refreshed_by", known(summary.last_refreshed_by), None),
        ]);
    }
    if let Some(ttl) = stored.ttl {
        let left = Age::from_secs(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX));
        fields.push(("ttl", format!("expires in {left}"), None));
    }
    context.ui.card(&fields)
}
