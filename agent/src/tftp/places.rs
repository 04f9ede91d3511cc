//! Who has a transfer: the limits in all and per address, and requests that are repeated.

use crate::event::{UnderWay, Via};
use crate::sync::held;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A client at its port, and the address of ours that it asked.
pub type Key = (SocketAddr, IpAddr);

/// A client that has acknowledged nothing for this long while it had a transfer, and sends the same
/// request again, was started anew: no firmware waits less before it repeats a request.
const ANEW: Duration = Duration::from_secs(1);

/// The places of all transfers.
#[derive(Debug, Default)]
pub struct Places {
    taken: Mutex<Taken>,
    empty: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    claims: HashMap<Key, Arc<Claim>>,
    addresses: HashMap<IpAddr, u32>,
    all: u32,
}

/// What other workers may know and say of a transfer.
#[derive(Debug)]
pub struct Claim {
    request: Vec<u8>,
    begun: Instant,
    /// Milliseconds from `begun` to the last acknowledgement of a block; zero: none yet.
    progressed: AtomicU64,
    superseded: AtomicBool,
    /// The name and size of what is sent, once that is known.
    sends: OnceLock<(String, u64)>,
    /// Bytes that the client has acknowledged.
    acknowledged: AtomicU64,
}

impl Claim {
    /// Notes what is sent: its name, and its size in bytes.
    pub fn sends(&self, name: &str, size: u64) {
        let _ = self.sends.set((name.to_owned(), size));
    }

    /// Notes when the client last acknowledged a block, and how many bytes it has now.
    pub fn progress(&self, acknowledged: u64, now: Instant) {
        self.acknowledged.store(acknowledged, Ordering::Relaxed);
        let since = now.saturating_duration_since(self.begun).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX).max(1);
        if self.progressed.load(Ordering::Relaxed) != since {
            self.progressed.store(since, Ordering::Relaxed);
        }
    }

    /// Whether the client has begun another transfer from the same port, so that this one is over.
    pub fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }

    /// Whether this request says that the client has forgotten its transfer: it asks for something
    /// else, or the same long after it stopped taking blocks.
    fn is_forgotten(&self, request: &[u8], now: Instant) -> bool {
        let progressed = match self.progressed.load(Ordering::Relaxed) {
            0 => None,
            since => Some(self.begun + Duration::from_millis(since)),
        };
        let stuck = progressed.is_some_and(|at| now.saturating_duration_since(at) >= ANEW);
        self.request != request || stuck
    }
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
pub enum Taking {
    /// The request repeats one whose answer is on its way: nothing is to be done.
    Repeated,
    /// So many transfers go to this address.
    AddressFull(u32),
    /// So many transfers are under way.
    Full(u32),
}

/// A transfer's place; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    key: Key,
    claim: Arc<Claim>,
}

impl Place {
    /// What other workers may know and say of this transfer.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Whose it is.
    pub fn key(&self) -> Key {
        self.key
    }
}

impl Places {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        held(&self.taken)
    }

    /// Takes a place for a request, at most `all` of them and `each` for one address.
    ///
    /// # Errors
    /// [`Taking`].
    pub fn take(
        self: &Arc<Places>,
        key: Key,
        request: &[u8],
        (all, each): (u32, u32),
        now: Instant,
    ) -> Result<Place, Taking> {
        let mut taken = self.taken();
        if let Some(claim) = taken.claims.get(&key) {
            if !claim.is_forgotten(request, now) {
                return Err(Taking::Repeated);
            }
            claim.superseded.store(true, Ordering::Relaxed);
            taken.give_back(&key);
        }
        let own = taken.addresses.get(&key.0.ip()).copied().unwrap_or(0);
        if own >= each {
            return Err(Taking::AddressFull(own));
        }
        if taken.all >= all {
            return Err(Taking::Full(taken.all));
        }
        let claim = Arc::new(Claim {
            request: request.to_owned(),
            begun: now,
            progressed: AtomicU64::new(0),
            superseded: AtomicBool::new(false),
            sends: OnceLock::new(),
            acknowledged: AtomicU64::new(0),
        });
        taken.claims.insert(key, claim.clone());
        taken.all += 1;
        *taken.addresses.entry(key.0.ip()).or_default() += 1;
        Ok(Place {
            places: self.clone(),
            key,
            claim,
        })
    }

    /// Transfers now.
    pub fn count(&self) -> u32 {
        self.taken().all
    }

    /// The transfers now. Nobody begins or ends one while they are counted, which takes some
    /// microseconds; what is sent meanwhile is not held up.
    pub fn under_way(&self) -> Vec<UnderWay> {
        let claims: Vec<_> = {
            let taken = self.taken();
            let claims = taken.claims.iter();
            claims.map(|(key, claim)| (key.0, claim.clone())).collect()
        };
        let shown = claims.iter().filter_map(|(peer, claim)| {
            let (name, size) = claim.sends.get()?;
            Some(UnderWay {
                via: Via::Tftp,
                peer: *peer,
                name: name.clone(),
                bytes: claim.acknowledged.load(Ordering::Relaxed),
                size: *size,
                began: claim.begun,
            })
        });
        shown.collect()
    }

    /// Waits until there is none, but not for ever; says how many there are then.
    pub fn wait_until_empty(&self, longest: Duration) -> u32 {
        let (taken, _) = self
            .empty
            .wait_timeout_while(self.taken(), longest, |taken| taken.all > 0)
            .unwrap_or_else(PoisonError::into_inner);
        taken.all
    }
}

