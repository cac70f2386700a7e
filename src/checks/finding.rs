//! What a check has to say: what is the case, why that matters, what to do.

use serde::Serialize;

use crate::error::Failure;
use crate::text::named;

named! {
    /// What a finding is about. In this order faults explain each other: what comes first may be the cause of what follows.
    #[derive(PartialOrd, Ord)]
    pub enum Topic {
        /// oauthctl's own settings.
        Settings = "settings",
        /// The app's private keys.
        Keys = "keys",
        /// Where the sessions are kept.
        Store = "store",
        /// This machine's time.
        Clock = "clock",
        /// The published client metadata document.
        Metadata = "metadata",
        /// The published key set.
        Jwks = "jwks",
        /// Login in the app's name at an authorization server.
        Login = "login",
        /// What is in the store.
        Sessions = "sessions",
        /// Tokens that could not be stored.
        Recovery = "recovery",
        /// An authorization server.
        Server = "server",
    }
}

named! {
    /// How bad it is; the worst comes first.
    #[derive(PartialOrd, Ord)]
    pub enum Severity {
        /// Something does not work, or a secret is out.
        Problem = "problem",
        /// It works, but perhaps not everywhere, not for long or not as meant.
        Warning = "warning",
        /// As it should be.
        Ok = "ok",
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub topic: Topic,
    /// How bad it is.
    pub severity: Severity,
    /// Stable name of what was found, `TOPIC.NAME`; the topic alone where it has no name.
    pub code: String,
    /// Member of a document, key or setting that is to be changed.
    pub member: Option<String>,
    /// Issuer of the authorization server that says so; none where oauthctl itself has looked.
    pub server: Option<String>,
    /// What is the case.
    pub what: String,
    /// Why that matters, unless all is well.
    pub why: Option<String>,
    /// What to do about it, unless all is well.
    pub fix: Option<String>,
}

impl Finding {
    /// All is well.
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

    /// Something that should be mended some day.
    pub(super) fn warning(
        topic: Topic,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::problem(topic, what, why, fix) }
    }

    /// Something that must be mended now.
    pub(super) fn problem(
        topic: Topic,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let (why, fix) = (Some(why.into()), Some(fix.into()));
        Self { severity: Severity::Problem, why, fix, ..Self::ok(topic, what) }
    }

    /// Names what was found, for programs: `name` is the part behind the topic.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.code = format!("{}.{name}", self.topic.name());
        self
    }

    /// Names the member of a document that is to be changed.
    pub(super) fn about(mut self, member: impl Into<String>) -> Self {
        self.member = Some(member.into());
        self
    }

    /// Names the authorization server that says so.
    pub(super) fn said_by(mut self, issuer: &str) -> Self {
        self.server = Some(issuer.to_owned());
        self
    }

    /// What could not be looked at, because of an error that says itself what to do.
    pub fn failed(topic: Topic, error: impl Into<anyhow::Error>, why: impl Into<String>) -> Self {
        let error = error.into();
        let what = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        let advice = error.chain().find_map(|e| e.downcast_ref::<Failure>()?.advice());
        let fix = advice
            .unwrap_or("mend what the error names, then run `oauthctl doctor` again")
            .to_owned();
        Self::problem(topic, what, why, fix)
    }
}
