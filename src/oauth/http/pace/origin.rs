//! Rate limiter of one origin. Pure: the time is an argument.

use std::time::{Duration, Instant};

use super::RateLimit;

/// Consecutive failures to fetch a document after which the origin is paused.
const FAILURES: u32 = 3;
/// First pause. Doubles each time.
const FIRST_REST: Duration = Duration::from_secs(5);
/// Longest pause.
const LONGEST_REST: Duration = Duration::from_mins(5);
/// Pause after *too many requests* without `Retry-After`. Doubles each time.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// Longest wait for a new window of the server's own limit. Beyond, the origin is paused.
const LONGEST_WINDOW: Duration = Duration::from_mins(10);
/// Percentage of a limit below which the rate is halved.
const LOW_PERCENT: u64 = 10;

/// Requests per second. Bursts of one second's worth are permitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    interval: Duration,
    burst: u32,
}

/// Remaining pause of an origin, and its reason.
pub(super) type Rest = (Duration, String);

/// State of one origin.
#[derive(Debug)]
pub(super) struct Origin {
    rate: Option<Rate>,
    /// Theoretical arrival time of the next request (generic cell rate algorithm).
    next: Instant,
    /// Requests reserved and not sent yet.
    reserved: u32,
    /// End of a window in which the server's limit is nearly used up, and the interval between
    /// requests until then.
    low: Option<(Instant, Duration)>,
    /// End of a window in which the server's limit is used up.
    empty: Option<Instant>,
    /// End of a pause for which the server has asked.
    stopped: Option<Instant>,
    /// Consecutive answers *too many requests*.
    refusals: u32,
    /// Consecutive failures to fetch a document.
    failures: u32,
    /// End of a pause for documents, and its reason.
    down: Option<(Instant, String)>,
}

impl Rate {
    /// Creates the state. `rate` is above 0.
    pub(super) fn new(rate: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and that is enough"
        )]
        let burst = (rate as u32).max(1);
        Self { interval: Duration::try_from_secs_f64(rate.recip()).unwrap_or(Duration::MAX), burst }
    }
}

impl Origin {
    pub(super) fn new(rate: Option<Rate>, now: Instant) -> Self {
        Self {
            rate,
            next: now,
            reserved: 0,
            low: None,
            empty: None,
            stopped: None,
            refusals: 0,
            failures: 0,
            down: None,
        }
    }

    /// Counts one request, and returns the time at which it may be sent.
    pub(super) fn take(&mut self, now: Instant) -> Instant {
        let Some(Rate { interval, burst }) = self.current_rate(now) else { return now };
        let ahead = interval.saturating_mul(burst - 1);
        let start = self.next.checked_sub(ahead).unwrap_or(now).max(now);
        self.next = later(self.next.max(start), interval);
        start
    }

    /// Reserves a request that was waited for and is sent later.
    pub(super) fn keep(&mut self) {
        self.reserved += 1;
    }

    /// Counts a request that is sent now, or returns the pause that prevents it.
    pub(super) fn charge(&mut self, now: Instant) -> Option<Rest> {
        if let Some(left) = left(self.stopped, now) {
            return Some((left, TOO_MANY.to_owned()));
        }
        match self.reserved.checked_sub(1) {
            Some(fewer) => self.reserved = fewer,
            None => drop(self.take(now)),
        }
        None
    }

    /// Returns the remaining pause, if any.
    pub(super) fn rest(&self, now: Instant) -> Option<Rest> {
        if let Some(left) = left(self.stopped, now) {
            return Some((left, TOO_MANY.to_owned()));
        }
        let (until, why) = self.down.as_ref()?;
        left(Some(*until), now).map(|left| (left, why.clone()))
    }

    /// Returns the end of the server's window, if its limit is used up.
    pub(super) fn empty_until(&self, now: Instant) -> Option<Instant> {
        self.empty.filter(|until| *until > now)
    }

    /// Records an answer *too many requests*, with its `Retry-After`.
    pub(super) fn too_many(&mut self, wait: Option<Duration>, now: Instant) {
        let usual = BUSY_PAUSE.saturating_mul(1 << self.refusals.min(5));
        self.refusals += 1;
        let until = later(now, wait.unwrap_or(usual));
        self.stopped = Some(self.stopped.map_or(until, |earlier| earlier.max(until)));
    }

    pub(super) fn not_too_many(&mut self) {
        self.refusals = 0;
    }

    /// Leaves a part of the server's limit to the app, which has the same address.
    pub(super) fn learn_limit(&mut self, limit: RateLimit, now: Instant) {
        let RateLimit { limit, remaining, reset } = limit;
        let until = later(now, reset);
        if remaining == 0 {
            if reset > LONGEST_WINDOW {
                self.stopped = Some(until);
            } else {
                self.empty = Some(until);
            }
        } else if remaining.saturating_mul(100) < limit.saturating_mul(LOW_PERCENT) {
            // At most half of the remainder until the window ends.
            let share = u32::try_from(remaining / 2).unwrap_or(u32::MAX).max(1);
            self.low = Some((until, reset / share));
        }
    }

    /// Records whether a document could be fetched.
    pub(super) fn learn_health(&mut self, fetched: Result<(), String>, now: Instant) {
        let Err(why) = fetched else {
            (self.failures, self.down) = (0, None);
            return;
        };
        // Concurrent requests fail together and count once.
        if self.down.as_ref().is_some_and(|(until, _)| *until > now) {
            return;
        }
        self.failures += 1;
        if let Some(more) = self.failures.checked_sub(FAILURES) {
            let rest = FIRST_REST.saturating_mul(1 << more.min(16)).min(LONGEST_REST);
            self.down = Some((later(now, rest), why));
        }
    }

