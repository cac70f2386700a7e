//! Findings of a check: member, rule and fix.

use crate::text::named;

named! {
    /// Severity of a finding.
    pub enum Severity {
        /// Servers refuse the document, or a key in it.
        Problem = "problem",
        /// Works with the reference server, but may fail elsewhere or have an unintended effect.
        Warning = "warning",
    }
}

/// Rule broken by the document. `{member}: {rule}` reads as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the rule or of its member.
    pub code: String,
    /// Path of the member: `scope`, `redirect_uris[1]`, `jwks.keys[0]`.
    pub member: String,
    /// Severity.
    pub severity: Severity,
    /// Rule: "must …".
    pub rule: String,
    /// Suggested fix.
    pub fix: String,
}

/// Collector of findings.
#[derive(Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    /// Name of the rule of the next finding.
    code: Option<&'static str>,
}

impl Findings {
    /// Sets the rule of the next finding. The default is the name of its member.
    pub(super) fn rule(&mut self, code: &'static str) -> &mut Self {
        self.code = Some(code);
        self
    }

    /// Adds a fault for which servers refuse the document.
    pub(super) fn problem(
        &mut self,
        member: &str,
        rule: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(Severity::Problem, member, rule.into(), fix.into());
    }

    /// Adds a fault that servers tolerate.
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

    /// Returns the number of problems found so far.
    pub(super) fn problems(&self) -> usize {
        self.all.iter().filter(|finding| finding.severity == Severity::Problem).count()
    }

    /// Returns all findings.
    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.all
    }
}
