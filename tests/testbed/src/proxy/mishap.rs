//! What befalls one message of a conversation: messages are counted over all connections, so that a
//! test can go through them one after the other.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From a client to the upstream.
    Up,
    /// From the upstream to a client.
    Down,
}

/// A place in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The way of the message.
    pub way: Way,
    /// Its number that way, from 0, over all connections. A message is what arrives at once.
    pub message: u64,
    /// In the middle of it rather than before it.
    pub halfway: bool,
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The connection is cut.
    Cut,
    /// Only this direction of the connection ends.
    HalfClose,
    /// What follows comes later.
    Delay(Duration),
    /// What follows of this message is inverted, bit by bit.
    Garble,
    /// Nothing follows this way, and the connection stays open.
    Silence,
    /// The upstream is gone: all connections are cut, and no others are accepted.
    Death,
}

/// The mishap to come, and what there was.
#[derive(Debug, Default)]
pub(super) struct Fate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    planned: Option<(Spot, Mishap)>,
    messages: [u64; 2],
    struck: bool,
    spoilt: Option<Vec<u8>>,
}

impl Fate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn plan(&self, planned: Option<(Spot, Mishap)>) {
        *self.state() = State { planned, ..State::default() };
    }

    pub(super) fn messages(&self) -> [u64; 2] {
        self.state().messages
    }

    pub(super) fn struck(&self) -> bool {
        self.state().struck
    }

    pub(super) fn spoilt(&self) -> Option<Vec<u8>> {
        self.state().spoilt.clone()
    }

    /// Counts a message; what befalls it, and how much of it comes through before.
    pub(super) fn befalls(&self, way: Way, bytes: &[u8]) -> Option<(Mishap, usize)> {
        let mut state = self.state();
        let counted = &mut state.messages[way as usize];
        let message = *counted;
        *counted += 1;
        let (spot, mishap) =
            state.planned.filter(|(spot, _)| (spot.way, spot.message) == (way, message))?;
        state.struck = true;
        // What is only late arrives.
        if way == Way::Down && !matches!(mishap, Mishap::Delay(_)) {
            state.spoilt = Some(bytes.to_vec());
        }
        Some((mishap, if spot.halfway { bytes.len() / 2 } else { 0 }))
    }
}
