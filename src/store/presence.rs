//! Checks whether a store has any records, without reading all of it.

use std::path::Path;
use std::sync::Arc;

use super::{Access, Layout, StoreUrl, postgres, redis, sqlite};
use crate::error::{Failure, failed};

/// Checks whether the store has a session or a pending login of any of these layouts.
pub async fn has_records(
    url: &StoreUrl,
    access: &Access,
    layouts: &[Arc<Layout>],
) -> Result<bool, Failure> {
    match url {
        StoreUrl::Sqlite(path) => in_file(path, layouts.to_vec()).await,
        StoreUrl::Redis(address) => redis::has_records(address, access, layouts).await,
        StoreUrl::Rest(address) => redis::has_records_rest(address, access, layouts).await,
        StoreUrl::Postgres(address) => postgres::has_records(address, access, layouts).await,
    }
}

async fn in_file(path: &Path, layouts: Vec<Arc<Layout>>) -> Result<bool, Failure> {
    let path = path.to_owned();
    let look = tokio::task::spawn_blocking(move || sqlite::has_records(&path, &layouts));
    look.await.unwrap_or_else(|e| Err(failed("cannot look into the database").because(e)))
}
