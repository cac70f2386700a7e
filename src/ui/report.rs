//! Output of errors.

use std::io::Write;
use std::panic::PanicHookInfo;

use super::{Palette, Role, sanitised};
use crate::error::{Exit, Failure, is_broken_pipe};

/// Prints `error` / `caused by` / `hint` lines, and returns the exit status. A closed pipe is not
/// an error.
pub fn report(error: &anyhow::Error, palette: Palette, stderr: &mut dyn Write) -> Exit {
    if is_broken_pipe(error) {
        return Exit::Done;
    }
    // Failures to print are ignored.
    let _ = writeln!(
        stderr,
        "{} {}",
        palette.paint(Role::Error, "error:"),
        sanitised(&error.to_string())
    );
    for cause in error.chain().skip(1) {
        let _ = writeln!(
            stderr,
            "{} {}",
            palette.paint(Role::Faint, "caused by:"),
            sanitised(&cause.to_string())
        );
    }
    let failure = error.chain().find_map(|e| e.downcast_ref::<Failure>());
    if let Some(hint) = failure.and_then(Failure::advice) {
        // Lines to be written into a file follow the introduction.
        let mut lines = hint.lines().map(sanitised);
        let _ = writeln!(
            stderr,
            "{} {}",
            palette.paint(Role::Hint, "hint:"),
            lines.next().unwrap_or_default()
        );
        for line in lines {
            let _ = writeln!(stderr, "  {line}");
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
        let exit = report(error, Palette::Plain, &mut out);
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
    fn a_reader_that_went_away_is_success() {
        let error =
            anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert_eq!(printed(&error), (String::new(), Exit::Done));
    }
}
