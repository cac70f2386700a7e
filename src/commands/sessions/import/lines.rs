//! Lines of an export, read in a thread of their own.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;
use std::task::{self, Poll};

use tokio::sync::mpsc;

use super::CONCURRENCY;
use crate::context::Context;
use crate::error::failed;
use crate::session::{Traces, Transfer};

/// Number of lines read before the import, to detect tokens.
const READ_AHEAD: usize = 1000;

/// First lines of a file, at least one of which must be a session.
const FIRST_LINES: usize = 10;

/// Maximum length of a line.
const MAX_LINE: u64 = 1 << 20;

/// Lines of an export.
pub(super) struct Lines {
    /// Lines read ahead.
    held: VecDeque<anyhow::Result<Line>>,
    rest: mpsc::Receiver<anyhow::Result<Line>>,
}

impl Lines {
    /// Reads lines in a separate thread, so that a silent input does not delay the handling of
    /// signals. The thread ends with the input or the process.
    pub(super) fn read(mut input: impl BufRead + Send + 'static) -> Self {
        let (sender, rest) = mpsc::channel(CONCURRENCY);
        std::thread::spawn(move || {
            while let Some(line) = next_line(&mut input).transpose() {
                let failed = line.is_err();
                if sender.blocking_send(line).is_err() || failed {
                    break;
                }
            }
        });
        Self { held: VecDeque::new(), rest }
    }

    /// Reads ahead to the first session. Returns false where the first lines are none. A signal, a
    /// failure and an empty input are left to those who read on.
    pub(super) async fn hold_session(&mut self, context: &Context) -> bool {
        let interrupt = context.interrupt();
        let mut is_blank = true;
        while self.held.len() < FIRST_LINES {
            let Some(Some(line)) = interrupt.or(self.rest.recv()).await else { break };
            let (is_session, is_text) = match &line {
                Ok(Some(text)) => {
                    (serde_json::from_str::<Transfer<'_>>(text).is_ok(), !text.trim().is_empty())
                }
                Ok(None) => (false, true),
                Err(_) => (true, true),
            };
            self.held.push_back(line);
            is_blank &= !is_text;
            if is_session {
                return true;
            }
        }
        is_blank || interrupt.is_set()
    }

    /// Reads ahead to the first line with a refresh token, and returns whether there is one.
    /// Returns true after many lines without one, and after a signal.
    pub(super) async fn hold_token(&mut self, context: &Context) -> bool {
        let interrupt = context.interrupt();
        let has_token =
            |line: &anyhow::Result<Line>| matches!(line, Ok(Some(line)) if has_refresh_token(line));
        if self.held.iter().any(has_token) {
            return true;
        }
        while self.held.len() < READ_AHEAD {
            let Some(line) = interrupt.or(self.rest.recv()).await else { return true };
            let Some(line) = line else { return false };
            let has_token = has_token(&line);
            self.held.push_back(line);
            if has_token {
                return true;
            }
        }
        true
    }

    pub(super) fn poll_next(
        &mut self,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<anyhow::Result<Line>>> {
        match self.held.pop_front() {
            Some(line) => Poll::Ready(Some(line)),
            None => self.rest.poll_recv(context),
        }
    }
}

fn has_refresh_token(line: &str) -> bool {
    let session = serde_json::from_str::<Transfer<'_>>(line).ok();
    session.is_some_and(|session| Traces::refresh_token(session.record.get().as_bytes()).is_some())
}

/// Line of the export, `None` if it is not text or too long.
pub(super) type Line = Option<String>;

fn next_line(input: &mut impl BufRead) -> anyhow::Result<Option<Line>> {
    let cannot_read = |e| failed("cannot read the export").because(e);
    let mut line = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(cannot_read)?;
    if read == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") && read as u64 == MAX_LINE {
        input.skip_until(b'\n').map_err(cannot_read)?;
        return Ok(Some(None));
    }
    Ok(Some(
        String::from_utf8(line).ok().map(|line| line.trim_start_matches('\u{feff}').to_owned()),
    ))
}

/// Counts the lines of a file, if progress is shown.
pub(super) fn count_lines(context: &Context, file: &Path) -> Option<u64> {
    if !context.ui.shows_progress() || !file.is_file() {
        return None;
    }
    let lines = BufReader::new(File::open(file).ok()?).split(b'\n');
    u64::try_from(lines.count()).ok()
}
