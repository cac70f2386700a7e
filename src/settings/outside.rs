//! The settings of what goes on outside the store: `[network]` and `[refresh]`.

use std::num::NonZeroUsize;
use std::str::FromStr;

use url::Url;

use super::Settings;
use crate::error::{Failure, usage};
use crate::oauth::NetworkSettings;
use crate::session::{Age, Policy};

/// The directory of the public network.
const PLC_DIRECTORY: &str = "https://plc.directory";
/// A public resolver that answers in JSON.
const DOH_RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

/// How sessions are refreshed (settings `[refresh]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshSettings {
    /// A session is due when its last refresh is longer ago than this.
    pub keep_alive: Age,
    /// What was refreshed more recently than this is left alone, whatever was asked for.
    pub min_interval: Age,
    /// Sessions worked on at once.
    pub concurrency: NonZeroUsize,
    /// Of these, so many at one authorization server.
    pub per_issuer: NonZeroUsize,
    /// How long a public client's session lives after a refresh.
    pub public_lifetime: Age,
    /// How long a confidential client's session lives after a refresh.
    pub confidential_lifetime: Age,
}

impl RefreshSettings {
    /// The ages by which sessions are judged.
    pub fn policy(&self) -> Policy {
        Policy {
            keep_alive: self.keep_alive,
            public_lifetime: self.public_lifetime,
            confidential_lifetime: self.confidential_lifetime,
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
    /// The settings of `[network]`. Reads the file with the private certificates, where one is named.
    pub fn network(&self) -> Result<NetworkSettings, Failure> {
        let flag = |key| self.value("network", key, "true or false", false);
        let settings = NetworkSettings {
            allow_http: flag("allow_http")?,
            allow_private_hosts: flag("allow_private_hosts")?,
            plc_directory: self.address("plc_directory", PLC_DIRECTORY)?,
            doh_resolver: self.address("doh_resolver", DOH_RESOLVER)?,
            ca_pem: self.ca_pem()?,
        };
        for (key, url) in [("plc_directory", &settings.plc_directory), ("doh_resolver", &settings.doh_resolver)] {
            if url.scheme() != "https" && !(url.scheme() == "http" && settings.allow_http) {
                return Err(usage("must be an https URL")
                    .at(format_args!("network.{key}"))
                    .hint("for development, set `allow_http = true` under [network]"));
            }
        }
        Ok(settings)
    }

    /// The settings of `[refresh]`.
    pub fn refresh(&self) -> Result<RefreshSettings, Failure> {
        let default = RefreshSettings::default();
        let count = |key, default| self.value("refresh", key, "a whole number above 0", default);
        Ok(RefreshSettings {
            keep_alive: self.age("keep_alive", default.keep_alive)?,
            min_interval: self.age("min_interval", default.min_interval)?,
            concurrency: count("concurrency", default.concurrency)?,
            per_issuer: count("per_issuer", default.per_issuer)?,
            public_lifetime: self.age("public_lifetime", default.public_lifetime)?,
            confidential_lifetime: self.age("confidential_lifetime", default.confidential_lifetime)?,
        })
    }

    /// A setting of a type whose parser has nothing to say about what is wrong.
    fn value<T: FromStr>(&self, section: &str, key: &str, expected: &str, default: T) -> Result<T, Failure> {
        let Some(text) = self.file_text(section, key)? else { return Ok(default) };
        text.trim().parse().map_err(|_| super::wrong_type(&format!("{section}.{key}"), expected))
    }

    fn age(&self, key: &str, default: Age) -> Result<Age, Failure> {
        let Some(text) = self.file_text("refresh", key)? else { return Ok(default) };
        text.parse().map_err(|e: Failure| e.at(format_args!("refresh.{key}")))
    }

    fn address(&self, key: &str, default: &str) -> Result<Url, Failure> {
        let text = self.file_text("network", key)?;
        let text = text.as_deref().map_or(default, String::as_str);
        text.parse().map_err(|_| usage("is not a URL").at(format_args!("network.{key}")))
    }

    /// `ca_file` names a file, or refers to where the certificates themselves are.
    pub fn ca_pem(&self) -> Result<Option<Vec<u8>>, Failure> {
        const NAME: &str = "network.ca_file";
        let Some(text) = self.file_text("network", "ca_file")? else { return Ok(None) };
        if text.trim_start().starts_with("-----BEGIN") {
            return Ok(Some(text.as_bytes().to_vec()));
        }
        let path = self.base_of(&super::Origin::File).join(text.as_str());
        let read = std::fs::read(&path);
        read.map(Some).map_err(|e| usage(format!("cannot read {}", path.display())).at(NAME).because(e))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Overrides, SettingsFile};
    use super::*;
    use crate::environment::Environment;

    fn settings(text: &str) -> Settings {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(super::super::FILE_NAME);
        std::fs::write(&path, text).unwrap();
        let variables = [("PLC", "https://plc.example"), ("CA", "-----BEGIN CERTIFICATE-----"), ("YES", "true")];
        let environment = Environment::new(variables.map(|(n, v)| (n.into(), v.into())).into());
        Settings::new(Some(SettingsFile::read(&path).unwrap()), environment, Overrides::default()).unwrap()
    }

    #[test]
    fn what_nothing_sets_is_for_production() {
        let network = settings("").network().unwrap();
        assert_eq!(network.plc_directory.as_str(), "https://plc.directory/");
        assert!(!network.allow_http && !network.allow_private_hosts && network.ca_pem.is_none());
        assert_eq!(settings("").refresh().unwrap(), RefreshSettings::default());
        assert_eq!(RefreshSettings::default().keep_alive.to_string(), "23h 30m");
    }

    #[test]
    fn values_may_be_references() {
        let text = "[network]\nplc_directory = \"env:PLC\"\nca_file = \"env:CA\"\nallow_http = \"env:YES\"\n";
        let network = settings(text).network().unwrap();
        assert_eq!(network.plc_directory.as_str(), "https://plc.example/");
        assert_eq!(network.ca_pem.as_deref(), Some(&b"-----BEGIN CERTIFICATE-----"[..]));
        assert!(network.allow_http);
    }

    #[test]
    fn refreshing_is_set_by_ages_and_counts() {
        let refresh = settings("[refresh]\nkeep_alive = \"2d\"\nconcurrency = 3\n").refresh().unwrap();
        assert_eq!((refresh.keep_alive, refresh.concurrency.get()), (Age::from_secs(172_800), 3));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (text, part) in [
            ("[network]\nallow_http = \"yes\"", "network.allow_http must be true or false"),
            ("[network]\nplc_directory = \"plc.directory\"", "network.plc_directory: is not a URL"),
            ("[network]\nplc_directory = \"http://localhost:2582\"", "network.plc_directory: must be an https URL"),
            ("[network]\ndoh_resolver = \"ftp://dns.example\"", "network.doh_resolver: must be an https URL"),
            ("[network]\nca_file = \"missing.pem\"", "network.ca_file: cannot read"),
            ("[refresh]\nconcurrency = 0", "refresh.concurrency must be a whole number above 0"),
            ("[refresh]\nper_issuer = -1", "refresh.per_issuer must be a whole number above 0"),
            ("[refresh]\nkeep_alive = \"often\"", "refresh.keep_alive: \"often\" is not a length of time"),
        ] {
            let settings = settings(text);
            let error = settings.network().err().or_else(|| settings.refresh().err()).unwrap().to_string();
            assert!(error.starts_with(part), "{text}: {error}");
        }
    }
}
