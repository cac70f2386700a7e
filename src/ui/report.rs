//! Output of errors.

use std::io::Write;
use std::panic::PanicHookInfo;

use super::{Palette, Role, paragraph, sanitised};
use crate::error::{Exit, Failure, is_broken_pipe};

/// Prints `error` / `caused by` / `hint` lines, wrapped at words for a terminal of this width, and
/// returns the exit status. A closed pipe is not an error.
pub fn report(
    error: &anyhow::Error,
    palette: Palette,
    width: Option<usize>,
    stderr: &mut dyn Write,
) -> Exit {
    if is_broken_pipe(error) {
        return Exit::Done;
    }
    let mut print = |role, label, text: &str| {
        // Failures to print are ignored.
        let _ = writeln!(stderr, "{}", paragraph(&palette.labelled(role, label, text), width));
    };
    print(Role::Error, "error:", &error.to_string());
    for cause in error.chain().skip(1) {
        print(Role::Faint, "caused by:", &cause.to_string());
    }
    let failure = error.chain().find_map(|e| e.downcast_ref::<Failure>());
    if let Some(hint) = failure.and_then(Failure::advice) {
        // Lines to be written into a file follow the introduction, and are never wrapped.
        let mut lines = hint.lines();
        print(Role::Hint, "hint:", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(stderr, "  {}", sanitised(line));
        }
    }
    Exit::of(error)
}

/// Reports a panic with its location. Its message is omitted, because it may contain a token or a
/// key.
pub fn panicked(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map(|place| format!(" at {}:{}", place.file(), place.line()))
        .unwrap_or_default();
    let _ = writeln!(
        std::io::stderr().lock(),
        "error: oauthctl failed{place}; please report this line"
    );
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::error::usage;

    fn printed(error: &anyhow::Error) -> (String, Exit) {
        let mut out = Vec::new();
        let exit = report(error, Palette::Plain, None, &mut out);
        (String::from_utf8(out).unwrap(), exit)
    }

    #[test]
    fn a_failure_prints_its_causes_and_its_hint() {
        let error =
            usage("not a JWK").at("key.json").because(anyhow::anyhow!("EOF")).hint("try again");
        let (text, exit) = printed(&error.into());
        assert_eq!(text, "error: key.json: not a JWK\ncaused by: EOF\nhint: try again\n");
        assert_eq!(exit, Exit::Usage);
    }

    #[test]
    fn lines_fit_the_terminal_and_those_to_copy_are_whole() {
        let error = usage("the key set lacks a key that sessions need").hint(
            "write this into oauthctl.toml, below [store]:\nurl = \"sqlite:/srv/app/app.db\"",
        );
        let mut out = Vec::new();
        report(&error.into(), Palette::Coloured, Some(30), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\u{1b}[1;31merror:\u{1b}[0m the key set lacks a key\n  that sessions need\n\
             \u{1b}[36mhint:\u{1b}[0m write this into\n  oauthctl.toml, below\n  [store]:\n  \
             url = \"sqlite:/srv/app/app.db\"\n"
        );
    }

    #[test]
    fn a_reader_that_went_away_is_success() {
        let error =
            anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert_eq!(printed(&error), (String::new(), Exit::Done));
    }
}
