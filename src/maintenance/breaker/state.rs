//! State of a group of sessions in a run: what refreshes have shown about its server and key.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Consecutive requests without a usable answer after which a server is paused. A server without
/// any success in this run is paused after the first.
const TROUBLES: u32 = 3;
/// First pause. Doubles each time.
const FIRST_REST: Duration = Duration::from_secs(5);
/// Longest pause.
const LONGEST_REST: Duration = Duration::from_mins(5);
/// Number of sessions of a proven group that may be out of step with the server before the group is
/// stopped.
const OUT_OF_STEP: u32 = 3;
/// Number of consecutive refusals for unknown reasons after which a proven group is stopped.
const REFUSED: u32 = 3;
/// Number of harmless refusals (of sessions that had ended, or that continue) after which a group
/// without any success is stopped. So many are hardly caused by users.
const HARMLESS: u32 = 20;

/// Conclusion from one refresh about its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The configuration is right, and the server works.
    Works,
    /// Refused as with a wrong configuration. Holds the reason.
    Refused(String),
    /// Refused because the session had ended. Holds the server's words.
    Ended(String),
    /// Refused for reasons of this session, which continues. Holds the server's words.
    Kept(String),
    /// Refused in words that prove a wrong configuration.
    Misconfigured(String),
    /// The record is out of step with the server, because an answer was lost or unusable. A single
    /// one is no reason for concern, but several indicate a fault of the server or the network.
    OutOfStep(String),
    /// Refused because the record is older than the server's state. In a copied store, or one
    /// restored from a backup, other records are, too.
    Behind(String),
    /// Tokens were sent, and no usable answer was received. Their state is unknown.
    Trouble(String),
    /// Nothing was at risk, but the server gets no requests for this time. Holds the reason.
    Busy(String, Duration),
    /// No conclusion about the group.
    Nothing,
}

/// Knowledge about a group.
#[derive(Debug, Default)]
pub(super) struct State {
    standing: Standing,
    /// True after any success.
    pub(super) has_worked: bool,
    /// Requests since the last success without a usable answer.
    troubles: u32,
    /// Reason of the first of them.
    first_trouble: Option<String>,
    /// Number of sessions out of step.
    out_of_step: u32,
    /// Number of sessions refused since the last success.
    refused: u32,
    /// Number of harmless refusals since the last success.
    harmless: u32,
    /// End of the server's pause, and its reason.
    rest: Option<(Instant, Arc<str>)>,
}

#[derive(Clone, Debug, Default)]
enum Standing {
    /// Unknown. One session at a time.
    #[default]
    Unproven,
    /// The last refreshes were successful.
    Proven,
    /// Refreshes of this group end sessions.
    Stopped(Arc<str>),
}

/// Reason for which a session may not be refreshed.
pub enum Objection {
    /// The group was stopped.
    Stopped(Arc<str>),
    /// The server is paused for this time.
    Resting(Arc<str>, Duration),
}

/// State of a group before a refresh.
pub(super) enum Admission {
    Objection(Objection),
    Proven,
    Unproven,
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Works => f.write_str("works"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Ended(why) => write!(f, "had ended: {why}"),
            Self::Kept(why) => write!(f, "kept: {why}"),
            Self::Misconfigured(why) => write!(f, "misconfigured: {why}"),
            Self::Behind(why) => write!(f, "behind: {why}"),
            Self::OutOfStep(why) => write!(f, "out of step: {why}"),
            Self::Trouble(why) => write!(f, "in trouble: {why}"),
            Self::Busy(why, wait) => write!(f, "busy for {} s: {why}", wait.as_secs()),
            Self::Nothing => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(why) => write!(f, "is stopped: {why}"),
            Self::Resting(why, wait) => write!(f, "pauses for {} s: {why}", wait.as_secs()),
        }
    }
}

