//! Terminal: results on stdout, everything else on stderr. The only module that writes to either.

mod bars;
mod entries;
mod listing;
mod log;
mod palette;
mod progress;
mod prompt;
mod report;
mod table;

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;
use dialoguer::console::Term;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Exit, Failure};
use crate::text;
use listing::Outlet;

pub use crate::text::{brief_kid, counted, counts, sanitised, sessions_and_logins};
pub use entries::Entry;
pub use listing::{Begun, Listing, Row, Wanted};
pub use palette::{Palette, Role};
pub use progress::Progress;
pub use report::{panicked, report};
pub use table::Cells;

/// Output format of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// A single JSON document.
    Json,
    /// A JSON object per line.
    Jsonl,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

/// Use of colour.
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

/// Properties of the terminal, and output options.
#[derive(Clone)]
pub struct Ui {
    /// Output format.
    pub format: Format,
    quiet: bool,
    verbosity: u8,
    out: Palette,
    err: Palette,
}

impl Ui {
    /// Determines format, colour and verbosity. `verbosity` is the number of `-v` options.
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

    /// Checks whether stdout is a terminal.
    pub fn stdout_is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Writes a result to stdout.
    pub fn result(&self, text: impl AsRef<[u8]>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_ref())?;
        out.flush()
    }

    /// Formats a JSON document: indented on a terminal, on one line for programs and files.
    pub fn json_document(&self, document: &serde_json::Value, to_file: bool) -> Vec<u8> {
        text::json_document(document, !to_file && self.stdout_is_terminal())
    }

    /// Prints a document for programs: as JSON, or as a header and a line of CSV.
    pub fn document(&self, document: &impl Serialize) -> anyhow::Result<()> {
        if self.format == Format::Csv {
            return listing::one_row(document);
        }
        // What may be a key is not copied.
        let text = Zeroizing::new(text::json_document(document, self.stdout_is_terminal()));
        Ok(self.result(text)?)
    }

    /// Writes what a command has done, for a program. People read it on stderr.
    pub fn receipt(&self, receipt: &impl Serialize) -> anyhow::Result<()> {
        if self.format == Format::Table { Ok(()) } else { self.document(receipt) }
    }

    /// Ends a document that is open, with these members.
    pub fn end_document(&self, members: &impl Serialize) -> io::Result<()> {
        let mut text = text::json_document(members, false);
        // The object has members already.
        if let Some(brace) = text.first_mut() {
            *brace = b',';
        }
        self.result(text)
    }

    /// Formats a JSON document for people, independent of the output.
    #[expect(clippy::unused_self, reason = "what people read goes through a Ui")]
    pub fn json_for_people(&self, document: &serde_json::Value) -> String {
        String::from_utf8_lossy(&text::json_document(document, true)).into_owned()
    }

    /// Opens a list of rows on stdout, in the selected format.
    pub fn listing<R: Row>(&self) -> Listing {
        Listing::new::<R>(self.outlet())
    }

    /// Opens the list of a run's results. As JSON it is one document with the counts.
    pub fn run_listing<R: Row>(&self, dry_run: bool) -> Listing {
        Listing::of_run::<R>(self.outlet(), dry_run, self.stdout_is_terminal())
    }

    /// Opens a list of rows with the columns, and in the order, that are wanted.
    pub fn wanted_listing<R: Row>(&self, wanted: &Wanted) -> Result<Listing, Failure> {
        Listing::wanted::<R>(self.outlet(), wanted)
    }

    fn outlet(&self) -> Outlet {
        let width = terminal_width(&Term::stdout());
        Outlet { format: self.format, palette: self.out, width, is_quiet: self.quiet }
    }

    /// Returns whether every step is shown (`-v`).
    pub fn is_verbose(&self) -> bool {
        self.verbosity > 0
    }

    /// Says what to do next, on stderr. Silent with `--quiet`.
    pub fn hint(&self, text: impl AsRef<str>) {
        if !self.quiet {
            message(&self.err.labelled(Role::Hint, "hint:", text.as_ref()));
        }
    }

    /// Prints fields and values, one per line, aligned.
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

    /// Prints counts as bars, with name, count and colour of each.
    pub fn bars(
        &self,
        title: &str,
        rows: &[(&str, u64, Option<Role>)],
        total: u64,
    ) -> io::Result<()> {
        self.result(bars::bars(title, rows, total, self.out, terminal_width(&Term::stdout())))
    }

    /// Prints statements with their notes.
    pub fn entries(&self, entries: &[Entry<'_>]) -> io::Result<()> {
        self.result(entries::entries(entries, self.out, terminal_width(&Term::stdout())))
    }

    /// Checks whether prompts are possible.
    pub fn can_ask(&self) -> bool {
        prompt::can_ask()
    }

    /// Asks a yes-no question. Enter means no.
    pub fn ask(&self, question: &str) -> Result<bool, Failure> {
        prompt::ask(question)
    }

    /// Asks for a line of text. Enter means `offered`. `check` returns the fault of an answer.
    pub fn ask_line(
        &self,
        question: &str,
        offered: Option<&str>,
        optional: bool,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        prompt::line(question, offered, optional, check)
    }

    /// Starts a progress display, if stderr is visible. With `-v`, the steps replace it.
    pub fn progress(&self, what: &'static str) -> Progress {
        Progress::new(self.shows_progress(), what)
    }

    /// Begins to show progress of work on so many things as turn up, and what is waited for.
    pub fn work_progress(
        &self,
        what: &'static str,
        waits: impl Fn() -> Option<String> + Clone + Send + Sync + 'static,
    ) -> Progress {
        Progress::of_work(self.shows_progress(), what, waits)
    }

    /// Returns whether progress is shown: only on a terminal.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && self.verbosity == 0 && io::stderr().is_terminal()
    }

    /// Prints a summary: on stdout for people, on stderr if stdout is for programs. Silent with
    /// `--quiet`.
    pub fn summary(&self, text: impl AsRef<str>) -> io::Result<()> {
        match self.format {
            Format::Table if !self.quiet => {
                let text = paragraph(text.as_ref(), terminal_width(&Term::stdout()));
                self.result(format!("{text}\n"))
            }
            Format::Table => Ok(()),
            _ => {
                self.note(text);
                Ok(())
            }
        }
    }

    /// Prints a note on stderr. Silent with `--quiet`.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Prints an important line on stderr, also with `--quiet`.
    pub fn say(&self, text: impl AsRef<str>) {
        message(&sanitised(text.as_ref()));
    }

    /// Prints a warning on stderr, also with `--quiet`.
    pub fn warn(&self, text: impl AsRef<str>) {
        message(&self.err.labelled(Role::Warning, "warning:", text.as_ref()));
    }

    /// Prints an error with its causes and its hint, and returns the exit status.
    pub fn report(&self, error: &anyhow::Error) -> Exit {
        report(error, self.err, terminal_width(&Term::stderr()), &mut io::stderr())
    }
}

/// Writes a message to stderr, wrapped at words on a terminal.
fn message(text: &str) {
    let text = paragraph(text, terminal_width(&Term::stderr()));
    // Errors of a closed stderr are ignored.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Wraps a text at words for this width. All lines but the first are indented.
fn paragraph(text: &str, width: Option<usize>) -> String {
    let width = width.unwrap_or(usize::MAX);
    text::wrapped(text, width, width.saturating_sub(2)).join("\n  ")
}

/// Returns how wide a terminal is. One that says 0 does not know, and what is none has no width.
fn terminal_width(terminal: &Term) -> Option<usize> {
    let (_, width) = terminal.size_checked()?;
    Some(width.into()).filter(|width| *width > 0)
}
