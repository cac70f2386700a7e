//! Lists of rows in all formats. JSON lines and CSV are streamed; a table is held until its columns
//! can be aligned.

use std::io::{self, BufWriter, Stdout, Write};

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::Value;

use super::{Format, Palette, Role, sanitised};

/// Row. JSON and CSV show its serialised fields, in declaration order.
pub trait Row: Serialize {
    /// Names of the serialised fields, for the header of a CSV.
    const FIELDS: &'static [&'static str];

    /// Column titles of the table.
    const TITLES: &'static [&'static str];

    /// Columns that are omitted, one after the other, if the table is wider than the terminal. If
    /// that is not sufficient, the last column is cut. If empty, the table is never narrowed.
    const SPARE: &'static [usize] = &[];

    /// Returns the table's cells, one per title, with a role for those in colour.
    fn cells(&self) -> Cells;
}

/// Cells of a row, each with the role of one that deserves colour.
pub type Cells = Vec<(String, Option<Role>)>;

/// List being written to stdout.
pub struct Listing {
    sink: Sink,
    rows: u64,
    fields: &'static [&'static str],
    /// Of a run's results; whether it is a dry run.
    of_run: Option<bool>,
}

enum Sink {
    Table { rows: Vec<Vec<Cell>>, shape: Shape, palette: Palette },
    Json(BufWriter<Stdout>, Vec<u8>),
    Jsonl(BufWriter<Stdout>, Vec<u8>),
    Csv(Box<csv::Writer<Stdout>>),
}

/// Text and role of a cell.
type Cell = (String, Option<Role>);

/// Minimum width to which the last column is cut.
const NARROWEST: usize = 8;
/// Spaces between columns.
const GAP: u16 = 2;

/// Size of the output buffer, for few system calls in long lists.
const BUFFER: usize = 1 << 16;

impl Listing {
    /// Creates a list. `width` is that of the terminal, if there is one.
    pub(super) fn new<R: Row>(format: Format, palette: Palette, width: Option<usize>) -> Self {
        let stdout = || BufWriter::with_capacity(BUFFER, io::stdout());
        let sink = match format {
            Format::Table => {
                let available = width.filter(|_| !R::SPARE.is_empty());
                let shape = Shape { titles: R::TITLES, spare: R::SPARE, available };
                Sink::Table { rows: Vec::new(), shape, palette }
            }
            Format::Json => Sink::Json(stdout(), Vec::new()),
            Format::Jsonl => Sink::Jsonl(stdout(), Vec::new()),
            Format::Csv => Sink::Csv(Box::new(csv::Writer::from_writer(io::stdout()))),
        };
        Self { sink, rows: 0, fields: R::FIELDS, of_run: None }
    }

    /// Turns it into the list of a run's results: as JSON, one document that ends with the run's counts.
    pub(super) fn of_run(self, dry_run: bool) -> Self {
        Self { of_run: Some(dry_run), ..self }
    }

