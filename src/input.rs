//! Text from outside, as left by people and programs: with a byte order mark, line ends, quotes and
//! escapes.

use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Failure, usage};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Removes a byte order mark, and white space at both ends.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

/// Removes a byte order mark.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Decodes the text of a file. The failure names the encoding, if it is recognised.
pub fn decode(bytes: &[u8]) -> Result<&str, Failure> {
    if is_utf16(bytes) {
        return Err(usage("is UTF-16 text instead of UTF-8")
            .hint("save it as UTF-8: `iconv -f UTF-16 -t UTF-8 FILE > NEW`"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| usage("is not UTF-8 text").hint("save it as UTF-8"))?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

/// Checks whether the bytes begin like UTF-16: with its byte order mark, or an ASCII character of
/// two bytes.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xff, 0xfe, ..]
            | [0xfe, 0xff, ..]
            | [1..=0x7f, 0, 1..=0x7f, 0, ..]
            | [0, 1..=0x7f, 0, 1..=0x7f, ..]
    )
}

/// Error of reading a text file.
pub enum Unread {
    /// Opening or reading failed.
    Refused(io::Error),
    /// Too large, or not text.
    Unusable(Failure),
}

/// Reads a text file of at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Zeroizing<String>, Unread> {
    let file = std::fs::File::open(path).map_err(Unread::Refused)?;
    let bytes = read_bytes(file, limit)?;
    decode(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(Unread::Unusable)
}

/// Reads at most `limit` bytes.
pub fn read_bytes(input: impl io::Read, limit: u64) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    input.take(limit + 1).read_to_end(&mut bytes).map_err(Unread::Refused)?;
    if bytes.len() as u64 > limit {
        let refusal = usage(format!("is larger than {} MiB", limit >> 20))
            .hint("use the file that contains the text");
        return Err(Unread::Unusable(refusal));
    }
    Ok(bytes)
}

impl Unread {
    /// Converts the error, with `refused` for errors of the system.
    pub fn into_failure(self, refused: impl FnOnce(io::Error) -> Failure) -> Failure {
        match self {
            Self::Refused(error) => refused(error),
            Self::Unusable(failure) => failure,
        }
    }
}

/// Error of decompression.
#[derive(Debug, PartialEq, Eq)]
pub enum Compressed {
    /// The output exceeds the limit.
    TooLarge,
    /// Damaged data, or an unsupported encoding.
    Unknown,
}

/// Decompresses an answer (RFC 9110 section 8.4). The output is at most `limit` bytes long.
pub fn decompressed(
    bytes: Vec<u8>,
    encoding: Option<&str>,
    limit: usize,
) -> Result<Vec<u8>, Compressed> {
    match encoding.map(|encoding| encoding.trim().to_ascii_lowercase()).as_deref() {
        None | Some("" | "identity") => Ok(bytes),
        Some("gzip" | "x-gzip") => {
            let mut decoded = Vec::new();
            let reader = flate2::read::MultiGzDecoder::new(bytes.as_slice());
            reader
                .take(limit as u64 + 1)
                .read_to_end(&mut decoded)
                .map_err(|_| Compressed::Unknown)?;
            if decoded.len() > limit { Err(Compressed::TooLarge) } else { Ok(decoded) }
        }
        Some(_) => Err(Compressed::Unknown),
    }
}

/// Returns a single value: an address, a token, a number. Fails on quotes or escapes that a loader
/// should have removed.
pub fn value(text: &str) -> Result<&str, Failure> {
    let text = trimmed(text);
    match leftover(text) {
        Some(failure) => Err(failure),
        None if text.contains('\0') => {
            Err(usage("contains a NUL character").hint("write it again as plain text"))
        }
        None if text.contains(['\n', '\r']) => Err(usage("contains a line break")
            .hint("write the value on one line: was something pasted twice?")),
        None => Ok(text),
    }
}

