//! Counts as horizontal bars.

use super::{Palette, Role, sanitised};
use crate::text::{shortened, text_width};

/// Width of the longest bar in characters, if the terminal is wide enough.
const WIDTH: usize = 40;
/// Maximum width of names.
const NAME: usize = 44;

/// Formats a title and one bar per row: name, count, share of the total, bar. Lines fit into
/// `terminal`, if known and wide enough for a bar.
pub(super) fn bars(
    title: &str,
    rows: &[(&str, u64, Option<Role>)],
    total: u64,
    palette: Palette,
    terminal: Option<usize>,
) -> String {
    let names: Vec<String> =
        rows.iter().map(|(name, ..)| shortened(&sanitised(name), NAME).into_owned()).collect();
    let name_width = names.iter().map(|name| text_width(name)).max().unwrap_or(0);
    let count_width = rows.iter().map(|(_, n, _)| n.to_string().len()).max().unwrap_or(0);
    // Two spaces between columns, and a share like `100.0%`.
    let before = 2 + name_width + 2 + count_width + 2 + 6 + 2;
    let longest =
        terminal.map_or(WIDTH, |width| width.saturating_sub(before).clamp(1, WIDTH)) as u64;
    let mut text = format!("{title}\n");
    for (name, (_, n, role)) in names.iter().zip(rows) {
        let share =
            n.saturating_mul(1000).saturating_add(total / 2).checked_div(total).unwrap_or(0);
        let length = n.saturating_mul(longest).div_ceil(total.max(1));
        let bar = "█".repeat(usize::try_from(length).unwrap_or(0));
        let bar = role.map_or_else(|| bar.clone(), |role| palette.paint(role, &bar));
        let gap = name_width.saturating_sub(text_width(name)) + 2;
        text.push_str(&format!(
            "  {name}{:gap$}{n:>count_width$}  {:>3}.{}%  {bar}\n",
            "",
            share / 10,
            share % 10
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share() {
        let text = bars("status", &[("fresh", 3, None), ("due", 1, None)], 4, Palette::Plain, None);
        let full = |n| "█".repeat(n);
        assert_eq!(
            text,
            format!("status\n  fresh  3   75.0%  {}\n  due    1   25.0%  {}\n", full(30), full(10))
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let text = bars("status", &[("fresh", 4, None)], 4, Palette::Plain, Some(30));
        assert_eq!(text.lines().map(|line| line.chars().count()).max(), Some(30), "{text}");
    }
}
