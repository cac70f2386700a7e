//! `[refresh] acknowledged`: causes that the operator knows. They do not change the exit status.

use jiff::civil::Date;
use jiff::tz::Offset;

use crate::context::Context;
use crate::error::Failure;
use crate::maintenance::RefreshResult;
use crate::session::Summary;
use crate::settings::{Acknowledged, Cause};

/// Days after which an acknowledgement has to be renewed.
const DAYS: i64 = 90;

/// Acknowledgements in force.
#[derive(Default)]
pub struct Acknowledgements(Vec<Cause>);

impl Acknowledgements {
    /// Reads the settings. Warns of acknowledgements that are not in force.
    pub fn of(context: &Context) -> Result<Self, Failure> {
        let today = Offset::UTC.to_datetime(context.now()).date();
        let mut in_force = Vec::new();
        for Acknowledged { what, since } in context.settings()?.acknowledged()? {
            match objection(since, today) {
                None => in_force.push(what),
                Some(why) => context.ui.warn(format!("refresh.acknowledged: {what} {why}")),
            }
        }
        Ok(Self(in_force))
    }

    /// Returns whether a result is acknowledged: the key that a session lacks, or that anything
    /// keeps this record from being refreshed.
    pub fn cover(&self, session: &Summary<'_>, result: RefreshResult) -> bool {
        self.0.iter().any(|cause| match cause {
            Cause::Kid(kid) => {
                result == RefreshResult::Blocked
                    && session.lacks_key
                    && session.kid.as_deref() == Some(kid)
            }
            Cause::Record(key) => {
                matches!(result, RefreshResult::Blocked | RefreshResult::Unknown)
                    && session.key == key.as_str()
            }
        })
    }
}

/// Returns why an acknowledgement of this day is not in force. Time zones are a day apart at most.
fn objection(since: Date, today: Date) -> Option<String> {
    let days = i64::from(since.until(today).map_or(0, |span| span.get_days()));
    if days < -1 {
        return Some(format!("is acknowledged since {since}, which lies ahead"));
    }
    let message = format!(
        "was acknowledged on {since}, more than {DAYS} days ago; solve it, or renew the date"
    );
    (days > DAYS).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_expires_and_cannot_be_given_beforehand() {
        let today = "2026-11-30".parse().unwrap();
        for (since, said) in [
            ("2026-11-30", None),
            ("2026-12-01", None),
            ("2026-09-01", None),
            ("2026-08-31", Some("was acknowledged on 2026-08-31, more than 90 days ago")),
            ("2026-12-02", Some("is acknowledged since 2026-12-02, which lies ahead")),
        ] {
            let objection = objection(since.parse().unwrap(), today);
            assert_eq!(objection.is_some(), said.is_some(), "{since}: {objection:?}");
            assert!(objection.unwrap_or_default().starts_with(said.unwrap_or_default()), "{since}");
        }
    }

    #[test]
    fn a_kid_covers_the_sessions_that_lack_it_and_a_record_itself() {
        let all = Acknowledgements(vec![Cause::Kid("k".to_owned()), Cause::Record("r".to_owned())]);
        let session = |key: &'static str, kid: &'static str, lacks_key| Summary {
            key: key.into(),
            kid: Some(kid.into()),
            lacks_key,
            ..Summary::default()
        };
        let (blocked, unknown) = (RefreshResult::Blocked, RefreshResult::Unknown);
        for (session, result, is_covered) in [
            (session("a", "k", true), blocked, true),
            (session("a", "k", false), blocked, false),
            (session("a", "k", true), unknown, false),
            (session("a", "l", true), blocked, false),
            (session("r", "l", false), unknown, true),
            (session("r", "l", false), RefreshResult::Gone, false),
        ] {
            assert_eq!(all.cover(&session, result), is_covered, "{session:?}");
        }
    }
}
