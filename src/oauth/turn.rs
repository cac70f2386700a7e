//! Taking turns at servers whose nonces are good for one request.
//!
//! Most servers take the same nonce for minutes. One may just as well give every answer a nonce of its own (RFC 9449
//! section 8.2): then, of all requests made at once with the newest one, it considers the first, and as many others as are
//! made use up what those need to be made again. To such a server one speaks alone.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::server::AuthorizationServer;

/// How often to make a request once more while others speak to the server, too. When a server's minutes are over, it takes
/// once.
const RETRIES_AMONG_OTHERS: u32 = 2;
/// How often alone. Other programs may still speak to the server.
const RETRIES_ALONE: u32 = 8;

/// Who may speak to a server: all at once until that has turned out to be in vain, then one at a time.
#[derive(Default)]
pub(super) struct Turns {
    one_at_a_time: AtomicBool,
    speaking: RwLock<()>,
}

/// The right to speak to a server.
pub struct Turn<'s> {
    turns: &'s Turns,
    hold: Hold<'s>,
    retries: u32,
}

enum Hold<'s> {
    AmongOthers { _until_dropped: RwLockReadGuard<'s, ()> },
    Alone { _until_dropped: RwLockWriteGuard<'s, ()> },
}

impl AuthorizationServer {
    /// Waits for the right to speak to this server. Nobody waits but at a server whose nonces are good for one request.
    pub async fn turn(&self) -> Turn<'_> {
        self.turns.take().await
    }
}

impl Turns {
    async fn take(&self) -> Turn<'_> {
        let among_others = self.speaking.read().await;
        // Asked only now: whoever was waited for may have found out.
        let hold = if self.one_at_a_time.load(Ordering::SeqCst) {
            drop(among_others);
            Hold::Alone { _until_dropped: self.speaking.write().await }
        } else {
            Hold::AmongOthers { _until_dropped: among_others }
        };
        Turn { turns: self, hold, retries: 0 }
    }
}

impl Turn<'_> {
    /// Whether a request that was not considered, for want of the newest nonce, is to be made once more in this turn. If
    /// not, all turns at this server are taken alone from now on.
    pub fn once_more(&mut self) -> bool {
        self.retries += 1;
        let most = match self.hold {
            Hold::AmongOthers { .. } => RETRIES_AMONG_OTHERS,
            Hold::Alone { .. } => RETRIES_ALONE,
        };
        if self.retries > most {
            self.turns.one_at_a_time.store(true, Ordering::SeqCst);
        }
        self.retries <= most
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Asks for so many retries, and returns how many of them were granted.
    fn granted(turn: &mut Turn<'_>, asked: u32) -> u32 {
        (0..asked).map(|_| u32::from(turn.once_more())).sum()
    }

    #[tokio::test]
    async fn all_speak_at_once_while_a_retry_or_two_help() {
        let turns = Turns::default();
        let (mut one, mut two) = (turns.take().await, turns.take().await);
        assert_eq!(granted(&mut one, RETRIES_AMONG_OTHERS), RETRIES_AMONG_OTHERS);
        assert_eq!(granted(&mut two, RETRIES_AMONG_OTHERS), RETRIES_AMONG_OTHERS);
        drop(turns.take().now_or_never().unwrap());
    }

    #[tokio::test]
    async fn where_they_do_not_help_everybody_waits_until_all_others_are_silent() {
        let turns = Turns::default();
        let (mut one, two) = (turns.take().await, turns.take().await);
        assert_eq!(granted(&mut one, 9), RETRIES_AMONG_OTHERS);
        drop(one);
        assert!(turns.take().now_or_never().is_none());
        drop(two);
        let mut alone = turns.take().now_or_never().unwrap();
        assert!(turns.take().now_or_never().is_none());
        assert_eq!(granted(&mut alone, 99), RETRIES_ALONE);
        drop(alone);
        drop(turns.take().now_or_never().unwrap());
    }
}
