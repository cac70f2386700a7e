//! Aligned columns: which are shown, how wide, in which order of rows.

use std::cmp::Ordering;
use std::io::{self, Write};

use comfy_table::{ColumnConstraint, Width, presets};
use serde_json::Value;

use super::{Palette, Role};
use crate::text::{shortened, text_width, wrapped};

/// Cells of a row, each with the role of one that deserves colour.
pub type Cells = Vec<(String, Option<Role>)>;

/// Columns that are shortened where a table is too wide, before any is left out, each to no less
/// than this.
const SHORTENED: [(&str, usize); 2] = [("reason", 16), ("issuer", 12)];
/// The last column is not cut to less than this where nothing else helps.
const NARROWEST: usize = 8;
/// Rows that are laid out at once. The widths are known, and memory stays small.
const BLOCK: usize = 256;
/// Spaces between columns.
const GAP: usize = 2;

/// Table that is held until its columns can be aligned.
pub struct Table {
    pub titles: Vec<String>,
    /// Columns that are left out, one after the other, where the terminal is too narrow.
    pub spare: Vec<usize>,
    /// Width of the terminal, where the table is to fit one.
    pub available: Option<usize>,
    /// True if the greatest sort key comes first.
    pub descending: bool,
    pub has_header: bool,
    rows: Vec<Row>,
}

/// Row. All cells are in one text, which takes less memory.
struct Row {
    text: Box<str>,
    roles: Box<[Option<Role>]>,
    key: Option<SortKey>,
}

/// Sort key of a row. Unknown values come last.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum SortKey {
    Number(f64),
    Text(Box<str>),
    Unknown,
}

impl From<Value> for SortKey {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Unknown,
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or_default()),
            Value::String(text) => Self::Text(text.into()),
            other => Self::Text(other.to_string().into()),
        }
    }
}

impl Table {
    /// Creates an empty table.
    pub fn new(titles: Vec<String>, spare: Vec<usize>, available: Option<usize>) -> Self {
        Self { titles, spare, available, descending: false, has_header: true, rows: Vec::new() }
    }

    /// Adds a row. Its cells hold no line ends.
    pub fn push(&mut self, cells: &Cells, key: Option<SortKey>) {
        let text: Vec<&str> = cells.iter().map(|(cell, _)| cell.as_str()).collect();
        let roles = cells.iter().map(|(_, role)| *role).collect();
        self.rows.push(Row { text: text.join("\n").into(), roles, key });
    }

    /// Writes the table. Returns the titles of columns that are not shown.
    pub fn write(mut self, palette: Palette, out: &mut impl Write) -> io::Result<Vec<String>> {
        let is_unknown = |row: &Row| row.key == Some(SortKey::Unknown);
        let descending = self.descending;
        self.rows.sort_by(|a, b| {
            let (first, second) = if descending { (b, a) } else { (a, b) };
            let by_key = first.key.partial_cmp(&second.key).unwrap_or(Ordering::Equal);
            is_unknown(a).cmp(&is_unknown(b)).then(by_key)
        });
        let columns = self.columns();
        let widths: Vec<_> = columns.iter().map(|(_, width)| *width).collect();
        if self.has_header {
            let titles = columns.iter().map(|(n, _)| (self.titles[*n].to_uppercase(), None));
            print([titles.collect()], &widths, palette, out)?;
        }
        for rows in self.rows.chunks(BLOCK) {
            let shown = rows.iter().map(|row| {
                let cells: Vec<&str> = row.text.split('\n').collect();
                let cell = |(n, _): &(usize, usize)| {
                    let role = row.roles.get(*n).copied().flatten();
                    (cells.get(*n).copied().unwrap_or_default(), role)
                };
                columns.iter().map(cell).collect()
            });
            print(shown, &widths, palette, out)?;
        }
        let is_shown = |n: usize| columns.iter().any(|(shown, _)| *shown == n);
        let titles = self.titles.iter().enumerate();
        Ok(titles.filter(|(n, _)| !is_shown(*n)).map(|(_, title)| title.clone()).collect())
    }