    /// Returns half of the rate while the server's limit is nearly used up, or less if that would
    /// not last.
    fn current_rate(&self, now: Instant) -> Option<Rate> {
        let low = self.low.filter(|(until, _)| *until > now);
        match (self.rate, low) {
            (rate, None) => rate,
            (None, Some((_, interval))) => Some(Rate { interval, burst: 1 }),
            (Some(rate), Some((_, interval))) => {
                Some(Rate { interval: interval.max(rate.interval.saturating_mul(2)), burst: 1 })
            }
        }
    }
}

const TOO_MANY: &str = "it has had too many requests (429)";

/// Returns a later time, or one in the far future on overflow.
fn later(time: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(366 * 24);
    time.checked_add(by.min(FAR)).unwrap_or(time)
}

fn left(until: Option<Instant>, now: Instant) -> Option<Duration> {
    let left = until?.saturating_duration_since(now);
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn origin(rate: f64) -> (Origin, Instant) {
        let now = Instant::now();
        (Origin::new((rate > 0.0).then(|| Rate::new(rate)), now), now)
    }

    /// Counts the requests permitted within `time` from `now` on.
    fn within(origin: &mut Origin, now: Instant, time: Duration) -> usize {
        (0..1000).take_while(|_| origin.take(now) < now + time).count()
    }

    #[test]
    fn a_rate_is_kept_with_a_second_s_worth_at_once() {
        let (mut one, now) = origin(5.0);
        assert_eq!(within(&mut one, now, 10 * SECOND), 54);
        let (mut slow, now) = origin(0.5);
        assert_eq!(within(&mut slow, now, 10 * SECOND), 5);
    }

    #[test]
    fn a_limit_nearly_used_up_halves_the_pace() {
        let (mut one, now) = origin(5.0);
        one.learn_limit(RateLimit { limit: 3000, remaining: 300, reset: 100 * SECOND }, now);
        assert_eq!(within(&mut one, now, 10 * SECOND), 54);
        let (mut one, now) = origin(5.0);
        one.learn_limit(RateLimit { limit: 3000, remaining: 299, reset: 20 * SECOND }, now);
        assert_eq!(within(&mut one, now, 10 * SECOND), 25);
        // Half of the remainder, since half of the rate would be more.
        let (mut one, now) = origin(5.0);
        one.learn_limit(RateLimit { limit: 3000, remaining: 20, reset: 10 * SECOND }, now);
        assert_eq!(within(&mut one, now, 10 * SECOND), 10);
        let (mut none, now) = origin(0.0);
        none.learn_limit(RateLimit { limit: 3000, remaining: 20, reset: 10 * SECOND }, now);
        assert_eq!(within(&mut none, now, 10 * SECOND), 10);
    }

    #[test]
    fn the_pace_recovers_with_the_next_window() {
        let (mut one, now) = origin(5.0);
        one.learn_limit(RateLimit { limit: 100, remaining: 1, reset: SECOND }, now);
        assert_eq!(one.empty_until(now), None);
        one.learn_limit(RateLimit { limit: 100, remaining: 0, reset: SECOND }, now);
        assert_eq!(one.empty_until(now), Some(now + SECOND));
        assert_eq!(one.empty_until(now + SECOND), None);
        assert_eq!(within(&mut one, now + 2 * SECOND, 10 * SECOND), 54);
    }

    #[test]
    fn a_window_of_a_day_is_not_waited_for() {
        let (mut one, now) = origin(5.0);
        one.learn_limit(RateLimit { limit: 100, remaining: 0, reset: 86_400 * SECOND }, now);
        assert_eq!((one.empty_until(now), one.rest(now).unwrap().0), (None, 86_400 * SECOND));
    }

    #[test]
    fn too_many_without_a_time_is_waited_out_ever_longer() {
        let (mut one, now) = origin(5.0);
        let mut waits = Vec::new();
        let mut at = now;
        for _ in 0..3 {
            one.too_many(None, at);
            let (wait, _) = one.rest(at).unwrap();
            waits.push(wait.as_secs());
            at += wait;
        }
        assert_eq!(waits, [2, 4, 8]);
        one.not_too_many();
        one.too_many(None, at);
        assert_eq!(one.rest(at).unwrap().0, 2 * SECOND);
        one.too_many(Some(7200 * SECOND), at);
        one.too_many(Some(SECOND), at);
        assert_eq!(one.rest(at).unwrap().0, 7200 * SECOND, "the longer wait counts");
    }

    #[test]
    fn an_origin_that_is_down_rests_longer_each_time_and_recovers() {
        let (mut one, mut at) = origin(0.0);
        let mut rests = Vec::new();
        for _ in 0..4 {
            // Concurrent failures count once.
            for _ in 0..16 {
                one.learn_health(Err("down".to_owned()), at);
            }
            let (rest, _) = one.rest(at).unwrap();
            rests.push(rest.as_secs());
            at += rest;
        }
        assert_eq!(rests, [5, 10, 20, 40]);
        assert!(one.rest(at).is_none());
        one.learn_health(Ok(()), at);
        one.learn_health(Err("once".to_owned()), at);
        assert!(one.rest(at).is_none());
    }
}
