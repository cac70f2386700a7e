//! Settings of `[network]`.

use url::Url;
use zeroize::Zeroizing;

use super::Settings;
use crate::error::{Failure, usage};
use crate::oauth::NetworkSettings;
use crate::pem;
use crate::proxy::ProxySettings;

/// PLC directory of the public network.
const PLC_DIRECTORY: &str = "https://plc.directory";
/// Variables with the proxy of other programs.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Public resolver with JSON answers.
const DOH_RESOLVER: &str = "https://cloudflare-dns.com/dns-query";

impl Settings {
    /// Returns the settings of `[network]`. Reads the file with private certificates, if
    /// configured.
    pub fn network(&self) -> Result<NetworkSettings, Failure> {
        let flag = |key| self.value("network", key, "true or false", false);
        let settings = NetworkSettings {
            allow_http: flag("allow_http")?,
            allow_private_hosts: flag("allow_private_hosts")?,
            plc_directory: self.address("plc_directory", PLC_DIRECTORY)?,
            doh_resolver: self.address("doh_resolver", DOH_RESOLVER)?,
            ca_pem: self.ca_pem()?,
            system_pem: self.system_roots().pem.clone(),
            proxy: self.proxy()?,
            rates: self.rates()?,
        };
        for (key, url) in
            [("plc_directory", &settings.plc_directory), ("doh_resolver", &settings.doh_resolver)]
        {
            if url.scheme() != "https" && !(url.scheme() == "http" && settings.allow_http) {
                return Err(usage("must be an https URL")
                    .at(format_args!("network.{key}"))
                    .hint("for development, set `allow_http = true` under [network]"));
            }
        }
        Ok(settings)
    }

    /// Returns the configured HTTP proxy, or the variable that names one to other programs.
    pub fn proxy(&self) -> Result<ProxySettings, Failure> {
        const NAME: &str = "network.proxy";
        let Some(text) = self.file_text("network", "proxy")? else {
            return Ok(ProxySettings { unused: self.unused_proxy(), ..ProxySettings::default() });
        };
        let text =
            if text.contains("://") { text.to_string() } else { format!("http://{}", *text) };
        let write = "write http://HOST:PORT, or env:HTTPS_PROXY";
        // Not quoted: it may contain a password.
        let address: Url =
            text.parse().map_err(|_| usage("is not the URL of a proxy").at(NAME).hint(write))?;
        if !matches!(address.scheme(), "http" | "https")
            || address.host_str().is_none_or(str::is_empty)
        {
            return Err(usage("is not an HTTP proxy").at(NAME).hint(write));
        }
        let exceptions =
            ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| self.environment().text(name));
        Ok(ProxySettings {
            address: Some(address),
            exceptions: exceptions.map(str::to_owned),
            unused: None,
        })
    }

    /// Returns the variable that names a proxy, if the settings do not enable it.
    fn unused_proxy(&self) -> Option<&'static str> {
        let is_named = self.in_file("network", "proxy").is_some();
        PROXY_VARIABLES
            .into_iter()
            .find(|name| !is_named && self.environment().text(name).is_some())
    }

    /// Returns the settings `allow_http` and `allow_private_hosts`.
    pub fn egress(&self) -> Result<[bool; 2], Failure> {
        let flag = |key| self.value("network", key, "true or false", false);
        Ok([flag("allow_http")?, flag("allow_private_hosts")?])
    }

    fn address(&self, key: &str, default: &str) -> Result<Url, Failure> {
        let text = self.file_text("network", key)?;
        let text = text.as_deref().map_or(default, String::as_str);
        text.parse().map_err(|_| {
            usage("is not a URL").at(format_args!("network.{key}")).hint("write https://…")
        })
    }

    /// Returns the certificates of `ca_file`: a path, or a reference to the certificates
    /// themselves.
    pub fn ca_pem(&self) -> Result<Option<Vec<u8>>, Failure> {
        self.pem("network", "ca_file").map(|pem| pem.map(|pem| pem.to_vec()))
    }

    /// Returns the client certificate and its key for the configured store. Both may be in one
    /// file.
    pub fn client_pem(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        if self.store_is_named_elsewhere() {
            return Ok(None);
        }
        let Some(mut pem) = self.pem("store", "cert_file")? else { return Ok(None) };
        if let Some(key) = self.pem("store", "key_file")? {
            pem.push(b'\n');
            pem.extend_from_slice(&key);
        }
        Ok(Some(pem))
    }

    fn pem(&self, section: &str, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let Some(text) = self.file_text(section, key)? else { return Ok(None) };
        if pem::is_pem(&text) {
            return Ok(Some(Zeroizing::new(text.as_bytes().to_vec())));
        }
        let path = self.base_of(&super::Origin::File).join(text.as_str());
        let read = std::fs::read(&path);
        read.map(|pem| Some(Zeroizing::new(pem))).map_err(|e| {
            usage(format!("cannot read {}", path.display()))
                .at(format_args!("{section}.{key}"))
                .because(e)
                .hint("name a file that this user can read")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;

    #[test]
    fn what_nothing_sets_is_for_production() {
        let network = settings_of("").network().unwrap();
        assert_eq!(network.plc_directory.as_str(), "https://plc.directory/");
        assert!(!network.allow_http && !network.allow_private_hosts && network.ca_pem.is_none());
    }

    #[test]
    fn values_may_be_references() {
        let text = "[network]\nplc_directory = \"env:PLC\"\nca_file = \"env:CA\"\nallow_http = \"env:YES\"\n";
        let network = settings_of(text).network().unwrap();
        assert_eq!(network.plc_directory.as_str(), "https://plc.example/");
        assert_eq!(network.ca_pem.as_deref(), Some(&b"-----BEGIN CERTIFICATE-----"[..]));
        assert!(network.allow_http);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (text, part) in [
            ("allow_http = \"env:PLC\"", "network.allow_http must be true or false"),
            ("plc_directory = \"plc.directory\"", "network.plc_directory: is not a URL"),
            (
                "plc_directory = \"http://localhost:2582\"",
                "network.plc_directory: must be an https URL",
            ),
            ("doh_resolver = \"ftp://dns.example\"", "network.doh_resolver: must be an https URL"),
            ("ca_file = \"missing.pem\"", "network.ca_file: cannot read"),
        ] {
            let error =
                settings_of(&format!("[network]\n{text}")).network().err().unwrap().to_string();
            assert!(error.starts_with(part), "{text}: {error}");
        }
    }
}
