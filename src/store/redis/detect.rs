//! Which layout a Redis has, told from its records.

use std::sync::Arc;

use super::wire::Server;
use crate::error::{Failure, usage};
use crate::store::layout::Layout;

pub(super) async fn layout(_: &dyn Server, place: &str) -> Result<Arc<Layout>, Failure> {
    Err(usage("cannot tell").at(place))
}
