//! `oauthctl sessions revoke`: signs users out, with proof, and removes their records.

use std::cell::Cell;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::online::{refresher, stop, tell_unconfirmed};
use super::pace::PaceArgs;
use super::results::{Report, Results, identifier};
use super::select::SelectArgs;
use super::view::assessor_of_run;
use super::watch::{NotAttempted, progress, watched};
use crate::commands::ending::exit;
use crate::commands::last_count;
use crate::context::Context;
use crate::error::{Exit, usage};
use crate::jose::ClientKey;
use crate::maintenance::{
    Assessor, Binding, Event, Meant, RevokeResult, Revoked, Revoker, Runner, Step, StillMeant,
};
use crate::session::{Age, Filter, NO_REFRESH_TOKEN, Note, Relation, Status, Summary};
use crate::store::{Store, Stored};
use crate::ui::{Begun, Format, Role, Row, counted, counts};

/// End sessions at their servers, verify it, and delete their records
#[derive(clap::Args)]
#[command(after_help = "\
Results:
  confirmed    the server refuses the token of the session; the record is deleted
  unconfirmed  probably revoked, but not verified; the record is kept
  failed       could not be revoked, or still alive after the revocation; the record is kept
  forgotten    unconfirmed or failed; the record is deleted because of --forget
  skipped      the record was deleted or replaced meanwhile

Exit status: 0 all confirmed or skipped; 3 some unconfirmed, failed or forgotten; 1 all of them.

Examples:
  oauthctl sessions revoke did:plc:ewvi7nxzyoun6zhxrhs64oiz
  oauthctl sessions revoke --kid 1795420766438 --yes")]
pub struct Args {
    /// Delete the record even if the session may still be alive at its server; malformed and
    /// foreign records are kept
    #[arg(long, alias = "force")]
    forget: bool,
    /// Show what would be revoked, but do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    select: SelectArgs,
    /// All sessions
    #[arg(long, help_heading = "Selection")]
    all: bool,
    #[command(flatten)]
    pace: PaceArgs,
}

/// Minimum of `--inactive`: an access token is used for an hour before the app renews it.
const SHORTEST: Age = Age::from_secs(3600);

/// Counts, asks for confirmation, and revokes.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if args.select.is_empty() && !args.all {
        return Err(usage("select the sessions to revoke")
            .hint("name accounts, use filters (--issuer, --kid, --status, …), or use --all")
            .into());
    }
    if let Some(age) = args.select.filter().not_refreshed_for.filter(|age| *age < SHORTEST) {
        return Err(usage(format!(
            "--not-refreshed-for {age} is less than an hour: this would sign out active users"
        ))
        .hint("m means minutes; use days or weeks, like 30d; --all means all")
        .into());
    }
    let store: Arc<dyn Store> = context.open_store_to_end()?.into();
    store.check_lock()?;
    let assessor = assessor_of_run(context, store.layout())?;
    let question = (!args.dry_run).then_some("Go on with the sessions bound to it?");
    args.select.prepare(context, &[&*store], question)?;
    if args.dry_run {
        return Ok(dry_run(context, &args.select, args.forget, &store, &assessor, None)?.exit);
    }
    let (mut count, mut names, mut agreed) = (0, Vec::new(), Agreed::default());
    context.runtime()?.block_on(args.select.for_each(
        context,
        &*store,
        &assessor,
        |stored, session| {
            count += 1;
            agreed.add(stored);
            if names.len() < NAMED {
                names.push(session.did.as_deref().unwrap_or(&session.key).to_owned());
            }
            Ok(())
        },
    ))?;
    let interrupt = context.interrupt();
    if interrupt.is_set() {
        return Err(interrupt.failure("nothing was revoked").into());
    }
    let missing = args.select.check_names(context, &*store)?;
    if count == 0 {
        return Ok(
            missing.exit(new_results(context, &assessor).finish(Ok(()), NotAttempted::default())?)
        );
    }
    let (url, _) = context.store_address()?;
    let question = match &names[..] {
        [first] if count == 1 => {
            format!("End the session of {first} in {url}? Its user will have to log in again.")
        }
        _ => {
            let names = named(&names, count);
            let sessions = counted(count, "session");
            format!("End {sessions} ({names}) of {url}? Their users will have to log in again.")
        }
    };
    context.confirm(&question)?;
    let is_meant = |stored: &Stored| agreed.has(stored);
    let selected = (&args.select, &args.pace);
    let exit = revoke_selected(context, selected, args.forget, &store, &assessor, is_meant, None)?;
    Ok(missing.exit(exit))
}

/// Sessions that the question names.
const NAMED: usize = 3;

/// Lists the first names of so many sessions: `did:plc:a, did:plc:b, did:plc:c and 17 others`.
fn named(names: &[String], count: u64) -> String {
    let others = count.saturating_sub(names.len() as u64);
    let names = names.join(", ");
    if others == 0 { names } else { format!("{names} and {}", counted(others, "other")) }
}

