//! kill -9 at random moments of bulk runs. At most the sessions being refreshed at that moment are
//! lost; earlier ones are stored or in the recovery directory.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use testbed::{Gate, real_now};

use super::oracle::{Fate, Kill};
use super::world::{Job, Place, World};
use super::{Dice, Figures, ending, is_full, seed};
use crate::app::{App, wait_until};

/// Duration of a refresh at the server.
const EXCHANGE: Duration = Duration::from_millis(4);
/// Time before a kill from which new tokens must be safe. Saving them takes a few milliseconds, and
/// more on a busy machine.
const GRACE: Duration = Duration::from_millis(300);
/// Number of sessions of a run, in a sample and in full mode.
const SESSIONS: (usize, usize) = (16, 40);
/// Number of concurrent refreshes.
const AT_ONCE: u64 = 4;
/// Number of kills per command and store, in a sample and in full mode.
const KILLS: (u64, u64) = (1, 24);
/// Stores of runs that are killed. REST uses the same Redis.
const PLACES: [Place; 4] = [Place::Redis, Place::Atcute, Place::Rows, Place::Disk];

/// Kills runs of one command.
fn kill_runs(world: &mut World, job: Job, kills: u64, dice: &mut Dice) -> Figures {
    // Length of an undisturbed run.
    let sessions = if is_full() { SESSIONS.1 } else { SESSIONS.0 };
    world.prepare(job, sessions);
    let app = &world.npmx.app;
    app.net.configure(|policy| policy.exchange_time = EXCHANGE);
    let (output, whole) = ending(&app.sandbox, world.begin(&job.arguments()));
    assert_eq!(output.code, job.code(), "{job:?}: {output}");
    let whole = u64::try_from(whole.as_micros()).unwrap();
    let mut figures = Figures::default();
    for _ in 0..kills {
        world.prepare(job, sessions);
        let moment = Duration::from_micros(dice.below(whole));
        let begun = Instant::now();
        let mut child = world.begin(&job.arguments());
        thread::sleep(moment.saturating_sub(begun.elapsed()));
        let kill = Kill { at: real_now(), grace: GRACE };
        child.kill().unwrap();
        child.wait().unwrap();
        // The server completes its work.
        thread::sleep(EXCHANGE * 10);
        figures.add(&judge(world, job, kill));
    }
    figures
}

/// Evaluates the cost of a kill, and checks that the next run repairs everything else.
fn judge(world: &mut World, job: Job, kill: Kill) -> Figures {
    let fates = world.fates(Some(kill));
    let has = |fate| fates.values().filter(|one| **one == fate).count() as u64;
    let figures = Figures {
        runs: 1,
        kills: 1,
        sessions: fates.len() as u64,
        recovered: has(Fate::Waiting),
        ended: has(Fate::Ended),
        in_flight: has(Fate::InFlight),
        lost: has(Fate::Lost),
        ..Figures::default()
    };
    assert_eq!((figures.lost, has(Fate::Impaired)), (0, 0), "{job:?}: {fates:?}");
    assert!(figures.in_flight <= AT_ONCE, "{job:?}: {fates:?}");
    for (did, _) in fates.iter().filter(|(_, fate)| **fate == Fate::InFlight) {
        world.forget(did);
        world.npmx.dids.retain(|one| one != did);
    }
    assert_recovery_directory(&world.npmx.app);
    world.heal();
    if job == Job::Retire {
        world.write_keys();
    }
    let app = &world.npmx.app;
    let (output, took) = ending(&app.sandbox, world.begin(&job.arguments()));
    assert_eq!(output.code, job.code(), "{job:?}: {output}");
    let fates = world.fates(None);
    assert!(
        fates.values().all(|fate| [Fate::Kept, Fate::Ended].contains(fate)),
        "{job:?}: {fates:?}: {output}"
    );
    assert!(app.recovery_entries().is_empty(), "{job:?}: {output}");
    Figures { runs: 2, slowest: took, ..figures }
}

/// Checks whether the file is a journal of sent tokens.
fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sent")
}

/// Asserts that the recovery directory contains complete entries under their names, journals, and
/// recent private temporary files.
fn assert_recovery_directory(app: &App) {
    let entries = app.recovery_entries();
    app.waiting_records();
    for file in fs::read_dir(app.recovery_directory()).into_iter().flatten() {
        let path = file.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_known = name.starts_with(".oauthctl-") || is_journal(&path);
        assert!(entries.contains(&path) || is_known, "{name}");
        let age = metadata.modified().unwrap().elapsed().unwrap_or_default();
        assert!(
            metadata.mode() & 0o7777 == 0o600 && age < Duration::from_hours(1),
            "{name}: {metadata:?}"
        );
    }
}

/// Time after which tokens are put on disk during a write.
const SHORTLY: Duration = Duration::from_secs(2);

#[test]
fn a_kill_during_disk_writes_loses_only_work_in_progress() {
    let kills = if is_full() { 40 } else { 2 };
    let (mut world, mut dice, mut figures) =
        (World::new(Place::Redis), Dice(seed()), Figures::default());
    for _ in 0..kills {
        world.prepare(Job::Refresh, SESSIONS.0);
        let arguments = format!("{} --concurrency {AT_ONCE}", Job::Refresh.arguments());
        let (mut child, answers) =
            world.caught_in_the_act(&arguments, usize::try_from(AT_ONCE).unwrap());
        world.npmx.redis.ask(&["CLIENT", "PAUSE", "60000", "WRITE"]);
        answers.iter().for_each(Gate::open);
        let directory = world.npmx.app.recovery_directory();
        // The journal of sent tokens is there already.
        wait_until(|| {
            let files = fs::read_dir(&directory);
            files.is_ok_and(|files| files.flatten().any(|file| !is_journal(&file.path())))
        });
        let moment = Duration::from_micros(dice.below(30_000));
        let begun = Instant::now();
        while begun.elapsed() < moment {
            std::hint::spin_loop();
        }
        let kill = Kill { at: real_now(), grace: SHORTLY + GRACE };
        child.kill().unwrap();
        child.wait().unwrap();
        // Waiting writes would be executed for a client that is still connected.
        wait_until(|| world.npmx.proxy.traffic().open == 0);
        world.npmx.redis.ask(&["CLIENT", "UNPAUSE"]);
        world.npmx.app.net.clear_faults();
        figures.add(&judge(&mut world, Job::Refresh, kill));
    }
    figures.print("kills while tokens go to the disk");
    assert!(figures.recovered > 0, "all kills came too early: {figures}");
}

#[test]
fn killed_at_any_moment_nothing_is_lost_but_what_was_under_way() {
    let kills = if is_full() { KILLS.1 } else { KILLS.0 };
    let figures = thread::scope(|scope| {
        let all = PLACES.map(|place| {
            scope.spawn(move || {
                let (mut world, mut dice, mut figures) =
                    (World::new(place), Dice(seed()), Figures::default());
                for job in Job::ALL {
                    figures.add(&kill_runs(&mut world, job, kills, &mut dice));
                }
                figures
            })
        });
        let mut sum = Figures::default();
        for one in all {
            sum.add(&one.join().unwrap());
        }
        sum
    });
    figures.print("kills");
    assert_eq!((figures.kills, figures.lost), ((PLACES.len() * Job::ALL.len()) as u64 * kills, 0));
    assert!(
        !is_full() || figures.in_flight > 0,
        "all kills came too early or too late to mean anything"
    );
}
