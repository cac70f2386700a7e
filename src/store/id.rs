//! Identity of a store, independent of the address in use.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::url::StoreUrl;

/// Identity of a store: its canonical address, without user, secrets and encryption. Two addresses
/// of one store have the same identity as far as the addresses show. Recovery entries refer to
/// their store by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct StoreId(String);

impl StoreId {
    /// Returns the identity of the store at this address.
    pub(super) fn of(url: &StoreUrl) -> Self {
        Self(url.simplest().to_string())
    }
}

impl From<String> for StoreId {
    /// Parses an identity written by this version or by 0.1.0, which wrote the address unchanged
    /// except for its password.
    fn from(text: String) -> Self {
        StoreUrl::parse(&text, Path::new("/")).map_or(Self(text), |url| Self::of(&url))
    }
}

impl From<StoreId> for String {
    fn from(id: StoreId) -> Self {
        id.0
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn id(text: &str) -> String {
        StoreUrl::parse(text, Path::new("")).unwrap().id().to_string()
    }

    #[test]
    fn one_store_has_one_identity_by_every_address() {
        for (id_of_all, addresses) in [
            (
                "redis://localhost:6379/0",
                &[
                    "redis://127.0.0.1",
                    "redis://[::1]:6379",
                    "valkey://u:p@LOCALHOST/0",
                    "rediss://:p@localhost:6379",
                ][..],
            ),
            (
                "redis://db.example.com:6380/2",
                &["rediss://u:p@DB.example.com.:6380/2", "redis://db.example.com:6380?db=2"],
            ),
            (
                "redis://x.upstash.io:6379/0",
                &["https://x.upstash.io/", "rediss://default:p@x.upstash.io:6379"],
            ),
            (
                "redis+sentinel://a:26379,b:1/main/0",
                &["redis+sentinel://b:1,a/main", "rediss+sentinel://u:p@a,b:1/main/0"],
            ),
            (
                "redis+cluster://a:6379,b:2/",
                &["redis+cluster://b:2,a/", "rediss+cluster://u:p@A,b:2,a:6379/"],
            ),
            ("https://kv.example.com", &["https://kv.example.com/", "https://KV.example.com:443"]),
        ] {
            for address in addresses {
                assert_eq!(id(address), id_of_all, "{address}");
            }
            assert_eq!(id(id_of_all), id_of_all);
        }
    }

    #[test]
    fn different_stores_have_different_identities() {
        let addresses = [
            "redis://h",
            "redis://h/1",
            "redis://h:1",
            "redis+cluster://h/",
            "redis+sentinel://h/main",
            "unix:///h",
        ];
        let ids: std::collections::HashSet<_> = addresses.into_iter().map(id).collect();
        assert_eq!(ids.len(), addresses.len());
    }

    #[test]
    fn files_are_the_same_by_every_name() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link] = ["app.db", "link.db"].map(|name| directory.path().join(name));
        fs::write(&file, "").unwrap();
        symlink(&file, &link).unwrap();
        let real = file.canonicalize().unwrap().display().to_string();
        assert_eq!(id(&format!("sqlite:{}", link.display())), format!("sqlite:{real}"));
        assert_eq!(id(&format!("unix://{}?db=2", link.display())), format!("unix://{real}?db=2"));
        let missing = id("sqlite:no/such.db");
        assert!(missing.starts_with("sqlite:/"), "{missing}");
    }

    #[test]
    fn identities_are_read_as_0_1_0_wrote_them() {
        for (written, same_as) in [
            ("rediss://default@x.upstash.io:6379/0", "https://x.upstash.io"),
            ("redis://127.0.0.1:6379/0", "redis://localhost"),
            ("unix:///run/redis.sock?db=3", "redis+unix:///run/redis.sock?db=3"),
        ] {
            assert_eq!(StoreId::from(written.to_owned()).to_string(), id(same_as), "{written}");
        }
        // An unknown form is equal only to itself.
        assert_eq!(StoreId::from("tape:1".to_owned()).to_string(), "tape:1");
    }
}
