//! Colour, by what a text means rather than how it looks.

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The word before an error.
    Error,
    /// The word before a warning, or a state that needs attention.
    Warning,
    /// The word before a hint.
    Hint,
    /// A state that is as it should be.
    Good,
    /// What matters less.
    Faint,
}

/// Whether to colour.
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
}
