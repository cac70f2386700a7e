//! Runs programs, and measures their cost and that of the server.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use testbed::redis::{Answer, Redis};

/// Cost of one run.
#[derive(Clone, Copy)]
pub struct Run {
    pub wall: Duration,
    /// Processor time of the program itself in hundredths of a second, except for its last two
    /// milliseconds.
    pub processor: Duration,
    pub peak_bytes: f64,
}

/// Cost of one run, and its cost at the server.
#[derive(Clone, Copy)]
pub struct Watched {
    pub run: Run,
    /// The server's time in the commands themselves (`INFO commandstats`).
    pub commands: Duration,
    /// The server's total processor time, including requests and answers.
    pub whole: Duration,
}

/// Result with a comparable time.
pub trait Timed: Copy {
    fn wall(&self) -> Duration;
}

impl Run {
    /// Marks a run of a program that only starts others, whose memory and processor time are not
    /// measured.
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

/// Returns the fastest of several runs, because other activity of the machine only makes them
/// slower.
pub fn best<T: Timed>(runs: usize, mut one: impl FnMut() -> T) -> T {
    (0..runs.max(1)).map(|_| one()).min_by_key(Timed::wall).expect("there is at least one run")
}

/// Runs oauthctl on this store.
pub fn oauthctl(store: &str, arguments: &[&str]) -> Run {
    let arguments = [arguments, &["--store", store, "--quiet"]].concat();
    run(env!("CARGO_BIN_EXE_oauthctl"), &arguments, &std::env::temp_dir())
}

/// Runs oauthctl on this store, and checks the number of output lines, which go through a file.
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

/// Runs a program to its end and discards its output.
pub fn run(program: &str, arguments: &[&str], dir: &Path) -> Run {
    run_into(Stdio::null(), program, arguments, dir)
}

fn run_into(output: Stdio, program: &str, arguments: &[&str], dir: &Path) -> Run {
    let begun = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env("XDG_STATE_HOME", dir).stdout(output);
    let mut child = command.spawn().expect("it can be started");
    let place = format!("/proc/{}", child.id());
    let (mut peak, mut processor) = (0.0, Duration::ZERO);
    loop {
        // Both only grow, so the last sample is close to the final value.
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

/// Returns user and system time in hundredths of a second: fields 14 and 15, counted from the
/// program's name, which may contain anything.
fn processor_time(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (next()? + next()?)))
}

/// Describes the machine.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    format!("{model}, {cores} cores, load {load}")
}

/// Prints a line of figures.
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

/// Statistics of the server.
pub struct Server<'r>(pub &'r Redis);

impl Server<'_> {
    /// Measures the cost of a run at the server.
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
