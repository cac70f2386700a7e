//! Display of sessions: status by the configuration, and table rows.

use jiff::Timestamp;
use serde::Serialize;

use crate::context::Context;
use crate::jose::KeySet;
use crate::maintenance::{Assessor, Recovery};
use crate::session::{Issuer, Status, Summary};
use crate::store::{Layout, Store};
use crate::ui::{Role, Row, brief_kid};

/// Creates an assessor from keys and settings.
pub fn assessor(context: &Context, layout: &Layout) -> anyhow::Result<Assessor> {
    assessor_by(context, layout, context.key_set()?.as_ref())
}

/// Creates an assessor for a run that refreshes sessions, which has no keys if no key source is
/// configured.
pub fn assessor_of_run(context: &Context, layout: &Layout) -> anyhow::Result<Assessor> {
    assessor_by(context, layout, Some(&context.key_set()?.unwrap_or_default()))
}

fn assessor_by(
    context: &Context,
    layout: &Layout,
    keys: Option<&KeySet>,
) -> anyhow::Result<Assessor> {
    let settings = context.settings()?;
    let assessor =
        Assessor::new(keys, context.client_id().ok(), layout, settings.policy()?, context.now());
    let assessor = assessor.with_egress(settings.egress()?);
    let recovery = context.recovery_directory().map(Recovery::new).ok();
    let any_pending =
        |recovery: &Recovery| recovery.entries().is_ok_and(|entries| !entries.is_empty());
    Ok(match recovery.filter(any_pending) {
        Some(recovery) => assessor.with_pending(recovery),
        None => assessor,
    })
}

/// Returns the colour of a status.
pub fn role(status: Status) -> Option<Role> {
    match status {
        Status::Fresh => Some(Role::Good),
        Status::Idle => Some(Role::Faint),
        Status::Due => None,
        Status::Suspect | Status::Blocked | Status::Dead | Status::Malformed | Status::Foreign => {
            Some(Role::Warning)
        }
    }
}

/// Columns that show a field of another name.
pub const SHOWS: &[(&str, &str)] = &[
    ("refreshed", "last_refreshed_at"),
    ("last_refreshed", "last_refreshed_at"),
    ("expires", "expires_at"),
];

/// Session in a table that fits a terminal. Other formats contain all fields.
#[derive(Serialize)]
#[serde(transparent)]
pub struct BriefRow<'a> {
    summary: &'a Summary<'a>,
    #[serde(skip)]
    assessor: &'a Assessor,
}

impl<'a> BriefRow<'a> {
    /// Creates a row for a session.
    pub fn of(summary: &'a Summary<'a>, assessor: &'a Assessor) -> Self {
        Self { summary, assessor }
    }
}

impl Row for BriefRow<'_> {
    const FIELDS: &'static [&'static str] = Summary::FIELDS;
    const TITLES: &'static [&'static str] =
        &["did", "status", "refreshed", "kid", "issuer", "reason"];
    const SPARE: &'static [usize] = &[5, 2];
    const SHOWS: &'static [(&'static str, &'static str)] = SHOWS;

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let Self { summary, assessor } = self;
        let ago = |at| format!("{} ago", assessor.age(at).at_a_glance());
        vec![
            (account(summary), None),
            (summary.status.name().to_owned(), role(summary.status)),
            (summary.last_refreshed_at.map_or_else(|| "-".to_owned(), ago), None),
            (brief_kid(kid(summary)).into_owned(), None),
            (summary.issuer.as_ref().map_or("-", Issuer::brief).to_owned(), None),
            (brief_reason(summary), None),
        ]
    }
}

/// Row for a store with several layouts.
#[derive(Serialize)]
#[serde(transparent)]
pub struct LayoutRow<'a>(pub BriefRow<'a>);

impl Row for LayoutRow<'_> {
    const FIELDS: &'static [&'static str] = Summary::FIELDS;
    const TITLES: &'static [&'static str] =
        &["did", "layout", "format", "status", "refreshed", "kid", "issuer", "reason"];
    const SPARE: &'static [usize] = &[2, 7, 4, 1];
    const SHOWS: &'static [(&'static str, &'static str)] = SHOWS;

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let mut cells = self.0.cells();
        cells.insert(1, (layout(self.0.summary).to_owned(), None));
        cells.insert(2, (self.0.summary.format.unwrap_or("-").to_owned(), None));
        cells
    }
}

/// Reports the number of records shown, with store and layouts.
pub fn tell_where(context: &Context, stores: &[Box<dyn Store>], count: &str) -> anyhow::Result<()> {
    let (url, _) = context.store_address()?;
    let so_far = context.interrupt().so_far();
    let names: Vec<_> = stores.iter().map(|store| store.layout().name.as_str()).collect();
    let layouts = if names.len() == 1 { "layout" } else { "layouts" };
    context.ui.note(format!("{count}{so_far} in {url} ({layouts} {})", names.join(", ")));
    Ok(())
}

/// Returns the reason, with kids shortened as in their own column.
fn brief_reason(summary: &Summary<'_>) -> String {
    let reason = summary.reason.as_deref().unwrap_or_default();
    match summary.kid.as_deref() {
        Some(kid) => reason.replace(kid, &brief_kid(kid)),
        _ => reason.to_owned(),
    }
}

fn account(summary: &Summary<'_>) -> String {
    summary.did.as_deref().unwrap_or(&summary.key).to_owned()
}

fn kid<'a>(summary: &'a Summary<'_>) -> &'a str {
    summary.kid.as_deref().or(summary.auth_method).unwrap_or("-")
}

fn layout<'a>(summary: &'a Summary<'_>) -> &'a str {
    summary.layout.as_deref().unwrap_or("-")
}

/// Wide table.
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
        "layout",
        "format",
    ];
    const TITLES: &'static [&'static str] = &[
        "did",
        "status",
        "kid",
        "expires",
        "last refreshed",
        "issuer",
        "layout",
        "format",
        "reason",
    ];
    const SHOWS: &'static [(&'static str, &'static str)] = SHOWS;

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let plain = |text: Option<&str>| (text.unwrap_or("-").to_owned(), None);
        let time = |at: Option<Timestamp>| plain(at.map(|at| format!("{at:.0}")).as_deref());
        vec![
            (account(self), None),
            (self.status.name().to_owned(), role(self.status)),
            (kid(self).to_owned(), None),
            time(self.expires_at),
            time(self.last_refreshed_at),
            plain(self.issuer.as_ref().map(Issuer::brief)),
            plain(Some(layout(self))),
            plain(self.format),
            (self.reason.as_deref().unwrap_or_default().to_owned(), None),
        ]
    }
}
