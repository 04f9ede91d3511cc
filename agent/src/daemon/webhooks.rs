//! Tells webhooks of events, each on a thread of its own, so that one that is slow or away holds up
//! neither a boot nor another.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::journal::Journal;
use crate::api::{self, Api, Follow};
use crate::config::{self, Config};
use crate::event::Stamped;
use crate::limits;
use crate::notify::{self, Webhook};
use crate::stamp;

/// Those that run.
#[derive(Default)]
pub struct Webhooks(Mutex<Vec<Arc<Running>>>);

struct Running {
    declared: config::Webhook,
    state: State,
    /// Dropped to end it.
    end: Mutex<Option<mpsc::Sender<()>>>,
}

#[derive(Default)]
struct State {
    sent: AtomicU64,
    left_out: AtomicU64,
    is_over: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl Webhooks {
    /// Those of a configuration run from now on; one that did not change goes on where it is.
    pub fn run(&self, config: &Config, api: &Arc<Api>, journal: &Journal) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|one| {
            let stays = config.webhooks.contains(&one.declared);
            if !stays {
                one.state.is_over.store(true, Ordering::Relaxed);
                one.end
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take();
            }
            stays
        });
        for declared in &config.webhooks {
            if running.iter().any(|one| one.declared == *declared) {
                continue;
            }
            let (end, ended) = mpsc::channel();
            let one = Arc::new(Running {
                declared: declared.clone(),
                state: State::default(),
                end: Mutex::new(Some(end)),
            });
            let worker = Worker {
                running: one.clone(),
                hook: Webhook::new(declared.clone(), config.fetch.proxy.as_ref()),
                api: api.clone(),
                ended,
            };
            let events = journal.listen();
            let thread = std::thread::Builder::new().name("webhook".to_owned());
            match thread.spawn(move || worker.run(events)) {
                Ok(_) => running.push(one),
                Err(error) => log::error!("starting webhook {}: {error}", declared.name),
            }
        }
    }

    /// How they do.
    pub fn status(&self) -> Vec<Value> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = running.iter().map(|one| {
            let state = &one.state;
            let trouble = state.trouble.lock();
            json!({
                "name": one.declared.name,
                "sent": state.sent.load(Ordering::Relaxed),
                "left_out": state.left_out.load(Ordering::Relaxed),
                "trouble": *trouble.unwrap_or_else(PoisonError::into_inner),
            })
        });
        shown.collect()
    }
}

struct Worker {
    running: Arc<Running>,
    hook: Webhook,
    api: Arc<Api>,
    ended: mpsc::Receiver<()>,
}

impl Worker {
    fn run(self, mut events: broadcast::Receiver<Arc<Stamped>>) {
        let mut last = None;
        loop {
            match events.blocking_recv() {
                Ok(event) if last.is_some_and(|last| event.seq <= last) => {}
                Ok(event) => {
                    last = Some(event.seq);
                    self.tell(&event);
                }
                Err(RecvError::Lagged(_)) => last = self.catch_up(last),
                Err(RecvError::Closed) => return,
            }
            if self.running.state.is_over.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Tells what happened while it was busy: that is in the database.
    fn catch_up(&self, last: Option<u64>) -> Option<u64> {
        let mut last = last?;
        let _ = self.api.census.store().settled().wait();
        while let Ok(page) = self.api.behind(&Follow::all(), last) {
            let Some(end) = page.last().map(|event| event.seq) else {
                break;
            };
            page.iter().for_each(|event| self.tell(event));
            last = end;
            if self.running.state.is_over.load(Ordering::Relaxed) {
                break;
            }
        }
        Some(last)
    }

    /// Tries for as long as there is hope.
    fn tell(&self, event: &Stamped) {
        let kind = api::kind(event);
        if !self.hook.wants(&kind) {
            return;
        }
        let (name, state) = (&self.running.declared.name, &self.running.state);
        let body = self.body(event);
        for tries in 1..=limits::WEBHOOK_TRIES {
            let refused = match self.hook.send(event.seq, &kind, &body, stamp::now()) {
                Ok(()) => {
                    state.sent.fetch_add(1, Ordering::Relaxed);
                    if self.trouble_is(None) {
                        log::info!("webhook {name} takes events again");
                    }
                    return;
                }
                Err(refused) => refused,
            };
            if !self.trouble_is(Some(refused.to_string())) {
                log::warn!("webhook {name}: {refused}; it is tried again");
            }
            let goes_on = !refused.is_lasting && tries < limits::WEBHOOK_TRIES;
            if !goes_on || self.is_ended_within(tries) {
                break;
            }
        }
        state.left_out.fetch_add(1, Ordering::Relaxed);
        log::warn!("webhook {name}: event {} is left out", event.seq);
    }

    fn body(&self, event: &Stamped) -> String {
        let mut body = api::event(event);
        let machine = event.machine.and_then(|id| self.api.census.get(id));
        body["label"] = machine.map(|record| record.label()).into();
        body.to_string()
    }

    /// Keeps what is wrong now; `true`: something was wrong before.
    fn trouble_is(&self, trouble: Option<String>) -> bool {
        let state = &self.running.state;
        let mut kept = state.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *kept, trouble).is_some()
    }

    /// Waits before the next try; `true`: there is to be none.
    fn is_ended_within(&self, tries: u32) -> bool {
        let wait = self.ended.recv_timeout(notify::pause(tries));
        wait != Err(mpsc::RecvTimeoutError::Timeout)
    }
}