impl Taken {
    fn give_back(&mut self, key: &Key) {
        self.claims.remove(key);
        self.all -= 1;
        if let Some(own) = self.addresses.get_mut(&key.0.ip()) {
            *own -= 1;
            if *own == 0 {
                self.addresses.remove(&key.0.ip());
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        // A transfer that was superseded has given its place back already.
        let own = taken.claims.get(&self.key);
        if own.is_some_and(|claim| Arc::ptr_eq(claim, &self.claim)) {
            taken.give_back(&self.key);
        }
        if taken.all == 0 {
            self.places.empty.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: (u32, u32) = (4, 2);

    fn key(peer: &str) -> Key {
        (peer.parse().unwrap(), "10.0.0.1".parse().unwrap())
    }

    #[test]
    fn a_repeated_request_starts_nothing() {
        let (places, now) = (Arc::<Places>::default(), Instant::now());
        let asking = |at| places.take(key("10.0.0.9:70"), b"same", LIMITS, at);
        let place = asking(now).unwrap();
        assert_eq!(asking(now).unwrap_err(), Taking::Repeated);
        // Without any block acknowledged it is the answer that was lost, however late it is.
        assert_eq!(asking(now + ANEW * 9).unwrap_err(), Taking::Repeated);
        place.claim().progress(512, now + ANEW);
        assert_eq!(asking(now + ANEW).unwrap_err(), Taking::Repeated);
        assert_eq!(places.count(), 1);
        drop(place);
        assert_eq!(places.count(), 0);
        asking(now).unwrap();
    }

    #[test]
    fn a_client_that_was_reset_need_not_wait_for_its_old_transfer() {
        let (places, now) = (Arc::<Places>::default(), Instant::now());
        let asking = |at| places.take(key("10.0.0.9:70"), b"same", LIMITS, at);
        let old = asking(now).unwrap();
        old.claim().progress(512, now);
        let new = asking(now + ANEW * 2).unwrap();
        assert!(old.claim().is_superseded() && !new.claim().is_superseded());
        assert_eq!(places.count(), 1);
        drop(old);
        assert_eq!(places.count(), 1);
        assert_eq!(asking(now + ANEW * 2).unwrap_err(), Taking::Repeated);
    }

    #[test]
    fn another_request_from_the_same_port_ends_the_first() {
        let (places, now) = (Arc::<Places>::default(), Instant::now());
        let probe = places
            .take(key("10.0.0.9:70"), b"size?", LIMITS, now)
            .unwrap();
        let _place = places
            .take(key("10.0.0.9:70"), b"file", LIMITS, now)
            .unwrap();
        assert!(probe.claim().is_superseded());
    }

    #[test]
    fn what_is_under_way_is_shown_once_it_is_known_what_it_is() {
        let (places, now) = (Arc::<Places>::default(), Instant::now());
        let place = places
            .take(key("10.0.0.9:70"), b"file", LIMITS, now)
            .unwrap();
        assert_eq!(places.under_way(), []);
        place.claim().sends("snponly.efi", 900);
        place.claim().progress(512, now);
        let shown = places.under_way();
        assert_eq!(
            shown,
            [UnderWay {
                via: Via::Tftp,
                peer: "10.0.0.9:70".parse().unwrap(),
                name: "snponly.efi".to_owned(),
                bytes: 512,
                size: 900,
                began: now,
            }]
        );
        drop(place);
        assert_eq!(places.under_way(), []);
    }

    #[test]
    fn places_are_limited_for_each_address_and_in_all() {
        let (places, now) = (Arc::<Places>::default(), Instant::now());
        let asking = |peer: &str| places.take(key(peer), b"file", LIMITS, now);
        let held: Vec<Place> = ["10.0.0.2:1", "10.0.0.2:2", "10.0.0.3:1", "10.0.0.4:1"]
            .map(|peer| asking(peer).unwrap())
            .into();
        assert_eq!(asking("10.0.0.2:3").unwrap_err(), Taking::AddressFull(2));
        assert_eq!(asking("10.0.0.3:2").unwrap_err(), Taking::Full(4));
        drop(held);
        asking("10.0.0.2:3").unwrap();
        assert!(places.taken().addresses.is_empty());
    }
}
