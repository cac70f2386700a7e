//! Every message of every conversation of the commands that change sessions: cut, half-closed,
//! late, garbled, swallowed, or the last that its server ever sent or received.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;
use std::{fmt, thread};

use testbed::{Mishap, Spot, Way};

use super::oracle::Fate;
use super::world::{Channel, Job, Place, World};
use super::{Dice, Figures, ending, is_full, seed, tell};

/// Longer than a write is waited for before tokens go to the disk.
const LATE: Duration = Duration::from_secs(3);

/// So many cases are tried in a normal run.
const SAMPLE: usize = 60;

/// One disturbance.
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

/// What there is to disturb, by undisturbed runs.
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

/// What a run that nobody disturbs says that it has done, and has done.
fn expected(place: Place, job: Job) -> (Option<u64>, u64) {
    match job {
        Job::Export => (None, 0),
        // Of two that are not there and two others, one is newer than what is there.
        Job::Import => (Some(3), 3),
        // How old a login is nobody knows there.
        Job::Purge if place == Place::Disk => (Some(0), 0),
        _ => (Some(2), 2),
    }
}

/// What is wrong with a run.
enum Complaint {
    /// It did harm. There is no excuse for that.
    Grave(String),
    /// It, or the one after it, did not end well. A machine that stood still for a while may be to
    /// blame.
    Perhaps(String),
}

impl Complaint {
    /// The same in its context.
    fn after(self, before: &str, after: &str) -> Self {
        match self {
            Self::Grave(text) => Self::Grave(format!("{before}{text}{after}")),
            Self::Perhaps(text) => Self::Perhaps(format!("{before}{text}{after}")),
        }
    }
}

/// Runs one case, and what an operator would do next.
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
        // Whether the one that something happened to was done, it may not know.
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

/// Whatever waits is brought back, and the same command ends well.
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
        // Whose new tokens nobody ever had has been lost before.
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

/// Tries all of these, so many at the same time.
fn try_all(cases: Vec<Case>, at_once: usize) -> Figures {
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
                    // It takes long enough for somebody to ask.
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
    let (figures, complaints) = total.into_inner().unwrap();
    assert!(
        complaints.is_empty(),
        "{} of {} runs:\n{}",
        complaints.len(),
        figures.runs,
        complaints.join("\n\n")
    );
    figures
}

#[test]
fn at_no_place_of_any_conversation_is_a_session_lost() {
    let mut cases = thread::scope(|scope| {
        let found = Place::ALL.map(|place| scope.spawn(move || all_cases(place)));
        found.into_iter().flat_map(|cases| cases.join().unwrap()).collect::<Vec<_>>()
    });
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
    // Those in one place together: each needs servers of its own.
    cases.sort_by_key(|case| case.place);
    // Most of the time they wait for time-outs.
    let figures = try_all(cases, if is_full() { 48 } else { 6 });
    figures.print("message boundaries");
    assert_eq!(figures.lost, 0);
    // Where messages come together that were apart before, there is one less.
    assert!(
        figures.struck * 100 >= figures.runs * 95,
        "only {} of {} mishaps happened",
        figures.struck,
        figures.runs
    );
}
