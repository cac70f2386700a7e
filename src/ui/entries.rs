//! Statements with a mark, each followed by notes.

use super::{Palette, Role, sanitised};
use crate::text::wrapped;

/// Statement.
pub struct Entry<'e> {
    /// Mark in front of it.
    pub mark: &'e str,
    /// Role of the mark.
    pub role: Role,
    /// Text.
    pub text: String,
    /// Notes: name and text.
    pub notes: Vec<(&'e str, &'e str)>,
}

/// Narrower columns of text cannot be read.
const NARROWEST: usize = 30;

/// Returns the statements below each other, their texts in one column, no line wider than the
/// terminal.
pub(super) fn entries(entries: &[Entry<'_>], palette: Palette, terminal: Option<usize>) -> String {
    let width = entries.iter().map(|entry| entry.mark.len()).max().unwrap_or(0);
    let mut text = String::new();
    let room = |before: usize| {
        terminal.map(|columns| columns.saturating_sub(width + 2 + before).max(NARROWEST))
    };
    for entry in entries {
        let mark = format!("{:width$}", entry.mark);
        text.extend([
            &palette.paint(entry.role, &mark),
            "  ",
            &lines(&entry.text, width + 2, room(0)),
            "\n",
        ]);
        for (name, note) in &entry.notes {
            let note = lines(note, width + 2, room(name.len() + 2));
            let name = palette.paint(Role::Faint, &format!("{name}:"));
            text.extend([&" ".repeat(width + 2), &name, " ", &note, "\n"]);
        }
    }
    text
}

/// Returns the lines of a text, harmless, the second and later ones indented.
fn lines(text: &str, indent: usize, room: Option<usize>) -> String {
    let room = room.unwrap_or(usize::MAX);
    let lines: Vec<_> = text.lines().map(sanitised).collect();
    let parts: Vec<_> = lines.iter().flat_map(|line| wrapped(line, room, room)).collect();
    parts.join(&format!("\n{:indent$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_stand_below_what_they_are_about() {
        let good =
            Entry { mark: "ok", role: Role::Good, text: "one".to_owned(), notes: Vec::new() };
        let notes = vec![("why", "because\nof \u{1b}")];
        let bad = Entry { mark: "problem", role: Role::Error, text: "two".to_owned(), notes };
        let expected = "problem  two\n         why: because\n         of \\u{1b}\nok       one\n";
        assert_eq!(entries(&[bad, good], Palette::Plain, None), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let text =
            "a sentence that is much longer than a terminal of fifty columns is wide".to_owned();
        let notes = vec![("why", "a reason that is much longer than such a terminal is wide, too")];
        let entry = Entry { mark: "problem", role: Role::Error, text, notes };
        let shown = entries(&[entry], Palette::Plain, Some(50));
        assert!(shown.lines().all(|line| line.chars().count() <= 50), "{shown}");
        assert_eq!(shown.lines().count(), 4, "{shown}");
    }
}
