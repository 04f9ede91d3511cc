//! Signals, waited for like anything else: no handler, no state that a handler may not touch.

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::error::Error;

/// The signals that mean something, blocked in every thread.
#[derive(Clone, Copy, Debug)]
pub struct Signals(SigSet);

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGHUP.
    Reload,
    /// SIGUSR1, by [`ask_to_change`]: fragments wait to be changed.
    Change,
    /// SIGTERM, SIGINT.
    Stop,
}

impl Signals {
    /// Blocks them. Call it before any thread starts, so that none of them gets one.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn block() -> Result<Signals, Error> {
        let set: SigSet = [
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
            Signal::SIGUSR1,
        ]
        .into_iter()
        .collect();
        set.thread_block()
            .map_err(|error| Error::System(format!("blocking signals: {error}")))?;
        Ok(Signals(set))
    }

    /// Waits for the next.
    pub fn next(self) -> Asked {
        loop {
            match self.0.wait() {
                Ok(Signal::SIGHUP) => return Asked::Reload,
                Ok(Signal::SIGUSR1) => return Asked::Change,
                Ok(_) => return Asked::Stop,
                // sigwait(2) says that only of a set that is none; FreeBSD may interrupt it.
                Err(error) => log::debug!("waiting for signals: {error}"),
            }
        }
    }
}

/// Has whoever waits for signals look for fragments that wait.
pub fn ask_to_change() {
    let _ = kill(Pid::this(), Signal::SIGUSR1);
}

/// Has whoever waits for signals stop the agent.
pub fn ask_to_stop() {
    let _ = kill(Pid::this(), Signal::SIGTERM);
}
