//! Statements with a mark, each followed by notes.

use super::{Palette, Role, sanitised};

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

/// Formats the statements as a list, with their texts in one column.
pub(super) fn entries(entries: &[Entry<'_>], palette: Palette) -> String {
    let width = entries.iter().map(|entry| entry.mark.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        let mark = format!("{:width$}", entry.mark);
        text.extend([
            &palette.paint(entry.role, &mark),
            "  ",
            &lines(&entry.text, width + 2),
            "\n",
        ]);
        for (name, note) in &entry.notes {
            let name = palette.paint(Role::Faint, &format!("{name}:"));
            text.extend([&" ".repeat(width + 2), &name, " ", &lines(note, width + 2), "\n"]);
        }
    }
    text
}

/// Returns the sanitised lines of a text, indented from the second on.
fn lines(text: &str, indent: usize) -> String {
    text.lines().map(sanitised).collect::<Vec<_>>().join(&format!("\n{:indent$}", ""))
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
        assert_eq!(entries(&[bad, good], Palette::Plain), expected);
    }
}
