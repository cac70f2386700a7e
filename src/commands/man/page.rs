//! Manual page of one command: data from clap, and the usual sections of a manual.

use std::io;

use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::reference::{self, Term};
use crate::store::{Layout, Records};

/// Commands that read no settings.
const WITHOUT_SETTINGS: [&str; 2] = ["oauthctl-completions", "oauthctl-man"];
/// Sections of a help text that contain commands.
const COMMANDS: [&str; 2] = ["Examples", "First steps"];
/// Prefix of a line in a help text about the exit status.
const EXIT_STATUS: &str = "Exit status: ";

/// Part of a help text below the options.
#[derive(Default)]
struct HelpText {
    prose: Vec<String>,
    exit_status: Option<String>,
    /// Titles with their lines.
    sections: Vec<(String, Vec<String>)>,
}

/// Renders the page in roff.
pub(super) fn render(command: &clap::Command) -> io::Result<Vec<u8>> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let help = HelpText::of(command);
    let source = format!("oauthctl {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).date("").source(source);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    synopsis(command).to_writer(&mut text)?;
    man.render_description_section(&mut text)?;
    let mut roff = Roff::default();
    for paragraph in &help.prose {
        roff.control("PP", []).text([roman(paragraph)]);
    }
    roff.to_writer(&mut text)?;
    man.render_options_section(&mut text)?;
    rest(&help, command, name).to_writer(&mut text)?;
    Ok(text)
}

fn rest(help: &HelpText, command: &clap::Command, name: &str) -> Roff {
    let mut roff = Roff::default();
    if command.has_subcommands() {
        roff.control("SH", ["COMMANDS"]);
        for child in children(command) {
            let about = child.get_about().map(ToString::to_string).unwrap_or_default();
            let page = child.get_display_name().unwrap_or_default();
            roff.control("TP", []).text([bold(page), roman("(1)")]).text([roman(about)]);
        }
    }
    let (examples, tables): (Vec<_>, Vec<_>) =
        help.sections.iter().partition(|(title, _)| COMMANDS.contains(&title.as_str()));
    for (title, lines) in tables {
        roff.control("SH", [title.to_uppercase().as_str()]);
        for line in lines {
            let (term, meaning) = line.split_once("  ").unwrap_or((line, ""));
            tagged(&mut roff, &[term], meaning);
        }
    }
    roff.control("SH", ["EXIT STATUS"]);
    if let Some(own) = &help.exit_status {
        roff.text([roman(own)]);
    }
    entries(&mut roff, &reference::EXIT_STATUS);
    if !WITHOUT_SETTINGS.contains(&name) {
        roff.control("SH", ["ENVIRONMENT"]);
        entries(&mut roff, &reference::ENVIRONMENT);
        roff.control("SH", ["FILES"]);
        entries(&mut roff, &reference::FILES);
    }
    if name == "oauthctl" {
        settings_and_layouts(&mut roff);
    }
    for (title, lines) in examples {
        roff.control("SH", [title.to_uppercase().as_str()]);
        for line in lines {
            let (example, remark) = line.split_once("  ").unwrap_or((line, ""));
            example_of(&mut roff, example, remark.trim());
        }
    }
    see_also(&mut roff, command, name);
    roff
}

/// Renders the usage line of the help text.
fn synopsis(command: &clap::Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::default();
    roff.control("SH", ["SYNOPSIS"]).text([roman(usage.trim_start_matches("Usage: "))]);
    roff
}

/// Returns the subcommands, except for `help`.
fn children(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    command.get_subcommands().filter(|child| child.get_name() != "help")
}

