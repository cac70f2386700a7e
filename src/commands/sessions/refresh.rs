//! `oauthctl sessions refresh`: exchanges refresh tokens, so that sessions stay alive while their users are away.

use std::sync::Arc;

use super::online::{PaceArgs, Results, exchanger, healthiest_first, stop};
use super::select::{Noted, SelectArgs};
use super::view::judge;
use crate::commands::metrics::MetricsArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::{Binding, Event, Judge, Outcome, Runner, Step};
use crate::session::{Age, LastRefreshed, Note, Status};
use crate::store::{Store, Stored};

/// The app itself may be about to refresh what it renewed more recently than this.
const APP_IS_ACTIVE: Age = Age::from_secs(3600);

/// Keep sessions alive by exchanging their refresh tokens
#[derive(clap::Args)]
#[command(after_help = "\
Without an option, sessions that are due are refreshed. One that was refreshed less than
`min_interval` ago (10m) never is.

Results:
  refreshed  new tokens are stored
  skipped    nothing had to be done, or the app did it meanwhile
  gone       the server says that the session has ended; `sessions prune` removes it
  blocked    cannot be refreshed now, through no fault of the session
  unknown    no answer; kept as it is

Exit status: 0 all refreshed, skipped or gone; 3 some blocked or unknown; 1 all of them.

Examples:
  oauthctl sessions refresh                       in cron, once an hour
  oauthctl sessions refresh did:plc:ewvi7nxzyoun6zhxrhs64oiz
  oauthctl sessions refresh --all --issuer https://bsky.social --rate 10 --dry-run")]
pub struct Args {
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
    /// Say what would be refreshed, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
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
    let begun = context.now();
    let keys = context.key_set()?.unwrap_or_default();
    let store: Arc<dyn Store> = context.open_store()?.into();
    let judge = judge(context, store.layout())?;
    let planner = Planner::new(context, args, &*store, &judge)?;
    if args.dry_run {
        return dry_run(context, args, &*store, &planner);
    }
    let runner = {
        let exchanger = exchanger(context, &store, keys, Binding::Recorded, &args.pace)?;
        Runner::new(exchanger, args.pace.limits(context)?, stop(context))
    };
    let mut results = Results::new(context, &judge, "refreshed");
    let done = context.runtime()?.block_on(async {
        let mut selection = args.select.begin(context, &*store, &judge).await?;
        let source = async || {
            let Some(sessions) = selection.next().await? else { return Ok(None) };
            Ok(Some(planner.steps(sessions)))
        };
        runner.run(source, async |_, event| results.add(&event)).await
    });
    let counts = results.counts();
    let exit = results.finish(done)?;
    args.metrics.write(context, "sessions_refresh", begun, &counts, exit)?;
    Ok(exit)
}

fn dry_run(context: &Context, args: &Args, store: &dyn Store, planner: &Planner<'_>) -> anyhow::Result<Exit> {
    let mut results = Results::new(context, planner.judge, "would refresh");
    let done = context.runtime()?.block_on(async {
        let mut selection = args.select.begin(context, store, planner.judge).await?;
        while let Some(sessions) = selection.next().await? {
            for step in planner.steps(sessions) {
                results.add(&match step {
                    Step::Work(session) => Event { session, outcome: Outcome::Refreshed },
                    Step::Settled(event) => event,
                })?;
            }
        }
        anyhow::Ok(())
    });
    results.finish(done)
}

/// Decides about each session before anything is sent.
struct Planner<'a> {
    judge: &'a Judge,
    mode: Mode,
    is_named: bool,
    min_interval: Age,
    app_has_lock: bool,
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
            _ if args.select.is_empty() => Mode::Due,
            _ => Mode::All,
        };
        Ok(Self {
            judge,
            mode,
            is_named: args.select.names_sessions(),
            min_interval: context.settings()?.refresh()?.min_interval,
            app_has_lock: store.layout().lock.is_some(),
        })
    }

    /// What to do with these sessions.
    fn steps(&self, mut sessions: Vec<Noted>) -> Vec<Step<Outcome>> {
        healthiest_first(self.judge, &mut sessions);
        let step = |(session, note): Noted| match self.plan(&session, note.as_ref()) {
            Plan::Exchange => Some(Step::Work(session)),
            Plan::Settled(outcome) => Some(Step::Settled(Event { session, outcome })),
            Plan::NotMeant => None,
        };
        sessions.into_iter().filter_map(step).collect()
    }

    fn plan(&self, stored: &Stored, note: Option<&Note>) -> Plan {
        let session = self.judge.summary(stored, note);
        let reason = || session.reason.as_deref().unwrap_or_default().to_owned();
        let expired = session.expires_at.is_none_or(|at| at <= self.judge.now());
        match (session.status, self.mode) {
            (Status::Fresh, Mode::Due | Mode::Expired) | (Status::Idle | Status::Suspect, Mode::Due) => {
                return Plan::NotMeant;
            }
            (Status::Blocked, Mode::Expired) if !expired => return Plan::NotMeant,
            (Status::Blocked, _) => return Plan::Settled(Outcome::Blocked(reason())),
            (Status::Dead | Status::Malformed, Mode::All) => {
                let why = format!("{}: {}", session.status.name(), reason());
                return Plan::Settled(Outcome::Skipped(why.into()));
            }
            (Status::Dead | Status::Malformed, _) => return Plan::NotMeant,
            _ => {}
        }
        if let Some(last) = session.last_refreshed_at {
            let age = self.judge.age(last);
            let by_app = session.last_refreshed_by != Some(LastRefreshed::BY_US);
            if age < self.min_interval {
                return Plan::Settled(Outcome::Skipped(format!("refreshed {age} ago").into()));
            }
            if !self.app_has_lock && !self.is_named && by_app && age < APP_IS_ACTIVE {
                let why = format!("the app renewed it {age} ago, and has no lock to keep the two of us apart");
                return Plan::Settled(Outcome::Skipped(why.into()));
            }
        }
        Plan::Exchange
    }
}
