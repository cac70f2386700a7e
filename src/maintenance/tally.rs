//! Counts of results.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::text::Named;

/// Counts by kind of result.
#[derive(Clone, Debug)]
pub struct Tally<K>(Vec<(K, u64)>);

impl<K: Named> Default for Tally<K> {
    fn default() -> Self {
        Self(K::ALL.iter().map(|kind| (*kind, 0)).collect())
    }
}

impl<K: Named> Tally<K> {
    fn of_mut(&mut self, kind: K) -> impl Iterator<Item = &mut u64> {
        self.0.iter_mut().filter(move |(other, _)| *other == kind).map(|(_, n)| n)
    }

    /// Counts one result.
    pub fn count(&mut self, kind: K) {
        self.add(kind, 1);
    }

    /// Counts several results.
    pub fn add(&mut self, kind: K, more: u64) {
        self.of_mut(kind).for_each(|n| *n += more);
    }

    /// Subtracts up to `most`, and returns the number subtracted.
    pub fn take(&mut self, kind: K, most: u64) -> u64 {
        let taken = self.of(kind).min(most);
        self.of_mut(kind).for_each(|n| *n -= taken);
        taken
    }

    /// Returns the count of a kind.
    pub fn of(&self, kind: K) -> u64 {
        self.sum(&[kind])
    }

    /// Returns the count of several kinds together.
    pub fn sum(&self, kinds: &[K]) -> u64 {
        self.0.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, n)| n).sum()
    }

    /// Returns the count of all kinds together.
    pub fn total(&self) -> u64 {
        self.sum(K::ALL)
    }

    /// Returns the counts of all kinds but the first, by name.
    pub fn others(&self) -> impl Iterator<Item = (u64, &'static str)> {
        self.0.iter().skip(1).map(|(kind, n)| (*n, kind.name()))
    }
}

impl<K: Named> JsonSchema for Tally<K> {
    fn schema_name() -> Cow<'static, str> {
        "Counts".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let count = || json!({ "type": "integer", "minimum": 0 });
        let members = K::ALL.iter().map(|kind| (kind.name().to_owned(), count()));
        let properties: Map<String, Value> = members.collect();
        let required: Vec<_> = K::ALL.iter().map(|kind| kind.name()).collect();
        json_schema!({ "type": "object", "properties": properties, "required": required })
    }
}

impl<K: Named> Serialize for Tally<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(kind, n)| (kind.name(), n)))
    }
}
