//! Listening sockets, and those that a worker hears.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use crate::limits;
use crate::sys::poll::Poller;
use crate::sys::udp;
use crate::tftp::server::StartError;

/// One listening socket.
#[derive(Debug)]
pub struct Listener {
    /// It.
    pub socket: UdpSocket,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it was told to listen; differs in port 0 only.
    told: SocketAddr,
}

impl Listener {
    /// Opens one.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn open(address: SocketAddr) -> Result<Arc<Listener>, StartError> {
        let open = || {
            let socket = udp::listen(address, limits::TFTP_QUEUE_BYTES)?;
            let local = socket.local_addr()?;
            Ok(Arc::new(Listener {
                socket,
                address: local,
                told: address,
            }))
        };
        open().map_err(|source| StartError::Listen { address, source })
    }

    /// Where it was told to listen.
    pub fn told(&self) -> SocketAddr {
        self.told
    }
}

/// The listeners that one worker hears, by token. One that is wanted no longer takes no request, and
/// stays only for single-port transfers that came by it.
#[derive(Debug, Default)]
pub struct Heard {
    listeners: HashMap<u64, Arc<Listener>>,
    next: u64,
}

impl Heard {
    /// The listener of a token.
    pub fn get(&self, token: u64) -> Option<Arc<Listener>> {
        self.listeners.get(&token).cloned()
    }

    /// How many are heard.
    pub fn len(&self) -> usize {
        self.listeners.len()
    }

    /// Hears those of `wanted` that are new, with tokens below `end`.
    ///
    /// # Errors
    /// What the poller reports.
    pub fn join(&mut self, wanted: &[Arc<Listener>], poller: &Poller, end: u64) -> io::Result<()> {
        for listener in wanted {
            if !contains(self.listeners.values(), listener) {
                poller.add_shared(&listener.socket, self.next)?;
                self.listeners.insert(self.next, listener.clone());
                self.next = (self.next + 1) % end;
            }
        }
        Ok(())
    }

    /// Lets go of those that are neither wanted nor needed.
    pub fn leave(
        &mut self,
        wanted: &[Arc<Listener>],
        poller: &Poller,
        needed: impl Fn(&Arc<Listener>) -> bool,
    ) {
        self.listeners.retain(|_, listener| {
            let stays = contains(wanted.iter(), listener) || needed(listener);
            if !stays {
                let _ = poller.remove(&listener.socket);
            }
            stays
        });
    }
}

/// Whether this very socket is among them.
pub fn contains<'a>(
    mut listeners: impl Iterator<Item = &'a Arc<Listener>>,
    one: &Arc<Listener>,
) -> bool {
    listeners.any(|listener| Arc::ptr_eq(listener, one))
}
