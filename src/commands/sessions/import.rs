//! `oauthctl sessions import`: imports exported sessions into the store.

mod lines;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll};

use futures_util::StreamExt as _;
use futures_util::stream;
use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::ending::{cut_short, unfinished};
use crate::commands::last_count;
use crate::context::Context;
use crate::error::{Exit, failed, usage};
use crate::maintenance::{Import, ImportLedger, ImportResult, Tally, written_format};
use crate::session::Transfer;
use crate::store::Store;
use crate::ui::{Cells, Format, Row, counted, counts};
use lines::{Lines, count_lines};

/// Number of concurrent writes, sufficient to hide the latency of the store.
const CONCURRENCY: usize = 64;

/// Results with a changed store.
const BROUGHT_IN: [ImportResult; 2] = [ImportResult::Created, ImportResult::Replaced];

/// Import exported sessions into this store without logging anyone out
#[derive(clap::Args)]
#[command(after_help = "\
A refresh token works once. If two apps have the same one, the second that uses it ends the
session. Therefore stop the app of the old store, import, and start it again on this store only.

Sessions that are already in the store are kept. --replace is for a store with sessions of an
earlier move: it replaces them if the imported ones are provably newer. A second import changes
nothing.

Sessions of another client library are converted to the format of this store's app. atcute can only
use ES256 DPoP keys; `sessions stats` counts sessions by algorithm.

Examples:
  oauthctl sessions export -o - | oauthctl --profile new sessions import - --source-app-stopped
  oauthctl --store sqlite:new.db sessions import sessions.jsonl --dry-run")]
pub struct Args {
    /// The export, or `-` for stdin
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Confirm that the app of the old store is stopped, and will start on this store only
    #[arg(long)]
    source_app_stopped: bool,
    /// Replace existing sessions that are provably older
    #[arg(long)]
    replace: bool,
    /// Show what would be done, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Results of lines that were not imported, although they might have to be.
const LEFT_OUT: [ImportResult; 4] = [
    ImportResult::Malformed,
    ImportResult::Unusable,
    ImportResult::NotNewer,
    ImportResult::Crowded,
];
/// The same in words.
const LEFT_OUT_IN_WORDS: [&str; 4] = [
    "not an exported session",
    "a DPoP key that the app's library cannot use",
    "not provably newer than the session in the store",
    "one of several sessions of an account",
];
/// Lines with the same result that are named each.
const WARNED: u64 = 5;

/// Reads lines, imports each, and reports the results.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let input: Box<dyn Read + Send> = if args.file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let open = File::open(&args.file);
        Box::new(open.map_err(|e| {
            usage("cannot read the export")
                .at(args.file.display())
                .because(e)
                .hint("check the path, and that this user can read it")
        })?)
    };
    let store = context.open_store_to_end()?;
    let import = Import {
        replace: args.replace,
        dry_run: args.dry_run,
        now: context.now(),
        ledger: ImportLedger::default(),
        format: context.runtime()?.block_on(written_format(&*store))?,
    };
    let mut tally = Tally::default();
    let mut lines = Lines::read(BufReader::new(input));
    if !context.runtime()?.block_on(lines.hold_session(context)) {
        return Err(usage("not an export of oauthctl")
            .at(args.file.display())
            .hint("`oauthctl sessions export` writes one")
            .into());
    }
    let mut listing = context.ui.run_listing::<ImportRow>(args.dry_run);
    if !args.source_app_stopped
        && !args.dry_run
        && context.runtime()?.block_on(lines.hold_token(context))
    {
        confirm_stopped(context)?;
    }
    let total = count_lines(context, &args.file);
    let mut emit = |row: ImportRow| {
        tally.count(row.result);
        if context.ui.format == Format::Table { Ok(()) } else { listing.push(&row) }
    };
    let importing = import_lines(context, &*store, &import, lines, total, &mut emit);
    let imported = context.runtime()?.block_on(importing);
    let done = cut_short(context, imported, tally.sum(&BROUGHT_IN) > 0 && !args.dry_run)?;
    if tally.total() == 0 && !context.interrupt().is_set() {
        return Err(failed("nothing was imported: the input is empty")
            .at(args.file.display())
            .hint("check the output of `oauthctl sessions export`, and its --store")
            .into());
    }
    if !args.dry_run {
        last_count::added(context, store.layout(), tally.of(ImportResult::Created));
    }
    if context.ui.format != Format::Table {
        listing.finish_with(&tally)?;
    }
    tell(context, &tally, args.dry_run, done)?;
    let incomplete = tally.sum(&LEFT_OUT) > 0;
    Ok(context.interrupt().exit().unwrap_or(if incomplete { Exit::Partial } else { done }))
}

/// Asks whether the old app is stopped. Nothing has been imported before.
fn confirm_stopped(context: &Context) -> anyhow::Result<()> {
    let interrupt = context.interrupt();
    if interrupt.is_set() {
        return Err(interrupt.failure("nothing was imported").into());
    }
    if !context.is_interactive() {
        return Err(usage("the export contains refresh tokens, and an app that still uses them would end these sessions")
            .hint("stop the app of the old store, and confirm with --source-app-stopped; start it on this store only")
            .into());
    }
    let question = "Is the app of the old store stopped, and will it start on this store only?";
    if context.ui.ask(question)? {
        Ok(())
    } else {
        Err(usage("not confirmed; nothing was imported").into())
    }
}

