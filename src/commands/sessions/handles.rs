//! `--handles`: the handles of the accounts that a list shows, verified, and cached for an hour.

use std::collections::BTreeMap;
use std::fs;

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::debug;

use crate::context::Context;
use crate::error::Failure;
use crate::files::{self, Existing, PRIVATE};
use crate::oauth::INVALID_HANDLE;
use crate::owner::is_for_another_user;
use crate::session::{Did, Summary};
use crate::ui::{Cells, Role, Row};

/// Maximum number of accounts that are looked up.
pub const MOST: usize = 100;
/// Lookups at the same time.
const AT_ONCE: usize = 8;
/// Lifetime of a cached handle, in seconds.
const LIFETIME: i64 = 3600;

/// Row with the handle of its account.
#[derive(Serialize)]
#[serde(transparent)]
pub struct HandleRow {
    fields: Map<String, Value>,
    #[serde(skip)]
    cells: Cells,
}

impl HandleRow {
    /// Takes in the row of a session, whose handle is not known yet.
    pub fn of(row: &impl Row) -> serde_json::Result<Self> {
        let fields = serde_json::to_value(row)?.as_object().cloned().unwrap_or_default();
        Ok(Self { fields, cells: row.cells() })
    }

    fn did(&self) -> Option<Did> {
        self.fields.get("did")?.as_str()?.parse().ok()
    }

    /// Adds the handle.
    fn name(&mut self, handle: Option<&str>) {
        self.fields.insert("handle".to_owned(), handle.into());
        let role = handle.filter(|handle| *handle == INVALID_HANDLE).map(|_| Role::Warning);
        self.cells.insert(0, (handle.unwrap_or("-").to_owned(), role));
    }
}

impl Row for HandleRow {
    const FIELDS: &'static [&'static str] = &FIELDS;
    const TITLES: &'static [&'static str] =
        &["handle", "did", "status", "refreshed", "kid", "issuer", "reason"];
    const SPARE: &'static [usize] = &[6, 3, 1];
    const SHOWS: &'static [(&'static str, &'static str)] = super::view::SHOWS;

    fn cells(&self) -> Cells {
        self.cells.clone()
    }
}

/// The same for a store with several layouts.
#[derive(Serialize)]
#[serde(transparent)]
pub struct LayoutHandleRow<'a>(pub &'a HandleRow);

impl Row for LayoutHandleRow<'_> {
    const FIELDS: &'static [&'static str] = &FIELDS;
    const TITLES: &'static [&'static str] =
        &["handle", "did", "layout", "format", "status", "refreshed", "kid", "issuer", "reason"];
    const SPARE: &'static [usize] = &[3, 8, 5, 1, 2];
    const SHOWS: &'static [(&'static str, &'static str)] = super::view::SHOWS;

    fn cells(&self) -> Cells {
        self.0.cells()
    }
}

const FIELDS: [&str; Summary::FIELDS.len() + 1] = {
    let mut fields = ["handle"; Summary::FIELDS.len() + 1];
    let mut n = 0;
    while n < Summary::FIELDS.len() {
        fields[n] = Summary::FIELDS[n];
        n += 1;
    }
    fields
};

/// Handles by DID, each with the time of its lookup in seconds; none for an account that claims none.
type Cache = BTreeMap<String, (Option<String>, i64)>;

/// Looks the handles of the first rows up. Others have none.
pub fn name(context: &Context, rows: &mut [HandleRow]) -> anyhow::Result<()> {
    let path = context.state_directory()?.join("handles.json");
    let now = context.now().as_second();
    let mut cache: Cache = fs::read(&path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    cache.retain(|_, (_, at)| (0..LIFETIME).contains(&(now - *at)));
    let mut missing: Vec<Did> = rows.iter().take(MOST).filter_map(HandleRow::did).collect();
    missing.retain(|did| !cache.contains_key(did.as_str()));
    missing.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    missing.dedup_by(|a, b| a.as_str() == b.as_str());
    if !missing.is_empty() {
        let (network, interrupt) = (context.network()?, context.interrupt());
        let look_up = stream::iter(&missing)
            .map(async |did| (did, network.handle_of(did).await))
            .buffer_unordered(AT_ONCE)
            .take_until(Box::pin(interrupt.raised()))
            .collect::<Vec<_>>();
        for (did, found) in context.runtime()?.block_on(look_up) {
            match found {
                Ok(handle) => drop(cache.insert(did.as_str().to_owned(), (handle, now))),
                Err(error) => debug!("the handle of {did} is not known: {error}"),
            }
        }
        if let Err(error) = keep(&path, &cache) {
            debug!("handles are not kept: {error}");
        }
    }
    for (n, row) in rows.iter_mut().enumerate() {
        let did = row.did().filter(|_| n < MOST);
        let known = did.and_then(|did| cache.get(did.as_str())?.0.clone());
        row.name(known.as_deref());
    }
    if rows.len() > MOST {
        context.ui.note(format!("handles of the first {MOST} sessions only; --limit narrows down"));
    }
    Ok(())
}

fn keep(path: &std::path::Path, cache: &Cache) -> Result<(), Failure> {
    let directory = files::directory_of(path);
    // Files created by root in another user's home would lock that user out.
    if directory.ancestors().find(|ancestor| ancestor.exists()).is_some_and(is_for_another_user) {
        return Ok(());
    }
    let failed = |e: std::io::Error| crate::error::failed("cannot write").because(e);
    fs::create_dir_all(directory).map_err(failed)?;
    let text = serde_json::to_vec(cache).map_err(|e| failed(e.into()))?;
    files::write_file(path, &text, PRIVATE, Existing::Replace)
}
