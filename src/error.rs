//! Exit codes, and the error type with a hint. `ui/report.rs` prints errors.
//!
//! A predictable failure is a [`Failure`]: the input and its fault, a hint, and the exit code.
//! Other errors are wrapped by anyhow and cause exit code 1.

use std::fmt;
use std::io;

/// Exit status of the process. The numbers are part of the interface (README, "Exit status").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done, or nothing to do.
    Done = 0,
    /// Failed without effect.
    Failed = 1,
    /// Faulty command line or configuration. Nothing was attempted.
    Usage = 2,
    /// Partly done or unconfirmed. Each item was reported.
    Partial = 3,
    /// Stopped by SIGHUP (terminal or connection closed), after completing work in progress.
    HungUp = 129,
    /// Stopped by SIGINT (Ctrl-C), after completing work in progress.
    Interrupted = 130,
    /// Stopped by SIGQUIT (Ctrl-\), after completing work in progress.
    Quit = 131,
    /// Stopped by SIGTERM, after completing work in progress.
    Terminated = 143,
}

impl Exit {
    /// Exit statuses after a signal: 128 plus its number.
    pub const OF_SIGNALS: [Self; 4] =
        [Self::HungUp, Self::Interrupted, Self::Quit, Self::Terminated];

    /// Returns the exit status for an error. A closed pipe is not an error.
    pub fn of(error: &anyhow::Error) -> Self {
        if is_broken_pipe(error) {
            return Self::Done;
        }
        error.chain().find_map(|e| e.downcast_ref::<Failure>()).map_or(Self::Failed, Failure::exit)
    }

    /// Returns the numeric exit status.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Predictable failure: names the input, its fault and the next step.
pub struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    source: Option<anyhow::Error>,
}

/// Returns the failure of a faulty command line, configuration or input (exit code 2).
pub fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// Returns the failure of an operation, for reasons outside the command line (exit code 1).
pub fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, message)
}

/// Returns the failure of a command interrupted before it had an effect. `so` is the consequence
/// for the user.
pub fn interrupted(exit: Exit, so: &str) -> Failure {
    Failure::new(exit, format!("interrupted; {so}"))
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, source: None }
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the hint, if any.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns the exit status.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Adds the underlying error.
    pub fn because(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Formats message and hint on one line, for a prompt that is repeated.
    pub fn in_one_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// Returns the failure without the underlying error.
    pub fn without_cause(&self) -> Self {
        Self {
            exit: self.exit,
            message: self.message.clone(),
            hint: self.hint.clone(),
            source: None,
        }
    }

    /// Names the input: `at("env:PRIVATE_KEYS")` puts it in front of the message.
    pub fn at(mut self, input: impl fmt::Display) -> Self {
        self.message = format!("{input}: {}", self.message);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.exit, self.message)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| &**e as _)
    }
}

/// Returns "did you mean …?", if a known word is similar enough.
pub fn suggestion(given: &str, known: &[&str]) -> Option<String> {
    let (similarity, best) = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(given, candidate), *candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    // The measure is too strict for short names: `ulr` is hardly similar to `url`.
    (similarity > 0.8 || strsim::osa_distance(given, best) == 1)
        .then(|| format!("did you mean {best}?"))
}

/// Returns the known name that was probably meant: with few different letters, or in another order.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let tolerance = (given.len() / 5).max(2);
    let known = known.into_iter().filter(|known| known.len().abs_diff(given.len()) <= tolerance);
    let (distance, best) = known
        .map(|known| (strsim::osa_distance(given, known), known))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= tolerance && distance < given.len()).then_some(best)
}

/// Checks whether the error is only that the output is no longer read.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|e| e.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
