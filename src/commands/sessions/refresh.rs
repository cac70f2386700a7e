//! `oauthctl sessions refresh`: exchanges refresh tokens, so that sessions stay alive while their users are away.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::foreign::ForeignRecords;
use super::online::{exchanger, healthiest_first, stop, tell_unconfirmed};
use super::pace::PaceArgs;
use super::results::{Results, rehearse};
use super::select::{Meant, Noted, SelectArgs};
use super::view::judge_of_run;
use crate::commands::metrics::{Counts, MetricsArgs, counts_of};
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::Estimate;
use crate::maintenance::{Binding, Event, FirstSeen, Judge, Outcome, Runner, Step};
use crate::session::{Age, NO_REFRESH_TOKEN, Note, Status, Summary};
use crate::store::{Store, Stored};
use crate::ui::counted;

/// Keep sessions alive by exchanging their refresh tokens
#[derive(clap::Args)]
#[command(after_help = "\
Without an option, sessions that are due are refreshed, and filters narrow down which of them. Named
accounts, --key and --status mean what they name, due or not. A session that was refreshed less than
`min_interval` ago (10m) never is.

Results:
  refreshed  new tokens are stored
  skipped    nothing had to be done, or the app did it meanwhile
  gone       the server says that the session has ended; `sessions prune` removes it
  blocked    cannot be refreshed now, through no fault of the session
  unknown    no answer; kept as it is

Exit status: 0 all refreshed, skipped or gone; 3 some blocked or unknown, or three or more gone and
none refreshed; 1 nothing but blocked or unknown ones. Where nothing was due, sessions that are
blocked make it 3, and 1 only if there are no others. A store without a session is 3 where it had
some, or where others beside it have sessions of this client.

Examples:
  oauthctl sessions refresh                       in cron, once an hour
  oauthctl sessions refresh did:plc:ewvi7nxzyoun6zhxrhs64oiz
  oauthctl sessions refresh --all --issuer https://bsky.social --rate 10 --dry-run")]
pub struct Args {
    /// Say what would be refreshed, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    select: SelectArgs,
    /// Sessions that are due (the default)
    #[arg(long, group = "mode", help_heading = "Selection")]
    due: bool,
    /// Sessions whose access token has expired
    #[arg(long, group = "mode", help_heading = "Selection")]
    expired: bool,
    /// All sessions
    #[arg(long, group = "mode", help_heading = "Selection")]
    all: bool,
    #[command(flatten)]
    pace: PaceArgs,
}

/// Which of the selected sessions are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Due,
    Expired,
    All,
}

/// Selects, exchanges, tells what became of each.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    if args.dry_run {
        return refresh(context, args, &mut Vec::new());
    }
    args.metrics.measured(context, "sessions_refresh", |counts| refresh(context, args, counts))
}

fn refresh(context: &Context, args: &Args, counts: &mut Counts) -> anyhow::Result<Exit> {
    let keys = context.key_set()?.unwrap_or_default();
    let store: Arc<dyn Store> = context.open_store_to_change()?.into();
    store.layout().check_lock_is_said()?;
    let judge = judge_of_run(context, store.layout())?;
    args.select.prepare(context, &[&*store], None)?;
    let planner = Planner::new(context, args, &*store, &judge)?;
    let mut unconfirmed = Arc::default();
    let (runner, verb) = if args.dry_run {
        // What keeps every session from being refreshed keeps a dry run from saying otherwise.
        context.client_id()?;
        args.pace.set(context.network()?);
        (None, "would refresh")
    } else {
        let mut exchanger = exchanger(context, &store, &judge, keys, Binding::Recorded, &args.pace)?;
        exchanger.insists = args.select.names_sessions();
        unconfirmed = Arc::clone(&exchanger.unconfirmed);
        (Some(Runner::new(exchanger, args.pace.limits(context)?, stop(context))), "refreshed")
    };
    let first_seen = FirstSeen::default();
    let network = context.network()?;
    let mut results = Results::new(context, &judge, verb, args.dry_run);
    results.tells_skipped = args.select.names_sessions();
    let done = context.runtime()?.block_on(async {
        let mut selection = args.select.begin(context, &*store, &judge).await?;
        let source = async || {
            let see = |_: &Stored, session: &Summary<'_>, note: Option<&Note>| {
                planner.seen.see(session);
                if !args.dry_run {
                    first_seen.see(session, note, judge.now());
                }
            };
            let sessions = selection.next_seen(see, |_, session, _| Ok(planner.means(session))).await?;
            if selection.is_complete() && !planner.is_named {
                planner.seen.saw_all();
            }
            first_seen.write(&*store).await?;
            let steps = sessions.map(|sessions| planner.steps(sessions));
            if !args.dry_run || steps.is_none() {
                planner.estimate.borrow_mut().tell(&context.ui, network, args.dry_run);
            }
            Ok(steps)
        };
        match runner {
            Some(runner) => runner.run(source, async |_, event| results.add(&event)).await,
            None => rehearse(source, &mut results).await,
        }
    });
    results.take_back(tell_unconfirmed(context, &unconfirmed));
    counts.extend(counts_of(&results.document())?);
    let done = done.and_then(|()| args.select.check_names(context, &*store));
    planner.tell(context, &mut results);
    let (missing, done) = (done.as_ref().copied().unwrap_or_default(), done.map(drop));
    let exit = missing.exit(results.finish(done)?);
    let exit = planner.seen.exit(context, exit);
    Ok(planner.seen.compare(context, store.layout(), (!args.dry_run).then_some(0), exit)?)
}

