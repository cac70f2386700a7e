//! Lists of rows in every format. JSON lines and CSV stream; a table is held until its columns can be aligned.

use std::io::{self, BufWriter, Stdout, Write};

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

use super::{Format, Palette, Role, sanitised, text};

/// One row. Its serialised fields are what JSON and CSV show, in declaration order.
pub trait Row: Serialize {
    /// The names of the serialised fields, for the header of a CSV.
    const FIELDS: &'static [&'static str];

    /// The table's column titles.
    const TITLES: &'static [&'static str];

    /// The table's cells, one for each title, and the role of those that deserve colour.
    fn cells(&self) -> Vec<(String, Option<Role>)>;
}

/// A list being written to stdout.
pub struct Listing {
    sink: Sink,
    rows: u64,
    fields: &'static [&'static str],
}

enum Sink {
    Table { table: Box<Table>, palette: Palette },
    Json(BufWriter<Stdout>, Vec<u8>),
    Jsonl(BufWriter<Stdout>, Vec<u8>),
    Csv(Box<csv::Writer<Stdout>>),
}

/// Large enough that a long list costs few system calls.
const BUFFER: usize = 1 << 16;

impl Listing {
    pub(super) fn new<R: Row>(format: Format, palette: Palette) -> Self {
        let stdout = || BufWriter::with_capacity(BUFFER, io::stdout());
        let sink = match format {
            Format::Table => {
                let mut table = Table::new();
                table.load_style(presets::NOTHING);
                table.set_header(R::TITLES.iter().map(|title| title.to_uppercase()));
                Sink::Table { table: Box::new(table), palette }
            }
            Format::Json => Sink::Json(stdout(), Vec::new()),
            Format::Jsonl => Sink::Jsonl(stdout(), Vec::new()),
            Format::Csv => Sink::Csv(Box::new(csv::Writer::from_writer(io::stdout()))),
        };
        Self { sink, rows: 0, fields: R::FIELDS }
    }

    /// Adds a row.
    pub fn push(&mut self, row: &impl Row) -> anyhow::Result<()> {
        match &mut self.sink {
            Sink::Table { table, palette } => {
                table.add_row(row.cells().iter().map(|(cell, role)| {
                    let cell = sanitised(cell);
                    role.map_or_else(|| cell.to_string(), |role| palette.paint(role, &cell))
                }));
            }
            Sink::Json(out, line) => {
                line.clear();
                line.extend_from_slice(if self.rows == 0 { b"[\n" } else { b",\n" });
                text::write_json_line(line, row)?;
                out.write_all(line)?;
            }
            Sink::Jsonl(out, line) => {
                line.clear();
                text::write_json_line(line, row)?;
                line.push(b'\n');
                out.write_all(line)?;
            }
            Sink::Csv(out) => {
                if self.rows == 0 {
                    out.write_record(self.fields).map_err(csv_error)?;
                }
                let row = serde_json::to_value(row)?;
                out.write_record(self.fields.iter().map(|field| csv_cell(&row[field]))).map_err(csv_error)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Lets a reader see the rows so far, where they come slowly. A table is seen when it is complete.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Table { .. } => Ok(()),
            Sink::Json(out, _) | Sink::Jsonl(out, _) => out.flush(),
            Sink::Csv(out) => out.flush(),
        }
    }

    /// Ends the list and writes what is still held.
    pub fn finish(self) -> anyhow::Result<()> {
        match self.sink {
            Sink::Table { mut table, .. } => {
                for column in table.column_iter_mut() {
                    column.set_padding((0, 2));
                }
                let mut out = BufWriter::with_capacity(BUFFER, io::stdout());
                for line in table.lines() {
                    writeln!(out, "{}", line.trim_end())?;
                }
                out.flush()?;
            }
            Sink::Json(mut out, _) => {
                out.write_all(if self.rows == 0 { b"[]\n" } else { b"\n]\n" })?;
                out.flush()?;
            }
            Sink::Jsonl(mut out, _) => out.flush()?,
            Sink::Csv(mut out) => {
                if self.rows == 0 {
                    out.write_record(self.fields).map_err(csv_error)?;
                }
                out.flush()?;
            }
        }
        Ok(())
    }
}

fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => sanitised(text).into_owned(),
        other => other.to_string(),
    }
}

/// Takes the I/O error out, so that a broken pipe is seen as one.
fn csv_error(error: csv::Error) -> anyhow::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(io) => io.into(),
        other => anyhow::anyhow!("cannot write CSV: {other:?}"),
    }
}
