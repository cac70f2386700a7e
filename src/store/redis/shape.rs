//! Describes the keys and values of a store to the operator. Variable parts of keys are replaced.

use std::collections::HashMap;

use redis::Value;

use super::client::command::{Command, Server};
use super::client::error::{ClientError, text};
use super::client::limit::TOO_LONG;
use super::client::retry;
use crate::session::Recognised;

/// Maximum numbers of shapes counted and shown.
const COUNTED: usize = 1000;
const SHOWN: usize = 10;

/// Maximum length of a word. Longer ones are random.
const WORD: usize = 24;

/// Shapes of keys, with their number and an example.
#[derive(Default)]
pub(super) struct Shapes(HashMap<String, (u64, String)>);

impl Shapes {
    /// Counts the key.
    pub(super) fn add(&mut self, key: &str) {
        let shape = shape(key);
        if let Some((count, _)) = self.0.get_mut(&shape) {
            *count += 1;
        } else if self.0.len() < COUNTED {
            self.0.insert(shape, (1, key.to_owned()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the most frequent shapes with their number and an example.
    pub(super) fn most(self) -> Vec<(String, u64, String)> {
        let mut shapes: Vec<_> =
            self.0.into_iter().map(|(shape, (count, key))| (shape, count, key)).collect();
        shapes.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        shapes.truncate(SHOWN);
        shapes
    }
}

/// Returns the key with DIDs as `{did}` and other variable parts as `*`.
fn shape(key: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = key.split(':').peekable();
    while let Some(part) = rest.next() {
        if part == "did" && matches!(rest.peek(), Some(&("plc" | "web"))) {
            rest.next();
            rest.next();
            parts.push("{did}");
        } else if is_word(part) {
            parts.push(part);
        } else if parts.last() != Some(&"*") {
            parts.push("*");
        }
    }
    parts.join(":")
}

fn is_word(part: &str) -> bool {
    let is_plain = part.chars().all(|c| c.is_ascii_alphabetic() || "_-./@".contains(c));
    let capitals = part.chars().filter(char::is_ascii_uppercase).count();
    part.len() <= WORD && is_plain && capitals <= 3
}

/// Describes the value under a key in a few words without quoting it, and returns the format of a
/// string.
pub(super) async fn describe(
    server: &dyn Server,
    key: &[u8],
) -> Result<(String, Option<Recognised>), ClientError> {
    let answers =
        retry::read(server.wire(), &[Command::new("TYPE", key), Command::new("GET", key)]).await?;
    let [kind, value] = &answers[..] else { return Err(ClientError::unexpected_reply()) };
    Ok(match (text(kind).unwrap_or_default().as_str(), value) {
        ("string", Value::BulkString(value)) if value == TOO_LONG => {
            ("string, larger than 1 MiB".to_owned(), None)
        }
        ("string", Value::BulkString(value)) => {
            let kind = Recognised::of(value);
            (format!("string, {}", kind.description()), Some(kind))
        }
        ("none", _) => ("gone meanwhile".to_owned(), None),
        (kind, _) => (kind.to_owned(), None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_left_out_of_a_shape() {
        for (key, expected) in [
            (
                "atproto:oauth:sessions:did:plc:ewvi7nxzyoun6zhxrhs64oiz",
                "atproto:oauth:sessions:{did}",
            ),
            ("oauth:session:did:web:example.com:0b8c12", "oauth:session:{did}:*"),
            ("oauth:state:0fK2mVtQmYb", "oauth:state:*"),
            ("cache:12:34", "cache:*"),
            ("rate-limit", "rate-limit"),
        ] {
            assert_eq!(shape(key), expected);
        }
    }
}
