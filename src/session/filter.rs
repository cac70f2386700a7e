//! Filters shared by all session commands.

use jiff::Timestamp;

use super::{Age, Issuer, Status, Summary};

/// Conditions that must all hold. The default selects all sessions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Authorization server.
    pub issuer: Option<Issuer<'static>>,
    /// Client key to which the session is bound.
    pub kid: Option<String>,
    /// Client authentication method.
    pub auth_method: Option<String>,
    /// Any of these statuses.
    pub statuses: Vec<Status>,
    /// Last refreshed longer ago than this. Never selects a session of unknown age.
    pub not_refreshed_for: Option<Age>,
    /// Has the permissions of this scope.
    pub scope: Option<String>,
    /// Lacks the permissions of each of these scopes. A record that does not say what was granted,
    /// or whose permission sets may give them, is never meant.
    pub missing_scopes: Vec<String>,
}

impl Filter {
    /// Checks whether the session is selected.
    pub fn matches(&self, session: &Summary<'_>, now: Timestamp) -> bool {
        self.matches_but_for_missing(session, now)
            && self.missing_scopes.iter().all(|scope| session.has_scope(scope) == Some(false))
    }

    /// Checks whether the session would be selected if a permission set that it was granted lacked
    /// the missing scopes.
    pub fn depends_on_a_set(&self, session: &Summary<'_>, now: Timestamp) -> bool {
        let lacks = |scope: &String| session.has_scope(scope) != Some(true);
        let is_unknown = |scope: &String| session.has_scope(scope).is_none();
        session.scope.is_some()
            && self.missing_scopes.iter().any(is_unknown)
            && self.missing_scopes.iter().all(lacks)
            && self.matches_but_for_missing(session, now)
    }

    fn matches_but_for_missing(&self, session: &Summary<'_>, now: Timestamp) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == found
        };
        (self.issuer.is_none() || self.issuer == session.issuer)
            && same(&self.kid, session.kid.as_deref())
            && same(&self.auth_method, session.auth_method)
            && (self.statuses.is_empty() || self.statuses.contains(&session.status))
            && self.not_refreshed_for.is_none_or(|age| {
                session.last_refreshed_at.is_some_and(|at| now.duration_since(at) > age.duration())
            })
            && self.scope.as_deref().is_none_or(|wanted| session.has_scope(wanted) == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::RECORD;
    use super::super::{KnownKeys, Observed, Policy, Session, StatusInputs};
    use super::*;

    #[test]
    fn every_condition_must_hold() {
        let now: Timestamp = "2026-11-24T09:02:00Z".parse().unwrap();
        let session = Summary::of(
            "key".into(),
            Session::read(RECORD.as_bytes()).unwrap(),
            Observed::default(),
            None,
            &StatusInputs {
                keys: KnownKeys::Unknown,
                policy: Policy::default(),
                client_id: None,
                now,
            },
        );
        let text = |text: &str| Some(text.to_owned());
        let all = Filter::default;
        for (filter, matches) in [
            (all(), true),
            (Filter { issuer: Some("https://as.example".into()), kid: text("k1"), ..all() }, true),
            (Filter { issuer: Some("https://as.example".into()), kid: text("k2"), ..all() }, false),
            (Filter { auth_method: text("none"), ..all() }, false),
            (Filter { statuses: vec![Status::Due, Status::Dead], ..all() }, true),
            (Filter { statuses: vec![Status::Fresh], ..all() }, false),
            (Filter { not_refreshed_for: Some(Age::from_secs(86_400)), ..all() }, true),
            (Filter { not_refreshed_for: Some(Age::from_secs(2 * 86_400)), ..all() }, false),
            (Filter { scope: text("transition:generic"), ..all() }, true),
            (Filter { scope: text("transition"), ..all() }, false),
            (Filter { missing_scopes: vec!["transition:email".to_owned()], ..all() }, true),
            (Filter { missing_scopes: vec!["atproto".to_owned()], ..all() }, false),
        ] {
            assert_eq!(filter.matches(&session, now), matches, "{filter:?}");
        }
    }
}