/// Sessions whose end was confirmed. A filter or a limit may match others by then.
#[derive(Default)]
struct Agreed(HashSet<u64>, RandomState);

impl Agreed {
    fn add(&mut self, stored: &Stored) {
        self.0.insert(self.1.hash_one(&stored.key));
    }

    fn has(&self, stored: &Stored) -> bool {
        self.0.contains(&self.1.hash_one(&stored.key))
    }
}

/// Result of a dry run.
pub struct DryRun {
    pub exit: Exit,
    /// Sessions that could not be revoked.
    pub impossible: u64,
}

/// Prints the sessions that would be revoked. Another command may end their document.
pub fn dry_run(
    context: &Context,
    select: &SelectArgs,
    forget: bool,
    store: &Arc<dyn Store>,
    assessor: &Assessor,
    begun: Option<&Rc<Cell<Begun>>>,
) -> anyhow::Result<DryRun> {
    const VERB: &str = "would revoke";
    store.check_lock()?;
    context.client_id()?;
    let ui = &context.ui;
    let mut listing = ui.run_listing::<ResultRow>(true);
    if let Some(begun) = begun {
        listing.leave_open(begun);
    }
    let (mut possible, mut impossible) = (0, 0);
    let has_signing_key = context.key_set()?.unwrap_or_default().active(context.now()).is_some();
    context.runtime()?.block_on(select.for_each(
        context,
        &**store,
        assessor,
        |stored, session| {
            let copy = assessor.copy(stored);
            // Copies in this layout end together, as requested.
            let alone = copy.map(|_| assessor.summary_alone(stored, None));
            let own = alone.as_ref().unwrap_or(session);
            let is_elsewhere =
                copy.is_some_and(|(relation, _)| relation == Relation::CopyElsewhere);
            let is_blocked =
                own.status == Status::Blocked && !(own.needs_upgrade && has_signing_key);
            let why = match () {
                () if own.status.is_unreadable() || is_blocked || is_elsewhere => {
                    session.reason.as_deref().map(str::to_owned)
                }
                () if own.refresh_token.is_none() => Some(NO_REFRESH_TOKEN.to_owned()),
                () => Assessor::unusable_key(stored),
            };
            let is_possible = why.is_none();
            let (count, result) =
                if is_possible { (&mut possible, VERB) } else { (&mut impossible, "would fail") };
            *count += 1;
            let reason =
                why.as_deref().or(session.reason.as_deref().filter(|_| !own.needs_upgrade));
            let (key, did) = (&session.key, session.did.as_deref());
            let is_removed = is_possible || forget && !own.status.is_unreadable();
            let record = if is_removed { "would be removed" } else { "would be kept" };
            let row = ResultRow { key, did, result, reason, record, role: None };
            listing.push(&row)
        },
    ))?;
    let missing = select.check_names(context, &**store)?;
    if !listing.is_empty() || ui.format != Format::Table {
        listing.finish_with(&json!({"would_revoke": possible, "would_fail": impossible}))?;
    }
    let others = counts(", ", [(impossible, "would fail")]);
    let summary = format!(
        "{VERB} {}{others}{}",
        counted(possible, "session"),
        context.interrupt().before_the_end()
    );
    ui.summary(summary)?;
    let exit = context.interrupt().exit().unwrap_or(missing.exit(Exit::Done));
    Ok(DryRun { exit, impossible })
}

/// Revokes selected sessions for which `is_meant` holds, and reports each result. Another command
/// may end the document of results.
pub fn revoke_selected(
    context: &Context,
    (select, pace): (&SelectArgs, &PaceArgs),
    forget: bool,
    store: &Arc<dyn Store>,
    assessor: &Assessor,
    is_meant: impl Fn(&Stored) -> bool,
    begun: Option<&Rc<Cell<Begun>>>,
) -> anyhow::Result<Exit> {
    let keys = context.key_set()?.unwrap_or_default();
    let active = keys.active(context.now()).and_then(ClientKey::kid).cloned();
    let binding = active.map_or(Binding::Recorded, Binding::RecordedOr);
    let refresher = refresher(context, store, assessor, keys, binding, pace, false)?;
    let unconfirmed = refresher.unconfirmed();
    let still_meant = still_meant(select.filter(), Assessor::clone(assessor));
    let revoker = Revoker::new(refresher, still_meant, Assessor::clone(assessor));
    let runner = Runner::new(revoker, pace.limits(context)?, stop(context));
    let mut results = new_results(context, assessor);
    if let Some(begun) = begun {
        results.leave_open(begun);
    }
    results.progress = progress(context, select, &runner);
    let shown = results.progress.clone();
    let (done, not_attempted) = context.runtime()?.block_on(async {
        let mut selection = match select.begin(context, &**store, assessor).await {
            Ok(selection) => selection,
            Err(error) => return (Err(error), NotAttempted::default()),
        };
        let source = async || {
            let meant = |stored: &Stored, _: &Summary<'_>, _: Option<&Note>| {
                Ok(Meant::work_if(is_meant(stored)))
            };
            let Some(sessions) = selection.next_meant(meant).await? else { return Ok(None) };
            Ok(Some(sessions.into_iter().map(|(session, _)| Step::Work(session)).collect()))
        };
        let add = async |revoker: &Revoker, event| results.add(event, forget, revoker).await;
        watched(context, select, runner, &shown, source, add).await
    });
    // They count as unconfirmed already: a renewed session has not ended.
    tell_unconfirmed(context, &unconfirmed);
    let removed = results.removed();
    let found = select.seen().borrow().records.all();
    match found {
        Some(sessions) if sessions > 0 => {
            last_count::found(context, store.layout(), sessions, removed);
        }
        _ => last_count::removed(context, store.layout(), removed),
    }
    results.finish(done, not_attempted)
}

