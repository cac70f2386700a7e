//! Exit codes, and the error type with a hint. `ui/report.rs` prints errors.
//!
//! A predictable failure is a [`Failure`]: what is wrong with which input, what to do next, and the
//! exit code. Any other error is wrapped by anyhow and ends with exit code 1.

use std::fmt;
use std::io;

/// How the process ends. The numbers are part of the interface (README, "Exit status").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done; also when there was nothing to do.
    Done = 0,
    /// Failed, nothing achieved.
    Failed = 1,
    /// The command line or the configuration is wrong; nothing was attempted.
    Usage = 2,
    /// Partly done or unconfirmed; each item was named.
    Partial = 3,
    /// Stopped by SIGHUP (the terminal or the connection went), after what was begun had come to
    /// its end.
    HungUp = 129,
    /// Stopped by SIGINT (Ctrl-C), likewise.
    Interrupted = 130,
    /// Stopped by SIGQUIT (Ctrl-\), likewise.
    Quit = 131,
    /// Stopped by SIGTERM, likewise.
    Terminated = 143,
}

impl Exit {
    /// Those after a signal: 128 and its number.
    pub const OF_SIGNALS: [Self; 4] =
        [Self::HungUp, Self::Interrupted, Self::Quit, Self::Terminated];

    /// How a command exits that failed with this. A reader that went away is not an error.
    pub fn of(error: &anyhow::Error) -> Self {
        if is_broken_pipe(error) {
            return Self::Done;
        }
        error.chain().find_map(|e| e.downcast_ref::<Failure>()).map_or(Self::Failed, Failure::exit)
    }

    /// Returns the number the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// A failure that was foreseen: names the input, says what is wrong and what to do next.
pub struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
    source: Option<anyhow::Error>,
}

/// Returns the command line, the configuration or an input is wrong (exit code 2).
pub fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

/// Returns the world did not let us (exit code 1).
pub fn failed(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, message)
}

/// A signal came before anything was done; `so` is what that means for the user.
pub fn interrupted(exit: Exit, so: &str) -> Failure {
    Failure::new(exit, format!("interrupted; {so}"))
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, source: None }
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do next, where that is known.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// How a command exits that fails so.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Adds the lower error that led here.
    pub fn because(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is wrong and what to do about it, on one line: for a person who can answer again at
    /// once.
    pub fn in_one_line(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// The same without the lower error.
    pub fn without_cause(&self) -> Self {
        Self {
            exit: self.exit,
            message: self.message.clone(),
            hint: self.hint.clone(),
            source: None,
        }
    }

    /// Names the input the failure is about: `at("env:PRIVATE_KEYS")` puts it in front of the
    /// message.
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

/// "did you mean …?", when something known is close enough.
pub fn suggestion(given: &str, known: &[&str]) -> Option<String> {
    let (similarity, best) = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(given, candidate), *candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    // The measure is too strict with short names: in `ulr` it sees little of `url`.
    (similarity > 0.8 || strsim::osa_distance(given, best) == 1)
        .then(|| format!("did you mean {best}?"))
}

/// Returns the known name that was probably meant: of few other letters, or of some in another
/// order.
pub fn nearest<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let tolerance = (given.len() / 5).max(2);
    let known = known.into_iter().filter(|known| known.len().abs_diff(given.len()) <= tolerance);
    let (distance, best) = known
        .map(|known| (strsim::osa_distance(given, known), known))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= tolerance && distance < given.len()).then_some(best)
}

/// Checks whether it is only that nobody reads the output any more.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|e| e.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
