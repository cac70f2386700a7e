//! How a session is looked at: judged by the settings at hand, shown as a row.

use jiff::Timestamp;

use crate::context::Context;
use crate::maintenance::Judge;
use crate::session::{Status, Summary};
use crate::store::Layout;
use crate::ui::{Role, Row};

/// Reads keys and settings.
pub fn judge(context: &Context, layout: &Layout) -> anyhow::Result<Judge> {
    let policy = context.settings()?.refresh()?.policy();
    Ok(Judge::new(context.key_set()?.as_ref(), layout, policy, context.now()))
}

/// The colour of a status.
pub fn role(status: Status) -> Option<Role> {
    match status {
        Status::Fresh => Some(Role::Good),
        Status::Idle => Some(Role::Faint),
        Status::Due => None,
        Status::Suspect | Status::Blocked | Status::Dead | Status::Malformed => Some(Role::Warning),
    }
}

impl Row for Summary<'_> {
    const FIELDS: &'static [&'static str] = &[
        "key",
        "did",
        "issuer",
        "pds",
        "scope",
        "auth_method",
        "kid",
        "dpop_alg",
        "expires_at",
        "last_refreshed_at",
        "last_refreshed_by",
        "status",
        "reason",
    ];
    const TITLES: &'static [&'static str] = &["did", "status", "kid", "expires", "last refreshed", "issuer", "reason"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let plain = |text: Option<&str>| (text.unwrap_or("-").to_owned(), None);
        let time = |at: Option<Timestamp>| plain(at.map(|at| format!("{at:.0}")).as_deref());
        vec![
            plain(Some(self.did.as_deref().unwrap_or(&self.key))),
            (self.status.name().to_owned(), role(self.status)),
            plain(self.kid.as_deref().or(self.auth_method)),
            time(self.expires_at),
            time(self.last_refreshed_at),
            plain(self.issuer.as_deref()),
            (self.reason.as_deref().unwrap_or_default().to_owned(), None),
        ]
    }
}
