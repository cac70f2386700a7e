//! Colours by meaning.

use crate::text::sanitised;

/// Meaning of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Prefix of an error.
    Error,
    /// Prefix of a warning, or a state that needs attention.
    Warning,
    /// Prefix of a hint.
    Hint,
    /// Good state.
    Good,
    /// Less important text.
    Faint,
}

/// Use of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// No escape sequences.
    Plain,
    /// ANSI colours.
    Coloured,
}

impl Palette {
    /// Returns the text in the colour of its role.
    pub fn paint(self, role: Role, text: &str) -> String {
        if self == Self::Plain {
            return text.to_owned();
        }
        let code = match role {
            Role::Error => "1;31",
            Role::Warning => "33",
            Role::Hint => "36",
            Role::Good => "32",
            Role::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Returns a message behind its label, which is in the colour of its role.
    pub fn labelled(self, role: Role, label: &str, message: &str) -> String {
        format!("{} {}", self.paint(role, label), sanitised(message))
    }
}
