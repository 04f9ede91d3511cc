//! How many transfers there may be, in all and for one client.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::config;

/// The places of all transfers: the ports of each client.
#[derive(Debug, Default)]
pub struct Places {
    taken: Mutex<HashMap<IpAddr, Vec<u16>>>,
    empty: Condvar,
}

/// A transfer's place; given back when it is dropped.
pub struct Place {
    places: Arc<Places>,
    peer: SocketAddr,
}

impl Places {
    /// Takes a place. The error says why there is none; `None` there means that this client's
    /// transfer has begun already.
    pub fn take(
        self: &Arc<Places>,
        peer: SocketAddr,
        limits: config::Tftp,
    ) -> Result<Place, Option<String>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().map(Vec::len).sum();
        let ports = taken.get(&peer.ip());
        let own = ports.map_or(0, Vec::len);
        if ports.is_some_and(|ports| ports.contains(&peer.port())) {
            return Err(None);
        }
        if own >= limits.transfers_per_address as usize {
            return Err(Some(format!("{own} transfers go to this address")));
        }
        if all >= limits.transfers as usize {
            return Err(Some(format!("{all} transfers are under way")));
        }
        taken.entry(peer.ip()).or_default().push(peer.port());
        Ok(Place {
            places: self.clone(),
            peer,
        })
    }

    /// How many are taken.
    pub fn count(&self) -> usize {
        self.taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(Vec::len)
            .sum()
    }

    /// Waits until no place is taken, but not for ever; says how many are taken then.
    pub fn wait_until_empty(&self, longest: Duration) -> usize {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, _) = self
            .empty
            .wait_timeout_while(taken, longest, |taken| !taken.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        taken.values().map(Vec::len).sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self
            .places
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(ports) = taken.get_mut(&self.peer.ip()) {
            ports.retain(|port| *port != self.peer.port());
            if ports.is_empty() {
                taken.remove(&self.peer.ip());
            }
        }
        if taken.is_empty() {
            self.places.empty.notify_all();
        }
    }
}
