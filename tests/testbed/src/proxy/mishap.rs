//! Mishaps of single messages: messages are counted over all connections, so that a test can
//! iterate over them.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From a client to the upstream.
    Up,
    /// From the upstream to a client.
    Down,
}

/// Place in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Direction of the message.
    pub way: Way,
    /// Number in its direction, from 0, over all connections. A message is the data that arrives at
    /// once.
    pub message: u64,
    /// True for the middle of the message, false for its start.
    pub halfway: bool,
}

/// Mishap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Closes the connection.
    Cut,
    /// Closes only this direction.
    HalfClose,
    /// Delays the rest.
    Delay(Duration),
    /// Inverts the rest of the message, bit by bit.
    Garble,
    /// Drops the rest of this direction, and keeps the connection open.
    Silence,
    /// Stops the upstream: closes all connections, and accepts no others.
    Death,
}

/// Planned mishap, and the messages so far.
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

    /// Counts a message. Returns its mishap, and the number of bytes that pass before.
    pub(super) fn befalls(&self, way: Way, bytes: &[u8]) -> Option<(Mishap, usize)> {
        let mut state = self.state();
        let counted = &mut state.messages[way as usize];
        let message = *counted;
        *counted += 1;
        let (spot, mishap) =
            state.planned.filter(|(spot, _)| (spot.way, spot.message) == (way, message))?;
        state.struck = true;
        // A delayed answer still arrives.
        if way == Way::Down && !matches!(mishap, Mishap::Delay(_)) {
            state.spoilt = Some(bytes.to_vec());
        }
        Some((mishap, if spot.halfway { bytes.len() / 2 } else { 0 }))
    }
}
