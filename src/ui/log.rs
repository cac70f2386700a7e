//! Log of steps on stderr: `-v` for steps, `-vv` for each exchange with the store. Without either,
//! a step costs no more than a check.
//!
//! Steps are logged with `tracing` where they are taken. They contain places, methods and times,
//! and never data sent or stored.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Palette, Role, sanitised};
use crate::maintenance::current_session;

/// Subscriber for oauthctl's own steps. Those of libraries are dropped, because they may contain
/// anything.
struct Log {
    most: LevelFilter,
    palette: Palette,
    begun: Instant,
}

/// Installs the subscriber. `verbosity` is the number of `-v` options.
pub(super) fn listen(verbosity: u8, palette: Palette) {
    let most = match verbosity {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // An existing subscriber stays.
    let _ = tracing::subscriber::set_global_default(Log { most, palette, begun: Instant::now() });
}

fn is_ours(target: &str) -> bool {
    target.split("::").next() == Some(env!("CARGO_CRATE_NAME"))
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.is_span() && *metadata.level() <= self.most && is_ours(metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.most)
    }

    fn event(&self, event: &Event<'_>) {
        let mut step = StepText(String::new());
        event.record(&mut step);
        let session = current_session().filter(|key| !step.0.contains(&**key));
        let session = session.map(|key| format!("{key}: ")).unwrap_or_default();
        // Errors of a closed stderr are ignored.
        let _ = writeln!(
            io::stderr().lock(),
            "{} {:.3} s {}{}",
            self.palette.paint(Role::Faint, "log:"),
            self.begun.elapsed().as_secs_f64(),
            sanitised(&session),
            sanitised(&step.0)
        );
    }

    // Spans are not used.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Text of a step, its only field.
struct StepText(String);

impl Visit for StepText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_not_listened_to() {
        for (target, ours) in [
            ("oauthctl", true),
            ("oauthctl::store", true),
            ("oauthctl_x", false),
            ("h2::frame", false),
        ] {
            assert_eq!(is_ours(target), ours, "{target}");
        }
    }
}
