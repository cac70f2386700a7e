//! Settings of `[issuers."https://…"]`, for single authorization servers.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use toml::{Table, Value};

use super::{Settings, SettingsFile, wrong_type};
use crate::error::Failure;
use crate::oauth::RateSettings;
use crate::session::{Age, Issuer, Lifetimes, Policy};

/// Settings of one authorization server. Missing ones are inherited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IssuerSettings {
    /// Maximum number of sessions in parallel.
    pub per_issuer: Option<NonZeroUsize>,
    /// Requests per second, 0 for unlimited.
    pub per_issuer_rate: Option<f64>,
    /// Lifetime of a public client's session after a refresh.
    pub public_lifetime: Option<Age>,
    /// Lifetime of a confidential client's session after a refresh.
    pub confidential_lifetime: Option<Age>,
    /// Time for which the server caches the app's documents.
    pub document_cache: Option<Age>,
}

/// Parses a rate: from one request per hour to one per microsecond, or 0 for unlimited.
pub fn parse_rate(text: &str) -> Option<f64> {
    const RATES: std::ops::RangeInclusive<f64> = 1.0 / 3600.0..=1e6;
    text.trim().parse::<f64>().ok().filter(|rate| *rate == 0.0 || RATES.contains(rate))
}

impl Settings {
    /// Returns the issuers with settings.
    pub fn issuers(&self) -> Result<BTreeMap<Issuer<'static>, IssuerSettings>, Failure> {
        let Some(file) = &self.file else { return Ok(BTreeMap::new()) };
        let Some(issuers) = file.table().get("issuers").and_then(Value::as_table) else {
            return Ok(BTreeMap::new());
        };
        let one = |(name, value): (&String, &Value)| {
            let table = value.as_table().cloned().unwrap_or_default();
            Ok((name.clone().into(), self.issuer(file, name, &table)?))
        };
        issuers.iter().map(one).collect()
    }

    fn issuer(
        &self,
        file: &SettingsFile,
        issuer: &str,
        table: &Table,
    ) -> Result<IssuerSettings, Failure> {
        let place = |key: &str| format!("issuers.{issuer:?}.{key}");
        let text = |key: &str| {
            table.get(key).map(|value| self.one_value(value, file, &place(key))).transpose()
        };
        let age = |key: &str| {
            let parse = |text: &str| text.parse().map_err(|e: Failure| e.at(place(key)));
            text(key)?.map(|text| parse(&text)).transpose()
        };
        let count = |text: &str| {
            text.trim()
                .parse()
                .map_err(|_| wrong_type(&place("per_issuer"), "a whole number above 0"))
        };
        Ok(IssuerSettings {
            per_issuer: text("per_issuer")?.map(|text| count(&text)).transpose()?,
            per_issuer_rate: text("per_issuer_rate")?
                .map(|text| rate(&text, &place("per_issuer_rate")))
                .transpose()?,
            public_lifetime: age("public_lifetime")?,
            confidential_lifetime: age("confidential_lifetime")?,
            document_cache: age("document_cache")?,
        })
    }

    /// Returns the ages that determine the status of sessions.
    pub fn policy(&self) -> Result<Policy, Failure> {
        let lifetimes = |set: IssuerSettings| Lifetimes {
            public: set.public_lifetime,
            confidential: set.confidential_lifetime,
        };
        let issuers =
            self.issuers()?.into_iter().map(|(issuer, set)| (issuer, lifetimes(set))).collect();
        Ok(Policy { issuers, ..self.refresh()?.policy() })
    }

    /// Returns the time for which servers may use an older version of the app's documents, if
    /// configured.
    pub fn document_cache(&self) -> Result<Option<Age>, Failure> {
        Ok(self.issuers()?.into_values().filter_map(|set| set.document_cache).max())
    }

    /// Returns the rates of `[refresh]` and of single issuers.
    pub(super) fn rates(&self) -> Result<RateSettings, Failure> {
        let all = self.file_text("refresh", "per_issuer_rate")?;
        let all = all.map(|text| rate(&text, "refresh.per_issuer_rate")).transpose()?;
        let issuers = self.issuers()?.into_iter();
        Ok(RateSettings {
            all,
            origins: issuers
                .filter_map(|(name, set)| Some((name.to_string(), set.per_issuer_rate?)))
                .collect(),
        })
    }
}

fn rate(text: &str, name: &str) -> Result<f64, Failure> {
    parse_rate(text)
        .ok_or_else(|| wrong_type(name, "a number of requests per second, or 0 for no limit"))
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;
    use super::*;

    #[test]
    fn an_issuer_has_settings_of_its_own() {
        let settings = settings_of(
            "[refresh]\nper_issuer_rate = 2.5\n[issuers.\"https://pds.example\"]\nper_issuer = 1\nper_issuer_rate = 0\n\
             confidential_lifetime = \"30d\"\ndocument_cache = \"1h\"\n",
        );
        let issuer = settings.issuers().unwrap()["https://pds.example"];
        assert_eq!(
            (issuer.per_issuer.map(NonZeroUsize::get), issuer.public_lifetime),
            (Some(1), None)
        );
        assert_eq!(issuer.confidential_lifetime.unwrap().to_string(), "30d");
        assert_eq!(issuer.document_cache.unwrap().to_string(), "1h");
        let rates = settings.network().unwrap().rates;
        assert_eq!((rates.all, rates.origins["https://pds.example"]), (Some(2.5), 0.0));
        assert_eq!(settings_of("").network().unwrap().rates, RateSettings::default());
    }
}
