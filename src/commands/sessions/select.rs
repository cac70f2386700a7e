//! Selection of sessions: common arguments of all session commands.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use url::Url;

use super::account::Account;
use crate::args::Completer;
use crate::context::Context;
use crate::error::{Failure, usage};
use crate::jose::Kid;
use crate::maintenance::{Assessor, Names, Records, Seen, Selection, Source};
use crate::session::{Age, Filter, Issuer, Status, Summary, scope_fault};
use crate::store::{RecordKey, Store, Stored};
use crate::text::Named as _;
use crate::ui::Progress;

/// Accounts and filters.
#[derive(clap::Args, Default)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// All sessions of these accounts (DID or handle)
    #[arg(value_name = "ACCOUNT", add = Completer::Accounts)]
    accounts: Vec<Account>,
    /// The session with this key in the store (repeatable)
    #[arg(long = "key", value_name = "KEY")]
    records: Vec<String>,
    /// Sessions at this authorization server
    #[arg(long, value_name = "URL", value_parser = issuer)]
    issuer: Option<Issuer<'static>>,
    /// Sessions bound to this client key (the full key ID, or its first six or more characters)
    #[arg(long, value_name = "KID", allow_hyphen_values = true, add = Completer::Kids)]
    kid: Option<String>,
    /// Sessions with this client authentication method
    #[arg(long, value_name = "METHOD", value_parser = ["none", "private_key_jwt"])]
    auth: Option<String>,
    /// Sessions with this status (repeatable)
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status_parser())]
    status: Vec<Status>,
    /// Sessions last refreshed longer ago than this
    #[arg(long, value_name = "AGE")]
    not_refreshed_for: Option<Age>,
    /// Sessions with this scope, or with wider ones: `repo:*` for repo:app.example.record
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// Sessions without this scope and wider ones, for example after the app began to request it
    /// (repeatable). Permission sets (include:…) are not looked up: sessions with one that may give
    /// the scope are left out
    #[arg(long, value_name = "SCOPE", value_parser = known_scope)]
    missing_scope: Vec<String>,
    /// Stop after N sessions (skipped sessions do not count)
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// The whole kid, where `--kid` is the beginning of one.
    #[arg(skip)]
    whole_kid: RefCell<Option<String>>,
    /// True if one of several layouts is read, so that named sessions may be in another one.
    #[arg(skip)]
    one_of_several: Cell<bool>,
    /// Sessions that were selected in the layouts before this one.
    #[arg(skip)]
    taken: Cell<u64>,
    /// Another progress is shown than that of reading.
    #[arg(skip)]
    hides_reading: Cell<bool>,
    /// Records read so far.
    #[arg(skip)]
    seen: Rc<RefCell<Seen>>,
}

/// Normalises an issuer (RFC 8414 section 2) as shown in tables or pasted: `auth.example.com`
/// suffices, and a trailing slash is removed.
fn issuer(text: &str) -> Result<Issuer<'static>, Failure> {
    let refuse = || {
        usage(format!("{text:?} is not the URL of a server")).hint("write https://auth.example.com")
    };
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&whole).map_err(|_| refuse())?;
    if !url.has_host() {
        return Err(refuse());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned().into())
}

/// Accepts a scope that servers understand: any session lacks a misspelt one.
fn known_scope(text: &str) -> Result<String, Failure> {
    match scope_fault(text) {
        None => Ok(text.to_owned()),
        Some(fault) => Err(usage(format!("{text:?} {}", fault.rule)).hint(fault.fix)),
    }
}

fn status_parser() -> impl clap::builder::TypedValueParser<Value = Status> {
    PossibleValuesParser::new(Status::ALL.iter().map(|status| status.name()))
        .map(|name| Status::named(&name).expect("only names of statuses are possible values"))
}

impl SelectArgs {
    /// Selects all sessions bound to this client key.
    pub fn bound_to(kid: &Kid) -> Self {
        Self { kid: Some(kid.as_str().to_owned()), ..Self::default() }
    }

    /// Checks whether no selection was made.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.records.is_empty()
            && self.issuer.is_none()
            && self.kid.is_none()
            && self.auth.is_none()
            && self.status.is_empty()
            && self.not_refreshed_for.is_none()
            && self.scope.is_none()
            && self.missing_scope.is_empty()
    }

    /// Checks whether sessions are named individually.
    pub fn names_sessions(&self) -> bool {
        !self.accounts.is_empty() || !self.records.is_empty()
    }

    /// Checks whether sessions are selected by status.
    pub fn names_statuses(&self) -> bool {
        !self.status.is_empty()
    }

    /// Returns the filter.
    pub fn filter(&self) -> Filter {
        Filter {
            issuer: self.issuer.clone(),
            kid: self.whole_kid.borrow().clone().or_else(|| self.kid.clone()),
            auth_method: self.auth.clone(),
            statuses: self.status.clone(),
            not_refreshed_for: self.not_refreshed_for,
            scope: self.scope.clone(),
            missing_scopes: self.missing_scope.clone(),
        }
    }

    /// Sets the resolved kid.
    pub fn set_kid(&self, kid: String) {
        self.whole_kid.replace(Some(kid));
    }

    /// Returns the records read so far.
    pub fn seen(&self) -> &RefCell<Seen> {
        &self.seen
    }

    /// Shows no progress of reading from now on.
    pub fn hide_reading(&self) {
        self.hides_reading.set(true);
    }

    /// Starts to read the selected sessions.
    pub async fn begin<'a>(
        &self,
        context: &Context,
        store: &'a dyn Store,
        assessor: &'a Assessor,
    ) -> anyhow::Result<Selection<'a>> {
        let interrupt = context.interrupt();
        let find =
            async { Source::open(store, assessor, &self.names(context).await?, &self.seen).await };
        let source = interrupt.or(find).await.unwrap_or(Ok(Source::Named(None)))?;
        if !self.one_of_several.get() {
            self.seen.borrow_mut().records = Records::default();
        }
        let progress = if self.hides_reading.get() {
            Progress::default()
        } else {
            context.ui.progress("sessions read")
        };
        let progress = Box::new(move |read| progress.advance(read));
        let left = self.limit.unwrap_or(u64::MAX).saturating_sub(self.taken.get());
        let seen = Rc::clone(&self.seen);
        Ok(Selection::new(
            source,
            (store, assessor),
            self.filter(),
            left,
            interrupt,
            progress,
            seen,
        ))
    }

    /// Returns the given names, with handles resolved.
    async fn names(&self, context: &Context) -> anyhow::Result<Names> {
        let mut accounts = Vec::with_capacity(self.accounts.len());
        for account in &self.accounts {
            accounts.push(account.did(context).await?);
        }
        let keys = self.records.iter().map(|key| RecordKey::from_text(key)).collect();
        Ok(Names { accounts, keys, one_of_several: self.one_of_several.get() })
    }

    /// Prepares to read this layout, which may be one of several.
    pub fn in_one_of(&self, layouts: usize, taken: u64) {
        self.one_of_several.set(layouts > 1);
        self.taken.set(taken);
    }

    /// Passes on all selected sessions of the store, until the end or a signal.
    pub async fn for_each(
        &self,
        context: &Context,
        store: &dyn Store,
        assessor: &Assessor,
        consume: impl FnMut(&Stored, &Summary<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.begin(context, store, assessor).await?.for_each(consume).await
    }
}