/// Decides about each session before anything is sent.
struct Planner<'a> {
    judge: &'a Judge,
    mode: Mode,
    is_named: bool,
    min_interval: Age,
    app_has_lock: bool,
    /// Selected sessions with which all was well.
    not_meant: Cell<u64>,
    /// Whether any session was to be exchanged.
    attempted: Cell<bool>,
    /// Records read, whether or not they are selected.
    seen: ForeignRecords,
    /// Of sessions to be exchanged.
    estimate: RefCell<Estimate>,
}

enum Plan {
    Exchange,
    Settled(Outcome),
    NotMeant,
}

impl<'a> Planner<'a> {
    fn new(context: &Context, args: &Args, store: &dyn Store, judge: &'a Judge) -> anyhow::Result<Self> {
        let mode = match args {
            Args { expired: true, .. } => Mode::Expired,
            Args { all: true, .. } => Mode::All,
            Args { due: true, .. } => Mode::Due,
            // Whoever names sessions, or a status, means these. Other filters narrow down what is due.
            _ if args.select.names_sessions() || args.select.names_statuses() => Mode::All,
            _ => Mode::Due,
        };
        Ok(Self {
            judge,
            mode,
            is_named: args.select.names_sessions(),
            min_interval: context.settings()?.refresh()?.min_interval,
            app_has_lock: store.layout().has_lock(),
            not_meant: Cell::default(),
            attempted: Cell::default(),
            seen: ForeignRecords::default(),
            estimate: RefCell::default(),
        })
    }

    /// What the exit status depends on besides results: a session that is blocked for good must not make every run in
    /// which nothing is due a failure.
    fn tell(&self, context: &Context, results: &mut Results<'_>) {
        let well = self.not_meant.get();
        results.some_are_well = well > 0 && !self.attempted.get();
        if well > 0 && results.counts().iter().all(|(_, n)| *n == 0) {
            let what = if self.mode == Mode::Due { "is due" } else { "has expired" };
            context.ui.note(format!("none of {} {what}; --all means all of them", counted(well, "session")));
        }
    }

    /// What to do with these sessions.
    fn steps(&self, mut sessions: Vec<Noted>) -> Vec<Step<Outcome>> {
        healthiest_first(self.judge, &mut sessions);
        let step = |(session, note): Noted| {
            let plan = {
                let summary = self.judge.summary(&session, note.as_ref());
                let plan = self.plan(&summary);
                if matches!(plan, Plan::Exchange) {
                    self.estimate.borrow_mut().add(&summary);
                }
                plan
            };
            match plan {
                Plan::Exchange => {
                    self.attempted.set(true);
                    Some(Step::Work(session))
                }
                Plan::Settled(outcome) => Some(Step::Settled(Event { session, outcome })),
                Plan::NotMeant => None,
            }
        };
        sessions.into_iter().filter_map(step).collect()
    }

    /// Whether there is anything to do, or to say, about a session. Counts those about which there is not.
    fn means(&self, session: &Summary<'_>) -> Meant {
        match self.plan(session) {
            Plan::Exchange => Meant::ToDo,
            Plan::Settled(_) => Meant::ToTell,
            Plan::NotMeant => {
                self.not_meant.update(|n| n + u64::from(session.status != Status::Foreign));
                Meant::No
            }
        }
    }

    fn plan(&self, session: &Summary<'_>) -> Plan {
        let reason = || session.reason.as_deref().unwrap_or_default().to_owned();
        // An expiry that cannot be read is no reason to take the token for expired.
        let expired = session.expires_at.map_or(!session.has_unreadable_expiry, |at| at <= self.judge.now());
        match (session.status, self.mode) {
            (Status::Fresh | Status::Idle | Status::Suspect, Mode::Due) => {
                return Plan::NotMeant;
            }
            (_, Mode::Expired) if !expired => return Plan::NotMeant,
            (Status::Blocked, _) => return Plan::Settled(Outcome::Blocked(reason())),
            (Status::Dead | Status::Malformed | Status::Foreign, Mode::All) => {
                let why = format!("{}: {}", session.status.name(), reason());
                return Plan::Settled(Outcome::Skipped(why.into()));
            }
            (Status::Dead | Status::Malformed | Status::Foreign, _) => return Plan::NotMeant,
            _ => {}
        }
        match self.judge.too_recent(session, self.min_interval, self.app_has_lock || self.is_named) {
            Some(why) => Plan::Settled(Outcome::Skipped(why.into())),
            None if session.refresh_token.is_none() => Plan::Settled(Outcome::Blocked(NO_REFRESH_TOKEN.to_owned())),
            None => Plan::Exchange,
        }
    }
}
