//! `oauthctl sessions import`: exported sessions into this store.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::context::Context;
use crate::error::{Exit, failed, usage};
use crate::maintenance::{Import, ImportEvent, ImportReport};
use crate::store::Store;
use crate::ui::{Format, counted};

/// Sessions written at the same time: enough to hide the way to the store and back.
const CONCURRENCY: usize = 64;

/// Longer lines are no sessions.
const MAX_LINE: u64 = 1 << 20;

/// Bring exported sessions into this store, without logging anyone out
#[derive(clap::Args)]
#[command(after_help = "\
A session that is there already is kept. With --replace it gives way to one that is provably newer,
and to no other: old tokens brought back are replayed, and the server then ends the session. A
second import changes nothing.

Examples:
  oauthctl sessions export -o - | oauthctl --profile new sessions import -
  oauthctl --store sqlite:new.db sessions import sessions.jsonl --dry-run")]
pub struct Args {
    /// The export, or `-` for stdin
    #[arg(value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Replace sessions that are provably older
    #[arg(long)]
    replace: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Reads lines, brings each in, tells what became of them.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let input: Box<dyn Read> = if args.file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let open = File::open(&args.file);
        Box::new(open.map_err(|e| usage("cannot read the export").at(args.file.display()).because(e))?)
    };
    let store = context.open_store()?;
    let import = Import { replace: args.replace, dry_run: args.dry_run, now: context.now() };
    let report = context.runtime()?.block_on(import_lines(context, &*store, import, BufReader::new(input)))?;
    tell(context, &report)?;
    let incomplete = report.malformed + report.not_newer > 0;
    Ok(context.interrupt().exit().unwrap_or(if incomplete { Exit::Partial } else { Exit::Done }))
}

async fn import_lines(
    context: &Context,
    store: &dyn Store,
    import: Import,
    mut input: impl BufRead,
) -> anyhow::Result<ImportReport> {
    let interrupt = context.interrupt();
    let progress = context.ui.progress("sessions read");
    let lines = std::iter::from_fn(|| if interrupt.is_set() { None } else { next_line(&mut input).transpose() });
    let mut events = stream::iter(lines.zip(1_u64..))
        .map(async |(line, number)| {
            let line = line?;
            anyhow::Ok((number, import.one(store, &line).await?))
        })
        .buffer_unordered(CONCURRENCY);
    let mut report = ImportReport { dry_run: import.dry_run, ..ImportReport::default() };
    while let Some(event) = events.next().await {
        let (number, event) = event?;
        match event {
            ImportEvent::Malformed => context.ui.warn(format!("line {number} is not an exported session")),
            ImportEvent::NotNewer => {
                context.ui.warn(format!("line {number}: the session in the store is not provably older, and stays"));
            }
            _ => {}
        }
        report.count(event);
        progress.advance(1);
    }
    Ok(report)
}

fn next_line(input: &mut impl BufRead) -> anyhow::Result<Option<String>> {
    let mut line = String::new();
    let read =
        input.by_ref().take(MAX_LINE).read_line(&mut line).map_err(|e| failed("cannot read the export").because(e))?;
    Ok((read > 0).then_some(line))
}

fn tell(context: &Context, report: &ImportReport) -> anyhow::Result<()> {
    if context.ui.format != Format::Table {
        return Ok(context.ui.result(context.ui.json_document(&serde_json::to_value(report)?, false))?);
    }
    let verb = if report.dry_run { "would import" } else { "imported" };
    let mut text = format!("{verb} {}", counted(report.created + report.replaced, "session"));
    for (n, what) in [
        (report.replaced, "replaced older ones"),
        (report.unchanged, "there already, the same"),
        (report.kept, "there already, kept"),
        (report.not_newer, "there already, not provably older, kept"),
        (report.malformed, "malformed, left out"),
    ] {
        if n > 0 {
            text.push_str(&format!("; {n} {what}"));
        }
    }
    Ok(context.ui.result(format!("{text}\n"))?)
}
