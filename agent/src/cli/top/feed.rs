//! Asks the agent again and again, on a thread of its own, so that keys are answered while it is slow.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::Builder;
use std::time::Instant;

use nix::sys::signal::{SigSet, Signal};

use super::snapshot::Snapshot;
use crate::cli::client::Client;
use crate::cli::exit::Failed;
use crate::limits;

/// What is new.
#[derive(Debug)]
pub enum News {
    /// What is under way.
    Live(Snapshot),
    /// A machine's timeline.
    Timeline(u64, String),
    /// The agent does not answer: why.
    Trouble(String),
    /// This program is to end.
    Signal(Signal),
}

/// What is under way now.
///
/// # Errors
/// The agent does not answer, or is of another version.
pub fn look(client: &mut Client) -> Result<Snapshot, Failed> {
    let answer = client.get("live")?;
    Snapshot::of(answer).ok_or_else(|| {
        Failed::new(
            crate::cli::exit::DATA,
            "the agent's answer is not understood; is it of another version?",
        )
    })
}

/// Asks until nobody wants to know any more. `wanted` says whose timeline is wanted too.
///
/// # Errors
/// The system has no thread left.
pub fn start(
    mut client: Client,
    wanted: Receiver<Option<u64>>,
    news: SyncSender<News>,
) -> io::Result<()> {
    let ask = move || {
        let mut timeline = None;
        loop {
            let began = Instant::now();
            let mut all = vec![match look(&mut client) {
                Ok(snapshot) => News::Live(snapshot),
                Err(failed) => News::Trouble(failed.text),
            }];
            if let Some(machine) = timeline {
                let told = client.get(&format!("machines/{machine}/timeline"));
                all.push(News::Timeline(
                    machine,
                    match told {
                        Ok(answer) => answer["text"].as_str().unwrap_or_default().to_owned(),
                        Err(failed) => failed.text,
                    },
                ));
            }
            for one in all {
                if news.send(one).is_err() {
                    return;
                }
            }
            match wanted.recv_timeout(limits::TOP_LOOK.saturating_sub(began.elapsed())) {
                Ok(machine) => timeline = machine,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    };
    Builder::new().name("feed".to_owned()).spawn(ask)?;
    Ok(())
}

/// Signals that end the program, blocked in every thread: call it before any is started. Each comes as
/// news.
///
/// # Errors
/// The system refuses it.
pub fn signals(news: SyncSender<News>) -> io::Result<()> {
    let set: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect();
    set.thread_block()?;
    let wait = move || {
        while let Ok(signal) = set.wait() {
            if news.send(News::Signal(signal)).is_err() {
                return;
            }
        }
    };
    Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}
