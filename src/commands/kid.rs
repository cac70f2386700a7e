//! Kids as given by operators: complete, or by a unique prefix.

use std::collections::BTreeSet;

use crate::commands::census;
use crate::context::Context;
use crate::error::{Failure, usage};
use crate::jose::{ClientKey, KeySet, Kid};

/// Minimum length of a prefix.
const SHORTEST_PREFIX: usize = 6;

/// Known kid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKid {
    /// Complete kid.
    pub kid: String,
    /// True if it was given by a prefix.
    pub by_prefix: bool,
}

impl FoundKid {
    /// Returns the complete kid. If only a prefix was given, reports it, or asks `question`.
    pub fn accepted(
        self,
        context: &Context,
        given: &str,
        question: Option<&str>,
    ) -> anyhow::Result<String> {
        if self.by_prefix {
            let says = format!("{given} is the beginning of kid {}", self.kid);
            match question {
                Some(question) => context.confirm(&format!("{says}. {question}"))?,
                None => context.ui.note(says),
            }
        }
        Ok(self.kid)
    }
}

/// Returns the known kid with this name or prefix, `None` if there is none. Fails if the prefix is
/// ambiguous.
pub fn find_kid(given: &str, known: &BTreeSet<String>) -> Result<Option<FoundKid>, Failure> {
    if known.contains(given) {
        return Ok(Some(FoundKid { kid: given.to_owned(), by_prefix: false }));
    }
    if given.chars().count() < SHORTEST_PREFIX {
        return Ok(None);
    }
    let alike: Vec<_> =
        known.iter().filter(|kid| kid.starts_with(given)).map(String::as_str).collect();
    match alike[..] {
        [] => Ok(None),
        [kid] => Ok(Some(FoundKid { kid: kid.to_owned(), by_prefix: true })),
        _ => Err(usage(format!("{given} is the beginning of several kids"))
            .hint(format!("name one: {}", alike.join(", ")))),
    }
}

/// Returns the kids of a key set.
pub fn kids_of(keys: &KeySet) -> BTreeSet<String> {
    keys.iter().filter_map(ClientKey::kid).map(|kid| kid.as_str().to_owned()).collect()
}

/// Resolves a kid among those of the set and, if a store is configured, those of its records. An
/// unknown one is returned unchanged. After a prefix, asks `question` if there is one.
pub fn whole_kid(
    context: &Context,
    given: &Kid,
    keys: &KeySet,
    question: Option<&str>,
) -> anyhow::Result<Kid> {
    let mut known = kids_of(keys);
    if known.contains(given.as_str()) {
        return Ok(given.clone());
    }
    if context.settings()?.store_url()?.is_some() {
        known.extend(census::take(context)?.records.iter().map(|(kid, _)| kid.to_owned()));
    }
    match find_kid(given.as_str(), &known)? {
        Some(found) => Ok(found.accepted(context, given.as_str(), question)?.parse()?),
        None => Ok(given.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kid_is_found_whole_or_by_a_beginning_of_its_own() {
        let known: BTreeSet<_> = ["key-one", "key-one-2", "other-key"].map(str::to_owned).into();
        let found = |given| {
            find_kid(given, &known).map(|found| found.map(|found| (found.kid, found.by_prefix)))
        };
        assert_eq!(found("key-one").unwrap(), Some(("key-one".to_owned(), false)));
        assert_eq!(found("key-one-").unwrap(), Some(("key-one-2".to_owned(), true)));
        assert_eq!(found("other-").unwrap(), Some(("other-key".to_owned(), true)));
        for unknown in ["other", "none-such", ""] {
            assert_eq!(found(unknown).unwrap(), None, "{unknown}");
        }
        let several = found("key-on").unwrap_err();
        assert_eq!(several.advice(), Some("name one: key-one, key-one-2"));
    }
}
