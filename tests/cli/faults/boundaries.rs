//! Faults in all messages between the commands that change sessions and their servers: connections
//! cut, half-closed, delayed, garbled or silent, and servers that die.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;
use std::{fmt, thread};

use testbed::{Mishap, Spot, Way};

use super::oracle::Fate;
use super::world::{Channel, Job, Place, World};
use super::{Dice, Figures, ending, is_full, seed, tell};

/// Delay above the time after which tokens are put on disk during a write.
const LATE: Duration = Duration::from_secs(3);

/// Number of cases in a normal run.
const SAMPLE: usize = 60;

/// One fault.
#[derive(Clone, Copy, Debug)]
struct Case {
    place: Place,
    job: Job,
    channel: Channel,
    spot: Spot,
    mishap: Mishap,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, job, channel, spot: Spot { way, message, halfway }, mishap } = self;
        let at = if *halfway { "in the middle of" } else { "before" };
        write!(f, "{place:?}: {job:?}, {mishap:?} {at} message {message} {way:?} of {channel:?}")
    }
}

/// Returns all possible faults, from undisturbed runs.
fn all_cases(place: Place) -> Vec<Case> {
    let (mut world, mut cases) = (World::new(place), Vec::new());
    for job in Job::ALL {
        world.prepare(job, 2);
        let (output, _) = ending(&world.npmx.app.sandbox, world.begin(&job.in_order()));
        assert_eq!(
            (output.code, world.harm(output.code)),
            (job.code(), None),
            "{place:?} {job:?}: {output}"
        );
        let fates = world.fates(None);
        assert!(
            fates.values().all(|fate| [Fate::Kept, Fate::Ended].contains(fate)),
            "{job:?}: {fates:?}: {output}"
        );
        assert_eq!(
            world.counts(&output.stdout),
            Ok(expected(place, job)),
            "{place:?} {job:?}: {output}"
        );
        for &channel in place.channels() {
            for (way, count) in
                [Way::Up, Way::Down].into_iter().zip(world.proxy(channel).messages())
            {
                for (message, halfway) in
                    (0..count).flat_map(|message| [(message, false), (message, true)])
                {
                    let spot = Spot { way, message, halfway };
                    let mishaps = [
                        Mishap::Cut,
                        Mishap::HalfClose,
                        Mishap::Delay(LATE),
                        Mishap::Garble,
                        Mishap::Silence,
                        Mishap::Death,
                    ];
                    cases.extend(mishaps.map(|mishap| Case { place, job, channel, spot, mishap }));
                }
            }
        }
    }
    cases
}

/// Returns the reported and the actual number of changes in an undisturbed run.
fn expected(place: Place, job: Job) -> (Option<u64>, u64) {
    match job {
        Job::Export => (None, 0),
        // Two are new, one is newer than the existing one, and one is older.
        Job::Import => (Some(3), 3),
        // The age of a login is unknown there.
        Job::Purge if place == Place::Disk => (Some(0), 0),
        _ => (Some(2), 2),
    }
}

/// Fault of a run.
enum Complaint {
    /// Damage. Never excusable.
    Grave(String),
    /// The run or its successor ended badly, possibly because the machine was stalled.
    Perhaps(String),
}

impl Complaint {
    /// Adds context.
    fn after(self, before: &str, after: &str) -> Self {
        match self {
            Self::Grave(text) => Self::Grave(format!("{before}{text}{after}")),
            Self::Perhaps(text) => Self::Perhaps(format!("{before}{text}{after}")),
        }
    }
}

/// Runs one case, and the next steps of an operator.
fn try_case(world: &mut World, case: &Case, figures: &mut Figures) -> Result<(), Complaint> {
    world.prepare(case.job, 2);
    world.proxy(case.channel).plan(case.spot, case.mishap);
    let (output, took) = ending(&world.npmx.app.sandbox, world.begin(&case.job.in_order()));
    let fates = world.fates(None);
    let has = |fate| fates.values().filter(|one| **one == fate).count() as u64;
    figures.add(&Figures {
        runs: 1,
        struck: u64::from(world.proxy(case.channel).struck()),
        sessions: fates.len() as u64,
        recovered: has(Fate::Waiting),
        ended: has(Fate::Ended),
        unanswered: has(Fate::Unanswered),
        lost: has(Fate::Lost),
        slowest: took,
        ..Figures::default()
    });
    let complain =
        |what: &str| Err(Complaint::Grave(format!("{case}: {what}: {fates:?}\n{output}")));
    if has(Fate::Lost) > 0 {
        return complain("lost");
    }
    if has(Fate::Impaired) > 0 {
        return complain("stored with a time to live or an access token that is not its own");
    }
    if output.stderr.contains("panicked") || !(0..=3).contains(&output.code) {
        return complain("crashed");
    }
    if let Some(harm) = world.harm(output.code) {
        return complain(harm);
    }
    match world.counts(&output.stdout) {
        Err(why) => return complain(&why),
        Ok((Some(said), done)) if said > done => return complain("says more than it did"),
        // The run may not know whether the affected operation was completed.
        Ok((Some(said), done)) if said + 1 < done => return complain("says less than it did"),
        Ok((None, done)) if output.code == 0 && done > 0 => {
            return complain("does not say what it did");
        }
        Ok(_) => {}
    }
    let spoilt = has(Fate::Unanswered);
    if spoilt > 1 {
        return complain("one message, more than one session");
    }
    let of_fate =
        |fate| fates.iter().filter(move |(_, one)| **one == fate).map(|(did, _)| did.clone());
    let unanswered: BTreeSet<_> = of_fate(Fate::Unanswered).collect();
    world.heal();
    world.to_end.extend(unanswered.iter().cloned());
    let mended = afterwards(world, case, &unanswered, figures);
    mended.map_err(|complaint| {
        complaint.after(&format!("{case}: "), &format!("\nthe run before:\n{output}"))
    })
}

