//! Common parts of commands that send requests to authorization servers for users.

use std::sync::Arc;

use super::pace::PaceArgs;
use super::recover::recover;
use crate::context::Context;
use crate::jose::KeySet;
use crate::maintenance::{Assessor, Binding, Left, Parts, Recovery, Refresher, Stop, Unconfirmed};
use crate::store::Store;

/// Returns a callback that checks for a signal.
pub fn stop(context: &Context) -> Stop {
    let interrupt = context.interrupt();
    Box::new(move || interrupt.is_set())
}

/// Reports sessions whose new tokens may be lost in a failover. Returns their number.
pub fn tell_unconfirmed(context: &Context, unconfirmed: &Unconfirmed) -> u64 {
    let left = unconfirmed.take_left();
    for Left { key, entry, why } in &left {
        context.ui.warn(format!(
            "{key}: refreshed, but a fail-over of the store may undo it ({why}); its new tokens are also in {}",
            entry.display()
        ));
    }
    left.len() as u64
}

/// Builds a refresher, after checking that the store is writable, and stores tokens left by earlier
/// runs first.
pub fn refresher(
    context: &Context,
    store: &Arc<dyn Store>,
    assessor: &Assessor,
    keys: KeySet,
    binding: Binding,
    pace: &PaceArgs,
    insists: bool,
) -> anyhow::Result<Refresher> {
    store.check_lock()?;
    let network = context.network()?;
    pace.set(network);
    network.stop_waiting_when(stop(context));
    recover(context, &**store)?;
    // A store that grants the lock and then refuses the tokens would cost one session after the
    // other.
    context.runtime()?.block_on(store.check_writable())?;
    Ok(Refresher::new(Parts {
        store: Arc::clone(store),
        store_id: context.store_id()?,
        network: Arc::clone(network),
        keys,
        binding,
        client_id: context.client_id()?,
        recovery: Recovery::new(context.recovery_directory()?)
            .prepare(pace.limits(context)?.concurrency, context.now())?,
        lock_timeout: pace.lock_timeout(),
        clock: context.clock(),
        assessor: assessor.clone(),
        insists,
    }))
}