    /// Returns the columns that are shown, and how wide each may be.
    fn columns(&self) -> Vec<(usize, usize)> {
        let mut natural: Vec<usize> = self.titles.iter().map(String::len).collect();
        for row in &self.rows {
            for (width, cell) in natural.iter_mut().zip(row.text.split('\n')) {
                *width = (*width).max(text_width(cell));
            }
        }
        let mut shown: Vec<usize> = (0..natural.len()).collect();
        let mut spare = self.spare.iter();
        loop {
            let mut columns: Vec<_> = shown.iter().map(|n| (*n, natural[*n])).collect();
            let Some(available) = self.available else { return columns };
            for (title, least) in SHORTENED {
                let too_much = excess(&columns, available);
                let column = columns.iter_mut().find(|(n, _)| self.titles[*n] == title);
                if let Some((_, width)) = column {
                    *width -= too_much.min(width.saturating_sub(least));
                }
            }
            let too_much = excess(&columns, available);
            if too_much == 0 {
                return columns;
            }
            let Some(next) = spare.next() else {
                if let Some((_, last)) = columns.last_mut() {
                    *last -= too_much.min(last.saturating_sub(NARROWEST));
                }
                return columns;
            };
            shown.retain(|n| n != next);
        }
    }
}

fn excess(columns: &[(usize, usize)], available: usize) -> usize {
    let gaps = GAP * columns.len().saturating_sub(1);
    (columns.iter().map(|(_, width)| width).sum::<usize>() + gaps).saturating_sub(available)
}

/// Prints rows, their cells shortened and padded to these widths, but for the padding of the last.
fn print<C: AsRef<str>>(
    rows: impl IntoIterator<Item = Vec<(C, Option<Role>)>>,
    widths: &[usize],
    palette: Palette,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING);
    for row in rows {
        table.add_row(row.iter().zip(widths).map(|((cell, role), width)| {
            let cell = shortened(cell.as_ref(), *width);
            role.map_or_else(|| cell.to_string(), |role| palette.paint(role, &cell))
        }));
    }
    for (column, width) in table.column_iter_mut().zip(widths) {
        column.set_padding((0, u16::try_from(GAP).unwrap_or_default()));
        let width = u16::try_from(width + GAP).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Rows printed as they come, on a terminal: their columns have fixed widths, and the last one is
/// wrapped at words.
pub struct Live {
    titles: &'static [&'static str],
    has_header: bool,
    width: Option<usize>,
}

/// Widths of the columns of [`Live`] rows: an account, and others.
const ACCOUNT: usize = 32;
const OTHERS: usize = 11;

