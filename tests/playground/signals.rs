//! Signals: Ctrl-C, a kill and a closed terminal all end the playground, so that its directory is
//! removed.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// Stream of signals.
pub(crate) struct Signals(Receiver<()>);

impl Signals {
    /// Installs the handlers. Signals no longer end the process.
    pub(crate) fn listen() -> io::Result<Self> {
        let (sender, receiver) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate, mut hangup) = {
            let _guard = runtime.enter();
            (
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            )
        };
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
            });
            // The receiver may have ended by itself.
            let _ = sender.send(());
        });
        Ok(Self(receiver))
    }

    /// Checks whether a signal was received.
    pub(crate) fn came(&self) -> bool {
        self.0.try_recv().is_ok()
    }

    /// Waits for a signal, calling `meanwhile` a few times per second.
    pub(crate) fn wait(&self, mut meanwhile: impl FnMut()) {
        while let Err(RecvTimeoutError::Timeout) = self.0.recv_timeout(Duration::from_millis(200)) {
            meanwhile();
        }
    }
}
