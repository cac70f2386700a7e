//! Small app with users: its directory, its database, its published documents, and the network of
//! its users.
//!
//! Everything is on loopback and in a temporary directory, which is removed with the [`World`].

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;
use testbed::{
    Alg, Credentials, JWKS_PATH, LoginOptions, METADATA_PATH, Network, did, iso8601, keys,
};

/// User in examples.
pub(crate) const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
/// Path of the app's private keys, relative to its directory.
pub(crate) const KEYS: &str = "keys.json";
/// Web root of the app, relative to its directory.
pub(crate) const WEB_ROOT: &str = "public";
/// Number of servers.
const SERVERS: usize = 3;
/// Name of the app.
const NAME: &str = "Playground";
/// Old key that the app has lost.
const LOST_KEY: &str = "1795420766438";

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// App and its network.
pub(crate) struct World {
    network: Network,
    root: TempDir,
}

/// Kinds of users.
enum Kind {
    /// Logged in with the app's key, last active or refreshed this long ago.
    Confidential(Duration),
    /// Logged in while the app was a public client.
    Public(Duration),
    /// Signed out on another device, unknown to the app.
    SignedOut(Duration),
    /// Bound to a key that the app no longer has.
    LostKey(Duration),
    /// Stored without a refresh token.
    NoRefreshToken(Duration),
    /// Truncated record.
    Malformed,
}

