//! What became of each session, as it is listed: shared by the commands that work on many.

use serde::Serialize;

use crate::session::Summary;
use crate::ui::{Role, Row};

/// One session's line: what became of it, or would.
#[derive(Serialize)]
pub struct ResultRow<'a> {
    key: &'a str,
    did: Option<&'a str>,
    result: &'static str,
    reason: Option<&'a str>,
    #[serde(skip)]
    role: Option<Role>,
}

impl<'a> ResultRow<'a> {
    /// What became of this session, and why.
    pub fn new(session: &'a Summary<'_>, result: &'static str, reason: Option<&'a str>, role: Option<Role>) -> Self {
        Self { key: &session.key, did: session.did.as_deref(), result, reason, role }
    }
}

impl Row for ResultRow<'_> {
    const FIELDS: &'static [&'static str] = &["key", "did", "result", "reason"];
    const TITLES: &'static [&'static str] = &["did", "result", "reason"];

    fn cells(&self) -> Vec<(String, Option<Role>)> {
        vec![
            (self.did.unwrap_or(self.key).to_owned(), None),
            (self.result.to_owned(), self.role),
            (self.reason.unwrap_or_default().to_owned(), None),
        ]
    }
}
