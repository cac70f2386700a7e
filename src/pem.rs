//! PEM blocks (RFC 7468) anywhere in a text, also with damaged line breaks.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// Base64 with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// PEM block.
pub struct Block<'t> {
    /// Label after BEGIN.
    pub label: &'t str,
    /// Text between the two lines.
    body: &'t str,
    /// True if the end of the block is missing.
    pub is_cut: bool,
}

/// Checks whether a text contains the start of a block.
pub fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// Returns the blocks of a text, in order.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    for part in text.split(BEGIN).skip(1) {
        let Some((label, rest)) = part.split_once(DASHES) else {
            found.push(Block { label: part, body: "", is_cut: true });
            continue;
        };
        let end = rest.find("-----END");
        found.push(Block {
            label,
            body: &rest[..end.unwrap_or(rest.len())],
            is_cut: end.is_none(),
        });
    }
    found
}

impl Block<'_> {
    /// Returns the label, if it is plausible.
    pub fn shown_label(&self) -> Option<&str> {
        const LONGEST: usize = 40;
        let is_label = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ';
        Some(self.label).filter(|label| label.len() <= LONGEST && label.chars().all(is_label))
    }

    /// Checks whether the headers mark the block as encrypted (RFC 1421).
    pub fn is_encrypted(&self) -> bool {
        self.label.starts_with("ENCRYPTED") || self.body.contains("ENCRYPTED")
    }

    /// Decodes the base64, ignoring white space and escaped line breaks.
    pub fn decode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut compact = Zeroizing::new(String::with_capacity(self.body.len()));
        let mut characters = self.body.chars().peekable();
        while let Some(c) = characters.next() {
            if c == '\\' {
                // `\n`, `\\n` and `\r\n` as escapes of another language.
                while characters.next_if_eq(&'\\').is_some() {}
                let _ = characters.next_if(|next| matches!(next, 'n' | 'r' | 't'));
            } else if !c.is_whitespace() {
                compact.push(c);
            }
        }
        base64_bytes(&compact)
    }
}

/// Decodes base64 of either alphabet, padded or not.
pub fn base64_bytes(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let standard: Zeroizing<String> = Zeroizing::new(
        text.chars()
            .map(|c| match c {
                '-' => '+',
                '_' => '/',
                c => c,
            })
            .collect(),
    );
    LENIENT.decode(standard.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_whatever_became_of_their_line_breaks() {
        for between in ["\n", "\r\n", " ", "", "\\n", "\\\\n", "\\r\\n", "\n\n    "] {
            let text = format!(
                "x{between}-----BEGIN A B-----{between}AAEC{between}AwQ={between}-----END A B-----{between}"
            );
            let found = blocks(&text);
            assert_eq!(
                (found.len(), found[0].label, found[0].is_cut),
                (1, "A B", false),
                "{between:?}"
            );
            assert_eq!(*found[0].decode().unwrap(), [0, 1, 2, 3, 4], "{between:?}");
        }
        let found = blocks("-----BEGIN A-----\nAA\n-----END A-----\n-----BEGIN B-----\nAA");
        assert_eq!(
            found.iter().map(|block| (block.label, block.is_cut)).collect::<Vec<_>>(),
            [("A", false), ("B", true)]
        );
        assert!(blocks("-----BEGIN S3cret")[0].is_cut);
        assert_eq!(blocks("-----BEGIN s3cret-----")[0].shown_label(), None);
    }
}