impl World {
    /// Starts the network, and creates a directory for the app: settings and an empty database, but
    /// no key yet.
    pub(crate) fn start() -> io::Result<Self> {
        let network = Network::start_blocking()?;
        (1..SERVERS).try_for_each(|_| network.add_pds().map(drop))?;
        network.publish_public();
        let world = Self { network, root: TempDir::with_prefix("oauthctl-playground-")? };
        for directory in ["app/public/.well-known", "home"] {
            fs::create_dir_all(world.root.path().join(directory))?;
        }
        fs::write(world.path("oauthctl.toml"), world.settings())?;
        world.database(|database| {
            database.pragma_update(None, "journal_mode", "wal")?;
            database.execute_batch(
                "CREATE TABLE auth_session (key TEXT PRIMARY KEY, value TEXT NOT NULL);
                 CREATE TABLE auth_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);",
            )
        })?;
        Ok(world)
    }

    /// Returns the app's directory.
    pub(crate) fn directory(&self) -> PathBuf {
        self.root.path().join("app")
    }

    /// Returns an empty home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Returns the time this long ago in ISO 8601.
    pub(crate) fn time(&self, ago: Duration) -> String {
        let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        iso8601(self.network.now().saturating_sub(ago))
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory().join(name)
    }

    fn settings(&self) -> String {
        let (app, plc, web) =
            (self.network.app_url(), self.network.plc_url(), self.network.web_url());
        format!(
            r#"# Of the playground: everything is on loopback, and gone when it ends.
keys = ["{KEYS}"]

[client]
client_id = "{app}{METADATA_PATH}"
client_uri = "{app}"
client_name = "{NAME}"
redirect_uris = ["/api/auth/atproto"]
scope = "atproto transition:generic"

[store]
url = "sqlite:app.db"

[network]
plc_directory = "{plc}"
doh_resolver = "{web}/dns-query"
allow_http = true              # never in production
allow_private_hosts = true     # never in production

# What the app would publish were it deployed: `oauthctl --profile production metadata`
[profiles.production.client]
client_id = "https://app.example.com{METADATA_PATH}"
client_uri = "https://app.example.com"
"#
        )
    }

    /// Publishes the files of the app's web root. The app becomes confidential with its key set.
    pub(crate) fn publish(&self) {
        let document = |path: &str| -> Option<Value> {
            let text =
                fs::read_to_string(self.path(WEB_ROOT).join(path.trim_start_matches('/'))).ok()?;
            serde_json::from_str(&text).ok()
        };
        if let Some(jwks) = document(JWKS_PATH) {
            self.network.publish_jwks(&jwks);
        }
        if let Some(metadata) = document(METADATA_PATH) {
            self.network.publish_metadata(&metadata);
        }
    }

    /// Makes the app sign with the first key of its key file, and logs 25 users of all ages in.
    pub(crate) fn settle(&self) -> io::Result<()> {
        let key_set: Value = serde_json::from_str(&fs::read_to_string(self.path(KEYS))?)?;
        let key = key_set["keys"][0].clone();
        self.network.publish_confidential(std::slice::from_ref(&key));
        let mut metadata = self.network.metadata();
        metadata["client_name"] = NAME.into();
        self.network.publish_metadata(&metadata);
        self.publish();
        let sessions: Vec<_> = kinds()
            .iter()
            .enumerate()
            .map(|(number, kind)| self.session(number, kind, &key))
            .collect();
        self.database(|database| {
            for (did, value) in &sessions {
                database.execute("INSERT INTO auth_session VALUES (?1, ?2)", [did, value])?;
            }
            Ok(())
        })
    }

    /// Adds abandoned logins.
    pub(crate) fn begin_logins(&self, count: usize) -> io::Result<()> {
        self.database(|database| {
            for _ in 0..count {
                let state = did().split_off("did:plc:".len());
                let value = self.network.pending_state(LoginOptions::default()).to_string();
                database.execute("INSERT INTO auth_state VALUES (?1, ?2)", [state, value])?;
            }
            Ok(())
        })
    }

    fn session(&self, number: usize, kind: &Kind, key: &Value) -> (String, String) {
        let did = if number == 0 { ALICE.to_owned() } else { did() };
        let login = |credentials: Credentials, created_ago: Duration, refreshed_ago: Duration| {
            self.network.login(LoginOptions {
                did: Some(did.clone()),
                // The user who signed out has a server of her own, so that the order at that server
                // does not affect others.
                pds: if matches!(kind, Kind::SignedOut(_)) {
                    SERVERS - 1
                } else {
                    usize::from(number % 3 == 2)
                },
                credentials: Some(credentials),
                dpop_alg: if number % 5 == 4 { Alg::Es256 } else { Alg::Es256k },
                created_ago,
                refreshed_ago: Some(refreshed_ago),
                ..LoginOptions::default()
            })
        };
        let confidential =
            |ago: Duration| login(Credentials::Key(key.clone()), ago + 40 * DAY, ago);
        let value = match kind {
            Kind::Confidential(ago) => confidential(*ago).to_string(),
            Kind::Public(ago) => login(Credentials::Public, *ago, *ago).to_string(),
            Kind::SignedOut(ago) => {
                let record = confidential(*ago);
                self.network.end_sessions_of(&did);
                record.to_string()
            }
            Kind::LostKey(ago) => {
                login(Credentials::Key(keys::client_key(LOST_KEY)), *ago, *ago).to_string()
            }
            Kind::NoRefreshToken(ago) => {
                let mut record = confidential(*ago);
                if let Some(tokens) = record["tokenSet"].as_object_mut() {
                    tokens.shift_remove("refresh_token");
                }
                record.to_string()
            }
            Kind::Malformed => {
                let mut value = confidential(DAY).to_string();
                value.truncate(value.len() / 2);
                value
            }
        };
        (did, value)
    }

    /// Opens the database like the app, and closes it, so that this process does not block the app.
    fn database(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> io::Result<()> {
        let opened = Connection::open(self.path("app.db"));
        opened.and_then(|database| work(&database)).map_err(io::Error::other)
    }
}

/// Returns the users: most are well, some need an operator.
fn kinds() -> Vec<Kind> {
    let fresh = [4, 11, 19, 27, 38, 52].map(|minutes| Kind::Confidential(minutes * MINUTE));
    let idle = [2, 5, 8, 13, 21].map(|hours| Kind::Confidential(hours * HOUR));
    let due = [2, 3, 9, 24, 61].map(|days| Kind::Confidential(days * DAY));
    let public = [5 * HOUR, 30 * HOUR, 4 * DAY, 11 * DAY].map(Kind::Public);
    let others = [
        Kind::Confidential(120 * DAY),
        Kind::SignedOut(3 * DAY),
        Kind::LostKey(50 * DAY),
        Kind::NoRefreshToken(12 * DAY),
        Kind::Malformed,
    ];
    due.into_iter().chain(fresh).chain(idle).chain(public).chain(others).collect()
}
