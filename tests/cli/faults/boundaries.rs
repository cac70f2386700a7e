//! Every message of every conversation of the commands that change sessions: cut, half-closed, late, garbled, swallowed,
//! or the last that its server ever sent or received.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;
use std::{fmt, thread};

use testbed::{Mishap, Spot, Way};

use super::oracle::Fate;
use super::world::{Channel, Job, World};
use super::{Dice, Figures, ending, is_full, seed};

/// Longer than a write is waited for before tokens go to the disk.
const LATE: Duration = Duration::from_secs(3);

/// So many cases are tried in a normal run.
const SAMPLE: usize = 60;

/// One disturbance.
#[derive(Clone, Copy, Debug)]
struct Case {
    job: Job,
    channel: Channel,
    spot: Spot,
    mishap: Mishap,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { job, channel, spot: Spot { way, message, halfway }, mishap } = self;
        let place = if *halfway { "in the middle of" } else { "before" };
        write!(f, "{job:?}, {mishap:?} {place} message {message} {way:?} of {channel:?}")
    }
}

/// What there is to disturb, by undisturbed runs.
fn all_cases(world: &mut World) -> Vec<Case> {
    let mut cases = Vec::new();
    for job in Job::ALL {
        world.prepare(job, 2);
        let (output, _) = ending(&world.npmx.app.sandbox, world.npmx.app.begin(&job.in_order()));
        assert_eq!(output.code, job.code(), "{job:?}: {output}");
        let fates = world.fates(false);
        assert!(fates.values().all(|fate| [Fate::Kept, Fate::Ended].contains(fate)), "{job:?}: {fates:?}: {output}");
        for channel in Channel::ALL {
            for (way, count) in [Way::Up, Way::Down].into_iter().zip(world.proxy(channel).messages()) {
                for (message, halfway) in (0..count).flat_map(|message| [(message, false), (message, true)]) {
                    let spot = Spot { way, message, halfway };
                    let mishaps = [
                        Mishap::Cut,
                        Mishap::HalfClose,
                        Mishap::Delay(LATE),
                        Mishap::Garble,
                        Mishap::Silence,
                        Mishap::Death,
                    ];
                    cases.extend(mishaps.map(|mishap| Case { job, channel, spot, mishap }));
                }
            }
        }
    }
    cases
}

/// What is wrong with a run.
enum Complaint {
    /// It did harm. There is no excuse for that.
    Grave(String),
    /// It, or the one after it, did not end well. A machine that stood still for a while may be to blame.
    Perhaps(String),
}

/// Runs one case, and what an operator would do next.
fn try_case(world: &mut World, case: &Case, figures: &mut Figures) -> Result<(), Complaint> {
    world.prepare(case.job, 2);
    world.proxy(case.channel).plan(case.spot, case.mishap);
    let app = &world.npmx.app;
    let (output, took) = ending(&app.sandbox, app.begin(&case.job.in_order()));
    let fates = world.fates(false);
    let has = |fate| fates.values().filter(|one| **one == fate).count() as u64;
    figures.add(&Figures {
        runs: 1,
        sessions: fates.len() as u64,
        recovered: has(Fate::Waiting),
        ended: has(Fate::Ended),
        unanswered: has(Fate::Unanswered),
        lost: has(Fate::Lost),
        slowest: took,
        ..Figures::default()
    });
    let complain = |what: &str| Err(Complaint::Grave(format!("{case}: {what}: {fates:?}\n{output}")));
    if has(Fate::Lost) > 0 {
        return complain("lost");
    }
    if output.stderr.contains("panicked") || !(0..=3).contains(&output.code) {
        return complain("crashed");
    }
    if world.overstated(case.job, &output.stdout) > 0 {
        return complain("says more than it did");
    }
    let spoilt = has(Fate::Unanswered);
    if spoilt > 1 {
        return complain("one message, more than one session");
    }
    let lost: Vec<_> =
        fates.iter().filter(|(_, fate)| **fate == Fate::Unanswered).map(|(did, _)| did.clone()).collect();
    world.heal();
    world.to_end.extend(lost);
    let mended = afterwards(world, case, spoilt > 0);
    mended.map_err(|why| Complaint::Perhaps(format!("{case}: {why}\nthe run before:\n{output}")))
}

/// Whatever waits is brought back, and the same command ends well.
fn afterwards(world: &World, case: &Case, was_unanswered: bool) -> Result<(), String> {
    let app = &world.npmx.app;
    for arguments in ["recover", &case.job.in_order()] {
        if arguments == "recover" && app.recovery_entries().is_empty() {
            continue;
        }
        let (output, _) = ending(&app.sandbox, app.begin(arguments));
        let fates = world.fates(false);
        let settled = |did: &String| {
            let fate = fates[did];
            fate == Fate::Kept || fate == Fate::Ended || world.to_end.contains(did)
        };
        let code = if arguments == "recover" { 0 } else { case.job.code() };
        let ended_well = output.code == code || was_unanswered;
        let settled = case.job == Job::Import && arguments == "recover" || fates.keys().all(settled);
        if !ended_well || !settled || !app.recovery_entries().is_empty() {
            return Err(format!("not mended by `{arguments}`: {fates:?}\n{output}"));
        }
    }
    Ok(())
}

/// Tries all of these, so many at the same time.
fn try_all(cases: Vec<Case>, at_once: usize) -> Figures {
    let (total, left) = (Mutex::new((Figures::default(), Vec::new())), Mutex::new(cases));
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                let mut world = World::new();
                loop {
                    let Some(case) = left.lock().unwrap().pop() else { return };
                    let mut figures = Figures::default();
                    let mut once = || {
                        let tried = catch_unwind(AssertUnwindSafe(|| try_case(&mut world, &case, &mut figures)));
                        tried.unwrap_or_else(|_| Err(Complaint::Perhaps(format!("{case}: it never ended"))))
                    };
                    let tried = match once() {
                        Err(Complaint::Perhaps(_)) => once(),
                        tried => tried,
                    };
                    let mut total = total.lock().unwrap();
                    total.0.add(&figures);
                    if let Err(Complaint::Grave(text) | Complaint::Perhaps(text)) = tried {
                        total.1.push(text);
                    }
                }
            });
        }
    });
    let (figures, complaints) = total.into_inner().unwrap();
    assert!(complaints.is_empty(), "{} of {} runs:\n{}", complaints.len(), figures.runs, complaints.join("\n\n"));
    figures
}

#[test]
fn at_no_place_of_any_conversation_is_a_session_lost() {
    let mut cases = all_cases(&mut World::new());
    Dice(seed()).shuffle(&mut cases);
    if !is_full() {
        // Those that wait for time-outs are for those who have the time.
        cases.retain(|case| match case.mishap {
            Mishap::Cut | Mishap::HalfClose => true,
            Mishap::Garble => case.channel == Channel::Server,
            Mishap::Delay(_) | Mishap::Silence | Mishap::Death => false,
        });
        cases.truncate(SAMPLE);
    }
    let figures = try_all(cases, if is_full() { 20 } else { 6 });
    figures.print("message boundaries");
    assert_eq!(figures.lost, 0);
}
