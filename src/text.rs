//! Text utilities: safe output of foreign text, counts in words, JSON for people and programs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use dialoguer::console::{measure_text_width, truncate_str};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Checks whether a character can control a terminal or change the direction of text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Escapes all characters that could control a terminal: control characters (C0 and C1) and text
/// direction.
pub fn sanitised(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Returns the number of columns that a text takes on a terminal. Colours take none.
pub fn text_width(text: &str) -> usize {
    measure_text_width(text)
}

/// Returns the text, cut with a `…` if it takes more than `width` columns.
pub fn shortened(text: &str, width: usize) -> Cow<'_, str> {
    truncate_str(text, width, "…")
}

/// Returns the lines of a text that is wrapped at words. The first takes at most `first` columns,
/// others `rest`, unless a word takes more. What stands in backquotes is to be copied, and stays on
/// one line.
pub fn wrapped(text: &str, first: usize, rest: usize) -> Vec<&str> {
    let mut is_quoted = false;
    let words = text.split(|c| {
        is_quoted ^= c == '`';
        c == ' ' && !is_quoted
    });
    let mut lines = Vec::new();
    let (mut begin, mut end, mut used, mut room) = (0, 0, 0, first);
    for (n, word) in words.enumerate() {
        let width = text_width(word);
        let start = if n == 0 { 0 } else { end + 1 };
        if n > 0 && used + 1 + width > room {
            lines.push(&text[begin..end]);
            (begin, used, room) = (start, width, rest);
        } else {
            used += usize::from(n > 0) + width;
        }
        end = start + word.len();
    }
    lines.push(&text[begin..]);
    lines
}

/// Shortens a kid, keeping enough to distinguish it from others.
pub fn brief_kid(kid: &str) -> Cow<'_, str> {
    shortened(kid, 9)
}

/// Writes a number with separators: 2,000.
pub fn counted_number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 session`, `2 sessions`, `2,000 sessions`.
pub fn counted(n: u64, noun: &str) -> String {
    let text = counted_number(n);
    let plural = if n == 1 { "" } else { "s" };
    format!("{text} {noun}{plural}")
}

/// Formats two counts: `2 sessions and 1 pending login`.
pub fn sessions_and_logins(sessions: u64, logins: u64) -> String {
    match (sessions, logins) {
        (n, 0) => counted(n, "session"),
        (0, n) => counted(n, "pending login"),
        (n, m) => format!("{} and {}", counted(n, "session"), counted(m, "pending login")),
    }
}

/// Formats the counts other than 0 with their nouns, after a separator: `, 2 skipped, 1 gone`.
pub fn counts(separator: &str, counts: impl IntoIterator<Item = (u64, &'static str)>) -> String {
    let some = counts.into_iter().filter(|(n, _)| *n > 0);
    some.map(|(n, what)| format!("{separator}{n} {what}")).collect()
}

/// Writes one JSON value on one line. Characters escaped by [`sanitised`] become `\u` escapes,
/// which JSON parsers decode.
pub fn write_json_line(out: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Harmless(CompactFormatter)))
}

/// Returns a JSON document with a line end: indented for people, on one line for programs.
pub fn json_document(value: &impl Serialize, pretty: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let written = if pretty {
        value.serialize(&mut serde_json::Serializer::with_formatter(
            &mut out,
            Harmless(PrettyFormatter::new()),
        ))
    } else {
        write_json_line(&mut out, value)
    };
    written.expect("writing to memory does not fail");
    out.push(b'\n');
    out
}

/// JSON formatter that escapes terminal control characters inside strings, and delegates everything
/// else.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Below 0x20 is escaped already, so of ASCII only DEL remains. A loop without early exit is
        // vectorised.
        if fragment.bytes().fold(0, u8::max) < 0x7f {
            return out.write_all(fragment.as_bytes());
        }
        let mut units = [0; 2];
        for c in fragment.chars() {
            if is_unsafe(c) {
                for unit in c.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}")?;
                }
            } else {
                write!(out, "{c}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// Enumeration declared by [`named!`].
pub trait Named: Copy + PartialEq + std::fmt::Debug + 'static {
    /// All values, in the order of their declaration.
    const ALL: &'static [Self];

    /// Name in settings and output.
    fn name(self) -> &'static str;
}

/// Declares an enumeration with the names of its values.
macro_rules! named {
    ($(#[$of_type:meta])* pub enum $type:ident { $($(#[$of_value:meta])* $value:ident = $name:literal,)+ }) => {
        $(#[$of_type])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[$of_value])* $value,)+
        }

        impl $type {
            /// Returns the name in settings and output.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }

        impl $crate::text::Named for $type {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn name(self) -> &'static str {
                self.name()
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($name),+] })
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}
pub(crate) use named;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_power() {
        assert_eq!(sanitised("a\u{1b}[31mb\u{9b}c\u{202e}"), "a\\u{1b}[31mb\\u{9b}c\\u{202e}");
        assert_eq!(sanitised("did:plc:é"), "did:plc:é");
        let json = json_document(&"a\u{1b}\u{9b}\u{7f}\u{202e}é", false);
        assert_eq!(String::from_utf8(json).unwrap(), "\"a\\u001b\\u009b\\u007f\\u202eé\"\n");
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        assert_eq!(shortened("1795420766438", 13), "1795420766438");
        assert_eq!(brief_kid("1795420766438"), "17954207…");
    }

    #[test]
    fn texts_are_wrapped_at_words_and_commands_are_not() {
        assert_eq!(wrapped("one two three", 8, 8), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 7, 7), ["one two", "three"]);
        assert_eq!(wrapped("one two three", 13, 13), ["one two three"]);
        assert_eq!(wrapped("incomprehensible is long", 5, 5), ["incomprehensible", "is", "long"]);
        assert_eq!(wrapped("use `a b c d` or", 8, 8), ["use", "`a b c d`", "or"]);
        assert_eq!(wrapped("one two three four", 13, 9), ["one two three", "four"]);
        assert_eq!(wrapped("one two three four", 7, 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("", 5, 5), [""]);
    }

    #[test]
    fn what_is_seen_is_measured() {
        let coloured = "\u{1b}[33mone\u{1b}[0m two three";
        assert_eq!(wrapped(coloured, 7, 7), ["\u{1b}[33mone\u{1b}[0m two", "three"]);
        assert_eq!(wrapped("名前 二 三", 7, 7), ["名前 二", "三"]);
        assert_eq!(shortened("名前の例", 5), "名前…");
        assert_eq!(shortened("é", 1), "é");
    }

    #[test]
    fn counts_agree_with_their_noun() {
        for (n, text) in [
            (0, "0 keys"),
            (1, "1 key"),
            (999, "999 keys"),
            (1000, "1,000 keys"),
            (1_234_567, "1,234,567 keys"),
        ] {
            assert_eq!(counted(n, "key"), text);
        }
    }
}
