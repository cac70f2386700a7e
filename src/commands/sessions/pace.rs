//! Pace of a run: common options of commands that send requests to servers.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::context::Context;
use crate::maintenance::RunLimits;
use crate::oauth::Network;
use crate::session::Age;
use crate::settings::{IssuerSettings, parse_rate};

/// Pace of a run.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Maximum number of sessions in parallel [default: 16, or `concurrency` in oauthctl.toml]
    #[arg(long, value_name = "N")]
    concurrency: Option<NonZeroUsize>,
    /// Maximum in parallel per authorization server [default: 4, or `per_issuer` in
    /// oauthctl.toml]
    #[arg(long, value_name = "N")]
    per_issuer: Option<NonZeroUsize>,
    /// Maximum requests per second and server; 0: no limit [default: 5 on the public network, or
    /// `per_issuer_rate` in oauthctl.toml]
    #[arg(long, value_name = "N", value_parser = request_rate)]
    per_issuer_rate: Option<f64>,
    /// Maximum sessions per second
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How long to retry if a server does not answer or the store does not accept new tokens
    #[arg(long, value_name = "AGE", default_value = "30s")]
    retry_for: Age,
    /// How long to wait for a session's lock
    #[arg(long, value_name = "AGE", default_value = "5s")]
    lock_timeout: Age,
}

/// Accepted `--rate`, per second.
const RATES: std::ops::RangeInclusive<f64> = 1.0 / 3600.0..=1e6;

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| RATES.contains(rate));
    rate.ok_or_else(|| "must be a number from 0.0003 (one per hour) to 1000000".to_owned())
}

fn request_rate(text: &str) -> Result<f64, String> {
    let refuse =
        || "must be a number from 0.0003 (one per hour) to 1000000, or 0 for no limit".to_owned();
    parse_rate(text).ok_or_else(refuse)
}

impl PaceArgs {
    /// Sets the request rate for servers.
    pub fn set(&self, network: &Network) {
        if let Some(rate) = self.per_issuer_rate {
            network.set_rate(rate);
        }
    }

    /// Merges options and settings.
    pub fn limits(&self, context: &Context) -> anyhow::Result<RunLimits> {
        let settings = context.settings()?.refresh()?;
        let issuers = context.settings()?.issuers()?.into_iter();
        let at_once =
            |set: IssuerSettings| self.per_issuer.or(set.per_issuer).map(NonZeroUsize::get);
        Ok(RunLimits {
            concurrency: self.concurrency.unwrap_or(settings.concurrency).get(),
            per_issuer: self.per_issuer.unwrap_or(settings.per_issuer).get(),
            issuers: issuers.filter_map(|(issuer, set)| Some((issuer, at_once(set)?))).collect(),
            rate: self.rate,
            retry_for: duration(self.retry_for),
        })
    }

    /// Returns the time limit for acquiring a lock.
    pub fn lock_timeout(&self) -> Duration {
        duration(self.lock_timeout)
    }
}

fn duration(age: Age) -> Duration {
    Duration::try_from(age.duration()).unwrap_or_default()
}
