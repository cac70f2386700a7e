//! Running programs, and what they cost themselves and the server.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use testbed::redis::{Answer, Redis};

/// What one run took.
#[derive(Clone, Copy)]
pub struct Run {
    pub wall: Duration,
    /// What the program itself took of the processors, in hundredths of a second, but for its last
    /// two milliseconds.
    pub processor: Duration,
    pub peak_bytes: f64,
}

/// What one run took, and what it cost the server.
#[derive(Clone, Copy)]
pub struct Watched {
    pub run: Run,
    /// The server's time in the commands themselves (`INFO commandstats`).
    pub commands: Duration,
    /// All of the server's processor time, with reading requests and sending answers.
    pub whole: Duration,
}

/// What has a time to compare by.
pub trait Timed: Copy {
    fn wall(&self) -> Duration;
}

impl Run {
    /// The same where the program only has others do the work, whose memory and processor time
    /// nobody looks at.
    pub fn of_others(self) -> Self {
        Self { processor: Duration::ZERO, peak_bytes: 0.0, ..self }
    }
}

impl Timed for Run {
    fn wall(&self) -> Duration {
        self.wall
    }
}

impl Timed for Watched {
    fn wall(&self) -> Duration {
        self.run.wall
    }
}

/// Returns the fastest of several runs: whatever else the machine does only makes them slower.
pub fn best<T: Timed>(runs: usize, mut one: impl FnMut() -> T) -> T {
    (0..runs.max(1)).map(|_| one()).min_by_key(Timed::wall).expect("there is at least one run")
}

/// Runs oauthctl on this store.
pub fn oauthctl(store: &str, arguments: &[&str]) -> Run {
    let arguments = [arguments, &["--store", store, "--quiet"]].concat();
    run(env!("CARGO_BIN_EXE_oauthctl"), &arguments, &std::env::temp_dir())
}

/// Runs oauthctl on this store, whose output must have so many lines. They go through a file.
pub fn oauthctl_lines(store: &str, arguments: &[&str], lines: usize) -> Run {
    let arguments = [arguments, &["--store", store, "--quiet"]].concat();
    let output = tempfile::NamedTempFile::new().expect("a file can be made");
    let file = output.reopen().expect("it can be written");
    let run =
        run_into(file.into(), env!("CARGO_BIN_EXE_oauthctl"), &arguments, &std::env::temp_dir());
    let text = std::fs::read(output.path()).expect("it can be read");
    #[expect(clippy::naive_bytecount, reason = "it is not what is measured")]
    let found = text.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(found, lines, "{arguments:?}");
    run
}

/// Runs a program to its end. Its output goes nowhere.
pub fn run(program: &str, arguments: &[&str], dir: &Path) -> Run {
    run_into(Stdio::null(), program, arguments, dir)
}

fn run_into(output: Stdio, program: &str, arguments: &[&str], dir: &Path) -> Run {
    let begun = Instant::now();
    let mut command = Command::new(program);
    let mut child =
        command.args(arguments).current_dir(dir).stdout(output).spawn().expect("it can be started");
    let place = format!("/proc/{}", child.id());
    let (mut peak, mut processor) = (0.0, Duration::ZERO);
    loop {
        // Both only rise, so the last look at them is close to the end's.
        let read = |name: &str| std::fs::read_to_string(format!("{place}/{name}")).ok();
        peak = read("status").and_then(|status| high_water(&status)).unwrap_or(peak);
        processor = read("stat").and_then(|stat| processor_time(&stat)).unwrap_or(processor);
        if let Some(exit) = child.try_wait().expect("it can be waited for") {
            assert!(exit.success(), "{program} {arguments:?} failed");
            return Run { wall: begun.elapsed(), processor, peak_bytes: peak };
        }
        sleep(Duration::from_millis(2));
    }
}

/// Checks whether a program runs and succeeds.
pub fn succeeds(program: &str, arguments: &[&str], dir: &Path) -> bool {
    let mut command = Command::new(program);
    let status = command
        .args(arguments)
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}

/// User and system time, in the kernel's hundredths of a second: fields 14 and 15, counted from the
/// program's name, which may contain anything.
fn processor_time(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (next()? + next()?)))
}

/// What was measured where.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    format!("{model}, {cores} cores, load {load}")
}

/// One line of figures.
pub fn line(what: &str, count: usize, run: &Run) {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let rate = count as f64 / run.wall.as_secs_f64();
    print!("{what:50} {:8.0} ms {rate:9.0} a second", run.wall.as_secs_f64() * 1e3);
    if run.peak_bytes > 0.0 {
        print!(
            "{:8.2} s of processor {:6.1} MB",
            run.processor.as_secs_f64(),
            run.peak_bytes / 1e6
        );
    }
    println!();
}

/// The server's own books.
pub struct Server<'r>(pub &'r Redis);

impl Server<'_> {
    /// What a run costs the server.
    pub fn watched(&self, run: impl FnOnce() -> Run) -> Watched {
        self.0.ask(&["CONFIG", "RESETSTAT"]);
        let before = self.processor();
        let run = run();
        Watched { run, whole: self.processor().saturating_sub(before), commands: self.commands() }
    }

    fn info(&self, section: &str) -> String {
        match self.0.ask(&["INFO", section]) {
            Answer::Bulk(Some(text)) => String::from_utf8_lossy(&text).into_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn processor(&self) -> Duration {
        let info = self.info("cpu");
        let seconds = ["used_cpu_sys:", "used_cpu_user:"].map(|name| {
            let value = info.lines().find_map(|line| line.strip_prefix(name));
            value
                .and_then(|value| value.trim().parse::<f64>().ok())
                .expect("the server keeps books")
        });
        Duration::from_secs_f64(seconds.iter().sum())
    }

    fn commands(&self) -> Duration {
        let info = self.info("commandstats");
        let spent = ["scan", "mget", "pttl"].into_iter().filter_map(|name| {
            let line = info.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:")))?;
            line.split("usec=").nth(1)?.split(',').next()?.parse::<u64>().ok()
        });
        Duration::from_micros(spent.sum())
    }
}
