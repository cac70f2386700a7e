//! What a check has to say: which member breaks which rule, and what mends it.

use serde::Serialize;

use crate::text::named;

named! {
    /// How bad a finding is.
    pub enum Severity {
        /// A server refuses the document, or a key in it.
        Problem = "problem",
        /// The document works with the reference server, but perhaps not everywhere or not as meant.
        Warning = "warning",
    }
}

/// A rule that the document breaks. `{member}: {rule}` reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the rule, or of the member that it is about.
    #[serde(skip)]
    pub code: String,
    /// Where: `scope`, `redirect_uris[1]`, `jwks.keys[0]`.
    pub member: String,
    /// How bad it is.
    pub severity: Severity,
    /// The rule: "must …".
    pub rule: String,
    /// What to do about it.
    pub fix: String,
}

/// Findings being gathered.
#[derive(Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    /// Name of the rule of the next finding.
    code: Option<&'static str>,
}

impl Findings {
    /// Names the rule that the next finding is about. Without a name it is called like its member.
    pub(super) fn rule(&mut self, code: &'static str) -> &mut Self {
        self.code = Some(code);
        self
    }

    /// Adds a reason for which a server refuses the document.
    pub(super) fn problem(
        &mut self,
        member: &str,
        rule: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(Severity::Problem, member, rule.into(), fix.into());
    }

    /// Adds something that servers tolerate.
    pub(super) fn warning(
        &mut self,
        member: &str,
        rule: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(Severity::Warning, member, rule.into(), fix.into());
    }

    fn push(&mut self, severity: Severity, member: &str, rule: String, fix: String) {
        let of_member = || member.split('[').next().unwrap_or(member).replace('.', "_");
        let code = self.code.take().map_or_else(of_member, str::to_owned);
        self.all.push(Finding { code, member: member.to_owned(), severity, rule, fix });
    }

    /// How many problems there are so far.
    pub(super) fn problems(&self) -> usize {
        self.all.iter().filter(|finding| finding.severity == Severity::Problem).count()
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.all
    }
}
