//! Reads the whole store to count the records bound to each client key.

use std::time::Duration;

use crate::context::Context;
use crate::error::failed;
use crate::maintenance::Census;
use crate::settings::Origin;

/// Reads the whole store, until a signal.
pub fn take(context: &Context) -> anyhow::Result<Census> {
    let interrupt = context.interrupt();
    let count = context.runtime()?.block_on(interrupt.or(read(context)));
    count.unwrap_or_else(|| Err(interrupt.failure("the keys were not changed").into()))
}

/// Reads the whole store within a time limit.
pub fn take_within(context: &Context, limit: Duration) -> anyhow::Result<Census> {
    let read = async { tokio::time::timeout(limit, read(context)).await };
    context
        .runtime()?
        .block_on(read)
        .unwrap_or_else(|_| Err(failed("reading the store took too long").into()))
}

/// Reads the whole store.
pub async fn read(context: &Context) -> anyhow::Result<Census> {
    let (url, origin, mut scan) = context.begin_census().await?;
    Census::read(&url, !matches!(origin, Origin::Found(_)), context.client_id().ok(), &mut scan)
        .await
}
