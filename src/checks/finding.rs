//! Findings of the checks: the fact, its consequence and the fix.

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Failure;
use crate::session::Issuer;
use crate::text::named;

named! {
    /// Subject of a finding. In this order, earlier faults may be the cause of later ones.
    #[derive(PartialOrd, Ord)]
    pub enum Topic {
        /// Settings of oauthctl.
        Settings = "settings",
        /// Private keys of the app.
        Keys = "keys",
        /// Session store.
        Store = "store",
        /// Clock of the machine.
        Clock = "clock",
        /// Published client metadata document.
        Metadata = "metadata",
        /// Published key set.
        Jwks = "jwks",
        /// Login in the app's name at an authorization server.
        Login = "login",
        /// Contents of the store.
        Sessions = "sessions",
        /// Tokens that could not be stored.
        Recovery = "recovery",
        /// Authorization server.
        Server = "server",
    }
}

named! {
    /// Severity of a finding, worst first.
    #[derive(PartialOrd, Ord)]
    pub enum Severity {
        /// Something does not work, or a secret is exposed.
        Problem = "problem",
        /// Works, but possibly not everywhere, not permanently or not as intended.
        Warning = "warning",
        /// Correct.
        Ok = "ok",
    }
}

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// Subject.
    pub topic: Topic,
    /// Severity.
    pub severity: Severity,
    /// Stable name of the finding, `TOPIC.NAME`, or the topic alone.
    pub code: String,
    /// Member of a document, key or setting to be changed.
    pub member: Option<String>,
    /// Issuer of the authorization server that reported it, `None` for oauthctl's own checks.
    pub server: Option<String>,
    /// Fact.
    pub what: String,
    /// Consequence, for problems and warnings.
    pub why: Option<String>,
    /// Suggested fix, for problems and warnings.
    pub fix: Option<String>,
}

impl Finding {
    /// Returns a finding without a fault.
    pub(super) fn ok(topic: Topic, what: impl Into<String>) -> Self {
        Self {
            topic,
            severity: Severity::Ok,
            code: topic.name().to_owned(),
            member: None,
            server: None,
            what: what.into(),
            why: None,
            fix: None,
        }
    }

    /// Returns a finding that should be fixed in time.
    pub(super) fn warning(
        topic: Topic,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::problem(topic, what, why, fix) }
    }

    /// Returns a finding that must be fixed now.
    pub(super) fn problem(
        topic: Topic,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let (why, fix) = (Some(why.into()), Some(fix.into()));
        Self { severity: Severity::Problem, why, fix, ..Self::ok(topic, what) }
    }

    /// Sets the name for programs: `name` is the part after the topic.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.code = format!("{}.{name}", self.topic.name());
        self
    }

    /// Sets the member to be changed.
    pub(super) fn about(mut self, member: impl Into<String>) -> Self {
        self.member = Some(member.into());
        self
    }

    /// Sets the authorization server that reported it.
    pub(super) fn said_by(mut self, issuer: &Issuer<'_>) -> Self {
        self.server = Some(issuer.to_string());
        self
    }

    /// Returns the finding of a check that failed with an error, which has its own hint.
    pub fn failed(topic: Topic, error: impl Into<anyhow::Error>, why: impl Into<String>) -> Self {
        let error = error.into();
        let what = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        let advice = error.chain().find_map(|e| e.downcast_ref::<Failure>()?.advice());
        let fix = advice.unwrap_or("fix the error, then run `oauthctl doctor` again").to_owned();
        Self::problem(topic, what, why, fix)
    }
}
