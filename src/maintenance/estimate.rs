//! Estimate of a run's duration at the permitted request rates.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::oauth::Network;
use crate::session::{Age, Issuer, Summary};
use crate::text::counted;

/// Minimum duration that is announced.
const WORTH_A_WORD: Duration = Duration::from_mins(1);

/// Sessions to be refreshed, by the origins that limit their rate.
#[derive(Default)]
pub struct Estimate {
    by_issuer: BTreeMap<Issuer<'static>, u64>,
    by_directory: u64,
    announced: Duration,
}

impl Estimate {
    /// Counts a session to be refreshed.
    pub fn add(&mut self, session: &Summary<'_>) {
        let issuer = session.issuer.clone().unwrap_or_default();
        match self.by_issuer.get_mut(issuer.as_str()) {
            Some(count) => *count += 1,
            None => drop(self.by_issuer.insert(issuer.to_owned(), 1)),
        }
        self.by_directory +=
            u64::from(session.did.as_deref().is_some_and(|did| did.starts_with("did:plc:")));
    }

    /// Returns the estimated duration if it is long. While more sessions are being read, returns it
    /// again only after it has doubled.
    pub fn text(&mut self, network: &Network, is_all: bool) -> Option<String> {
        let (time, sessions, rate) = self.longest(network)?;
        if time < WORTH_A_WORD || time < self.announced * 2 {
            return None;
        }
        self.announced = time;
        let age = Age::from_secs(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        let (sessions, about) =
            (counted(sessions, "session"), if is_all { "about" } else { "at least" });
        Some(format!(
            "{sessions} at {rate} requests per second and server: this takes {about} {age} (--per-issuer-rate)"
        ))
    }

    /// Returns the longest time, with one request per session at its issuer, and one at the
    /// directory of `did:plc` documents.
    fn longest(&self, network: &Network) -> Option<(Duration, u64, f64)> {
        let of_issuers =
            self.by_issuer.iter().map(|(issuer, count)| (*count, network.rates(issuer)[0]));
        let all = of_issuers.chain([(self.by_directory, network.rates(&Issuer::default())[1])]);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let time = |count: u64, rate: f64| {
            Duration::try_from_secs_f64(count as f64 / rate).unwrap_or(Duration::MAX)
        };
        all.filter_map(|(count, rate)| Some((time(count, rate?), count, rate?)))
            .max_by_key(|(time, ..)| *time)
    }
}
