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

    /// Whether the table is cut to the width of a terminal. Its first column never is: it is for copying.
    const FITS: bool = false;

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
    Table { titles: &'static [&'static str], rows: Vec<Vec<Cell>>, palette: Palette, width: Option<usize> },
    Json(BufWriter<Stdout>, Vec<u8>),
    Jsonl(BufWriter<Stdout>, Vec<u8>),
    Csv(Box<csv::Writer<Stdout>>),
}

/// A cell's text and what it means.
type Cell = (String, Option<Role>);

/// A column is not cut to less than this.
const NARROWEST: usize = 8;
/// Spaces between columns.
const GAP: u16 = 2;

/// Large enough that a long list costs few system calls.
const BUFFER: usize = 1 << 16;

impl Listing {
    /// `width` is that of the terminal, where there is one.
    pub(super) fn new<R: Row>(format: Format, palette: Palette, width: Option<usize>) -> Self {
        let stdout = || BufWriter::with_capacity(BUFFER, io::stdout());
        let sink = match format {
            Format::Table => {
                Sink::Table { titles: R::TITLES, rows: Vec::new(), palette, width: width.filter(|_| R::FITS) }
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
            Sink::Table { rows, .. } => {
                rows.push(row.cells().into_iter().map(|(cell, role)| (sanitised(&cell).into_owned(), role)).collect());
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
            Sink::Table { titles, rows, palette, width } => {
                let widths = widths(titles, &rows, width);
                let mut table = Table::new();
                table.load_style(presets::NOTHING);
                table.set_header(titles.iter().map(|title| title.to_uppercase()));
                for row in rows {
                    table.add_row(row.iter().zip(&widths).map(|((cell, role), width)| {
                        let cell = text::shortened(cell, *width);
                        role.map_or_else(|| cell.to_string(), |role| palette.paint(role, &cell))
                    }));
                }
                for column in table.column_iter_mut() {
                    column.set_padding((0, GAP));
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

/// How wide each column may be: as wide as its cells, and where the whole would be wider than `available`, less, from the
/// last column on.
fn widths(titles: &[&str], rows: &[Vec<Cell>], available: Option<usize>) -> Vec<usize> {
    let cells = |n: usize| rows.iter().map(move |row| row[n].0.chars().count());
    let mut widths: Vec<_> =
        titles.iter().enumerate().map(|(n, title)| cells(n).max().unwrap_or(0).max(title.len())).collect();
    let total = widths.iter().sum::<usize>() + usize::from(GAP) * titles.len().saturating_sub(1);
    let mut excess = total.saturating_sub(available.unwrap_or(total));
    for (width, title) in widths.iter_mut().zip(titles).skip(1).rev() {
        let cut = excess.min(width.saturating_sub(title.len().max(NARROWEST)));
        *width -= cut;
        excess -= cut;
    }
    widths
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_columns_give_way_and_the_first_never_does() {
        let row = ["did:plc:ewvi7nxzyoun6zhxrhs64oiz", "blocked", "a very long reason why"];
        let rows = [row.map(|cell| (cell.to_owned(), None)).to_vec()];
        for (available, expected) in [
            (None, [32, 7, 22]),
            (Some(80), [32, 7, 22]),
            (Some(65), [32, 7, 22]),
            (Some(60), [32, 7, 17]),
            (Some(20), [32, 7, 8]),
        ] {
            assert_eq!(widths(&["did", "status", "reason"], &rows, available), expected, "{available:?}");
        }
    }
}
