//! The terminal: results on stdout, everything else on stderr. The only room that writes to either.

mod bars;
mod entries;
mod listing;
mod log;
mod palette;
mod progress;
mod prompt;
mod report;

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;

use crate::error::Failure;
use crate::text;

pub use crate::text::{brief_kid, counted, counts, sanitised, sessions_and_logins};
pub use entries::Entry;
pub use listing::{Listing, Row};
pub use palette::{Palette, Role};
pub use progress::Progress;
pub use report::{panicked, report};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the terminal is like and what the user wants of it.
#[derive(Clone)]
pub struct Ui {
    /// The format asked for.
    pub format: Format,
    quiet: bool,
    verbosity: u8,
    out: Palette,
    err: Palette,
}

impl Ui {
    /// Settles format, colour and talkativeness once; `verbosity` is how often `-v` was given.
    pub fn new(
        format: Format,
        color: ColorChoice,
        no_color: bool,
        quiet: bool,
        verbosity: u8,
    ) -> Self {
        let palette = |is_terminal: bool| match color {
            ColorChoice::Always => Palette::Coloured,
            ColorChoice::Auto if is_terminal && !no_color => Palette::Coloured,
            ColorChoice::Auto | ColorChoice::Never => Palette::Plain,
        };
        let [out, err] = [io::stdout().is_terminal(), io::stderr().is_terminal()].map(palette);
        log::listen(verbosity, err);
        Self { format, quiet, verbosity, out, err }
    }

    /// Returns the colours for stderr.
    pub fn err_palette(&self) -> Palette {
        self.err
    }

    /// Checks whether a person reads stdout.
    pub fn stdout_is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Writes a result to stdout.
    pub fn result(&self, text: impl AsRef<[u8]>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_ref())?;
        out.flush()
    }

    /// Returns a JSON document as it will be shown: indented for a person at the terminal, on one
    /// line for a program. What goes to a file is for a program.
    pub fn json_document(&self, document: &serde_json::Value, to_file: bool) -> Vec<u8> {
        text::json_document(document, !to_file && self.stdout_is_terminal())
    }

    /// What a run counted, for a program: a JSON document, or a header and a line of CSV.
    pub fn document(&self, document: &serde_json::Value) -> io::Result<()> {
        match document.as_object() {
            Some(members) if self.format == Format::Csv => {
                let mut csv = csv::Writer::from_writer(Vec::new());
                csv.write_record(members.keys())?;
                csv.write_record(members.values().map(ToString::to_string))?;
                self.result(csv.into_inner().map_err(csv::IntoInnerError::into_error)?)
            }
            _ => self.result(self.json_document(document, false)),
        }
    }

    /// Returns a JSON document as a person reads it, wherever it will go.
    #[expect(clippy::unused_self, reason = "what people read goes through a Ui")]
    pub fn json_for_people(&self, document: &serde_json::Value) -> String {
        String::from_utf8_lossy(&text::json_document(document, true)).into_owned()
    }

    /// Opens a list of rows on stdout, in the format asked for.
    pub fn listing<R: Row>(&self) -> Listing {
        Listing::new::<R>(self.format, self.out, terminal_width())
    }

    /// Fields and values, one a line, aligned.
    pub fn card(&self, fields: &[(&str, String, Option<Role>)]) -> io::Result<()> {
        let width = fields.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, value, role) in fields {
            let value = sanitised(value);
            let value = role.map_or_else(|| value.to_string(), |role| self.out.paint(role, &value));
            text.push_str(&format!("{name:width$}  {value}\n"));
        }
        self.result(text)
    }

    /// Counts as bars: name, count and colour of each.
    pub fn bars(
        &self,
        title: &str,
        rows: &[(&str, u64, Option<Role>)],
        total: u64,
    ) -> io::Result<()> {
        self.result(bars::bars(title, rows, total, self.out, terminal_width()))
    }

    /// Statements with what there is to say about each.
    pub fn entries(&self, entries: &[Entry<'_>]) -> io::Result<()> {
        self.result(entries::entries(entries, self.out))
    }

    /// Checks whether there is a person to ask.
    pub fn can_ask(&self) -> bool {
        prompt::can_ask()
    }

    /// Asks a question that yes or no answers; no is what Enter says.
    pub fn ask(&self, question: &str) -> Result<bool, Failure> {
        prompt::ask(question)
    }

    /// Asks for a line of text; `offered` is what Enter says. `check` says what is wrong with an
    /// answer.
    pub fn ask_line(
        &self,
        question: &str,
        offered: Option<&str>,
        optional: bool,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        prompt::line(question, offered, optional, check)
    }

    /// Begins to show progress, where somebody looks. The steps of `-v` show it in their own way.
    pub fn progress(&self, what: &'static str) -> Progress {
        Progress::new(!self.quiet && self.verbosity == 0 && io::stderr().is_terminal(), what)
    }

    /// Sums a run up: on stdout for people, and beside what programs read there. Silent with
    /// `--quiet`.
    pub fn summary(&self, text: impl AsRef<str>) -> io::Result<()> {
        match self.format {
            Format::Table if !self.quiet => self.result(format!("{}\n", text.as_ref())),
            Format::Table => Ok(()),
            _ => {
                self.note(text);
                Ok(())
            }
        }
    }

    /// Says something by the way, on stderr. Silent with `--quiet`.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Returns a line on stderr that has to be read, quiet or not.
    pub fn say(&self, text: impl AsRef<str>) {
        self.err_line(&sanitised(text.as_ref()));
    }

    /// Says what may go wrong, on stderr, also with `--quiet`.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.err_line(&format!(
            "{} {}",
            self.err.paint(Role::Warning, "warning:"),
            sanitised(text.as_ref())
        ));
    }

    fn err_line(&self, line: &str) {
        // Whoever closed stderr does not want to hear about it.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// How wide the terminal is that results go to. One that says 0 does not know.
fn terminal_width() -> Option<usize> {
    let (_, width) = dialoguer::console::Term::stdout().size_checked()?;
    Some(width.into()).filter(|width| *width > 0)
}