/// Describes quotes and escapes left in a value, and the loaders that cause them.
pub fn leftover(text: &str) -> Option<Failure> {
    let text = trimmed(text);
    if let Some(quote) = enclosing_quote(text) {
        return Some(usage(format!("contains {quote} quotes around the value")).hint(
            "write NAME=VALUE without the quotes: `docker run --env-file` and Kubernetes keep them; in a dotenv file they must enclose the whole value",
        ));
    }
    if text.contains("\\\"") {
        return Some(usage("contains escaped quotes: \\\"").hint(
            "write it without them, in single quotes: systemd's EnvironmentFile and dotenv files keep them as they are",
        ));
    }
    text.contains("\\$").then(|| {
        usage("contains an escaped dollar sign: \\$")
            .hint("write $ alone, in single quotes: only Next.js removes the backslash when it loads an .env file")
    })
}

fn enclosing_quote(text: &str) -> Option<&'static str> {
    let quotes = [("\"", "double"), ("'", "single"), ("`", "backtick")];
    let encloses = |quote: &str| {
        text.strip_prefix(quote).is_some_and(|inner| {
            // An unclosed quote was cut off together with the end of a key or an address.
            let is_cut = inner.starts_with(['{', '['])
                || inner.starts_with("-----")
                || inner.contains("://");
            inner.ends_with(quote) || is_cut
        })
    };
    quotes.into_iter().find(|(quote, _)| encloses(quote)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_white_space_are_no_part_of_a_value() {
        for text in ["x", " x\n", "\u{feff}x\r\n", "\n\u{feff}\t x \u{a0}"] {
            assert_eq!(value(text).unwrap(), "x", "{text:?}");
        }
        assert_eq!(decode(b"\xef\xbb\xbfx").unwrap(), "x");
    }

    #[test]
    fn a_compressed_answer_is_read_up_to_the_limit() {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&b"x".repeat(100_000)).unwrap();
        let gzip = encoder.finish().unwrap();
        assert!(gzip.len() < 1000);
        assert_eq!(decompressed(gzip.clone(), Some("GZIP"), 100_000).unwrap().len(), 100_000);
        assert_eq!(decompressed(gzip.clone(), Some("gzip"), 99_999), Err(Compressed::TooLarge));
        assert_eq!(
            decompressed(gzip[..20].to_vec(), Some("gzip"), 100_000),
            Err(Compressed::Unknown)
        );
        assert_eq!(decompressed(b"x".to_vec(), Some("br"), 10), Err(Compressed::Unknown));
        assert_eq!(decompressed(b"x".to_vec(), None, 10), Ok(b"x".to_vec()));
    }

    #[test]
    fn encodings_are_named() {
        let utf16 = |text: &str, order: fn(u16) -> [u8; 2]| {
            text.encode_utf16().flat_map(order).collect::<Vec<_>>()
        };
        for text in ["\u{feff}A=1", "A=1"] {
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                let failure = decode(&utf16(text, order)).unwrap_err();
                assert!(failure.to_string().contains("UTF-16"), "{text:?}");
            }
        }
        assert_eq!(decode(b"\xff\x00").unwrap_err().to_string(), "is not UTF-8 text");
    }

    #[test]
    fn what_a_loader_has_left_is_named() {
        for (text, part) in [
            ("\"redis://h\"", "double quotes"),
            ("'redis://h'", "single quotes"),
            ("`x`", "backtick quotes"),
            ("'redis://h", "single quotes"),
            ("\\\"x\\\"", "escaped quotes"),
            ("redis://:a\\$b@h", "dollar sign"),
            ("a\nb", "line break"),
            ("a\0b", "NUL"),
        ] {
            let message = value(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
        for text in ["redis://:a$b@h", "it's", "'tis", "the \"app\"", "{\"a\":1}", ""] {
            assert!(value(text).is_ok(), "{text}");
        }
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{message_of, text};

    proptest! {
        #[test]
        fn a_value_is_part_of_what_was_written(text in text(), before in "[\u{feff} \t\r\n]{0,3}", after in "[\u{feff} \t\r\n]{0,3}") {
            let written = format!("{before}{text}{after}");
            match value(&written) {
                Ok(read) => {
                    prop_assert!(text.contains(read));
                    prop_assert_eq!(value(read).ok(), Some(read));
                    prop_assert!(!read.contains(['\n', '\0']) && trimmed(read) == read);
                }
                Err(failure) => prop_assert!(text.len() < 6 || !message_of(&failure).contains(&text)),
            }
        }

        #[test]
        fn bytes_are_text_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(text) = decode(&bytes) {
                prop_assert!(bytes.ends_with(text.as_bytes()));
            }
        }
    }
}
