//! Settings of `[refresh]`.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use super::Settings;
use crate::error::Failure;
use crate::session::{Age, Policy};

/// Settings of `[refresh]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshSettings {
    /// Age of the last refresh from which a session is due.
    pub keep_alive: Age,
    /// Minimum time between refreshes of a session, for any selection.
    pub min_interval: Age,
    /// Maximum number of sessions in parallel.
    pub concurrency: NonZeroUsize,
    /// Maximum number of sessions in parallel per authorization server.
    pub per_issuer: NonZeroUsize,
    /// Lifetime of a public client's session after a refresh.
    pub public_lifetime: Age,
    /// Lifetime of a confidential client's session after a refresh.
    pub confidential_lifetime: Age,
}

impl RefreshSettings {
    /// Returns the ages that determine the status of sessions, without those of single issuers.
    pub fn policy(&self) -> Policy {
        Policy {
            keep_alive: self.keep_alive,
            public_lifetime: self.public_lifetime,
            confidential_lifetime: self.confidential_lifetime,
            issuers: HashMap::new(),
        }
    }
}

impl Default for RefreshSettings {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            keep_alive: policy.keep_alive,
            public_lifetime: policy.public_lifetime,
            confidential_lifetime: policy.confidential_lifetime,
            min_interval: Age::from_secs(600),
            concurrency: const { NonZeroUsize::new(16).unwrap() },
            per_issuer: const { NonZeroUsize::new(4).unwrap() },
        }
    }
}

impl Settings {
    /// Returns the settings of `[refresh]`.
    pub fn refresh(&self) -> Result<RefreshSettings, Failure> {
        let default = RefreshSettings::default();
        let count = |key, default| self.value("refresh", key, "a whole number above 0", default);
        Ok(RefreshSettings {
            keep_alive: self.age("keep_alive", default.keep_alive)?,
            min_interval: self.age("min_interval", default.min_interval)?,
            concurrency: count("concurrency", default.concurrency)?,
            per_issuer: count("per_issuer", default.per_issuer)?,
            public_lifetime: self.age("public_lifetime", default.public_lifetime)?,
            confidential_lifetime: self
                .age("confidential_lifetime", default.confidential_lifetime)?,
        })
    }

    /// Returns the maximum number of sessions that `prune` may sign out or remove as malformed
    /// (`[prune] max_removed`).
    pub fn max_removed(&self) -> Result<Option<NonZeroUsize>, Failure> {
        match self.in_file("prune", "max_removed") {
            None => Ok(None),
            Some(_) => self
                .value("prune", "max_removed", "a whole number above 0", NonZeroUsize::MIN)
                .map(Some),
        }
    }

    fn age(&self, key: &str, default: Age) -> Result<Age, Failure> {
        let Some(text) = self.file_text("refresh", key)? else { return Ok(default) };
        text.parse().map_err(|e: Failure| e.at(format_args!("refresh.{key}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;
    use super::*;

    #[test]
    fn what_nothing_sets_is_once_a_day() {
        assert_eq!(settings_of("").refresh().unwrap(), RefreshSettings::default());
        assert_eq!(RefreshSettings::default().keep_alive.to_string(), "23h 30m");
    }

    #[test]
    fn refreshing_is_set_by_ages_and_counts() {
        let refresh =
            settings_of("[refresh]\nkeep_alive = \"2d\"\nconcurrency = 3\n").refresh().unwrap();
        assert_eq!((refresh.keep_alive, refresh.concurrency.get()), (Age::from_secs(172_800), 3));
    }

    #[test]
    fn what_a_reference_leads_to_is_refused_by_name() {
        for (text, part) in [
            ("concurrency = \"env:PLC\"", "refresh.concurrency must be a whole number above 0"),
            ("keep_alive = \"env:YES\"", "refresh.keep_alive: \"true\" is not a duration"),
        ] {
            let error =
                settings_of(&format!("[refresh]\n{text}")).refresh().unwrap_err().to_string();
            assert!(error.starts_with(part), "{text}: {error}");
        }
    }
}