impl State {
    /// Returns whether the next session may be refreshed, and whether alone.
    pub(super) fn admission(&mut self, now: Instant) -> Admission {
        if let Standing::Stopped(why) = &self.standing {
            return Admission::Objection(Objection::Stopped(Arc::clone(why)));
        }
        if let Some((until, why)) = &self.rest {
            let left = until.saturating_duration_since(now);
            if !left.is_zero() {
                return Admission::Objection(Objection::Resting(Arc::clone(why), left));
            }
            self.rest = None;
        }
        if matches!(self.standing, Standing::Proven) {
            Admission::Proven
        } else {
            Admission::Unproven
        }
    }

    /// Takes a conclusion into account.
    pub(super) fn learn(&mut self, conclusion: Conclusion, now: Instant) {
        let proven = matches!(self.standing, Standing::Proven);
        match conclusion {
            Conclusion::Works => {
                (self.troubles, self.refused, self.harmless) = (0, 0, 0);
                self.first_trouble = None;
                self.has_worked = true;
                if !matches!(self.standing, Standing::Stopped(_)) {
                    self.standing = Standing::Proven;
                }
            }
            Conclusion::Misconfigured(why) | Conclusion::Behind(why) => self.stop(&why),
            Conclusion::Refused(why) => {
                self.refused += 1;
                if !proven {
                    self.stop(&format!("the first session of its kind was refused ({why})"));
                } else if self.refused >= REFUSED {
                    self.stop(&format!("{} sessions in a row were refused ({why})", self.refused));
                }
            }
            Conclusion::Ended(why) => self.learn_harmless("had all ended", &why),
            Conclusion::Kept(why) => self.learn_harmless("were all refused", &why),
            Conclusion::OutOfStep(why) => {
                self.out_of_step += 1;
                if !proven || self.out_of_step >= OUT_OF_STEP {
                    self.stop(&why);
                }
            }
            Conclusion::Trouble(why) => {
                self.troubles += 1;
                let why = self.first_trouble.get_or_insert(why).clone();
                self.doubt();
                let patience = if self.has_worked { TROUBLES } else { 1 };
                if let Some(more) = self.troubles.checked_sub(patience) {
                    let rest = FIRST_REST.saturating_mul(1 << more.min(16)).min(LONGEST_REST);
                    self.rest(now + rest, &why);
                }
            }
            Conclusion::Busy(why, wait) => {
                self.doubt();
                self.rest(now + wait, &why);
            }
            Conclusion::Nothing => {}
        }
    }

    /// Counts a harmless refusal. `what` says what it was for all of them so far.
    fn learn_harmless(&mut self, what: &str, why: &str) {
        self.harmless += 1;
        if !matches!(self.standing, Standing::Proven) && self.harmless >= HARMLESS {
            self.stop(&format!("the first {} sessions of its kind {what} ({why})", self.harmless));
        }
    }

    /// Admits one session at a time until the next success.
    fn doubt(&mut self) {
        if matches!(self.standing, Standing::Proven) {
            self.standing = Standing::Unproven;
        }
    }

    fn stop(&mut self, why: &str) {
        if !matches!(self.standing, Standing::Stopped(_)) {
            self.standing = Standing::Stopped(why.into());
        }
    }