impl Live {
    /// Creates a list without rows.
    pub fn new(titles: &'static [&'static str], width: Option<usize>) -> Self {
        Self { titles, has_header: false, width }
    }

    /// Writes a row, and the header before the first.
    pub fn write(
        &mut self,
        cells: &Cells,
        palette: Palette,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if !self.has_header {
            self.has_header = true;
            let titles = self.titles.iter().map(|title| (title.to_uppercase(), None)).collect();
            self.row(&titles, palette, out)?;
        }
        self.row(cells, palette, out)?;
        out.flush()
    }

    fn row(&self, cells: &Cells, palette: Palette, out: &mut impl Write) -> io::Result<()> {
        let Some(((last, role), first)) = cells.split_last() else { return Ok(()) };
        let least = std::iter::once(ACCOUNT).chain(std::iter::repeat(OTHERS));
        let cells = first.iter().zip(least);
        let mut widths: Vec<_> =
            cells.map(|((cell, _), least)| text_width(cell).max(least)).collect();
        let indent: usize = widths.iter().map(|width| width + GAP).sum();
        let room = self.width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(ACCOUNT));
        let mut lines = wrapped(last, room, room).into_iter();
        let begin = lines.next().unwrap_or_default();
        widths.push(text_width(begin));
        let mut cells = first.to_vec();
        cells.push((begin.to_owned(), *role));
        print([cells], &widths, palette, out)?;
        lines.try_for_each(|rest| writeln!(out, "{:indent$}{rest}", ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [&str; 5] = [
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "blocked",
        "1d ago",
        "bsky.social.example.com",
        "a very long reason why it is so",
    ];

    fn table(available: Option<usize>) -> Table {
        let titles = ["did", "status", "refreshed", "issuer", "reason"].map(str::to_owned).into();
        let mut table = Table::new(titles, vec![4, 2], available);
        table.push(&ROW.map(|cell| (cell.to_owned(), None)).to_vec(), None);
        table
    }

    #[test]
    fn narrow_terminals_shorten_columns_before_they_drop_any() {
        for (available, expected) in [
            (None, &[(0, 32), (1, 7), (2, 9), (3, 23), (4, 31)][..]),
            (Some(110), &[(0, 32), (1, 7), (2, 9), (3, 23), (4, 31)]),
            (Some(100), &[(0, 32), (1, 7), (2, 9), (3, 23), (4, 21)]),
            (Some(90), &[(0, 32), (1, 7), (2, 9), (3, 18), (4, 16)]),
            (Some(80), &[(0, 32), (1, 7), (2, 9), (3, 23)]),
            (Some(70), &[(0, 32), (1, 7), (2, 9), (3, 16)]),
            (Some(60), &[(0, 32), (1, 7), (3, 17)]),
            (Some(20), &[(0, 32), (1, 7), (3, 8)]),
        ] {
            assert_eq!(table(available).columns(), expected, "{available:?}");
        }
    }

    fn written(table: Table) -> (String, Vec<String>) {
        let mut out = Vec::new();
        let hidden = table.write(Palette::Plain, &mut out).unwrap();
        (String::from_utf8(out).unwrap(), hidden)
    }

    #[test]
    fn columns_stand_below_each_other_in_all_blocks() {
        let mut table = Table::new(vec!["did".to_owned(), "kid".to_owned()], Vec::new(), None);
        for n in 0..=2 * BLOCK {
            let did = if n == BLOCK { "did:web:a-long-name.example.com" } else { "did:web:a" };
            table.push(&vec![(did.to_owned(), Some(Role::Good)), ("key1".to_owned(), None)], None);
        }
        let (text, _) = written(table);
        assert_eq!(text.lines().count(), 2 * BLOCK + 2);
        assert!(text.lines().skip(1).all(|line| line.find("key1") == Some(33)), "{text}");
    }

    #[test]
    fn what_is_left_out_is_told() {
        let (text, hidden) = written(table(Some(80)));
        assert_eq!(hidden, ["reason"]);
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn rows_are_sorted_with_the_unknown_last() {
        let mut table = Table::new(vec!["n".to_owned()], Vec::new(), None);
        table.has_header = false;
        table.descending = true;
        for n in [serde_json::json!(9), Value::Null, serde_json::json!(10)] {
            table.push(&vec![(n.to_string(), None)], Some(n.into()));
        }
        assert_eq!(written(table).0, "10\n9\nnull\n");
    }

    #[test]
    fn rows_that_come_one_by_one_are_wrapped_at_words() {
        let mut live = Live::new(&["did", "result", "reason"], Some(80));
        let mut out = Vec::new();
        let why = "cannot resolve pds.example.com, which is the server of the account";
        let cells = ["did:plc:ewvi7nxzyoun6zhxrhs64oiz", "unknown", why];
        let cells = cells.map(|cell| (cell.to_owned(), None)).to_vec();
        live.write(&cells, Palette::Plain, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let indent = " ".repeat(47);
        assert_eq!(
            text,
            format!(
                "DID                               RESULT       REASON\n\
                 did:plc:ewvi7nxzyoun6zhxrhs64oiz  unknown      cannot resolve pds.example.com,\n\
                 {indent}which is the server of the\n{indent}account\n"
            )
        );
    }
}
