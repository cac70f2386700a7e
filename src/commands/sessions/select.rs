//! Which sessions a command is about: the arguments that all session commands share, and reading what they select.

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::view::Judge;
use crate::context::Context;
use crate::error::failed;
use crate::session::{Age, Did, Filter, Status, Summary};
use crate::store::{Kind, RecordKey, Scan, Store, Stored, Want};

/// Accounts and filters.
#[derive(clap::Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Accounts, all of whose sessions are meant
    #[arg(value_name = "DID")]
    accounts: Vec<Did>,
    /// The session under this key of the store (repeatable)
    #[arg(long = "key", value_name = "KEY")]
    records: Vec<String>,
    /// Sessions with this authorization server
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Sessions bound to this client key
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// Sessions with this client authentication
    #[arg(long, value_name = "METHOD", value_parser = ["none", "private_key_jwt"])]
    auth: Option<String>,
    /// Sessions in this status (repeatable)
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = status_parser())]
    status: Vec<Status>,
    /// Sessions last refreshed longer ago than this
    #[arg(long, value_name = "AGE")]
    not_refreshed_for: Option<Age>,
    /// Sessions that were granted this scope
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// At most so many sessions
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

fn status_parser() -> impl clap::builder::TypedValueParser<Value = Status> {
    PossibleValuesParser::new(Status::ALL.map(Status::name))
        .map(|name| Status::named(&name).expect("only names of statuses are possible values"))
}

/// What a consumer says after each session.
pub enum Flow {
    /// Show me more.
    Continue,
    /// I have seen enough.
    Stop,
}

/// How the reading of a selection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything selected was seen.
    Complete,
    /// A signal came first.
    Interrupted,
}

impl SelectArgs {
    fn filter(&self) -> Filter {
        Filter {
            issuer: self.issuer.clone(),
            kid: self.kid.clone(),
            auth_method: self.auth.clone(),
            statuses: self.status.clone(),
            not_refreshed_for: self.not_refreshed_for,
            scope: self.scope.clone(),
        }
    }

    /// Reads the store and hands over every selected session.
    pub async fn for_each(
        &self,
        context: &Context,
        store: &dyn Store,
        judge: &Judge,
        mut consume: impl FnMut(&Stored, &Summary<'_>) -> anyhow::Result<Flow>,
    ) -> anyhow::Result<Ended> {
        let filter = self.filter();
        let mut left = self.limit.unwrap_or(u64::MAX);
        let interrupt = context.interrupt();
        let progress = context.ui.progress("sessions read");
        let mut source = self.source(store).await?;
        while left > 0
            && let Some(records) = source.next().await?
        {
            progress.advance(records.len());
            for stored in &records {
                let summary = judge.summary(stored);
                if !filter.matches(&summary, judge.now()) {
                    continue;
                }
                left -= 1;
                if matches!(consume(stored, &summary)?, Flow::Stop) || left == 0 {
                    return Ok(Ended::Complete);
                }
            }
            if interrupt.is_set() {
                return Ok(Ended::Interrupted);
            }
        }
        Ok(Ended::Complete)
    }

    /// The named sessions if any are named, else all of the store.
    async fn source(&self, store: &dyn Store) -> anyhow::Result<Source> {
        if self.accounts.is_empty() && self.records.is_empty() {
            return Ok(Source::All(store.scan(Kind::Session, Want { values: true, ttls: true })));
        }
        let mut named = Vec::new();
        for did in &self.accounts {
            named.extend(store.sessions_of(did).await?);
        }
        for key in &self.records {
            let key = RecordKey::from_text(key);
            let missing = || failed(format!("there is no session under the key {}", key.text()));
            named.push(store.get(Kind::Session, &key).await?.ok_or_else(missing)?);
        }
        // An account and one of its keys may both be named.
        named.sort_by(|a, b| a.key.cmp(&b.key));
        named.dedup_by(|a, b| a.key == b.key);
        Ok(Source::Named(Some(named)))
    }
}

enum Source {
    All(Scan),
    Named(Option<Vec<Stored>>),
}

impl Source {
    async fn next(&mut self) -> anyhow::Result<Option<Vec<Stored>>> {
        match self {
            Self::All(scan) => scan.next().await,
            Self::Named(records) => Ok(records.take()),
        }
    }
}