    fn rest(&mut self, until: Instant, why: &str) {
        if self.rest.as_ref().is_none_or(|(earlier, _)| *earlier < until) {
            self.rest = Some((until, why.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven() -> (State, Instant) {
        let (mut state, now) = (State::default(), Instant::now());
        state.learn(Conclusion::Works, now);
        (state, now)
    }

    fn is_stopped(state: &mut State, now: Instant) -> bool {
        matches!(state.admission(now), Admission::Objection(Objection::Stopped(_)))
    }

    #[test]
    fn a_proven_group_stops_on_proof_of_misconfiguration() {
        let (mut state, now) = proven();
        state.learn(Conclusion::Refused("it had ended".to_owned()), now);
        assert!(!is_stopped(&mut state, now));
        state.learn(Conclusion::Misconfigured("wrong key".to_owned()), now);
        assert!(is_stopped(&mut state, now));
        // A success that was in progress meanwhile.
        state.learn(Conclusion::Works, now);
        assert!(is_stopped(&mut state, now));
    }

    #[test]
    fn a_proven_group_stops_on_consecutive_refusals() {
        let refused = || Conclusion::Refused("in words that nobody knows".to_owned());
        let (mut state, now) = proven();
        for _ in 1..REFUSED {
            state.learn(refused(), now);
        }
        state.learn(Conclusion::Works, now);
        for _ in 0..REFUSED {
            assert!(!is_stopped(&mut state, now));
            state.learn(refused(), now);
        }
        assert!(is_stopped(&mut state, now));
    }

    #[test]
    fn sessions_that_have_ended_say_nothing_unless_they_all_have() {
        let ended = || Conclusion::Ended("expired".to_owned());
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 1..HARMLESS {
            state.learn(ended(), now);
            assert!(matches!(state.admission(now), Admission::Unproven));
        }
        state.learn(ended(), now);
        assert!(is_stopped(&mut state, now));
        let (mut state, now) = proven();
        for _ in 0..HARMLESS * 2 {
            state.learn(ended(), now);
        }
        assert!(!is_stopped(&mut state, now));
    }

    #[test]
    fn sessions_that_a_server_keeps_stop_a_group_only_together() {
        let kept = || Conclusion::Kept("client_id mismatch".to_owned());
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 1..HARMLESS {
            state.learn(kept(), now);
            assert!(matches!(state.admission(now), Admission::Unproven));
        }
        state.learn(Conclusion::Ended("expired".to_owned()), now);
        assert!(is_stopped(&mut state, now));
        let (mut state, now) = proven();
        for _ in 0..HARMLESS * 2 {
            state.learn(kept(), now);
        }
        assert!(!is_stopped(&mut state, now));
    }

    #[test]
    fn a_few_sessions_of_a_proven_group_may_be_out_of_step() {
        let (mut state, now) = proven();
        for _ in 1..OUT_OF_STEP {
            state.learn(Conclusion::OutOfStep("replayed".to_owned()), now);
            state.learn(Conclusion::Works, now);
            assert!(!is_stopped(&mut state, now));
        }
        state.learn(Conclusion::OutOfStep("replayed".to_owned()), now);
        assert!(is_stopped(&mut state, now));
    }

    #[test]
    fn a_failing_server_gets_single_sessions_and_growing_pauses() {
        let (mut state, mut now) = proven();
        for _ in 0..TROUBLES {
            assert!(!matches!(state.admission(now), Admission::Objection(_)));
            state.learn(Conclusion::Trouble("500".to_owned()), now);
        }
        for rest in [FIRST_REST, FIRST_REST * 2, FIRST_REST * 4] {
            assert!(
                matches!(state.admission(now), Admission::Objection(Objection::Resting(_, left)) if left == rest)
            );
            now += rest;
            assert!(matches!(state.admission(now), Admission::Unproven));
            state.learn(Conclusion::Trouble("500".to_owned()), now);
        }
        now += LONGEST_REST;
        state.learn(Conclusion::Works, now);
        assert!(matches!(state.admission(now), Admission::Proven));
    }

    #[test]
    fn a_server_without_success_pauses_after_its_first_failure() {
        let (mut state, now) = (State::default(), Instant::now());
        state.learn(Conclusion::Trouble("500".to_owned()), now);
        assert!(
            matches!(state.admission(now), Admission::Objection(Objection::Resting(_, left)) if left == FIRST_REST)
        );
    }

    fn busy(wait: Duration) -> Conclusion {
        Conclusion::Busy("429".to_owned(), wait)
    }

    #[test]
    fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
        let (mut state, now) = proven();
        let wait = Duration::from_secs(7);
        state.learn(busy(wait), now);
        state.learn(busy(Duration::from_secs(1)), now);
        assert!(
            matches!(state.admission(now), Admission::Objection(Objection::Resting(_, left)) if left == wait)
        );
        assert!(matches!(state.admission(now + wait), Admission::Unproven));
    }
}