/// Restores waiting tokens, and runs the same command again, which must succeed.
fn afterwards(
    world: &World,
    case: &Case,
    unanswered: &BTreeSet<String>,
    figures: &mut Figures,
) -> Result<(), Complaint> {
    let app = &world.npmx.app;
    if case.job == Job::Retire {
        world.write_keys();
    }
    for arguments in ["sessions recover", &case.job.in_order()] {
        let recovers = arguments == "sessions recover";
        if recovers && app.recovery_entries().is_empty() {
            continue;
        }
        let (output, _) = ending(&app.sandbox, world.begin(arguments));
        let fates = world.fates(None);
        // Sessions whose new tokens never arrived were lost before.
        let others = || fates.iter().filter(|(did, _)| !unanswered.contains(*did));
        let lost = others().filter(|(_, fate)| **fate == Fate::Lost).count() as u64;
        figures.lost += lost;
        if lost > 0 || others().any(|(_, fate)| *fate == Fate::Impaired) {
            return Err(Complaint::Grave(format!(
                "harm done by `{arguments}`: {fates:?}\n{output}"
            )));
        }
        let settled = |(did, fate): (&String, &Fate)| {
            *fate == Fate::Kept || *fate == Fate::Ended || world.to_end.contains(did)
        };
        let code = if recovers { 0 } else { case.job.code() };
        let ended_well = output.code == code || !unanswered.is_empty();
        let settled = case.job == Job::Import && recovers || others().all(settled);
        if !ended_well || !settled || !app.recovery_entries().is_empty() {
            return Err(Complaint::Perhaps(format!(
                "not mended by `{arguments}`: {fates:?}\n{output}"
            )));
        }
    }
    Ok(())
}

/// Runs all cases with this concurrency. Returns the complaints, too.
fn try_all(cases: Vec<Case>, at_once: usize) -> (Figures, Vec<String>) {
    tell(&format!("{} places to disturb", cases.len()));
    let (total, left) = (Mutex::new((Figures::default(), Vec::new())), Mutex::new(cases));
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                let mut world: Option<(Place, World)> = None;
                loop {
                    let Some(case) = left.lock().unwrap().pop() else { return };
                    if world.as_ref().is_none_or(|(place, _)| *place != case.place) {
                        world = Some((case.place, World::new(case.place)));
                    }
                    let world = &mut world.as_mut().expect("it was made just now").1;
                    let mut figures = Figures::default();
                    let mut once = || {
                        let tried =
                            catch_unwind(AssertUnwindSafe(|| try_case(world, &case, &mut figures)));
                        tried.unwrap_or_else(|_| {
                            Err(Complaint::Perhaps(format!("{case}: it never ended")))
                        })
                    };
                    let tried = match once() {
                        Err(Complaint::Perhaps(first)) => {
                            tell(&format!("a second try: {first}"));
                            let second = once();
                            figures.second_tries += 1;
                            second.map_err(|complaint| {
                                complaint.after("", &format!("\nand before that:\n{first}"))
                            })
                        }
                        tried => tried,
                    };
                    let mut total = total.lock().unwrap();
                    total.0.add(&figures);
                    // Progress of a long run.
                    if total.0.runs.is_multiple_of(500) {
                        total.0.print("so far");
                    }
                    if let Err(Complaint::Grave(text) | Complaint::Perhaps(text)) = tried {
                        tell(&text);
                        total.1.push(text);
                    }
                }
            });
        }
    });
    total.into_inner().unwrap()
}

#[test]
fn at_no_place_of_any_conversation_is_a_session_lost() {
    let mut cases = thread::scope(|scope| {
        let found = Place::ALL.map(|place| scope.spawn(move || all_cases(place)));
        found.into_iter().flat_map(|cases| cases.join().unwrap()).collect::<Vec<_>>()
    });
    Dice(seed()).shuffle(&mut cases);
    if !is_full() {
        // Cases that wait for timeouts run only in full mode.
        cases.retain(|case| match case.mishap {
            Mishap::Cut | Mishap::HalfClose => true,
            Mishap::Garble => case.channel == Channel::Server,
            Mishap::Delay(_) | Mishap::Silence | Mishap::Death => false,
        });
        cases.truncate(SAMPLE);
    }
    let (mut figures, mut complaints) = (Figures::default(), Vec::new());
    // Each place needs its own servers, as many as there are runs at once.
    for place in Place::ALL {
        let of_place: Vec<_> = cases.extract_if(.., |case| case.place == place).collect();
        let at_once = match place {
            _ if !is_full() => 6,
            // Five processes each.
            Place::Rows => 16,
            // Most of the time is spent waiting for timeouts.
            _ => 48,
        };
        let (of_place, others) = try_all(of_place, at_once);
        figures.add(&of_place);
        complaints.extend(others);
    }
    figures.print("message boundaries");
    let count = complaints.len();
    assert!(count == 0, "{count} of {} runs:\n{}", figures.runs, complaints.join("\n\n"));
    assert_eq!(figures.lost, 0);
    // Messages that arrive together count as one.
    assert!(
        figures.struck * 100 >= figures.runs * 95,
        "only {} of {} mishaps happened",
        figures.struck,
        figures.runs
    );
}
