//! `oauthctl states list`: lists pending logins.

use std::borrow::Cow;
use std::pin::pin;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::sessions::tell_where;
use crate::commands::table::TableArgs;
use crate::context::Context;
use crate::error::Exit;
use crate::maintenance::StateAge;
use crate::session::{Age, AuthMethod, Issuer};
use crate::store::{Kind, Layout, NoRecord, Stored, Want};
use crate::ui::{Role, Row, brief_kid, counted};

/// List unfinished logins
#[derive(clap::Args)]
#[command(after_help = "\
The key of a pending login is part of that login. Treat it as a secret.

Examples:
  oauthctl states list
  oauthctl states list --format jsonl | jq -r .issuer | sort | uniq -c")]
pub struct Args {
    #[command(flatten)]
    table: TableArgs,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct StateRow<'a> {
    key: Cow<'a, str>,
    issuer: Option<Issuer<'a>>,
    auth_method: Option<&'static str>,
    kid: Option<Cow<'a, str>>,
    #[schemars(with = "Option<String>")]
    begun_at: Option<Timestamp>,
    begun_by: Option<&'static str>,
    reason: Option<&'static str>,
    layout: &'a str,
    #[serde(skip)]
    age: Option<Age>,
}

impl<'a> StateRow<'a> {
    fn of(stored: &'a Stored, layout: &'a Layout, now: Timestamp) -> Self {
        let age = StateAge::of(stored, now);
        let login = layout.login(stored);
        let reason = login.as_ref().err().copied().map(NoRecord::description);
        let (issuer, client_auth) =
            login.ok().map(|login| (login.issuer, login.client_auth)).unzip();
        let client_auth = client_auth.flatten();
        Self {
            key: stored.key.text(),
            issuer,
            auth_method: client_auth.as_ref().map(AuthMethod::name),
            kid: client_auth.and_then(AuthMethod::into_key),
            begun_at: age.known().and_then(|age| now.checked_sub(age).ok()),
            begun_by: match age {
                StateAge::Ttl(_) => Some("ttl"),
                StateAge::Column(_) => Some("column"),
                StateAge::FirstSeen(_) | StateAge::Unknown => None,
            },
            reason,
            layout: &layout.name,
            age: age.known().map(|age| Age::from_secs(age.as_secs().max(0))),
        }
    }
}

impl Row for StateRow<'_> {
    const FIELDS: &'static [&'static str] =
        &["key", "issuer", "auth_method", "kid", "begun_at", "begun_by", "reason", "layout"];
    const TITLES: &'static [&'static str] = &["key", "issuer", "auth", "kid", "age", "reason"];
    const SPARE: &'static [usize] = &[5, 2];
    const SHOWS: &'static [(&'static str, &'static str)] =
        &[("age", "begun_at"), ("auth", "auth_method")];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        let plain = |text: Option<&str>| (text.unwrap_or("-").to_owned(), None);
        vec![
            plain(Some(&self.key)),
            plain(self.issuer.as_ref().map(Issuer::brief)),
            plain(self.auth_method),
            plain(self.kid.as_deref().map(brief_kid).as_deref()),
            (self.age.map_or_else(|| "unknown".to_owned(), Age::at_a_glance), None),
            (self.reason.unwrap_or_default().to_owned(), Some(Role::Warning)),
        ]
    }
}

/// Scans and prints.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let stores = context.open_stores()?;
    let now = context.now();
    let interrupt = context.interrupt();
    let progress = context.ui.progress("states read");
    let mut listing = context.ui.wanted_listing::<StateRow>(&args.table.wanted())?;
    let mut count = 0;
    context.runtime()?.block_on(async {
        let mut raised = pin!(interrupt.raised());
        for store in &stores {
            let mut scan = store.scan(Kind::State, Want { values: true, ttls: true });
            loop {
                let next = tokio::select! {
                    biased;
                    () = &mut raised => return Ok(()),
                    next = scan.next() => next?,
                };
                let Some(records) = next else { break };
                for stored in &records {
                    listing.push(&StateRow::of(stored, store.layout(), now))?;
                    count += 1;
                }
                progress.advance(records.len());
            }
        }
        anyhow::Ok(())
    })?;
    drop(progress);
    listing.finish()?;
    tell_where(context, &stores, &counted(count, "pending login"))?;
    Ok(interrupt.exit().unwrap_or(Exit::Done))
}