fn still_meant(filter: Filter, assessor: Assessor) -> StillMeant {
    Box::new(move |stored| filter.matches(&assessor.summary(stored, None), assessor.now()))
}

/// Result of one session, and what became of its record.
#[derive(Serialize, JsonSchema)]
pub struct ResultRow<'a> {
    key: &'a str,
    did: Option<&'a str>,
    #[schemars(with = "String")]
    #[serde(serialize_with = "identifier")]
    result: &'static str,
    reason: Option<&'a str>,
    #[schemars(with = "String")]
    #[serde(serialize_with = "identifier")]
    record: &'static str,
    #[serde(skip)]
    role: Option<Role>,
}

impl Row for ResultRow<'_> {
    const FIELDS: &'static [&'static str] = &["key", "did", "result", "reason", "record"];
    const TITLES: &'static [&'static str] = &["did", "result", "record", "reason"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        vec![
            (self.did.unwrap_or(self.key).to_owned(), None),
            (self.result.to_owned(), self.role),
            (self.record.to_owned(), None),
            (self.reason.unwrap_or_default().to_owned(), None),
        ]
    }
}

fn new_results<'c>(context: &'c Context, assessor: &'c Assessor) -> Revocations<'c> {
    Results::new::<ResultRow>(context, assessor, false)
}

type Revocations<'c> = Results<'c, RevokeResult>;

impl Revocations<'_> {
    async fn add(
        &mut self,
        event: Event<Revoked>,
        forget: bool,
        revoker: &Revoker,
    ) -> anyhow::Result<()> {
        let assessor = self.assessor;
        let summary = assessor.summary(&event.session, None);
        // An unreadable value may belong to another program. Only `prune --malformed` handles
        // those.
        let may_be_forgotten = forget && !summary.status.is_unreadable();
        let outcome = match event.outcome {
            Revoked::Unconfirmed(why, _) | Revoked::Failed(why)
                if may_be_forgotten && self.forget(revoker, &event.session).await =>
            {
                Revoked::Forgotten(why)
            }
            outcome => outcome,
        };
        let (kind, reason) = outcome.kind_and_reason();
        let (role, record) = match kind {
            RevokeResult::Confirmed => (Some(Role::Good), "removed"),
            RevokeResult::Forgotten => (Some(Role::Warning), "removed"),
            RevokeResult::Unconfirmed | RevokeResult::Failed => (Some(Role::Warning), "kept"),
            RevokeResult::Skipped => (None, "kept"),
        };
        let (key, did, result) = (&*summary.key, summary.did.as_deref(), kind.name());
        let row = ResultRow { key, did, result, reason, record, role };
        self.report(kind, &row, &Report { session: &summary, result, reason, is_for_people: true })
    }

    /// Removes the record without proof. It is kept if the store fails.
    async fn forget(&self, revoker: &Revoker, session: &Stored) -> bool {
        revoker.forget(session).await.unwrap_or_else(|error| {
            self.context.ui.warn(format!("{error:#}"));
            false
        })
    }

    /// Returns the number of removed records.
    fn removed(&self) -> u64 {
        self.tally.sum(&[RevokeResult::Confirmed, RevokeResult::Forgotten])
    }

    fn finish(self, done: anyhow::Result<()>, not_attempted: NotAttempted) -> anyhow::Result<Exit> {
        let tally = self.tally.clone();
        let count = |kind| tally.of(kind);
        let (unconfirmed, confirmed) =
            (count(RevokeResult::Unconfirmed), count(RevokeResult::Confirmed));
        let (total, others) = (counted(tally.total(), "session"), counts(", ", tally.others()));
        let left = not_attempted.in_words(self.context);
        let summary = format!("{total}: {confirmed} confirmed{others}{left}");
        let (context, removed) = (self.context, self.removed());
        let done = self.close(done, removed + unconfirmed > 0, &tally, &summary)?;
        let troubled = unconfirmed + count(RevokeResult::Failed) + count(RevokeResult::Forgotten);
        Ok(exit(context, done, troubled, removed + count(RevokeResult::Skipped) > 0))
    }
}
