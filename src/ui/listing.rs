//! Lists of rows in all formats. JSON lines and CSV are streamed; a table is held until its columns
//! can be aligned.

use std::cell::Cell;
use std::io::{self, BufWriter, Stdout, Write};
use std::rc::Rc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::table::{Cells, Live, Table};
use super::{Format, Palette, sanitised};
use crate::error::{Failure, suggestion, usage};

/// Row. JSON and CSV show its serialised fields, in declaration order.
pub trait Row: Serialize {
    /// Names of the serialised fields, for the header of a CSV.
    const FIELDS: &'static [&'static str];

    /// Column titles of the table.
    const TITLES: &'static [&'static str];

    /// Columns that are left out, one after the other, where the terminal is too narrow for the
    /// table even with short reasons and issuers. Where that is not enough the last column is cut.
    /// Without any, a table is as wide as it is.
    const SPARE: &'static [usize] = &[];

    /// Titles of columns that show a field of another name.
    const SHOWS: &'static [(&'static str, &'static str)] = &[];

    /// Returns the table's cells, one per title, with a role for those in colour.
    fn cells(&self) -> Cells;
}

/// Options of a list.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Columns by title or field; none for those of the table.
    pub columns: Vec<String>,
    /// Column or field to sort by; from the greatest, with `-` in front.
    pub sort: Option<String>,
    pub no_header: bool,
}

/// State of a document that begins with the results of a run, and to which a command adds its own
/// members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begun {
    /// Nothing is written.
    #[default]
    Not,
    /// Results and counts are written; the end of the document is not.
    Open,
    /// Rows are written, in a format without place for anything else.
    Rows,
}

/// List being written to stdout.
pub struct Listing {
    sink: Sink,
    rows: u64,
    fields: Vec<&'static str>,
    /// Only these of the fields are shown.
    is_narrowed: bool,
    has_header: bool,
    /// Results of a run; true for a dry run.
    of_run: Option<bool>,
    /// Set instead of ending the document.
    begun: Option<Rc<Cell<Begun>>>,
}

enum Sink {
    Table {
        table: Box<Table>,
        picks: Option<Vec<Pick>>,
        sort: Option<&'static str>,
        palette: Palette,
        is_quiet: bool,
    },
    Live(Live, Palette),
    Json(BufWriter<Stdout>, Vec<u8>),
    Jsonl(BufWriter<Stdout>, Vec<u8>),
    Csv(Box<csv::Writer<Stdout>>),
}

/// A column that was asked for.
#[derive(Clone, Copy)]
enum Pick {
    Cell(usize),
    Field(&'static str),
}

/// Size of the output buffer, for few system calls in long lists.
const BUFFER: usize = 1 << 16;

/// Terminal that a list goes to.
#[derive(Clone, Copy)]
pub(super) struct Outlet {
    pub format: Format,
    pub palette: Palette,
    /// Width of the terminal, where there is one.
    pub width: Option<usize>,
    pub is_quiet: bool,
}

impl Listing {
    /// Creates a list as its rows have it.
    pub(super) fn new<R: Row>(outlet: Outlet) -> Self {
        let stdout = || BufWriter::with_capacity(BUFFER, io::stdout());
        let Outlet { format, palette, width, is_quiet } = outlet;
        let sink = match format {
            Format::Table => {
                let available = width.filter(|_| !R::SPARE.is_empty());
                let titles = R::TITLES.iter().map(|title| (*title).to_owned()).collect();
                let table = Box::new(Table::new(titles, R::SPARE.to_vec(), available));
                Sink::Table { table, picks: None, sort: None, palette, is_quiet }
            }
            Format::Json => Sink::Json(stdout(), Vec::new()),
            Format::Jsonl => Sink::Jsonl(stdout(), Vec::new()),
            Format::Csv => Sink::Csv(Box::new(csv_writer())),
        };
        let fields = R::FIELDS.to_vec();
        let (is_narrowed, has_header) = (false, true);
        Self { sink, rows: 0, fields, is_narrowed, has_header, of_run: None, begun: None }
    }

    /// Creates a list as it is wanted.
    pub(super) fn wanted<R: Row>(outlet: Outlet, wanted: &Wanted) -> Result<Self, Failure> {
        let mut listing = Self::new::<R>(outlet);
        listing.has_header = !wanted.no_header;
        let field = |name: &str| field_of::<R>(name).ok_or_else(|| unknown::<R>(name));
        if let Sink::Table { table, picks, sort, .. } = &mut listing.sink {
            table.has_header = !wanted.no_header;
            if let Some(by) = &wanted.sort {
                let name = by.strip_prefix('-');
                table.descending = name.is_some();
                *sort = Some(field(name.unwrap_or(by))?);
            }
            if !wanted.columns.is_empty() {
                let chosen: Result<Vec<_>, _> =
                    wanted.columns.iter().map(|name| pick::<R>(name)).collect();
                *picks = Some(chosen?);
                table.titles = wanted.columns.iter().map(|name| name.replace('_', " ")).collect();
                table.spare.clear();
                table.available = outlet.width;
            }
        } else {
            if let Some(by) = &wanted.sort {
                return Err(usage(format!("--sort {by} is for tables"))
                    .hint("leave --format out, or sort what it prints"));
            }
            if !wanted.columns.is_empty() {
                listing.fields =
                    wanted.columns.iter().map(|name| field(name)).collect::<Result<_, _>>()?;
                listing.is_narrowed = true;
            }
        }
        Ok(listing)
    }