/// Renders the sections found only on the page of oauthctl itself.
fn settings_and_layouts(roff: &mut Roff) {
    roff.control("SH", ["SETTINGS"]);
    roff.text([roman(reference::SETTINGS)]).control("PP", []).control("nf", []);
    for line in reference::SETTINGS_EXAMPLE.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).control("SH", ["LAYOUTS"]).text([roman(reference::LAYOUTS)]);
    for layout in Layout::built_in() {
        let records = [&layout.sessions, &layout.logins];
        let meaning = match records.map(Records::table) {
            [Some(sessions), Some(logins)] if sessions.name == logins.name => {
                format!("SQL: {}", sessions.name)
            }
            [Some(sessions), Some(logins)] => format!("SQL: {}, {}", sessions.name, logins.name),
            [Some(sessions), None] => format!("SQL: {}, in memory", sessions.name),
            _ => format!("Redis: {}, {}", layout.sessions.pattern(), layout.logins.pattern()),
        };
        tagged(roff, &[&layout.name], &meaning);
    }
}

fn entries(roff: &mut Roff, entries: &[Term]) {
    for (terms, meaning) in entries {
        tagged(roff, terms, meaning);
    }
}

fn tagged(roff: &mut Roff, terms: &[&str], meaning: &str) {
    let mut tag = Vec::new();
    for term in terms {
        if !tag.is_empty() {
            tag.push(roman(", "));
        }
        tag.push(bold(*term));
    }
    roff.control("TP", []).text(tag).text([roman(meaning.trim())]);
}

/// Renders a command with an optional remark above it.
fn example_of(roff: &mut Roff, example: &str, remark: &str) {
    roff.control("PP", []).control("nf", []);
    if !remark.is_empty() {
        roff.text([italic(remark)]);
    }
    roff.text([roman(example)]).control("fi", []);
}

/// Renders references to parent and subcommands.
fn see_also(roff: &mut Roff, command: &clap::Command, name: &str) {
    let above = name.rmatch_indices('-').map(|(at, _)| &name[..at]);
    // `oauthctl-gen-jwk` has a parent page `oauthctl`; `oauthctl-gen` is not a page.
    let above = above.filter(|page| {
        ["oauthctl", "oauthctl-keys", "oauthctl-sessions", "oauthctl-states"].contains(page)
    });
    let below = children(command).filter_map(clap::Command::get_display_name);
    let mut pages: Vec<_> = above.chain(below).collect();
    pages.sort_unstable();
    let mut line = Vec::new();
    for page in pages {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([bold(page), roman("(1)")]);
    }
    roff.control("SH", ["SEE ALSO"]).text(line);
}

impl HelpText {
    fn of(command: &clap::Command) -> Self {
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let mut help = Self::default();
        for block in text.split("\n\n") {
            let joined = || block.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            match block.split_once(":\n") {
                Some((title, lines)) if !title.contains('\n') => {
                    // Joins lines as a shell would.
                    let lines: Vec<_> = lines.split("\\\n").map(str::trim_start).collect();
                    let lines = lines.concat();
                    let words = |line: &str| line.trim().to_owned();
                    help.sections.push((title.to_owned(), lines.lines().map(words).collect()));
                }
                _ if block.starts_with(EXIT_STATUS) => {
                    help.exit_status = Some(joined()[EXIT_STATUS.len()..].to_owned());
                }
                _ if block.trim().is_empty() => {}
                _ => help.prose.push(joined()),
            }
        }
        help
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_help_text_is_taken_apart() {
        let command = clap::Command::new("x").after_help(
            "Some\nprose.\n\nResults:\n  gone     it has ended\n\nExit status: 3 some.\n\nExamples:\n  x --y    a remark",
        );
        let help = HelpText::of(&command);
        assert_eq!(
            (help.prose.as_slice(), help.exit_status.as_deref()),
            (&["Some prose.".to_owned()][..], Some("3 some."))
        );
        let titles: Vec<_> =
            help.sections.iter().map(|(title, lines)| (title.as_str(), lines.len())).collect();
        assert_eq!(titles, [("Results", 1), ("Examples", 1)]);
        let page = String::from_utf8(render(&command).unwrap()).unwrap();
        assert!(page.contains("\\fIa remark\\fR"), "{page}");
    }
}
