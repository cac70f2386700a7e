//! Access to members of foreign JSON documents of any shape. Indexing a `Value` panics on some
//! shapes.

use serde_json::Value;

/// Returns a member of an object, `null` if the value is not an object or has no such member.
pub fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// Returns a member that is a string.
pub fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    member(value, name).as_str()
}

/// Iterates over the items of a member that is an array. Empty for other members.
pub fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    member(value, name).as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_read_of_values_of_any_shape() {
        let document = json!({"text": "a", "list": [1, 2]});
        assert_eq!((text(&document, "text"), text(&document, "list")), (Some("a"), None));
        assert_eq!((items(&document, "list").count(), items(&document, "text").count()), (2, 0));
        for other in [json!(null), json!([]), json!(1), json!("text"), json!([["text", "a"]])] {
            assert_eq!((member(&other, "text"), text(&other, "text")), (&Value::Null, None));
            assert_eq!(items(&other, "list").count(), 0);
        }
    }

    fn sources(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
        entries.flat_map(below).collect()
    }

    /// Returns lines that index something by a text, or by a variable that may be one.
    fn indexing(source: &str) -> Vec<&str> {
        let indexes = |line: &&str| {
            ["[\"", "[member]", "[name]"].iter().any(|index| {
                let follows = |at| {
                    line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_)]?".contains(c))
                };
                line.match_indices(index).any(|(at, _)| follows(at))
            })
        };
        source.lines().filter(|line| !line.trim_start().starts_with("//")).filter(indexes).collect()
    }

    #[test]
    fn json_values_are_indexed_in_tests_only() {
        assert_eq!(
            indexing("value[\"a\"]\nf()[name]\n[\"a\"]\n#[cfg]\nlet [name] = x"),
            ["value[\"a\"]", "f()[name]"]
        );
        for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
            let is_test = ["tests.rs", "testing.rs", "properties.rs", "conformance.rs"]
                .iter()
                .any(|name| path.ends_with(name))
                || path.components().any(|part| part.as_os_str() == "conformance");
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            assert!(
                is_test || indexing(code).is_empty(),
                "{}: {:?}",
                path.display(),
                indexing(code)
            );
        }
    }
}
