//! What is being sent now, for whoever looks: files on their way, each with the socket that it goes over.
//!
//! A transfer enters when its answer is made and leaves when it ends. In between nothing but a counter
//! of its own moves, so that who looks holds up nobody.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use tokio::net::TcpStream;

use crate::event::{UnderWay, Via};
use crate::sync::held;
use crate::sys::sendfile::unacknowledged;

/// Files on their way.
#[derive(Debug, Default)]
pub struct Running {
    files: Mutex<HashMap<u64, Arc<Sent>>>,
    next: AtomicU64,
}

/// One of them.
#[derive(Debug)]
struct Sent {
    peer: SocketAddr,
    name: String,
    size: u64,
    began: Instant,
    socket: Weak<TcpStream>,
    /// Bytes that the kernel has taken.
    bytes: AtomicU64,
}

/// A file's place among them; leaves when it is dropped.
#[derive(Debug)]
pub struct Entry {
    running: Arc<Running>,
    id: u64,
    sent: Arc<Sent>,
}

impl Running {
    /// Enters a file of which `size` bytes go over this socket.
    pub fn enter(
        self: &Arc<Running>,
        (peer, name): (SocketAddr, String),
        size: u64,
        began: Instant,
        socket: Weak<TcpStream>,
    ) -> Entry {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let sent = Arc::new(Sent {
            peer,
            name,
            size,
            began,
            socket,
            bytes: AtomicU64::new(0),
        });
        held(&self.files).insert(id, sent.clone());
        Entry {
            running: self.clone(),
            id,
            sent,
        }
    }

    /// All of them now.
    pub fn under_way(&self) -> Vec<UnderWay> {
        let files: Vec<_> = held(&self.files).values().cloned().collect();
        files.iter().map(|sent| sent.shown()).collect()
    }
}

impl Sent {
    /// The kernel may hold megabytes for a slow client: they are not the client's yet.
    fn shown(&self) -> UnderWay {
        let taken = self.bytes.load(Ordering::Relaxed);
        let socket = self.socket.upgrade();
        let waiting = socket.and_then(|socket| unacknowledged(socket.as_fd()).ok());
        UnderWay {
            via: Via::Http,
            peer: self.peer,
            name: self.name.clone(),
            bytes: taken.saturating_sub(waiting.unwrap_or(0)),
            size: self.size,
            began: self.began,
        }
    }
}

impl Entry {
    /// The kernel took more bytes.
    pub fn took(&self, bytes: u64) {
        self.sent.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        held(&self.running.files).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_until_its_entry_is_dropped() {
        let running = Arc::new(Running::default());
        let peer: SocketAddr = "10.0.0.9:70".parse().unwrap();
        let began = Instant::now();
        let entry = running.enter((peer, "initrd".to_owned()), 900, began, Weak::new());
        entry.took(500);
        entry.took(100);
        let shown = running.under_way();
        assert_eq!(shown.len(), 1);
        assert_eq!((shown[0].bytes, shown[0].size), (600, 900));
        assert_eq!((shown[0].name.as_str(), shown[0].peer), ("initrd", peer));
        drop(entry);
        assert_eq!(running.under_way(), []);
    }
}
