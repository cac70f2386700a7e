//! Inputs for the property tests, which are in a `properties` module next to each parser. Each runs
//! 256 cases, or the number in a variable:
//!
//! ```sh
//! PROPTEST_CASES=1000000 cargo test --release --bin oauthctl properties -- --skip slow
//! ```

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Length of a fragment that discloses a secret, in bytes.
const PIECE: usize = 12;

/// Returns any text, with characters that are special to some parser and others.
pub fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        4 => proptest::char::range(' ', '~'),
        1 => proptest::sample::select(vec!['\0', '\t', '\n', '\r', '\u{1b}', '\u{7f}', 'é', '\u{202e}', '☺', '\u{10ffff}']),
    ];
    vec(c, 0..12).prop_map(String::from_iter)
}

/// Returns any JSON of limited depth.
pub fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Returns members that no parser knows.
pub fn unknown_members() -> impl Strategy<Value = Map<String, Value>> {
    let member = (text(), json()).prop_map(|(name, value)| (format!("x-{name}"), value));
    vec(member, 0..3).prop_map(|members| members.into_iter().collect())
}

/// Damage to a text: characters replaced, removed and inserted, or the end cut off.
#[derive(Clone, Debug)]
pub struct Damage(Vec<(u8, u16, char)>);

/// Returns damage in one to `most` places.
pub fn damage(most: usize) -> impl Strategy<Value = Damage> {
    let c = prop_oneof![3 => proptest::char::range(' ', '~'), 1 => any::<char>()];
    vec((any::<u8>(), any::<u16>(), c), 1..=most).prop_map(Damage)
}

impl Damage {
    /// Returns the text with the damage done.
    pub fn to(&self, text: &str) -> String {
        let mut all: Vec<char> = text.chars().collect();
        for (what, at, c) in &self.0 {
            let at = usize::from(*at) % (all.len() + 1);
            match what % 8 {
                0 => all.truncate(at),
                1..=3 if at < all.len() => drop(all.remove(at)),
                4 | 5 if at < all.len() => all[at] = *c,
                _ => all.insert(at, *c),
            }
        }
        all.into_iter().collect()
    }
}

/// Checks whether a text contains a fragment of a secret.
pub fn shows(text: &str, secret: &str) -> bool {
    secret
        .as_bytes()
        .windows(PIECE)
        .any(|piece| text.as_bytes().windows(PIECE).any(|part| part == piece))
}

/// Returns all text printed for a failure.
pub fn message_of(failure: &crate::error::Failure) -> String {
    let mut message = format!("{failure:?} {}", failure.in_one_line());
    let mut cause = std::error::Error::source(failure);
    while let Some(deeper) = cause {
        message.push_str(&format!(" {deeper} {deeper:?}"));
        cause = deeper.source();
    }
    message
}