    /// Creates the list of a run's results: as JSON, one document that ends with the run's counts;
    /// on a terminal, rows as they come.
    pub(super) fn of_run<R: Row>(outlet: Outlet, dry_run: bool, is_terminal: bool) -> Self {
        let mut listing = Self::new::<R>(outlet);
        if outlet.format == Format::Table && is_terminal {
            listing.sink = Sink::Live(Live::new(R::TITLES, outlet.width), outlet.palette);
        }
        Self { of_run: Some(dry_run), ..listing }
    }

    /// Leaves the end of the document to a command that adds members.
    pub fn leave_open(&mut self, begun: &Rc<Cell<Begun>>) {
        self.begun = Some(Rc::clone(begun));
    }

    /// Adds a row of a table.
    pub fn push_cells(&mut self, cells: Cells) -> io::Result<()> {
        let cells = safe(cells);
        match &mut self.sink {
            Sink::Table { table, .. } => table.push(&cells, None),
            Sink::Live(live, palette) => live.write(&cells, *palette, &mut io::stdout().lock())?,
            Sink::Json(..) | Sink::Jsonl(..) | Sink::Csv(_) => return Ok(()),
        }
        self.rows += 1;
        Ok(())
    }

    /// Returns whether rows are printed as they come, for people.
    pub fn is_live(&self) -> bool {
        matches!(self.sink, Sink::Live(..))
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row.
    pub fn push(&mut self, row: &impl Row) -> anyhow::Result<()> {
        match &mut self.sink {
            Sink::Table { table, picks, sort, .. } => {
                let value = if picks.is_some() || sort.is_some() {
                    serde_json::to_value(row)?
                } else {
                    Value::Null
                };
                let field = |name: &str| crate::json::member(&value, name);
                let mut cells = row.cells();
                if let Some(picks) = picks {
                    let cell = |pick: &Pick| match pick {
                        Pick::Cell(n) => cells.get(*n).cloned().unwrap_or_default(),
                        Pick::Field(name) => (shown(field(name)), None),
                    };
                    cells = picks.iter().map(cell).collect();
                }
                table.push(&safe(cells), sort.map(|name| field(name).clone().into()));
            }
            Sink::Live(..) => return Ok(self.push_cells(row.cells())?),
            Sink::Json(out, line) => {
                line.clear();
                if self.rows == 0 {
                    line.extend_from_slice(opening(self.of_run).as_bytes());
                }
                line.extend_from_slice(if self.rows == 0 { b"\n" } else { b",\n" });
                write_row(line, row, self.is_narrowed.then_some(&self.fields))?;
                out.write_all(line)?;
            }
            Sink::Jsonl(out, line) => {
                line.clear();
                write_row(line, row, self.is_narrowed.then_some(&self.fields))?;
                line.push(b'\n');
                out.write_all(line)?;
            }
            Sink::Csv(out) => {
                if self.rows == 0 && self.has_header {
                    out.write_record(&self.fields).map_err(csv_error)?;
                }
                let row = serde_json::to_value(row)?;
                let cell = |field: &&str| csv_cell(crate::json::member(&row, field));
                out.write_record(self.fields.iter().map(cell)).map_err(csv_error)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes the rows so far, for slow sources. A table is written at the end.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Table { .. } | Sink::Live(..) => Ok(()),
            Sink::Json(out, _) | Sink::Jsonl(out, _) => out.flush(),
            Sink::Csv(out) => out.flush(),
        }
    }

    /// Drops what is still held.
    pub fn discard(self) {
        match self.sink {
            Sink::Table { .. } | Sink::Live(..) => {}
            Sink::Json(out, _) | Sink::Jsonl(out, _) => drop(out.into_parts()),
            // What a reader has of a CSV is whole lines.
            Sink::Csv(out) => drop(out),
        }
    }

    /// Ends the list and writes the rest.
    pub fn finish(self) -> anyhow::Result<()> {
        self.finish_with(&Value::Null)
    }

    /// Ends the list of a run with these counts.
    pub fn finish_with(self, counts: &impl Serialize) -> anyhow::Result<()> {
        if let Some(begun) = &self.begun {
            let is_json = matches!(self.sink, Sink::Json(..));
            begun.set(if is_json { Begun::Open } else { Begun::Rows });
        }
        match self.sink {
            Sink::Table { table, palette, is_quiet, .. } => {
                let mut out = BufWriter::with_capacity(BUFFER, io::stdout());
                let hidden = table.write(palette, &mut out)?;
                out.flush()?;
                if !hidden.is_empty() && !is_quiet {
                    super::message(&format!(
                        "not shown for want of room: {}; --columns chooses, other formats show all",
                        hidden.join(", ")
                    ));
                }
            }
            Sink::Live(..) => {}
            Sink::Json(mut out, mut line) => {
                line.clear();
                if self.rows == 0 {
                    line.extend_from_slice(opening(self.of_run).as_bytes());
                }
                line.extend_from_slice(if self.rows == 0 { b"]" } else { b"\n]" });
                if self.of_run.is_some() {
                    line.extend_from_slice(b",\"counts\":");
                    crate::text::write_json_line(&mut line, counts)?;
                }
                if self.begun.is_none() {
                    line.extend_from_slice(if self.of_run.is_some() { b"}\n" } else { b"\n" });
                }
                out.write_all(&line)?;
                out.flush()?;
            }
            Sink::Jsonl(mut out, _) => out.flush()?,
            Sink::Csv(mut out) => {
                if self.rows == 0 && self.has_header {
                    out.write_record(&self.fields).map_err(csv_error)?;
                }
                out.flush()?;
            }
        }
        Ok(())
    }
}

/// Returns the beginning of a JSON document, of a run's results or of others.
fn opening(of_run: Option<bool>) -> String {
    of_run.map_or_else(|| "[".to_owned(), |dry_run| format!("{{\"dry_run\":{dry_run},\"items\":["))
}

/// Writes an object as a CSV of one row.
pub(super) fn one_row(object: &impl Serialize) -> anyhow::Result<()> {
    let value = serde_json::to_value(object)?;
    let members: Vec<_> = value.as_object().into_iter().flatten().collect();
    let mut csv = csv_writer();
    csv.write_record(members.iter().map(|(name, _)| name)).map_err(csv_error)?;
    let cells = members.iter().map(|(_, value)| csv_cell(value));
    csv.write_record(cells).map_err(csv_error)?;
    Ok(csv.flush()?)
}

fn csv_writer() -> csv::Writer<Stdout> {
    csv::Writer::from_writer(io::stdout())
}

/// Makes cells harmless.
fn safe(cells: Cells) -> Cells {
    cells.into_iter().map(|(cell, role)| (sanitised(&cell).into_owned(), role)).collect()
}

/// Returns the column of this title or field.
fn pick<R: Row>(name: &str) -> Result<Pick, Failure> {
    let is_it = |title: &&str| title.replace(' ', "_") == name;
    match R::TITLES.iter().position(is_it) {
        Some(n) => Ok(Pick::Cell(n)),
        None => field_of::<R>(name).map(Pick::Field).ok_or_else(|| unknown::<R>(name)),
    }
}

/// Returns the field of this name, or that the column of this title shows.
fn field_of<R: Row>(name: &str) -> Option<&'static str> {
    let shown = R::SHOWS.iter().find(|(title, _)| *title == name).map(|(_, field)| *field);
    shown.or_else(|| R::FIELDS.iter().copied().find(|field| *field == name))
}

fn unknown<R: Row>(name: &str) -> Failure {
    let titles = R::TITLES.iter().map(|title| title.replace(' ', "_"));
    let mut names: Vec<String> = titles.collect();
    for field in R::FIELDS {
        if !names.iter().any(|known| known == field) {
            names.push((*field).to_owned());
        }
    }
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = suggestion(name, &known).unwrap_or_else(|| format!("columns: {}", known.join(", ")));
    usage(format!("there is no column {name:?}")).hint(hint)
}

fn write_row(
    line: &mut Vec<u8>,
    row: &impl Row,
    fields: Option<&Vec<&'static str>>,
) -> serde_json::Result<()> {
    let Some(fields) = fields else { return crate::text::write_json_line(line, row) };
    let value = serde_json::to_value(row)?;
    let members = fields.iter().map(|name| ((*name).to_owned(), crate::json::member(&value, name)));
    let members: Map<String, Value> = members.map(|(name, value)| (name, value.clone())).collect();
    crate::text::write_json_line(line, &members)
}

/// Returns the text of a field in a table.
fn shown(value: &Value) -> String {
    let text = csv_cell(value);
    if text.is_empty() { "-".to_owned() } else { text }
}

/// Returns the text of a field, harmless.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => sanitised(text).into_owned(),
        other => sanitised(&other.to_string()).into_owned(),
    }
}

/// Extracts an I/O error, so that a closed pipe is recognised.
fn csv_error(error: csv::Error) -> anyhow::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(io) => io.into(),
        other => anyhow::anyhow!("cannot write CSV: {other:?}"),
    }
}
