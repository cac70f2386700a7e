//! `oauthctl sessions export`: writes the selected sessions with all their secrets, for another
//! store.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::value::RawValue;

use super::recover::recover;
use super::select::SelectArgs;
use super::view::assessor;
use crate::commands::output::{for_client, refuse_private_keys, tidy};
use crate::context::Context;
use crate::error::Exit;
use crate::files::{Existing, NewFile, directory_of};
use crate::maintenance::Recovery;
use crate::session::{Summary, Transfer};
use crate::store::Stored;
use crate::ui::counted;

/// Export sessions, including tokens and keys, for `sessions import`
#[derive(clap::Args)]
#[command(after_help = "\
An export is not a backup: refresh tokens work once, and the server ends a session if an old token
is used again. Use it to move sessions while the app is stopped, and delete it afterwards.

New tokens that an earlier run could not store are stored first. Sessions whose new tokens still
cannot be stored are left out.

Examples:
  oauthctl sessions export -o - | oauthctl --profile new sessions import - --source-app-stopped
  oauthctl sessions export -o sessions.jsonl --issuer https://bsky.social")]
pub struct Args {
    /// File to create (0600), or `-` for stdout
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    select: SelectArgs,
}

/// Selects sessions and writes one line each.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    // From here on a signal does not end the process: a file begun is removed.
    let interrupt = context.interrupt();
    if args.output.as_os_str() == "-" {
        let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout());
        let exit = write_all(context, args, &mut out)?;
        out.flush()?;
        return Ok(exit);
    }
    refuse_private_keys(&args.output)?;
    tidy(context, directory_of(&args.output));
    let file = NewFile::create(&args.output, existing)?;
    let mut out = io::BufWriter::with_capacity(1 << 16, file);
    let exit = write_all(context, args, &mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if interrupt.is_set() {
        // A partial export would be mistaken for a complete one.
        context.ui.warn(format!("interrupted: {} was not written", args.output.display()));
        return Ok(exit);
    }
    file.keep()?;
    let (path, client) = (args.output.display(), for_client(context));
    context.ui.note(format!(
        "wrote {path}{client}; it contains the tokens of all users: delete it after the move"
    ));
    Ok(exit)
}

fn write_all(context: &Context, args: &Args, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let store = context.open_store_to_change()?;
    let pattern = store.layout().session_pattern().clone();
    let assessor = assessor(context, store.layout())?;
    args.select.prepare(context, &[&*store], None)?;
    // Used tokens must not be exported while their replacements wait to be stored.
    recover(context, &*store)?;
    let recovery = Recovery::new(context.recovery_directory()?);
    let any_pending = !recovery.entries()?.is_empty();
    let (mut written, mut left_out) = (0, 0);
    let select = args.select.for_each(
        context,
        &*store,
        &assessor,
        |stored: &Stored, summary: &Summary<'_>| {
            let Some(record) = (!summary.status.is_unreadable()).then(|| raw(stored)).flatten()
            else {
                left_out += 1;
                let why = summary.reason.as_deref().unwrap_or_else(|| summary.status.name());
                context.ui.warn(format!("left out {}: {why}", summary.key));
                return Ok(());
            };
            let waits = || recovery.entry_of(stored, summary.refresh_token.as_ref()).exists();
            if any_pending && waits() {
                left_out += 1;
                context.ui.warn(format!(
                    "left out {}: its new tokens are not stored yet (`sessions recover`)",
                    summary.key
                ));
                return Ok(());
            }
            let sid = pattern.parse_key(&summary.key).and_then(|(_, sid)| sid.map(str::to_owned));
            let line = Transfer {
                did: summary.did.as_deref().unwrap_or_default().into(),
                key: summary.key.as_ref().into(),
                sid: sid.map(Into::into),
                ttl: stored.ttl.map(|ttl| ttl.as_secs()),
                last_refreshed_at: summary.last_refreshed_at,
                record: &record,
            };
            serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
            written += 1;
            Ok(())
        },
    );
    context.runtime()?.block_on(select)?;
    args.select.warn_of_missing(context, &[&*store])?;
    let so_far = if context.interrupt().is_set() { ", then interrupted" } else { "" };
    context.ui.note(format!("exported {}{so_far}", counted(written, "session")));
    let outcome = if left_out > 0 { Exit::Partial } else { Exit::Done };
    Ok(context.interrupt().exit().unwrap_or(outcome))
}

/// Returns the record as it is in the store, unknown members included, on one line.
fn raw(stored: &Stored) -> Option<Cow<'_, RawValue>> {
    if !stored.value.contains(&b'\n') && !stored.value.contains(&b'\r') {
        return serde_json::from_slice(&stored.value).ok().map(Cow::Borrowed);
    }
    // In JSON, a line end is never part of a text.
    let text = std::str::from_utf8(&stored.value).ok()?.replace(['\n', '\r'], " ");
    RawValue::from_string(text).ok().map(Cow::Owned)
}
