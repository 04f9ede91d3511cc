//! Hands events on to one who follows them, as they happen: from the database what is missed, then what
//! comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

use crate::api::{self, Api, Follow};
use crate::event::Stamped;
use crate::limits;

/// One of [`limits::API_FOLLOWERS`]; free again when dropped.
pub struct Seat(Arc<AtomicUsize>);

impl Seat {
    /// Takes one, if there is one.
    pub fn take(taken: &Arc<AtomicUsize>) -> Option<Seat> {
        let more = |now| (now < limits::API_FOLLOWERS).then_some(now + 1);
        let order = Ordering::Relaxed;
        taken.fetch_update(order, order, more).ok()?;
        Some(Seat(taken.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who is handed events.
pub struct Follower {
    pub api: Arc<Api>,
    pub follow: Follow,
    /// The token that it showed; none on the control socket.
    pub bearer: Option<String>,
    pub events: broadcast::Receiver<Arc<Stamped>>,
    pub pieces: mpsc::Sender<Bytes>,
    /// Kept until the end.
    pub _seat: Seat,
}

impl Follower {
    /// Goes on until the other side closes, its token ends, or the agent stops.
    pub async fn run(mut self) {
        // Without a last event there is nothing that could be missed.
        let mut last = self.follow.last;
        let mut behind = last.is_some();
        loop {
            if let (true, Some(from)) = (behind, last) {
                match self.catch_up(from).await {
                    Some(to) => last = Some(to),
                    None => return,
                }
                behind = false;
            }
            let next = tokio::time::timeout(limits::API_ALIVE, self.events.recv());
            let next = tokio::select! {
                next = next => next,
                () = self.pieces.closed() => return,
            };
            match next {
                Err(_) => {
                    if !self.send(api::ALIVE.to_owned()).await {
                        return;
                    }
                }
                Ok(Err(RecvError::Lagged(_))) => behind = last.is_some(),
                Ok(Err(RecvError::Closed)) => return,
                Ok(Ok(event)) if last.is_some_and(|last| event.seq <= last) => {}
                Ok(Ok(event)) => {
                    last = Some(event.seq);
                    if self.follow.wants(&event) && !self.send(api::piece(&event)).await {
                        return;
                    }
                }
            }
        }
    }

    /// Sends what is in the database behind a number; returns the last one's, or none if nobody
    /// listens any more.
    async fn catch_up(&self, mut last: u64) -> Option<u64> {
        // What was told before this client listened is there once this has ended.
        let settled = self.api.census.store().settled().written();
        let _ = tokio::time::timeout(limits::STORE_PATIENCE, settled).await;
        loop {
            let (api, follow) = (self.api.clone(), self.follow.clone());
            let page = tokio::task::spawn_blocking(move || api.behind(&follow, last));
            let page = match page.await {
                Ok(Ok(page)) => page,
                Ok(Err(_)) | Err(_) => return None,
            };
            let Some(end) = page.last().map(|event| event.seq) else {
                return Some(last);
            };
            for event in &page {
                if !self.send(api::piece(event)).await {
                    return None;
                }
            }
            last = end;
        }
    }

    /// `false`: nobody listens any more, or nobody who may.
    async fn send(&self, piece: String) -> bool {
        let may = |bearer: &String| matches!(self.api.bearer(Some(bearer)), Ok(Some(_)));
        self.bearer.as_ref().is_none_or(may) && self.pieces.send(Bytes::from(piece)).await.is_ok()
    }
}