async fn import_lines(
    context: &Context,
    store: &dyn Store,
    import: &Import,
    mut lines: Lines,
    total: Option<u64>,
    tell: &mut impl FnMut(ImportRow) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let interrupt = context.interrupt();
    let progress = match total {
        Some(total) => {
            let progress = context.ui.work_progress("sessions", || None);
            progress.expect(total);
            progress
        }
        None => context.ui.progress("sessions read"),
    };
    let mut left_out = Tally::<ImportResult>::default();
    let mut numbers = 1_u64..;
    // After a failure, pending imports are completed and counted.
    let mut failure = None;
    let has_failed = AtomicBool::new(false);
    let next = |context: &mut task::Context<'_>| {
        let is_over = interrupt.is_set() || has_failed.load(Ordering::Relaxed);
        if is_over { Poll::Ready(None) } else { lines.poll_next(context) }
    };
    let lines = stream::poll_fn(next).take_until(Box::pin(interrupt.raised()));
    let lines = lines.map(|line| (numbers.next().unwrap_or_default(), line)).filter(|(_, line)| {
        std::future::ready(!matches!(line, Ok(Some(text)) if text.trim().is_empty()))
    });
    let mut events = lines
        .map(async |(number, line)| {
            let Some(line) = line? else { return Ok((number, None, ImportResult::Malformed)) };
            let event = import.one(store, &line).await?;
            anyhow::Ok((number, Some(line), event))
        })
        .buffered(CONCURRENCY);
    while let Some(event) = events.next().await {
        let (number, line, event) = match event {
            Ok(event) => event,
            Err(error) => {
                has_failed.store(true, Ordering::Relaxed);
                failure.get_or_insert(error);
                continue;
            }
        };
        let account = whose(line.as_deref());
        left_out.count(event);
        if (context.ui.is_verbose() || left_out.of(event) <= WARNED)
            && let Some(why) = why_left_out(event, &account)
        {
            progress.suspend(|| context.ui.warn(format!("line {number}{why}")));
        }
        let did = Some(account).filter(|did| !did.is_empty());
        if let Err(error) = tell(ImportRow { line: number, did, result: event }) {
            has_failed.store(true, Ordering::Relaxed);
            failure.get_or_insert(error);
        }
        progress.advance(1);
    }
    progress.end();
    if !context.ui.is_verbose() {
        for (kind, what) in LEFT_OUT.into_iter().zip(LEFT_OUT_IN_WORDS) {
            if let Some(more) = left_out.of(kind).checked_sub(WARNED).filter(|more| *more > 0) {
                let more = counted(more, "more line");
                context.ui.warn(format!("{more}: {what}; -v lists each"));
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Returns the rest of the warning about a line that was not imported, if it deserves one.
fn why_left_out(result: ImportResult, account: &str) -> Option<String> {
    match result {
        ImportResult::Malformed => Some(" is not an exported session".to_owned()),
        ImportResult::Unusable => Some(format!(
            ": the app's library cannot use the DPoP key of {account}, who has to log in again"
        )),
        ImportResult::NotNewer => Some(format!(
            ": {account} has a session in the store that is not provably older and is kept"
        )),
        ImportResult::Crowded => Some(format!(
            ": {account} has several sessions, but the layout has one per account: the newest is imported if it is known"
        )),
        _ => None,
    }
}

/// Result of one line of the export.
#[derive(Serialize, JsonSchema)]
pub(super) struct ImportRow {
    line: u64,
    did: Option<String>,
    result: ImportResult,
}

impl Row for ImportRow {
    const FIELDS: &'static [&'static str] = &["line", "did", "result"];
    const TITLES: &'static [&'static str] = Self::FIELDS;

    fn cells(&self) -> Cells {
        let did = self.did.clone().unwrap_or_default();
        vec![(self.line.to_string(), None), (did, None), (self.result.name().to_owned(), None)]
    }
}

/// Returns the account of a line.
fn whose(line: Option<&str>) -> String {
    let session = line.and_then(|line| serde_json::from_str::<Transfer<'_>>(line).ok());
    session.map(|session| session.did.into_owned()).unwrap_or_default()
}

fn tell(
    context: &Context,
    tally: &Tally<ImportResult>,
    dry_run: bool,
    done: Exit,
) -> anyhow::Result<()> {
    let of = |kind| tally.of(kind);
    let verb = if dry_run { "would import" } else { "imported" };
    let imported = counted(tally.sum(&BROUGHT_IN), "session");
    let others = [
        (of(ImportResult::Replaced), "replacing an older one"),
        (of(ImportResult::Unchanged), "already there, unchanged"),
        (of(ImportResult::Kept), "already there, kept"),
        (of(ImportResult::NotNewer), "already there, not provably older, kept"),
        (of(ImportResult::Crowded), "left out, because the layout has one session per account"),
        (of(ImportResult::Unusable), "left out, because the app's library cannot use the DPoP key"),
        (of(ImportResult::Malformed), "malformed, left out"),
    ];
    let (others, unfinished) = (counts("; ", others), unfinished(context, done));
    Ok(context.ui.summary(format!("{verb} {imported}{others}{unfinished}"))?)
}