    /// Adds a row of a table.
    pub fn push_cells(&mut self, cells: Cells) {
        if let Sink::Table { rows, .. } = &mut self.sink {
            let safe = |(cell, role): (String, _)| (sanitised(&cell).into_owned(), role);
            rows.push(cells.into_iter().map(safe).collect());
            self.rows += 1;
        }
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row.
    pub fn push(&mut self, row: &impl Row) -> anyhow::Result<()> {
        match &mut self.sink {
            Sink::Table { .. } => {
                self.push_cells(row.cells());
                return Ok(());
            }
            Sink::Json(out, line) => {
                line.clear();
                if self.rows == 0 {
                    line.extend_from_slice(opening(self.of_run).as_bytes());
                }
                line.extend_from_slice(if self.rows == 0 { b"\n" } else { b",\n" });
                crate::text::write_json_line(line, row)?;
                out.write_all(line)?;
            }
            Sink::Jsonl(out, line) => {
                line.clear();
                crate::text::write_json_line(line, row)?;
                line.push(b'\n');
                out.write_all(line)?;
            }
            Sink::Csv(out) => {
                if self.rows == 0 {
                    out.write_record(self.fields).map_err(csv_error)?;
                }
                let row = serde_json::to_value(row)?;
                out.write_record(self.fields.iter().map(|field| csv_cell(&row[field])))
                    .map_err(csv_error)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes the rows so far, for slow sources. A table is written at the end.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Table { .. } => Ok(()),
            Sink::Json(out, _) | Sink::Jsonl(out, _) => out.flush(),
            Sink::Csv(out) => out.flush(),
        }
    }

    /// Drops what is still held.
    pub fn discard(self) {
        match self.sink {
            Sink::Table { .. } => {}
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
        match self.sink {
            Sink::Table { rows, shape, palette } => {
                let columns = shape.columns(&rows);
                let mut table = Table::new();
                table.load_style(presets::NOTHING);
                table.set_header(columns.iter().map(|(n, _)| shape.titles[*n].to_uppercase()));
                for row in rows {
                    table.add_row(columns.iter().map(|(n, width)| {
                        let (cell, role) = &row[*n];
                        let cell = crate::text::shortened(cell, *width);
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
            Sink::Json(mut out, mut line) => {
                line.clear();
                if self.rows == 0 {
                    line.extend_from_slice(opening(self.of_run).as_bytes());
                }
                line.extend_from_slice(if self.rows == 0 { b"]" } else { b"\n]" });
                if self.of_run.is_some() {
                    line.extend_from_slice(b",\"counts\":");
                    crate::text::write_json_line(&mut line, counts)?;
                    line.push(b'}');
                }
                line.push(b'\n');
                out.write_all(&line)?;
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

/// Returns the beginning of a JSON document, of a run's results or of others.
fn opening(of_run: Option<bool>) -> String {
    of_run.map_or_else(|| "[".to_owned(), |dry_run| format!("{{\"dry_run\":{dry_run},\"items\":["))
}

/// Layout of a table.
struct Shape {
    titles: &'static [&'static str],
    spare: &'static [usize],
    available: Option<usize>,
}

impl Shape {
    /// Returns the columns shown, with their maximum widths.
    fn columns(&self, rows: &[Vec<Cell>]) -> Vec<(usize, usize)> {
        let cells = |n: usize| rows.iter().map(move |row| row[n].0.chars().count());
        let width = |(n, title): (usize, &&str)| (n, cells(n).max().unwrap_or(0).max(title.len()));
        let mut columns: Vec<_> = self.titles.iter().enumerate().map(width).collect();
        let Some(available) = self.available else { return columns };
        let excess = |columns: &[(usize, usize)]| {
            let gaps = usize::from(GAP) * columns.len().saturating_sub(1);
            (columns.iter().map(|(_, width)| width).sum::<usize>() + gaps).saturating_sub(available)
        };
        for spare in self.spare {
            if excess(&columns) > 0 {
                columns.retain(|(n, _)| n != spare);
            }
        }
        let excess = excess(&columns);
        if let Some((_, last)) = columns.last_mut() {
            *last -= excess.min(last.saturating_sub(NARROWEST));
        }
        columns
    }
}

fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => sanitised(text).into_owned(),
        other => other.to_string(),
    }
}

/// Extracts an I/O error, so that a closed pipe is recognised.
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
    fn narrow_terminals_drop_columns_then_cut_the_last() {
        let row = [
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "blocked",
            "bsky.social",
            "a very long reason why",
        ];
        let rows = [row.map(|cell| (cell.to_owned(), None)).to_vec()];
        let titles = &["did", "status", "issuer", "reason"];
        for (available, expected) in [
            (None, &[(0, 32), (1, 7), (2, 11), (3, 22)][..]),
            (Some(78), &[(0, 32), (1, 7), (2, 11), (3, 22)]),
            (Some(77), &[(0, 32), (1, 7), (3, 22)]),
            (Some(60), &[(0, 32), (1, 7), (3, 17)]),
            (Some(20), &[(0, 32), (1, 7), (3, 8)]),
        ] {
            assert_eq!(
                Shape { titles, spare: &[2], available }.columns(&rows),
                expected,
                "{available:?}"
            );
        }
    }
}
