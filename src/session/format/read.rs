//! Pieces of records, as serde reads them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Malformed;

/// Text that borrows from the record unless it has escapes. Inside an `Option`, serde would always copy a bare `Cow`.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

pub(super) fn text(value: Option<Text<'_>>) -> Option<Cow<'_, str>> {
    value.map(|Text(text)| text)
}

/// Reads a member that a record may lack. One of another type than expected is unknown, and no reason to take the record
/// for damaged.
pub(super) fn optional(member: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let json = member?.get();
    // Most texts have no escapes, and need not be parsed a second time.
    if let Some(text) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'))
        && !text.contains('\\')
    {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str::<Text<'_>>(json).ok().map(|Text(text)| text)
}

pub(super) fn json_problem(error: &serde_json::Error) -> Malformed {
    match error.classify() {
        serde_json::error::Category::Data => Malformed("a member has the wrong type"),
        _ => Malformed("not JSON"),
    }
}
