//! Tables of README.md, generated from the tables of the program.

use std::{env, fs};

use super::reference::{self, Term};
use crate::session::Status;
use crate::store::{Layout, Records};
use crate::text::Named as _;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

fn table<T>(head: &str, rows: impl IntoIterator<Item = T>, row: impl Fn(T) -> String) -> String {
    let rule = "|---".repeat(head.matches('|').count() - 1);
    let rows: String = rows.into_iter().map(|item| row(item) + "\n").collect();
    format!("{head}\n{rule}|\n{rows}")
}

fn entries(head: &str, entries: &[Term], mark: &str) -> String {
    table(head, entries, |(terms, meaning)| {
        let terms: Vec<_> = terms.iter().map(|term| format!("{mark}{term}{mark}")).collect();
        format!("| {} | {meaning} |", terms.join(", "))
    })
}

fn statuses() -> String {
    table("| status | meaning |", Status::ALL, |status| {
        format!("| `{}` | {} |", status.name(), status.meaning())
    })
}

fn layouts() -> String {
    let records = |records: &Records, has_keys| match records.table() {
        Some(table) => table.name.clone(),
        None if has_keys => records.pattern().to_string(),
        None => "in memory".to_owned(),
    };
    table("| layout | sessions | pending logins | format |", Layout::built_in(), |layout| {
        let has_keys = layout.has_keys();
        let store = if has_keys { "Redis" } else { "SQL" };
        let [sessions, logins] =
            [&layout.sessions, &layout.logins].map(|place| records(place, has_keys));
        let (name, format) = (&layout.name, layout.format.name());
        format!("| `{name}` | {store} `{sessions}` | `{logins}` | {format} |")
    })
}

/// Names of the blocks and their text.
fn blocks() -> [(&'static str, String); 6] {
    [
        ("exit status", entries("| status | meaning |", &reference::EXIT_STATUS, "")),
        ("settings", format!("```toml\n{}```\n", reference::SETTINGS_EXAMPLE)),
        ("environment", entries("| variable | meaning |", &reference::ENVIRONMENT, "`")),
        ("files", entries("| file | content |", &reference::FILES, "`")),
        ("statuses", statuses()),
        ("layouts", layouts()),
    ]
}

#[expect(clippy::disallowed_methods, reason = "`tests/run --update` says so in no other way")]
#[test]
fn the_tables_in_readme_are_those_of_the_program() {
    let mut fresh = fs::read_to_string(PATH).unwrap();
    for (name, text) in blocks() {
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
        let (before, rest) = fresh.split_once(&start).unwrap_or_else(|| panic!("no {start}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
        fresh = format!("{before}{start}{text}{end}{after}");
    }
    if env::var_os("OAUTHCTL_UPDATE_README").is_some() {
        fs::write(PATH, &fresh).unwrap();
    }
    let remedy = "run `tests/run --update` and commit the result";
    assert!(fs::read_to_string(PATH).unwrap() == fresh, "{remedy}");
}
