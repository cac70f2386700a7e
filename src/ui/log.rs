//! What is done, step by step, on stderr: `-v` for steps, `-vv` for every exchange with the store.
//! Without either nobody listens, and a step that nobody listens to costs no more than looking
//! whether somebody does.
//!
//! The steps themselves are told with `tracing`, where they are taken. They name places, methods
//! and times, and never what was sent or stored.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Palette, Role, sanitised};

/// Writes down our own steps, and those of no library: what libraries tell may hold anything.
struct Log {
    most: LevelFilter,
    palette: Palette,
}

/// Begins to listen, for as long as the process lives. `verbosity` is how often `-v` was given.
pub(super) fn listen(verbosity: u8, palette: Palette) {
    let most = match verbosity {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Whoever listens already goes on.
    let _ = tracing::subscriber::set_global_default(Log { most, palette });
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
        let mut step = Step(String::new());
        event.record(&mut step);
        // Whoever closed stderr does not want to hear about it.
        let _ = writeln!(
            io::stderr().lock(),
            "{} {}",
            self.palette.paint(Role::Faint, "log:"),
            sanitised(&step.0)
        );
    }

    // Steps have no inside.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The text of a step. It has no other fields.
struct Step(String);

impl Visit for Step {
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
