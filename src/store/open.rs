//! Opening a store by its address.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::layout::{Layout, LayoutChoice};
use super::{Scan, Store, StoreUrl, postgres, redis, sqlite};
use crate::error::{Failure, usage};
use crate::proxy::ProxySettings;
use crate::secret::Secret;
use crate::tls::Trust;

/// Parameters for opening a store, apart from its address.
#[derive(Default)]
pub struct Access {
    /// Certificates of a private authority in PEM, trusted in addition to the public ones.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificates in PEM from the environment, trusted in addition.
    pub system_pem: Vec<u8>,
    /// The proxy that stores over https are reached by.
    pub proxy: ProxySettings,
    /// Client certificate with its private key in PEM.
    pub client_pem: Option<Zeroizing<Vec<u8>>>,
    /// Token of a store with a REST interface.
    pub token: Option<Secret<'static>>,
    /// Name of the token in messages.
    pub token_name: Option<String>,
    /// State directory of oauthctl, for the notes of stores that have no place for them.
    pub state: Option<PathBuf>,
    /// Location of the app's locks, if not in the store.
    pub locks: Option<Locks>,
}

/// Locks of an app, apart from its sessions.
pub enum Locks {
    /// The app has no locks.
    None,
    /// Store of the locks, with the parameters for opening it.
    Store(StoreUrl, Box<Access>),
}

impl Access {
    /// Returns the trusted certificates and the client certificate.
    pub fn trust(&self) -> Trust<'_> {
        let client = self.client_pem.as_deref().map(Vec::as_slice);
        Trust { named: self.ca_pem.as_deref(), system: &self.system_pem, client }
    }
}

/// Streams all records of the store at this address: everything at the locations of the layouts,
/// and values elsewhere that look like records of a client library.
pub async fn census(
    url: &StoreUrl,
    access: &Access,
    layouts: Vec<Arc<Layout>>,
) -> Result<Scan, Failure> {
    match url {
        StoreUrl::Sqlite(path) => sqlite::census(path, layouts),
        StoreUrl::Redis(address) => redis::census(address, access, layouts).await,
        StoreUrl::Rest(address) => redis::census_rest(address, access, layouts).await,
        StoreUrl::Postgres(address) => postgres::census(address, access, layouts).await,
    }
}

/// Returns the addresses of non-empty other databases of the same server, if it reports them.
pub async fn other_databases(url: &StoreUrl, access: &Access) -> Vec<StoreUrl> {
    match url {
        StoreUrl::Redis(address) => {
            redis::other_databases(address, access).await.into_iter().map(StoreUrl::Redis).collect()
        }
        StoreUrl::Sqlite(_) | StoreUrl::Rest(_) | StoreUrl::Postgres(_) => Vec::new(),
    }
}

/// Opens the store at this address with this layout. Fails if it has records of several layouts and
/// none was named.
pub async fn open(
    url: &StoreUrl,
    access: &Access,
    layout: &LayoutChoice,
) -> Result<Box<dyn Store>, Failure> {
    let mut stores = open_all(url, access, layout).await?;
    match stores.pop() {
        Some(store) if stores.is_empty() => Ok(store),
        last => {
            let names: Vec<_> =
                stores.iter().chain(&last).map(|store| store.layout().name.as_str()).collect();
            let options: Vec<_> = names.iter().map(|name| format!("--layout {name}")).collect();
            let problem = format!("the store has records of several layouts: {}", names.join(", "));
            Err(usage(problem).at(url).hint(format!("choose one: {}", options.join(" or "))))
        }
    }
}

/// Opens the store at this address, once per layout with records, or with the named one.
pub async fn open_all(
    url: &StoreUrl,
    access: &Access,
    layout: &LayoutChoice,
) -> Result<Vec<Box<dyn Store>>, Failure> {
    fn boxed(stores: Vec<impl Store + 'static>) -> Vec<Box<dyn Store>> {
        stores.into_iter().map(|store| Box::new(store) as Box<dyn Store>).collect()
    }
    Ok(match url {
        StoreUrl::Sqlite(path) => boxed(sqlite::SqliteStore::open(path, access, layout)?),
        StoreUrl::Redis(address) => boxed(redis::RedisStore::open(address, access, layout).await?),
        StoreUrl::Rest(address) => {
            boxed(redis::RedisStore::open_rest(address, access, layout).await?)
        }
        StoreUrl::Postgres(address) => {
            boxed(postgres::PostgresStore::open(address, access, layout).await?)
        }
    })
}
