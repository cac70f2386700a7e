//! Texts of the playground itself.

use std::io::{self, IsTerminal as _, Write as _};

/// Maximum width of lines.
const WIDTH: usize = 96;

/// Prints a title.
pub(crate) fn heading(title: &str) {
    line(
        &format!("── {title} {}", "─".repeat(WIDTH.saturating_sub(title.chars().count() + 4))),
        "1;34",
    );
}

/// Prints a text, broken into lines, and an empty line.
pub(crate) fn say(words: &str) {
    let mut text = String::new();
    let mut column = 0;
    for word in words.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    line(&format!("{text}\n"), "");
}

/// Prints a command as typed.
pub(crate) fn prompt(command: &str) {
    line(&format!("$ {command}"), "1");
}

fn line(text: &str, style: &str) {
    let mut out = io::stdout().lock();
    // A closed pipe is ignored; the tour continues to its end.
    let _ = if style.is_empty() || !out.is_terminal() {
        writeln!(out, "{text}")
    } else {
        writeln!(out, "\x1b[{style}m{text}\x1b[0m")
    };
    let _ = out.flush();
}
